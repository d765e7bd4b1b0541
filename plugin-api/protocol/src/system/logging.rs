//! Logging of the host and of plugins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, some};
use crate::map_only::map_only;
use crate::shared::Number;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// From which level on messages are written. Source: `system/LogLevel`.
    #[derive(Default)]
    pub enum LogLevel {
        Debug = "debug",
        #[default]
        Info = "info",
        Warn = "warn",
        Error = "error",
        Fatal = "fatal",
        Silent = "silent",
    }
}

/// How messages are written. Source: `system/LoggerConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "LoggerConfig", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct LoggerConfig {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub name: Option<String>,
    pub level: LogLevel,
    pub format: LogFormat,
    /// Keys whose values are replaced.
    pub redact: Vec<String>,
    pub source_location: bool,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub rotation: Option<LogRotation>,
}

impl Default for LoggerConfig {
    fn default() -> Self {
        Self {
            name: None,
            level: LogLevel::Info,
            format: LogFormat::Json,
            redact: default_redact(),
            source_location: false,
            file: None,
            rotation: None,
        }
    }
}

wire_enum! {
    /// The form of a message. Source: `system/LoggerConfig`.
    #[derive(Default)]
    pub enum LogFormat {
        #[default]
        Json = "json",
        Text = "text",
        Pretty = "pretty",
    }
}

/// When a log file is closed and another begun. Source: `system/LoggerConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "LogRotation", rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LogRotation {
    /// Such as `10m`.
    pub max_size: String,
    pub max_files: Number,
}

impl Default for LogRotation {
    fn default() -> Self {
        Self {
            max_size: "10m".to_owned(),
            max_files: Number::from(5),
        }
    }
}

fn default_redact() -> Vec<String> {
    ["password", "token", "secret", "key"].map(str::to_owned).to_vec()
}

map_only! {
    LogRotation, LoggerConfig,
}
