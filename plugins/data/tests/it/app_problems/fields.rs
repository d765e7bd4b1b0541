//! Fields by themselves.

use expect_test::{Expect, expect};

use super::check;

/// One field of an object, on the third line from column 3.
fn field(definition: &str, expected: Expect) {
    check(&format!("name: thing\nfields:\n  field: {definition}\n  title: {{type: text}}\n"), expected);
}

#[test]
fn types_and_keys() {
    field("{type: selec, options: [{label: A, value: aa}]}", expect![""]);
    field("{type: money}", expect![""]);
    field("{label: Field}", expect![""]);
    field("{type: text, maxlenght: 5}", expect![""]);
    field("{type: text, maxLength: -1}", expect![""]);
    field("{type: text, minLength: 9, maxLength: 3}", expect![""]);
    field("{type: number, min: 10, max: 1}", expect![""]);
    field("{type: text, multiple: true}", expect![""]);
    field("{type: json, unique: true}", expect![""]);
    field("{type: vector}", expect![""]);
    field("{type: currency, currencyConfig: {defaultCurrency: EURO}}", expect![""]);
}

#[test]
fn options() {
    field("{type: select}", expect![""]);
    field("{type: select, options: [{label: A, value: aa}, {label: B, value: aa}]}", expect![""]);
    field("{type: select, options: [{label: A, value: aa}], defaultValue: bb}", expect![""]);
}

#[test]
fn defaults() {
    field("{type: number, defaultValue: much}", expect![""]);
    field("{type: boolean, defaultValue: 1}", expect![""]);
    field("{type: date, defaultValue: tomorrow}", expect![""]);
    field("{type: date, defaultValue: NOW() + 'x'}", expect![""]);
    field("{type: text, defaultValue: {a: 1}}", expect![""]);
}

#[test]
fn autonumbers() {
    field("{type: autonumber, autonumberFormat: CASE}", expect![""]);
    field("{type: autonumber, autonumberFormat: 'C-{0000}-{00}'}", expect![""]);
    field("{type: autonumber, autonumberFormat: 'C-{year}'}", expect![""]);
    field("{type: autonumber, autonumberFormat: 'C-{0000'}", expect![""]);
}
