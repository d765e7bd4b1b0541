//! Guesses at once are no more guesses than one after the other, and a lock is not gone with the next sign-in.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::two_factor::{code, set_up};
use crate::world::{Answer, Browser, NOW_MS, PASSWORD, World, world};

const LIMIT: usize = 4;
const AT_ONCE: usize = 50;
const MINUTE_MS: i64 = 60_000;

async fn guarded() -> World {
    world(json!({ "lockout": { "attempts": LIMIT, "slowAfter": 9, "lockMinutes": 10 } })).await
}

fn sign_in(password: &str) -> Value {
    json!({ "email": "ada@example.com", "password": password })
}

/// Sends the same from many places at once, each with these cookies.
async fn at_once(world: &World, cookies: &[(String, String)], path: &str, body: &Value) -> Vec<Answer> {
    let send = |_| async {
        let mut browser = Browser::new(world);
        browser.cookies = cookies.to_vec();
        browser.post(path, body.clone()).await
    };
    join_all((0..AT_ONCE).map(send)).await
}

/// How many were looked at and found wrong; the others were not looked at.
fn looked_at(answers: &[Answer], wrong: &str) -> usize {
    let unseen = ["TOO_MANY_ATTEMPTS", "INVALID_TWO_FACTOR_COOKIE"];
    for answer in answers {
        let said = answer.body["code"].as_str().unwrap();
        assert!(said == wrong || unseen.contains(&said), "{}", answer.body);
    }
    answers.iter().filter(|answer| answer.body["code"] == wrong).count()
}

#[tokio::test]
async fn many_passwords_at_once_are_no_more_than_the_limit() {
    let world = guarded().await;
    world.registered("ada@example.com").await;
    let answers = at_once(&world, &[], "sign-in/email", &sign_in("walnut-heron-72")).await;
    assert_eq!(looked_at(&answers, "INVALID_EMAIL_OR_PASSWORD"), LIMIT);
    assert_eq!(world.count("auth.account_locked"), 1);
    let mut ada = Browser::new(&world);
    ada.post("sign-in/email", sign_in(PASSWORD))
        .await
        .refused(429, "TOO_MANY_ATTEMPTS");
    world.plugin.set_now_ms(NOW_MS + 10 * MINUTE_MS + 1);
    ada.post("sign-in/email", sign_in(PASSWORD)).await.expect(200);
}

#[tokio::test]
async fn good_passwords_at_once_wait_for_each_other_and_all_get_in() {
    let world = guarded().await;
    world.registered("ada@example.com").await;
    for answer in at_once(&world, &[], "sign-in/email", &sign_in(PASSWORD)).await {
        answer.expect(200);
    }
    let kept = world.data.rows("sys_verification");
    assert!(
        kept.iter()
            .all(|row| row["id"] == "first_administrator" || row["id"] == "secret_check"),
        "an attempt that succeeds writes nothing: {kept:?}"
    );
}

#[tokio::test]
async fn a_second_factor_stays_locked_whatever_sign_in_follows() {
    let later_ms = NOW_MS + MINUTE_MS;
    for (path, wrong) in [
        ("two-factor/verify-totp", "INVALID_CODE"),
        ("two-factor/verify-backup-code", "INVALID_BACKUP_CODE"),
    ] {
        let world = guarded().await;
        let mut ada = world.registered("ada@example.com").await;
        let (uri, codes) = set_up(&mut ada).await;
        world.plugin.set_now_ms(later_ms);
        let mut half = Browser::new(&world);
        half.post("sign-in/email", sign_in(PASSWORD)).await.expect(200);
        let answers = at_once(&world, &half.cookies, path, &json!({ "code": "000000" })).await;
        assert_eq!(looked_at(&answers, wrong), LIMIT, "{path}");
        assert_eq!(world.count("auth.account_locked"), 1, "{path}");
        // The password alone opens neither of the two again.
        let mut again = Browser::new(&world);
        again.post("sign-in/email", sign_in(PASSWORD)).await.expect(200);
        let good = json!({ "code": code(&uri, later_ms) });
        again
            .post("two-factor/verify-totp", good)
            .await
            .refused(429, "TOO_MANY_ATTEMPTS");
        let backup = json!({ "code": codes[0] });
        again
            .post("two-factor/verify-backup-code", backup.clone())
            .await
            .refused(429, "TOO_MANY_ATTEMPTS");
        let over_ms = later_ms + 10 * MINUTE_MS + 1;
        world.plugin.set_now_ms(over_ms);
        let mut over = Browser::new(&world);
        over.post("sign-in/email", sign_in(PASSWORD)).await.expect(200);
        over.post("two-factor/verify-backup-code", backup).await.expect(200);
    }
}

#[tokio::test]
async fn an_administrator_unlocks_a_second_factor() {
    let world = guarded().await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    let (_, codes) = set_up(&mut ada).await;
    let mut half = Browser::new(&world);
    half.post("sign-in/email", sign_in(PASSWORD)).await.expect(200);
    at_once(
        &world,
        &half.cookies,
        "two-factor/verify-totp",
        &json!({ "code": "000000" }),
    )
    .await;
    root.post("admin/unlock-user", json!({ "userId": id }))
        .await
        .expect(200);
    let mut again = Browser::new(&world);
    again.post("sign-in/email", sign_in(PASSWORD)).await.expect(200);
    again
        .post("two-factor/verify-backup-code", json!({ "code": codes[0] }))
        .await
        .expect(200);
}
