//! Evaluator and database give the same answer to every expression that has a form in SQL, nulls, rounding and all.
//!
//! Random expressions over random records. The seed is printed; `OBJECTOS_TEST_SEED` repeats a run. `drivers` runs it on every
//! driver.

#[path = "../../../../plugin-api/expression/tests/it/generator.rs"]
mod generator;

use std::sync::Arc;

use objectos_data::query::check::Checker;
use objectos_data::query::sql::SqlWriter;
use objectos_data::record::Schema;
use objectos_data::store::{Cell, Statement};
use objectos_expression::{CheckedExpression, RecordEnvironment, Type, Zone, check, evaluate, sql_form};
use serde_json::{Value, json};

use self::generator::Random;
use crate::app_support::catalogue;
use crate::world::{NOON, World};

const FILES: [(&str, &str); 2] = [
    ("parent.object.yml", "name: parent\nfields:\n  name: { type: text }\n"),
    (
        "thing.object.yml",
        "
name: thing
fields:
  n1: { type: number }
  n2: { type: number }
  n3: { type: number }
  t1: { type: text }
  t2: { type: text }
  b1: { type: boolean }
  b2: { type: boolean }
  d1: { type: date }
  d2: { type: date }
  m1: { type: datetime }
  m2: { type: datetime }
  tags: { type: tags }
  parent: { type: lookup, reference: parent }
",
    ),
];
const TYPES: [Type; 5] = [Type::Number, Type::Text, Type::Boolean, Type::Date, Type::DateTime];
const RECORDS: usize = 60;
const EXPRESSIONS: usize = 3_240;

/// Written by hand: forms that random ones seldom meet.
const SOURCES: &[(&str, Type)] = &[
    ("ROUND(n1 * 1.005, 2)", Type::Number),
    ("ROUND(n1, -2)", Type::Number),
    ("TRUNC(n1 / 3, 4)", Type::Number),
    ("MOD(n1, n2)", Type::Number),
    ("RIGHT(t1, n1)", Type::Text),
    ("MID(t1, n1, n2)", Type::Text),
    ("MID(t1, 2)", Type::Text),
    ("HOUR(m1) * 10000 + MINUTE(m1) * 100 + SECOND(m1)", Type::Number),
    ("HOUR(TIMEVALUE(m1))", Type::Number),
    ("TIMEVALUE(m1) < TIMEVALUE(m2)", Type::Boolean),
    ("DATE_TRUNC('year', d1)", Type::Date),
    ("DATE_TRUNC('month', d1)", Type::Date),
    ("END_OF_MONTH(m1)", Type::Date),
    ("BOOLEAN(n1)", Type::Boolean),
    ("VALUE(n1) + 1", Type::Number),
    ("TEXT(d1) & t1", Type::Text),
    ("d1 - d2", Type::Number),
    ("t1 IN (tags, 'a')", Type::Boolean),
    ("ISBLANK(tags)", Type::Boolean),
    ("MAX(n1, n2, n3) - MIN(n1, n2, n3)", Type::Number),
    ("FLOOR(FLOOR(n1 / 2) + CEILING(n2 / 3))", Type::Number),
    ("parent.name & '!' LIKE 'a%'", Type::Boolean),
    ("t1 LIKE '*[a]_?%'", Type::Boolean),
    ("MIN(null, n1)", Type::Number),
    ("MAX(n1, null, n2) + 1", Type::Number),
    ("ROUND(MAX(n1, null), 2)", Type::Number),
    ("COALESCE(null, null, n1) * 2", Type::Number),
    ("IF(b1, null, null) = n1", Type::Boolean),
    ("CASE(null, t1, n1, n2)", Type::Number),
    ("CASE(t1, null, n1, 'a', null, n2)", Type::Number),
    ("n1 IN (n2, $current_user.nobody)", Type::Boolean),
    ("-(IF(b1, null, n1))", Type::Number),
    ("MID(null, n1) & t1", Type::Text),
    ("FIND(null, t1)", Type::Number),
    ("YEAR(IF(b1, d1, null))", Type::Number),
    ("d1 + null", Type::Date),
    ("DAYS_BETWEEN(null, d1)", Type::Number),
    ("b1 AND null", Type::Boolean),
    ("NOT (b1 OR null)", Type::Boolean),
    ("t1 LIKE null", Type::Boolean),
    ("XOR(b1, b2, n1 > 0)", Type::Boolean),
    ("XOR(b1, null)", Type::Boolean),
    ("ISNUMBER(n1)", Type::Boolean),
    ("BOOLEAN(t1)", Type::Boolean),
    ("ROUNDUP(n1, 2)", Type::Number),
    ("ROUNDUP(n1 / 3, 1) + ROUNDUP(n2 / 7, -1)", Type::Number),
    ("LEN(tags)", Type::Number),
    ("LPAD(t1, n1, t2)", Type::Text),
    ("LPAD(t1, 3)", Type::Text),
    ("RPAD(t1 & t2, 5, '日-')", Type::Text),
    ("REPEAT(t1, n1)", Type::Text),
    ("REVERSE(t1 & t2)", Type::Text),
    ("JOIN(tags)", Type::Text),
    ("JOIN(tags, t1)", Type::Text),
    ("FIND(t2, t1 & t1, n1)", Type::Number),
    ("TEXT(m1) & b1 & d1", Type::Text),
    ("CONCAT(m1, b1, d1, t1)", Type::Text),
    ("t1 & LEN(t1) & '/' & LEN(tags)", Type::Text),
    ("CONCAT(YEAR(d1), '-Q', QUARTER(m1), ' ', HOUR(m1))", Type::Text),
    ("TEXT(DAYS_BETWEEN(d1, d2)) & 2.5 & $year", Type::Text),
    ("TEXT(MONTHS_BETWEEN(d1, d2)) < TEXT(FIND(t2, t1))", Type::Boolean),
    ("t1 + NETWORKDAYS(d1, m2)", Type::Text),
    ("CONTAINS(tags, t1)", Type::Boolean),
    ("DATE(n1 * 1000, n2, n3)", Type::Date),
    ("DATE(2024, 2, 29 + n1)", Type::Date),
    ("DATE(9999, 12, 30 + n1)", Type::Date),
    ("WEEKNUM(m1) * 100 + WEEKNUM(d1)", Type::Number),
    ("ADD_MONTHS(d1, n1)", Type::Date),
    ("ADD_YEARS(d1, n1)", Type::Date),
    ("ADD_HOURS(m1, n1)", Type::DateTime),
    ("ADD_MINUTES(m1, n1 / 7)", Type::DateTime),
    ("ADD_DAYS(m1, n1 / 3)", Type::DateTime),
    ("m1 - m2", Type::Number),
    ("HOURS_BETWEEN(m1, d1)", Type::Number),
    ("NETWORKDAYS(d1, m2)", Type::Number),
    ("MONTHS_BETWEEN(d1, d2)", Type::Number),
    ("MONTH_DIFF(m1, d1)", Type::Number),
    ("YEARS_BETWEEN(d1, d2)", Type::Number),
    ("DATE_TRUNC('week', m1)", Type::DateTime),
    ("DATE_TRUNC('quarter', m1)", Type::DateTime),
    ("DATE_TRUNC('day', m1)", Type::DateTime),
    ("DATE_TRUNC('week', d1)", Type::Date),
    ("DATE_TRUNC('quarter', d1)", Type::Date),
    ("DATETIMEVALUE(d1)", Type::DateTime),
    ("SQRT(n1) + SQRT(n2 / 3)", Type::Number),
    ("EXP(n1)", Type::Number),
    ("EXP(n1 / 7) - EXP(0 - n2 / 1000)", Type::Number),
    ("LN(n1) + LN(n2 / 3)", Type::Number),
    ("LOG(n1)", Type::Number),
    ("LOG(n1 / 7, n2)", Type::Number),
    ("LOG(n1, 0 - n2 * n2)", Type::Number),
    ("n1 ^ n2", Type::Number),
    ("n1 ^ 3 - n2 ** 0.5", Type::Number),
    ("POWER(n1 / 7, n2 / 3)", Type::Number),
    ("POWER(1 + n1 / 1200, 360)", Type::Number),
    ("POWER(n1, 0 - n2)", Type::Number),
    ("POWER(-2, n1) + POWER(0, n2)", Type::Number),
    ("POWER(n1 * 1e290, 3) + EXP(n2 * 1e300)", Type::Number),
    ("TEXT(n1 / 3)", Type::Text),
    ("TEXT(n1 * 1e20 / 7)", Type::Text),
    ("TEXT(n1 / 1e12) & '|' & n2 * 1e300", Type::Text),
    ("t1 & n1 & n2", Type::Text),
    ("CONCAT(n1 * 0.1, '/', SQRT(n2), '/', LN(n3))", Type::Text),
    ("TEXT(1 + n1 / 32768)", Type::Text),
    ("FIXED(n1)", Type::Text),
    ("FIXED(n1 / 7, 0)", Type::Text),
    ("FIXED(n1 * 1.005, 2)", Type::Text),
    ("FIXED(n1 / 3, 15)", Type::Text),
    ("FIXED(n1 * 1e18, 4)", Type::Text),
    ("FIXED(-n1 / 1000, 1)", Type::Text),
    ("LEN(TEXT(n1 / 3)) + FIND('3', FIXED(n2 / 3))", Type::Number),
    ("ADD_MONTHS(m1, n1)", Type::DateTime),
    ("ADD_MONTHS(m1, 1)", Type::DateTime),
    ("ADD_MONTHS(m1, -13)", Type::DateTime),
    ("ADD_YEARS(m1, n1)", Type::DateTime),
    ("ADD_YEARS(ADD_MONTHS(m1, 2), 1)", Type::DateTime),
    ("DATE_TRUNC('hour', m1)", Type::DateTime),
    ("DATE_TRUNC('minute', ADD_MINUTES(m1, 0.7))", Type::DateTime),
    ("DATE_TRUNC('hour', d1)", Type::Date),
    ("CONTAINS(tags, t1)", Type::Boolean),
    ("CONTAINS(tags, LEFT(t1, 1))", Type::Boolean),
    ("YEAR(m1) * 10000 + MONTH(m1) * 100 + DAY(m1)", Type::Number),
    ("DATETIMEVALUE(DATEVALUE(DATETIMEVALUE(DATEVALUE(m1))))", Type::DateTime),
    ("HOUR(ADD_HOURS(m1, 1)) * 10 + WEEKDAY(m1)", Type::Number),
];

/// Each of the written sources is tried in all of these; `None` is an offset of full hours.
const ZONES: [Option<&str>; 6] = [
    Some("UTC"),
    None,
    Some("Europe/Berlin"),
    Some("America/New_York"),
    Some("Asia/Kathmandu"),
    Some("Pacific/Apia"),
];

fn zone(random: &mut Random, number: usize) -> Zone {
    match ZONES[number % ZONES.len()] {
        Some(name) => Zone::read(name).unwrap(),
        None => Zone::fixed((i32::try_from(random.below(27)).unwrap() - 12) * 3_600),
    }
}

fn seed() -> u64 {
    let given = std::env::var("OBJECTOS_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("OBJECTOS_TEST_SEED={seed}");
    seed
}

/// The stored records as the evaluator sees them, by id.
async fn records(world: &World, random: &mut Random) -> Vec<(String, Value)> {
    for index in 0..RECORDS {
        let Value::Object(mut record) = generator::record(random) else {
            unreachable!("a record is an object")
        };
        let parent = record.remove("parent").unwrap_or_default();
        // Beyond 2^53 a database that compares as doubles may see equals where the evaluator sees none.
        let safe = |value: &Value| {
            value
                .as_i64()
                .is_none_or(|number| number.abs() <= 9_007_199_254_740_992)
        };
        record.retain(|_, value| safe(value));
        if index % 5 != 0 {
            let made = world.create("parent", json!({ "name": parent["name"] })).await.unwrap();
            record.insert("parent".to_owned(), made["id"].clone());
        }
        world.create("thing", Value::Object(record)).await.unwrap();
    }
    let found = world
        .query("thing", json!({ "limit": 1_000, "expand": ["parent"] }))
        .await
        .unwrap();
    let records = found["records"].as_array().unwrap();
    let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
    records.iter().map(|record| (id(record), record.clone())).collect()
}

/// What the database answers, by id; `None` when the expression has no form in SQL.
async fn by_database(
    world: &World,
    schema: &Schema,
    checked: &CheckedExpression,
    environment: &(dyn objectos_expression::Environment + Sync),
) -> Option<Vec<(String, Value)>> {
    let dialect = world.store.dialect();
    let layout = schema.layout("thing").unwrap();
    let mut checker = Checker::new(schema, layout, None, environment);
    let statement: Statement = {
        let field = match checker.computed("x", checked) {
            Ok(field) => field,
            // A constant part cannot be computed, for example a date out of a name: the query says so.
            Err(error) => {
                assert!(
                    !error.to_string().contains("not supported"),
                    "{}: {error}",
                    checked.source()
                );
                return None;
            }
        };
        let mut writer = SqlWriter::new(dialect);
        writer
            .push("SELECT t.")
            .name("id")
            .push(", ")
            .field(&field)
            .from(&checker.scope);
        writer.finish()
    };
    let mut found = Vec::new();
    let mut reader = world.store.reader().await.unwrap();
    reader
        .read(&statement, &mut |row| {
            let value = match (row.cell(1), checked.value_type()) {
                (Cell::Null, _) => Value::Null,
                (Cell::Integer(integer), Type::Boolean) => Value::Bool(integer != 0),
                (Cell::Integer(integer), _) => json!(integer),
                (Cell::Real(real), _) => objectos_expression::Value::number(real).to_json(),
                (Cell::Text(text), _) => json!(text),
            };
            found.push((row.cell(0).as_text().unwrap().to_owned(), value));
        })
        .await
        .unwrap_or_else(|error| panic!("{}\n{}\n{error:?}", checked.source(), statement.sql));
    Some(found)
}

/// Tries many expressions on the world's store.
async fn holds_equal(world: &World) {
    let mut random = Random::new(seed());
    let records = records(world, &mut random).await;
    let schema = Schema::new(Arc::new(catalogue(&FILES)), world.store.dialect());
    let scope = generator::scope();
    let nothing = Value::Null;
    let mut tried = 0;
    for number in 0..EXPRESSIONS {
        let zone = zone(&mut random, number);
        let source = match SOURCES.get(number / ZONES.len()) {
            Some((source, _)) => (*source).to_owned(),
            None => {
                let value_type = TYPES[random.below(TYPES.len())];
                let depth = 1 + random.below(4);
                generator::expression(&mut random, value_type, depth)
            }
        };
        let checked = check(&source, &scope).unwrap_or_else(|errors| panic!("{source}\n{}", errors[0]));
        if let Err(problem) = sql_form(&checked) {
            assert!(number >= SOURCES.len() * ZONES.len(), "{source}: {problem}");
            continue;
        }
        let user = generator::user(&mut random);
        let of = |record| {
            RecordEnvironment::new(record, NOON)
                .with_user(&user)
                .with_zone(zone.clone())
        };
        let outside = of(&nothing);
        let Some(found) = by_database(world, &schema, &checked, &outside).await else {
            continue;
        };
        tried += 1;
        assert_eq!(found.len(), records.len(), "{source}");
        for (id, answer) in found {
            let (_, record) = records.iter().find(|(known, _)| *known == id).unwrap();
            let Ok(expected) = evaluate(&checked, &of(record)).map(|value| value.to_json()) else {
                continue;
            };
            assert_eq!(
                plain(&answer),
                plain(&expected),
                "{source}\nin {:?} on {record}",
                ZONES[number % ZONES.len()]
            );
        }
    }
    // The test is worth something only if enough of it meets the database.
    assert!(tried > EXPRESSIONS / 4, "{tried} of {EXPRESSIONS}");
}

#[tokio::test]
async fn the_database_answers_as_the_evaluator_does() {
    let world = World::new(&FILES).await;
    holds_equal(&world).await;
}

/// Whole numbers beyond what a double holds exactly, as doubles: a database may keep more of their digits.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(double) if double.abs() > 9_007_199_254_740_992.0 => json!(double),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(plain).collect(),
        _ => value.clone(),
    }
}
