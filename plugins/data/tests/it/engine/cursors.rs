//! Pages by cursor over fields that may be null, in every direction, against a sort in memory: along an index of one field, of two,
//! and without any; for one who sees all and one who does not, and with records in the bin.
//!
//! Records and orders are random. The seed is printed; `OBJECTOS_TEST_SEED` repeats a run.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use objectos_data::query::QueryInput;
use objectos_data::query::check::Checker;
use objectos_data::query::select::{self, PageLimits};
use objectos_data::record::Schema;
use objectos_data::store::Statement;
use objectos_expression::RecordEnvironment;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, PrincipalKind};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::driver::{Driver, driver};
use crate::world::{NOON, World, allowed, failure, fields, principal};

const VISIT: &str = "
name: visit
fields:
  stage: { type: text }
  rank: { type: number, index: true }
  day: { type: date, index: true }
  label: { type: text }
  open: { type: boolean }
indexes:
  - { fields: [stage, rank] }
softDelete: { enabled: true }
";
const FIELDS: [&str; 4] = ["stage", "rank", "day", "label"];
const RECORDS: usize = 60;
const ORDERS: usize = 40;

/// One field of an order.
#[derive(Clone, Copy, Debug)]
struct Key {
    field: &'static str,
    descending: bool,
    nulls_first: bool,
}

impl Key {
    fn random(random: &mut SmallRng) -> Self {
        Self {
            field: FIELDS[random.random_range(0..FIELDS.len())],
            descending: random.random_bool(0.5),
            nulls_first: random.random_bool(0.5),
        }
    }

    fn written(self) -> Value {
        let order = if self.descending { "desc" } else { "asc" };
        let nulls = if self.nulls_first { "first" } else { "last" };
        json!({ "field": self.field, "order": order, "nulls": nulls })
    }

    fn compare(self, left: &Value, right: &Value) -> Ordering {
        let (left, right) = (&left[self.field], &right[self.field]);
        let nulls = if self.nulls_first {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        match (left.is_null(), right.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => nulls,
            (false, true) => nulls.reverse(),
            (false, false) if self.descending => by_value(right, left),
            (false, false) => by_value(left, right),
        }
    }
}

fn by_value(left: &Value, right: &Value) -> Ordering {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.as_str().cmp(&right.as_str()),
    }
}

fn seed() -> u64 {
    let seed = std::env::var("OBJECTOS_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| u64::from(rand::random::<u32>()));
    println!("OBJECTOS_TEST_SEED={seed}");
    seed
}

/// Few values, so that many records have the same, and many have none. The records are not made in the order of their ids.
fn records(random: &mut SmallRng) -> Vec<Value> {
    let each = (0..RECORDS).map(|index| {
        let mut value = |values: [Value; 3]| match random.random_range(0..5_usize) {
            place @ 0..3 => values[place].clone(),
            _ => Value::Null,
        };
        json!({
            "id": format!("v{:02}", index * 7 % RECORDS),
            "stage": value(["new", "won", "lost"].map(Value::from)),
            "rank": value([-1, 0, 12].map(Value::from)),
            "day": value(["2025-12-31", "2026-01-01", "2026-02-28"].map(Value::from)),
            "label": value(["A", "B", "a"].map(Value::from)),
        })
    });
    each.collect()
}

async fn world(random: &mut SmallRng) -> (World, Vec<Value>) {
    let world = World::new(&[("visit.object.yml", VISIT)]).await;
    let mut records = records(random);
    let made = records.iter().cloned().map(fields).collect();
    world.engine.create_many(&world.local, "visit", made).await.unwrap();
    for _ in 0..5 {
        let binned = records.swap_remove(random.random_range(0..records.len()));
        let id = binned["id"].as_str().unwrap();
        world.engine.delete(&world.local, "visit", id).await.unwrap();
    }
    (world, records)
}

/// Ids of all pages, forwards and then back again. Every page knows how many records there are.
async fn walk(world: &World, who: &Context, query: &Value, limit: u64, total: usize) -> [Vec<String>; 2] {
    let page = async |cursor: Value| {
        let mut query = query.clone();
        query["limit"] = json!(limit);
        query["cursor"] = cursor;
        let page = world.query_as(who, "visit", query.clone()).await.unwrap();
        assert_eq!(page["total"], total, "{query}");
        page
    };
    let ids = |page: &Value| -> Vec<String> {
        let records = page["records"].as_array().unwrap();
        let ids = records.iter().map(|record| record["id"].as_str().unwrap().to_owned());
        ids.collect()
    };
    let mut last = page(Value::Null).await;
    let mut forwards = ids(&last);
    while let Some(next) = last.get("nextCursor") {
        last = page(json!({ "after": next })).await;
        forwards.extend(ids(&last));
    }
    let mut backwards = ids(&last);
    while let Some(before) = last.get("prevCursor") {
        last = page(json!({ "before": before })).await;
        backwards.splice(0..0, ids(&last));
    }
    [forwards, backwards]
}

#[tokio::test]
async fn pages_by_cursor_are_in_the_order_of_a_sort() {
    let mut random = SmallRng::seed_from_u64(seed());
    let (world, records) = world(&mut random).await;
    world.permissions.allow(
        "ann",
        "visit",
        Operation::Read,
        allowed(Some(json!({ "label": { "$ne": "B" } }))),
    );
    let ann = principal("ann", PrincipalKind::User, None);
    let mut orders: Vec<Vec<Key>> = Vec::new();
    for field in FIELDS {
        for (descending, nulls_first) in [(false, true), (false, false), (true, false), (true, true)] {
            orders.push(vec![Key {
                field,
                descending,
                nulls_first,
            }]);
        }
    }
    for _ in 0..ORDERS {
        let count = random.random_range(2..=3_usize);
        orders.push((0..count).map(|_| Key::random(&mut random)).collect());
    }
    for order in orders {
        let won = random.random_bool(0.25);
        let hers = random.random_bool(0.5);
        let mut expected: Vec<&Value> = records
            .iter()
            .filter(|record| !won || record["stage"] == "won")
            .filter(|record| !hers || record["label"] != "B")
            .collect();
        // What is the same by all of them goes the way of the last one.
        let descends = order.last().is_some_and(|key| key.descending);
        expected.sort_by(|left, right| {
            let by_keys = order.iter().map(|key| key.compare(left, right));
            let by_id = by_value(&left["id"], &right["id"]);
            let by_id = if descends { by_id.reverse() } else { by_id };
            by_keys
                .chain([by_id])
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        let expected: Vec<&str> = expected.iter().map(|record| record["id"].as_str().unwrap()).collect();
        let written: Vec<Value> = order.iter().map(|key| key.written()).collect();
        let mut query = json!({ "orderBy": written, "fields": ["id"] });
        if won {
            query["where"] = json!({ "stage": "won" });
        }
        let who = if hers { &ann } else { &world.local };
        let limit = random.random_range(1..=11_u64);
        for walked in walk(&world, who, &query, limit, expected.len()).await {
            assert_eq!(walked, expected, "{query} in pages of {limit}");
        }
    }
}

/// The order of a cursor, and a value for its first field; the second is the id.
fn forged(order: &str, value: &Value) -> Value {
    let cursor = json!([order, [value, "v01"]]).to_string();
    json!(URL_SAFE_NO_PAD.encode(cursor))
}

#[tokio::test]
async fn a_cursor_with_values_of_another_kind_is_none() {
    let mut random = SmallRng::seed_from_u64(2);
    let (world, _) = world(&mut random).await;
    let query = |field: &str, value: &Value| {
        let cursor = forged(&format!("{field},id"), value);
        json!({ "orderBy": field, "cursor": cursor, "fields": ["id"] })
    };
    for (field, value) in [
        ("rank", json!("x")),
        ("rank", json!(true)),
        ("rank", json!([1])),
        ("rank", json!({ "r": "x" })),
        ("rank", json!(1.5)),
        ("day", json!(false)),
        ("day", json!({ "r": "3ff0000000000000" })),
        ("label", json!({})),
        ("label", json!(["A"])),
        ("open", json!("true")),
        ("open", json!(2)),
        ("open", json!({ "r": "3ff0000000000000" })),
    ] {
        let (code, message) = failure(world.query("visit", query(field, &value)).await);
        assert_eq!(code, "invalid_query", "{field} {value}: {message}");
    }
    for (field, value) in [
        ("rank", json!(1)),
        ("rank", json!({ "r": "3ff8000000000000" })),
        ("day", json!("soon")),
        ("label", json!(7)),
        ("open", json!(1)),
        ("open", Value::Null),
    ] {
        world
            .query("visit", query(field, &value))
            .await
            .unwrap_or_else(|error| panic!("{field} {value}: {error}"));
    }
}

/// The steps by which SQLite finds the page behind a cursor, those of each of its statements.
async fn steps(world: &World, query: Value) -> Vec<Vec<String>> {
    let query = QueryInput::from_map(&fields(query)).unwrap();
    let schema = Schema::new(world.engine.parts().catalogue.snapshot(), world.store.dialect());
    let layout = schema.layout("visit").unwrap();
    let record = Value::Null;
    let environment = RecordEnvironment::new(&record, NOON);
    let checker = Checker::new(&schema, layout, None, &environment);
    let limits = PageLimits {
        default: 100,
        max: 1_000,
    };
    let plan = select::plan(checker, &|name| schema.layout(name).cloned(), None, &query, limits).unwrap();
    let mut steps = Vec::new();
    let mut reader = world.store.reader().await.unwrap();
    for statement in plan.page_statements(world.store.dialect()) {
        let explained = Statement::new(format!("EXPLAIN QUERY PLAN {}", statement.sql), statement.values);
        let mut lines = Vec::new();
        reader
            .read(&explained, &mut |row| {
                lines.push(row.cell(3).as_text().unwrap_or_default().to_owned());
            })
            .await
            .unwrap();
        steps.push(lines);
    }
    steps
}

#[tokio::test]
async fn a_page_by_cursor_is_one_range_of_the_index_after_the_other() {
    let mut random = SmallRng::seed_from_u64(1);
    let (world, _) = world(&mut random).await;
    for (order, index) in [
        ("rank", "ix_visit_rank"),
        ("-rank", "ix_visit_rank"),
        ("rank asc nulls last", "ix_visit_rank"),
        ("rank desc nulls first", "ix_visit_rank"),
        ("-day,label", "ix_visit_day"),
        ("stage,rank", "ix_visit_stage_rank"),
        ("-stage,-rank", "ix_visit_stage_rank"),
    ] {
        for offset in [0, 15, 35] {
            let query = json!({ "orderBy": order, "limit": 5, "offset": offset, "count": false });
            let page = world.query("visit", query).await.unwrap();
            // With so few records PostgreSQL rightly reads all of them.
            if driver() != Driver::Sqlite {
                continue;
            }
            let steps = steps(&world, json!({ "orderBy": order, "cursor": page["nextCursor"] })).await;
            for lines in &steps {
                assert!(
                    lines[0].starts_with(&format!("SEARCH t USING INDEX {index} ")),
                    "{order} after {offset}: {steps:#?}"
                );
            }
        }
    }
}
