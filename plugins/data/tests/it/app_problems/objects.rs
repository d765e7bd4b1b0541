//! Objects as a whole.

use expect_test::expect;

use super::{check, check_files};

#[test]
fn keys_of_objects() {
    check(
        "name: thing\nfeilds: {}\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:1: feilds: unknown key `feilds`; did you mean `fields`?"],
    );
    check(
        "name: thing\nlabel: [a]\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:8: label: expected text, found a list"],
    );
    check(
        "name: thing\nlabel: true\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:8: label: expected text, found true; write it in quotes"],
    );
    check(
        "name: thing\nactive: yes\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:9: active: expected true or false, found the text `yes`"],
    );
    check(
        "name: thing\nfields: []\n",
        expect!["thing.object.yml:2:9: fields: expected a map, found a list"],
    );
    check(
        "name: thing\n",
        expect!["thing.object.yml:1:1: the key `fields` is missing"],
    );
    check(
        "name: thing\nfields: {}\n",
        expect!["thing.object.yml:2:1: fields: the object has no fields; declare at least one"],
    );
    check(
        "",
        expect!["thing.object.yml:1:1: the file has no object; write at least `name` and `fields`"],
    );
    check(
        "- name: thing\n",
        expect!["thing.object.yml:1:1: the file has no object; write at least `name` and `fields`"],
    );
    check(
        "name: thing\nkeyPrefix: TOOLONG\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:12: keyPrefix: expected at most 5 characters, found 7"],
    );
    check(
        "name: thing\nsharingModel: public\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:15: sharingModel: unknown value `public`; one of: private, read, read_write, full"],
    );
    check(
        "name: thing\ntenancy: {enabled: true, strategy: isolated, tenantField: firm}\nfields: {title: {type: text}}\n",
        expect![
            "thing.object.yml:2:36: tenancy.strategy: the strategy `isolated` is not supported: the records of all tenants lie in one table; write `strategy: shared`, or run a server with a database of its own for each tenant"
        ],
    );
    check(
        "name: thing\ndatasource: Old DB\nfields: {title: {type: text}}\n",
        expect![
            "thing.object.yml:2:13: datasource: `Old DB` is no name of a datasource; use lower case letters, digits and underscores"
        ],
    );
}

#[test]
fn names_of_objects() {
    check(
        "name: Thing\nfields: {title: {type: text}}\n",
        expect![
            "thing.object.yml:1:7: name: `Thing` is not a name of lower case letters, digits and underscores that begins with a letter or an underscore"
        ],
    );
    check(
        "name: sqlite_thing\nfields: {title: {type: text}}\n",
        expect![[r#"
        thing.object.yml:1:7: name: `sqlite_thing` is reserved for the platform; give it another beginning
        thing.object.yml:1:7: warning: name: the file is named after `thing`, the object is `sqlite_thing`; give both the same name"#]],
    );
    check(
        "name: sys_thing\nfields: {title: {type: text}}\n",
        expect![[r#"
        thing.object.yml:1:7: name: names that begin with `sys_` belong to plugins; leave the beginning out
        thing.object.yml:1:7: warning: name: the file is named after `thing`, the object is `sys_thing`; give both the same name"#]],
    );
    let long = "a".repeat(64);
    check(
        &format!("name: {long}\nfields: {{title: {{type: text}}}}\n"),
        expect![[r#"
        thing.object.yml:1:7: name: the name of the object is longer than 63 characters; shorten it
        thing.object.yml:1:7: warning: name: the file is named after `thing`, the object is `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`; give both the same name"#]],
    );
    check(
        "name: thing\ntableName: drop table x\nfields: {title: {type: text}}\n",
        expect![
            "thing.object.yml:2:12: tableName: `drop table x` is no name of a table; use lower case letters, digits and underscores, and begin with a letter"
        ],
    );
    check(
        "name: thing\nfields:\n  id: {type: text}\n  created_at: {type: datetime}\n",
        expect![[r#"
        thing.object.yml:3:3: fields.id: `id` is a field that every object has; remove it, or rename it
        thing.object.yml:4:3: fields.created_at: `created_at` is a field that every object has; remove it, or rename it"#]],
    );
    check(
        "name: thing\nfields:\n  Title: {type: text}\n",
        expect![
            "thing.object.yml:3:3: fields.Title: `Title` is not a name of lower case letters, digits and underscores that begins with a letter or an underscore"
        ],
    );
    check(
        "name: thing\nfields:\n  title: {type: text, name: other}\n",
        expect![
            "thing.object.yml:3:29: fields.title.name: the field is called `title` by its key and `other` here; remove `name`: the key is enough"
        ],
    );
}

#[test]
fn objects_among_each_other() {
    let one = "name: thing\nfields: {title: {type: text}}\n";
    check_files(
        &[("a.object.yml", one), ("b.object.yml", one)],
        expect![[r#"
        a.object.yml:1:7: warning: name: the file is named after `a`, the object is `thing`; give both the same name
        b.object.yml:1:7: name: the object `thing` is declared twice, first in a.object.yml; give one of them another name
        b.object.yml:1:7: warning: name: the file is named after `b`, the object is `thing`; give both the same name"#]],
    );
    let other = "name: other\ntableName: thing\nfields: {title: {type: text}}\n";
    check_files(
        &[("thing.object.yml", one), ("other.object.yml", other)],
        expect![
            "other.object.yml:2:12: tableName: the table `thing` is that of `thing` already; give it another `tableName`"
        ],
    );
}

#[test]
fn lists_of_fields() {
    check(
        "name: thing\ncompactLayout: [title, statsu]\nfields: {title: {type: text}, status: {type: text}}\n",
        expect!["thing.object.yml:2:24: compactLayout[1]: `thing` has no field `statsu`; did you mean `status`?"],
    );
    check(
        "name: thing\nsearch: {fields: [titel]}\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:19: search.fields[0]: `thing` has no field `titel`; did you mean `title`?"],
    );
    check(
        "name: thing\nfields: {title: {type: text}}\nindexes:\n  - {fields: [titel]}\n",
        expect!["thing.object.yml:4:15: indexes[0].fields[0]: `thing` has no field `titel`; did you mean `title`?"],
    );
    check(
        "name: thing\nfields: {title: {type: text}, data: {type: json}}\nindexes:\n  - {fields: [title, title]}\n  - {fields: [data]}\n  - {fields: []}\n",
        expect![[r#"
        thing.object.yml:4:22: indexes[0].fields[1]: the field `title` is there twice
        thing.object.yml:5:15: indexes[1].fields[0]: a json field cannot be in an index; with `type: gin` it finds what the field holds
        thing.object.yml:6:5: indexes[2]: the index has no fields"#]],
    );
    check(
        "name: thing\nfields: {title: {type: text}}\nindexes:\n  - {fields: [title], type: tree}\n",
        expect!["thing.object.yml:4:29: indexes[0].type: unknown value `tree`; did you mean `btree`?"],
    );
}

#[test]
fn conditions_of_indexes() {
    let conditions = [
        "titel = 'x'",
        "title",
        "due < TODAY()",
        "LEN(title) > 3",
        "double > 3",
        "up.title = 'x'",
        "tags IS NULL",
        "1 = 1",
        "title > ",
    ];
    let mut text = "name: thing\nfields: {title: {type: text}, due: {type: date}, tags: {type: tags}, count: {type: number}, up: {type: lookup, reference: thing}, double: {type: formula, expression: count * 2}}\nindexes:\n".to_owned();
    for condition in conditions {
        text.push_str(&format!("  - {{fields: [due], partial: \"{condition}\"}}\n"));
    }
    text.push_str("  - {fields: [title], type: fulltext, partial: \"due IS NULL\"}\n");
    check(
        &text,
        expect![[r#"
        thing.object.yml:4:31: indexes[0].partial: unknown field `titel`; did you mean `title`?
        thing.object.yml:5:31: indexes[1].partial: the result is text, expected boolean
        thing.object.yml:6:30: indexes[2].partial: `$today` is not the same at any time; compare stored fields of the object with constants
        thing.object.yml:7:30: indexes[3].partial: an index cannot be made over what is computed; compare stored fields of the object with constants
        thing.object.yml:8:30: indexes[4].partial: `double` is no value in the record's own row; compare stored fields of the object with constants
        thing.object.yml:9:30: indexes[5].partial: `up.title` is no value in the record's own row; compare stored fields of the object with constants
        thing.object.yml:10:30: indexes[6].partial: `tags` is no value in the record's own row; compare stored fields of the object with constants
        thing.object.yml:11:30: indexes[7].partial: it says the same of every record; compare stored fields of the object with constants
        thing.object.yml:12:39: indexes[8].partial: expected a value, found the end
        thing.object.yml:13:48: warning: indexes[9].partial: a text index is made over all records; remove `partial`"#]],
    );
}

#[test]
fn no_field_is_called_as_what_answers_have_beside_them() {
    check(
        "name: thing\nfields: {_title: {type: text}, _other: {type: text}}\n",
        expect![
            "thing.object.yml:2:10: fields._title: `_title` is what answers have beside the fields of a record; leave the `_` out"
        ],
    );
}

#[test]
fn titles() {
    check(
        "name: thing\ntitleFormat: '{titel}'\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:14: titleFormat: `thing` has no field `titel`; did you mean `title`?"],
    );
    check(
        "name: thing\ntitleFormat: '{title'\nfields: {title: {type: text}}\n",
        expect![
            "thing.object.yml:2:14: titleFormat: a `{` has no `}` after it; write field names in braces, as in `{name}`"
        ],
    );
    check(
        "name: thing\ntitleFormat: '{title.name}'\nfields: {title: {type: text}}\n",
        expect!["thing.object.yml:2:14: titleFormat: `title` is no reference, so `title.name` leads nowhere"],
    );
}

#[test]
fn one_look_tells_everything() {
    let text = "name: thing\nicno: box\nfields:\n  title: {type: txt, required: maybe}\n  status:\n    type: select\n    options:\n      - {label: New, value: N}\n      - {label: Old, vlaue: old, value: old}\n      - {value: third}\n  amount: {type: number, min: low}\ntitleFormat: '{title} {amont}'\n";
    check(
        text,
        expect![[r#"
        thing.object.yml:2:1: icno: unknown key `icno`; did you mean `icon`?
        thing.object.yml:4:17: fields.title.type: unknown value `txt`; did you mean `text`?
        thing.object.yml:4:32: fields.title.required: expected true or false, found the text `maybe`
        thing.object.yml:8:29: fields.status.options[0].value: `N` is not a value of two or more lower case letters, digits, underscores and dots that begins with a letter
        thing.object.yml:9:22: fields.status.options[1].vlaue: unknown key `vlaue`; did you mean `value`?
        thing.object.yml:10:9: fields.status.options[2]: the key `label` is missing
        thing.object.yml:11:31: fields.amount.min: expected a number, found the text `low`
        thing.object.yml:12:14: titleFormat: `thing` has no field `amont`; did you mean `amount`?"#]],
    );
}
