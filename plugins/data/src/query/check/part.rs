//! Parts of documents in filters and orders: `address.city`, `place.latitude`, `data.color`. What a part can be follows from the
//! field; what a free JSON document holds nobody knows before it is compared, so there the value of the test decides.

use std::sync::Arc;

use serde_json::Value;

use super::{Checker, Purpose, Resolved, class_of, named, unknown};
use crate::error::{DataError, Result};
use crate::model::{FieldKind, FieldModel, FieldSettings};
use crate::query::filter::{Class, FieldRef, PartSource, Source};
use crate::query::operator::Operator;
use crate::query::written::{Operand, RawTest};
use crate::record::Layout;

const ADDRESS: [&str; 7] = [
    "street",
    "city",
    "state",
    "postalCode",
    "country",
    "countryCode",
    "formatted",
];
const LOCATION: [&str; 4] = ["latitude", "longitude", "altitude", "accuracy"];
/// What is a number in the description of a file.
const FILE_NUMBERS: [&str; 4] = ["size", "width", "height", "duration"];

/// How much is known of what a part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// The field says it.
    Typed,
    /// Anything.
    Free,
}

impl<'a> Checker<'a> {
    /// The part that the names lead to, when the first is a field with a document.
    pub(super) fn part(
        &self,
        (table, layout): (usize, &'a Arc<Layout>),
        names: &[&str],
        path: &str,
        purpose: Purpose,
    ) -> Result<Option<Resolved<'a>>> {
        let [name, inner @ ..] = names else { return Ok(None) };
        let object = &layout.object;
        let declared = named(object, name);
        let holds = |field: &&FieldModel| {
            matches!(
                field.kind,
                FieldKind::Address | FieldKind::Location | FieldKind::File | FieldKind::Json
            )
        };
        let Some(declared) = declared.filter(holds) else {
            return Ok(None);
        };
        let field = self.visible_field(object, &declared.name, path, purpose)?;
        let Some((class, kind)) = class_within(field, inner) else {
            return Err(unknown(object, path, None, purpose));
        };
        let part = PartSource {
            column: field.name.clone(),
            path: inner.iter().map(|name| (*name).to_owned()).collect(),
        };
        Ok(Some(Resolved {
            reference: FieldRef {
                table,
                source: Source::Part(Arc::new(part)),
                class,
            },
            field,
            layout,
            masked: false,
            part: Some(kind),
        }))
    }
}

/// What a part holds; none when there is no such part, or it is no single value.
fn class_within(field: &FieldModel, names: &[&str]) -> Option<(Class, PartKind)> {
    let (first, deeper) = names.split_first()?;
    let typed = |class: Class| deeper.is_empty().then_some((class, PartKind::Typed));
    match (field.kind, &field.settings) {
        (FieldKind::Address, _) if ADDRESS.contains(first) => typed(Class::Text),
        (FieldKind::Location, _) if LOCATION.contains(first) => typed(Class::Number),
        (FieldKind::File, FieldSettings::File(model)) if model.many => None,
        (FieldKind::File, _) if FILE_NUMBERS.contains(first) => typed(Class::Number),
        (FieldKind::File, _) if is_word(first) => typed(Class::Text),
        (FieldKind::Json, FieldSettings::Parts(parts)) => {
            let part = parts.fields.get(*first).filter(|_| !parts.many)?;
            if deeper.is_empty() {
                return Some((class_of(part), PartKind::Typed)).filter(|(class, _)| class.ordered());
            }
            class_within(part, deeper)
        }
        (FieldKind::Json, _) if names.iter().all(|name| is_word(name)) => Some((Class::Text, PartKind::Free)),
        _ => None,
    }
}

/// A name that means the same in every database: none of them takes it for the place in a list.
fn is_word(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || matches!(character, '_' | '-'))
}

/// A part that can be anything, as what it is compared with.
pub(super) fn as_tested(test: &RawTest, mut field: FieldRef) -> Result<FieldRef> {
    let Operand::Value(value) = &test.operand else {
        return Err(not_known(&test.field, Purpose::Filter));
    };
    let class = match (test.operator, value) {
        // Whether there is a value of any kind.
        (Operator::Null | Operator::Exists | Operator::Empty, _) | (Operator::Eq | Operator::Ne, Value::Null) => {
            Some(Class::Document)
        }
        (_, Value::Array(items)) => {
            let known = items.iter().find(|item| !item.is_null());
            known.map_or(Some(Class::Text), class_of_value)
        }
        (_, value) => class_of_value(value),
    };
    field.class = class.ok_or_else(|| DataError::InvalidFilter {
        message: format!(
            "'{}' is a part of a document and compared with a text, a number, true or false, found {value}",
            test.field
        ),
    })?;
    Ok(field)
}

fn class_of_value(value: &Value) -> Option<Class> {
    match value {
        Value::Null | Value::String(_) => Some(Class::Text),
        Value::Number(_) => Some(Class::Number),
        Value::Bool(_) => Some(Class::Boolean),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Where no value says what the part is.
pub(super) fn not_known(path: &str, purpose: Purpose) -> DataError {
    let message = format!(
        "what '{path}' holds can be anything: declare the field as `composite` with `fields`, or keep the value in a field \
         of its own"
    );
    match purpose {
        Purpose::Sort => DataError::InvalidSort { message },
        Purpose::Filter | Purpose::Select => DataError::InvalidQuery { message },
    }
}
