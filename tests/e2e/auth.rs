//! Who is who, from outside: the real host, the real plugins, a real socket.

use objectos_tests::{Answer, Client, Host, HostBuilder};
use serde_json::{Value, json};

const PASSWORD: &str = "tangerine-otter-41";
/// Cheap hashes, so that the tests are about something else.
const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n    lockout: {attempts: 3, slowAfter: 9}\n";

fn host() -> Host {
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .example("crm")
        .config(CONFIG)
        .start()
}

fn send(client: &mut Client, line: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let (method, path) = line.split_once(' ').expect("METHOD /path");
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let headers = [&[("content-type", "application/json")], headers].concat();
    client
        .request(method, path, &headers, &bytes)
        .unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn auth(path: &str) -> String {
    format!("POST /api/v1/auth/{path}")
}

/// Registers; answers the token.
fn register(host: &Host, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD, "name": "Ada" });
    let made = send(&mut host.client(), &auth("sign-up/email"), &[], &body).expect(200);
    made["data"]["token"].as_str().expect("a token").to_owned()
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn get(host: &Host, path: &str, token: &str) -> Answer {
    send(
        &mut host.client(),
        &format!("GET {path}"),
        &[("authorization", &bearer(token))],
        &Value::Null,
    )
}

#[test]
fn from_registering_to_data_and_out_again() {
    let host = host();
    let mut client = host.client();
    let refused = client.get("/api/v1/data/account").expect(401);
    assert_eq!(refused["code"], "unauthenticated");
    client.get("/api/v1/data/no_such_object").expect(401);
    let token = register(&host, "ada@example.com");
    let list = get(&host, "/api/v1/data/account?top=3", &token).expect(200);
    assert_eq!(list["records"].as_array().map(Vec::len), Some(3));
    let by = bearer(&token);
    let made = send(
        &mut client,
        "POST /api/v1/data/account",
        &[("authorization", &by)],
        &json!({"name": "Initech"}),
    );
    let made = made.expect(201);
    let session = get(&host, "/api/v1/auth/get-session", &token).expect(200);
    assert_eq!(made["record"]["created_by"], session["user"]["id"]);
    assert_eq!(session["user"]["role"], "super_admin");
    get(&host, "/api/v1/plugins", &token).expect(200);
    send(&mut client, &auth("sign-out"), &[("authorization", &by)], &Value::Null).expect(200);
    get(&host, "/api/v1/data/account", &token).expect(401);
    assert_eq!(get(&host, "/api/v1/auth/get-session", &token).expect(200), Value::Null);
}

#[test]
fn somebody_without_rights_sees_and_steers_nothing() {
    let host = host();
    register(&host, "root@example.com");
    let token = register(&host, "ada@example.com");
    assert_eq!(
        get(&host, "/api/v1/data/account", &token).expect(403)["code"],
        "permission_denied"
    );
    assert_eq!(
        get(&host, "/api/v1/plugins", &token).expect(403)["code"],
        "insufficient_privileges"
    );
    for object in [
        "sys_user",
        "sys_account",
        "sys_session",
        "sys_verification",
        "sys_api_key",
    ] {
        let status = get(&host, &format!("/api/v1/data/{object}"), &token).status;
        assert!(status == 403 || status == 404, "{object}: {status}");
    }
}

#[test]
fn a_session_survives_a_restart_and_ends_with_its_revocation() {
    let mut host = host();
    let token = register(&host, "ada@example.com");
    host.restart();
    get(&host, "/api/v1/data/account", &token).expect(200);
    let body = json!({ "token": token });
    let by = bearer(&token);
    send(
        &mut host.client(),
        &auth("revoke-session"),
        &[("authorization", &by)],
        &body,
    )
    .expect(200);
    get(&host, "/api/v1/data/account", &token).expect(401);
}

#[test]
fn whoever_is_disabled_is_out_at_once() {
    let host = host();
    let root = register(&host, "root@example.com");
    let ada = register(&host, "ada@example.com");
    let session = get(&host, "/api/v1/auth/get-session", &ada).expect(200);
    let by = bearer(&root);
    let key = send(
        &mut host.client(),
        &auth("api-key/create"),
        &[("authorization", &bearer(&ada))],
        &json!({ "name": "import" }),
    );
    let key = key.expect(200)["key"].as_str().expect("a key").to_owned();
    get(&host, "/api/v1/auth/list-accounts", &ada).expect(200);
    get(&host, "/api/v1/meta", &key).expect(200);
    let body = json!({ "userId": session["user"]["id"] });
    send(
        &mut host.client(),
        &auth("admin/ban-user"),
        &[("authorization", &by)],
        &body,
    )
    .expect(200);
    get(&host, "/api/v1/auth/list-accounts", &ada).expect(401);
    get(&host, "/api/v1/meta", &key).expect(401);
}

#[test]
fn two_first_registrations_make_one_administrator() {
    let host = host();
    let roles: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let mut client = host.client();
                scope.spawn(move || {
                    let email = format!("user{number}@example.com");
                    let body = json!({ "email": email, "password": PASSWORD, "name": "Ada" });
                    let made = send(&mut client, &auth("sign-up/email"), &[], &body).expect(200);
                    made["user"]["role"].as_str().expect("a role").to_owned()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread ends"))
            .collect()
    });
    assert_eq!(
        roles.iter().filter(|role| *role == "super_admin").count(),
        1,
        "{roles:?}"
    );
}

#[test]
fn guessing_ends_in_a_lock() {
    let host = host();
    register(&host, "ada@example.com");
    let mut client = host.client();
    for email in ["ada@example.com", "nobody@example.com"] {
        let wrong = json!({ "email": email, "password": "walnut-heron-72" });
        for _ in 0..3 {
            let refused = send(&mut client, &auth("sign-in/email"), &[], &wrong).expect(401);
            assert_eq!(refused["code"], "INVALID_EMAIL_OR_PASSWORD");
        }
        let right = json!({ "email": email, "password": PASSWORD });
        let locked = send(&mut client, &auth("sign-in/email"), &[], &right);
        assert!(locked.header("retry-after").is_some());
        assert_eq!(locked.expect(429)["code"], "TOO_MANY_ATTEMPTS");
    }
}

#[test]
fn no_forged_token_and_no_header_makes_somebody() {
    let host = host();
    let token = register(&host, "ada@example.com");
    let ada = get(&host, "/api/v1/auth/get-session", &token).expect(200);
    let id = ada["user"]["id"].as_str().expect("an id");
    // {"alg":"none"}, {"alg":"HS256"} for the same user and another audience: no token of ours looks like that.
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwiYXVkIjoib2JqZWN0b3MifQ.";
    let hs = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIiwiYXVkIjoib3RoZXIifQ.c2lnbmF0dXJl";
    let signed = format!("{token}.c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmE");
    let cookie = format!("better-auth.session_token={token}");
    let cases: [&[(&str, &str)]; 8] = [
        &[("authorization", &format!("Bearer {none}"))],
        &[("authorization", &format!("Bearer {hs}"))],
        &[("authorization", &format!("Bearer {signed}"))],
        &[("authorization", &format!("Basic {token}"))],
        &[("cookie", &cookie)],
        &[("x-api-key", &token)],
        &[("x-user-id", id), ("x-tenant-id", "t1"), ("x-forwarded-user", id)],
        &[("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1")],
    ];
    for headers in cases {
        send(&mut host.client(), "GET /api/v1/data/account", headers, &Value::Null).expect(401);
    }
    let by = bearer(&token);
    let chosen = [
        ("authorization", by.as_str()),
        ("x-tenant-id", "t1"),
        ("x-user-id", "u1"),
        ("x-forwarded-for", "6.6.6.6"),
    ];
    let session = send(
        &mut host.client(),
        "GET /api/v1/auth/get-session",
        &chosen,
        &Value::Null,
    )
    .expect(200);
    assert_eq!(
        (&session["user"]["id"], &session["session"]["activeOrganizationId"]),
        (&json!(id), &Value::Null)
    );
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let forwarded = [("x-forwarded-for", "6.6.6.6")];
    let entered = send(&mut host.client(), &auth("sign-in/email"), &forwarded, &body).expect(200);
    assert_eq!(entered["data"]["session"]["ipAddress"], "127.0.0.1");
}

#[test]
fn an_organization_is_the_tenant() {
    let host = host();
    let token = register(&host, "ada@example.com");
    let by = bearer(&token);
    let headers = [("authorization", by.as_str())];
    let mut client = host.client();
    let body = json!({ "name": "Acme", "slug": "acme" });
    let made = send(&mut client, &auth("organization/create"), &headers, &body).expect(200);
    let session = get(&host, "/api/v1/auth/get-session", &token).expect(200);
    assert_eq!(session["session"]["activeOrganizationId"], made["id"]);
    let invite = json!({ "email": "bob@example.com", "role": "member" });
    let invited = send(&mut client, &auth("organization/invite-member"), &headers, &invite).expect(200);
    let bob = register(&host, "bob@example.com");
    // Without a mail server the link is handed over.
    let link = invited["link"].as_str().expect("a link");
    let body = json!({ "invitationId": link.rsplit('/').next() });
    send(
        &mut client,
        &auth("organization/accept-invitation"),
        &[("authorization", &bearer(&bob))],
        &body,
    )
    .expect(200);
    let members = get(&host, "/api/v1/auth/organization/list-members", &bob).expect(200);
    assert_eq!(members["total"], 2);
}

#[test]
fn a_browser_is_known_by_its_cookie() {
    let host = host();
    let mut client = host.client();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
    let made = send(&mut client, &auth("sign-up/email"), &[], &body);
    let cookie = made
        .header("set-cookie")
        .and_then(|cookie| cookie.split(';').next())
        .expect("a cookie")
        .to_owned();
    assert!(cookie.starts_with("better-auth.session_token="), "{cookie}");
    let page = format!("http://{}", host.address());
    let account = json!({ "name": "Initech" });
    let mut create = |origin: &[(&str, &str)]| {
        let headers = [&[("cookie", cookie.as_str())], origin].concat();
        send(&mut client, "POST /api/v1/data/account", &headers, &account).status
    };
    assert_eq!(create(&[("origin", &page)]), 201);
    assert_eq!(create(&[("origin", "https://evil.example")]), 403);
    assert_eq!(create(&[]), 403);
}
