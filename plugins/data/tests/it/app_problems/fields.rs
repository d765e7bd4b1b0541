//! Fields by themselves.

use super::check;

/// One field of an object, on the third line from column 3.
fn field(definition: &str, expected: &[&str]) {
    check(&format!("name: thing\nfields:\n  field: {definition}\n  title: {{type: text}}\n"), expected);
}

#[test]
fn types_and_keys() {
    field("{type: selec, options: [{label: A, value: aa}]}", &["3:17: fields.field.type: unknown value `selec`; did you mean `select`?"]);
    field("{type: money}", &[
        "3:17: fields.field.type: unknown value `money`; one of: text, textarea, email, url, phone, password, markdown, html, richtext, number, currency, percent, …",
    ]);
    field("{label: Field}", &["3:3: fields.field: the key `type` is missing"]);
    field("{type: text, maxlenght: 5}", &["3:23: fields.field.maxlenght: unknown key `maxlenght`; did you mean `maxLength`?"]);
    field("{type: text, maxLength: -1}", &["3:34: fields.field.maxLength: expected a whole number that is not negative, found -1"]);
    field("{type: text, minLength: 9, maxLength: 3}", &[
        "3:34: fields.field.minLength: `minLength` is greater than `maxLength`, so no value fits; swap them",
    ]);
    field("{type: number, min: 10, max: 1}", &["3:30: fields.field.min: `min` is greater than `max`, so no value fits; swap them"]);
    field("{type: text, multiple: true}", &[
        "3:33: fields.field.multiple: a text field holds one value; remove `multiple`; select, lookup, file and image fields may have it",
    ]);
    field("{type: json, unique: true}", &["3:31: fields.field.unique: a json field cannot have `unique`: it holds more than one value; remove it"]);
    field("{type: vector}", &["3:3: fields.field: a vector field needs `vectorConfig`; write `vectorConfig: {dimensions: 3}`"]);
    field("{type: currency, currencyConfig: {defaultCurrency: EURO}}", &[
        "3:61: fields.field.currencyConfig.defaultCurrency: expected 3 characters, found 4",
    ]);
}

#[test]
fn options() {
    field("{type: select}", &["3:3: fields.field: a select field needs `options`; list them, as in `options: [{label: New, value: new}]`"]);
    field("{type: select, options: [{label: A, value: aa}, {label: B, value: aa}]}", &[
        "3:69: fields.field.options[1].value: the option `aa` is there twice; remove one of them",
    ]);
    field("{type: select, options: [{label: A, value: aa}], defaultValue: bb}", &[
        "3:66: fields.field.defaultValue: the default must be one of aa, found \"bb\"",
    ]);
}

#[test]
fn defaults() {
    field("{type: number, defaultValue: much}", &["3:32: fields.field.defaultValue: unknown field `much`"]);
    field("{type: boolean, defaultValue: 1}", &["3:33: fields.field.defaultValue: the default must be true or false, found 1"]);
    field("{type: date, defaultValue: tomorrow}", &["3:30: fields.field.defaultValue: unknown field `tomorrow`"]);
    field("{type: date, defaultValue: NOW() + 'x'}", &["3:30: fields.field.defaultValue: "]);
    field("{type: text, defaultValue: {a: 1}}", &["3:31: fields.field.defaultValue: the default must be text, found {\"a\":1}"]);
}

#[test]
fn autonumbers() {
    let hint = "write one counter in braces, and dates if you like, as in `INV-{YYYY}-{00000}`";
    field("{type: autonumber, autonumberFormat: CASE}", &[&format!("3:40: fields.field.autonumberFormat: `CASE` needs exactly one counter; {hint}")]);
    field("{type: autonumber, autonumberFormat: 'C-{0000}-{00}'}", &[
        &format!("3:40: fields.field.autonumberFormat: `C-{{0000}}-{{00}}` needs exactly one counter; {hint}"),
    ]);
    field("{type: autonumber, autonumberFormat: 'C-{year}'}", &[&format!("3:40: fields.field.autonumberFormat: `{{year}}` is no piece of an autonumber; {hint}")]);
    field("{type: autonumber, autonumberFormat: 'C-{0000'}", &[&format!("3:40: fields.field.autonumberFormat: a `{{` has no `}}` after it; {hint}")]);
}
