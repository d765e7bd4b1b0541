//! The list of records that somebody used lately, over a socket: nobody else's, without what they may not read any more, there
//! after a restart, gone with its person.

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};
use std::{
    io::ErrorKind,
    process::{Command, Stdio},
};

use crate::permissions::people::{People, Person};

const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";
const SET: &str = "name: dealer\nobjects:\n  deal: {allowRead: true, allowCreate: true, allowEdit: true, viewAllRecords: true, \
                   modifyAllRecords: true}\n  visit: {allowRead: true, viewAllRecords: true}\n";

fn host() -> Host {
    let builder = HostBuilder::new().plugin("auth").plugin("permissions");
    let app = builder.folder().join("deals");
    std::fs::create_dir_all(&app).expect("a folder");
    for (name, text) in [
        ("objectos.app.yml", "id: deals\nversion: 1.0.0\n"),
        ("deal.object.yml", "name: deal\nfields:\n  name: {type: text}\n"),
        (
            "visit.object.yml",
            "name: visit\nenable: {mru: false}\nfields:\n  name: {type: text}\n",
        ),
        ("dealer.permission.yml", SET),
    ] {
        std::fs::write(app.join(name), text).expect("a file");
    }
    builder.app(&app).config(CONFIG).start()
}

/// `action title` of what somebody used, the latest first.
fn recent(person: &mut Person) -> Vec<String> {
    let found = person.get("/api/v1/recent?limit=50").expect(200);
    let records = found["records"].as_array().expect("records").iter();
    let text = |record: &Value, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    records
        .map(|record| {
            assert!(record["object"] == "deal" && record["viewedAt"].is_string(), "{record}");
            format!("{} {}", text(record, "action"), text(record, "title"))
        })
        .collect()
}

/// How much is written down of somebody, while the host is stopped; `None` after saying so where there is no program to look
/// with.
#[allow(clippy::print_stderr, reason = "a skip is said aloud")]
fn written(host: &Host, person: &str) -> Option<String> {
    let database = host.folder().join("data/plugins/objectos.data/data.db");
    let sql = format!("SELECT COUNT(*) FROM sys_recent_record WHERE user_id = '{person}'");
    let looked = Command::new("sqlite3")
        .arg(database)
        .arg(sql)
        .stdin(Stdio::null())
        .output();
    match looked {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var_os("CI").is_none(), "sqlite3 is needed");
            eprintln!("SKIPPED: there is no sqlite3 to look into the database with");
            None
        }
        Err(error) => panic!("sqlite3: {error}"),
    }
}

#[test]
fn somebody_finds_the_records_again_that_they_used() {
    let mut host = host();
    let mut people = People::new(&host);
    let (mut anna, mut bob) = (people.user("anna"), people.user("bob"));
    let assignment = people.give_set(&anna, "dealer");
    people.give_set(&bob, "dealer");
    let deals = ["Nordwind", "Ostwind", "Westwind"].map(|name| people.admin.make("deal", &json!({"name": name})));
    let visit = people.admin.make("visit", &json!({"name": "Wednesday"}));
    let path = |deal: &str| format!("/api/v1/data/deal/{deal}");
    for deal in &deals {
        anna.get(&path(deal)).expect(200);
    }
    anna.get(&format!("/api/v1/data/visit/{visit}")).expect(200);
    let renamed = json!({"name": "Nordwind II"});
    anna.send("PATCH", &path(&deals[0]), &renamed).expect(200);
    let all = ["updated Nordwind II", "viewed Westwind", "viewed Ostwind"];
    assert_eq!(recent(&mut anna), all);
    assert_eq!(recent(&mut bob), Vec::<String>::new());
    // A record that is deleted is left out, whoever deleted it.
    bob.get(&path(&deals[2])).expect(200);
    assert_eq!(recent(&mut bob), ["viewed Westwind"]);
    people.admin.send("DELETE", &path(&deals[2]), &Value::Null).expect(200);
    let left = ["updated Nordwind II", "viewed Ostwind"];
    assert_eq!(recent(&mut anna), left);
    assert_eq!(recent(&mut bob), Vec::<String>::new());

    // What was noted is written down at the end at the latest.
    assert_eq!(host.terminate(), Some(0));
    if let Some(rows) = written(&host, &anna.id) {
        assert_eq!(rows, "2");
    }
    host.restart_stopped();
    people.admin = people.admin.at(&host);
    let (mut anna, mut bob) = (anna.at(&host), bob.at(&host));
    assert_eq!(recent(&mut anna), left);

    // Whoever may not read the records any more does not see how they are called.
    let taken = format!("/api/v1/permissions/assignments/{assignment}");
    let taken = people.admin.send("DELETE", &taken, &Value::Null);
    assert!((200..300).contains(&taken.status), "{}", taken.status);
    assert_eq!(anna.get(&path(&deals[0])).status, 403);
    assert_eq!(recent(&mut anna), Vec::<String>::new());
    people.give_set(&anna, "dealer");
    assert_eq!(recent(&mut anna), left);

    // Only their own list is forgotten.
    bob.get(&path(&deals[1])).expect(200);
    let forgotten = bob.send("DELETE", "/api/v1/recent", &Value::Null).expect(200);
    assert_eq!(forgotten, json!({"success": true, "forgotten": 1}));
    assert_eq!(recent(&mut bob), Vec::<String>::new());
    assert_eq!(recent(&mut anna), left);
    let guest = host.client().get("/api/v1/recent");
    assert_eq!(guest.status, 401);

    // With a person goes their list.
    let user = format!("/api/v1/data/sys_user/{}", anna.id);
    people.admin.send("DELETE", &user, &Value::Null).expect(200);
    assert_eq!(host.terminate(), Some(0));
    if let Some(rows) = written(&host, &anna.id) {
        assert_eq!(rows, "0");
    }
}
