//! `cargo xtask audit-spec`: plugins against their manifests, our types against the published protocol. Ends with a failure
//! on any finding. What one half says is shown whatever became of the other.

use anyhow::Result;
use serde_json::{Value, json};
use std::process::ExitCode;

use crate::{audit_plugins, audit_protocol, shell};

/// What became of one half.
#[derive(Debug)]
struct Half {
    clean: bool,
    text: String,
    json: Value,
}

impl Half {
    fn of<T>(title: &str, outcome: Result<T>, shown: impl FnOnce(T) -> Self) -> Self {
        match outcome {
            Ok(report) => shown(report),
            Err(error) => Self {
                clean: false,
                text: format!("{title}\n  error: {error:#}\n"),
                json: json!({ "error": format!("{error:#}") }),
            },
        }
    }

    fn plugins(outcome: Result<audit_plugins::Report>) -> Self {
        Self::of("plugins against their manifests", outcome, |report| Self {
            clean: report.clean(),
            text: report.to_text(),
            json: report.to_json(),
        })
    }

    fn protocol(outcome: Result<audit_protocol::Report>) -> Self {
        Self::of("protocol types against the published schemas", outcome, |report| Self {
            clean: report.is_clean(),
            text: report.to_string(),
            json: json!(report),
        })
    }
}

pub(crate) fn audit_spec(json: bool) -> ExitCode {
    let plugins = Half::plugins(audit_plugins::run());
    let protocol = Half::protocol(audit_protocol::audit());
    let (text, code) = answer(&plugins, &protocol, json);
    shell::print(&text);
    ExitCode::from(code)
}

/// What is printed, and the exit code.
fn answer(plugins: &Half, protocol: &Half, json: bool) -> (String, u8) {
    let text = if json {
        format!("{:#}", json!({ "plugins": plugins.json, "protocol": protocol.json }))
    } else {
        format!("{}\n{}", plugins.text, protocol.text)
    };
    (text, u8::from(!(plugins.clean && protocol.clean)))
}

#[cfg(test)]
mod tests;
