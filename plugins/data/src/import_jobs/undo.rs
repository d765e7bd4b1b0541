//! What a job did is undone: records that it made are deleted, those that it changed get their values back. As its caller, with
//! the same rules and rights as any change. A record that somebody changed since stays as they left it; what cannot be undone is
//! told record by record.

use indexmap::IndexMap;
use objectos_plugin_api::Context;
use serde_json::{Map, Value, json};

use super::ImportJobs;
use super::record::Job;
use crate::engine::{BatchItem, BatchOperation, BatchOptions, ItemFailure};
use crate::error::{DataError, Result};
use crate::model::ObjectModel;
use crate::record::moment;

/// Records of one batch.
const AT_ONCE: usize = 200;
/// Each record for itself.
const EACH: BatchOptions = BatchOptions {
    atomic: false,
    return_records: false,
    continue_on_error: true,
    validate_only: false,
};

impl ImportJobs {
    /// Undoes a job that has ended: `{success, jobId, object, deleted, restored, failed, failures: [{id, code, message}]}`; the
    /// code is `concurrent_modification` for a record that was changed after the import.
    ///
    /// # Errors
    /// As [`ImportJobs::progress`]; a conflict for a job that cannot be undone, or was.
    pub async fn undo(&self, context: &Context, id: &str) -> Result<Value> {
        let job = self.read(context, id, true).await?;
        if !job.undoable() {
            let error = objectos_plugin_api::Error::new(
                objectos_plugin_api::ErrorKind::Conflict,
                "this import cannot be undone: it is not over, changed nothing or too much, or was undone before",
            );
            return Err(error.with_code("resource_conflict").into());
        }
        let object = job.text("object_name").unwrap_or_default().to_owned();
        // Who may not do it at all is refused while it can still be undone.
        self.engine
            .batch(context, &object, BatchOperation::Delete, Vec::new(), EACH)
            .await?;
        // Written down first: of two that come at once, the second one finds it undone.
        let now = moment::from_ms(self.engine.parts().clock.now_ms());
        let expected = job.text("updated_at").map(str::to_owned);
        let fields = Map::from_iter([("reverted_at".to_owned(), json!(now))]);
        self.engine
            .update(&super::system(), super::OBJECT, id, fields, expected)
            .await?;
        let Parts {
            made,
            mut changed,
            unknown,
        } = parts(&job)?;
        let catalogue = self.engine.parts().catalogue.snapshot();
        if let Some(object) = catalogue.object(&object) {
            for item in &mut changed {
                item.data = under_names_of_now(object, std::mem::take(&mut item.data));
            }
        }
        let mut failures: Vec<Value> = unknown.iter().map(|id| not_known(id)).collect();
        let deleted = self
            .each(context, &object, BatchOperation::Delete, made, &mut failures)
            .await?;
        let restored = self
            .each(context, &object, BatchOperation::Update, changed, &mut failures)
            .await?;
        Ok(json!({
            "success": failures.is_empty(), "jobId": id, "object": object,
            "deleted": deleted, "restored": restored, "failed": failures.len(), "failures": failures,
        }))
    }

    /// Each for itself; with how many it was done, and the others go to the failures.
    async fn each(
        &self,
        context: &Context,
        object: &str,
        operation: BatchOperation,
        mut items: Vec<BatchItem>,
        failures: &mut Vec<Value>,
    ) -> Result<usize> {
        let at_once = AT_ONCE.min(self.engine.parts().limits.batch_max);
        let mut done = 0;
        while !items.is_empty() {
            let rest = items.split_off(items.len().min(at_once));
            let part = std::mem::replace(&mut items, rest);
            let answer = self.engine.batch(context, object, operation, part, EACH).await?;
            for item in answer.items {
                match item.result {
                    Ok(_) => done += 1,
                    Err(failure) => failures.push(told(item.id.as_deref(), &failure)),
                }
            }
        }
        Ok(done)
    }
}

/// What was written down before a field was renamed, under the name that it has now.
fn under_names_of_now(object: &ObjectModel, fields: Map<String, Value>) -> Map<String, Value> {
    let renamed = |name: &String| {
        let mut fields = object.fields.values();
        let field = fields.find(|field| field.renamed_from.as_ref() == Some(name));
        field.filter(|_| object.field(name).is_none())
    };
    fields
        .into_iter()
        .map(|(name, value)| match renamed(&name) {
            Some(field) => (field.name.clone(), value),
            None => (name, value),
        })
        .collect()
}

/// What is told of a record that was something its caller may not know.
fn not_known(id: &str) -> Value {
    json!({
        "id": id,
        "code": "field_not_accessible",
        "message": "the import changed a field that you may not read as it is, so nobody wrote down what it was; set the record \
                    right by hand, or restore a version of it",
    })
}

/// `{id, code, message, details?}` of a record that stays as it is.
fn told(id: Option<&str>, failure: &ItemFailure) -> Value {
    let mut out = failure.to_json();
    out["id"] = json!(id);
    out
}

/// What all rows of a job did to one record.
#[derive(Default)]
struct Touched {
    made: bool,
    /// What its fields were before the first of them.
    before: Map<String, Value>,
    /// That is not all of it.
    unknown: bool,
    /// Its version after the last of them: what somebody else made of it since stays.
    version: Option<String>,
}

/// What is undone, the latest first.
#[derive(Default)]
struct Parts {
    /// Records that were made.
    made: Vec<BatchItem>,
    /// Those that were changed, with what they were.
    changed: Vec<BatchItem>,
    /// Ids of those that were changed from something that is not known.
    unknown: Vec<String>,
}

fn parts(job: &Job) -> Result<Parts> {
    let mut records: IndexMap<String, Touched> = IndexMap::new();
    for change in job.changes().into_iter().rev() {
        let Value::Object(mut change) = change else {
            return Err(DataError::internal("a change of an import is an object"));
        };
        let text = |name: &str| change.get(name).and_then(Value::as_str).map(str::to_owned);
        let (id, version) = (text("id").unwrap_or_default(), text("version"));
        let touched = records.entry(id).or_insert_with(|| Touched {
            version,
            ..Touched::default()
        });
        match change.remove("before") {
            Some(Value::Object(before)) => touched.before.extend(before),
            Some(_) => touched.unknown = true,
            None => touched.made = true,
        }
    }
    let mut parts = Parts::default();
    for (id, touched) in records {
        if touched.unknown && !touched.made {
            parts.unknown.push(id);
            continue;
        }
        let item = BatchItem {
            id: Some(id),
            expected: touched.version,
            ..BatchItem::default()
        };
        if touched.made {
            parts.made.push(item);
        } else {
            parts.changed.push(BatchItem {
                data: touched.before,
                ..item
            });
        }
    }
    Ok(parts)
}
