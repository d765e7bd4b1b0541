//! Keys for programs.

use objectos_plugin_api::{ErrorKind, PrincipalKind, contracts::auth::Credentials};
use serde_json::json;

use crate::world::{Browser, NOW_MS, PASSWORD, bearer, world};

const DAY_S: i64 = 24 * 3600;

fn with_key(key: &str, method: &str, path: &str) -> Credentials {
    Credentials {
        api_key: Some(key.to_owned()),
        method: method.to_owned(),
        path: path.to_owned(),
        ..Credentials::default()
    }
}

#[tokio::test]
async fn a_key_acts_for_its_user_until_it_ends() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let body = json!({ "name": "import", "expiresIn": 3600 });
    let made = ada.post("api-key/create", body).await.expect(200);
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("oos_") && key.len() == 44, "{key}");
    let user = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    for credentials in [with_key(&key, "GET", "/api/v1/data/account"), bearer(&key)] {
        let principal = world.who(&credentials).await.unwrap().unwrap();
        assert_eq!(
            (json!(principal.id), principal.kind),
            (user.clone(), PrincipalKind::Service)
        );
        assert_eq!(
            (principal.session, &principal.attributes["apiKey"]),
            (None, &made["id"])
        );
    }
    let listed = ada.get("api-key/list").await.expect(200);
    assert!(listed[0].get("key").is_none() && listed[0]["start"] == key[..8]);
    assert!(
        !serde_json::to_string(&world.data.rows("sys_api_key"))
            .unwrap()
            .contains(&key)
    );
    world.plugin.set_now_ms(NOW_MS + 3_600_000);
    assert_eq!(world.who(&bearer(&key)).await.unwrap(), None);
    assert_eq!(world.count("security.api_key_created"), 1);
}

#[tokio::test]
async fn a_key_that_is_ended_or_whose_user_is_disabled_is_nobody_at_once() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let mut keys = Vec::new();
    for _ in 0..3 {
        let made = ada
            .post("api-key/create", json!({ "name": "import" }))
            .await
            .expect(200);
        let key = made["key"].as_str().unwrap().to_owned();
        assert!(world.who(&bearer(&key)).await.unwrap().is_some());
        keys.push((made["id"].clone(), key));
    }
    root.post("api-key/delete", json!({ "keyId": keys[0].0 }))
        .await
        .refused(404, "KEY_NOT_FOUND");
    ada.post("api-key/delete", json!({ "keyId": keys[0].0 }))
        .await
        .expect(200);
    ada.post("api-key/update", json!({ "keyId": keys[1].0, "enabled": false }))
        .await
        .expect(200);
    assert_eq!(world.who(&bearer(&keys[0].1)).await.unwrap(), None);
    assert_eq!(world.who(&bearer(&keys[1].1)).await.unwrap(), None);
    let id = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    root.post("admin/ban-user", json!({ "userId": id })).await.expect(200);
    assert_eq!(world.who(&bearer(&keys[2].1)).await.unwrap(), None);
    // The one that was deleted, and the one that was switched off.
    assert_eq!(world.count("security.api_key_revoked"), 2);
}

#[tokio::test]
async fn scopes_are_kept_and_keys_manage_no_credentials() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    ada.post("api-key/create", json!({ "name": "x", "scopes": ["all"] }))
        .await
        .refused(400, "VALIDATION_ERROR");
    let body = json!({ "name": "report", "scopes": ["object:account:read"] });
    let made = ada.post("api-key/create", body).await.expect(200);
    let key = made["key"].as_str().unwrap();
    assert!(
        world
            .who(&with_key(key, "GET", "/api/v1/data/account/1"))
            .await
            .unwrap()
            .is_some()
    );
    for (method, path) in [
        ("PATCH", "/api/v1/data/account/1"),
        ("GET", "/api/v1/data/contact"),
        ("GET", "/api/v1/plugins"),
    ] {
        let refused = world.who(&with_key(key, method, path)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Denied, "{method} {path}");
    }
    let denied = |event: &str| event == "security.access_denied";
    let told: Vec<_> = world
        .plugin
        .published()
        .into_iter()
        .filter(|event| denied(&event.name))
        .collect();
    assert_eq!(told.len(), 1, "one in a second");
    let (origin, metadata) = (&told[0].payload["origin"], &told[0].payload["metadata"]);
    assert_eq!(origin["actorKind"], "service");
    assert_eq!(metadata["path"], "PATCH /api/v1/data/account/1");
    let made = ada.post("api-key/create", json!({ "name": "all" })).await.expect(200);
    let mut program = Browser::new(&world).with_header("x-api-key", made["key"].as_str().unwrap());
    program
        .post("api-key/create", json!({ "name": "more" }))
        .await
        .refused(403, "FORBIDDEN");
    program.get("list-sessions").await.refused(403, "FORBIDDEN");
    assert_eq!(
        world.count("security.access_denied"),
        3,
        "each route is told of by itself"
    );
}

#[tokio::test]
async fn what_is_told_of_a_refusal_has_no_secret_of_the_path() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let body = json!({ "name": "report", "scopes": ["object:account:read"] });
    let made = ada.post("api-key/create", body).await.expect(200);
    let credentials = with_key(
        made["key"].as_str().unwrap(),
        "POST",
        "/api/v1/permissions/links/s3cr3t",
    );
    let refused = world.who(&credentials).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied);
    let told: Vec<_> = world
        .plugin
        .published()
        .into_iter()
        .filter(|event| event.name == "security.access_denied")
        .map(|event| event.payload)
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["metadata"]["path"], "POST /api/v1/permissions/links/…");
    assert!(!told[0].to_string().contains("s3cr3t"), "{:#}", told[0]);
}

#[tokio::test]
async fn a_key_is_made_by_somebody_who_signed_in_lately_and_has_an_end() {
    let world = world(json!({ "apiKeys": { "maxAgeDays": 2 } })).await;
    let mut ada = world.registered("ada@example.com").await;
    let made = ada.post("api-key/create", json!({ "name": "k" })).await.expect(200);
    assert_eq!(made["expiresAt"], "2023-11-16T22:13:20.000Z", "the longest there is");
    for seconds in [2 * DAY_S + 1, 0, -1] {
        let body = json!({ "name": "k", "expiresIn": seconds });
        ada.post("api-key/create", body).await.refused(400, "VALIDATION_ERROR");
    }
    let body = json!({ "name": "k", "expiresIn": 2 * DAY_S });
    ada.post("api-key/create", body).await.expect(200);
    world.plugin.set_now_ms(NOW_MS + DAY_S * 1000 + 1000);
    assert!(ada.is_signed_in().await);
    ada.post("api-key/create", json!({ "name": "k" }))
        .await
        .refused(403, "SESSION_NOT_FRESH");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    ada.post("sign-in/email", body).await.expect(200);
    ada.post("api-key/create", json!({ "name": "k" })).await.expect(200);
    world.plugin.set_now_ms(NOW_MS + 2 * DAY_S * 1000);
    let key = made["key"].as_str().unwrap();
    assert_eq!(world.who(&bearer(key)).await.unwrap(), None);
}

#[tokio::test]
async fn an_administrator_sees_and_ends_the_keys_of_others() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let user = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    let key = async |owner: &mut Browser<'_>| {
        let made = owner.post("api-key/create", json!({ "name": "k" })).await.expect(200);
        (made["id"].clone(), made["key"].as_str().unwrap().to_owned())
    };
    let (first, second) = (key(&mut ada).await, key(&mut ada).await);
    let own = key(&mut root).await;
    let of_ada = json!({ "userId": user });
    for path in ["admin/list-user-api-keys", "admin/revoke-user-api-keys"] {
        ada.post(path, of_ada.clone()).await.refused(403, "FORBIDDEN");
    }
    let listed = root.post("admin/list-user-api-keys", of_ada.clone()).await.expect(200);
    let ids: Vec<_> = listed["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["id"])
        .collect();
    assert_eq!(ids, [&first.0, &second.0]);
    assert!(!listed.to_string().contains(&first.1));
    let one = |id: &serde_json::Value| json!({ "userId": user, "keyId": id });
    root.post("admin/revoke-user-api-keys", one(&own.0))
        .await
        .refused(404, "KEY_NOT_FOUND");
    root.post("admin/revoke-user-api-keys", one(&first.0)).await.expect(200);
    assert_eq!(world.who(&bearer(&first.1)).await.unwrap(), None);
    assert!(world.who(&bearer(&second.1)).await.unwrap().is_some());
    // Ending sessions leaves keys, unless they are to go, too.
    root.post("admin/revoke-user-sessions", of_ada.clone())
        .await
        .expect(200);
    assert!(world.who(&bearer(&second.1)).await.unwrap().is_some());
    let too = json!({ "userId": user, "keys": true });
    root.post("admin/revoke-user-sessions", too).await.expect(200);
    assert_eq!(world.who(&bearer(&second.1)).await.unwrap(), None);
    assert_eq!(world.count("security.api_key_revoked"), 2);
    // So does another password.
    let passwords = ["walnut-heron-71", "walnut-heron-72", "walnut-heron-73"];
    world
        .data
        .alter("sys_user", user.as_str().unwrap(), &json!({ "email_verified": true }));
    let mut password = PASSWORD;
    for (new, keys) in passwords.into_iter().zip([Some(true), Some(false), None]) {
        let body = json!({ "email": "ada@example.com", "password": password });
        ada.post("sign-in/email", body).await.expect(200);
        let made = key(&mut ada).await;
        let ask = json!({ "email": "ada@example.com" });
        ada.post("request-password-reset", ask).await.expect(200);
        let body = json!({ "token": world.mailed_token().await, "newPassword": new, "keys": keys });
        ada.post("reset-password", body).await.expect(200);
        let left = world.who(&bearer(&made.1)).await.unwrap().is_some();
        assert_eq!(left, keys != Some(true), "{keys:?}");
        password = new;
    }
    let body = json!({ "userId": user, "newPassword": "walnut-heron-74", "keys": true });
    root.post("admin/set-user-password", body).await.expect(200);
    let listed = root.post("admin/list-user-api-keys", of_ada).await.expect(200);
    assert_eq!(listed["keys"], json!([]));
}

#[tokio::test]
async fn a_key_that_is_switched_off_is_told_as_one_that_ended() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let made = ada
        .post("api-key/create", json!({ "name": "import" }))
        .await
        .expect(200);
    let key = made["key"].as_str().unwrap();
    for (change, told, good) in [
        (json!({ "name": "export" }), 0, true),
        (json!({ "enabled": false }), 1, false),
        (json!({ "enabled": false }), 1, false),
        (json!({ "enabled": true }), 1, true),
    ] {
        let mut body = change.clone();
        body["keyId"] = made["id"].clone();
        ada.post("api-key/update", body).await.expect(200);
        assert_eq!(world.count("security.api_key_revoked"), told, "{change}");
        assert_eq!(world.who(&bearer(key)).await.unwrap().is_some(), good, "{change}");
    }
}
