//! Cases of the validator.

use super::{drivers, host_on, run};

const FILES: [(&str, &str); 8] = [
    (
        "needed.object.yml",
        "name: needed\nfields:\n  name: { type: text, required: true }\n  tags: { type: tags, required: true }\n",
    ),
    (
        "formed.object.yml",
        "
name: formed
fields:
  mail: { type: email }
  site: { type: url }
  load: { type: url, validation: { format: url, protocols: [ftp] } }
  code: { type: text, validation: { pattern: '^[A-Z]{3}$' } }
  short: { type: text, minLength: 2, maxLength: 4 }
  part: { type: number, min: 0, max: 1 }
  kind: { type: select, options: [{ label: A, value: aa }, { label: B, value: bb }] }
",
    ),
    (
        "term.object.yml",
        "
name: term
fields: { begin: { type: date }, end: { type: date }, amount: { type: number } }
validation:
  rules:
    - { name: order, type: cross_field, message: wrong, rule: { field: end, operator: '>=', compare_to: begin } }
    - { name: limit, type: cross_field, message: wrong, rule: { field: amount, operator: '<', value: 1000 } }
",
    ),
    (
        "order.object.yml",
        "
name: order
fields: { name: { type: text }, status: { type: select, options: [draft, sent, done] } }
validations:
  - { name: states, type: state_machine, field: status, message: no way, transitions: { draft: [sent], sent: [done, draft], done: [] } }
",
    ),
    (
        "gated.object.yml",
        "
name: gated
fields: { a: { type: number }, b: { type: number } }
validation:
  rules:
    - { name: only_create, type: script, message: m, trigger: [create], condition: a > 5 }
    - { name: only_update, type: script, message: m, trigger: [update], condition: b > 5 }
    - { name: only_changed, type: script, message: m, fields: [b], condition: a = 3 }
",
    ),
    (
        "graded.object.yml",
        "
name: graded
fields: { a: { type: number } }
validations:
  - { name: bad, type: script, message: bad, condition: a > 30 }
  - { name: odd, type: script, severity: warning, message: odd, condition: a > 20 }
  - { name: fyi, type: script, severity: info, message: fyi, condition: a > 10 }
",
    ),
    (
        "only.object.yml",
        "
name: only
fields: { a: { type: text, unique: true }, b: { type: text }, c: { type: text } }
validations:
  - { name: both, type: unique, message: taken, fields: [b, c] }
",
    ),
    (
        "business.object.yml",
        "
name: business
fields: { kind: { type: text }, amount: { type: number }, approver: { type: text }, note: { type: text } }
validation:
  rules:
    - { name: big, type: business_rule, message: m, constraint: { all_of: [{ field: kind, operator: =, value: order }, { field: amount, operator: '>', value: 100 }], then_require: [approver] } }
    - { name: odd, type: business_rule, message: m, constraint: { any_of: [{ field: kind, operator: =, value: gift }, { field: amount, operator: '>', value: 5000 }], then_require: [{ field: note, operator: '!=', value: null }] } }
",
    ),
];

const TABLE: &str = r#"
# required: missing, null, empty
POST needed {} => 400 name: required, tags: required
POST needed {"name": null, "tags": []} => 400 name: required, tags: required
POST needed {"name": "", "tags": ["a"]} => 400 name: required
POST needed {"name": "x", "tags": ["a"]} => 201 {"record": {"name": "x", "tags": ["a"]}}

# e-mail, URL, pattern, length, range, options: good and bad; empty optional values are left alone
POST formed {"mail": "a@b.co", "site": "https://x.de", "load": "ftp://x.de", "code": "ABC", "short": "xx", "part": 1, "kind": "aa"} => 201
POST formed {"mail": "a@b"} => 400 mail: invalid_email
POST formed {"site": "ftp://x.de", "load": "https://x.de"} => 400 load: invalid_url, site: invalid_url
POST formed {"code": "abc"} => 400 code: invalid_format
POST formed {"short": "x"} => 400 short: min_length
POST formed {"short": "xxxxx"} => 400 short: max_length
POST formed {"part": -0.1} => 400 part: min_value
POST formed {"part": 1.1} => 400 part: max_value
POST formed {"kind": "cc"} => 400 kind: invalid_option
POST formed {"mail": "", "site": "", "code": "", "short": "", "part": null, "kind": ""} => 201
# a broken pattern is told when it is written, not when it is met
PUT /meta/object/broken {"fields": {"a": {"type": "text", "regex": "["}}} => 400 validation_error

# cross-field: with another field, with a fixed value
POST term {"begin": "2026-02-02", "end": "2026-02-01"} => 400 begin: rule_violation, end: rule_violation
POST term {"begin": "2026-02-02", "end": "2026-02-02", "amount": 999} => 201
POST term {"amount": 1000} => 400 amount: rule_violation

# state machine: allowed, refused, unchanged
POST order {"id": "o1", "status": "draft"} => 201
PATCH order/o1 {"status": "done"} => 400 status: invalid_transition
PATCH order/o1 {"status": "draft", "name": "x"} => 200
PATCH order/o1 {"status": "sent"} => 200
PATCH order/o1 {"status": "done"} => 200
PATCH order/o1 {"status": "sent"} => 400 status: invalid_transition

# by trigger, and by changed field
POST gated {"a": 6} => 400 : rule_violation
POST gated {"id": "g1", "a": 2, "b": 9} => 201
PATCH gated/g1 {"a": 6} => 400 : rule_violation
PATCH gated/g1 {"a": 3, "b": 1} => 400 : rule_violation
PATCH gated/g1 {"a": 4, "b": 1} => 200
PATCH gated/g1 {"a": 3} => 200

# severities: an error refuses, the others tell
POST graded {"a": 31} => 400 : rule_violation
POST graded {"a": 25} => 201 {"warnings": [{"rule": "odd", "severity": "warning"}, {"rule": "fyi", "severity": "info"}]}
POST graded {"a": 1} => 201 {"warnings": null}

# unique: single, composite, without itself, without null
POST only {"id": "u1", "a": "x", "b": "1", "c": "1"} => 201
POST only {"a": "x"} => 400 a: duplicate_value
POST only {"b": "1", "c": "1"} => 400 b: duplicate_value, c: duplicate_value
POST only {"b": "1", "c": "2"} => 201
PATCH only/u1 {"a": "x", "b": "1"} => 200
PATCH only/u1 {"c": "2"} => 400 b: duplicate_value, c: duplicate_value
POST only {"b": "1"} => 201
POST only {"b": "1"} => 201

# business rules: all_of, any_of, then_require
POST business {"kind": "order", "amount": 101} => 400 approver: rule_violation
POST business {"kind": "order", "amount": 101, "approver": "ann"} => 201
POST business {"kind": "order", "amount": 100} => 201
POST business {"kind": "gift"} => 400 note: rule_violation
POST business {"kind": "gift", "note": "x"} => 201
POST business {"amount": 5001} => 400 note: rule_violation
"#;

#[test]
fn every_case_of_the_validator() {
    for driver in drivers() {
        run(&host_on(driver, "validator", &FILES), TABLE);
    }
}
