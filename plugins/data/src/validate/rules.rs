//! The rules of an object, held against a record that is to be stored.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use objectos_expression::{Environment, holds};
use objectos_plugin_api::protocol::data::{ChangeKind, Severity, TextFormat};
use serde_json::{Map, Value};

use super::form::{is_email, is_phone, is_url};
use super::message::filled;
use crate::access::View;
use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::model::{AskedModel, Expression, ObjectModel, RuleCheck, RuleModel};

/// Faults of one schema that are told; a list of a thousand items may have as many.
const SCHEMA_FAULTS_MAX: usize = 20;

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
    /// Fields whose values are refused already: rules that read one of them say nothing.
    pub faulty: &'a [FieldError],
    /// What whoever changes it may see: messages tell nothing else.
    pub view: Option<&'a View>,
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
    /// Whether a double refuses the record or is only told.
    pub severity: Severity,
    /// The fields that together are unique.
    pub fields: Vec<String>,
    /// Text is compared with case.
    pub case_sensitive: bool,
    /// Only records for which it holds are compared.
    pub scope: Option<Arc<Expression>>,
}

/// What the rules of an object say of a record.
#[derive(Debug, Default)]
pub struct Verdict<'a> {
    /// What is broken.
    pub errors: Vec<FieldError>,
    /// What is broken but refuses nothing.
    pub told: Vec<Told>,
    /// What the database has to decide.
    pub demands: Vec<UniqueDemand>,
    /// What somebody else has to decide.
    pub questions: Vec<Question<'a>>,
}

/// A broken rule that only tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `Warning` or `Info`.
    pub severity: Severity,
    /// What is broken.
    pub error: FieldError,
}

impl Told {
    /// `{field, code, message, rule, severity}`
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = self.error.to_json();
        if let Value::Object(map) = &mut out {
            map.insert("severity".to_owned(), Value::from(self.severity.as_str()));
        }
        out
    }
}

/// A rule that somebody else decides.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The rule.
    pub rule: &'a RuleModel,
    /// What it asks.
    pub asked: &'a AskedModel,
}

/// Holds a record against the rules of its object.
///
/// # Errors
/// `Expression` when a condition cannot be computed: a rule that nobody can check is not kept.
pub fn check_rules(context: RuleContext<'_>) -> Result<Verdict<'_>> {
    let mut verdict = Verdict::default();
    for rule in &context.object.rules {
        if rule.events.contains(&context.change) {
            check(context, rule, &mut verdict)?;
        }
    }
    Ok(verdict)
}

/// What no other record may share with one that comes back among them; its other rules it met when it was written.
///
/// # Errors
/// `Expression` when a condition cannot be computed.
pub fn check_unique(context: RuleContext<'_>) -> Result<Vec<UniqueDemand>> {
    let mut verdict = Verdict::default();
    for rule in &context.object.rules {
        // Whether a record is made or changed so that it is there: either way the rule holds for those that are.
        let holds = [ChangeKind::Insert, ChangeKind::Update]
            .iter()
            .any(|change| rule.events.contains(change));
        if holds {
            unique(context, rule, &mut verdict)?;
        }
    }
    Ok(verdict.demands)
}

fn unique(context: RuleContext<'_>, rule: &RuleModel, verdict: &mut Verdict<'_>) -> Result<()> {
    match &rule.check {
        RuleCheck::Unique {
            fields,
            scope,
            case_sensitive,
        } => demand(context, rule, fields, scope.as_ref(), *case_sensitive, verdict),
        RuleCheck::Conditional { when, then, otherwise } if rule.compares_records() => {
            let chosen = if truth(context, rule, when)? { then } else { otherwise };
            match chosen {
                Some(chosen) => unique(context, chosen, verdict),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn check<'a>(context: RuleContext<'a>, rule: &'a RuleModel, verdict: &mut Verdict<'a>) -> Result<()> {
    if !context.faulty.is_empty() && context.reads_faulty(rule) {
        return Ok(());
    }
    let broken = match &rule.check {
        RuleCheck::Condition(condition) => truth(context, rule, condition)?.then_some(FieldCode::RuleViolation),
        RuleCheck::Unique {
            fields,
            scope,
            case_sensitive,
        } => {
            demand(context, rule, fields, scope.as_ref(), *case_sensitive, verdict)?;
            None
        }
        RuleCheck::Transitions {
            field,
            allowed,
            initial,
        } => transition(context, field, allowed, initial.as_ref()),
        RuleCheck::Pattern { field, regex, format } => text_of(context, field)
            .is_some_and(|text| !regex.is_match(text) || format.is_some_and(|format| !has_format(text, format)))
            .then_some(FieldCode::InvalidFormat),
        RuleCheck::Format { field, format } => text_of(context, field)
            .is_some_and(|text| !has_format(text, *format))
            .then_some(FieldCode::InvalidFormat),
        RuleCheck::JsonSchema { field, validator, .. } => {
            let value = context.record.get(field).filter(|value| !value.is_null());
            let faults = value.into_iter().flat_map(|value| validator.iter_errors(value));
            for fault in faults.take(SCHEMA_FAULTS_MAX) {
                let place = fault.instance_path().to_string();
                let constraint = format!("{}: {fault}", if place.is_empty() { "/" } else { place.as_str() });
                context.tell(rule, FieldCode::InvalidJson, Some(&constraint), verdict);
            }
            None
        }
        RuleCheck::Conditional { when, then, otherwise } => {
            let chosen = if truth(context, rule, when)? { then } else { otherwise };
            if let Some(chosen) = chosen {
                check(context, chosen, verdict)?;
            }
            None
        }
        RuleCheck::Asked(asked) => {
            if context.asks(asked) {
                verdict.questions.push(Question { rule, asked });
            }
            None
        }
    };
    if let Some(code) = broken {
        context.tell(rule, code, None, verdict);
    }
    Ok(())
}

fn demand(
    context: RuleContext<'_>,
    rule: &RuleModel,
    fields: &[String],
    scope: Option<&Arc<Expression>>,
    case_sensitive: bool,
    verdict: &mut Verdict<'_>,
) -> Result<()> {
    // Nothing is equal to nothing.
    let complete = fields
        .iter()
        .all(|field| context.record.get(field).is_some_and(|value| !value.is_null()));
    let in_scope = match scope {
        Some(scope) => truth(context, rule, scope)?,
        None => true,
    };
    if complete && in_scope {
        verdict.demands.push(UniqueDemand {
            rule: rule.name.clone(),
            message: context.message(rule),
            severity: rule.severity,
            fields: fields.to_vec(),
            case_sensitive,
            scope: scope.cloned(),
        });
    }
    Ok(())
}

fn transition(
    context: RuleContext<'_>,
    field: &str,
    allowed: &HashMap<String, HashSet<String>>,
    initial: Option<&HashSet<String>>,
) -> Option<FieldCode> {
    let text = |record: &Map<String, Value>| record.get(field).and_then(Value::as_str).map(str::to_owned);
    match (context.previous.and_then(text), text(context.record)) {
        (Some(before), after) if Some(&before) != after.as_ref() => {
            let open = allowed
                .get(&before)
                .is_some_and(|ways| after.is_some_and(|after| ways.contains(&after)));
            (!open).then_some(FieldCode::InvalidTransition)
        }
        (None, Some(first)) => initial
            .is_some_and(|initial| !initial.contains(&first))
            .then_some(FieldCode::InvalidInitialState),
        _ => None,
    }
}

impl RuleContext<'_> {
    /// Looks at a field whose value is refused: nobody can say whether it would be kept. The ways of a conditional rule are
    /// looked at when it is known which one is gone.
    fn reads_faulty(&self, rule: &RuleModel) -> bool {
        match &rule.check {
            RuleCheck::Condition(condition) | RuleCheck::Conditional { when: condition, .. } => {
                self.computes_from_faulty(condition)
            }
            RuleCheck::Unique { fields, scope, .. } => {
                fields.iter().any(|field| self.is_faulty(field))
                    || scope.as_ref().is_some_and(|scope| self.computes_from_faulty(scope))
            }
            RuleCheck::Transitions { field, .. }
            | RuleCheck::Pattern { field, .. }
            | RuleCheck::Format { field, .. }
            | RuleCheck::JsonSchema { field, .. } => self.is_faulty(field),
            // Without a field it is about the whole record.
            RuleCheck::Asked(asked) => asked.field.as_ref().is_none_or(|field| self.is_faulty(field)),
        }
    }

    fn is_faulty(&self, field: &str) -> bool {
        self.faulty.iter().any(|error| error.field == field)
    }

    fn computes_from_faulty(&self, expression: &Expression) -> bool {
        let dependencies = expression.checked().dependencies();
        dependencies.fields.iter().chain(&dependencies.previous).any(|path| {
            let field = path.split('.').next().unwrap_or(path);
            let formula = self.object.field(field).and_then(|field| field.formula.as_deref());
            self.is_faulty(field) || formula.is_some_and(|formula| self.computes_from_faulty(formula))
        })
    }

    fn message(&self, rule: &RuleModel) -> String {
        filled(&rule.message, self.record, |field| {
            self.view.is_none_or(|view| view.reads(field) && !view.masks(field))
        })
    }

    fn tell(&self, rule: &RuleModel, code: FieldCode, constraint: Option<&str>, verdict: &mut Verdict<'_>) {
        let message = self.message(rule);
        let error = |field: &str| {
            let error = FieldError::new(field, code, message.clone()).with_rule(&rule.name);
            match constraint {
                Some(constraint) => error.with_constraint(constraint),
                None => error,
            }
        };
        let errors: Vec<FieldError> = match &rule.fields[..] {
            [] => vec![error("")],
            fields => fields.iter().map(|field| error(field)).collect(),
        };
        if rule.severity == Severity::Error {
            verdict.errors.extend(errors);
            return;
        }
        let severity = rule.severity;
        verdict
            .told
            .extend(errors.into_iter().map(|error| Told { severity, error }));
    }

    /// A value that is not there, or that was judged before, is not asked about.
    fn asks(&self, asked: &AskedModel) -> bool {
        let Some(field) = &asked.field else { return true };
        let now = self
            .record
            .get(field)
            .filter(|value| !value.is_null() && value.as_str() != Some(""));
        let before = self.previous.and_then(|previous| previous.get(field));
        now.is_some() && now != before
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
