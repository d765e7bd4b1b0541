//! Tests of fields whose text is the same whatever its case: each becomes one that does not look at it.

use serde_json::Value;

use crate::model::FieldModel;
use crate::query::check::class_of;
use crate::query::filter::Class;
use crate::query::operator::Operator;
use crate::query::written::{Operand, RawFilter, RawTest};

/// The test in other words; none when it stays as it is.
pub(super) fn rewritten(test: &RawTest, field: &FieldModel) -> Option<RawFilter> {
    if field.case_sensitive || class_of(field) != Class::Text {
        return None;
    }
    let Operand::Value(value) = &test.operand else {
        return None;
    };
    let like = |pattern: String| made(test, Operator::ILike, pattern);
    let equal = |text: &str| like(escaped(text));
    Some(match (test.operator, value) {
        (Operator::Eq, Value::String(text)) => equal(text),
        // A field without a value matches as well: it is not the text.
        (Operator::Ne, Value::String(text)) => RawFilter::Not(Box::new(equal(text))),
        (Operator::In, Value::Array(items)) => RawFilter::Any(among(test, items)?),
        (Operator::Nin, Value::Array(items)) => RawFilter::Not(Box::new(RawFilter::Any(among(test, items)?))),
        (Operator::StartsWith, Value::String(text)) => like(format!("{}%", escaped(text))),
        (Operator::EndsWith, Value::String(text)) => like(format!("%{}", escaped(text))),
        (Operator::Contains, Value::String(text)) => made(test, Operator::IContains, text.clone()),
        (Operator::NotContains, Value::String(text)) => {
            RawFilter::Not(Box::new(made(test, Operator::IContains, text.clone())))
        }
        (Operator::Like, Value::String(text)) => like(text.clone()),
        _ => return None,
    })
}

/// One test for each entry; none when some entry is no text, so that the list is judged as a whole.
fn among(test: &RawTest, items: &[Value]) -> Option<Vec<RawFilter>> {
    items
        .iter()
        .map(|item| match item {
            Value::String(text) => Some(made(test, Operator::ILike, escaped(text))),
            Value::Null => Some(RawFilter::Test(RawTest {
                field: test.field.clone(),
                operator: Operator::Null,
                operand: Operand::Value(Value::Bool(true)),
            })),
            _ => None,
        })
        .collect()
}

fn made(test: &RawTest, operator: Operator, text: String) -> RawFilter {
    RawFilter::Test(RawTest {
        field: test.field.clone(),
        operator,
        operand: Operand::Value(Value::String(text)),
    })
}

/// A text as a pattern that matches it alone.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
