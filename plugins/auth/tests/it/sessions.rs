//! Sessions: cookies, bearers, how they are renewed and how they end.

use objectos_plugin_api::{ErrorKind, PrincipalKind, contracts::auth::Credentials};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{
    data::MemoryData,
    world::{Browser, NOW_MS, PASSWORD, bearer, world, world_in, world_with},
};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

#[tokio::test]
async fn one_answer_serves_every_client() {
    let world = world(json!({})).await;
    let mut browser = world.registered("ada@example.com").await;
    browser.post("sign-out", json!({})).await.expect(200);
    let body = json!({ "email": "Ada@Example.com", "password": PASSWORD });
    let answer = browser.post("sign-in/email", body).await;
    let signed = answer.header("set-auth-token").unwrap().to_owned();
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    let body = answer.expect(200);
    assert_eq!((&body["redirect"], &body["success"]), (&json!(false), &json!(true)));
    assert_eq!(body["data"]["token"], body["token"]);
    assert_eq!(body["data"]["user"]["email"], "ada@example.com");
    assert_eq!(body["user"]["emailVerified"], false);
    let token = body["token"].as_str().unwrap();
    assert_eq!(token.len(), 32);
    assert!(signed.starts_with(&format!("{token}.")), "{signed}");
    assert!(
        cookie.starts_with(&format!("better-auth.session_token={token}.")),
        "{cookie}"
    );
    assert!(
        cookie.ends_with("Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let session = browser.get("get-session").await.expect(200);
    assert_eq!(
        (&session["session"]["token"], &session["user"]["id"]),
        (&json!(token), &body["user"]["id"])
    );
    assert_eq!(session["data"]["session"], session["session"]);
    assert_eq!(session["session"]["ipAddress"], "192.0.2.1");
    let stored = world.data.rows("sys_session");
    assert!(
        !serde_json::to_string(&stored).unwrap().contains(token),
        "the store has the hash alone"
    );
}

#[tokio::test]
async fn the_principal_is_the_sessions() {
    let world = world(json!({})).await;
    let browser = world.registered("ada@example.com").await;
    let ada = world.who(&bearer(&browser.token)).await.unwrap().unwrap();
    assert_eq!(
        (ada.email.as_deref(), ada.roles.as_slice()),
        (Some("ada@example.com"), &["super_admin".to_owned()][..])
    );
    assert!(ada.session.is_some() && ada.tenant.is_none());
    let signed = Credentials {
        authorization: Some(format!("bearer {}", browser.cookies[0].1)),
        ..bearer("")
    };
    assert_eq!(
        world.who(&signed).await.unwrap().unwrap().id,
        ada.id,
        "with its signature too"
    );
    let cookie = Credentials {
        authorization: None,
        cookie: Some(browser.cookie_header()),
        ..bearer("")
    };
    assert_eq!(world.who(&cookie).await.unwrap().unwrap().id, ada.id);
}

#[tokio::test]
async fn a_time_zone_is_the_users_to_set_and_goes_along_with_every_request() {
    let world = world(json!({})).await;
    let mut browser = world.registered("ada@example.com").await;
    let token = browser.token.clone();
    let zone = || async {
        let ada = world.who(&bearer(&token)).await.unwrap().unwrap();
        ada.attributes.get("timezone").cloned()
    };
    assert_eq!(zone().await, None);
    let body = json!({ "timezone": "Europe/Berlin" });
    browser.post("update-user", body).await.expect(200);
    assert_eq!(zone().await, Some(json!("Europe/Berlin")));
    let session = browser.get("get-session").await.expect(200);
    assert_eq!(session["user"]["timezone"], "Europe/Berlin");
    let body = json!({ "timezone": "Europe/Berlni" });
    let refused = browser.post("update-user", body).await.expect(400);
    let message = refused["message"].as_str().unwrap_or_default();
    assert!(message.contains("'Europe/Berlni' is no time zone"), "{refused}");
    assert_eq!(zone().await, Some(json!("Europe/Berlin")));
    let body = json!({ "timezone": null });
    browser.post("update-user", body).await.expect(200);
    assert_eq!(zone().await, None);
}

#[tokio::test]
async fn whoever_brings_no_proof_is_a_guest_where_guests_are_let_in() {
    let nothing = Credentials {
        authorization: None,
        ..bearer("")
    };
    let closed = world(json!({})).await;
    assert_eq!(closed.who(&nothing).await.unwrap(), None);
    let open = world(json!({ "guests": true })).await;
    let guest = open.who(&nothing).await.unwrap().unwrap();
    assert_eq!((guest.kind, guest.id.as_str()), (PrincipalKind::Anonymous, ""));
    assert!(guest.roles.is_empty() && guest.permission_sets.is_empty() && guest.tenant.is_none());
    assert_eq!(
        open.who(&bearer("x")).await.unwrap(),
        None,
        "a proof that is no good makes no guest"
    );
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_nobody() {
    let world = world(json!({})).await;
    let browser = world.registered("ada@example.com").await;
    let token = &browser.token;
    let forged = format!("{token}.c2lnbmF0dXJl");
    let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.";
    for bad in [
        "",
        "x",
        jwt,
        &forged,
        &token.to_lowercase(),
        &token[1..],
        "00000000000000000000000000000000",
    ] {
        assert_eq!(world.who(&bearer(bad)).await.unwrap(), None, "{bad}");
    }
    let unsigned = Credentials {
        authorization: None,
        cookie: Some(format!("better-auth.session_token={token}")),
        ..bearer("")
    };
    assert_eq!(world.who(&unsigned).await.unwrap(), None, "a cookie is signed");
    let basic = Credentials {
        authorization: Some("Basic YWRhOnB3".to_owned()),
        cookie: Some(browser.cookie_header()),
        ..bearer("")
    };
    assert_eq!(
        world.who(&basic).await.unwrap(),
        None,
        "the header was the caller's choice"
    );
}

#[tokio::test]
async fn a_cookie_changes_things_from_pages_of_ours_alone() {
    let world = world(json!({})).await;
    let browser = world.registered("ada@example.com").await;
    let check = async |method: &str, origin: Option<&str>, expected: bool| {
        let credentials = Credentials {
            authorization: None,
            cookie: Some(browser.cookie_header()),
            origin: origin.map(ToOwned::to_owned),
            host: Some("crm.example.com".to_owned()),
            method: method.to_owned(),
            ..bearer("")
        };
        match world.who(&credentials).await {
            Ok(principal) => assert!(principal.is_some() && expected, "{method} {origin:?}"),
            Err(error) => assert!(
                error.kind() == ErrorKind::Denied && !expected,
                "{method} {origin:?}: {error}"
            ),
        }
    };
    check("GET", None, true).await;
    check("GET", Some("https://evil.example"), true).await;
    check("POST", Some("https://crm.example.com"), true).await;
    check("POST", Some("http://localhost:5173"), true).await;
    check("POST", Some("https://evil.example"), false).await;
    check("DELETE", Some("null"), false).await;
    check("PATCH", None, false).await;
}

#[tokio::test]
async fn own_routes_are_held_to_their_page_too() {
    let world = world(json!({})).await;
    let mut browser = world.registered("ada@example.com").await;
    browser.origin = Some("https://evil.example".to_owned());
    browser.post("sign-out", json!({})).await.refused(403, "INVALID_ORIGIN");
    browser.origin = None;
    browser
        .post("sign-out", json!({}))
        .await
        .refused(403, "MISSING_OR_NULL_ORIGIN");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let mut stranger = Browser::new(&world);
    stranger.origin = Some("https://evil.example".to_owned());
    stranger
        .post("sign-in/email", body.clone())
        .await
        .refused(403, "INVALID_ORIGIN");
    // A program names no page and has no cookie: there is nothing to forge.
    let mut program = Browser::new(&world);
    program.origin = None;
    program.post("sign-in/email", body).await.expect(200);
}

#[tokio::test]
async fn whoever_signs_out_is_out_at_once() {
    let world = world(json!({})).await;
    let mut browser = world.registered("ada@example.com").await;
    let token = browser.token.clone();
    assert!(world.who(&bearer(&token)).await.unwrap().is_some());
    // A JSON content type and no body, as several clients send it.
    let answer = browser.send("POST", "sign-out", "", String::new()).await;
    assert_eq!(
        answer.headers.iter().filter(|(name, _)| name == "set-cookie").count(),
        4
    );
    assert_eq!(answer.expect(200), json!({ "success": true }));
    assert_eq!(world.who(&bearer(&token)).await.unwrap(), None);
    assert_eq!(browser.get("get-session").await.expect(200), Value::Null);
    browser.post("sign-out", json!({})).await.expect(200);
    assert_eq!(world.count("auth.logout"), 1);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let world = world(json!({})).await;
    let mut browser = world.registered("ada@example.com").await;
    let first = browser.token.clone();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    browser.post("sign-in/email", body).await.expect(200);
    assert_ne!(first, browser.token);
    assert_eq!(world.who(&bearer(&first)).await.unwrap(), None);
    assert!(world.who(&bearer(&browser.token)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_session_lasts_a_week_and_is_renewed_each_day() {
    let world = world(json!({})).await;
    let browser = world.registered("ada@example.com").await;
    let by_cookie = Credentials {
        authorization: None,
        cookie: Some(browser.cookie_header()),
        ..bearer("")
    };
    world.plugin.set_now_ms(NOW_MS + DAY_MS / 2);
    assert!(world.identity(&by_cookie).await.unwrap().headers.is_empty());
    world.plugin.set_now_ms(NOW_MS + DAY_MS + 1);
    let renewed = world.identity(&by_cookie).await.unwrap();
    assert!(renewed.principal.is_some());
    assert_eq!(renewed.headers[0].0, "set-cookie");
    assert!(
        world.identity(&by_cookie).await.unwrap().headers.is_empty(),
        "once a day"
    );
    world.plugin.set_now_ms(NOW_MS + 8 * DAY_MS);
    assert!(
        world.who(&by_cookie).await.unwrap().is_some(),
        "seven days from the renewal"
    );
    world.plugin.set_now_ms(NOW_MS + 16 * DAY_MS);
    assert!(world.who(&by_cookie).await.unwrap().is_none());
    assert_eq!(world.count("auth.session_expired"), 1);
    assert!(world.data.rows("sys_session").is_empty());
}

#[tokio::test]
async fn idling_ends_a_session_and_use_keeps_it() {
    let world = world(json!({ "session": { "idleTimeout": 30, "absoluteTimeout": 120 } })).await;
    let browser = world.registered("ada@example.com").await;
    let credentials = bearer(&browser.token);
    for minute in [20, 45, 70, 95] {
        world.plugin.set_now_ms(NOW_MS + minute * MINUTE_MS);
        assert!(world.who(&credentials).await.unwrap().is_some(), "minute {minute}");
    }
    world.plugin.set_now_ms(NOW_MS + 121 * MINUTE_MS);
    assert!(
        world.who(&credentials).await.unwrap().is_none(),
        "two hours are the end"
    );
    let mut browser = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    browser.post("sign-in/email", body).await.expect(200);
    world.plugin.set_now_ms(NOW_MS + 152 * MINUTE_MS);
    assert!(
        world.who(&bearer(&browser.token)).await.unwrap().is_none(),
        "half an hour of idling is the end"
    );
}

#[tokio::test]
async fn a_look_keeps_no_session_from_idling() {
    let world = world(json!({ "session": { "idleTimeout": 30 } })).await;
    let browser = world.registered("ada@example.com").await;
    let used = bearer(&browser.token);
    let looked = Credentials {
        passive: true,
        ..used.clone()
    };
    for (minute, credentials, there) in [
        (10, &looked, true),
        (20, &used, true),
        (35, &looked, true),
        (49, &looked, true),
        (50, &looked, false),
        (51, &used, false),
    ] {
        world.plugin.set_now_ms(NOW_MS + minute * MINUTE_MS);
        let found = world.who(credentials).await.unwrap();
        assert_eq!(found.is_some(), there, "minute {minute}");
    }
    assert_eq!(world.count("auth.session_expired"), 1);
}

#[tokio::test]
async fn over_https_a_cookie_changes_things_from_pages_that_came_over_https() {
    let plain = world(json!({})).await;
    let based = world(json!({ "baseUrl": "https://crm.example.com" })).await;
    for (world, secure, origin, expected) in [
        (&plain, false, "http://crm.example.com", true),
        (&plain, true, "http://crm.example.com", false),
        (&plain, true, "https://crm.example.com", true),
        (&based, false, "http://crm.example.com", false),
        (&based, false, "https://crm.example.com", true),
    ] {
        let browser = world
            .registered(&format!("u{secure}{}@example.com", origin.len()))
            .await;
        let credentials = Credentials {
            authorization: None,
            cookie: Some(browser.cookie_header()),
            origin: Some(origin.to_owned()),
            host: Some("crm.example.com".to_owned()),
            method: "POST".to_owned(),
            secure,
            ..bearer("")
        };
        match world.who(&credentials).await {
            Ok(principal) => assert!(principal.is_some() && expected, "{secure} {origin}"),
            Err(error) => assert!(
                error.kind() == ErrorKind::Denied && !expected,
                "{secure} {origin}: {error}"
            ),
        }
    }
}

#[tokio::test]
async fn sessions_are_listed_and_revoked_by_their_owner() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let (mut phone, mut tablet) = (Browser::new(&world), Browser::new(&world));
    phone.post("sign-in/email", body.clone()).await.expect(200);
    tablet.post("sign-in/email", body.clone()).await.expect(200);
    let mut bob = world.registered("bob@example.com").await;
    let listed = ada.get("list-sessions").await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 3);
    let own = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|session| session["token"] == ada.token.as_str());
    assert_eq!(own.count(), 1);
    let phones = listed[1]["token"].as_str().unwrap();
    bob.post("revoke-session", json!({ "token": phones })).await.expect(200);
    assert!(phone.is_signed_in().await, "nobody ends the sessions of others");
    ada.post("revoke-session", json!({ "token": phones })).await.expect(200);
    assert!(!phone.is_signed_in().await);
    ada.post("revoke-session", json!({ "token": tablet.token }))
        .await
        .expect(200);
    assert!(!tablet.is_signed_in().await, "by the token itself too");
    phone.post("sign-in/email", body).await.expect(200);
    ada.post("revoke-other-sessions", json!({})).await.expect(200);
    assert!(!phone.is_signed_in().await && ada.is_signed_in().await);
    ada.post("revoke-sessions", json!({})).await.expect(200);
    assert!(!ada.is_signed_in().await && bob.is_signed_in().await);
    Browser::new(&world)
        .get("list-sessions")
        .await
        .refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn no_more_sessions_than_a_user_may_have() {
    let world = world(json!({ "session": { "maxConcurrent": 2 } })).await;
    let mut first = world.registered("ada@example.com").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let (mut second, mut third) = (Browser::new(&world), Browser::new(&world));
    second.post("sign-in/email", body.clone()).await.expect(200);
    assert!(first.is_signed_in().await);
    third.post("sign-in/email", body).await.expect(200);
    assert!(!first.is_signed_in().await && second.is_signed_in().await && third.is_signed_in().await);
}

#[tokio::test]
async fn a_changed_password_ends_other_sessions_when_asked() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let mut phone = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    phone.post("sign-in/email", body.clone()).await.expect(200);
    let change = |current: &str, new: &str| json!({ "currentPassword": current, "newPassword": new, "revokeOtherSessions": true });
    ada.post("change-password", change("wrong password", "walnut-heron-72"))
        .await
        .refused(400, "INVALID_PASSWORD");
    ada.post("change-password", change(PASSWORD, PASSWORD))
        .await
        .refused(400, "PASSWORD_REUSED");
    let changed = ada
        .post("change-password", change(PASSWORD, "walnut-heron-72"))
        .await
        .expect(200);
    assert_eq!(changed["token"], ada.token.as_str());
    assert!(ada.is_signed_in().await && !phone.is_signed_in().await);
    phone
        .post("sign-in/email", body)
        .await
        .refused(401, "INVALID_EMAIL_OR_PASSWORD");
    ada.post("change-password", change("walnut-heron-72", PASSWORD))
        .await
        .refused(400, "PASSWORD_REUSED");
    assert_eq!(world.count("auth.password_changed"), 1);
}

#[tokio::test]
async fn an_expired_password_lets_its_owner_change_it_and_nothing_else() {
    let world = world(json!({ "password": { "expirationDays": 1 } })).await;
    let mut ada = world.registered("ada@example.com").await;
    world.plugin.set_now_ms(NOW_MS + 2 * DAY_MS);
    let refused = world.who(&bearer(&ada.token)).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.code()),
        (ErrorKind::Denied, "password_expired")
    );
    let body = json!({ "currentPassword": PASSWORD, "newPassword": "walnut-heron-72" });
    ada.post("change-password", body).await.expect(200);
    assert!(world.who(&bearer(&ada.token)).await.unwrap().is_some());
}

#[tokio::test]
async fn sessions_survive_a_restart_and_reach_a_second_node() {
    let data = Arc::new(MemoryData::new());
    let first = world_in("development", json!({}), Arc::clone(&data), &[]).await;
    let mut ada = first.registered("ada@example.com").await;
    let second = world_in("development", json!({}), data, &[]).await;
    let credentials = bearer(&ada.token);
    assert!(second.who(&credentials).await.unwrap().is_some());
    ada.post("sign-out", json!({})).await.expect(200);
    second.plugin.set_now_ms(NOW_MS + 2001);
    assert_eq!(
        second.who(&credentials).await.unwrap(),
        None,
        "noticed after the short while"
    );
}

#[tokio::test]
async fn https_makes_cookies_secure() {
    let world = world(json!({ "baseUrl": "https://crm.example.com" })).await;
    let browser = world.registered("ada@example.com").await;
    assert_eq!(browser.cookies[0].0, "__Secure-better-auth.session_token");
    let plain = Credentials {
        authorization: None,
        cookie: Some(browser.cookie_header().replace("__Secure-", "")),
        ..bearer("")
    };
    assert_eq!(
        world.who(&plain).await.unwrap(),
        None,
        "what a plain page could have set"
    );
}

#[tokio::test]
async fn a_session_that_is_over_is_listed_no_more_and_takes_nobodys_place() {
    for policy in [
        json!({ "idleTimeout": 30, "maxConcurrent": 2 }),
        json!({ "absoluteTimeout": 35, "maxConcurrent": 2 }),
    ] {
        let world = world(json!({ "session": policy })).await;
        let _old = world.registered("ada@example.com").await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        world.plugin.set_now_ms(NOW_MS + 20 * MINUTE_MS);
        let mut ada = Browser::new(&world);
        ada.post("sign-in/email", body.clone()).await.expect(200);
        let count = async |browser: &mut Browser<'_>| {
            let listed = browser.get("list-sessions").await.expect(200);
            listed.as_array().unwrap().len()
        };
        assert_eq!(count(&mut ada).await, 2);
        world.plugin.set_now_ms(NOW_MS + 40 * MINUTE_MS);
        assert_eq!(count(&mut ada).await, 1, "{policy}");
        let mut phone = Browser::new(&world);
        phone.post("sign-in/email", body).await.expect(200);
        assert!(ada.is_signed_in().await && phone.is_signed_in().await);
    }
}

#[tokio::test]
async fn what_came_to_its_end_is_told_though_nobody_comes_back() {
    let config = json!({ "session": { "idleTimeout": 30 } });
    let data = Arc::new(MemoryData::new());
    let before = world_in("development", config.clone(), Arc::clone(&data), &[]).await;
    before.registered("ada@example.com").await;
    before.plugin.set_now_ms(NOW_MS + 30 * MINUTE_MS);
    before.registered("bob@example.com").await;
    drop(before);
    let later = NOW_MS + 40 * MINUTE_MS;
    let after = world_with("development", config, Arc::clone(&data), |host| host.now_ms(later)).await;
    for _ in 0..30_000 {
        if after.count("auth.session_expired") > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(after.count("auth.session_expired"), 1);
    assert_eq!(data.rows("sys_session").len(), 1, "the other one is not over");
}
