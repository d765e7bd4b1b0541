//! Hooks of the data engine as the protocol names them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guard::{guarded, some};
use crate::map_only::map_only;
use crate::shared::JsonMap;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// The moments at which a hook may run, in the protocol's spelling. Source: `data/HookEvent`.
    pub enum HookEvent {
        BeforeFind = "beforeFind",
        AfterFind = "afterFind",
        BeforeFindOne = "beforeFindOne",
        AfterFindOne = "afterFindOne",
        BeforeCount = "beforeCount",
        AfterCount = "afterCount",
        BeforeAggregate = "beforeAggregate",
        AfterAggregate = "afterAggregate",
        BeforeInsert = "beforeInsert",
        AfterInsert = "afterInsert",
        BeforeUpdate = "beforeUpdate",
        AfterUpdate = "afterUpdate",
        BeforeDelete = "beforeDelete",
        AfterDelete = "afterDelete",
        BeforeUpdateMany = "beforeUpdateMany",
        AfterUpdateMany = "afterUpdateMany",
        BeforeDeleteMany = "beforeDeleteMany",
        AfterDeleteMany = "afterDeleteMany",
    }
}

/// What a hook is given. Source: `data/HookContext`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HookContext", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct HookContext {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub id: Option<String>,
    pub object: String,
    pub event: HookEvent,
    pub input: JsonMap,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub result: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub previous: Option<JsonMap>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub session: Option<HookSession>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub transaction: Option<Value>,
    /// Handle of the data engine; has no form on the wire.
    pub ql: Value,
}

/// On whose behalf a hook runs. Source: `data/HookContext`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "HookSession", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct HookSession {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub tenant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub access_token: Option<String>,
}

map_only! {
    HookSession, HookContext,
}
