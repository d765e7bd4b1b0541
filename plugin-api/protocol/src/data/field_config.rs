//! Configuration that only some field types have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, integer_in, number_from, number_in, some, text_len, yes};
use crate::map_only::map_only;
use crate::shared::Number;
use crate::wire_enum::wire_enum;

/// For `currency` fields. Source: `data/CurrencyConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CurrencyConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct CurrencyConfig {
    /// Digits after the decimal point.
    #[serde(deserialize_with = "integer_in::<0, 10, _, _>")]
    #[schemars(range(max = 10))]
    pub precision: u64,
    pub currency_mode: CurrencyMode,
    /// ISO 4217.
    #[serde(deserialize_with = "text_len::<3, 3, _, _>")]
    #[schemars(length(min = 3, max = 3))]
    pub default_currency: String,
}

impl Default for CurrencyConfig {
    fn default() -> Self {
        Self {
            precision: 2,
            currency_mode: CurrencyMode::Dynamic,
            default_currency: "CNY".to_owned(),
        }
    }
}

wire_enum! {
    /// `currencyMode` in `data/CurrencyConfig`.
    #[derive(Default)]
    pub enum CurrencyMode {
        #[default]
        Dynamic = "dynamic",
        Fixed = "fixed",
    }
}

/// For `vector` fields. Source: `data/VectorConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "VectorConfig", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct VectorConfig {
    #[serde(deserialize_with = "integer_in::<1, 10000, _, _>")]
    #[schemars(range(min = 1, max = 10000))]
    pub dimensions: u64,
    #[serde(default)]
    pub distance_metric: DistanceMetric,
    #[serde(default)]
    pub normalized: bool,
    #[serde(default = "yes")]
    pub indexed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub index_type: Option<VectorIndexType>,
}

wire_enum! {
    /// `distanceMetric` in `data/VectorConfig`.
    #[derive(Default)]
    pub enum DistanceMetric {
        #[default]
        Cosine = "cosine",
        Euclidean = "euclidean",
        DotProduct = "dotProduct",
        Manhattan = "manhattan",
    }
}

wire_enum! {
    /// `indexType` in `data/VectorConfig`.
    pub enum VectorIndexType {
        Hnsw = "hnsw",
        Ivfflat = "ivfflat",
        Flat = "flat",
    }
}

/// For `file`, `image`, `avatar`, `video` and `audio` fields. Source: `data/FileAttachmentConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    remote = "FileAttachmentConfig",
    rename_all = "camelCase",
    default,
    deny_unknown_fields
)]
#[schemars(transform = guarded)]
pub struct FileAttachmentConfig {
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number_from::<0, _, _>")]
    #[schemars(range(min = 0))]
    pub min_size: Option<Number>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub max_size: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub allowed_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub blocked_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub allowed_mime_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub blocked_mime_types: Option<Vec<String>>,
    pub virus_scan: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub virus_scan_provider: Option<VirusScanProvider>,
    pub virus_scan_on_upload: bool,
    pub quarantine_on_threat: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub storage_provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub storage_bucket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub storage_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub image_validation: Option<ImageValidation>,
    pub allow_multiple: bool,
    pub allow_replace: bool,
    pub allow_delete: bool,
    pub require_upload: bool,
    pub extract_metadata: bool,
    pub extract_text: bool,
    pub versioning_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub max_versions: Option<Number>,
    pub public_read: bool,
    /// Seconds a link is good for.
    #[serde(deserialize_with = "number_in::<60, 604800, _, _>")]
    #[schemars(range(min = 60, max = 604800))]
    pub presigned_url_expiry: Number,
}

impl Default for FileAttachmentConfig {
    fn default() -> Self {
        Self {
            min_size: None,
            max_size: None,
            allowed_types: None,
            blocked_types: None,
            allowed_mime_types: None,
            blocked_mime_types: None,
            virus_scan: false,
            virus_scan_provider: None,
            virus_scan_on_upload: true,
            quarantine_on_threat: true,
            storage_provider: None,
            storage_bucket: None,
            storage_prefix: None,
            image_validation: None,
            allow_multiple: false,
            allow_replace: true,
            allow_delete: true,
            require_upload: false,
            extract_metadata: true,
            extract_text: false,
            versioning_enabled: false,
            max_versions: None,
            public_read: false,
            presigned_url_expiry: Number::from(3600),
        }
    }
}

wire_enum! {
    /// `virusScanProvider` in `data/FileAttachmentConfig`.
    pub enum VirusScanProvider {
        Clamav = "clamav",
        Virustotal = "virustotal",
        Metadefender = "metadefender",
        Custom = "custom",
    }
}

/// What an uploaded image must be, and what is made of it. Source: `data/FileAttachmentConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ImageValidation", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ImageValidation {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub min_width: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub max_width: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub min_height: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub max_height: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub aspect_ratio: Option<String>,
    pub generate_thumbnails: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub thumbnail_sizes: Option<Vec<ThumbnailSize>>,
    pub preserve_metadata: bool,
    pub auto_rotate: bool,
}

impl Default for ImageValidation {
    fn default() -> Self {
        Self {
            min_width: None,
            max_width: None,
            min_height: None,
            max_height: None,
            aspect_ratio: None,
            generate_thumbnails: false,
            thumbnail_sizes: None,
            preserve_metadata: false,
            auto_rotate: true,
        }
    }
}

/// A smaller copy of an image; sizes in pixels. Source: `data/FileAttachmentConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ThumbnailSize", deny_unknown_fields)]
pub struct ThumbnailSize {
    pub name: String,
    #[serde(deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub width: Number,
    #[serde(deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub height: Number,
    #[serde(default)]
    pub crop: bool,
}

/// A computed value is kept for a while. Source: `data/ComputedFieldCache`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ComputedFieldCache", rename_all = "camelCase", deny_unknown_fields)]
pub struct ComputedFieldCache {
    pub enabled: bool,
    /// Seconds; 0 keeps the value until a dependency changes.
    #[serde(deserialize_with = "number_from::<0, _, _>")]
    #[schemars(range(min = 0))]
    pub ttl: Number,
    /// Fields whose change empties the cache.
    pub invalidate_on: Vec<String>,
}

/// What is measured about the values of a field. Source: `data/DataQualityRules`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "DataQualityRules", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct DataQualityRules {
    pub uniqueness: bool,
    /// Share of records that should have a value, 0 to 1.
    #[serde(deserialize_with = "number_in::<0, 1, _, _>")]
    #[schemars(range(min = 0, max = 1))]
    pub completeness: Number,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub accuracy: Option<AccuracyRule>,
}

/// Values are compared with a source of truth. Source: `data/DataQualityRules`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "AccuracyRule", deny_unknown_fields)]
pub struct AccuracyRule {
    pub source: String,
    #[serde(deserialize_with = "number_in::<0, 1, _, _>")]
    #[schemars(range(min = 0, max = 1))]
    pub threshold: Number,
}

map_only! {
    CurrencyConfig, VectorConfig, ThumbnailSize, ImageValidation, FileAttachmentConfig, ComputedFieldCache, AccuracyRule, DataQualityRules,
}
