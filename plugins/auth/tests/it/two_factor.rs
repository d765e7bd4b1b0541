//! The second factor: set up, shown, and not shown twice.

use objectos_plugin_api::ErrorKind;
use serde_json::json;

use crate::world::{Browser, NOW_MS, PASSWORD, World, bearer, world};

/// What an authenticator app does (RFC 6238), written for the tests alone.
pub(crate) fn code(uri: &str, now_ms: i64) -> String {
    let secret = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let mut bits = String::new();
    for letter in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|known| *known == letter)
            .unwrap();
        bits.push_str(&format!("{value:05b}"));
    }
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = ring::hmac::sign(&key, &(now_ms / 30_000).to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 15);
    let number = u32::from_be_bytes(tag.as_ref()[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

pub(crate) async fn set_up(browser: &mut Browser<'_>) -> (String, Vec<String>) {
    let answer = browser
        .post("two-factor/enable", json!({ "password": PASSWORD }))
        .await
        .expect(200);
    assert_eq!(answer["method"], "totp");
    assert!(answer["qrCode"].as_str().unwrap().contains("<svg"));
    let uri = answer["totpURI"].as_str().unwrap().to_owned();
    assert!(
        uri.starts_with("otpauth://totp/ObjectOS:ada%40example.com?secret="),
        "{uri}"
    );
    let codes: Vec<String> = serde_json::from_value(answer["backupCodes"].clone()).unwrap();
    assert!(codes.len() == 10 && codes.iter().all(|code| code.len() == 11 && code.as_bytes()[5] == b'-'));
    assert_eq!(
        browser.get("get-session").await.expect(200)["user"]["twoFactorEnabled"],
        false
    );
    let body = json!({ "code": code(&uri, NOW_MS) });
    browser.post("two-factor/verify-totp", body).await.expect(200);
    assert_eq!(
        browser.get("get-session").await.expect(200)["user"]["twoFactorEnabled"],
        true
    );
    (uri, codes)
}

#[tokio::test]
async fn a_password_alone_is_half_the_way() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    ada.post("two-factor/enable", json!({ "password": "wrong" }))
        .await
        .refused(400, "INVALID_PASSWORD");
    let (uri, _) = set_up(&mut ada).await;
    world.plugin.set_now_ms(NOW_MS + 60_000);
    let mut browser = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let half = browser.post("sign-in/email", body.clone()).await.expect(200);
    assert_eq!(half, json!({ "twoFactorRedirect": true, "twoFactorMethods": ["totp"] }));
    assert_eq!(browser.cookies[0].0, "better-auth.two_factor");
    assert!(!browser.is_signed_in().await);
    browser
        .post("two-factor/verify-totp", json!({ "code": "000000" }))
        .await
        .refused(401, "INVALID_CODE");
    let good = code(&uri, NOW_MS + 60_000);
    let entered = browser
        .post("two-factor/verify-totp", json!({ "code": good }))
        .await
        .expect(200);
    assert!(entered["token"].is_string() && entered["user"]["twoFactorEnabled"] == true);
    let principal = world.who(&bearer(&browser.token)).await.unwrap().unwrap();
    assert_eq!(principal.attributes["twoFactor"], true);
    // The same code once more, in its time.
    let mut thief = Browser::new(&world);
    thief.post("sign-in/email", body).await.expect(200);
    thief
        .post("two-factor/verify-totp", json!({ "code": good }))
        .await
        .refused(401, "INVALID_CODE");
    let mut stranger = Browser::new(&world);
    stranger
        .post("two-factor/verify-totp", json!({ "code": good }))
        .await
        .refused(401, "INVALID_TWO_FACTOR_COOKIE");
    assert_eq!(world.count("auth.mfa_enabled"), 1);
}

#[tokio::test]
async fn a_backup_code_is_good_once() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let (_, codes) = set_up(&mut ada).await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    for expected in [200, 401] {
        let mut browser = Browser::new(&world);
        browser.post("sign-in/email", body.clone()).await.expect(200);
        let answer = browser
            .post("two-factor/verify-backup-code", json!({ "code": codes[3] }))
            .await;
        assert_eq!(answer.status, expected);
    }
    let fresh = ada
        .post("two-factor/generate-backup-codes", json!({ "password": PASSWORD }))
        .await
        .expect(200);
    assert_eq!(fresh["status"], true);
    let mut browser = Browser::new(&world);
    browser.post("sign-in/email", body).await.expect(200);
    let old = json!({ "code": codes[4] });
    browser
        .post("two-factor/verify-backup-code", old)
        .await
        .refused(401, "INVALID_BACKUP_CODE");
    browser
        .post(
            "two-factor/verify-backup-code",
            json!({ "code": fresh["backupCodes"][0] }),
        )
        .await
        .expect(200);
}

#[tokio::test]
async fn codes_cannot_be_guessed() {
    let world = world(json!({ "lockout": { "attempts": 3, "slowAfter": 9 } })).await;
    let mut ada = world.registered("ada@example.com").await;
    let (uri, _) = set_up(&mut ada).await;
    world.plugin.set_now_ms(NOW_MS + 60_000);
    let mut browser = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    browser.post("sign-in/email", body).await.expect(200);
    for _ in 0..3 {
        browser
            .post("two-factor/verify-totp", json!({ "code": "000000" }))
            .await
            .refused(401, "INVALID_CODE");
    }
    let good = json!({ "code": code(&uri, NOW_MS + 60_000) });
    browser
        .post("two-factor/verify-totp", good)
        .await
        .refused(401, "INVALID_TWO_FACTOR_COOKIE");
}

#[tokio::test]
async fn a_trusted_device_shows_it_once() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let (uri, _) = set_up(&mut ada).await;
    world.plugin.set_now_ms(NOW_MS + 60_000);
    let mut browser = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    browser.post("sign-in/email", body.clone()).await.expect(200);
    let code = json!({ "code": code(&uri, NOW_MS + 60_000), "trustDevice": true });
    browser.post("two-factor/verify-totp", code).await.expect(200);
    browser.post("sign-out", json!({})).await.expect(200);
    browser.post("sign-in/email", body.clone()).await.expect(200);
    assert!(browser.is_signed_in().await);
    ada.post("two-factor/disable", json!({ "password": "wrong" }))
        .await
        .refused(400, "INVALID_PASSWORD");
    ada.post("two-factor/disable", json!({ "password": PASSWORD }))
        .await
        .expect(200);
    let mut other = Browser::new(&world);
    other.post("sign-in/email", body).await.expect(200);
    assert!(other.is_signed_in().await);
    assert_eq!(world.count("auth.mfa_disabled"), 1);
}

#[tokio::test]
async fn where_it_is_demanded_nothing_goes_without_it() {
    let world = world(json!({ "session": { "forceMfa": true } })).await;
    let mut ada = world.registered("ada@example.com").await;
    let refused = world.who(&bearer(&ada.token)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Denied, "mfa_required"));
    set_up(&mut ada).await;
    assert!(world.who(&bearer(&ada.token)).await.unwrap().is_some());
}

/// Whether the user has a second factor, and whether it is there.
fn halves(world: &World) -> (bool, bool) {
    let user = world.data.rows("sys_user").remove(0);
    let factors = world.data.rows("sys_two_factor");
    let there = factors.first().is_some_and(|factor| factor["verified"] == true);
    (user.get("two_factor_enabled") == Some(&json!(true)), there)
}

#[tokio::test]
async fn both_halves_of_a_second_factor_come_and_go_together() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let begun = ada
        .post("two-factor/enable", json!({ "password": PASSWORD }))
        .await
        .expect(200);
    let uri = begun["totpURI"].as_str().unwrap();
    let factor = world.data.rows("sys_two_factor")[0]["id"].as_str().unwrap().to_owned();
    // Somebody else shows a code at the same time: this one is not told that it counted.
    world.data.meanwhile(move |data| {
        data.alter("sys_two_factor", &factor, &json!({ "last_step": 1 }));
    });
    let first = json!({ "code": code(uri, NOW_MS) });
    ada.post("two-factor/verify-totp", first.clone())
        .await
        .refused(401, "INVALID_CODE");
    assert_eq!(halves(&world), (false, false));
    ada.post("two-factor/verify-totp", first).await.expect(200);
    assert_eq!(halves(&world), (true, true));
    let factor = world.data.rows("sys_two_factor")[0]["id"].as_str().unwrap().to_owned();
    // Switched off twice at once.
    world.data.meanwhile(move |data| {
        data.take("sys_two_factor", &factor);
        let user = data.rows("sys_user").remove(0);
        let off = json!({ "two_factor_enabled": false });
        data.alter("sys_user", user["id"].as_str().unwrap(), &off);
    });
    ada.post("two-factor/disable", json!({ "password": PASSWORD }))
        .await
        .expect(200);
    assert_eq!(halves(&world), (false, false));
}
