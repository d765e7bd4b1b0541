//! Changes over GraphQL in the trail: whatever mutation the schema offers, the rows that it leaves say who changed which record, by
//! which request, and what stood there before and after. Which routes take mutations is known to the table of all routes.

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::signed_in::{Person, register};

const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";

fn host() -> Host {
    ["auth", "permissions", "audit", "graphql"]
        .into_iter()
        .fold(HostBuilder::new(), HostBuilder::plugin)
        .example("crm")
        .config(CONFIG)
        .start()
}

/// Anna, who changes accounts, and the administrator, who reads the trail.
struct Scene {
    host: Host,
    admin: Person,
    anna: Person,
    /// Mutations that were sent.
    sent: BTreeSet<String>,
}

impl Scene {
    fn new() -> Self {
        let host = host();
        let (mut admin, anna) = (register(&host, "root"), register(&host, "anna"));
        let all = json!({"allowRead": true, "allowCreate": true, "allowEdit": true, "allowDelete": true});
        let set = json!({"objects": {"account": all}});
        admin.send("PUT /api/v1/permissions/sets/keepers", &set).expect(201);
        let given = json!({"permissionSet": "keepers", "assignee": anna.id});
        admin.send("POST /api/v1/permissions/assignments", &given).expect(201);
        Self {
            host,
            admin,
            anna,
            sent: BTreeSet::new(),
        }
    }

    /// The mutations of accounts that the schema offers.
    fn offered(&mut self) -> BTreeSet<String> {
        let query = json!({"query": "{ __schema { mutationType { fields { name } } } }"});
        let schema = self.anna.send("POST /api/v1/graphql", &query).expect(200);
        schema["data"]["__schema"]["mutationType"]["fields"]
            .as_array()
            .unwrap_or_else(|| panic!("no mutations in {schema}"))
            .iter()
            .filter_map(|field| field["name"].as_str())
            // The platform has objects of its own whose names end so.
            .filter(|name| name.contains("Account") && !name.contains("Sys"))
            .map(str::to_owned)
            .collect()
    }

    /// Anna sends a mutation, under its name in the trail; answers what was selected.
    fn mutate(&mut self, mutation: &str, arguments: &str, selected: &str) -> Value {
        self.sent.insert(mutation.to_owned());
        let query = format!("mutation {{ {mutation}({arguments}) {{ {selected} }} }}");
        let sent = self
            .anna
            .send_marked(mutation, "POST /api/v1/graphql", &json!({"query": query}));
        let answer = sent.expect(200);
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"][mutation].clone()
    }

    /// The row that a mutation left of a record; it tells of Anna, and of her request.
    fn row(&mut self, mutation: &str, kind: &str, id: &str) -> Value {
        let filter = format!("userAgent={mutation}&recordId={id}");
        let row = self.admin.await_event(&self.host, &filter);
        assert_eq!(
            (&row["eventType"], &row["objectName"], &row["result"]),
            (&json!(kind), &json!("account"), &json!("success")),
            "{mutation}: {row:#}"
        );
        let actor = &row["actor"];
        assert_eq!(
            (&actor["type"], &actor["id"], &actor["email"], &actor["ipAddress"]),
            (
                &json!("user"),
                &json!(self.anna.id),
                &json!(self.anna.email),
                &json!("127.0.0.1")
            ),
            "{mutation}: {row:#}"
        );
        assert!(
            row["sessionId"].is_string() && row["requestId"].is_string(),
            "{mutation}: {row:#}"
        );
        row
    }
}

/// The id in what was selected of a record.
fn id(record: &Value) -> String {
    let id = record["id"].as_str();
    id.unwrap_or_else(|| panic!("no id in {record}")).to_owned()
}

/// What a field held before and after; null where it held nothing.
fn values(row: &Value, field: &str) -> [Value; 2] {
    let changes = row["changes"].as_array().expect("changes");
    let change = changes.iter().find(|change| change["field"] == field);
    let change = change.unwrap_or_else(|| panic!("no {field} in {row:#}"));
    ["oldValue", "newValue"].map(|key| change[key].clone())
}

#[test]
fn every_mutation_leaves_its_rows_with_who_it_was_and_old_and_new_values() {
    let mut scene = Scene::new();
    let made = scene.mutate("createAccount", "input: {name: \"Initech\", industry: logistics}", "id");
    let account = id(&made);
    let row = scene.row("createAccount", "data.create", &account);
    assert_eq!(values(&row, "name"), [Value::Null, json!("Initech")]);
    assert_eq!(values(&row, "industry"), [Value::Null, json!("logistics")]);

    let made = scene.mutate("createAccounts", "inputs: [{name: \"One\"}, {name: \"Two\"}]", "id");
    let made = made.as_array().expect("records");
    assert_eq!(made.len(), 2);
    for (record, name) in made.iter().zip(["One", "Two"]) {
        let row = scene.row("createAccounts", "data.create", &id(record));
        assert_eq!(values(&row, "name"), [Value::Null, json!(name)]);
    }

    let arguments = format!("id: \"{account}\", input: {{name: \"Initrode\"}}");
    scene.mutate("updateAccount", &arguments, "id");
    let row = scene.row("updateAccount", "data.update", &account);
    assert_eq!(values(&row, "name"), [json!("Initech"), json!("Initrode")]);
    assert!(!row["changes"].to_string().contains("logistics"), "{row:#}");

    scene.mutate("deleteAccount", &format!("id: \"{account}\""), "success");
    let row = scene.row("deleteAccount", "data.delete", &account);
    assert_eq!(values(&row, "name"), [json!("Initrode"), Value::Null]);
    assert_eq!(values(&row, "industry"), [json!("logistics"), Value::Null]);

    let offered = scene.offered();
    assert_eq!(scene.sent, offered, "show here which rows each mutation leaves");
}
