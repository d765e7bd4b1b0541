//! What the kernel says of plugins that end badly. It says that to its log alone: by then nobody is left to ask.

use std::{
    cell::RefCell,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    dispatcher::DefaultGuard,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};

/// Where the kernel tells of it.
const TARGET: &str = "objectos_kernel::lifecycle";

thread_local! {
    /// Ends with its thread.
    static LISTENING: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// Warnings of the kernel, as `(plugin, sentence)`. Clones share one list.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<Vec<(String, String)>>>);

impl Told {
    /// Listens to what this thread says, until it ends.
    pub(super) fn listen(&self) {
        let guard = tracing::dispatcher::set_default(&Dispatch::new(self.clone()));
        LISTENING.with_borrow_mut(|slot| *slot = Some(guard));
    }

    /// Everything that was said.
    pub(super) fn taken(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with(TARGET)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        if words.plugin.is_empty() {
            return;
        }
        let text = if words.reason.is_empty() {
            words.message
        } else {
            format!("{}: {}", words.message, words.reason)
        };
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((words.plugin, text));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The fields of a warning that matter here.
#[derive(Default)]
struct Words {
    plugin: String,
    message: String,
    reason: String,
}

impl Words {
    fn take(&mut self, field: &Field, text: String) {
        match field.name() {
            "plugin" => self.plugin = text,
            "message" => self.message = text,
            "error" | "reason" => self.reason = text,
            _ => {}
        }
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, format!("{value:?}"));
    }
}
