//! A write under way: the steps so far, what each of them is for, and what the records will be once they are run.

use std::collections::HashMap;
use std::sync::Arc;

use super::caller::Caller;
use super::ports::HookPoint;
use crate::record::{Layout, Schema};
use crate::store::{Expect, SqlValue, Statement, WriteUnit};

/// The stored values of a record, in the order of the columns.
pub(super) type Stored = Arc<Vec<SqlValue>>;

/// What a step is for: decides what its failure means.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// The record that a reference points to must be there.
    Reference,
    /// A counter is written down.
    Counter,
    /// The record itself.
    Record {
        /// Its object.
        layout: Arc<Layout>,
    },
    /// No other record may have these values.
    Unique {
        /// Name of the object.
        object: String,
        /// The fields.
        fields: Vec<String>,
    },
    /// The record must be one that the caller may write.
    Check {
        /// Name of the object.
        object: String,
        /// `create`, `update`.
        operation: &'static str,
    },
    /// No record may depend on a deleted one.
    Dependents,
    /// An event.
    Event,
}

/// A change for which after-hooks are run.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    /// Which of the changes that were asked for it belongs to.
    pub(super) operation: usize,
    /// Which hook.
    pub(super) point: HookPoint,
    /// The object.
    pub(super) layout: Arc<Layout>,
    /// Id of the record.
    pub(super) id: String,
    /// The record before.
    pub(super) before: Option<Stored>,
    /// The record after.
    pub(super) after: Option<Stored>,
}

/// A write under way.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// The objects.
    pub(super) schema: &'a Schema,
    /// Who asks.
    pub(super) caller: &'a Caller<'a>,
    /// The steps.
    pub(super) unit: WriteUnit,
    /// What each step is for, and the change that it belongs to.
    parts: Vec<(usize, Part)>,
    /// The change that is being planned.
    pub(super) operation: usize,
    /// Records as they will be; `None` for one that will be gone.
    changed: HashMap<(String, String), Option<Stored>>,
    /// Changes that were made.
    pub(super) effects: Vec<Effect>,
    /// Look references up before writing: the attempt before failed at one, and the caller wants to know which.
    pub(super) diagnose: bool,
    /// Records touched by what follows from a delete.
    pub(super) cascaded: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(schema: &'a Schema, caller: &'a Caller<'a>, diagnose: bool) -> Self {
        Self {
            schema,
            caller,
            unit: WriteUnit::default(),
            parts: Vec::new(),
            operation: 0,
            changed: HashMap::new(),
            effects: Vec::new(),
            diagnose,
            cascaded: 0,
        }
    }

    /// Adds a step.
    pub(super) fn push(&mut self, part: Part, statement: Statement, expect: Expect) {
        self.parts.push((self.operation, part));
        self.unit.push(statement, expect);
    }

    /// What a step was for, and the change that it belongs to.
    pub(super) fn part(&self, step: usize) -> Option<(usize, &Part)> {
        self.parts.get(step).map(|(operation, part)| (*operation, part))
    }

    /// Writes down what a record will be.
    pub(super) fn set(&mut self, object: &str, id: &str, record: Option<Stored>) {
        self.changed.insert((object.to_owned(), id.to_owned()), record);
    }

    /// What a record will be; `None` when this write does not touch it.
    pub(super) fn changed(&self, object: &str, id: &str) -> Option<&Option<Stored>> {
        if self.changed.is_empty() {
            return None;
        }
        self.changed.get(&(object.to_owned(), id.to_owned()))
    }
}
