//! Tests of fields whose text is the same whatever its case: each becomes one that does not look at it. What looks for a part of the
//! text is put in other words before it is checked, what looks for the whole of it once it is.

use serde_json::Value;

use super::conditions;
use crate::error::{DataError, Result};
use crate::model::FieldModel;
use crate::query::any_case::literal;
use crate::query::check::class_of;
use crate::query::filter::{Class, Comparison, Condition, Filter, Test};
use crate::query::operator::Operator;
use crate::query::written::{Operand, RawFilter, RawTest};
use crate::store::SqlValue;

/// Whether the text of a field is the same whatever its case.
pub(super) fn is_of(field: &FieldModel) -> bool {
    !field.case_sensitive && class_of(field) == Class::Text
}

/// A checked test of such a field, without a look at case.
///
/// # Errors
/// `InvalidFilter` for a text that is too long to be looked for like this.
pub(super) fn without(test: &RawTest, checked: Filter) -> Result<Filter> {
    let each = |parts: Vec<Filter>| {
        let each = parts.into_iter().map(|part| without(test, part));
        each.collect::<Result<Vec<_>>>()
    };
    Ok(match checked {
        Filter::All(parts) => Filter::All(each(parts)?),
        Filter::Any(parts) => Filter::Any(each(parts)?),
        Filter::Not(part) => Filter::Not(Box::new(without(test, *part)?)),
        Filter::Test(checked) => of_test(test, checked)?,
        other => other,
    })
}

fn of_test(raw: &RawTest, Test { field, condition }: Test) -> Result<Filter> {
    let test = |condition| {
        Filter::Test(Test {
            field: field.clone(),
            condition,
        })
    };
    let same = |texts: Vec<SqlValue>| {
        let texts: Vec<String> = texts.into_iter().filter_map(text).collect();
        conditions::texts_length(raw, &texts)?;
        Ok::<_, DataError>(test(Condition::AnyCase(texts)))
    };
    Ok(match condition {
        Condition::Compare(Comparison::Same, value @ SqlValue::Text(_)) => same(vec![value])?,
        // A field without a value matches as well: it is not the text.
        Condition::Compare(Comparison::Other, value @ SqlValue::Text(_)) => Filter::Not(Box::new(same(vec![value])?)),
        Condition::In { values, or_null: false } => same(values)?,
        Condition::In { values, or_null: true } => Filter::Any(vec![test(Condition::Null(true)), same(values)?]),
        Condition::NotIn { values, nor_null } => {
            let others = Filter::Not(Box::new(same(values)?));
            match nor_null {
                true => Filter::All(vec![test(Condition::Null(false)), others]),
                false => others,
            }
        }
        condition => test(condition),
    })
}

/// The values of a text field are texts.
fn text(value: SqlValue) -> Option<String> {
    match value {
        SqlValue::Text(text) => Some(text),
        _ => None,
    }
}

/// The test in other words; none when it stays as it is.
pub(super) fn rewritten(test: &RawTest, field: &FieldModel) -> Option<RawFilter> {
    if !is_of(field) {
        return None;
    }
    let Operand::Value(value) = &test.operand else {
        return None;
    };
    let like = |pattern: String| made(test, Operator::ILike, pattern);
    Some(match (test.operator, value) {
        (Operator::StartsWith, Value::String(text)) => like(format!("{}%", literal(text))),
        (Operator::EndsWith, Value::String(text)) => like(format!("%{}", literal(text))),
        (Operator::Contains, Value::String(text)) => made(test, Operator::IContains, text.clone()),
        (Operator::NotContains, Value::String(text)) => {
            RawFilter::Not(Box::new(made(test, Operator::IContains, text.clone())))
        }
        (Operator::Like, Value::String(text)) => like(text.clone()),
        _ => return None,
    })
}

fn made(test: &RawTest, operator: Operator, text: String) -> RawFilter {
    RawFilter::Test(RawTest {
        field: test.field.clone(),
        operator,
        operand: Operand::Value(Value::String(text)),
    })
}
