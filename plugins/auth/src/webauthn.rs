//! Passkeys as the Web Authentication standard has them (level 2, sections 7.1 and 7.2), from bytes to "this key signed this
//! challenge for this page". Knows no records and no HTTP; what a challenge is and whose a key is, is the caller's business.
//!
//! No attestation is asked for, so there are none to believe: a key comes without any, or signed by itself. What cannot be
//! read, or is said twice, is refused.

mod authenticator;
mod cbor;
mod client_data;
mod key;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use authenticator::AuthenticatorData;
use cbor::Item;
pub(crate) use client_data::belongs;
use client_data::{Action, ClientData};
pub(crate) use key::{ALGORITHMS, PublicKey};

/// Bytes of a credential's id at most (section 4.3).
const CREDENTIAL_ID_BYTES_MAX: usize = 1023;

/// Why an answer of an authenticator is refused; for the operator, since the caller learns only that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) &'static str);

type Result<T, E = Fault> = std::result::Result<T, E>;

/// What an answer must be for.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// Base64url of the challenge that was given out.
    pub(crate) challenge: &'a str,
    /// The relying party: a domain.
    pub(crate) party: &'a str,
    /// Whether a page may ask.
    pub(crate) trusts: &'a (dyn Fn(&str) -> bool + Sync),
}

/// What a browser sends after a key was made: `RegistrationResponseJSON`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Registration {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    response: Attestation,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attestation {
    attestation_object: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(default)]
    transports: Vec<String>,
}

/// What a browser sends after a key was used: `AuthenticationResponseJSON`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Authentication {
    /// Base64url of the credential's id.
    pub(crate) id: String,
    #[serde(rename = "type")]
    kind: String,
    response: Assertion,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    authenticator_data: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

/// A key that was made for us.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// Base64url.
    pub(crate) id: String,
    /// The key.
    pub(crate) key: PublicKey,
    /// How often it was used, by its own count; 0 where it does not count.
    pub(crate) counter: u32,
    /// Whoever made it showed that they are its owner: a fingerprint, a PIN.
    pub(crate) verified: bool,
    /// May be copied to other devices of its owner.
    pub(crate) portable: bool,
    /// Was copied.
    pub(crate) backed_up: bool,
    /// Model of the authenticator, as a UUID; all zero where it does not say.
    pub(crate) model: String,
    /// `internal`, `usb`, …
    pub(crate) transports: Vec<String>,
}

/// How a key was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    /// How often, by its own count.
    pub(crate) counter: u32,
    /// Whoever used it showed that they are its owner: a fingerprint, a PIN.
    pub(crate) verified: bool,
    /// Was copied to other devices.
    pub(crate) backed_up: bool,
}

/// Base64url, without the padding that none of this has.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Fault("a value is no base64url"))
}

impl Registration {
    /// The key that was made (section 7.1).
    pub(crate) fn verify(&self, expected: &Expected<'_>) -> Result<Made> {
        if self.kind != "public-key" {
            return Err(Fault("it is no public key"));
        }
        let client_data = decode(&self.response.client_data)?;
        ClientData::read(&client_data)?.check(Action::Create, expected)?;
        let (format, statement, raw) = attestation(&decode(&self.response.attestation_object)?)?;
        let data = AuthenticatorData::read(&raw)?;
        data.check(expected.party)?;
        let credential = data.credential.as_ref().ok_or(Fault("it brings no key"))?;
        if credential.id.is_empty() || credential.id.len() > CREDENTIAL_ID_BYTES_MAX {
            return Err(Fault("the credential's id is too long"));
        }
        if decode(&self.id)? != credential.id {
            return Err(Fault("it names another credential than the one it brings"));
        }
        check_statement(&format, &statement, &credential.key, &raw, &client_data)?;
        Ok(Made {
            id: encode(&credential.id),
            key: credential.key.clone(),
            counter: data.counter,
            verified: data.user_verified,
            portable: data.portable,
            backed_up: data.backed_up,
            model: credential.model(),
            transports: transports(&self.response.transports),
        })
    }
}

/// Format, statement and authenticator data of an attestation object.
fn attestation(bytes: &[u8]) -> Result<(String, Item, Vec<u8>)> {
    let item = cbor::read_whole(bytes).ok_or(Fault("the attestation cannot be read"))?;
    match (item.get("fmt"), item.get("attStmt"), item.get("authData")) {
        (Some(Item::Text(format)), Some(statement @ Item::Map(_)), Some(Item::Bytes(data))) => {
            Ok((format.clone(), statement.clone(), data.clone()))
        }
        _ => Err(Fault("the attestation lacks a part")),
    }
}

/// `none`, or `packed` by the new key itself.
fn check_statement(format: &str, statement: &Item, key: &PublicKey, data: &[u8], client_data: &[u8]) -> Result<()> {
    match format {
        "none" if *statement == Item::Map(Vec::new()) => Ok(()),
        "packed" if statement.get("x5c").is_none() => {
            let (Some(Item::Integer(algorithm)), Some(Item::Bytes(signature))) =
                (statement.get("alg"), statement.get("sig"))
            else {
                return Err(Fault("the attestation lacks a part"));
            };
            if *algorithm != key.algorithm() {
                return Err(Fault("the attestation is of another algorithm than the key"));
            }
            key.check(&signed(data, client_data), signature)
        }
        _ => Err(Fault("an attestation that was not asked for")),
    }
}

/// Names that a list of them can hold.
fn transports(named: &[String]) -> Vec<String> {
    let plain = |name: &&String| {
        (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    named.iter().filter(plain).take(8).cloned().collect()
}

impl Authentication {
    /// Whether a key was used for us (section 7.2). `counter` is what it counted the last time, `owner` whose it is.
    pub(crate) fn verify(&self, expected: &Expected<'_>, key: &PublicKey, counter: u32, owner: &str) -> Result<Used> {
        if self.kind != "public-key" {
            return Err(Fault("it is no public key"));
        }
        if let Some(handle) = self.response.user_handle.as_deref().filter(|handle| !handle.is_empty())
            && decode(handle)? != owner.as_bytes()
        {
            return Err(Fault("the key is said to be somebody else's"));
        }
        let client_data = decode(&self.response.client_data)?;
        ClientData::read(&client_data)?.check(Action::Get, expected)?;
        let raw = decode(&self.response.authenticator_data)?;
        let data = AuthenticatorData::read(&raw)?;
        data.check(expected.party)?;
        key.check(&signed(&raw, &client_data), &decode(&self.response.signature)?)?;
        // One that goes backwards, or stands still, is that of a copy.
        if (data.counter > 0 || counter > 0) && data.counter <= counter {
            return Err(Fault("the key has counted further before: it was copied"));
        }
        Ok(Used {
            counter: data.counter,
            verified: data.user_verified,
            backed_up: data.backed_up,
        })
    }
}

/// What is signed: the authenticator's data, and the hash of the browser's.
fn signed(data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [data, digest(&SHA256, client_data).as_ref()].concat()
}

#[cfg(test)]
#[path = "../tests/it/authenticator.rs"]
mod device;
#[cfg(test)]
mod tests;
