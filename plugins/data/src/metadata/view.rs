//! Views that nobody declared: a list and a form made from an object's fields.
//!
//! Shapes are those of `ui/ListView` and the form container of the protocol. A declared view takes the place of a generated one.

use objectos_plugin_api::protocol::data::FieldType;
use serde_json::{Value, json};

use super::MetadataRegistry;
use crate::model::{FieldKind, FieldModel, ObjectModel, SystemField};

/// Columns of a generated list.
const COLUMNS_MAX: usize = 5;
/// Names that people look for first, in this order.
const PRIORITY: [&str; 9] = [
    "name",
    "title",
    "label",
    "subject",
    "email",
    "status",
    "type",
    "category",
    "created_at",
];

/// The two kinds of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewType {
    /// Rows and columns.
    List,
    /// One record.
    Form,
}

impl ViewType {
    /// Of its name on the wire.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "list" => Some(Self::List),
            "form" => Some(Self::Form),
            _ => None,
        }
    }

    /// What the protocol means when a view says no type.
    const fn plain_type(self) -> &'static str {
        match self {
            Self::List => "grid",
            Self::Form => "simple",
        }
    }

    /// The key of a view that holds this part.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Form => "form",
        }
    }
}

/// The view of an object as `{list: …}`, `{form: …}` or, without a type, both. A view item of the app that speaks of the object
/// (`object`, or its own name) and has the part wins over the generated one.
#[must_use]
pub fn generated_view(object: &ObjectModel, registry: &MetadataRegistry, only: Option<ViewType>) -> Value {
    let wanted = [ViewType::List, ViewType::Form]
        .into_iter()
        .filter(|view| only.is_none_or(|only| only == *view));
    let parts = wanted.map(|view| {
        let made = || match view {
            ViewType::List => list(object),
            ViewType::Form => form(object),
        };
        (
            view.key().to_owned(),
            declared(object, registry, view).unwrap_or_else(made),
        )
    });
    Value::Object(parts.collect())
}

fn declared(object: &ObjectModel, registry: &MetadataRegistry, view: ViewType) -> Option<Value> {
    registry.list("view").find_map(|entry| {
        let about = entry
            .definition
            .get("object")
            .and_then(Value::as_str)
            .unwrap_or(&entry.name);
        let part = entry.definition.get(view.key()).filter(|_| about == object.name)?;
        let mut part = part.clone();
        if let Value::Object(part) = &mut part {
            part.entry("type").or_insert_with(|| view.plain_type().into());
        }
        Some(part)
    })
}

fn list(object: &ObjectModel) -> Value {
    let columns: Vec<Value> = columns(object)
        .iter()
        .map(|field| json!({ "field": field.name, "label": field.label, "sortable": field.sortable && field.stored() }))
        .collect();
    let searchable: Vec<&str> = object.searchable_fields().map(|field| field.name.as_str()).collect();
    json!({
        "type": "grid",
        "object": object.name,
        "label": object.plural_label,
        "columns": columns,
        "sort": [{ "field": SystemField::CreatedAt.name(), "order": "desc" }],
        "searchableFields": searchable,
    })
}

fn columns(object: &ObjectModel) -> Vec<&FieldModel> {
    let first = PRIORITY.iter().filter_map(|name| object.field(name));
    let others = object
        .fields
        .values()
        .filter(|field| field.system.is_none() && is_compact(field));
    let mut columns: Vec<&FieldModel> = Vec::with_capacity(COLUMNS_MAX);
    for field in first.chain(others).filter(|field| !field.hidden) {
        if columns.len() == COLUMNS_MAX {
            break;
        }
        if !columns.iter().any(|column| column.name == field.name) {
            columns.push(field);
        }
    }
    // What the system fills is wanted, but reads best behind the object's own.
    columns.sort_by_key(|field| field.system.is_some());
    columns
}

/// Fits into a cell of a table.
fn is_compact(field: &FieldModel) -> bool {
    !is_long(field.field_type)
        && !matches!(
            field.kind,
            FieldKind::Json | FieldKind::Vector | FieldKind::File | FieldKind::Location | FieldKind::Address
        )
        && field.field_type != FieldType::Password
}

const fn is_long(kind: FieldType) -> bool {
    matches!(
        kind,
        FieldType::Textarea
            | FieldType::Html
            | FieldType::Markdown
            | FieldType::Richtext
            | FieldType::Code
            | FieldType::Signature
    )
}

fn form(object: &ObjectModel) -> Value {
    let shown = object
        .fields
        .values()
        .filter(|field| field.system.is_none() && !field.hidden);
    let fields: Vec<Value> = shown
        .map(|field| {
            let span = if is_long(field.field_type) { 2 } else { 1 };
            json!({
                "field": field.name,
                "label": field.label,
                "required": field.required,
                "readonly": field.readonly,
                "colSpan": span,
            })
        })
        .collect();
    json!({
        "type": "simple",
        "object": object.name,
        "label": object.label,
        "sections": [{ "label": object.label, "columns": 2, "fields": fields }],
    })
}
