//! Role × object × operation × field of the examples, as the running server explains it, the platform's own objects among them.
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

/// One line of the file.
fn line(admin: &mut Person, role: &str, object: &str, operation: &str) -> String {
    let principal = json!({"id": "me", "kind": "user", "roles": [role]});
    let question = json!({"principal": principal, "object": object, "operation": operation});
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
        "{object} {operation}: {rows}{check} by {} | readable {} | writable {}\n",
        by.join(", "),
        fields("readable"),
        fields("writable")
    )
}

fn check(example: &str, roles: &[&str]) {
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
    for role in roles {
        let _ = writeln!(text, "# {role}");
        for object in &objects {
            for operation in OPERATIONS {
                text.push_str(&line(&mut people.admin, role, object, operation));
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
    check("crm", &roles);
}

#[test]
fn the_golden_file_of_the_todo() {
    check("todo", &["super_admin", "manager", "user", "nobody"]);
}
