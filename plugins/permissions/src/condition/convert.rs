//! From the filter of an expression to rows.
//!
//! An expression knows three answers (true, false, not known), a filter of the data engine two. So each part is written for the
//! answer that is wanted: `NOT (region = 'x')` becomes "has a region, and another one". A path over references becomes a look at
//! the records of the other object, whoever may see them, so that a policy does not depend on what the caller may read.

use objectos_expression::{CompareOperator, Environment, Filter, Node, NodeKind, Type, bind};
use serde_json::{Value, json};

use super::Asker;
use crate::catalogue::Catalogue;
use crate::rows::Rows;

/// What is known of the caller.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values<'a> {
    /// Nothing: only the form is looked at.
    Unknown,
    /// Everything.
    Known(&'a Asker<'a>),
}

/// Converts the conditions of one object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Converter<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) object: &'a str,
    pub(super) values: Values<'a>,
}

type Result<T> = std::result::Result<T, String>;

const HINT: &str = "compare a field with a value or with the caller, or make a formula field of it";

impl Converter<'_> {
    /// The records for which the filter is true, or false.
    pub(super) fn rows(&self, filter: &Filter, wanted: bool) -> Result<Rows> {
        match filter {
            Filter::All => Ok(whole(wanted)),
            Filter::None => Ok(whole(!wanted)),
            Filter::And(parts) => self.joined(parts, wanted, wanted),
            Filter::Or(parts) => self.joined(parts, !wanted, wanted),
            Filter::Not(inner) => self.rows(inner, !wanted),
            Filter::Compare { left, operator, right } => self.compare(filter, left, *operator, right, wanted),
            Filter::In { item, list } => self.membership(filter, item, list, wanted),
            Filter::IsNull(operand) => match path(operand) {
                Some(path) => Ok(self.null(path, wanted)),
                None => self.constant(filter, operand, wanted),
            },
            Filter::Like { text, pattern } => match path(text) {
                Some(path) => self.test(path, "$like", &self.value(pattern)?, wanted),
                None => self.constant(filter, text, wanted),
            },
            Filter::Test(operand) => match path(operand) {
                Some(path) => Ok(self.leaf(path, json!({ "$eq": wanted }))),
                None => self.call(filter, operand, wanted),
            },
            _ => Err(format!(
                "this kind of condition cannot be part of an access rule: {HINT}"
            )),
        }
    }

    /// `every` has to be met by all parts, otherwise by one.
    fn joined(&self, parts: &[Filter], every: bool, wanted: bool) -> Result<Rows> {
        let rows = parts
            .iter()
            .map(|part| self.rows(part, wanted))
            .collect::<Result<Vec<_>>>()?;
        Ok(if every { Rows::all(rows) } else { Rows::any(rows) })
    }

    fn compare(
        &self,
        filter: &Filter,
        left: &Node,
        operator: CompareOperator,
        right: &Node,
        wanted: bool,
    ) -> Result<Rows> {
        let operator = if wanted { operator } else { opposite(operator) };
        match (path(left), path(right)) {
            (Some(left), Some(right)) if !left.contains('.') && !right.contains('.') => Ok(Rows::Where(json!({
                (left): { "$null": false, (spelling(operator)): { "$field": right } },
                (right): { "$null": false },
            }))),
            (Some(field), None) if right.is_constant() => {
                self.test(field, spelling(operator), &self.value(right)?, true)
            }
            (None, Some(field)) if left.is_constant() => {
                self.test(field, spelling(mirrored(operator)), &self.value(left)?, true)
            }
            (None, None) if left.is_constant() && right.is_constant() => self.constant(filter, left, wanted),
            _ => Err(format!("`{}` compares what a filter cannot: {HINT}", operator.symbol())),
        }
    }

    fn membership(&self, filter: &Filter, item: &Node, list: &[Node], wanted: bool) -> Result<Rows> {
        let constants = list.iter().all(Node::is_constant);
        match (path(item), list) {
            (Some(path), _) if constants => {
                let mut values = Vec::new();
                let mut unknown = false;
                for entry in list {
                    match self.value(entry)? {
                        // What is not known might be anything.
                        Value::Null => unknown = true,
                        Value::Array(items) => values.extend(items.into_iter().filter(|item| !item.is_null())),
                        value => values.push(value),
                    }
                }
                if wanted {
                    return Ok(if values.is_empty() && matches!(self.values, Values::Known(_)) {
                        Rows::None
                    } else {
                        self.leaf(path, json!({ "$in": values }))
                    });
                }
                Ok(if unknown {
                    Rows::None
                } else {
                    self.leaf(path, json!({ "$null": false, "$nin": values }))
                })
            }
            (None, [only]) if item.is_constant() && path(only).is_some_and(|_| only.value_type == Type::List) => {
                let operator = if wanted { "$contains" } else { "$notContains" };
                self.test(path(only).unwrap_or_default(), operator, &self.value(item)?, true)
            }
            (None, _) if item.is_constant() && constants => self.constant(filter, item, wanted),
            _ => Err(format!("IN looks into what a filter cannot: {HINT}")),
        }
    }

    /// `STARTS_WITH(field, 'x')` and its like.
    fn call(&self, filter: &Filter, operand: &Node, wanted: bool) -> Result<Rows> {
        if operand.is_constant() {
            return self.constant(filter, operand, wanted);
        }
        if let NodeKind::Call { function, arguments } = &operand.kind
            && let [text, part] = arguments.as_slice()
            && let Some(path) = path(text)
            && part.is_constant()
        {
            let operator = match function.name {
                "STARTS_WITH" | "BEGINS" => "$startsWith",
                "ENDS_WITH" => "$endsWith",
                "CONTAINS" => "$contains",
                name => return Err(format!("{name} cannot be part of an access rule: {HINT}")),
            };
            return self.test(path, operator, &self.value(part)?, wanted);
        }
        Err(format!("this calculation cannot be part of an access rule: {HINT}"))
    }

    /// A test with a value, or its opposite for fields that have a value.
    fn test(&self, path: &str, operator: &str, value: &Value, wanted: bool) -> Result<Rows> {
        if value.is_null() && matches!(self.values, Values::Known(_)) {
            return Ok(Rows::None);
        }
        if value.is_array() {
            return Err(format!("a list stands beside `{operator}`; use IN"));
        }
        Ok(match (wanted, operator) {
            // Without the test for null they would hold for fields without a value.
            (true, "$ne" | "$notContains") => self.leaf(path, json!({ "$null": false, (operator): value })),
            (true, _) => self.leaf(path, json!({ (operator): value })),
            (false, _) => self.leaf(path, json!({ "$null": false, "$not": { (operator): value } })),
        })
    }

    fn null(&self, path: &str, wanted: bool) -> Rows {
        match (wanted, path.contains('.')) {
            (true, false) => Rows::test(path, "$null", true),
            (true, true) => match self.leaf(path, json!({ "$null": false })) {
                Rows::Where(filter) => Rows::Where(json!({ "$not": filter })),
                rows => rows,
            },
            (false, _) => self.leaf(path, json!({ "$null": false })),
        }
    }

    /// Tests of the field at the end of a path.
    fn leaf(&self, path: &str, tests: Value) -> Rows {
        over_references(self.catalogue, self.object, path, tests)
    }

    /// What reads no field is decided at once.
    fn constant(&self, filter: &Filter, operand: &Node, wanted: bool) -> Result<Rows> {
        if !operand.is_constant() {
            return Err(format!("this condition cannot be part of an access rule: {HINT}"));
        }
        let Values::Known(asker) = self.values else {
            return Ok(Rows::None);
        };
        Ok(match filter.bind(asker).map_err(|error| error.to_string())? {
            Filter::All => whole(wanted),
            Filter::None => whole(!wanted),
            _ => Rows::None,
        })
    }

    fn value(&self, node: &Node) -> Result<Value> {
        let Values::Known(asker) = self.values else {
            return Ok(Value::Null);
        };
        let environment: &dyn Environment = asker;
        let bound = bind(node, environment).map_err(|error| error.to_string())?;
        bound
            .as_literal()
            .map(objectos_expression::Value::to_json)
            .ok_or_else(|| format!("a value is missing: {HINT}"))
    }
}

/// Tests of the field at the end of a path, as a look at the records on the way.
pub(super) fn over_references(catalogue: &Catalogue, object: &str, path: &str, tests: Value) -> Rows {
    let Some((relation, rest)) = path.split_once('.') else {
        return Rows::Where(json!({ (path): tests }));
    };
    let target = catalogue
        .object(object)
        .and_then(|object| object.fields.get(relation)?.reference.as_deref());
    match target {
        Some(target) => Rows::in_records(relation, target, "id", over_references(catalogue, target, rest, tests)),
        None => Rows::None,
    }
}

fn path(node: &Node) -> Option<&str> {
    match &node.kind {
        NodeKind::Field(path) => Some(path.as_str()),
        _ => None,
    }
}

fn whole(all: bool) -> Rows {
    if all { Rows::All } else { Rows::None }
}

fn opposite(operator: CompareOperator) -> CompareOperator {
    use CompareOperator as C;
    match operator {
        C::Equal => C::NotEqual,
        C::NotEqual => C::Equal,
        C::Less => C::GreaterOrEqual,
        C::LessOrEqual => C::Greater,
        C::Greater => C::LessOrEqual,
        C::GreaterOrEqual => C::Less,
    }
}

fn mirrored(operator: CompareOperator) -> CompareOperator {
    use CompareOperator as C;
    match operator {
        C::Less => C::Greater,
        C::LessOrEqual => C::GreaterOrEqual,
        C::Greater => C::Less,
        C::GreaterOrEqual => C::LessOrEqual,
        same => same,
    }
}

fn spelling(operator: CompareOperator) -> &'static str {
    match operator {
        CompareOperator::Equal => "$eq",
        CompareOperator::NotEqual => "$ne",
        CompareOperator::Less => "$lt",
        CompareOperator::LessOrEqual => "$lte",
        CompareOperator::Greater => "$gt",
        CompareOperator::GreaterOrEqual => "$gte",
    }
}
