//! What sessions may do with shelves and what stands on them, and what comes of it by the rules, told without a database: names
//! are unique, books go with their shelf, a note keeps its shelf from being deleted. Used by `random`, which holds the engine
//! against it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// One step of a session.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Reads a shelf and remembers it.
    Read(String),
    /// Writes what was read last of a shelf, and so much more, if nobody was faster.
    Add(String, i64),
    /// Makes a record of an object.
    Create(&'static str, String, Map<String, Value>),
    /// Changes a record, whatever it was.
    Change(&'static str, String, Map<String, Value>),
    /// Deletes a record.
    Delete(&'static str, String),
    /// All or none.
    Together(Vec<Step>),
}

/// Value and version of the shelves that a session read.
pub(super) type Seen = BTreeMap<String, (i64, u64)>;

#[derive(Clone, Debug, Default)]
struct Row {
    name: Option<String>,
    shelf: Option<String>,
    value: Option<i64>,
    version: u64,
}

/// All records, by object and id.
#[derive(Clone, Debug, Default)]
pub(super) struct Model(BTreeMap<(&'static str, String), Row>);

/// What a session has yet to do, and what it was answered when it did.
#[derive(Clone, Debug)]
pub(super) struct Side<'a> {
    pub(super) steps: &'a [Step],
    pub(super) answers: &'a [String],
    pub(super) seen: Seen,
}

impl Step {
    /// Whether it builds on a shelf that was never read.
    pub(super) fn builds_on_nothing<T>(&self, seen: &BTreeMap<String, T>) -> bool {
        match self {
            Self::Add(id, _) => !seen.contains_key(id),
            Self::Together(steps) => steps.iter().any(|step| step.builds_on_nothing(seen)),
            _ => false,
        }
    }
}

impl Model {
    /// Does a step and answers what the session is told: `read 5`, `done`, `missing`, `stale`, `refused`, or `unread` for what was
    /// not tried.
    pub(super) fn apply(&mut self, seen: &mut Seen, step: &Step) -> String {
        if step.builds_on_nothing(seen) {
            return "unread".to_owned();
        }
        let answer = match step {
            Step::Read(id) => return self.read(seen, id),
            Step::Add(id, more) => self.add(seen, id, *more),
            Step::Create(object, id, fields) => self.create(object, id, fields),
            Step::Change(object, id, fields) => self.change(object, id, fields),
            Step::Delete(object, id) => self.delete(object, id),
            Step::Together(steps) => {
                let mut draft = self.clone();
                // What a session knows of a shelf it read before, and not from a part of the same transaction.
                let done = |step: &Step| draft.apply(&mut seen.clone(), step) == "done";
                if steps.iter().all(done) {
                    *self = draft;
                    "done"
                } else {
                    "refused"
                }
            }
        };
        answer.to_owned()
    }

    /// The records as texts, sorted.
    pub(super) fn state(&self) -> Vec<String> {
        let line = |((object, id), row): (&(&'static str, String), &Row)| {
            shown(object, id, row.name.as_deref(), row.shelf.as_deref(), row.value)
        };
        let mut lines: Vec<String> = self.0.iter().map(line).collect();
        lines.sort();
        lines
    }

    fn read(&self, seen: &mut Seen, id: &str) -> String {
        let Some(row) = self.0.get(&("shelf", id.to_owned())) else {
            return "missing".to_owned();
        };
        let value = row.value.unwrap_or_default();
        seen.insert(id.to_owned(), (value, row.version));
        format!("read {value}")
    }

    fn add(&mut self, seen: &mut Seen, id: &str, more: i64) -> &'static str {
        let (value, version) = seen[id];
        match self.0.get_mut(&("shelf", id.to_owned())) {
            None => "missing",
            Some(row) if row.version != version => "stale",
            Some(row) => {
                row.value = Some(value + more);
                row.version += 1;
                seen.insert(id.to_owned(), (value + more, row.version));
                "done"
            }
        }
    }

    fn create(&mut self, object: &'static str, id: &str, fields: &Map<String, Value>) -> &'static str {
        self.put(object, id, Row::default(), fields)
    }

    fn change(&mut self, object: &'static str, id: &str, fields: &Map<String, Value>) -> &'static str {
        match self.0.get(&(object, id.to_owned())).cloned() {
            None => "missing",
            Some(row) => self.put(object, id, row, fields),
        }
    }

    fn put(&mut self, object: &'static str, id: &str, mut row: Row, fields: &Map<String, Value>) -> &'static str {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        row.name = text("name").or(row.name);
        row.shelf = text("shelf").or(row.shelf);
        row.value = fields.get("value").and_then(Value::as_i64).or(row.value);
        row.version += 1;
        let stands = row
            .shelf
            .as_ref()
            .is_none_or(|shelf| self.0.contains_key(&("shelf", shelf.clone())));
        let taken = self.0.iter().any(|((other, other_id), other_row)| {
            *other == object && other_id != id && other_row.name.is_some() && other_row.name == row.name
        });
        if !stands || taken {
            return "refused";
        }
        self.0.insert((object, id.to_owned()), row);
        "done"
    }

    fn delete(&mut self, object: &'static str, id: &str) -> &'static str {
        let key = (object, id.to_owned());
        if !self.0.contains_key(&key) {
            return "missing";
        }
        let on_it = |row: &Row| object == "shelf" && row.shelf.as_deref() == Some(id);
        if self.0.iter().any(|((other, _), row)| *other == "note" && on_it(row)) {
            return "refused";
        }
        self.0.retain(|other, row| *other != key && !on_it(row));
        "done"
    }
}

/// A record as text.
pub(super) fn shown(object: &str, id: &str, name: Option<&str>, shelf: Option<&str>, value: Option<i64>) -> String {
    format!("{object} {id} {name:?} {shelf:?} {value:?}")
}

impl<'a> Side<'a> {
    /// After its next step; `None` when that gives another answer than the session had.
    fn next(&self, model: &Model) -> Option<(Model, Side<'a>)> {
        let (step, steps) = self.steps.split_first()?;
        let (answer, answers) = self.answers.split_first()?;
        let (mut model, mut seen) = (model.clone(), self.seen.clone());
        (model.apply(&mut seen, step) == *answer).then_some((model, Side { steps, answers, seen }))
    }
}

/// Whether some order of the steps, in which those of each session keep theirs, gives these answers and leaves this state.
pub(super) fn explained(model: &Model, left: &Side<'_>, right: &Side<'_>, state: &[String]) -> bool {
    if left.steps.is_empty() && right.steps.is_empty() {
        return model.state() == state;
    }
    let first = left
        .next(model)
        .is_some_and(|(model, rest)| explained(&model, &rest, right, state));
    first
        || right
            .next(model)
            .is_some_and(|(model, rest)| explained(&model, left, &rest, state))
}
