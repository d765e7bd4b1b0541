//! Two hosts on one database: whoever loses a right, a session or a key on one of them has lost it on the other a moment
//! later. The hosts are told never to look by themselves, so what is shown is that each hears of the other's changes.

use objectos_tests::{Client, Host, HostBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use super::{schema, server};
use crate::permissions::people::{People, Person};

/// How long a change may take to the other host. It takes milliseconds; the rest is for a busy machine.
const MOMENT: Duration = Duration::from_secs(20);

/// A host that asks nobody by itself whether a session still is one.
fn host(url: &str, schema: &str) -> HostBuilder {
    let config = format!(
        "plugins:\n  objectos.data:\n    database: {{ url: '{url}', schema: {schema}, poolSize: 20 }}\n  \
         objectos.auth:\n    hashing: {{ memoryKib: 1024, iterations: 1 }}\n    session: {{ recheckMs: 86400000 }}\n"
    );
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .example("crm")
        .config(&config)
        .environment("OBJECTOS_AUTH_SECRET", "one secret for all hosts, long enough")
}

fn two(name: &str) -> Option<(Host, Host)> {
    let url = server()?;
    let schema = schema(name);
    let first = host(url, &schema).start();
    Some((first, host(url, &schema).start()))
}

/// Asks until the answer is the expected one.
fn becomes(person: &mut Person, path: &str, status: u16) {
    let begun = Instant::now();
    loop {
        let answer = person.get(path);
        if answer.status == status {
            return;
        }
        assert!(
            begun.elapsed() < MOMENT,
            "{path} is still {} and not {status} after {MOMENT:?}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_grant_given_or_taken_on_one_host_counts_on_the_other() {
    let Some((first, second)) = two("grants") else { return };
    let mut people = People::new(&first);
    let mut vera = people.user("vera").at(&second);
    let accounts = "/api/v1/data/account?top=1";
    assert_eq!(vera.get(accounts).status, 403);
    let grant = people.give_set(&vera, "read_only");
    becomes(&mut vera, accounts, 200);
    let taken = format!("/api/v1/permissions/assignments/{grant}");
    people.admin.send("DELETE", &taken, &Value::Null).expect(200);
    becomes(&mut vera, accounts, 403);

    // A role, and what somebody with it holds.
    let role = people.give_role(&vera, "sales_user");
    becomes(&mut vera, accounts, 200);
    let path = format!("/api/v1/data/sys_user_role/{role}");
    people.admin.send("DELETE", &path, &Value::Null).expect(200);
    becomes(&mut vera, accounts, 403);

    // A permission set that is edited.
    let sets = "/api/v1/permissions/sets/visitors";
    let wide = json!({"objects": {"account": {"allowRead": true, "viewAllRecords": true}}});
    people.admin.send("PUT", sets, &wide).expect(201);
    people.give_set(&vera, "visitors");
    becomes(&mut vera, accounts, 200);
    let narrow = json!({"objects": {"contact": {"allowRead": true}}});
    people.admin.send("PUT", sets, &narrow).expect(200);
    becomes(&mut vera, accounts, 403);
    people.admin.send("PUT", sets, &wide).expect(200);
    becomes(&mut vera, accounts, 200);

    // A row policy that closes the object.
    let policy = json!({
        "name": "nothing_to_see", "object": "account", "operation": "select", "using_expression": "name = 'no such name'",
    });
    let id = people.admin.make("sys_row_policy", &policy);
    let begun = Instant::now();
    while vera.get(accounts).expect(200)["total"] != 0 {
        assert!(
            begun.elapsed() < MOMENT,
            "the row policy is not in use on the other host"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    people
        .admin
        .send("DELETE", &format!("/api/v1/data/sys_row_policy/{id}"), &Value::Null)
        .expect(200);
}

#[test]
fn a_session_or_key_that_ends_on_one_host_ends_on_the_other() {
    let Some((first, second)) = two("sessions") else { return };
    let mut people = People::new(&first);
    let me = "/api/v1/auth/list-sessions";
    let out = |person: &Person, line: &str, body: &Value| {
        let (method, path) = line.split_once(' ').expect("METHOD /path");
        person.at(&first).send(method, path, body).expect(200);
    };

    let ada = people.user("ada");
    let mut beyond = ada.at(&second);
    beyond.get(me).expect(200);
    out(&ada, "POST /api/v1/auth/sign-out", &json!({}));
    becomes(&mut beyond, me, 401);

    let bob = people.user("bob");
    let mut beyond = bob.at(&second);
    beyond.get(me).expect(200);
    out(&bob, "POST /api/v1/auth/revoke-sessions", &json!({}));
    becomes(&mut beyond, me, 401);

    let eve = people.user("eve");
    let mut beyond = eve.at(&second);
    beyond.get(me).expect(200);
    let made = eve
        .at(&first)
        .send("POST", "/api/v1/auth/api-key/create", &json!({"name": "k"}))
        .expect(200);
    let key = made["key"].as_str().expect("a key").to_owned();
    let by_key = || {
        let headers = [("x-api-key", key.as_str())];
        let answer = Client::new(second.address()).request("GET", "/api/v1/meta", &headers, b"");
        answer.expect("an answer").status
    };
    assert_eq!(by_key(), 200);
    let ban = json!({"userId": eve.id});
    people
        .admin
        .send("POST", "/api/v1/auth/admin/ban-user", &ban)
        .expect(200);
    becomes(&mut beyond, me, 401);
    assert_eq!(by_key(), 401, "the keys of somebody who is disabled are, too");
}
