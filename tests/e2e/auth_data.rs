//! Grants on the objects of identity, over a real socket and through the data engine: whoever has all of them becomes no more than
//! they are, and whoever may do the same by a route does it there, too, with what goes along.

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};

use crate::permissions::people::{People, Person};

const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";
const OBJECTS: [&str; 12] = [
    "sys_account",
    "sys_api_key",
    "sys_invitation",
    "sys_member",
    "sys_organization",
    "sys_passkey",
    "sys_session",
    "sys_team",
    "sys_team_member",
    "sys_two_factor",
    "sys_user",
    "sys_verification",
];
const WHEN: &str = "2099-01-01T00:00:00.000Z";

fn host() -> Host {
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .config(CONFIG)
        .start()
}

/// Somebody with every grant on every object of identity, and no permission of the system.
fn clerk(people: &mut People) -> Person {
    let all = json!({
        "allowRead": true, "allowCreate": true, "allowEdit": true, "allowDelete": true,
        "viewAllRecords": true, "modifyAllRecords": true,
    });
    let objects: serde_json::Map<String, Value> = OBJECTS
        .iter()
        .map(|object| ((*object).to_owned(), all.clone()))
        .collect();
    let set = json!({ "objects": objects });
    let made = people.admin.send("PUT", "/api/v1/permissions/sets/clerks", &set);
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let clerk = people.user("clerk");
    people.give_set(&clerk, "clerks");
    clerk
}

fn data(object: &str, id: &str) -> String {
    format!("/api/v1/data/{object}/{id}")
}

fn organization(person: &mut Person, slug: &str) -> String {
    let body = json!({"name": slug, "slug": slug});
    let made = person
        .send("POST", "/api/v1/auth/organization/create", &body)
        .expect(200);
    made["id"].as_str().expect("an id").to_owned()
}

fn is_signed_in(person: &mut Person) -> bool {
    person.get("/api/v1/auth/list-sessions").status == 200
}

#[test]
fn whoever_may_write_the_records_of_identity_becomes_no_more_by_it() {
    let host = host();
    let mut people = People::new(&host);
    let mut clerk = clerk(&mut people);
    let acme = organization(&mut people.admin, "acme");
    let (own, root) = (clerk.id.clone(), people.admin.id.clone());
    let post = |object: &str, record: Value| ("POST", format!("/api/v1/data/{object}"), record);
    let tries = [
        ("PATCH", data("sys_user", &own), json!({"role": "super_admin"})),
        ("PATCH", data("sys_user", &own), json!({"email_verified": true})),
        ("PATCH", data("sys_user", &root), json!({"banned": true})),
        ("PATCH", data("sys_user", &root), json!({"email": "clerk2@example.com"})),
        ("DELETE", data("sys_user", &root), Value::Null),
        ("DELETE", data("sys_verification", "first_administrator"), Value::Null),
        post(
            "sys_user",
            json!({"name": "x", "email": "x@example.com", "role": "super_admin"}),
        ),
        post(
            "sys_session",
            json!({"user_id": root, "token_hash": "h", "expires_at": WHEN, "signed_in_at": WHEN}),
        ),
        post("sys_api_key", json!({"name": "k", "user_id": root, "key_hash": "h"})),
        post(
            "sys_account",
            json!({"user_id": root, "provider_id": "corporate", "account_id": "c1"}),
        ),
        post(
            "sys_passkey",
            json!({"user_id": root, "credential_id": "c", "public_key": "k", "algorithm": -7}),
        ),
        post("sys_two_factor", json!({"user_id": root, "secret": "s"})),
        post("sys_verification", json!({"identifier": "x"})),
        post(
            "sys_member",
            json!({"organization_id": acme, "user_id": own, "role": "owner"}),
        ),
        post(
            "sys_invitation",
            json!({"organization_id": acme, "email": "clerk@example.com", "role": "owner", "expires_at": WHEN}),
        ),
        post("sys_team", json!({"name": "x", "organization_id": acme})),
        ("DELETE", data("sys_organization", &acme), Value::Null),
    ];
    for (method, path, body) in tries {
        let answer = clerk.send(method, &path, &body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 403, "{method} {path} {body}: {text}");
    }
    let mine = clerk.get("/api/v1/auth/get-session").expect(200);
    assert_eq!(
        (&mine["user"]["role"], &mine["user"]["emailVerified"]),
        (&json!("user"), &json!(false))
    );
    assert!(is_signed_in(&mut people.admin));
    // What is theirs stays theirs.
    clerk
        .send("PATCH", &data("sys_user", &own), &json!({"name": "Clerk"}))
        .expect(200);
}

#[test]
fn what_an_administrator_does_over_the_data_routes_has_what_goes_with_it() {
    let host = host();
    let mut people = People::new(&host);
    let (mut bob, mut ann) = (people.user("bob"), people.user("ann"));
    let set = |person: &Person, banned: bool| (data("sys_user", &person.id), json!({"banned": banned}));
    let (path, off) = set(&bob, true);
    assert!(is_signed_in(&mut bob));
    people.admin.send("PATCH", &path, &off).expect(200);
    assert!(!is_signed_in(&mut bob));
    let (path, on) = set(&bob, false);
    people.admin.send("PATCH", &path, &on).expect(200);
    assert!(!is_signed_in(&mut bob), "what was ended stays ended");
    let mut bob = people.again("bob");
    assert!(is_signed_in(&mut bob));
    // With a user go the ways in, and with an organisation who is in it.
    people
        .admin
        .send("DELETE", &data("sys_user", &bob.id), &Value::Null)
        .expect(200);
    assert!(!is_signed_in(&mut bob));
    let right = json!({"email": "bob@example.com", "password": "correct horse battery 9"});
    assert_eq!(
        host.client().send("POST", "/api/v1/auth/sign-in/email", &right).status,
        401
    );
    let acme = organization(&mut ann, "acme");
    people
        .admin
        .send("DELETE", &data("sys_organization", &acme), &Value::Null)
        .expect(200);
    let left = ann.get("/api/v1/auth/organization/list").expect(200);
    assert_eq!(left, json!([]));
    assert!(is_signed_in(&mut ann));
}
