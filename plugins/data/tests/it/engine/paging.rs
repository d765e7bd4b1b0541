//! Pages, totals, orders and cursors.

use serde_json::{Value, json};

use crate::world::{World, failure};

const ITEM: &str = "
name: item
fields:
  name: { type: text }
  rank: { type: number }
  group: { type: text }
  third: { type: formula, expression: 'rank / 3' }
  flag: { type: formula, expression: \"group = 'g1'\" }
  power: { type: formula, expression: 'rank ^ 2' }
";

async fn world(count: usize) -> World {
    let world = World::new(&[("item.object.yml", ITEM)]).await;
    let records = (0..count)
        .map(|index| {
            let rank = if index % 5 == 0 { Value::Null } else { json!(index % 3) };
            crate::world::fields(
                json!({ "name": format!("i{index:03}"), "rank": rank, "group": format!("g{}", index % 4) }),
            )
        })
        .collect::<Vec<_>>();
    for chunk in records.chunks(200) {
        world
            .engine
            .create_many(&world.local, "item", chunk.to_vec())
            .await
            .unwrap();
    }
    world
}

#[tokio::test]
async fn totals_are_true_whatever_the_page() {
    let world = world(25).await;
    let check = async |query: Value, count: usize, total: Value, more: bool| {
        let found = world.query("item", query.clone()).await.unwrap();
        assert_eq!(found["records"].as_array().unwrap().len(), count, "{query}");
        assert_eq!(found.get("total").cloned().unwrap_or_default(), total, "{query}");
        assert_eq!(found["hasMore"], more, "{query}");
        assert_eq!(found.get("nextCursor").is_some(), more && count > 0, "{query}");
    };
    check(json!({}), 25, json!(25), false).await;
    check(json!({ "limit": 10 }), 10, json!(25), true).await;
    check(json!({ "limit": 10, "offset": 20 }), 5, json!(25), false).await;
    check(json!({ "limit": 10, "offset": 15 }), 10, json!(25), false).await;
    check(json!({ "limit": 10, "offset": 90 }), 0, json!(25), false).await;
    check(json!({ "limit": 25 }), 25, json!(25), false).await;
    check(json!({ "limit": 0 }), 0, json!(25), true).await;
    check(json!({ "limit": 10, "count": false }), 10, Value::Null, true).await;
    check(json!({ "where": { "group": "g1" }, "limit": 2 }), 2, json!(6), true).await;
    check(json!({ "where": { "group": "none" } }), 0, json!(0), false).await;
}

#[tokio::test]
async fn a_page_has_a_hundred_records_unless_asked_and_a_thousand_at_most() {
    let world = world(1_100).await;
    assert_eq!(
        world.query("item", json!({})).await.unwrap()["records"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
    let found = world.query("item", json!({ "limit": 5_000 })).await.unwrap();
    assert_eq!(found["records"].as_array().unwrap().len(), 1_000);
    assert_eq!(found["total"], 1_100);
}

#[tokio::test]
async fn cursors_walk_over_everything_once_nulls_included() {
    let world = world(47).await;
    for order in [
        json!([]),
        json!("rank"),
        json!("-rank,name"),
        json!("group,-rank"),
        json!("-name"),
    ] {
        let all = world
            .query("item", json!({ "orderBy": order, "limit": 1_000 }))
            .await
            .unwrap();
        let all: Vec<Value> = all["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["name"].clone())
            .collect();
        let mut walked = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let page = world
                .query(
                    "item",
                    json!({ "orderBy": order, "limit": 7, "cursor": cursor, "count": false }),
                )
                .await
                .unwrap();
            walked.extend(
                page["records"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|record| record["name"].clone()),
            );
            match page.get("nextCursor") {
                Some(next) => cursor = next.clone(),
                None => break,
            }
        }
        assert_eq!(walked, all, "{order}");
    }
}

#[tokio::test]
async fn a_cursor_stands_inserts_and_counts_all() {
    let world = world(10).await;
    let page = world
        .query("item", json!({ "orderBy": "name", "limit": 4 }))
        .await
        .unwrap();
    world.create("item", json!({ "name": "a-first" })).await.unwrap();
    let next = world
        .query(
            "item",
            json!({ "orderBy": "name", "limit": 4, "cursor": page["nextCursor"] }),
        )
        .await
        .unwrap();
    assert_eq!(next["records"][0]["name"], "i004");
    assert_eq!(next["total"], 11);
    let other = world
        .query("item", json!({ "orderBy": "-name", "cursor": page["nextCursor"] }))
        .await;
    assert_eq!(failure(other).0, "invalid_query");
    assert_eq!(
        failure(world.query("item", json!({ "cursor": "rubbish" })).await).0,
        "invalid_query"
    );
}

#[tokio::test]
async fn nulls_come_first_ascending_and_last_descending() {
    let world = world(6).await;
    let ranks = async |order: &str| {
        let found = world.query("item", json!({ "orderBy": order })).await.unwrap();
        found["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["rank"].to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(ranks("rank").await, "null null 0 1 1 2");
    assert_eq!(ranks("-rank").await, "2 1 1 0 null null");
}

#[tokio::test]
async fn nulls_stand_where_they_are_put() {
    let world = world(6).await;
    let ranks = async |order: Value| {
        let found = world.query("item", json!({ "orderBy": order })).await.unwrap();
        let records = found["records"].as_array().unwrap();
        let ranks: Vec<String> = records.iter().map(|record| record["rank"].to_string()).collect();
        ranks.join(" ")
    };
    assert_eq!(
        ranks(json!([{ "field": "rank", "nulls": "last" }])).await,
        "0 1 1 2 null null"
    );
    assert_eq!(
        ranks(json!([{ "field": "rank", "order": "desc", "nulls": "first" }])).await,
        "null null 2 1 1 0"
    );
    assert_eq!(ranks(json!("rank desc nulls first")).await, "null null 2 1 1 0");
    let wrong = json!({ "orderBy": [{ "field": "rank", "nulls": "middle" }] });
    assert_eq!(failure(world.query("item", wrong).await).0, "invalid_sort");
}

/// Walks over all pages, forwards and then back again.
async fn walk(world: &World, object: &str, order: &Value, limit: u64) -> (Vec<Value>, Vec<Value>) {
    let names = |page: &Value| -> Vec<Value> {
        let records = page["records"].as_array().unwrap();
        records.iter().map(|record| record["name"].clone()).collect()
    };
    let page = async |cursor: Value| {
        let query = json!({ "orderBy": order, "limit": limit, "cursor": cursor, "count": false });
        world.query(object, query).await.unwrap()
    };
    let mut forwards = Vec::new();
    let mut last = page(Value::Null).await;
    forwards.extend(names(&last));
    while let Some(next) = last.get("nextCursor") {
        last = page(json!({ "after": next })).await;
        forwards.extend(names(&last));
    }
    let mut backwards = names(&last);
    while let Some(before) = last.get("prevCursor") {
        last = page(json!({ "before": before })).await;
        backwards.splice(0..0, names(&last));
    }
    (forwards, backwards)
}

#[tokio::test]
async fn cursors_lead_back_as_well() {
    let world = world(47).await;
    for order in [
        json!([]),
        json!("rank"),
        json!("-rank,name"),
        json!([{ "field": "rank", "nulls": "last" }, { "field": "name", "order": "desc" }]),
        json!([{ "field": "rank", "order": "desc", "nulls": "first" }]),
        json!("-created_at"),
        json!("third"),
        json!("-third,group"),
    ] {
        let all = world
            .query("item", json!({ "orderBy": order, "limit": 1_000 }))
            .await
            .unwrap();
        let records = all["records"].as_array().unwrap();
        let all: Vec<Value> = records.iter().map(|record| record["name"].clone()).collect();
        let (forwards, backwards) = walk(&world, "item", &order, 7).await;
        assert_eq!(forwards, all, "{order}");
        assert_eq!(backwards, all, "{order}");
    }
}

#[tokio::test]
async fn cursors_lead_over_means_that_have_no_end() {
    let pupil = "name: pupil\nfields:\n  name: { type: text }\n  mean: { type: summary, summaryOperations: { object: mark, field: points, function: avg } }\n";
    let mark = "name: mark\nfields:\n  pupil: { type: master_detail, reference: pupil }\n  points: { type: number }\n";
    let world = World::new(&[("pupil.object.yml", pupil), ("mark.object.yml", mark)]).await;
    for (name, points) in [
        ("a", &[1, 0, 0][..]),
        ("b", &[2, 0, 0]),
        ("c", &[0, 1, 0]),
        ("d", &[]),
        ("e", &[10, 0, 0]),
        ("f", &[2, 1, 1, 2, 0, 0, 0]),
        ("g", &[1, 1, 0]),
    ] {
        world
            .create("pupil", json!({ "id": name, "name": name }))
            .await
            .unwrap();
        for points in points {
            let mark = json!({ "pupil": name, "points": points });
            world.create("mark", mark).await.unwrap();
        }
    }
    for order in [json!("mean"), json!("-mean"), json!("mean,-name")] {
        let all = world.query("pupil", json!({ "orderBy": order })).await.unwrap();
        let records = all["records"].as_array().unwrap();
        let all: Vec<Value> = records.iter().map(|record| record["name"].clone()).collect();
        let (forwards, backwards) = walk(&world, "pupil", &order, 1).await;
        assert_eq!(forwards, all, "{order}");
        assert_eq!(backwards, all, "{order}");
    }
}

/// A sum of decimals may have more digits than a double; the cursor has one.
#[tokio::test]
async fn cursors_lead_over_sums_of_many_digits() {
    let till = "name: till\nfields:\n  name: { type: text }\n  total: { type: summary, summaryOperations: { object: sale, field: size, function: sum } }\n  \
                passed: { type: formula, expression: 'total' }\n  kept: { type: formula, expression: 'COALESCE(total, 0)' }\n";
    let sale = "name: sale\nfields:\n  till: { type: master_detail, reference: till }\n  size: { type: number }\n";
    let world = World::new(&[("till.object.yml", till), ("sale.object.yml", sale)]).await;
    for (name, sizes) in [
        ("a", &[0.333_333_333_333_333_3, 66_666_666.666_666_67][..]),
        ("b", &[66_666_667.0]),
        ("c", &[0.1, 0.7]),
        ("d", &[]),
        ("e", &[0.8]),
        ("f", &[0.666_666_666_666_666_6, 0.000_000_1, 1_234_567.1]),
        ("g", &[-0.1, -0.2]),
    ] {
        world.create("till", json!({ "id": name, "name": name })).await.unwrap();
        for size in sizes {
            let sale = json!({ "till": name, "size": size });
            world.create("sale", sale).await.unwrap();
        }
    }
    for order in ["total", "-total", "total,-name", "passed", "-passed", "kept"] {
        let order = json!(order);
        let all = world.query("till", json!({ "orderBy": order })).await.unwrap();
        let records = all["records"].as_array().unwrap();
        let all: Vec<Value> = records.iter().map(|record| record["name"].clone()).collect();
        assert_eq!(all.len(), 7);
        let (forwards, backwards) = walk(&world, "till", &order, 1).await;
        assert_eq!(forwards, all, "{order}");
        assert_eq!(backwards, all, "{order}");
    }
}

#[tokio::test]
async fn a_cursor_stands_deletes_even_of_the_record_it_was_made_of() {
    let world = world(10).await;
    let query = |cursor: Value| json!({ "orderBy": "name", "limit": 4, "cursor": cursor });
    let page = world.query("item", query(Value::Null)).await.unwrap();
    for place in [1, 3] {
        let id = page["records"][place]["id"].as_str().unwrap();
        world.engine.delete(&world.local, "item", id).await.unwrap();
    }
    let next = world.query("item", query(page["nextCursor"].clone())).await.unwrap();
    assert_eq!(
        (&next["records"][0]["name"], &next["total"]),
        (&json!("i004"), &json!(8))
    );
}

#[tokio::test]
async fn fields_under_other_names() {
    let world = world(1).await;
    let query = json!({ "fields": [{ "field": "name", "alias": "title" }, "group"] });
    let found = world.query("item", query).await.unwrap();
    assert_eq!(found["records"], json!([{ "title": "i000", "group": "g0" }]));
}

#[tokio::test]
async fn only_the_fields_that_were_asked_for() {
    let world = world(2).await;
    let found = world
        .query("item", json!({ "fields": ["name"], "limit": 1 }))
        .await
        .unwrap();
    assert_eq!(found["records"], json!([{ "name": "i000" }]));
    let distinct = world
        .query(
            "item",
            json!({ "fields": ["group"], "distinct": true, "orderBy": "group" }),
        )
        .await
        .unwrap();
    assert_eq!(
        (distinct["records"].clone(), distinct["total"].clone()),
        (json!([{ "group": "g0" }, { "group": "g1" }]), json!(2))
    );
    assert_eq!(
        failure(world.query("item", json!({ "distinct": true })).await).0,
        "invalid_query"
    );
}

#[tokio::test]
async fn equal_records_once_are_those_of_what_is_selected() {
    let world = world(12).await;
    let distinct = async |fields: Value, order: &str| {
        let query = json!({ "fields": fields, "distinct": true, "orderBy": order });
        world.query("item", query).await
    };
    // Of twelve records the ranks are 0, 1, 2 and null: as many thirds.
    let found = distinct(json!(["third"]), "-third").await.unwrap();
    let thirds: Vec<Option<String>> = found["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["third"].as_f64().map(|third| format!("{third:.3}")))
        .collect();
    let expected = ["0.667", "0.333", "0.000"].map(|third| Some(third.to_owned()));
    assert_eq!((&thirds[..3], &thirds[3..]), (&expected[..], &[None][..]), "{found}");
    assert_eq!(found["total"], 4);
    let found = distinct(json!(["flag", "group"]), "group").await.unwrap();
    let expected: Vec<Value> = (0..4)
        .map(|number| json!({ "flag": number == 1, "group": format!("g{number}") }))
        .collect();
    assert_eq!((&found["records"], &found["total"]), (&json!(expected), &json!(4)));
    for (fields, order, place) in [
        (json!(["group"]), "name", "'name'"),
        (json!(["group"]), "group,third", "'third'"),
        (json!(["rank"]), "third", "'third'"),
    ] {
        let (code, message) = failure(distinct(fields, order).await);
        assert_eq!(code, "invalid_query", "{message}");
        assert!(message.contains(place), "{message}");
    }
    // What no database can calculate is calculated before, and compared all the same.
    let found = distinct(json!(["power"]), "-power").await.unwrap();
    assert_eq!(
        found["records"],
        json!([{ "power": 4 }, { "power": 1 }, { "power": 0 }, { "power": null }])
    );
    assert_eq!(found["total"], 4);
}

#[tokio::test]
async fn unknown_keys_and_unsupported_parts_are_refused() {
    let world = world(1).await;
    let (code, message) = failure(world.query("item", json!({ "filtr": {} })).await);
    assert_eq!(code, "invalid_query");
    assert!(message.contains("did you mean 'filter'"), "{message}");
    let join =
        json!({ "joins": [{ "type": "inner", "object": "other", "on": { "name": { "$field": "other.name" } } }] });
    assert_eq!(failure(world.query("item", join).await).0, "not_implemented");
    assert_eq!(
        failure(world.query("item", json!({ "limit": -1 })).await).0,
        "invalid_query"
    );
}
