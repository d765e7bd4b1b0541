//! The service `realtime`: what the kernel pushes, what other plugins publish, and who is there.

use objectos_plugin_api::{
    Context, Error, ErrorKind, Result,
    contracts::realtime::{PresenceRequest, PresentMember, PublishRequest, PushRequest, Realtime},
};
use std::sync::Arc;

use crate::{
    error::RealtimeError,
    moment,
    news::{News, is_free},
    pattern::shown,
    plugin::RealtimePlugin,
};

const NAME_MIN: usize = 3;

impl Realtime for RealtimePlugin {
    async fn push(&self, context: Context, request: PushRequest) -> Result<u64> {
        // To others it would be a way to have anything taken for an event of the bus.
        if !context.caller().is_empty() {
            return Err(Error::new(
                ErrorKind::Denied,
                "only the kernel pushes events of the bus; publish a message of your own",
            ));
        }
        Ok(self.hub().push(&request))
    }

    async fn publish(&self, _: Context, request: PublishRequest) -> Result<u64> {
        check(&request)?;
        let hub = self.hub();
        let news = News::of_message(request, hub.sight.arrive(), moment::text(hub.now_ms()));
        Ok(hub.announce(&Arc::new(news)))
    }

    async fn presence(&self, _: Context, request: PresenceRequest) -> Result<Vec<PresentMember>> {
        let hub = self.hub();
        let channel = hub.sight.catalog.channel(&request.channel).await?;
        let tenant = request.tenant.as_deref().filter(|tenant| !tenant.is_empty());
        Ok(hub.rooms.members(tenant, &channel.name))
    }
}

fn check(request: &PublishRequest) -> Result<(), RealtimeError> {
    let name = request.name.as_str();
    let begins = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.');
    if !begins || name.len() < NAME_MIN || !name.bytes().all(fits) {
        return Err(RealtimeError::invalid(format!(
            "'{}' is no name of an event: write one as crm.call_began",
            shown(name)
        )));
    }
    if !is_free(name) {
        return Err(RealtimeError::invalid(format!(
            "'{}' is a name of the platform's own: begin it with another word",
            shown(name)
        )));
    }
    if request.record_id.is_some() && request.object.is_none() {
        return Err(RealtimeError::invalid("a message about a record names its object, too"));
    }
    Ok(())
}
