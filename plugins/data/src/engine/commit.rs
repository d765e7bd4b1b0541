//! Plans changes, stores them as one unit, and says what became of it. The only door to the store's writer.

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::events::{ChangedRecord, RecordChange};
use serde_json::Value;

use super::answer::{RecordAnswer, RecordWriter, Values, write_stored};
use super::draft::{Draft, Effect, Known, Part, Stored};
use super::find::{Search, plan_with};
use super::indexed::too_long;
use super::upsert::lost_race;
use super::{Engine, Fields, access::Granted};
use crate::access::View;
use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::query::select::PageLimits;
use crate::query::{QueryInput, RawFilter};
use crate::record::{Layout, Schema};
use crate::schema::SchemaStep;
use crate::store::{Expect, Outcome, Refusal, Statement, Store};
use crate::validate::Told;

/// How often a write is planned anew because others were faster. Each time at least one of those that collide gets through, so
/// this many may collide on one record before anybody is turned away.
const ATTEMPTS_MAX: usize = 200;

/// How often an upsert that lost a race for its key is planned anew: as a change of the record that won, unless that is gone or
/// in the bin.
const LOST_RACES_MAX: usize = 3;

/// A change that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// Makes a record.
    Create {
        /// Name of the object.
        object: String,
        /// Its fields; may bring its own `id`.
        record: Fields,
    },
    /// Changes a record.
    Update {
        /// Name of the object.
        object: String,
        /// The record.
        id: String,
        /// The fields that change.
        record: Fields,
        /// `updated_at` of the record that the change is based on.
        expected: Option<String>,
    },
    /// Changes the record if it is there, and makes it if not.
    Upsert {
        /// Name of the object.
        object: String,
        /// The record, when it is known by its id.
        id: Option<String>,
        /// The record, when it is known by the object's external id.
        external_id: Option<String>,
        /// The fields.
        record: Fields,
    },
    /// Deletes a record.
    Delete {
        /// Name of the object.
        object: String,
        /// The record.
        id: String,
        /// The version that the caller knows.
        expected: Option<String>,
        /// For good, past the bin or out of it.
        purge: bool,
    },
    /// Brings a record back from the bin.
    Restore {
        /// Name of the object.
        object: String,
        /// The record.
        id: String,
    },
    /// Makes a record like another.
    Clone {
        /// Name of the object.
        object: String,
        /// The other record.
        id: String,
        /// Fields that are to be different.
        overrides: Fields,
    },
}

/// A change that was planned.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) layout: Arc<Layout>,
    pub(super) id: String,
    pub(super) granted: Granted,
    /// The record after; none when it is deleted.
    pub(super) after: Option<Stored>,
}

/// What goes into the unit beside the changes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside<'a> {
    /// Events about the whole.
    pub(super) events: &'a [Statement],
    /// Changes of tables, which are made first.
    pub(super) tables: &'a [SchemaStep],
    /// Where to keep what is found out, for whoever plans the same changes once more.
    pub(super) known: Option<&'a Known>,
}

/// Why a write failed, and at which of its changes.
#[derive(Debug)]
pub(super) struct WriteFailure {
    pub(super) operation: usize,
    pub(super) error: DataError,
}

/// A write that was stored, or tried.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) planned: Vec<Planned>,
    pub(super) effects: Vec<Effect>,
    /// Broken rules that only tell, each with the change that it belongs to.
    pub(super) told: Vec<(usize, Told)>,
    /// Nothing was stored.
    pub(super) trial: bool,
}

/// What to do after the database refused a unit.
enum Verdict {
    /// Plan anew; look references up first when one of them was the reason.
    Again {
        diagnose: bool,
        /// Hooks are asked again even about what they saw before.
        ask: bool,
    },
    /// Tell the caller.
    Give(WriteFailure),
}

impl Engine {
    /// Stores changes, all or none. With `only_check` everything is planned and tried, and nothing stored.
    pub(super) async fn write(
        &self,
        context: &Context,
        schema: &Schema,
        changes: &[Change],
        only_check: bool,
    ) -> Result<Written, WriteFailure> {
        self.write_beside(context, schema, changes, only_check, Beside::default())
            .await
    }

    /// The same, with more in the same unit.
    pub(super) async fn write_beside(
        &self,
        context: &Context,
        schema: &Schema,
        changes: &[Change],
        only_check: bool,
        beside: Beside<'_>,
    ) -> Result<Written, WriteFailure> {
        let failure = match self.attempts(context, schema, changes, only_check, beside).await {
            Ok(written) => return Ok(written),
            Err(failure) => failure,
        };
        self.tell_refusal(context, &failure.error).await;
        let WriteFailure { operation, error } = failure;
        let asked = changes.get(operation).map_or("", Change::object);
        let error = Box::pin(self.veiled(context, schema, asked, error)).await;
        Err(WriteFailure { operation, error })
    }

    async fn plan_all(&self, draft: &mut Draft<'_>, changes: &[Change]) -> Result<Vec<Planned>, WriteFailure> {
        let mut planned = Vec::with_capacity(changes.len());
        for (operation, change) in changes.iter().enumerate() {
            draft.operation = operation;
            match self.plan(draft, change).await {
                Ok(plan) => planned.push(plan),
                Err(error) => return Err(WriteFailure { operation, error }),
            }
        }
        draft.keep_counters();
        Ok(planned)
    }

    async fn attempts(
        &self,
        context: &Context,
        schema: &Schema,
        changes: &[Change],
        only_check: bool,
        beside: Beside<'_>,
    ) -> Result<Written, WriteFailure> {
        let mut diagnose = only_check;
        let own = Known::default();
        let known = beside.known.unwrap_or(&own);
        let keeps_files = self.keeps_files();
        let mut lost_races = 0;
        for attempt in 0..ATTEMPTS_MAX {
            let caller = self.writing_caller(context, known);
            let mut draft = self.draft(schema, &caller, known, diagnose);
            draft.keeps_files = keeps_files;
            draft.trial = only_check;
            let planned = self.plan_all(&mut draft, changes).await?;
            if !draft.unit.steps.is_empty() {
                for event in beside.events {
                    draft.push(Part::Event, event.clone(), Expect::Anything);
                }
            }
            let mut unit = std::mem::take(&mut draft.unit);
            unit.trial = only_check;
            if unit.steps.is_empty() {
                return Ok(written(&mut draft, planned));
            }
            let last = changes.len().saturating_sub(1);
            let store = match draft.datasource() {
                Ok(Some(layout)) => self.store_of(layout),
                Ok(None) => &self.parts.store,
                Err(error) => return Err(WriteFailure { operation: last, error }),
            };
            // Where other nodes have events, what waits here may have waited for one of theirs: then every write is a moment to look.
            let tells = draft.tells() || self.parts.store.shared();
            if let Some(announcement) = self.announcement(&**store, &draft.effects) {
                unit.push(announcement, Expect::Anything);
            }
            let stored = match beside.tables {
                [] => store.write(unit).await,
                tables => store.change_schema_with(tables.to_vec(), unit).await,
            };
            match stored.map_err(|error| WriteFailure { operation: last, error })? {
                Outcome::Stored(_) => {
                    if !only_check {
                        self.recent.wrote(context.user(), self.now_ms(), store.replica_lag_ms());
                        self.used.learn(&draft.effects);
                        if tells {
                            self.parts.signal.stored();
                        }
                    }
                    return Ok(written(&mut draft, planned));
                }
                Outcome::Refused(refusal) => match judge(&draft, &refusal) {
                    Verdict::Again { diagnose: look, ask } => {
                        diagnose |= look;
                        if ask {
                            known.hooked.lock().clear();
                        }
                    }
                    Verdict::Give(failure) if lost_races < LOST_RACES_MAX && lost_race(schema, changes, &failure) => {
                        lost_races += 1;
                    }
                    Verdict::Give(failure) => return Err(failure),
                },
            }
            if attempt > 0 {
                // Lets those that wait for the same thread go first.
                tokio::task::yield_now().await;
            }
        }
        let first = changes.first().map(|change| change.object().to_owned());
        let object = first.unwrap_or_default();
        Err(WriteFailure {
            operation: 0,
            error: DataError::Contended { object },
        })
    }

    /// Tells other nodes of what plugins may have in memory: records of the platform's own objects that hooks look at.
    fn announcement(&self, store: &dyn Store, effects: &[Effect]) -> Option<Statement> {
        let hooks = &self.parts.hooks;
        let records: Vec<ChangedRecord> = effects
            .iter()
            .filter(|effect| effect.layout.object.system && hooks.armed(effect.point, &effect.layout.object.name))
            .map(|effect| ChangedRecord {
                object: effect.layout.object.name.clone(),
                id: Some(effect.id.clone()),
                change: Some(match (&effect.before, &effect.after) {
                    (None, _) => RecordChange::Created,
                    (Some(_), Some(_)) => RecordChange::Updated,
                    (Some(_), None) => RecordChange::Deleted,
                }),
            })
            .collect();
        if records.is_empty() {
            return None;
        }
        store.announcement(records)
    }

    pub(super) async fn plan(&self, draft: &mut Draft<'_>, change: &Change) -> Result<Planned> {
        // Each kind by itself, so that none has to carry the room that the largest takes.
        match change {
            Change::Create { object, record } => Box::pin(self.plan_create(draft, object, record)).await,
            Change::Update {
                object,
                id,
                record,
                expected,
            } => Box::pin(self.plan_update(draft, object, id, record, expected.as_deref())).await,
            Change::Upsert {
                object,
                id,
                external_id,
                record,
            } => Box::pin(self.plan_upsert(draft, object, id.as_deref(), external_id.as_deref(), record)).await,
            Change::Delete {
                object,
                id,
                expected,
                purge: false,
            } => Box::pin(self.plan_delete(draft, object, id, expected.as_deref())).await,
            Change::Delete {
                object, id, expected, ..
            } => Box::pin(self.plan_purge(draft, object, id, expected.as_deref())).await,
            Change::Restore { object, id } => Box::pin(self.plan_restore(draft, object, id)).await,
            Change::Clone { object, id, overrides } => Box::pin(self.plan_clone(draft, object, id, overrides)).await,
        }
    }

    /// One change, and the record as the caller may see it afterwards.
    pub(super) async fn write_one(&self, context: &Context, change: Change) -> Result<RecordAnswer> {
        let schema = self.schema();
        let written = self
            .write(context, &schema, &[change], false)
            .await
            .map_err(|failure| failure.error)?;
        let mut answers = self.answers(context, &schema, written).await?;
        answers
            .pop()
            .ok_or_else(|| DataError::internal("a write without an answer"))
    }

    /// Runs after-hooks, and writes the records as their callers may see them.
    pub(super) async fn answers(
        &self,
        context: &Context,
        schema: &Schema,
        written: Written,
    ) -> Result<Vec<RecordAnswer>> {
        let Written {
            planned,
            effects,
            mut told,
            trial,
        } = written;
        let mut answers = Vec::with_capacity(planned.len());
        for (operation, plan) in planned.iter().enumerate() {
            let mut extra = None;
            for effect in effects.iter().filter(|effect| effect.operation == operation) {
                let changed = self.after_hook(context, effect).await;
                if effect.id == plan.id && effect.layout.object.name == plan.layout.object.name {
                    extra = changed;
                }
            }
            let mut record = self.written_record(context, schema, plan, trial).await;
            if let (Some(extra), false) = (extra, record.is_empty()) {
                record = merged(&record, extra, &plan.layout, plan.granted.view.as_deref())?;
            }
            answers.push(RecordAnswer {
                object: plan.layout.object.name.clone(),
                id: plan.id.clone(),
                record,
                warnings: told
                    .extract_if(.., |(of, _)| *of == operation)
                    .map(|(_, told)| told)
                    .collect(),
            });
        }
        Ok(answers)
    }

    /// The record after a write; empty for a deleted one. Of a trial, what the database computes is not there to be read.
    ///
    /// The write is stored, so this does not fail: whoever was told so would do it once more. When the record cannot be read
    /// back, it is the one that was stored, without computed fields.
    async fn written_record(&self, context: &Context, schema: &Schema, plan: &Planned, trial: bool) -> Vec<u8> {
        let Some(after) = &plan.after else {
            return Vec::new();
        };
        let view = plan.granted.view.as_deref();
        let mut stored = Vec::with_capacity(256);
        write_stored(&mut stored, &plan.layout, view, plan.granted.system, &Values(after));
        if plan.layout.plain || trial {
            return stored;
        }
        match Box::pin(self.read_back(context, schema, plan)).await {
            Ok(record) => record.unwrap_or(stored),
            Err(error) => {
                let object = &plan.layout.object.name;
                tracing::warn!(object, id = plan.id, error = %error, "a record was stored and cannot be read back");
                stored
            }
        }
    }

    /// A record with its computed fields. Whoever wrote it sees it, even if it now lies outside of what they read.
    async fn read_back(&self, context: &Context, schema: &Schema, plan: &Planned) -> Result<Option<Vec<u8>>> {
        let granted = plan.granted.of_any_record();
        let caller = self.caller(context);
        caller.learn(&granted);
        let search = Search {
            schema,
            layout: &plan.layout,
            caller: &caller,
            granted: &granted,
        };
        let query = QueryInput {
            filter: Some(RawFilter::equals("id", plan.id.as_str())),
            ..QueryInput::default()
        };
        let views = self.views_of(&search, &query).await?;
        let select = plan_with(&search, views.as_ref(), &query, PageLimits { default: 1, max: 1 })?;
        let mut writer = RecordWriter::new(&select, &caller);
        let mut reader = self.store_of(&plan.layout).reader().await?;
        reader
            .read(&select.page_statement(plan.layout.dialect), &mut |row| writer.row(row))
            .await?;
        Ok((!writer.ends.is_empty()).then_some(writer.out))
    }
}

/// What came of a draft that was stored or tried.
fn written(draft: &mut Draft<'_>, planned: Vec<Planned>) -> Written {
    let effects = std::mem::take(&mut draft.effects);
    Written {
        planned,
        // What was not stored had no effect.
        effects: if draft.trial { Vec::new() } else { effects },
        told: draft.take_told(),
        trial: draft.trial,
    }
}

/// What after-hooks made of the record, as far as the caller may see it. They never saw secrets: a null there says nothing, and
/// a caller who writes the record back would take the secret away by it.
fn merged(record: &[u8], extra: Fields, layout: &Layout, view: Option<&View>) -> Result<Vec<u8>> {
    let mut fields: Fields = serde_json::from_slice(record).map_err(|error| DataError::internal(error.to_string()))?;
    let unseen = |name: &str, value: &Value| {
        let column = layout.column(name).filter(|_| value.is_null());
        column.is_some_and(|column| layout.columns[column].form.is_kept_back())
    };
    fields.extend(
        extra
            .into_iter()
            .filter(|(name, value)| view.is_none_or(|view| view.reads(name)) && !unseen(name, value)),
    );
    serde_json::to_vec(&Value::Object(fields)).map_err(|error| DataError::internal(error.to_string()))
}

impl Change {
    pub(super) fn object(&self) -> &str {
        match self {
            Self::Create { object, .. }
            | Self::Update { object, .. }
            | Self::Upsert { object, .. }
            | Self::Delete { object, .. }
            | Self::Restore { object, .. }
            | Self::Clone { object, .. } => object,
        }
    }
}

fn judge(draft: &Draft<'_>, refusal: &Refusal) -> Verdict {
    let step = match refusal {
        Refusal::Unmet { step }
        | Refusal::Unique { step, .. }
        | Refusal::TooLong { step, .. }
        | Refusal::Constraint { step, .. } => *step,
    };
    let Some((operation, part)) = draft.part(step) else {
        return Verdict::Give(WriteFailure {
            operation: 0,
            error: DataError::internal("the store refused a step that is none"),
        });
    };
    let give = |error| Verdict::Give(WriteFailure { operation, error });
    match (refusal, part) {
        (Refusal::Unmet { .. }, Part::Unique { object, fields }) => give(DataError::Duplicate {
            object: object.clone(),
            fields: fields.clone(),
        }),
        (Refusal::Unmet { .. }, Part::Check { object, operation }) => give(DataError::CheckFailed {
            object: object.clone(),
            operation,
        }),
        (Refusal::Unmet { .. }, Part::Tree { object, field, label }) => {
            let message = format!("{label} leads back to the record itself: choose a record that is not below it");
            give(DataError::field(
                object,
                FieldError::new(field, FieldCode::CircularReference, message),
            ))
        }
        (Refusal::Unmet { .. }, part) => Verdict::Again {
            diagnose: matches!(part, Part::Reference),
            ask: false,
        },
        (Refusal::Unique { columns, index, .. }, Part::Record { layout }) => give(DataError::Duplicate {
            object: layout.object.name.clone(),
            fields: unique_fields(layout, columns, index.as_deref()),
        }),
        // Somebody else took the value first; the hook looks again.
        (Refusal::Unique { .. }, Part::Beside { .. }) => Verdict::Again {
            diagnose: false,
            ask: true,
        },
        (Refusal::Unique { columns, .. }, _) => give(DataError::internal(format!(
            "a table of the store's own refused {columns:?}"
        ))),
        (Refusal::TooLong { index, .. }, Part::Record { layout }) => give(too_long(layout, index.as_deref())),
        (Refusal::TooLong { index, .. }, _) => give(DataError::internal(format!(
            "a value is too long for the index {index:?}"
        ))),
        (Refusal::Constraint { message, .. }, _) => give(DataError::Database {
            doing: "store a change",
            source: message.clone().into(),
        }),
    }
}

/// The fields of a unique index, as people know them: that it holds within a tenant goes without saying.
fn unique_fields(layout: &Layout, columns: &[String], index: Option<&str>) -> Vec<String> {
    let mut fields = columns.to_vec();
    if let Some(index) = index.and_then(|name| layout.object.indexes.iter().find(|index| index.name == name)) {
        fields.clone_from(&index.fields);
    }
    if let Some(tenancy) = layout.object.tenancy.as_ref().filter(|_| fields.len() > 1) {
        fields.retain(|field| *field != tenancy.field);
    }
    fields
}
