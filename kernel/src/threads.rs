//! What the operator says about the threads of plugins: the section `threads`, rules by plugin id, `*` for all others.
//!
//! Read by the host, asked once for each generation. Not here: the threads themselves (`instance::own_threads`).

use indexmap::IndexMap;
use objectos_protocol::kernel::plugin_document::ThreadMode;
use serde::{Deserialize, Deserializer, de::Error};

/// Threads that one plugin may have, unless the operator says otherwise.
pub const THREADS_MAX: usize = 8;
/// More than this for one plugin is a mistake in writing.
const THREADS_LIMIT: u64 = 1024;
/// The rule for every plugin that has none of its own.
const EVERYBODY: &str = "*";

/// Rules by plugin id.
pub type ThreadsConfig = IndexMap<String, ThreadRules>;

/// Rules for one plugin. JSON: `{mode?: "own" | "shared", max?: 1 to 1024}`; what is left out is as the plugin's manifest or
/// the default says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ThreadRules {
    /// On whose threads it is called, in place of what its manifest says.
    pub mode: Option<ThreadMode>,
    /// Threads of its own at most.
    #[serde(deserialize_with = "bound")]
    pub max: Option<usize>,
}

/// What holds for one generation of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadPlan {
    pub(crate) mode: ThreadMode,
    pub(crate) max: usize,
}

/// The plan for a plugin whose manifest says `declared`.
pub(crate) fn plan(config: &ThreadsConfig, plugin: &str, declared: ThreadMode) -> ThreadPlan {
    let rules = [config.get(plugin), config.get(EVERYBODY)];
    let mut named = rules.into_iter().flatten();
    let mode = named.clone().find_map(|rule| rule.mode).unwrap_or(declared);
    let max = named.find_map(|rule| rule.max).unwrap_or(THREADS_MAX);
    ThreadPlan { mode, max }
}

fn bound<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let count = u64::deserialize(deserializer)?;
    if !(1..=THREADS_LIMIT).contains(&count) {
        return Err(D::Error::custom(format!(
            "write a number of threads from 1 to {THREADS_LIMIT}, not {count}"
        )));
    }
    usize::try_from(count).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::{ThreadMode, ThreadPlan, ThreadsConfig, plan};
    use serde_json::{Value, json};

    #[test]
    fn the_operator_goes_before_the_manifest_and_one_plugin_before_all() {
        let check = |config: Value, declared, mode, max| {
            let config: ThreadsConfig = serde_json::from_value(config).unwrap();
            assert_eq!(plan(&config, "a.b", declared), ThreadPlan { mode, max }, "{config:?}");
        };
        let (own, shared) = (ThreadMode::Own, ThreadMode::Shared);
        check(json!({}), own, own, 8);
        check(json!({}), shared, shared, 8);
        check(json!({"a.b": {"mode": "own"}}), shared, own, 8);
        check(json!({"*": {"mode": "own", "max": 2}}), shared, own, 2);
        check(
            json!({"*": {"mode": "own", "max": 2}, "a.b": {"max": 4}}),
            shared,
            own,
            4,
        );
        check(json!({"*": {"max": 2}, "a.b": {"mode": "shared"}}), own, shared, 2);
        check(json!({"c.d": {"mode": "shared"}}), own, own, 8);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |rule: Value, expected: &str| {
            let error = serde_json::from_value::<ThreadsConfig>(json!({ "a.b": rule })).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(json!({"max": 0}), "write a number of threads from 1 to 1024, not 0");
        check(json!({"max": 2000}), "not 2000");
        check(json!({"mode": "mine"}), "unknown variant `mine`");
        check(json!({"maximum": 1}), "unknown field `maximum`");
    }
}
