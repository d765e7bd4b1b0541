//! Metadata saved on one of two engines on one PostgreSQL database: the other one follows, and neither overwrites what it has
//! not seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use objectos_data::app::Library;
use objectos_data::config::LimitsConfig;
use objectos_data::engine::ports::{Clock, EventSignal, Hooks, Outside};
use objectos_data::engine::{Engine, EngineParts};
use objectos_data::error::Result;
use objectos_data::query::QueryInput;
use objectos_data::runtime::{MetadataChange, MetadataSignal, RuntimeMetadata, Saved, Terms};
use objectos_data::schema::plan;
use objectos_data::store::{BoxFuture, Probe};
use objectos_plugin_api::{Context, PrincipalKind};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::driver::{Driver, Place, postgres};
use crate::world::{
    NOON, TestClock, TestHooks, TestOutside, TestPermissions, TestProbe, TestSignal, failure, fields, principal,
};

/// The objects that the plugin brings itself, and one of an app.
const DOCUMENTS: [(&str, &str); 4] = [
    (
        "sys_record_version.object.yml",
        include_str!("../../metadata/sys_record_version.object.yml"),
    ),
    (
        "sys_metadata.object.yml",
        include_str!("../../metadata/sys_metadata.object.yml"),
    ),
    (
        "sys_metadata_version.object.yml",
        include_str!("../../metadata/sys_metadata_version.object.yml"),
    ),
    (
        "thing.object.yml",
        "name: thing\nfields:\n  name: { type: text, required: true }\n",
    ),
];

/// What a node told its plugins.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl MetadataSignal for Told {
    fn changed<'a>(&'a self, _: &'a Context, change: MetadataChange<'a>) -> BoxFuture<'a, ()> {
        let MetadataChange {
            kind, name, operation, ..
        } = change;
        self.0.lock().push(format!("{operation} {kind} {name}"));
        Box::pin(std::future::ready(()))
    }

    fn followed<'a>(&'a self, kinds: &'a [&'static str], _: u64) -> BoxFuture<'a, ()> {
        self.0.lock().push(format!("followed {}", kinds.join(" ")));
        Box::pin(std::future::ready(()))
    }
}

struct Node {
    engine: Arc<Engine>,
    runtime: RuntimeMetadata,
    told: Arc<Told>,
    probe: Arc<TestProbe>,
    local: Context,
}

impl Node {
    async fn new(place: &Place) -> Self {
        let probe = Arc::new(TestProbe::default());
        let store = place.open(Some(Arc::clone(&probe) as Arc<dyn Probe>)).await;
        let library = Arc::new(Library::new(Vec::new()));
        let documents = DOCUMENTS.map(|(name, text)| (name.to_owned(), text.to_owned()));
        library.load_documents("objectos.data", documents.to_vec());
        let change = library.reload().unwrap();
        let steps = plan(&change.catalogue, &store.shape().await.unwrap());
        store.change_schema(steps.additive).await.unwrap();
        library.accept(&change);
        let engine = Arc::new(Engine::new(EngineParts {
            store,
            datasources: Default::default(),
            catalogue: Arc::clone(library.cell()),
            hooks: Arc::new(TestHooks::default()) as Arc<dyn Hooks>,
            permissions: Arc::new(TestPermissions::default()),
            signal: Arc::new(TestSignal::default()) as Arc<dyn EventSignal>,
            outside: Arc::new(TestOutside::default()) as Arc<dyn Outside>,
            clock: Arc::new(TestClock(AtomicI64::new(NOON))) as Arc<dyn Clock>,
            limits: LimitsConfig::default(),
        }));
        let told = Arc::new(Told::default());
        let runtime = RuntimeMetadata::new(
            library,
            Arc::clone(&engine),
            Arc::clone(&told) as Arc<dyn MetadataSignal>,
        );
        runtime.load().await.unwrap();
        Self {
            engine,
            runtime,
            told,
            probe,
            local: principal("local", PrincipalKind::Local, None),
        }
    }

    async fn save(&self, kind: &str, name: &str, definition: Value) -> Result<Saved> {
        let terms = Terms::default();
        self.runtime.save(&self.local, kind, name, definition, &terms).await
    }

    async fn create(&self, object: &str, record: Value) -> Result<()> {
        self.engine.create(&self.local, object, fields(record)).await.map(drop)
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.0.lock())
    }
}

/// Two nodes; what they store goes when their places are dropped.
async fn two() -> Option<(Node, Node, [Place; 2])> {
    postgres()?;
    let place = Place::on(Driver::Postgres);
    let beside = place.beside();
    let first = Node::new(&place).await;
    let second = Node::new(&beside).await;
    Some((first, second, [place, beside]))
}

fn car(fields: Value) -> Value {
    json!({ "name": "car", "fields": fields })
}

fn plate() -> Value {
    car(json!({ "plate": { "type": "text", "required": true } }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_saves_the_other_uses() {
    let Some((first, second, _places)) = two().await else {
        return;
    };
    first.save("object", "car", plate()).await.unwrap();
    let unknown = second.create("car", json!({ "plate": "A1" })).await;
    assert_eq!(failure(unknown).0, "object_not_found");
    second.runtime.follow().await.unwrap();
    second.create("car", json!({ "plate": "A1" })).await.unwrap();
    assert_eq!(failure(second.create("car", json!({})).await).0, "validation_error");
    first.create("car", json!({ "plate": "A2" })).await.unwrap();
    assert_eq!(first.told(), ["save object car"]);
    assert_eq!(second.told(), ["followed object"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_deletions_and_what_is_brought_back_are_followed() {
    let Some((first, second, _places)) = two().await else {
        return;
    };
    first.save("object", "car", plate()).await.unwrap();
    second.runtime.follow().await.unwrap();
    let more = car(json!({ "plate": { "type": "text" }, "seats": { "type": "number" } }));
    first.save("object", "car", more).await.unwrap();
    second.runtime.follow().await.unwrap();
    second.create("car", json!({ "seats": 5 })).await.unwrap();
    let terms = Terms::default();
    second
        .runtime
        .delete(&second.local, "object", "car", &terms)
        .await
        .unwrap();
    first.create("car", json!({ "seats": 4 })).await.unwrap();
    first.runtime.follow().await.unwrap();
    assert_eq!(
        failure(first.create("car", json!({ "seats": 4 })).await).0,
        "object_not_found"
    );
    first
        .runtime
        .roll_back(&first.local, "object", "car", 2, &terms)
        .await
        .unwrap();
    second.runtime.follow().await.unwrap();
    second.create("car", json!({ "seats": 3 })).await.unwrap();
    assert_eq!(
        first.told(),
        [
            "save object car",
            "save object car",
            "followed object",
            "rollback object car"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_made_on_what_is_stored() {
    let Some((first, second, _places)) = two().await else {
        return;
    };
    first.save("object", "car", plate()).await.unwrap();
    // Nobody has looked, and still the relation leads somewhere.
    let wheel = json!({ "name": "wheel", "fields": { "car": { "type": "lookup", "reference": "car" } } });
    second.save("object", "wheel", wheel).await.unwrap();
    assert_eq!(second.told(), ["followed object", "save object wheel"]);
    // Nor does anybody take away what another one builds on.
    let gone = first
        .runtime
        .delete(&first.local, "object", "car", &Terms::default())
        .await;
    assert_eq!(failure(gone).0, "resource_conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_expects_an_older_version_is_told() {
    let Some((first, second, _places)) = two().await else {
        return;
    };
    let seen = first.save("app", "fleet", json!({ "label": "one" })).await.unwrap();
    second.save("app", "fleet", json!({ "label": "two" })).await.unwrap();
    let expecting = |version: u64| Terms {
        expected: vec![version.to_string()],
        ..Terms::default()
    };
    let save = async |version: u64| {
        let definition = json!({ "label": "three" });
        first
            .runtime
            .save(&first.local, "app", "fleet", definition, &expecting(version))
            .await
    };
    let stale = save(seen.number).await.unwrap_err();
    assert_eq!(stale.code(), "concurrent_modification");
    assert_eq!(stale.details()["currentVersion"], 2);
    assert_eq!(save(2).await.unwrap().number, 3);
    let gone = second
        .runtime
        .delete(&second.local, "app", "fleet", &expecting(2))
        .await;
    assert_eq!(failure(gone).0, "concurrent_modification");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_count_on() {
    let Some((first, second, _places)) = two().await else {
        return;
    };
    let nodes = [Arc::new(first), Arc::new(second)];
    let tasks: Vec<_> = (0..12)
        .map(|number| {
            let node = Arc::clone(&nodes[number % 2]);
            tokio::spawn(async move {
                let definition = json!({ "label": format!("label {number}") });
                node.save("app", "fleet", definition).await.unwrap().number
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=12).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_that_finds_nothing_is_one_statement() {
    let Some((first, second, _places)) = two().await else {
        return;
    };
    first.save("object", "car", plate()).await.unwrap();
    // What it saved itself is nothing new to it.
    for node in [&first, &second] {
        if std::ptr::eq(node, &second) {
            node.runtime.follow().await.unwrap();
        }
        node.told();
        node.probe.calls.store(0, Ordering::SeqCst);
        node.runtime.follow().await.unwrap();
        assert_eq!(node.probe.calls.load(Ordering::SeqCst), 1);
        assert!(node.told().is_empty());
    }
}

/// The one record of an object.
async fn only_record(node: &Node, object: &str) -> Value {
    let answer = node
        .engine
        .get(&node.local, object, "c1", &QueryInput::default())
        .await
        .unwrap();
    serde_json::from_slice(&answer.record).unwrap()
}

/// A fault at each call to the database while a field gets another name: the record has its value under the old name or under
/// the new one, as the definition in use says, and never under none.
async fn renames_under_faults(driver: Driver) {
    let place = Place::on(driver);
    let node = Node::new(&place).await;
    for after in [false, true] {
        for n in 1_i64..200 {
            let name = format!("car_{n}_{after}");
            let definition = |fields: Value| json!({ "name": name, "fields": fields });
            let renamed = || definition(json!({ "number": { "type": "text", "renamedFrom": "plate" } }));
            node.save("object", &name, definition(json!({ "plate": { "type": "text" } })))
                .await
                .unwrap();
            node.create(&name, json!({ "id": "c1", "plate": "A1" })).await.unwrap();
            node.probe.arm(n, after);
            let saved = node.save("object", &name, renamed()).await;
            let calls = node.probe.calls.load(Ordering::SeqCst);
            node.probe.arm(0, false);
            let record = only_record(&node, &name).await;
            let value = record.get("number").or_else(|| record.get("plate"));
            assert_eq!(value, Some(&json!("A1")), "{driver:?} {n} {after}: {saved:?} {record}");
            assert!(
                saved.is_err() || record.get("number").is_some(),
                "{driver:?} {n} {after}: {record}"
            );
            node.save("object", &name, renamed()).await.unwrap();
            assert_eq!(
                only_record(&node, &name).await["number"],
                "A1",
                "{driver:?} {n} {after}"
            );
            if calls < n.unsigned_abs() {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_definition_and_its_tables_are_one_on_sqlite() {
    renames_under_faults(Driver::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_definition_and_its_tables_are_one_on_postgres() {
    if postgres().is_some() {
        renames_under_faults(Driver::Postgres).await;
    }
}
