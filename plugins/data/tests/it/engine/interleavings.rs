//! Two sessions of four to six steps each, in every order in which their steps can follow each other: what comes out is what some
//! order of the whole sessions would give, or the one that was too late is told so and left nothing behind from there on: no
//! value, no version, no event. Every answer on the way, what was read as well, is the one that `boxes` foretells for this order.
//! Orders that differ only by steps which have nothing to do with each other count as one.
//!
//! A session is no transaction, so these scripts hold what they write against what they read; what they only read is of the
//! moment of the reading, and need not be of one order of the whole sessions. What is true of any scripts, also of those that
//! make, point to and delete records, is in `random`; what rules read of other records is in `skew`; steps that begin before the
//! other has ended are in `calls`.

mod boxes;
mod calls;
mod model;
mod random;
mod skew;

use std::collections::HashMap;

use objectos_data::error::Result;
use serde_json::{Value, json};

use self::boxes::{Boxes, Known, Told};
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
    /// Does a step; none once it has ended.
    async fn step(&mut self, world: &World, prefix: &str, step: Step) -> Option<Told> {
        if self.refused.is_some() {
            return None;
        }
        let told = self.run(world, prefix, step).await.unwrap_or_else(|error| {
            let code = error.code().to_owned();
            self.refused = Some(code.clone());
            Told::Refused(code)
        });
        self.done += usize::from(self.refused.is_none());
        Some(told)
    }

    async fn run(&mut self, world: &World, prefix: &str, step: Step) -> Result<Told> {
        let id = |name: &str| format!("{prefix}{name}");
        match step {
            Step::Read(name) => {
                let record = world.get("box", &id(name)).await?;
                let value = record["value"].as_i64().unwrap();
                self.seen.insert(name, (value, record["version"].to_string()));
                return Ok(Told::Read(value));
            }
            Step::Add(name, more) => {
                let (value, version) = self.seen[name].clone();
                let change = fields(json!({ "value": value + more }));
                let answer = world
                    .engine
                    .update(&world.local, "box", &id(name), change, Some(version))
                    .await?;
                let record: Value = serde_json::from_slice(&answer.record).unwrap();
                self.seen.insert(name, (value + more, record["version"].to_string()));
            }
            Step::Delete(name) => {
                let (_, version) = self.seen[name].clone();
                world
                    .engine
                    .delete_expected(&world.local, "box", &id(name), Some(version))
                    .await?;
            }
            Step::Restore(name) => {
                world.engine.restore(&world.local, "box", &id(name)).await?;
            }
        }
        Ok(Told::Done)
    }
}

async fn prepare(world: &World, prefix: &str) {
    for name in ["x", "y"] {
        let record = json!({ "id": format!("{prefix}{name}"), "name": name, "value": 0 });
        world.create("box", record).await.unwrap();
    }
}

/// Value and version of both records; `null` for one in the bin.
async fn state(world: &World, prefix: &str) -> Vec<Value> {
    let mut out = Vec::new();
    for name in ["x", "y"] {
        out.push(match world.get("box", &format!("{prefix}{name}")).await {
            Ok(record) => json!([record["value"], record["version"]]),
            Err(_) => Value::Null,
        });
    }
    out
}

/// How many versions of both records are kept, and how many events of them are stored.
async fn left(world: &World, prefix: &str) -> [i64; 2] {
    let versions = format!(
        "SELECT COUNT(*) FROM sys_record_version WHERE object_name = 'box' AND record_id IN ('{prefix}x', '{prefix}y')"
    );
    let events =
        format!("SELECT COUNT(*) FROM objectos_event WHERE done = 0 AND key IN ('box/{prefix}x', 'box/{prefix}y')");
    [world.number(&versions).await, world.number(&events).await]
}

/// The values alone: how many changes lead to them is not the same in every order.
fn values(state: &[Value]) -> Value {
    state
        .iter()
        .map(|one| one.get(0).cloned().unwrap_or_default())
        .collect()
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
            states.push(values(&state(self.world, &prefix).await));
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
        let (mut boxes, mut known) = (Boxes::new(), [Known::new(), Known::new()]);
        let (mut one, mut other) = (first.iter(), second.iter());
        for turn in &order {
            let (side, step) = if *turn { (0, one.next()) } else { (1, other.next()) };
            let step = *step.unwrap();
            if let Some(told) = sessions[side].step(&world, &prefix, step).await {
                let expected = boxes.apply(&mut known[side], step);
                assert_eq!(told, expected, "{order:?}: {step:?} of session {side}");
            }
        }
        let found = state(&world, &prefix).await;
        assert_eq!(found, boxes.state(), "{order:?}");
        // A step that was refused kept no version and told of nothing.
        let changes = i64::try_from(boxes.changes()).unwrap();
        assert_eq!(left(&world, &prefix).await, [changes; 2], "{order:?}: versions, events");
        let found = values(&found);
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
