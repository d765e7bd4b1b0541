//! Cases of formulas. The object is saved while the host runs, one formula field for each expression.

use objectos_tests::Host;
use serde_json::{Value, json};

use super::{drivers, host_on, run};

/// Expression and value for the record below.
const VALUES: &[(&str, &str)] = &[
    // Arithmetic, modulo and power.
    ("a + b * 2", "11"),
    ("a / b", "3.5"),
    ("a % b", "1"),
    ("b ** 3", "8"),
    ("b ^ 3", "8"),
    ("-a", "-7"),
    // Strings.
    ("text + '!'", "\"Hello World!\""),
    ("UPPER(text)", "\"HELLO WORLD\""),
    ("text.length", "11"),
    ("LEFT(text, 5)", "\"Hello\""),
    ("`${text} ${a}`", "\"Hello World 7\""),
    // Comparisons and logic.
    ("a > b", "true"),
    ("a === 7", "true"),
    ("a > 5 && b > 5", "false"),
    ("NOT flag", "false"),
    ("a IN (1, 7)", "true"),
    // Choices.
    ("a > 5 ? 'big' : 'small'", "\"big\""),
    ("if (a > 50) { return 'big'; } else { return 'small'; }", "\"small\""),
    ("CASE(b, 1, 'one', 2, 'two', 'many')", "\"two\""),
    // System variables.
    ("$current_user.id", "\"local\""),
    ("$today = TODAY()", "true"),
    ("$record_id = id", "true"),
    ("$year = YEAR($now)", "true"),
    // Math functions.
    ("Math.round(a / b)", "4"),
    ("Math.floor(a / b)", "3"),
    ("Math.max(a, b)", "7"),
    ("Math.sqrt(a + b)", "3"),
    // Parts of dates.
    ("YEAR(day)", "2026"),
    ("HOUR(at)", "13"),
    ("day + 1", "\"2026-03-01\""),
    // Null, undefined, and a field that has no value.
    ("none + 1", "null"),
    ("none === undefined", "true"),
    ("none ?? 5", "5"),
    ("MIN(null, a)", "null"),
    // Coercions.
    ("VALUE(other) + 1", "8"),
    ("'n' + a", "\"n7\""),
    ("day < '2026-12-31'", "true"),
    // Division by zero.
    ("a / zero", "null"),
    ("(a / zero) ?? 0", "0"),
    // Business examples.
    ("ROUND(amount * rate / 100, 2)", "925.93"),
    ("MIN(100, a * 2 + IF(amount > 10000, 30, 0))", "44"),
    (
        "amount >= 10000 ? 'gold' : amount >= 1000 ? 'silver' : 'bronze'",
        "\"gold\"",
    ),
    ("text & ' of ' & up.text", "\"Hello World of Above\""),
    // A chain of lookups, and formulas that build on each other.
    ("up.up.text ?? 'top'", "\"top\""),
    ("f0 + f1", "14.5"),
    ("f44 * 2", "29"),
];

/// What is refused when it is saved: empty, broken, unknown, and whatever reaches out of the record.
const REFUSED: &[&str] = &[
    "",
    "a +",
    "(a",
    "amuont",
    "no_such(a)",
    "eval('1')",
    "require('fs')",
    "process.env.HOME",
    "globalThis.x",
    "Function('return 1')()",
    "a.constructor",
    "__proto__",
    "import('fs')",
    "while (true) {}",
    "f0 + 1",
];

fn definition(formulas: &[&str]) -> Value {
    let mut fields = json!({
        "a": { "type": "number" }, "b": { "type": "number" }, "zero": { "type": "number" }, "none": { "type": "number" },
        "text": { "type": "text" }, "other": { "type": "text" }, "flag": { "type": "boolean" }, "day": { "type": "date" },
        "at": { "type": "datetime" }, "amount": { "type": "currency" }, "rate": { "type": "percent" },
        "up": { "type": "lookup", "reference": "sum" },
    });
    for (index, expression) in formulas.iter().enumerate() {
        fields[format!("f{index}")] = json!({ "type": "formula", "expression": expression });
    }
    json!({ "name": "sum", "fields": fields })
}

#[test]
fn every_case_of_formulas() {
    for driver in drivers() {
        every_case_on(&host_on(driver, "formula", &[]));
    }
}

fn every_case_on(host: &Host) {
    let mut client = host.client();
    let expressions: Vec<&str> = VALUES.iter().map(|(expression, _)| *expression).collect();
    client
        .send("PUT", "/api/v1/meta/object/sum", &definition(&expressions))
        .expect(200);
    client
        .send("POST", "/api/v1/data/sum", &json!({ "id": "s0", "text": "Above" }))
        .expect(201);
    let record = json!({
        "id": "s1", "a": 7, "b": 2, "zero": 0, "text": "Hello World", "other": "7", "flag": true, "day": "2026-02-28",
        "at": "2026-02-28T13:14:15Z", "amount": 12345.67, "rate": 7.5, "up": "s0",
    });
    let made = client.send("POST", "/api/v1/data/sum", &record).expect(201);
    let read = client.get("/api/v1/data/sum/s1").expect(200);
    for (index, (expression, expected)) in VALUES.iter().enumerate() {
        let expected: Value = serde_json::from_str(expected).expect("a value");
        for answer in [&made, &read] {
            let found = &answer["record"][format!("f{index}")];
            assert!(super::holds(found, &expected), "{expression}: {found}");
        }
    }
    // They can be looked for and ordered by, too.
    run(
        host,
        r#"
POST sum/query {"where": {"f0": 11}, "fields": ["id"]} => 200 {"records": [{"id": "s1"}], "total": 1}
POST sum/query {"where": {"f42": {"$contains": "Above"}}, "fields": ["id"]} => 200 {"total": 1}
POST sum/query {"orderBy": "-f1", "fields": ["id"]} => 200 {"records": [{"id": "s1"}, {"id": "s0"}]}
"#,
    );
}

#[test]
fn what_is_no_formula_is_refused_when_it_is_saved() {
    for driver in drivers() {
        let host = host_on(driver, "formula_refused", &[]);
        let mut client = host.client();
        for expression in REFUSED {
            let answer = client.send("PUT", "/api/v1/meta/object/sum", &definition(&[expression]));
            let status = answer.status;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(status, 400, "{expression}: {text}");
            assert!(text.contains("f0"), "{expression}: {text}");
        }
        // Two that need each other, a lookup that leads nowhere, a chain too long, and one that nobody could follow.
        let chain = format!("{}text", "up.".repeat(40));
        let nested = format!("{}1{}", "(".repeat(200), ")".repeat(200));
        let long = vec!["a"; 3_000].join(" + ");
        for formulas in [
            &["f1 + 1", "f0 + 1"][..],
            &["up.nothing"],
            &["text.up"],
            &[chain.as_str()],
            &[nested.as_str()],
            &[long.as_str()],
        ] {
            let answer = client.send("PUT", "/api/v1/meta/object/sum", &definition(formulas));
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status, 400, "{formulas:?}: {text}");
        }
        run(&host, "GET sum => 404 object_not_found");
    }
}
