//! `cargo xtask audit-spec`: plugins against their manifests, our types against the published protocol. Ends with a failure
//! on any finding.

use std::process::ExitCode;

use crate::{audit_plugins, audit_protocol, shell};

pub(crate) fn audit_spec(json: bool) -> ExitCode {
    let plugins = audit_plugins::run();
    let protocol = audit_protocol::run(json);
    match (plugins, protocol) {
        (Ok(plugins), Ok(protocol)) => {
            if json {
                let document = serde_json::json!({ "plugins": plugins.to_json(), "protocol": protocol.to_json() });
                shell::print(&format!("{document:#}"));
            } else {
                shell::print(&plugins.to_text());
                shell::print(&protocol.to_text());
            }
            if plugins.clean() && protocol.clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        (Err(error), _) | (_, Err(error)) => {
            shell::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
