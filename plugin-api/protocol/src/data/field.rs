//! Fields of an object.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::{
    ComputedFieldCache, CurrencyConfig, DataQualityRules, FieldType, FileAttachmentConfig, VectorConfig,
};
use crate::guard::{dotted_name, guarded, identifier, some, yes};
use crate::map_only::map_only;
use crate::shared::Number;
use crate::system::{EncryptionConfig, MaskingRule};
use crate::text::{DOTTED_NAME, IDENTIFIER};
use crate::wire_enum::wire_enum;

/// One choice of a select field. Source: `data/SelectOption`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SelectOption", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SelectOption {
    /// Shown.
    pub label: String,
    /// Stored; two or more characters, lower case.
    #[serde(deserialize_with = "dotted_name")]
    #[schemars(regex(pattern = DOTTED_NAME), length(min = 2))]
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub color: Option<String>,
    /// Chosen when a new record has no value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub default: Option<bool>,
}

/// A field of an object. Only `type` is required; the other keys have defaults or are optional, and many apply to some types only. Source: `data/Field`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Field", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Field {
    /// Repeats the key in the object's `fields`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<String>,
    /// `type` on the wire.
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
    /// The value is a list; for select, lookup and file types.
    #[serde(default)]
    pub multiple: bool,
    /// No two records have the same value.
    #[serde(default)]
    pub unique: bool,
    /// Stored when a new record has no value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub default_value: Option<Value>,
    /// Characters.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub max_length: Option<Number>,
    /// Characters.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub min_length: Option<Number>,
    /// Digits in all.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub precision: Option<Number>,
    /// Digits after the decimal point.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub scale: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub min: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub max: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub options: Option<Vec<SelectOption>>,
    /// Name of the object that is referred to; for lookup, master-detail and tree types.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub reference: Option<String>,
    /// Conditions that records offered for choice must meet.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub reference_filters: Option<Vec<String>>,
    /// Whoever changes the field must be able to read the master record.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub write_requires_master_read: Option<bool>,
    /// When the record that is referred to is deleted.
    #[serde(default)]
    pub delete_behavior: DeleteBehavior,
    /// For formula fields.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub expression: Option<String>,
    /// For summary fields.
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
    /// Labels at points of a slider.
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
    /// Every change is written down with the value before and after.
    #[serde(default)]
    pub audit_trail: bool,
    /// Fields the value is computed from.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub dependencies: Option<Vec<String>>,
    /// For computed values.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cached: Option<ComputedFieldCache>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub data_quality: Option<DataQualityRules>,
    /// Not shown unless asked for.
    #[serde(default)]
    pub hidden: bool,
    /// Not written by users.
    #[serde(default)]
    pub readonly: bool,
    #[serde(default = "yes")]
    pub sortable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub inline_help_text: Option<String>,
    /// Changes appear in the record's feed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub track_feed_history: Option<bool>,
    /// Whether text that differs only in case is different.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub case_sensitive: Option<bool>,
    /// Such as `CASE-{0000}`; the zeros give the number of digits.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub autonumber_format: Option<String>,
    /// The column has an index of its own.
    #[serde(default)]
    pub index: bool,
    /// Holds the record's id in another system; upserts may match on it.
    #[serde(default)]
    pub external_id: bool,
}

wire_enum! {
    /// What happens to a record when the record it refers to is deleted. Source: `data/Field`.
    #[derive(Default)]
    pub enum DeleteBehavior {
        #[default]
        SetNull = "set_null",
        Cascade = "cascade",
        Restrict = "restrict",
    }
}

/// Definition of a `summary` field: a figure over the detail records. Source: `data/Field`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SummaryOperations", deny_unknown_fields)]
pub struct SummaryOperations {
    /// The detail object.
    pub object: String,
    /// The field of the detail object that is summed up.
    pub field: String,
    pub function: SummaryFunction,
}

wire_enum! {
    /// How the detail records are summed up. Source: `data/Field`.
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

map_only! {
    SelectOption, SummaryOperations, Field,
}
