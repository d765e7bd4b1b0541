//! Rows whose time is over, and a chain that holds without them.

use objectos_plugin_testing::TestPlugin;
use serde_json::{Value, json};

use crate::world::{NOW_MS, World, created, deliver, event, origin};

const DAY_MS: i64 = 86_400_000;

async fn until(world: &World, wanted: impl Fn(&[Value]) -> bool) {
    let waiting = async {
        while !wanted(&world.rows()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting)
        .await
        .unwrap_or_else(|_| panic!("never as wanted: {:#?}", world.rows()));
}

async fn verify(plugin: &TestPlugin, arguments: &[&str]) -> (u8, String) {
    let answer = plugin.command("audit verify", arguments).await.unwrap();
    (answer.exit_code, answer.output + &answer.error)
}

fn policy(folder: &std::path::Path, archive: bool) -> Value {
    json!({
        "retentionIntervalMs": 10,
        "retentionPolicy": {
            "retentionDays": 100, "customRetention": { "auth.login": 10, "data.delete": 1 }, "minimumRetentionDays": 5,
            "archiveAfterRetention": archive, "archiveStorage": { "type": "filesystem", "path": folder },
        },
    })
}

/// The same with a key.
fn signed(mut config: Value, key: &str) -> Value {
    config["compliance"] = json!({ "signingKey": key.repeat(32) });
    config["checkpointRows"] = json!(3);
    config
}

/// Kinds alternate, so that what goes first leaves gaps.
async fn fill(plugin: &TestPlugin) {
    for number in 0..6 {
        deliver(
            plugin,
            &event(&format!("l{number}"), "auth.login", json!({ "origin": origin() })),
        )
        .await;
        deliver(plugin, &created(&format!("c{number}"), "r")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_type_goes_in_its_time_and_the_chain_holds_over_the_gaps() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let plugin = world.start(policy(folder.path(), true)).await;
    fill(&plugin).await;
    plugin.set_now_ms(NOW_MS + 11 * DAY_MS);
    until(&world, |rows| {
        rows.len() == 7 && rows[6]["event_type"] == "system.audit_archived"
    })
    .await;
    let told = &world.rows()[6];
    assert_eq!(
        (
            &told["metadata"]["rows"],
            told["metadata"]["runs"].as_array().unwrap().len()
        ),
        (&json!(6), 6)
    );
    let (code, text) = verify(&plugin, &[]).await;
    assert_eq!(code, 0, "{text}");
    assert!(
        text.starts_with("7 events up to sequence 13, 6 taken out by retention, 1 archives"),
        "{text}"
    );
    // The rest: what was in one piece with what went before is bridged piece by piece.
    plugin.set_now_ms(NOW_MS + 101 * DAY_MS);
    until(&world, |rows| {
        rows.iter().all(|row| row["event_type"] == "system.audit_archived")
    })
    .await;
    let (code, text) = verify(&plugin, &[]).await;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("12 taken out by retention, 2 archives"), "{text}");
    // The chain goes on from its end.
    deliver(&plugin, &created("e1", "r")).await;
    let (code, text) = verify(&plugin, &[]).await;
    assert_eq!(code, 0, "{text}");
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_while_it_is_checked_is_not_missing() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let plugin = world.start(policy(folder.path(), false)).await;
    for round in 1..=20 {
        for number in 0..5 {
            deliver(&plugin, &created(&format!("e{round}-{number}"), "r")).await;
        }
        // Over as soon as they are there: somewhere in these looks they go.
        plugin.set_now_ms(NOW_MS + 101 * DAY_MS);
        for _ in 0..10 {
            let (code, text) = verify(&plugin, &[]).await;
            assert_eq!(code, 0, "round {round}: {text}");
        }
    }
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_was_altered_is_seen_and_one_that_is_elsewhere_is_noted() {
    let (world, folder, other) = (World::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let plugin = world.start(signed(policy(folder.path(), true), "11")).await;
    fill(&plugin).await;
    plugin.set_now_ms(NOW_MS + 11 * DAY_MS);
    until(&world, |rows| rows.len() == 7).await;
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "no draft is left behind: {files:?}");
    let (code, text) = verify(&plugin, &["--archives", &other.path().display().to_string()]).await;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("note: the archive audit-"), "{text}");
    let mut bytes = std::fs::read(&files[0]).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&files[0], bytes).unwrap();
    let (code, text) = verify(&plugin, &[]).await;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("archive"), "{text}");
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_may_be_plain_and_is_checked_all_the_same() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let mut config = policy(folder.path(), true);
    config["storage"] = json!({ "type": "database", "compression": false, "bufferEnabled": false });
    let plugin = world.start(config).await;
    fill(&plugin).await;
    plugin.set_now_ms(NOW_MS + 11 * DAY_MS);
    until(&world, |rows| rows.len() == 7).await;
    let file = std::fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 6, "{text}");
    assert!(
        file.extension().is_some_and(|end| end == "ndjson"),
        "{}",
        file.display()
    );
    let (code, output) = verify(&plugin, &[]).await;
    assert_eq!(code, 0, "{output}");
    std::fs::write(&file, text.replacen("u1", "u2", 1)).unwrap();
    assert_eq!(verify(&plugin, &[]).await.0, 1);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_archives_rows_go_and_the_chain_still_holds() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let plugin = world.start(policy(folder.path(), false)).await;
    fill(&plugin).await;
    plugin.set_now_ms(NOW_MS + 11 * DAY_MS);
    until(&world, |rows| rows.len() == 7).await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(verify(&plugin, &[]).await.0, 0);
    // A row that goes without being told of is still seen.
    world
        .memory
        .tamper("sys_audit_event", |rows| rows.retain(|row| row["id"] != "c2"));
    let (code, text) = verify(&plugin, &[]).await;
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("first at sequence 6: events 6 to 7 are missing"),
        "{text}"
    );
    plugin.stop().await.unwrap();
}

/// What somebody with the database alone could write: rows are gone, and one says in due form that they were taken out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_is_believed_only_where_retention_could_have_written_it() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let forger = world.start(policy(folder.path(), false)).await;
    fill(&forger).await;
    forger.set_now_ms(NOW_MS + 11 * DAY_MS);
    until(&world, |rows| rows.len() == 7).await;
    forger.stop().await.unwrap();
    let kept = |archive: bool, days: u32| {
        let storage = json!({ "type": "filesystem", "path": folder.path() });
        json!({ "retentionPolicy": {
            "retentionDays": days, "archiveAfterRetention": archive, "archiveStorage": storage,
        } })
    };
    let before_there_was_a_key = |upto: u64| {
        let mut config = signed(kept(false, 10), "11");
        config["unsignedRemovalsUpTo"] = json!(upto);
        config
    };
    for (config, expected) in [
        (kept(false, 10), ""),
        (json!({}), "first at sequence 1: event "),
        (json!({}), "there is no retentionPolicy"),
        (kept(true, 10), "names no archive, although"),
        (
            kept(false, 100),
            "first at sequence 3: events 3 to 3 were taken out before their time",
        ),
        (signed(kept(false, 10), "11"), "is not signed, although there is a key"),
        (before_there_was_a_key(12), "set unsignedRemovalsUpTo to 13"),
        (before_there_was_a_key(13), ""),
    ] {
        let plugin = world.start(config.clone()).await;
        let (code, text) = verify(&plugin, &[]).await;
        assert_eq!(code, u8::from(!expected.is_empty()), "{config}: {text}");
        assert!(text.contains(expected), "{config}: {text}");
        plugin.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_is_only_named_is_none_without_a_signature() {
    let (world, folder, other) = (World::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let plugin = world.start(policy(folder.path(), true)).await;
    fill(&plugin).await;
    plugin.set_now_ms(NOW_MS + 11 * DAY_MS);
    until(&world, |rows| rows.len() == 7).await;
    assert_eq!(verify(&plugin, &[]).await.0, 0);
    let (code, text) = verify(&plugin, &["--archives", &other.path().display().to_string()]).await;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("name the folder by --archives"), "{text}");
    plugin.stop().await.unwrap();
}

/// Signed, it needs no policy any more; signed by somebody else, it is no removal. Checkpoints in what was taken out still hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_removal_holds_and_the_checkpoints_inside_it_as_well() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let plugin = world.start(signed(policy(folder.path(), false), "11")).await;
    for number in 1..=7 {
        deliver(&plugin, &created(&format!("c{number}"), "r")).await;
    }
    assert_eq!(world.memory.records("sys_audit_checkpoint").len(), 2);
    plugin.set_now_ms(NOW_MS + 101 * DAY_MS);
    until(&world, |rows| {
        rows.len() == 1 && rows[0]["event_type"] == "system.audit_archived"
    })
    .await;
    plugin.stop().await.unwrap();
    let told = &world.rows()[0]["metadata"];
    let ends: Vec<&Value> = told["runs"].as_array().unwrap().iter().map(|run| &run["to"]).collect();
    assert_eq!(ends, [3, 6, 7], "each checkpoint's hash stays known: {told}");
    for (key, expected) in [("11", ""), ("22", "which is none of those set")] {
        let plugin = world.start(signed(json!({}), key)).await;
        let (code, text) = verify(&plugin, &[]).await;
        assert_eq!(code, u8::from(!expected.is_empty()), "{key}: {text}");
        assert!(text.contains(expected), "{key}: {text}");
        plugin.stop().await.unwrap();
    }
    world.memory.tamper("sys_audit_event", |rows| {
        rows[0]["metadata"]["signature"] = json!("ab".repeat(64));
    });
    let plugin = world.start(signed(json!({}), "11")).await;
    let (code, text) = verify(&plugin, &[]).await;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("has a wrong signature"), "{text}");
    plugin.stop().await.unwrap();
}
