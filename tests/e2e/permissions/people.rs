//! People with sessions: the first one is the administrator.

use objectos_tests::{Answer, Client, Host};
use serde_json::{Value, json};
use std::net::SocketAddr;

const PASSWORD: &str = "correct horse battery 9";

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    token: String,
    client: Client,
}

/// Everybody of one host.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) admin: Person,
    address: SocketAddr,
}

impl Person {
    /// The session's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The same person, with the same session, at another host.
    pub(crate) fn at(&self, host: &Host) -> Self {
        Self {
            id: self.id.clone(),
            token: self.token.clone(),
            client: host.client(),
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null)
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        self.client
            .request(method, path, &headers, &body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Makes a record and answers its id.
    pub(crate) fn make(&mut self, object: &str, record: &Value) -> String {
        let made = self.send("POST", &format!("/api/v1/data/{object}"), record).expect(201);
        made["id"].as_str().expect("an id").to_owned()
    }
}

impl People {
    pub(crate) fn new(host: &Host) -> Self {
        let admin = sign_up(host.address(), "root");
        Self {
            admin,
            address: host.address(),
        }
    }

    /// Somebody new, who may do nothing yet.
    pub(crate) fn user(&self, name: &str) -> Person {
        sign_up(self.address, name)
    }

    /// Somebody who registered before, with another session.
    pub(crate) fn again(&self, name: &str) -> Person {
        let mut client = Client::new(self.address);
        let body = json!({"email": format!("{name}@example.com"), "password": PASSWORD});
        let made = client.send("POST", "/api/v1/auth/sign-in/email", &body).expect(200);
        person(&made, client)
    }

    pub(crate) fn give_role(&mut self, person: &Person, role: &str) -> String {
        self.admin
            .make("sys_user_role", &json!({"user": person.id, "role": role}))
    }

    pub(crate) fn give_set(&mut self, person: &Person, set: &str) -> String {
        let body = json!({"permissionSet": set, "assignee": person.id});
        let made = self
            .admin
            .send("POST", "/api/v1/permissions/assignments", &body)
            .expect(201);
        made["id"].as_str().expect("an id").to_owned()
    }
}

fn sign_up(address: SocketAddr, name: &str) -> Person {
    let mut client = Client::new(address);
    let body = json!({"name": name, "email": format!("{name}@example.com"), "password": PASSWORD});
    let made = client.send("POST", "/api/v1/auth/sign-up/email", &body).expect(200);
    person(&made, client)
}

fn person(made: &Value, client: Client) -> Person {
    Person {
        id: made["user"]["id"].as_str().expect("an id").to_owned(),
        token: made["token"].as_str().expect("a token").to_owned(),
        client,
    }
}
