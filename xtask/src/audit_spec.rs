//! `cargo xtask audit-spec`: plugins against their manifests, our types against the published protocol. Ends with a failure
//! on any finding.

use std::process::ExitCode;

use crate::{audit_plugins, audit_protocol, shell};

pub(crate) fn audit_spec(json: bool) -> ExitCode {
    let plugins = audit_plugins::run();
    let protocol = audit_protocol::audit();
    match (plugins, protocol) {
        (Ok(plugins), Ok(protocol)) => {
            if json {
                let document = serde_json::json!({ "plugins": plugins.to_json(), "protocol": protocol });
                shell::print(&format!("{document:#}"));
            } else {
                shell::print(&plugins.to_text());
                shell::print(&protocol.to_string());
            }
            if plugins.clean() && protocol.is_clean() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            shell::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
