//! The rules of an object, held against a record that is to be stored.

use objectos_expression::{Environment, holds};
use objectos_plugin_api::protocol::data::{ChangeKind, Severity, TextFormat};
use serde_json::{Map, Value};

use super::form::{is_email, is_phone, is_url};
use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::model::{Expression, ObjectModel, RuleCheck, RuleModel};

/// A record and what surrounds it.
#[derive(Clone, Copy)]
pub struct RuleContext<'a> {
    /// The object.
    pub object: &'a ObjectModel,
    /// What is about to happen.
    pub change: ChangeKind,
    /// The record as it will be; as it is, for a delete.
    pub record: &'a Map<String, Value>,
    /// The record before an update.
    pub previous: Option<&'a Map<String, Value>>,
    /// Gives expressions their values.
    pub environment: &'a dyn Environment,
}

impl std::fmt::Debug for RuleContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleContext")
            .field("object", &self.object.name)
            .field("change", &self.change)
            .finish_non_exhaustive()
    }
}

/// Values that no other record may have; the database decides.
#[derive(Clone, Debug)]
pub struct UniqueDemand {
    /// Name of the rule.
    pub rule: String,
    /// For people.
    pub message: String,
    /// The fields that together are unique.
    pub fields: Vec<String>,
    /// Text is compared with case.
    pub case_sensitive: bool,
    /// Only records for which it holds are compared.
    pub scope: Option<std::sync::Arc<Expression>>,
}

/// What the rules say: what is broken, and what the database has to decide.
///
/// # Errors
/// `Expression` when a condition cannot be computed: a rule that nobody can check is not kept.
pub fn check_rules(context: RuleContext<'_>) -> Result<(Vec<FieldError>, Vec<UniqueDemand>)> {
    let mut found = Found::default();
    for rule in &context.object.rules {
        if rule.events.contains(&context.change) {
            check(context, rule, &mut found)?;
        }
    }
    Ok((found.errors, found.demands))
}

#[derive(Default)]
struct Found {
    errors: Vec<FieldError>,
    demands: Vec<UniqueDemand>,
}

fn check(context: RuleContext<'_>, rule: &RuleModel, found: &mut Found) -> Result<()> {
    let broken = match &rule.check {
        RuleCheck::Condition(condition) => truth(context, rule, condition)?.then_some(FieldCode::RuleViolation),
        RuleCheck::Unique {
            fields,
            scope,
            case_sensitive,
        } => {
            // Nothing is equal to nothing.
            let complete = fields
                .iter()
                .all(|field| context.record.get(field).is_some_and(|value| !value.is_null()));
            let in_scope = match scope {
                Some(scope) => truth(context, rule, scope)?,
                None => true,
            };
            if complete && in_scope && rule.severity == Severity::Error {
                found.demands.push(UniqueDemand {
                    rule: rule.name.clone(),
                    message: rule.message.clone(),
                    fields: fields.clone(),
                    case_sensitive: *case_sensitive,
                    scope: scope.clone(),
                });
            }
            None
        }
        RuleCheck::Transitions { field, allowed } => {
            let text = |record: &Map<String, Value>| record.get(field).and_then(Value::as_str).map(str::to_owned);
            let (before, after) = (context.previous.and_then(text), text(context.record));
            match (before, after) {
                (Some(before), after) if Some(&before) != after.as_ref() => {
                    let ways = allowed.get(&before);
                    let open = ways.is_none_or(|ways| after.is_some_and(|after| ways.contains(&after)));
                    (!open).then_some(FieldCode::InvalidTransition)
                }
                _ => None,
            }
        }
        RuleCheck::Pattern { field, regex } => {
            let text = text_of(context, field);
            text.is_some_and(|text| !regex.is_match(text))
                .then_some(FieldCode::InvalidFormat)
        }
        RuleCheck::Format { field, format } => text_of(context, field)
            .is_some_and(|text| !has_format(text, *format))
            .then_some(FieldCode::InvalidFormat),
        RuleCheck::JsonSchema { field, validator, .. } => {
            let value = context.record.get(field).filter(|value| !value.is_null());
            value
                .is_some_and(|value| !validator.is_valid(value))
                .then_some(FieldCode::InvalidJson)
        }
        RuleCheck::Conditional { when, then, otherwise } => {
            if truth(context, rule, when)? {
                check(context, then, found)?;
            } else if let Some(otherwise) = otherwise {
                check(context, otherwise, found)?;
            }
            None
        }
    };
    if let Some(code) = broken {
        tell(rule, code, found);
    }
    Ok(())
}

fn tell(rule: &RuleModel, code: FieldCode, found: &mut Found) {
    if rule.severity != Severity::Error {
        tracing::debug!(rule = rule.name, "a rule that only tells is broken");
        return;
    }
    let error = |field: &str| FieldError::new(field, code, rule.message.clone()).with_rule(&rule.name);
    if rule.fields.is_empty() {
        found.errors.push(error(""));
    } else {
        found.errors.extend(rule.fields.iter().map(|field| error(field)));
    }
}

fn truth(context: RuleContext<'_>, rule: &RuleModel, condition: &Expression) -> Result<bool> {
    holds(condition.checked(), context.environment).map_err(|error| DataError::Expression {
        object: context.object.name.clone(),
        place: format!("rule '{}'", rule.name),
        reason: error.to_string(),
    })
}

fn text_of<'a>(context: RuleContext<'a>, field: &str) -> Option<&'a str> {
    context
        .record
        .get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn has_format(text: &str, format: TextFormat) -> bool {
    match format {
        TextFormat::Email => is_email(text),
        TextFormat::Url => is_url(text),
        TextFormat::Phone => is_phone(text),
        TextFormat::Json => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
    }
}
