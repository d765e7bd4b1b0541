//! Values that a rule keeps unique, without an index, hold for records that come back from the bin.

use std::sync::atomic::Ordering;

use objectos_data::engine::{BatchItem, BatchOperation, BatchOptions};
use serde_json::{Value, json};

use crate::world::{World, failure};

const SEAT: &str = "
name: seat
softDelete: { enabled: true }
fields:
  block: { type: text }
  place: { type: number }
  state: { type: text, defaultValue: there }
  badge: { type: text }
  pass: { type: text }
validations:
  - { type: unique, name: one_guest, fields: [block, place], scope: \"state <> 'left'\", caseSensitive: false, message: taken }
  - { type: unique, name: one_badge, fields: [badge], severity: warning, message: somebody else has it }
  - { type: conditional, name: of_guests, when: \"state = 'guest'\", message: m, then: { type: unique, name: one_pass, fields: [pass], message: taken } }
";

const FILES: [(&str, &str); 4] = [
    ("seat.object.yml", SEAT),
    (
        "album.object.yml",
        "name: album\nsoftDelete: { enabled: true }\nfields:\n  name: { type: text }\n",
    ),
    (
        "photo.object.yml",
        "name: photo\nsoftDelete: { enabled: true }\nfields:\n  code: { type: text }\n  size: { type: number }\n  album: { type: master_detail, reference: album }\n  wall: { type: lookup, reference: wall }\nvalidations:\n  - { type: unique, name: one_code, fields: [code, size], message: taken }\n",
    ),
    ("wall.object.yml", "name: wall\nfields:\n  name: { type: text }\n"),
];

async fn world() -> World {
    World::new(&FILES).await
}

async fn delete(world: &World, object: &str, id: &str) {
    world.engine.delete(&world.local, object, id).await.unwrap();
    world.clock.0.fetch_add(10, Ordering::SeqCst);
}

async fn restore(world: &World, object: &str, id: &str) -> Result<usize, String> {
    let answer = world.engine.restore(&world.local, object, id).await;
    answer
        .map(|answer| answer.warnings.len())
        .map_err(|error| error.code().to_owned())
}

fn refused() -> Result<usize, String> {
    Err("duplicate_value".to_owned())
}

#[tokio::test]
async fn what_was_taken_meanwhile_keeps_a_record_in_the_bin() {
    // The record in the bin, the one that was made meanwhile, and what becomes of the first.
    let cases: [(Value, Value, Result<usize, String>); 8] = [
        (
            json!({ "block": "a", "place": 1 }),
            json!({ "block": "A", "place": 1 }),
            refused(),
        ),
        (
            json!({ "block": "a", "place": 1 }),
            json!({ "block": "a", "place": 2 }),
            Ok(0),
        ),
        // Nothing is equal to nothing.
        (json!({ "block": "a" }), json!({ "block": "a" }), Ok(0)),
        // Neither one of them is compared who is out of the scope.
        (
            json!({ "block": "a", "place": 1, "state": "left" }),
            json!({ "block": "a", "place": 1 }),
            Ok(0),
        ),
        (
            json!({ "block": "a", "place": 1 }),
            json!({ "block": "a", "place": 1, "state": "left" }),
            Ok(0),
        ),
        // What only tells does so.
        (json!({ "badge": "b" }), json!({ "badge": "b" }), Ok(1)),
        (
            json!({ "pass": "p", "state": "guest" }),
            json!({ "pass": "p", "state": "guest" }),
            refused(),
        ),
        (json!({ "pass": "p" }), json!({ "pass": "p", "state": "guest" }), Ok(0)),
    ];
    let world = world().await;
    for (number, (mut binned, mut other, expected)) in cases.into_iter().enumerate() {
        let (old, new) = (format!("old{number}"), format!("new{number}"));
        binned["id"] = json!(old);
        other["id"] = json!(new);
        world.create("seat", binned.clone()).await.unwrap();
        delete(&world, "seat", &old).await;
        world.create("seat", other).await.unwrap();
        assert_eq!(restore(&world, "seat", &old).await, expected, "{binned}");
        if expected.is_err() {
            assert_eq!(failure(world.get("seat", &old).await).0, "record_not_found", "{binned}");
            delete(&world, "seat", &new).await;
            restore(&world, "seat", &old).await.unwrap();
            assert_eq!(restore(&world, "seat", &new).await, expected, "{binned}");
        } else {
            delete(&world, "seat", &new).await;
        }
        delete(&world, "seat", &old).await;
    }
}

#[tokio::test]
async fn of_two_that_come_back_one_does() {
    let world = world().await;
    for id in ["s1", "s2"] {
        world
            .create("seat", json!({ "id": id, "block": "a", "place": 1 }))
            .await
            .unwrap();
        delete(&world, "seat", id).await;
    }
    let item = |id: &str| BatchItem {
        id: Some(id.to_owned()),
        ..BatchItem::default()
    };
    let together = vec![item("s1"), item("s2")];
    let options = BatchOptions::default();
    let answer = world
        .engine
        .batch(&world.local, "seat", BatchOperation::Restore, together, options)
        .await
        .unwrap()
        .to_json();
    assert_eq!(answer["succeeded"], 0, "{answer}");
    assert_eq!(answer["results"][1]["errors"][0]["code"], "duplicate_value", "{answer}");
    let both = tokio::join!(restore(&world, "seat", "s1"), restore(&world, "seat", "s2"));
    let back = usize::from(both.0.is_ok()) + usize::from(both.1.is_ok());
    assert_eq!(back, 1, "{both:?}");
    assert_eq!(
        world.number("SELECT COUNT(*) FROM seat WHERE deleted_at IS NULL").await,
        1
    );
}

#[tokio::test]
async fn what_comes_back_with_another_is_looked_at_as_well() {
    let world = world().await;
    for (object, record) in [
        ("album", json!({ "id": "a1" })),
        ("photo", json!({ "id": "p1", "code": "c", "size": 1, "album": "a1" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    delete(&world, "album", "a1").await;
    for (object, record) in [
        ("album", json!({ "id": "a2" })),
        ("photo", json!({ "id": "p2", "code": "c", "size": 1, "album": "a2" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    assert_eq!(restore(&world, "album", "a1").await, refused());
    // Whole or not at all.
    assert_eq!(failure(world.get("album", "a1").await).0, "record_not_found");
    delete(&world, "photo", "p2").await;
    assert_eq!(restore(&world, "album", "a1").await, Ok(0));
    assert_eq!(world.get("photo", "p1").await.unwrap()["code"], "c");
    assert_eq!(restore(&world, "photo", "p2").await, refused());
}

/// What a delete changes in records that lie in the bin themselves is in nobody's way.
#[tokio::test]
async fn a_record_in_the_bin_is_no_double() {
    let world = world().await;
    for object in ["wall", "album"] {
        world.create(object, json!({ "id": "o1" })).await.unwrap();
    }
    let hung = json!({ "id": "p1", "code": "c", "size": 1, "album": "o1", "wall": "o1" });
    world.create("photo", hung).await.unwrap();
    delete(&world, "photo", "p1").await;
    world
        .create("photo", json!({ "id": "p2", "code": "c", "size": 1, "album": "o1" }))
        .await
        .unwrap();
    world.engine.purge(&world.local, "wall", "o1", None).await.unwrap();
    let emptied = "SELECT COUNT(*) FROM photo WHERE wall IS NULL";
    assert_eq!(world.number(emptied).await, 2);
    assert_eq!(restore(&world, "photo", "p1").await, refused());
}
