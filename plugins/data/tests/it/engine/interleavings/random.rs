//! Random scripts of two sessions that make, point to, change and delete records, one step after the other and in transactions.
//! One at a time, in a random order, every answer is the one of the rules. Both at the same time, there is an order of the steps
//! that gives the same answers and leaves the same records; where a session is one transaction, that is an order of the sessions.
//!
//! The seed is printed; `OBJECTOS_TEST_SEED` gives another one.

use std::collections::BTreeMap;
use std::sync::Arc;

use objectos_data::engine::{BatchOperation, TransactionItem};
use objectos_data::error::DataError;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use super::model::{Model, Seen, Side, Step, explained, shown};
use crate::world::{World, fields};

const FILES: [(&str, &str); 3] = [
    (
        "shelf.object.yml",
        "name: shelf\nfields:\n  name: { type: text, unique: true }\n  value: { type: number }\n",
    ),
    (
        "book.object.yml",
        "name: book\nfields:\n  name: { type: text, unique: true }\n  shelf: { type: lookup, reference: shelf, deleteBehavior: cascade }\n",
    ),
    (
        "note.object.yml",
        "name: note\nfields:\n  shelf: { type: lookup, reference: shelf, deleteBehavior: restrict }\n",
    ),
];
/// Deleted records go into a bin, and so do those that go with them.
const BIN: &str = "softDelete: { enabled: true, cascadeDelete: true }\n";
const OBJECTS: [&str; 3] = ["book", "note", "shelf"];
const ROUNDS: usize = 40;

/// `more` is part of every object.
async fn world(more: &str) -> World {
    let files = FILES.map(|(name, text)| (name, format!("{text}{more}")));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    World::new(&files).await
}

fn seed() -> u64 {
    let seed = std::env::var("OBJECTOS_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_260_228);
    println!("OBJECTOS_TEST_SEED={seed}");
    seed
}

/// Makes the steps of one session.
struct Writer {
    random: SmallRng,
    prefix: String,
    side: &'static str,
    made: usize,
}

impl Writer {
    fn pick(&mut self, names: &[&str]) -> String {
        let name = names[self.random.random_range(0..names.len())];
        format!("{}{name}", self.prefix)
    }

    /// Those that were there before, and the first that each session makes.
    fn shelf(&mut self) -> String {
        self.pick(&["s0", "s0", "s1", "s1", "shelf_l0", "shelf_r0"])
    }

    fn book(&mut self) -> String {
        self.pick(&["b0", "b0", "book_l0", "book_r0"])
    }

    fn name(&mut self) -> Value {
        Value::from(self.pick(&["n0", "n1", "n2"]))
    }

    fn create(&mut self, object: &'static str, record: Value) -> Step {
        // The other session can guess the first one.
        let id = format!("{}{object}_{}{}", self.prefix, self.side, self.made);
        self.made += 1;
        Step::Create(object, id, fields(record))
    }

    fn write(&mut self) -> Step {
        match self.random.random_range(0..9) {
            0 => {
                let record = json!({ "name": self.name(), "value": 0 });
                self.create("shelf", record)
            }
            1 | 2 => {
                let record = json!({ "name": self.name(), "shelf": self.shelf() });
                self.create("book", record)
            }
            3 => {
                let record = json!({ "shelf": self.shelf() });
                self.create("note", record)
            }
            4 => {
                let value = self.random.random_range(1_000..2_000);
                Step::Change("shelf", self.shelf(), fields(json!({ "value": value })))
            }
            5 => Step::Change("book", self.book(), fields(json!({ "name": self.name() }))),
            6 => Step::Change("book", self.book(), fields(json!({ "shelf": self.shelf() }))),
            7 => Step::Delete("book", self.book()),
            _ => Step::Delete("shelf", self.shelf()),
        }
    }

    fn add(&mut self) -> Step {
        let more = self.random.random_range(1..100);
        Step::Add(self.shelf(), more)
    }

    /// Some writes as one. Shelves are deleted first, so that nothing is put on one and deleted with it at once.
    fn together(&mut self, count: usize) -> Step {
        let mut steps: Vec<Step> = (0..count)
            .map(|_| match self.random.random_range(0..4) {
                0 => self.add(),
                _ => self.write(),
            })
            .collect();
        steps.sort_by_key(|step| !matches!(step, Step::Delete("shelf", _)));
        Step::Together(steps)
    }

    /// Four to six steps.
    fn script(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        let length = self.random.random_range(4..=6);
        while steps.len() < length {
            match self.random.random_range(0..8) {
                0 | 1 => {
                    let shelf = self.shelf();
                    let more = self.random.random_range(1..100);
                    steps.push(Step::Read(shelf.clone()));
                    steps.push(Step::Add(shelf, more));
                }
                2 => {
                    let count = self.random.random_range(2..=3);
                    steps.push(self.together(count));
                }
                _ => steps.push(self.write()),
            }
        }
        steps.truncate(length);
        steps
    }
}

/// Value and version of the shelves that a session read.
type Known = BTreeMap<String, (i64, String)>;

/// Does a step and answers as the model does.
async fn run(world: &World, known: &mut Known, step: &Step) -> String {
    if step.builds_on_nothing(known) {
        return "unread".to_owned();
    }
    let done = match step {
        Step::Read(id) => match world.get("shelf", id).await {
            Ok(shelf) => {
                let (value, version) = seen(&shelf);
                known.insert(id.clone(), (value, version));
                return format!("read {value}");
            }
            Err(error) => Err(error),
        },
        Step::Add(id, more) => {
            let (value, version) = known[id].clone();
            let change = fields(json!({ "value": value + more }));
            let answer = world
                .engine
                .update(&world.local, "shelf", id, change, Some(version))
                .await;
            answer.map(|answer| {
                let shelf: Value = serde_json::from_slice(&answer.record).unwrap();
                known.insert(id.clone(), seen(&shelf));
            })
        }
        Step::Create(object, id, record) => world.create(object, with_id(record, id)).await.map(drop),
        Step::Change(object, id, change) => world.update(object, id, Value::Object(change.clone())).await.map(drop),
        Step::Delete(object, id) => world.engine.delete(&world.local, object, id).await,
        Step::Together(steps) => {
            let items = steps.iter().map(|step| item(known, step)).collect();
            return match world.engine.transaction(&world.local, items).await {
                Ok(_) => "done".to_owned(),
                Err(error) => {
                    told(&error);
                    "refused".to_owned()
                }
            };
        }
    };
    match done {
        Ok(()) => "done".to_owned(),
        Err(error) => told(&error).to_owned(),
    }
}

fn seen(shelf: &Value) -> (i64, String) {
    let version = shelf["updated_at"].as_str().unwrap().to_owned();
    (shelf["value"].as_i64().unwrap(), version)
}

fn with_id(record: &Map<String, Value>, id: &str) -> Value {
    let mut record = record.clone();
    record.insert("id".to_owned(), json!(id));
    Value::Object(record)
}

/// A refusal in the model's words. Nothing else may come.
fn told(error: &DataError) -> &'static str {
    match error.code() {
        "concurrent_modification" => "stale",
        "record_not_found" => "missing",
        "duplicate_value" | "validation_error" | "delete_restricted" => "refused",
        code => panic!("{code}: {error}"),
    }
}

fn item(known: &Known, step: &Step) -> TransactionItem {
    let item = |object: &str, operation, id: Option<&String>, data: Map<String, Value>| TransactionItem {
        object: object.to_owned(),
        operation,
        id: id.cloned(),
        external_id: None,
        data,
        expected: None,
    };
    match step {
        Step::Add(id, more) => {
            let (value, version) = known[id].clone();
            let data = fields(json!({ "value": value + more }));
            TransactionItem {
                expected: Some(version),
                ..item("shelf", BatchOperation::Update, Some(id), data)
            }
        }
        Step::Create(object, id, record) => {
            let data = fields(with_id(record, id));
            item(object, BatchOperation::Create, None, data)
        }
        Step::Change(object, id, change) => item(object, BatchOperation::Update, Some(id), change.clone()),
        Step::Delete(object, id) => item(object, BatchOperation::Delete, Some(id), Map::new()),
        Step::Read(_) | Step::Together(_) => panic!("no part of a transaction: {step:?}"),
    }
}

/// What both sessions find.
async fn prepare(world: &World, prefix: &str) -> Model {
    let mut model = Model::default();
    for step in [
        Step::Create(
            "shelf",
            format!("{prefix}s0"),
            fields(json!({ "name": format!("{prefix}n0"), "value": 0 })),
        ),
        Step::Create("shelf", format!("{prefix}s1"), fields(json!({ "value": 0 }))),
        Step::Create(
            "book",
            format!("{prefix}b0"),
            fields(json!({ "name": format!("{prefix}n0"), "shelf": format!("{prefix}s0") })),
        ),
    ] {
        assert_eq!(run(world, &mut Known::new(), &step).await, "done");
        assert_eq!(model.apply(&mut Seen::new(), &step), "done");
    }
    model
}

/// The records of a round, as the model shows them.
async fn state(world: &World, prefix: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for object in OBJECTS {
        let query = json!({ "where": { "id": { "$startsWith": prefix } } });
        let found = world.query(object, query).await.unwrap();
        for record in found["records"].as_array().unwrap() {
            let text = |field: &str| record[field].as_str();
            let id = record["id"].as_str().unwrap();
            lines.push(shown(object, id, text("name"), text("shelf"), record["value"].as_i64()));
        }
    }
    lines.sort();
    lines
}

fn scripts(random: &mut SmallRng, prefix: &str, write: impl Fn(&mut Writer) -> Vec<Step>) -> [Vec<Step>; 2] {
    ["l", "r"].map(|side| {
        write(&mut Writer {
            random: SmallRng::seed_from_u64(random.random_range(0..u64::MAX)),
            prefix: prefix.to_owned(),
            side,
            made: 0,
        })
    })
}

async fn one_at_a_time(more: &str) {
    let mut random = SmallRng::seed_from_u64(seed());
    let world = world(more).await;
    for round in 0..ROUNDS {
        let prefix = format!("r{round}_");
        let mut model = prepare(&world, &prefix).await;
        let scripts = scripts(&mut random, &prefix, Writer::script);
        let mut sessions = [(Known::new(), Seen::new()), (Known::new(), Seen::new())];
        let mut left = [scripts[0].iter(), scripts[1].iter()];
        loop {
            let turn: usize = random.random_range(0..2);
            // The other one goes on when this one is at its end.
            let Some((turn, step)) = [turn, 1 - turn]
                .into_iter()
                .find_map(|turn| left[turn].next().map(|step| (turn, step)))
            else {
                break;
            };
            let (known, seen) = &mut sessions[turn];
            let found = run(&world, known, step).await;
            let expected = model.apply(seen, step);
            assert_eq!(
                found, expected,
                "round {round}, session {turn}, {step:?} of {scripts:#?}"
            );
        }
        assert_eq!(
            state(&world, &prefix).await,
            model.state(),
            "round {round}: {scripts:#?}"
        );
    }
}

#[tokio::test]
async fn every_answer_is_that_of_the_rules() {
    one_at_a_time("").await;
}

#[tokio::test]
async fn every_answer_is_that_of_the_rules_with_a_bin() {
    one_at_a_time(BIN).await;
}

/// Runs both sessions at once and looks for an order that explains what they were told and what they left.
async fn at_once(more: &str, write: impl Fn(&mut Writer) -> Vec<Step>, reads_first: bool) {
    let mut random = SmallRng::seed_from_u64(seed());
    let world = Arc::new(world(more).await);
    for round in 0..ROUNDS {
        let prefix = format!("r{round}_");
        let mut model = prepare(&world, &prefix).await;
        let scripts = scripts(&mut random, &prefix, &write);
        let (mut known, mut seen) = (Known::new(), Seen::new());
        let before: &[&str] = if reads_first { &["s0", "s1"] } else { &[] };
        for shelf in before {
            let read = Step::Read(format!("{prefix}{shelf}"));
            assert_eq!(run(&world, &mut known, &read).await, model.apply(&mut seen, &read));
        }
        let tasks = scripts.clone().map(|steps| {
            let (world, mut known) = (Arc::clone(&world), known.clone());
            tokio::spawn(async move {
                let mut answers = Vec::with_capacity(steps.len());
                for step in &steps {
                    answers.push(run(&world, &mut known, step).await);
                }
                answers
            })
        });
        let [left, right] = tasks;
        let answers = [left.await.unwrap(), right.await.unwrap()];
        let found = state(&world, &prefix).await;
        let side = |index: usize| Side {
            steps: &scripts[index],
            answers: &answers[index],
            seen: seen.clone(),
        };
        assert!(
            explained(&model, &side(0), &side(1), &found),
            "round {round}: no order gives {answers:?} and leaves {found:#?}: {scripts:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_same_time_some_order_of_the_steps_explains_it() {
    at_once("", Writer::script, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_same_time_some_order_of_the_steps_explains_it_with_a_bin() {
    at_once(BIN, Writer::script, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_same_time_transactions_are_one_after_the_other() {
    let whole = |writer: &mut Writer| {
        let count = writer.random.random_range(4..=6);
        vec![writer.together(count)]
    };
    at_once("", whole, true).await;
}

/// What a transaction puts on a shelf goes with it, when the same transaction deletes that.
#[tokio::test]
async fn a_transaction_deletes_what_it_made_with_what_it_hangs_on() {
    let world = world("").await;
    let mut model = prepare(&world, "t").await;
    let on = |shelf: &str| fields(json!({ "shelf": shelf }));
    for steps in [
        vec![
            Step::Create("book", "tb1".to_owned(), on("ts1")),
            Step::Change("book", "tb0".to_owned(), on("ts1")),
            Step::Delete("shelf", "ts1".to_owned()),
        ],
        vec![
            Step::Create("note", "tn1".to_owned(), on("ts0")),
            Step::Delete("shelf", "ts0".to_owned()),
        ],
    ] {
        let step = Step::Together(steps);
        let expected = model.apply(&mut Seen::new(), &step);
        assert_eq!(run(&world, &mut Known::new(), &step).await, expected, "{step:?}");
    }
    assert_eq!(state(&world, "t").await, model.state());
}
