//! Identity tokens (OpenID Connect Core, section 3.1.3.7): signed by a key of the provider, for us, now, and for the very
//! sign-in that was begun. Only signatures by public keys count, and only with the algorithm that belongs to the key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Seconds that clocks may differ.
const SLACK_S: i64 = 60;

/// A provider's keys (RFC 7517).
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Keys {
    keys: Vec<Key>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Key {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// What whoever reads it has to understand (RFC 7515, section 4.1.11).
    crit: Option<Value>,
}

/// What a token has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) now_s: i64,
}

/// Why a token is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It names a key that is not among these: they may have changed.
    UnknownKey,
    /// It is no good.
    Bad(&'static str),
}

/// The claims of a token that is good.
pub(crate) fn verify(token: &str, keys: &Keys, expected: Expected<'_>) -> Result<Map<String, Value>, Fault> {
    let bad = Fault::Bad;
    let mut parts = token.split('.');
    let (Some(head), Some(body), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad("it has not three parts"));
    };
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| bad("a part is no base64"));
    let header: Header = serde_json::from_slice(&decode(head)?).map_err(|_| bad("its head cannot be read"))?;
    let signature = decode(signature)?;
    let signed = &token[..head.len() + 1 + body.len()];
    check_signature(&header, keys, signed.as_bytes(), &signature)?;
    let claims: Map<String, Value> =
        serde_json::from_slice(&decode(body)?).map_err(|_| bad("its claims cannot be read"))?;
    check_claims(&claims, expected)?;
    Ok(claims)
}

fn check_signature(header: &Header, keys: &Keys, signed: &[u8], signature: &[u8]) -> Result<(), Fault> {
    if header.crit.is_some() {
        return Err(Fault::Bad("it asks for what is not understood here"));
    }
    let family = match header.alg.as_str() {
        "RS256" | "PS256" => "RSA",
        "ES256" => "EC",
        "EdDSA" => "OKP",
        _ => return Err(Fault::Bad("its algorithm is none that is taken")),
    };
    let fitting: Vec<&Key> = keys
        .keys
        .iter()
        .filter(|key| key.kty == family && key.purpose.as_deref() != Some("enc"))
        .filter(|key| key.alg.as_ref().is_none_or(|alg| *alg == header.alg))
        .filter(|key| header.kid.is_none() || key.kid == header.kid)
        .collect();
    if fitting.is_empty() {
        return Err(Fault::UnknownKey);
    }
    if fitting.iter().any(|key| key.signed(&header.alg, signed, signature)) {
        return Ok(());
    }
    Err(Fault::Bad("its signature is not the key's"))
}

impl Key {
    fn signed(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        let part = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        match algorithm {
            "RS256" | "PS256" => {
                let (Some(n), Some(e)) = (part(&self.n), part(&self.e)) else {
                    return false;
                };
                let parameters = if algorithm == "RS256" {
                    &RSA_PKCS1_2048_8192_SHA256
                } else {
                    &RSA_PSS_2048_8192_SHA256
                };
                RsaPublicKeyComponents { n: &n, e: &e }
                    .verify(parameters, signed, signature)
                    .is_ok()
            }
            "ES256" if self.crv.as_deref() == Some("P-256") => {
                let (Some(x), Some(y)) = (part(&self.x), part(&self.y)) else {
                    return false;
                };
                let point = [&[4][..], &x, &y].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .verify(signed, signature)
                    .is_ok()
            }
            "EdDSA" if self.crv.as_deref() == Some("Ed25519") => {
                let Some(x) = part(&self.x) else { return false };
                UnparsedPublicKey::new(&ED25519, x).verify(signed, signature).is_ok()
            }
            _ => false,
        }
    }
}

fn check_claims(claims: &Map<String, Value>, expected: Expected<'_>) -> Result<(), Fault> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let number = |name: &str| {
        let value = claims.get(name)?;
        value
            .as_i64()
            .or_else(|| format!("{:.0}", value.as_f64()?).parse().ok())
    };
    // Microsoft leaves the tenant's place open; it stands in the claim beside.
    let issuer = expected.issuer.replace("{tenantid}", text("tid").unwrap_or_default());
    if text("iss").map(|iss| iss.trim_end_matches('/')) != Some(issuer.trim_end_matches('/')) {
        return Err(Fault::Bad("another issuer wrote it"));
    }
    let (for_us, several) = match claims.get("aud") {
        Some(Value::String(audience)) => (audience == expected.client_id, false),
        Some(Value::Array(list)) => (list.iter().any(|one| one == expected.client_id), list.len() > 1),
        _ => (false, false),
    };
    if !for_us {
        return Err(Fault::Bad("it is for another audience"));
    }
    if (several || claims.contains_key("azp")) && text("azp") != Some(expected.client_id) {
        return Err(Fault::Bad("it was given to another client"));
    }
    if number("exp").is_none_or(|exp| exp.saturating_add(SLACK_S) <= expected.now_s) {
        return Err(Fault::Bad("it is over"));
    }
    if number("iat").is_none_or(|iat| iat.saturating_sub(SLACK_S) > expected.now_s) {
        return Err(Fault::Bad("it is of the future"));
    }
    if number("nbf").is_some_and(|nbf| nbf.saturating_sub(SLACK_S) > expected.now_s) {
        return Err(Fault::Bad("it does not hold yet"));
    }
    if !text("nonce").is_some_and(|nonce| crate::crypto::same(nonce, expected.nonce)) {
        return Err(Fault::Bad("it is of another sign-in"));
    }
    if text("sub").is_none_or(str::is_empty) {
        return Err(Fault::Bad("it names nobody"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
