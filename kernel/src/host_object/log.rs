//! Log records of plugins, emitted again through this process's own subscriber: with the plugin's target and level, so that
//! the operator's filter applies, and with the plugin's id as the field `plugin`.
//!
//! `tracing` wants static metadata for every callsite. A plugin's callsites live in its library, which may be unmapped, so
//! the kernel keeps metadata of its own, one for each pair of target and level. Targets are module paths: a small, fixed
//! set. Beyond [`TARGETS_MAX`] records appear under one common target.

use parking_lot::RwLock;
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    fmt,
    sync::{LazyLock, OnceLock},
};
use tracing_core::{
    Callsite, Event, Interest, Kind, Level, Metadata,
    callsite::Identifier,
    dispatcher,
    field::{FieldSet, Value},
};

/// Pairs of target and level that metadata is kept for.
const TARGETS_MAX: usize = 4096;
/// Target of what is beyond that.
const COMMON_TARGET: &str = "plugin";
const FIELDS: &[&str] = &["message", "plugin", "fields"];

static KNOWN: LazyLock<RwLock<HashMap<(String, Level), &'static Metadata<'static>>>> = LazyLock::new(RwLock::default);

/// A callsite of a plugin, as the kernel remembers it.
#[derive(Default)]
struct Remembered(OnceLock<Metadata<'static>>);

impl Callsite for Remembered {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0
            .get()
            .expect("a remembered callsite gets its metadata before anybody sees it")
    }
}

/// A level by its number across the ABI; what is beyond `trace` counts as `trace`.
pub(crate) fn level(number: u8) -> Level {
    match number {
        0 | 1 => Level::ERROR,
        2 => Level::WARN,
        3 => Level::INFO,
        4 => Level::DEBUG,
        _ => Level::TRACE,
    }
}

/// Whether the operator's filter lets this through.
pub(crate) fn enabled(level: Level, target: &str) -> bool {
    let metadata = metadata(level, target);
    dispatcher::get_default(|dispatch| dispatch.enabled(metadata))
}

/// Emits one record. `fields` is a JSON object, or empty.
pub(crate) fn emit(plugin: &str, level: Level, target: &str, message: &str, fields: &str) {
    let metadata = metadata(level, target);
    dispatcher::get_default(|dispatch| {
        // The filters of layers note their verdict here and read it at the event.
        if !dispatch.enabled(metadata) {
            return;
        }
        let names = metadata.fields();
        let (Some(message_field), Some(plugin_field), Some(fields_field)) =
            (names.field("message"), names.field("plugin"), names.field("fields"))
        else {
            return;
        };
        let text = tracing_core::field::display(Text(message));
        let rest = (!fields.is_empty()).then(|| tracing_core::field::display(Text(fields)));
        let values = [
            (&message_field, Some(&text as &dyn Value)),
            (&plugin_field, Some(&plugin as &dyn Value)),
            (&fields_field, rest.as_ref().map(|fields| fields as &dyn Value)),
        ];
        dispatch.event(&Event::new(metadata, &names.value_set(&values)));
    });
}

struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn metadata(level: Level, target: &str) -> &'static Metadata<'static> {
    let key = (target.to_owned(), level);
    if let Some(known) = KNOWN.read().get(&key) {
        return known;
    }
    let mut known = KNOWN.write();
    let full = known.len() >= TARGETS_MAX;
    let key = if full { (COMMON_TARGET.to_owned(), level) } else { key };
    known
        .entry(key)
        .or_insert_with_key(|(target, level)| remember(target, *level))
}

/// Kept for good: `tracing` may hold on to it from any thread.
fn remember(target: &str, level: Level) -> &'static Metadata<'static> {
    let callsite: &'static Remembered = Box::leak(Box::default());
    let target: &'static str = Box::leak(target.to_owned().into_boxed_str());
    callsite.0.get_or_init(|| {
        let fields = FieldSet::new(FIELDS, Identifier(callsite));
        Metadata::new("plugin event", target, level, None, None, None, fields, Kind::EVENT)
    })
}

/// Whether a plugin's fields are a JSON object; anything else is not passed on.
pub(crate) fn is_object(fields: &str) -> bool {
    fields.starts_with('{') && serde_json::from_str::<&RawValue>(fields).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{emit, enabled, is_object, level};
    use std::sync::{Arc, Mutex};
    use tracing_core::{
        Event, Level, Metadata, Subscriber,
        field::{Field, Visit},
        span,
    };

    #[derive(Default)]
    struct Record(Vec<String>);

    impl Visit for Record {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            self.0.push(format!("{field}={value:?}"));
        }
    }

    struct Seen(Arc<Mutex<Vec<String>>>);

    impl Subscriber for Seen {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            !(metadata.target().starts_with("quiet") && *metadata.level() > Level::WARN)
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut record = Record::default();
            event.record(&mut record);
            let metadata = event.metadata();
            self.0.lock().unwrap().push(format!(
                "{} {} {}",
                metadata.level(),
                metadata.target(),
                record.0.join(" ")
            ));
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn a_record_keeps_target_and_level_and_names_its_plugin() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        tracing::subscriber::with_default(Seen(Arc::clone(&seen)), || {
            emit("com.example.a", level(3), "a::b", "hello", r#"{"n":1}"#);
            emit("com.example.a", level(1), "a::b", "broken", "");
            emit("com.example.a", level(4), "quiet::b", "not seen", "");
            assert!(enabled(Level::WARN, "quiet::b"));
            assert!(!enabled(Level::INFO, "quiet::b"));
        });
        assert_eq!(
            *seen.lock().unwrap(),
            [
                r#"INFO a::b message=hello plugin="com.example.a" fields={"n":1}"#,
                r#"ERROR a::b message=broken plugin="com.example.a""#
            ]
        );
    }

    #[test]
    fn only_objects_pass_as_fields() {
        for (fields, expected) in [
            ("{}", true),
            (r#"{"a":1}"#, true),
            ("[1]", false),
            ("{", false),
            ("", false),
        ] {
            assert_eq!(is_object(fields), expected, "{fields}");
        }
    }
}
