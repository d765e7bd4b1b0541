//! Which events a plugin may have stored with a change, by a handler of a hook or with a transaction: those that it could publish by
//! itself, which its manifest names under `events.publishes` and the operator does not deny. Asked by the engine for each of them.
//! Not here: names that no plugin may give (`engine::beside`).

use objectos_plugin_api::contracts::grants::{GrantQuestion, GrantsClient};
use objectos_plugin_api::{Context, Error, ErrorKind, Host, Result};
use serde_json::json;

/// The right to publish an event of a name.
const CAPABILITY: &str = "event:publish";

/// Fails with `Denied` for a plugin that may not, naming it, the event and the remedy.
pub(super) async fn admit(host: &Host, context: &Context, plugin: &str, event: &str) -> Result<()> {
    let question = GrantQuestion {
        plugin: plugin.to_owned(),
        capability: CAPABILITY.to_owned(),
        subject: event.to_owned(),
    };
    let answer = GrantsClient::open(host)?.check(context, &question).await?;
    if answer.granted {
        return Ok(());
    }
    let (reason, remedy) = if answer.denied_by.is_some() {
        (answer.reason, answer.remedy)
    } else {
        // The answer speaks of permissions in general; events are asked for by their names.
        let reason = "its plugin.json does not name it in events.publishes".to_owned();
        (reason, format!("let its plugin.json name `{event}` there"))
    };
    tracing::warn!(
        plugin,
        event,
        "a plugin wanted an event stored with a change that it may not publish; the change is refused"
    );
    let message = format!("plugin {plugin} may not have the event {event} stored with a change: {reason}; {remedy}");
    let details = json!({ "plugin": plugin, "event": event, "capability": CAPABILITY, "remedy": remedy });
    Err(Error::new(ErrorKind::Denied, message).with_details(&details))
}
