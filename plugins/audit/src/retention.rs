//! Rows whose time is over: written to a file if the policy says so, told of in the chain, then taken out of the database.
//!
//! Order matters: file, row that tells, deletion. A crash between two of them leaves a file or a row too many, never a gap
//! that nobody told of. Rows that tell are kept for good: without them the chain could not be checked.

use objectos_plugin_api::{Host, protocol::system::AuditRetentionPolicy};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use crate::{
    archive,
    checkpoint::{self, Key},
    config::Retention,
    error::Result,
    moment, removal,
    row::Row,
    scope::ARCHIVED,
    store::{PAGE, Records},
    writer::Writer,
};

/// Rows of one deletion.
const DELETE_BATCH: usize = 100;

/// Rows without a gap between them that were taken out together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Hash before the first.
    pub(crate) previous_hash: String,
    /// Hash of the last.
    pub(crate) last_hash: String,
}

/// Rows in order of sequence as runs. A run ends at each of `ends`, so that its hash there is told.
pub(crate) fn runs(rows: &[Row], ends: &BTreeSet<u64>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for row in rows {
        match runs.last_mut() {
            Some(run) if run.to + 1 == row.sequence && !ends.contains(&run.to) => {
                run.to = row.sequence;
                run.last_hash.clone_from(&row.hash);
            }
            _ => runs.push(Run {
                from: row.sequence,
                to: row.sequence,
                previous_hash: row.previous_hash.clone(),
                last_hash: row.hash.clone(),
            }),
        }
    }
    runs
}

/// Does it.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) host: Host,
    pub(crate) records: Records,
    pub(crate) writer: Writer,
    /// Signs what is told of removals.
    pub(crate) key: Option<Arc<Key>>,
    pub(crate) policy: AuditRetentionPolicy,
    pub(crate) folder: PathBuf,
    /// Archives are compressed.
    pub(crate) compression: bool,
}

impl Keeper {
    /// Where archives go.
    pub(crate) fn archive_folder(policy: &AuditRetentionPolicy, own: &std::path::Path) -> PathBuf {
        let path = policy
            .archive_storage
            .as_ref()
            .and_then(|storage| storage.path.as_ref());
        path.map_or_else(|| own.join("archive"), PathBuf::from)
    }

    /// Takes out everything whose time is over; answers how many rows.
    pub(crate) async fn run(&self) -> Result<usize> {
        let mut count = 0;
        let mut own = self.policy.own_types();
        own.retain(|kind| kind != ARCHIVED);
        for kind in &own {
            let filter = json!({ "event_type": kind, "timestamp": { "$lt": self.cutoff(kind) } });
            count += self.take_out(filter).await?;
        }
        own.push(ARCHIVED.to_owned());
        let others = json!({ "event_type": { "$nin": own }, "timestamp": { "$lt": self.cutoff("") } });
        count += self.take_out(others).await?;
        Ok(count)
    }

    fn cutoff(&self, kind: &str) -> String {
        moment::from_ms(self.host.now_ms().saturating_sub(self.policy.kept_ms(kind)))
    }

    async fn take_out(&self, filter: Value) -> Result<usize> {
        let mut count = 0;
        loop {
            let rows = self.records.after(0, filter.clone()).await?;
            if rows.is_empty() {
                return Ok(count);
            }
            self.take_out_page(&rows).await?;
            count += rows.len();
            if rows.len() < PAGE {
                return Ok(count);
            }
        }
    }

    async fn take_out_page(&self, rows: &[Row]) -> Result<()> {
        // Where a checkpoint was made the hash stays known.
        let ends = match rows {
            [first, .., last] => checkpoint::between(&self.records, first.sequence, last.sequence).await?,
            _ => BTreeSet::new(),
        };
        let mut metadata = json!({ "rows": rows.len(), "runs": runs(rows, &ends) });
        if self.policy.archive_after_retention {
            let archived = archive::write(&self.folder, rows, self.compression)?;
            metadata["file"] = json!(archived.name);
            metadata["sha256"] = json!(archived.sha256);
        }
        let mut row = Row {
            id: uuid::Uuid::now_v7().hyphenated().to_string(),
            event_type: ARCHIVED.to_owned(),
            severity: "notice".to_owned(),
            timestamp: moment::from_ms(self.host.now_ms()),
            actor_type: "system".to_owned(),
            actor_id: Some("objectos.audit".to_owned()),
            result: "success".to_owned(),
            description: Some(format!("{} audit events whose time is over taken out", rows.len())),
            metadata: metadata.as_object().cloned(),
            ..Row::default()
        };
        row.fit();
        if let Some(key) = &self.key {
            removal::sign(&mut row, key);
        }
        self.writer.store(vec![row]).await?;
        for batch in rows.chunks(DELETE_BATCH) {
            let ids: Vec<&str> = batch.iter().map(|row| row.id.as_str()).collect();
            self.records.remove(&ids).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_make_one_run() {
        let row = |sequence: u64| Row {
            sequence,
            previous_hash: format!("h{}", sequence - 1),
            hash: format!("h{sequence}"),
            ..Row::default()
        };
        let rows: Vec<Row> = [3, 4, 5, 9, 11, 12].into_iter().map(row).collect();
        let found = |ends: &[u64]| -> Vec<(u64, u64, String, String)> {
            runs(&rows, &ends.iter().copied().collect())
                .into_iter()
                .map(|run| (run.from, run.to, run.previous_hash, run.last_hash))
                .collect()
        };
        let run = |from: u64, to: u64| (from, to, format!("h{}", from - 1), format!("h{to}"));
        assert_eq!(found(&[]), [run(3, 5), run(9, 9), run(11, 12)]);
        assert_eq!(found(&[4, 9]), [run(3, 4), run(5, 5), run(9, 9), run(11, 12)]);
    }
}
