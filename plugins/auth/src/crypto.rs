//! Secrets and what is made of them: signatures of cookies, sealed values in the store, random tokens and their hashes. Knows
//! nothing of users. Everything hangs on one secret of the installation; see [`secret`] for where that comes from.

pub(crate) mod base32;
pub(crate) mod password;
pub(crate) mod secret;
pub(crate) mod totp;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::fmt;

use crate::error::AuthError;

/// Characters of tokens: none needs escaping anywhere.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of a session token: 190 bits.
pub(crate) const TOKEN_CHARS: usize = 32;
/// Beginning of every sealed value, so that another way of sealing can follow.
const SEALED: &str = "v1.";

/// What a token is known by: whoever reads the store cannot use it.
pub(crate) type TokenHash = [u8; 32];

/// The hash of a token. Tokens are random and long, so no salt and no work factor are needed.
pub(crate) fn hash_token(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

/// As it stands in the store.
pub(crate) fn hash_text(hash: &TokenHash) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

/// The keys of an installation.
pub(crate) struct Secrets {
    cookie: hmac::Key,
    lookup: hmac::Key,
    bootstrap: hmac::Key,
    own: hmac::Key,
    seal: LessSafeKey,
    random: SystemRandom,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Derives a key for each purpose from the one secret.
    pub(crate) fn new(secret: &[u8]) -> Self {
        let master = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |purpose: &str| hmac::sign(&master, purpose.as_bytes());
        let key = |purpose: &str| hmac::Key::new(hmac::HMAC_SHA256, derived(purpose).as_ref());
        let seal = UnboundKey::new(&CHACHA20_POLY1305, derived("seal").as_ref())
            .expect("an HMAC-SHA256 is as long as a ChaCha20 key");
        Self {
            cookie: key("cookie"),
            lookup: key("lookup"),
            bootstrap: key("bootstrap"),
            own: key("own writes"),
            seal: LessSafeKey::new(seal),
            random: SystemRandom::new(),
        }
    }

    /// The signature of a cookie's value, as it stands behind the dot.
    pub(crate) fn sign(&self, value: &str) -> String {
        STANDARD.encode(hmac::sign(&self.cookie, value.as_bytes()))
    }

    /// Whether a signature is ours; takes the same time whatever is wrong with it.
    pub(crate) fn verify(&self, value: &str, signature: &str) -> bool {
        STANDARD
            .decode(signature)
            .is_ok_and(|tag| hmac::verify(&self.cookie, value.as_bytes(), &tag).is_ok())
    }

    /// A key for what is counted or kept under a text that must not stand in the store: an e-mail address, a one-time code.
    pub(crate) fn lookup(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.lookup, text.as_bytes()))
    }

    /// The mark of what this plugin writes itself: the same on every node, and in the version that takes over.
    pub(crate) fn own_mark(&self) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.own, b"a write of objectos.auth"))
    }

    /// The token with which the first administrator of a production installation proves to be its operator.
    pub(crate) fn bootstrap_token(&self) -> String {
        let tag = hmac::sign(&self.bootstrap, b"first administrator");
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..24])
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random
            .fill(&mut bytes)
            .expect("the system's random generator works");
        bytes
    }

    /// A random text of letters and digits.
    pub(crate) fn token(&self, chars: usize) -> String {
        let mut token = String::with_capacity(chars);
        while token.len() < chars {
            // The last four values of a byte would favour some characters.
            let usable = self.random::<64>().into_iter().filter(|byte| *byte < 248);
            for byte in usable.take(chars - token.len()) {
                token.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
        token
    }

    /// Encrypts a value for the store. `place` names where it belongs; it opens nowhere else.
    pub(crate) fn seal(&self, place: &str, plain: &str) -> String {
        let nonce = self.random::<NONCE_LEN>();
        let mut sealed = plain.as_bytes().to_vec();
        self.seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut sealed,
            )
            .expect("a value of a record is far below the cipher's limit");
        let mut bytes = nonce.to_vec();
        bytes.append(&mut sealed);
        format!("{SEALED}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Decrypts a value of the store.
    ///
    /// # Errors
    /// `Sealed` when it was sealed with another secret or for another place.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<String, AuthError> {
        let broken = || AuthError::Sealed {
            place: place.to_owned(),
        };
        let bytes = sealed
            .strip_prefix(SEALED)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .filter(|bytes| bytes.len() > NONCE_LEN)
            .ok_or_else(broken)?;
        let (nonce, rest) = bytes.split_at(NONCE_LEN);
        let mut rest = rest.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let plain = self
            .seal
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut rest)
            .map_err(|_| broken())?;
        String::from_utf8(plain.to_vec()).map_err(|_| broken())
    }
}

/// Compares without telling by the time taken where the difference lies.
pub(crate) fn same(left: &str, right: &str) -> bool {
    // Hashes of both: their length is fixed and their bytes cannot be steered.
    let (left, right) = (hash_token(left), hash_token(right));
    left.iter()
        .zip(right)
        .fold(0, |difference, (left, right)| difference | (left ^ right))
        == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_value_and_secret_alone() {
        let (ours, theirs) = (Secrets::new(b"ours"), Secrets::new(b"theirs"));
        let signature = ours.sign("token");
        assert!(ours.verify("token", &signature));
        assert!(!ours.verify("tokem", &signature));
        assert!(!theirs.verify("token", &signature));
        assert!(!ours.verify("token", ""));
        assert!(!ours.verify("token", "bm90aGluZw=="));
    }

    #[test]
    fn a_sealed_value_opens_with_its_secret_at_its_place() {
        let (ours, theirs) = (Secrets::new(b"ours"), Secrets::new(b"theirs"));
        let sealed = ours.seal("account.password", "hunter2");
        assert_eq!(ours.open("account.password", &sealed).unwrap(), "hunter2");
        assert!(ours.open("account.token", &sealed).is_err());
        assert!(theirs.open("account.password", &sealed).is_err());
        assert!(ours.open("account.password", "hunter2").is_err());
        assert!(ours.open("account.password", "v1.AAAA").is_err());
        assert_ne!(sealed, ours.seal("account.password", "hunter2"), "no two are alike");
    }

    #[test]
    fn tokens_are_long_and_unlike() {
        let secrets = Secrets::new(b"ours");
        let token = secrets.token(TOKEN_CHARS);
        assert_eq!(token.len(), TOKEN_CHARS);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(token, secrets.token(TOKEN_CHARS));
        assert_eq!(secrets.token(300).len(), 300);
    }

    #[test]
    fn equal_texts_are_the_same() {
        assert!(same("abc", "abc"));
        assert!(!same("abc", "abd"));
        assert!(!same("abc", "abcd"));
        assert!(!same("", "a"));
    }
}
