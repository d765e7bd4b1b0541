//! Identity tokens that an OpenID provider should never give, from outside: the provider is the test's own, so that it can answer a
//! code with whatever token a case asks for. None but the right one makes a user or a session. What a provider that keeps to the
//! rules does is in `auth_clients`.

mod provider;

use objectos_tests::{Answer, Client, Host, HostBuilder};
use ring::signature::KeyPair as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;

use self::provider::{CLIENT, CODE, EMAIL, KEY, Provider, SECRET, header, shared, shown, signed, unsigned, with};
use crate::signed_in::{Person, register};

/// What the host logs when the answer of a provider is no good.
const FAILED: &str = "a sign-in at a provider failed";

/// Makes a token out of claims that are good.
type Make = fn(&Provider, &Value) -> String;

const ALGORITHM: &str = "its algorithm is none that is taken";
const SIGNATURE: &str = "its signature is not the key's";

/// What is wrong with a token, the token, and what the operator reads of it.
const BENDS: [(&str, Make, &str); 11] = [
    (
        "no signature",
        |_, claims| format!("{}.", unsigned(&json!({"alg": "none"}), claims)),
        ALGORITHM,
    ),
    (
        "the public key as a secret",
        |provider, claims| shared(provider.key.public_key().as_ref(), claims),
        ALGORITHM,
    ),
    (
        "the client's secret",
        |_, claims| shared(SECRET.as_bytes(), claims),
        ALGORITHM,
    ),
    (
        "another key of that name",
        |provider, claims| signed(&provider.forger, &header(KEY), claims),
        SIGNATURE,
    ),
    (
        "a key that it brings along",
        |provider, claims| {
            let header = with(&header(KEY), "jwk", shown(&provider.forger));
            signed(&provider.forger, &header, claims)
        },
        SIGNATURE,
    ),
    (
        "a key of another name",
        |provider, claims| signed(&provider.forger, &header("k2"), claims),
        "UnknownKey",
    ),
    (
        "other claims than were signed",
        |provider, claims| {
            let (good, other) = (provider.sign(claims), provider.sign(&with(claims, "sub", "p2")));
            let (claimed, _) = other.rsplit_once('.').expect("a signature");
            let (_, signature) = good.rsplit_once('.').expect("a signature");
            format!("{claimed}.{signature}")
        },
        SIGNATURE,
    ),
    (
        "another issuer",
        |provider, claims| provider.sign(&with(claims, "iss", "https://evil.example")),
        "another issuer wrote it",
    ),
    (
        "another audience",
        |provider, claims| provider.sign(&with(claims, "aud", "another")),
        "it is for another audience",
    ),
    (
        "another sign-in",
        |provider, claims| provider.sign(&with(claims, "nonce", "another")),
        "it is of another sign-in",
    ),
    (
        "an hour ago",
        |provider, claims| {
            let began_s = claims["iat"].as_u64().expect("a moment");
            provider.sign(&with(claims, "exp", began_s - 3600))
        },
        "it is over",
    ),
];

/// A browser that keeps cookies.
struct Browser {
    client: Client,
    origin: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new(host: &Host) -> Self {
        Self {
            client: host.client(),
            origin: format!("http://{}", host.address()),
            cookies: BTreeMap::new(),
        }
    }

    fn send(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookie = pairs.join("; ");
        let headers = [
            ("content-type", "application/json"),
            ("origin", self.origin.as_str()),
            ("cookie", cookie.as_str()),
        ];
        let headers = if cookie.is_empty() { &headers[..2] } else { &headers[..] };
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let answer = self
            .client
            .request(method, path, headers, &bytes)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        for (_, set) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = set.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("NAME=value");
            // An empty one takes the cookie away.
            self.cookies.insert(name.to_owned(), value.to_owned());
            self.cookies.retain(|_, value| !value.is_empty());
        }
        answer
    }

    /// Begins; answers where the browser is sent.
    fn begin(&mut self) -> String {
        let body = json!({"providerId": "corporate", "callbackURL": "/app"});
        let begun = self.send("POST", "/api/v1/auth/sign-in/oauth2", &body).expect(200);
        begun["url"].as_str().expect("an address").to_owned()
    }

    /// Comes back from there with what the provider says; answers the page that the browser ends up at.
    fn come_back(&mut self, url: &str, said: &str) -> String {
        let back = parameter(url, "redirect_uri").replace("%3A", ":").replace("%2F", "/");
        let path = back.strip_prefix(self.origin.as_str()).expect("an address of the host");
        let path = format!("{path}?{said}&state={}", parameter(url, "state"));
        let answer = self.send("GET", &path, &Value::Null);
        assert_eq!(answer.status, 302, "{}", String::from_utf8_lossy(&answer.body));
        answer.header("location").expect("a page").to_owned()
    }
}

/// A value of an address's query, as it stands there.
fn parameter(url: &str, name: &str) -> String {
    let mut pairs = url.split(['?', '&']).filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(key, _)| *key == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1.to_owned()
}

/// A host that is a client of the provider, and its administrator.
struct Scene {
    provider: Provider,
    host: Host,
    root: Person,
}

impl Scene {
    fn new() -> Self {
        let provider = Provider::start();
        let config = format!(
            "plugins:\n  objectos.auth:\n    hashing: {{memoryKib: 1024, iterations: 1}}\n    providers:\n      \
             - {{id: corporate, clientId: {CLIENT}, clientSecret: {SECRET}, issuer: '{}'}}\n",
            provider.issuer
        );
        let host = HostBuilder::new()
            .plugin("auth")
            .plugin("permissions")
            .config(&config)
            .start();
        let root = register(&host, "root");
        Self { provider, host, root }
    }

    /// How many users and sessions there are.
    fn population(&mut self) -> [usize; 2] {
        let listed = self.root.get("/api/v1/auth/admin/list-users").expect(200);
        let users = listed["users"].as_array().expect("a list of users");
        let mut sessions = 0;
        for user in users {
            let body = json!({"userId": user["id"]});
            let line = "POST /api/v1/auth/admin/list-user-sessions";
            let listed = self.root.send(line, &body).expect(200);
            sessions += listed["sessions"].as_array().expect("a list of sessions").len();
        }
        [users.len(), sessions]
    }

    /// The whole way with a token. `expected`: the page that the browser ends up at, and who is in. `population`: what is there
    /// afterwards.
    fn check(&mut self, case: &str, make: Make, expected: (&str, Option<&str>), population: [usize; 2]) {
        let mut browser = Browser::new(&self.host);
        let url = browser.begin();
        let authorize = format!("{}/authorize?", self.provider.issuer);
        assert!(url.starts_with(&authorize), "{url}");
        let claims = self.provider.claims(&parameter(&url, "nonce"));
        self.provider.give(make(&self.provider, &claims));
        let page = browser.come_back(&url, &format!("code={CODE}"));
        let session = browser
            .send("GET", "/api/v1/auth/get-session", &Value::Null)
            .expect(200);
        let email = session["user"]["email"].as_str();
        assert_eq!((page.as_str(), email), expected, "{case}");
        assert_eq!(self.population(), population, "{case}");
    }

    /// Why sign-ins were refused, one line of the log for each, up to this moment.
    fn reasons(&self) -> Vec<String> {
        let mut browser = Browser::new(&self.host);
        let url = browser.begin();
        // Lines are in order: once this refusal is there, all before it are.
        let page = browser.come_back(&url, "error=access_denied");
        assert_eq!(page, "/app?error=oauth_failed");
        self.host.wait_for_log("corporate answered access_denied");
        let log = self.host.log();
        let lines = log.lines().filter(|line| line.contains(FAILED));
        lines.map(ToOwned::to_owned).collect()
    }
}

#[test]
fn no_identity_token_of_another_algorithm_key_or_audience_signs_anybody_in() {
    let mut scene = Scene::new();
    let refused = ("/app?error=oauth_failed", None);
    for (bend, make, _) in BENDS {
        scene.check(bend, make, refused, [1, 1]);
    }
    let right: Make = |provider, claims| provider.sign(claims);
    scene.check("the right one", right, ("/app", Some(EMAIL)), [2, 2]);
    // Nor does one let anybody in as somebody who is known by now.
    for (bend, make, _) in BENDS {
        scene.check(bend, make, refused, [2, 2]);
    }
    let reasons = scene.reasons();
    assert_eq!(reasons.len(), 2 * BENDS.len() + 1, "{reasons:#?}");
    for ((bend, _, reason), line) in BENDS.into_iter().chain(BENDS).zip(&reasons) {
        assert!(line.contains(reason), "{bend}: {line}");
    }
}
