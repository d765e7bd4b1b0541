//! Where a second factor is demanded: what goes without it, and that no way in goes round it.

use serde_json::json;
use std::sync::Arc;

use crate::authenticator::{Device, Format};
use crate::data::MemoryData;
use crate::two_factor::{code, set_up};
use crate::world::{Browser, NOW_MS, PASSWORD, World, bearer, world, world_in};

fn forced() -> serde_json::Value {
    json!({ "session": { "forceMfa": true } })
}

/// Whether somebody's session may do what everybody may.
async fn is_free(world: &World, browser: &Browser<'_>) -> bool {
    match world.who(&bearer(&browser.token)).await {
        Ok(principal) => principal.is_some(),
        Err(error) => {
            assert_eq!(error.code(), "mfa_required");
            false
        }
    }
}

#[tokio::test]
async fn a_restricted_session_sets_that_right_and_does_nothing_else() {
    let world = world(forced()).await;
    let mut root = world.registered("root@example.com").await;
    for path in [
        "api-key/create",
        "api-key/update",
        "update-user",
        "delete-user",
        "change-email",
        "link-social",
        "unlink-account",
        "organization/create",
        "organization/set-active",
        "two-factor/disable",
        "two-factor/get-totp-uri",
        "two-factor/generate-backup-codes",
        "admin/create-user",
        "admin/set-role",
        "admin/impersonate-user",
        "verify-password",
    ] {
        let body = json!({ "password": PASSWORD, "name": "x", "email": "x@example.com" });
        root.post(path, body).await.refused(403, "MFA_REQUIRED");
    }
    for path in ["api-key/list", "list-accounts", "organization/list", "admin/list-users"] {
        root.get(path).await.refused(403, "MFA_REQUIRED");
    }
    root.get("scim/v2/Users").await.expect(403);
    assert!(
        world.count("security.access_denied") >= 20,
        "whoever is held back is told of"
    );
    assert_eq!(world.data.rows("sys_user").len(), 1);
    root.get("list-sessions").await.expect(200);
    root.post("revoke-other-sessions", json!({})).await.expect(200);
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "walnut-heron-72" });
    root.post("change-password", change).await.expect(200);
    assert!(root.is_signed_in().await && !is_free(&world, &root).await);
    root.post("sign-out", json!({})).await.expect(200);
    assert!(!root.is_signed_in().await);
}

#[tokio::test]
async fn a_key_does_no_more_than_its_owner() {
    let data = Arc::new(MemoryData::new());
    let before = world_in("development", json!({}), Arc::clone(&data), &[]).await;
    let mut ada = before.registered("ada@example.com").await;
    let made = ada.post("api-key/create", json!({ "name": "k" })).await.expect(200);
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(before.who(&bearer(&key)).await.unwrap().is_some());
    // From now on it is demanded.
    let after = world_in("development", forced(), data, &[]).await;
    let refused = after.who(&bearer(&key)).await.unwrap_err();
    assert_eq!(refused.code(), "mfa_required");
    let mut again = Browser::new(&after);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    again.post("sign-in/email", body).await.expect(200);
    set_up(&mut again).await;
    after.plugin.set_now_ms(NOW_MS + 5000);
    assert!(after.who(&bearer(&key)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_session_that_showed_none_is_restricted_also_where_there_is_one() {
    let data = Arc::new(MemoryData::new());
    let before = world_in("development", json!({}), Arc::clone(&data), &[]).await;
    let mut ada = before.registered("ada@example.com").await;
    let mut old = Browser::new(&before);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    old.post("sign-in/email", body).await.expect(200);
    let (uri, _) = set_up(&mut ada).await;
    let after = world_in("development", forced(), data, &[]).await;
    after.plugin.set_now_ms(NOW_MS + 60_000);
    let mut same = Browser::new(&after);
    same.cookies.clone_from(&old.cookies);
    same.token.clone_from(&old.token);
    assert!(is_free(&after, &ada).await && !is_free(&after, &same).await);
    // Neither another factor in place of the one there is, nor none at all.
    for path in ["two-factor/enable", "two-factor/disable"] {
        same.post(path, json!({ "password": PASSWORD }))
            .await
            .refused(403, "MFA_REQUIRED");
    }
    same.get("passkey/generate-register-options")
        .await
        .refused(403, "MFA_REQUIRED");
    let shown = json!({ "code": code(&uri, NOW_MS + 60_000) });
    same.post("two-factor/verify-totp", shown).await.expect(200);
    assert!(is_free(&after, &same).await);
}

#[tokio::test]
async fn a_passkey_with_a_finger_is_a_second_factor_and_a_touch_is_none() {
    for verified in [true, false] {
        let world = world(forced()).await;
        let mut ada = world.registered("ada@example.com").await;
        let device = Device::new("localhost", "http://localhost:3000");
        let mut device = if verified {
            device
        } else {
            device.without_verification()
        };
        let options = ada.get("passkey/generate-register-options").await.expect(200);
        let response = device.register(options["challenge"].as_str().unwrap(), Format::None);
        ada.post("passkey/verify-registration", json!({ "response": response }))
            .await
            .expect(200);
        assert_eq!(world.data.rows("sys_passkey")[0]["user_verified"], verified);
        assert!(!is_free(&world, &ada).await, "it is not shown yet");
        let enabled = ada.post("two-factor/enable", json!({ "password": PASSWORD })).await;
        assert_eq!(enabled.status, if verified { 403 } else { 200 }, "{}", enabled.body);
        let mut browser = Browser::new(&world);
        let options = browser.get("passkey/generate-authenticate-options").await.expect(200);
        let response = device.authenticate(options["challenge"].as_str().unwrap());
        browser
            .post("passkey/verify-authentication", json!({ "response": response }))
            .await
            .expect(200);
        assert_eq!(is_free(&world, &browser).await, verified);
    }
}

#[tokio::test]
async fn a_magic_link_leads_to_the_second_step() {
    let world = world(forced()).await;
    let mut ada = world.registered("ada@example.com").await;
    let (uri, _) = set_up(&mut ada).await;
    world.plugin.set_now_ms(NOW_MS + 60_000);
    for callback in [None, Some("/app")] {
        let mut browser = Browser::new(&world);
        let body = json!({ "email": "ada@example.com", "callbackURL": callback });
        browser.post("sign-in/magic-link", body).await.expect(200);
        let query = callback.map(|_| "&callbackURL=%2Fapp").unwrap_or_default();
        let path = format!("magic-link/verify?token={}{query}", world.mailed_token().await);
        let half = browser.get(&path).await;
        match callback {
            None => assert_eq!(
                half.expect(200),
                json!({ "twoFactorRedirect": true, "twoFactorMethods": ["totp"] })
            ),
            Some(_) => assert_eq!(
                (half.status, half.header("location")),
                (302, Some("/app?twoFactorRedirect=true&twoFactorMethods=totp"))
            ),
        }
        assert!(!browser.is_signed_in().await);
        let at_ms = NOW_MS + if callback.is_none() { 60_000 } else { 120_000 };
        world.plugin.set_now_ms(at_ms);
        browser
            .post("two-factor/verify-totp", json!({ "code": code(&uri, at_ms) }))
            .await
            .expect(200);
        assert!(is_free(&world, &browser).await);
    }
    assert!(
        ada.is_signed_in().await,
        "a link takes nothing away from whoever has the factor"
    );
}

#[tokio::test]
async fn a_trusted_device_showed_it() {
    let world = world(forced()).await;
    let mut ada = world.registered("ada@example.com").await;
    let (uri, _) = set_up(&mut ada).await;
    world.plugin.set_now_ms(NOW_MS + 60_000);
    let mut browser = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    browser.post("sign-in/email", body.clone()).await.expect(200);
    let shown = json!({ "code": code(&uri, NOW_MS + 60_000), "trustDevice": true });
    browser.post("two-factor/verify-totp", shown).await.expect(200);
    browser.post("sign-out", json!({})).await.expect(200);
    browser.post("sign-in/email", body).await.expect(200);
    assert!(is_free(&world, &browser).await);
}
