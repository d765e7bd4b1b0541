//! The CRM where people sign in: a host with `auth`, `permissions` and `audit`, and people who came to it over a socket of their
//! own. The set-up of `reach`, `audit_access` and `auth_ends`. Whoever needs roles and sets given by an administrator has them of
//! `permissions::people`.

use objectos_tests::{Answer, Client, Host, HostBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Everybody's.
pub(crate) const PASSWORD: &str = "tangerine-otter-41";
/// Hashing that costs a test nothing.
const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";

pub(crate) fn host() -> Host {
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .plugin("audit")
        .example("crm")
        .config(CONFIG)
        .start()
}

/// Somebody on one connection that stays open.
pub(crate) struct Person {
    client: Client,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) cookie: String,
}

/// Somebody who comes in at a path that makes a session.
pub(crate) fn enter(host: &Host, path: &str, body: &Value) -> Person {
    let mut client = host.client();
    let answer = client.send("POST", path, body);
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let cookie = cookie.expect("a cookie").to_owned();
    let made = answer.expect(200);
    Person {
        client,
        id: made["user"]["id"].as_str().expect("an id").to_owned(),
        email: made["user"]["email"].as_str().expect("an address").to_owned(),
        token: made["token"].as_str().expect("a token").to_owned(),
        cookie,
    }
}

/// Somebody new; the first one is the administrator.
pub(crate) fn register(host: &Host, name: &str) -> Person {
    let body = json!({"email": format!("{name}@example.com"), "password": PASSWORD, "name": name});
    enter(host, "/api/v1/auth/sign-up/email", &body)
}

impl Person {
    /// Sends with these headers and no proof of who it is but what is among them. `line`: `METHOD /path`.
    pub(crate) fn send_with(&mut self, line: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let (method, path) = line.split_once(' ').expect("METHOD /path");
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.client
            .request(method, path, &headers, &bytes)
            .unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    pub(crate) fn send(&mut self, line: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.send_with(line, &[("authorization", &bearer)], body)
    }

    /// Sends under a name by which the trail tells the request from others.
    pub(crate) fn send_marked(&mut self, mark: &str, line: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.send_with(line, &[("authorization", &bearer), ("user-agent", mark)], body)
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &Value::Null)
    }

    pub(crate) fn await_event(&mut self, host: &Host, filter: &str) -> Value {
        await_event(host, filter, |path| self.get(path))
    }
}

/// The latest event that matches, once it is there: the trail is written a moment after the change.
pub(crate) fn await_event(host: &Host, filter: &str, mut get: impl FnMut(&str) -> Answer) -> Value {
    let begun = Instant::now();
    loop {
        let page = get(&format!("/api/v1/audit/events?{filter}")).expect(200);
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
