//! Failed attempts: slower, locked, and never a word on whether there is such an account.

use serde_json::json;
use std::sync::Arc;

use crate::data::MemoryData;
use crate::world::{Browser, NOW_MS, PASSWORD, World, world, world_in, world_with};

async fn attempt(world: &World, email: &str, password: &str) -> crate::world::Answer {
    let body = json!({ "email": email, "password": password });
    Browser::new(world).post("sign-in/email", body).await
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_answer_the_same() {
    let world = world(json!({})).await;
    world.registered("ada@example.com").await;
    let wrong = attempt(&world, "ada@example.com", "walnut-heron-72").await;
    let unknown = attempt(&world, "eve@example.com", "walnut-heron-72").await;
    assert_eq!((wrong.status, &wrong.body), (401, &unknown.body));
    assert_eq!(wrong.body["code"], "INVALID_EMAIL_OR_PASSWORD");
    assert_eq!(wrong.body["message"], "Invalid email or password");
    assert_eq!(unknown.status, 401);
    assert_eq!(world.count("auth.login_failed"), 2);
}

#[tokio::test]
async fn known_and_unknown_accounts_are_locked_alike() {
    let world = world(json!({ "lockout": { "attempts": 3, "slowAfter": 3, "lockMinutes": 10 } })).await;
    world.registered("ada@example.com").await;
    for email in ["ada@example.com", "eve@example.com"] {
        for _ in 0..3 {
            assert_eq!(attempt(&world, email, "walnut-heron-72").await.status, 401);
        }
        let locked = attempt(&world, email, PASSWORD).await;
        assert_eq!(locked.header("retry-after"), Some("600"), "{email}");
        locked.refused(429, "TOO_MANY_ATTEMPTS");
    }
    assert_eq!(world.count("auth.account_locked"), 2);
    world.plugin.set_now_ms(NOW_MS + 601_000);
    attempt(&world, "ada@example.com", PASSWORD).await.expect(200);
    assert_eq!(world.count("auth.account_unlocked"), 1);
}

#[tokio::test]
async fn a_lock_that_is_over_does_not_stand_for_the_next_one() {
    let world = world(json!({ "lockout": { "attempts": 3, "slowAfter": 3, "lockMinutes": 10 } })).await;
    world.registered("ada@example.com").await;
    for round in 0..3 {
        world.plugin.set_now_ms(NOW_MS + round * 601_000);
        for _ in 0..3 {
            assert_eq!(attempt(&world, "ada@example.com", "walnut-heron-72").await.status, 401);
        }
        let locked = attempt(&world, "ada@example.com", PASSWORD).await;
        assert_eq!(locked.header("retry-after"), Some("600"), "{round}");
    }
    assert_eq!(world.count("auth.account_locked"), 3);
    assert_eq!(world.count("auth.account_unlocked"), 0, "nobody signed in");
}

#[tokio::test]
async fn a_lock_that_is_taken_away_as_it_is_made_longer_is_made_anew() {
    let world = world(json!({ "lockout": { "attempts": 1, "slowAfter": 3, "lockMinutes": 10 } })).await;
    world.registered("ada@example.com").await;
    assert_eq!(attempt(&world, "ada@example.com", "walnut-heron-72").await.status, 401);
    let lock = world.data.rows("sys_verification").into_iter();
    let lock = lock.rev().find(|record| record["identifier"] == "lock");
    let id = lock.expect("a lock")["id"].as_str().unwrap().to_owned();
    world.plugin.set_now_ms(NOW_MS + 601_000);
    // The first transaction counts the failure, the next one tries to make a lock, and the one after that makes longer what is there.
    world.data.meanwhile(move |data| {
        data.meanwhile(move |data| data.meanwhile(move |data| data.take("sys_verification", &id)));
    });
    assert_eq!(attempt(&world, "ada@example.com", "walnut-heron-72").await.status, 401);
    let locked = attempt(&world, "ada@example.com", PASSWORD).await;
    assert_eq!(locked.header("retry-after"), Some("600"));
    locked.refused(429, "TOO_MANY_ATTEMPTS");
    assert_eq!(world.count("auth.account_locked"), 2);
}

#[tokio::test]
async fn a_lock_that_was_made_longer_is_not_swept_away() {
    let config = json!({ "lockout": { "attempts": 1, "slowAfter": 3, "lockMinutes": 10 } });
    let data = Arc::new(MemoryData::new());
    let before = world_in("development", config.clone(), Arc::clone(&data), &[]).await;
    before.registered("ada@example.com").await;
    assert_eq!(attempt(&before, "ada@example.com", "walnut-heron-72").await.status, 401);
    drop(before);
    let lock = data.rows("sys_verification").into_iter();
    let lock = lock
        .rev()
        .find(|record| record["identifier"] == "lock")
        .expect("a lock");
    let id = lock["id"].as_str().unwrap().to_owned();
    // Whoever sweeps has read what is over; then somebody else locks the account once more.
    let longer = json!({ "expires_at": "2023-11-16T00:00:00.000Z" });
    let altered = id.clone();
    data.meanwhile(move |data| data.alter("sys_verification", &altered, &longer));
    let later = NOW_MS + 24 * 3_600_000;
    let after = world_with("development", config, Arc::clone(&data), |host| host.now_ms(later)).await;
    let ending = || {
        let mut records = data.rows("sys_verification");
        records.retain(|record| record.contains_key("expires_at"));
        records
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while ending().len() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("what is over goes");
    let left = ending();
    assert_eq!((left.len(), &left[0]["id"]), (1, &json!(id)));
    attempt(&after, "ada@example.com", PASSWORD)
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn attempts_have_to_wait_before_they_are_refused_altogether() {
    let world = world(json!({ "lockout": { "attempts": 10, "slowAfter": 2 } })).await;
    world.registered("ada@example.com").await;
    for _ in 0..2 {
        assert_eq!(attempt(&world, "ada@example.com", "walnut-heron-72").await.status, 401);
    }
    attempt(&world, "ada@example.com", PASSWORD)
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
    world.plugin.set_now_ms(NOW_MS + 1000);
    attempt(&world, "ada@example.com", PASSWORD).await.expect(200);
    attempt(&world, "ada@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn one_address_does_not_try_everybody() {
    let world = world(json!({ "lockout": { "addressAttempts": 4 } })).await;
    world.registered("ada@example.com").await;
    for number in 0..4 {
        assert_eq!(
            attempt(&world, &format!("user{number}@example.com"), "walnut-heron-72")
                .await
                .status,
            401
        );
    }
    attempt(&world, "ada@example.com", PASSWORD)
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
    let mut elsewhere = Browser::new(&world);
    elsewhere.address = "192.0.2.2".to_owned();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    elsewhere.post("sign-in/email", body).await.expect(200);
}

#[tokio::test]
async fn an_administrator_unlocks_and_disables() {
    let world = world(json!({ "lockout": { "attempts": 2, "slowAfter": 9 } })).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    for _ in 0..2 {
        attempt(&world, "ada@example.com", "walnut-heron-72").await;
    }
    assert_eq!(attempt(&world, "ada@example.com", PASSWORD).await.status, 429);
    ada.post("admin/unlock-user", json!({ "userId": id }))
        .await
        .refused(403, "FORBIDDEN");
    root.post("admin/unlock-user", json!({ "userId": id }))
        .await
        .expect(200);
    attempt(&world, "ada@example.com", PASSWORD).await.expect(200);
    root.post("admin/ban-user", json!({ "userId": id, "banReason": "left" }))
        .await
        .expect(200);
    assert!(!ada.is_signed_in().await);
    attempt(&world, "ada@example.com", PASSWORD)
        .await
        .refused(403, "BANNED_USER");
    attempt(&world, "ada@example.com", "walnut-heron-72")
        .await
        .refused(401, "INVALID_EMAIL_OR_PASSWORD");
    root.post("admin/unban-user", json!({ "userId": id })).await.expect(200);
    attempt(&world, "ada@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_administrator_acts_as_somebody_else_and_it_shows() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    let own = root.get("get-session").await.expect(200)["user"]["id"].clone();
    ada.post("admin/impersonate-user", json!({ "userId": own }))
        .await
        .refused(403, "FORBIDDEN");
    let acting = root
        .post("admin/impersonate-user", json!({ "userId": id }))
        .await
        .expect(200);
    assert_eq!(acting["session"]["impersonatedBy"], own);
    let token = acting["session"]["token"].as_str().unwrap();
    let principal = world.who(&crate::world::bearer(token)).await.unwrap().unwrap();
    assert_eq!(
        (&json!(principal.id), &principal.attributes["impersonatedBy"]),
        (&id, &own)
    );
    // Credentials are the owner's alone.
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "walnut-heron-72" });
    root.post("change-password", change).await.refused(403, "FORBIDDEN");
    root.post("admin/stop-impersonating", json!({})).await.expect(200);
    assert_eq!(root.get("get-session").await.expect(200)["user"]["id"], own);
    assert_eq!(world.who(&crate::world::bearer(token)).await.unwrap(), None);
}

#[tokio::test]
async fn neither_a_restart_nor_another_node_gives_new_attempts() {
    let data = Arc::new(MemoryData::new());
    let config = json!({ "lockout": { "attempts": 4, "slowAfter": 9, "addressAttempts": 7 } });
    let node = async || world_in("development", config.clone(), Arc::clone(&data), &[]).await;
    let (first, second) = (node().await, node().await);
    first.registered("ada@example.com").await;
    // The address's failures are of many accounts, and of all nodes.
    for (node, email) in [(&first, "ada"), (&second, "ada"), (&first, "ada"), (&second, "bob")] {
        let email = format!("{email}@example.com");
        assert_eq!(attempt(node, &email, "walnut-heron-72").await.status, 401);
    }
    drop((first, second));
    let third = node().await;
    assert_eq!(attempt(&third, "ada@example.com", "walnut-heron-72").await.status, 401);
    attempt(&third, "ada@example.com", PASSWORD)
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
    for name in ["cid", "dan"] {
        let email = format!("{name}@example.com");
        assert_eq!(attempt(&third, &email, "walnut-heron-72").await.status, 401);
    }
    attempt(&third, "eve@example.com", PASSWORD)
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
    third.plugin.set_now_ms(NOW_MS + 16 * 60_000);
    attempt(&third, "ada@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn of_many_attempts_at_once_each_one_counts() {
    let world = world(json!({ "lockout": { "attempts": 4, "slowAfter": 9 } })).await;
    let wrong = async || attempt(&world, "ada@example.com", "walnut-heron-72").await.status;
    let statuses = tokio::join!(wrong(), wrong(), wrong(), wrong());
    assert_eq!(statuses, (401, 401, 401, 401));
    assert_eq!(attempt(&world, "ada@example.com", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn whoever_gets_in_has_all_attempts_again() {
    let world = world(json!({ "lockout": { "attempts": 3, "slowAfter": 9 } })).await;
    world.registered("ada@example.com").await;
    for _ in 0..3 {
        for _ in 0..2 {
            assert_eq!(attempt(&world, "ada@example.com", "walnut-heron-72").await.status, 401);
        }
        attempt(&world, "ada@example.com", PASSWORD).await.expect(200);
    }
}
