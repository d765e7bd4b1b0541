//! An authenticator in software: one key, ES256, kept in memory. Writes what a browser would send, and lets tests bend each part
//! of it. Included by the unit tests of `webauthn` and by the tests of the whole plugin.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const CREDENTIAL: u8 = 0x40;

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// How a key comes with its attestation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Without any.
    None,
    /// Signed by itself.
    Packed,
    /// Signed by itself, wrongly.
    Forged,
}

/// The authenticator, and the page that it is asked by.
pub(crate) struct Device {
    pair: EcdsaKeyPair,
    pub(crate) id: Vec<u8>,
    pub(crate) counter: u32,
    /// Whether it counts at all.
    pub(crate) counts: bool,
    pub(crate) party: String,
    pub(crate) origin: String,
    pub(crate) flags: u8,
    /// Further keys of what the browser says.
    pub(crate) more: Value,
    /// Whose it says the key is.
    pub(crate) user_handle: Option<Vec<u8>>,
}

impl Device {
    /// For a relying party, on a page.
    pub(crate) fn new(party: &str, origin: &str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
        let id = digest(&SHA256, pair.public_key().as_ref()).as_ref()[..16].to_vec();
        Self {
            pair,
            id,
            counter: 0,
            counts: true,
            party: party.to_owned(),
            origin: origin.to_owned(),
            flags: USER_PRESENT | USER_VERIFIED,
            more: json!({ "crossOrigin": false }),
            user_handle: None,
        }
    }

    /// Somebody touches it, without a fingerprint or a PIN.
    pub(crate) fn without_verification(mut self) -> Self {
        self.flags = USER_PRESENT;
        self
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let mut data = json!({ "type": kind, "challenge": challenge, "origin": self.origin });
        for (key, value) in self.more.as_object().unwrap() {
            data[key] = value.clone();
        }
        data.to_string().into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.party.as_bytes()).as_ref().to_vec();
        data.push(self.flags | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn sign(&self, data: &[u8], client_data: &[u8]) -> Vec<u8> {
        let signed = [data, digest(&SHA256, client_data).as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        signature.as_ref().to_vec()
    }

    /// The public key as COSE has it.
    pub(crate) fn key(&self) -> Vec<u8> {
        let point = self.pair.public_key().as_ref();
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend(&point[1..33]);
        key.extend([0x22, 0x58, 0x20]);
        key.extend(&point[33..]);
        key
    }

    /// What a browser sends for `generate-register-options`.
    pub(crate) fn register(&self, challenge: &str, format: Format) -> Value {
        let client_data = self.client_data("webauthn.create", challenge);
        let mut data = self.data(CREDENTIAL);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.key());
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        let statement = match format {
            Format::None => {
                object.push(0x64);
                object.extend(b"none");
                vec![0xa0]
            }
            Format::Packed | Format::Forged => {
                object.push(0x66);
                object.extend(b"packed");
                let other = [0; 4];
                let of: &[u8] = if format == Format::Forged { &other } else { &data };
                let signature = self.sign(of, &client_data);
                let mut statement = vec![0xa2, 0x63];
                statement.extend(b"alg");
                statement.push(0x26);
                statement.push(0x63);
                statement.extend(b"sig");
                statement.extend([0x58, u8::try_from(signature.len()).unwrap()]);
                statement.extend(signature);
                statement
            }
        };
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend(statement);
        object.push(0x68);
        object.extend(b"authData");
        object.push(0x59);
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key", "clientExtensionResults": {},
            "response": {
                "attestationObject": text(&object), "clientDataJSON": text(&client_data), "transports": ["internal"],
            },
        })
    }

    /// What a browser sends for `generate-authenticate-options`; counts.
    pub(crate) fn authenticate(&mut self, challenge: &str) -> Value {
        self.counter += u32::from(self.counts);
        let client_data = self.client_data("webauthn.get", challenge);
        let data = self.data(0);
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key", "clientExtensionResults": {},
            "response": {
                "authenticatorData": text(&data), "clientDataJSON": text(&client_data),
                "signature": text(&self.sign(&data, &client_data)), "userHandle": self.user_handle.as_deref().map(text),
            },
        })
    }
}
