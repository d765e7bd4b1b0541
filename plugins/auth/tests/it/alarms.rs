//! What follows suspicious activity: accounts are locked, addresses blocked, second factors required.

use objectos_plugin_api::{Context, Event};
use serde_json::{Value, json};

use crate::two_factor::set_up;
use crate::world::{Browser, NOW_MS, PASSWORD, World, bearer, world};

/// What the audit says when a rule fits.
pub(crate) async fn alarm(world: &World, actions: &[&str], origin: Value, about: Value) {
    let mut metadata = json!({ "rule": "guessing", "actions": actions });
    for (key, value) in about.as_object().unwrap() {
        metadata[key] = value.clone();
    }
    let event: Event = serde_json::from_value(json!({
        "id": "e1", "name": "security.suspicious_activity",
        "payload": { "origin": origin, "description": "Guessing", "result": "success", "metadata": metadata },
        "metadata": { "source": "objectos.audit", "timestamp": "2023-11-14T22:13:20.000Z" },
    }))
    .unwrap();
    // At least once means that it may come twice.
    for _ in 0..2 {
        assert_eq!(world.plugin.deliver(&Context::background(), &event).await.unwrap(), 1);
    }
}

async fn user_of(browser: &mut Browser<'_>) -> String {
    let session = browser.get("get-session").await.expect(200);
    session["user"]["id"].as_str().unwrap().to_owned()
}

async fn sign_in(world: &World, email: &str) -> crate::world::Answer {
    let body = json!({ "email": email, "password": PASSWORD });
    Browser::new(world).post("sign-in/email", body).await
}

#[tokio::test]
async fn where_somebody_tries_an_account_it_is_locked_and_its_owner_stays_in() {
    let world = world(json!({ "lockout": { "lockMinutes": 10 } })).await;
    let mut ada = world.registered("ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        alarm(
            &world,
            &["lock_account"],
            json!({ "address": "192.0.2.9" }),
            json!({ "email": email }),
        )
        .await;
        let refused = sign_in(&world, email).await;
        assert_eq!(refused.header("retry-after"), Some("600"), "{email}");
        refused.refused(429, "TOO_MANY_ATTEMPTS");
    }
    assert!(ada.is_signed_in().await);
    assert!(world.count("auth.account_locked") >= 2);
    world.plugin.set_now_ms(NOW_MS + 601_000);
    sign_in(&world, "ada@example.com").await.expect(200);
}

#[tokio::test]
async fn somebody_who_acts_suspiciously_is_out_until_the_lock_ends() {
    // With a session or with a key, which the trail may call a system's.
    for kind in ["user", "service", "system"] {
        let world = world(json!({ "lockout": { "lockMinutes": 10 } })).await;
        let _root = world.registered("root@example.com").await;
        let mut ada = world.registered("ada@example.com").await;
        let key = ada.post("api-key/create", json!({ "name": "k" })).await.expect(200)["key"].clone();
        let key = key.as_str().unwrap().to_owned();
        let id = user_of(&mut ada).await;
        assert!(world.who(&bearer(&key)).await.unwrap().is_some());
        alarm(
            &world,
            &["lock_account"],
            json!({ "actorKind": kind, "actorId": id }),
            json!({}),
        )
        .await;
        assert!(!ada.is_signed_in().await, "{kind}");
        assert!(world.who(&bearer(&key)).await.unwrap().is_none(), "{kind}");
        assert!(sign_in(&world, "ada@example.com").await.status >= 400, "{kind}");
        world.plugin.set_now_ms(NOW_MS + 601_000);
        sign_in(&world, "ada@example.com").await.expect(200);
    }
}

#[tokio::test]
async fn nothing_is_taken_from_a_blocked_address() {
    let world = world(json!({ "lockout": { "blockMinutes": 5 } })).await;
    let mut ada = world.registered("ada@example.com").await;
    alarm(&world, &["block_ip"], json!({ "address": "192.0.2.9" }), json!({})).await;
    let mut credentials = bearer(&ada.token);
    credentials.address = "192.0.2.9".to_owned();
    let refused = world.who(&credentials).await.unwrap_err();
    assert_eq!(refused.code(), "address_blocked");
    ada.address = "192.0.2.9".to_owned();
    ada.get("get-session").await.refused(403, "ADDRESS_BLOCKED");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    ada.post("sign-in/email", body).await.refused(403, "ADDRESS_BLOCKED");
    ada.address = "192.0.2.1".to_owned();
    assert!(ada.is_signed_in().await);
    assert_eq!(world.data.rows("sys_blocked_address").len(), 1);
    ada.address = "192.0.2.9".to_owned();
    world.plugin.set_now_ms(NOW_MS + 301_000);
    assert!(ada.is_signed_in().await);
}

#[tokio::test]
async fn an_operator_blocks_and_unblocks_by_records() {
    let world = world(json!({})).await;
    let ada = world.registered("ada@example.com").await;
    let mut credentials = bearer(&ada.token);
    credentials.address = "192.0.2.9".to_owned();
    let record = json!({ "id": "b1", "address": "192.0.2.9" });
    let context = Context::background();
    world.data.put("sys_blocked_address", record.clone());
    let payload = json!({ "object": "sys_blocked_address", "id": "b1", "record": record });
    let hook = |point| world.plugin.hook(point, "sys_blocked_address", &context, &payload);
    hook("data.after_insert").await.unwrap();
    assert!(world.who(&credentials).await.is_err());
    world.data.take("sys_blocked_address", "b1");
    hook("data.after_delete").await.unwrap();
    assert!(world.who(&credentials).await.unwrap().is_some());
}

#[tokio::test]
async fn whoever_must_have_a_second_factor_does_nothing_before() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let id = user_of(&mut ada).await;
    alarm(
        &world,
        &["require_mfa"],
        json!({ "actorKind": "user", "actorId": id }),
        json!({}),
    )
    .await;
    let refused = world.who(&bearer(&ada.token)).await.unwrap_err();
    assert_eq!(refused.code(), "mfa_required");
    set_up(&mut ada).await;
    assert!(world.who(&bearer(&ada.token)).await.unwrap().is_some());
}

#[tokio::test]
async fn sessions_without_the_second_factor_end_where_there_is_one() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let mut before = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    before.post("sign-in/email", body).await.expect(200);
    set_up(&mut ada).await;
    assert!(before.is_signed_in().await);
    let id = user_of(&mut ada).await;
    alarm(&world, &["require_mfa"], json!({}), json!({ "userId": id })).await;
    assert!(!before.is_signed_in().await);
    assert!(ada.is_signed_in().await);
}
