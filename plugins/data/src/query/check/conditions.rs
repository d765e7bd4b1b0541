//! One test: does the operator fit the field, and is the value one of it.

use objectos_expression::Zone;
use objectos_expression::any_case::beyond_ascii;
use serde_json::Value;

use super::{Checker, Purpose};
use crate::error::{DataError, Result};
use crate::query::LIST_VALUES_MAX;
use crate::query::any_case::{containing, patterns};
use crate::query::coerce::coerce;
use crate::query::filter::{Class, Comparison, Condition, FieldRef, Filter, Test, TextMatch};
use crate::query::local::{is_local, localised};
use crate::query::operator::Operator;
use crate::query::written::{Operand, RawTest};
use crate::store::{Dialect as _, SqlValue, SqliteDialect};
use crate::validate::holds_zero;

static UTC: Zone = Zone::UTC;

/// The longest pattern that SQLite takes, as it is built.
const PATTERN_BYTES_MAX: usize = 50_000;

/// How they are counted where case does not matter.
const CASES_COUNT: &str = ", letters beyond A to Z counted with all their cases";

fn wrong(message: String) -> DataError {
    DataError::InvalidFilter { message }
}

pub(super) fn check(checker: &mut Checker<'_>, test: &RawTest, field: FieldRef) -> Result<Filter> {
    match &test.operand {
        Operand::Value(value) => {
            let zone = if is_local(value, field.class) {
                checker.zone()
            } else {
                &UTC
            };
            check_value(test, field, value, zone)
        }
        Operand::Field(other) => compare_fields(checker, test, field, other),
    }
}

/// A test with a value, of a field that was resolved elsewhere.
pub(super) fn check_value(test: &RawTest, field: FieldRef, value: &Value, zone: &Zone) -> Result<Filter> {
    if holds_zero(value) {
        return never_stored(test, field, value, zone);
    }
    let local = localised(value, test.operator, field.class, zone);
    let value = &*local;
    let condition = match test.operator {
        Operator::Eq if field.class == Class::List => list_equality(test, &field, value, false)?,
        Operator::Ne if field.class == Class::List => list_equality(test, &field, value, true)?,
        Operator::Eq => equality(test, &field, value, Comparison::Same)?,
        Operator::Ne => equality(test, &field, value, Comparison::Other)?,
        Operator::Gt => order(test, &field, value, Comparison::Greater)?,
        Operator::Gte => order(test, &field, value, Comparison::AtLeast)?,
        Operator::Lt => order(test, &field, value, Comparison::Less)?,
        Operator::Lte => order(test, &field, value, Comparison::AtMost)?,
        Operator::In | Operator::Nin => return one_of(test, field, value),
        Operator::Between => return between(test, field, value),
        Operator::Contains | Operator::NotContains if field.class == Class::List => {
            let values = list(test, &field, value)?
                .into_iter()
                .filter(|value| !value.is_null())
                .collect();
            Condition::Holds {
                values,
                negated: test.operator == Operator::NotContains,
            }
        }
        Operator::Contains => text(test, &field, value, TextMatch::Contains)?,
        Operator::NotContains => text(test, &field, value, TextMatch::NotContains)?,
        Operator::IContains => text(test, &field, value, TextMatch::ContainsAnyCase)?,
        Operator::StartsWith => text(test, &field, value, TextMatch::StartsWith)?,
        Operator::EndsWith => text(test, &field, value, TextMatch::EndsWith)?,
        Operator::Like => text(test, &field, value, TextMatch::Like)?,
        Operator::ILike => text(test, &field, value, TextMatch::LikeAnyCase)?,
        Operator::Null => Condition::Null(boolean(test, value)?),
        Operator::Exists => Condition::Null(!boolean(test, value)?),
        Operator::Empty => Condition::Empty(boolean(test, value)?),
        // Where it may stand, its answer stands in its place by now.
        Operator::Near => {
            return Err(wrong(format!(
                "$near at '{}' stands at the top of the filter of the object itself, beside what else must hold, and once",
                test.field
            )));
        }
    };
    Ok(Filter::Test(Test { field, condition }))
}

/// A test with a value that holds a character 0: no record has such a value, and no database takes it. Of a list, the other
/// values are looked for all the same.
fn never_stored(test: &RawTest, field: FieldRef, value: &Value, zone: &Zone) -> Result<Filter> {
    // Whatever else is wrong with it is told.
    check_value(test, field.clone(), &without_zeros(value), zone)?;
    let of_list = field.class == Class::List;
    let entries = match (test.operator, value) {
        (Operator::In | Operator::Nin, Value::String(text)) => {
            Some(text.split(',').map(|part| Value::from(part.trim())).collect())
        }
        (Operator::In | Operator::Nin, Value::Array(items)) => Some(items.clone()),
        (Operator::Contains | Operator::NotContains, Value::Array(items)) if of_list => Some(items.clone()),
        _ => None,
    };
    if let Some(mut entries) = entries {
        entries.retain(|entry| !holds_zero(entry));
        return check_value(test, field, &Value::Array(entries), zone);
    }
    Ok(match test.operator {
        Operator::Ne | Operator::Nin | Operator::NotContains => Filter::always(),
        _ => Filter::never(),
    })
}

/// The value with another character in the place of each 0.
fn without_zeros(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.replace('\0', "\u{FFFD}")),
        Value::Array(items) => items.iter().map(without_zeros).collect(),
        Value::Object(parts) => {
            let parts = parts.iter().map(|(name, part)| (name.clone(), without_zeros(part)));
            Value::Object(parts.collect())
        }
        other => other.clone(),
    }
}

fn compare_fields(checker: &mut Checker<'_>, test: &RawTest, field: FieldRef, other: &str) -> Result<Filter> {
    let comparison = match test.operator {
        Operator::Eq => Comparison::Same,
        Operator::Ne => Comparison::Other,
        Operator::Gt => Comparison::Greater,
        Operator::Gte => Comparison::AtLeast,
        Operator::Lt => Comparison::Less,
        Operator::Lte => Comparison::AtMost,
        operator => {
            return Err(wrong(format!(
                "{} at '{}' does not take another field",
                operator.name(),
                test.field
            )));
        }
    };
    let other_field = checker.field(other, Purpose::Filter)?.reference;
    if other_field.class != field.class {
        return Err(wrong(format!(
            "'{}' is {} and '{other}' is {}: they cannot be compared",
            test.field,
            field.class.name(),
            other_field.class.name()
        )));
    }
    Ok(Filter::Test(Test {
        field,
        condition: Condition::CompareField(comparison, other_field),
    }))
}

/// The value as one of the field's kind.
fn one(test: &RawTest, field: &FieldRef, value: &Value) -> Result<SqlValue> {
    coerce(value, field.class).ok_or_else(|| {
        let hint = if value.is_array() { "; use $in for a list" } else { "" };
        wrong(format!(
            "'{}' is {}, and {value} is not{hint}",
            test.field,
            field.class.name()
        ))
    })
}

fn equality(test: &RawTest, field: &FieldRef, value: &Value, comparison: Comparison) -> Result<Condition> {
    Ok(match one(test, field, value)? {
        SqlValue::Null => Condition::Null(comparison == Comparison::Same),
        value => Condition::Compare(comparison, value),
    })
}

/// A list as a whole, or one of its elements.
fn list_equality(test: &RawTest, field: &FieldRef, value: &Value, negated: bool) -> Result<Condition> {
    match value {
        Value::Null => Ok(Condition::Null(!negated)),
        Value::Array(_) => {
            let comparison = if negated { Comparison::Other } else { Comparison::Same };
            Ok(Condition::Compare(
                comparison,
                SqlValue::Json(crate::record::canonical(value)),
            ))
        }
        element => Ok(Condition::Holds {
            values: vec![one(test, field, element)?],
            negated,
        }),
    }
}

fn order(test: &RawTest, field: &FieldRef, value: &Value, comparison: Comparison) -> Result<Condition> {
    if !field.class.ordered() {
        return Err(not_for(test, field));
    }
    Ok(match one(test, field, value)? {
        // Nothing is greater or less than nothing.
        SqlValue::Null => Condition::In {
            values: Vec::new(),
            or_null: false,
        },
        value => Condition::Compare(comparison, value),
    })
}

fn list(test: &RawTest, field: &FieldRef, value: &Value) -> Result<Vec<SqlValue>> {
    let values: Vec<SqlValue> = match value {
        Value::Array(items) => items.iter().map(|item| one(test, field, item)).collect::<Result<_>>()?,
        // A list in a query string is written with commas.
        Value::String(text) if matches!(test.operator, Operator::In | Operator::Nin | Operator::Between) => text
            .split(',')
            .map(|part| one(test, field, &Value::String(part.trim().to_owned())))
            .collect::<Result<_>>()?,
        single => vec![one(test, field, single)?],
    };
    if values.len() > LIST_VALUES_MAX {
        return Err(wrong(format!(
            "{} at '{}' takes at most {LIST_VALUES_MAX} values, found {}",
            test.operator.name(),
            test.field,
            values.len()
        )));
    }
    Ok(values)
}

fn one_of(test: &RawTest, field: FieldRef, value: &Value) -> Result<Filter> {
    if field.class == Class::Document {
        return Err(not_for(test, &field));
    }
    let negated = test.operator == Operator::Nin;
    let mut values = list(test, &field, value)?;
    let before = values.len();
    values.retain(|value| !value.is_null());
    let null = values.len() < before;
    let condition = match (field.class, negated) {
        (Class::List, _) => return Ok(one_of_list(&field, values, negated, null)),
        (_, false) => Condition::In { values, or_null: null },
        (_, true) => Condition::NotIn { values, nor_null: null },
    };
    Ok(Filter::Test(Test { field, condition }))
}

/// A list that holds one of the values, or none of them. `null` is among them: a list that is not there is one of the values then,
/// as a value that is not there is.
fn one_of_list(field: &FieldRef, values: Vec<SqlValue>, negated: bool, null: bool) -> Filter {
    let test = |condition| {
        Filter::Test(Test {
            field: field.clone(),
            condition,
        })
    };
    if !null {
        return test(Condition::Holds { values, negated });
    }
    let mut parts = vec![test(Condition::Null(!negated))];
    if !values.is_empty() {
        parts.push(test(Condition::Holds { values, negated }));
    }
    if negated {
        Filter::All(parts)
    } else {
        Filter::Any(parts)
    }
}

fn between(test: &RawTest, field: FieldRef, value: &Value) -> Result<Filter> {
    if !field.class.ordered() {
        return Err(not_for(test, &field));
    }
    let mut values = list(test, &field, value)?.into_iter();
    let (Some(low), Some(high), None) = (values.next(), values.next(), values.next()) else {
        return Err(wrong(format!("$between at '{}' takes two values", test.field)));
    };
    let half = |comparison, value: SqlValue| {
        // An end that is left open does not limit.
        if value.is_null() {
            return Filter::always();
        }
        Filter::Test(Test {
            field: field.clone(),
            condition: Condition::Compare(comparison, value),
        })
    };
    if low.is_null() || high.is_null() {
        return Ok(half(Comparison::AtLeast, low).and(half(Comparison::AtMost, high)));
    }
    Ok(Filter::Test(Test {
        field,
        condition: Condition::Between(low, high),
    }))
}

fn text(test: &RawTest, field: &FieldRef, value: &Value, how: TextMatch) -> Result<Condition> {
    if field.class != Class::Text {
        return Err(not_for(test, field));
    }
    match coerce(value, Class::Text) {
        Some(SqlValue::Text(text)) => {
            pattern_length(test, how, &text)?;
            Ok(Condition::Text(how, text))
        }
        _ => Err(wrong(format!(
            "{} at '{}' takes a text, found {value}",
            test.operator.name(),
            test.field
        ))),
    }
}

/// SQLite refuses a longer pattern when it meets the first text, so no database is asked for one.
fn pattern_length(test: &RawTest, how: TextMatch, text: &str) -> Result<()> {
    let built = match how {
        TextMatch::Like => SqliteDialect.like(text),
        TextMatch::LikeAnyCase => SqliteDialect.like_any_case(text),
        TextMatch::ContainsAnyCase if beyond_ascii(text) => SqliteDialect.like_any_case(&containing(text)),
        _ => return Ok(()),
    };
    if built.1.len() <= PATTERN_BYTES_MAX {
        return Ok(());
    }
    Err(wrong(format!(
        "the pattern of {} at '{}' is longer than {PATTERN_BYTES_MAX} bytes{}: look for a shorter part of the text, or for \
         all of it with $eq",
        test.operator.name(),
        test.field,
        if how == TextMatch::Like { "" } else { CASES_COUNT }
    )))
}

/// The same for texts of which a field is one, whatever the case.
pub(super) fn texts_length(test: &RawTest, texts: &[String]) -> Result<()> {
    let fits = |pattern: String| SqliteDialect.like_any_case(&pattern).1.len() <= PATTERN_BYTES_MAX;
    if patterns(texts).all(fits) {
        return Ok(());
    }
    Err(wrong(format!(
        "a text of {} at '{}' is longer than {PATTERN_BYTES_MAX} bytes{CASES_COUNT}: look for its beginning with $startsWith",
        test.operator.name(),
        test.field
    )))
}

fn boolean(test: &RawTest, value: &Value) -> Result<bool> {
    match coerce(value, Class::Boolean) {
        Some(SqlValue::Boolean(boolean)) => Ok(boolean),
        _ => Err(wrong(format!(
            "{} at '{}' takes true or false, found {value}",
            test.operator.name(),
            test.field
        ))),
    }
}

fn not_for(test: &RawTest, field: &FieldRef) -> DataError {
    wrong(format!(
        "{} does not work on '{}', which is {}",
        test.operator.name(),
        test.field,
        field.class.name()
    ))
}
