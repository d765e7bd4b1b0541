//! Deleting a record, and what follows from it: records that point to it are deleted with it, lose the reference, or stand in
//! the way, as their fields say. All of it is one unit; each record that is touched has its hooks and its event.
//!
//! A record that goes into the bin takes others along, or empties their references, only with `cascadeDelete`. Without it nothing
//! of others changes: a `set_null` reference stays as it is, leads nowhere as long as the record is in the bin, and leads there
//! again when it comes back, which an emptied one would not. Deleting for good does what the fields say.

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::events;
use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::{ApiMethod, ChangeKind, DeleteBehavior};
use serde_json::Value;

use super::access::Granted;
use super::answer::document;
use super::commit::{Change, Planned};
use super::draft::{Draft, Part, Stored};
use super::files::note_files;
use super::find::Search;
use super::observe::{note, note_as};
use super::ports::HookPoint;
use super::relations::{id_of, stored};
use super::restore::{Whereabouts, is_binned};
use super::update::{Judged, stamp_changed};
use super::{Engine, Fields, check_method, layout_of, store_record};
use crate::error::{DataError, Result};
use crate::model::{FieldKind, FieldModel, SoftDeleteModel, SystemField};
use crate::query::{Operand, Operator, QueryInput, RawFilter, RawTest};
use crate::record::{Layout, Schema};
use crate::store::{BoxFuture, Expect, SqlValue};
use crate::validate::stamp;

/// How a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Into the bin, where the object has one.
    Delete,
    /// For good, and what depends on it as well, in the bin or not.
    Purge,
}

impl Manner {
    fn whereabouts(self) -> Whereabouts {
        match self {
            Self::Delete => Whereabouts::Live,
            Self::Purge => Whereabouts::Anywhere,
        }
    }
}

/// What follows from a delete is the app's decision, not the caller's.
fn consequence() -> Granted {
    Granted::system()
}

/// A field of another object that points here.
pub(super) struct Dependent {
    pub(super) layout: Arc<Layout>,
    field: String,
    many: bool,
    pub(super) behavior: DeleteBehavior,
    /// The records belong to this one, and have a bin to follow it into.
    follows_master: bool,
}

impl Dependent {
    /// Whether the records go into the bin with this one, and come back with it. Details go with their master whatever
    /// `cascadeDelete` says; those that have no bin stay, since they could not come back.
    pub(super) fn goes_along(&self, soft: &SoftDeleteModel) -> bool {
        soft.cascade || self.follows_master
    }
}

impl Engine {
    /// Deletes a record: into the bin, where the object has one.
    ///
    /// # Errors
    /// `RecordNotFound`, `DeleteRestricted`, `TooMuchFollows` when too much hangs on it; those of access, of hooks, and of the store.
    pub async fn delete(&self, context: &Context, object: &str, id: &str) -> Result<()> {
        self.delete_expected(context, object, id, None).await
    }

    /// The same, if the record is still the one that the caller knows.
    ///
    /// # Errors
    /// `Stale` when it is not; as [`Engine::delete`] otherwise.
    pub async fn delete_expected(
        &self,
        context: &Context,
        object: &str,
        id: &str,
        expected: Option<String>,
    ) -> Result<()> {
        let change = Change::Delete {
            object: object.to_owned(),
            id: id.to_owned(),
            expected,
            purge: false,
        };
        self.write_one(context, change).await.map(drop)
    }

    /// Deletes a record for good, out of the bin or past it, with all that hangs on it.
    ///
    /// # Errors
    /// As [`Engine::delete_expected`].
    pub async fn purge(&self, context: &Context, object: &str, id: &str, expected: Option<String>) -> Result<()> {
        let change = Change::Delete {
            object: object.to_owned(),
            id: id.to_owned(),
            expected,
            purge: true,
        };
        self.write_one(context, change).await.map(drop)
    }

    pub(super) async fn plan_delete(
        &self,
        draft: &mut Draft<'_>,
        object: &str,
        id: &str,
        expected: Option<&str>,
    ) -> Result<Planned> {
        let layout = Arc::clone(layout_of(draft.schema, object)?);
        let granted = self.granted_to(draft.caller, &layout, Operation::Delete).await?;
        if !granted.system {
            check_method(&layout, ApiMethod::Delete)?;
        }
        let Some(before) = self.read_visible(draft, &layout, &granted, id).await? else {
            return Err(self.unreachable_record(draft, &layout, id, Operation::Delete).await);
        };
        self.check_version(&layout, &granted, id, &before, expected)?;
        self.remove_all(draft, &layout, id, before, Manner::Delete).await?;
        Ok(Planned {
            layout,
            id: id.to_owned(),
            granted,
            after: None,
        })
    }

    pub(super) async fn plan_purge(
        &self,
        draft: &mut Draft<'_>,
        object: &str,
        id: &str,
        expected: Option<&str>,
    ) -> Result<Planned> {
        let layout = Arc::clone(layout_of(draft.schema, object)?);
        let granted = self.granted_to(draft.caller, &layout, Operation::Purge).await?;
        if !granted.system {
            check_method(&layout, ApiMethod::Purge)?;
        }
        let found = self
            .read_binned(draft, &layout, &granted, id, Whereabouts::Anywhere)
            .await?;
        let Some(before) = found else {
            return Err(self.unreachable_record(draft, &layout, id, Operation::Purge).await);
        };
        self.check_version(&layout, &granted, id, &before, expected)?;
        self.remove_all(draft, &layout, id, before, Manner::Purge).await?;
        Ok(Planned {
            layout,
            id: id.to_owned(),
            granted,
            after: None,
        })
    }

    async fn remove_all(
        &self,
        draft: &mut Draft<'_>,
        layout: &Arc<Layout>,
        id: &str,
        before: Stored,
        manner: Manner,
    ) -> Result<()> {
        let mut guards = Vec::new();
        self.remove(draft, layout, id, before, manner, &mut guards).await?;
        // At the end, when all that goes is gone: records may point to each other.
        // In another database it was looked at before, and no transaction holds it.
        guards.retain(|(dependent, ..)| dependent.datasource == layout.datasource);
        for (layout, field, many, id) in guards {
            let dialect = layout.dialect;
            let statement = store_record::still_pointing(dialect, &layout, &field, many, &id, manner.whereabouts());
            draft.push(Part::Dependents, statement, Expect::NoRow);
        }
        Ok(())
    }

    /// The steps that delete a record and all that hangs on it.
    fn remove<'f>(
        &'f self,
        draft: &'f mut Draft<'_>,
        layout: &'f Arc<Layout>,
        id: &'f str,
        before: Stored,
        manner: Manner,
        guards: &'f mut Vec<(Arc<Layout>, String, bool, String)>,
    ) -> BoxFuture<'f, Result<()>> {
        Box::pin(async move {
            let object = layout.object.name.as_str();
            draft.count_consequence("records to delete with it", object)?;
            // What is in the bin was deleted once already, with its rules and hooks.
            let binned = is_binned(layout, &before);
            if !binned && !layout.object.rules.is_empty() {
                let judged = Judged {
                    view: None,
                    faulty: &[],
                    change: ChangeKind::Delete,
                };
                let (errors, _) = self.rules(draft, layout, judged, &before, Some(&before)).await?;
                if !errors.is_empty() {
                    return Err(DataError::Invalid {
                        object: object.to_owned(),
                        errors,
                    });
                }
                draft.guard_relied(layout);
            }
            if !binned {
                let hook = || RecordHook {
                    object: object.to_owned(),
                    id: id.to_owned(),
                    record: Fields::new(),
                    previous: Some(document(layout, &before)),
                    ..RecordHook::default()
                };
                self.before_hook(draft, HookPoint::BeforeDelete, hook, object).await?;
            }
            // From here on it counts as gone, so that a circle of records comes to an end.
            draft.set(object, id, None);
            // A bin that nobody can open keeps nothing.
            let bin = manner == Manner::Delete && layout.object.capabilities.trash;
            let soft = layout.object.soft_delete.as_ref().filter(|_| bin);
            for dependent in dependents(draft.schema, object) {
                // A bin that is not followed leaves the others where they point.
                let follows = soft.is_none_or(|soft| dependent.goes_along(soft));
                if follows || dependent.behavior == DeleteBehavior::Restrict {
                    self.follow(draft, layout, id, &dependent, manner, guards).await?;
                    // Looked at once more when it counts: somebody may be faster with a record that points here.
                    guards.push((dependent.layout, dependent.field, dependent.many, id.to_owned()));
                }
            }
            let dialect = layout.dialect;
            let statement = match soft.and_then(|_| layout.system_column(SystemField::DeletedAt)) {
                Some(column) => {
                    let mut values = Vec::clone(&before);
                    stamp_changed(draft, layout, &before, &mut values);
                    values[column] = SqlValue::Text(stamp(draft.caller.now_ms));
                    store_record::update(dialect, layout, id, &before, &values)
                }
                None => store_record::delete(dialect, layout, id, &before),
            };
            draft.push(
                Part::Record {
                    layout: Arc::clone(layout),
                },
                statement,
                Expect::Changed(1),
            );
            if soft.is_none() {
                note_files(draft, layout, id, Some(&before), None)?;
            }
            if !binned {
                note(draft, layout, id, Some(Arc::clone(&before)), None)?;
            }
            if manner == Manner::Purge {
                note_as(draft, layout, id, (events::RECORD_PURGED, None), Some(before), None)?;
            }
            Ok(())
        })
    }

    /// What becomes of the records that point to a deleted one by one field.
    async fn follow(
        &self,
        draft: &mut Draft<'_>,
        layout: &Layout,
        id: &str,
        dependent: &Dependent,
        manner: Manner,
        guards: &mut Vec<(Arc<Layout>, String, bool, String)>,
    ) -> Result<()> {
        let records = self
            .pointing_records(draft, dependent, id, manner.whereabouts())
            .await?;
        if records.is_empty() {
            return Ok(());
        }
        match dependent.behavior {
            DeleteBehavior::Restrict => {
                let count = self
                    .count_seen(draft, dependent, id, &records, manner.whereabouts())
                    .await?;
                Err(DataError::DeleteRestricted {
                    object: layout.object.name.clone(),
                    id: id.to_owned(),
                    dependent: dependent.layout.object.name.clone(),
                    count,
                })
            }
            DeleteBehavior::Cascade => {
                for (child, before) in records {
                    // A record that was reached over another field meanwhile.
                    if !matches!(draft.changed(&dependent.layout.object.name, &child), Some(None)) {
                        self.remove(draft, &dependent.layout, &child, before, manner, guards)
                            .await?;
                    }
                }
                Ok(())
            }
            DeleteBehavior::SetNull => {
                for (child, before) in records {
                    draft.count_consequence("records to change with it", &dependent.layout.object.name)?;
                    let mut change = Fields::new();
                    change.insert(dependent.field.clone(), without(dependent, &before, id));
                    self.change(draft, &dependent.layout, &consequence(), &child, &before, &change)
                        .await?;
                }
                Ok(())
            }
        }
    }

    /// The records that point to this one, as they are or as this write made them.
    pub(super) async fn pointing_records(
        &self,
        draft: &Draft<'_>,
        dependent: &Dependent,
        id: &str,
        whereabouts: Whereabouts,
    ) -> Result<Vec<(String, Stored)>> {
        let Dependent {
            layout, field, many, ..
        } = dependent;
        let limit = u64::try_from(draft.cascade_max).map_or(u64::MAX, |max| max.saturating_add(1));
        let statement = store_record::pointing_to(layout.dialect, layout, field, *many, id, limit, whereabouts);
        let mut records = Vec::new();
        let mut reader = self.store_of(layout).reader().await?;
        reader
            .read(&statement, &mut |row| records.push(Arc::new(stored(layout, row))))
            .await?;
        drop(reader);
        let mut kept = Vec::with_capacity(records.len());
        for record in records {
            let child = id_of(layout, &record);
            match draft.changed(&layout.object.name, &child) {
                None => kept.push((child, record)),
                Some(None) => {}
                Some(Some(planned)) => {
                    if points(dependent, planned, id) {
                        kept.push((child, Arc::clone(planned)));
                    }
                }
            }
        }
        // Those that did not point here before, and will.
        for (child, planned) in draft.changed_of(&layout.object.name) {
            let there = whereabouts == Whereabouts::Anywhere || !is_binned(layout, planned);
            if there && points(dependent, planned, id) && !kept.iter().any(|(known, _)| known == child) {
                kept.push((child.to_owned(), Arc::clone(planned)));
            }
        }
        Ok(kept)
    }

    /// How many of the records that point here the caller sees; those that this write makes or changes are the caller's own.
    async fn count_seen(
        &self,
        draft: &Draft<'_>,
        dependent: &Dependent,
        id: &str,
        records: &[(String, Stored)],
        whereabouts: Whereabouts,
    ) -> Result<u64> {
        let layout = &dependent.layout;
        let granted = match self.granted(draft.caller.context, layout, Operation::Read).await {
            Ok(granted) if granted.knows(&dependent.field) => granted,
            Ok(_) | Err(DataError::Denied { .. }) => return Ok(0),
            Err(error) => return Err(error),
        };
        let search = Search {
            schema: draft.schema,
            layout,
            caller: draft.caller,
            granted: &granted,
        };
        let points_here = RawFilter::Test(RawTest {
            field: dependent.field.clone(),
            operator: if dependent.many {
                Operator::Contains
            } else {
                Operator::Eq
            },
            operand: Operand::Value(Value::from(id)),
        });
        let mut seen = 0;
        let places: &[bool] = match whereabouts {
            Whereabouts::Live => &[false],
            Whereabouts::Bin => &[true],
            Whereabouts::Anywhere => &[false, true],
        };
        for binned in places
            .iter()
            .filter(|binned| !**binned || layout.object.soft_delete.is_some())
        {
            let query = QueryInput {
                fields: Some(vec![SystemField::Id.name().to_owned()]),
                filter: Some(points_here.clone()),
                limit: Some(0),
                binned: *binned,
                ..QueryInput::default()
            };
            seen += self.page(&search, &query).await?.total.unwrap_or_default();
        }
        let object = &layout.object.name;
        let own = records
            .iter()
            .filter(|(child, _)| draft.changed(object, child).is_some());
        Ok(seen.max(u64::try_from(own.count()).unwrap_or(u64::MAX)))
    }
}

/// The fields that point to records of an object.
pub(super) fn dependents(schema: &Schema, object: &str) -> Vec<Dependent> {
    let mut found: Vec<Dependent> = schema
        .catalogue
        .children(object)
        .iter()
        .filter_map(|child| {
            let layout = schema.layout(&child.object)?;
            let field = layout.object.field(&child.field)?;
            let behavior = behavior_of(field)?;
            let many = field.kind == FieldKind::References;
            let bin = layout.object.soft_delete.is_some() && layout.object.capabilities.trash;
            let detail = field.reference.as_ref().is_some_and(|reference| reference.master);
            Some(Dependent {
                follows_master: detail && bin && behavior == DeleteBehavior::Cascade,
                layout: Arc::clone(layout),
                field: field.name.clone(),
                many,
                behavior,
            })
        })
        .collect();
    // Those that stand in the way first: nothing is planned in vain.
    found.sort_by_key(|dependent| match dependent.behavior {
        DeleteBehavior::Restrict => 0,
        DeleteBehavior::Cascade => 1,
        DeleteBehavior::SetNull => 2,
    });
    found
}

/// A reference that may not be empty cannot be emptied: it stands in the way.
fn behavior_of(field: &FieldModel) -> Option<DeleteBehavior> {
    let behavior = field.reference.as_ref()?.delete_behavior;
    Some(match behavior {
        DeleteBehavior::SetNull if field.required => DeleteBehavior::Restrict,
        other => other,
    })
}

fn points(dependent: &Dependent, values: &[SqlValue], id: &str) -> bool {
    let value = dependent
        .layout
        .column(&dependent.field)
        .and_then(|column| values.get(column));
    let Some(text) = value.and_then(SqlValue::as_text) else {
        return false;
    };
    if dependent.many {
        list(text).iter().any(|item| item == id)
    } else {
        text == id
    }
}

/// The value of the field without the record that goes.
fn without(dependent: &Dependent, values: &[SqlValue], id: &str) -> Value {
    if !dependent.many {
        return Value::Null;
    }
    let value = dependent
        .layout
        .column(&dependent.field)
        .and_then(|column| values.get(column));
    let ids = value.and_then(SqlValue::as_text).map(list).unwrap_or_default();
    Value::from(ids.into_iter().filter(|item| item != id).collect::<Vec<_>>())
}

fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}
