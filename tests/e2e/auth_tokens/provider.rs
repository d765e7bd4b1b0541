//! An OpenID provider that answers a code with whatever token it was given, and what such tokens are made of. It looks at nothing
//! but the code and the client's secret.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

pub(super) const CLIENT: &str = "objectos";
pub(super) const SECRET: &str = "the-secret-of-this-client-in-tests";
pub(super) const CODE: &str = "one-code";
pub(super) const EMAIL: &str = "ada@example.com";
/// Name of the provider's key.
pub(super) const KEY: &str = "k1";

/// A provider with one key, and a forger beside who has another one.
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) key: EcdsaKeyPair,
    pub(super) forger: EcdsaKeyPair,
    token: Arc<Mutex<String>>,
}

impl Provider {
    /// Listens until the tests end.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let (key, forger) = (new_key(), new_key());
        let token = Arc::new(Mutex::new(String::new()));
        let discovery = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        });
        let (keys, given) = (json!({"keys": [shown(&key)]}), Arc::clone(&token));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let mut reader = BufReader::new(socket);
                let (path, form) = heard(&mut reader);
                let asked_well = form.contains(&format!("code={CODE}&")) && form.contains(SECRET);
                let answer = match path.as_str() {
                    "/.well-known/openid-configuration" => discovery.clone(),
                    "/keys" => keys.clone(),
                    "/token" if asked_well => {
                        let token = given.lock().expect("a token").clone();
                        json!({"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": token})
                    }
                    _ => Value::Null,
                };
                tell(reader.get_mut(), &answer);
            }
        });
        Self {
            issuer,
            key,
            forger,
            token,
        }
    }

    /// What a good token says in a sign-in of this nonce.
    pub(super) fn claims(&self, nonce: &str) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_s = now.expect("a clock after 1970").as_secs();
        json!({
            "iss": self.issuer, "aud": CLIENT, "sub": "p1", "nonce": nonce, "iat": now_s, "exp": now_s + 300,
            "email": EMAIL, "email_verified": true, "name": "Ada",
        })
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        signed(&self.key, &header(KEY), claims)
    }

    /// Gives this token for the code from now on.
    pub(super) fn give(&self, token: String) {
        *self.token.lock().expect("a token") = token;
    }
}

/// Path and body of a request.
fn heard(reader: &mut BufReader<TcpStream>) -> (String, String) {
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0_usize);
    reader.read_line(&mut first).expect("a request");
    while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
        line.clear();
    }
    let mut body = vec![0_u8; length];
    reader.read_exact(&mut body).expect("a body");
    let path = first.split(' ').nth(1).unwrap_or_default();
    (path.to_owned(), String::from_utf8(body).expect("a text"))
}

fn tell(socket: &mut TcpStream, answer: &Value) {
    let status = if answer.is_null() { "400 Bad Request" } else { "200 OK" };
    let body = answer.to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(format!("{head}{body}").as_bytes()).expect("an answer");
}

fn new_key() -> EcdsaKeyPair {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a new key");
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key")
}

/// The public half, as a provider shows it.
pub(super) fn shown(key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref();
    json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY,
        "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
    })
}

pub(super) fn header(kid: &str) -> Value {
    json!({"alg": "ES256", "kid": kid})
}

pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

pub(super) fn signed(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let text = unsigned(header, claims);
    let signature = key.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Under a secret that both sides know.
pub(super) fn shared(secret: &[u8], claims: &Value) -> String {
    let text = unsigned(&json!({"alg": "HS256", "kid": KEY}), claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

pub(super) fn with(claims: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims.clone();
    claims[name] = value.into();
    claims
}
