//! How the first administrator comes to be, and who may register after that.

use serde_json::json;
use std::sync::Arc;

use crate::{
    data::MemoryData,
    world::{Browser, PASSWORD, World, world, world_in},
};

fn body(email: &str) -> serde_json::Value {
    json!({ "email": email, "password": PASSWORD, "name": "Ada" })
}

#[tokio::test]
async fn whoever_registers_first_in_development_is_the_administrator() {
    let world = world(json!({})).await;
    let mut browser = Browser::new(&world);
    assert_eq!(
        browser.get("bootstrap-status").await.expect(200),
        json!({ "hasOwner": false })
    );
    let first = browser.post("sign-up/email", body("ada@example.com")).await.expect(200);
    assert_eq!(first["user"]["role"], "super_admin");
    assert_eq!(
        browser.get("bootstrap-status").await.expect(200),
        json!({ "hasOwner": true })
    );
    let second = Browser::new(&world)
        .post("sign-up/email", body("bob@example.com"))
        .await
        .expect(200);
    assert_eq!(second["user"]["role"], "user");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_are_first_at_once_one_is_the_administrator() {
    let world = world(json!({})).await;
    let register = async |number: u32| {
        let mut browser = Browser::new(&world);
        let answer = browser
            .post("sign-up/email", body(&format!("user{number}@example.com")))
            .await;
        answer.expect(200)["user"]["role"].as_str().unwrap().to_owned()
    };
    let (a, b, c, d) = tokio::join!(register(1), register(2), register(3), register(4));
    let mut roles = [a, b, c, d];
    roles.sort_unstable();
    assert_eq!(roles, ["super_admin", "user", "user", "user"]);
}

/// A world in production and the token in its log.
async fn printed_token() -> (World, String) {
    let data = Arc::new(MemoryData::new());
    let world = world_in("production", json!({ "signUp": "open" }), data, &[]).await;
    let printed = world.plugin.logged().join("\n");
    let token = printed
        .split("\"token\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("no token in the log")
        .to_owned();
    (world, token)
}

#[tokio::test]
async fn production_asks_for_the_token_of_its_operator() {
    let (world, token) = printed_token().await;
    let mut browser = Browser::new(&world);
    browser.origin = None;
    browser
        .post("sign-up/email", body("eve@example.com"))
        .await
        .refused(403, "BOOTSTRAP_TOKEN_REQUIRED");
    let mut guess = body("eve@example.com");
    guess["bootstrapToken"] = json!("a guess");
    browser
        .post("sign-up/email", guess)
        .await
        .refused(403, "BOOTSTRAP_TOKEN_REQUIRED");
    let mut proven = body("ada@example.com");
    proven["bootstrapToken"] = json!(token);
    let made = browser.post("sign-up/email", proven).await.expect(200);
    assert_eq!(made["user"]["role"], "super_admin");
    let mut again = body("eve@example.com");
    again["bootstrapToken"] = json!(token);
    let mut other = Browser::new(&world);
    other.origin = None;
    let made = other.post("sign-up/email", again).await.expect(200);
    assert_eq!(made["user"]["role"], "user", "the token is good once");
}

#[tokio::test]
async fn the_operator_names_the_administrator_in_the_environment() {
    let data = Arc::new(MemoryData::new());
    let environment = [
        ("OBJECTOS_ADMIN_EMAIL", "Root@Example.com"),
        ("OBJECTOS_ADMIN_PASSWORD", PASSWORD),
    ];
    for _ in 0..2 {
        // A second start changes nothing.
        let world = world_in("production", json!({}), Arc::clone(&data), &environment).await;
        let mut browser = Browser::new(&world);
        browser.origin = None;
        let body = json!({ "email": "root@example.com", "password": PASSWORD });
        let answer = browser.post("sign-in/email", body).await.expect(200);
        assert_eq!(answer["user"]["role"], "super_admin");
        assert_eq!(data.rows("sys_user").len(), 1);
    }
}

#[tokio::test]
async fn production_takes_those_who_were_invited() {
    let data = Arc::new(MemoryData::new());
    let environment = [
        ("OBJECTOS_ADMIN_EMAIL", "root@example.com"),
        ("OBJECTOS_ADMIN_PASSWORD", PASSWORD),
    ];
    let world = world_in("production", json!({}), data, &environment).await;
    let mut root = Browser::new(&world);
    let sign_in = json!({ "email": "root@example.com", "password": PASSWORD });
    root.post("sign-in/email", sign_in).await.expect(200);
    Browser::new(&world)
        .post("sign-up/email", body("ada@example.com"))
        .await
        .refused(403, "SELF_REGISTRATION_CLOSED");
    root.post("organization/create", json!({ "name": "Acme", "slug": "acme" }))
        .await
        .expect(200);
    let invitation = json!({ "email": "ada@example.com", "role": "member" });
    let invited = root.post("organization/invite-member", invitation).await.expect(200);
    let sign_up = async |email: &str, named: &serde_json::Value| {
        let mut body = body(email);
        body["invitation"] = named.clone();
        Browser::new(&world).post("sign-up/email", body).await
    };
    // Everybody can write an address down, and every member of the organisation knows the id.
    for named in [serde_json::Value::Null, invited["id"].clone()] {
        sign_up("ada@example.com", &named)
            .await
            .refused(403, "SELF_REGISTRATION_CLOSED");
    }
    let link = json!(world.invited());
    sign_up("eve@example.com", &link)
        .await
        .refused(400, "INVITATION_NOT_FOUND");
    let made = sign_up("ada@example.com", &link).await.expect(200);
    assert_eq!(
        (&made["user"]["role"], &made["user"]["emailVerified"]),
        (&json!("user"), &json!(true))
    );
}

#[tokio::test]
async fn what_registers_is_held_to_the_rules() {
    let world = world(json!({})).await;
    let mut browser = Browser::new(&world);
    let check = async |browser: &mut Browser<'_>, change: serde_json::Value, status: u16, code: &str| {
        let mut body = body("ada@example.com");
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        browser.post("sign-up/email", body).await.refused(status, code);
    };
    check(&mut browser, json!({ "email": "ada" }), 400, "VALIDATION_ERROR").await;
    check(&mut browser, json!({ "email": null }), 400, "VALIDATION_ERROR").await;
    check(&mut browser, json!({ "password": "short" }), 400, "PASSWORD_TOO_SHORT").await;
    check(
        &mut browser,
        json!({ "password": "password123" }),
        400,
        "PASSWORD_COMPROMISED",
    )
    .await;
    check(
        &mut browser,
        json!({ "password": "x".repeat(129) }),
        400,
        "PASSWORD_TOO_LONG",
    )
    .await;
    check(
        &mut browser,
        json!({ "callbackURL": "https://evil.example" }),
        403,
        "INVALID_CALLBACK_URL",
    )
    .await;
    browser.post("sign-up/email", body("ada@example.com")).await.expect(200);
    check(
        &mut browser,
        json!({ "email": "ADA@example.com" }),
        422,
        "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
    )
    .await;
    let account = &world.data.rows("sys_account")[0];
    assert!(
        account["password"].as_str().unwrap().starts_with("v1."),
        "sealed: {account:?}"
    );
}

#[tokio::test]
async fn another_secret_than_the_first_ends_the_start() {
    let data = Arc::new(MemoryData::new());
    drop(world_in("development", json!({}), Arc::clone(&data), &[]).await);
    let host = objectos_plugin_testing::TestHost::new(include_str!("../../plugin.json"))
        .config(crate::world::config(&json!({})))
        .environment("OBJECTOS_AUTH_SECRET", "another secret that is long enough too")
        .service(objectos_plugin_api::contracts::data::DataServer::new(data));
    let refused = host.start::<objectos_auth::AuthPlugin>().await.unwrap_err().to_string();
    assert!(
        refused.contains("not the one with which this database began"),
        "{refused}"
    );
}

/// What a start says that does not come about.
async fn refused_start(config: serde_json::Value, environment: &[(&str, &str)]) -> String {
    let data = Arc::new(MemoryData::new());
    let mut host = objectos_plugin_testing::TestHost::new(include_str!("../../plugin.json"))
        .config(crate::world::config(&config))
        .environment("OBJECTOS_AUTH_SECRET", crate::world::SECRET)
        .service(objectos_plugin_api::contracts::data::DataServer::new(data));
    for (name, value) in environment {
        host = host.environment(name, value);
    }
    host.start::<objectos_auth::AuthPlugin>().await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_policy_takes_no_password_that_costs_too_much() {
    let refused = refused_start(json!({ "password": { "maxLength": 257 } }), &[]).await;
    assert!(
        refused.contains("password.maxLength") && refused.contains("256"),
        "{refused}"
    );
    let world = world(json!({ "password": { "maxLength": 256, "refuseCommon": false } })).await;
    let long = "\u{1f511}".repeat(256);
    let mut body = body("ada@example.com");
    body["password"] = json!(long);
    let mut browser = Browser::new(&world);
    browser.post("sign-up/email", body.clone()).await.expect(200);
    Browser::new(&world).post("sign-in/email", body).await.expect(200);
}

#[tokio::test]
async fn the_administrator_may_stand_in_files() {
    let folder = std::env::temp_dir().join(format!("objectos-auth-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let email = file("email", "Root@Example.com\n");
    // A line's end is no part of it, a blank is.
    let password = file("password", " tangerine otter 41 \r\n");
    let environment = [
        ("OBJECTOS_ADMIN_EMAIL_FILE", email.as_str()),
        ("OBJECTOS_ADMIN_PASSWORD_FILE", password.as_str()),
    ];
    let data = Arc::new(MemoryData::new());
    let world = world_in("production", json!({}), data, &environment).await;
    let mut browser = Browser::new(&world);
    browser.origin = None;
    let body = json!({ "email": "root@example.com", "password": " tangerine otter 41 " });
    let answer = browser.post("sign-in/email", body).await.expect(200);
    assert_eq!(answer["user"]["role"], "super_admin");
    // The variable itself goes before its file.
    let both = [&environment[..], &[("OBJECTOS_ADMIN_EMAIL", "other@example.com")]].concat();
    let data = Arc::new(MemoryData::new());
    let world = world_in("production", json!({}), data, &both).await;
    assert_eq!(world.data.rows("sys_user")[0]["email"], "other@example.com");
    for (name, value, expected) in [
        (
            "OBJECTOS_ADMIN_PASSWORD_FILE",
            "/nowhere/password",
            "/nowhere/password, which cannot be read",
        ),
        (
            "OBJECTOS_ADMIN_PASSWORD_FILE",
            email.as_str(),
            "OBJECTOS_ADMIN_PASSWORD cannot be used",
        ),
        (
            "OBJECTOS_ADMIN_OTHER_FILE",
            "",
            "OBJECTOS_ADMIN_PASSWORD is not; set both or none",
        ),
    ] {
        let refused = refused_start(json!({}), &[("OBJECTOS_ADMIN_EMAIL_FILE", &email), (name, value)]).await;
        assert!(refused.contains(expected), "{name}={value}: {refused}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_user_whom_the_operator_names_becomes_the_administrator_and_it_is_told() {
    let data = Arc::new(MemoryData::new());
    data.put(
        "sys_user",
        json!({ "id": "u1", "name": "Root", "email": "root@example.com", "role": "user" }),
    );
    let environment = [
        ("OBJECTOS_ADMIN_EMAIL", "root@example.com"),
        ("OBJECTOS_ADMIN_PASSWORD", PASSWORD),
    ];
    for expected in [1, 0] {
        let world = world_in("production", json!({}), Arc::clone(&data), &environment).await;
        assert_eq!(world.data.rows("sys_user")[0]["role"], "super_admin");
        let told = world.told();
        let told: Vec<_> = told
            .iter()
            .filter(|event| event.name == "authz.role_assigned")
            .collect();
        assert_eq!(told.len(), expected);
        for event in told {
            assert_eq!(
                (&event.payload["targetId"], &event.payload["metadata"]["role"]),
                (&json!("u1"), &json!("super_admin"))
            );
        }
    }
}
