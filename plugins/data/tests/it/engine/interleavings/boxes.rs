//! What the steps of sessions on boxes come to, told without a database. Steps come one after the other, so each answer is
//! certain. Used by `hold`, which holds the engine against it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Step;

/// What a session is told of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The value that it read.
    Read(i64),
    /// It is stored.
    Done,
    /// It is not, and this is the code.
    Refused(String),
}

/// Value and version of the boxes that a session read or wrote last.
pub(super) type Known = HashMap<&'static str, (i64, u64)>;

#[derive(Clone, Copy, Debug)]
struct Entry {
    value: i64,
    /// One more with each change, the making of it included: as many versions are kept, and as many events stored.
    version: u64,
    binned: bool,
}

/// Both boxes.
#[derive(Debug)]
pub(super) struct Boxes([(&'static str, Entry); 2]);

impl Boxes {
    /// As `prepare` makes them.
    pub(super) fn new() -> Self {
        let new = Entry {
            value: 0,
            version: 1,
            binned: false,
        };
        Self([("x", new), ("y", new)])
    }

    /// Does a step of a session that knows this much.
    pub(super) fn apply(&mut self, known: &mut Known, step: Step) -> Told {
        let name = step.record();
        let refused = |code: &str| Told::Refused(code.to_owned());
        let Some((_, entry)) = self.0.iter_mut().find(|(of, _)| *of == name) else {
            panic!("there is no box {name}");
        };
        if entry.binned != matches!(step, Step::Restore(_)) {
            return refused("record_not_found");
        }
        let builds = matches!(step, Step::Add(..) | Step::Delete(_));
        if builds && known[name].1 != entry.version {
            return refused("concurrent_modification");
        }
        match step {
            Step::Read(_) => {
                known.insert(name, (entry.value, entry.version));
                return Told::Read(entry.value);
            }
            Step::Add(_, more) => entry.value = known[name].0 + more,
            Step::Delete(_) => entry.binned = true,
            Step::Restore(_) => entry.binned = false,
        }
        entry.version += 1;
        if matches!(step, Step::Add(..)) {
            known.insert(name, (entry.value, entry.version));
        }
        Told::Done
    }

    /// Value and version of each; `null` for one in the bin.
    pub(super) fn state(&self) -> Vec<Value> {
        let entries = self.0.iter().map(|(_, entry)| entry);
        entries
            .map(|entry| {
                if entry.binned {
                    Value::Null
                } else {
                    json!([entry.value, entry.version])
                }
            })
            .collect()
    }

    /// How many versions are kept of both, and how many events are stored.
    pub(super) fn changes(&self) -> u64 {
        self.0.iter().map(|(_, entry)| entry.version).sum()
    }
}
