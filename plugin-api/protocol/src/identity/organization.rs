//! Organisations, their members and invitations, and roles.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{date_time, email, guarded, slug, snake_name, some, uri};
use crate::map_only::map_only;
use crate::shared::JsonMap;
use crate::text::{DATE_TIME, EMAIL, SLUG, SNAKE_NAME};
use crate::wire_enum::wire_enum;

/// A group of users with data of its own. Source: `identity/Organization`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Organization", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Organization {
    pub id: String,
    pub name: String,
    #[serde(deserialize_with = "slug")]
    #[schemars(regex(pattern = SLUG))]
    pub slug: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "uri")]
    #[schemars(extend("format" = "uri"))]
    pub logo: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub metadata: Option<JsonMap>,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub created_at: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub updated_at: String,
}

/// A user's place in an organisation. Source: `identity/Member`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Member", rename_all = "camelCase", deny_unknown_fields)]
pub struct Member {
    pub id: String,
    pub organization_id: String,
    pub user_id: String,
    pub role: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub created_at: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub updated_at: String,
}

wire_enum! {
    /// What became of an invitation. Source: `identity/InvitationStatus`.
    #[derive(Default)]
    pub enum InvitationStatus {
        #[default]
        Pending = "pending",
        Accepted = "accepted",
        Rejected = "rejected",
        Expired = "expired",
    }
}

/// An invitation to join an organisation. Source: `identity/Invitation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Invitation", rename_all = "camelCase", deny_unknown_fields)]
pub struct Invitation {
    pub id: String,
    pub organization_id: String,
    #[serde(deserialize_with = "email")]
    #[schemars(regex(pattern = EMAIL), extend("format" = "email"))]
    pub email: String,
    pub role: String,
    #[serde(default)]
    pub status: InvitationStatus,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub expires_at: String,
    pub inviter_id: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub created_at: String,
    #[serde(deserialize_with = "date_time")]
    #[schemars(regex(pattern = DATE_TIME), extend("format" = "date-time"))]
    pub updated_at: String,
}

/// A place in the hierarchy; holders see what holders of the roles below see. Source: `identity/Role`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Role", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Role {
    #[serde(deserialize_with = "snake_name")]
    #[schemars(regex(pattern = SNAKE_NAME), length(min = 2))]
    pub name: String,
    pub label: String,
    /// Name of the role above.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub parent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
}

map_only! {
    Organization, Member, Invitation, Role,
}
