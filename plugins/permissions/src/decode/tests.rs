//! Files in both spellings, and what is said about wrong ones.

use serde_json::{Value, json};

use super::{Declared, add, check_links, read};
use crate::catalogue::Catalogue;
use crate::document::Document;
use crate::model::{Level, Logged, Model, Openness, Recipient};

fn catalogue() -> Catalogue {
    let objects: [Value; 3] = [
        json!({"name": "account", "fields": {"name": {"type": "text"}, "industry": {"type": "select"}, "revenue": {"type": "currency"}}}),
        json!({"name": "contact", "fields": {"account": {"type": "master_detail", "reference": "account"}}}),
        json!({"name": "task", "fields": {"subject": {"type": "text"}}}),
    ];
    Catalogue::new(&objects)
}

fn declared(kind: &str, text: &str) -> (Declared, Vec<String>) {
    let document = Document::parse("a.yml", text).expect("YAML");
    let mut problems = Vec::new();
    let declared = read(kind, "stem", &document, &catalogue(), &mut problems);
    (declared, problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_set_is_read_in_the_protocols_form() {
    let text = "name: sales\nlabel: Sales\nisProfile: true\nobjects:\n  account: {allowRead: true, allowEdit: true}\n  \"*\": {viewAllRecords: true}\nfields:\n  account.revenue: {readable: false}\nsystemPermissions: [view_audit]\nrowLevelSecurity:\n  - {name: mine, object: account, operation: select, using: \"owner_id = current_user.id\"}\n";
    let (declared, problems) = declared("permission", text);
    assert_eq!(problems, Vec::<String>::new());
    let set = &declared.sets[0];
    assert!(set.profile && set.objects["account"].edit && !set.objects["account"].delete);
    assert!(set.objects["*"].view_all);
    assert!(!set.field("account", "revenue").expect("a grant").readable);
    assert_eq!(set.objects["account"].source.to_string(), "a.yml:5");
    assert_eq!(set.policies[0].source.to_string(), "a.yml:11");
    assert!(set.system.contains_key("view_audit"));
    assert!(set.object("sys_user").is_none() && set.object("task").is_some());
}

#[test]
fn the_older_form_makes_a_set_of_each_profile() {
    let text = "name: account_permissions\nobjectName: account\nprofiles:\n  sales:\n    allowRead: true\n    allowEdit: true\n    viewFilters:\n      owner: \"{{ userId }}\"\n  admin: {allowRead: true, allowDelete: true}\nfieldPermissions:\n  revenue:\n    visibleTo: [admin, finance]\n    editableBy: [finance]\n";
    let (declared, problems) = declared("permission", text);
    assert_eq!(problems, Vec::<String>::new());
    let set = |name: &str| declared.sets.iter().find(|set| set.name == name).expect(name);
    assert!(set("sales").objects["account"].rows.is_some() && set("admin").objects["account"].rows.is_none());
    let field = |name: &str| {
        let grant = set(name).field("account", "revenue").expect("a grant");
        (grant.readable, grant.editable)
    };
    assert_eq!(
        (field("sales"), field("admin"), field("finance")),
        ((false, false), (true, false), (true, true))
    );
    let mut model = Model::default();
    add(&mut model, declared);
    assert_eq!(model.sets.len(), 3);
}

#[test]
fn sharing_is_read_in_every_shape() {
    let text = "orgDefaults:\n  account: private\n  contact: {model: controlled_by_parent}\n  task: public_read_only\nrules:\n  - name: energy\n    object: account\n    type: criteria_based\n    condition: industry = 'energy'\n    accessLevel: read_write\n    sharedWith: {type: role_and_subordinates, value: boss}\n  - {name: west, object: account, type: owner, ownedBy: {type: group, value: west}, sharedWith: {type: user, value: u1}}\n  - {name: off, object: account, active: false, condition: \"true\", sharedWith: {type: guest}}\n";
    let (declared, problems) = declared("sharing", text);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        declared
            .defaults
            .iter()
            .map(|(object, default)| (object.as_str(), default.openness))
            .collect::<Vec<_>>(),
        [
            ("account", Openness::Private),
            ("contact", Openness::ControlledByParent),
            ("task", Openness::PublicRead),
        ]
    );
    assert_eq!(declared.rules.len(), 2);
    assert_eq!(
        (declared.rules[0].level, &declared.rules[0].recipient),
        (Level::Edit, &Recipient::RoleAndSubordinates("boss".to_owned()))
    );
}

#[test]
fn what_is_wrong_is_named_with_place_and_remedy() {
    let table: [(&str, &str, &str); 12] = [
        (
            "permission",
            "objects:\n  acount: {allowRead: true}\n",
            "a.yml:2:3: objects.acount: there is no object `acount`; did you mean `account`?",
        ),
        (
            "permission",
            "objects:\n  account: {allowRaed: true}\n",
            "a.yml:2:13: objects.account.allowRaed: unknown key `allowRaed`; did you mean `allowRead`?",
        ),
        (
            "permission",
            "objects:\n  account: {allowRead: ja}\n",
            "a.yml:2:13: objects.account.allowRead: expected true or false, found text",
        ),
        (
            "permission",
            "name: Sales User\nobjects: {}\n",
            "a.yml:1:1: name: `Sales User` is no name; use lower case letters, digits and underscores, a letter first",
        ),
        (
            "permission",
            "fields:\n  account.revenu: {readable: true}\n",
            "a.yml:2:3: fields.account.revenu: `account` has no field `revenu`; did you mean `revenue`?",
        ),
        (
            "permission",
            "rowLevelSecurity:\n  - {name: x, object: account, operation: select, using: \"indutsry = 'x'\"}\n",
            "a.yml:2:51: rowLevelSecurity[0].using: line 1, column 1: unknown field `indutsry`; did you mean `industry`?",
        ),
        (
            "permission",
            "contextVariables: {a: \"{{ a }}\"}\n",
            "a.yml:1:20: contextVariables.a: the variables lead from `a` back to itself, or too far",
        ),
        (
            "sharing",
            "orgDefaults: {account: privat}\n",
            "a.yml:1:15: orgDefaults.account: unknown value `privat`; did you mean `private`?",
        ),
        (
            "sharing",
            "orgDefaults: {task: controlled_by_parent}\n",
            "a.yml:1: task: `task` has no master-detail field, so no parent controls it; make the reference to the parent a field of type master_detail, or choose another model",
        ),
        (
            "sharing",
            "{name: x, object: account, sharedWith: {type: guest}}\n",
            "a.yml:1:1: `condition` is missing",
        ),
        (
            "policy",
            "{name: x, object: account, operation: select}\n",
            "a.yml:1:1: neither `using` nor `check` says which rows are meant; add `using`, such as `owner_id = current_user.id`",
        ),
        (
            "role",
            "{name: x, parnet: y}\n",
            "a.yml:1:11: parnet: unknown key `parnet`; did you mean `parent`?",
        ),
    ];
    for (kind, text, expected) in table {
        let (_, problems) = declared(kind, text);
        assert_eq!(problems, [expected], "{text}");
    }
}

#[test]
fn a_set_with_a_fault_is_not_taken_at_all() {
    let (declared, problems) = declared(
        "permission",
        "name: a\nobjects:\n  account: {allowRead: true}\nrowLevelSecurity:\n  - {name: x, object: account, operation: select, using: \"LOWER(name) = 'x'\"}\n",
    );
    assert!(declared.sets.is_empty() && problems.len() == 1, "{problems:?}");
}

#[test]
fn roles_without_a_parent_and_circles_are_found() {
    let (roles, problems) = declared(
        "role",
        "- {name: a, parent: b}\n- {name: b, parent: a}\n- {name: c, parent: bb}\n",
    );
    assert_eq!(problems, Vec::<String>::new());
    let mut model = Model::default();
    add(&mut model, roles);
    let mut problems = Vec::new();
    check_links(&model, &mut problems);
    let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "a.yml:1: parent: the role `a` stands above itself; break the circle",
            "a.yml:2: parent: the role `b` stands above itself; break the circle",
            "a.yml:3: parent: there is no role `bb` above `c`; did you mean `b`?",
        ]
    );
}

#[test]
fn policies_about_passwords_are_left_alone() {
    let (declared, problems) = declared("policy", "name: default\npassword: {minLength: 12}\n");
    assert!(problems.is_empty() && declared.policies.is_empty() && declared.row_security.is_none());
}

#[test]
fn what_has_no_effect_is_told_and_not_refused() {
    for (kind, text, expected) in [
        (
            "policy",
            "defaultPolicy: deny\ncacheResults: false\ncacheTtlSeconds: 60\nprefetchUserContext: true\n",
            &[
                ": cacheResults: this has no effect: a plan is kept",
                ": cacheTtlSeconds: this has no effect: a plan is kept",
            ][..],
        ),
        (
            "policy",
            "logEvaluations: false\naudit: {enabled: false, logLevel: all, destination: external, sampleRate: 0.5}\n",
            &[
                ": audit.sampleRate: this has no effect: every plan",
                ": audit.destination: this has no effect: evaluations are written to the log alone",
            ][..],
        ),
        (
            "sharing",
            "orgDefaults:\n  account: {internal: private, external: public_read}\n",
            &[": orgDefaults.account.external: this has no effect: nobody is external"][..],
        ),
        ("policy", "defaultPolicy: deny\ncacheResults: true\n", &[][..]),
    ] {
        let (declared, problems) = declared(kind, text);
        assert_eq!(problems, Vec::<String>::new(), "{text}");
        let notices: Vec<String> = declared.notices.iter().map(ToString::to_string).collect();
        assert_eq!(notices.len(), expected.len(), "{notices:#?}");
        for (notice, expected) in notices.iter().zip(expected) {
            assert!(notice.contains(expected), "{notice}");
        }
    }
    let (_, problems) = declared(
        "sharing",
        "orgDefaults:\n  account: {internal: private, external: publik}\n",
    );
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn what_a_file_counts_on_and_is_not_done_keeps_it_from_loading() {
    for (audit, expected) in [
        (
            "alertOnDenied: true",
            "audit.alertOnDenied: this is not done: refusals are events",
        ),
        ("includeRowData: true", "audit.includeRowData: this is not done"),
        ("sampleRate: 0.5", "audit.sampleRate: this is not done"),
        ("retentionDays: 30", "audit.retentionDays: this is not done"),
        (
            "destination: external",
            "audit.destination: this is not done: evaluations are written to the log",
        ),
    ] {
        let (_, problems) = declared(
            "policy",
            &format!("defaultPolicy: deny\naudit: {{enabled: true, {audit}}}\n"),
        );
        assert_eq!(problems.len(), 1, "{audit}: {problems:?}");
        assert!(problems[0].contains(expected), "{}", problems[0]);
    }
    let quiet =
        "defaultPolicy: deny\naudit: {enabled: true, alertOnDenied: false, sampleRate: 1, destination: system_log}\n";
    assert_eq!(declared("policy", quiet).1, Vec::<String>::new());
}

#[test]
fn what_is_logged_is_said_in_two_ways() {
    for (text, expected) in [
        ("logEvaluations: true\n", Logged::Everything),
        ("logEvaluations: false\n", Logged::Nothing),
        (
            "defaultPolicy: deny\naudit: {enabled: true, logLevel: denied_only, destination: system_log}\n",
            Logged::Denied,
        ),
        (
            "defaultPolicy: deny\naudit: {enabled: false, logLevel: all, destination: system_log}\n",
            Logged::Nothing,
        ),
    ] {
        let (declared, problems) = declared("policy", text);
        assert_eq!(problems, Vec::<String>::new(), "{text}");
        assert_eq!(declared.row_security.expect(text).logged, expected, "{text}");
    }
}

/// Kind and text of a file; the rule and the field that are named, and the reason.
const BEYOND_SQL: [(&str, &str, &str, &str, &str); 5] = [
    (
        "policy",
        "name: mine\nobject: account\noperation: select\nusing: loud = 'A'\n",
        "using: row policy `mine`: ",
        "the field `loud` ",
        UPPER,
    ),
    (
        "policy",
        "name: mine\nobject: account\noperation: all\nusing: size > 1\ncheck: louder IS NULL\n",
        "check: row policy `mine`: ",
        "the field `louder` ",
        NESTED,
    ),
    (
        "sharing",
        "name: big\nobject: contact\ncondition: account.loud IN ('A', 'B')\nsharedWith: {type: role, value: x}\n",
        "condition: sharing rule `big`: ",
        "the field `loud` at the end of `account.loud` ",
        UPPER,
    ),
    (
        "permission",
        "name: s\nrowLevelSecurity:\n  - {name: own, object: account, operation: select, using: \"size > 1 OR loud LIKE 'A%'\"}\n",
        "rowLevelSecurity[0].using: row policy `own`: ",
        "the field `loud` ",
        UPPER,
    ),
    (
        "permission",
        "name: s\nobjectName: account\nprofiles:\n  sales:\n    allowRead: true\n    viewFilters: {loud: A}\n",
        "viewFilters: ",
        "the field `loud` ",
        UPPER,
    ),
];
const UPPER: &str = "is a formula that no database computes: UPPER is not the same in every database";
const NESTED: &str =
    "is a formula that no database computes: it reads `loud`, and UPPER is not the same in every database";

fn with_formulas() -> Catalogue {
    let account = json!({"name": "account", "fields": {
        "name": {"type": "text"}, "size": {"type": "number"},
        "loud": {"type": "formula", "expression": "UPPER(name)"},
        "louder": {"type": "formula", "expression": "loud & '!'"},
        "root": {"type": "formula", "expression": "SQRT(size)"},
    }});
    let contact = json!({"name": "contact", "fields": {"account": {"type": "lookup", "reference": "account"}}});
    Catalogue::new([&account, &contact])
}

/// A formula that no database computes would fail the query of whoever looks at the records.
#[test]
fn rules_over_what_no_database_computes_are_refused_by_name() {
    let catalogue = with_formulas();
    let problems_of = |kind: &str, text: &str| {
        let document = Document::parse("a.yml", text).expect("YAML");
        let mut problems = Vec::new();
        read(kind, "stem", &document, &catalogue, &mut problems);
        problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for (kind, text, rule, field, reason) in BEYOND_SQL {
        let problems = problems_of(kind, text);
        assert_eq!(problems.len(), 1, "{text}{problems:#?}");
        let problem = &problems[0];
        assert!(problem.starts_with("a.yml:"), "{problem}");
        assert!(problem.contains(&format!("{rule}{field}{reason}; ")), "{problem}");
        assert!(
            problem.contains("is made of, or let a hook or a flow keep its value"),
            "{problem}"
        );
    }
    for using in ["root > 2", "size > 1", "name = 'A'"] {
        let text = format!("name: mine\nobject: account\noperation: select\nusing: {using}\n");
        assert_eq!(problems_of("policy", &text), Vec::<String>::new(), "{using}");
    }
}

#[test]
fn a_rule_that_is_saved_is_held_to_the_same() {
    let record = json!({
        "id": "p1", "name": "mine", "object": "account", "operation": "select", "using_expression": "loud = 'A'",
    });
    let record = record.as_object().expect("a map");
    let definition = crate::load::definition("sys_row_policy", record);
    let mut problems = Vec::new();
    crate::load::check_record("sys_row_policy", record, &definition, &with_formulas(), &mut problems);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = problems[0].to_string();
    assert!(problem.contains("sys_row_policy/p1"), "{problem}");
    assert!(
        problem.contains(&format!("row policy `mine`: the field `loud` {UPPER}; ")),
        "{problem}"
    );
}
