//! A read that takes several statements sees one state of the database, and holds it no longer than it reads.
//!
//! Somebody stands between the statements: after the n-th of them, for each n, records are written, the database fails, or the
//! reader is sent away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use objectos_data::access::{Access, Permissions, Refusal};
use objectos_data::engine::ports::HookPoint;
use objectos_data::engine::{BatchOperation, Engine, EngineParts, TransactionItem};
use objectos_data::error::{DataError, Result};
use objectos_data::query::QueryInput;
use objectos_data::store::{BoxFuture, Statement, Store};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::permissions::Operation;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::between::{Between, Place, Stand};
use crate::driver::held_most;
use crate::store::held::nothing_is_held;
use crate::world::{World, allowed, fields};

const FILES: [(&str, &str); 2] = [
    (
        "account.object.yml",
        "
name: account
fields:
  name: { type: text }
  employees: { type: number }
  label: { type: formula, expression: \"UPPER(name) & ' #' & employees\" }
  place: { type: vector, vectorConfig: { dimensions: 2, distanceMetric: euclidean } }
",
    ),
    (
        "contact.object.yml",
        "
name: contact
fields:
  name: { type: text, searchable: true }
  account: { type: lookup, reference: account }
  tag: { type: formula, expression: \"account.label & '!'\" }
",
    ),
];

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (object, record) in [
        (
            "account",
            json!({ "id": "a1", "name": "acme", "employees": 5, "place": [0, 0] }),
        ),
        (
            "account",
            json!({ "id": "a2", "name": "beta", "employees": 7, "place": [1, 1] }),
        ),
        (
            "account",
            json!({ "id": "a3", "name": "gamma", "employees": 9, "place": [5, 5] }),
        ),
        ("contact", json!({ "id": "c1", "name": "ann", "account": "a1" })),
        ("contact", json!({ "id": "c2", "name": "bob", "account": "a2" })),
        ("contact", json!({ "id": "c3", "name": "cid", "account": "a1" })),
    ] {
        world.create(object, record).await.unwrap();
    }
    world
}

/// Another name and place for an account, another name for a contact of it, and a further contact.
fn change(world: &World) -> BoxFuture<'static, ()> {
    let (engine, local) = (Arc::clone(&world.engine), world.local.clone());
    let item = |object: &str, operation: BatchOperation, id: Option<&str>, data: Value| TransactionItem {
        object: object.to_owned(),
        operation,
        id: id.map(str::to_owned),
        external_id: None,
        data: fields(data),
        expected: None,
    };
    let new = json!({ "id": "c0", "name": "aaa", "account": "a3" });
    let items = vec![
        item(
            "account",
            BatchOperation::Update,
            Some("a1"),
            json!({ "name": "zeta", "place": [9, 9] }),
        ),
        item("contact", BatchOperation::Update, Some("c1"), json!({ "name": "zoe" })),
        item("contact", BatchOperation::Create, None, new),
    ];
    Box::pin(async move { drop(engine.transaction(&local, items).await.unwrap()) })
}

/// What happens after a statement.
enum Act {
    /// This, before the next one.
    Write(BoxFuture<'static, ()>),
    /// The database says no.
    Fail,
    /// It tells that it is there, and nothing comes any more.
    Stay(Arc<Notify>),
}

/// What happens after which statement.
struct Script {
    /// Which one, from 1.
    at: u64,
    act: Mutex<Option<Act>>,
    /// Statements so far.
    statements: AtomicU64,
}

impl Script {
    fn new(at: u64, act: Act) -> Arc<Self> {
        Arc::new(Self {
            at,
            act: Mutex::new(Some(act)),
            statements: AtomicU64::new(0),
        })
    }

    /// An engine on the records of a world, to whose reads it happens.
    fn engine(self: &Arc<Self>, world: &World) -> Engine {
        self.over(&world.store, world.engine.parts())
    }

    /// The same on a store of its own.
    fn over(self: &Arc<Self>, store: &Arc<dyn Store>, parts: &EngineParts) -> Engine {
        Engine::new(EngineParts {
            store: Between::on(store, Arc::clone(self) as Arc<dyn Stand>),
            ..parts.clone()
        })
    }

    async fn passed(&self) -> Result<()> {
        if self.statements.fetch_add(1, Ordering::SeqCst) + 1 != self.at {
            return Ok(());
        }
        let act = self.act.lock().take();
        match act {
            Some(Act::Write(write)) => write.await,
            Some(Act::Fail) => return Err(DataError::internal("the test says so")),
            Some(Act::Stay(here)) => {
                here.notify_one();
                std::future::pending().await
            }
            None => {}
        }
        Ok(())
    }
}

impl Stand for Script {
    fn at(&self, place: Place) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            match place {
                Place::AfterRead => self.passed().await,
                Place::BeforeRead | Place::BeforeWrite => Ok(()),
            }
        })
    }
}

async fn ask(engine: &Engine, context: &Context, object: &str, query: &Value) -> Result<Value> {
    let query = QueryInput::from_map(&fields(query.clone()))?;
    let found = engine.find(context, object, query).await?;
    Ok(serde_json::from_slice(&found.to_json()).expect("an answer is JSON"))
}

/// Accounts, their contacts, and the accounts of these: three statements.
fn there_and_back() -> Value {
    let contacts =
        json!({ "fields": ["name", "account"], "orderBy": "name", "expand": { "account": { "fields": ["name"] } } });
    json!({ "fields": ["name"], "orderBy": "id", "count": false, "expand": { "contact": contacts } })
}

/// A change after each statement of a read. `foreseen`: it is known beforehand that there will be several, so the first is part of
/// the state; else it is made again, when the second turns out to be needed.
async fn check(object: &str, query: &Value, foreseen: bool) {
    let mut at = 1;
    loop {
        let world = world().await;
        let before = ask(&world.engine, &world.local, object, query).await.unwrap();
        let script = Script::new(at, Act::Write(change(&world)));
        let engine = script.engine(&world);
        let seen = ask(&engine, &world.local, object, query).await.unwrap();
        if script.statements.load(Ordering::SeqCst) < at {
            world.close().await;
            break;
        }
        let after = ask(&world.engine, &world.local, object, query).await.unwrap();
        assert_ne!(before, after, "{object} {query}: nothing changed");
        let expected = if foreseen || at > 1 { &before } else { &after };
        assert_eq!(seen, *expected, "{object} {query}: after statement {at}");
        world.close().await;
        at += 1;
    }
    assert!(at > 2, "{object} {query} is one statement");
}

#[tokio::test]
async fn a_page_and_its_total_are_of_one_state() {
    let page = json!({ "fields": ["name"], "orderBy": "name", "limit": 2 });
    check("contact", &page, false).await;
    let groups = json!({
        "groupBy": ["name"], "aggregations": [{ "function": "count", "alias": "n" }], "orderBy": "name", "limit": 1,
    });
    check("contact", &groups, false).await;
    // Behind a cursor, and behind other groups, the total is always counted.
    let world = world().await;
    let first = json!({ "fields": ["name"], "orderBy": "name", "limit": 1 });
    let first = ask(&world.engine, &world.local, "contact", &first).await.unwrap();
    world.close().await;
    let second = json!({ "fields": ["name"], "orderBy": "name", "limit": 2, "cursor": first["nextCursor"] });
    check("contact", &second, true).await;
    let mut groups = groups;
    groups["offset"] = json!(1);
    check("contact", &groups, true).await;
}

#[tokio::test]
async fn related_records_are_of_the_state_of_the_page() {
    let parents = json!({
        "fields": ["name", "account"], "orderBy": "id", "count": false, "expand": { "account": { "fields": ["name"] } },
    });
    check("contact", &parents, true).await;
    check("account", &there_and_back(), true).await;
}

#[tokio::test]
async fn what_is_computed_first_is_of_the_state_of_what_it_is_joined_with() {
    let tagged = json!({ "where": { "tag": "ACME #5!" }, "fields": ["name", "tag"], "orderBy": "id" });
    check("contact", &tagged, true).await;
    let lists = json!({
        "groupBy": ["account"], "aggregations": [{ "function": "array_agg", "field": "name", "alias": "names" }],
        "orderBy": "account", "limit": 1,
    });
    check("contact", &lists, true).await;
    let near = json!({ "where": { "place": { "$near": { "vector": [0, 0], "k": 1 } } }, "fields": ["name"] });
    check("account", &near, true).await;
    let fuzzy = json!({ "search": { "query": "ann", "fuzzy": true }, "fields": ["name"] });
    check("contact", &fuzzy, true).await;
}

#[tokio::test]
async fn one_record_and_what_it_leads_to_are_of_one_state() {
    let world = world().await;
    let query = QueryInput::from_map(&fields(json!({
        "fields": ["name", "account"], "expand": { "account": { "fields": ["name"] } },
    })));
    let query = query.unwrap();
    let script = Script::new(1, Act::Write(change(&world)));
    let engine = script.engine(&world);
    for expected in [
        json!({ "name": "ann", "account": { "name": "acme" } }),
        json!({ "name": "zoe", "account": { "name": "zeta" } }),
    ] {
        let answer = engine.get(&world.local, "contact", "c1", &query).await.unwrap();
        let record: Value = serde_json::from_slice(&answer.record).unwrap();
        assert_eq!(record, expected);
    }
}

#[tokio::test]
async fn a_transaction_goes_around_several_statements_and_never_around_one() {
    let world = world().await;
    let made = |world: &World| {
        let probe = &world.probe;
        let statements = probe.statements.swap(0, Ordering::SeqCst);
        (statements, probe.calls.swap(0, Ordering::SeqCst))
    };
    made(&world);
    for (object, query, expected) in [
        ("contact", json!({}), (1, 1)),
        ("contact", json!({ "limit": 2, "count": false }), (1, 1)),
        ("contact", json!({ "limit": 0 }), (1, 1)),
        ("contact", json!({ "limit": 0, "expand": { "account": {} } }), (1, 1)),
        (
            "account",
            json!({ "aggregations": [{ "function": "count", "alias": "n" }] }),
            (1, 1),
        ),
        ("contact", json!({ "expand": { "account": {} } }), (2, 4)),
        // Nobody knew, and then it is known.
        ("contact", json!({ "limit": 2 }), (3, 5)),
        ("contact", json!({ "limit": 2 }), (2, 4)),
    ] {
        world.query(object, query.clone()).await.unwrap();
        assert_eq!(made(&world), expected, "{object} {query}: statements and calls");
    }
    world.get("contact", "c1").await.unwrap();
    assert_eq!(made(&world), (1, 1));
}

#[tokio::test]
async fn nothing_is_held_after_a_read_that_failed_or_that_nobody_waits_for() {
    for at in 1..=3 {
        let world = world().await;
        let mut other = world.store.reader().await.unwrap();
        let query = there_and_back();
        let engine = Script::new(at, Act::Fail).engine(&world);
        let failed = ask(&engine, &world.local, "account", &query).await;
        assert_eq!(failed.unwrap_err().code(), "internal_error", "after statement {at}");
        nothing_is_held(&world.store, 1, other.as_mut()).await;
        let here = Arc::new(Notify::new());
        let engine = Script::new(at, Act::Stay(Arc::clone(&here))).engine(&world);
        tokio::select! {
            found = ask(&engine, &world.local, "account", &query) => panic!("after statement {at}: {found:?}"),
            () = here.notified() => {}
        }
        nothing_is_held(&world.store, 1, other.as_mut()).await;
        drop(other);
        // Whoever has the connection next sees what is there now.
        change(&world).await;
        let found = ask(&world.engine, &world.local, "account", &query).await.unwrap();
        assert_eq!(found["records"][0]["name"], "zeta");
        world.close().await;
    }
}

#[tokio::test]
async fn handlers_run_when_nothing_is_held() {
    let world = world().await;
    let idle = Arc::new(AtomicUsize::new(0));
    let (store, seen) = (Arc::clone(&world.store), Arc::clone(&idle));
    world.hooks.on(HookPoint::AfterFind, "account", move |_| {
        seen.store(store.status().readers_idle, Ordering::SeqCst);
        Ok(false)
    });
    ask(&world.engine, &world.local, "account", &there_and_back())
        .await
        .unwrap();
    assert_eq!(idle.load(Ordering::SeqCst), world.store.status().readers);
}

/// Permissions that are kept in the database, and looked up each time.
#[derive(Debug)]
struct Stored(Arc<dyn Store>);

impl Permissions for Stored {
    fn at_once(&self, _: &Context, _: &str, _: Operation) -> Option<Result<Access>> {
        None
    }

    fn ask<'a>(&'a self, _: &'a Context, _: &'a str, _: Operation) -> BoxFuture<'a, Result<Access>> {
        Box::pin(async move {
            let mut reader = self.0.reader().await?;
            let statement = Statement::new("SELECT COUNT(*) FROM account", Vec::new());
            reader.read(&statement, &mut |_| {}).await?;
            Ok(allowed(None))
        })
    }

    fn holds<'a>(&'a self, _: &'a Context, _: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn refused<'a>(&'a self, _: &'a Context, _: Refusal<'a>) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_waits_for_a_connection_while_it_holds_one() {
    let world = world().await;
    // More reads than connections, and each of them asks for the permissions over the same connections.
    let engine = Arc::new(Engine::new(EngineParts {
        permissions: Arc::new(Stored(Arc::clone(&world.store))),
        ..world.engine.parts().clone()
    }));
    let queries = [
        ("account", there_and_back()),
        (
            "contact",
            json!({ "where": { "tag": "ACME #5!" }, "expand": { "account": {} } }),
        ),
        (
            "contact",
            json!({ "search": { "query": "ann", "fuzzy": true }, "expand": { "account": {} } }),
        ),
        ("contact", json!({ "limit": 2 })),
        (
            "account",
            json!({ "where": { "place": { "$near": { "vector": [0, 0], "k": 2 } } }, "expand": { "contact": {} } }),
        ),
    ];
    let reads: Vec<_> = (0..60)
        .map(|number| {
            let (engine, local) = (Arc::clone(&engine), world.local.clone());
            let (object, query) = queries[number % queries.len()].clone();
            tokio::spawn(async move { ask(&engine, &local, object, &query).await })
        })
        .collect();
    let all = async {
        for read in reads {
            read.await.unwrap().unwrap();
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), all).await;
    ended.expect("reads wait for each other");
}

#[tokio::test]
async fn reads_that_hold_connections_leave_some_to_others() {
    let world = world().await;
    let (parts, local) = (world.engine.parts().clone(), world.local.clone());
    let place = world.close().await;
    // Long enough to make the connections, which has the same limit.
    let limit = Duration::from_secs(5);
    let store = place.open_within(None, Duration::from_secs(30), limit).await;
    let most = held_most(store.status().readers);
    let mut staying = Vec::new();
    for _ in 0..most {
        let here = Arc::new(Notify::new());
        let engine = Script::new(2, Act::Stay(Arc::clone(&here))).over(&store, &parts);
        let local = local.clone();
        staying.push(tokio::spawn(async move {
            ask(&engine, &local, "account", &there_and_back()).await.map(drop)
        }));
        here.notified().await;
    }
    assert_eq!(store.status().readers_idle, store.status().readers - most);
    let engine = Engine::new(EngineParts {
        store: Arc::clone(&store),
        ..parts
    });
    for (object, query) in [
        ("account", there_and_back()),
        // Nobody knows beforehand that the total takes a second statement.
        ("contact", json!({ "limit": 2 })),
    ] {
        let error = ask(&engine, &local, object, &query).await.unwrap_err();
        assert_eq!(error.code(), "service_unavailable", "{object} {query}: {error}");
    }
    // What is one statement is answered all the same.
    let found = ask(&engine, &local, "contact", &json!({ "limit": 0 })).await.unwrap();
    assert_eq!(found["total"], 3);
    let contact = engine
        .get(&local, "contact", "c1", &QueryInput::default())
        .await
        .unwrap();
    assert_eq!(contact.id, "c1");
    // Whoever goes away gives back what it had.
    for read in staying {
        read.abort();
        assert!(read.await.unwrap_err().is_cancelled());
    }
    for _ in 0..=most {
        ask(&engine, &local, "account", &there_and_back()).await.unwrap();
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_connection_is_held_and_given_on() {
    let world = world().await;
    let (parts, local) = (world.engine.parts().clone(), world.local.clone());
    let place = world.close().await;
    let store = place.open_narrow().await;
    let engine = Arc::new(Engine::new(EngineParts {
        store: Arc::clone(&store),
        ..parts
    }));
    let queries = [
        ("account", there_and_back()),
        ("contact", json!({ "limit": 0 })),
        ("contact", json!({ "limit": 2 })),
    ];
    let reads: Vec<_> = (0..30)
        .map(|number| {
            let (engine, local) = (Arc::clone(&engine), local.clone());
            let (object, query) = queries[number % queries.len()].clone();
            tokio::spawn(async move { ask(&engine, &local, object, &query).await })
        })
        .collect();
    for read in reads {
        read.await.unwrap().unwrap();
    }
    assert_eq!(store.status().readers_idle, store.status().readers);
    store.close().await;
}
