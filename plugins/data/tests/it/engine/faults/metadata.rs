//! A fault at each call to the database while metadata is saved, taken away and brought back, and while tables are changed: what is
//! stored and what is in use are the same, whole or as before, and the next change works.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use objectos_data::app::Library;
use objectos_data::config::LimitsConfig;
use objectos_data::engine::ports::{Clock, EventSignal, Hooks, Outside};
use objectos_data::engine::{Engine, EngineParts};
use objectos_data::error::Result;
use objectos_data::query::QueryInput;
use objectos_data::runtime::{MetadataChange, MetadataSignal, RuntimeMetadata, Terms};
use objectos_data::schema::{SchemaStep, plan};
use objectos_data::store::{BoxFuture, Probe, Store};
use objectos_plugin_api::{Context, PrincipalKind};
use serde_json::{Value, json};

use crate::app_support::catalogue;
use crate::driver::Place;
use crate::world::{
    NOON, TestClock, TestHooks, TestOutside, TestPermissions, TestProbe, TestSignal, fields, principal,
};

/// The objects that the plugin brings itself.
const DOCUMENTS: [(&str, &str); 3] = [
    (
        "sys_record_version.object.yml",
        include_str!("../../../../metadata/sys_record_version.object.yml"),
    ),
    (
        "sys_metadata.object.yml",
        include_str!("../../../../metadata/sys_metadata.object.yml"),
    ),
    (
        "sys_metadata_version.object.yml",
        include_str!("../../../../metadata/sys_metadata_version.object.yml"),
    ),
];

#[derive(Debug)]
struct Silent;

impl MetadataSignal for Silent {
    fn changed<'a>(&'a self, _: &'a Context, _: MetadataChange<'a>) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn followed<'a>(&'a self, _: &'a [&'static str], _: u64) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

struct Node {
    engine: Arc<Engine>,
    runtime: RuntimeMetadata,
    library: Arc<Library>,
    probe: Arc<TestProbe>,
    store: Arc<dyn Store>,
    local: Context,
    _place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    SaveNew,
    SaveOver,
    Delete,
    RollBack,
    /// A field goes, with the values of its column.
    Narrow,
}

fn car(names: &[&str]) -> Value {
    let mut definition = json!({ "name": "car", "fields": {} });
    for name in names {
        definition["fields"][*name] = json!({ "type": "text" });
    }
    definition
}

impl Node {
    /// With an object that was saved twice, and one that was taken away.
    async fn new() -> Self {
        let place = Place::new();
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
            store: Arc::clone(&store),
            datasources: Default::default(),
            catalogue: Arc::clone(library.cell()),
            hooks: Arc::new(TestHooks::default()) as Arc<dyn Hooks>,
            permissions: Arc::new(TestPermissions::default()),
            signal: Arc::new(TestSignal::default()) as Arc<dyn EventSignal>,
            outside: Arc::new(TestOutside::default()) as Arc<dyn Outside>,
            clock: Arc::new(TestClock(AtomicI64::new(NOON))) as Arc<dyn Clock>,
            limits: LimitsConfig::default(),
        }));
        let runtime = RuntimeMetadata::new(
            Arc::clone(&library),
            Arc::clone(&engine),
            Arc::new(Silent) as Arc<dyn MetadataSignal>,
        );
        runtime.load().await.unwrap();
        let node = Self {
            engine,
            runtime,
            library,
            probe,
            store,
            local: principal("local", PrincipalKind::Local, None),
            _place: place,
        };
        node.save("car", car(&["plate"]), false).await.unwrap();
        node.save("car", car(&["plate", "seats"]), false).await.unwrap();
        let mut bus = car(&["plate"]);
        bus["name"] = json!("bus");
        node.save("bus", bus, false).await.unwrap();
        node.delete("bus").await.unwrap();
        node.use_all().await;
        node
    }

    async fn save(&self, name: &str, definition: Value, lose_data: bool) -> Result<()> {
        let terms = Terms {
            lose_data,
            ..Terms::default()
        };
        let saved = self.runtime.save(&self.local, "object", name, definition, &terms).await;
        saved.map(drop)
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.runtime
            .delete(&self.local, "object", name, &Terms::default())
            .await
    }

    async fn run(&self, operation: Operation) -> Result<()> {
        match operation {
            Operation::SaveNew => {
                let mut van = car(&["plate"]);
                van["name"] = json!("van");
                self.save("van", van, false).await
            }
            Operation::SaveOver => self.save("car", car(&["plate", "seats", "colour"]), false).await,
            Operation::Delete => self.delete("car").await,
            Operation::RollBack => {
                let terms = Terms::default();
                let back = self.runtime.roll_back(&self.local, "object", "bus", 1, &terms).await;
                back.map(drop)
            }
            Operation::Narrow => self.save("car", car(&["plate"]), true).await,
        }
    }

    /// What is stored of the items and their versions, and what is in use.
    async fn state(&self) -> String {
        let system = Context::background().as_system();
        let mut out = String::new();
        for (object, columns) in [
            ("sys_metadata", json!(["kind", "name", "number", "definition"])),
            ("sys_metadata_version", json!(["kind", "name", "number", "operation"])),
        ] {
            let query = json!({ "orderBy": ["name", "number"], "fields": columns, "limit": 100 });
            let query = QueryInput::from_map(&fields(query)).unwrap();
            let found = self.engine.find(&system, object, query).await.unwrap();
            let found: Value = serde_json::from_slice(&found.to_json()).unwrap();
            for record in found["records"].as_array().unwrap() {
                let shown = ["name", "number", "operation", "definition"].map(|key| record[key].to_string());
                out.push_str(&format!("{object} {}\n", shown.join(" ")));
            }
        }
        let catalogue = self.library.catalogue();
        for name in ["bus", "car", "van"] {
            let known = catalogue.object(name);
            let own = ["plate", "seats", "colour"]
                .into_iter()
                .filter(|field| known.is_some_and(|object| object.field(field).is_some()));
            let own: Vec<&str> = own.collect();
            out.push_str(&format!("{name} in use {} {own:?}\n", known.is_some()));
        }
        out
    }

    /// What is in use can be used: every field of every object is written and read.
    async fn use_all(&self) {
        let catalogue = self.library.catalogue();
        for name in ["bus", "car", "van"] {
            let Some(object) = catalogue.object(name) else { continue };
            let own = ["plate", "seats", "colour"]
                .into_iter()
                .filter(|field| object.field(field).is_some());
            let record = own.map(|field| (field.to_owned(), json!("x"))).collect();
            self.engine
                .create(&self.local, name, record)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let found = self.engine.find(&self.local, name, QueryInput::default()).await;
            assert!(found.is_ok(), "{name}: {:?}", found.err());
        }
    }
}

async fn hold(operation: Operation) {
    let done = {
        let sound = Node::new().await;
        sound.run(operation).await.unwrap();
        let done = sound.state().await;
        sound.store.close().await;
        done
    };
    for after in [false, true] {
        let mut fault = 1;
        loop {
            let node = Node::new().await;
            let before = node.state().await;
            node.probe.arm(fault, after);
            let result = node.run(operation).await;
            let reached = node.probe.calls.load(Ordering::SeqCst) >= fault.unsigned_abs();
            node.probe.arm(0, false);
            let label = format!("{operation:?}, fault {fault}, after {after}: {result:?}");
            // Whoever does not know whether it was stored looks.
            node.runtime
                .follow()
                .await
                .unwrap_or_else(|error| panic!("{label}: {error}"));
            let found = node.state().await;
            match &result {
                Ok(()) => assert_eq!(found, done, "{label}"),
                Err(_) => assert!(found == before || found == done, "{label}: {found}"),
            }
            node.use_all().await;
            let mut next = car(&["plate"]);
            next["name"] = json!("next");
            node.save("next", next, false)
                .await
                .unwrap_or_else(|error| panic!("{label}: {error}"));
            node.store.close().await;
            if !reached {
                break;
            }
            fault += 1;
            assert!(fault < 90, "{label}");
        }
        assert!(fault > 2, "{operation:?} made {fault} calls");
    }
}

#[tokio::test]
async fn metadata_is_stored_and_in_use_or_neither() {
    for operation in [
        Operation::SaveNew,
        Operation::SaveOver,
        Operation::Delete,
        Operation::RollBack,
    ] {
        hold(operation).await;
    }
}

#[tokio::test]
async fn a_column_goes_with_the_field_or_stays_with_it() {
    hold(Operation::Narrow).await;
}

const OLD: &str = "
name: thing
fields:
  name: { type: text }
  size: { type: text }
  gone: { type: text }
";

/// Another type, a column less, two more, and an index: all that `migrate apply --destructive` does to a table.
const NEW: &str = "
name: thing
fields:
  name: { type: text, unique: true }
  size: { type: number }
  more: { type: date }
  words: { type: textarea, searchable: true }
";

async fn steps(store: &Arc<dyn Store>, thing: &str) -> Vec<SchemaStep> {
    let wanted = catalogue(&[("thing.object.yml", thing)]);
    let planned = plan(&wanted, &store.shape().await.unwrap());
    [planned.additive, planned.destructive].concat()
}

#[tokio::test]
async fn tables_change_whole_or_not_at_all() {
    let done = {
        let place = Place::new();
        let store = place.open(None).await;
        store.change_schema(steps(&store, OLD).await).await.unwrap();
        store.change_schema(steps(&store, NEW).await).await.unwrap();
        let done = store.shape().await.unwrap();
        store.close().await;
        done
    };
    for after in [false, true] {
        let mut fault = 1;
        loop {
            let place = Place::new();
            let probe = Arc::new(TestProbe::default());
            let store = place.open(Some(Arc::clone(&probe) as Arc<dyn Probe>)).await;
            store.change_schema(steps(&store, OLD).await).await.unwrap();
            let before = store.shape().await.unwrap();
            let wanted = steps(&store, NEW).await;
            assert!(wanted.len() > 4, "{wanted:?}");
            probe.arm(fault, after);
            let result = store.change_schema(wanted).await;
            let reached = probe.calls.load(Ordering::SeqCst) >= fault.unsigned_abs();
            probe.arm(0, false);
            let label = format!("fault {fault}, after {after}: {result:?}");
            let found = store.shape().await.unwrap();
            match &result {
                Ok(()) => assert_eq!(found, done, "{label}"),
                Err(_) => assert!(found == before || found == done, "{label}: {found:?}"),
            }
            // Planned anew, it comes to its end.
            let left = steps(&store, NEW).await;
            if !left.is_empty() {
                store.change_schema(left).await.unwrap();
            }
            assert_eq!(store.shape().await.unwrap(), done, "{label}");
            store.close().await;
            if !reached {
                break;
            }
            fault += 1;
            assert!(fault < 90, "{label}");
        }
        assert!(fault > 2, "{fault} calls");
    }
}
