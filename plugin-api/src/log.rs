//! The way of `tracing` events from a plugin to the host: a small subscriber, one in each plugin's library. Spans are not
//! forwarded; the request's ids travel in the context. A level that is off costs one cached check per callsite.

use serde_json::{Map, Value};
use std::{
    cell::Cell,
    fmt::{Debug, Write},
    future::{Future, poll_fn},
    pin::pin,
    sync::RwLock,
};
use tracing_core::{
    Event, Interest, Level, LevelFilter, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::host::Host;

/// The level of an error, as it crosses the ABI.
pub(crate) const ERROR: u8 = 1;

/// The hosts of this library's plugins, for as long as they live. A static, since the subscriber is one. A library that the
/// kernel opened has one; a test program that holds a plugin as a crate has one for each instance.
static HOSTS: RwLock<Vec<Host>> = RwLock::new(Vec::new());

thread_local! {
    /// The [`Host::identity`] of whose thread this is, or whose life it is busy with; 0 elsewhere, and then a line goes to every
    /// host there is. No destructor: one would keep the library mapped until each thread of the kernel that passed here ends.
    static OWNER: Cell<usize> = const { Cell::new(0) };
}

/// Sends this library's events to the host from now on.
pub(crate) fn attach(host: &Host) {
    if let Ok(mut hosts) = HOSTS.write() {
        hosts.push(host.clone());
    }
    // Fails when a second instance of the same library attaches, or a test has its own subscriber: both are fine.
    drop(tracing::subscriber::set_global_default(Forward));
    rebuild_interest();
}

/// Lets go of the host; its later events go nowhere.
pub(crate) fn detach(host: &Host) {
    if let Ok(mut hosts) = HOSTS.write() {
        hosts.retain(|other| other.identity() != host.identity());
    }
}

/// Gives this thread, one of the plugin's own, to the host until it ends.
pub(crate) fn own_thread(owner: usize) {
    OWNER.set(owner);
}

/// A future of the plugin's life: what it logs goes to its own host, whoever polls it.
pub(crate) async fn owned<F: Future>(owner: usize, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|task| {
        let _back = Back(OWNER.replace(owner));
        future.as_mut().poll(task)
    })
    .await
}

/// Gives the thread back, also when a poll panics.
struct Back(usize);

impl Drop for Back {
    fn drop(&mut self) {
        OWNER.set(self.0);
    }
}

/// Asks the host anew for every callsite.
pub(crate) fn rebuild_interest() {
    tracing_core::callsite::rebuild_interest_cache();
}

struct Forward;

/// Calls `tell` with each host that this thread's events go to.
fn each_host(mut tell: impl FnMut(&Host)) {
    let owner = OWNER.get();
    let Ok(hosts) = HOSTS.read() else { return };
    for host in hosts.iter() {
        if owner == 0 || owner == host.identity() {
            tell(host);
        }
    }
}

/// Whether any host of this library wants it: the answer is kept for each callsite, so it must hold for all of them.
fn wanted(metadata: &Metadata<'_>) -> bool {
    let level = level_number(*metadata.level());
    HOSTS
        .read()
        .is_ok_and(|hosts| hosts.iter().any(|host| host.log_enabled(level, metadata.target())))
}

fn level_number(level: Level) -> u8 {
    match level {
        Level::ERROR => ERROR,
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
        metadata.is_event() && wanted(metadata)
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
        let (level, target) = (level_number(*metadata.level()), metadata.target());
        each_host(|host| {
            if host.log_enabled(level, target) {
                host.log(level, target, &fields.message, &json);
            }
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
