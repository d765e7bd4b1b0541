//! Encryption and masking of field values. Source: the `system` folder of the protocol.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, number_from, some, yes};
use crate::map_only::map_only;
use crate::shared::Number;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// Ciphers for stored values. Source: `system/EncryptionAlgorithm`.
    #[derive(Default)]
    pub enum EncryptionAlgorithm {
        #[default]
        Aes256Gcm = "aes-256-gcm",
        Aes256Cbc = "aes-256-cbc",
        Chacha20Poly1305 = "chacha20-poly1305",
    }
}

wire_enum! {
    /// Who keeps the keys. Source: `system/KeyManagementProvider`.
    pub enum KeyManagementProvider {
        Local = "local",
        AwsKms = "aws-kms",
        AzureKeyVault = "azure-key-vault",
        GcpKms = "gcp-kms",
        HashicorpVault = "hashicorp-vault",
    }
}

/// When keys are replaced. Source: `system/KeyRotationPolicy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "KeyRotationPolicy", rename_all = "camelCase", default, deny_unknown_fields)]
pub struct KeyRotationPolicy {
    pub enabled: bool,
    /// Days between rotations.
    #[serde(deserialize_with = "number_from::<1, _, _>")]
    #[schemars(range(min = 1))]
    pub frequency_days: Number,
    pub retain_old_versions: Number,
    pub auto_rotate: bool,
}

impl Default for KeyRotationPolicy {
    fn default() -> Self {
        Self {
            enabled: false,
            frequency_days: Number::from(90),
            retain_old_versions: Number::from(3),
            auto_rotate: true,
        }
    }
}

/// Encryption of stored values. Source: `system/EncryptionConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EncryptionConfig", rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptionConfig {
    #[serde(default)]
    pub enabled: bool,
    #[serde(default)]
    pub algorithm: EncryptionAlgorithm,
    pub key_management: KeyManagement,
    pub scope: EncryptionScope,
    #[serde(default)]
    pub deterministic_encryption: bool,
    #[serde(default)]
    pub searchable_encryption: bool,
}

/// Where the key comes from. Source: `system/EncryptionConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "KeyManagement", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct KeyManagement {
    pub provider: KeyManagementProvider,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub rotation_policy: Option<KeyRotationPolicy>,
}

wire_enum! {
    /// How much one key covers. Source: `system/EncryptionConfig`.
    pub enum EncryptionScope {
        Field = "field",
        Record = "record",
        Table = "table",
        Database = "database",
    }
}

wire_enum! {
    /// How a value is hidden. Source: `system/MaskingStrategy`.
    pub enum MaskingStrategy {
        Redact = "redact",
        Partial = "partial",
        Hash = "hash",
        Tokenize = "tokenize",
        Randomize = "randomize",
        Nullify = "nullify",
        Substitute = "substitute",
    }
}

/// Who sees a value only masked, and how. Source: `system/MaskingRule`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "MaskingRule", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct MaskingRule {
    pub field: String,
    pub strategy: MaskingStrategy,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub pattern: Option<String>,
    #[serde(default = "yes")]
    pub preserve_format: bool,
    #[serde(default = "yes")]
    pub preserve_length: bool,
    /// Who sees the value masked.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub roles: Option<Vec<String>>,
    /// Who sees the value as it is.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub exempt_roles: Option<Vec<String>>,
}

map_only! {
    KeyRotationPolicy, KeyManagement, EncryptionConfig, MaskingRule,
}
