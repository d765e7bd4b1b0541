//! A field that somebody may not read, and one that is masked for them, over a socket at every place that gives values out: the
//! record, lists, exports, search, earlier versions, and what the audit trail tells of the record.

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use super::people::{People, Person};

const DEAL: &str = "name: deal\nversioning: {enabled: true, strategy: delta}\nfields:\n  name: {type: text, searchable: true}\n  \
                    secret: {type: text, searchable: true}\n  iban: {type: text, maskingRule: {field: iban, strategy: partial, \
                    exemptRoles: [super_admin]}}\n";
const SET: &str = "name: looker\nobjects:\n  deal: {allowRead: true, viewAllRecords: true}\nfields:\n  deal.secret: {readable: false}\n";
/// What stands in the fields, before and after a change.
const SECRETS: [&str; 2] = ["sesame one", "sesame two"];
const IBANS: [&str; 2] = ["DE12345678901111", "DE98765432102222"];

fn host() -> Host {
    let builder = HostBuilder::new().plugin("auth").plugin("permissions").plugin("audit");
    let app = builder.folder().join("deals");
    std::fs::create_dir_all(&app).expect("a folder");
    for (name, text) in [
        ("objectos.app.yml", "id: deals\nversion: 1.0.0\n"),
        ("deal.object.yml", DEAL),
        ("looker.permission.yml", SET),
    ] {
        std::fs::write(app.join(name), text).expect("a file");
    }
    builder.app(&app).start()
}

/// A deal that was changed, once both rows of its history are there.
fn changed_deal(host: &Host, admin: &mut Person) -> String {
    let deal = |at: usize| json!({"name": "Nordwind", "secret": SECRETS[at], "iban": IBANS[at]});
    let id = admin.make("deal", &deal(0));
    let path = format!("/api/v1/data/deal/{id}");
    admin.send("PATCH", &path, &deal(1)).expect(200);
    let begun = Instant::now();
    while admin.get(&format!("{path}/changelog")).expect(200)["total"] != 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "no history:\n{}", host.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    id
}

#[test]
fn hidden_and_masked_values_are_at_no_place_that_gives_values_out() {
    let host = host();
    let mut people = People::new(&host);
    let mut anna = people.user("anna");
    people.give_set(&anna, "looker");
    let id = changed_deal(&host, &mut people.admin);
    for path in [
        "/api/v1/data/deal/ID",
        "/api/v1/data/deal?top=10",
        "/api/v1/data/deal/export?format=csv",
        "/api/v1/data/deal/export?format=json",
        "/api/v1/data/deal/export?format=ndjson",
        "/api/v1/search?q=Nordwind",
        "/api/v1/data/deal/ID/versions",
        "/api/v1/data/deal/ID/versions/1",
        "/api/v1/data/deal/ID/versions/2",
        "/api/v1/data/deal/ID/changelog",
        "/api/v1/audit/trail/deal/ID",
        "/api/v1/audit/field-history/deal/ID/name",
        "/api/v1/audit/field-history/deal/ID/iban",
    ] {
        let path = path.replace("ID", &id);
        let answer = anna.get(&path);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{path}: {text}");
        assert!(!text.contains("secret") && !text.contains("sesame"), "{path}: {text}");
        assert!(IBANS.iter().all(|iban| !text.contains(iban)), "{path}: {text}");
        // The same place tells those who may know.
        let open = people.admin.get(&path);
        assert_eq!(open.status, 200, "{path}");
    }
    let found = anna.get("/api/v1/search?q=sesame").expect(200);
    assert_eq!((&found["hits"], &found["total"]), (&json!([]), &json!(0)));
    let history = format!("/api/v1/audit/field-history/deal/{id}");
    let (hidden, unknown) = (
        anna.get(&format!("{history}/secret")),
        anna.get(&format!("{history}/nothing")),
    );
    assert_eq!((hidden.status, unknown.status), (404, 404));
    let told = people.admin.get(&format!("{history}/secret")).expect(200);
    let values: Vec<&Value> = told["data"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| &entry["newValue"])
        .collect();
    // The name of the field is one that the audit writes no values of.
    assert_eq!(values, ["[redacted]", "[redacted]"]);
    let told = people.admin.get(&format!("{history}/iban")).expect(200);
    assert!(told.to_string().contains(IBANS[0]), "{told}");
}
