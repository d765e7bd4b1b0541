use super::*;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use serde_json::json;

const NOW_S: i64 = 1_700_000_000;

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://id.example.com",
        client_id: "objectos",
        nonce: "n1",
        now_s: NOW_S,
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example.com", "aud": "objectos", "sub": "u1", "nonce": "n1", "iat": NOW_S, "exp": NOW_S + 300,
    })
}

struct Signer {
    pair: EcdsaKeyPair,
    kid: &'static str,
}

impl Signer {
    fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self { pair, kid }
    }

    fn key(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }

    fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({ "alg": "ES256", "kid": self.kid }), claims)
    }

    fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn keys(list: &[Value]) -> Keys {
    serde_json::from_value(json!({ "keys": list })).unwrap()
}

#[test]
fn a_token_of_the_provider_for_us_and_now_is_good() {
    let signer = Signer::new("k1");
    let token = signer.token(&claims());
    let verified = verify(&token, &keys(&[signer.key()]), expected()).unwrap();
    assert_eq!(verified["sub"], "u1");
    let ed = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(ed.public_key().as_ref()) });
    let signed = unsigned(&json!({ "alg": "EdDSA" }), &claims());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(ed.sign(signed.as_bytes())));
    assert!(verify(&token, &keys(&[key]), expected()).is_ok());
}

#[test]
fn every_claim_is_held_against_what_was_expected() {
    let signer = Signer::new("k1");
    let check = |change: Value, reason: &'static str| {
        let mut claims = claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let refused = verify(&signer.token(&claims), &keys(&[signer.key()]), expected());
        assert_eq!(refused.unwrap_err(), Fault::Bad(reason), "{change}");
    };
    check(json!({ "iss": "https://evil.example" }), "another issuer wrote it");
    check(json!({ "aud": "another" }), "it is for another audience");
    check(
        json!({ "aud": ["objectos", "another"] }),
        "it was given to another client",
    );
    check(json!({ "azp": "another" }), "it was given to another client");
    check(json!({ "exp": NOW_S - 61 }), "it is over");
    check(json!({ "exp": null }), "it is over");
    check(json!({ "iat": NOW_S + 120 }), "it is of the future");
    check(json!({ "nbf": NOW_S + 120 }), "it does not hold yet");
    check(json!({ "nonce": "n2" }), "it is of another sign-in");
    check(json!({ "nonce": null }), "it is of another sign-in");
    check(json!({ "sub": "" }), "it names nobody");
    check(json!({ "iat": i64::MAX }), "it is of the future");
    check(json!({ "exp": i64::MIN }), "it is over");
    for (change, reason) in [
        (json!({ "exp": i64::MAX }), None),
        (json!({ "nbf": i64::MIN }), None),
        (json!({ "nbf": i64::MAX }), Some("it does not hold yet")),
    ] {
        let mut claims = claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let refused = verify(&signer.token(&claims), &keys(&[signer.key()]), expected()).err();
        assert_eq!(refused, reason.map(Fault::Bad), "{change}");
    }
}

#[test]
fn a_token_that_has_to_be_understood_in_another_way_is_refused() {
    let signer = Signer::new("k1");
    let header = json!({ "alg": "ES256", "kid": "k1", "crit": ["b64"], "b64": false });
    let refused = verify(
        &signer.token_with(&header, &claims()),
        &keys(&[signer.key()]),
        expected(),
    );
    let reason = "it asks for what is not understood here";
    assert_eq!(refused.unwrap_err(), Fault::Bad(reason));
}

#[test]
fn no_other_algorithm_and_no_other_key_will_do() {
    let (signer, other) = (Signer::new("k1"), Signer::new("k1"));
    let known = keys(&[signer.key()]);
    let none = format!("{}.", unsigned(&json!({ "alg": "none" }), &claims()));
    let refused = Fault::Bad("its algorithm is none that is taken");
    assert_eq!(verify(&none, &known, expected()).unwrap_err(), refused);
    // The public key as the secret of an HMAC.
    let signed = unsigned(&json!({ "alg": "HS256", "kid": "k1" }), &claims());
    let secret = hmac::Key::new(hmac::HMAC_SHA256, signer.pair.public_key().as_ref());
    let hs = format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(hmac::sign(&secret, signed.as_bytes()))
    );
    assert_eq!(verify(&hs, &known, expected()).unwrap_err(), refused);
    let forged = verify(&other.token(&claims()), &known, expected());
    assert_eq!(forged.unwrap_err(), Fault::Bad("its signature is not the key's"));
    let rotated = Signer::new("k2");
    let token = rotated.token(&claims());
    assert_eq!(verify(&token, &known, expected()).unwrap_err(), Fault::UnknownKey);
    assert!(verify(&token, &keys(&[signer.key(), rotated.key()]), expected()).is_ok());
    let mut encrypting = signer.key();
    encrypting["use"] = json!("enc");
    let refused = verify(&signer.token(&claims()), &keys(&[encrypting]), expected());
    assert_eq!(refused.unwrap_err(), Fault::UnknownKey);
    assert!(verify("a.b", &known, expected()).is_err());
    assert!(verify("", &known, expected()).is_err());
}
