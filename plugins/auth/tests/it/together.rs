//! What is told of a change comes with the change, in one transaction: there is no moment at which one of the two is there alone.
//! And what a sign-in asks of the store.

use serde_json::{Value, json};

use crate::two_factor::set_up;
use crate::world::{Answer, Browser, PASSWORD, World, world};

const NEW: &str = "walnut-heron-72";

/// The events of an action: how many came with changes, how many by themselves.
fn split(world: &World) -> (Vec<String>, Vec<String>) {
    let told = world.told().into_iter().map(|event| event.name).collect();
    (told, world.published())
}

/// Does something, which is told by exactly these events, each with the change that it is about.
async fn check(world: &World, doing: impl Future<Output = Answer>, expected: &[&str]) -> Value {
    let (told_before, alone_before) = split(world);
    let body = doing.await.expect(200);
    let (told, alone) = split(world);
    let mut told = told[told_before.len()..].to_vec();
    let mut expected = expected.to_vec();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(alone, alone_before, "these came without their change");
    body
}

async fn id_of(browser: &mut Browser<'_>) -> Value {
    browser.get("get-session").await.expect(200)["user"]["id"].clone()
}

#[tokio::test]
async fn accounts_and_sessions_change_together_with_their_events() {
    let world = world(json!({})).await;
    let entered = ["auth.session_created", "auth.login"];
    let ended = "auth.session_expired";
    let register = |name: &str| json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "name": name });
    let (mut root, mut ada) = (Browser::new(&world), Browser::new(&world));
    let first = ["authz.role_assigned", entered[0], entered[1]];
    check(&world, root.post("sign-up/email", register("root")), &first).await;
    check(&world, ada.post("sign-up/email", register("ada")), &entered).await;
    let user = id_of(&mut ada).await;
    let body = json!({ "userId": user, "role": "auditor" });
    check(&world, root.post("admin/set-role", body), &["authz.role_updated"]).await;
    let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    check(&world, ada.post("change-password", body), &["auth.password_changed"]).await;
    let sign_in = |password: &str| json!({ "email": "ada@example.com", "password": password });
    let mut other = Browser::new(&world);
    check(&world, other.post("sign-in/email", sign_in(NEW)), &entered).await;
    check(&world, other.post("sign-out", json!({})), &["auth.logout"]).await;
    let made = ada.post("api-key/create", json!({ "name": "k" }));
    let key = check(&world, made, &["security.api_key_created"]).await;
    let body = json!({ "keyId": key["id"] });
    check(&world, ada.post("api-key/delete", body), &["security.api_key_revoked"]).await;
    let body = json!({ "email": "ada@example.com" });
    let asked = ["auth.magic_link_sent"];
    check(&world, Browser::new(&world).post("sign-in/magic-link", body), &asked).await;
    let link = format!("magic-link/verify?token={}", world.mailed_token().await);
    // The address was not verified: password and session of before go.
    let owner = [
        "auth.password_changed",
        ended,
        "auth.email_verified",
        entered[0],
        entered[1],
    ];
    check(&world, ada.get(&link), &owner).await;
    let body = json!({ "newPassword": PASSWORD });
    check(
        &world,
        ada.post("set-initial-password", body),
        &["auth.password_changed"],
    )
    .await;
    let body = json!({ "userId": user, "newPassword": NEW });
    let set = ["auth.password_changed", ended];
    check(&world, root.post("admin/set-user-password", body), &set).await;
    let wrong = Browser::new(&world).post("sign-in/email", sign_in(PASSWORD)).await;
    wrong.refused(401, "INVALID_EMAIL_OR_PASSWORD");
    assert_eq!(world.told().pop().unwrap().name, "auth.login_failed");
    assert_eq!(world.published(), Vec::<String>::new());
}

#[tokio::test]
async fn organizations_and_factors_change_together_with_their_events() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let mut bob = world.registered("bob@example.com").await;
    let body = json!({ "name": "Acme", "slug": "acme" });
    let given = ["authz.role_assigned"];
    check(&world, ada.post("organization/create", body), &given).await;
    let body = json!({ "email": "bob@example.com", "role": "member" });
    check(&world, ada.post("organization/invite-member", body), &[]).await;
    let body = json!({ "invitationId": world.invited() });
    let accepted = ["authz.role_assigned", "auth.email_verified"];
    let accept = bob.post("organization/accept-invitation", body);
    let member = check(&world, accept, &accepted).await["member"]["id"].clone();
    let body = json!({ "memberId": member, "role": "admin" });
    let changed = ["authz.role_updated"];
    check(&world, ada.post("organization/update-member-role", body), &changed).await;
    let body = json!({ "memberIdOrEmail": member });
    let removed = ["authz.role_removed"];
    check(&world, ada.post("organization/remove-member", body), &removed).await;
    let mut told = world.told();
    let last = told.pop().unwrap();
    assert_eq!(last.payload["metadata"]["role"], "org:admin", "{last:?}");
    set_up(&mut ada).await;
    let body = json!({ "password": PASSWORD });
    check(&world, ada.post("two-factor/disable", body), &["auth.mfa_disabled"]).await;
    assert_eq!(world.count("auth.mfa_enabled"), 1);
    assert_eq!(world.published(), Vec::<String>::new());
}

#[tokio::test]
async fn a_change_that_does_not_come_about_is_not_told() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let key = ada.post("api-key/create", json!({ "name": "k" })).await.expect(200)["id"].clone();
    let id = key.as_str().unwrap().to_owned();
    // Somebody else is faster, and tells of it.
    world.data.meanwhile(move |data| data.take("sys_api_key", &id));
    check(&world, ada.post("api-key/delete", json!({ "keyId": key })), &[]).await;
}

#[tokio::test]
async fn a_sign_in_asks_the_store_for_little() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let count = async |password: &str, status: u16| {
        let before = world.data.asked();
        let body = json!({ "email": "ada@example.com", "password": password });
        let answer = Browser::new(&world).post("sign-in/email", body).await;
        assert_eq!(answer.status, status);
        let after = world.data.asked();
        (after[0] - before[0], after[1] - before[1])
    };
    // What stands against it, the user, the password, the organisations; and the session with both of its events.
    assert_eq!(count(PASSWORD, 200).await, (4, 1));
    // Where somebody works is read once.
    let body = json!({ "name": "Acme", "slug": "acme" });
    ada.post("organization/create", body).await.expect(200);
    assert_eq!(count(PASSWORD, 200).await, (4, 1));
    // Whether it was one too many is asked afterwards; the failure is told with its record.
    assert_eq!(count(NEW, 401).await, (4, 1));
}
