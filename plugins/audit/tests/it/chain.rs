//! Nothing alters a row unseen.

use objectos_plugin_api::{Context, ErrorKind};
use objectos_plugin_testing::TestPlugin;
use serde_json::{Map, Value, json};

use crate::world::{World, created, deliver};

const OBJECT: &str = "sys_audit_event";

async fn filled(world: &World, config: Value, count: usize) -> TestPlugin {
    let plugin = world.start(config).await;
    for number in 1..=count {
        deliver(&plugin, &created(&format!("e{number}"), &format!("r{number}"))).await;
    }
    plugin
}

async fn verify(plugin: &TestPlugin) -> (u8, String, String) {
    let answer = plugin.command("audit verify", &[]).await.unwrap();
    (answer.exit_code, answer.output, answer.error)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untouched_chain_holds() {
    let world = World::new();
    let plugin = filled(&world, json!({}), 0).await;
    assert_eq!(verify(&plugin).await.0, 0, "an empty one holds, too");
    plugin.stop().await.unwrap();
    let plugin = filled(&world, json!({}), 7).await;
    let (code, output, error) = verify(&plugin).await;
    assert_eq!((code, error.as_str()), (0, ""), "{output}");
    assert!(
        output.starts_with("7 events up to sequence 7") && output.contains("the chain holds"),
        "{output}"
    );
    plugin.stop().await.unwrap();
}

/// Every way to touch a row, and where it shows first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_alteration_is_seen_and_the_first_broken_row_named() {
    type Touch = fn(&mut Vec<Map<String, Value>>);
    let touches: [(&str, Touch, &str); 8] = [
        (
            "a value",
            |rows| drop(rows[2].insert("description".to_owned(), json!("nothing"))),
            "sequence 3: event e3",
        ),
        (
            "a change",
            |rows| rows[3]["changes"][0]["newValue"] = json!("Eve"),
            "sequence 4: event e4",
        ),
        (
            "the actor",
            |rows| drop(rows[2].insert("actor_id".to_owned(), json!("u2"))),
            "sequence 3: event e3",
        ),
        (
            "a field taken out",
            |rows| drop(rows[2].insert("ip_address".to_owned(), Value::Null)),
            "sequence 3: event e3",
        ),
        (
            "a row taken out",
            |rows| drop(rows.remove(2)),
            "sequence 3: events 3 to 3 are missing",
        ),
        (
            "rows exchanged",
            |rows| {
                let first = rows[1].insert("sequence".to_owned(), json!(3)).unwrap();
                rows[2].insert("sequence".to_owned(), first);
            },
            "sequence 2: event e3",
        ),
        (
            "a hash made anew",
            |rows| drop(rows[2].insert("hash".to_owned(), json!("0".repeat(64)))),
            "sequence 3: event e3",
        ),
        (
            "the first row taken out",
            |rows| drop(rows.remove(0)),
            "sequence 1: events 1 to 1 are missing",
        ),
    ];
    for (what, touch, expected) in touches {
        let world = World::new();
        let plugin = filled(&world, json!({}), 6).await;
        world.memory.tamper(OBJECT, touch);
        let (code, _, error) = verify(&plugin).await;
        assert_eq!(code, 1, "{what}");
        assert!(
            error.starts_with(&format!("the chain is broken, first at {expected}")),
            "{what}: {error}"
        );
        let told: Vec<_> = plugin
            .published()
            .into_iter()
            .filter(|event| event.name == "security.data_breach" && event.durable)
            .collect();
        assert_eq!(told.len(), 1, "{what}");
        assert_eq!(told[0].payload["targetId"], OBJECT, "{what}");
        plugin.stop().await.unwrap();
    }
}

fn signing() -> Value {
    json!({ "compliance": { "requireSigning": true, "signingKey": "11".repeat(32) }, "checkpointRows": 3 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_show_an_end_that_was_cut_off_and_a_chain_written_anew() {
    let world = World::new();
    let plugin = filled(&world, signing(), 4).await;
    let signed = world.memory.records("sys_audit_checkpoint");
    assert_eq!((signed.len(), &signed[0]["sequence"]), (1, &json!(3)));
    let (code, output, _) = verify(&plugin).await;
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("1 checkpoints"), "{output}");
    // The last rows are gone, and with them nothing inside the chain is wrong.
    world.memory.tamper(OBJECT, |rows| rows.truncate(2));
    let (code, _, error) = verify(&plugin).await;
    assert_eq!(code, 1);
    assert!(
        error.contains("first at sequence 3: events 3 to 3 are missing: a checkpoint"),
        "{error}"
    );
    // Whoever takes the checkpoint out of the database has not taken it out of the file.
    world.memory.tamper("sys_audit_checkpoint", Vec::clear);
    assert_eq!(verify(&plugin).await.0, 1);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_of_somebody_else_is_no_checkpoint() {
    let world = World::new();
    let plugin = filled(&world, signing(), 4).await;
    world.memory.tamper("sys_audit_checkpoint", |rows| {
        drop(rows[0].insert("signature".to_owned(), json!("ab".repeat(64))))
    });
    let (code, _, error) = verify(&plugin).await;
    assert_eq!(code, 1);
    assert!(error.contains("the signature of the checkpoint is wrong"), "{error}");
    plugin.stop().await.unwrap();
}

/// Somebody who has no key of ours signs with their own, or takes the checkpoints away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_nobody_knows_and_a_checkpoint_taken_away_are_breaks() {
    let world = World::new();
    let plugin = filled(&world, signing(), 4).await;
    let (_, output, _) = verify(&plugin).await;
    let public = output.split("public half is ").nth(1).unwrap()[..64].to_owned();
    plugin.stop().await.unwrap();
    let settings = |own: &str, former: Value| {
        json!({
            "compliance": { "requireSigning": true, "signingKey": own.repeat(32) }, "checkpointRows": 3,
            "formerPublicKeys": former,
        })
    };
    for (config, expected) in [
        (settings("11", json!([])), ""),
        (settings("22", json!([])), "which is none of those set"),
        (settings("22", json!([public])), ""),
    ] {
        let plugin = world.start(config.clone()).await;
        let (code, _, error) = verify(&plugin).await;
        assert_eq!(code, u8::from(!expected.is_empty()), "{config}: {error}");
        assert!(error.contains(expected), "{config}: {error}");
        plugin.stop().await.unwrap();
    }
    world.memory.tamper("sys_audit_checkpoint", |rows| {
        rows.iter_mut()
            .for_each(|row| drop(row.insert("key_id".to_owned(), json!("0123456789abcdef"))));
    });
    let plugin = world.start(signing()).await;
    let (code, _, error) = verify(&plugin).await;
    assert_eq!(code, 1);
    assert!(error.contains("the key 0123456789abcdef, which is none"), "{error}");
    plugin.stop().await.unwrap();
    // Every start of the test has a folder of its own, so that the file is gone with the records.
    world.memory.tamper("sys_audit_checkpoint", Vec::clear);
    let plugin = world.start(signing()).await;
    let (code, _, error) = verify(&plugin).await;
    assert_eq!(code, 1);
    assert!(error.contains("events 1 to 4 are under no checkpoint"), "{error}");
    plugin.stop().await.unwrap();
    let error = world.try_start(settings("11", json!(["zz"]))).await.unwrap_err();
    assert!(
        error.to_string().contains("formerPublicKeys: `zz` is no public key"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_left_unsigned_is_signed_with_the_next_event() {
    let world = World::new();
    let plugin = filled(&world, json!({}), 4).await;
    plugin.stop().await.unwrap();
    assert!(world.memory.records("sys_audit_checkpoint").is_empty());
    let plugin = world.start(signing()).await;
    deliver(&plugin, &created("e5", "r5")).await;
    plugin.stop().await.unwrap();
    let signed = world.memory.records("sys_audit_checkpoint");
    assert_eq!((signed.len(), &signed[0]["sequence"]), (1, &json!(5)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_signs_what_was_not_signed() {
    let world = World::new();
    let plugin = filled(&world, signing(), 2).await;
    assert!(world.memory.records("sys_audit_checkpoint").is_empty());
    plugin.stop().await.unwrap();
    assert_eq!(world.memory.records("sys_audit_checkpoint")[0]["sequence"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_make_one_chain() {
    let world = World::new();
    let (first, second) = (world.start(json!({})).await, world.start(json!({})).await);
    for number in 0..20 {
        deliver(
            if number % 2 == 0 { &first } else { &second },
            &created(&format!("e{number}"), "r"),
        )
        .await;
    }
    let (code, output, error) = verify(&first).await;
    assert_eq!(code, 0, "{error}");
    assert!(output.starts_with("20 events up to sequence 20"), "{output}");
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_come_together_are_stored_together_each_once() {
    let world = World::new();
    let plugin = std::sync::Arc::new(world.start(json!({})).await);
    let tasks: Vec<_> = (0..300)
        .map(|number| {
            let plugin = std::sync::Arc::clone(&plugin);
            tokio::spawn(async move { deliver(&plugin, &created(&format!("e{}", number % 250), "r")).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(world.rows().len(), 250);
    assert_eq!(verify(&plugin).await.0, 0);
    std::sync::Arc::into_inner(plugin).unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_one_call_are_stored_in_their_order_each_once() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    let events = |numbers: std::ops::Range<u32>| numbers.map(|number| created(&format!("e{number}"), "r")).collect();
    let context = Context::background();
    // As after a crash: some of those that come are there already.
    for (events, stored) in [(events(1..4), 3), (events(2..7), 6)] {
        let events: Vec<_> = events;
        assert_eq!(plugin.deliver_together(&context, &events).await.unwrap(), 1);
        let ids: Vec<Value> = world.rows().iter().map(|row| row["id"].clone()).collect();
        let expected: Vec<Value> = (1..=stored).map(|number| json!(format!("e{number}"))).collect();
        assert_eq!(ids, expected);
    }
    assert_eq!(verify(&plugin).await.0, 0);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_or_deletes_a_row_not_even_the_system() {
    let world = World::new();
    let plugin = world.start(json!({})).await;
    let payload = json!({ "object": OBJECT, "id": "e1", "record": { "description": "x" } });
    for hook in ["data.before_update", "data.before_delete"] {
        for object in [OBJECT, "sys_audit_checkpoint"] {
            let error = plugin
                .hook(hook, object, &Context::background().as_system(), &payload)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Vetoed, "{hook} of {object}");
        }
        let forged = Context::background().with_extra(json!({ "auditPass": "guess" }).as_object().unwrap());
        assert!(plugin.hook(hook, OBJECT, &forged, &payload).await.is_err());
    }
    plugin.stop().await.unwrap();
}
