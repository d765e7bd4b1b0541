//! Passkeys: made, used, listed, named, taken away; and what is not good enough.

use serde_json::{Value, json};

use crate::authenticator::{Device, Format};
use crate::two_factor::set_up;
use crate::world::{Browser, NOW_MS, World, world};

const ORIGIN: &str = "http://localhost:3000";

pub(crate) fn device() -> Device {
    Device::new("localhost", ORIGIN)
}

fn challenge(options: &Value) -> String {
    options["challenge"].as_str().unwrap().to_owned()
}

async fn register_options(browser: &mut Browser<'_>) -> Value {
    browser.get("passkey/generate-register-options").await.expect(200)
}

/// Makes a key and answers its record.
async fn register(browser: &mut Browser<'_>, device: &Device) -> Value {
    let options = register_options(browser).await;
    let response = device.register(&challenge(&options), Format::None);
    let body = json!({ "response": response, "name": "Laptop" });
    browser.post("passkey/verify-registration", body).await.expect(200)
}

/// What a browser sends that nobody is signed in with.
pub(crate) async fn assertion(browser: &mut Browser<'_>, device: &mut Device) -> Value {
    let options = browser.get("passkey/generate-authenticate-options").await.expect(200);
    json!({ "response": device.authenticate(&challenge(&options)) })
}

/// Ada with a key, and nobody signed in.
async fn ada(world: &World) -> Device {
    let mut browser = world.registered("ada@example.com").await;
    let device = device();
    register(&mut browser, &device).await;
    device
}

#[tokio::test]
async fn somebody_signs_in_with_a_key_they_made() {
    let world = world(json!({})).await;
    let mut browser = world.registered("ada@example.com").await;
    let mut device = device();
    let options = register_options(&mut browser).await;
    assert_eq!(options["rp"], json!({ "name": "ObjectOS", "id": "localhost" }));
    assert_eq!(
        (
            &options["user"]["name"],
            &options["attestation"],
            &options["excludeCredentials"]
        ),
        (&json!("ada@example.com"), &json!("none"), &json!([]))
    );
    let made = register(&mut browser, &device).await;
    assert_eq!(
        (
            &made["name"],
            &made["counter"],
            &made["deviceType"],
            &made["transports"]
        ),
        (&json!("Laptop"), &json!(0), &json!("singleDevice"), &json!("internal"))
    );
    assert_eq!(
        register_options(&mut browser).await["excludeCredentials"][0]["id"],
        made["credentialID"]
    );
    let owner = browser.get("get-session").await.expect(200)["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    device.user_handle = Some(owner.clone().into_bytes());

    let mut elsewhere = Browser::new(&world);
    let body = assertion(&mut elsewhere, &mut device).await;
    let entered = elsewhere.post("passkey/verify-authentication", body).await.expect(200);
    assert_eq!(entered["user"]["id"], owner.as_str());
    assert!(entered["session"]["id"].is_string(), "{entered}");
    assert!(elsewhere.is_signed_in().await);
    assert!(!elsewhere.cookies.iter().any(|(name, _)| name.contains("passkey")));
    assert_eq!(world.data.rows("sys_passkey")[0]["counter"], 1);
    assert_eq!(world.count("auth.passkey_created"), 1);
    assert_eq!(world.count("auth.login"), 2);
}

#[tokio::test]
async fn a_challenge_is_good_once_for_a_while_and_for_its_browser() {
    let world = world(json!({})).await;
    let mut device = ada(&world).await;
    let mut browser = Browser::new(&world);
    let body = assertion(&mut browser, &mut device).await;
    let cookies = browser.cookies.clone();
    browser
        .post("passkey/verify-authentication", body.clone())
        .await
        .expect(200);

    // The same answer once more, with the cookie it came with.
    let mut replay = Browser::new(&world);
    replay.cookies = cookies;
    let again = replay.post("passkey/verify-authentication", body).await;
    again.refused(400, "CHALLENGE_NOT_FOUND");

    // Another browser's challenge.
    let (mut one, mut other) = (Browser::new(&world), Browser::new(&world));
    let body = assertion(&mut one, &mut device).await;
    other
        .post("passkey/verify-authentication", body.clone())
        .await
        .refused(400, "CHALLENGE_NOT_FOUND");
    let _ = other.get("passkey/generate-authenticate-options").await.expect(200);
    other
        .post("passkey/verify-authentication", body)
        .await
        .refused(401, "AUTHENTICATION_FAILED");

    let body = assertion(&mut one, &mut device).await;
    world.plugin.set_now_ms(NOW_MS + 301_000);
    one.post("passkey/verify-authentication", body)
        .await
        .refused(400, "CHALLENGE_NOT_FOUND");
    assert!(!one.is_signed_in().await);
}

#[tokio::test]
async fn another_page_or_party_and_a_copied_key_are_refused() {
    let world = world(json!({})).await;
    let mut device = ada(&world).await;
    let mut browser = Browser::new(&world);
    device.origin = "https://evil.example".to_owned();
    let body = assertion(&mut browser, &mut device).await;
    browser
        .post("passkey/verify-authentication", body)
        .await
        .refused(401, "AUTHENTICATION_FAILED");
    ORIGIN.clone_into(&mut device.origin);
    device.party = "evil.example".to_owned();
    let body = assertion(&mut browser, &mut device).await;
    browser
        .post("passkey/verify-authentication", body)
        .await
        .refused(401, "AUTHENTICATION_FAILED");
    device.party = "localhost".to_owned();
    device.counter = 40;
    let body = assertion(&mut browser, &mut device).await;
    browser.post("passkey/verify-authentication", body).await.expect(200);
    device.counter = 12;
    let mut copy = Browser::new(&world);
    let body = assertion(&mut copy, &mut device).await;
    copy.post("passkey/verify-authentication", body)
        .await
        .refused(401, "AUTHENTICATION_FAILED");
    assert!(!copy.is_signed_in().await);
    assert_eq!(world.count("auth.login_failed"), 3);
    let mut stranger = self::device();
    let body = assertion(&mut copy, &mut stranger).await;
    copy.post("passkey/verify-authentication", body)
        .await
        .refused(401, "PASSKEY_NOT_FOUND");
}

#[tokio::test]
async fn a_key_is_made_by_its_owner_who_signed_in_lately() {
    let world = world(json!({})).await;
    let (mut ada, mut bob) = (
        world.registered("ada@example.com").await,
        world.registered("bob@example.com").await,
    );
    let device = device();
    assert_eq!(
        Browser::new(&world)
            .get("passkey/generate-register-options")
            .await
            .status,
        401
    );
    // A challenge that was given to somebody else, and one that was given for signing in.
    let options = register_options(&mut ada).await;
    let body = json!({ "response": device.register(&challenge(&options), Format::None) });
    let stolen = ada
        .cookies
        .iter()
        .find(|(name, _)| name.contains("passkey"))
        .unwrap()
        .clone();
    bob.cookies.push(stolen);
    bob.post("passkey/verify-registration", body)
        .await
        .refused(401, "YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY");
    let options = ada.get("passkey/generate-authenticate-options").await.expect(200);
    let body = json!({ "response": device.register(&challenge(&options), Format::None) });
    ada.post("passkey/verify-registration", body)
        .await
        .refused(400, "CHALLENGE_NOT_FOUND");
    let options = register_options(&mut ada).await;
    let body = json!({ "response": device.register(&challenge(&options), Format::Forged) });
    ada.post("passkey/verify-registration", body)
        .await
        .refused(400, "FAILED_TO_VERIFY_REGISTRATION");
    register(&mut ada, &device).await;
    // The same key is nobody's twice.
    let options = register_options(&mut bob).await;
    let body = json!({ "response": device.register(&challenge(&options), Format::Packed) });
    bob.post("passkey/verify-registration", body)
        .await
        .refused(400, "PREVIOUSLY_REGISTERED");
    world.plugin.set_now_ms(NOW_MS + 25 * 3600 * 1000);
    ada.get("passkey/generate-register-options")
        .await
        .refused(403, "SESSION_NOT_FRESH");
}

#[tokio::test]
async fn a_touch_alone_is_no_second_factor_and_a_finger_is() {
    let world = world(json!({})).await;
    let mut browser = world.registered("ada@example.com").await;
    let (mut touched, mut verified) = (device().without_verification(), device());
    register(&mut browser, &touched).await;
    register(&mut browser, &verified).await;
    set_up(&mut browser).await;
    let mut half = Browser::new(&world);
    let body = assertion(&mut half, &mut touched).await;
    let answer = half.post("passkey/verify-authentication", body).await.expect(200);
    assert_eq!(answer["twoFactorRedirect"], true, "{answer}");
    assert!(!half.is_signed_in().await);
    let mut whole = Browser::new(&world);
    let body = assertion(&mut whole, &mut verified).await;
    whole.post("passkey/verify-authentication", body).await.expect(200);
    assert!(whole.is_signed_in().await);
}

#[tokio::test]
async fn keys_are_listed_named_and_taken_away_by_their_owner() {
    let world = world(json!({})).await;
    let (mut ada, mut bob) = (
        world.registered("ada@example.com").await,
        world.registered("bob@example.com").await,
    );
    let mut device = device();
    let id = register(&mut ada, &device).await["id"].clone();
    assert_eq!(bob.get("passkey/list-user-passkeys").await.expect(200), json!([]));
    let rename = json!({ "id": id, "name": "Phone" });
    bob.post("passkey/update-passkey", rename.clone())
        .await
        .refused(404, "PASSKEY_NOT_FOUND");
    bob.post("passkey/delete-passkey", json!({ "id": id }))
        .await
        .refused(404, "PASSKEY_NOT_FOUND");
    ada.post("passkey/update-passkey", rename).await.expect(200);
    let listed = ada.get("passkey/list-user-passkeys").await.expect(200);
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["name"]),
        (1, &json!("Phone"))
    );
    let gone = ada
        .post("passkey/delete-passkey", json!({ "id": id }))
        .await
        .expect(200);
    assert_eq!(gone, json!({ "status": true }));
    assert_eq!(world.count("auth.passkey_deleted"), 1);
    let mut browser = Browser::new(&world);
    let body = assertion(&mut browser, &mut device).await;
    browser
        .post("passkey/verify-authentication", body)
        .await
        .refused(401, "PASSKEY_NOT_FOUND");
}

#[tokio::test]
async fn somebody_who_is_disabled_does_not_come_in_with_a_key() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let mut device = device();
    register(&mut ada, &device).await;
    let id = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    root.post("admin/ban-user", json!({ "userId": id })).await.expect(200);
    let mut browser = Browser::new(&world);
    let body = assertion(&mut browser, &mut device).await;
    browser
        .post("passkey/verify-authentication", body)
        .await
        .refused(403, "BANNED_USER");
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn where_keys_are_switched_off_there_are_none() {
    let world = world(json!({ "passkey": { "enabled": false } })).await;
    let mut browser = world.registered("ada@example.com").await;
    for path in [
        "passkey/generate-register-options",
        "passkey/generate-authenticate-options",
    ] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn keys_are_for_the_domain_of_the_public_address() {
    let config = json!({ "baseUrl": "https://crm.example.com:8443" });
    let world = world(config).await;
    let mut browser = Browser::new(&world);
    let options = browser.get("passkey/generate-authenticate-options").await.expect(200);
    assert_eq!(options["rpId"], "crm.example.com");
    let world =
        self::world(json!({ "baseUrl": "https://crm.example.com", "passkey": { "rpId": "example.com" } })).await;
    let mut browser = Browser::new(&world);
    let options = browser.get("passkey/generate-authenticate-options").await.expect(200);
    assert_eq!(options["rpId"], "example.com");
}
