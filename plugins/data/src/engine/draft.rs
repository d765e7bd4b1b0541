//! A write under way: the steps so far, what each of them is for, and what the records will be once they are run.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use objectos_plugin_api::contracts::data::RecordBeside;
use objectos_plugin_api::{Context, HookStep};
use parking_lot::Mutex;

use super::Engine;
use super::ask::Answered;
use super::caller::Caller;
use super::files::KnownFiles;
use super::ports::HookPoint;
use super::seal::Sealed;
use super::{sequence, store_record};
use crate::error::{DataError, Result};
use crate::model::RuleModel;
use crate::record::{Layout, Schema};
use crate::store::{Expect, SqlValue, Statement, WriteUnit};
use crate::validate::Told;

/// The stored values of a record, in the order of the columns.
pub(super) type Stored = Arc<Vec<SqlValue>>;

/// What before-hooks of one write answered: by the hook, the change and the payload.
pub(super) type Hooked = Mutex<HashMap<(HookPoint, usize, Vec<u8>), Arc<Vec<HookStep>>>>;

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
    /// No record may stand above itself.
    Tree {
        /// Name of the object.
        object: String,
        /// The field with the parent.
        field: String,
        /// What people call it.
        label: String,
    },
    /// No record may depend on a deleted one.
    Dependents,
    /// A record that a rule read must be as it was.
    Relied,
    /// A record that a hook has made with the change.
    Beside {
        /// Its object.
        layout: Arc<Layout>,
    },
    /// An event.
    Event,
}

/// A record of another object that a rule read.
#[derive(Debug)]
struct Relied {
    layout: Arc<Layout>,
    id: String,
    /// Its `updated_at`; none when there was no such record.
    version: Option<SqlValue>,
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
    /// Records that hooks have made with it.
    pub(super) beside: Vec<RecordBeside>,
    /// Look references up before writing: the attempt before failed at one, and the caller wants to know which.
    pub(super) diagnose: bool,
    /// Records touched by what follows from a delete.
    pub(super) cascaded: usize,
    /// Records that one delete or restore may touch.
    pub(super) cascade_max: usize,
    /// Rules that only tell and are broken, each with the change that it belongs to.
    told: Mutex<Vec<(usize, Told)>>,
    /// What rules read since the last guard.
    relied: Mutex<Vec<Relied>>,
    /// How far counters are to be written down, by their names.
    counted: BTreeMap<String, i64>,
    /// What the attempts before found out.
    pub(super) known: &'a Known,
    /// A plugin keeps files, and is to be told which ones records have.
    pub(super) keeps_files: bool,
    /// Nothing of it will be stored.
    pub(super) trial: bool,
}

/// What the attempts of one write tell each other.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The moment of the write: one for all attempts, so that what they show to others is the same when nothing else changed.
    now_ms: OnceLock<i64>,
    /// Questions that were answered.
    pub(super) answered: Answered,
    /// What before-hooks answered.
    pub(super) hooked: Hooked,
    /// Ids that were made for new records, by the change that makes them.
    pub(super) ids: Mutex<HashMap<usize, String>>,
    /// Passwords that were hashed.
    pub(super) sealed: Sealed,
    /// Files that were looked up.
    pub(super) files: KnownFiles,
}

impl Engine {
    /// An empty draft of a write.
    pub(super) fn draft<'a>(
        &self,
        schema: &'a Schema,
        caller: &'a Caller<'a>,
        known: &'a Known,
        diagnose: bool,
    ) -> Draft<'a> {
        Draft {
            cascade_max: self.parts.limits.cascade_max,
            schema,
            caller,
            known,
            unit: WriteUnit::default(),
            parts: Vec::new(),
            operation: 0,
            changed: HashMap::new(),
            effects: Vec::new(),
            beside: Vec::new(),
            diagnose,
            cascaded: 0,
            told: Mutex::default(),
            relied: Mutex::default(),
            counted: BTreeMap::new(),
            keeps_files: false,
            trial: false,
        }
    }

    /// Who asks, at the moment of the write.
    pub(super) fn writing_caller<'a>(&'a self, context: &'a Context, known: &Known) -> Caller<'a> {
        let mut caller = self.caller(context);
        caller.now_ms = *known.now_ms.get_or_init(|| caller.now_ms);
        caller
    }
}

impl Draft<'_> {
    /// Counts a record that follows from another, so that no change grows without end.
    pub(super) fn count_consequence(&mut self, what: &'static str, object: &str) -> Result<()> {
        self.cascaded += 1;
        if self.cascaded > self.cascade_max {
            return Err(DataError::TooMuchFollows {
                what,
                object: Some(object.to_owned()),
                max: self.cascade_max,
            });
        }
        Ok(())
    }

    /// Writes down broken rules that refuse nothing; each once.
    pub(super) fn tell(&self, told: impl IntoIterator<Item = Told>) {
        let mut known = self.told.lock();
        for told in told {
            let entry = (self.operation, told);
            if !known.contains(&entry) {
                known.push(entry);
            }
        }
    }

    /// The record of this change is another one now.
    pub(super) fn untell(&self) {
        let mut told = self.told.lock();
        told.retain(|(operation, _)| *operation != self.operation);
    }

    /// What was told.
    pub(super) fn take_told(&self) -> Vec<(usize, Told)> {
        std::mem::take(&mut *self.told.lock())
    }

    /// Writes down that what follows relies on a record being as it was read, or on there being none.
    pub(super) fn rely(&self, layout: &Arc<Layout>, id: &str, read: Option<&Stored>) {
        let relied = Relied {
            layout: Arc::clone(layout),
            id: id.to_owned(),
            version: read.map(|values| values[layout.updated_at].clone()),
        };
        let mut known = self.relied.lock();
        let same = |other: &Relied| {
            other.layout.object.name == relied.layout.object.name
                && (&other.id, &other.version) == (&relied.id, &relied.version)
        };
        if !known.iter().any(same) {
            known.push(relied);
        }
    }

    /// Adds the steps that make sure of it, inside of the transaction: two that read each other's record would each find the
    /// other as it was. They come before the step that relies on them, since later ones of this unit may change those records.
    /// In another database no transaction holds them.
    pub(super) fn guard_relied(&mut self, layout: &Layout) {
        self.note_rules(layout);
        for relied in std::mem::take(self.relied.get_mut()) {
            if relied.layout.datasource == layout.datasource {
                let statement = store_record::changed_since(&relied.layout, &relied.id, relied.version);
                self.push(Part::Relied, statement, Expect::NoRow);
            }
        }
    }

    /// A record of this object is written, which may bring it among those that rules compare.
    pub(super) fn note_rules(&mut self, layout: &Layout) {
        self.unit.serial |= layout.object.rules.iter().any(RuleModel::compares_records);
    }

    /// A counter has come so far with this write.
    pub(super) fn count(&mut self, counter: String, number: i64) {
        let reached = self.counted.entry(counter).or_insert(number);
        *reached = number.max(*reached);
    }

    /// Adds the steps that write down how far counters have come. After those of all records: whoever waits for a counter holds
    /// nothing then that another one with that counter waits for.
    pub(super) fn keep_counters(&mut self) {
        for (counter, number) in std::mem::take(&mut self.counted) {
            self.push(Part::Counter, sequence::keep(&counter, number), Expect::Anything);
        }
    }

    /// Adds a step.
    pub(super) fn push(&mut self, part: Part, statement: Statement, expect: Expect) {
        self.parts.push((self.operation, part));
        self.unit.push(statement, expect);
    }

    /// Whether events go along: then somebody waits to hear of it.
    pub(super) fn tells(&self) -> bool {
        self.parts.iter().any(|(_, part)| matches!(part, Part::Event))
    }

    /// What a step was for, and the change that it belongs to.
    pub(super) fn part(&self, step: usize) -> Option<(usize, &Part)> {
        self.parts.get(step).map(|(operation, part)| (*operation, part))
    }

    /// An object of the database that all of it lies in; none when no record changes.
    ///
    /// Fails with `NotSupported` when there are several: no transaction spans them.
    pub(super) fn datasource(&self) -> Result<Option<&Arc<Layout>>> {
        let mut layouts = self.parts.iter().filter_map(|(_, part)| match part {
            Part::Record { layout } | Part::Beside { layout } => Some(layout),
            _ => None,
        });
        let Some(first) = layouts.next() else { return Ok(None) };
        match layouts.find(|layout| layout.datasource != first.datasource) {
            None => Ok(Some(first)),
            Some(other) => Err(DataError::NotSupported {
                message: format!(
                    "records of '{}' (datasource '{}') and of '{}' (datasource '{}') cannot be changed in one transaction; \
                     change them one after the other",
                    first.object.name, first.datasource, other.object.name, other.datasource
                ),
            }),
        }
    }

    /// Writes down what a record will be.
    pub(super) fn set(&mut self, object: &str, id: &str, record: Option<Stored>) {
        self.changed.insert((object.to_owned(), id.to_owned()), record);
    }

    /// The records of an object as this write leaves them, but those that will be gone; in the order of their ids.
    pub(super) fn changed_of(&self, object: &str) -> Vec<(&str, &Stored)> {
        let mut records: Vec<(&str, &Stored)> = self
            .changed
            .iter()
            .filter(|((of, _), _)| of == object)
            .filter_map(|((_, id), record)| Some((id.as_str(), record.as_ref()?)))
            .collect();
        records.sort_unstable_by_key(|(id, _)| *id);
        records
    }

    /// What a record will be; `None` when this write does not touch it.
    pub(super) fn changed(&self, object: &str, id: &str) -> Option<&Option<Stored>> {
        if self.changed.is_empty() {
            return None;
        }
        self.changed.get(&(object.to_owned(), id.to_owned()))
    }
}
