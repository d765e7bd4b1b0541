//! Reading a record by its id again and again: however much of the way is kept from the last time, each caller sees its own
//! fields and rows, each moment its own formulas, and a permission that changed counts at once.

use objectos_plugin_api::PrincipalKind;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

use super::access::plan;
use crate::world::{NOON, World, failure, principal};

const FILES: [(&str, &str); 1] = [(
    "note.object.yml",
    "name: note
fields:
  name: { type: text }
  secret: { type: text }
  size: { type: number }
  double: { type: formula, expression: size * 2 }
  minute: { type: formula, expression: MINUTE(NOW()) }
  mine: { type: formula, expression: owner_id = $current_user.id }
",
)];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (id, owner, size) in [("n1", "ann", 1), ("n2", "bob", 20)] {
        let record = json!({ "id": id, "name": id, "secret": "s", "size": size, "owner_id": owner });
        world.create("note", record).await.unwrap();
    }
    world
}

fn shown(record: &Value) -> Value {
    json!([
        record["name"],
        record["secret"],
        record["double"],
        record["minute"],
        record["mine"]
    ])
}

#[tokio::test]
async fn each_caller_and_each_moment_sees_its_own() {
    let world = world().await;
    let own = |user: &str| Some(json!({ "owner_id": user }));
    world
        .permissions
        .allow("ann", "note", Operation::Read, plan(own("ann"), None, &["secret"], &[]));
    world
        .permissions
        .allow("bob", "note", Operation::Read, plan(None, None, &["minute"], &[]));
    let [ann, bob] = ["ann", "bob"].map(|user| principal(user, PrincipalKind::User, None));
    for minute in 0..3_i64 {
        world.clock.0.store(NOON + minute * 60_000, Ordering::Relaxed);
        for _ in 0..2 {
            let of_ann = world.get_as(&ann, "note", "n1").await.unwrap();
            assert_eq!(shown(&of_ann), json!(["n1", null, 2, minute, true]));
            assert!(of_ann.get("secret").is_none());
            assert_eq!(failure(world.get_as(&ann, "note", "n2").await).0, "record_not_found");
            let of_bob = world.get_as(&bob, "note", "n1").await.unwrap();
            assert_eq!(shown(&of_bob), json!(["n1", "s", 2, null, false]));
            let of_bob = world.get_as(&bob, "note", "n2").await.unwrap();
            assert_eq!(shown(&of_bob), json!(["n2", "s", 40, null, true]));
            let of_all = world.get("note", "n2").await.unwrap();
            assert_eq!(shown(&of_all), json!(["n2", "s", 40, minute, false]));
        }
    }
}

#[tokio::test]
async fn what_is_not_there_stays_missing_until_it_is() {
    let world = world().await;
    for _ in 0..2 {
        assert_eq!(failure(world.get("note", "n3").await).0, "record_not_found");
    }
    world.create("note", json!({ "id": "n3", "name": "n3" })).await.unwrap();
    assert_eq!(world.get("note", "n3").await.unwrap()["name"], "n3");
}

#[tokio::test]
async fn a_permission_that_changed_counts_with_the_next_read() {
    let world = world().await;
    let ann = principal("ann", PrincipalKind::User, None);
    let allow = |except: &[&str]| {
        let filter = Some(json!({ "owner_id": "ann" }));
        world
            .permissions
            .allow("ann", "note", Operation::Read, plan(filter, None, except, &[]));
    };
    for except in [&["secret"][..], &[], &["double", "size"], &["secret"]] {
        allow(except);
        for _ in 0..2 {
            let record = world.get_as(&ann, "note", "n1").await.unwrap();
            for field in ["secret", "double", "size"] {
                assert_eq!(
                    record.get(field).is_none(),
                    except.contains(&field),
                    "{field} of {except:?}"
                );
            }
        }
    }
    let other = Some(json!({ "owner_id": "bob" }));
    world
        .permissions
        .allow("ann", "note", Operation::Read, plan(other, None, &[], &[]));
    assert_eq!(failure(world.get_as(&ann, "note", "n1").await).0, "record_not_found");
    assert_eq!(world.get_as(&ann, "note", "n2").await.unwrap()["name"], "n2");
}
