use serde_json::{Value, json};

use super::device::{Device, Format};
use super::*;

const CHALLENGE: &str = "Y2hhbGxlbmdl";
const PARTY: &str = "crm.example.com";
const ORIGIN: &str = "https://crm.example.com";
const OWNER: &str = "user1";

fn device() -> Device {
    Device::new(PARTY, ORIGIN)
}

fn expected() -> Expected<'static> {
    Expected {
        challenge: CHALLENGE,
        party: PARTY,
        trusts: &|origin| origin == ORIGIN,
    }
}

fn register(sent: Value) -> Result<Made> {
    serde_json::from_value::<Registration>(sent)
        .unwrap()
        .verify(&expected())
}

fn authenticate(device: &Device, sent: Value, counter: u32) -> Result<Used> {
    let key = PublicKey::from_text(&encode(&device.key())).unwrap();
    serde_json::from_value::<Authentication>(sent)
        .unwrap()
        .verify(&expected(), &key, counter, OWNER)
}

fn refused<T: std::fmt::Debug>(result: Result<T>, why: &str) {
    let Fault(reason) = result.unwrap_err();
    assert!(reason.contains(why), "{reason:?} and not {why:?}");
}

#[test]
fn a_key_is_made_with_and_without_attestation() {
    for format in [Format::None, Format::Packed] {
        let device = device();
        let made = register(device.register(CHALLENGE, format)).unwrap();
        assert_eq!(made.id, encode(&device.id));
        assert_eq!(made.key.to_text(), encode(&device.key()));
        assert_eq!((made.counter, made.key.algorithm(), made.backed_up), (0, -7, false));
        assert_eq!(made.model, "00000000-0000-0000-0000-000000000000");
        assert_eq!(made.transports, ["internal"]);
    }
    refused(register(device().register(CHALLENGE, Format::Forged)), "signature");
}

#[test]
fn an_attestation_that_was_not_asked_for_is_refused() {
    let mut sent = device().register(CHALLENGE, Format::None);
    let object = decode(sent["response"]["attestationObject"].as_str().unwrap()).unwrap();
    let other: Vec<u8> = object
        .windows(4)
        .position(|four| four == b"none")
        .map(|place| [&object[..place], b"tpmx", &object[place + 4..]].concat())
        .unwrap();
    sent["response"]["attestationObject"] = encode(&other).into();
    refused(register(sent), "not asked for");
}

#[test]
fn a_key_is_used() {
    let mut device = device();
    device.user_handle = Some(OWNER.as_bytes().to_vec());
    let sent = device.authenticate(CHALLENGE);
    let used = authenticate(&device, sent, 0).unwrap();
    assert_eq!(
        used,
        Used {
            counter: 1,
            verified: true,
            backed_up: false
        }
    );
    let mut touched = self::device().without_verification();
    let sent = touched.authenticate(CHALLENGE);
    assert!(!authenticate(&touched, sent, 0).unwrap().verified);
}

#[test]
fn another_page_party_challenge_or_ceremony_is_refused() {
    let with = |bend: &dyn Fn(&mut Device)| {
        let mut device = device();
        bend(&mut device);
        device
    };
    for (device, why) in [
        (
            with(&|device| device.origin = "https://evil.example".to_owned()),
            "page",
        ),
        (
            with(&|device| device.party = "evil.example".to_owned()),
            "another party",
        ),
        (with(&|device| device.flags = 0), "nobody was there"),
        (with(&|device| device.flags |= 0x10), "cannot be copied"),
        (
            with(&|device| device.more = json!({ "crossOrigin": true })),
            "inside of another",
        ),
        (
            with(&|device| device.more = json!({ "topOrigin": "https://evil.example" })),
            "inside of another",
        ),
        (
            with(&|device| device.more = json!({ "type": "webauthn.other" })),
            "cannot be read",
        ),
    ] {
        refused(register(device.register(CHALLENGE, Format::None)), why);
        let mut device = device;
        let sent = device.authenticate(CHALLENGE);
        refused(authenticate(&device, sent, 0), why);
    }
    let mut device = device();
    refused(register(device.register("b3RoZXI", Format::None)), "challenge");
    let sent = device.authenticate("b3RoZXI");
    refused(authenticate(&device, sent, 0), "challenge");
    // What was signed to use a key makes none, and the other way round.
    device.more = json!({ "type": "webauthn.get" });
    refused(register(device.register(CHALLENGE, Format::None)), "another ceremony");
    device.more = json!({ "type": "webauthn.create" });
    let sent = device.authenticate(CHALLENGE);
    refused(authenticate(&device, sent, 0), "another ceremony");
}

#[test]
fn a_counter_that_goes_backwards_or_stands_still_is_that_of_a_copy() {
    let mut device = device();
    device.counter = 6;
    let sent = device.authenticate(CHALLENGE);
    assert_eq!(authenticate(&device, sent.clone(), 6).unwrap().counter, 7);
    refused(authenticate(&device, sent.clone(), 7), "copied");
    refused(authenticate(&device, sent, 8), "copied");
    // One that does not count says 0 for ever.
    let mut plain = self::device();
    plain.counts = false;
    for _ in 0..2 {
        let sent = plain.authenticate(CHALLENGE);
        assert_eq!(authenticate(&plain, sent, 0).unwrap().counter, 0);
    }
}

#[test]
fn another_key_signature_or_owner_is_refused() {
    let (mut device, other) = (device(), device());
    let sent = device.authenticate(CHALLENGE);
    refused(authenticate(&other, sent.clone(), 0), "signature");
    let mut bent = sent.clone();
    bent["response"]["signature"] = encode(&[0x30, 0x00]).into();
    refused(authenticate(&device, bent, 0), "signature");
    let mut bent = sent;
    bent["response"]["userHandle"] = encode(b"somebody else").into();
    refused(authenticate(&device, bent, 0), "somebody else's");
}

#[test]
fn what_is_said_of_a_key_is_what_it_is() {
    let mut sent = device().register(CHALLENGE, Format::None);
    sent["id"] = encode(b"another id").into();
    refused(register(sent), "another credential");
    // A key of P-256 that says to be of another algorithm.
    let mut key = device().key();
    key[4] = 0x27;
    assert!(PublicKey::from_text(&encode(&key)).is_err());
    let mut sent = device().register(CHALLENGE, Format::None);
    sent["response"]["attestationObject"] = encode(&[0xa0]).into();
    refused(register(sent), "lacks a part");
}
