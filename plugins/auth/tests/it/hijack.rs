//! Accounts that somebody else set up before their owner came, and links from before that would open them again.

use serde_json::{Value, json};

use crate::two_factor::set_up;
use crate::world::{Browser, NOW_MS, PASSWORD, World, bearer, world};

const NEW: &str = "walnut-heron-72";
const DAY_MS: i64 = 24 * 3_600_000;

/// The proofs of the store that open an account.
fn open_proofs(world: &World) -> Vec<String> {
    let proofs = world.data.rows("sys_verification");
    let ids = proofs.iter().map(|proof| proof["id"].as_str().unwrap().to_owned());
    ids.filter(|id| {
        ["rp_", "ev_", "ml_", "tf_", "td_"]
            .iter()
            .any(|kind| id.starts_with(kind))
    })
    .collect()
}

async fn ask(browser: &mut Browser<'_>, path: &str, email: &str) {
    browser.post(path, json!({ "email": email })).await.expect(200);
}

/// The token of the last mail but so many, however late the mails go out.
async fn reset_token(world: &World, email: &str) -> String {
    world.read_all();
    ask(&mut Browser::new(world), "request-password-reset", email).await;
    world.mailed_token().await
}

#[tokio::test]
async fn the_owner_of_an_address_finds_nobody_in_the_account() {
    for (by_reset, with_factor) in [(true, false), (true, true), (false, false)] {
        let world = world(json!({})).await;
        world.registered("root@example.com").await;
        let mut eve = world.registered("ada@example.com").await;
        let user = eve.get("get-session").await.expect(200)["user"]["id"].clone();
        let linked =
            json!({ "user_id": user, "provider_id": "corporate", "account_id": "eve", "access_token": "v1.x" });
        world.data.put("sys_account", linked);
        let key = eve.post("api-key/create", json!({ "name": "k" })).await.expect(200)["key"].clone();
        if with_factor {
            set_up(&mut eve).await;
            // Half of a sign-in, which the second factor would end.
            let half = json!({ "email": "ada@example.com", "password": PASSWORD });
            Browser::new(&world).post("sign-in/email", half).await.expect(200);
        } else {
            eve.post("two-factor/enable", json!({ "password": PASSWORD }))
                .await
                .expect(200);
        }
        ask(&mut eve, "send-verification-email", "ada@example.com").await;
        world.mailed().await;
        let mut ada = Browser::new(&world);
        if by_reset {
            let body = json!({ "token": reset_token(&world, "ada@example.com").await, "newPassword": NEW });
            ada.post("reset-password", body).await.expect(200);
            let body = json!({ "email": "ada@example.com", "password": NEW });
            let entered = ada.post("sign-in/email", body).await.expect(200);
            assert_eq!(
                entered["user"]["email"], "ada@example.com",
                "no factor of somebody else: {entered}"
            );
        } else {
            world.read_all();
            ask(&mut ada, "sign-in/magic-link", "ada@example.com").await;
            let path = format!("magic-link/verify?token={}", world.mailed_token().await);
            ada.get(&path).await.expect(200);
        }
        let providers: Vec<Value> = world
            .data
            .rows("sys_account")
            .into_iter()
            .filter(|account| account["user_id"] == user)
            .map(|account| account["provider_id"].clone())
            .collect();
        assert_eq!(providers, if by_reset { vec![json!("credential")] } else { vec![] });
        assert!(world.data.rows("sys_two_factor").is_empty() && world.data.rows("sys_api_key").is_empty());
        assert_eq!(open_proofs(&world), Vec::<String>::new());
        assert_eq!(world.who(&bearer(key.as_str().unwrap())).await.unwrap(), None);
        assert!(!eve.is_signed_in().await && ada.is_signed_in().await);
        assert_eq!(ada.get("get-session").await.expect(200)["user"]["emailVerified"], true);
    }
}

#[tokio::test]
async fn a_link_says_nothing_of_another_address() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut eve = world.registered("eve@example.com").await;
    let user = eve.get("get-session").await.expect(200)["user"]["id"].clone();
    let id = user.as_str().unwrap();
    let token = reset_token(&world, "eve@example.com").await;
    let body = json!({ "token": token, "newPassword": NEW });
    world.data.alter("sys_user", id, &json!({ "email": "ada@example.com" }));
    eve.post("reset-password", body.clone())
        .await
        .refused(400, "INVALID_TOKEN");
    world.data.alter("sys_user", id, &json!({ "email": "eve@example.com" }));
    eve.post("reset-password", body).await.expect(200);
    // Whoever changes an address ends what is under way for the one before.
    let (reset, path) = (reset_token(&world, "eve@example.com").await, "scim/v2/Users");
    let change = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "ada@example.com" }] });
    root.one("PATCH", path, id, change).await.expect(200);
    assert_eq!(open_proofs(&world), Vec::<String>::new());
    let body = json!({ "token": reset, "newPassword": "walnut-heron-73" });
    eve.post("reset-password", body).await.refused(400, "INVALID_TOKEN");
}

#[tokio::test]
async fn an_address_is_changed_by_somebody_who_signed_in_lately_or_says_the_password() {
    let world = world(json!({})).await;
    world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let change = |password: Value| json!({ "newEmail": "lovelace@example.com", "password": password });
    let email = async |browser: &mut Browser<'_>| browser.get("get-session").await.expect(200)["user"]["email"].clone();
    ada.post("change-email", change(Value::Null)).await.expect(200);
    assert_eq!(
        email(&mut ada).await,
        "ada@example.com",
        "not before its mailbox says so"
    );
    let taken = json!({ "newEmail": "root@example.com" });
    ada.post("change-email", taken).await.expect(200);
    let mail = world.mailed().await;
    assert_eq!(mail.to, ["lovelace@example.com"]);
    world.plugin.set_now_ms(NOW_MS + DAY_MS + 1000);
    ada.post("change-email", change(Value::Null))
        .await
        .refused(403, "SESSION_NOT_FRESH");
    ada.post("change-email", change(json!(NEW)))
        .await
        .refused(400, "INVALID_PASSWORD");
    ada.post("change-email", change(json!(PASSWORD))).await.expect(200);
    let verify = format!("verify-email?token={}", world.mailed_token().await);
    ask(&mut ada, "request-password-reset", "ada@example.com").await;
    world.mailed().await;
    ada.get(&verify).await.expect(200);
    assert_eq!(email(&mut ada).await, "lovelace@example.com");
    assert_eq!(open_proofs(&world), Vec::<String>::new());
    assert_eq!(
        world.mails.0.lock().unwrap().len(),
        3,
        "nobody is told whose address is taken"
    );
}

#[tokio::test]
async fn what_shuts_somebody_out_ends_their_links() {
    for end in ["change-password", "admin/set-user-password", "admin/ban-user"] {
        let world = world(json!({})).await;
        let mut root = world.registered("root@example.com").await;
        let mut ada = world.registered("ada@example.com").await;
        let user = ada.get("get-session").await.expect(200)["user"]["id"].clone();
        let reset = reset_token(&world, "ada@example.com").await;
        let mut browser = Browser::new(&world);
        ask(&mut browser, "sign-in/magic-link", "ada@example.com").await;
        let magic = world.mailed_token().await;
        ask(&mut browser, "send-verification-email", "ada@example.com").await;
        world.mailed().await;
        assert_eq!(open_proofs(&world).len(), 3);
        let answer = match end {
            "change-password" => {
                let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
                ada.post(end, body).await
            }
            _ => root.post(end, json!({ "userId": user, "newPassword": NEW })).await,
        };
        answer.expect(200);
        assert_eq!(open_proofs(&world), Vec::<String>::new(), "{end}");
        if end == "admin/ban-user" {
            root.post("admin/unban-user", json!({ "userId": user }))
                .await
                .expect(200);
        }
        browser
            .post(
                "reset-password",
                json!({ "token": reset, "newPassword": "walnut-heron-73" }),
            )
            .await
            .refused(400, "INVALID_TOKEN");
        browser
            .get(&format!("magic-link/verify?token={magic}"))
            .await
            .refused(400, "INVALID_TOKEN");
    }
}

#[tokio::test]
async fn who_verifies_an_address_keeps_everything_with_their_own_session_and_else_nothing() {
    for own in [true, false] {
        let world = world(json!({})).await;
        world.registered("root@example.com").await;
        let mut eve = world.registered("ada@example.com").await;
        let user = eve.get("get-session").await.expect(200)["user"]["id"].clone();
        let linked = json!({ "user_id": user, "provider_id": "corporate", "account_id": "eve" });
        world.data.put("sys_account", linked);
        let key = eve.post("api-key/create", json!({ "name": "k" })).await.expect(200)["key"].clone();
        ask(&mut eve, "send-verification-email", "ada@example.com").await;
        let verify = format!("verify-email?token={}", world.mailed_token().await);
        let mut ada = Browser::new(&world);
        let opener = if own { &mut eve } else { &mut ada };
        let opened = opener.get(&verify).await.expect(200);
        assert_eq!(eve.is_signed_in().await, own);
        let by_key = world.who(&bearer(key.as_str().unwrap())).await.unwrap();
        assert_eq!(by_key.is_some(), own, "{by_key:?}");
        let accounts = world.data.rows("sys_account");
        let theirs = accounts.iter().filter(|account| account["user_id"] == user);
        let providers: Vec<&Value> = theirs.map(|account| &account["provider_id"]).collect();
        assert_eq!(providers.contains(&&json!("corporate")), own, "{providers:?}");
        // Whoever opens the link elsewhere need not be who chose the password, and chooses one of their own.
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let again = ada.post("sign-in/email", body).await;
        assert_eq!(again.status, if own { 200 } else { 401 }, "{}", again.body);
        assert_eq!(opened["setPassword"], if own { Value::Null } else { json!(true) });
        if !own {
            let body = json!({ "token": reset_token(&world, "ada@example.com").await, "newPassword": NEW });
            ada.post("reset-password", body).await.expect(200);
            let body = json!({ "email": "ada@example.com", "password": NEW });
            let entered = ada.post("sign-in/email", body).await.expect(200);
            assert_eq!(entered["user"]["emailVerified"], true);
        }
        assert_eq!(world.count("auth.email_verified"), 1);
    }
}

#[tokio::test]
async fn a_password_stays_in_the_browser_it_was_registered_in_and_nowhere_else() {
    for (own, page) in [(true, "/app"), (false, "/app?setPassword=true")] {
        let world = world(json!({ "requireEmailVerification": true })).await;
        let mut root = Browser::new(&world);
        let body = |name: &str| json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "name": name });
        root.post("sign-up/email", body("root")).await.expect(200);
        world.mailed().await;
        // Somebody registers an address; its owner, or they themselves, open the link.
        let mut eve = Browser::new(&world);
        eve.post("sign-up/email", body("ada")).await.expect(200);
        let verify = format!("verify-email?token={}&callbackURL=%2Fapp", world.mailed_token().await);
        let mut ada = Browser::new(&world);
        // What another account was registered in shows nothing of this one.
        ada.cookies.clone_from(&root.cookies);
        let opener = if own { &mut eve } else { &mut ada };
        let opened = opener.get(&verify).await;
        assert_eq!((opened.status, opened.header("location")), (302, Some(page)));
        assert!(opener.is_signed_in().await);
        let entered = Browser::new(&world).post("sign-in/email", body("ada")).await;
        assert_eq!(entered.status, if own { 200 } else { 401 }, "{}", entered.body);
        if !own {
            let first = json!({ "newPassword": NEW });
            ada.post("set-initial-password", first).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_link_alone_gives_no_account_another_address_and_takes_no_second_factor_away() {
    for moves in [true, false] {
        let world = world(json!({})).await;
        world.registered("root@example.com").await;
        let mut eve = world.registered("ada@example.com").await;
        if moves {
            let body = json!({ "newEmail": "lovelace@example.com" });
            eve.post("change-email", body).await.expect(200);
        } else {
            set_up(&mut eve).await;
            ask(&mut eve, "send-verification-email", "ada@example.com").await;
        }
        let verify = format!("verify-email?token={}", world.mailed_token().await);
        let mut other = Browser::new(&world);
        other.get(&verify).await.refused(401, "UNAUTHORIZED");
        let page = other.get(&format!("{verify}&callbackURL=%2Fapp")).await;
        assert_eq!(
            (page.status, page.header("location")),
            (302, Some("/app?error=UNAUTHORIZED"))
        );
        assert!(eve.is_signed_in().await);
        // The link is as good as before.
        eve.get(&verify).await.expect(200);
        let user = eve.get("get-session").await.expect(200)["user"].clone();
        let email = if moves {
            "lovelace@example.com"
        } else {
            "ada@example.com"
        };
        assert_eq!((&user["email"], &user["emailVerified"]), (&json!(email), &json!(true)));
        assert_eq!(user["twoFactorEnabled"], !moves);
    }
}

#[tokio::test]
async fn an_old_session_sets_up_no_way_in() {
    let world = world(json!({})).await;
    world.registered("root@example.com").await;
    let mut ada = Browser::new(&world);
    ask(&mut ada, "sign-in/magic-link", "ada@example.com").await;
    let link = format!("magic-link/verify?token={}", world.mailed_token().await);
    ada.get(&link).await.expect(200);
    world.plugin.set_now_ms(NOW_MS + DAY_MS + 1000);
    assert!(ada.is_signed_in().await);
    for (path, body) in [
        ("set-initial-password", json!({ "newPassword": NEW })),
        ("set-password", json!({ "newPassword": NEW })),
        ("link-social", json!({ "provider": "corporate" })),
        ("oauth2/link", json!({ "providerId": "corporate" })),
    ] {
        ada.post(path, body).await.refused(403, "SESSION_NOT_FRESH");
    }
    assert_eq!(
        world.data.rows("sys_account").len(),
        1,
        "the password of the administrator"
    );
}
