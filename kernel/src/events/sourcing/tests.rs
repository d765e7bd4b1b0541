use objectos_plugin_api::protocol::kernel::EventSourcingConfig;
use serde_json::{Value, json};

use super::{Place, Sourcing};

fn read(section: Value) -> Result<Option<Sourcing>, String> {
    let section: EventSourcingConfig = serde_json::from_value(section).expect("a section");
    Sourcing::compile(Some(&section)).map_err(|error| error.to_string())
}

#[test]
fn the_section_is_read() {
    assert_eq!(Sourcing::compile(None), Ok(None));
    assert_eq!(read(json!({"enabled": false, "storage": {"type": "s3"}})), Ok(None));
    let defaults = read(json!({"enabled": true})).expect("valid").expect("switched on");
    let expected = Sourcing {
        objects: Vec::new(),
        interval: 100,
        newest: 10,
        retention_days: 365,
        place: Place::Store,
    };
    assert_eq!(defaults, expected);
    assert!(defaults.covers("anything"));
    let some = read(json!({"enabled": true, "aggregateTypes": ["deal"], "storage": {"type": "database"}}));
    let some = some.expect("valid").expect("switched on");
    assert!(some.covers("deal") && !some.covers("deals"));
    for (kind, place) in [("database", Place::Store), ("file", Place::File), ("s3", Place::S3)] {
        let some = read(json!({"enabled": true, "storage": {"type": kind}}));
        assert_eq!(some.expect("valid").expect("switched on").place, place, "{kind}");
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    for (section, part) in [
        (
            json!({"enabled": true, "storage": {"type": "eventstore"}}),
            "eventSourcing.storage.type: the storage eventstore is not supported; nothing here speaks to a foreign database of events; write database, file or s3",
        ),
        (
            json!({"enabled": true, "storage": {"options": {"table": "x"}}}),
            "eventSourcing.storage.options.table: the storage database has no options",
        ),
        (
            json!({"enabled": true, "storage": {"type": "s3", "options": {"bucket": "x"}}}),
            "eventSourcing.storage.options.bucket: the storage s3 has no options",
        ),
        (
            json!({"enabled": true, "aggregateTypes": ["deal", "Deal/1"]}),
            "eventSourcing.aggregateTypes[1]: `Deal/1` is no name of an object",
        ),
    ] {
        let error = read(section.clone()).expect_err("refused");
        assert!(error.contains(part), "{section}: {error}");
    }
}
