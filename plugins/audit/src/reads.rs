//! A sample of reads, when the operator wants it: a hook after each find. Unlike a change, a read leaves no event that is
//! stored with it, so its row is best effort; it is never waited for.

use objectos_plugin_api::{
    Context,
    contracts::{events::Origin, hooks::QueryHook},
};
use rand::RngExt as _;
use serde_json::{Map, Value, json};

use crate::{config::AuditSettings, entry::Entries, moment, row::Row, writer::Writer};

const TYPE: &str = "data.read";
/// Ids that are named in one row.
const IDS_MAX: usize = 20;

/// Whether and how many reads are written down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampling {
    pub(crate) on: bool,
    rate: f64,
}

impl Sampling {
    pub(crate) fn new(settings: &AuditSettings) -> Self {
        let rate = serde_json::to_value(settings.audit.read_sampling_rate)
            .ok()
            .and_then(|rate| rate.as_f64());
        Self {
            on: settings.audit.enabled && settings.audit.log_reads,
            rate: rate.unwrap_or_default(),
        }
    }

    fn takes(self) -> bool {
        self.rate >= 1.0 || rand::rng().random::<f64>() < self.rate
    }
}

/// Notes a read. Reads of the system are not noted: nobody looked.
pub(crate) fn note(
    sampling: Sampling,
    entries: &Entries,
    writer: &Writer,
    context: &Context,
    now_ms: i64,
    hook: &QueryHook,
) {
    let severity = entries.severity(TYPE);
    if context.system()
        || !entries.scope.wants_object(&hook.object)
        || !entries.scope.wants(TYPE, severity)
        || !sampling.takes()
    {
        return;
    }
    let records = hook.records.as_deref().unwrap_or_default();
    let mut row = Row {
        id: uuid::Uuid::now_v7().hyphenated().to_string(),
        event_type: TYPE.to_owned(),
        severity: severity.as_str().to_owned(),
        timestamp: moment::from_ms(now_ms),
        result: "success".to_owned(),
        object_name: Some(hook.object.clone()),
        target_type: Some("object".to_owned()),
        target_id: Some(hook.object.clone()),
        description: Some(format!("{} records of {} read", records.len(), hook.object)),
        metadata: Some(details(hook, records)),
        ..Row::default()
    };
    if let [only] = records {
        row.target_type = Some("record".to_owned());
        row.record_id = only.get("id").and_then(Value::as_str).map(str::to_owned);
        row.target_id.clone_from(&row.record_id);
    }
    row.come_from(Origin::of(context));
    row.fit();
    if !writer.offer(row) {
        tracing::warn!("too many audit events wait; a read is not written down");
    }
}

/// The fields asked for and which records came of it; the values of the filter may be anything and stay out.
fn details(hook: &QueryHook, records: &[Map<String, Value>]) -> Map<String, Value> {
    let ids: Vec<&Value> = records
        .iter()
        .filter_map(|record| record.get("id"))
        .take(IDS_MAX)
        .collect();
    let mut details = Map::new();
    details.insert("records".to_owned(), json!(records.len()));
    details.insert("ids".to_owned(), json!(ids));
    if let Some(fields) = hook.query.get("fields") {
        details.insert("fields".to_owned(), fields.clone());
    }
    details
}
