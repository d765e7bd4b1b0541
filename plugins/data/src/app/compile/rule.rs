//! Validation rules, those of kind `state_machine` among them; the machines of an object are in `machine`.

mod asked;

use std::collections::HashMap;
use std::sync::Arc;

use objectos_plugin_api::protocol::data::{RuleKind, StateMachineRule, ValidationRule};
use serde_json::Value;

use super::draft::Draft;
use super::expression::Expressions;
use crate::app::path::KeyPath;
use crate::app::problem::Problems;
use crate::model::{FieldKind, FieldModel, RuleCheck, RuleModel, nearest};

type Fields = indexmap::IndexMap<String, FieldModel>;

/// What a rule needs to know of its object.
pub(super) struct Context<'a> {
    pub(super) draft: &'a Draft,
    pub(super) fields: &'a Fields,
    pub(super) expressions: &'a Expressions<'a>,
}

/// The active rules of an object.
pub(super) fn compile(context: &Context<'_>, problems: &mut Problems) -> Vec<RuleModel> {
    let mut names: HashMap<&str, usize> = HashMap::new();
    let mut rules = Vec::new();
    for (index, rule) in context.draft.object.validations.iter().flatten().enumerate() {
        let path = context.draft.path(&["validations"]).index(index);
        if names.insert(&rule.common.name, index).is_some() {
            let message = format!("the rule `{}` is there twice", rule.common.name);
            problems.push(
                context
                    .draft
                    .document
                    .error(&path.key("name"), message)
                    .hint("give one of them another name"),
            );
        }
        let model = context.rule(rule, &path, problems);
        rules.extend(model.filter(|_| rule.common.active));
    }
    rules
}

impl Context<'_> {
    fn rule(&self, rule: &ValidationRule, path: &KeyPath, problems: &mut Problems) -> Option<RuleModel> {
        let check = self.check(rule, path, problems)?;
        if rule.common.events.is_empty() {
            let message = "the rule is never looked at: it has no events";
            problems.push(
                self.draft
                    .document
                    .warning(&path.key("events"), message)
                    .hint("remove `events`"),
            );
        }
        let fields = match &rule.kind {
            RuleKind::CrossField(rule) => rule.fields.clone(),
            RuleKind::Unique(rule) => rule.fields.clone(),
            RuleKind::StateMachine(rule) => vec![rule.field.clone()],
            RuleKind::Format(rule) => vec![rule.field.clone()],
            RuleKind::JsonSchema(rule) => vec![rule.field.clone()],
            RuleKind::Async(rule) => vec![rule.field.clone()],
            _ => Vec::new(),
        };
        Some(RuleModel {
            name: rule.common.name.clone(),
            message: rule.common.message.clone(),
            severity: rule.common.severity,
            events: rule.common.events.clone(),
            fields,
            check,
        })
    }

    fn check(&self, rule: &ValidationRule, path: &KeyPath, problems: &mut Problems) -> Option<RuleCheck> {
        let condition = |key: &str, source: &str| self.expressions.condition(self.draft, &path.key(key), source);
        Some(match &rule.kind {
            RuleKind::Script(rule) => RuleCheck::Condition(condition("condition", &rule.condition)?),
            RuleKind::CrossField(rule) => {
                self.known_all(&rule.fields, &path.key("fields"), problems);
                RuleCheck::Condition(condition("condition", &rule.condition)?)
            }
            RuleKind::Unique(rule) => {
                self.some_known(&rule.fields, &path.key("fields"), problems);
                let scope = match &rule.scope {
                    Some(scope) => {
                        let at = path.key("scope");
                        Some(self.expressions.condition_in_sql(self.draft, self.draft, &at, scope)?)
                    }
                    None => None,
                };
                RuleCheck::Unique {
                    fields: rule.fields.clone(),
                    scope,
                    case_sensitive: rule.case_sensitive,
                }
            }
            RuleKind::StateMachine(machine) => self.transitions(&rule.common.name, machine, path, problems)?,
            RuleKind::Format(rule) => {
                self.known(&rule.field, &path.key("field"), problems)?;
                match (&rule.regex, rule.format) {
                    (Some(regex), _) => RuleCheck::Pattern {
                        field: rule.field.clone(),
                        regex: self.regex(regex, path, problems)?,
                        format: rule.format,
                    },
                    (None, Some(format)) => RuleCheck::Format {
                        field: rule.field.clone(),
                        format,
                    },
                    (None, None) => {
                        let hint = "write one of them";
                        problems.push(
                            self.draft
                                .document
                                .error(path, "a format rule needs `regex` or `format`")
                                .hint(hint),
                        );
                        return None;
                    }
                }
            }
            RuleKind::JsonSchema(rule) => {
                self.known(&rule.field, &path.key("field"), problems)?;
                self.schema(&rule.field, Value::Object(rule.schema.clone()), path, problems)?
            }
            RuleKind::Conditional(rule) => {
                let when = condition("when", &rule.when);
                let then = self.inner(Some(&rule.then), &path.key("then"), problems);
                let otherwise = self.inner(rule.otherwise.as_deref(), &path.key("otherwise"), problems);
                RuleCheck::Conditional {
                    when: when?,
                    then: then?,
                    otherwise: otherwise?,
                }
            }
            RuleKind::Async(rule) => {
                self.known(&rule.field, &path.key("field"), problems)?;
                RuleCheck::Asked(Box::new(asked::remote(self.draft, rule, path, problems)?))
            }
            RuleKind::Custom(rule) => RuleCheck::Asked(Box::new(asked::custom(self.draft, rule, path, problems)?)),
        })
    }

    /// Fields of a rule that needs at least one.
    fn some_known(&self, fields: &[String], path: &KeyPath, problems: &mut Problems) {
        self.known_all(fields, path, problems);
        if fields.is_empty() {
            problems.push(self.draft.document.error(path, "the rule names no field"));
        }
    }

    /// A rule within a rule; `None` when something is wrong with it, nothing inside when it is not there or switched off.
    fn inner(
        &self,
        rule: Option<&ValidationRule>,
        path: &KeyPath,
        problems: &mut Problems,
    ) -> Option<Option<Box<RuleModel>>> {
        let Some(rule) = rule else { return Some(None) };
        let model = self.rule(rule, path, problems)?;
        Some(rule.common.active.then(|| Box::new(model)))
    }

    fn known_all(&self, names: &[String], path: &KeyPath, problems: &mut Problems) {
        for (index, name) in names.iter().enumerate() {
            self.known(name, &path.index(index), problems);
        }
    }

    fn known(&self, name: &str, path: &KeyPath, problems: &mut Problems) -> Option<&FieldModel> {
        let field = self.fields.get(name);
        if field.is_none() && !self.draft.is_broken_field(name) {
            let message = format!("`{}` has no field `{name}`", self.draft.object.name);
            let nearest = nearest(name, self.fields.keys().map(String::as_str));
            problems.push(self.draft.document.error(path, message).suggest(nearest));
        }
        if field.is_some_and(|field| field.encrypted) {
            // A rule would hold for every record, since no rule is shown what is in it.
            let message = format!("`{name}` is a secret, which no rule looks at");
            problems.push(
                self.draft
                    .document
                    .error(path, message)
                    .hint("leave it out; its length is held by `minLength`"),
            );
        }
        field
    }

    fn regex(&self, source: &str, path: &KeyPath, problems: &mut Problems) -> Option<regex::Regex> {
        match regex::RegexBuilder::new(source).size_limit(1 << 20).build() {
            Ok(regex) => Some(regex),
            Err(error) => {
                let reason = error
                    .to_string()
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned();
                let message = format!("the pattern cannot be used: {reason}");
                problems.push(self.draft.document.error(&path.key("regex"), message));
                None
            }
        }
    }

    fn schema(&self, field: &str, schema: Value, path: &KeyPath, problems: &mut Problems) -> Option<RuleCheck> {
        match jsonschema::validator_for(&schema) {
            Ok(validator) => Some(RuleCheck::JsonSchema {
                field: field.to_owned(),
                validator: Arc::new(validator),
                schema,
            }),
            Err(error) => {
                let message = format!("the schema cannot be used: {error}");
                problems.push(self.draft.document.error(&path.key("schema"), message));
                None
            }
        }
    }

    fn transitions(
        &self,
        name: &str,
        rule: &StateMachineRule,
        path: &KeyPath,
        problems: &mut Problems,
    ) -> Option<RuleCheck> {
        let field = self.known(&rule.field, &path.key("field"), problems)?;
        if field.kind != FieldKind::Choice && field.kind != FieldKind::Text {
            let message = format!("a {} field has no states", field.field_type);
            problems.push(
                self.draft
                    .document
                    .error(&path.key("field"), message)
                    .hint("use a select field"),
            );
            return None;
        }
        let mut state = |name: &str, at: &KeyPath, key: bool| {
            if !field.options.accepts(name) {
                let message = format!("`{name}` is none of the options of `{}`", field.name);
                let document = &self.draft.document;
                let problem = if key {
                    document.key_error(at, message)
                } else {
                    document.error(at, message)
                };
                problems.push(problem.suggest(nearest(name, field.options.values())));
            }
        };
        for (from, following) in &rule.transitions {
            let at = path.key("transitions").key(from);
            state(from, &at, true);
            for (index, to) in following.iter().enumerate() {
                state(to, &at.index(index), false);
            }
        }
        let initial = self.draft.own.initial_states.get(name);
        for (index, first) in initial.iter().flat_map(|(_, states)| states).enumerate() {
            let at = initial.map(|(at, _)| at.index(index)).unwrap_or_default();
            state(first, &at, false);
        }
        let allowed = rule
            .transitions
            .iter()
            .map(|(from, to)| (from.clone(), to.iter().cloned().collect()))
            .collect();
        Some(RuleCheck::Transitions {
            field: rule.field.clone(),
            allowed,
            initial: initial.map(|(_, states)| states.iter().cloned().collect()),
        })
    }
}
