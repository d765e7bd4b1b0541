//! Fields by themselves.

use expect_test::{Expect, expect};

use super::check;

/// One field of an object, on the third line from column 3.
fn field(definition: &str, expected: Expect) {
    check(
        &format!("name: thing\nfields:\n  field: {definition}\n  title: {{type: text}}\n"),
        expected,
    );
}

#[test]
fn types_and_keys() {
    field(
        "{type: selec, options: [{label: A, value: aa}]}",
        expect!["thing.object.yml:3:17: fields.field.type: unknown value `selec`; did you mean `select`?"],
    );
    field(
        "{type: money}",
        expect![
            "thing.object.yml:3:17: fields.field.type: unknown value `money`; one of: text, textarea, email, url, phone, password, markdown, html, richtext, number, currency, percent, …"
        ],
    );
    field(
        "{label: Field}",
        expect!["thing.object.yml:3:3: fields.field: the key `type` is missing"],
    );
    field(
        "{type: text, maxlenght: 5}",
        expect!["thing.object.yml:3:23: fields.field.maxlenght: unknown key `maxlenght`; did you mean `maxLength`?"],
    );
    field(
        "{type: text, maxLength: -1}",
        expect![
            "thing.object.yml:3:34: fields.field.maxLength: expected a whole number that is not negative, found -1"
        ],
    );
    field(
        "{type: text, minLength: 9, maxLength: 3}",
        expect![
            "thing.object.yml:3:34: fields.field.minLength: `minLength` is greater than `maxLength`, so no value fits; swap them"
        ],
    );
    field(
        "{type: number, min: 10, max: 1}",
        expect!["thing.object.yml:3:30: fields.field.min: `min` is greater than `max`, so no value fits; swap them"],
    );
    field(
        "{type: text, multiple: true}",
        expect![
            "thing.object.yml:3:33: fields.field.multiple: a text field holds one value; remove `multiple`; select, lookup, file and image fields may have it"
        ],
    );
    field(
        "{type: json, unique: true}",
        expect![
            "thing.object.yml:3:31: fields.field.unique: a json field cannot have `unique`: it holds more than one value; remove it"
        ],
    );
    field(
        "{type: vector}",
        expect![
            "thing.object.yml:3:3: fields.field: a vector field needs `vectorConfig`; write `vectorConfig: {dimensions: 3}`"
        ],
    );
    field(
        "{type: currency, currencyConfig: {defaultCurrency: EURO}}",
        expect!["thing.object.yml:3:61: fields.field.currencyConfig.defaultCurrency: expected 3 characters, found 4"],
    );
}

#[test]
fn options() {
    field(
        "{type: select}",
        expect![
            "thing.object.yml:3:3: fields.field: a select field needs `options`; list them, as in `options: [{label: New, value: new}]`"
        ],
    );
    field(
        "{type: select, options: [{label: A, value: aa}, {label: B, value: aa}]}",
        expect![
            "thing.object.yml:3:76: fields.field.options[1].value: the option `aa` is there twice; remove one of them"
        ],
    );
    field(
        "{type: select, options: [{label: A, value: aa}], defaultValue: bb}",
        expect![[r#"thing.object.yml:3:73: fields.field.defaultValue: the default must be one of aa, found "bb""#]],
    );
}

#[test]
fn defaults() {
    field(
        "{type: number, defaultValue: much}",
        expect!["thing.object.yml:3:39: fields.field.defaultValue: unknown field `much`; put text between quotes"],
    );
    field(
        "{type: boolean, defaultValue: 1}",
        expect!["thing.object.yml:3:40: fields.field.defaultValue: the default must be true or false, found 1"],
    );
    field(
        "{type: date, defaultValue: tomorrow}",
        expect!["thing.object.yml:3:37: fields.field.defaultValue: unknown field `tomorrow`; put text between quotes"],
    );
    field(
        "{type: date, defaultValue: NOW() + 'x'}",
        expect![
            "thing.object.yml:3:43: fields.field.defaultValue: the result is text, expected date; convert the text with DATEVALUE()"
        ],
    );
    field(
        "{type: text, defaultValue: {a: 1}}",
        expect![[r#"thing.object.yml:3:23: fields.field.defaultValue: the default must be text, found {"a":1}"#]],
    );
}

#[test]
fn autonumbers() {
    field(
        "{type: autonumber, autonumberFormat: CASE}",
        expect![
            "thing.object.yml:3:47: fields.field.autonumberFormat: `CASE` needs exactly one counter; write one counter in braces, and dates if you like, as in `INV-{YYYY}-{00000}`"
        ],
    );
    field(
        "{type: autonumber, autonumberFormat: 'C-{0000}-{00}'}",
        expect![
            "thing.object.yml:3:47: fields.field.autonumberFormat: `C-{0000}-{00}` needs exactly one counter; write one counter in braces, and dates if you like, as in `INV-{YYYY}-{00000}`"
        ],
    );
    field(
        "{type: autonumber, autonumberFormat: 'C-{000:YYYY}'}",
        expect![
            "thing.object.yml:3:47: fields.field.autonumberFormat: the numbers come again, since the year is not part of them; write one counter in braces, and dates if you like, as in `INV-{YYYY}-{00000}`"
        ],
    );
    field(
        "{type: autonumber, startNumber: -1}",
        expect![
            "thing.object.yml:3:42: fields.field.startNumber: expected a whole number from 0 to 1000000000000000, found -1"
        ],
    );
    field(
        "{type: autonumber, autonumberFormat: 'C-{year}'}",
        expect![
            "thing.object.yml:3:47: fields.field.autonumberFormat: `{year}` is no piece of an autonumber; write one counter in braces, and dates if you like, as in `INV-{YYYY}-{00000}`"
        ],
    );
    field(
        "{type: autonumber, autonumberFormat: 'C-{0000'}",
        expect![
            "thing.object.yml:3:47: fields.field.autonumberFormat: a `{` has no `}` after it; write one counter in braces, and dates if you like, as in `INV-{YYYY}-{00000}`"
        ],
    );
}
