//! Settings of single types, rules that ask others, and what is ours beside the protocol.

use expect_test::{Expect, expect};

use super::{check, check_files};

/// One field of an object, on the third line from column 3.
fn field(definition: &str, expected: Expect) {
    check(
        &format!(
            "name: thing\nfields:\n  field: {definition}\n  title: {{type: text}}\n  secret: {{type: password}}\n"
        ),
        expected,
    );
}

#[test]
fn settings_of_types() {
    field(
        "{type: url, format: 'https, 7up'}",
        expect![
            "thing.object.yml:3:30: fields.field.format: `7up` is no protocol of an address; list protocols, as in `format: https, mailto`"
        ],
    );
    field(
        "{type: slider, step: 0}",
        expect!["thing.object.yml:3:31: fields.field.step: a step is greater than nought, found 0"],
    );
    field(
        "{type: text, maskingRule: {field: other, strategy: redact}}",
        expect![
            "thing.object.yml:3:44: fields.field.maskingRule.field: the rule is for `other` and stands at `field`; give both the same name"
        ],
    );
    field(
        "{type: text, maskingRule: {field: field, strategy: partial, pattern: '['}}",
        expect![
            "thing.object.yml:3:79: fields.field.maskingRule.pattern: the pattern cannot be used; write a regular expression for the part that is hidden, as in `^.{6}`"
        ],
    );
    field(
        "{type: text, maskingRule: {field: field, strategy: partly}}",
        expect![
            "thing.object.yml:3:61: fields.field.maskingRule.strategy: unknown value `partly`; did you mean `partial`?"
        ],
    );
    field(
        "{type: file, fileAttachmentConfig: {virusScan: true}}",
        expect![
            "thing.object.yml:3:57: fields.field.fileAttachmentConfig.virusScan: nothing looks for viruses here: files would count as clean that nobody has looked at; remove it, and have the place scan that the files are uploaded to"
        ],
    );
    field(
        "{type: color, colorFormat: cmyk}",
        expect!["thing.object.yml:3:37: fields.field.colorFormat: unknown value `cmyk`; one of: hex, rgb, rgba, hsl"],
    );
}

#[test]
fn secrets_stay_secret() {
    field(
        "{type: password, unique: true}",
        expect![
            "thing.object.yml:3:35: fields.field.unique: a password field cannot have `unique`: it would give the secret away; remove it"
        ],
    );
    field(
        "{type: formula, expression: LEN(secret)}",
        expect![
            "thing.object.yml:3:38: fields.field.expression: `secret` is a secret and cannot be computed with; leave it out"
        ],
    );
    check(
        "name: thing\ntitleFormat: '{secret}'\nfields:\n  secret: {type: password}\n",
        expect!["thing.object.yml:2:14: titleFormat: `secret` is a secret and cannot be part of a title; leave it out"],
    );
}

#[test]
fn filters_of_references_and_roll_ups() {
    let child = "name: child\nfields:\n  state: {type: text}\n  amount: {type: number}\n  up: {type: lookup, reference: thing}\n";
    let files = |field: &str| format!("name: thing\nfields:\n  field: {field}\n");
    let compare = |field: &str, expected: Expect| {
        check_files(
            &[("thing.object.yml", &files(field)), ("child.object.yml", child)],
            expected,
        );
    };
    compare(
        "{type: lookup, reference: child, referenceFilters: [\"stat = 'x'\"]}",
        expect!["thing.object.yml:3:63: fields.field.referenceFilters[0]: unknown field `stat`; did you mean `state`?"],
    );
    compare(
        "{type: lookup, reference: child, referenceFilters: [\"LOWER(PROPER(state)) = 'x'\"]}",
        expect![
            "thing.object.yml:3:62: fields.field.referenceFilters[0]: the condition cannot be put to the database; compare stored fields of `child`, without functions that have no form in SQL"
        ],
    );
    compare(
        "{type: summary, summaryOperations: {object: child, field: amount, function: sum, filter: \"stat = 'x'\"}}",
        expect![
            "thing.object.yml:3:100: fields.field.summaryOperations.filter: unknown field `stat`; did you mean `state`?"
        ],
    );
    compare(
        "{type: summary, summaryOperations: {object: child, field: amount, function: sum, filter: 5}}",
        expect![
            "thing.object.yml:3:99: fields.field.summaryOperations.filter: expected a condition, found 5; write a condition on the child, as in `status = 'open'`"
        ],
    );
}

#[test]
fn rules_that_ask() {
    let rule = |rule: &str| {
        format!(
            "name: thing\nfields:\n  a: {{type: text}}\n  s: {{type: select, options: [one, two]}}\nvalidations:\n  - {{name: r, message: m, {rule}}}\n"
        )
    };
    let compare = |text: &str, expected: Expect| check(&rule(text), expected);
    compare(
        "type: custom, handler: check_tax",
        expect![
            "thing.object.yml:6:50: validations[0].handler: `check_tax` names no method of a service that judges records; write `validator.NAME:METHOD`; a plugin provides the service `validator.NAME`"
        ],
    );
    compare(
        "type: custom, handler: 'data:find'",
        expect![
            "thing.object.yml:6:50: validations[0].handler: `data:find` names no method of a service that judges records; write `validator.NAME:METHOD`; a plugin provides the service `validator.NAME`"
        ],
    );
    compare(
        "type: async, field: a",
        expect![
            "thing.object.yml:6:5: validations[0]: an async rule needs either `validatorUrl` or `validatorFunction`; write one of them"
        ],
    );
    compare(
        "type: async, field: b, validatorUrl: 'https://x.de'",
        expect!["thing.object.yml:6:47: validations[0].field: `thing` has no field `b`; did you mean `a`?"],
    );
    compare(
        "type: async, field: a, validatorUrl: 'ftp://x.de'",
        expect![
            "thing.object.yml:6:64: validations[0].validatorUrl: `ftp://x.de` is no address of a server; write it as in `https://example.com/check`"
        ],
    );
    compare(
        "type: async, field: a, validatorUrl: 'https://x.de', timeout: 99999",
        expect!["thing.object.yml:6:89: validations[0].timeout: expected 1 to 30000 milliseconds, found 99999"],
    );
    compare(
        "type: state_machine, field: s, transitions: {one: [two]}, initialStates: [on]",
        expect![
            "thing.object.yml:6:101: validations[0].initialStates[0]: `on` is none of the options of `s`; did you mean `one`?"
        ],
    );
    compare(
        "type: unique, fields: [a], scope: 'ISCHANGED(a)'",
        expect![
            "thing.object.yml:6:62: validations[0].scope: there is no state before the change here; use it in rules that run when a record is written"
        ],
    );
}

#[test]
fn fields_within_fields() {
    field(
        "{type: repeater, fields: {up: {type: lookup, reference: thing}}}",
        expect![
            "thing.object.yml:3:47: fields.field.fields.up.type: a lookup field cannot be within another field; declare it beside that field, or make the parts an object of their own"
        ],
    );
    field(
        "{type: repeater, fields: {up: {type: lookup, reference: thing}, scan: {type: file}}}",
        expect![[r#"
            thing.object.yml:3:47: fields.field.fields.up.type: a lookup field cannot be within another field; declare it beside that field, or make the parts an object of their own
            thing.object.yml:3:87: warning: fields.field.fields.scan.type: nobody who keeps files is told of one within a field, and may take it for one that no record has; declare it beside that field"#]],
    );
    field(
        "{type: composite, fields: {name: {type: txt}}}",
        expect!["thing.object.yml:3:50: fields.field.fields.name.type: unknown value `txt`; did you mean `text`?"],
    );
    field(
        "{type: record, fields: [name]}",
        expect![[r#"
            thing.object.yml:3:33: fields.field.fields: expected fields by their names, found ["name"]; write them as the fields of an object, as in `fields: {city: {type: text}}`"#]],
    );
}
