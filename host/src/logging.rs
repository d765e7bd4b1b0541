//! Where log lines go and how they look: standard error, for people or as JSON.

use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::settings::Settings;

/// Installs the subscriber of the process. A second call does nothing. A line that cannot be written is lost: the one place to
/// say so is where it could not be written.
pub fn install(settings: &Settings) {
    let filter = EnvFilter::try_new(&settings.log_level.value).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let installed = if settings.log_format.value == "json" {
        let layer = fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stderr)
            .log_internal_errors(false);
        registry.with(layer).try_init()
    } else {
        let layer = fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .log_internal_errors(false);
        registry.with(layer).try_init()
    };
    // Fails only when one is installed already, which tests may do.
    drop(installed);
}
