//! One attempt to hand one event, or several of one key, to one handler or webhook: with a time limit, safe against panics, and
//! judged. Called by the workers of transient handlers, by the dispatcher of durable ones, by replays and by the retry of a dead
//! letter.

use futures_util::FutureExt;
use objectos_plugin_api::{Context, Error, ErrorKind, protocol::kernel::Event};
use serde_json::{Map, Value};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use super::{
    clients::Clients,
    port::{ClientsPort, HandlerId, HandlerPort, PortFuture, WebhookPort},
    webhook::Webhook,
};
use crate::clock::Clock;

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The handler had the event.
    Done,
    /// Counts as an attempt.
    Failed {
        error: Error,
        /// The other side asked not to be tried again before, milliseconds since 1970.
        not_before_ms: Option<i64>,
    },
    /// The other side will never want this or any other event.
    Gone(Error),
    /// Nobody there: no attempt.
    Away,
}

impl Outcome {
    pub(crate) fn of_error(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Unavailable => Self::Away,
            _ => Self::Failed {
                error,
                not_before_ms: None,
            },
        }
    }
}

/// Whom an event goes to.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A handler of a plugin.
    Plugin(HandlerId),
    /// A webhook.
    Webhook(Arc<Webhook>),
    /// Clients that keep a connection.
    Clients(Arc<Clients>),
    /// A plugin that is expected and has not said yet what it handles.
    Expected(HandlerId),
}

impl Target {
    pub(crate) fn id(&self) -> &HandlerId {
        match self {
            Self::Plugin(id) | Self::Expected(id) => id,
            Self::Webhook(webhook) => &webhook.id,
            Self::Clients(clients) => &clients.id,
        }
    }
}

/// The ports that deliver, and the time.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) handlers: Arc<dyn HandlerPort>,
    pub(crate) webhooks: Arc<dyn WebhookPort>,
    /// Where the settings say that events are pushed to clients.
    pub(crate) clients: Option<Arc<dyn ClientsPort>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Delivery {
    /// Tries once; several events only where the handler takes them together. Never fails: what goes wrong is the outcome.
    pub(crate) async fn attempt(
        &self,
        target: &Target,
        events: &[Arc<[u8]>],
        context: &Context,
        limit_ms: u64,
    ) -> Outcome {
        let [event, ..] = events else { return Outcome::Done };
        match target {
            Target::Expected(_) => Outcome::Away,
            Target::Plugin(id) => {
                let context = context.with_limit(Duration::from_millis(limit_ms));
                match self
                    .limited(limit_ms, || self.handlers.deliver(id, events, context))
                    .await
                {
                    Ok(()) => Outcome::Done,
                    Err(error) => Outcome::of_error(error),
                }
            }
            Target::Clients(clients) => {
                let Some(port) = &self.clients else {
                    return Outcome::Away;
                };
                let request = match clients.request(event) {
                    Ok(Some(request)) => request,
                    Ok(None) => return Outcome::Done,
                    Err(error) => return Outcome::of_error(error),
                };
                match self.limited(limit_ms, || port.push(request)).await {
                    Ok(_) => Outcome::Done,
                    Err(error) => Outcome::of_error(error),
                }
            }
            Target::Webhook(webhook) => {
                if webhook.is_off() {
                    return Outcome::Gone(Error::new(
                        ErrorKind::External,
                        "the webhook was answered with 410 (gone) before",
                    ));
                }
                let request = match webhook.request(event, self.clock.now_ms()) {
                    Ok(request) => request,
                    Err(error) => {
                        return Outcome::Failed {
                            error,
                            not_before_ms: None,
                        };
                    }
                };
                let answer = self.limited(limit_ms, || self.webhooks.send(request)).await;
                Webhook::judge(answer, self.clock.now_ms())
            }
        }
    }

    async fn limited<T>(&self, limit_ms: u64, call: impl FnOnce() -> PortFuture<T>) -> Result<T, Error> {
        let due_ms = self
            .clock
            .now_ms()
            .saturating_add(i64::try_from(limit_ms).unwrap_or(i64::MAX));
        // The port runs code of ours; a panic in it must not take the dispatcher with it.
        let work = AssertUnwindSafe(async move { call().await }).catch_unwind();
        tokio::select! {
            biased;
            answer = work => answer.unwrap_or_else(|_| Err(Error::new(ErrorKind::Panicked, "the handler panicked"))),
            () = self.clock.sleep_until_ms(due_ms) => {
                Err(Error::new(ErrorKind::Timeout, format!("the handler took longer than {limit_ms} ms")))
            }
        }
    }
}

/// The context that a handler gets: the ids of whoever caused the event, without their rights and without their deadline.
pub(crate) fn context_of(event: &Event) -> Context {
    let metadata = &event.metadata;
    let request = metadata
        .correlation_id
        .as_deref()
        .or(event.id.as_deref())
        .unwrap_or_default();
    let context = Context::request(request);
    match (metadata.user_id.as_deref(), metadata.tenant_id.as_deref()) {
        (None, None) => context,
        (user, tenant) => context.with_principal_json(&[], user.unwrap_or_default(), tenant.unwrap_or_default()),
    }
}

/// The same for an event that was not stored, from the context of its publisher.
pub(crate) fn context_after(publisher: &Context) -> Context {
    let mut context = Context::request(publisher.request_id());
    if !publisher.trace_id().is_empty() {
        context = context.with_trace(publisher.trace_id());
    }
    if publisher.user().is_empty() && publisher.tenant().is_empty() {
        return context;
    }
    context.with_principal_json(&[], publisher.user(), publisher.tenant())
}

/// The same with marks in its extra facts.
pub(crate) fn marked(context: &Context, marks: impl IntoIterator<Item = (&'static str, Value)>) -> Context {
    let mut extra: Map<String, Value> = context.extra();
    extra.extend(marks.into_iter().map(|(key, value)| (key.to_owned(), value)));
    context.with_extra(&extra)
}
