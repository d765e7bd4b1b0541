//! People who do things one after the other, each thing under a mark of its own, and the rows of the trail that it leaves.

use objectos_tests::{Answer, Client, Host, HostBuilder};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::provider;

pub(super) const PASSWORD: &str = "tangerine-otter-41";
const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n    password: {historyCount: 0}\n    lockout: {attempts: 3, slowAfter: 9}\n";

/// Somebody, by what they prove themselves with.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) email: String,
}

/// The host, its administrator, and which routes were seen to leave their rows.
pub(super) struct Scene {
    pub(super) host: Host,
    client: Client,
    pub(super) admin: Person,
    pub(super) seen: BTreeSet<String>,
    count: usize,
}

/// What was sent.
pub(super) struct Sent {
    mark: String,
    line: String,
    /// The answer's body.
    pub(super) body: Value,
    /// `Set-Cookie` headers, as a browser would send them back.
    pub(super) cookies: String,
}

impl Scene {
    pub(super) fn new() -> Self {
        let at = provider::serve();
        let known = format!(
            "    providers:\n      - {{id: corporate, clientId: objectos, clientSecret: a secret of tests, authorizationUrl: '{at}/authorize', tokenUrl: '{at}/token', userinfoUrl: '{at}/userinfo'}}\n"
        );
        let host = HostBuilder::new()
            .plugin("auth")
            .plugin("permissions")
            .plugin("audit")
            .example("crm")
            .config(&format!("{CONFIG}{known}"))
            .start();
        let client = host.client();
        let nobody = Person {
            id: String::new(),
            token: String::new(),
            email: String::new(),
        };
        let mut scene = Self {
            host,
            client,
            admin: nobody,
            seen: BTreeSet::new(),
            count: 0,
        };
        scene.admin = scene.register("root");
        scene
    }

    pub(super) fn register(&mut self, name: &str) -> Person {
        let email = format!("{name}@example.com");
        let body = json!({"name": name, "email": email, "password": PASSWORD});
        let made = self
            .client
            .send("POST", "/api/v1/auth/sign-up/email", &body)
            .expect(200);
        person(&made, email)
    }

    pub(super) fn sign_in(&mut self, email: &str, password: &str) -> Person {
        let body = json!({"email": email, "password": password});
        let made = self
            .client
            .send("POST", "/api/v1/auth/sign-in/email", &body)
            .expect(200);
        person(&made, email.to_owned())
    }

    /// Sends, with an answer that is good. `by` nobody goes without a session.
    pub(super) fn send(&mut self, by: Option<&Person>, line: &str, cookies: &str, body: &Value) -> Sent {
        let (mark, answer) = self.exchange(by, line, cookies, body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!((200..300).contains(&answer.status), "{line}: {} {text}", answer.status);
        let set = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        let pairs: Vec<&str> = set.filter_map(|(_, value)| value.split(';').next()).collect();
        Sent {
            cookies: pairs.join("; "),
            body: serde_json::from_str(&text).unwrap_or_default(),
            mark,
            line: line.to_owned(),
        }
    }

    /// Sends, whatever the answer is.
    pub(super) fn tries(&mut self, by: &Person, line: &str, cookies: &str, body: &Value) -> Answer {
        self.exchange(Some(by), line, cookies, body).1
    }

    /// Sends under a new mark; answers that, too.
    fn exchange(&mut self, by: Option<&Person>, line: &str, cookies: &str, body: &Value) -> (String, Answer) {
        self.count += 1;
        let mark = format!("mark-{}", self.count);
        let (method, path) = line.split_once(' ').expect("METHOD /path");
        let bearer = by.map(|person| format!("Bearer {}", person.token)).unwrap_or_default();
        let origin = format!("http://{}", self.host.address());
        let mut headers = vec![
            ("content-type", "application/json"),
            ("user-agent", mark.as_str()),
            ("origin", origin.as_str()),
        ];
        if by.is_some() {
            headers.push(("authorization", bearer.as_str()));
        }
        if !cookies.is_empty() {
            headers.push(("cookie", cookies));
        }
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let answer = self
            .client
            .request(method, path, &headers, &bytes)
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        (mark, answer)
    }

    /// Waits for the row that a request left, and notes that its route leaves one.
    pub(super) fn left(&mut self, sent: &Sent, route: &str, row: &str) {
        let found = self.row(&format!("userAgent={}&{row}", sent.mark), &sent.line);
        assert_eq!(found["actor"]["ipAddress"], "127.0.0.1", "{}: {found:#}", sent.line);
        if row.starts_with("eventType=authz.policy_") {
            // Stored with the change by the data engine, and told by the plugin whose hook asked for it.
            assert_eq!(found["plugin"], "objectos.permissions", "{}: {found:#}", sent.line);
        }
        self.seen.insert(route.to_owned());
    }

    fn row(&mut self, filter: &str, line: &str) -> Value {
        let begun = Instant::now();
        let bearer = format!("Bearer {}", self.admin.token);
        let headers = [("authorization", bearer.as_str())];
        loop {
            let path = format!("/api/v1/audit/events?{filter}");
            let answer = self.client.request("GET", &path, &headers, b"").expect("an answer");
            let page = answer.expect(200);
            if let Some(row) = page["data"].as_array().and_then(|rows| rows.first()) {
                return row.clone();
            }
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "{line} left no row for {filter}:\n{}",
                self.host.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Does something whose route has no parameters.
    pub(super) fn does(&mut self, by: &Person, route: &str, body: &Value, row: &str) -> Value {
        self.does_at(by, route, route, body, row)
    }

    /// Does something at a path of a route.
    pub(super) fn does_at(&mut self, by: &Person, route: &str, line: &str, body: &Value, row: &str) -> Value {
        let sent = self.send(Some(by), line, "", body);
        self.left(&sent, route, row);
        sent.body
    }

    /// Nobody who is signed in does something.
    pub(super) fn somebody_does(&mut self, route: &str, body: &Value, row: &str) -> Value {
        let sent = self.send(None, route, "", body);
        self.left(&sent, route, row);
        sent.body
    }

    /// What stands behind a word in the last mail to somebody, which development writes to the log; it may go out after the answer.
    pub(super) fn mailed(&self, to: &str, word: &str) -> String {
        let line = self.host.wait_for_line(&[to, word]);
        let at = line.rfind(word).expect("the word") + word.len();
        line[at..].chars().take_while(char::is_ascii_alphanumeric).collect()
    }

    /// The routes of the two plugins that are not for reading.
    pub(super) fn changing_routes(&mut self) -> BTreeSet<String> {
        let bearer = format!("Bearer {}", self.admin.token);
        let headers = [("authorization", bearer.as_str())];
        let answer = self.client.request("GET", "/api/v1/plugins", &headers, b"");
        let report = answer.expect("an answer").expect(200);
        let report = if report["data"].is_object() {
            &report["data"]
        } else {
            &report
        };
        report["plugins"]
            .as_array()
            .expect("plugins")
            .iter()
            .filter(|plugin| plugin["id"] == "objectos.auth" || plugin["id"] == "objectos.permissions")
            .flat_map(|plugin| plugin["routes"].as_array().cloned().unwrap_or_default())
            .filter_map(|route| route.as_str().map(str::to_owned))
            .filter(|route| !route.starts_with("GET "))
            .collect()
    }
}

fn person(made: &Value, email: String) -> Person {
    Person {
        id: made["user"]["id"].as_str().expect("an id").to_owned(),
        token: made["token"].as_str().expect("a token").to_owned(),
        email,
    }
}

/// An id in an answer.
pub(super) fn id(answer: &Value) -> String {
    answer["id"]
        .as_str()
        .unwrap_or_else(|| panic!("an id in {answer}"))
        .to_owned()
}
