//! What an operator sets. JSON, camelCase, as `plugin.json` describes it; the checks here are those a schema cannot
//! make.

use objectos_plugin_api::Setup;
use serde::Deserialize;

use crate::error::{GraphqlError, Result};

/// The whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GraphqlConfig {
    /// Answer `__schema` and `__type`; by the mode when it is not said.
    pub introspection: Option<bool>,
    /// Answer a page to try queries on; by the mode when it is not said.
    pub playground: Option<bool>,
    /// Fields within each other at most.
    pub max_depth: usize,
    /// Fields and records at most.
    pub max_complexity: usize,
    /// Records of a list that names no limit.
    pub default_page_size: u64,
    /// Records of one list at most.
    pub max_page_size: u64,
    /// Bytes of a query at most.
    pub max_query_bytes: usize,
    /// Fields under another name at most.
    pub max_aliases: usize,
}

impl Default for GraphqlConfig {
    fn default() -> Self {
        Self {
            introspection: None,
            playground: None,
            max_depth: 10,
            max_complexity: 1_000,
            default_page_size: 20,
            max_page_size: 100,
            max_query_bytes: 32_768,
            max_aliases: 50,
        }
    }
}

/// What was set, with all that the mode decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) introspection: bool,
    pub(crate) playground: bool,
    pub(crate) depth: usize,
    pub(crate) complexity: usize,
    pub(crate) query_bytes: usize,
    pub(crate) aliases: usize,
    pub(crate) pages: Pages,
}

/// Sizes of pages, records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    pub(crate) default: u64,
    pub(crate) max: u64,
}

impl Limits {
    /// Reads the plugin's configuration.
    ///
    /// # Errors
    /// `Configuration` for values that do not go together.
    pub(crate) fn read(setup: &Setup) -> Result<Self> {
        let config: GraphqlConfig = if setup.config.is_null() {
            GraphqlConfig::default()
        } else {
            setup.config()?
        };
        Self::of(&config, &setup.settings.mode)
    }

    /// Without a word, both introspection and the page are for everybody but production.
    pub(crate) fn of(config: &GraphqlConfig, mode: &str) -> Result<Self> {
        if config.default_page_size == 0 || config.default_page_size > config.max_page_size {
            return Err(GraphqlError::Configuration(format!(
                "defaultPageSize is {}: set it between 1 and maxPageSize, which is {}",
                config.default_page_size, config.max_page_size
            )));
        }
        let open = mode != "production";
        Ok(Self {
            introspection: config.introspection.unwrap_or(open),
            playground: config.playground.unwrap_or(open),
            depth: config.max_depth,
            complexity: config.max_complexity,
            query_bytes: config.max_query_bytes,
            aliases: config.max_aliases,
            pages: Pages {
                default: config.default_page_size,
                max: config.max_page_size,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_decides_what_nobody_set() {
        let check = |mode: &str, set: Option<bool>, expected: bool| {
            let config = GraphqlConfig {
                introspection: set,
                playground: set,
                ..GraphqlConfig::default()
            };
            let limits = Limits::of(&config, mode).expect("limits");
            assert_eq!(
                (limits.introspection, limits.playground),
                (expected, expected),
                "{mode} {set:?}"
            );
        };
        check("development", None, true);
        check("test", None, true);
        check("production", None, false);
        check("production", Some(true), true);
        check("development", Some(false), false);
    }

    #[test]
    fn a_page_by_itself_is_no_greater_than_the_greatest() {
        let config = GraphqlConfig {
            default_page_size: 101,
            ..GraphqlConfig::default()
        };
        let refused = Limits::of(&config, "test").expect_err("101 is more than 100");
        assert!(refused.to_string().contains("maxPageSize"), "{refused}");
    }
}
