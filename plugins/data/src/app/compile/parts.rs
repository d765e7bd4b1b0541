//! Fields within a field: those of the later types `composite`, `record` and `repeater`, whose values are records or lists of
//! records. They are stored as JSON; what each of their fields takes is held at every write (`validate::value::nested`).

use indexmap::IndexMap;
use objectos_plugin_api::protocol::data::Field;
use objectos_plugin_api::protocol::text::is_identifier;

use super::draft::{Draft, Drafts};
use super::expression::Expressions;
use super::kind::{is_secret, kind_of};
use super::{encryption, field};
use crate::app::problem::Problems;
use crate::model::{FieldKind, FieldModel, FieldSettings, PartsModel};

/// The fields within a field, as a draft of their own.
#[derive(Debug)]
pub(super) struct PartsDraft {
    /// The value is a list of such records.
    pub(super) many: bool,
    pub(super) draft: Draft,
}

/// The models of the fields within one.
pub(super) fn compile(
    parts: &PartsDraft,
    drafts: &Drafts,
    expressions: &Expressions<'_>,
    problems: &mut Problems,
) -> FieldSettings {
    let draft = &parts.draft;
    let mut fields: IndexMap<String, FieldModel> = IndexMap::new();
    for (name, field) in &draft.object.fields {
        if check(draft, name, field, problems) {
            let mut model = field::compile(draft, name, field, drafts, expressions, problems);
            model.default = None;
            fields.insert(name.clone(), model);
        }
    }
    if fields.is_empty() && draft.object.fields.is_empty() && !draft.has_fields() {
        let message = "there are no fields in it";
        problems.push(draft.error(&["fields"], message).hint("declare at least one"));
    }
    FieldSettings::Parts(Box::new(PartsModel {
        many: parts.many,
        fields,
    }))
}

/// Whether the field can be one within another; what means nothing there is said.
fn check(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) -> bool {
    if !is_identifier(name) {
        let hint = "use lower case letters, digits and underscores, and begin with a letter";
        problems.push(
            draft
                .error(&["fields", name], format!("`{name}` is no name of a field"))
                .hint(hint),
        );
        return false;
    }
    let linked = matches!(
        kind_of(field),
        FieldKind::Reference
            | FieldKind::References
            | FieldKind::Formula
            | FieldKind::Summary
            | FieldKind::Autonumber
            | FieldKind::Vector
    );
    if linked || is_secret(field) {
        let named = encryption::named(field);
        let message = format!(
            "{} {named} field cannot be within another field",
            encryption::article(&named)
        );
        let hint = "declare it beside that field, or make the parts an object of their own";
        problems.push(draft.field_error(name, "type", message).hint(hint));
        return false;
    }
    if kind_of(field) == FieldKind::File {
        let message =
            "nobody who keeps files is told of one within a field, and may take it for one that no record has";
        let hint = "declare it beside that field";
        problems.push(draft.warning(&["fields", name, "type"], message).hint(hint));
    }
    if field.masking_rule.is_some() {
        let message = "what is within a field cannot be masked by itself";
        problems.push(
            draft
                .field_error(name, "maskingRule", message)
                .hint("mask the field that it is in"),
        );
    }
    for (key, written) in [
        ("unique", field.unique),
        ("index", field.index),
        ("externalId", field.external_id),
        ("searchable", field.searchable),
        ("readonly", field.readonly),
        ("hidden", field.hidden),
        ("defaultValue", field.default_value.is_some()),
    ] {
        if written {
            let message = format!("`{key}` means nothing within another field");
            problems.push(draft.warning(&["fields", name, key], message).hint("remove it"));
        }
    }
    true
}
