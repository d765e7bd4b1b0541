//! Fields of an object.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::{
    ComputedFieldCache, CurrencyConfig, DataQualityRules, FieldType, FileAttachmentConfig, VectorConfig,
};
use crate::guard::{dotted_name, identifier, optional_not_null, some, yes};
use crate::shared::Number;
use crate::system::{EncryptionConfig, MaskingRule};
use crate::text::{DOTTED_NAME, IDENTIFIER};
use crate::wire_enum::wire_enum;

/// Source: `data/SelectOption`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct SelectOption {
    pub label: String,
    #[serde(deserialize_with = "dotted_name")]
    #[schemars(regex(pattern = DOTTED_NAME), length(min = 2))]
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub color: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub default: Option<bool>,
}

/// Source: `data/Field`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = optional_not_null)]
pub struct Field {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<String>,
    #[serde(rename = "type")]
    pub kind: FieldType,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub format: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub searchable: bool,
    #[serde(default)]
    pub multiple: bool,
    #[serde(default)]
    pub unique: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub default_value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub max_length: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub min_length: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub precision: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub scale: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub min: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub max: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub options: Option<Vec<SelectOption>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub reference_filters: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub write_requires_master_read: Option<bool>,
    #[serde(default)]
    pub delete_behavior: DeleteBehavior,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub expression: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub summary_operations: Option<SummaryOperations>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub theme: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub line_numbers: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub max_rating: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub allow_half: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display_map: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub allow_geocoding: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub address_format: Option<AddressFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub color_format: Option<ColorFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub allow_alpha: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub preset_colors: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub step: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub show_value: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub marks: Option<IndexMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub barcode_format: Option<BarcodeFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub qr_error_correction: Option<QrErrorCorrection>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub display_value: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub allow_scanning: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub currency_config: Option<CurrencyConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub vector_config: Option<VectorConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub file_attachment_config: Option<FileAttachmentConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub encryption_config: Option<EncryptionConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub masking_rule: Option<MaskingRule>,
    #[serde(default)]
    pub audit_trail: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub dependencies: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cached: Option<ComputedFieldCache>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub data_quality: Option<DataQualityRules>,
    #[serde(default)]
    pub hidden: bool,
    #[serde(default)]
    pub readonly: bool,
    #[serde(default = "yes")]
    pub sortable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub inline_help_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub track_feed_history: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub case_sensitive: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub autonumber_format: Option<String>,
    #[serde(default)]
    pub index: bool,
    #[serde(default)]
    pub external_id: bool,
}

wire_enum! {
    /// `deleteBehavior` in `data/Field`.
    #[derive(Default)]
    pub enum DeleteBehavior {
        #[default]
        SetNull = "set_null",
        Cascade = "cascade",
        Restrict = "restrict",
    }
}

/// `summaryOperations` in `data/Field`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SummaryOperations {
    pub object: String,
    pub field: String,
    pub function: SummaryFunction,
}

wire_enum! {
    /// `summaryOperations.function` in `data/Field`.
    pub enum SummaryFunction {
        Count = "count",
        Sum = "sum",
        Min = "min",
        Max = "max",
        Avg = "avg",
    }
}

wire_enum! {
    /// `addressFormat` in `data/Field`.
    pub enum AddressFormat {
        Us = "us",
        Uk = "uk",
        International = "international",
    }
}

wire_enum! {
    /// `colorFormat` in `data/Field`.
    pub enum ColorFormat {
        Hex = "hex",
        Rgb = "rgb",
        Rgba = "rgba",
        Hsl = "hsl",
    }
}

wire_enum! {
    /// `barcodeFormat` in `data/Field`.
    pub enum BarcodeFormat {
        Qr = "qr",
        Ean13 = "ean13",
        Ean8 = "ean8",
        Code128 = "code128",
        Code39 = "code39",
        Upca = "upca",
        Upce = "upce",
    }
}

wire_enum! {
    /// `qrErrorCorrection` in `data/Field`.
    pub enum QrErrorCorrection {
        L = "L",
        M = "M",
        Q = "Q",
        H = "H",
    }
}
