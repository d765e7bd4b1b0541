use serde_json::{Value, json};

use super::BusSettings;
use crate::events::port::HandlerId;

fn read(config: Value) -> Result<BusSettings, String> {
    BusSettings::from_config(&serde_json::from_value(config).expect("a configuration"))
        .map_err(|error| error.to_string())
}

#[test]
fn defaults_are_the_protocol_s() {
    let settings = BusSettings::default();
    assert_eq!(
        (settings.concurrency, settings.priorities, settings.replay),
        (10, true, true)
    );
    assert_eq!(
        (settings.retry.retries_max, settings.retry.delay_ms(3)),
        (3, Some(4_000))
    );
    assert_eq!((settings.queue_name.as_str(), settings.retention_days), ("events", 7));
    assert!(settings.persist.is_none() && settings.notes().is_empty());
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (config, part) in [
        (
            json!({
                "persistence": {"retention": 1, "storage": "s3"},
                "eventSourcing": {"enabled": true, "storage": {"type": "file"}},
            }),
            "eventSourcing.storage.type: file goes together with persistence.storage file or database; write database or s3",
        ),
        (json!({"realtime": {"eventPattern": "data*"}}), "realtime.eventPattern"),
        (
            json!({"messageQueue": {"provider": "aws-sqs", "topic": "t"}}),
            "messageQueue: the foreign broker aws-sqs is not supported",
        ),
        (
            json!({"eventSourcing": {"enabled": true, "storage": {"type": "eventstore"}}}),
            "eventSourcing.storage.type: the storage eventstore is not supported",
        ),
        (
            json!({"persistence": {"enabled": true, "retention": 1, "filter": 3}}),
            "persistence.filter: 3 is no filter",
        ),
        (
            json!({"handlers": [{"eventName": "x", "handler": "*"}]}),
            "handlers[0].eventName",
        ),
        (
            json!({"handlers": [{"eventName": "*", "handler": {}}]}),
            "handlers[0].handler: {} names no handler",
        ),
        (
            json!({"handlers": [{"eventName": "*", "handler": "objectos.audit"}]}),
            "handlers[0].handler",
        ),
        (
            json!({"handlers": [{"eventName": "*", "handler": "*", "filter": {"a": {"$x": 1}}}]}),
            "handlers[0].filter: a: there is no operator $x",
        ),
        (
            json!({"handlers": [{"id": "a", "eventName": "*", "handler": "*"}, {"id": "a", "eventName": "*", "handler": "*"}]}),
            "handlers[1].id",
        ),
        (
            json!({"webhooks": [{"eventPattern": "*", "url": "https://a.b"}, {"eventPattern": "*", "url": "https://a.b"}]}),
            "webhooks[1].id: another webhook has the id",
        ),
        (
            json!({"eventTypes": [{"name": "job.done", "schema": 3}]}),
            "eventTypes[0].schema",
        ),
    ] {
        let error = read(config.clone()).expect_err("refused");
        assert!(error.contains(part), "{config}: {error}");
    }
}

#[test]
fn the_storages_say_who_is_asked_to_keep_done_events() {
    let sourcing = |kind: &str| json!({"enabled": true, "storage": {"type": kind}});
    let persistence = |kind: &str| json!({"retention": 1, "storage": kind});
    // Archive, whether it takes all events, streams.
    type Expected = (Option<&'static str>, bool, Option<&'static str>);
    let cases: [(Value, Expected); 11] = [
        (json!({}), (None, false, None)),
        (json!({"persistence": {"retention": 1}}), (None, false, None)),
        (json!({"persistence": persistence("database")}), (None, false, None)),
        (
            json!({"persistence": persistence("file")}),
            (Some("event-archive-file"), true, None),
        ),
        (
            json!({"persistence": persistence("s3")}),
            (Some("event-archive-s3"), true, None),
        ),
        (
            json!({"persistence": persistence("custom")}),
            (Some("event-archive"), true, None),
        ),
        (json!({"eventSourcing": sourcing("database")}), (None, false, None)),
        (
            json!({"eventSourcing": sourcing("file")}),
            (Some("event-archive-file"), false, Some("event-streams-file")),
        ),
        (
            json!({"eventSourcing": sourcing("s3")}),
            (Some("event-archive-s3"), false, Some("event-streams-s3")),
        ),
        (
            json!({"persistence": persistence("custom"), "eventSourcing": sourcing("s3")}),
            (Some("event-archive"), true, Some("event-streams-s3")),
        ),
        (
            json!({"persistence": persistence("file"), "eventSourcing": sourcing("file")}),
            (Some("event-archive-file"), true, Some("event-streams-file")),
        ),
    ];
    for (config, expected) in cases {
        let settings = read(config.clone()).expect("settings");
        let found = (
            settings.archive_service(),
            settings.archive_all,
            settings.streams_service(),
        );
        assert_eq!(found, expected, "{config}");
    }
}

#[test]
fn a_storage_names_the_services_without_which_nothing_is_kept() {
    for (config, expected) in [
        (json!({"persistence": {"retention": 1, "storage": "file"}}), vec![]),
        (json!({"persistence": {"retention": 1, "storage": "custom"}}), vec![]),
        (
            json!({"persistence": {"retention": 1, "storage": "s3"}}),
            vec![("persistence.storage: s3", "event-archive-s3")],
        ),
        (
            json!({"eventSourcing": {"enabled": true, "storage": {"type": "s3"}}}),
            vec![
                ("eventSourcing.storage: {type: s3}", "event-streams-s3"),
                ("eventSourcing.storage: {type: s3}", "event-archive-s3"),
            ],
        ),
        (
            json!({
                "persistence": {"retention": 1, "storage": "file"},
                "eventSourcing": {"enabled": true, "storage": {"type": "file"}},
            }),
            vec![("eventSourcing.storage: {type: file}", "event-streams-file")],
        ),
    ] {
        let settings = read(config.clone()).expect("settings");
        assert_eq!(settings.needed_services(), expected, "{config}");
    }
}

#[test]
fn the_section_realtime_says_who_is_asked_to_push() {
    for (config, expected) in [
        (json!({}), None),
        (json!({"realtime": {"enabled": false}}), None),
        (json!({"realtime": {}}), Some("realtime")),
        (
            json!({"realtime": {"protocol": "long-polling", "eventPattern": "data.*"}}),
            Some("realtime"),
        ),
    ] {
        let settings = read(config.clone()).expect("settings");
        assert_eq!(settings.clients_service(), expected, "{config}");
    }
}

#[test]
fn sections_without_effect_are_accepted_and_noted() {
    let settings = read(json!({
        "eventSourcing": {"enabled": false},
        "realtime": {"enabled": false},
        "queue": {"deadLetterQueue": "dead"},
        "replay": {"enabled": false},
        "webhooks": [{"eventPattern": "*", "url": "https://a.b", "enabled": false}],
        "persistence": {"retention": 90},
    }))
    .expect("settings");
    assert_eq!(settings.notes().len(), 1);
    assert!(!settings.replay && settings.webhooks.is_empty() && settings.persist.is_none());
    assert_eq!(settings.retention_days, 90);
}

#[test]
fn selectors_select() {
    let id = HandlerId::new("objectos.audit", "records");
    for (handler, expected) in [
        ("*", true),
        ("objectos.audit/*", true),
        ("objectos.audit/records", true),
        ("objectos.audit/logins", false),
        ("objectos.jobs/*", false),
    ] {
        let settings =
            read(json!({"handlers": [{"eventName": "data.*", "handler": handler, "async": false, "priority": -3}]}))
                .expect("settings");
        let entry = &settings.overrides[0];
        assert_eq!(entry.selector.selects(&id), expected, "{handler}");
        assert!(entry.serial && entry.priority == -3);
    }
}
