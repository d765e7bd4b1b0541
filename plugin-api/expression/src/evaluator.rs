//! Runs a checked tree over one record.
//!
//! One walk, no allocation for numbers, comparisons and borrowed text; steps and bytes are counted. Null semantics are in the
//! crate's documentation. Called per record by whoever holds a `CheckedExpression` or a `Filter`.

use std::borrow::Cow;

use crate::calendar;
use crate::checker::CheckedExpression;
use crate::environment::{Environment, Lookup};
use crate::error::EvaluationError;
use crate::function::{Context, Form, Function};
use crate::limits::{Limits, Meter};
use crate::node::{ArithmeticOperator, CompareOperator, Node, NodeKind, Path, Variable};
use crate::number;
use crate::types::Type;
use crate::value::{Value, mismatch};

mod logic;

/// Evaluates with the default limits. The value may borrow from both. Errors: see [`EvaluationError`].
pub fn evaluate<'a>(
    expression: &'a CheckedExpression,
    environment: &'a dyn Environment,
) -> Result<Value<'a>, EvaluationError> {
    evaluate_within(expression, environment, Limits::default())
}

/// Evaluates within limits.
pub fn evaluate_within<'a>(
    expression: &'a CheckedExpression,
    environment: &'a dyn Environment,
    limits: Limits,
) -> Result<Value<'a>, EvaluationError> {
    Machine::new(environment, limits).value(expression.root())
}

/// Whether a condition holds: null counts as no.
pub fn holds(expression: &CheckedExpression, environment: &dyn Environment) -> Result<bool, EvaluationError> {
    Ok(Machine::new(environment, Limits::default()).truth(expression.root())? == Some(true))
}

/// The value of a node without fields and variables; nothing if it fails or is too large to be kept.
pub(crate) fn constant(node: &Node) -> Option<Value<'static>> {
    struct Nothing;
    impl Environment for Nothing {
        fn field(&self, _: &Path) -> Lookup<'_> {
            Lookup::Missing
        }
        fn now_ms(&self) -> i64 {
            0
        }
    }
    let limits = Limits {
        steps_max: 10_000,
        bytes_max: 4096,
    };
    Machine::new(&Nothing, limits).value(node).ok().map(Value::into_owned)
}

pub(crate) struct Machine<'a> {
    environment: &'a dyn Environment,
    meter: Meter,
    locals: Vec<Value<'a>>,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(environment: &'a dyn Environment, limits: Limits) -> Self {
        Machine {
            environment,
            meter: Meter::new(limits),
            locals: Vec::new(),
        }
    }

    pub(crate) fn value(&mut self, node: &'a Node) -> Result<Value<'a>, EvaluationError> {
        self.meter.step()?;
        Ok(match &node.kind {
            NodeKind::Literal(value) => borrowed(value),
            NodeKind::Field(path) => {
                let environment = self.environment;
                self.found(environment.field(path), node.value_type, path.as_str())?
            }
            NodeKind::Previous(path) => {
                let environment = self.environment;
                self.found(environment.previous(path), node.value_type, path.as_str())?
            }
            NodeKind::Variable(variable) => self.variable(variable, node.value_type)?,
            NodeKind::Local(index) => self.locals.get(*index).cloned().unwrap_or(Value::Null),
            NodeKind::Let { value, body } => {
                let value = self.value(value)?;
                self.locals.push(value);
                let result = self.value(body);
                self.locals.pop();
                result?
            }
            NodeKind::Negate(inner) => match self.value(inner)? {
                Value::Null => Value::Null,
                Value::Integer(integer) if integer != i64::MIN => Value::Integer(-integer),
                value => Value::number(-number_of(&value, "-")?),
            },
            NodeKind::Arithmetic(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.arithmetic(*operator, &left, &right)?
            }
            NodeKind::Concat(items) => self.concat(items)?,
            NodeKind::Coalesce(items) => self.coalesce(items)?,
            NodeKind::If { arms, otherwise } => {
                for (condition, value) in arms {
                    if self.truth(condition)? == Some(true) {
                        return self.value(value);
                    }
                }
                self.value(otherwise)?
            }
            NodeKind::Case {
                subject,
                arms,
                otherwise,
            } => {
                let subject = self.value(subject)?;
                for (when, value) in arms {
                    let when = self.value(when)?;
                    if self.compare(CompareOperator::Equal, &subject, &when)? == Some(true) {
                        return self.value(value);
                    }
                }
                self.value(otherwise)?
            }
            NodeKind::List(items) => {
                self.meter.take(items.len() * size_of::<Value<'_>>())?;
                Value::List(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?)
            }
            NodeKind::Call { function, arguments } => self.call(function, arguments)?,
            NodeKind::Compare(..)
            | NodeKind::And(_)
            | NodeKind::Or(_)
            | NodeKind::Not(_)
            | NodeKind::IsNull(_)
            | NodeKind::IsBlank(_)
            | NodeKind::In { .. }
            | NodeKind::Like { .. }
            | NodeKind::Matches { .. } => self.logic(node)?.map_or(Value::Null, Value::Boolean),
        })
    }

    /// The node as a condition: true, false or null.
    pub(crate) fn truth(&mut self, node: &'a Node) -> Result<Option<bool>, EvaluationError> {
        match self.value(node)? {
            Value::Boolean(boolean) => Ok(Some(boolean)),
            Value::Null => Ok(None),
            other => Err(mismatch("a condition", Type::Boolean, &other.to_text())),
        }
    }

    fn arithmetic(
        &mut self,
        operator: ArithmeticOperator,
        left: &Value<'a>,
        right: &Value<'a>,
    ) -> Result<Value<'a>, EvaluationError> {
        use ArithmeticOperator as A;
        if left.is_null() || right.is_null() {
            return Ok(Value::Null);
        }
        let (Some(a), Some(b)) = (left.as_number(), right.as_number()) else {
            return self.mixed(operator, left, right);
        };
        let result = match operator {
            A::Add => Some(a + b),
            A::Subtract => Some(a - b),
            A::Multiply => Some(a * b),
            A::Divide => number::divide(a, b),
            A::Remainder => number::remainder(a, b),
            A::Power => number::power(a, b),
        };
        Ok(result.map_or(Value::Null, Value::number))
    }

    /// `+` and `-` on what turned out to be texts or dates.
    fn mixed(
        &mut self,
        operator: ArithmeticOperator,
        left: &Value<'a>,
        right: &Value<'a>,
    ) -> Result<Value<'a>, EvaluationError> {
        use ArithmeticOperator::{Add, Subtract};
        let (a, b) = (left.value_type(), right.value_type());
        let name = match operator {
            Add if (a == Type::Text || b == Type::Text) && a != Type::List && b != Type::List => {
                let (left, right) = (left.to_text(), right.to_text());
                self.meter.take(left.len() + right.len())?;
                return Ok(Value::Text(Cow::Owned(left.into_owned() + &right)));
            }
            Add if a.is_moment() && b == Type::Number => {
                return self.kernel("ADD_DAYS", &[left.clone(), right.clone()]);
            }
            Add if b.is_moment() && a == Type::Number => {
                return self.kernel("ADD_DAYS", &[right.clone(), left.clone()]);
            }
            Subtract if a.is_moment() && b == Type::Number => {
                return self.kernel("ADD_DAYS", &[left.clone(), Value::number(-number_of(right, "-")?)]);
            }
            Subtract if a == Type::Date && b == Type::Date => {
                return self.kernel("DAYS_BETWEEN", &[right.clone(), left.clone()]);
            }
            Subtract if a.is_moment() && b.is_moment() => {
                let hours = self.kernel("HOURS_BETWEEN", &[right.clone(), left.clone()])?;
                return Ok(hours
                    .as_number()
                    .map_or(Value::Null, |hours| Value::number(hours / 24.0)));
            }
            Add | Subtract => return Err(incompatible(operator.symbol(), left, right)),
            other => other.symbol(),
        };
        number_of(left, name)?;
        number_of(right, name)?;
        Ok(Value::Null)
    }

    fn kernel(&mut self, name: &str, arguments: &[Value<'a>]) -> Result<Value<'a>, EvaluationError> {
        let function = crate::function::find(name).expect("the table has the functions that operators stand for");
        self.apply(function, arguments)
    }

    fn concat(&mut self, items: &'a [Node]) -> Result<Value<'a>, EvaluationError> {
        let mut joined = String::new();
        for item in items {
            let value = self.value(item)?;
            if value.is_null() {
                return Ok(Value::Null);
            }
            let text = value.to_text();
            self.meter.take(text.len())?;
            joined.push_str(&text);
        }
        Ok(Value::Text(Cow::Owned(joined)))
    }

    fn coalesce(&mut self, items: &'a [Node]) -> Result<Value<'a>, EvaluationError> {
        for item in items {
            let value = self.value(item)?;
            if !value.is_null() {
                return Ok(value);
            }
        }
        Ok(Value::Null)
    }

    fn call(&mut self, function: &'static Function, nodes: &'a [Node]) -> Result<Value<'a>, EvaluationError> {
        // Few arguments stay on the stack.
        match nodes {
            [] => self.apply(function, &[]),
            [a] => {
                let arguments = [self.value(a)?];
                self.apply(function, &arguments)
            }
            [a, b] => {
                let arguments = [self.value(a)?, self.value(b)?];
                self.apply(function, &arguments)
            }
            [a, b, c] => {
                let arguments = [self.value(a)?, self.value(b)?, self.value(c)?];
                self.apply(function, &arguments)
            }
            many => {
                let arguments = many
                    .iter()
                    .map(|node| self.value(node))
                    .collect::<Result<Vec<_>, _>>()?;
                self.apply(function, &arguments)
            }
        }
    }

    fn apply(&mut self, function: &'static Function, arguments: &[Value<'a>]) -> Result<Value<'a>, EvaluationError> {
        if !function.takes_null && arguments.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        // The checker makes no such call; a tree built by hand can.
        let (Form::Kernel(kernel), true) = (&function.form, function.takes(arguments.len())) else {
            return Err(EvaluationError::TypeMismatch {
                place: function.name.to_owned(),
                expected: Type::Any,
                found: format!("a call that it cannot answer, with {} arguments", arguments.len()),
            });
        };
        let environment = self.environment;
        let mut context = Context {
            meter: &mut self.meter,
            zone: environment.zone(),
        };
        kernel(&mut context, arguments).map_err(|error| match error {
            EvaluationError::TypeMismatch { expected, found, .. } => EvaluationError::TypeMismatch {
                place: function.name.to_owned(),
                expected,
                found,
            },
            other => other,
        })
    }

    fn found(&mut self, lookup: Lookup<'a>, expected: Type, place: &str) -> Result<Value<'a>, EvaluationError> {
        let value = match lookup {
            Lookup::Found(json) => Value::from_json(json, expected, place)?,
            Lookup::Made(json) => Value::from_json(&json, expected, place)?.into_owned(),
            Lookup::Missing => Value::Null,
            Lookup::NotLoaded => return Err(EvaluationError::NotLoaded { path: place.to_owned() }),
        };
        if let Value::List(items) = &value {
            self.meter.take(items.len() * size_of::<Value<'_>>())?;
        }
        Ok(value)
    }

    fn variable(&mut self, variable: &'a Variable, expected: Type) -> Result<Value<'a>, EvaluationError> {
        let environment = self.environment;
        let now = || environment.zone().split(environment.now_ms());
        let of_day = |unit_ms: i64, count: i64| Value::Integer(now().1 / unit_ms % count);
        Ok(match variable {
            Variable::Today => Value::Date(now().0),
            Variable::Now => Value::datetime(environment.now_ms()),
            Variable::Year => Value::Integer(calendar::civil_of(now().0).year.into()),
            Variable::Month => Value::Integer(calendar::civil_of(now().0).month.into()),
            Variable::Day => Value::Integer(calendar::civil_of(now().0).day.into()),
            Variable::Hour => of_day(3_600_000, 24),
            Variable::Minute => of_day(60_000, 60),
            Variable::Second => of_day(1000, 60),
            Variable::IsNew => Value::Boolean(environment.is_new()),
            Variable::RecordId => environment.record_id().map_or(Value::Null, Value::from),
            Variable::User(property) => self.found(environment.user(property), expected, property)?,
        })
    }
}

fn borrowed<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        other => other.clone(),
    }
}

fn number_of(value: &Value<'_>, place: &str) -> Result<f64, EvaluationError> {
    value
        .as_number()
        .ok_or_else(|| mismatch(place, Type::Number, &value.to_text()))
}

fn incompatible(place: &str, left: &Value<'_>, right: &Value<'_>) -> EvaluationError {
    EvaluationError::Incompatible {
        place: place.to_owned(),
        left: left.value_type(),
        right: right.value_type(),
    }
}

#[cfg(test)]
mod tests;
