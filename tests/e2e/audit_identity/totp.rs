//! What an authenticator app does (RFC 6238), for the clock of this machine.

use ring::hmac;
use std::time::{SystemTime, UNIX_EPOCH};

const STEP_S: u64 = 30;

/// The code of now.
pub(crate) fn code(uri: &str) -> String {
    at(uri, 0)
}

/// The code of the step after this one, which servers take for clocks that go ahead.
pub(crate) fn next_code(uri: &str) -> String {
    at(uri, 1)
}

fn at(uri: &str, later: u64) -> String {
    let secret = uri.split("secret=").nth(1).expect("a secret");
    let secret = secret.split('&').next().expect("a text");
    let bits: String = secret
        .bytes()
        .map(|letter| {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
            let value = alphabet.iter().position(|known| *known == letter).expect("base32");
            format!("{value:05b}")
        })
        .collect();
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).expect("digits"), 2).expect("a byte"))
        .collect();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    let step = now.as_secs() / STEP_S + later;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}
