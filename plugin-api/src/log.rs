//! The way of `tracing` events from a plugin to the host: a small subscriber, one in each plugin's library. Spans are not
//! forwarded; the request's ids travel in the context. A level that is off costs one cached check per callsite.

use serde_json::{Map, Value};
use std::{
    fmt::{Debug, Write},
    sync::RwLock,
};
use tracing_core::{
    Event, Interest, Level, LevelFilter, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::host::Host;

/// The host of this library's plugin, for as long as the plugin lives. A static, since the subscriber is one.
static HOST: RwLock<Option<Host>> = RwLock::new(None);

/// Sends this library's events to the host from now on.
pub(crate) fn attach(host: &Host) {
    if let Ok(mut slot) = HOST.write() {
        *slot = Some(host.clone());
    }
    // Fails when a second instance of the same library attaches, or a test has its own subscriber: both are fine.
    drop(tracing::subscriber::set_global_default(Forward));
    rebuild_interest();
}

/// Lets go of the host; later events go nowhere.
pub(crate) fn detach() {
    if let Ok(mut slot) = HOST.write() {
        *slot = None;
    }
}

/// Asks the host anew for every callsite.
pub(crate) fn rebuild_interest() {
    tracing_core::callsite::rebuild_interest_cache();
}

struct Forward;

fn with_host<T>(default: T, read: impl FnOnce(&Host) -> T) -> T {
    HOST.read()
        .ok()
        .and_then(|slot| slot.as_ref().map(read))
        .unwrap_or(default)
}

fn level_number(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

impl Subscriber for Forward {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        None
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && with_host(false, |host| {
                host.log_enabled(level_number(*metadata.level()), metadata.target())
            })
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let json = if fields.values.is_empty() {
            String::new()
        } else {
            Value::Object(fields.values).to_string()
        };
        with_host((), |host| {
            host.log(
                level_number(*metadata.level()),
                metadata.target(),
                &fields.message,
                &json,
            )
        });
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    values: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.values.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Writing into a String cannot fail.
            let _ = write!(self.message, "{value:?}");
        } else {
            self.put(field, Value::String(format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.put(field, Value::from(value));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }
}
