//! Each method that a definition can switch off (`enable.apiMethods`): what needs it is refused and leaves everything as it was;
//! with it the same request is answered.

use serde_json::{Value, json};

use super::{drivers, host_on, run};

/// A method, and a request that needs it, with the answer when it is on and when it is off. Paths are those of the records that
/// `READY` makes.
const METHODS: [(&str, &str, &str, &str); 17] = [
    ("get", "GET thing/t1", "200", REFUSED),
    ("list", "GET thing", "200", REFUSED),
    ("list", "POST thing/query {}", "200", REFUSED),
    ("create", r#"POST thing {"name": "new"}"#, "201", REFUSED),
    ("create", r#"POST thing/createMany [{"name": "new"}]"#, "201", REFUSED),
    ("update", r#"PATCH thing/t1 {"name": "changed"}"#, "200", REFUSED),
    ("delete", "DELETE thing/t1", "200", REFUSED),
    // What is wrong with one record of a batch is told with it.
    (
        "upsert",
        r#"POST thing/batch {"operation": "upsert", "records": [{"id": "t1", "data": {"name": "changed"}}]}"#,
        r#"200 {"success": true}"#,
        r#"200 {"success": false, "results": [{"errors": [{"code": "permission_denied"}]}]}"#,
    ),
    ("bulk", r#"POST thing/createMany [{"name": "new"}]"#, "201", REFUSED),
    ("bulk", r#"POST thing/deleteMany {"ids": ["t1"]}"#, "200", REFUSED),
    (
        "aggregate",
        r#"POST thing/query {"aggregations": [{"function": "count", "alias": "n"}]}"#,
        "200",
        REFUSED,
    ),
    ("search", "GET thing?search=first", "200", REFUSED),
    ("history", "GET thing/t1/versions", "200", REFUSED),
    ("restore", "POST thing/b1/restore", "200", REFUSED),
    ("purge", "DELETE thing/t1?purge=true", "200", REFUSED),
    (
        "import",
        r#"POST thing/import {"records": [{"name": "new"}]}"#,
        "200",
        REFUSED,
    ),
    ("export", "GET thing/export?format=json", "200", REFUSED),
];

const REFUSED: &str = "403 permission_denied";

/// As `data/ApiMethod` has them.
const ALL: [&str; 14] = [
    "get",
    "list",
    "create",
    "update",
    "delete",
    "upsert",
    "bulk",
    "aggregate",
    "history",
    "search",
    "restore",
    "purge",
    "import",
    "export",
];

/// Made anew for each method: one record, and one in the bin.
const READY: &str = r#"
POST thing {"id": "t1", "name": "first"} => 201
POST thing {"id": "b1", "name": "binned"} => 201
DELETE thing/b1 => 200
"#;

/// Nothing was done.
const LEFT: &str = r#"
GET thing?select=id,name => 200 {"records": [{"id": "t1", "name": "first"}], "total": 1}
GET thing?deleted=only&select=id => 200 {"records": [{"id": "b1"}], "total": 1}
"#;

fn definition(methods: &[&str]) -> Value {
    json!({
        "name": "thing",
        "softDelete": { "enabled": true },
        "versioning": { "enabled": true, "strategy": "delta" },
        "enable": { "searchable": true, "trash": true, "apiMethods": methods },
        "fields": { "name": { "type": "text", "searchable": true } },
    })
}

#[test]
fn a_method_that_is_off_is_refused() {
    for method in ALL {
        assert!(
            METHODS.iter().any(|(off, ..)| *off == method),
            "nothing needs '{method}'"
        );
    }
    for driver in drivers() {
        let host = host_on(driver, "methods", &[]);
        let mut client = host.client();
        let mut allow = |methods: &[&str]| {
            let saved = client.send("PUT", "/api/v1/meta/object/thing", &definition(methods));
            saved.expect(200);
        };
        for (number, (method, request, answer, refusal)) in METHODS.into_iter().enumerate() {
            // Each time other records, so that what is left of the ones before is in nobody's way.
            let own = |text: &str| {
                text.replace("t1", &format!("t1{number}"))
                    .replace("b1", &format!("b1{number}"))
            };
            allow(&ALL);
            run(&host, &own(READY));
            let others: Vec<&str> = ALL.into_iter().filter(|other| *other != method).collect();
            allow(&others);
            run(&host, &own(&format!("{request} => {refusal}")));
            allow(&ALL);
            run(&host, &own(LEFT));
            run(&host, &own(&format!("{request} => {answer}")));
            empty(&host);
        }
        // None of them.
        run(&host, READY);
        allow(&[]);
        for (_, request, ..) in METHODS {
            // A batch of one is as little allowed as the one.
            run(&host, &format!("{request} => {REFUSED}"));
        }
    }
}

#[test]
fn a_method_that_is_off_is_off_by_every_way() {
    for driver in drivers() {
        let host = host_on(driver, "ways", &[]);
        let mut client = host.client();
        let mut gate = |enable: Value| {
            let fields = json!({ "name": { "type": "text", "searchable": true } });
            let definition = json!({ "name": "gate", "enable": enable, "fields": fields });
            client.send("PUT", "/api/v1/meta/object/gate", &definition).expect(200);
        };
        gate(json!({}));
        let bell = json!({ "name": "bell", "fields": { "gate": { "type": "lookup", "reference": "gate" } } });
        let saved = host.client().send("PUT", "/api/v1/meta/object/bell", &bell);
        saved.expect(200);
        run(
            &host,
            r#"
            POST gate {"id": "g1", "name": "north"} => 201
            POST bell {"id": "b1", "gate": "g1"} => 201
            GET bell?expand=gate => 200 {"records": [{"gate": {"name": "north"}}]}
            GET bell?select=gate.name => 200 {"records": [{"gate.name": "north"}]}
            "#,
        );
        gate(json!({ "apiEnabled": false }));
        run(
            &host,
            r#"
            GET gate/g1 => 403 permission_denied
            GET bell?expand=gate => 200 {"records": [{"id": "b1", "gate": null}]}
            GET bell/b1?expand=gate => 200 {"record": {"id": "b1", "gate": null}}
            GET bell?select=gate.name => 400
            GET bell/b1?select=gate.name => 400
            GET bell/export?format=json&select=gate.name => 400
            POST bell/query {"where": {"gate.name": "north"}} => 400
            POST bell/query {"orderBy": "gate.name"} => 400 invalid_sort
            POST bell/query {"groupBy": ["gate.name"]} => 400
            "#,
        );
        gate(json!({ "apiMethods": ["get", "list", "aggregate", "export"] }));
        run(
            &host,
            r#"
            GET bell?expand=gate => 200 {"records": [{"gate": {"name": "north"}}]}
            POST gate/query {"search": "north", "aggregations": [{"function": "count", "alias": "n"}]} => 403 permission_denied
            GET gate/export?format=json&search=north => 403 permission_denied
            GET gate/export?format=json => 200
            "#,
        );
    }
}

/// Purges what there is, in the bin or not.
fn empty(host: &objectos_tests::Host) {
    let mut client = host.client();
    for path in ["thing?select=id&top=100", "thing?deleted=only&select=id&top=100"] {
        let found = client.get(&format!("/api/v1/data/{path}")).expect(200);
        for record in found["records"].as_array().expect("records") {
            let id = record["id"].as_str().expect("an id");
            let path = format!("/api/v1/data/thing/{id}?purge=true");
            client.send("DELETE", &path, &Value::Null).expect(200);
        }
    }
}
