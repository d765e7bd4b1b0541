//! Whoever is not signed in: nobody, as everywhere else, unless the operator lets guests in; then what guest sets and guest
//! sharing rules say of reading and making records, and nothing else.

use objectos_tests::{Client, Host, HostBuilder};
use serde_json::{Value, json};

use super::people::People;

/// Requests that a guest may send at once; more than the table below has.
const ALLOWANCE: u32 = 40;

const FILES: [(&str, &str); 6] = [
    ("objectos.app.yml", "id: board\nversion: 1.0.0\n"),
    (
        "notice.object.yml",
        "name: notice\nfields: {text: {type: text}, shown: {type: boolean}}\n",
    ),
    ("message.object.yml", "name: message\nfields: {text: {type: text}}\n"),
    ("secret.object.yml", "name: secret\nfields: {text: {type: text}}\n"),
    (
        // More than guests may ever do.
        "visitors.permission.yml",
        "name: visitors\nsystemPermissions: [manage_platform, view_audit, customize_metadata]\nobjects:\n  \
         notice: {allowRead: true, allowEdit: true, allowDelete: true}\n  message: {allowCreate: true}\n  \
         sys_user: {allowRead: true, viewAllRecords: true}\n",
    ),
    (
        "open.sharing.yml",
        "name: open\nobject: notice\ncondition: shown\naccessLevel: edit\nsharedWith: {type: guest}\n",
    ),
];

fn host(guests: bool) -> Host {
    let builder = HostBuilder::new().plugin("auth").plugin("permissions").plugin("audit");
    let app = builder.folder().join("board");
    std::fs::create_dir_all(&app).expect("a folder");
    for (name, text) in FILES {
        std::fs::write(app.join(name), text).expect("a file");
    }
    let config = format!(
        "plugins:\n  objectos.auth: {{guests: {guests}, hashing: {{memoryKib: 1024, iterations: 1}}}}\n  \
         objectos.permissions: {{guestSets: [visitors]}}\n  \
         objectos.server: {{guestRateLimit: {{requests: {ALLOWANCE}, loopback: true}}}}\n"
    );
    builder.app(&app).config(&config).start()
}

fn check(client: &mut Client, line: &str, body: &Value, expected: u16) -> Value {
    let (method, path) = line.split_once(' ').expect("METHOD /path");
    let answer = client.send(method, path, body);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, expected, "{line}: {text}");
    if expected == 401 {
        assert_eq!(answer.json()["error"]["message"], "sign in first", "{line}: {text}");
    }
    answer.json()
}

#[test]
fn guests_read_and_make_what_is_theirs_and_reach_nothing_else() {
    let host = host(true);
    let mut people = People::new(&host);
    let shown = people.admin.make("notice", &json!({"text": "come in", "shown": true}));
    let hidden = people
        .admin
        .make("notice", &json!({"text": "stay out", "shown": false}));
    let link = json!({"object": "notice", "recordId": hidden, "recipientType": "link"});
    let link = people
        .admin
        .send("POST", "/api/v1/permissions/shares", &link)
        .expect(201);
    let token = link["token"].as_str().expect("a token");
    let mut client = host.client();
    let mut guest = |line: &str, body: Value, expected: u16| check(&mut client, line, &body, expected);

    let list = guest("GET /api/v1/data/notice", Value::Null, 200);
    assert_eq!(
        (&list["total"], &list["records"][0]["id"]),
        (&json!(1), &json!(shown)),
        "{list}"
    );
    let found = guest(
        "POST /api/v1/data/notice/query",
        json!({"where": {"shown": false}}),
        200,
    );
    assert_eq!(found["total"], 0, "{found}");
    guest(&format!("GET /api/v1/data/notice/{shown}"), Value::Null, 200);
    guest(&format!("GET /api/data/notice/{shown}"), Value::Null, 200);
    guest(&format!("GET /api/v1/data/notice/{hidden}"), Value::Null, 404);
    let made = guest("POST /api/v1/data/message", json!({"text": "hello"}), 201);
    let id = made["id"].as_str().expect("an id");

    let patch = json!({"text": "mine"});
    let refused = [
        ("GET /api/v1/data/message".to_owned(), Value::Null),
        (format!("GET /api/v1/data/message/{id}"), Value::Null),
        (format!("PATCH /api/v1/data/notice/{shown}"), patch.clone()),
        (format!("DELETE /api/v1/data/notice/{shown}"), Value::Null),
        ("POST /api/v1/data/notice".to_owned(), patch.clone()),
        (
            "POST /api/v1/data/message/createMany".to_owned(),
            json!({"records": [patch]}),
        ),
        ("POST /api/v1/batch".to_owned(), json!({"operations": []})),
        ("GET /api/v1/data/notice/export?format=csv".to_owned(), Value::Null),
        ("GET /api/v1/data/notice?deleted=only".to_owned(), Value::Null),
        ("GET /api/v1/data/secret".to_owned(), Value::Null),
        ("GET /api/v1/data/secrets".to_owned(), Value::Null),
        ("GET /api/v1/data/sys_user".to_owned(), Value::Null),
        ("GET /api/v1/search?q=come".to_owned(), Value::Null),
        ("GET /api/v1/meta/object/notice".to_owned(), Value::Null),
        ("PUT /api/v1/meta/object/notice".to_owned(), json!({"name": "notice"})),
        ("GET /api/v1/audit/events".to_owned(), Value::Null),
        ("GET /api/v1/plugins".to_owned(), Value::Null),
        // A link is for whoever is signed in: it is known at any time who sees a record through one.
        (format!("POST /api/v1/permissions/links/{token}"), Value::Null),
    ];
    for (line, body) in refused {
        guest(&line, body, 401);
    }

    let stored = people.admin.get(&format!("/api/v1/data/message/{id}")).expect(200);
    assert_eq!(
        (&stored["record"]["created_by"], &stored["record"]["owner_id"]),
        (&Value::Null, &Value::Null),
        "nobody in particular owns it: {stored}"
    );

    // A proof that is no good makes no guest.
    let wrong = [("authorization", "Bearer 00000000000000000000000000000000")];
    let mut client = host.client();
    let answer = client
        .request("GET", "/api/v1/data/notice", &wrong, b"")
        .expect("an answer");
    assert_eq!(answer.status, 401);
    let limited = (0..=ALLOWANCE).any(|_| client.get("/api/v1/data/notice").status == 429);
    assert!(limited, "guests have an allowance of their own");
    people.admin.get("/api/v1/data/notice").expect(200);
}

#[test]
fn without_a_word_of_the_operator_nobody_is_a_guest() {
    let host = host(false);
    let mut client = host.client();
    check(&mut client, "GET /api/v1/data/notice", &Value::Null, 401);
    check(&mut client, "GET /api/v1/data/nothing", &Value::Null, 401);
    check(&mut client, "POST /api/v1/data/message", &json!({"text": "hello"}), 401);
}
