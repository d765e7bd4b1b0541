//! New records on their way, and what is known without asking: which values records have by now, and which objects had none.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::Task;

/// Records made at once.
const RECORDS_MAX: usize = 100;

/// New records of one object.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    pub(super) object: String,
    /// The records as seeds.
    pub(super) tasks: Vec<Task<'a>>,
    /// Their fields.
    pub(super) records: Vec<Map<String, Value>>,
}

impl<'a> Gathered<'a> {
    /// No record of this object can be added before the others are made.
    pub(super) fn is_full_for(&self, object: &str) -> bool {
        !self.tasks.is_empty() && (self.object != object || self.tasks.len() >= RECORDS_MAX)
    }

    pub(super) fn push(&mut self, object: &str, task: Task<'a>, fields: Map<String, Value>) {
        object.clone_into(&mut self.object);
        self.tasks.push(task);
        self.records.push(fields);
    }

    /// Everything that was gathered; `None` when that is nothing.
    pub(super) fn take(&mut self) -> Option<Self> {
        (!self.tasks.is_empty()).then(|| std::mem::take(self))
    }
}

/// What can be told without asking the sink.
#[derive(Default)]
pub(super) struct Seen {
    /// Values by object and field, in small letters: whether case matters is the sink's to say.
    values: HashSet<(String, String, String)>,
    /// Whether an object had no records when it was first asked.
    empty: HashMap<String, bool>,
}

impl Seen {
    pub(super) fn note(&mut self, object: &str, field: &str, value: &Value) {
        self.values.insert(key(object, field, value));
    }

    /// A record that has this value, or one like it, was gathered or made.
    pub(super) fn has(&self, object: &str, field: &str, value: &Value) -> bool {
        self.values.contains(&key(object, field, value))
    }

    pub(super) fn empty(&self, object: &str) -> Option<bool> {
        self.empty.get(object).copied()
    }

    pub(super) fn note_empty(&mut self, object: &str, empty: bool) {
        self.empty.insert(object.to_owned(), empty);
    }
}

fn key(object: &str, field: &str, value: &Value) -> (String, String, String) {
    (object.to_owned(), field.to_owned(), value.to_string().to_lowercase())
}
