//! Rules that somebody else decides: a server over HTTP, or a service of a plugin.

use objectos_plugin_api::protocol::data::{AsyncRule, CustomRule, ValidatorMethod};
use objectos_plugin_api::protocol::shared::Number;

use crate::app::compile::draft::Draft;
use crate::app::path::KeyPath;
use crate::app::problem::Problems;
use crate::model::{Asked, AskedModel, VALIDATOR_SERVICES};
use crate::validate::is_url;

/// Longest time that a write waits for somebody else.
const TIMEOUT_MS_MAX: u64 = 30_000;
/// For handlers, whose rules do not say.
const TIMEOUT_MS: u64 = 5_000;

/// `async`: an address, or a handler, is asked about one value.
pub(super) fn remote(draft: &Draft, rule: &AsyncRule, path: &KeyPath, problems: &mut Problems) -> Option<AskedModel> {
    let whom = match (&rule.validator_url, &rule.validator_function) {
        (Some(url), None) => {
            if !is_url(&url.replace("{value}", "x")) {
                let message = format!("`{url}` is no address of a server");
                let hint = "write it as in `https://example.com/check`";
                problems.push(draft.document.error(&path.key("validatorUrl"), message).hint(hint));
                return None;
            }
            let headers = rule.headers.iter().flatten();
            Asked::Http {
                url: url.clone(),
                post: rule.method == ValidatorMethod::Post,
                headers: headers.map(|(name, value)| (name.clone(), value.clone())).collect(),
            }
        }
        (None, Some(handler)) => service(draft, handler, &path.key("validatorFunction"), problems)?,
        _ => {
            let message = "an async rule needs either `validatorUrl` or `validatorFunction`";
            problems.push(draft.document.error(path, message).hint("write one of them"));
            return None;
        }
    };
    Some(AskedModel {
        field: Some(rule.field.clone()),
        whom,
        params: rule.params.clone().unwrap_or_default(),
        timeout_ms: timeout(draft, rule.timeout, path, problems),
    })
}

/// `custom`: a handler is asked about the record.
pub(super) fn custom(draft: &Draft, rule: &CustomRule, path: &KeyPath, problems: &mut Problems) -> Option<AskedModel> {
    Some(AskedModel {
        field: None,
        whom: service(draft, &rule.handler, &path.key("handler"), problems)?,
        params: rule.params.clone().unwrap_or_default(),
        timeout_ms: TIMEOUT_MS,
    })
}

/// `validator.tax:check` is the method `check` of the service `validator.tax`.
fn service(draft: &Draft, handler: &str, path: &KeyPath, problems: &mut Problems) -> Option<Asked> {
    let parts = handler
        .rsplit_once(':')
        .map(|(service, method)| (service.trim(), method.trim()));
    let known = |service: &str| service.len() > VALIDATOR_SERVICES.len() && service.starts_with(VALIDATOR_SERVICES);
    if let Some((service, method)) = parts
        && known(service)
        && !method.is_empty()
    {
        return Some(Asked::Service {
            service: service.to_owned(),
            method: method.to_owned(),
        });
    }
    let message = format!("`{handler}` names no method of a service that judges records");
    let hint =
        format!("write `{VALIDATOR_SERVICES}NAME:METHOD`; a plugin provides the service `{VALIDATOR_SERVICES}NAME`");
    problems.push(draft.document.error(path, message).hint(hint));
    None
}

fn timeout(draft: &Draft, timeout: Number, path: &KeyPath, problems: &mut Problems) -> u64 {
    match timeout.as_u64() {
        Some(timeout_ms @ 1..=TIMEOUT_MS_MAX) => timeout_ms,
        _ => {
            let message = format!("expected 1 to {TIMEOUT_MS_MAX} milliseconds, found {timeout}");
            problems.push(draft.document.error(&path.key("timeout"), message));
            TIMEOUT_MS
        }
    }
}
