//! Sharing rules: records that are opened to more people than the object's default says.
//!
//! The wire form is flat. In Rust the shared keys are fields and the rest is an enum. Evaluating rules is the permissions plugin.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::guard::{divided, guarded, identifier, some, yes};
use crate::map_only::map_only;
use crate::security::{ShareRecipientType, SharingLevel};
use crate::text::IDENTIFIER;

/// A sharing rule of either kind. Source: `security/SharingRule`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct SharingRule {
    /// Keys that every rule has.
    #[serde(flatten)]
    pub common: SharingRuleCommon,
    /// Which records are shared, by `type`.
    #[serde(flatten)]
    pub kind: SharingRuleKind,
}

/// The keys that every sharing rule has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "SharingRuleCommon", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct SharingRuleCommon {
    #[serde(deserialize_with = "identifier")]
    #[schemars(regex(pattern = IDENTIFIER))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    /// Name of the object whose records are shared.
    pub object: String,
    #[serde(default = "yes")]
    pub active: bool,
    #[serde(default)]
    pub access_level: SharingLevel,
    /// Who gains access.
    pub shared_with: ShareRecipient,
}

/// Which records a sharing rule opens; the key `type` on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SharingRuleKind {
    /// Records for which a condition holds. Source: `security/CriteriaSharingRule`.
    Criteria(CriteriaSharing),
    /// Records of certain owners. Source: `security/OwnerSharingRule`.
    Owner(OwnerSharing),
}

/// Shares the records for which a condition holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "CriteriaSharing", deny_unknown_fields)]
pub struct CriteriaSharing {
    /// Expression over the record.
    pub condition: String,
}

/// Shares the records that certain people own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "OwnerSharing", rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerSharing {
    /// Whose records are shared.
    pub owned_by: ShareRecipient,
}

/// A user, group or role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ShareRecipient", deny_unknown_fields)]
pub struct ShareRecipient {
    /// `type` on the wire.
    #[serde(rename = "type")]
    pub kind: ShareRecipientType,
    /// Id or name of the user, group or role.
    pub value: String,
}

const COMMON_KEYS: [&str; 7] = [
    "name",
    "label",
    "description",
    "object",
    "active",
    "accessLevel",
    "sharedWith",
];

impl<'de> Deserialize<'de> for SharingRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (common, kind) = divided(deserializer, &COMMON_KEYS)?;
        Ok(Self { common, kind })
    }
}

map_only! { SharingRuleCommon, CriteriaSharing, OwnerSharing, ShareRecipient }
