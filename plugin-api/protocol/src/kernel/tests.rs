use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

/// Reads `document`; `Ok` compares what is written back, `Err` a part of the message.
#[track_caller]
fn check<T: DeserializeOwned + Serialize>(document: Value, expected: Result<Value, &str>) {
    let found = serde_json::from_value::<T>(document.clone()).map(|value| serde_json::to_value(value).unwrap());
    match (found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{document}"),
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error} has no {part:?}"),
        (found, expected) => panic!("{document}: found {found:?}, expected {expected:?}"),
    }
}

#[test]
fn defaults_are_filled_on_read() {
    check::<PluginHealthCheck>(
        json!({}),
        Ok(json!({
            "interval": 30000, "timeout": 5000, "failureThreshold": 3, "successThreshold": 1,
            "autoRestart": false, "maxRestartAttempts": 3, "restartBackoff": "exponential"
        })),
    );
    check::<StartupOptions>(
        json!({"timeout": 5}),
        Ok(json!({"timeout": 5, "rollbackOnFailure": true, "healthCheck": false, "parallel": false})),
    );
    check::<EventQueueConfig>(
        json!({"retryPolicy": {"backoffStrategy": "fixed"}}),
        Ok(json!({
            "name": "events", "concurrency": 10, "priorityEnabled": true,
            "retryPolicy": {"maxRetries": 3, "backoffStrategy": "fixed", "initialDelayMs": 1000, "maxDelayMs": 60000}
        })),
    );
    check::<KernelContext>(
        json!({"instanceId": "0190a6f2-7c3e-7d41-9b52-1f0c3e5a7b9d", "version": "1.0.0", "cwd": "/", "startTime": 1}),
        Ok(json!({
            "instanceId": "0190a6f2-7c3e-7d41-9b52-1f0c3e5a7b9d", "mode": "production", "version": "1.0.0",
            "cwd": "/", "startTime": 1, "features": {}
        })),
    );
    check::<ManifestDataset>(
        json!({"object": "account", "records": [{"name": "A"}]}),
        Ok(json!({
            "object": "account", "externalId": "name", "mode": "upsert", "env": ["prod", "dev", "test"],
            "records": [{"name": "A"}]
        })),
    );
}

#[test]
fn what_the_schema_refuses_is_refused() {
    check::<PluginHealthCheck>(json!({"interval": 999}), Err("at least 1000"));
    check::<PluginHealthCheck>(json!({"interval": 1000.5}), Err("an integer"));
    check::<PluginHealthCheck>(json!({"intervall": 1000}), Err("unknown field `intervall`"));
    check::<PluginHealthCheck>(json!({"checkMethod": null}), Err("null"));
    check::<PluginHealthCheck>(json!({"restartBackoff": "quadratic"}), Err("quadratic"));
    check::<EventReplayConfig>(
        json!({"fromTimestamp": "2025-01-01T00:00:00Z", "speed": 0}),
        Err("above 0"),
    );
    check::<EventReplayConfig>(json!({"fromTimestamp": "yesterday"}), Err("a date and time in UTC"));
    check::<SandboxConfig>(json!({"cpu": {"maxCpuPercent": 101}}), Err("0 to 100"));
    check::<Manifest>(
        json!({"id": "a.b", "version": "1.0", "type": "plugin", "name": "n"}),
        Err("three numbers"),
    );
    check::<Manifest>(
        json!({"id": "a.b", "version": "1.0.0", "type": "plugin"}),
        Err("missing field `name`"),
    );
    check::<EventWebhookConfig>(
        json!({"eventPattern": "*", "url": "nowhere"}),
        Err("an address with a scheme"),
    );
}

#[test]
fn integers_may_be_written_with_a_fraction_of_zero() {
    let read: PluginHealthCheck = serde_json::from_str(r#"{"interval": 2000.0}"#).unwrap();
    assert_eq!(read.interval, 2000);
    let refused = serde_json::from_str::<PluginHealthCheck>(r#"{"interval": 9007199254740992}"#);
    assert!(refused.is_err());
}

#[test]
fn an_event_keeps_its_payload_and_allows_the_kernels_names() {
    let event = json!({
        "id": "1", "name": "kernel:ready", "payload": null,
        "metadata": {"source": "kernel", "timestamp": "2025-01-01T00:00:00.5Z", "priority": "low"}
    });
    check::<Event>(event.clone(), Ok(event));
    let name = |name: &str| json!({"name": name, "payload": 1, "metadata": {"source": "a", "timestamp": "2025-01-01T00:00:00Z"}});
    check::<Event>(name("Data.created"), Err("an event name"));
    check::<Event>(name("ab"), Err("an event name"));
    check::<Event>(
        json!({"name": "abc", "metadata": {"source": "a", "timestamp": "2025-01-01T00:00:00Z"}}),
        Err("payload"),
    );
}

#[test]
fn lifecycle_names_and_spellings_agree() {
    for kind in PluginLifecycleEventType::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert_eq!(PluginLifecycleEventType::named(kind.as_str()), Some(kind));
    }
    assert_eq!(PluginLifecycleEventType::named("kernel:gone"), None);
}

#[test]
fn a_start_result_keeps_further_keys_of_its_plugin() {
    let result =
        json!({"plugin": {"name": "a.b", "version": "1.0.0", "type": "plugin"}, "success": true, "duration": 1.5});
    check::<PluginStartupResult>(result.clone(), Ok(result));
}

#[test]
fn derived_schemas_have_the_published_form() {
    fn schema<T: JsonSchema>() -> Value {
        let settings = SchemaSettings::draft2020_12()
            .for_serialize()
            .with(|settings| settings.inline_subschemas = true);
        settings.into_generator().into_root_schema_for::<T>().to_value()
    }
    let check = schema::<PluginHealthCheck>();
    assert_eq!(check["additionalProperties"], false);
    let interval = check["properties"]["interval"].as_object().unwrap();
    assert_eq!(interval["type"], "integer");
    assert_eq!(interval["minimum"], 1000);
    assert_eq!(interval["default"], 30000);
    assert!(!interval.contains_key("format"));
    assert_eq!(check["properties"]["checkMethod"]["type"], "string");
    let required: Vec<&str> = check["required"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(
        required.contains(&"interval") && !required.contains(&"checkMethod"),
        "{required:?}"
    );

    let retry = schema::<RetryPolicy>();
    assert_eq!(retry["properties"]["initialDelayMs"]["exclusiveMinimum"], 0);
    assert!(retry["properties"]["initialDelayMs"].get("minimum").is_none());

    let entry = schema::<DeadLetterQueueEntry>();
    assert_eq!(entry["properties"]["firstFailedAt"]["format"], "date-time");
    assert_eq!(
        entry["properties"]["event"]["properties"]["name"]["pattern"],
        "^[a-z][a-z0-9_.]*$"
    );
    let text = schema::<Manifest>().to_string();
    assert!(!text.contains("\"null\"") && !text.contains("uint64"), "{text}");
}
