//! An administrator acts as somebody else for as long as they are one who may, and no longer.

use serde_json::{Value, json};

use crate::world::{Browser, NOW_MS, PASSWORD, World, bearer, world};

async fn id_of(browser: &mut Browser<'_>) -> String {
    let session = browser.get("get-session").await.expect(200);
    session["user"]["id"].as_str().unwrap().to_owned()
}

/// Begins to act as a user; answers the token of that session.
async fn act_as(browser: &mut Browser<'_>, user: &str) -> String {
    let body = json!({ "userId": user });
    let acting = browser.post("admin/impersonate-user", body).await.expect(200);
    acting["session"]["token"].as_str().unwrap().to_owned()
}

/// Nobody acts any more: neither here nor in the store.
async fn is_over(world: &World, token: &str) -> bool {
    let nobody = world.who(&bearer(token)).await.unwrap().is_none();
    let sessions = world.data.rows("sys_session");
    nobody && !sessions.iter().any(|session| session["impersonated_by"].is_string())
}

#[tokio::test]
async fn acting_as_somebody_ends_with_the_administrator() {
    for (path, more) in [
        ("admin/set-role", json!({ "role": "user" })),
        ("admin/ban-user", json!({})),
        ("admin/remove-user", json!({})),
        ("admin/revoke-user-sessions", json!({})),
        ("admin/set-user-password", json!({ "newPassword": "walnut-heron-72" })),
        ("revoke-sessions", Value::Null),
        ("revoke-other-sessions", Value::Null),
    ] {
        // Nothing is looked up again by itself, but what acts as somebody else.
        let world = world(json!({ "session": { "recheckMs": 86_400_000 } })).await;
        let mut root = world.registered("root@example.com").await;
        let mut boss = world.registered("boss@example.com").await;
        let mut ada = world.registered("ada@example.com").await;
        let (boss_id, ada_id) = (id_of(&mut boss).await, id_of(&mut ada).await);
        let role = json!({ "userId": boss_id, "role": "super_admin" });
        root.post("admin/set-role", role).await.expect(200);
        let mut elsewhere = Browser::new(&world);
        let body = json!({ "email": "boss@example.com", "password": PASSWORD });
        elsewhere.post("sign-in/email", body).await.expect(200);
        let token = act_as(&mut boss, &ada_id).await;
        let acted = world.who(&bearer(&token)).await.unwrap().unwrap();
        assert_eq!(acted.attributes["impersonatedBy"], boss_id.as_str(), "{path}");
        if more.is_null() {
            elsewhere.post(path, json!({})).await.expect(200);
        } else {
            let mut body = more;
            body["userId"] = json!(boss_id);
            root.post(path, body).await.expect(200);
        }
        assert!(is_over(&world, &token).await, "{path}");
        assert!(ada.is_signed_in().await, "{path}: her own session is hers");
    }
}

#[tokio::test]
async fn what_ends_the_right_without_a_word_is_noticed_in_a_second_and_for_good() {
    for change in [json!({ "banned": true }), json!({ "role": "user" })] {
        let world = world(json!({ "session": { "recheckMs": 86_400_000 } })).await;
        let mut root = world.registered("root@example.com").await;
        let mut ada = world.registered("ada@example.com").await;
        let (root_id, ada_id) = (id_of(&mut root).await, id_of(&mut ada).await);
        let token = act_as(&mut root, &ada_id).await;
        assert!(world.who(&bearer(&token)).await.unwrap().is_some());
        world.data.alter("sys_user", &root_id, &change);
        world.plugin.set_now_ms(NOW_MS + 1001);
        assert!(is_over(&world, &token).await, "{change}");
        let back = json!({ "banned": false, "role": "super_admin" });
        world.data.alter("sys_user", &root_id, &back);
        assert!(is_over(&world, &token).await, "{change} was taken back");
    }
}

#[tokio::test]
async fn nobody_goes_on_to_act_as_somebody_who_became_an_administrator() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let ada_id = id_of(&mut ada).await;
    let token = act_as(&mut root, &ada_id).await;
    assert!(world.who(&bearer(&token)).await.unwrap().is_some());
    world.data.alter("sys_user", &ada_id, &json!({ "role": "super_admin" }));
    world.plugin.set_now_ms(NOW_MS + 1001);
    assert!(is_over(&world, &token).await);
    assert!(ada.is_signed_in().await);
}

#[tokio::test]
async fn signing_out_while_acting_leaves_no_way_back() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let ada_id = id_of(&mut ada).await;
    let token = act_as(&mut root, &ada_id).await;
    let ways_back = || {
        let proofs = world.data.rows("sys_verification");
        let back = proofs
            .iter()
            .filter(|proof| proof["id"].as_str().is_some_and(|id| id.starts_with("im_")));
        back.count()
    };
    assert_eq!((root.cookies.len(), ways_back()), (2, 1), "{:?}", root.cookies);
    root.post("sign-out", json!({})).await.expect(200);
    assert!(is_over(&world, &token).await);
    assert_eq!((root.cookies.len(), ways_back()), (0, 0), "{:?}", root.cookies);
    assert!(ada.is_signed_in().await);
}
