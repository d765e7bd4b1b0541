//! Formulas, rules and state machines.

use expect_test::{Expect, expect};

use super::{check, check_files};

fn formula(expression: &str, expected: Expect) {
    check(
        &format!(
            "name: thing\nfields:\n  amount: {{type: number}}\n  title: {{type: text}}\n  result:\n    type: formula\n    expression: {expression}\n"
        ),
        expected,
    );
}

#[test]
fn formulas() {
    formula(
        "amuont * 2",
        expect!["thing.object.yml:7:17: fields.result.expression: unknown field `amuont`; did you mean `amount`?"],
    );
    formula(
        "2 * amuont",
        expect!["thing.object.yml:7:21: fields.result.expression: unknown field `amuont`; did you mean `amount`?"],
    );
    formula(
        "'2 * amuont'",
        expect!["thing.object.yml:7:22: fields.result.expression: unknown field `amuont`; did you mean `amount`?"],
    );
    formula(
        "|\n      IF(amount > 1,\n        amuont,\n        2)",
        expect!["thing.object.yml:9:9: fields.result.expression: unknown field `amuont`; did you mean `amount`?"],
    );
    formula(
        "title.nam",
        expect!["thing.object.yml:7:17: fields.result.expression: `title` has no field `nam`"],
    );
    formula(
        "SUMM(amount)",
        expect!["thing.object.yml:7:17: fields.result.expression: unknown function `SUMM`"],
    );
    check(
        "name: thing\nfields:\n  result: {type: formula}\n",
        expect![
            "thing.object.yml:3:3: fields.result: a formula field needs `expression`; write what it computes, as in `amount * 2`"
        ],
    );
}

#[test]
fn circles() {
    check(
        "name: thing\nfields:\n  one: {type: formula, expression: two + 1}\n  two: {type: formula, expression: one + 1}\n",
        expect![
            "thing.object.yml:3:36: fields.one.expression: the value depends on itself: thing.one -> thing.two -> thing.one; take one of them out of the circle"
        ],
    );
    check(
        "name: thing\nfields:\n  one: {type: formula, expression: one + 1}\n",
        expect![
            "thing.object.yml:3:36: fields.one.expression: the value depends on itself: thing.one -> thing.one; take one of them out of the circle"
        ],
    );
    let account = "name: account\nfields:\n  total: {type: summary, summaryOperations: {object: line, field: share, function: sum}}\n";
    let line = "name: line\nfields:\n  account: {type: lookup, reference: account}\n  share: {type: formula, expression: account.total / 2}\n";
    check_files(
        &[("account.object.yml", account), ("line.object.yml", line)],
        expect![[r#"
        account.object.yml:3:3: fields.total: the value depends on itself: account.total -> line.share -> account.total; take one of them out of the circle
        account.object.yml:3:67: fields.total.summaryOperations.field: `share` of `line` is computed record by record, so it cannot be rolled up; roll up stored fields, or formulas of stored fields"#]],
    );
    let mut deep = "name: thing\nfields:\n  f0: {type: number}\n".to_owned();
    for level in 1..=40 {
        deep = deep.replace(
            "fields:\n",
            &format!(
                "fields:\n  f{level}: {{type: formula, expression: f{} + 1}}\n",
                level - 1
            ),
        );
    }
    check(
        &deep,
        expect![
            "thing.object.yml:35:35: fields.f8.expression: formulas read each other more than 32 deep; put some of them into one"
        ],
    );
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
    rule(
        "{type: script, name: positive, message: no, condition: amount < }",
        expect!["thing.object.yml:8:68: validations[0].condition: expected a value, found the end"],
    );
    rule(
        "{type: script, name: positive, message: no, condition: amuont < 0}",
        expect!["thing.object.yml:8:60: validations[0].condition: unknown field `amuont`; did you mean `amount`?"],
    );
    rule(
        "{type: script, name: positive, message: no, condition: amount + 1}",
        expect![
            "thing.object.yml:8:67: validations[0].condition: the result is number, expected boolean; write true or false"
        ],
    );
    rule(
        "{type: scirpt, name: positive, message: no, condition: amount < 0}",
        expect!["thing.object.yml:8:12: validations[0].type: unknown value `scirpt`; did you mean `script`?"],
    );
    rule(
        "{type: script, name: positive, condition: amount < 0}",
        expect!["thing.object.yml:8:5: validations[0]: the key `message` is missing"],
    );
    rule(
        "{type: script, name: Positive, message: no, condition: amount < 0}",
        expect![
            "thing.object.yml:8:26: validations[0].name: `Positive` is not a name of lower case letters, digits and underscores that begins with a letter or an underscore"
        ],
    );
    rule(
        "{type: unique, name: codes, message: no, fields: [cod]}",
        expect!["thing.object.yml:8:55: validations[0].fields[0]: `thing` has no field `cod`; did you mean `code`?"],
    );
    rule(
        "{type: format, name: form, message: no, field: code}",
        expect!["thing.object.yml:8:5: validations[0]: a format rule needs `regex` or `format`; write one of them"],
    );
    rule(
        "{type: format, name: form, message: no, field: code, regex: '[a'}",
        expect!["thing.object.yml:8:65: validations[0].regex: the pattern cannot be used: unclosed character class"],
    );
    rule(
        "{type: json_schema, name: shape, message: no, field: data, schema: {type: nothing}}",
        expect![[
            r#"thing.object.yml:8:64: validations[0].schema: the schema cannot be used: "nothing" is not valid under any of the schemas listed in the 'anyOf' keyword"#
        ]],
    );
    rule(
        "{type: custom, name: special, message: no, handler: check_it}",
        expect![
            "thing.object.yml:8:57: validations[0].handler: `check_it` names no method of a service that judges records; write `validator.NAME:METHOD`; a plugin provides the service `validator.NAME`"
        ],
    );
    rule(
        "{type: state_machine, name: path, message: no, field: status, transitions: {new: [odl], fresh: []}}",
        expect![[r#"
        thing.object.yml:8:87: validations[0].transitions.new[0]: `odl` is none of the options of `status`; did you mean `old`?
        thing.object.yml:8:93: validations[0].transitions.fresh: `fresh` is none of the options of `status`"#]],
    );
    rule(
        "{type: state_machine, name: path, message: no, field: amount, transitions: {}}",
        expect!["thing.object.yml:8:59: validations[0].field: a number field has no states; use a select field"],
    );
    rule(
        "{type: script, name: twice, message: no, condition: amount < 0}\n  - {type: script, name: twice, message: no, condition: amount > 9}",
        expect![
            "thing.object.yml:9:26: validations[1].name: the rule `twice` is there twice; give one of them another name"
        ],
    );
    rule(
        "{type: conditional, name: both, message: no, when: amuont > 0, then: {type: script, name: inner, message: no, condition: cod = ''}}",
        expect![[r#"
        thing.object.yml:8:56: validations[0].when: unknown field `amuont`; did you mean `amount`?
        thing.object.yml:8:126: validations[0].then.condition: unknown field `cod`; did you mean `code`?"#]],
    );
}

#[test]
fn older_rules_are_found_where_they_were_written() {
    check(
        "name: thing\nfields:\n  amount: {type: number}\nvalidation:\n  rules:\n    - {type: script, name: positive, error_message: no, formula: amuont < 0}\n",
        expect!["thing.object.yml:6:66: validations[0].condition: unknown field `amuont`; did you mean `amount`?"],
    );
}

#[test]
fn state_machines() {
    check(
        "name: thing\nfields: {status: {type: text}}\nstateMachines:\n  life:\n    id: life\n    initial: nwe\n    states: {new: {}, old: {}}\n",
        expect![
            "thing.object.yml:6:14: stateMachines.life.initial: the machine has no state `nwe`; did you mean `new`?"
        ],
    );
    let machine = |states: &str| {
        format!(
            "name: thing\nfields: {{status: {{type: select, options: [new, old]}}}}\nstateMachines:\n  life:\n    id: life\n    initial: new\n    states: {states}\n  odd: {{id: odd, initial: nwe, states: {{new: {{}}}}}}\n"
        )
    };
    check(
        &machine("{new: {on: {AGE: odl}}, old: {on: {BACK: {target: new, cond: young, actions: [tell]}}}}"),
        expect![[r#"
            thing.object.yml:7:5: stateMachines.life.states: `new` leads to `odl`, and the machine has no such state; did you mean `old`?
            thing.object.yml:7:5: warning: stateMachines.life.states: a guard (`cond`) is not asked: its way is open to everybody; forbid the change by a rule of kind `script`
            thing.object.yml:7:5: warning: stateMachines.life.states: actions are not run; react to the event of the record's change
            thing.object.yml:8:27: stateMachines.odd.initial: the machine has no state `nwe`; did you mean `new`?"#]],
    );
    check(
        &machine("{new: {}, gone: {}}"),
        expect![[r#"
            thing.object.yml:7:5: warning: stateMachines.life.states: the machine is kept and not enforced: it is not clear which field has its states; name the machine as the field, and list its states as the field's options
            thing.object.yml:8:27: stateMachines.odd.initial: the machine has no state `nwe`; did you mean `new`?"#]],
    );
    check(
        &machine("{new: {type: parallel}}"),
        expect![[r#"
            thing.object.yml:7:5: warning: stateMachines.life.states: the machine is kept and not enforced: it has a parallel state; describe each independent part as a machine of its own
            thing.object.yml:8:27: stateMachines.odd.initial: the machine has no state `nwe`; did you mean `new`?"#]],
    );
}
