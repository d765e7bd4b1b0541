//! Two sessions of four to six steps each, in every order in which their steps can follow each other: what comes out is what some
//! order of the whole sessions would give, or the one that was too late is told so and left nothing behind from there on. Orders
//! that differ only by steps which have nothing to do with each other count as one.
//!
//! A session is no transaction, so these scripts hold what they write against what they read. What is true of any scripts, also of
//! those that make, point to and delete records, is in `random`; what rules read of other records is in `skew`.

mod model;
mod random;
mod skew;

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::world::{World, fields};

const FILES: [(&str, &str); 1] = [(
    "box.object.yml",
    "name: box\nsoftDelete: { enabled: true }\nversioning: { enabled: true, strategy: delta }\nfields:\n  name: { type: text }\n  value: { type: number }\n",
)];

/// One step of a session.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Reads a record and remembers it.
    Read(&'static str),
    /// Writes what was read last of a record, and so much more, if nobody was faster.
    Add(&'static str, i64),
    /// Deletes it, if it is as it was read.
    Delete(&'static str),
    /// Brings it back.
    Restore(&'static str),
}

impl Step {
    /// The record that it has to do with.
    fn record(self) -> &'static str {
        match self {
            Self::Read(name) | Self::Add(name, _) | Self::Delete(name) | Self::Restore(name) => name,
        }
    }
}

#[derive(Debug, Default)]
struct Session {
    seen: HashMap<&'static str, (i64, String)>,
    /// How far it came; it ends at the first refusal.
    done: usize,
    refused: Option<String>,
}

impl Session {
    async fn step(&mut self, world: &World, prefix: &str, step: Step) {
        if self.refused.is_some() {
            return;
        }
        match self.run(world, prefix, step).await {
            Ok(()) => self.done += 1,
            Err(code) => self.refused = Some(code),
        }
    }

    async fn run(&mut self, world: &World, prefix: &str, step: Step) -> Result<(), String> {
        let id = |name: &str| format!("{prefix}{name}");
        let result = match step {
            Step::Read(name) => match world.get("box", &id(name)).await {
                Ok(record) => {
                    let version = record["version"].to_string();
                    self.seen.insert(name, (record["value"].as_i64().unwrap(), version));
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Step::Add(name, more) => {
                let (value, version) = self.seen[name].clone();
                let change = fields(json!({ "value": value + more }));
                let answer = world
                    .engine
                    .update(&world.local, "box", &id(name), change, Some(version))
                    .await;
                answer.map(|answer| {
                    let record: Value = serde_json::from_slice(&answer.record).unwrap();
                    self.seen.insert(name, (value + more, record["version"].to_string()));
                })
            }
            Step::Delete(name) => {
                let (_, version) = self.seen[name].clone();
                world
                    .engine
                    .delete_expected(&world.local, "box", &id(name), Some(version))
                    .await
            }
            Step::Restore(name) => world.engine.restore(&world.local, "box", &id(name)).await.map(drop),
        };
        result.map_err(|error| error.code().to_owned())
    }
}

async fn prepare(world: &World, prefix: &str) {
    for name in ["x", "y"] {
        let record = json!({ "id": format!("{prefix}{name}"), "name": name, "value": 0 });
        world.create("box", record).await.unwrap();
    }
}

/// Values of both records; `null` for one in the bin.
async fn state(world: &World, prefix: &str) -> Value {
    let mut out = Vec::new();
    for name in ["x", "y"] {
        out.push(match world.get("box", &format!("{prefix}{name}")).await {
            Ok(record) => record["value"].clone(),
            Err(_) => Value::Null,
        });
    }
    Value::Array(out)
}

/// Every order of `a` and `b` steps: true is the first session's.
fn orders(a: usize, b: usize) -> Vec<Vec<bool>> {
    if a == 0 || b == 0 {
        return vec![[vec![true; a], vec![false; b]].concat()];
    }
    let with = |first: bool, rest: Vec<Vec<bool>>| {
        rest.into_iter()
            .map(move |order| [vec![first], order].concat())
            .collect::<Vec<_>>()
    };
    [with(true, orders(a - 1, b)), with(false, orders(a, b - 1))].concat()
}

/// Those orders in which no step of the second session stands right before one of the first that has to do with another record:
/// of all that lead to the same, at least one.
fn different_orders(first: &[Step], second: &[Step]) -> Vec<Vec<bool>> {
    let mut all = orders(first.len(), second.len());
    all.retain(|order| {
        let (mut left, mut right) = (first.iter(), second.iter());
        let steps: Vec<(bool, &Step)> = order
            .iter()
            .map(|turn| {
                let step = if *turn { left.next() } else { right.next() };
                (*turn, step.unwrap())
            })
            .collect();
        steps
            .windows(2)
            .all(|pair| pair[0].0 || !pair[1].0 || pair[0].1.record() == pair[1].1.record())
    });
    all
}

/// What whole sessions one after the other would leave.
struct Serial<'a> {
    world: &'a World,
    sessions: [&'a [Step]; 2],
    /// By how far each of them goes.
    known: HashMap<[usize; 2], Vec<Value>>,
}

impl Serial<'_> {
    /// The states after both orders, each session as far as it came.
    async fn states(&mut self, came: [usize; 2]) -> Vec<Value> {
        if let Some(states) = self.known.get(&came) {
            return states.clone();
        }
        let mut states = Vec::new();
        for (number, order) in [[0, 1], [1, 0]].into_iter().enumerate() {
            let prefix = format!("s{}_{}_{number}", came[0], came[1]);
            prepare(self.world, &prefix).await;
            for index in order {
                let mut session = Session::default();
                for step in &self.sessions[index][..came[index]] {
                    session.step(self.world, &prefix, *step).await;
                }
            }
            states.push(state(self.world, &prefix).await);
        }
        self.known.insert(came, states.clone());
        states
    }
}

async fn hold(first: &[Step], second: &[Step]) {
    let world = World::new(&FILES).await;
    let mut serial = Serial {
        world: &world,
        sessions: [first, second],
        known: HashMap::new(),
    };
    for (number, order) in different_orders(first, second).into_iter().enumerate() {
        let prefix = format!("o{number}");
        prepare(&world, &prefix).await;
        let mut sessions = [Session::default(), Session::default()];
        let (mut left, mut right) = (first.iter(), second.iter());
        for turn in &order {
            let (session, step) = if *turn {
                (&mut sessions[0], left.next())
            } else {
                (&mut sessions[1], right.next())
            };
            session.step(&world, &prefix, *step.unwrap()).await;
        }
        let found = state(&world, &prefix).await;
        let label = format!("{order:?}: {found} {sessions:?}");
        for session in &sessions {
            if let Some(code) = &session.refused {
                assert!(
                    ["concurrent_modification", "record_not_found"].contains(&code.as_str()),
                    "{label}"
                );
            }
        }
        // Those that came to their end are whole.
        let allowed = serial.states([sessions[0].done, sessions[1].done]).await;
        assert!(allowed.contains(&found), "{label}, allowed {allowed:?}");
    }
}

#[test]
fn no_order_is_forgotten() {
    for (steps, count) in [(1, 2), (4, 70), (5, 252), (6, 924)] {
        assert_eq!(orders(steps, steps).len(), count);
    }
    // All steps have to do with each other, and none with those of the other session.
    assert_eq!(different_orders(&[Step::Read("x"); 4], &[Step::Read("x"); 4]).len(), 70);
    assert_eq!(different_orders(&[Step::Read("x"); 4], &[Step::Read("y"); 4]).len(), 1);
}

#[tokio::test]
async fn two_that_add_to_the_same_records() {
    hold(
        &[Step::Read("x"), Step::Add("x", 1), Step::Read("y"), Step::Add("y", 10)],
        &[Step::Read("x"), Step::Add("x", 2), Step::Read("y"), Step::Add("y", 20)],
    )
    .await;
}

#[tokio::test]
async fn two_that_go_opposite_ways() {
    hold(
        &[Step::Read("x"), Step::Add("x", 1), Step::Read("y"), Step::Add("y", 1)],
        &[Step::Read("y"), Step::Add("y", 2), Step::Read("x"), Step::Add("x", 2)],
    )
    .await;
}

#[tokio::test]
async fn one_deletes_what_the_other_changes() {
    hold(
        &[Step::Read("x"), Step::Add("x", 1), Step::Add("x", 1), Step::Add("x", 1)],
        &[Step::Read("x"), Step::Delete("x"), Step::Restore("x"), Step::Read("x")],
    )
    .await;
}

#[tokio::test]
async fn two_of_five_steps_that_come_back_to_a_record() {
    hold(
        &[
            Step::Read("x"),
            Step::Add("x", 1),
            Step::Read("y"),
            Step::Add("y", 10),
            Step::Add("x", 100),
        ],
        &[
            Step::Read("y"),
            Step::Add("y", 2),
            Step::Read("x"),
            Step::Add("x", 20),
            Step::Add("y", 200),
        ],
    )
    .await;
}

#[tokio::test]
async fn two_of_six_steps_that_read_first() {
    hold(
        &[
            Step::Read("x"),
            Step::Read("y"),
            Step::Add("x", 1),
            Step::Add("y", 1),
            Step::Add("x", 2),
            Step::Add("y", 2),
        ],
        &[
            Step::Read("y"),
            Step::Read("x"),
            Step::Add("y", 10),
            Step::Add("x", 10),
            Step::Add("y", 20),
            Step::Add("x", 20),
        ],
    )
    .await;
}

#[tokio::test]
async fn both_delete_and_one_brings_back() {
    hold(
        &[
            Step::Read("x"),
            Step::Delete("x"),
            Step::Restore("x"),
            Step::Read("x"),
            Step::Add("x", 1),
        ],
        &[
            Step::Read("y"),
            Step::Add("y", 5),
            Step::Read("x"),
            Step::Add("x", 10),
            Step::Read("x"),
            Step::Delete("x"),
        ],
    )
    .await;
}
