//! Changing a record.

use std::sync::Arc;

use objectos_expression::{Environment as _, RecordEnvironment};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::{ApiMethod, ChangeKind, Severity};

use super::access::Granted;
use super::answer::{RecordAnswer, Values, document, write_stored};
use super::ask::Subject;
use super::commit::{Change, Planned};
use super::create::{apply_hooked, missing, refused, take};
use super::draft::{Draft, Part, Stored};
use super::indexed::fits_indexes;
use super::observe::note;
use super::ports::HookPoint;
use super::reach::Reach;
use super::references::pointing;
use super::relations::{id_of, rule_paths};
use super::restore::Whereabouts;
use super::versions::number_of;
use super::{Engine, Fields, check_method, layout_of, store_record};
use crate::access::View;
use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::model::SystemField;
use crate::query::RawFilter;
use crate::query::check::Checker;
use crate::record::{Layout, moment};
use crate::store::{Expect, SqlValue};
use crate::validate::{RuleContext, Told, UniqueDemand, check_rules, stamp};

/// In which light a record is held against its rules.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    /// What whoever changes it may see.
    pub(super) view: Option<&'a View>,
    /// What is wrong with it already.
    pub(super) faulty: &'a [FieldError],
    /// What is about to happen.
    pub(super) change: ChangeKind,
}

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
        let granted = self.granted_to(draft.caller, &layout, Operation::Update).await?;
        if !granted.system {
            check_method(&layout, ApiMethod::Update)?;
        }
        let Some(before) = self.read_visible(draft, &layout, &granted, id).await? else {
            return Err(self.unreachable_record(draft, &layout, id, Operation::Update).await);
        };
        self.check_version(&layout, &granted, id, &before, expected)?;
        let transfer = self.transfer(draft, &layout, &granted, id, &before, record).await?;
        let after = self.change(draft, &layout, &granted, id, &before, record).await?;
        if let Some(check) = transfer.as_ref().and_then(Granted::check) {
            self.hold_to(draft, &layout, id, check, "transfer")?;
        }
        Ok(Planned {
            layout,
            id: id.to_owned(),
            granted,
            after: Some(after),
        })
    }

    /// Adds the step that holds a written record against a permission.
    pub(super) fn hold_to(
        &self,
        draft: &mut Draft<'_>,
        layout: &Arc<Layout>,
        id: &str,
        check: &RawFilter,
        operation: &'static str,
    ) -> Result<()> {
        let dialect = layout.dialect;
        let outside = store_record::outside(dialect, draft.schema, draft.caller, layout, id, check)?;
        let object = layout.object.name.clone();
        draft.push(Part::Check { object, operation }, outside, Expect::NoRow);
        Ok(())
    }

    /// What the caller may give away, when the change gives the record to another owner: more than changing it.
    async fn transfer(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        granted: &Granted,
        id: &str,
        before: &Stored,
        record: &Fields,
    ) -> Result<Option<Granted>> {
        let owner = layout.system_column(SystemField::OwnerId);
        let (Some(column), Some(to)) = (owner, record.get(SystemField::OwnerId.name())) else {
            return Ok(None);
        };
        if granted.system || to.as_str() == before[column].as_text() {
            return Ok(None);
        }
        let context = draft.caller.context;
        let transfer = self.granted(context, layout, Operation::Transfer).await?;
        match self.read_visible(draft, layout, &transfer, id).await? {
            Some(_) => Ok(Some(transfer)),
            None => Err(self.unreachable_record(draft, layout, id, Operation::Transfer).await),
        }
    }

    pub(super) fn check_version(
        &self,
        layout: &Layout,
        granted: &Granted,
        id: &str,
        before: &[SqlValue],
        expected: Option<&str>,
    ) -> Result<()> {
        let Some(expected) = expected else { return Ok(()) };
        let version = before[layout.updated_at].as_text();
        let number = number_of(layout, before).map(|number| number.to_string());
        let numbered = number.is_some() && expected.bytes().all(|byte| byte.is_ascii_digit());
        let same = number.as_deref() == Some(expected)
            || version == Some(expected)
            || (version.is_some() && moment::parse_datetime(expected).as_deref() == version);
        if same {
            return Ok(());
        }
        let mut current = Vec::new();
        write_stored(
            &mut current,
            layout,
            granted.view.as_deref(),
            granted.system,
            &Values(before),
        );
        Err(DataError::Stale {
            object: layout.object.name.clone(),
            id: id.to_owned(),
            current_version: number.filter(|_| numbered).or_else(|| version.map(str::to_owned)),
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
        let taken = take(layout, granted, record, Some(before), granted.system, draft.caller)?;
        let mut values = Vec::clone(before);
        for (column, value) in taken.values {
            values[column] = value;
        }
        let mut demands = self
            .settle_changed(draft, layout, granted, before, &mut values, taken.errors)
            .await?;
        let hooked = self
            .before_hook(
                draft,
                HookPoint::BeforeUpdate,
                || RecordHook {
                    object: object.to_owned(),
                    id: id.to_owned(),
                    record: changed_fields(layout, before, &values),
                    previous: Some(document(layout, before)),
                    ..RecordHook::default()
                },
                object,
            )
            .await?;
        if let Some(fields) = hooked {
            let taken = take(layout, granted, &fields, Some(before), true, draft.caller)?;
            // What the hook took out of the change goes back to what it was.
            draft.untell();
            let asked = std::mem::replace(&mut values, Vec::clone(before));
            keep_secrets(layout, &fields, &asked, &mut values);
            apply_hooked(layout, &mut values, taken.values);
            demands = self
                .settle_changed(draft, layout, granted, before, &mut values, taken.errors)
                .await?;
        }
        self.seal(draft, layout, granted, Some(before), &mut values).await?;
        self.count_changed(draft, layout, before, &values).await?;
        stamp_changed(draft, layout, before, &mut values);
        let changes = |column: usize| values[column] != before[column];
        self.guard_references(draft, granted, &pointing(layout, &values, changes))?;
        draft.guard_relied(layout);
        fits_indexes(layout, &values, changes)?;
        let dialect = layout.dialect;
        let statement = store_record::update(dialect, layout, id, before, &values);
        draft.push(
            Part::Record {
                layout: Arc::clone(layout),
            },
            statement,
            Expect::Changed(1),
        );
        self.demand(draft, layout, id, &values, &demands)?;
        self.guard_trees(draft, layout, id, &values, changes);
        if let Some(check) = granted.check() {
            self.hold_to(draft, layout, id, check, "update")?;
        }
        let after = Arc::new(values);
        note(draft, layout, id, Some(Arc::clone(before)), Some(Arc::clone(&after)))?;
        Ok(after)
    }

    async fn settle_changed(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        granted: &Granted,
        before: &Stored,
        values: &mut [SqlValue],
        mut errors: Vec<FieldError>,
    ) -> Result<Vec<UniqueDemand>> {
        self.settle_files(draft, layout, granted, Some(before), values, &mut errors)
            .await?;
        let values = &*values;
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
        if errors.is_empty() {
            // Whoever takes a record away from a master must be able to read that one as well.
            let leaves = pointing(layout, before, changes);
            errors.extend(self.unreadable_masters(draft, granted, &leaves).await?);
        }
        let mut demands = Vec::new();
        if !layout.object.rules.is_empty() {
            let judged = Judged {
                view: granted.view.as_deref(),
                faulty: &errors,
                change: ChangeKind::Update,
            };
            let (broken, asked) = self.rules(draft, layout, judged, values, Some(before)).await?;
            errors.extend(broken);
            demands = asked;
        }
        let all = !errors.is_empty() || draft.diagnose;
        let absent = self.missing_references(draft, granted, &references, all).await?;
        let new: Vec<FieldError> = absent
            .into_iter()
            .filter(|error| errors.iter().all(|known| known.field != error.field))
            .collect();
        errors.extend(new);
        if errors.is_empty() {
            return Ok(demands);
        }
        Err(refused(&layout.object, granted, errors))
    }

    /// Holds the record against the rules of its object.
    pub(super) async fn rules(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        judged: Judged<'_>,
        values: &[SqlValue],
        before: Option<&Stored>,
    ) -> Result<(Vec<FieldError>, Vec<UniqueDemand>)> {
        let Judged { view, faulty, change } = judged;
        let record = document(layout, values);
        let previous = before.map(|before| document(layout, before));
        let reach = Reach::of(draft.schema, layout, &rule_paths(&layout.object));
        let reached = self.reached(draft, layout, record.clone(), &reach).await?;
        let reached_before = match &previous {
            Some(previous) => Some(self.reached(draft, layout, previous.clone(), &reach).await?),
            None => None,
        };
        let mut environment = RecordEnvironment::new(&reached, draft.caller.now_ms)
            .with_user(draft.caller.user())
            .with_zone(draft.caller.zone().clone());
        match &reached_before {
            Some(previous) => environment = environment.with_previous(previous),
            None => environment = environment.as_new(),
        }
        let verdict = check_rules(RuleContext {
            object: &layout.object,
            change,
            record: &record,
            previous: previous.as_ref(),
            faulty,
            view,
            environment: &environment,
        })?;
        let (mut errors, questions) = (verdict.errors, verdict.questions);
        draft.tell(verdict.told);
        if !questions.is_empty() {
            let subject = Subject {
                object: &layout.object,
                change,
                record: &record,
                previous: previous.as_ref(),
            };
            let asked = self.ask(draft, subject, &questions).await;
            let (broken, told) = if faulty.is_empty() && errors.is_empty() {
                asked?
            } else {
                // Refused in any case: that somebody does not answer hides nothing of it.
                asked.unwrap_or_default()
            };
            errors.extend(broken);
            draft.tell(told);
        }
        let (strict, lenient): (Vec<_>, Vec<_>) = verdict
            .demands
            .into_iter()
            .partition(|demand| demand.severity == Severity::Error);
        draft.tell(self.known_doubles(draft, layout, values, &lenient).await?);
        if change != ChangeKind::Delete && !(faulty.is_empty() && errors.is_empty()) {
            // The transaction that would find them never comes.
            let doubles = self.known_doubles(draft, layout, values, &strict).await?;
            errors.extend(doubles.into_iter().map(|told| told.error));
        }
        Ok((errors, strict))
    }

    /// Doubles of a record that is not written yet: another one at the same moment may be missed.
    pub(super) async fn known_doubles(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        values: &[SqlValue],
        demands: &[UniqueDemand],
    ) -> Result<Vec<Told>> {
        let mut doubles = Vec::new();
        for demand in demands {
            let Some(statement) = self.doubles(draft, layout, &id_of(layout, values), values, demand)? else {
                continue;
            };
            let mut double = false;
            let mut reader = self.store_of(layout).reader().await?;
            reader.read(&statement.single(), &mut |_| double = true).await?;
            if double {
                let severity = demand.severity;
                doubles.extend(demand.fields.iter().map(|field| Told {
                    severity,
                    error: FieldError::new(field, FieldCode::Duplicate, &demand.message).with_rule(&demand.rule),
                }));
            }
        }
        Ok(doubles)
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
        self.read_where(layout, &checker, Some(&filter), id, Whereabouts::Live)
            .await
    }
}

/// Secrets that were to change still do when a hook changes other fields: it saw that they change, but not to what. One that it
/// took out of the change stays as it was.
fn keep_secrets(layout: &Layout, hooked: &Fields, asked: &[SqlValue], values: &mut [SqlValue]) {
    for (index, column) in layout.columns.iter().enumerate() {
        if column.form.is_kept_back() && hooked.contains_key(&column.name) {
            values[index] = asked[index].clone();
        }
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
pub(super) fn stamp_changed(draft: &Draft<'_>, layout: &Layout, before: &[SqlValue], values: &mut [SqlValue]) {
    let last = before[layout.updated_at].as_text().and_then(moment::to_ms);
    let now = last.map_or(draft.caller.now_ms, |last| draft.caller.now_ms.max(last + 1));
    values[layout.updated_at] = SqlValue::Text(stamp(now));
    if let Some(column) = layout.system_column(SystemField::UpdatedBy) {
        values[column] = draft.caller.stamp();
    }
    if let (Some(column), Some(number)) = (layout.system_column(SystemField::Version), number_of(layout, before)) {
        values[column] = SqlValue::Integer(number.saturating_add(1));
    }
}
