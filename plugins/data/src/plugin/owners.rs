//! Which plugins may have records of the platform's own objects stored with a change: the one whose manifest declares the object,
//! and those that the operator lets act as the system. Such a record is made as the system, past the guards of its object.
//! Asked by the engine before it makes one. Not here: what a handler may do to the change itself.

use std::collections::HashMap;

use objectos_plugin_api::contracts::grants::{GrantQuestion, GrantsClient};
use objectos_plugin_api::{Context, Error, ErrorKind, Host, Result};
use parking_lot::RwLock;
use serde::Deserialize;
use serde_json::json;

/// The right to act as the system.
const CAPABILITY: &str = "system:act";

/// Who declares what, looked up anew whenever the plugins' contributions changed.
#[derive(Debug)]
pub(super) struct Owners {
    host: Host,
    /// The plugin of each object, and the epoch of the contributions in which that was seen.
    seen: RwLock<Option<(u64, HashMap<String, String>)>>,
}

#[derive(Deserialize)]
struct Contribution {
    plugin: String,
    name: String,
}

impl Owners {
    pub(super) fn new(host: &Host) -> Self {
        Self {
            host: host.clone(),
            seen: RwLock::default(),
        }
    }

    /// Fails with `Denied` for a plugin that may not, naming it, the object and the remedy.
    pub(super) async fn admit(&self, context: &Context, plugin: &str, object: &str) -> Result<()> {
        if self.declares(plugin, object)? {
            return Ok(());
        }
        let question = GrantQuestion {
            plugin: plugin.to_owned(),
            capability: CAPABILITY.to_owned(),
            subject: "*".to_owned(),
        };
        let answer = GrantsClient::open(&self.host)?.check(context, &question).await?;
        if answer.granted {
            return Ok(());
        }
        tracing::warn!(
            plugin,
            object,
            "a handler wanted a record stored with a change that its plugin may not make; the change is refused"
        );
        let message = format!(
            "plugin {plugin} may not have a record of '{object}' stored with a change: its plugin.json does not declare that \
             object, and it does not hold the grant `system`, {}; {}",
            answer.reason, answer.remedy
        );
        let details = json!({ "plugin": plugin, "object": object, "capability": CAPABILITY, "remedy": answer.remedy });
        Err(Error::new(ErrorKind::Denied, message).with_details(&details))
    }

    /// Whether the plugin's manifest declares the object.
    fn declares(&self, plugin: &str, object: &str) -> Result<bool> {
        let epoch = self.host.contributions_epoch();
        let of = |owners: &HashMap<String, String>| owners.get(object).is_some_and(|owner| owner == plugin);
        if let Some((seen, owners)) = &*self.seen.read()
            && *seen == epoch
        {
            return Ok(of(owners));
        }
        let list: Vec<Contribution> = serde_json::from_slice(&self.host.contributions("objects"))
            .map_err(|error| Error::internal(format!("the objects of the plugins cannot be read: {error}")))?;
        let owners: HashMap<String, String> = list.into_iter().map(|object| (object.name, object.plugin)).collect();
        let declared = of(&owners);
        *self.seen.write() = Some((epoch, owners));
        Ok(declared)
    }
}
