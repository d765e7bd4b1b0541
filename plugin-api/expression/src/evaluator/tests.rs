use serde_json::{Value as Json, json};

use super::*;
use crate::checker;
use crate::environment::RecordEnvironment;
use crate::fixture;
use crate::scope::OpenScope;

pub(crate) fn run(source: &str) -> Result<Json, String> {
    let checked = checker::check(source, &fixture::scope()).map_err(|errors| errors[0].to_string())?;
    fixture::with_environment(|environment| {
        evaluate(&checked, environment)
            .map(|value| value.to_json())
            .map_err(|error| error.to_string())
    })
}

fn check(source: &str, expected: Json) {
    assert_eq!(run(source), Ok(expected), "{source}");
}

#[test]
fn arithmetic_is_on_doubles_and_null_is_not_known() {
    for (source, expected) in [
        ("5 + 3", json!(8)),
        ("20 / 4", json!(5)),
        ("5 / 2", json!(2.5)),
        ("10 % 3", json!(1)),
        ("-10 % 3", json!(-1)),
        ("2 ** 3", json!(8)),
        ("(5 + 3) * 2 - 4", json!(12)),
        ("quantity * price", json!(255)),
        ("0.1 + 0.2", json!(0.300_000_000_000_000_04)),
        ("amount / zero", json!(null)),
        ("10 / 0", json!(null)),
        ("amount % zero", json!(null)),
        ("1e308 * 10", json!(null)),
        ("(-8) ^ 0.5", json!(null)),
        ("quantity ^ 0.5", json!(3.16227766016838)),
        ("name & 0.1 * 3", json!("Test User0.3")),
        ("no_number + 1", json!(null)),
        ("-no_number", json!(null)),
        ("-amount", json!(-1200.5)),
        ("big", json!(9_007_199_254_740_993_i64)),
        ("big = 9007199254740993", json!(true)),
        ("-big", json!(-9_007_199_254_740_993_i64)),
        ("big > 9007199254740992", json!(true)),
        ("zero = -zero", json!(true)),
        ("TEXT(-zero)", json!("0")),
        ("null + 1", json!(null)),
        ("any_number + 1", json!(6)),
        ("any_text + 1", json!("five1")),
        ("any_number - any_number", json!(0)),
        ("-2 ^ 2", json!(-4)),
    ] {
        check(source, expected);
    }
}

#[test]
fn logic_has_three_values() {
    let values = [
        ("true", json!(true)),
        ("false", json!(false)),
        ("no_boolean", json!(null)),
    ];
    for (a, left) in &values {
        for (b, right) in &values {
            let and = if *left == false || *right == false {
                json!(false)
            } else if left.is_null() || right.is_null() {
                json!(null)
            } else {
                json!(true)
            };
            let or = if *left == true || *right == true {
                json!(true)
            } else if left.is_null() || right.is_null() {
                json!(null)
            } else {
                json!(false)
            };
            check(&format!("{a} AND {b}"), and.clone());
            check(&format!("AND({a}, {b})"), and);
            check(&format!("{a} OR {b}"), or.clone());
            check(&format!("{a} || {b}"), or);
        }
    }
    for (source, expected) in [
        ("NOT no_boolean", json!(null)),
        ("!is_active", json!(false)),
        ("no_text = 'a'", json!(null)),
        ("no_text <> 'a'", json!(null)),
        ("no_text = no_text", json!(null)),
        ("no_text = null", json!(true)),
        ("name !== null", json!(true)),
        ("no_text IS NULL AND name IS NOT NULL", json!(true)),
        ("IF(no_boolean, 1, 2)", json!(2)),
        ("no_boolean ? 1 : 2", json!(2)),
        ("null IN tags", json!(null)),
        ("stage IN ('a', no_text)", json!(null)),
        ("stage NOT IN ('a', no_text)", json!(null)),
        ("stage IN ('proposal', no_text)", json!(true)),
        ("stage IN no_tags", json!(null)),
        ("no_number BETWEEN 1 AND 2", json!(null)),
        ("no_text LIKE '%'", json!(null)),
        ("1 = 1", json!(true)),
    ] {
        check(source, expected);
    }
}

#[test]
fn comparisons_and_lists() {
    for (source, expected) in [
        ("stage = 'proposal'", json!(true)),
        ("stage == 'Proposal'", json!(false)),
        ("'Z' < 'a' AND 'a' < 'é' AND 'é' < '日'", json!(true)),
        ("'\u{ffff}' < '\u{10000}'", json!(true)),
        ("quantity === 10 && quantity !== 5", json!(true)),
        ("stage NOT IN (\"accepted\", 'rejected')", json!(true)),
        ("stage IN ['proposal']", json!(true)),
        ("'red' IN tags", json!(true)),
        ("tags.includes('blue')", json!(false)),
        ("INCLUDES(tags, 'green') AND CONTAINS(tags, 'red')", json!(true)),
        ("'admin' IN $current_user.roles", json!(true)),
        ("stage IN ($current_user.roles)", json!(false)),
        ("owner = $current_user.id", json!(true)),
        ("any_list.length", json!(2)),
        ("'two' IN any_list AND 1 IN any_list", json!(true)),
        ("name LIKE 'Test%' AND name NOT LIKE '%x_'", json!(true)),
        ("REGEX(name, '[A-Z].* User')", json!(true)),
        ("REGEX(name, 'User')", json!(false)),
        ("REGEX(no_text, 'User')", json!(null)),
        ("close_date < '2026-02-01'", json!(true)),
        ("created_at > '2026-01-15T12:30:44Z'", json!(true)),
        ("created_at = '2026-01-16 00:30:45'", json!(true)),
        ("created_at >= $today", json!(true)),
        ("any_date = close_date", json!(true)),
        ("any_number = 'five'", json!(false)),
        ("any_number <> any_text", json!(true)),
        ("lunch > '12:00'", json!(true)),
        ("close_date BETWEEN '2026-01-01' AND '2026-01-31'", json!(true)),
        ("$current_user.level >= 3", json!(true)),
        ("$current_user.nobody = 'x'", json!(null)),
    ] {
        check(source, expected);
    }
}

#[test]
fn names_reach_record_previous_caller_and_clock() {
    for (source, expected) in [
        ("account.industry & account.owner.name", json!("energyBo")),
        ("account", json!("a1")),
        ("parent", json!("r0")),
        ("$record_id", json!("r1")),
        ("$is_new", json!(false)),
        ("$today", json!("2026-01-16")),
        ("$now", json!("2026-01-15T12:30:45.000Z")),
        ("NOW() = $now", json!(true)),
        ("$year * 10000 + $month * 100 + $day", json!(20_260_116)),
        ("$hour & ':' & $minute & ':' & $second", json!("0:30:45")),
        ("$User.FirstName & $current_user.email", json!("Annann@example.com")),
        ("PRIORVALUE(amount)", json!(1000)),
        ("$previous.stage = stage", json!(true)),
        ("ISCHANGED(amount)", json!(true)),
        ("ISCHANGED(stage)", json!(false)),
        ("ISCHANGED(no_text)", json!(true)),
        ("ISCHANGED(no_date)", json!(false)),
        ("ISCHANGED(name)", json!(true)),
        ("ISCHANGED(tags)", json!(true)),
        ("let x = 2; let y = x * 3; x = y + x; return x * 10 + y", json!(86)),
    ] {
        check(source, expected);
    }
}

#[test]
fn dates_are_counted_in_days() {
    for (source, expected) in [
        ("close_date + 1", json!("2026-02-01")),
        ("close_date - 31.9", json!("2025-12-31")),
        ("created_at + 0.5", json!("2026-01-16T00:30:45.000Z")),
        ("close_date - '2026-01-01'", json!(30)),
        ("close_date - $today", json!(15)),
        ("created_at - '2026-01-15T00:30:45Z'", json!(0.5)),
        ("no_date + 1", json!(null)),
        ("close_date + 1e9", json!(null)),
        ("any_date + ''", json!("2026-01-31")),
        ("created_at.getMonth()", json!(0)),
        ("close_date.getFullYear()", json!(2026)),
        ("close_date.getDate()", json!(31)),
        ("close_date.getDay()", json!(6)),
    ] {
        check(source, expected);
    }
}

#[test]
fn javascript_spellings_mean_the_same() {
    for (source, expected) in [
        ("name.toUpperCase()", json!("TEST USER")),
        ("name.toLowerCase().length", json!(9)),
        ("name.substring(0, 4)", json!("Test")),
        ("name.substring(5)", json!("User")),
        ("name.charAt(0)", json!("T")),
        ("name.indexOf('User')", json!(5)),
        ("name.indexOf('x')", json!(-1)),
        ("name.startsWith('Test') && name.endsWith('r')", json!(true)),
        ("`Hello, ${name}! ${no_text}`", json!("Hello, Test User! ")),
        (
            "Math.round(25.7) + Math.max(1, 3, 2) + Math.pow(2, 3) + Math.abs(-1)",
            json!(38),
        ),
        ("Math.log(1) + Math.log10(100)", json!(2)),
        ("amount.toFixed(2)", json!("1200.50")),
        ("Number('42') || 0", json!(42)),
        ("Number('x') || 0", json!(0)),
        ("String(quantity) + Boolean(zero)", json!("10false")),
        ("no_text ?? 'default'", json!("default")),
        ("empty ?? 'default'", json!("")),
        ("empty || 'default'", json!("default")),
        ("account?.owner?.name ?? 'No owner'", json!("Bo")),
        (
            "if (amount > 1000) return 'Enterprise'; if (amount > 100) return 'SMB'; return 'Startup';",
            json!("Enterprise"),
        ),
    ] {
        check(source, expected);
    }
}

#[test]
fn faults_of_values_are_told() {
    for (source, expected) in [
        ("parent.name", "the related record of `parent.name` is not loaded"),
        ("any_text * 2", "expected number in *, found `five`"),
        ("any_text > 5", "> cannot work on text and number"),
        ("any_list + 1", "+ cannot work on list and number"),
        ("any_text ? 1 : 2", "expected boolean in a condition, found `five`"),
        ("ROUND(any_text)", "expected number in ROUND, found `five`"),
        ("YEAR(any_text)", "expected date in YEAR, found `five`"),
        ("any_number LIKE 'x'", "LIKE cannot work on number and text"),
        ("REPEAT('x', 1e9)", "the expression needs more than 1048576 bytes"),
        ("LPAD('x', 1e15)", "the expression needs more than 1048576 bytes"),
    ] {
        assert_eq!(run(source), Err(expected.to_owned()), "{source}");
    }
    let record = json!({"amount": "many"});
    let checked = checker::check("amount + 1", &fixture::scope()).unwrap();
    let error = evaluate(&checked, &RecordEnvironment::new(&record, 0)).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            crate::ErrorKind::TypeError,
            "expected number in amount, found `\"many\"`"
        )
    );
    // A part that is not reached cannot fail.
    check("true OR any_text > 5", json!(true));
    check("false AND any_text > 5", json!(false));
}

#[test]
fn limits_hold() {
    let within = |source: &str, record: &Json, limits: Limits| {
        let checked = checker::check(source, &OpenScope).unwrap();
        evaluate_within(&checked, &RecordEnvironment::new(record, 0), limits).map(|value| value.to_json())
    };
    let record = json!({"items": vec!["a"; 2000], "text": "a".repeat(100_000)});
    let steps = Limits {
        steps_max: 1000,
        ..Limits::default()
    };
    for source in ["'b' IN items", "text LIKE '%a%a%a%b'"] {
        assert_eq!(
            within(source, &record, steps),
            Err(EvaluationError::LimitExceeded {
                unit: "steps",
                allowed: 1000
            }),
            "{source}"
        );
        assert_eq!(
            within(
                source,
                &record,
                Limits {
                    steps_max: 10_000_000,
                    ..Limits::default()
                }
            ),
            Ok(json!(false)),
            "{source}"
        );
    }
    let bytes = Limits {
        bytes_max: 1000,
        ..Limits::default()
    };
    for source in [
        "text & text",
        "UPPER(text)",
        "SUBSTITUTE(text, 'a', 'b')",
        "CONCAT(text)",
        "REVERSE(text)",
        "items.length",
        "JOIN(items)",
        "text + 1",
    ] {
        assert!(
            matches!(
                within(source, &record, bytes),
                Err(EvaluationError::LimitExceeded { unit: "bytes", .. })
            ),
            "{source}"
        );
    }
    assert_eq!(within("LEFT(text, 3)", &record, bytes), Ok(json!("aaa")));
}

#[test]
fn trees_built_by_hand_cannot_panic() {
    use crate::node::{Node, NodeKind};
    for kind in [
        NodeKind::Local(7),
        NodeKind::Call {
            function: crate::function::find("ABS").unwrap(),
            arguments: Vec::new(),
        },
        NodeKind::Call {
            function: crate::function::find("IF").unwrap(),
            arguments: Vec::new(),
        },
        NodeKind::Variable(Variable::Today),
    ] {
        let node = Node {
            kind,
            value_type: Type::Number,
            offset: 0,
        };
        let record = json!({});
        for now_ms in [i64::MIN, 0, i64::MAX] {
            let environment = RecordEnvironment::new(&record, now_ms).with_utc_offset(i32::MAX);
            let _ = Machine::new(&environment, Limits::default()).value(&node);
        }
    }
}
