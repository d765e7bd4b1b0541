//! Events of records, as rows that are stored in the transaction of the change they tell of.
//!
//! The event is written as JSON here, once, from the stored values: what a consumer reads later is what was stored then. It
//! holds every field, whoever made the change; consumers look at permissions themselves. Called by the engine and by the
//! event store for events of others.

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::data::EventBeside;
use objectos_plugin_api::contracts::events;
use objectos_plugin_api::protocol::kernel::Event;
use uuid::Uuid;

use crate::attachments::{FILES_CHANGED, FilesChanged};
use crate::model::SystemField;
use crate::record::{Layout, moment, write_text, write_value};
use crate::store::{SqlValue, Statement};

/// Id of this plugin, the source of its events.
pub const SOURCE: &str = "objectos.data";

const INSERT: &str = "INSERT INTO objectos_event (id, name, key, event, stored_at_ms) VALUES (?, ?, ?, ?, ?)";
const INSERT_RETURNING: &str =
    "INSERT INTO objectos_event (id, name, key, event, stored_at_ms) VALUES (?, ?, ?, ?, ?) RETURNING sequence";

/// What happened to a record.
#[derive(Clone, Copy, Debug)]
pub struct RecordChange<'a> {
    /// Name of the event.
    pub name: &'static str,
    /// The object.
    pub layout: &'a Layout,
    /// Id of the record.
    pub id: &'a str,
    /// The record before; none for a new one.
    pub before: Option<&'a [SqlValue]>,
    /// The record after; none for a deleted one.
    pub after: Option<&'a [SqlValue]>,
}

/// The statement that stores the event of a change.
#[must_use]
pub fn record_event(context: &Context, now_ms: i64, change: &RecordChange<'_>) -> Statement {
    let id = Uuid::now_v7().hyphenated().to_string();
    let timestamp = moment::from_ms(now_ms).unwrap_or_default();
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"id\":");
    write_text(&mut out, &id);
    out.extend_from_slice(b",\"name\":");
    write_text(&mut out, change.name);
    out.extend_from_slice(b",\"payload\":");
    write_payload(&mut out, context, &timestamp, change);
    out.extend_from_slice(b",\"metadata\":");
    write_metadata(&mut out, context, SOURCE, &timestamp);
    out.push(b'}');
    // Only texts that were checked and JSON of our own went in.
    let event = String::from_utf8(out).unwrap_or_default();
    let key = format!("{}/{}", change.layout.object.name, change.id);
    let values = vec![
        id.into(),
        change.name.into(),
        key.into(),
        SqlValue::Json(event),
        now_ms.into(),
    ];
    Statement::new(INSERT, values)
}

/// The statement that stores an event about many records.
#[must_use]
pub fn summary_event(context: &Context, now_ms: i64, name: &'static str, payload: &events::SecurityEvent) -> Statement {
    let payload = serde_json::to_vec(payload).unwrap_or_else(|_| b"{}".to_vec());
    plain_event(context, now_ms, (name, "", SOURCE), &payload)
}

/// The statement that stores an event which a plugin wants told with a change. `source` is the plugin.
#[must_use]
pub fn event_beside(context: &Context, now_ms: i64, source: &str, event: &EventBeside) -> Statement {
    let payload = event.payload.to_string();
    plain_event(
        context,
        now_ms,
        (event.name.as_str(), event.key.as_str(), source),
        payload.as_bytes(),
    )
}

fn plain_event(context: &Context, now_ms: i64, (name, key, source): (&str, &str, &str), payload: &[u8]) -> Statement {
    let id = Uuid::now_v7().hyphenated().to_string();
    let timestamp = moment::from_ms(now_ms).unwrap_or_default();
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"id\":");
    write_text(&mut out, &id);
    out.extend_from_slice(b",\"name\":");
    write_text(&mut out, name);
    out.extend_from_slice(b",\"payload\":");
    out.extend_from_slice(payload);
    out.extend_from_slice(b",\"metadata\":");
    write_metadata(&mut out, context, source, &timestamp);
    out.push(b'}');
    // Only texts that were checked and JSON of our own went in.
    let event = String::from_utf8(out).unwrap_or_default();
    let values = vec![id.into(), name.into(), key.into(), SqlValue::Json(event), now_ms.into()];
    Statement::new(INSERT, values)
}

/// The statement that stores the event of files that came to a record and left it.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn files_event(context: &Context, now_ms: i64, changed: &FilesChanged) -> serde_json::Result<Statement> {
    let payload = serde_json::to_vec(changed)?;
    let key = format!("{}/{}", changed.object, changed.record_id);
    Ok(plain_event(context, now_ms, (FILES_CHANGED, &key, SOURCE), &payload))
}

/// The statement that stores an event of somebody else and answers its sequence.
///
/// # Errors
/// When the event cannot be written as JSON.
pub fn foreign_event(event: &Event, key: &str, now_ms: i64) -> serde_json::Result<Statement> {
    let text = serde_json::to_string(event)?;
    let id = event.id.clone().unwrap_or_default();
    let values = vec![
        id.into(),
        event.name.as_str().into(),
        key.into(),
        SqlValue::Json(text),
        now_ms.into(),
    ];
    Ok(Statement::new(INSERT_RETURNING, values))
}

/// `contracts::events::RecordEvent`.
fn write_payload(out: &mut Vec<u8>, context: &Context, timestamp: &str, change: &RecordChange<'_>) {
    let RecordChange {
        name,
        layout,
        id,
        before,
        after,
    } = change;
    out.extend_from_slice(b"{\"type\":");
    write_text(out, name);
    out.extend_from_slice(b",\"object\":");
    write_text(out, &layout.object.name);
    out.extend_from_slice(b",\"recordId\":");
    write_text(out, id);
    if let Some(tenant) = tenant_of(layout, after.or(*before)) {
        out.extend_from_slice(b",\"organizationId\":");
        write_text(out, tenant);
    }
    if let (Some(before), Some(after)) = (before, after) {
        out.extend_from_slice(b",\"changes\":[");
        let mut first = true;
        for (index, column) in layout.columns.iter().enumerate() {
            let stamp = matches!(
                layout.field(index).system,
                Some(SystemField::UpdatedAt | SystemField::UpdatedBy)
            );
            if before[index] != after[index] && !stamp {
                if !first {
                    out.push(b',');
                }
                first = false;
                write_text(out, &column.name);
            }
        }
        out.push(b']');
    }
    for (key, values) in [(&b",\"before\":"[..], before), (&b",\"after\":"[..], after)] {
        if let Some(values) = values {
            out.extend_from_slice(key);
            write_record(out, layout, values);
        }
    }
    if !context.user().is_empty() {
        out.extend_from_slice(b",\"userId\":");
        write_text(out, context.user());
    }
    out.extend_from_slice(b",\"timestamp\":");
    write_text(out, timestamp);
    out.extend_from_slice(b",\"origin\":");
    out.extend(serde_json::to_vec(&events::Origin::of(context)).unwrap_or_else(|_| b"{}".to_vec()));
    out.push(b'}');
}

fn tenant_of<'a>(layout: &Layout, values: Option<&'a [SqlValue]>) -> Option<&'a str> {
    values?.get(layout.system_column(SystemField::Tenant)?)?.as_text()
}

/// Writes the stored fields of a record.
pub(crate) fn write_record(out: &mut Vec<u8>, layout: &Layout, values: &[SqlValue]) {
    out.push(b'{');
    for (index, (column, value)) in layout.columns.iter().zip(values).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&column.key);
        write_value(out, column.form, value.cell());
    }
    out.push(b'}');
}

/// `kernel/EventMetadata`.
fn write_metadata(out: &mut Vec<u8>, context: &Context, source: &str, timestamp: &str) {
    out.extend_from_slice(b"{\"source\":");
    write_text(out, source);
    out.extend_from_slice(b",\"timestamp\":");
    write_text(out, timestamp);
    for (key, text) in [
        (&b",\"userId\":"[..], context.user()),
        (&b",\"tenantId\":"[..], context.tenant()),
        (&b",\"correlationId\":"[..], context.request_id()),
    ] {
        if !text.is_empty() {
            out.extend_from_slice(key);
            write_text(out, text);
        }
    }
    out.extend_from_slice(b",\"priority\":\"normal\"}");
}

/// Name of the event of a new record.
pub const CREATED: &str = events::RECORD_CREATED;
/// Name of the event of a changed record.
pub const UPDATED: &str = events::RECORD_UPDATED;
/// Name of the event of a deleted record.
pub const DELETED: &str = events::RECORD_DELETED;
