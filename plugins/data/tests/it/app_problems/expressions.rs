//! Formulas, rules and state machines.

use expect_test::{Expect, expect};

use super::{check, check_files};

fn formula(expression: &str, expected: Expect) {
    check(
        &format!("name: thing\nfields:\n  amount: {{type: number}}\n  title: {{type: text}}\n  result:\n    type: formula\n    expression: {expression}\n"),
        expected,
    );
}

#[test]
fn formulas() {
    formula("amuont * 2", expect![""]);
    formula("2 * amuont", expect![""]);
    formula("'2 * amuont'", expect![""]);
    formula("|\n      IF(amount > 1,\n        amuont,\n        2)", expect![""]);
    formula("title.nam", expect![""]);
    formula("SUMM(amount)", expect![""]);
    check("name: thing\nfields:\n  result: {type: formula}\n", expect![""]);
}

#[test]
fn circles() {
    check("name: thing\nfields:\n  one: {type: formula, expression: two + 1}\n  two: {type: formula, expression: one + 1}\n", expect![""]);
    check("name: thing\nfields:\n  one: {type: formula, expression: one + 1}\n", expect![""]);
    let account = "name: account\nfields:\n  total: {type: summary, summaryOperations: {object: line, field: share, function: sum}}\n";
    let line = "name: line\nfields:\n  account: {type: lookup, reference: account}\n  share: {type: formula, expression: account.total / 2}\n";
    check_files(&[("account.object.yml", account), ("line.object.yml", line)], expect![""]);
    let mut deep = "name: thing\nfields:\n  f0: {type: number}\n".to_owned();
    for level in 1..=40 {
        deep = deep.replace("fields:\n", &format!("fields:\n  f{level}: {{type: formula, expression: f{} + 1}}\n", level - 1));
    }
    check(&deep, expect![""]);
}

fn rule(rule: &str, expected: Expect) {
    check(
        &format!(
            "name: thing\nfields:\n  amount: {{type: number}}\n  code: {{type: text}}\n  data: {{type: json}}\n  status: {{type: select, options: [new, old]}}\nvalidations:\n  - {rule}\n"
        ),
        expected,
    );
}

#[test]
fn rules() {
    rule("{type: script, name: positive, message: no, condition: amount < }", expect![""]);
    rule("{type: script, name: positive, message: no, condition: amuont < 0}", expect![""]);
    rule("{type: script, name: positive, message: no, condition: amount + 1}", expect![""]);
    rule("{type: scirpt, name: positive, message: no, condition: amount < 0}", expect![""]);
    rule("{type: script, name: positive, condition: amount < 0}", expect![""]);
    rule("{type: script, name: Positive, message: no, condition: amount < 0}", expect![""]);
    rule("{type: unique, name: codes, message: no, fields: [cod]}", expect![""]);
    rule("{type: format, name: form, message: no, field: code}", expect![""]);
    rule("{type: format, name: form, message: no, field: code, regex: '[a'}", expect![""]);
    rule("{type: json_schema, name: shape, message: no, field: data, schema: {type: nothing}}", expect![""]);
    rule("{type: custom, name: special, message: no, handler: check_it}", expect![""]);
    rule("{type: state_machine, name: path, message: no, field: status, transitions: {new: [odl], fresh: []}}", expect![""]);
    rule("{type: state_machine, name: path, message: no, field: amount, transitions: {}}", expect![""]);
    rule("{type: script, name: twice, message: no, condition: amount < 0}\n  - {type: script, name: twice, message: no, condition: amount > 9}", expect![""]);
    rule("{type: conditional, name: both, message: no, when: amuont > 0, then: {type: script, name: inner, message: no, condition: cod = ''}}", expect![""]);
}

#[test]
fn older_rules_are_found_where_they_were_written() {
    check(
        "name: thing\nfields:\n  amount: {type: number}\nvalidation:\n  rules:\n    - {type: script, name: positive, error_message: no, formula: amuont < 0}\n",
        expect![""],
    );
}

#[test]
fn state_machines() {
    check(
        "name: thing\nfields: {status: {type: text}}\nstateMachines:\n  life:\n    id: life\n    initial: nwe\n    states: {new: {}, old: {}}\n",
        expect![""],
    );
}
