//! Options of calls into the data engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guard::{guarded, some};
use crate::map_only::map_only;

/// Options that every call into the data engine takes. Source: `data/BaseEngineOptions`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "BaseEngineOptions", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct BaseEngineOptions {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub context: Option<EngineContext>,
}

/// On whose behalf a call is made. Source: `data/BaseEngineOptions`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "EngineContext", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct EngineContext {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tenant_id: Option<String>,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    pub is_system: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub transaction: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub trace_id: Option<String>,
}

map_only! {
    EngineContext, BaseEngineOptions,
}
