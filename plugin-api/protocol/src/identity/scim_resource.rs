//! What a SCIM list can hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::{ScimGroup, ScimUser};
use crate::shared::JsonMap;

/// A user, a group, or any other resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ScimResource {
    User(Box<ScimUser>),
    Group(Box<ScimGroup>),
    Other(JsonMap),
}
