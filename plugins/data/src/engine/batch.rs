//! Many records in one request: whole or not at all, or each for itself.

mod answer;

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::data::EventBeside;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde_json::Value;

use super::answer::RecordAnswer;
use super::beside::event_beside;
use super::commit::{Beside, Change, WriteFailure};
use super::draft::Known;
use super::summary::Summary;
use super::{Engine, Fields, check_method, layout_of};
use crate::error::{DataError, Result};
use crate::record::Schema;
use crate::schema::SchemaStep;
use crate::store::Statement;
use crate::validate::Told;

/// Records of one request that are written at the same time, when each is for itself: they share commits.
const AT_ONCE: usize = 64;
/// What is told of a `$ref` that leads nowhere.
const NO_REF: &str =
    "$ref takes the place of an earlier operation, counted from 0, that makes a record or names its id";

/// What is done with each record (`api/BatchOperationType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOperation {
    /// Makes it.
    Create,
    /// Changes it.
    Update,
    /// Changes it if it is there, and makes it if not.
    Upsert,
    /// Deletes it.
    Delete,
    /// Brings it back from the bin.
    Restore,
    /// Deletes it for good.
    Purge,
}

impl BatchOperation {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
        }
    }

    /// By its name on the wire.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [
            Self::Create,
            Self::Update,
            Self::Upsert,
            Self::Delete,
            Self::Restore,
            Self::Purge,
        ]
        .into_iter()
        .find(|operation| operation.name() == name)
    }
}

/// How a batch goes (`api/BatchOptions`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// All or none.
    pub atomic: bool,
    /// The answer holds the records.
    pub return_records: bool,
    /// Each for itself: one that fails does not keep the following from being tried.
    pub continue_on_error: bool,
    /// Nothing is stored.
    pub validate_only: bool,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            atomic: true,
            return_records: false,
            continue_on_error: false,
            validate_only: false,
        }
    }
}

/// One record of a batch (`api/BatchRecord`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchItem {
    /// The record.
    pub id: Option<String>,
    /// The record by the object's external id.
    pub external_id: Option<String>,
    /// Its fields.
    pub data: Fields,
    /// The version that the caller knows.
    pub expected: Option<String>,
}

/// What became of one record.
#[derive(Debug)]
pub struct ItemAnswer {
    /// Its id, when it is known.
    pub id: Option<String>,
    /// The record as JSON, empty for a deleted one; or why not.
    pub result: Result<Vec<u8>, ItemFailure>,
    /// Rules that only tell and that the record breaks.
    pub warnings: Vec<Told>,
}

/// Why a record of a batch was not stored.
#[derive(Debug)]
pub enum ItemFailure {
    /// It is itself at fault.
    Failed(DataError),
    /// Another one was, and all go together.
    RolledBack,
    /// Another one was, and it was not tried any more.
    NotTried,
}

/// What became of a batch.
#[derive(Debug)]
pub struct BatchAnswer {
    /// What was done.
    pub operation: BatchOperation,
    /// Record by record.
    pub items: Vec<ItemAnswer>,
    /// The answer holds the records.
    pub return_records: bool,
}

/// One change of a transaction over several objects.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionItem {
    /// Name of the object.
    pub object: String,
    /// What is done.
    pub operation: BatchOperation,
    /// The record; one that is made gets this id.
    pub id: Option<String>,
    /// Upsert: the record by the object's external id.
    pub external_id: Option<String>,
    /// Its fields; `{"$ref": n}` in the place of a value is the id of the record that change `n` makes.
    pub data: Fields,
    /// The version that the caller knows.
    pub expected: Option<String>,
}

impl Engine {
    /// Does the same with many records of one object.
    ///
    /// # Errors
    /// `TooMany`, `ObjectNotFound`, `MethodDisabled`; what goes wrong with single records is in the answer.
    pub async fn batch(
        &self,
        context: &Context,
        object: &str,
        operation: BatchOperation,
        items: Vec<BatchItem>,
        options: BatchOptions,
    ) -> Result<BatchAnswer> {
        let schema = self.schema();
        self.check_bulk(context, &schema, object, items.len())?;
        let ids: Vec<Option<String>> = items.iter().map(|item| item.id.clone()).collect();
        let changes: Vec<Result<Change>> = items
            .into_iter()
            .map(|item| change_of(object, operation, item))
            .collect();
        let layout = layout_of(&schema, object)?;
        let results = if options.atomic {
            let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
            let event =
                Summary::of_batch(operation, count, 0).and_then(|summary| self.summary(context, layout, summary));
            let beside = Beside {
                events: event.as_slice(),
                ..Beside::default()
            };
            self.together(context, &schema, changes, options.validate_only, beside)
                .await?
        } else {
            let results = self.each(context, &schema, changes, options).await?;
            let done = results.iter().filter(|result| result.is_ok()).count();
            let [done, failed] = [done, results.len() - done].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
            let summary = Summary::of_batch(operation, done, failed);
            if let Some(summary) = summary.filter(|_| done > 0 && !options.validate_only) {
                self.tell_summary(context, layout, summary).await?;
            }
            results
        };
        let items = results
            .into_iter()
            .zip(ids)
            .map(|(result, id)| match result {
                Ok(answer) => ItemAnswer {
                    id: Some(answer.id),
                    result: Ok(answer.record),
                    warnings: answer.warnings,
                },
                Err(failure) => ItemAnswer {
                    id,
                    result: Err(failure),
                    warnings: Vec::new(),
                },
            })
            .collect();
        Ok(BatchAnswer {
            operation,
            items,
            return_records: options.return_records,
        })
    }

    /// Makes many records, all or none.
    ///
    /// # Errors
    /// `InBatch` with the place of the record that is at fault.
    pub async fn create_many(
        &self,
        context: &Context,
        object: &str,
        records: Vec<Fields>,
    ) -> Result<Vec<RecordAnswer>> {
        let schema = self.schema();
        self.check_bulk(context, &schema, object, records.len())?;
        let changes: Vec<Change> = records
            .into_iter()
            .map(|record| Change::Create {
                object: object.to_owned(),
                record,
            })
            .collect();
        self.all_or_none(context, &schema, &changes, Beside::default()).await
    }

    /// Changes of several objects, all or none.
    ///
    /// # Errors
    /// `TooMany`, `InvalidBody` for a `$ref` that points nowhere, `InBatch` with the place of the change that is at fault.
    pub async fn transaction(&self, context: &Context, items: Vec<TransactionItem>) -> Result<Vec<RecordAnswer>> {
        self.transaction_beside(context, items, Beside::default()).await
    }

    /// The same, with events of the plugin `source` that are stored in the same transaction.
    ///
    /// # Errors
    /// As [`Engine::transaction`]; `InvalidBody` for an event with a name that no plugin may give, or without an operation; the
    /// refusal of one that the plugin may not publish.
    pub async fn transaction_with_events(
        &self,
        context: &Context,
        items: Vec<TransactionItem>,
        source: &str,
        events: &[EventBeside],
    ) -> Result<Vec<RecordAnswer>> {
        if items.is_empty() && !events.is_empty() {
            return Err(DataError::InvalidBody {
                message: "events go with operations; an event by itself is published".to_owned(),
            });
        }
        let now_ms = self.now_ms();
        let statements: Vec<Statement> = events
            .iter()
            .map(|event| event_beside(context, now_ms, source, event))
            .collect::<Result<_>>()?;
        self.admit_events(context, source, events).await?;
        let beside = Beside {
            events: &statements,
            ..Beside::default()
        };
        self.transaction_beside(context, items, beside).await
    }

    /// The same, with changes of tables that are made first.
    pub(crate) async fn transaction_with(
        &self,
        context: &Context,
        items: Vec<TransactionItem>,
        tables: &[SchemaStep],
    ) -> Result<Vec<RecordAnswer>> {
        let beside = Beside {
            tables,
            ..Beside::default()
        };
        self.transaction_beside(context, items, beside).await
    }

    async fn transaction_beside(
        &self,
        context: &Context,
        items: Vec<TransactionItem>,
        beside: Beside<'_>,
    ) -> Result<Vec<RecordAnswer>> {
        let schema = self.schema();
        let max = self.parts.limits.batch_max;
        if items.len() > max {
            return Err(DataError::TooMany {
                what: "operations",
                count: items.len(),
                max,
            });
        }
        let mut made: Vec<Option<String>> = Vec::with_capacity(items.len());
        let mut changes = Vec::with_capacity(items.len());
        for (index, mut item) in items.into_iter().enumerate() {
            for value in item.data.values_mut() {
                resolve(value, &made).map_err(|error| in_batch(index, error))?;
            }
            let id = item
                .id
                .as_deref()
                .map(|id| id_of_ref(id, &made))
                .transpose()
                .map_err(|error| in_batch(index, error))?;
            let own = item.data.get("id").filter(|own| !own.is_null()).cloned();
            let named = own.or_else(|| id.as_deref().map(Value::from));
            if item.operation == BatchOperation::Create {
                let layout = layout_of(&schema, &item.object).map_err(|error| in_batch(index, error))?;
                let make = || Value::from(self.ids.make(layout.object.key_prefix.as_deref(), self.now_ms()));
                // What is no id is refused when the record is made.
                let own = named.unwrap_or_else(make);
                made.push(own.as_str().map(str::to_owned));
                item.data.insert("id".to_owned(), own);
            } else {
                let of_data = named.as_ref().and_then(Value::as_str).map(str::to_owned);
                made.push(id.clone().or(of_data));
            }
            let entry = BatchItem {
                id,
                external_id: item.external_id,
                data: item.data,
                expected: item.expected,
            };
            changes.push(change_of(&item.object, item.operation, entry).map_err(|error| in_batch(index, error))?);
        }
        self.all_or_none(context, &schema, &changes, beside).await
    }

    async fn all_or_none(
        &self,
        context: &Context,
        schema: &Schema,
        changes: &[Change],
        beside: Beside<'_>,
    ) -> Result<Vec<RecordAnswer>> {
        match self.write_beside(context, schema, changes, false, beside).await {
            Ok(written) => self.answers(context, schema, written).await,
            Err(WriteFailure { operation, error }) => Err(in_batch(operation, error)),
        }
    }

    fn check_bulk(&self, context: &Context, schema: &Schema, object: &str, count: usize) -> Result<()> {
        let layout = layout_of(schema, object)?;
        if !context.system() {
            check_method(layout, ApiMethod::Bulk)?;
        }
        let max = self.parts.limits.batch_max;
        if count > max {
            return Err(DataError::TooMany {
                what: "records",
                count,
                max,
            });
        }
        Ok(())
    }

    async fn together(
        &self,
        context: &Context,
        schema: &Schema,
        changes: Vec<Result<Change>>,
        only_check: bool,
        beside: Beside<'_>,
    ) -> Result<Vec<Result<RecordAnswer, ItemFailure>>> {
        let mut faults = Vec::with_capacity(changes.len());
        let mut good = Vec::with_capacity(changes.len());
        for change in changes {
            faults.push(match change {
                Ok(change) => {
                    good.push(change);
                    None
                }
                Err(error) => Some(error),
            });
        }
        let known = Known::default();
        let beside = Beside {
            known: Some(&known),
            ..beside
        };
        let mut failed = None;
        if good.len() == faults.len() {
            match self.write_beside(context, schema, &good, only_check, beside).await {
                Ok(written) => {
                    let answers = self.answers(context, schema, written).await?;
                    return Ok(answers.into_iter().map(Ok).collect());
                }
                Err(failure) => failed = Some(failure),
            }
        }
        let mut found = self.faults(context, schema, &good, &known, failed).await.into_iter();
        Ok(faults
            .into_iter()
            .map(|fault| match fault.or_else(|| found.next().flatten()) {
                Some(error) => Err(ItemFailure::Failed(error)),
                None => Err(ItemFailure::RolledBack),
            })
            .collect())
    }

    async fn each(
        &self,
        context: &Context,
        schema: &Schema,
        changes: Vec<Result<Change>>,
        options: BatchOptions,
    ) -> Result<Vec<Result<RecordAnswer, ItemFailure>>> {
        let one = |change: Result<Change>| async move {
            let change = change?;
            let written = self
                .write(context, schema, &[change], options.validate_only)
                .await
                .map_err(|failure| failure.error)?;
            let mut answers = self.answers(context, schema, written).await?;
            answers
                .pop()
                .ok_or_else(|| DataError::internal("a write without an answer"))
        };
        if options.continue_on_error && independent(&changes) {
            let results: Vec<Result<RecordAnswer>> = stream::iter(changes.into_iter().map(one))
                .buffered(AT_ONCE)
                .collect()
                .await;
            return Ok(results
                .into_iter()
                .map(|result| result.map_err(ItemFailure::Failed))
                .collect());
        }
        let mut results = Vec::with_capacity(changes.len());
        let mut stopped = false;
        for change in changes {
            if stopped {
                results.push(Err(ItemFailure::NotTried));
                continue;
            }
            let result = one(change).await.map_err(ItemFailure::Failed);
            stopped = result.is_err() && !options.continue_on_error;
            results.push(result);
        }
        Ok(results)
    }
}

/// No record twice: their order does not matter.
fn independent(changes: &[Result<Change>]) -> bool {
    let mut seen = HashSet::new();
    changes.iter().flatten().all(|change| match change {
        Change::Create { .. }
        | Change::Clone { .. }
        | Change::Upsert {
            id: None,
            external_id: None,
            ..
        } => true,
        Change::Update { id, .. }
        | Change::Delete { id, .. }
        | Change::Restore { id, .. }
        | Change::Upsert { id: Some(id), .. } => seen.insert(id.as_str()),
        Change::Upsert {
            id: None,
            external_id: Some(id),
            ..
        } => seen.insert(id.as_str()),
    })
}

fn in_batch(index: usize, error: DataError) -> DataError {
    DataError::InBatch {
        index,
        source: Box::new(error),
    }
}

fn change_of(object: &str, operation: BatchOperation, item: BatchItem) -> Result<Change> {
    let object = object.to_owned();
    let BatchItem {
        id,
        external_id,
        data: record,
        expected,
    } = item;
    let known = |id: Option<String>| {
        id.filter(|id| !id.is_empty()).ok_or_else(|| DataError::RecordNotFound {
            object: object.clone(),
            id: String::new(),
        })
    };
    Ok(match operation {
        BatchOperation::Create => {
            let mut record = record;
            if let Some(id) = id {
                record.entry("id").or_insert_with(|| Value::from(id));
            }
            Change::Create { object, record }
        }
        BatchOperation::Update => Change::Update {
            id: known(id)?,
            object,
            record,
            expected,
        },
        BatchOperation::Upsert => Change::Upsert {
            object,
            id,
            external_id,
            record,
        },
        BatchOperation::Restore => Change::Restore { id: known(id)?, object },
        BatchOperation::Delete | BatchOperation::Purge => Change::Delete {
            id: known(id)?,
            object,
            expected,
            purge: operation == BatchOperation::Purge,
        },
    })
}

/// Puts ids in the place of `{"$ref": n}`.
fn resolve(value: &mut Value, made: &[Option<String>]) -> Result<()> {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key("$ref") => {
            let place = map
                .get("$ref")
                .and_then(Value::as_u64)
                .and_then(|place| usize::try_from(place).ok());
            let id = place.and_then(|place| made.get(place)).and_then(Option::as_ref);
            let id = id.ok_or_else(|| DataError::InvalidBody {
                message: NO_REF.to_owned(),
            })?;
            *value = Value::from(id.as_str());
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| resolve(item, made)),
        _ => Ok(()),
    }
}

/// An id may be written `$ref:2`.
fn id_of_ref(id: &str, made: &[Option<String>]) -> Result<String> {
    let Some(place) = id.strip_prefix("$ref:") else {
        return Ok(id.to_owned());
    };
    let known = place
        .parse::<usize>()
        .ok()
        .and_then(|place| made.get(place))
        .and_then(Option::clone);
    known.ok_or_else(|| DataError::InvalidBody {
        message: NO_REF.to_owned(),
    })
}
