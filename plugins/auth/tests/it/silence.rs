//! No answer tells whether an address has an account: neither what it says, nor whether it comes.

use objectos_plugin_api::{
    Context, Error, Result,
    contracts::mailer::{MailMessage, Mailer, MailerServer},
};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::data::MemoryData;
use crate::world::{Browser, PASSWORD, World, token_in, world, world_with};

fn body(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password, "name": "Ada" })
}

/// What is the same in answers about two people.
fn alike(mut answer: Value) -> Value {
    for user in ["/user", "/data/user"] {
        let user = answer.pointer_mut(user).unwrap().as_object_mut().unwrap();
        for name in ["id", "email", "createdAt", "updatedAt"] {
            let value = user.insert(name.to_owned(), Value::Null).unwrap();
            assert!(!value.as_str().unwrap().is_empty(), "{name}");
        }
    }
    answer
}

#[tokio::test]
async fn registering_tells_the_owner_and_nobody_else() {
    let world = world(json!({ "requireEmailVerification": true })).await;
    // The first one is the administrator.
    Browser::new(&world)
        .post("sign-up/email", body("root@example.com", PASSWORD))
        .await
        .expect(200);
    let register = async |browser: &mut Browser<'_>, email: &str, password: &str| {
        let answer = browser.post("sign-up/email", body(email, password)).await;
        let cookies: Vec<&str> = browser.cookies.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(cookies, ["better-auth.registrant"], "nobody is signed in");
        answer.expect(200)
    };
    let (mut ada, mut eve) = (Browser::new(&world), Browser::new(&world));
    let new = register(&mut ada, "ada@example.com", PASSWORD).await;
    let known = register(&mut eve, "ADA@example.com", "walnut-heron-72").await;
    // Some characters of a signature are written as three.
    let letters = |browser: &Browser<'_>| {
        let value = &browser.cookies[0].1;
        value.len() - 2 * value.matches('%').count()
    };
    assert_eq!(letters(&ada), letters(&eve));
    assert_eq!(new["user"]["email"], known["user"]["email"]);
    assert_ne!(new["user"]["id"], known["user"]["id"]);
    let length = |answer: &Value| answer["user"]["id"].as_str().unwrap().len();
    assert_eq!(length(&new), length(&known));
    assert_eq!(alike(new), alike(known));
    let mails = [world.mailed().await, world.mailed().await, world.mailed().await];
    let mut told: Vec<(&str, &str)> = mails
        .iter()
        .map(|mail| (mail.to[0].as_str(), mail.category.as_str()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("ada@example.com", "account_exists"),
            ("ada@example.com", "email_verification"),
            ("root@example.com", "email_verification"),
        ]
    );
    assert_eq!(world.data.rows("sys_user").len(), 2);
    // What stood there before is as it was.
    let links = mails.iter().filter(|mail| mail.category == "email_verification");
    for mail in links {
        let path = format!("verify-email?token={}", token_in(&mail.text));
        ada.get(&path).await.expect(200);
    }
    for (password, status) in [(PASSWORD, 200), ("walnut-heron-72", 401)] {
        let answer = Browser::new(&world)
            .post("sign-in/email", body("ada@example.com", password))
            .await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn where_nobody_is_signed_in_by_registering_nobody_hears_who_has_an_account() {
    let world = world(json!({ "autoSignIn": false })).await;
    let sign_up = async |email: &str, password: &str| {
        let mut browser = Browser::new(&world);
        let answer = browser.post("sign-up/email", body(email, password)).await.expect(200);
        assert!(!browser.is_signed_in().await);
        answer
    };
    sign_up("root@example.com", PASSWORD).await;
    let (new, known) = (
        sign_up("ada@example.com", PASSWORD).await,
        sign_up("ada@example.com", "walnut-heron-72").await,
    );
    assert!(new["token"].is_null());
    assert_eq!(alike(new), alike(known));
    // Nothing has to be verified.
    for (password, status) in [(PASSWORD, 200), ("walnut-heron-72", 401)] {
        let answer = Browser::new(&world)
            .post("sign-in/email", body("ada@example.com", password))
            .await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn trying_addresses_out_comes_to_an_end_whoever_has_an_account() {
    for known in [true, false] {
        let world = world(json!({ "requireEmailVerification": true, "lockout": { "signUpAttempts": 3 } })).await;
        let mut browser = Browser::new(&world);
        for number in 0..3 {
            let email = if known {
                "ada@example.com".to_owned()
            } else {
                format!("ada{number}@example.com")
            };
            browser.post("sign-up/email", body(&email, PASSWORD)).await.expect(200);
        }
        browser
            .post("sign-up/email", body("bob@example.com", PASSWORD))
            .await
            .refused(429, "TOO_MANY_ATTEMPTS");
    }
}

/// A mailer without a mail server.
struct Nowhere;

impl Mailer for Nowhere {
    async fn send(&self, _: Context, _: MailMessage) -> Result<String> {
        Err(Error::unavailable("no mail server is configured"))
    }
}

pub(crate) async fn without_mail(more: Value) -> World {
    let data = Arc::new(MemoryData::new());
    world_with("production", more, data, |host| {
        host.environment("OBJECTOS_ADMIN_EMAIL", "root@example.com")
            .environment("OBJECTOS_ADMIN_PASSWORD", PASSWORD)
            .service(MailerServer::new(Arc::new(Nowhere)))
    })
    .await
}

#[tokio::test]
async fn where_no_mail_goes_out_known_and_unknown_addresses_hear_the_same() {
    for verify in [false, true] {
        let world = without_mail(
            json!({ "signUp": "open", "requireEmailVerification": verify, "lockout": { "slowAfter": 9 } }),
        )
        .await;
        let mut browser = Browser::new(&world);
        browser.origin = None;
        browser
            .post("sign-up/email", body("ada@example.com", PASSWORD))
            .await
            .expect(200);
        browser.cookies.clear();
        for path in ["request-password-reset", "forget-password", "send-verification-email"] {
            let known = browser.post(path, json!({ "email": "ada@example.com" })).await;
            let unknown = browser.post(path, json!({ "email": "eve@example.com" })).await;
            assert_eq!((known.status, &known.body), (200, &unknown.body), "{path}");
            assert_eq!(unknown.status, 200, "{path}");
        }
    }
}
