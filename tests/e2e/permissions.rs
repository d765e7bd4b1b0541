//! Access over a real socket: who is refused, what is seen, what is hidden, at once after every change.

mod golden;
mod guests;
mod hidden;
mod leak;
pub(crate) mod people;
mod routes;
mod todo;

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};
use std::process::Command;

use people::{People, Person};

fn crm() -> Host {
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .example("crm")
        .start()
}

fn ids(answer: &Value) -> Vec<String> {
    let records = answer["records"].as_array().expect("records");
    let mut ids: Vec<String> = records
        .iter()
        .filter_map(|record| record["id"].as_str().map(str::to_owned))
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn without_a_permission_a_create_is_refused() {
    let host = crm();
    let people = People::new(&host);
    let mut nobody = people.user("nobody");
    let refused = nobody.send("POST", "/api/v1/data/account", &json!({"name": "Initech"}));
    assert_eq!(refused.status, 403, "{}", String::from_utf8_lossy(&refused.body));
    assert_eq!(nobody.get("/api/v1/data/account").status, 403);
    assert_eq!(host.client().get("/api/v1/data/account").status, 401);
}

#[test]
fn lists_counts_and_single_records_show_what_sharing_opens() {
    let host = crm();
    let mut people = People::new(&host);
    let (mut anna, mut bert, mut mona) = (people.user("anna"), people.user("bert"), people.user("mona"));
    for (person, role) in [(&anna, "sales_user"), (&bert, "sales_user"), (&mona, "sales_manager")] {
        people.give_role(person, role);
    }
    let account = people.admin.make("account", &json!({"name": "Initech"}));
    let deal = |person: &mut Person, name: &str, amount: u32| {
        let record = json!({"name": name, "account": account, "amount": amount, "close_date": "2027-01-31"});
        person.make("opportunity", &record)
    };
    let small = deal(&mut anna, "Small", 20_000);
    let large = deal(&mut anna, "Large", 250_000);
    let other = deal(&mut bert, "Other", 9_000);
    let list = |person: &mut Person| person.get("/api/v1/data/opportunity?top=100").expect(200);
    let sorted = |mut ids: Vec<String>| {
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&list(&mut anna)), sorted(vec![small.clone(), large.clone()]));
    assert_eq!(ids(&list(&mut bert)), std::slice::from_ref(&other));
    assert_eq!(list(&mut bert)["total"], 1);
    assert_eq!(
        ids(&list(&mut mona)),
        sorted(vec![small.clone(), large.clone(), other.clone()])
    );
    let figures = json!({"aggregations": [{"function": "count", "alias": "n"}, {"function": "sum", "field": "amount", "alias": "sum"}]});
    let sums = anna
        .send("POST", "/api/v1/data/opportunity/query", &figures)
        .expect(200);
    assert_eq!(
        (&sums["records"][0]["n"], &sums["records"][0]["sum"]),
        (&json!(2), &json!(270_000)),
        "{sums}"
    );
    for (method, body) in [
        ("GET", Value::Null),
        ("PATCH", json!({"amount": 1})),
        ("DELETE", Value::Null),
    ] {
        let hidden = bert.send(method, &format!("/api/v1/data/opportunity/{small}"), &body);
        let absent = bert.send(method, "/api/v1/data/opportunity/no_such_record", &body);
        assert_eq!((hidden.status, absent.status), (404, 404), "{method}");
        assert_eq!(hidden.json()["code"], absent.json()["code"], "{method}");
    }
    let share = json!({"object": "opportunity", "recordId": small, "recipient": bert.id});
    anna.send("POST", "/api/v1/permissions/shares", &share).expect(201);
    assert_eq!(ids(&list(&mut bert)), sorted(vec![small.clone(), other]));
    let edit = bert.send(
        "PATCH",
        &format!("/api/v1/data/opportunity/{small}"),
        &json!({"amount": 1}),
    );
    assert!([403, 404].contains(&edit.status), "{}", edit.status);
    let limit = anna.send(
        "PATCH",
        &format!("/api/v1/data/opportunity/{large}"),
        &json!({"amount": 1}),
    );
    assert!([403, 404].contains(&limit.status), "{}", limit.status);
    mona.send(
        "PATCH",
        &format!("/api/v1/data/opportunity/{large}"),
        &json!({"amount": 240_000}),
    )
    .expect(200);
}

#[test]
fn hidden_fields_are_nowhere_and_cannot_be_written() {
    let host = crm();
    let mut people = People::new(&host);
    let mut anna = people.user("anna");
    people.give_role(&anna, "sales_user");
    let lead = json!({"last_name": "Doe", "company": "Initech", "email": "doe@initech.example"});
    let id = anna.make("lead", &lead);
    people
        .admin
        .send("PATCH", &format!("/api/v1/data/lead/{id}"), &json!({"budget": 5000}))
        .expect(200);
    for path in [
        format!("/api/v1/data/lead/{id}"),
        "/api/v1/data/lead?top=100".to_owned(),
    ] {
        let answer = anna.get(&path);
        assert_eq!(answer.status, 200);
        assert!(!String::from_utf8_lossy(&answer.body).contains("budget"), "{path}");
    }
    for query in ["budget=5000", "sort=budget", "select=budget"] {
        let asked = anna.get(&format!("/api/v1/data/lead?{query}"));
        assert_eq!(asked.status, 400, "{query}");
    }
    let written = anna.send("PATCH", &format!("/api/v1/data/lead/{id}"), &json!({"budget": 1}));
    assert!([400, 403].contains(&written.status), "{}", written.status);
    assert_eq!(
        people.admin.get(&format!("/api/v1/data/lead/{id}")).expect(200)["record"]["budget"],
        5000
    );
}

#[test]
fn a_grant_taken_back_counts_with_the_next_request() {
    let host = crm();
    let mut people = People::new(&host);
    let mut vera = people.user("vera");
    let id = people.give_set(&vera, "read_only");
    vera.get("/api/v1/data/account").expect(200);
    let effective = vera.get("/api/v1/permissions/effective").expect(200);
    assert_eq!(effective["objects"]["account"]["allowRead"], true);
    assert!(effective["objects"].get("sys_user").is_none());
    people
        .admin
        .send("DELETE", &format!("/api/v1/permissions/assignments/{id}"), &Value::Null)
        .expect(200);
    assert_eq!(vera.get("/api/v1/data/account").status, 403);
    let body = json!({"objects": {"account": {"allowRead": true, "viewAllRecords": true}}});
    people
        .admin
        .send("PUT", "/api/v1/permissions/sets/visitors", &body)
        .expect(201);
    people.give_set(&vera, "visitors");
    vera.get("/api/v1/data/account").expect(200);
    let wrong = json!({"objects": {"acount": {"allowRead": true}}});
    let refused = people.admin.send("PUT", "/api/v1/permissions/sets/visitors", &wrong);
    assert_eq!(refused.status, 400, "{}", String::from_utf8_lossy(&refused.body));
    assert_eq!(vera.send("PUT", "/api/v1/permissions/sets/visitors", &body).status, 403);
    let narrower = json!({"objects": {"contact": {"allowRead": true}}});
    people
        .admin
        .send("PUT", "/api/v1/permissions/sets/visitors", &narrower)
        .expect(200);
    assert_eq!(vera.get("/api/v1/data/account").status, 403);
    people
        .admin
        .send(
            "POST",
            "/api/v1/permissions/sets/visitors/versions/1/restore",
            &Value::Null,
        )
        .expect(200);
    vera.get("/api/v1/data/account").expect(200);
}

#[test]
fn why_is_told_grant_by_grant() {
    let host = crm();
    let mut people = People::new(&host);
    let anna = people.user("anna");
    people.give_role(&anna, "sales_user");
    let account = people.admin.make("account", &json!({"name": "Initech"}));
    let question = json!({"userId": anna.id, "object": "account", "operation": "edit", "recordId": account});
    let answer = people
        .admin
        .send("POST", "/api/v1/permissions/explain", &question)
        .expect(200);
    assert_eq!(answer["allowed"], false, "{answer:#}");
    let steps = answer["steps"].as_array().expect("steps");
    let grant = steps
        .iter()
        .find(|step| step["kind"] == "permission_set")
        .expect("a grant");
    assert_eq!(grant["source"]["file"], "crm/permissions/sales_user.permission.yml");
    assert!(grant["source"]["line"].as_u64().is_some_and(|line| line > 1), "{grant}");
}

#[test]
fn the_example_is_tested_without_a_server() {
    let builder = HostBuilder::new().plugin("permissions");
    let run = |app: &std::path::Path| {
        Command::new(objectos_tests::plugins::built().join("objectos-host"))
            .current_dir(builder.folder())
            .args(["--plugins", "plugins", "--data", "data", "test"])
            .arg(app)
            .output()
            .expect("objectos-host runs")
    };
    let crm = objectos_tests::plugins::repository().join("examples/crm");
    let good = run(&crm);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(String::from_utf8_lossy(&good.stdout).contains("0 surprising"));
    let copy = builder.folder().join("crm");
    std::fs::create_dir_all(copy.join("permissions")).expect("a folder");
    for folder in ["objects", "permissions"] {
        std::fs::create_dir_all(copy.join(folder)).expect("a folder");
        for entry in std::fs::read_dir(crm.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            std::fs::copy(&path, copy.join(folder).join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
    let set = copy.join("permissions/read_only.permission.yml");
    let text = std::fs::read_to_string(&set)
        .expect("a file")
        .replace("readable: false", "readable: true");
    std::fs::write(&set, text).expect("a file");
    let bad = run(&copy);
    assert!(!bad.status.success());
    let error = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(
        error.contains("vera may read account.annual_revenue") && error.contains("access.policy-test.yml:"),
        "{error}"
    );
}

#[test]
fn organisations_are_kept_apart() {
    let builder = HostBuilder::new().plugin("auth").plugin("permissions");
    let app = builder.folder().join("notes");
    std::fs::create_dir_all(&app).expect("a folder");
    for (name, text) in [
        ("objectos.app.yml", "id: notes\nversion: 1.0.0\n"),
        (
            "note.object.yml",
            "name: note\ntenancy: {enabled: true, strategy: shared}\nfields:\n  text: {type: text}\n",
        ),
        (
            "user.permission.yml",
            "name: user\nobjects:\n  note: {allowRead: true, allowCreate: true, allowEdit: true, allowDelete: true, modifyAllRecords: true}\n",
        ),
    ] {
        std::fs::write(app.join(name), text).expect("a file");
    }
    let host = builder.app(&app).start();
    let people = People::new(&host);
    let mut members: Vec<Person> = ["ann", "bob"].iter().map(|name| people.user(name)).collect();
    for (index, person) in members.iter_mut().enumerate() {
        let body = json!({"name": format!("Org {index}"), "slug": format!("org-{index}")});
        let made = person
            .send("POST", "/api/v1/auth/organization/create", &body)
            .expect(200);
        let id = made["id"].as_str().expect("an id").to_owned();
        person
            .send(
                "POST",
                "/api/v1/auth/organization/set-active",
                &json!({"organizationId": id}),
            )
            .expect(200);
    }
    let note = members[0].make("note", &json!({"text": "ours"}));
    let path = format!("/api/v1/data/note/{note}");
    members[0].get(&path).expect(200);
    for (method, body) in [
        ("GET", Value::Null),
        ("PATCH", json!({"text": "theirs"})),
        ("DELETE", Value::Null),
    ] {
        assert_eq!(members[1].send(method, &path, &body).status, 404, "{method}");
    }
    assert_eq!(members[1].get("/api/v1/data/note").expect(200)["total"], 0);
    let share = json!({"object": "note", "recordId": note, "recipient": members[1].id});
    assert_eq!(
        members[1].send("POST", "/api/v1/permissions/shares", &share).status,
        404
    );
    let check = members[1]
        .get(&format!(
            "/api/v1/permissions/check?object=note&action=read&recordId={note}"
        ))
        .expect(200);
    assert_eq!(check["allowed"], false);
}
