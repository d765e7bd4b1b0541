//! From object to object.

use expect_test::{Expect, expect};

use super::{check, check_files};

const ACCOUNT: (&str, &str) = (
    "account.object.yml",
    "name: account\nfields:\n  name: {type: text}\n  amount: {type: number}\n",
);

fn contact(fields: &str, expected: Expect) {
    let text = format!("name: contact\nfields:\n{fields}");
    check_files(&[ACCOUNT, ("contact.object.yml", &text)], expected);
}

#[test]
fn references() {
    contact(
        "  account: {type: lookup, reference: acount}\n",
        expect![
            "contact.object.yml:3:38: fields.account.reference: there is no object `acount`; did you mean `account`?"
        ],
    );
    contact(
        "  account: {type: lookup}\n",
        expect![
            "contact.object.yml:3:3: fields.account: a lookup field needs `reference`; name the object it points to"
        ],
    );
    contact(
        "  account: {type: lookup, reference_to: acount}\n",
        expect![
            "contact.object.yml:3:41: fields.account.reference: there is no object `acount`; did you mean `account`?"
        ],
    );
    contact(
        "  account: {type: lookup, reference: account, required: true, deleteBehavior: set_null}\n",
        expect![
            "contact.object.yml:3:79: fields.account.deleteBehavior: the field is required, so `set_null` cannot be; use `cascade` or `restrict`"
        ],
    );
    contact(
        "  account: {type: master_detail, reference: account, deleteBehavior: set_null}\n",
        expect![
            "contact.object.yml:3:70: fields.account.deleteBehavior: a record cannot lose its master, so `set_null` cannot be; use `cascade` or `restrict`"
        ],
    );
    contact(
        "  account: {type: lookup, reference: account, deleteBehavior: delete}\n",
        expect![
            "contact.object.yml:3:63: fields.account.deleteBehavior: unknown value `delete`; one of: set_null, cascade, restrict"
        ],
    );
    let base = "name: base\nabstract: true\nfields: {title: {type: text}}\n";
    let thing = "name: thing\nfields:\n  base: {type: lookup, reference: base}\n";
    check_files(
        &[("base.object.yml", base), ("thing.object.yml", thing)],
        expect!["thing.object.yml:3:35: fields.base.reference: `base` is abstract, so it has no records to point to"],
    );
}

#[test]
fn masters() {
    check(
        "name: thing\nfields:\n  parent: {type: master_detail, reference: thing}\n",
        expect![
            "thing.object.yml:3:44: fields.parent.reference: records cannot be masters of each other: thing -> thing; make one of them a lookup"
        ],
    );
    let of = |name: &str, master: &str| {
        format!("name: {name}\nfields:\n  up: {{type: master_detail, reference: {master}}}\n")
    };
    let (aa, bb, cc) = (of("aa", "bb"), of("bb", "cc"), of("cc", "aa"));
    check_files(
        &[("aa.object.yml", &aa), ("bb.object.yml", &bb), ("cc.object.yml", &cc)],
        expect![
            "aa.object.yml:3:40: fields.up.reference: records cannot be masters of each other: aa -> bb -> cc -> aa; make one of them a lookup"
        ],
    );
    contact(
        "  one: {type: master_detail, reference: account}\n  two: {type: master_detail, reference: account}\n",
        expect![
            "contact.object.yml:4:15: fields.two.type: an object has one master, and `one` is it already; make this one a lookup"
        ],
    );
}

#[test]
fn summaries() {
    let summary = |operations: &str| {
        format!(
            "name: account\nfields:\n  name: {{type: text}}\n  total: {{type: summary, summaryOperations: {operations}}}\n"
        )
    };
    let child = "name: line\nfields:\n  account: {type: lookup, reference: account}\n  amount: {type: number}\n  note: {type: text}\n";
    let stranger = "name: stranger\nfields:\n  amount: {type: number}\n";
    let twin =
        "name: twin\nfields:\n  one: {type: lookup, reference: account}\n  two: {type: lookup, reference: account}\n";
    let check = |operations: &str, expected: Expect| {
        let account = summary(operations);
        let files = [
            ("account.object.yml", account.as_str()),
            ("line.object.yml", child),
            ("stranger.object.yml", stranger),
            ("twin.object.yml", twin),
        ];
        check_files(&files, expected);
    };
    check(
        "{object: lien, field: amount, function: sum}",
        expect![
            "account.object.yml:4:54: fields.total.summaryOperations.object: there is no object `lien`; did you mean `line`?"
        ],
    );
    check(
        "{object: line, field: amuont, function: sum}",
        expect![
            "account.object.yml:4:67: fields.total.summaryOperations.field: `line` has no field `amuont`; did you mean `amount`?"
        ],
    );
    check(
        "{object: line, field: note, function: sum}",
        expect![
            "account.object.yml:4:83: fields.total.summaryOperations.function: `note` of `line` is text, which has no sum; use count, min or max, or a number field"
        ],
    );
    check(
        "{object: line, field: amount, function: total_of}",
        expect![[r#"
        account.object.yml:4:3: fields.total: a summary field needs `summaryOperations`; name the child object, its field and the function
        account.object.yml:4:85: fields.total.summaryOperations.function: unknown value `total_of`; one of: count, sum, min, max, avg"#]],
    );
    check(
        "{object: stranger, field: amount, function: sum}",
        expect![
            "account.object.yml:4:54: fields.total.summaryOperations.object: `stranger` has no reference to `account`, so there is nothing to roll up; add a lookup or master_detail field there"
        ],
    );
    check(
        "{object: twin, field: id, function: count}",
        expect![
            "account.object.yml:4:54: fields.total.summaryOperations.object: `one` and `two` of `twin` all point to `account`; make one of them a master_detail"
        ],
    );
    check(
        "{object: line, field: amount}",
        expect![[r#"
        account.object.yml:4:3: fields.total: a summary field needs `summaryOperations`; name the child object, its field and the function
        account.object.yml:4:26: fields.total.summaryOperations: the key `function` is missing"#]],
    );
}

#[test]
fn a_broken_target_is_told_once() {
    let broken = ("account.object.yml", "name: account\nfields: 5\n");
    let contact = "name: contact\ntitleFormat: '{account.name}'\nfields:\n  account: {type: lookup, reference: account}\n  upper: {type: formula, expression: UPPER(account.name)}\n";
    check_files(
        &[broken, ("contact.object.yml", contact)],
        expect!["account.object.yml:2:9: fields: expected a map, found the number 5"],
    );
}

/// One statement reads one database and one transaction changes one: what would need both is told of before anybody runs into it.
#[test]
fn objects_in_several_databases() {
    let books = "name: account\ndatasource: books\nfields:\n  name: {type: text}\n  size: {type: summary, summaryOperations: {object: contact, field: id, function: count}}\n";
    let case = |fields: &str, expected: Expect| {
        let text = format!("name: contact\nfields:\n{fields}");
        let account = books.lines().take(4).collect::<Vec<_>>().join("\n");
        check_files(
            &[("account.object.yml", &account), ("contact.object.yml", &text)],
            expected,
        );
    };
    case(
        "  account: {type: lookup, reference: account}\n",
        expect![
            "contact.object.yml:3:38: fields.account.reference: `account` lies in another database (datasource `books`, and this object in `default`), so `set_null` cannot be done when one of its records is deleted; write `deleteBehavior: restrict`, or give both objects the same `datasource`"
        ],
    );
    case(
        "  account: {type: lookup, reference: account, deleteBehavior: cascade}\n",
        expect![
            "contact.object.yml:3:63: fields.account.deleteBehavior: `account` lies in another database (datasource `books`, and this object in `default`), so `cascade` cannot be done when one of its records is deleted; write `deleteBehavior: restrict`, or give both objects the same `datasource`"
        ],
    );
    case(
        "  account: {type: lookup, reference: account, deleteBehavior: restrict}\n  tag: {type: formula, expression: account.name}\n",
        expect![
            "contact.object.yml:4:36: fields.tag.expression: `account.name` leads to `account`, which lies in another database (datasource `books`); give both objects the same `datasource`, or keep the value in a field of this object"
        ],
    );
    let contact = "name: contact\nfields:\n  account: {type: lookup, reference: account, deleteBehavior: restrict}\n";
    check_files(
        &[("account.object.yml", books), ("contact.object.yml", contact)],
        expect![
            "account.object.yml:5:53: fields.size.summaryOperations.object: the records of `contact` lie in another database (datasource `default`) and cannot be rolled up here; give both objects the same `datasource`"
        ],
    );
}
