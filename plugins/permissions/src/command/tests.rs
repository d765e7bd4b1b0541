//! The command over folders that are made for the purpose, and over the examples.

use std::fs;

use super::test;

const OBJECT: &str = "name: account\nfields:\n  region: {type: text}\n  revenue: {type: currency}\n";
const SET: &str = "name: sales\nobjects:\n  account: {allowRead: true, allowEdit: true}\nfields:\n  account.revenue: {readable: false}\n";
const RULE: &str =
    "{name: north, object: account, condition: \"region = 'north'\", sharedWith: {type: role, value: rep}}\n";

async fn run(tests: &str) -> (u8, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    fs::create_dir(&app).unwrap();
    for (name, text) in [
        ("account.object.yml", OBJECT),
        ("sales.permission.yml", SET),
        ("north.sharing.yml", RULE),
        ("access.policy-test.yml", tests),
    ] {
        fs::write(app.join(name), text).unwrap();
    }
    let answer = test(&[app.display().to_string()]).await;
    (answer.exit_code, answer.output, answer.error)
}

const WORLD: &str = "users:\n  ann: {roles: [rep], sets: [sales]}\n  bob: {sets: [sales]}\nrecords:\n  account:\n    - {id: a1, owner_id: bob, region: south}\n    - {id: a2, owner_id: bob, region: north}\n    - {id: a3, owner_id: ann, region: east}\nshares:\n  - {object: account, record: a3, with: {type: user, value: bob}, level: edit}\n";

#[tokio::test]
async fn what_is_as_the_file_says_is_counted() {
    let tests = "tests:\n  - {user: ann, object: account, sees: [a2, a3], allow: [read, edit], deny: [create, delete], hidden: [revenue], readable: [region]}\n  - {user: ann, object: account, record: a2, allow: read, deny: edit}\n  - {user: bob, object: account, record: a3, allow: [read, edit]}\n";
    let (exit_code, output, error) = run(&format!("{WORLD}{tests}")).await;
    assert_eq!((exit_code, error.as_str()), (0, ""), "{output}");
    assert!(output.ends_with("11 decided, 0 surprising\n"), "{output}");
}

#[tokio::test]
async fn a_surprise_names_its_line_and_the_rule_behind_it() {
    let tests = "tests:\n  - {user: ann, object: account, sees: [a3]}\n  - {user: bob, object: account, deny: [read]}\n  - {user: bob, object: account, readable: [revenue]}\n";
    let (exit_code, _, error) = run(&format!("{WORLD}{tests}")).await;
    assert_eq!(exit_code, 1);
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 3, "{error}");
    assert!(
        lines[0].starts_with("app/access.policy-test.yml:12:") && lines[0].contains("ann sees account/a2"),
        "{error}"
    );
    assert!(
        lines[0].contains("sharing_rule `north` at app/north.sharing.yml:1"),
        "{error}"
    );
    assert!(
        lines[1].contains("bob may read account")
            && lines[1].contains("permission_set `sales` at app/sales.permission.yml:3"),
        "{error}"
    );
    assert!(
        lines[2].contains("bob may not read account.revenue") && lines[2].contains("sales.permission.yml:5"),
        "{error}"
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_its_place() {
    let tests = "tests:\n  - {user: anna, object: acount, allow: [raed]}\n  - {user: ann, object: acount}\n";
    let (exit_code, _, error) = run(&format!("{WORLD}{tests}")).await;
    assert_eq!(exit_code, 1);
    assert!(
        error.contains("there is no user `anna` in this file; did you mean `ann`?"),
        "{error}"
    );
    assert!(
        error.contains("there is no object `acount`; did you mean `account`?"),
        "{error}"
    );
    assert_eq!(test(&[]).await.exit_code, 2);
    assert_eq!(test(&["/nowhere".to_owned()]).await.exit_code, 1);
}

/// What the server goes by, a test goes by: settings, the day, what is written, roles as they are assigned, masks.
#[tokio::test]
async fn a_test_decides_what_the_server_decides() {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    fs::create_dir(&app).unwrap();
    let object = "name: account\nfields:\n  region: {type: text}\n  day: {type: date}\n  iban: {type: text, maskingRule: {field: iban, strategy: redact, exemptRoles: [rep]}}\n";
    let set = "name: sales\nobjects:\n  account: {allowRead: true, allowEdit: true}\nrowLevelSecurity:\n  - {name: north, object: account, operation: update, using: \"region = 'north'\", check: \"region = 'north'\"}\n  - {name: today, object: account, operation: select, using: \"day = TODAY()\"}\n";
    let tests = |now: &str| {
        format!(
            "settings: {{roleSets: {{rep: [sales]}}, guestSets: [sales], defaultAccess: public_read_write}}\n{now}users:\n  ann: {{roles: [rep]}}\n  bob: {{roles: [super_admin]}}\n  cat: {{platformRole: super_admin}}\n  eve: {{guest: true}}\nrecords:\n  account:\n    - {{id: a1, owner_id: cat, region: north, day: '2026-01-31'}}\n    - {{id: a2, owner_id: cat, region: north, day: '2026-02-01'}}\ntests:\n  - {{user: ann, object: account, sees: [a1], unmasked: [iban]}}\n  - {{user: ann, object: account, record: a1, change: {{region: north}}, allow: edit}}\n  - {{user: ann, object: account, record: a1, change: {{region: south}}, deny: edit}}\n  - {{user: bob, object: account, deny: [read]}}\n  - {{user: cat, object: account, sees: [a1, a2], masked: [iban]}}\n  - {{user: eve, object: account, allow: [read], masked: [iban], now: 2026-02-01}}\n"
        )
    };
    for (now, expected) in [("now: 2026-01-31T12:00:00Z\n", 0), ("", 1), ("now: soon\n", 1)] {
        for (name, text) in [
            ("account.object.yml", object),
            ("sales.permission.yml", set),
            ("access.policy-test.yml", tests(now).as_str()),
        ] {
            fs::write(app.join(name), text).unwrap();
        }
        let answer = test(&[app.display().to_string()]).await;
        assert_eq!(answer.exit_code, expected, "{now}: {}{}", answer.output, answer.error);
        let told = match now {
            "" => "depends on the moment",
            "now: soon\n" => "`soon` is no moment",
            _ => "",
        };
        assert!(answer.error.contains(told), "{now}: {}", answer.error);
    }
}

fn examples() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn example(name: &str) -> String {
    examples().join(name).display().to_string()
}

#[tokio::test]
async fn the_examples_are_as_their_tests_say() {
    for (name, file) in [("crm", "access"), ("todo", "task")] {
        let answer = test(&[example(name)]).await;
        assert_eq!((answer.exit_code, answer.error.as_str()), (0, ""), "{}", answer.output);
        let file = format!("{name}/permissions/{file}.policy-test.yml");
        assert!(answer.output.contains(&file), "{}", answer.output);
    }
}

#[test]
fn every_shipped_file_is_read_without_a_problem_and_is_of_the_protocol() {
    use objectos_plugin_api::protocol::{identity::Role, security::PermissionSet, security::SharingRule};
    let mut problems = Vec::new();
    let read = super::read(&[example("crm")], &mut problems);
    let _ = super::model(&read, &mut problems);
    let older = super::read(&[example("todo")], &mut problems);
    let (todo, notices) = super::model(&older, &mut problems);
    assert!(notices.is_empty(), "{}", crate::problem::lines(&notices));
    assert!(problems.is_empty(), "{}", crate::problem::lines(&problems));
    assert!(todo.sets.contains_key("user") && todo.sets.contains_key("manager"));
    for file in &read {
        let value = file.document.value.clone();
        let about = file.document.source.to_string();
        match file.kind.as_str() {
            "permission" => drop(serde_json::from_value::<PermissionSet>(value).expect(&about)),
            "role" => drop(serde_json::from_value::<Vec<Role>>(value["roles"].clone()).expect(&about)),
            "sharing" => drop(serde_json::from_value::<Vec<SharingRule>>(value["rules"].clone()).expect(&about)),
            _ => {}
        }
    }
}

/// By roles of the session, and by what people hold otherwise.
fn golden_subjects(model: &crate::model::Model) -> Vec<(String, crate::subject::Subject)> {
    use objectos_plugin_api::{Principal, PrincipalKind};

    use crate::config::Settings;
    use crate::model::Recipient;
    use crate::subject::{Assignment, Memberships, Subject};

    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let session = |roles: &[&str], tenant: Option<&str>| Principal {
        id: "me".to_owned(),
        roles: names(roles),
        tenant: tenant.map(str::to_owned),
        ..Principal::default()
    };
    let given = |assignee: Recipient, organization: Option<&str>| Assignment {
        id: "x1".to_owned(),
        set: "read_only".to_owned(),
        assignee,
        organization: organization.map(str::to_owned),
    };
    let settings = Settings {
        guest_sets: names(&["read_only"]),
        ..Settings::default()
    };
    let mut subjects = Vec::new();
    let mut add = |title: &str, principal: &Principal, memberships: &Memberships| {
        let subject = Subject::new(principal, memberships, model, &settings);
        subjects.push((title.to_owned(), subject));
    };
    for role in [
        "super_admin",
        "sales_manager",
        "sales_user",
        "support_agent",
        "read_only",
        "nobody",
    ] {
        add(role, &session(&[role], None), &Memberships::default());
    }
    let assigned = Memberships {
        roles: names(&["sales_user"]),
        ..Memberships::default()
    };
    add("sales_user, assigned", &session(&["user"], None), &assigned);
    let in_group = Memberships {
        groups: names(&["field"]),
        assignments: vec![given(Recipient::Group("field".to_owned()), None)],
        ..Memberships::default()
    };
    add(
        "member of a group with the set read_only",
        &session(&["user"], None),
        &in_group,
    );
    let here = Memberships {
        assignments: vec![given(Recipient::User("me".to_owned()), Some("t1"))],
        ..Memberships::default()
    };
    add(
        "with the set read_only in their organisation",
        &session(&["user"], Some("t1")),
        &here,
    );
    add(
        "with the set read_only in another organisation",
        &session(&["user"], Some("t2")),
        &here,
    );
    let guest = Principal {
        kind: PrincipalKind::Anonymous,
        ..Principal::default()
    };
    add("guest", &guest, &Memberships::default());
    subjects
}

/// Role × object × operation × field of the example, as one file that a review can read.
#[test]
fn the_examples_plans_are_the_golden_ones() {
    use std::fmt::Write;

    use crate::explain::operation;
    use crate::plan::{Planner, StepKind};
    use crate::rows::Rows;

    let mut problems = Vec::new();
    let (model, _) = super::model(&super::read(&[example("crm")], &mut problems), &mut problems);
    let mut objects: Vec<&str> = model
        .catalogue
        .names()
        .filter(|name| !name.starts_with("sys_"))
        .collect();
    objects.sort_unstable();
    let mut text = String::new();
    for (title, subject) in golden_subjects(&model) {
        let _ = writeln!(text, "# {title}");
        for object in &objects {
            let masked = model.catalogue.object(object).unwrap().masked_from(&subject.roles);
            for action in ["read", "create", "edit", "delete", "transfer", "restore", "purge"] {
                let compiled = Planner::new(&model, &subject, 0).plan(object, operation(action).unwrap());
                let plan = &compiled.plan;
                if !plan.allowed {
                    let _ = writeln!(text, "{object} {action}: no");
                    continue;
                }
                let steps = compiled.steps.iter().filter(|step| step.rows != Rows::None);
                let mut said: Vec<String> = steps
                    .filter(|step| step.kind != StepKind::Field)
                    .map(|step| format!("{} {}", step.kind.name(), step.name))
                    .collect();
                said.dedup();
                let all = if compiled.rows == Rows::All { "all" } else { "some" };
                let check = if compiled.check == Rows::All { "" } else { " checked" };
                let _ = writeln!(
                    text,
                    "{object} {action}: {all}{check} by {} | readable {} | writable {} | masked {}",
                    said.join(", "),
                    serde_json::to_value(&plan.readable).unwrap(),
                    serde_json::to_value(&plan.writable).unwrap(),
                    serde_json::to_value(&masked).unwrap(),
                );
            }
        }
    }
    expect_test::expect_file!["../../tests/golden/crm.txt"].assert_eq(&text);
}
