//! The host's log filter changes: what a plugin says is let through or left out from then on, with the plugin's id.

use objectos_kernel::Kernel;
use serde_json::json;
use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::Interest,
};

use crate::rig::{Rig, STOP, call, run};

/// The plugin of this test; others of this process log as well.
const PLUGIN: &str = "probe.talker";
/// Whether the filter lets through what is no warning.
static OPEN: AtomicBool = AtomicBool::new(false);
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A filter that can be changed, as the host's.
struct Filter;

impl Subscriber for Filter {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let known = metadata.target().starts_with("objectos_fixture_probe");
        known && (*metadata.level() <= Level::WARN || OPEN.load(Ordering::SeqCst))
    }

    fn event(&self, event: &Event<'_>) {
        let mut said = Said::default();
        event.record(&mut said);
        if said.plugin == PLUGIN {
            HEARD.lock().unwrap().push(said.message);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Said {
    plugin: String,
    message: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "plugin" => self.plugin = format!("{value:?}"),
            "message" => self.message = format!("{value:?}"),
            _ => {}
        }
    }
}

/// Has the plugin say a line; answers how many were let through so far.
async fn heard(kernel: &Kernel) -> usize {
    call(kernel, PLUGIN, "log", json!(1)).await.unwrap();
    let heard = HEARD.lock().unwrap();
    assert!(heard.iter().all(|line| line == "a line of the probe"), "{heard:?}");
    heard.len()
}

#[test]
fn a_change_of_the_log_filter_reaches_plugins() {
    // For the whole process: what a plugin says comes from threads that are its own.
    tracing::subscriber::set_global_default(Filter).unwrap();
    run(async {
        let mut rig = Rig::new();
        rig.probe(PLUGIN, json!({ "routes": false }), |_| {});
        let (kernel, _) = rig.boot().await;
        assert_eq!(heard(&kernel).await, 0);
        OPEN.store(true, Ordering::SeqCst);
        // Until it is told, the plugin goes by what it knew: a line that nobody wants costs it next to nothing.
        assert_eq!(heard(&kernel).await, 0);
        kernel.log_filter_changed();
        assert_eq!(heard(&kernel).await, 1);
        OPEN.store(false, Ordering::SeqCst);
        assert_eq!(heard(&kernel).await, 1);
        kernel.shutdown(STOP).await;
    });
}
