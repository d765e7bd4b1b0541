//! Indexes for `unique` rules: every write looks for another record with the same values, inside the one writer, and must not read
//! the whole table for it. They keep nothing unique themselves: a rule has a scope, a severity and a bin of its own.
//!
//! Where an index serves a rule already there is none, and where none can, a warning says so.

use std::cmp::Reverse;

use objectos_plugin_api::protocol::data::{FieldType, RuleKind, UniqueRule, ValidationRule};

use super::{Context, Wanted};
use crate::app::path::KeyPath;
use crate::app::problem::Problems;
use crate::model::{ColumnType, FieldModel, IndexMethod, IndexModel};

/// Adds what the rules of the object need.
pub(super) fn compile(context: &Context<'_>, indexes: &mut Vec<IndexModel>, problems: &mut Problems) {
    let path = context.draft.path(&["validations"]);
    for (place, rule) in context.draft.object.validations.iter().flatten().enumerate() {
        of_rule(context, rule, &path.index(place), indexes, problems);
    }
}

fn of_rule(
    context: &Context<'_>,
    rule: &ValidationRule,
    path: &KeyPath,
    indexes: &mut Vec<IndexModel>,
    problems: &mut Problems,
) {
    if !rule.common.active {
        return;
    }
    match &rule.kind {
        RuleKind::Unique(unique) => {
            let needed = needed(context, unique, path, problems);
            if let Some(index) = needed.filter(|index| !indexes.iter().any(|known| serves(context, known, index))) {
                indexes.push(index);
            }
        }
        RuleKind::Conditional(conditional) => {
            of_rule(context, &conditional.then, &path.key("then"), indexes, problems);
            if let Some(otherwise) = &conditional.otherwise {
                of_rule(context, otherwise, &path.key("otherwise"), indexes, problems);
            }
        }
        _ => {}
    }
}

/// The index of a rule; none when a field of it cannot be in one, which is told unless the rule itself is wrong.
fn needed(context: &Context<'_>, rule: &UniqueRule, path: &KeyPath, problems: &mut Problems) -> Option<IndexModel> {
    let mut fields: Vec<&FieldModel> = Vec::with_capacity(rule.fields.len());
    for (place, name) in rule.fields.iter().enumerate() {
        // What is not there, and what is secret, is told of with the rule.
        let field = context.fields.get(name).filter(|field| !field.encrypted)?;
        if let Some(why) = unfit(field) {
            let at = path.key("fields").index(place);
            let hint = "compare a field with one short value, or keep the table small";
            problems.push(context.draft.document.warning(&at, why).hint(hint));
            return None;
        }
        if !fields.iter().any(|known| known.name == field.name) {
            fields.push(field);
        }
    }
    if fields.is_empty() {
        return None;
    }
    let ignore_case = !rule.case_sensitive && fields.iter().any(|field| has_case(field));
    if ignore_case {
        // Behind a number an index without case leads no further.
        fields.sort_by_key(|field| Reverse(has_case(field)));
    }
    let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let name = format!("{}_any_case", names.join("_"));
    Some(context.index(Wanted {
        fields: names,
        ignore_case,
        name: ignore_case.then_some(name.as_str()),
        ..Wanted::default()
    }))
}

/// Why no index finds the values of a field; none when one does.
fn unfit(field: &FieldModel) -> Option<String> {
    let name = &field.name;
    if !field.stored() {
        return Some(format!(
            "`{name}` is computed and has no column, so the rule compares nothing"
        ));
    }
    if field.column == Some(ColumnType::Json) {
        let kind = &field.field_type;
        return Some(format!(
            "no index finds equal values of `{name}`, a {kind} field: every write compares all records"
        ));
    }
    // An index takes values of some kilobytes only, and would refuse the longer ones.
    let long = matches!(
        field.field_type,
        FieldType::Textarea
            | FieldType::Markdown
            | FieldType::Html
            | FieldType::Richtext
            | FieldType::Code
            | FieldType::Signature
    );
    long.then(|| format!("`{name}` holds long texts, which no index takes: every write compares all records"))
}

/// Whether values are compared as texts.
fn has_case(field: &FieldModel) -> bool {
    !matches!(
        field.column,
        Some(ColumnType::Integer | ColumnType::Number | ColumnType::Decimal | ColumnType::Boolean) | None
    )
}

/// Whether a known index finds what the other one would: it begins with the same fields, in whatever order, behind the tenant's.
fn serves(context: &Context<'_>, known: &IndexModel, wanted: &IndexModel) -> bool {
    let tenant = context.tenancy.map(|tenancy| tenancy.field.as_str());
    let own: Vec<&String> = known
        .fields
        .iter()
        .filter(|field| wanted.fields.contains(field) || Some(field.as_str()) != tenant)
        .collect();
    known.partial.is_none()
        && known.method != IndexMethod::Gin
        && known.ignore_case == wanted.ignore_case
        && own.len() >= wanted.fields.len()
        && own[..wanted.fields.len()]
            .iter()
            .all(|field| wanted.fields.contains(field))
}
