//! Which plugin may reach which host: the kernel knows what the operator granted, and is asked for each request. Not which hosts
//! and addresses anybody may reach at all: that is this plugin's own configuration.
//!
//! Both have to be granted `network:connect`: whoever asks for the request, and this plugin, which opens the connection. What
//! the kernel itself sends (webhooks that the operator wrote down) needs the latter alone.

use objectos_plugin_api::{
    Context, Error, ErrorKind, Host, Result,
    contracts::grants::{GrantAnswer, GrantQuestion, Grants, GrantsClient},
};
use serde_json::json;
use std::net::SocketAddr;

use super::target::Target;
use crate::router::OWN_ID;

const CAPABILITY: &str = "network:connect";

/// The kernel's service `grants`.
#[derive(Clone, Debug)]
pub struct HostGrants(GrantsClient);

impl HostGrants {
    /// Opens the service.
    ///
    /// # Errors
    /// `Denied` when the operator does not let this plugin use it.
    pub fn open(host: &Host) -> Result<Self> {
        GrantsClient::open(host).map(Self)
    }
}

impl Grants for HostGrants {
    async fn check(&self, context: Context, question: GrantQuestion) -> Result<GrantAnswer> {
        self.0.check(&context, &question).await
    }
}

/// Who has to be granted a request.
fn asked(context: &Context) -> impl Iterator<Item = &str> {
    let caller = context.caller();
    [caller, OWN_ID].into_iter().filter(|plugin| !plugin.is_empty())
}

async fn ask(grants: &impl Grants, context: &Context, plugin: &str, subject: String) -> Result<GrantAnswer> {
    let question = GrantQuestion {
        plugin: plugin.to_owned(),
        capability: CAPABILITY.to_owned(),
        subject,
    };
    grants.check(context.clone(), question).await
}

/// Whether a request to this host may be sent at all.
///
/// # Errors
/// `Denied`, naming the plugin, the host and the line of the operator's file.
pub(super) async fn host(grants: &impl Grants, context: &Context, target: &Target) -> Result<()> {
    for plugin in asked(context) {
        let answer = ask(grants, context, plugin, target.authority()).await?;
        if !answer.granted {
            return Err(refusal(plugin, &target.authority(), &answer));
        }
    }
    Ok(())
}

/// Whether it may go to this address, for which the name of the host stands: a rule that denies an address or `loopback`
/// would be none if another name for it were enough.
///
/// # Errors
/// As [`host`].
pub(super) async fn address(grants: &impl Grants, context: &Context, address: SocketAddr) -> Result<()> {
    let subject = SocketAddr::new(address.ip().to_canonical(), address.port()).to_string();
    for plugin in asked(context) {
        let answer = ask(grants, context, plugin, subject.clone()).await?;
        if answer.denied_by.is_some() {
            return Err(refusal(plugin, &subject, &answer));
        }
    }
    Ok(())
}

fn refusal(plugin: &str, host: &str, answer: &GrantAnswer) -> Error {
    let message = format!(
        "plugin {plugin} may not connect to {host}: it does not hold {CAPABILITY} for it, {}; {}",
        answer.reason, answer.remedy
    );
    let rule = answer.denied_by.as_deref();
    Error::new(ErrorKind::Denied, message).with_details(&json!({
        "plugin": plugin, "capability": CAPABILITY, "host": host, "rule": rule, "remedy": answer.remedy,
    }))
}
