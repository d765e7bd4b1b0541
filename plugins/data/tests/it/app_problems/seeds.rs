//! Seed records.

use expect_test::{Expect, expect};

use super::check_files;

const THING: (&str, &str) = (
    "thing.object.yml",
    "name: thing\nfields:\n  name: {type: text, required: true}\n  amount: {type: number}\n  status: {type: select, options: [new, old]}\n  twice: {type: formula, expression: amount * 2}\n  done: {type: boolean}\n",
);

fn seed(text: &str, expected: Expect) {
    check_files(&[THING, ("thing.data.yml", text)], expected);
}

#[test]
fn files() {
    seed("object: thign\nrecords: [{name: a}]\n", expect![""]);
    seed("object: thing\nrecords: 5\n", expect![""]);
    seed("object: thing\nmode: upset\nrecords: [{name: a}]\n", expect![""]);
    seed("object: thing\nrecrods: [{name: a}]\n", expect![""]);
    seed("object: thing\nexternalId: code\nrecords: [{name: a}]\n", expect![""]);
    seed("", expect![""]);
    seed("object: thing\nenv: [dev, production]\nrecords: [{name: a}]\n", expect![""]);
}

#[test]
fn records() {
    seed("- {name: a, amuont: 1}\n", expect![""]);
    seed("- {name: a, amount: much}\n", expect![""]);
    seed("- {name: a, status: nwe}\n", expect![""]);
    seed("- {name: a, twice: 4}\n", expect![""]);
    seed("- {name: a, created_by: me}\n", expect![""]);
    seed("- {name: a, done: yes}\n", expect![""]);
    seed("- {name: a}\n- {name: a}\n", expect![""]);
    seed("object: thing\nrecords:\n  - {amount: 1}\n", expect![""]);
    seed("- a\n", expect![""]);
}
