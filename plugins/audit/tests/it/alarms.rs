//! So many of these in so much time.

use serde_json::{Value, json};

use crate::world::{World, deliver, event};

fn config() -> Value {
    json!({ "suspiciousActivityRules": [{
        "id": "guessing", "name": "Password guessing", "eventTypes": ["auth.login_failed"],
        "condition": { "threshold": 3, "windowSeconds": 60, "groupBy": ["actor.ipAddress"], "filters": { "actorType": "user" } },
        "actions": ["alert", "block_ip", "log_critical"],
    }] })
}

async fn fail(plugin: &objectos_plugin_testing::TestPlugin, id: &str, address: &str, time: &str, kind: &str) {
    let mut failed = event(
        id,
        "auth.login_failed",
        json!({ "origin": { "actorKind": kind, "address": address } }),
    );
    failed.metadata.timestamp = time.to_owned();
    deliver(plugin, &failed).await;
}

/// The alarms, once everything delivered so far was looked at.
async fn alarms(plugin: &objectos_plugin_testing::TestPlugin, probe: &str) -> Vec<Value> {
    // Batches are looked at in their order: when the second of these is stored, the first was looked at.
    for half in ["a", "b"] {
        deliver(
            plugin,
            &event(&format!("{probe}{half}"), "auth.logout", json!({ "origin": {} })),
        )
        .await;
    }
    plugin
        .published()
        .into_iter()
        .filter(|event| event.name == "security.suspicious_activity")
        .map(|event| event.payload)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_threshold_in_a_window_raises_one_alarm_for_its_group() {
    let world = World::new();
    let plugin = world.start(config()).await;
    fail(&plugin, "e1", "192.0.2.1", "2023-11-14T22:00:00Z", "user").await;
    fail(&plugin, "e2", "192.0.2.1", "2023-11-14T22:00:30Z", "user").await;
    fail(&plugin, "e3", "192.0.2.2", "2023-11-14T22:00:31Z", "user").await;
    fail(&plugin, "e4", "192.0.2.1", "2023-11-14T22:00:32Z", "service").await;
    // The first is out of the window now.
    fail(&plugin, "e5", "192.0.2.1", "2023-11-14T22:01:10Z", "user").await;
    assert!(alarms(&plugin, "p1").await.is_empty());
    fail(&plugin, "e6", "192.0.2.1", "2023-11-14T22:01:20Z", "user").await;
    let raised = alarms(&plugin, "p2").await;
    assert_eq!(raised.len(), 1, "{raised:#?}");
    assert_eq!(
        raised[0]["metadata"]["group"],
        json!({ "actor.ipAddress": "192.0.2.1" })
    );
    assert_eq!(
        raised[0]["metadata"]["actions"],
        json!(["alert", "block_ip", "log_critical"])
    );
    assert_eq!(
        (&raised[0]["metadata"]["count"], &raised[0]["metadata"]["severity"]),
        (&json!(3), &json!("critical"))
    );
    // The alarm becomes a row like everything else, and as long as it stands in the window there is no second.
    let mut alarm = event("alarm", "security.suspicious_activity", raised[0].clone());
    alarm.metadata.timestamp = "2023-11-14T22:01:21Z".to_owned();
    deliver(&plugin, &alarm).await;
    let row = world.rows().into_iter().find(|row| row["id"] == "alarm").unwrap();
    assert_eq!(
        (&row["severity"], &row["target_id"], &row["ip_address"]),
        (&json!("critical"), &json!("guessing"), &json!("192.0.2.1"))
    );
    fail(&plugin, "e7", "192.0.2.1", "2023-11-14T22:01:30Z", "user").await;
    assert_eq!(alarms(&plugin, "p3").await.len(), 1);
    plugin.stop().await.unwrap();
}

/// Whoever owns a network takes a new address for each try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_of_the_newer_kind_is_one_address() {
    let (own, mapped) = ("2001:db8:1:2", "::ffff:192.0.2.1");
    for (addresses, expected) in [
        (
            [format!("{own}::1"), format!("{own}::2"), format!("{own}:3:4:5:6")],
            Some("2001:db8:1:2::/64"),
        ),
        (
            [format!("{own}::1"), format!("{own}::2"), "2001:db8:1:3::1".to_owned()],
            None,
        ),
        (
            ["192.0.2.1".to_owned(), mapped.to_owned(), "192.0.2.1".to_owned()],
            Some("192.0.2.1"),
        ),
        (
            ["192.0.2.1".to_owned(), mapped.to_owned(), "192.0.2.2".to_owned()],
            None,
        ),
    ] {
        let world = World::new();
        let plugin = world.start(config()).await;
        for (number, address) in addresses.iter().enumerate() {
            let time = format!("2023-11-14T22:00:0{number}Z");
            fail(&plugin, &format!("e{number}"), address, &time, "user").await;
        }
        let raised = alarms(&plugin, "p").await;
        let groups: Vec<&str> = raised
            .iter()
            .filter_map(|alarm| alarm["metadata"]["group"]["actor.ipAddress"].as_str())
            .collect();
        assert_eq!(groups, Vec::from_iter(expected), "{addresses:?}");
        // The trail keeps the address itself, and whoever is told of the alarm hears it.
        let last = &addresses[2];
        assert_eq!(world.rows()[2]["ip_address"], json!(last));
        assert!(raised.iter().all(|alarm| alarm["origin"]["address"] == json!(last)));
        plugin.stop().await.unwrap();
    }
}

/// Whoever acts by a key is named as a service with the key's owner, so that an alarm reaches them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_about_a_key_names_its_owner() {
    let config = json!({ "suspiciousActivityRules": [{
        "id": "draining", "name": "Draining", "eventTypes": ["data.export"],
        "condition": { "threshold": 1, "windowSeconds": 60, "groupBy": ["actorId"] }, "actions": ["lock_account"],
    }] });
    for (number, kind, expected, owner) in [
        (0, "service", "service", json!("u1")),
        (1, "user", "user", json!(null)),
        (2, "system", "system", json!(null)),
    ] {
        let world = World::new();
        let plugin = world.start(config.clone()).await;
        let origin = json!({ "actorKind": kind, "actorId": "u1", "address": "192.0.2.1" });
        let taken = event(&format!("e{number}"), "data.export", json!({ "origin": origin }));
        deliver(&plugin, &taken).await;
        let raised = alarms(&plugin, "p").await;
        assert_eq!(raised.len(), 1, "{kind}: {raised:#?}");
        let origin = &raised[0]["origin"];
        assert_eq!(
            (
                &origin["actorKind"],
                &origin["actorId"],
                &raised[0]["metadata"]["userId"]
            ),
            (&json!(expected), &json!("u1"), &owner),
            "{kind}"
        );
        plugin.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_nothing() {
    let world = World::new();
    let plugin = world.start(config()).await;
    fail(&plugin, "e1", "192.0.2.1", "2023-11-14T22:00:00Z", "user").await;
    fail(&plugin, "e2", "192.0.2.1", "2023-11-14T22:00:01Z", "user").await;
    plugin.stop().await.unwrap();
    let plugin = world.start(config()).await;
    fail(&plugin, "e3", "192.0.2.1", "2023-11-14T22:00:02Z", "user").await;
    assert_eq!(alarms(&plugin, "p").await.len(), 1);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_about_a_field_that_events_do_not_have_is_refused() {
    let mut config = config();
    config["suspiciousActivityRules"][0]["condition"]["groupBy"] = json!(["shoeSize"]);
    let error = World::new().try_start(config).await.unwrap_err().to_string();
    assert!(error.contains("`guessing`: events have no field `shoeSize`"), "{error}");
}
