//! Users who are disabled are out at once and for good, whoever disables them and however; and members of several organisations are
//! put out of one of them by what one of them does.

use objectos_plugin_api::Context;
use serde_json::{Value, json};

use crate::alarms::alarm;
use crate::reach::{directory, id_of, manager, ruled, with_role};
use crate::scim::encoded;
use crate::world::{Answer, Browser, NOW_MS, PASSWORD, World, bearer, world};

const USERS: &str = "scim/v2/Users";

/// The sessions of a user in the store.
fn sessions(world: &World, user: &Value) -> Vec<Value> {
    let sessions = world.data.rows("sys_session").into_iter();
    sessions
        .filter(|session| session["user_id"] == *user)
        .map(Value::Object)
        .collect()
}

async fn sign_in(browser: &mut Browser<'_>, email: &str) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD });
    browser.post("sign-in/email", body).await
}

#[tokio::test]
async fn a_directory_disables_somebody_whose_ban_is_over() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = id_of(&mut ada).await;
    let mut keyed = directory(&world, &mut root).await;
    let user = id.as_str().unwrap();
    let ban = json!({ "userId": id, "banExpiresIn": 60 });
    root.post("admin/ban-user", ban).await.expect(200);
    assert_eq!(
        keyed.one("GET", USERS, user, Value::Null).await.expect(200)["active"],
        false
    );
    world.plugin.set_now_ms(NOW_MS + 60_001);
    let found = async |keyed: &mut Browser<'_>, active: bool| {
        let filter = encoded(&format!("active eq {active} and userName sw \"ada\""));
        keyed.get(&format!("{USERS}?filter={filter}")).await.expect(200)["totalResults"] == 1
    };
    assert_eq!(
        keyed.one("GET", USERS, user, Value::Null).await.expect(200)["active"],
        true
    );
    assert!(found(&mut keyed, true).await && !found(&mut keyed, false).await);
    sign_in(&mut ada, "ada@example.com").await.expect(200);
    let set = |active: bool| json!({ "Operations": [{ "op": "replace", "path": "active", "value": active }] });
    let changed = keyed.one("PATCH", USERS, user, set(false)).await.expect(200);
    assert_eq!(changed["active"], false);
    assert!(sessions(&world, &id).is_empty() && !ada.is_signed_in().await);
    assert!(found(&mut keyed, false).await && !found(&mut keyed, true).await);
    sign_in(&mut ada, "ada@example.com").await.refused(403, "BANNED_USER");
    let changed = keyed.one("PATCH", USERS, user, set(true)).await.expect(200);
    assert_eq!(changed["active"], true);
    sign_in(&mut ada, "ada@example.com").await.expect(200);
}

#[tokio::test]
async fn disabling_and_the_end_of_what_somebody_is_in_with_are_one_change() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = id_of(&mut ada).await;
    sign_in(&mut Browser::new(&world), "ada@example.com").await.expect(200);
    assert_eq!(sessions(&world, &id).len(), 2);
    let before = world.data.asked()[1];
    root.post("admin/ban-user", json!({ "userId": id })).await.expect(200);
    assert_eq!(world.data.asked()[1] - before, 1, "there is no moment between them");
    assert_eq!(world.count("auth.session_expired"), 2);
    assert!(sessions(&world, &id).is_empty());
    // Also when one of them ends just then.
    root.post("admin/unban-user", json!({ "userId": id })).await.expect(200);
    for _ in 0..2 {
        sign_in(&mut Browser::new(&world), "ada@example.com").await.expect(200);
    }
    let gone = sessions(&world, &id)[0]["id"].as_str().unwrap().to_owned();
    world.data.meanwhile(move |data| data.take("sys_session", &gone));
    root.post("admin/ban-user", json!({ "userId": id })).await.expect(200);
    assert!(sessions(&world, &id).is_empty());
    assert_eq!(world.count("auth.session_expired"), 3);
}

#[tokio::test]
async fn a_session_of_somebody_disabled_does_not_come_back_with_them() {
    let world = world(json!({})).await;
    world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = id_of(&mut ada).await;
    let user = id.as_str().unwrap();
    world.data.alter("sys_user", user, &json!({ "banned": true }));
    world.plugin.set_now_ms(NOW_MS + 1001);
    assert_eq!(world.who(&bearer(&ada.token)).await.unwrap(), None);
    assert!(sessions(&world, &id).is_empty());
    world.data.alter("sys_user", user, &json!({ "banned": false }));
    assert!(!ada.is_signed_in().await);
}

#[tokio::test]
async fn whoever_is_disabled_over_the_data_routes_is_out_with_their_links() {
    let world = world(json!({})).await;
    let root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = id_of(&mut ada).await;
    let user = id.as_str().unwrap();
    let email = json!({ "email": "ada@example.com" });
    Browser::new(&world)
        .post("request-password-reset", email)
        .await
        .expect(200);
    let token = world.mailed_token().await;
    let before = json!({ "id": id, "email": "ada@example.com", "role": "user", "banned": false });
    world.data.alter("sys_user", user, &json!({ "banned": true }));
    let principal = world.who(&bearer(&root.token)).await.unwrap().unwrap();
    let context = Context::request("r1").with_principal(&principal);
    let hook = json!({ "object": "sys_user", "id": id, "record": { "banned": true }, "previous": before });
    world
        .plugin
        .hook("data.after_update", "sys_user", &context, &hook)
        .await
        .unwrap();
    assert!(sessions(&world, &id).is_empty());
    world.data.alter("sys_user", user, &json!({ "banned": false }));
    assert!(!ada.is_signed_in().await);
    let reset = json!({ "token": token, "newPassword": "walnut-heron-72" });
    ada.post("reset-password", reset).await.refused(400, "INVALID_TOKEN");
}

/// Somebody in the organisation `o1`, which is managed, and in another one, with a session in each.
async fn between<'a>(world: &'a World, root: &mut Browser<'_>) -> (Value, [Browser<'a>; 2]) {
    let (mut here, id) = with_role(world, root, "cy", "user").await;
    let other = json!({ "id": "o2", "name": "Theirs", "slug": "theirs" });
    world.data.put("sys_organization", other);
    for organization in ["o1", "o2"] {
        let place = json!({ "organization_id": organization, "user_id": id, "role": "member" });
        world.data.put("sys_member", place);
    }
    let mut there = Browser::new(world);
    sign_in(&mut there, "cy@example.com").await.expect(200);
    for (browser, organization) in [(&mut here, "o1"), (&mut there, "o2")] {
        let body = json!({ "organizationId": organization });
        browser.post("organization/set-active", body).await.expect(200);
    }
    (id, [here, there])
}

/// The organisations somebody is a member of.
fn places(world: &World, user: &Value) -> Vec<Value> {
    let places = world.data.rows("sys_member").into_iter();
    places
        .filter(|place| place["user_id"] == *user)
        .map(|place| place["organization_id"].clone())
        .collect()
}

#[tokio::test]
async fn one_organization_ends_what_is_in_it_and_nothing_else() {
    for by_directory in [false, true] {
        let world = ruled().await;
        let mut root = world.registered("root@example.com").await;
        let mut hr = manager(&world, &mut root).await;
        let mut keyed = directory(&world, &mut hr).await;
        let (id, [mut here, mut there]) = between(&world, &mut root).await;
        let key = here.post("api-key/create", json!({ "name": "k" })).await.expect(200);
        let listed = hr.post("admin/list-user-sessions", json!({ "userId": id })).await;
        let listed = listed.expect(200)["sessions"].clone();
        let active: Vec<&Value> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|session| &session["activeOrganizationId"])
            .collect();
        assert_eq!(active, [&json!("o1")], "what is done elsewhere is not shown");
        hr.post("admin/revoke-user-sessions", json!({ "userId": id }))
            .await
            .expect(200);
        assert!(!here.is_signed_in().await && there.is_signed_in().await);
        sign_in(&mut here, "cy@example.com").await.expect(200);
        here.post("organization/set-active", json!({ "organizationId": "o1" }))
            .await
            .expect(200);
        if by_directory {
            let user = id.as_str().unwrap();
            let off = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
            let changed = keyed.one("PATCH", USERS, user, off).await.expect(200);
            assert_eq!(changed["active"], false);
            keyed.one("GET", USERS, user, Value::Null).await.expect(404);
        } else {
            hr.post("admin/ban-user", json!({ "userId": id })).await.expect(200);
        }
        assert_eq!(places(&world, &id), [json!("o2")]);
        assert!(!here.is_signed_in().await && there.is_signed_in().await);
        assert_eq!(world.who(&bearer(key["key"].as_str().unwrap())).await.unwrap(), None);
        sign_in(&mut here, "cy@example.com").await.expect(200);
        // Whoever administers the whole disables everywhere.
        root.post("admin/ban-user", json!({ "userId": id })).await.expect(200);
        assert!(!here.is_signed_in().await && !there.is_signed_in().await);
    }
}

#[tokio::test]
async fn one_organization_brings_nobody_back_whom_the_platform_disabled() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    let mut keyed = directory(&world, &mut hr).await;
    let (id, _) = between(&world, &mut root).await;
    root.post("admin/ban-user", json!({ "userId": id })).await.expect(200);
    hr.post("admin/unban-user", json!({ "userId": id }))
        .await
        .refused(403, "FORBIDDEN");
    let on = json!({ "Operations": [{ "op": "replace", "path": "active", "value": true }] });
    keyed.one("PATCH", USERS, id.as_str().unwrap(), on).await.expect(403);
    sign_in(&mut Browser::new(&world), "cy@example.com")
        .await
        .refused(403, "BANNED_USER");
}

/// Somebody in the organisation `o1`, which is managed, and in no other one.
async fn within<'a>(world: &'a World, root: &mut Browser<'_>) -> (Browser<'a>, Value) {
    let (ada, id) = with_role(world, root, "ada", "user").await;
    let place = json!({ "organization_id": "o1", "user_id": id, "role": "member" });
    world.data.put("sys_member", place);
    (ada, id)
}

/// What a directory says of somebody.
fn active(active: bool) -> Value {
    json!({ "Operations": [{ "op": "replace", "path": "active", "value": active }] })
}

#[tokio::test]
async fn whom_the_platform_disabled_it_alone_brings_back() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    let mut keyed = directory(&world, &mut hr).await;
    let (mut ada, id) = within(&world, &mut root).await;
    let (user, them) = (id.as_str().unwrap(), json!({ "userId": id }));
    root.post("admin/ban-user", them.clone()).await.expect(200);
    // Nor does an organisation make it its own.
    for path in ["admin/unban-user", "admin/ban-user", "admin/unban-user"] {
        hr.post(path, them.clone()).await.refused(403, "FORBIDDEN");
    }
    // A directory says yes or no, and its no is one more.
    for (says, status) in [(true, 403), (false, 200), (true, 403)] {
        keyed.one("PATCH", USERS, user, active(says)).await.expect(status);
    }
    sign_in(&mut ada, "ada@example.com").await.refused(403, "BANNED_USER");
    root.post("admin/unban-user", them.clone()).await.expect(200);
    sign_in(&mut ada, "ada@example.com").await.expect(200);
    hr.post("admin/ban-user", them.clone()).await.expect(200);
    root.post("admin/ban-user", them.clone()).await.expect(200);
    hr.post("admin/unban-user", them.clone())
        .await
        .refused(403, "FORBIDDEN");
    keyed.one("PATCH", USERS, user, active(true)).await.expect(403);
    sign_in(&mut ada, "ada@example.com").await.refused(403, "BANNED_USER");
}

#[tokio::test]
async fn whom_the_platform_disabled_no_organization_does_away_with() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    let mut keyed = directory(&world, &mut hr).await;
    let (_, id) = within(&world, &mut root).await;
    let (user, them) = (id.as_str().unwrap(), json!({ "userId": id }));
    root.post("admin/ban-user", them.clone()).await.expect(200);
    // With account or address out of the way, the address would be there for a new account.
    let moved = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "elsewhere@example.com" }] });
    let whole = json!({ "userName": "elsewhere@example.com", "active": false });
    hr.post("admin/remove-user", them.clone())
        .await
        .refused(403, "FORBIDDEN");
    for (method, body) in [("PATCH", moved.clone()), ("PUT", whole), ("DELETE", Value::Null)] {
        keyed.one(method, USERS, user, body).await.expect(403);
    }
    let kept = &world.data.rows("sys_user");
    assert!(
        kept.iter()
            .any(|row| row["id"] == id && row["email"] == "ada@example.com" && row["banned"] == true),
        "{kept:#?}"
    );
    root.post("admin/unban-user", them.clone()).await.expect(200);
    keyed.one("PATCH", USERS, user, moved).await.expect(200);
    hr.post("admin/ban-user", them.clone()).await.expect(200);
    hr.post("admin/remove-user", them).await.expect(200);
}

#[tokio::test]
async fn whom_an_organization_disabled_it_brings_back() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    let mut keyed = directory(&world, &mut hr).await;
    let (mut ada, id) = within(&world, &mut root).await;
    let (user, them) = (id.as_str().unwrap(), json!({ "userId": id }));
    for (out_by_directory, back_by_directory) in [(false, false), (false, true), (true, false), (true, true)] {
        let out = if out_by_directory {
            keyed.one("PATCH", USERS, user, active(false)).await
        } else {
            hr.post("admin/ban-user", them.clone()).await
        };
        out.expect(200);
        sign_in(&mut ada, "ada@example.com").await.refused(403, "BANNED_USER");
        let back = if back_by_directory {
            keyed.one("PATCH", USERS, user, active(true)).await
        } else {
            hr.post("admin/unban-user", them.clone()).await
        };
        back.expect(200);
        sign_in(&mut ada, "ada@example.com").await.expect(200);
    }
    hr.post("admin/ban-user", them.clone()).await.expect(200);
    root.post("admin/unban-user", them).await.expect(200);
    sign_in(&mut ada, "ada@example.com").await.expect(200);
    // Somebody who was made without being let in.
    let eve = json!({ "userName": "eve@example.com", "active": false });
    let made = keyed.post(USERS, eve).await.expect(201);
    let eve = made["id"].as_str().unwrap();
    let back = keyed.one("PATCH", USERS, eve, active(true)).await.expect(200);
    assert_eq!(back["active"], true);
}

#[tokio::test]
async fn what_an_alarm_did_no_organization_undoes() {
    let world = ruled().await;
    let mut root = world.registered("root@example.com").await;
    let mut hr = manager(&world, &mut root).await;
    let (mut ada, id) = within(&world, &mut root).await;
    let them = json!({ "userId": id });
    // What the organisation did is over.
    let for_a_minute = json!({ "userId": id, "banExpiresIn": 60 });
    hr.post("admin/ban-user", for_a_minute).await.expect(200);
    world.plugin.set_now_ms(NOW_MS + 60_001);
    sign_in(&mut ada, "ada@example.com").await.expect(200);
    let origin = json!({ "actorKind": "user", "actorId": id });
    alarm(&world, &["lock_account"], origin, json!({})).await;
    assert!(!ada.is_signed_in().await);
    hr.post("admin/unban-user", them.clone())
        .await
        .refused(403, "FORBIDDEN");
    root.post("admin/unban-user", them).await.expect(200);
}
