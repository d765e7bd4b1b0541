//! The record of a job, and how it is told.

use objectos_plugin_api::Context;
use serde_json::{Map, Value, json};

use crate::error::{DataError, Result};
use crate::record::moment;

/// The object of the jobs.
pub(super) const OBJECT: &str = "sys_import_job";
/// Its fields without those that may be long.
pub(super) const FIELDS: [&str; 17] = [
    "id",
    "object_name",
    "status",
    "dry_run",
    "write_mode",
    "total",
    "processed",
    "created_count",
    "updated_count",
    "failed_count",
    "undoable",
    "error",
    "completed_at",
    "reverted_at",
    "created_by",
    "created_at",
    "updated_at",
];
/// Milliseconds without a word after which a job of another host counts as ended.
const SILENCE_MS: i64 = 120_000;

/// A job.
pub(super) struct Job {
    pub(super) id: String,
    fields: Map<String, Value>,
}

impl Job {
    pub(super) fn read(record: &[u8]) -> Result<Self> {
        let fields: Map<String, Value> =
            serde_json::from_slice(record).map_err(|error| DataError::internal(error.to_string()))?;
        Ok(Self::of(fields))
    }

    pub(super) fn read_all(records: &[u8]) -> Result<Vec<Self>> {
        let list: Vec<Map<String, Value>> =
            serde_json::from_slice(records).map_err(|error| DataError::internal(error.to_string()))?;
        Ok(list.into_iter().map(Self::of).collect())
    }

    fn of(fields: Map<String, Value>) -> Self {
        let id = fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { id, fields }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.fields.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    fn count(&self, name: &str) -> u64 {
        self.fields.get(name).and_then(Value::as_u64).unwrap_or_default()
    }

    pub(super) fn results(&self) -> Value {
        self.fields
            .get("results")
            .filter(|results| results.is_array())
            .cloned()
            .unwrap_or_else(|| json!([]))
    }

    pub(super) fn changes(&self) -> Vec<Value> {
        self.fields
            .get("changes")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    }

    /// Whether somebody wrote it down not long ago.
    pub(super) fn noted_since(&self, now_ms: i64) -> bool {
        let noted = self.text("updated_at").and_then(moment::to_ms);
        noted.is_some_and(|noted| now_ms - noted < SILENCE_MS)
    }

    /// Whether what it did can be undone.
    pub(super) fn undoable(&self) -> bool {
        self.flag("undoable") && self.text("reverted_at").is_none()
    }

    /// `{jobId, object, status, dryRun, writeMode, total, processed, created, updated, skipped, errors, percentComplete,
    /// undoable, createdAt, startedAt, completedAt?, revertedAt?, error?}`. `runs`: it may still be running.
    pub(super) fn summary(&self, runs: bool) -> Value {
        let (total, processed) = (self.count("total"), self.count("processed"));
        let status = self.text("status").unwrap_or_default();
        let lost = status == "running" && !runs;
        let percent = match total {
            0 => 100,
            total => processed * 100 / total,
        };
        let mut out = json!({
            "jobId": self.id,
            "object": self.text("object_name"),
            "status": if lost { "failed" } else { status },
            "dryRun": self.flag("dry_run"),
            "writeMode": self.text("write_mode"),
            "total": total,
            "processed": processed,
            "created": self.count("created_count"),
            "updated": self.count("updated_count"),
            "skipped": 0,
            "errors": self.count("failed_count"),
            "percentComplete": percent,
            "undoable": self.undoable(),
            "createdAt": self.text("created_at"),
            "startedAt": self.text("created_at"),
        });
        for (key, name) in [
            ("completedAt", "completed_at"),
            ("revertedAt", "reverted_at"),
            ("error", "error"),
        ] {
            if let Some(text) = self.text(name) {
                out[key] = json!(text);
            }
        }
        if lost {
            out["error"] = json!("the host that ran it has stopped");
        }
        out
    }
}

pub(super) fn system() -> Context {
    Context::background().as_system()
}
