//! Keys for programs.

use objectos_plugin_api::{ErrorKind, PrincipalKind, contracts::auth::Credentials};
use serde_json::json;

use crate::world::{Browser, NOW_MS, bearer, world};

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
    assert_eq!(world.count("security.api_key_revoked"), 1);
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
    let made = ada.post("api-key/create", json!({ "name": "all" })).await.expect(200);
    let mut program = Browser::new(&world).with_header("x-api-key", made["key"].as_str().unwrap());
    program
        .post("api-key/create", json!({ "name": "more" }))
        .await
        .refused(403, "FORBIDDEN");
    program.get("list-sessions").await.refused(403, "FORBIDDEN");
}
