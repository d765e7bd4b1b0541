//! Cases of the formula engine.

use objectos_data::model::FieldKind;
use serde_json::{Value, json};

use super::{call, record};
use crate::app_support::{object, try_load};
use crate::world::World;

const FIELDS: &str = "
  a: { type: number }
  b: { type: number }
  zero: { type: number }
  text: { type: text }
  other: { type: text }
  flag: { type: boolean }
  day: { type: date }
  at: { type: datetime }
  none: { type: number }
";

/// What each expression gives for one record.
async fn check(cases: &[(&str, Value)]) {
    let mut file = format!("name: case\nfields:{FIELDS}");
    for (index, (expression, _)) in cases.iter().enumerate() {
        let quoted = expression.replace('\'', "''");
        file.push_str(&format!("  f{index}: {{ type: formula, expression: '{quoted}' }}\n"));
    }
    let world = World::new(&[("case.object.yml", &file)]).await;
    let values = json!({
        "a": 7, "b": 2, "zero": 0, "text": "Hello World", "other": "7", "flag": true, "day": "2026-02-28",
        "at": "2026-02-28T13:14:15Z",
    });
    let made = record(&world, "POST case", values).await;
    let read = record(
        &world,
        &format!("GET case/{}", made["id"].as_str().unwrap()),
        super::nothing(),
    )
    .await;
    for (index, (expression, expected)) in cases.iter().enumerate() {
        assert_eq!(&read[format!("f{index}")], expected, "{expression}");
    }
    assert_eq!(read, made);
}

#[tokio::test]
async fn arithmetic() {
    check(&[
        ("a + b", json!(9)),
        ("a - b * 2", json!(3)),
        ("a / b", json!(3.5)),
        ("(a + b) * 2", json!(18)),
        ("a % b", json!(1)),
        ("b ** 3", json!(8)),
        ("b ^ 3", json!(8)),
        ("-a", json!(-7)),
    ])
    .await;
}

#[tokio::test]
async fn strings() {
    check(&[
        ("text + '!'", json!("Hello World!")),
        ("text & ' ' & a", json!("Hello World 7")),
        ("UPPER(text)", json!("HELLO WORLD")),
        ("text.toLowerCase()", json!("hello world")),
        ("LEN(text)", json!(11)),
        ("text.length", json!(11)),
        ("LEFT(text, 5)", json!("Hello")),
        ("CONTAINS(text, 'World')", json!(true)),
        ("SUBSTITUTE(text, 'World', 'You')", json!("Hello You")),
        ("TRIM('  x ')", json!("x")),
        ("`${text} ${a}`", json!("Hello World 7")),
    ])
    .await;
}

#[tokio::test]
async fn comparisons_and_logic() {
    check(&[
        ("a > b", json!(true)),
        ("a <= b", json!(false)),
        ("a === 7", json!(true)),
        ("a != 7", json!(false)),
        ("a > 5 AND b < 5", json!(true)),
        ("a > 5 && b > 5", json!(false)),
        ("a > 50 || flag", json!(true)),
        ("NOT flag", json!(false)),
        ("!flag", json!(false)),
        ("a IN (1, 7)", json!(true)),
    ])
    .await;
}

#[tokio::test]
async fn ternary_and_if_else() {
    check(&[
        ("a > 5 ? 'big' : 'small'", json!("big")),
        ("IF(a > 50, 'big', IF(a > 5, 'middle', 'small'))", json!("middle")),
        (
            "if (a > 50) { return 'big'; } else if (a > 5) { return 'middle'; } else { return 'small'; }",
            json!("middle"),
        ),
        ("let twice = a * 2; return twice + 1;", json!(15)),
        ("CASE(b, 1, 'one', 2, 'two', 'many')", json!("two")),
    ])
    .await;
}

#[tokio::test]
async fn system_variables() {
    check(&[
        ("$today", json!("2026-02-28")),
        ("$now", json!("2026-02-28T12:00:00.000Z")),
        ("$year", json!(2026)),
        ("$month", json!(2)),
        ("$day", json!(28)),
        ("$hour", json!(12)),
        ("$minute", json!(0)),
        ("$current_user.id", json!("local")),
        ("$record_id = id", json!(true)),
        ("TODAY()", json!("2026-02-28")),
    ])
    .await;
}

#[tokio::test]
async fn math_functions() {
    check(&[
        ("Math.round(a / b)", json!(4)),
        ("Math.floor(a / b)", json!(3)),
        ("Math.ceil(a / b)", json!(4)),
        ("Math.abs(b - a)", json!(5)),
        ("Math.max(a, b)", json!(7)),
        ("Math.min(a, b)", json!(2)),
        ("Math.pow(b, 4)", json!(16)),
        ("Math.sqrt(a + b)", json!(3)),
        ("ROUND(a / 3, 2)", json!(2.33)),
    ])
    .await;
}

#[tokio::test]
async fn date_parts() {
    check(&[
        ("YEAR(day)", json!(2026)),
        ("MONTH(at)", json!(2)),
        ("DAY(day)", json!(28)),
        ("HOUR(at)", json!(13)),
        ("day + 1", json!("2026-03-01")),
        ("day - 28", json!("2026-01-31")),
        ("DAYS_BETWEEN(day, day + 10)", json!(10)),
    ])
    .await;
}

#[tokio::test]
async fn null_and_undefined() {
    check(&[
        ("none + 1", Value::Null),
        ("none = null", json!(true)),
        ("none === undefined", json!(true)),
        ("none ?? 5", json!(5)),
        ("BLANKVALUE(none, 6)", json!(6)),
        ("ISBLANK(none)", json!(true)),
        ("none || 3", json!(3)),
        ("IF(none > 1, 'y', 'n')", json!("n")),
    ])
    .await;
}

#[tokio::test]
async fn coercions() {
    check(&[
        ("VALUE(other) + 1", json!(8)),
        ("TEXT(a)", json!("7")),
        ("'n' + a", json!("n7")),
        ("DATE(2026, 2, 3)", json!("2026-02-03")),
        ("day < '2026-12-31'", json!(true)),
    ])
    .await;
}

#[tokio::test]
async fn division_by_zero_is_no_number() {
    check(&[
        ("a / zero", Value::Null),
        ("a % zero", Value::Null),
        ("(a / zero) ?? 0", json!(0)),
    ])
    .await;
}

#[test]
fn empty_broken_and_unknown() {
    let problem = |expression: &str| {
        let file = format!("name: case\nfields:{FIELDS}  f: {{ type: formula, expression: \"{expression}\" }}\n");
        try_load(&[("case.object.yml", &file)])
            .err()
            .unwrap_or_default()
            .join("\n")
    };
    for (expression, said) in [
        ("", "fields.f.expression"),
        ("a +", "fields.f.expression"),
        ("(a", "fields.f.expression"),
        ("amuont", "unknown field `amuont`"),
        ("no_such(a)", "no_such"),
        // Nothing of a program's surroundings can be reached.
        ("eval('1')", "eval"),
        ("require('fs')", "require"),
        ("process.env.HOME", "process"),
        ("globalThis.x", "globalThis"),
        ("Function('return 1')()", "fields.f.expression"),
    ] {
        let found = problem(expression);
        assert!(
            found.contains(said) && found.contains("case.object.yml:1"),
            "{expression}: {found}"
        );
    }
    // A name is judged by what it is, not by what it holds.
    let file =
        "name: case\nfields:\n  evaluation: { type: number }\n  f: { type: formula, expression: evaluation * 2 }\n";
    assert!(try_load(&[("case.object.yml", file)]).is_ok());
}

#[test]
fn dependencies_lookup_chains_and_complexity() {
    let account = "name: account\nfields:\n  name: { type: text }\n  owner: { type: lookup, reference: person }\n";
    let person = "name: person\nfields:\n  name: { type: text }\n";
    let case = "name: case\nfields:\n  a: { type: number }\n  account: { type: lookup, reference: account }\n  f: { type: formula, expression: \"IF(a > 1, account.owner.name, $current_user.id)\" }\n";
    let loaded = try_load(&[
        ("account.object.yml", account),
        ("person.object.yml", person),
        ("case.object.yml", case),
    ])
    .unwrap();
    let object = loaded.catalogue.object("case").unwrap();
    let field = object.field("f").unwrap();
    assert_eq!(field.kind, FieldKind::Formula);
    let checked = field.formula.as_ref().unwrap().checked();
    let dependencies = checked.dependencies();
    assert_eq!(
        dependencies.fields.iter().collect::<Vec<_>>(),
        ["a", "account.owner.name"]
    );
    assert_eq!(dependencies.related().collect::<Vec<_>>(), ["account.owner.name"]);
    assert_eq!(dependencies.variables.iter().collect::<Vec<_>>(), ["current_user.id"]);
    assert_eq!(json!(checked.complexity().level), json!("medium"));
    let simple =
        self::object("name: thing\nfields:\n  a: { type: number }\n  f: { type: formula, expression: a + 1 }\n");
    assert_eq!(
        json!(
            simple
                .field("f")
                .unwrap()
                .formula
                .as_ref()
                .unwrap()
                .checked()
                .complexity()
                .level
        ),
        json!("simple")
    );
}

#[tokio::test]
async fn lookup_chains_are_followed() {
    let world = World::new(&[
        ("person.object.yml", "name: person\nfields:\n  name: { type: text }\n"),
        (
            "account.object.yml",
            "name: account\nfields:\n  name: { type: text }\n  owner: { type: lookup, reference: person }\n",
        ),
        (
            "case.object.yml",
            "name: case\nfields:\n  account: { type: lookup, reference: account }\n  by: { type: formula, expression: \"account.name & ' of ' & account.owner.name\" }\n",
        ),
    ])
    .await;
    record(&world, "POST person", json!({ "id": "p1", "name": "Ann" })).await;
    record(
        &world,
        "POST account",
        json!({ "id": "a1", "name": "Acme", "owner": "p1" }),
    )
    .await;
    let made = record(&world, "POST case", json!({ "account": "a1" })).await;
    assert_eq!(made["by"], "Acme of Ann");
    let (_, found) = call(
        &world,
        "POST case/query",
        json!({ "where": { "account.owner.name": "Ann" } }),
    )
    .await
    .unwrap();
    assert_eq!(found["records"][0]["by"], "Acme of Ann");
}

#[tokio::test]
async fn business_examples() {
    let world = World::new(&[(
        "deal.object.yml",
        "
name: deal
fields:
  first_name: { type: text }
  last_name: { type: text }
  amount: { type: currency }
  rate: { type: percent }
  overdue_days: { type: number }
  full_name: { type: formula, expression: \"first_name + ' ' + last_name\" }
  commission: { type: formula, expression: 'ROUND(amount * rate / 100, 2)', scale: 2 }
  risk: { type: formula, expression: \"MIN(100, overdue_days * 2 + IF(amount > 10000, 30, 0))\" }
  tier: { type: formula, expression: \"amount >= 10000 ? 'gold' : amount >= 1000 ? 'silver' : 'bronze'\" }
",
    )])
    .await;
    let deal = json!({ "first_name": "Ann", "last_name": "Lee", "amount": 12345.67, "rate": 7.5, "overdue_days": 20 });
    let made = record(&world, "POST deal", deal).await;
    assert_eq!(
        json!([made["full_name"], made["commission"], made["risk"], made["tier"]]),
        json!(["Ann Lee", 925.93, 70, "gold"])
    );
    let (_, found) = call(
        &world,
        "POST deal/query",
        json!({ "where": { "tier": "gold", "commission": { "$gt": 900 } }, "orderBy": "-risk" }),
    )
    .await
    .unwrap();
    assert_eq!(found["total"], 1);
}
