//! What is true, false or null: comparisons, AND and OR, lists, patterns.

use std::cmp::Ordering;

use super::{Machine, incompatible};
use crate::calendar;
use crate::error::EvaluationError;
use crate::like;
use crate::node::{CompareOperator, Node, NodeKind};
use crate::types::Type;
use crate::value::{self, Value, mismatch};

impl<'a> Machine<'a> {
    pub(super) fn logic(&mut self, node: &'a Node) -> Result<Option<bool>, EvaluationError> {
        Ok(match &node.kind {
            NodeKind::Compare(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.compare(*operator, &left, &right)?
            }
            NodeKind::And(items) => self.until(items, false)?,
            NodeKind::Or(items) => self.until(items, true)?,
            NodeKind::Not(inner) => self.truth(inner)?.map(|truth| !truth),
            NodeKind::IsNull(inner) => Some(self.value(inner)?.is_null()),
            NodeKind::IsBlank(inner) => Some(self.value(inner)?.is_blank()),
            NodeKind::In { item, list } => self.member(item, list)?,
            NodeKind::Like { text, pattern } => self.like(text, pattern)?,
            NodeKind::Matches { text, pattern } => match self.value(text)? {
                Value::Null => None,
                Value::Text(text) => Some(pattern.regex.is_match(&text)),
                other => return Err(mismatch("REGEX", Type::Text, &other.to_text())),
            },
            _ => self.truth(node)?,
        })
    }

    /// AND ends at the first false, OR at the first true; a null on the way makes the answer null.
    fn until(&mut self, items: &'a [Node], end: bool) -> Result<Option<bool>, EvaluationError> {
        let mut answer = Some(!end);
        for item in items {
            match self.truth(item)? {
                Some(truth) if truth == end => return Ok(Some(end)),
                Some(_) => {}
                None => answer = None,
            }
        }
        Ok(answer)
    }

    pub(crate) fn member(&mut self, item: &'a Node, list: &'a [Node]) -> Result<Option<bool>, EvaluationError> {
        let item = self.value(item)?;
        if item.is_null() {
            return Ok(None);
        }
        let mut answer = Some(false);
        for entry in list {
            match self.value(entry)? {
                Value::Null => answer = None,
                Value::List(values) => {
                    for value in &values {
                        self.meter.step()?;
                        if self.compare(CompareOperator::Equal, &item, value)? == Some(true) {
                            return Ok(Some(true));
                        }
                    }
                }
                value if self.compare(CompareOperator::Equal, &item, &value)? == Some(true) => return Ok(Some(true)),
                _ => {}
            }
        }
        Ok(answer)
    }

    pub(crate) fn like(&mut self, text: &'a Node, pattern: &'a Node) -> Result<Option<bool>, EvaluationError> {
        match (self.value(text)?, self.value(pattern)?) {
            (Value::Null, _) | (_, Value::Null) => Ok(None),
            (Value::Text(text), Value::Text(pattern)) => {
                self.meter.scan(|spare| like::matches(&text, &pattern, spare)).map(Some)
            }
            (left, right) => Err(incompatible("LIKE", &left, &right)),
        }
    }

    pub(crate) fn compare(
        &self,
        operator: CompareOperator,
        left: &Value<'_>,
        right: &Value<'_>,
    ) -> Result<Option<bool>, EvaluationError> {
        use CompareOperator as C;
        if left.is_null() || right.is_null() {
            return Ok(None);
        }
        let Some(order) = value::compare(left, right).or_else(|| self.compare_moments(left, right)) else {
            // Only values whose type was not known before can be of two kinds: they are different, but none is the greater one.
            return match operator {
                C::Equal => Ok(Some(left == right)),
                C::NotEqual => Ok(Some(left != right)),
                _ => Err(incompatible(operator.symbol(), left, right)),
            };
        };
        Ok(Some(match operator {
            C::Equal => order == Ordering::Equal,
            C::NotEqual => order != Ordering::Equal,
            C::Less => order == Ordering::Less,
            C::LessOrEqual => order != Ordering::Greater,
            C::Greater => order == Ordering::Greater,
            C::GreaterOrEqual => order != Ordering::Less,
        }))
    }

    /// Dates, datetimes and ISO texts against each other.
    fn compare_moments(&self, left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
        let zone = self.environment.zone();
        let read = |value: &Value<'_>| match value {
            Value::Date(day) => Some(zone.join(*day, 0)),
            Value::DateTime(ms) => Some(*ms),
            Value::Text(text) => calendar::parse_moment(text, zone).map(|(ms, _)| ms),
            _ => None,
        };
        let is_moment = left.value_type().is_moment() || right.value_type().is_moment();
        is_moment.then(|| Some(read(left)?.cmp(&read(right)?))).flatten()
    }
}
