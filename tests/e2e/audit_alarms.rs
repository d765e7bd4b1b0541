//! Suspicious activity has the consequences that its rule names: the address is blocked, the account locked, a second factor
//! required. From the request that is one too many to the refusal, over a real socket.

use objectos_tests::{Client, Host, HostBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use crate::permissions::people::{People, Person};

const CONFIG: &str = r#"
plugins:
  objectos.server:
    trustedProxies: [127.0.0.1]
  objectos.auth:
    hashing: {memoryKib: 1024, iterations: 1}
  objectos.audit:
    suspiciousActivityRules:
      - id: guessing
        name: Password guessing
        eventTypes: [auth.login_failed]
        condition: {threshold: 3, windowSeconds: 600, groupBy: [ipAddress]}
        actions: [block_ip]
      - id: prying
        name: Prying
        eventTypes: [security.access_denied]
        condition: {threshold: 3, windowSeconds: 600, groupBy: [actorId]}
        actions: [lock_account]
      - id: key
        name: A key
        eventTypes: [security.api_key_created]
        condition: {threshold: 1, windowSeconds: 600, groupBy: [actorId]}
        actions: [require_mfa]
"#;

fn host() -> Host {
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .plugin("audit")
        .example("crm")
        .config(CONFIG)
        .start()
}

/// Waits for what follows: the trail is written, then looked at, then acted on.
fn until(host: &Host, what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}\n{}", host.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends as if it came from an address, through a proxy that is trusted.
fn from(address: &str, client: &mut Client, token: &str, line: &str, body: &Value) -> (u16, Value) {
    let (method, path) = line.split_once(' ').expect("METHOD /path");
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("content-type", "application/json"), ("x-forwarded-for", address)];
    if !token.is_empty() {
        headers.push(("authorization", bearer.as_str()));
    }
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let answer = client.request(method, path, &headers, &bytes).expect("an answer");
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

#[test]
fn an_address_that_guesses_is_blocked_until_somebody_opens_it() {
    let host = host();
    let mut people = People::new(&host);
    let vera = people.user("vera");
    people.give_set(&vera, "read_only");
    let mut client = host.client();
    let wrong = json!({"email": "vera@example.com", "password": "walnut-heron-72"});
    let line = "POST /api/v1/auth/sign-in/email";
    for _ in 0..3 {
        assert_eq!(from("203.0.113.9", &mut client, "", line, &wrong).0, 401);
    }
    let accounts = "GET /api/v1/data/account?top=1";
    until(&host, "the address is not blocked", || {
        let (status, answer) = from("203.0.113.9", &mut client, vera.token(), accounts, &Value::Null);
        status == 403
            && answer["code"]
                .as_str()
                .is_some_and(|code| code.eq_ignore_ascii_case("address_blocked"))
    });
    let right = json!({"email": "vera@example.com", "password": "correct horse battery 9"});
    let (status, answer) = from("203.0.113.9", &mut client, "", line, &right);
    assert_eq!((status, &answer["code"]), (403, &json!("ADDRESS_BLOCKED")));
    // Others are not meant.
    assert_eq!(
        from("203.0.113.10", &mut client, vera.token(), accounts, &Value::Null).0,
        200
    );
    let blocked = people.admin.get("/api/v1/data/sys_blocked_address").expect(200);
    let record = &blocked["records"][0];
    assert_eq!(record["address"], "203.0.113.9", "{blocked}");
    let path = format!(
        "/api/v1/data/sys_blocked_address/{}",
        record["id"].as_str().expect("an id")
    );
    people.admin.send("DELETE", &path, &Value::Null).expect(200);
    assert_eq!(
        from("203.0.113.9", &mut client, vera.token(), accounts, &Value::Null).0,
        200
    );
}

#[test]
fn a_network_that_guesses_is_blocked_whole() {
    let host = host();
    let mut people = People::new(&host);
    let vera = people.user("vera");
    people.give_set(&vera, "read_only");
    let mut client = host.client();
    let wrong = json!({"email": "vera@example.com", "password": "walnut-heron-72"});
    let line = "POST /api/v1/auth/sign-in/email";
    for last in 1..=3 {
        let address = format!("2001:db8:1:2::{last}");
        assert_eq!(from(&address, &mut client, "", line, &wrong).0, 401, "{address}");
    }
    let accounts = "GET /api/v1/data/account?top=1";
    until(&host, "the network is not blocked", || {
        from("2001:db8:1:2::99", &mut client, vera.token(), accounts, &Value::Null).0 == 403
    });
    let beside = from("2001:db8:1:3::1", &mut client, vera.token(), accounts, &Value::Null);
    assert_eq!(beside.0, 200, "{}", beside.1);
}

#[test]
fn whoever_pries_is_locked_out() {
    let host = host();
    let people = People::new(&host);
    let mut eve = people.user("eve");
    for object in ["account", "contact", "lead"] {
        assert_eq!(eve.get(&format!("/api/v1/data/{object}")).status, 403);
    }
    until(&host, "the account is not locked", || {
        eve.get("/api/v1/auth/list-sessions").status == 401
    });
    let mut client = host.client();
    let right = json!({"email": "eve@example.com", "password": "correct horse battery 9"});
    let refused = client.send("POST", "/api/v1/auth/sign-in/email", &right).status;
    assert!(refused == 403 || refused == 429, "{refused}");
}

#[test]
fn a_second_factor_is_required_after_what_the_rule_names() {
    let host = host();
    let mut people = People::new(&host);
    let mut kim = people.user("kim");
    people.give_set(&kim, "read_only");
    let accounts = "/api/v1/data/account?top=1";
    kim.get(accounts).expect(200);
    let key = json!({"name": "k"});
    kim.send("POST", "/api/v1/auth/api-key/create", &key).expect(200);
    // The protocol counts it among what is wrong with the proof of who somebody is.
    let restricted = |kim: &mut Person| {
        let answer = kim.get(accounts);
        answer.status == 401 && answer.json()["code"] == "mfa_required"
    };
    until(&host, "no second factor is required", || restricted(&mut kim));
    // What sets it right stays open.
    kim.get("/api/v1/auth/list-sessions").expect(200);
}
