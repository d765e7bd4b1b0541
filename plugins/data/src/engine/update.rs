//! Changing a record.

use std::sync::Arc;

use objectos_expression::RecordEnvironment;
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::{ApiMethod, ChangeKind};
use serde_json::Value;

use super::access::Granted;
use super::answer::{RecordAnswer, Values, document, write_stored};
use super::commit::{Change, Planned};
use super::create::{apply_hooked, missing, take};
use super::draft::{Draft, Part, Stored};
use super::get::not_found;
use super::observe::note;
use super::ports::HookPoint;
use super::references::pointing;
use super::relations::{rule_paths, stored};
use super::{Engine, Fields, check_method, layout_of, store_record};
use crate::error::{DataError, FieldError, Result};
use crate::model::SystemField;
use crate::query::check::Checker;
use crate::query::sql::SqlWriter;
use crate::record::{Layout, moment};
use crate::store::{Expect, SqlValue};
use crate::validate::{RuleContext, UniqueDemand, check_rules, stamp};

impl Engine {
    /// Changes fields of a record. `expected` is the `updated_at` that the change is based on.
    ///
    /// # Errors
    /// `RecordNotFound`, `Stale` when the record is not as expected; as [`Engine::create`] otherwise.
    pub async fn update(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        record: Fields,
        expected: Option<String>,
    ) -> Result<RecordAnswer> {
        self.write_one(
            context,
            Change::Update {
                object: object.to_owned(),
                id: id.to_owned(),
                record,
                expected,
            },
        )
        .await
    }

    pub(super) async fn plan_update(
        &self,
        draft: &mut Draft<'_>,
        object: &str,
        id: &str,
        record: &Fields,
        expected: Option<&str>,
    ) -> Result<Planned> {
        let layout = Arc::clone(layout_of(draft.schema, object)?);
        let granted = self.granted(draft.caller.context, &layout, Operation::Update).await?;
        if !granted.system {
            check_method(&layout, ApiMethod::Update)?;
        }
        let before = self
            .read_visible(draft, &layout, &granted, id)
            .await?
            .ok_or_else(|| not_found(object, id))?;
        self.check_version(&layout, &granted, id, &before, expected)?;
        let after = self.change(draft, &layout, &granted, id, &before, record).await?;
        Ok(Planned {
            layout,
            id: id.to_owned(),
            granted,
            after: Some(after),
        })
    }

    fn check_version(
        &self,
        layout: &Layout,
        granted: &Granted,
        id: &str,
        before: &[SqlValue],
        expected: Option<&str>,
    ) -> Result<()> {
        let Some(expected) = expected else { return Ok(()) };
        let version = before[layout.updated_at].as_text();
        let same =
            version == Some(expected) || (version.is_some() && moment::parse_datetime(expected).as_deref() == version);
        if same {
            return Ok(());
        }
        let mut current = Vec::new();
        write_stored(&mut current, layout, granted.view.as_deref(), &Values(before));
        Err(DataError::Stale {
            object: layout.object.name.clone(),
            id: id.to_owned(),
            current_version: version.map(str::to_owned),
            current: serde_json::from_slice(&current).ok(),
        })
    }

    /// The steps that change a record that was read.
    pub(super) async fn change(
        &self,
        draft: &mut Draft<'_>,
        layout: &Arc<Layout>,
        granted: &Granted,
        id: &str,
        before: &Stored,
        record: &Fields,
    ) -> Result<Stored> {
        let object = layout.object.name.as_str();
        let taken = take(layout, granted, record, Some(before), granted.system)?;
        let mut values = Vec::clone(before);
        for (column, value) in taken.values {
            values[column] = value;
        }
        let mut demands = self
            .settle_changed(draft, layout, granted, before, &values, taken.errors)
            .await?;
        let hooked = self
            .before_hook(
                draft.caller.context,
                HookPoint::BeforeUpdate,
                || RecordHook {
                    object: object.to_owned(),
                    id: id.to_owned(),
                    record: changed_fields(layout, before, &values),
                    previous: Some(document(layout, before)),
                },
                object,
            )
            .await?;
        if let Some(fields) = hooked {
            let taken = take(layout, granted, &fields, Some(before), true)?;
            // What the hook took out of the change goes back to what it was.
            values.clone_from(before);
            apply_hooked(layout, &mut values, taken.values);
            demands = self
                .settle_changed(draft, layout, granted, before, &values, taken.errors)
                .await?;
        }
        stamp_changed(draft, layout, before, &mut values);
        let changes = |column: usize| values[column] != before[column];
        self.guard_references(draft, granted, &pointing(layout, &values, changes));
        let dialect = self.parts.store.dialect();
        let statement = store_record::update(dialect, layout, id, before, &values);
        draft.push(
            Part::Record {
                layout: Arc::clone(layout),
            },
            statement,
            Expect::Changed(1),
        );
        self.demand(draft, layout, id, &values, &demands);
        if let Some(check) = &granted.check {
            let outside = store_record::outside(dialect, draft.schema, draft.caller, layout, id, check)?;
            draft.push(
                Part::Check {
                    object: object.to_owned(),
                    operation: "update",
                },
                outside,
                Expect::NoRow,
            );
        }
        let after = Arc::new(values);
        note(draft, layout, id, Some(Arc::clone(before)), Some(Arc::clone(&after)));
        Ok(after)
    }

    async fn settle_changed(
        &self,
        draft: &Draft<'_>,
        layout: &Layout,
        granted: &Granted,
        before: &Stored,
        values: &[SqlValue],
        mut errors: Vec<FieldError>,
    ) -> Result<Vec<UniqueDemand>> {
        let changes = |column: usize| values[column] != before[column];
        for (index, _) in layout.columns.iter().enumerate() {
            let field = layout.field(index);
            let told = errors.iter().any(|error| error.field == field.name);
            if field.required && field.system.is_none() && changes(index) && !told {
                errors.extend(missing(field, &values[index]));
            }
        }
        let references = pointing(layout, values, changes);
        errors.extend(self.unreadable_masters(draft, granted, &references).await?);
        let mut demands = Vec::new();
        if errors.is_empty() && !layout.object.rules.is_empty() {
            let (broken, asked) = self
                .rules(draft, layout, ChangeKind::Update, values, Some(before))
                .await?;
            errors.extend(broken);
            demands = asked;
        }
        if !errors.is_empty() || draft.diagnose {
            let absent = self.missing_references(draft, granted, &references).await?;
            let new: Vec<FieldError> = absent
                .into_iter()
                .filter(|error| errors.iter().all(|known| known.field != error.field))
                .collect();
            errors.extend(new);
        }
        if errors.is_empty() {
            return Ok(demands);
        }
        Err(DataError::Invalid {
            object: layout.object.name.clone(),
            errors,
        })
    }

    /// Holds the record against the rules of its object.
    pub(super) async fn rules(
        &self,
        draft: &Draft<'_>,
        layout: &Layout,
        change: ChangeKind,
        values: &[SqlValue],
        before: Option<&Stored>,
    ) -> Result<(Vec<FieldError>, Vec<UniqueDemand>)> {
        let record = document(layout, values);
        let previous = before.map(|before| document(layout, before));
        let paths = rule_paths(&layout.object);
        let reached = self.with_relations(draft, layout, record.clone(), &paths).await?;
        let reached_before = match &previous {
            Some(previous) => Some(Value::Object(
                self.with_relations(draft, layout, previous.clone(), &paths).await?,
            )),
            None => None,
        };
        let reached = Value::Object(reached);
        let mut environment = RecordEnvironment::new(&reached, draft.caller.now_ms).with_user(draft.caller.user());
        match &reached_before {
            Some(previous) => environment = environment.with_previous(previous),
            None => environment = environment.as_new(),
        }
        check_rules(RuleContext {
            object: &layout.object,
            change,
            record: &record,
            previous: previous.as_ref(),
            environment: &environment,
        })
    }

    /// A record that the caller may see in this operation, as it is or as this write made it.
    pub(super) async fn read_visible(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        granted: &Granted,
        id: &str,
    ) -> Result<Option<Stored>> {
        if let Some(planned) = draft.changed(&layout.object.name, id) {
            return Ok(planned.clone());
        }
        let Some(view) = granted.view.as_deref() else {
            return self.read_stored(layout, id).await;
        };
        let mut checker = Checker::new(draft.schema, layout, None, draft.caller);
        let filter = checker.own_view(view)?;
        let mut writer = SqlWriter::new(self.parts.store.dialect());
        writer.push("SELECT ");
        writer.list(", ", &layout.columns, |writer, column| {
            writer.column(0, &column.name);
        });
        writer
            .from(&checker.scope)
            .push(" WHERE ")
            .column(0, SystemField::Id.name())
            .push(" = ")
            .value(id.into());
        if let Some(delete) = &layout.object.soft_delete {
            writer.push(" AND ").column(0, &delete.field).push(" IS NULL");
        }
        writer.push(" AND ").filter(&filter);
        let mut found = None;
        let mut reader = self.parts.store.reader().await?;
        reader
            .read(&writer.finish().single(), &mut |row| found = Some(stored(layout, row)))
            .await?;
        Ok(found.map(Arc::new))
    }
}

/// The fields that change, with their new values.
fn changed_fields(layout: &Layout, before: &[SqlValue], after: &[SqlValue]) -> Fields {
    let mut fields = document(layout, after);
    for (index, column) in layout.columns.iter().enumerate() {
        if before[index] == after[index] {
            fields.shift_remove(&column.name);
        }
    }
    fields
}

/// The moment of the change grows even when the clock does not: it is the version that every change is held against.
fn stamp_changed(draft: &Draft<'_>, layout: &Layout, before: &[SqlValue], values: &mut [SqlValue]) {
    let last = before[layout.updated_at].as_text().and_then(moment::to_ms);
    let now = last.map_or(draft.caller.now_ms, |last| draft.caller.now_ms.max(last + 1));
    values[layout.updated_at] = SqlValue::Text(stamp(now));
    if let Some(column) = layout.system_column(SystemField::UpdatedBy) {
        values[column] = draft.caller.stamp();
    }
}
