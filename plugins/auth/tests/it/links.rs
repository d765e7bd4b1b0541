//! What is sent by mail: links that hold once, for a while, and for their own purpose.

use serde_json::json;

use crate::world::{Browser, NOW_MS, PASSWORD, token_in, world};

#[tokio::test]
async fn a_forgotten_password_is_set_anew_once() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let mut browser = Browser::new(&world);
    let unknown = browser
        .post("request-password-reset", json!({ "email": "eve@example.com" }))
        .await
        .expect(200);
    assert!(world.mails.0.lock().unwrap().is_empty());
    let known = browser
        .post(
            "request-password-reset",
            json!({ "email": "ada@example.com", "redirectTo": "/new" }),
        )
        .await
        .expect(200);
    assert_eq!(known, unknown, "nobody is told who has an account");
    let token = world.mailed_token().await;
    let page = browser.get(&format!("reset-password/{token}?callbackURL=%2Fnew")).await;
    assert_eq!(
        (page.status, page.header("location")),
        (302, Some(format!("/new?token={token}").as_str()))
    );
    let body = |password: &str| json!({ "token": token, "newPassword": password });
    browser
        .post("reset-password", body("short"))
        .await
        .refused(400, "PASSWORD_TOO_SHORT");
    browser
        .post("reset-password", body(PASSWORD))
        .await
        .refused(400, "PASSWORD_REUSED");
    browser
        .post("reset-password", body("walnut-heron-72"))
        .await
        .expect(200);
    browser
        .post("reset-password", body("walnut-heron-73"))
        .await
        .refused(400, "INVALID_TOKEN");
    assert!(!ada.is_signed_in().await, "every session ends");
    let sign_in = json!({ "email": "ada@example.com", "password": "walnut-heron-72" });
    let entered = browser.post("sign-in/email", sign_in).await.expect(200);
    assert_eq!(entered["user"]["emailVerified"], true, "the mail arrived");
    assert_eq!(world.count("auth.password_reset"), 1);
}

#[tokio::test]
async fn a_link_ends_and_a_later_one_takes_its_place() {
    let world = world(json!({ "links": { "resetMinutes": 10 } })).await;
    world.registered("ada@example.com").await;
    let mut browser = Browser::new(&world);
    let ask = json!({ "email": "ada@example.com" });
    browser.post("request-password-reset", ask.clone()).await.expect(200);
    let first = world.mailed_token().await;
    browser.post("request-password-reset", ask).await.expect(200);
    let second = world.mailed_token().await;
    let body = |token: &str| json!({ "token": token, "newPassword": "walnut-heron-72" });
    browser
        .post("reset-password", body(&first))
        .await
        .refused(400, "INVALID_TOKEN");
    world.plugin.set_now_ms(NOW_MS + 600_000);
    browser
        .post("reset-password", body(&second))
        .await
        .refused(400, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn nobody_signs_in_before_the_address_is_verified() {
    let world = world(json!({ "requireEmailVerification": true })).await;
    let mut browser = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
    let made = browser.post("sign-up/email", body.clone()).await.expect(200);
    assert!(made["token"].is_null());
    let token = world.mailed_token().await;
    browser
        .post("sign-in/email", body.clone())
        .await
        .refused(403, "EMAIL_NOT_VERIFIED");
    let newer = world.mailed_token().await;
    browser
        .get(&format!("verify-email?token={token}"))
        .await
        .refused(400, "INVALID_TOKEN");
    let other = json!({ "token": newer, "newPassword": "walnut-heron-72" });
    browser
        .post("reset-password", other)
        .await
        .refused(400, "INVALID_TOKEN");
    let verified = browser
        .get(&format!("verify-email?token={newer}&callbackURL=%2Fapp"))
        .await;
    assert_eq!((verified.status, verified.header("location")), (302, Some("/app")));
    assert!(browser.is_signed_in().await);
    Browser::new(&world).post("sign-in/email", body).await.expect(200);
    assert_eq!(world.count("auth.email_verified"), 1);
}

#[tokio::test]
async fn an_address_is_changed_by_its_new_mailbox() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    ada.post("send-verification-email", json!({ "email": "ada@example.com" }))
        .await
        .expect(200);
    let verify = format!("verify-email?token={}", world.mailed_token().await);
    ada.get(&verify).await.expect(200);
    ada.post("change-email", json!({ "newEmail": "lovelace@example.com" }))
        .await
        .expect(200);
    assert_eq!(
        ada.get("get-session").await.expect(200)["user"]["email"],
        "ada@example.com"
    );
    let mail = world.mailed().await;
    assert_eq!(mail.to, ["lovelace@example.com"]);
    let verify = format!("verify-email?token={}", token_in(&mail.text));
    ada.get(&verify).await.expect(200);
    assert_eq!(
        ada.get("get-session").await.expect(200)["user"]["email"],
        "lovelace@example.com"
    );
}

#[tokio::test]
async fn a_magic_link_signs_in_once() {
    let world = world(json!({})).await;
    world.registered("ada@example.com").await;
    let mut browser = Browser::new(&world);
    browser
        .post(
            "sign-in/magic-link",
            json!({ "email": "ada@example.com", "callbackURL": "https://evil.example" }),
        )
        .await
        .refused(403, "INVALID_CALLBACK_URL");
    browser
        .post("sign-in/magic-link", json!({ "email": "ada@example.com" }))
        .await
        .expect(200);
    let path = format!("magic-link/verify?token={}", world.mailed_token().await);
    let entered = browser.get(&path).await.expect(200);
    assert_eq!(entered["user"]["email"], "ada@example.com");
    assert!(browser.is_signed_in().await);
    Browser::new(&world).get(&path).await.refused(400, "INVALID_TOKEN");
    // Whoever registered the address without owning the mailbox is out.
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    Browser::new(&world)
        .post("sign-in/email", body)
        .await
        .refused(401, "INVALID_EMAIL_OR_PASSWORD");
}
