//! Bringing a record back from the bin, and with it the records that went there with it.
//!
//! What went together has the same moment of deletion: that is how it is found again. References that a delete emptied stay
//! empty. A record whose master is still in the bin, or gone, cannot come back alone. For hooks it is a change of the record.

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::events;
use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::{ApiMethod, DeleteBehavior};
use serde_json::Value;

use super::access::Granted;
use super::answer::{RecordAnswer, document};
use super::commit::{Change, Planned};
use super::create::{apply_hooked, refused, take};
use super::delete::dependents;
use super::draft::{Draft, Part, Stored};
use super::get::not_found;
use super::indexed::fits_indexes;
use super::observe::note_as;
use super::ports::HookPoint;
use super::references::pointing;
use super::relations::stored;
use super::update::stamp_changed;
use super::{Engine, Fields, check_method, layout_of, store_record};
use crate::access::{is_guest, verb};
use crate::error::{DataError, Result};
use crate::model::{SoftDeleteModel, SystemField};
use crate::query::check::Checker;
use crate::query::filter::Filter;
use crate::query::sql::SqlWriter;
use crate::record::Layout;
use crate::store::{BoxFuture, Expect, SqlValue};

/// Which records are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// There.
    Live,
    /// In the bin.
    Bin,
    /// There or in the bin.
    Anywhere,
}

impl Whereabouts {
    /// What it asks of the date of the deletion.
    pub(super) fn condition(self) -> Option<&'static str> {
        match self {
            Self::Live => Some(" IS NULL"),
            Self::Bin => Some(" IS NOT NULL"),
            Self::Anywhere => None,
        }
    }
}

/// Whether the object has a bin that clients may use in this way.
fn check_bin(layout: &Layout, granted: &Granted, method: ApiMethod) -> Result<()> {
    if layout.object.soft_delete.is_none() || (!granted.system && !layout.object.capabilities.trash) {
        let (object, method) = (layout.object.name.clone(), super::method_name(method));
        return Err(DataError::MethodDisabled { object, method });
    }
    if granted.system {
        Ok(())
    } else {
        check_method(layout, method)
    }
}

/// Whether the caller may look into the bin of the object. Guests may not: what was taken away is not shown to everybody.
pub(super) fn check_look_into_bin(context: &Context, layout: &Layout, granted: &Granted) -> Result<()> {
    if is_guest(context) {
        return Err(DataError::Denied {
            object: layout.object.name.clone(),
            operation: verb(Operation::Restore),
        });
    }
    check_bin(layout, granted, ApiMethod::Restore)
}

impl Engine {
    /// Brings a record back from the bin.
    ///
    /// # Errors
    /// `RecordNotFound` for one that is not in the bin, `MethodDisabled` where there is none, `Duplicate` when another record
    /// took a value that must be unique, `Invalid` when what it belongs to is gone; those of access, of hooks, of the store.
    pub async fn restore(&self, context: &Context, object: &str, id: &str) -> Result<RecordAnswer> {
        let change = Change::Restore {
            object: object.to_owned(),
            id: id.to_owned(),
        };
        self.write_one(context, change).await
    }

    pub(super) async fn plan_restore(&self, draft: &mut Draft<'_>, object: &str, id: &str) -> Result<Planned> {
        let layout = Arc::clone(layout_of(draft.schema, object)?);
        let granted = self.granted_to(draft.caller, &layout, Operation::Restore).await?;
        check_bin(&layout, &granted, ApiMethod::Restore)?;
        let before = self
            .read_binned(draft, &layout, &granted, id, Whereabouts::Bin)
            .await?
            .ok_or_else(|| not_found(object, id))?;
        let after = self.bring_back(draft, &layout, &granted, id, before).await?;
        if let Some(check) = granted.check() {
            self.hold_to(draft, &layout, id, check, "restore")?;
        }
        Ok(Planned {
            layout,
            id: id.to_owned(),
            granted,
            after: Some(after),
        })
    }

    /// The steps that bring a record back and all that went with it.
    fn bring_back<'f>(
        &'f self,
        draft: &'f mut Draft<'_>,
        layout: &'f Arc<Layout>,
        granted: &'f Granted,
        id: &'f str,
        before: Stored,
    ) -> BoxFuture<'f, Result<Stored>> {
        Box::pin(async move {
            draft.count_consequence("records to bring back with it", &layout.object.name)?;
            let Some(column) = layout.system_column(SystemField::DeletedAt) else {
                return Err(DataError::internal("a bin without a moment of deletion"));
            };
            let mut values = Vec::clone(&before);
            values[column] = SqlValue::Null;
            let mut record = Fields::new();
            record.insert(layout.columns[column].name.clone(), Value::Null);
            self.ask_hooks_back(draft, layout, granted, (id, record), &before, &mut values)
                .await?;
            self.seal(draft, layout, granted, Some(&before), &mut values).await?;
            self.count_changed(draft, layout, &before, &values).await?;
            stamp_changed(draft, layout, &before, &mut values);
            let references = pointing(layout, &values, |_| true);
            if draft.diagnose {
                let errors = self.missing_references(draft, granted, &references, true).await?;
                if !errors.is_empty() {
                    let object = layout.object.name.clone();
                    return Err(DataError::Invalid { object, errors });
                }
            }
            let demands = self.demands_of_return(draft, layout, granted, &before, &values).await?;
            self.guard_references(draft, granted, &references)?;
            draft.guard_relied(layout);
            fits_indexes(layout, &values, |column| values[column] != before[column])?;
            let statement = store_record::update(layout.dialect, layout, id, &before, &values);
            draft.push(
                Part::Record {
                    layout: Arc::clone(layout),
                },
                statement,
                Expect::Changed(1),
            );
            self.demand(draft, layout, id, &values, &demands)?;
            let moment = before[column].clone();
            let after = Arc::new(values);
            note_as(
                draft,
                layout,
                id,
                (events::RECORD_RESTORED, Some(HookPoint::AfterUpdate)),
                Some(before),
                Some(Arc::clone(&after)),
            )?;
            if let Some(soft) = &layout.object.soft_delete {
                self.bring_children_back(draft, layout, soft, id, &moment).await?;
            }
            Ok(after)
        })
    }

    /// What before-hooks make of a record that comes back: for them it is a change.
    async fn ask_hooks_back(
        &self,
        draft: &mut Draft<'_>,
        layout: &Arc<Layout>,
        granted: &Granted,
        (id, record): (&str, Fields),
        before: &Stored,
        values: &mut [SqlValue],
    ) -> Result<()> {
        let hook = || RecordHook {
            object: layout.object.name.clone(),
            id: id.to_owned(),
            record,
            previous: Some(document(layout, before)),
            ..RecordHook::default()
        };
        let object = layout.object.name.as_str();
        let hooked = self.before_hook(draft, HookPoint::BeforeUpdate, hook, object).await?;
        let Some(fields) = hooked else { return Ok(()) };
        let taken = take(layout, granted, &fields, Some(before), true, draft.caller)?;
        apply_hooked(layout, values, taken.values);
        let mut errors = taken.errors;
        self.settle_files(draft, layout, granted, Some(before), values, &mut errors)
            .await?;
        if errors.is_empty() {
            return Ok(());
        }
        Err(refused(&layout.object, granted, errors))
    }

    async fn bring_children_back(
        &self,
        draft: &mut Draft<'_>,
        layout: &Layout,
        soft: &SoftDeleteModel,
        id: &str,
        moment: &SqlValue,
    ) -> Result<()> {
        for dependent in dependents(draft.schema, &layout.object.name) {
            let child = &dependent.layout;
            let Some(column) = child.system_column(SystemField::DeletedAt) else {
                continue;
            };
            if dependent.behavior != DeleteBehavior::Cascade || !dependent.goes_along(soft) {
                continue;
            }
            let records = self
                .pointing_records(draft, &dependent, id, Whereabouts::Anywhere)
                .await?;
            for (child_id, before) in records {
                if before[column] == *moment && draft.changed(&child.object.name, &child_id).is_none() {
                    self.bring_back(draft, child, &Granted::system(), &child_id, before)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// A record in the bin, or wherever it is, that the caller may see in this operation.
    pub(super) async fn read_binned(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        granted: &Granted,
        id: &str,
        whereabouts: Whereabouts,
    ) -> Result<Option<Stored>> {
        if let Some(planned) = draft.changed(&layout.object.name, id) {
            return Ok(match whereabouts {
                // What this very write made or brought back is not in the bin.
                Whereabouts::Bin => None,
                _ => planned.clone(),
            });
        }
        let mut checker = Checker::new(draft.schema, layout, None, draft.caller);
        let filter = match granted.view.as_deref() {
            Some(view) => Some(checker.own_view(view)?),
            None => None,
        };
        self.read_where(layout, &checker, filter.as_ref(), id, whereabouts)
            .await
    }

    /// The stored record of an id, where it is looked for and if it meets the filter.
    pub(super) async fn read_where(
        &self,
        layout: &Arc<Layout>,
        checker: &Checker<'_>,
        filter: Option<&Filter>,
        id: &str,
        whereabouts: Whereabouts,
    ) -> Result<Option<Stored>> {
        if id.contains('\0') {
            return Ok(None);
        }
        let mut writer = SqlWriter::new(layout.dialect);
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
        if let (Some(delete), Some(condition)) = (&layout.object.soft_delete, whereabouts.condition()) {
            writer.push(" AND ").column(0, &delete.field).push(condition);
        }
        if let Some(filter) = filter {
            writer.push(" AND ").filter(filter);
        }
        let mut found = None;
        let mut reader = self.store_of(layout).reader().await?;
        reader
            .read(&writer.finish().single(), &mut |row| found = Some(stored(layout, row)))
            .await?;
        Ok(found.map(Arc::new))
    }
}

/// Whether a record is in the bin.
pub(super) fn is_binned(layout: &Layout, values: &[SqlValue]) -> bool {
    layout
        .system_column(SystemField::DeletedAt)
        .is_some_and(|column| !values[column].is_null())
}
