//! Making a record.

use std::sync::Arc;

use objectos_expression::{Environment, RecordEnvironment, evaluate};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::{ApiMethod, ChangeKind};
use objectos_plugin_api::{NESTED_MAX, NESTED_TRUSTED_MAX, nests_beyond, too_deep};
use serde_json::Value;

use super::access::Granted;
use super::answer::{RecordAnswer, document, to_json};
use super::commit::{Change, Planned};
use super::draft::{Draft, Part};
use super::identify::is_id;
use super::indexed::fits_indexes;
use super::observe::note;
use super::ports::HookPoint;
use super::references::pointing;
use super::restore::is_binned;
use super::update::Judged;
use super::{Engine, Fields, check_method, layout_of, store_record};
use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::model::{CurrencyModel, DefaultValue, FieldKind, FieldModel, FieldSettings, ObjectModel, SystemField};
use crate::record::mask::masked;
use crate::record::{Form, Layout, SECRET_MASK};
use crate::store::{Expect, SqlValue, Statement};
use crate::validate::{UniqueDemand, normalise, stamp};

/// What came, taken field by field.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Column and value of each field that came and is in order.
    pub(super) values: Vec<(usize, SqlValue)>,
    /// What is wrong with the others.
    pub(super) errors: Vec<FieldError>,
}

impl Engine {
    /// Makes a record.
    ///
    /// # Errors
    /// `Invalid` with all that is wrong, `UnknownFields`, `Duplicate`, those of access, of hooks, and of the store.
    pub async fn create(&self, context: &Context, object: &str, record: Fields) -> Result<RecordAnswer> {
        self.write_one(
            context,
            Change::Create {
                object: object.to_owned(),
                record,
            },
        )
        .await
    }

    pub(super) async fn plan_create(&self, draft: &mut Draft<'_>, object: &str, record: &Fields) -> Result<Planned> {
        let layout = Arc::clone(layout_of(draft.schema, object)?);
        let granted = self.granted_to(draft.caller, &layout, Operation::Create).await?;
        if !granted.system {
            check_method(&layout, ApiMethod::Create)?;
        }
        let mut taken = take(&layout, &granted, record, None, granted.system, draft.caller)?;
        let id = match self.new_id(draft, &layout, record) {
            Ok(id) => id,
            Err(error) => {
                taken.errors.push(error);
                String::new()
            }
        };
        let mut values = vec![SqlValue::Null; layout.columns.len()];
        values[0] = SqlValue::Text(id.clone());
        for (column, value) in taken.values {
            values[column] = value;
        }
        self.default_values(draft, &layout, record, &mut values, &mut taken.errors)?;
        stamp_new(draft, &layout, &granted, &mut values);
        let mut demands = self
            .settle_new(draft, &layout, &granted, &mut values, taken.errors)
            .await?;
        let hooked = self
            .before_hook(
                draft,
                HookPoint::BeforeInsert,
                || RecordHook {
                    object: object.to_owned(),
                    id: id.clone(),
                    record: document(&layout, &values),
                    ..RecordHook::default()
                },
                object,
            )
            .await?;
        if let Some(fields) = hooked {
            draft.untell();
            let taken = take(&layout, &granted, &fields, None, true, draft.caller)?;
            apply_hooked(&layout, &mut values, taken.values);
            values[0] = SqlValue::Text(id.clone());
            demands = Box::pin(self.settle_new(draft, &layout, &granted, &mut values, taken.errors)).await?;
        }
        self.seal(draft, &layout, &granted, None, &mut values).await?;
        self.number(draft, &layout, &mut values).await?;
        self.guard_references(draft, &granted, &pointing(&layout, &values, |_| true))?;
        draft.guard_relied(&layout);
        fits_indexes(&layout, &values, |_| true)?;
        draft.push(
            Part::Record {
                layout: Arc::clone(&layout),
            },
            store_record::insert(&layout, &values),
            Expect::Anything,
        );
        self.demand(draft, &layout, &id, &values, &demands)?;
        self.guard_trees(draft, &layout, &id, &values, |_| true);
        if let Some(check) = granted.check() {
            self.hold_to(draft, &layout, &id, check, "create")?;
        }
        let after = Arc::new(values);
        note(draft, &layout, &id, None, Some(Arc::clone(&after)))?;
        Ok(Planned {
            layout,
            id,
            granted,
            after: Some(after),
        })
    }

    fn new_id(&self, draft: &Draft<'_>, layout: &Layout, record: &Fields) -> Result<String, FieldError> {
        match record.get(SystemField::Id.name()) {
            None | Some(Value::Null) => {
                let make = || self.ids.make(layout.object.key_prefix.as_deref(), draft.caller.now_ms);
                Ok(draft
                    .known
                    .ids
                    .lock()
                    .entry(draft.operation)
                    .or_insert_with(make)
                    .clone())
            }
            Some(Value::String(id)) if is_id(id) => Ok(id.clone()),
            Some(_) => {
                let message = "an id has 1 to 64 letters, digits, '_' and '-'";
                Err(FieldError::new(
                    SystemField::Id.name(),
                    FieldCode::InvalidFormat,
                    message,
                ))
            }
        }
    }

    /// Values of the fields that did not come.
    fn default_values(
        &self,
        draft: &Draft<'_>,
        layout: &Layout,
        record: &Fields,
        values: &mut [SqlValue],
        errors: &mut Vec<FieldError>,
    ) -> Result<()> {
        let mut computed = Vec::new();
        for (index, column) in layout.columns.iter().enumerate() {
            let field = layout.field(index);
            match &field.default {
                Some(_) if record.contains_key(&column.name) || !values[index].is_null() => {}
                None => {}
                Some(DefaultValue::Literal(value)) => match normalise(field, value, draft.caller) {
                    Ok(value) => values[index] = value,
                    Err(error) => errors.push(error),
                },
                Some(DefaultValue::Expression(expression)) => computed.push((index, Arc::clone(expression))),
            }
        }
        for (index, expression) in computed {
            let known = Value::Object(document(layout, values));
            let environment = RecordEnvironment::new(&known, draft.caller.now_ms)
                .as_new()
                .with_user(draft.caller.user())
                .with_zone(draft.caller.zone().clone());
            let value = evaluate(expression.checked(), &environment).map_err(|error| DataError::Expression {
                object: layout.object.name.clone(),
                place: format!("the default of '{}'", layout.columns[index].name),
                reason: error.to_string(),
            })?;
            match normalise(layout.field(index), &value.to_json(), draft.caller) {
                Ok(value) => values[index] = value,
                Err(error) => errors.push(error),
            }
        }
        Ok(())
    }

    /// Everything that is wrong with the record; else what the database has to decide.
    async fn settle_new(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        granted: &Granted,
        values: &mut [SqlValue],
        mut errors: Vec<FieldError>,
    ) -> Result<Vec<UniqueDemand>> {
        self.settle_files(draft, layout, granted, None, values, &mut errors)
            .await?;
        let values = &*values;
        for (index, _) in layout.columns.iter().enumerate() {
            let field = layout.field(index);
            let told = errors.iter().any(|error| error.field == field.name);
            if field.required && field.system.is_none() && field.kind != FieldKind::Autonumber && !told {
                errors.extend(missing(field, &values[index]));
            }
        }
        let references = pointing(layout, values, |_| true);
        errors.extend(self.unreadable_masters(draft, granted, &references).await?);
        let mut demands = Vec::new();
        if !layout.object.rules.is_empty() {
            let judged = Judged {
                view: granted.view.as_deref(),
                faulty: &errors,
                change: ChangeKind::Insert,
            };
            let (broken, asked) = self.rules(draft, layout, judged, values, None).await?;
            errors.extend(broken);
            demands = asked;
        }
        let all = !errors.is_empty() || draft.diagnose;
        let absent = self.missing_references(draft, granted, &references, all).await?;
        errors.extend(
            absent
                .into_iter()
                .filter(|error| errors.iter().all(|known| known.field != error.field))
                .collect::<Vec<_>>(),
        );
        if errors.is_empty() {
            return Ok(demands);
        }
        Err(refused(&layout.object, granted, errors))
    }

    /// Adds the steps for what must be unique without an index that says so.
    pub(super) fn demand(
        &self,
        draft: &mut Draft<'_>,
        layout: &Arc<Layout>,
        id: &str,
        values: &[SqlValue],
        demands: &[UniqueDemand],
    ) -> Result<()> {
        // What lies in the bin is in nobody's way, whatever a delete changes in it.
        if is_binned(layout, values) {
            return Ok(());
        }
        for demand in demands {
            if let Some(statement) = self.doubles(draft, layout, id, values, demand)? {
                let part = Part::Unique {
                    object: layout.object.name.clone(),
                    fields: demand.fields.clone(),
                };
                draft.push(part, statement, Expect::NoRow);
            }
        }
        Ok(())
    }

    /// Answers a row when another record has the values; none when a field has no column.
    pub(super) fn doubles(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        id: &str,
        values: &[SqlValue],
        demand: &UniqueDemand,
    ) -> Result<Option<Statement>> {
        let mut pairs = Vec::with_capacity(demand.fields.len() + 1);
        for field in &demand.fields {
            let Some(column) = layout.column(field) else {
                return Ok(None);
            };
            pairs.push((field.as_str(), values[column].clone()));
        }
        // What another tenant has is nobody's business.
        if let Some(column) = layout.system_column(SystemField::Tenant)
            && pairs.iter().all(|(field, _)| *field != layout.columns[column].name)
        {
            pairs.push((&layout.columns[column].name, values[column].clone()));
        }
        let taken = store_record::Taken {
            id,
            values: &pairs,
            case_sensitive: demand.case_sensitive,
            scope: demand.scope.as_deref(),
        };
        let dialect = layout.dialect;
        store_record::taken(dialect, draft.schema, draft.caller, layout, &taken).map(Some)
    }
}

/// Reads the fields that came, as the environment of whoever sends them has it. `trusted`: they come from the system or from a
/// hook and may be any.
pub(super) fn take(
    layout: &Layout,
    granted: &Granted,
    record: &Fields,
    previous: Option<&[SqlValue]>,
    trusted: bool,
    environment: &dyn Environment,
) -> Result<Taken> {
    let object = &layout.object;
    let mut taken = Taken::default();
    // A record that comes back as it was read changes nothing. Of what cannot be read, or only through a mask, even that would
    // tell.
    let comes_back = |field: &FieldModel, value: &Value, before: Option<(Form, &SqlValue)>| {
        granted.knows(&field.name) && before.is_some_and(|before| is_same(field, value, before, environment))
    };
    let mut denied = Vec::new();
    for (name, value) in record {
        let Some(field) = object.field(name) else {
            taken.errors.push(unknown(object, granted, name));
            continue;
        };
        let column = layout.column(name);
        // What is encrypted is compared as those see it who may read it.
        let clear = column
            .zip(previous)
            .and_then(|(column, previous)| layout.clear(column, previous));
        let before = match (&clear, column.zip(previous)) {
            (Some(clear), _) => Some((Form::Text, clear)),
            (None, Some((column, previous))) => Some((layout.columns[column].form, &previous[column])),
            (None, None) => None,
        };
        if field.system == Some(SystemField::Id) {
            if let Some((_, before)) = before
                && value.as_str() != before.as_text()
            {
                taken.errors.push(read_only(field));
            }
            continue;
        }
        if field.encrypted && value.as_str() == Some(SECRET_MASK) {
            // A secret that comes back as it was read stays, whoever sends it.
            if previous.is_none() {
                taken.errors.push(only_mask(field));
            }
            continue;
        }
        if !trusted && before.is_some_and(|before| is_mask(granted, field, value, before)) {
            continue;
        }
        let closed = field.readonly || column.is_none();
        if !trusted && closed {
            if !value.is_null() && !comes_back(field, value, before) {
                taken.errors.push(read_only(field));
            }
            continue;
        }
        if !trusted && !granted.writes(name) {
            if !comes_back(field, value, before) {
                denied.push(name.clone());
            }
            continue;
        }
        // What is computed is computed again, whoever sends it.
        let Some(column) = column else { continue };
        if clear.is_some_and(|clear| value.as_str() == clear.as_text()) {
            // Encrypted anew it would be another value.
            continue;
        }
        match check_depth(field, value, trusted).and_then(|()| normalise(field, value, environment)) {
            Ok(stored) => {
                taken.values.push((column, stored));
                take_currency(layout, field, value, (record, environment), &mut taken);
            }
            Err(error) => taken.errors.push(error),
        }
    }
    if !denied.is_empty() {
        return Err(DataError::FieldsDenied {
            object: object.name.clone(),
            fields: denied,
        });
    }
    Ok(taken)
}

fn check_depth(field: &FieldModel, value: &Value, trusted: bool) -> Result<(), FieldError> {
    let most = if trusted { NESTED_TRUSTED_MAX } else { NESTED_MAX };
    if nests_beyond(value, most) {
        let message = too_deep(&field.label, most);
        return Err(FieldError::new(&field.name, FieldCode::InvalidFormat, message));
    }
    Ok(())
}

/// The currency in `{value, currency}` goes to the field beside the amount, unless that came by itself.
fn take_currency(
    layout: &Layout,
    field: &FieldModel,
    value: &Value,
    (record, environment): (&Fields, &dyn Environment),
    taken: &mut Taken,
) {
    let FieldSettings::Currency(CurrencyModel::Dynamic(beside)) = &field.settings else {
        return;
    };
    let code = value.get("currency").filter(|code| !code.is_null());
    let (Some(code), Some(column), false) = (code, layout.column(beside), record.contains_key(beside)) else {
        return;
    };
    match normalise(layout.field(column), code, environment) {
        Ok(code) => taken.values.push((column, code)),
        Err(error) => taken.errors.push(error),
    }
}

/// A mask that comes back as it was read changes nothing.
fn is_mask(granted: &Granted, field: &FieldModel, value: &Value, (form, before): (Form, &SqlValue)) -> bool {
    let mask = field.mask.as_ref();
    let seen = granted.view.as_ref().is_some_and(|view| view.masks(&field.name));
    mask.is_some_and(|mask| seen && masked(mask, &to_json(form, before)) == *value)
}

fn is_same(
    field: &FieldModel,
    value: &Value,
    (form, before): (Form, &SqlValue),
    environment: &dyn Environment,
) -> bool {
    let same = || normalise(field, value, environment).is_ok_and(|value| value == *before);
    (form == Form::Secret && value.is_null()) || same()
}

fn only_mask(field: &FieldModel) -> FieldError {
    let message = format!(
        "{} is {SECRET_MASK}, which stands for a secret and is none; write the secret itself, or leave the field out",
        field.label
    );
    FieldError::new(&field.name, FieldCode::InvalidFormat, message)
}

fn read_only(field: &FieldModel) -> FieldError {
    FieldError::new(
        &field.name,
        FieldCode::ReadOnly,
        format!("{} is read-only", field.label),
    )
}

fn unknown(object: &ObjectModel, granted: &Granted, name: &str) -> FieldError {
    let hint = match granted.nearest_field(object, name) {
        Some(nearest) => format!("; did you mean '{nearest}'?"),
        None => String::new(),
    };
    let message = format!("'{name}' is not a field of '{}'{hint}", object.name);
    FieldError::new(name, FieldCode::UnknownField, message)
}

/// All that is wrong with a record as one error; fields that are none have one of their own when nothing else is wrong.
pub(super) fn refused(object: &ObjectModel, granted: &Granted, errors: Vec<FieldError>) -> DataError {
    if errors.iter().any(|error| error.code != FieldCode::UnknownField) {
        return DataError::Invalid {
            object: object.name.clone(),
            errors,
        };
    }
    let fields: Vec<String> = errors.into_iter().map(|error| error.field).collect();
    let nearest = fields.first().and_then(|first| granted.nearest_field(object, first));
    DataError::UnknownFields {
        object: object.name.clone(),
        nearest: nearest.map(str::to_owned),
        fields,
    }
}

/// The error of a field that needs a value and has none.
pub(super) fn missing(field: &FieldModel, value: &SqlValue) -> Option<FieldError> {
    let empty = match value {
        SqlValue::Null => true,
        SqlValue::Text(text) => text.trim().is_empty(),
        SqlValue::Json(text) => text == "[]" || text == "null",
        _ => false,
    };
    empty.then(|| FieldError::new(&field.name, FieldCode::Required, format!("{} is required", field.label)))
}

/// Puts in what a hook made of the record. It never saw secrets, so a null there is not meant.
pub(super) fn apply_hooked(layout: &Layout, values: &mut [SqlValue], hooked: Vec<(usize, SqlValue)>) {
    for (column, value) in hooked {
        if !layout.columns[column].form.is_kept_back() || !value.is_null() {
            values[column] = value;
        }
    }
}

pub(super) fn stamp_new(draft: &Draft<'_>, layout: &Layout, granted: &Granted, values: &mut [SqlValue]) {
    let now = SqlValue::Text(stamp(draft.caller.now_ms));
    let by = draft.caller.stamp();
    let mut set = |part: SystemField, value: &SqlValue, keep: bool| {
        if let Some(column) = layout.system_column(part)
            && (!keep || values[column].is_null())
        {
            values[column] = value.clone();
        }
    };
    // The system may bring records with their history.
    set(SystemField::CreatedAt, &now, granted.system);
    set(SystemField::UpdatedAt, &now, granted.system);
    set(SystemField::CreatedBy, &by, granted.system);
    set(SystemField::UpdatedBy, &by, granted.system);
    set(SystemField::OwnerId, &by, true);
    set(SystemField::Tenant, &draft.caller.tenant(), granted.system);
    set(SystemField::Version, &SqlValue::Integer(1), false);
}
