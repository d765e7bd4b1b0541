//! Filters over events: which ones a handler, a webhook's settings, the persistence of transient events or a replay
//! mean. The form is the protocol's filter object (`data/FilterCondition`), with paths into the event in the place of
//! field names; a text or a list of texts is a choice of name patterns. Compiled once, evaluated without allocation for
//! payload paths.

#[cfg(test)]
mod tests;

use objectos_plugin_api::protocol::kernel::{Event, plugin_document::nearest};
use serde_json::{Map, Value};
use std::cmp::Ordering;

use super::{path::Path, pattern::Pattern};

/// A compiled filter.
#[derive(Clone, Debug)]
pub(crate) enum EventFilter {
    Names(Vec<Pattern>),
    All(Vec<EventFilter>),
    Any(Vec<EventFilter>),
    Not(Box<EventFilter>),
    Test(Path, Test),
}

/// What is asked of one value.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Equal(Value),
    NotEqual(Value),
    Less(Value),
    AtMost(Value),
    More(Value),
    AtLeast(Value),
    Between(Value, Value),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    Null(bool),
    Exists(bool),
}

const OPERATORS: [&str; 14] = [
    "$eq",
    "$ne",
    "$lt",
    "$lte",
    "$gt",
    "$gte",
    "$between",
    "$in",
    "$nin",
    "$contains",
    "$startsWith",
    "$endsWith",
    "$null",
    "$exists",
];

impl EventFilter {
    /// Compiles a filter as configuration writes it.
    ///
    /// # Errors
    /// A sentence that says which part cannot be used.
    pub(crate) fn compile(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(pattern) => Ok(Self::Names(vec![Pattern::parse(pattern)?])),
            Value::Array(patterns) => patterns
                .iter()
                .map(|pattern| match pattern {
                    Value::String(pattern) => Pattern::parse(pattern),
                    other => Err(format!("a list of name patterns holds texts, not {other}")),
                })
                .collect::<Result<_, _>>()
                .map(Self::Names),
            Value::Object(map) => Self::compile_map(map),
            other => Err(format!(
                "{other} is no filter; write a name pattern, a list of them, or an object as in {{\"payload.object\": \"account\"}}"
            )),
        }
    }

    /// Compiles a filter object.
    pub(crate) fn compile_map(map: &Map<String, Value>) -> Result<Self, String> {
        let mut all = Vec::with_capacity(map.len());
        for (key, value) in map {
            all.push(match key.as_str() {
                "$and" => Self::All(compile_list(key, value)?),
                "$or" => Self::Any(compile_list(key, value)?),
                "$not" => match value {
                    Value::Object(inner) => Self::Not(Box::new(Self::compile_map(inner)?)),
                    _ => return Err("$not takes a filter object".to_owned()),
                },
                key if key.starts_with('$') => {
                    return Err(format!(
                        "{key} does not join filters; use $and, $or or $not, and operators below a path"
                    ));
                }
                path => compile_tests(Path::parse(path)?, value).map_err(|problem| format!("{path}: {problem}"))?,
            });
        }
        Ok(Self::All(all))
    }

    /// True when the event is meant.
    pub(crate) fn accepts(&self, event: &Event) -> bool {
        match self {
            Self::Names(patterns) => patterns.iter().any(|pattern| pattern.matches(&event.name)),
            Self::All(filters) => filters.iter().all(|filter| filter.accepts(event)),
            Self::Any(filters) => filters.iter().any(|filter| filter.accepts(event)),
            Self::Not(filter) => !filter.accepts(event),
            Self::Test(path, test) => test.holds(path.of(event).as_deref()),
        }
    }

    /// False when no event of this name can be meant, so that its payload need not be read.
    pub(crate) fn may_accept(&self, name: &str) -> bool {
        match self {
            Self::Names(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
            Self::All(_) | Self::Any(_) | Self::Not(_) | Self::Test(..) => true,
        }
    }
}

fn compile_list(key: &str, value: &Value) -> Result<Vec<EventFilter>, String> {
    let Value::Array(filters) = value else {
        return Err(format!("{key} takes a list of filter objects"));
    };
    filters
        .iter()
        .map(|filter| match filter {
            Value::Object(map) => EventFilter::compile_map(map),
            _ => Err(format!("{key} takes a list of filter objects")),
        })
        .collect()
}

/// `{operator: value, …}`, or a value that is meant to be equal.
fn compile_tests(path: Path, value: &Value) -> Result<EventFilter, String> {
    match value {
        Value::Object(map) if map.keys().any(|key| key.starts_with('$')) => map
            .iter()
            .map(|(operator, operand)| Ok(EventFilter::Test(path.clone(), compile_test(operator, operand)?)))
            .collect::<Result<_, String>>()
            .map(EventFilter::All),
        other => Ok(EventFilter::Test(path, Test::Equal(other.clone()))),
    }
}

fn compile_test(operator: &str, operand: &Value) -> Result<Test, String> {
    let value = || operand.clone();
    let text = || {
        operand
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("{operator} takes a text"))
    };
    let list = || {
        operand
            .as_array()
            .cloned()
            .ok_or_else(|| format!("{operator} takes a list"))
    };
    let switch = || {
        operand
            .as_bool()
            .ok_or_else(|| format!("{operator} takes true or false"))
    };
    Ok(match operator {
        "$eq" => Test::Equal(value()),
        "$ne" => Test::NotEqual(value()),
        "$lt" => Test::Less(value()),
        "$lte" => Test::AtMost(value()),
        "$gt" => Test::More(value()),
        "$gte" => Test::AtLeast(value()),
        "$between" => match list()?.as_slice() {
            [low, high] => Test::Between(low.clone(), high.clone()),
            _ => return Err("$between takes a list of two values".to_owned()),
        },
        "$in" => Test::In(list()?),
        "$nin" => Test::NotIn(list()?),
        "$contains" => Test::Contains(text()?),
        "$startsWith" => Test::StartsWith(text()?),
        "$endsWith" => Test::EndsWith(text()?),
        "$null" => Test::Null(switch()?),
        "$exists" => Test::Exists(switch()?),
        other => {
            let hint = nearest(other, OPERATORS)
                .map(|name| format!("; the nearest one is {name}"))
                .unwrap_or_default();
            return Err(format!("there is no operator {other}{hint}"));
        }
    })
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        let order = |bound: &Value| value.and_then(|value| compare(value, bound));
        let text = || value.and_then(Value::as_str);
        match self {
            Self::Equal(wanted) => equal(value, wanted),
            Self::NotEqual(unwanted) => !equal(value, unwanted),
            Self::Less(bound) => order(bound) == Some(Ordering::Less),
            Self::AtMost(bound) => order(bound).is_some_and(Ordering::is_le),
            Self::More(bound) => order(bound) == Some(Ordering::Greater),
            Self::AtLeast(bound) => order(bound).is_some_and(Ordering::is_ge),
            Self::Between(low, high) => {
                order(low).is_some_and(Ordering::is_ge) && order(high).is_some_and(Ordering::is_le)
            }
            Self::In(wanted) => wanted.iter().any(|wanted| equal(value, wanted)),
            Self::NotIn(unwanted) => !unwanted.iter().any(|unwanted| equal(value, unwanted)),
            Self::Contains(part) => match value {
                Some(Value::Array(list)) => list.iter().any(|item| item.as_str() == Some(part)),
                _ => text().is_some_and(|text| text.contains(part)),
            },
            Self::StartsWith(part) => text().is_some_and(|text| text.starts_with(part)),
            Self::EndsWith(part) => text().is_some_and(|text| text.ends_with(part)),
            Self::Null(wanted) => value.is_none_or(Value::is_null) == *wanted,
            Self::Exists(wanted) => value.is_some() == *wanted,
        }
    }
}

/// What is not there equals `null`, and nothing else. `1` equals `1.0`.
fn equal(value: Option<&Value>, wanted: &Value) -> bool {
    match (value, wanted) {
        (None, wanted) => wanted.is_null(),
        (Some(value), wanted) => value == wanted || compare(value, wanted) == Some(Ordering::Equal),
    }
}

/// Numbers and texts have an order among themselves; nothing else has one.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::String(left), Value::String(right)) => Some(left.as_str().cmp(right)),
        _ => None,
    }
}
