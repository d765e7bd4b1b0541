//! Filters of subscriptions (`api/EventFilter`), compiled once and held to what the client would get: values that it may not
//! read are not there, so no filter can ask for them. A condition's `field` is a path by points into the payload, or, when
//! there is nothing of that name, into the record (`after`).
//!
//! Regular expressions run in time linear in the text, and are compiled within a limit of memory.

use objectos_plugin_api::protocol::api::{EventFilter, EventFilterCondition, FilterOperator};
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use std::cmp::Ordering;

use crate::{
    error::{RealtimeError, Result},
    pattern::shown,
};

/// Conditions and groups in one filter.
const NODES_MAX: usize = 64;
const DEPTH_MAX: usize = 8;
const CHARS_MAX: usize = 512;
/// Values of one `in` or `nin`.
const VALUES_MAX: usize = 200;
/// Regular expressions in one filter.
const REGEXES_MAX: usize = 8;
/// Bytes of one compiled regular expression.
const REGEX_BYTES_MAX: usize = 64 * 1024;

/// A compiled filter.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test(String, Test),
}

/// What is asked of one value.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Equal(Value),
    NotEqual(Value),
    Compared(&'static [Ordering], Value),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    Contains(Value),
    StartsWith(String),
    EndsWith(String),
    Exists(bool),
    Regex(Regex),
}

impl Filter {
    /// Compiles a filter.
    ///
    /// # Errors
    /// `Invalid` with the condition that cannot be used, or the limit that is passed.
    pub(crate) fn compile(filter: &EventFilter) -> Result<Self> {
        compile(filter, 0, &mut Parts::default())
    }

    /// How many regular expressions there are in it: each takes memory of its own.
    pub(crate) fn regexes(&self) -> usize {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().map(Self::regexes).sum(),
            Self::Not(filter) => filter.regexes(),
            Self::Test(_, test) => usize::from(matches!(test, Test::Regex(_))),
        }
    }

    /// Compiles the filter of `POST /subscribe`: an `EventFilter`, or an object of fields and the values they must have.
    ///
    /// # Errors
    /// As [`Filter::compile`].
    pub(crate) fn of_map(map: &Map<String, Value>) -> Result<Self> {
        const PARTS: [&str; 4] = ["conditions", "and", "or", "not"];
        if map.keys().any(|key| PARTS.contains(&key.as_str())) {
            let filter: EventFilter = serde_json::from_value(Value::Object(map.clone()))
                .map_err(|error| RealtimeError::invalid(format!("the filter does not have its shape: {error}")))?;
            return Self::compile(&filter);
        }
        let conditions = map.iter().map(|(field, value)| EventFilterCondition {
            field: field.clone(),
            operator: FilterOperator::Eq,
            value: Some(value.clone()),
        });
        Self::compile(&EventFilter {
            conditions: Some(conditions.collect()),
            ..EventFilter::default()
        })
    }

    /// Whether what a client would get is meant.
    pub(crate) fn accepts(&self, payload: &Map<String, Value>) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.accepts(payload)),
            Self::Any(filters) => filters.iter().any(|filter| filter.accepts(payload)),
            Self::Not(filter) => !filter.accepts(payload),
            Self::Test(field, test) => test.holds(find(payload, field)),
        }
    }
}

/// What was seen of a filter so far.
#[derive(Debug, Default)]
struct Parts {
    nodes: usize,
    regexes: usize,
}

fn compile(filter: &EventFilter, depth: usize, parts: &mut Parts) -> Result<Filter> {
    if depth > DEPTH_MAX {
        return Err(RealtimeError::invalid(format!(
            "a filter is nested at most {DEPTH_MAX} deep"
        )));
    }
    let mut all = Vec::new();
    for condition in filter.conditions.iter().flatten() {
        count(parts)?;
        if condition.operator == FilterOperator::Regex {
            parts.regexes += 1;
            if parts.regexes > REGEXES_MAX {
                return Err(RealtimeError::invalid(format!(
                    "a filter has at most {REGEXES_MAX} regular expressions"
                )));
            }
        }
        all.push(compile_condition(condition)?);
    }
    let mut list = |filters: &[EventFilter]| {
        filters
            .iter()
            .map(|inner| {
                count(parts)?;
                compile(inner, depth + 1, parts)
            })
            .collect::<Result<Vec<_>>>()
    };
    if let Some(filters) = &filter.and {
        all.push(Filter::All(list(filters)?));
    }
    if let Some(filters) = &filter.or {
        all.push(Filter::Any(list(filters)?));
    }
    if let Some(inner) = &filter.not {
        let inner = list(std::slice::from_ref(&**inner))?;
        all.push(Filter::Not(Box::new(Filter::All(inner))));
    }
    Ok(Filter::All(all))
}

fn count(parts: &mut Parts) -> Result<()> {
    parts.nodes += 1;
    if parts.nodes > NODES_MAX {
        return Err(RealtimeError::invalid(format!(
            "a filter has at most {NODES_MAX} parts"
        )));
    }
    Ok(())
}

fn compile_condition(condition: &EventFilterCondition) -> Result<Filter> {
    let field = &condition.field;
    let wrong = |problem: String| RealtimeError::invalid(format!("the condition on '{}' {problem}", shown(field)));
    if field.is_empty() || field.len() > CHARS_MAX {
        return Err(wrong(format!("names no field of 1 to {CHARS_MAX} characters")));
    }
    let value = || condition.value.clone().unwrap_or_default();
    let text = |operator: &str| match value() {
        Value::String(text) if text.len() <= CHARS_MAX => Ok(text),
        _ => Err(wrong(format!(
            "needs a text of at most {CHARS_MAX} characters for {operator}"
        ))),
    };
    let list = |operator: &str| match value() {
        Value::Array(values) if values.len() <= VALUES_MAX => Ok(values),
        _ => Err(wrong(format!(
            "needs a list of at most {VALUES_MAX} values for {operator}"
        ))),
    };
    let compared = |wanted: &'static [Ordering]| match value() {
        value @ (Value::String(_) | Value::Number(_)) => Ok(Test::Compared(wanted, value)),
        _ => Err(wrong("compares with a text or a number".to_owned())),
    };
    let test = match condition.operator {
        FilterOperator::Eq => Test::Equal(value()),
        FilterOperator::Ne => Test::NotEqual(value()),
        FilterOperator::Gt => compared(&[Ordering::Greater])?,
        FilterOperator::Gte => compared(&[Ordering::Greater, Ordering::Equal])?,
        FilterOperator::Lt => compared(&[Ordering::Less])?,
        FilterOperator::Lte => compared(&[Ordering::Less, Ordering::Equal])?,
        FilterOperator::In => Test::In(list("in")?),
        FilterOperator::Nin => Test::NotIn(list("nin")?),
        FilterOperator::Contains => Test::Contains(value()),
        FilterOperator::StartsWith => Test::StartsWith(text("startsWith")?),
        FilterOperator::EndsWith => Test::EndsWith(text("endsWith")?),
        FilterOperator::Exists => match condition.value {
            None => Test::Exists(true),
            Some(Value::Bool(wanted)) => Test::Exists(wanted),
            Some(_) => return Err(wrong("needs true or false for exists".to_owned())),
        },
        FilterOperator::Regex => {
            let regex = RegexBuilder::new(&text("regex")?)
                .size_limit(REGEX_BYTES_MAX)
                .dfa_size_limit(REGEX_BYTES_MAX)
                .build();
            Test::Regex(regex.map_err(|error| wrong(format!("has no regular expression that can be used: {error}")))?)
        }
    };
    Ok(Filter::Test(field.clone(), test))
}

/// The value of a path in the payload, else in the record.
fn find<'a>(payload: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    let within = |map: &'a Map<String, Value>| {
        let mut parts = field.split('.');
        let first = map.get(parts.next()?)?;
        parts.try_fold(first, |value, part| match value {
            Value::Object(map) => map.get(part),
            Value::Array(values) => values.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    };
    within(payload).or_else(|| payload.get("after").and_then(Value::as_object).and_then(within))
}

impl Test {
    /// Whether it holds; what is not there is `null`.
    fn holds(&self, value: Option<&Value>) -> bool {
        let found = value.unwrap_or(&Value::Null);
        match self {
            Self::Equal(wanted) => same(found, wanted),
            Self::NotEqual(wanted) => !same(found, wanted),
            Self::Compared(wanted, bound) => compare(found, bound).is_some_and(|order| wanted.contains(&order)),
            Self::In(values) => values.iter().any(|wanted| same(found, wanted)),
            Self::NotIn(values) => !values.iter().any(|wanted| same(found, wanted)),
            Self::Contains(wanted) => match (found, wanted) {
                (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
                (Value::Array(values), wanted) => values.iter().any(|value| same(value, wanted)),
                _ => false,
            },
            Self::StartsWith(start) => found.as_str().is_some_and(|text| text.starts_with(start.as_str())),
            Self::EndsWith(end) => found.as_str().is_some_and(|text| text.ends_with(end.as_str())),
            Self::Exists(wanted) => found.is_null() != *wanted,
            Self::Regex(regex) => found.as_str().is_some_and(|text| regex.is_match(text)),
        }
    }
}

/// Equal, `1` and `1.0` too.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => compare(one, other) == Some(Ordering::Equal),
        _ => one == other,
    }
}

fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
