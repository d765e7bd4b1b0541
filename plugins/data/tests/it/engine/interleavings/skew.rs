//! Two records of two objects whose rules read each other, changed at the same moment: each change is allowed alone, and both
//! together are not. One of them is refused, whatever their order.

use std::sync::Arc;

use objectos_data::error::DataError;
use serde_json::json;

use crate::world::{World, fields};

/// One of two lamps is lit at all times.
const LAMPS: [(&str, &str); 2] = [
    (
        "lamp_left.object.yml",
        "name: lamp_left\nfields:\n  lit: { type: boolean }\n  twin: { type: lookup, reference: lamp_right }\nvalidations:\n  - { type: script, name: light, condition: 'lit = false AND twin.lit = false', message: one stays lit }\n",
    ),
    (
        "lamp_right.object.yml",
        "name: lamp_right\nfields:\n  lit: { type: boolean }\n  twin: { type: lookup, reference: lamp_left }\nvalidations:\n  - { type: script, name: light, condition: 'lit = false AND twin.lit = false', message: one stays lit }\n",
    ),
];
const ROUNDS: usize = 20;

async fn put_out(world: Arc<World>, object: &'static str, id: String) -> Result<(), DataError> {
    let change = fields(json!({ "lit": false }));
    world
        .engine
        .update(&world.local, object, &id, change, None)
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_that_rely_on_each_other_one_is_refused() {
    let world = Arc::new(World::new(&LAMPS).await);
    for round in 0..ROUNDS {
        let (left, right) = (format!("l{round}"), format!("r{round}"));
        world
            .create("lamp_left", json!({ "id": left, "lit": true }))
            .await
            .unwrap();
        let lamp = json!({ "id": right, "lit": true, "twin": left });
        world.create("lamp_right", lamp).await.unwrap();
        world
            .update("lamp_left", &left, json!({ "twin": right }))
            .await
            .unwrap();
        let tasks = [("lamp_left", left), ("lamp_right", right)]
            .map(|(object, id)| tokio::spawn(put_out(Arc::clone(&world), object, id)));
        let mut out = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => out += 1,
                Err(error) => assert_eq!(error.code(), "validation_error", "{error}"),
            }
        }
        assert_eq!(out, 1, "round {round}");
    }
    let dark = "SELECT COUNT(*) FROM lamp_left l JOIN lamp_right r ON r.id = l.twin WHERE NOT l.lit AND NOT r.lit";
    assert_eq!(world.number(dark).await, 0);
}

/// What a change of the same unit makes of the other record is what counts, before or after it.
#[tokio::test]
async fn changes_of_one_unit_see_each_other() {
    use objectos_data::engine::{BatchOperation, TransactionItem};
    let world = World::new(&LAMPS).await;
    world
        .create("lamp_left", json!({ "id": "l", "lit": true }))
        .await
        .unwrap();
    world
        .create("lamp_right", json!({ "id": "r", "lit": false, "twin": "l" }))
        .await
        .unwrap();
    world.update("lamp_left", "l", json!({ "twin": "r" })).await.unwrap();
    let switch = |object: &str, id: &str, lit: bool| TransactionItem {
        object: object.to_owned(),
        operation: BatchOperation::Update,
        id: Some(id.to_owned()),
        external_id: None,
        data: fields(json!({ "lit": lit })),
        expected: None,
    };
    let swapped = vec![switch("lamp_right", "r", true), switch("lamp_left", "l", false)];
    world.engine.transaction(&world.local, swapped).await.unwrap();
    // The rule of the first change reads the second record, which the same unit changes afterwards.
    let back = vec![
        switch("lamp_left", "l", true),
        switch("lamp_right", "r", false),
        switch("lamp_left", "l", true),
    ];
    world.engine.transaction(&world.local, back).await.unwrap();
    let dark = vec![switch("lamp_left", "l", false), switch("lamp_right", "r", true)];
    let refused = world.engine.transaction(&world.local, dark).await.unwrap_err();
    assert_eq!(refused.code(), "validation_error", "{refused}");
}
