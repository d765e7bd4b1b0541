//! One step of a session, and the whole of another's between two calls of it to the database: before each of its statements and
//! before its unit is handed over, for each in turn, whatever kinds the two are of. What both are told and what they leave is
//! what one order of the two gives; or one of them is told of a conflict, and only the other has happened.
//!
//! Nothing here is chance, and nobody waits for anybody: a write comes where the first step holds no unit. What is read while a
//! unit is being stored is in `inside`; two units at the same moment are the database's to keep apart, and `random` tries them.

mod inside;
mod run;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use objectos_data::engine::{Engine, EngineParts};
use objectos_data::error::Result;
use objectos_data::query::QueryInput;
use objectos_data::store::{BoxFuture, Statement};
use parking_lot::Mutex;
use serde_json::{Value, json};

use self::run::{Kind, READS, Run, Told, WRITES};
use crate::between::{Between, Place, Stand};
use crate::world::{World, fields};

const FILES: [(&str, &str); 2] = [
    (
        "shelf.object.yml",
        "name: shelf\nsoftDelete: { enabled: true, cascadeDelete: true }\nversioning: { enabled: true, strategy: delta }\nfields:\n  run: { type: text, index: true }\n  code: { type: text, unique: true, externalId: true }\n  value: { type: number }\n",
    ),
    (
        "book.object.yml",
        "name: book\nsoftDelete: { enabled: true }\nfields:\n  run: { type: text, index: true }\n  value: { type: number }\n  shelf: { type: lookup, reference: shelf, deleteBehavior: cascade }\n",
    ),
];

/// Statements and units of one step at most.
const CALLS_MAX: u64 = 40;

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    /// What the first and the second caller were told; nothing of one who did not come.
    told: [Option<Told>; 2],
    /// The records, in the bin or not, how many versions there are more, and the events.
    left: Vec<String>,
}

/// The second step, before a call of the first.
struct Visit {
    /// Which one, from 1.
    at: u64,
    step: Mutex<Option<BoxFuture<'static, ()>>>,
    calls: AtomicU64,
}

impl Visit {
    fn new(at: u64, step: Option<BoxFuture<'static, ()>>) -> Arc<Self> {
        Arc::new(Self {
            at,
            step: Mutex::new(step),
            calls: AtomicU64::new(0),
        })
    }

    /// An engine on the records of a world, between whose calls it happens.
    fn engine(self: &Arc<Self>, world: &World) -> Engine {
        Engine::new(EngineParts {
            store: Between::on(&world.store, Arc::clone(self) as Arc<dyn Stand>),
            ..world.engine.parts().clone()
        })
    }
}

impl Stand for Visit {
    fn at(&self, place: Place) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let call = place != Place::AfterRead;
            if call && self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
                let step = self.step.lock().take();
                if let Some(step) = step {
                    step.await;
                }
            }
            Ok(())
        })
    }
}

/// A database, and what is known of steps that come one after the other.
struct Bench {
    world: World,
    runs: usize,
    /// What steps come to in this order; the place of a step says which caller does it.
    known: HashMap<Vec<(usize, Kind)>, Outcome>,
}

impl Bench {
    async fn new() -> Self {
        Self {
            world: World::new(&FILES).await,
            runs: 0,
            known: HashMap::new(),
        }
    }

    /// The engine itself: what is told here is compared here, and how often steps are tried is each driver's own affair.
    fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.world.engine)
    }

    /// Records of their own, as both callers find them; and how many versions and events there are.
    async fn prepared(&mut self) -> ([Run; 2], [i64; 2]) {
        self.runs += 1;
        let prefix = format!("r{}_", self.runs);
        let sides = [0, 1].map(|side| Run {
            prefix: prefix.clone(),
            side,
        });
        let (engine, local) = (self.engine(), &self.world.local);
        engine.transaction(local, sides[0].begin()).await.unwrap();
        engine.delete(local, "shelf", &sides[0].id("c")).await.unwrap();
        let before = [self.versions().await, self.last_event().await];
        (sides, before)
    }

    async fn versions(&self) -> i64 {
        self.world.number("SELECT COUNT(*) FROM sys_record_version").await
    }

    async fn last_event(&self) -> i64 {
        let last = "SELECT CAST(COALESCE(MAX(sequence), 0) AS BIGINT) FROM objectos_event";
        self.world.number(last).await
    }

    /// What a run left: its records, how many versions more than before, and the events since.
    async fn left(&self, run: &Run, [versions, last_event]: [i64; 2]) -> Vec<String> {
        let mut left = vec![format!("{} versions", self.versions().await - versions)];
        let engine = self.engine();
        for object in ["shelf", "book"] {
            for binned in [false, true] {
                let mut query = json!({ "where": { "run": run.prefix }, "orderBy": "id", "count": false });
                if binned {
                    query["deleted"] = json!("only");
                }
                let query = QueryInput::from_map(&fields(query)).unwrap();
                let found = engine.find(&self.world.system, object, query).await.unwrap();
                left.push(run.plain(&String::from_utf8(found.records).unwrap()));
            }
        }
        let sql = "SELECT event FROM objectos_event WHERE sequence > ? ORDER BY sequence";
        let statement = Statement::new(sql, vec![last_event.into()]);
        let mut reader = self.world.store.reader().await.unwrap();
        reader
            .read(&statement, &mut |row| {
                let event: Value = serde_json::from_str(row.cell(0).as_text().unwrap()).unwrap();
                left.push(run.plain(&format!("{} {}", event["name"], event["payload"])));
            })
            .await
            .unwrap();
        left
    }

    /// Steps one after the other, each by its caller.
    async fn serial(&mut self, order: &[(usize, Kind)]) -> Outcome {
        if let Some(known) = self.known.get(order) {
            return known.clone();
        }
        let (sides, before) = self.prepared().await;
        let engine = self.engine();
        let mut told = [None, None];
        for (side, kind) in order {
            told[*side] = Some(sides[*side].step(&engine, &self.world.local, *kind).await);
        }
        let left = self.left(&sides[0], before).await;
        let outcome = Outcome { told, left };
        self.known.insert(order.to_vec(), outcome.clone());
        outcome
    }

    /// How many calls a step makes when nobody is between them.
    async fn calls(&mut self, kind: Kind) -> u64 {
        let (sides, _) = self.prepared().await;
        let visit = Visit::new(0, None);
        sides[0].step(&visit.engine(&self.world), &self.world.local, kind).await;
        visit.calls.load(Ordering::SeqCst)
    }

    /// The first step with the second before its call number `at`.
    async fn between(&mut self, first: Kind, second: Kind, at: u64) -> Outcome {
        let (sides, before) = self.prepared().await;
        let told = Arc::new(Mutex::new(None));
        let (engine, local) = (self.engine(), self.world.local.clone());
        let (other, heard) = (sides[1].clone(), Arc::clone(&told));
        let step: BoxFuture<'static, ()> = Box::pin(async move {
            let answer = other.step(&engine, &local, second).await;
            *heard.lock() = Some(answer);
        });
        let engine = Visit::new(at, Some(step)).engine(&self.world);
        let first = sides[0].step(&engine, &self.world.local, first).await;
        let second = told.lock().take();
        assert!(second.is_some(), "there is no call {at}");
        Outcome {
            told: [Some(first), second],
            left: self.left(&sides[0], before).await,
        }
    }

    /// Whether the outcome is that of one order of the two, or one of them gave way and left nothing.
    async fn hold(&mut self, first: Kind, second: Kind, at: u64, found: &Outcome) {
        let (one, other) = ((0, first), (1, second));
        let mut allowed = Vec::new();
        for order in [[other, one], [one, other]] {
            allowed.push(self.serial(&order).await);
            if allowed.contains(found) {
                return;
            }
        }
        for (gave_way, stayed) in [(0, other), (1, one)] {
            let conflict = found.told[gave_way].clone().filter(|told| told.conflict);
            if conflict.is_some() {
                let mut alone = self.serial(&[stayed]).await;
                alone.told[gave_way] = conflict;
                allowed.push(alone);
            }
        }
        assert!(
            allowed.contains(found),
            "{second:?} before call {at} of {first:?} came to\n{found:#?}\nallowed is\n{allowed:#?}"
        );
    }
}

/// Each of the first kinds with each write before each of its calls.
async fn each(firsts: &[Kind]) {
    let mut bench = Bench::new().await;
    for first in firsts {
        let calls = bench.calls(*first).await;
        // A write reads at least what it changes, and a read here is more than one statement.
        assert!((2..CALLS_MAX).contains(&calls), "{first:?} makes {calls} calls");
        for second in WRITES {
            for at in 1..=calls {
                let found = bench.between(*first, second, at).await;
                bench.hold(*first, second, at, &found).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_read_is_of_one_moment_whoever_writes_between() {
    each(&READS).await;
}

#[tokio::test]
async fn what_is_written_is_before_or_after_whatever_is_written_between() {
    each(&WRITES).await;
}

/// What a step comes to by itself is what it is for: no outcome above is held against a refusal alone.
#[tokio::test]
async fn every_step_by_itself_is_done() {
    let mut bench = Bench::new().await;
    let nothing = bench.serial(&[]).await;
    for kind in READS {
        let outcome = bench.serial(&[(0, kind)]).await;
        assert_eq!(outcome.left, nothing.left, "{kind:?}");
    }
    for kind in WRITES {
        let outcome = bench.serial(&[(0, kind)]).await;
        assert_ne!(outcome.left, nothing.left, "{kind:?}: {outcome:#?}");
        let again = bench.serial(&[(1, kind)]).await;
        assert!(
            !again.told.iter().flatten().any(|told| told.conflict),
            "{kind:?}: {again:#?}"
        );
    }
}
