//! Mailboxes are not filled, and nobody asks for many addresses whether they have accounts.

use objectos_plugin_api::Result;
use serde_json::json;

use crate::world::{Browser, NOW_MS, PASSWORD, World, world};

async fn ask(world: &World, path: &str, email: &str, address: &str) -> u16 {
    let mut browser = Browser::new(world);
    address.clone_into(&mut browser.address);
    let answer = browser.post(path, json!({ "email": email })).await;
    if answer.status == 429 {
        assert_eq!(answer.header("retry-after"), Some("900"), "{path} {email} {address}");
    }
    answer.status
}

#[tokio::test]
async fn a_mailbox_gets_so_many_mails_wherever_they_are_asked_for() {
    let world = world(json!({ "lockout": { "attempts": 3, "slowAfter": 9 } })).await;
    world.registered("ada@example.com").await;
    let paths = [
        "request-password-reset",
        "sign-in/magic-link",
        "send-verification-email",
    ];
    // Of one without an account it is counted the same way.
    for email in ["ada@example.com", "eve@example.com"] {
        for (number, path) in paths.iter().enumerate() {
            let address = format!("192.0.2.{number}");
            assert_eq!(ask(&world, path, email, &address).await, 200, "{path} {email}");
        }
        for (number, path) in paths.iter().enumerate() {
            let address = format!("198.51.100.{number}");
            assert_eq!(ask(&world, path, email, &address).await, 429, "{path} {email}");
        }
    }
    assert_eq!(ask(&world, paths[0], "bob@example.com", "192.0.2.1").await, 200);
    world.plugin.set_now_ms(NOW_MS + 901_000);
    assert_eq!(ask(&world, paths[0], "ada@example.com", "192.0.2.1").await, 200);
}

#[tokio::test]
async fn one_place_does_not_write_to_everybody() {
    let world = world(json!({ "lockout": { "addressAttempts": 4 } })).await;
    for number in 0..4 {
        let email = format!("user{number}@example.com");
        assert_eq!(ask(&world, "sign-in/magic-link", &email, "192.0.2.1").await, 200);
    }
    let (path, email) = ("sign-in/magic-link", "ada@example.com");
    assert_eq!(ask(&world, path, email, "192.0.2.1").await, 429);
    assert_eq!(ask(&world, path, email, "192.0.2.2").await, 200);
}

#[tokio::test]
async fn mails_that_nobody_asks_for_are_left_out_when_there_were_many() -> Result<()> {
    let world = world(json!({ "requireEmailVerification": true, "lockout": { "attempts": 3, "slowAfter": 9 } })).await;
    let mut browser = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
    browser.post("sign-up/email", body.clone()).await.expect(200);
    world.mailed().await;
    for number in 0..5 {
        browser
            .post("sign-in/email", body.clone())
            .await
            .refused(403, "EMAIL_NOT_VERIFIED");
        if number < 2 {
            world.mailed().await;
        }
    }
    // Whatever was begun is done by then.
    world.plugin.stop().await?;
    assert_eq!(world.mails.0.lock().unwrap().len(), 3);
    Ok(())
}

#[tokio::test]
async fn trying_addresses_out_closes_the_door() {
    let world = world(json!({ "lockout": { "attempts": 3, "slowAfter": 9 } })).await;
    world.registered("ada@example.com").await;
    let mut eve = Browser::new(&world);
    let mut register = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD, "name": "Eve" });
        eve.post("sign-up/email", body).await.status
    };
    for _ in 0..3 {
        assert_eq!(register("ada@example.com").await, 422);
    }
    // What is counted goes when the door is closed; the door does not open by that.
    for email in ["ada@example.com", "eve@example.com"] {
        assert_eq!(register(email).await, 429);
    }
}
