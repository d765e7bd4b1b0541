//! Role × object × operation × field of the examples, as the running server explains it, the platform's own objects among them;
//! by roles of the session, and for people who come by what they hold otherwise: a role that was assigned, a group, an
//! organisation, nobody in particular.
//! One file for each example, that a review can read: a change of a line is a change of who may do what.
//!
//! `UPDATE_EXPECT=1 cargo test -p objectos-tests --test e2e golden` writes them anew.

use objectos_tests::{HostBuilder, plugins::repository};
use serde_json::{Value, json};
use std::fmt::Write as _;

use super::people::{People, Person};

const OPERATIONS: [&str; 7] = ["read", "create", "edit", "delete", "transfer", "restore", "purge"];
const HEAD: &str = "# What a role may do with each object, as the running server explains it. Written by the test `permissions::golden` with\n\
                    # UPDATE_EXPECT=1; a change of this file is a change of who may do what, and is looked at as one.\n";

/// Names of all objects that the server knows.
fn objects(admin: &mut Person) -> Vec<String> {
    let listed = admin.get("/api/v1/meta/object").expect(200);
    let items = listed["items"].as_array().expect("a list of objects");
    let mut names: Vec<String> = items
        .iter()
        .filter_map(|item| item["name"].as_str())
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// One line of the file. `who`: the part of the question that says whom it is about.
fn line(admin: &mut Person, who: &Value, object: &str, operation: &str) -> String {
    let mut question = who.clone();
    question["object"] = json!(object);
    question["operation"] = json!(operation);
    let answer = admin.send("POST", "/api/v1/permissions/explain", &question).expect(200);
    let plan = &answer["plan"];
    if plan["allowed"] != true {
        return format!("{object} {operation}: no\n");
    }
    let rows = if plan["filter"].is_null() { "all" } else { "some" };
    let check = if plan["check"].is_null() { "" } else { " checked" };
    let mut by: Vec<String> = Vec::new();
    for step in answer["steps"].as_array().into_iter().flatten() {
        let word = |key: &str| step[key].as_str().unwrap_or_default();
        if word("kind") != "field_permission" && step["rows"] != "none" {
            by.push(format!("{} {}", word("kind"), word("name")));
        }
    }
    by.dedup();
    let fields = |key: &str| match &plan[key] {
        Value::String(all) => all.clone(),
        other => other.to_string(),
    };
    format!(
        "{object} {operation}: {rows}{check} by {} | readable {} | writable {} | masked {}\n",
        by.join(", "),
        fields("readable"),
        fields("writable"),
        answer["masked"]
    )
}

/// Whom the file is about: a title, and the part of the question. `set` is one of the example.
fn principals(people: &mut People, roles: &[&str], (role, set): (&str, &str)) -> Vec<(String, Value)> {
    let by_session = |role: &&str| {
        let principal = json!({"id": "me", "kind": "user", "roles": [role]});
        ((*role).to_owned(), json!({ "principal": principal }))
    };
    let mut principals: Vec<(String, Value)> = roles.iter().map(by_session).collect();
    let assigned = people.user("assigned");
    people.give_role(&assigned, role);
    principals.push((format!("{role}, assigned"), json!({"userId": assigned.id})));
    let member = people.user("member");
    let admin = &mut people.admin;
    let place = json!({"group": "field", "member_type": "user", "member": member.id});
    admin.make("sys_group_member", &place);
    let given = json!({"permission_set": set, "assignee_type": "group", "assignee": "field"});
    admin.make("sys_permission_assignment", &given);
    principals.push((
        format!("member of a group with the set {set}"),
        json!({"userId": member.id}),
    ));
    let mut owner = people.user("owner");
    let body = json!({"name": "Umbrella", "slug": "umbrella"});
    let made = owner
        .send("POST", "/api/v1/auth/organization/create", &body)
        .expect(200);
    let here = json!({
        "permission_set": set, "assignee_type": "user", "assignee": owner.id, "organization": made["id"],
    });
    people.admin.make("sys_permission_assignment", &here);
    let within = json!({"userId": owner.id, "tenant": made["id"]});
    principals.push((format!("with the set {set} in their organisation"), within));
    principals.push((
        format!("with the set {set} in another organisation"),
        json!({"userId": owner.id}),
    ));
    let guest = json!({"principal": {"id": "", "kind": "anonymous"}});
    principals.push(("guest".to_owned(), guest));
    principals
}

/// `given`: a role and a set of the example that people come by otherwise.
fn check(example: &str, roles: &[&str], given: (&str, &str)) {
    let host = HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .plugin("audit")
        .example(example)
        .start();
    let mut people = People::new(&host);
    let objects = objects(&mut people.admin);
    assert!(
        objects.iter().any(|name| name.starts_with("sys_")) && objects.iter().any(|name| name == "task"),
        "{objects:?}"
    );
    let mut text = HEAD.to_owned();
    for (title, who) in principals(&mut people, roles, given) {
        let _ = writeln!(text, "# {title}");
        for object in &objects {
            for operation in OPERATIONS {
                text.push_str(&line(&mut people.admin, &who, object, operation));
            }
        }
    }
    let path = repository().join(format!("tests/e2e/permissions/golden_{example}.txt"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).expect("the file can be written");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = |(now, before): &(&str, &str)| now != before;
    let first = text.lines().zip(known.lines()).find(differs);
    assert!(
        text == known,
        "{} says otherwise, first {first:?}; once the change is meant, write it anew with UPDATE_EXPECT=1",
        path.display()
    );
}

#[test]
fn the_golden_file_of_the_crm() {
    let roles = [
        "super_admin",
        "sales_manager",
        "sales_user",
        "support_agent",
        "read_only",
        "nobody",
    ];
    check("crm", &roles, ("sales_user", "read_only"));
}

#[test]
fn the_golden_file_of_the_todo() {
    check(
        "todo",
        &["super_admin", "manager", "user", "nobody"],
        ("manager", "manager"),
    );
}
