//! A condition that somebody wrote for rows: an expression (`using`, `check`, `condition`) or a filter with placeholders
//! (`viewFilters` of the older files). Checked when it is read, so that one that cannot be part of a query is refused then;
//! turned into rows for each caller.
//!
//! Fails closed: whatever a caller lacks makes its part of the condition hold for no row.

mod convert;
mod placeholder;
mod written;

use objectos_expression::{Environment, Filter, Lookup, Path, Variable, Zone, check_condition, to_filter};
use serde_json::{Map, Value};

use crate::catalogue::Catalogue;
use crate::rows::Rows;

pub use placeholder::{Missing, check_variables, resolve_variables};

use convert::{Converter, Values};

/// A checked condition on the records of one object.
#[derive(Clone, Debug)]
pub struct Condition {
    object: String,
    text: String,
    form: Form,
    /// How long rows made of it hold.
    pub span: Span,
}

#[derive(Clone, Debug)]
enum Form {
    Expression(Filter),
    Written(Value),
}

/// How long what was made of a condition stays right although nobody changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// For ever.
    Always,
    /// Until the caller's day ends.
    Day,
    /// For a second.
    Second,
}

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// In words, with the place inside the text.
    pub message: String,
    /// The nearest valid spelling.
    pub suggestion: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl ConditionError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            suggestion: None,
            hint: None,
        }
    }

    /// Rows cannot be held against a formula that no database computes: whoever asks for them is many, and their pages are short.
    fn beyond_sql(catalogue: &Catalogue, object: &str, path: &str) -> Option<Self> {
        let (field, reason) = catalogue.beyond_sql(object, path)?;
        let way = if field == path {
            String::new()
        } else {
            format!(" at the end of `{path}`")
        };
        Some(Self {
            message: format!("the field `{field}`{way} is a formula that no database computes: {reason}"),
            suggestion: None,
            hint: Some(format!(
                "compare the fields that `{field}` is made of, or let a hook or a flow keep its value in a field of its own"
            )),
        })
    }
}

/// What a condition may ask about the caller and the time.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    /// `current_user`.
    pub user: &'a Value,
    /// Variables of the set or policy, looked up after `current_user`; resolved already.
    pub variables: &'a Map<String, Value>,
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// Whose day it is.
    pub zone: &'a Zone,
}

impl Condition {
    /// Checks an expression about the records of an object.
    ///
    /// # Errors
    /// Everything that keeps it from being part of a query.
    pub fn expression(catalogue: &Catalogue, object: &str, text: &str) -> Result<Self, Vec<ConditionError>> {
        let source = placeholder::into_expression(text).map_err(|error| vec![error])?;
        let checked = check_condition(&source, &catalogue.scope(object)).map_err(|errors| {
            let read = |error: &objectos_expression::ExpressionError| ConditionError {
                message: match &error.hint {
                    Some(hint) => format!("{}: {}; {hint}", error.position, error.message),
                    None => format!("{}: {}", error.position, error.message),
                },
                suggestion: error.suggestion.clone(),
                hint: None,
            };
            errors.iter().map(read).collect::<Vec<_>>()
        })?;
        let filter = to_filter(&checked).map_err(|error| vec![ConditionError::new(error.to_string())])?;
        let fields = &checked.dependencies().fields;
        let beyond = fields
            .iter()
            .filter_map(|path| ConditionError::beyond_sql(catalogue, object, path));
        let beyond: Vec<ConditionError> = beyond.collect();
        if !beyond.is_empty() {
            return Err(beyond);
        }
        let converter = Converter {
            catalogue,
            object,
            values: Values::Unknown,
        };
        converter
            .rows(&filter, true)
            .and_then(|_| converter.rows(&filter, false))
            .map_err(|message| vec![ConditionError::new(message)])?;
        Ok(Self {
            object: object.to_owned(),
            text: text.to_owned(),
            span: span_of(&filter),
            form: Form::Expression(filter),
        })
    }

    /// Checks a filter as a client writes it, with placeholders `{{ name }}` in its values.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn written(catalogue: &Catalogue, object: &str, filter: &Value) -> Result<Self, ConditionError> {
        let form = written::read(catalogue, object, filter)?;
        Ok(Self {
            object: object.to_owned(),
            text: filter.to_string(),
            form: Form::Written(form),
            span: Span::Always,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The rows for one caller.
    ///
    /// # Errors
    /// In words; whoever asks takes it for no rows.
    pub fn rows(&self, catalogue: &Catalogue, asker: &Asker<'_>) -> Result<Rows, String> {
        match &self.form {
            Form::Expression(filter) => Converter {
                catalogue,
                object: &self.object,
                values: Values::Known(asker),
            }
            .rows(filter, true),
            Form::Written(filter) => match placeholder::fill(filter, asker) {
                Ok(Value::Object(map)) if map.is_empty() => Ok(Rows::All),
                Ok(filter) => Ok(Rows::Where(filter)),
                Err(Missing(name)) => Err(format!("nothing is known of `{name}`")),
            },
        }
    }
}

impl Environment for Asker<'_> {
    fn field(&self, _: &Path) -> Lookup<'_> {
        Lookup::NotLoaded
    }

    fn user(&self, property: &str) -> Lookup<'_> {
        placeholder::look_up(property, self).map_or(Lookup::Missing, Lookup::Found)
    }

    fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn zone(&self) -> &Zone {
        self.zone
    }
}

fn span_of(filter: &Filter) -> Span {
    let mut span = Span::Always;
    filter.each_operand(&mut |node| span = span.min_of(node));
    span
}

impl Span {
    fn min_of(self, node: &objectos_expression::Node) -> Self {
        use objectos_expression::NodeKind;
        let mut span = match &node.kind {
            NodeKind::Variable(Variable::User(_) | Variable::IsNew | Variable::RecordId) => self,
            NodeKind::Variable(Variable::Today | Variable::Year | Variable::Month | Variable::Day) => {
                self.max(Self::Day)
            }
            NodeKind::Variable(_) => self.max(Self::Second),
            _ => self,
        };
        node.each_child(&mut |child| span = span.min_of(child));
        span
    }

    /// The moment at which something made at `now_ms` for a caller of this time zone has to be made anew.
    #[must_use]
    pub fn end_ms(self, now_ms: i64, zone: &Zone) -> Option<i64> {
        match self {
            Self::Always => None,
            Self::Day => Some(day_end_ms(now_ms, zone)),
            Self::Second => Some(now_ms.div_euclid(1000).saturating_add(1).saturating_mul(1000)),
        }
    }
}

/// The next midnight of a time zone. Where clocks skip it, the moment at which they do.
fn day_end_ms(now_ms: i64, zone: &Zone) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    let ahead_ms = |offset_seconds: i32| i64::from(offset_seconds) * 1000;
    let local_ms = now_ms.saturating_add(ahead_ms(zone.offset_seconds_at(now_ms)));
    let midnight_ms = local_ms.div_euclid(DAY_MS).saturating_add(1).saturating_mul(DAY_MS);
    let end_ms = midnight_ms.saturating_sub(ahead_ms(zone.offset_seconds_at_local(midnight_ms)));
    // Clocks that go back over midnight must not make a plan that is over before it begins.
    end_ms.max(now_ms.saturating_add(1))
}

#[cfg(test)]
mod tests;
