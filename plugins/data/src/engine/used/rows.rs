//! The statements over the rows of what people used: `sys_recent_record`. Each row has an id that is made of person, organisation
//! and record, so that several hosts write one and the same. Called by `used` alone.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::memory::{OF_ONE_MAX, Use};
use crate::query::sql::SqlWriter;
use crate::record::Layout;
use crate::store::{SqlValue, Statement};
use crate::validate::stamp;

/// The object that holds them.
pub(super) const OBJECT: &str = "sys_recent_record";

/// Puts a row in, or makes the moment of the one that is there a later one.
pub(super) fn put_sql(layout: &Layout) -> Arc<str> {
    Arc::from(format!(
        "{} ON CONFLICT (id) DO UPDATE SET \"action\" = excluded.\"action\", used_at = excluded.used_at, \
         updated_at = excluded.updated_at WHERE {}.used_at < excluded.used_at",
        layout.insert_sql, layout.table
    ))
}

/// [`put_sql`] with the values of a use.
pub(super) fn put(layout: &Layout, sql: &Arc<str>, person: &str, used: &Use) -> Statement {
    let moment = SqlValue::Text(stamp(used.used_ms));
    let value = |column: &str| -> SqlValue {
        match column {
            "id" => id_of(person, used).into(),
            "user_id" | "owner_id" => person.into(),
            "tenant_id" => used.tenant.as_str().into(),
            "object_name" => used.object.as_str().into(),
            "record_id" => used.record.as_str().into(),
            "action" => used.action.name().into(),
            "used_at" | "created_at" | "updated_at" => moment.clone(),
            _ => SqlValue::Null,
        }
    };
    let values = layout.columns.iter().map(|column| value(&column.name)).collect();
    Statement::new(Arc::clone(sql), values)
}

/// No part of it holds the character 0: no database takes one within a text.
fn id_of(person: &str, used: &Use) -> String {
    let whole = [person, &used.tenant, &used.object, &used.record].join("\0");
    let digest = Sha256::digest(whole.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Forgets the oldest rows of a person, beyond as many as are kept.
pub(super) fn prune(layout: &Layout, person: &str) -> Statement {
    let mut writer = of_person("DELETE", layout, person);
    writer
        .push(" AND id NOT IN (SELECT id FROM ")
        .push(&layout.table)
        .push(" WHERE user_id = ")
        .value(person.into());
    latest(&mut writer).push(")");
    writer.finish()
}

/// `object_name, record_id, action, used_at`, the latest first.
pub(super) fn list(layout: &Layout, person: &str, tenant: &str) -> Statement {
    let mut writer = of_person("SELECT object_name, record_id, \"action\", used_at", layout, person);
    writer.push(" AND tenant_id = ").value(tenant.into());
    latest(&mut writer);
    writer.finish()
}

/// How many rows of a person [`clear`] forgets.
pub(super) fn count(layout: &Layout, person: &str, tenant: &str, objects: &[String]) -> Statement {
    of_objects(of_person("SELECT COUNT(*)", layout, person), tenant, objects)
}

/// Forgets the rows of a person in an organisation, of these objects or of all.
pub(super) fn clear(layout: &Layout, person: &str, tenant: &str, objects: &[String]) -> Statement {
    of_objects(of_person("DELETE", layout, person), tenant, objects)
}

/// Forgets all rows of a person.
pub(super) fn forget_person(layout: &Layout, person: &str) -> Statement {
    of_person("DELETE", layout, person).finish()
}

/// Forgets a record, whoever used it.
pub(super) fn forget_record(layout: &Layout, object: &str, record: &str) -> Statement {
    let mut writer = SqlWriter::new(layout.dialect);
    writer
        .push("DELETE FROM ")
        .push(&layout.table)
        .push(" WHERE object_name = ")
        .value(object.into())
        .push(" AND record_id = ")
        .value(record.into());
    writer.finish()
}

fn of_person(what: &str, layout: &Layout, person: &str) -> SqlWriter {
    let mut writer = SqlWriter::new(layout.dialect);
    writer
        .push(what)
        .push(" FROM ")
        .push(&layout.table)
        .push(" WHERE user_id = ")
        .value(person.into());
    writer
}

fn of_objects(mut writer: SqlWriter, tenant: &str, objects: &[String]) -> Statement {
    writer.push(" AND tenant_id = ").value(tenant.into());
    if !objects.is_empty() {
        writer.push(" AND object_name IN (");
        writer.list(", ", objects, |writer, object| {
            writer.value(object.as_str().into());
        });
        writer.push(")");
    }
    writer.finish()
}

fn latest(writer: &mut SqlWriter) -> &mut SqlWriter {
    let most = u64::try_from(OF_ONE_MAX).unwrap_or(u64::MAX);
    writer.push(" ORDER BY used_at DESC, id").limit(most)
}
