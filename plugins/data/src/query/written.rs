//! Filters as they are written, read into one tree. Names and values are taken as they are; only the shape is checked here.
//!
//! Forms: `{"stage": "won", "amount": {"$gte": 5}, "$or": [...]}`; `["amount", ">=", 5]`, `["and", node, ...]` and flat lists of
//! nodes with or without the words `and`, `or` between them. Both may be mixed.

use serde_json::{Map, Value, json};

use super::operator::Operator;
use super::{FILTER_DEPTH_MAX, FILTER_TESTS_MAX};
use crate::error::{DataError, Result};

/// How access plans write a look at the records of another object.
const IN_RECORDS: &str = "$inRecords";

/// A filter whose names nobody looked up yet.
#[derive(Clone, Debug, PartialEq)]
pub enum RawFilter {
    /// All must hold; the empty list holds.
    All(Vec<RawFilter>),
    /// One must hold; the empty list does not.
    Any(Vec<RawFilter>),
    /// Must not hold; what is unknown does not.
    Not(Box<RawFilter>),
    /// One test.
    Test(RawTest),
    /// The field's value is that of some record of another object. Access plans only.
    InRecords(RawLookup),
    /// What must be true of records that point here, or that a list of references points to.
    Related(RawRelated),
}

/// A look at the records of another object, whoever may see them.
#[derive(Clone, Debug, PartialEq)]
pub struct RawLookup {
    /// Name or path of the field here.
    pub field: String,
    /// The other object.
    pub object: String,
    /// Its field.
    pub source: String,
    /// Which of its records; none is all.
    pub filter: Option<Box<RawFilter>>,
}

/// A condition on several related records.
#[derive(Clone, Debug, PartialEq)]
pub struct RawRelated {
    /// Name or path of the relation: a list of references, or an object that points here.
    pub path: String,
    /// Of how many it must be true.
    pub quantifier: Quantifier,
    /// The condition; names are those of the related object.
    pub filter: Box<RawFilter>,
}

/// Of how many records a condition must be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// At least one.
    Some,
    /// All, also when there are none.
    Every,
    /// None of them.
    None,
}

impl Quantifier {
    fn of(key: &str) -> Option<Self> {
        match key {
            "$some" => Some(Self::Some),
            "$every" => Some(Self::Every),
            "$none" => Some(Self::None),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Some => "$some",
            Self::Every => "$every",
            Self::None => "$none",
        }
    }
}

/// A test of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct RawTest {
    /// Name or path of the field.
    pub field: String,
    /// What is done.
    pub operator: Operator,
    /// With what.
    pub operand: Operand,
}

/// What a field is tested with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A value.
    Value(Value),
    /// Another field of the record.
    Field(String),
}

impl RawFilter {
    /// Both must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut all) => {
                all.push(other);
                Self::All(all)
            }
            first => Self::All(vec![first, other]),
        }
    }

    /// A field has a value.
    pub fn equals(field: &str, value: impl Into<Value>) -> Self {
        Self::Test(RawTest {
            field: field.to_owned(),
            operator: Operator::Eq,
            operand: Operand::Value(value.into()),
        })
    }

    /// The filter in object form with the canonical operators.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::All(parts) => json!({ "$and": parts.iter().map(Self::to_json).collect::<Vec<_>>() }),
            Self::Any(parts) => json!({ "$or": parts.iter().map(Self::to_json).collect::<Vec<_>>() }),
            Self::Not(part) => json!({ "$not": part.to_json() }),
            Self::Test(test) => {
                let operand = match &test.operand {
                    Operand::Value(value) => value.clone(),
                    Operand::Field(other) => json!({ "$field": other }),
                };
                json!({ (test.field.as_str()): { (test.operator.name()): operand } })
            }
            Self::InRecords(lookup) => {
                let mut records = json!({ "object": lookup.object, "field": lookup.source });
                if let Some(filter) = &lookup.filter {
                    records["where"] = filter.to_json();
                }
                json!({ (lookup.field.as_str()): { (IN_RECORDS): records } })
            }
            Self::Related(related) => {
                json!({ (related.path.as_str()): { (related.quantifier.name()): related.filter.to_json() } })
            }
        }
    }

    /// Every name of a field in it; those of related records with the relation in front.
    pub fn visit_fields(&self, visit: &mut dyn FnMut(&str)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.visit_fields(visit)),
            Self::Not(part) => part.visit_fields(visit),
            Self::Test(test) => {
                visit(&test.field);
                if let Operand::Field(other) = &test.operand {
                    visit(other);
                }
            }
            // What is inside names fields of another object.
            Self::InRecords(lookup) => visit(&lookup.field),
            Self::Related(related) => {
                // The related object counts even when none of its fields is named.
                visit(&format!("{}.id", related.path));
                let inside = &mut |name: &str| visit(&format!("{}.{name}", related.path));
                related.filter.visit_fields(inside);
            }
        }
    }

    /// Changes the names of fields; inside related records they stay.
    pub(super) fn rename(&mut self, name: &dyn Fn(&str) -> String) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter_mut().for_each(|part| part.rename(name)),
            Self::Not(part) => part.rename(name),
            Self::Test(test) => {
                test.field = name(&test.field);
                if let Operand::Field(other) = &mut test.operand {
                    *other = name(other);
                }
            }
            Self::InRecords(lookup) => lookup.field = name(&lookup.field),
            Self::Related(related) => related.path = name(&related.path),
        }
    }
}

fn wrong(message: impl Into<String>) -> DataError {
    DataError::InvalidFilter {
        message: message.into(),
    }
}

/// Reads a filter in any of its forms; `null`, `{}` and `[]` hold for every record.
///
/// # Errors
/// `InvalidFilter` for a shape that is none, an unknown operator, or too much of it.
pub fn read_filter(value: &Value) -> Result<RawFilter> {
    let mut reader = Reader { tests: 0, plan: false };
    reader.node(value, 0)
}

/// Reads a filter of an access plan, which may also look at records of other objects.
///
/// # Errors
/// As [`read_filter`].
pub fn read_plan_filter(value: &Value) -> Result<RawFilter> {
    let mut reader = Reader { tests: 0, plan: true };
    reader.node(value, 0)
}

struct Reader {
    tests: usize,
    /// The filter is one of an access plan.
    plan: bool,
}

impl Reader {
    fn node(&mut self, value: &Value, depth: usize) -> Result<RawFilter> {
        if depth > FILTER_DEPTH_MAX {
            return Err(wrong(format!("the filter is nested deeper than {FILTER_DEPTH_MAX}")));
        }
        match value {
            Value::Null => Ok(RawFilter::All(Vec::new())),
            Value::Object(map) => self.object(map, "", depth),
            Value::Array(items) => self.array(items, depth),
            other => Err(wrong(format!("a filter is an object or a list, found {other}"))),
        }
    }

    fn test(&mut self, field: &str, operator: Operator, value: &Value) -> Result<RawFilter> {
        self.tests += 1;
        if self.tests > FILTER_TESTS_MAX {
            return Err(wrong(format!("the filter has more than {FILTER_TESTS_MAX} tests")));
        }
        if field.is_empty() {
            return Err(wrong("a test names no field"));
        }
        let operand = match value.as_object().and_then(|map| map.get("$field")) {
            Some(Value::String(other)) => Operand::Field(other.clone()),
            Some(_) => return Err(wrong(format!("$field takes the name of a field, at '{field}'"))),
            None => Operand::Value(value.clone()),
        };
        Ok(RawFilter::Test(RawTest {
            field: field.to_owned(),
            operator,
            operand,
        }))
    }

    /// `prefix` is the relation whose fields the keys name, with its dot.
    fn object(&mut self, map: &Map<String, Value>, prefix: &str, depth: usize) -> Result<RawFilter> {
        let mut parts = Vec::with_capacity(map.len());
        for (key, value) in map {
            parts.push(match key.as_str() {
                "$and" => collapse(self.list(key, value, prefix, depth)?, RawFilter::All),
                "$or" => collapse(self.list(key, value, prefix, depth)?, RawFilter::Any),
                "$nor" => RawFilter::Not(Box::new(collapse(
                    self.list(key, value, prefix, depth)?,
                    RawFilter::Any,
                ))),
                "$not" => RawFilter::Not(Box::new(self.prefixed(value, prefix, depth + 1)?)),
                unknown if unknown.starts_with('$') => return Err(unknown_operator(unknown)),
                field => self.field(&format!("{prefix}{field}"), value, depth)?,
            });
        }
        Ok(collapse(parts, RawFilter::All))
    }

    fn prefixed(&mut self, value: &Value, prefix: &str, depth: usize) -> Result<RawFilter> {
        match value {
            Value::Object(map) if depth <= FILTER_DEPTH_MAX => self.object(map, prefix, depth),
            other if prefix.is_empty() => self.node(other, depth),
            _ => Err(wrong("a filter within a relation is an object")),
        }
    }

    fn list(&mut self, key: &str, value: &Value, prefix: &str, depth: usize) -> Result<Vec<RawFilter>> {
        let Value::Array(items) = value else {
            return Err(wrong(format!("{key} takes a list of filters")));
        };
        items
            .iter()
            .map(|item| self.prefixed(item, prefix, depth + 1))
            .collect()
    }

    /// `field: value` or `field: {operator: value}` or `relation: {field: …}`.
    fn field(&mut self, field: &str, value: &Value, depth: usize) -> Result<RawFilter> {
        let Value::Object(map) = value else {
            return self.test(field, Operator::Eq, value);
        };
        if map.is_empty() || map.contains_key("$field") {
            return self.test(field, Operator::Eq, value);
        }
        if !map.keys().any(|key| key.starts_with('$')) {
            if depth >= FILTER_DEPTH_MAX {
                return Err(wrong(format!("the filter is nested deeper than {FILTER_DEPTH_MAX}")));
            }
            return self.object(map, &format!("{field}."), depth + 1);
        }
        let mut parts = Vec::with_capacity(map.len());
        for (key, value) in map {
            parts.push(match Operator::of_object_form(key) {
                Some(operator) => self.test(field, operator, value)?,
                None if key == "$not" && depth < FILTER_DEPTH_MAX => {
                    RawFilter::Not(Box::new(self.field(field, value, depth + 1)?))
                }
                None if key == IN_RECORDS => self.in_records(field, value, depth)?,
                None if Quantifier::of(key).is_some() => self.related(field, key, value, depth)?,
                None => return Err(unknown_operator(key)),
            });
        }
        Ok(collapse(parts, RawFilter::All))
    }

    /// `{object, field, where?}`.
    fn in_records(&mut self, field: &str, value: &Value, depth: usize) -> Result<RawFilter> {
        if !self.plan {
            return Err(wrong(format!(
                "{IN_RECORDS} at '{field}' is for access plans only; use a path over a relation, such as 'account.name'"
            )));
        }
        let Value::Object(map) = value else {
            return Err(wrong(format!(
                "{IN_RECORDS} at '{field}' takes {{object, field, where?}}"
            )));
        };
        if let Some(key) = map
            .keys()
            .find(|key| !["object", "field", "where"].contains(&key.as_str()))
        {
            return Err(wrong(format!("{IN_RECORDS} at '{field}' does not know '{key}'")));
        }
        let text = |key: &str| {
            map.get(key)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| wrong(format!("{IN_RECORDS} at '{field}' needs '{key}', a name")))
        };
        let filter = match map.get("where") {
            None | Some(Value::Null) => None,
            Some(filter) => Some(Box::new(self.node(filter, depth + 1)?)),
        };
        Ok(RawFilter::InRecords(RawLookup {
            field: field.to_owned(),
            object: text("object")?,
            source: text("field")?,
            filter,
        }))
    }

    /// `relation: {"$some": filter}`.
    fn related(&mut self, path: &str, key: &str, value: &Value, depth: usize) -> Result<RawFilter> {
        self.tests += 1;
        let filter = self.node(value, depth + 1)?;
        Ok(RawFilter::Related(RawRelated {
            path: path.to_owned(),
            quantifier: Quantifier::of(key).unwrap_or(Quantifier::Some),
            filter: Box::new(filter),
        }))
    }

    fn array(&mut self, items: &[Value], depth: usize) -> Result<RawFilter> {
        match items {
            [] => Ok(RawFilter::All(Vec::new())),
            [Value::String(first), rest @ ..] => match (word(first), rest) {
                (Some(Word::And), nodes) if !is_comparison(nodes) => {
                    Ok(collapse(self.nodes(nodes, depth)?, RawFilter::All))
                }
                (Some(Word::Or), nodes) if !is_comparison(nodes) => {
                    Ok(collapse(self.nodes(nodes, depth)?, RawFilter::Any))
                }
                (Some(Word::Not), [node]) => Ok(RawFilter::Not(Box::new(self.node(node, depth + 1)?))),
                _ => self.comparison(first, rest),
            },
            nodes => self.infix(nodes, depth),
        }
    }

    fn nodes(&mut self, nodes: &[Value], depth: usize) -> Result<Vec<RawFilter>> {
        nodes.iter().map(|node| self.node(node, depth + 1)).collect()
    }

    /// `[field, operator, value]`.
    fn comparison(&mut self, field: &str, rest: &[Value]) -> Result<RawFilter> {
        let (spelling, values) = match rest {
            [Value::String(spelling), values @ ..] => (spelling.as_str(), values),
            _ => {
                return Err(wrong(format!(
                    "a test is written [field, operator, value], at '{field}'"
                )));
            }
        };
        let Some(found) = Operator::of_array_form(spelling) else {
            return Err(match Operator::of_object_form(spelling) {
                Some(operator) if values.len() == 1 => return self.test(field, operator, &values[0]),
                _ => {
                    let hint = Operator::nearest_of_array_form(spelling)
                        .map(|name| format!("; did you mean '{name}'?"))
                        .unwrap_or_default();
                    wrong(format!("unknown operator '{spelling}' at '{field}'{hint}"))
                }
            });
        };
        match (found.implied, values) {
            (None, [value]) => self.test(field, found.operator, value),
            (None, [low, high]) if found.operator == Operator::Between => {
                self.test(field, found.operator, &Value::Array(vec![low.clone(), high.clone()]))
            }
            // `["name", "is_null", false]` means what it says; a null there is the same as nothing.
            (Some(implied), [Value::Bool(given)]) => self.test(field, found.operator, &Value::Bool(*given == implied)),
            (Some(implied), [] | [Value::Null]) => self.test(field, found.operator, &Value::Bool(implied)),
            _ => Err(wrong(format!(
                "'{spelling}' at '{field}' does not take {} values",
                values.len()
            ))),
        }
    }

    /// Nodes one after the other, with `and` and `or` between them or without; `and` binds tighter.
    fn infix(&mut self, nodes: &[Value], depth: usize) -> Result<RawFilter> {
        let mut alternatives = Vec::new();
        let mut conjunction = Vec::new();
        let mut expects_node = true;
        for node in nodes {
            match node {
                Value::String(text) => match word(text) {
                    Some(Word::And) if !expects_node => expects_node = true,
                    Some(Word::Or) if !expects_node => {
                        alternatives.push(collapse(std::mem::take(&mut conjunction), RawFilter::All));
                        expects_node = true;
                    }
                    _ => {
                        return Err(wrong(format!(
                            "'{text}' does not belong between filters; use 'and' or 'or'"
                        )));
                    }
                },
                node => {
                    conjunction.push(self.node(node, depth + 1)?);
                    expects_node = false;
                }
            }
        }
        if expects_node {
            return Err(wrong("the filter ends with 'and' or 'or'"));
        }
        alternatives.push(collapse(conjunction, RawFilter::All));
        Ok(collapse(alternatives, RawFilter::Any))
    }
}

enum Word {
    And,
    Or,
    Not,
}

fn word(text: &str) -> Option<Word> {
    match text.to_ascii_lowercase().as_str() {
        "and" | "&&" | "$and" => Some(Word::And),
        "or" | "||" | "$or" => Some(Word::Or),
        "not" | "!" | "$not" => Some(Word::Not),
        _ => None,
    }
}

/// A field may be called `and`: what follows then is an operator.
fn is_comparison(rest: &[Value]) -> bool {
    matches!(rest, [Value::String(_), ..])
}

/// A list of one is that one.
fn collapse(mut parts: Vec<RawFilter>, many: fn(Vec<RawFilter>) -> RawFilter) -> RawFilter {
    match parts.len() {
        1 => parts.remove(0),
        _ => many(parts),
    }
}

fn unknown_operator(spelling: &str) -> DataError {
    let hint = Operator::nearest_of_object_form(spelling)
        .map(|name| format!("; did you mean '{name}'?"))
        .unwrap_or_default();
    wrong(format!("unknown operator '{spelling}'{hint}"))
}

#[cfg(test)]
mod tests;
