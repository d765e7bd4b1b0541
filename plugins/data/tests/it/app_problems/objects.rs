//! Objects as a whole.

use expect_test::{Expect, expect};

use super::{check, check_files};

#[test]
fn keys_of_objects() {
    check("name: thing\nfeilds: {}\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\nlabel: [a]\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\nlabel: true\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\nactive: yes\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\nfields: []\n", expect![""]);
    check("name: thing\n", expect![""]);
    check("name: thing\nfields: {}\n", expect![""]);
    check("", expect![""]);
    check("- name: thing\n", expect![""]);
    check("name: thing\nkeyPrefix: TOOLONG\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\nsharingModel: public\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\ndatasource: legacy\nfields: {title: {type: text}}\n", expect![""]);
}

#[test]
fn names_of_objects() {
    check("name: Thing\nfields: {title: {type: text}}\n", expect![""]);
    check("name: sqlite_thing\nfields: {title: {type: text}}\n", expect![""]);
    check("name: sys_thing\nfields: {title: {type: text}}\n", expect![""]);
    let long = "a".repeat(64);
    check(&format!("name: {long}\nfields: {{title: {{type: text}}}}\n"), expect![""]);
    check("name: thing\ntableName: drop table x\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\nfields:\n  id: {type: text}\n  created_at: {type: datetime}\n", expect![""]);
    check("name: thing\nfields:\n  Title: {type: text}\n", expect![""]);
    check("name: thing\nfields:\n  title: {type: text, name: other}\n", expect![""]);
}

#[test]
fn objects_among_each_other() {
    let one = "name: thing\nfields: {title: {type: text}}\n";
    check_files(&[("a.object.yml", one), ("b.object.yml", one)], expect![""]);
    let other = "name: other\ntableName: thing\nfields: {title: {type: text}}\n";
    check_files(&[("thing.object.yml", one), ("other.object.yml", other)], expect![""]);
}

#[test]
fn lists_of_fields() {
    check("name: thing\ncompactLayout: [title, statsu]\nfields: {title: {type: text}, status: {type: text}}\n", expect![""]);
    check("name: thing\nsearch: {fields: [titel]}\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\nfields: {title: {type: text}}\nindexes:\n  - {fields: [titel]}\n", expect![""]);
    check("name: thing\nfields: {title: {type: text}, data: {type: json}}\nindexes:\n  - {fields: [title, title]}\n  - {fields: [data]}\n  - {fields: []}\n", expect![""]);
    check("name: thing\nfields: {title: {type: text}}\nindexes:\n  - {fields: [title], unique: true, partial: \"title <> ''\"}\n", expect![""]);
    check("name: thing\nfields: {title: {type: text}}\nindexes:\n  - {fields: [title], type: tree}\n", expect![""]);
}

#[test]
fn titles() {
    check("name: thing\ntitleFormat: '{titel}'\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\ntitleFormat: '{title'\nfields: {title: {type: text}}\n", expect![""]);
    check("name: thing\ntitleFormat: '{title.name}'\nfields: {title: {type: text}}\n", expect![""]);
}

#[test]
fn one_look_tells_everything() {
    let text = "name: thing\nicno: box\nfields:\n  title: {type: txt, required: maybe}\n  status:\n    type: select\n    options:\n      - {label: New, value: N}\n      - {label: Old, vlaue: old, value: old}\n      - {value: third}\n  amount: {type: number, min: low}\ntitleFormat: '{title} {amont}'\n";
    check(text, expect![""]);
}
