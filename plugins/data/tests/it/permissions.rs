//! The service `permissions` as the plugin uses it: asked once for each version, and told of refusals by durable events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use objectos_data::DataPlugin;
use objectos_plugin_api::contracts::permissions::{
    AccessPlan, AccessRequest, FieldAccess, Operation, Permissions, PermissionsClient, PermissionsServer,
    SystemPermissionRequest,
};
use objectos_plugin_api::{Context, Error, ErrorKind, HttpRequestParts, PrincipalKind, Result};
use objectos_plugin_testing::{TestHost, TestPlugin};
use serde_json::{Value, json};

use crate::app_support::write_app;
use crate::driver::Place;
use crate::seam::told;
use crate::world::{NOON, principal};

const MANIFEST: &str = include_str!("../../plugin.json");
const THING: &str = "name: thing\nfields:\n  name: { type: text }\n";

/// The version of rules that do not know theirs.
const UNKNOWN: u64 = u64::MAX;

/// Ann reads what is called as she says; nobody else does anything.
#[derive(Debug, Default)]
struct Rules {
    version: AtomicU64,
    asked: AtomicU64,
    open: AtomicU64,
}

impl Permissions for Rules {
    fn version(&self, _: Context) -> Result<u64> {
        match self.version.load(Ordering::SeqCst) {
            UNKNOWN => Err(Error::new(ErrorKind::External, "the version is not known")),
            version => Ok(version),
        }
    }

    async fn has_system_permission(&self, _: Context, _: SystemPermissionRequest) -> Result<bool> {
        Ok(false)
    }

    async fn access_plan(&self, context: Context, request: AccessRequest) -> Result<AccessPlan> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let allowed = context.user() == "ann" && request.operation == Operation::Read;
        let name = if self.open.load(Ordering::SeqCst) == 0 {
            "a"
        } else {
            "b"
        };
        Ok(AccessPlan {
            allowed,
            filter: Some(json!({ "name": name })),
            check: None,
            readable: FieldAccess::All,
            writable: FieldAccess::None,
            holdings: None,
        })
    }
}

async fn started(place: &Place) -> (TestPlugin, Arc<Rules>) {
    let rules = Arc::new(Rules::default());
    let app = place.folder().join("app");
    let seeds = "object: thing\nexternalId: name\nrecords:\n  - { name: a }\n  - { name: b }\n  - { name: b2 }\n";
    write_app(&app, "demo", &[("thing.object.yml", THING), ("thing.data.yml", seeds)]);
    let plugin = TestHost::new(MANIFEST)
        .config(json!({ "database": place.config() }))
        .settings(json!({ "mode": "test", "apps": [app] }))
        .now_ms(NOON)
        .service(PermissionsServer::new(Arc::clone(&rules)))
        .start::<DataPlugin>()
        .await
        .unwrap();
    (plugin, rules)
}

async fn list(plugin: &TestPlugin, user: &str) -> Result<Vec<String>> {
    let context = principal(user, PrincipalKind::User, None);
    let request = HttpRequestParts {
        method: "GET",
        route: "/api/v1/data/{object}",
        path: "/api/v1/data/thing",
        parameters: &[("object", "thing")],
        ..HttpRequestParts::default()
    };
    let route = "GET /api/v1/data/{object}";
    let answer = told(route, plugin.route(route, &context, &request).await)?;
    let answer: Value = serde_json::from_slice(&answer.body).expect("an answer is JSON");
    let records = answer["records"].as_array().expect("records");
    Ok(records
        .iter()
        .map(|record| record["name"].as_str().unwrap_or_default().to_owned())
        .collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_is_told_at_once_or_by_nobody() {
    let place = Place::new();
    let (plugin, rules) = started(&place).await;
    let client = PermissionsClient::open(&plugin.host()).unwrap();
    let told = || client.version_at_once(&Context::background());
    for version in [0, 7] {
        rules.version.store(version, Ordering::SeqCst);
        assert_eq!(told().unwrap(), Some(version));
    }
    // Where it cannot be known, no plan is kept.
    rules.version.store(UNKNOWN, Ordering::SeqCst);
    assert_eq!(told().unwrap_err().kind(), ErrorKind::External);
    for _ in 0..3 {
        let before = rules.asked.load(Ordering::SeqCst);
        assert_eq!(list(&plugin, "ann").await.unwrap(), ["a"]);
        assert!(rules.asked.load(Ordering::SeqCst) > before);
    }
    plugin.stop().await.unwrap();

    let place = Place::new();
    let alone = TestHost::new(MANIFEST)
        .config(json!({ "database": place.config() }))
        .settings(json!({ "mode": "test" }))
        .now_ms(NOON)
        .start::<DataPlugin>()
        .await
        .unwrap();
    let client = PermissionsClient::open(&alone.host()).unwrap();
    assert_eq!(client.version_at_once(&Context::background()).unwrap(), None);
    alone.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_asked_for_once_until_the_version_is_another() {
    let place = Place::new();
    let (plugin, rules) = started(&place).await;
    let asked = || rules.asked.load(Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(list(&plugin, "ann").await.unwrap(), ["a"]);
    }
    assert_eq!(asked(), 1);
    // The refusal of another principal is an answer of its own, and kept as well.
    for _ in 0..3 {
        assert_eq!(list(&plugin, "bob").await.unwrap_err().code(), "permission_denied");
    }
    assert_eq!(asked(), 2);
    rules.open.store(1, Ordering::SeqCst);
    rules.version.fetch_add(1, Ordering::SeqCst);
    assert_eq!(list(&plugin, "ann").await.unwrap(), ["b"]);
    assert_eq!(asked(), 3);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_is_one_event_in_a_second() {
    let place = Place::new();
    let (plugin, _) = started(&place).await;
    for _ in 0..20 {
        drop(list(&plugin, "bob").await.unwrap_err());
    }
    plugin.set_now_ms(NOON + 1_000);
    drop(list(&plugin, "bob").await.unwrap_err());
    let told = || -> Vec<Value> {
        let events = plugin.published().into_iter();
        let denied = events.filter(|event| event.name == "security.access_denied" && event.durable);
        denied.map(|event| event.payload).collect()
    };
    // Each stands for itself and for those that it counts: none of them is lost, and none is told of twice.
    let left_out = |event: &Value| event["metadata"]["leftOut"].as_u64().unwrap_or_default();
    let sum = |told: &[Value]| -> u64 { told.iter().map(|event| 1 + left_out(event)).sum() };
    let all = async {
        while sum(&told()) < 21 {
            tokio::task::yield_now().await;
        }
    };
    // What a second of the machine told of by itself may come last.
    let _ = tokio::time::timeout(Duration::from_secs(30), all).await;
    let told = told();
    assert_eq!(sum(&told), 21, "{told:?}");
    assert_eq!(told[0]["origin"]["actorId"], "bob");
    assert_eq!(
        (&told[0]["result"], &told[0]["targetName"]),
        (&json!("failure"), &json!("thing"))
    );
    match told.as_slice() {
        [_, last] => assert_eq!(
            last["metadata"],
            json!({ "object": "thing", "operation": "read", "code": "permission_denied", "leftOut": 19 })
        ),
        // A second of the machine went by before the last one asked: the rest was told of by itself.
        [_, second, third] => assert_eq!(left_out(second) + left_out(third), 18, "{told:?}"),
        _ => panic!("{told:?}"),
    }
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_flood_left_out_last_is_told_of_though_nothing_follows() {
    let place = Place::new();
    let (plugin, _) = started(&place).await;
    for _ in 0..20 {
        drop(list(&plugin, "bob").await.unwrap_err());
    }
    plugin.set_now_ms(NOON + 1_000);
    let told = async {
        loop {
            let denied = plugin.published().into_iter();
            let denied: Vec<_> = denied.filter(|event| event.name == "security.access_denied").collect();
            if let [_, rest] = denied.as_slice() {
                return rest.payload.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let rest = tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    // It stands for one of the nineteen itself.
    assert_eq!(rest["metadata"]["leftOut"], 18, "{rest}");
    assert_eq!(rest["origin"]["actorId"], "bob");
    plugin.stop().await.unwrap();
}

/// Prints what a plan out of the cache costs, the ABI call for the version included. Run with `--ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn the_cost_of_a_plan_that_is_kept() {
    use objectos_data::access::{Permissions as _, ServicePermissions};
    use objectos_data::model::CatalogueCell;

    let place = Place::new();
    let (plugin, _) = started(&place).await;
    let permissions = ServicePermissions::new(&plugin.host(), &Arc::new(CatalogueCell::default())).unwrap();
    let ann = principal("ann", PrincipalKind::User, Some("one"));
    permissions.ask(&ann, "thing", Operation::Read).await.unwrap();
    let rounds = 200_000;
    let begin = Instant::now();
    for _ in 0..rounds {
        assert!(permissions.at_once(&ann, "thing", Operation::Read).is_some());
    }
    println!("{} ns", begin.elapsed().as_nanos() / rounds);
    plugin.stop().await.unwrap();
}
