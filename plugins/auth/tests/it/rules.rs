//! What apps declare about passwords and sessions is held.

use objectos_auth::AuthPlugin;
use objectos_plugin_api::{
    Context, Event, Result,
    contracts::{
        data::DataServer,
        metadata::{Metadata, MetadataItem, MetadataRequest, MetadataServer},
        permissions::{AccessPlan, AccessRequest, Permissions, PermissionsServer, SystemPermissionRequest},
    },
};
use objectos_plugin_testing::TestHost;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

use crate::data::MemoryData;
use crate::world::{Browser, NOW_MS, PASSWORD, SECRET, World, bearer, config, world_with};

/// The policies of the apps.
#[derive(Default)]
struct Apps(Mutex<Vec<Value>>);

impl Metadata for Apps {
    async fn kinds(&self, _: Context) -> Result<Vec<String>> {
        Ok(vec!["policy".to_owned()])
    }
    async fn list(&self, _: Context, kind: String) -> Result<Vec<MetadataItem>> {
        assert_eq!(kind, "policy");
        let items = self.0.lock().unwrap();
        let item = |definition: &Value| MetadataItem {
            kind: kind.clone(),
            name: "house".to_owned(),
            package: "app".to_owned(),
            definition: definition.clone(),
        };
        Ok(items.iter().map(item).collect())
    }
    async fn get(&self, _: Context, _: MetadataRequest) -> Result<Option<MetadataItem>> {
        Ok(None)
    }
    fn version(&self, _: Context) -> Result<u64> {
        Ok(1)
    }
}

/// Who holds which sets: a role is one of the same name.
struct Sets;

impl Permissions for Sets {
    fn version(&self, _: Context) -> Result<u64> {
        Ok(1)
    }
    async fn has_system_permission(&self, context: Context, _: SystemPermissionRequest) -> Result<bool> {
        let roles = context.principal()?.unwrap_or_default().roles;
        Ok(roles.iter().any(|role| role == "super_admin"))
    }
    async fn access_plan(&self, _: Context, _: AccessRequest) -> Result<AccessPlan> {
        Ok(AccessPlan::default())
    }
    async fn permission_sets(&self, context: Context) -> Result<Vec<String>> {
        let roles = context.principal()?.unwrap_or_default().roles;
        Ok(roles.into_iter().map(|role| format!("{role} profile")).collect())
    }
}

async fn governed(policy: Value) -> (World, Arc<Apps>) {
    let apps = Arc::new(Apps::default());
    apps.0.lock().unwrap().push(policy);
    let data = Arc::new(MemoryData::new());
    let world = world_with("development", json!({}), data, |host| {
        host.service(MetadataServer::new(Arc::clone(&apps)))
            .service(PermissionsServer::new(Arc::new(Sets)))
    })
    .await;
    (world, apps)
}

async fn tell(world: &World) {
    let event: Event = serde_json::from_value(json!({
        "id": "e1", "name": "system.metadata.changed", "payload": { "kinds": ["policy"], "version": 2 },
        "metadata": { "source": "objectos.data", "timestamp": "2023-11-14T22:13:20.000Z" },
    }))
    .unwrap();
    assert_eq!(world.plugin.deliver(&Context::background(), &event).await.unwrap(), 1);
}

#[tokio::test]
async fn the_policy_of_an_app_is_held_and_a_later_one_at_once() {
    let lax = json!({
        "minLength": 20, "requireUppercase": false, "requireLowercase": false, "requireNumbers": false,
    });
    let (world, apps) = governed(json!({ "name": "house", "password": lax, "session": { "idleTimeout": 10 } })).await;
    let mut ada = Browser::new(&world);
    let mut body = json!({ "email": "ada@example.com", "name": "Ada", "password": PASSWORD });
    ada.post("sign-up/email", body.clone())
        .await
        .refused(400, "PASSWORD_TOO_SHORT");
    body["password"] = json!("tangerine-otter-forty-one");
    ada.post("sign-up/email", body.clone()).await.expect(200);
    assert!(world.who(&bearer(&ada.token)).await.unwrap().is_some());
    apps.0
        .lock()
        .unwrap()
        .push(json!({ "name": "more", "session": { "forceMfa": true } }));
    tell(&world).await;
    let refused = world.who(&bearer(&ada.token)).await.unwrap_err();
    assert_eq!(refused.code(), "mfa_required");
    // One that is wrong changes nothing.
    apps.0.lock().unwrap().push(json!({ "name": "wrong", "session": 7 }));
    tell(&world).await;
    assert!(world.who(&bearer(&ada.token)).await.is_err());
    world.plugin.set_now_ms(NOW_MS + 11 * 60_000);
    assert!(!ada.is_signed_in().await, "ten minutes of idling are the end");
}

/// Whether somebody may do what everybody may.
async fn is_free(world: &World, browser: &Browser<'_>) -> bool {
    match world.who(&bearer(&browser.token)).await {
        Ok(principal) => principal.is_some(),
        Err(error) => {
            assert_eq!(error.code(), "mfa_required");
            false
        }
    }
}

#[tokio::test]
async fn a_policy_for_a_profile_is_held_for_whoever_holds_it() {
    let strict = json!({
        "name": "strict", "session": { "forceMfa": true }, "password": { "minLength": 24 },
        "assignedProfiles": ["finance profile", "org:admin profile"],
    });
    let (world, _) = governed(strict).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    assert!(is_free(&world, &root).await && is_free(&world, &ada).await);
    let id = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    let role = json!({ "userId": id, "role": "finance" });
    root.post("admin/set-role", role).await.expect(200);
    assert!(is_free(&world, &root).await && !is_free(&world, &ada).await);
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "walnut-heron-72" });
    ada.post("change-password", change)
        .await
        .refused(400, "PASSWORD_TOO_SHORT");
    // A profile of an organisation is held there and elsewhere.
    let mut bob = world.registered("bob@example.com").await;
    let made = root
        .post("organization/create", json!({ "name": "Acme", "slug": "acme" }))
        .await
        .expect(200);
    let user = bob.get("get-session").await.expect(200)["user"]["id"].clone();
    let place = json!({ "id": "m1", "organization_id": made["id"], "user_id": user, "role": "admin" });
    world.data.put("sys_member", place);
    world.plugin.set_now_ms(NOW_MS + 1001);
    assert!(!is_free(&world, &bob).await, "he works in none at the moment");
}

#[tokio::test]
async fn nothing_is_taken_from_a_network_that_is_not_trusted() {
    let office = json!({
        "name": "office", "network": { "trustedRanges": ["192.0.2.0/24", "2001:db8::/32"], "blockUnknown": true },
    });
    let (world, _) = governed(office).await;
    let mut ada = world.registered("ada@example.com").await;
    let made = ada.post("api-key/create", json!({ "name": "k" })).await.expect(200);
    for token in [ada.token.clone(), made["key"].as_str().unwrap().to_owned()] {
        for (address, expected) in [
            ("192.0.2.77", true),
            ("2001:db8::7", true),
            ("198.51.100.1", false),
            ("", false),
        ] {
            let mut credentials = bearer(&token);
            credentials.address = address.to_owned();
            let answered = world.who(&credentials).await;
            assert_eq!(answered.is_ok(), expected, "{address}");
            if let Err(error) = answered {
                assert_eq!(error.code(), "unknown_network");
            }
        }
    }
    ada.address = "198.51.100.1".to_owned();
    ada.get("get-session").await.refused(403, "UNKNOWN_NETWORK");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let mut outside = Browser::new(&world);
    outside.address = "198.51.100.1".to_owned();
    outside
        .post("sign-in/email", body.clone())
        .await
        .refused(403, "UNKNOWN_NETWORK");
    Browser::new(&world).post("sign-in/email", body).await.expect(200);
}

#[tokio::test]
async fn a_network_for_a_profile_binds_those_who_hold_it() {
    let office = json!({
        "name": "office", "network": { "trustedRanges": ["192.0.2.0/24"], "blockUnknown": true },
        "assignedProfiles": ["finance profile"],
    });
    let (world, _) = governed(office).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let id = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    let role = json!({ "userId": id, "role": "finance" });
    root.post("admin/set-role", role).await.expect(200);
    for (browser, expected) in [(&mut root, true), (&mut ada, false)] {
        let mut credentials = bearer(&browser.token);
        credentials.address = "192.0.2.1".to_owned();
        assert!(world.who(&credentials).await.unwrap().is_some());
        credentials.address = "198.51.100.1".to_owned();
        assert_eq!(world.who(&credentials).await.is_ok(), expected);
        browser.address = "198.51.100.1".to_owned();
        let status = browser.get("get-session").await.status;
        assert_eq!(status, if expected { 200 } else { 403 });
    }
    for (email, status) in [("root@example.com", 200), ("ada@example.com", 403)] {
        let mut outside = Browser::new(&world);
        outside.address = "198.51.100.1".to_owned();
        let body = json!({ "email": email, "password": PASSWORD });
        assert_eq!(outside.post("sign-in/email", body).await.status, status, "{email}");
    }
    // To give a session up nobody need be where it may be used.
    let mut credentials = bearer(&ada.token);
    credentials.address = "192.0.2.1".to_owned();
    assert!(world.who(&credentials).await.unwrap().is_some());
    ada.post("sign-out", json!({})).await.expect(200);
    assert!(world.who(&credentials).await.unwrap().is_none());
}

/// Who acts as somebody else comes from where both may come from.
#[tokio::test]
async fn acting_as_somebody_goes_round_neither_network() {
    for (profile, elsewhere) in [
        ("super_admin profile", false),
        ("user profile", false),
        ("finance profile", true),
    ] {
        let office = json!({
            "name": "office", "network": { "trustedRanges": ["192.0.2.0/24"], "blockUnknown": true },
            "assignedProfiles": [profile],
        });
        let (world, _) = governed(office).await;
        let mut root = world.registered("root@example.com").await;
        let mut ada = world.registered("ada@example.com").await;
        let id = ada.get("get-session").await.expect(200)["user"]["id"].clone();
        let body = json!({ "userId": id });
        let acting = root.post("admin/impersonate-user", body.clone()).await.expect(200);
        let mut credentials = bearer(acting["session"]["token"].as_str().unwrap());
        for (address, expected) in [("192.0.2.7", true), ("198.51.100.1", elsewhere)] {
            credentials.address = address.to_owned();
            let answered = world.who(&credentials).await;
            assert_eq!(answered.is_ok(), expected, "{profile} {address}");
            match answered {
                Ok(principal) => assert_eq!(json!(principal.unwrap().id), id),
                Err(error) => assert_eq!(error.code(), "unknown_network"),
            }
        }
        let mut again = Browser::new(&world);
        let password = json!({ "email": "root@example.com", "password": PASSWORD });
        again.post("sign-in/email", password).await.expect(200);
        again.address = "198.51.100.1".to_owned();
        let status = again.post("admin/impersonate-user", body).await.status;
        assert_eq!(status, if elsewhere { 200 } else { 403 }, "{profile}");
    }
}

#[tokio::test]
async fn a_policy_that_cannot_be_held_keeps_the_plugin_from_starting() {
    let apps = Arc::new(Apps::default());
    let vpn = json!({ "name": "vpn", "network": { "trustedRanges": ["10.0.0.0/8"], "vpnRequired": true } });
    apps.0.lock().unwrap().push(vpn);
    let host = TestHost::new(include_str!("../../plugin.json"))
        .config(config(&json!({})))
        .settings(json!({ "mode": "development", "listen": "127.0.0.1:3000" }))
        .now_ms(NOW_MS)
        .environment("OBJECTOS_AUTH_SECRET", SECRET)
        .service(DataServer::new(Arc::new(MemoryData::new())))
        .service(MetadataServer::new(Arc::clone(&apps)));
    let error = host.start::<AuthPlugin>().await.expect_err("refused");
    let text = error.to_string();
    assert!(text.contains("house") && text.contains("vpnRequired"), "{text}");
}
