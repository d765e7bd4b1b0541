//! Mailboxes are not filled, and nobody asks for many addresses whether they have accounts.

use objectos_plugin_api::Result;
use serde_json::json;

use crate::world::{Answer, Browser, NOW_MS, PASSWORD, World, world};

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

/// The answer to somebody who registers from an address, some seconds after the beginning.
async fn register(world: &World, email: &str, address: &str, second: i64) -> Answer {
    world.plugin.set_now_ms(NOW_MS + second * 1000);
    let mut browser = Browser::new(world);
    address.clone_into(&mut browser.address);
    let body = json!({ "email": email, "password": PASSWORD, "name": "Eve" });
    browser.post("sign-up/email", body).await
}

const OFFICE: &str = "192.0.2.1";

/// Trying out who has an account is bound to a rate. Whoever shares the address waits for the first trial to be forgotten and for
/// no lock, and only when there are more of them than the burst.
#[tokio::test]
async fn trying_addresses_out_is_bound_to_a_rate() {
    let config = json!({ "lockout": { "signUpAttempts": 3, "attempts": 1, "slowAfter": 1 } });
    let world = world(config).await;
    world.registered("ada@example.com").await;
    for second in [0, 300, 600] {
        let tried = register(&world, "ada@example.com", OFFICE, second).await;
        tried.refused(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    }
    for (email, second, retry_after) in [
        ("ada@example.com", 600, "300"),
        ("eve@example.com", 700, "200"),
        ("eve@example.com", 899, "1"),
    ] {
        let waits = register(&world, email, OFFICE, second).await;
        assert_eq!(waits.header("retry-after"), Some(retry_after), "{email} {second}");
        waits.refused(429, "TOO_MANY_ATTEMPTS");
    }
    register(&world, "bob@example.com", "192.0.2.2", 899).await.expect(200);
    // The first trial is out of the window; the other two still count.
    register(&world, "eve@example.com", OFFICE, 901).await.expect(200);
    register(&world, "ada@example.com", OFFICE, 902)
        .await
        .refused(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    register(&world, "eve@example.com", OFFICE, 903)
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn a_house_full_of_people_registers_from_one_address() {
    let config = json!({ "lockout": { "signUpAttempts": 1, "attempts": 1, "slowAfter": 1, "addressAttempts": 1 } });
    let world = world(config).await;
    for number in 0..20 {
        let email = format!("user{number}@example.com");
        register(&world, &email, OFFICE, 0).await.expect(200);
    }
}

/// What is tried out while registering takes nothing from those who sign in, and the other way round.
#[tokio::test]
async fn registrations_are_counted_by_themselves() {
    let config = json!({ "lockout": { "signUpAttempts": 1, "slowAfter": 9, "addressAttempts": 2 } });
    let world = world(config).await;
    world.registered("ada@example.com").await;
    register(&world, "ada@example.com", OFFICE, 0)
        .await
        .refused(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    let sign_in = async |password: &str| {
        let body = json!({ "email": "ada@example.com", "password": password });
        Browser::new(&world).post("sign-in/email", body).await.status
    };
    assert_eq!(sign_in(PASSWORD).await, 200);
    assert_eq!(
        (sign_in("walnut-heron-72").await, sign_in("walnut-heron-73").await),
        (401, 401)
    );
    assert_eq!(sign_in(PASSWORD).await, 429);
    register(&world, "eve@example.com", OFFICE, 901).await.expect(200);
}

/// Whoever has an IPv6 network has more addresses than anybody can count.
#[tokio::test]
async fn another_address_of_the_same_network_is_the_same_caller() {
    let config = json!({ "lockout": { "signUpAttempts": 2, "addressAttempts": 2, "slowAfter": 9 } });
    let world = world(config).await;
    world.registered("ada@example.com").await;
    let place = |number: u32| format!("2001:db8:1:2::{number:x}");
    for number in [1, 2] {
        register(&world, "ada@example.com", &place(number), 0)
            .await
            .refused(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    }
    register(&world, "eve@example.com", &place(3), 0)
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
    register(&world, "eve@example.com", "2001:db8:1:3::1", 0)
        .await
        .expect(200);
    let sign_in = async |number: u32, password: &str| {
        let mut browser = Browser::new(&world);
        browser.address = place(number);
        let body = json!({ "email": "ada@example.com", "password": password });
        browser.post("sign-in/email", body).await.status
    };
    for number in [1, 2] {
        assert_eq!(sign_in(number, "walnut-heron-72").await, 401);
    }
    assert_eq!(sign_in(3, PASSWORD).await, 429);
}
