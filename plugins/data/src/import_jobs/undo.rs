//! What a job did is undone: records that it made are deleted, those that it changed get their values back. As its caller, with
//! the same rules and rights as any change; what cannot be undone is counted.

use objectos_plugin_api::Context;
use serde_json::{Map, Value, json};

use super::ImportJobs;
use super::record::Job;
use crate::engine::{BatchItem, BatchOperation, BatchOptions};
use crate::error::{DataError, Result};
use crate::record::moment;

/// Records of one batch.
const AT_ONCE: usize = 200;

impl ImportJobs {
    /// Undoes a job that has ended: `{success, jobId, object, deleted, restored, failed}`.
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
        // Written down first: of two that come at once, the second one finds it undone.
        let now = moment::from_ms(self.engine.parts().clock.now_ms());
        let expected = job.text("updated_at").map(str::to_owned);
        let fields = Map::from_iter([("reverted_at".to_owned(), json!(now))]);
        self.engine
            .update(&super::system(), super::OBJECT, id, fields, expected)
            .await?;
        let (made, changed) = parts(&job)?;
        let (deleted, not_deleted) = self.each(context, &object, BatchOperation::Delete, made).await?;
        let (restored, not_restored) = self.each(context, &object, BatchOperation::Update, changed).await?;
        let failed = not_deleted + not_restored;
        Ok(json!({
            "success": failed == 0, "jobId": id, "object": object,
            "deleted": deleted, "restored": restored, "failed": failed,
        }))
    }

    /// Each for itself; how many it was done with, and how many not.
    async fn each(
        &self,
        context: &Context,
        object: &str,
        operation: BatchOperation,
        mut items: Vec<BatchItem>,
    ) -> Result<(usize, usize)> {
        let options = BatchOptions {
            atomic: false,
            continue_on_error: true,
            ..BatchOptions::default()
        };
        let (mut done, mut failed) = (0, 0);
        while !items.is_empty() {
            let rest = items.split_off(items.len().min(AT_ONCE));
            let part = std::mem::replace(&mut items, rest);
            let answer = self.engine.batch(context, object, operation, part, options).await?;
            let good = answer.items.iter().filter(|item| item.result.is_ok()).count();
            done += good;
            failed += answer.items.len() - good;
        }
        Ok((done, failed))
    }
}

/// Records that were made, and those that were changed with what they were; the latest first.
fn parts(job: &Job) -> Result<(Vec<BatchItem>, Vec<BatchItem>)> {
    let (mut made, mut changed) = (Vec::new(), Vec::new());
    for change in job.changes().into_iter().rev() {
        let Value::Object(mut change) = change else {
            return Err(DataError::internal("a change of an import is an object"));
        };
        let id = change.get("id").and_then(Value::as_str).map(str::to_owned);
        let item = BatchItem {
            id,
            ..BatchItem::default()
        };
        match change.remove("before") {
            Some(Value::Object(before)) => changed.push(BatchItem { data: before, ..item }),
            _ => made.push(item),
        }
    }
    Ok((made, changed))
}
