//! The audit trail where people sign in: refusals and sign-ins leave rows, secrets do not, and few read it.

use objectos_tests::{Answer, Client, Host, HostBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PASSWORD: &str = "tangerine-otter-41";
const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";

fn host() -> Host {
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .plugin("audit")
        .example("crm")
        .config(CONFIG)
        .start()
}

/// Somebody with a session, who sends under a mark of its own.
struct Person {
    client: Client,
    id: String,
    token: String,
}

impl Person {
    fn register(host: &Host, name: &str) -> Self {
        let body = json!({"name": name, "email": format!("{name}@example.com"), "password": PASSWORD});
        let mut client = host.client();
        let made = client.send("POST", "/api/v1/auth/sign-up/email", &body).expect(200);
        Self {
            client,
            id: made["user"]["id"].as_str().expect("an id").to_owned(),
            token: made["token"].as_str().expect("a token").to_owned(),
        }
    }

    fn send(&mut self, mark: &str, line: &str, body: &Value) -> Answer {
        let (method, path) = line.split_once(' ').expect("METHOD /path");
        let bearer = format!("Bearer {}", self.token);
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let headers = [
            ("content-type", "application/json"),
            ("authorization", bearer.as_str()),
            ("user-agent", mark),
        ];
        self.client
            .request(method, path, &headers, &bytes)
            .unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send("reader", &format!("GET {path}"), &Value::Null)
    }

    /// The latest event that matches, once it is there.
    fn await_event(&mut self, host: &Host, filter: &str) -> Value {
        let begun = Instant::now();
        loop {
            let page = self.get(&format!("/api/v1/audit/events?{filter}")).expect(200);
            if let Some(event) = page["data"].as_array().and_then(|events| events.first()) {
                return event.clone();
            }
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "no event for {filter}:\n{}",
                host.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_refused_create_leaves_a_row_and_the_trail_is_for_few() {
    let host = host();
    let mut admin = Person::register(&host, "root");
    let mut nobody = Person::register(&host, "nobody");
    let refused = nobody.send("spec", "POST /api/v1/data/account", &json!({"name": "Initech"}));
    assert_eq!(refused.status, 403, "{}", String::from_utf8_lossy(&refused.body));
    let event = admin.await_event(&host, "eventType=security.access_denied");
    assert_eq!(
        (&event["actor"]["id"], &event["result"]),
        (&json!(nobody.id), &json!("failure")),
        "{event:#}"
    );
    assert_eq!(
        (&event["actor"]["userAgent"], &event["severity"]),
        (&json!("spec"), &json!("warning")),
        "{event:#}"
    );
    assert_eq!(event["objectName"], "account", "{event:#}");
    let made = admin
        .send("spec", "POST /api/v1/data/account", &json!({"name": "Initech"}))
        .expect(201);
    let id = made["id"].as_str().expect("an id");
    admin.await_event(&host, &format!("recordId={id}"));
    for path in [
        "/api/v1/audit/events".to_owned(),
        format!("/api/v1/audit/events/{}", event["id"].as_str().expect("an id")),
        "/api/v1/audit/export".to_owned(),
        format!("/api/v1/audit/trail/account/{id}"),
        format!("/api/v1/audit/field-history/account/{id}/name"),
        format!("/api/v1/data/account/{id}/changelog"),
    ] {
        assert_eq!(host.client().get(&path).status, 401, "{path}");
        let status = nobody.get(&path).status;
        assert!(status == 403 || status == 404, "{path}: {status}");
        assert_eq!(admin.get(&path).status, 200, "{path}");
    }
}

#[test]
fn no_secret_is_in_the_trail() {
    let host = host();
    let mut admin = Person::register(&host, "root");
    let made = admin
        .send("spec", "POST /api/v1/auth/api-key/create", &json!({"name": "k"}))
        .expect(200);
    let wrong = json!({"email": "root@example.com", "password": "not-tangerine-otter"});
    assert_eq!(
        host.client().send("POST", "/api/v1/auth/sign-in/email", &wrong).status,
        401
    );
    let failed = admin.await_event(&host, "eventType=auth.login_failed");
    assert_eq!(
        (&failed["result"], &failed["actor"]["ipAddress"]),
        (&json!("failure"), &json!("127.0.0.1")),
        "{failed:#}"
    );
    admin.await_event(&host, "eventType=security.api_key_created");
    admin.await_event(&host, "objectName=sys_account&eventType=data.create");
    let file = admin.get("/api/v1/audit/export?format=ndjson");
    let text = String::from_utf8(file.body).expect("UTF-8");
    let mut secrets = vec![
        PASSWORD.to_owned(),
        "not-tangerine-otter".to_owned(),
        "$argon2".to_owned(),
        admin.token.clone(),
    ];
    secrets.extend(made["key"].as_str().map(str::to_owned));
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} is in the trail");
    }
    assert!(text.lines().count() > 3, "{text}");
}
