//! What apps declare about passwords and sessions is held.

use objectos_plugin_api::{
    Context, Event, Result,
    contracts::metadata::{Metadata, MetadataItem, MetadataRequest, MetadataServer},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

use crate::data::MemoryData;
use crate::world::{Browser, NOW_MS, PASSWORD, World, bearer, world_with};

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

async fn governed(policy: Value) -> (World, Arc<Apps>) {
    let apps = Arc::new(Apps::default());
    apps.0.lock().unwrap().push(policy);
    let data = Arc::new(MemoryData::new());
    let world = world_with("development", json!({}), data, |host| {
        host.service(MetadataServer::new(Arc::clone(&apps)))
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
