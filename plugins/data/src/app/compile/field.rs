//! One declared field, and the system fields around them.

use objectos_plugin_api::protocol::data::{Field, FieldType, SelectOption};
use objectos_plugin_api::protocol::shared::Number;

use super::draft::{Draft, Drafts};
use super::expression::Expressions;
use super::kind::{column_of, is_secret, kind_of, takes_multiple};
use super::{encryption, parts, reference, settings, text};
use crate::app::label;
use crate::app::problem::Problems;
use crate::model::{ColumnType, FieldKind, FieldModel, FieldSettings, Limits, OptionModel, Options, SystemField};

/// Characters of an indexed text that says no `maxLength`: PostgreSQL takes 2704 bytes into an index, and a character has up
/// to four.
const INDEXED_LENGTH_MAX: usize = 600;

/// Makes the model of a declared field.
pub(super) fn compile(
    draft: &Draft,
    name: &str,
    field: &Field,
    drafts: &Drafts,
    expressions: &Expressions<'_>,
    problems: &mut Problems,
) -> FieldModel {
    let kind = kind_of(field);
    let computed = matches!(kind, FieldKind::Formula | FieldKind::Summary);
    check_keys(draft, name, field, kind, problems);
    let limits = limits(draft, name, field, problems);
    let options = options(draft, name, field, kind, problems);
    let reference = reference::compile(draft, name, field, drafts, problems);
    let master = reference.as_ref().is_some_and(|reference| reference.master);
    let mut model = FieldModel {
        name: name.to_owned(),
        label: field.label.clone().unwrap_or_else(|| label::from_name(name)),
        field_type: field.kind,
        encrypted: encryption::compile(draft, name, field, problems),
        kind,
        column: column_of(field),
        system: None,
        required: (field.required || master) && !computed && kind != FieldKind::Autonumber,
        unique: field.unique && !computed,
        readonly: field.readonly || computed || kind == FieldKind::Autonumber,
        hidden: field.hidden,
        searchable: field.searchable,
        sortable: field.sortable,
        indexed: !computed && (field.index || field.unique || field.external_id || kind == FieldKind::Reference),
        external_id: field.external_id,
        case_sensitive: field.case_sensitive.unwrap_or(true),
        default: None,
        limits,
        settings: settings::compile(draft, name, field, problems),
        mask: settings::mask(draft, name, field, problems),
        options,
        reference_conditions: reference::conditions(draft, name, field, drafts, expressions),
        reference,
        formula: (kind == FieldKind::Formula)
            .then(|| expressions.formula(&draft.object.name, name))
            .flatten(),
        summary: (kind == FieldKind::Summary)
            .then(|| expressions.summary(&draft.object.name, name))
            .flatten(),
        autonumber: (kind == FieldKind::Autonumber).then(|| text::autonumber(draft, name, field, problems)),
        renamed_from: draft.own.fields_renamed_from.get(name).cloned(),
    };
    if let Some(parts) = draft.parts.get(name) {
        model.settings = parts::compile(parts, drafts, expressions, problems);
    }
    if model.indexed && kind == FieldKind::Text && model.limits.max_length.is_none() {
        model.limits.max_length = Some(INDEXED_LENGTH_MAX.max(model.limits.min_length.unwrap_or_default()));
    }
    model.default = expressions.default(draft, name, field, &model, problems);
    model
}

/// Keys that other types need or that mean nothing for this one.
fn check_keys(draft: &Draft, name: &str, field: &Field, kind: FieldKind, problems: &mut Problems) {
    let shown = field.kind;
    let mut needs = |key: &str, there: bool, hint: &str| {
        if !there && !draft.is_broken_field(name) {
            let message = format!("a {shown} field needs `{key}`");
            problems.push(draft.field_error(name, "", message).hint(hint));
        }
    };
    match kind {
        FieldKind::Formula => needs(
            "expression",
            field.expression.is_some(),
            "write what it computes, as in `amount * 2`",
        ),
        FieldKind::Summary => {
            let hint = "name the child object, its field and the function";
            needs("summaryOperations", field.summary_operations.is_some(), hint);
        }
        FieldKind::Vector => needs(
            "vectorConfig",
            field.vector_config.is_some(),
            "write `vectorConfig: {dimensions: 3}`",
        ),
        _ => {}
    }
    let mut idle = |key: &str, written: bool| {
        if written {
            let message = format!("`{key}` means nothing for a {shown} field");
            problems.push(
                draft
                    .document
                    .warning(&draft.path(&["fields", name, key]), message)
                    .hint("remove it"),
            );
        }
    };
    let computed = matches!(kind, FieldKind::Formula | FieldKind::Summary);
    idle("expression", field.expression.is_some() && kind != FieldKind::Formula);
    idle(
        "summaryOperations",
        field.summary_operations.is_some() && kind != FieldKind::Summary,
    );
    idle(
        "reference",
        field.reference.is_some() && !matches!(kind, FieldKind::Reference | FieldKind::References),
    );
    idle(
        "options",
        field.options.is_some() && !matches!(kind, FieldKind::Choice | FieldKind::List),
    );
    idle("required", field.required && computed);
    idle("unique", field.unique && computed);
    idle("index", field.index && computed);
    idle(
        "autonumberFormat",
        field.autonumber_format.is_some() && kind != FieldKind::Autonumber,
    );
    if field.multiple && !takes_multiple(field.kind) {
        let message = format!("a {shown} field holds one value");
        let hint = "remove `multiple`; select, lookup, file and image fields may have it";
        problems.push(draft.field_error(name, "multiple", message).hint(hint));
    }
    check_contents(draft, name, field, problems);
}

/// Keys that do not go with what the field holds.
fn check_contents(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) {
    let shown = field.kind;
    if is_secret(field) {
        let named = encryption::named(field);
        for (key, written) in [
            ("unique", field.unique),
            ("index", field.index),
            ("externalId", field.external_id),
            ("searchable", field.searchable),
        ] {
            if written {
                let article = encryption::article(&named);
                let message = format!("{article} {named} field cannot have `{key}`: it would give the secret away");
                problems.push(draft.field_error(name, key, message).hint("remove it"));
            }
        }
    }
    let whole = matches!(column_of(field), Some(ColumnType::Json));
    for (key, written) in [
        ("unique", field.unique),
        ("index", field.index),
        ("externalId", field.external_id),
    ] {
        if written && whole {
            let message = format!("a {shown} field cannot have `{key}`: it holds more than one value");
            problems.push(draft.field_error(name, key, message).hint("remove it"));
        }
    }
}

fn limits(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) -> Limits {
    let mut count = |key: &str, number: Option<Number>| {
        let number = number?;
        let whole = number.as_u64().and_then(|whole| u32::try_from(whole).ok());
        if whole.is_none() {
            let message = format!("expected a whole number that is not negative, found {number}");
            problems.push(draft.field_error(name, key, message));
        }
        whole
    };
    let (min_length, max_length) = (
        count("minLength", field.min_length),
        count("maxLength", field.max_length),
    );
    let precision = count("precision", field.precision);
    let scale = count("scale", field.scale);
    let size = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
    let mut limits = Limits {
        min: field.min.map(Number::as_f64),
        max: field.max.map(Number::as_f64),
        min_length: size(min_length),
        max_length: size(max_length),
        precision,
        scale,
        dimensions: field
            .vector_config
            .as_ref()
            .and_then(|config| usize::try_from(config.dimensions).ok()),
        step: None,
    };
    type_limits(field, &mut limits);
    if let Some(step) = field.step.filter(|step| step.as_f64() <= 0.0) {
        let message = format!("a step is greater than nought, found {step}");
        problems.push(draft.field_error(name, "step", message));
    }
    for (key, crossed) in [
        ("min", limits.min > limits.max && limits.max.is_some()),
        ("minLength", min_length > max_length && max_length.is_some()),
    ] {
        if crossed {
            let other = if key == "min" { "max" } else { "maxLength" };
            let message = format!("`{key}` is greater than `{other}`, so no value fits");
            problems.push(draft.field_error(name, key, message).hint("swap them"));
        }
    }
    limits
}

/// What the type itself bounds.
fn type_limits(field: &Field, limits: &mut Limits) {
    match field.kind {
        FieldType::Currency => {
            let digits = field.currency_config.as_ref().map_or(2, |config| config.precision);
            limits.scale = limits.scale.or(u32::try_from(digits).ok());
        }
        FieldType::Rating => {
            limits.min = limits.min.or(Some(0.0));
            limits.max = limits.max.or(Some(field.max_rating.map_or(5.0, Number::as_f64)));
            let half = field.allow_half == Some(true);
            limits.scale = limits.scale.or(Some(u32::from(half)));
            limits.step = half.then_some(0.5);
        }
        FieldType::Slider => limits.step = field.step.map(Number::as_f64).filter(|step| *step > 0.0),
        FieldType::Progress => {
            limits.min = limits.min.or(Some(0.0));
            limits.max = limits.max.or(Some(100.0));
        }
        _ => {}
    }
}

fn options(draft: &Draft, name: &str, field: &Field, kind: FieldKind, problems: &mut Problems) -> Options {
    let list = field.options.as_deref().unwrap_or_default();
    if !matches!(kind, FieldKind::Choice | FieldKind::List) {
        return Options::default();
    }
    if list.is_empty() && field.kind != FieldType::Tags && !draft.is_broken_field(name) {
        let message = format!("a {} field needs `options`", field.kind);
        let hint = "list them, as in `options: [{label: New, value: new}]`";
        problems.push(draft.field_error(name, "", message).hint(hint));
    }
    let mut seen: Vec<&SelectOption> = Vec::new();
    for (index, option) in list.iter().enumerate() {
        if seen.iter().any(|other| other.value == option.value) {
            let path = draft.path(&["fields", name, "options"]).index(index).key("value");
            let message = format!("the option `{}` is there twice", option.value);
            problems.push(draft.document.error(&path, message).hint("remove one of them"));
        }
        seen.push(option);
    }
    let model = |option: &SelectOption| OptionModel {
        value: option.value.clone(),
        label: option.label.clone(),
        color: option.color.clone(),
    };
    Options::new(list.iter().map(model).collect())
}

/// A field that nobody declares.
pub(super) fn system(part: SystemField, name: &str) -> FieldModel {
    let moment = matches!(
        part,
        SystemField::CreatedAt | SystemField::UpdatedAt | SystemField::DeletedAt
    );
    let (kind, field_type, column) = if part == SystemField::Version {
        (FieldKind::Number, FieldType::Number, ColumnType::Integer)
    } else if moment {
        (FieldKind::DateTime, FieldType::Datetime, ColumnType::DateTime)
    } else {
        (FieldKind::Text, FieldType::Text, ColumnType::Text)
    };
    FieldModel {
        name: name.to_owned(),
        label: part.label().to_owned(),
        field_type,
        encrypted: false,
        kind,
        column: Some(column),
        system: Some(part),
        required: false,
        unique: part == SystemField::Id,
        readonly: part != SystemField::OwnerId,
        hidden: matches!(part, SystemField::Tenant | SystemField::DeletedAt),
        searchable: false,
        sortable: true,
        indexed: matches!(part, SystemField::OwnerId | SystemField::Tenant),
        external_id: false,
        case_sensitive: true,
        default: None,
        limits: Limits::default(),
        settings: FieldSettings::None,
        mask: None,
        options: Options::default(),
        reference: None,
        reference_conditions: Vec::new(),
        formula: None,
        summary: None,
        autonumber: None,
        renamed_from: None,
    }
}
