use expect_test::{Expect, expect};

use super::*;
use crate::fixture;
use crate::scope::FieldScope;

fn check(source: &str, expected: &str) {
    let shown = match super::check(source, &fixture::scope()) {
        Ok(checked) => checked.value_type().to_string(),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    assert_eq!(shown, expected, "{source}");
}

#[test]
fn every_expression_has_a_type() {
    for (source, expected) in [
        ("null", "null"),
        ("amount + 1", "number"),
        ("name + amount", "text"),
        ("name & amount", "text"),
        ("close_date + 1", "date"),
        ("1 + created_at", "datetime"),
        ("close_date - no_date", "number"),
        ("close_date - 7", "date"),
        ("created_at - close_date", "number"),
        ("close_date - '2026-01-01'", "number"),
        ("$today - close_date", "number"),
        ("any_number + 1", "any"),
        ("any_number - 1", "number"),
        ("any_number * 2", "number"),
        ("amount > 1", "boolean"),
        ("close_date > '2026-01-01'", "boolean"),
        ("created_at > close_date", "boolean"),
        ("IF(is_active, 1, 2.5)", "number"),
        ("IF(is_active, 1)", "number"),
        ("IF(is_active, close_date, created_at)", "datetime"),
        ("IF(is_active, '2026-01-01', close_date)", "date"),
        ("is_active ? any_text : 'x'", "any"),
        ("CASE(stage, 'a', 1, 'b', 2)", "number"),
        ("no_text ?? 'none'", "text"),
        ("name || 'none'", "text"),
        ("is_active || no_boolean", "boolean"),
        ("no_number || 0", "number"),
        ("$current_user.id", "text"),
        ("$current_user.level", "any"),
        ("$current_user.level > 2", "boolean"),
        ("$User.Id", "text"),
        ("currentUser.firstName", "any"),
        ("user.email", "text"),
        ("$now", "datetime"),
        ("TODAY()", "date"),
        ("CURRENT_DATE", "date"),
        ("$previous.amount", "number"),
        ("old.stage", "text"),
        ("record.name", "text"),
        ("account.industry", "text"),
        ("name.length", "number"),
        ("record.name.length", "number"),
        ("tags.length", "number"),
        ("ADD_DAYS(created_at, 1)", "datetime"),
        ("ADD_DAYS('2026-01-01', 1)", "date"),
        ("DATE_TRUNC('month', created_at)", "datetime"),
        ("END_OF_MONTH(created_at)", "date"),
        ("Math.PI", "number"),
        ("let x = 'a'; x = 1; return x", "number"),
        ("ISCHANGED(amount) OR ISNEW()", "boolean"),
        ("'a' IN tags", "boolean"),
        ("account", "text"),
    ] {
        check(source, expected);
    }
}

#[test]
fn type_faults_name_place_and_remedy() {
    for (source, expected) in [
        (
            "amount * name",
            "line 1, column 10: * needs a number, found text; make it a number with VALUE()",
        ),
        (
            "is_active + 1",
            "line 1, column 1: + needs a number, found boolean; make it a number with IF(..., 1, 0)",
        ),
        (
            "-name",
            "line 1, column 2: - needs a number, found text; make it a number with VALUE()",
        ),
        (
            "amount = '5'",
            "line 1, column 8: cannot compare number with text; write the number without quotes",
        ),
        (
            "amount > name",
            "line 1, column 8: cannot compare number with text; convert one side with VALUE() or TEXT()",
        ),
        (
            "is_active = 'true'",
            "line 1, column 11: cannot compare boolean with text; write true and false without quotes",
        ),
        (
            "is_active = 1",
            "line 1, column 11: cannot compare boolean with number; write true or false",
        ),
        (
            "close_date > 'soon'",
            "line 1, column 14: `soon` is not a date; write it as 'YYYY-MM-DD'",
        ),
        (
            "close_date > name",
            "line 1, column 12: cannot compare date with text; convert the text with DATEVALUE()",
        ),
        (
            "created_at > '2026-13-01'",
            "line 1, column 14: `2026-13-01` is not a datetime; write it as 'YYYY-MM-DDTHH:MM:SSZ'",
        ),
        (
            "tags = 'red'",
            "line 1, column 6: cannot compare list with text; ask with INCLUDES(list, value)",
        ),
        (
            "tags = tags",
            "line 1, column 6: lists cannot be compared; ask with INCLUDES(list, value)",
        ),
        (
            "tags IN ('red')",
            "line 1, column 6: a list cannot be looked up in a list; ask with INCLUDES(list, value) for each value, joined by OR",
        ),
        (
            "stage IN ()",
            "line 1, column 7: the list after IN is empty; name at least one value",
        ),
        (
            "stage IN ('a', null)",
            "line 1, column 16: null in a list matches nothing; ask with IS NULL",
        ),
        (
            "stage IN ('a', 1)",
            "line 1, column 7: cannot look for text among number; convert one side with VALUE() or TEXT()",
        ),
        (
            "amount AND is_active",
            "line 1, column 1: AND needs true or false, found number; compare it with a value, or ask with ISBLANK()",
        ),
        (
            "NOT name",
            "line 1, column 5: NOT needs true or false, found text; compare it with a value, or ask with ISBLANK()",
        ),
        (
            "IF(is_active, 1, 'a')",
            "line 1, column 1: the branches give number and text; convert one side with VALUE() or TEXT()",
        ),
        (
            "amount ?? 'x'",
            "line 1, column 1: the values are number and text; convert one side with VALUE() or TEXT()",
        ),
        (
            "LEN(amount)",
            "line 1, column 5: LEN needs text or a list, found number; make it text with TEXT()",
        ),
        (
            "ROUND(name)",
            "line 1, column 7: ROUND needs a number, found text; make text a number with VALUE()",
        ),
        (
            "YEAR(name)",
            "line 1, column 6: YEAR needs a date, found text; make text a date with DATEVALUE()",
        ),
        (
            "HOUR(close_date)",
            "line 1, column 6: HOUR needs a time or a datetime, found date; a date has no time of day",
        ),
        (
            "ROUND()",
            "line 1, column 1: too few arguments for ROUND; call it as ROUND(number, [digits])",
        ),
        (
            "NOW(1)",
            "line 1, column 1: too many arguments for NOW; call it as NOW()",
        ),
        (
            "ISCHANGED(amount + 1)",
            "line 1, column 18: this function asks about a field; name a field of the record",
        ),
        (
            "REGEX(name, stage)",
            "line 1, column 13: the pattern of REGEX has to be a text in quotes; write it out",
        ),
        (
            "name LIKE amount",
            "line 1, column 11: LIKE needs texts, found number; make it text with TEXT()",
        ),
        (
            "name & tags",
            "line 1, column 8: cannot join a list to a text; use JOIN(list)",
        ),
        (
            "amount = 1\n  AND stge = 'a'\n  AND LENN(name) > 2",
            "line 2, column 7: unknown field `stge`; did you mean `stage`?\nline 3, column 7: unknown function `LENN`; did you mean `LEN`?",
        ),
    ] {
        check(source, expected);
    }
    let regex = super::check("REGEX(name, '(')", &fixture::scope()).unwrap_err();
    assert!(super::check("REGEX(name, 'a)|(b')", &fixture::scope()).is_err());
    assert!(super::check("REGEX(name, 'a)|(b')", &fixture::scope()).is_err());
    assert!(
        regex[0].message.starts_with("the pattern cannot be used: "),
        "{}",
        regex[0]
    );
}

#[test]
fn unknown_names_come_with_the_nearest_spelling() {
    for (source, expected) in [
        (
            "amuont",
            "line 1, column 1: unknown field `amuont`; did you mean `amount`?",
        ),
        (
            "Amount",
            "line 1, column 1: unknown field `Amount`; did you mean `amount`?",
        ),
        (
            "account.industri",
            "line 1, column 1: `account` has no field `industri`; did you mean `account.industry`?",
        ),
        (
            "acount.industry",
            "line 1, column 1: unknown field `acount`; did you mean `account`?",
        ),
        (
            "account.owner.nme",
            "line 1, column 1: `account.owner` has no field `nme`; did you mean `account.owner.name`?",
        ),
        (
            "record.stag",
            "line 1, column 1: unknown field `stag`; did you mean `stage`?",
        ),
        ("zzz", "line 1, column 1: unknown field `zzz`; put text between quotes"),
        (
            "$todya",
            "line 1, column 1: unknown variable `$todya`; did you mean `$today`?",
        ),
        (
            "$previous.amout",
            "line 1, column 1: unknown field `amout`; did you mean `amount`?",
        ),
        (
            "$current_user",
            "line 1, column 1: `$current_user` is not a value by itself; add a name, for example `$current_user.id`",
        ),
        (
            "STARTWITH(name, 'a')",
            "line 1, column 1: unknown function `STARTWITH`; did you mean `STARTSWITH`?",
        ),
        ("eval('1')", "line 1, column 1: unknown function `eval`"),
        (
            "name.toUperCase()",
            "line 1, column 6: unknown method `toUperCase`; did you mean `toUpperCase`?",
        ),
        (
            "name.substring()",
            "line 1, column 6: `substring` does not take 0 arguments",
        ),
        ("x = 1; return x", "line 1, column 3: unexpected `=`"),
        (
            "let a = 1; amount = 2; return a",
            "line 1, column 12: the variable `amount` is not declared; declare it with `let`; fields cannot be assigned",
        ),
        (
            "let a = 1; let a = 2; return a",
            "line 1, column 16: the variable `a` is declared twice; give the second one another name",
        ),
    ] {
        if source.starts_with("x =") {
            assert!(super::check(source, &fixture::scope()).is_err());
        } else {
            check(source, expected);
        }
    }
}

#[test]
fn a_condition_has_to_be_one() {
    let error = |source| check_condition(source, &fixture::scope()).map(|_| ()).unwrap_err()[0].to_string();
    assert_eq!(
        error("amount + 1"),
        "line 1, column 8: the result is number, expected boolean; write true or false"
    );
    assert_eq!(error("'yes'"), "line 1, column 1: the result is text, expected boolean");
    for source in ["amount > 1", "null", "any_text", "is_active", "$current_user.is_admin"] {
        assert!(check_condition(source, &fixture::scope()).is_ok(), "{source}");
    }
}

#[test]
fn the_state_before_is_refused_where_there_is_none() {
    let scope = FieldScope::new([("amount", Type::Number)]).without_previous();
    for source in [
        "ISCHANGED(amount)",
        "PRIORVALUE(amount) > 1",
        "$previous.amount = 1",
        "old.amount",
    ] {
        let errors = super::check(source, &scope).unwrap_err();
        assert_eq!(
            errors[0].message, "there is no state before the change here",
            "{source}"
        );
        assert_eq!(errors[0].kind, ErrorKind::FieldNotFound);
    }
}

#[test]
fn too_many_parts_are_refused_once() {
    let source = format!("1 IN ({}1)", "1,".repeat(5_000));
    let errors = super::check(&source, &fixture::scope()).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].kind, ErrorKind::LimitExceeded);
}

#[test]
fn trees_are_canonical() {
    fn tree(source: &str, expected: &Expect) {
        let checked = super::check(source, &fixture::scope()).unwrap();
        expected.assert_eq(&serde_json::to_string(checked.root()).unwrap());
    }
    tree(
        "amount BETWEEN 1 + 1 AND 5",
        &expect![[
            r#"{"type":"boolean","and":[{"type":"boolean","compare":{"left":{"type":"number","field":"amount"},"operator":">=","right":{"type":"number","literal":2}}},{"type":"boolean","compare":{"left":{"type":"number","field":"amount"},"operator":"<=","right":{"type":"number","literal":5}}}]}"#
        ]],
    );
    tree(
        "ISBLANK(name)",
        &expect![[
            r#"{"type":"boolean","or":[{"type":"boolean","is_null":{"type":"text","field":"name"}},{"type":"boolean","compare":{"left":{"type":"text","field":"name"},"operator":"=","right":{"type":"text","literal":""}}}]}"#
        ]],
    );
    tree(
        "close_date < '2026-01-31'",
        &expect![[
            r#"{"type":"boolean","compare":{"left":{"type":"date","field":"close_date"},"operator":"<","right":{"type":"date","literal":"2026-01-31"}}}"#
        ]],
    );
    tree(
        "created_at >= $today",
        &expect![[
            r#"{"type":"boolean","compare":{"left":{"type":"datetime","field":"created_at"},"operator":">=","right":{"type":"datetime","call":{"function":"DATETIMEVALUE","arguments":[{"type":"date","variable":"today"}]}}}}"#
        ]],
    );
    tree(
        "is_active ? 1 : zero > 0 ? 2 : 3",
        &expect![[
            r#"{"type":"number","if":{"arms":[[{"type":"boolean","field":"is_active"},{"type":"number","literal":1}],[{"type":"boolean","compare":{"left":{"type":"number","field":"zero"},"operator":">","right":{"type":"number","literal":0}}},{"type":"number","literal":2}]],"otherwise":{"type":"number","literal":3}}}"#
        ]],
    );
    tree(
        "name + ' ' + stage",
        &expect![[
            r#"{"type":"text","concat":[{"type":"text","field":"name"},{"type":"text","literal":" "},{"type":"text","field":"stage"}]}"#
        ]],
    );
    tree(
        "1 = 1 AND LEN('abc') = 3",
        &expect![[r#"{"type":"boolean","literal":true}"#]],
    );
}

#[test]
fn dependencies_and_complexity_are_told() {
    fn tell(source: &str, expected: &Expect) {
        let checked = super::check(source, &fixture::scope()).unwrap();
        let told = serde_json::json!({"dependencies": checked.dependencies(), "complexity": checked.complexity()});
        expected.assert_eq(&told.to_string());
    }
    tell(
        "quantity * price",
        &expect![[
            r#"{"dependencies":{"fields":["price","quantity"],"previous":[],"variables":[]},"complexity":{"nodes":3,"height":2,"conditions":0,"level":"simple"}}"#
        ]],
    );
    tell(
        "$today - close_date + LEN(account.owner.name) + PRIORVALUE(amount)",
        &expect![[
            r#"{"dependencies":{"fields":["account.owner.name","close_date"],"previous":["amount"],"variables":["today"]},"complexity":{"nodes":9,"height":4,"conditions":0,"level":"simple"}}"#
        ]],
    );
    tell(
        "amount > 10 ? 'high' : 'low'",
        &expect![[
            r#"{"dependencies":{"fields":["amount"],"previous":[],"variables":[]},"complexity":{"nodes":6,"height":3,"conditions":1,"level":"medium"}}"#
        ]],
    );
    tell(
        "if (amount > 10) { return 100; } else if (amount > 5) { return 50; } else { return 0; }",
        &expect![[
            r#"{"dependencies":{"fields":["amount"],"previous":[],"variables":[]},"complexity":{"nodes":11,"height":4,"conditions":2,"level":"medium"}}"#
        ]],
    );
    tell(
        "CASE(stage, '1', 1, '2', 2, '3', 3, '4', 4, '5', 5, '6', 6)",
        &expect![[
            r#"{"dependencies":{"fields":["stage"],"previous":[],"variables":[]},"complexity":{"nodes":14,"height":2,"conditions":6,"level":"complex"}}"#
        ]],
    );
    let checked = super::check("account.owner.name & name", &fixture::scope()).unwrap();
    assert_eq!(
        checked.dependencies().related().collect::<Vec<_>>(),
        ["account.owner.name"]
    );
}
