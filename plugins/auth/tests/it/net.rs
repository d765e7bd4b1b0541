//! The network of the tests: what stands at an address, what was asked for, and keys that sign identity tokens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use objectos_plugin_api::{
    Context, Result,
    contracts::http_client::{HttpClient, HttpClientServer, IncomingAnswer, OutgoingRequest},
};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::data::MemoryData;
use crate::world::{World, world_with};

/// Answers 200 with what was put at an address, and 404 elsewhere.
#[derive(Default)]
pub(crate) struct Net {
    answers: Mutex<BTreeMap<String, Value>>,
    asked: Mutex<Vec<OutgoingRequest>>,
}

impl HttpClient for Net {
    async fn send(&self, _: Context, request: OutgoingRequest) -> Result<IncomingAnswer> {
        let found = self.answers.lock().unwrap().get(&request.url).cloned();
        self.asked.lock().unwrap().push(request);
        Ok(IncomingAnswer {
            status: if found.is_some() { 200 } else { 404 },
            headers: Vec::new(),
            body: found.map(|body| body.to_string()).unwrap_or_default(),
        })
    }
}

impl Net {
    pub(crate) fn put(&self, url: &str, answer: Value) {
        self.answers.lock().unwrap().insert(url.to_owned(), answer);
    }

    /// The last request to an address.
    pub(crate) fn asked(&self, url: &str) -> OutgoingRequest {
        let asked = self.asked.lock().unwrap();
        let found = asked.iter().rev().find(|request| request.url == url);
        found.cloned().unwrap_or_else(|| panic!("{url} was not asked"))
    }
}

/// A world with this network.
pub(crate) async fn online(more: Value, environment: &[(&str, &str)]) -> (World, Arc<Net>) {
    let net = Arc::new(Net::default());
    let data = Arc::new(MemoryData::new());
    let world = world_with("development", more, data, |host| {
        let host = host.service(HttpClientServer::new(Arc::clone(&net)));
        environment
            .iter()
            .fold(host, |host, (name, value)| host.environment(name, value))
    })
    .await;
    (world, net)
}

/// A key of a provider.
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    kid: &'static str,
}

impl Signer {
    pub(crate) fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        Self { pair, kid }
    }

    /// As the provider shows it.
    pub(crate) fn key(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        let signed = unsigned(&json!({ "alg": "ES256", "kid": self.kid }), claims);
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// With the public key as a secret that everybody knows.
    pub(crate) fn hmac_token(&self, claims: &Value) -> String {
        let signed = unsigned(&json!({ "alg": "HS256", "kid": self.kid }), claims);
        let secret = hmac::Key::new(hmac::HMAC_SHA256, self.pair.public_key().as_ref());
        let tag = hmac::sign(&secret, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }
}

/// Head and claims of a token.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}
