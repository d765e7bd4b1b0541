//! A public key as authenticators give it (COSE, RFC 9053), kept as those bytes, and its signatures. Only algorithms that are
//! asked for are taken, each with the one kind of key that belongs to it.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::{
    Fault, Result,
    cbor::{self, Item},
    decode, encode,
};

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;
/// What is asked for, most wanted first.
pub(crate) const ALGORITHMS: [i64; 3] = [EDDSA, ES256, RS256];

const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE_OR_MODULUS: i64 = -1;
const X_OR_EXPONENT: i64 = -2;
const Y: i64 = -3;

/// A key.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey {
    bytes: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The point, uncompressed.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let key = cbor::read_whole(bytes).ok_or(Fault("the key cannot be read"))?;
        let number = |label| match key.at(label) {
            Some(Item::Integer(number)) => Some(*number),
            _ => None,
        };
        let part = |label, length: Option<usize>| match key.at(label) {
            Some(Item::Bytes(part)) if length.is_none_or(|length| part.len() == length) => Ok(part.clone()),
            _ => Err(Fault("the key lacks a part")),
        };
        let kind = match (number(ALGORITHM), number(KEY_TYPE), number(CURVE_OR_MODULUS)) {
            (Some(ES256), Some(2), Some(1)) => {
                let (x, y) = (part(X_OR_EXPONENT, Some(32))?, part(Y, Some(32))?);
                Kind::P256([&[4][..], &x, &y].concat())
            }
            (Some(EDDSA), Some(1), Some(6)) => Kind::Ed25519(part(X_OR_EXPONENT, Some(32))?),
            (Some(RS256), Some(3), _) => Kind::Rsa {
                modulus: part(CURVE_OR_MODULUS, None)?,
                exponent: part(X_OR_EXPONENT, None)?,
            },
            _ => return Err(Fault("the key is of a kind that was not asked for")),
        };
        Ok(Self {
            bytes: bytes.to_vec(),
            kind,
        })
    }

    /// A key that was kept.
    pub(crate) fn from_text(text: &str) -> Result<Self> {
        Self::read(&decode(text)?)
    }

    /// As it is kept: base64url of the COSE key.
    pub(crate) fn to_text(&self) -> String {
        encode(&self.bytes)
    }

    /// Its algorithm, as COSE numbers them.
    pub(crate) fn algorithm(&self) -> i64 {
        match self.kind {
            Kind::P256(_) => ES256,
            Kind::Ed25519(_) => EDDSA,
            Kind::Rsa { .. } => RS256,
        }
    }

    /// Whether it signed something.
    pub(super) fn check(&self, signed: &[u8], signature: &[u8]) -> Result<()> {
        let checked = match &self.kind {
            Kind::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(signed, signature),
            Kind::Ed25519(x) => UnparsedPublicKey::new(&ED25519, x).verify(signed, signature),
            Kind::Rsa { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature),
        };
        checked.map_err(|_| Fault("the signature is not the key's"))
    }
}
