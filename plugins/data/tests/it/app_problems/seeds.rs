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
    seed(
        "object: thign\nrecords: [{name: a}]\n",
        expect!["thing.data.yml:1:9: object: there is no object `thign`; did you mean `thing`?"],
    );
    seed(
        "object: thing\nrecords: 5\n",
        expect!["thing.data.yml:2:10: records: expected a list of records"],
    );
    seed(
        "object: thing\nmode: upset\nrecords: [{name: a}]\n",
        expect!["thing.data.yml:2:7: mode: unknown value `upset`; did you mean `upsert`?"],
    );
    seed(
        "object: thing\nrecrods: [{name: a}]\n",
        expect![[r#"
        thing.data.yml:1:1: the key `records` is missing
        thing.data.yml:2:1: recrods: unknown key `recrods`; did you mean `records`?"#]],
    );
    seed(
        "object: thing\nexternalId: code\nrecords: [{name: a}]\n",
        expect!["thing.data.yml:2:13: externalId: `thing` has no stored field `code`"],
    );
    seed(
        "",
        expect!["thing.data.yml:1:1: the file has no records; write a list of records, or `object` and `records`"],
    );
    seed(
        "object: thing\nenv: [dev, production]\nrecords: [{name: a}]\n",
        expect!["thing.data.yml:2:12: env[1]: unknown value `production`; one of: prod, dev, test"],
    );
}

#[test]
fn records() {
    seed(
        "- {name: a, amuont: 1}\n",
        expect!["thing.data.yml:1:13: [0].amuont: `thing` has no field `amuont`; did you mean `amount`?"],
    );
    seed(
        "- {name: a, amount: much}\n",
        expect![[r#"thing.data.yml:1:21: [0].amount: expected a number, found "much""#]],
    );
    seed(
        "- {name: a, status: nwe}\n",
        expect![[r#"thing.data.yml:1:21: [0].status: expected one of new, old, found "nwe""#]],
    );
    seed(
        "- {name: a, twice: 4}\n",
        expect!["thing.data.yml:1:13: [0].twice: `twice` is filled by the system; remove it"],
    );
    seed(
        "- {name: a, done: yes}\n",
        expect![[r#"thing.data.yml:1:19: [0].done: expected true or false, found "yes""#]],
    );
    seed(
        "- {name: a}\n- {name: a}\n",
        expect![[
            r#"thing.data.yml:2:10: [1].name: `name` is "a" here and in line 1; each record needs its own, so that it is recognised at the next start"#
        ]],
    );
    seed(
        "object: thing\nrecords:\n  - {amount: 1}\n",
        expect![
            "thing.data.yml:3:5: records[0]: the record has no `name`, by which it would be recognised at the next start; add it, or name another field in `externalId`"
        ],
    );
    seed(
        "- a\n",
        expect!["thing.data.yml:1:3: [0]: expected a record: a map of fields"],
    );
}
