//! Ways in that go wrong are told, each with what was tried, and no more of them than are counted.

use serde_json::{Value, json};

use crate::passkeys::{assertion, device};
use crate::two_factor::{code, set_up};
use crate::world::{Browser, NOW_MS, PASSWORD, World, world};

/// What was told under a name: the way in, and whom it concerns.
fn told(world: &World, event: &str) -> Vec<(Value, Value)> {
    let with_changes = world.told().into_iter().map(|event| (event.name, event.payload));
    let alone = world.plugin.published().into_iter();
    let alone = alone.map(|event| (event.name, event.payload));
    with_changes
        .chain(alone)
        .filter(|(name, _)| name == event)
        .map(|(_, payload)| (payload["metadata"]["method"].clone(), payload["targetId"].clone()))
        .collect()
}

async fn id_of(browser: &mut Browser<'_>) -> Value {
    browser.get("get-session").await.expect(200)["user"]["id"].clone()
}

#[tokio::test]
async fn guessing_a_password_in_an_open_session_is_told_and_locked_and_unlocked() {
    let world = world(json!({ "lockout": { "attempts": 2, "slowAfter": 9 } })).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = id_of(&mut ada).await;
    for _ in 0..2 {
        ada.post("verify-password", json!({ "password": "walnut-heron-72" }))
            .await
            .refused(400, "INVALID_PASSWORD");
    }
    let what = (json!("confirm_password"), id.clone());
    assert_eq!(told(&world, "auth.login_failed"), [what.clone(), what.clone()]);
    assert_eq!(told(&world, "auth.account_locked"), [what]);
    let right = json!({ "password": PASSWORD });
    ada.post("verify-password", right.clone())
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
    root.post("admin/unlock-user", json!({ "userId": id }))
        .await
        .expect(200);
    assert_eq!(world.count("auth.account_unlocked"), 1);
    ada.post("verify-password", right).await.expect(200);
}

#[tokio::test]
async fn links_that_are_no_good_are_told() {
    let world = world(json!({})).await;
    world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = id_of(&mut ada).await;
    let ask = json!({ "email": "ada@example.com" });
    let mut browser = Browser::new(&world);
    browser.post("sign-in/magic-link", ask.clone()).await.expect(200);
    let link = format!("magic-link/verify?token={}", world.mailed_token().await);
    browser.get(&link).await.expect(200);
    for bad in [
        link.as_str(),
        "magic-link/verify?token=0123456789abcdefghijABCDEFGHIJ00",
    ] {
        browser.get(bad).await.refused(400, "INVALID_TOKEN");
    }
    let nobody = (json!("magic_link"), Value::Null);
    assert_eq!(told(&world, "auth.login_failed"), [nobody.clone(), nobody.clone()]);
    browser.post("sign-in/magic-link", ask).await.expect(200);
    let link = format!("magic-link/verify?token={}", world.mailed_token().await);
    world
        .data
        .alter("sys_user", id.as_str().unwrap(), &json!({ "banned": true }));
    browser.get(&link).await.refused(403, "BANNED_USER");
    let all = told(&world, "auth.login_failed");
    assert_eq!(all.len(), 3, "once, with whom it concerns");
    assert!(all.contains(&(json!("magic_link"), id)), "{all:?}");
}

#[tokio::test]
async fn what_is_no_good_is_told_so_often_and_then_taken_no_more() {
    let world = world(json!({ "lockout": { "signUpAttempts": 3 } })).await;
    world.registered("root@example.com").await;
    let (magic, provider) = (
        "magic-link/verify?token=0123456789abcdefghijABCDEFGHIJ00",
        "oauth2/callback/corporate?state=x&code=y",
    );
    let mut browser = Browser::new(&world);
    for (path, status, code) in [(magic, 400, "INVALID_TOKEN"), (provider, 401, "OAUTH_FAILED")] {
        for _ in 0..3 {
            browser.get(path).await.refused(status, code);
        }
        browser.get(path).await.refused(429, "TOO_MANY_ATTEMPTS");
    }
    let count = |method: &str| {
        let all = told(&world, "auth.login_failed");
        all.iter().filter(|(told, _)| *told == method).count()
    };
    assert_eq!((count("magic_link"), count("provider")), (3, 3));
    // From elsewhere it is taken, and looked at.
    let mut elsewhere = Browser::new(&world);
    elsewhere.address = "192.0.2.2".to_owned();
    elsewhere.get(magic).await.refused(400, "INVALID_TOKEN");
}

#[tokio::test]
async fn a_key_that_nobody_has_is_told() {
    let world = world(json!({})).await;
    world.registered("ada@example.com").await;
    let mut stranger = device();
    let mut browser = Browser::new(&world);
    let body = assertion(&mut browser, &mut stranger).await;
    browser
        .post("passkey/verify-authentication", body)
        .await
        .refused(401, "PASSKEY_NOT_FOUND");
    let wrong = json!({ "email": "ada@example.com", "password": "walnut-heron-72" });
    browser
        .post("sign-in/email", wrong)
        .await
        .refused(401, "INVALID_EMAIL_OR_PASSWORD");
    let methods: Vec<Value> = told(&world, "auth.login_failed")
        .into_iter()
        .map(|(method, _)| method)
        .collect();
    assert_eq!(methods, [json!("passkey"), json!("password")]);
}

#[tokio::test]
async fn whoever_acts_as_somebody_else_shows_no_second_factor_of_theirs() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = id_of(&mut ada).await;
    let (uri, codes) = set_up(&mut ada).await;
    root.post("admin/impersonate-user", json!({ "userId": id }))
        .await
        .expect(200);
    let later_ms = NOW_MS + 60_000;
    world.plugin.set_now_ms(later_ms);
    for (path, shown) in [
        ("two-factor/verify-totp", code(&uri, later_ms)),
        ("two-factor/verify-backup-code", codes[0].clone()),
    ] {
        root.post(path, json!({ "code": shown }))
            .await
            .refused(403, "FORBIDDEN");
    }
    let sessions = world.data.rows("sys_session");
    let own = sessions.iter().filter(|session| session["user_id"] == id);
    let acting = own.filter(|session| session["impersonated_by"].is_string());
    assert_eq!(acting.count(), 1, "it is still said who acts");
}
