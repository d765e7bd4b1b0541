//! What every plugin may know about the kernel it runs in.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::check::{Uuid, integer, present, published, text};
use crate::map_only::map_only;

/// What the instance is run for, from `kernel/RuntimeMode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeMode {
    Development,
    #[default]
    Production,
    Test,
    Provisioning,
}

/// The kernel as its plugins see it, from `kernel/KernelContext`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "KernelContext", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = published)]
pub struct KernelContext {
    /// UUID, new at every start.
    #[serde(deserialize_with = "text::<_, Uuid>")]
    #[schemars(extend("format" = "uuid"))]
    pub instance_id: String,
    #[serde(default)]
    pub mode: RuntimeMode,
    /// Version of the kernel.
    pub version: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// Working directory of the process.
    pub cwd: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub workspace_root: Option<String>,
    /// Milliseconds since 1970.
    #[serde(deserialize_with = "integer")]
    pub start_time: i64,
    /// Feature name to on or off.
    #[serde(default)]
    pub features: IndexMap<String, bool>,
}

map_only! {
    KernelContext,
}
