//! Two sessions of four steps each, in every order in which their steps can follow each other: what comes out is what some order
//! of the whole sessions would give, or the one that was too late is told so and left nothing behind from there on.

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

#[derive(Debug, Default)]
struct Session {
    seen: std::collections::HashMap<&'static str, (i64, String)>,
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

/// The states that whole sessions one after the other would leave, each as far as it came.
async fn serial(world: &World, prefix: &str, sessions: [&[Step]; 2]) -> Vec<Value> {
    let mut states = Vec::new();
    for (number, order) in [[0, 1], [1, 0]].into_iter().enumerate() {
        let prefix = format!("{prefix}s{number}");
        prepare(world, &prefix).await;
        for index in order {
            let mut session = Session::default();
            for step in sessions[index] {
                session.step(world, &prefix, *step).await;
            }
        }
        states.push(state(world, &prefix).await);
    }
    states
}

async fn hold(first: &[Step], second: &[Step]) {
    let world = World::new(&FILES).await;
    let all = orders(first.len(), second.len());
    assert_eq!(all.len(), 70);
    for (number, order) in all.into_iter().enumerate() {
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
        let came = [&first[..sessions[0].done], &second[..sessions[1].done]];
        let allowed = serial(&world, &prefix, came).await;
        assert!(allowed.contains(&found), "{label}, allowed {allowed:?}");
        // Both came through only where their order does not matter or is one of the two.
        if sessions.iter().all(|session| session.refused.is_none()) {
            let whole = serial(&world, &format!("{prefix}w"), [first, second]).await;
            assert!(whole.contains(&found), "{label}, whole {whole:?}");
        }
    }
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
