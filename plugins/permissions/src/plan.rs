//! One access plan for a subject, an object and an operation, and the steps that led to it.
//!
//! Permission sets add up: holding one more never shows less. Each set's grant is bounded by ownership and sharing, unless it
//! sees or changes everything, and by the row policies of that set. Policies of files and records bind the sum of all.
//! Whatever changes a record must first see it. Fails closed: what is not known, or cannot be turned into rows, gives none.

mod fields;
mod policies;
mod sharing;

use std::collections::HashMap;

use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess, Operation};
use serde_json::{Map, Value, json};

use crate::catalogue::SYSTEM_PREFIX;
use crate::condition::{Asker, Condition, resolve_variables};
use crate::model::{Model, ObjectGrant, Set};
use crate::problem::Source;
use crate::rows::Rows;
use crate::subject::Subject;

/// How far parents may control the access to their children.
const PARENTS_MAX: usize = 5;

/// What a step was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// The built-in set.
    Administrator,
    /// Scopes of an API key.
    Scope,
    /// A permission set's grant of the operation.
    Grant,
    /// The org-wide default.
    OrgDefault,
    /// The owner.
    Ownership,
    /// Roles above the owner's.
    Hierarchy,
    /// A sharing rule.
    Rule,
    /// Records shared by hand.
    Share,
    /// A territory.
    Territory,
    /// The parent record.
    Parent,
    /// A row policy.
    Policy,
    /// A field's grant.
    Field,
    /// Something that is wrong.
    Fault,
}

impl StepKind {
    /// Its name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Scope => "scope",
            Self::Grant => "permission_set",
            Self::OrgDefault => "org_default",
            Self::Ownership => "ownership",
            Self::Hierarchy => "role_hierarchy",
            Self::Rule => "sharing_rule",
            Self::Share => "share",
            Self::Territory => "territory",
            Self::Parent => "parent",
            Self::Policy => "row_policy",
            Self::Field => "field_permission",
            Self::Fault => "fault",
        }
    }
}

/// One step towards a plan.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it was about.
    pub kind: StepKind,
    /// Name of the set, rule or policy.
    pub name: String,
    /// What it does: opens, refuses, narrows.
    pub effect: Effect,
    /// Which rows it opens or narrows to.
    pub rows: Rows,
    /// In a sentence.
    pub text: String,
    /// Where it is written.
    pub source: Source,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Gives rows or a right.
    Allows,
    /// Takes the right.
    Refuses,
    /// Leaves only some rows.
    Limits,
}

/// A plan and how it came about.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The plan.
    pub plan: AccessPlan,
    /// Rows of the filter, before it became one.
    pub rows: Rows,
    /// Rows of the check.
    pub check: Rows,
    /// The steps, in the order they were taken.
    pub steps: Vec<Step>,
    /// When the plan has to be made anew although nothing changed.
    pub boundary_ms: Option<i64>,
}

/// Makes plans for one subject under one model.
#[derive(Debug)]
pub struct Planner<'a> {
    model: &'a Model,
    subject: &'a Subject,
    now_ms: i64,
    /// Of shares by hand only those count that last.
    lasting: bool,
    /// Resolved variables of each held set.
    variables: HashMap<&'a str, Map<String, Value>>,
    steps: Vec<Step>,
    boundary_ms: Option<i64>,
}

impl<'a> Planner<'a> {
    /// For a subject at a moment.
    #[must_use]
    pub fn new(model: &'a Model, subject: &'a Subject, now_ms: i64) -> Self {
        let variables = subject
            .held
            .iter()
            .filter_map(|held| model.sets.get(&held.set))
            .map(|set| (set.name.as_str(), resolve_variables(&set.variables, &subject.user)))
            .collect();
        Self {
            model,
            subject,
            now_ms,
            lasting: false,
            variables,
            steps: Vec::new(),
            boundary_ms: None,
        }
    }

    /// The plan for one operation on one object.
    #[must_use]
    pub fn plan(mut self, object: &str, operation: Operation) -> Compiled {
        let access = self.access(object, operation);
        let mut plan = AccessPlan::default();
        let (mut rows, mut check) = (Rows::None, Rows::None);
        if let Some(access) = access {
            plan = AccessPlan {
                allowed: true,
                filter: access.rows.clone().into_filter(),
                check: access.check.clone().into_filter(),
                readable: access.readable,
                writable: access.writable,
                holdings: Some(self.subject.holdings(self.model)),
            };
            (rows, check) = (access.rows, access.check);
        }
        Compiled {
            plan,
            rows,
            check,
            steps: self.steps,
            boundary_ms: self.boundary_ms,
        }
    }

    /// The rows that the subject may share with others: those it reaches as an owner does, or changes whoever owns them. What it
    /// reaches by a link, or until some moment, it does not share on, not even with itself: the new share would stay.
    #[must_use]
    pub fn sharable(mut self, object: &str) -> Rows {
        self.lasting = true;
        let operation = Operation::Update;
        if !self.subject.in_scope(object, operation) || self.model.catalogue.object(object).is_none() {
            return Rows::None;
        }
        if self.subject.administrator.is_some() {
            return Rows::All;
        }
        if self.model.closed.contains_key(object) {
            return Rows::None;
        }
        let Some(changed) = self.rows(object, operation, 0) else {
            return Rows::None;
        };
        let unbounded = self
            .grants(object, operation)
            .iter()
            .any(|(_, grant)| grant.unbounded(operation) || grant.older);
        let owned = if unbounded {
            Rows::All
        } else {
            self.shared_rows(object, Operation::Transfer, 0)
        };
        changed.and(owned)
    }

    /// `None`: refused.
    fn access(&mut self, object: &str, operation: Operation) -> Option<Access> {
        if self.model.catalogue.object(object).is_none() {
            self.refuse(
                StepKind::Fault,
                object,
                format!("there is no object `{object}`"),
                Source::BuiltIn,
            );
            return None;
        }
        if !self.subject.in_scope(object, operation) {
            let text = format!("no scope of the API key covers {} of `{object}`", verb(operation));
            self.refuse(StepKind::Scope, "scopes", text, Source::Principal);
            return None;
        }
        if let Some(text) = self.closed_to_guests(object, operation) {
            self.refuse(StepKind::Grant, "guests", text, Source::BuiltIn);
            return None;
        }
        if let Some(held) = self.subject.administrator.clone() {
            return Some(self.administrator(object, operation, &held));
        }
        if let Some(reason) = self.model.closed.get(object) {
            self.refuse(StepKind::Fault, object, reason.clone(), Source::BuiltIn);
            return None;
        }
        let rows = self.rows(object, operation, 0)?;
        let check = self.check(object, operation);
        Some(Access {
            rows,
            check,
            readable: self.readable(object),
            writable: self.writable(object, operation),
        })
    }

    /// Why whoever is not signed in may not do this, whatever sets say.
    fn closed_to_guests(&self, object: &str, operation: Operation) -> Option<String> {
        if !self.subject.guest {
            return None;
        }
        if object.starts_with(SYSTEM_PREFIX) {
            return Some(format!("`{object}` is the platform's own, which no guest sees"));
        }
        let open = matches!(operation, Operation::Read | Operation::Create);
        (!open).then(|| format!("guests read and make records; {} asks for a session", verb(operation)))
    }

    fn administrator(&mut self, object: &str, operation: Operation, held: &crate::subject::Held) -> Access {
        self.step(Step {
            kind: StepKind::Administrator,
            name: held.set.clone(),
            effect: Effect::Allows,
            rows: Rows::All,
            text: format!(
                "the set `{}` allows everything; the principal {}",
                held.set, held.reason
            ),
            source: held.source.clone(),
        });
        let bound = !self.model.row_security.administrators_bypass;
        let (rows, check) = if bound {
            (
                self.binding_rows(object, operation),
                self.binding_check(object, operation),
            )
        } else {
            (Rows::All, Rows::All)
        };
        Access {
            rows: if operation == Operation::Create {
                Rows::All
            } else {
                rows
            },
            check,
            readable: FieldAccess::All,
            writable: FieldAccess::All,
        }
    }

    /// The rows that an operation may touch; `None` when no set allows it. For a new record: any, if it is allowed.
    fn rows(&mut self, object: &str, operation: Operation, depth: usize) -> Option<Rows> {
        let grants = self.grants(object, operation);
        if grants.is_empty() {
            let text = format!(
                "no permission set of the principal allows {} of `{object}`",
                verb(operation)
            );
            self.refuse(StepKind::Grant, "default", text, Source::BuiltIn);
            return None;
        }
        if operation == Operation::Create {
            for (set, grant) in grants {
                self.allow(set, grant, operation, Rows::All);
            }
            return Some(Rows::All);
        }
        let seen = match operation {
            Operation::Read => Rows::All,
            _ => self.seen(object, &grants, depth)?,
        };
        let shared = if grants
            .iter()
            .all(|(_, grant)| grant.unbounded(operation) || grant.older)
        {
            Rows::None
        } else {
            self.shared_rows(object, operation, depth)
        };
        let mut parts = Vec::with_capacity(grants.len());
        for (set, grant) in grants {
            let bounded = if grant.unbounded(operation) || grant.older {
                Rows::All
            } else {
                shared.clone()
            };
            let narrowed = match &grant.rows {
                Some(condition) => self.condition(condition, Some(set), &grant.source),
                None => Rows::All,
            };
            let policies = self.set_rows(set, object, operation);
            let rows = Rows::all([bounded, narrowed, policies]);
            self.allow(set, grant, operation, rows.clone());
            parts.push(rows);
        }
        let binding = self.binding_rows(object, operation);
        Some(Rows::all([seen, Rows::any(parts), binding]))
    }

    /// The rows that must be seen before they are changed. Whatever sharing opens for a change it opens for reading too, so only
    /// what narrows reading alone has to be said.
    fn seen(&mut self, object: &str, grants: &[(&'a Set, &'a ObjectGrant)], depth: usize) -> Option<Rows> {
        let readers = self.grants(object, Operation::Read);
        if readers.is_empty() {
            let text =
                format!("no permission set of the principal allows reading of `{object}`, which every change needs");
            self.refuse(StepKind::Grant, "default", text, Source::BuiltIn);
            return None;
        }
        let narrowed = |(set, grant): &(&Set, &ObjectGrant)| grant.rows.is_some() || policies::narrows(set, object);
        if readers.iter().any(narrowed) || grants.iter().any(|(_, grant)| grant.older) {
            return self.quietly(|planner| planner.rows(object, Operation::Read, depth));
        }
        Some(self.quietly(|planner| planner.binding_rows(object, Operation::Read)))
    }

    /// What a written record must be like.
    fn check(&mut self, object: &str, operation: Operation) -> Rows {
        if !matches!(operation, Operation::Create | Operation::Update | Operation::Transfer) {
            return Rows::All;
        }
        let mut parts = Vec::new();
        for (set, _) in self.grants(object, operation) {
            parts.push(self.set_check(set, object, operation));
        }
        let binding = self.binding_check(object, operation);
        Rows::all([Rows::any(parts), binding, self.parent_check(object, operation)])
    }

    /// The held sets that allow an operation on an object.
    fn grants(&self, object: &str, operation: Operation) -> Vec<(&'a Set, &'a ObjectGrant)> {
        let sets = self
            .subject
            .held
            .iter()
            .filter_map(|held| self.model.sets.get(&held.set));
        sets.filter_map(|set| set.object(object).map(|grant| (set, grant)))
            .filter(|(_, grant)| grant.allows(operation))
            .collect()
    }

    /// The rows of a condition; none when it cannot be turned into rows.
    fn condition(&mut self, condition: &Condition, set: Option<&'a Set>, source: &Source) -> Rows {
        let nothing = Map::new();
        let variables = set
            .and_then(|set| self.variables.get(set.name.as_str()))
            .unwrap_or(&nothing);
        let asker = Asker {
            user: &self.subject.user,
            variables,
            now_ms: self.now_ms,
            zone: &self.subject.zone,
        };
        let rows = condition.rows(&self.model.catalogue, &asker);
        self.holds_until(condition.span.end_ms(self.now_ms, &self.subject.zone));
        rows.unwrap_or_else(|reason| {
            let text = format!("`{}` holds for no row: {reason}", condition.text());
            self.refuse(StepKind::Fault, "condition", text, source.clone());
            Rows::None
        })
    }

    fn holds_until(&mut self, end_ms: Option<i64>) {
        self.boundary_ms = match (self.boundary_ms, end_ms) {
            (Some(known), Some(end)) => Some(known.min(end)),
            (known, end) => known.or(end),
        };
    }

    /// Without steps: they were or will be told elsewhere.
    fn quietly<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.steps.len();
        let done = work(self);
        self.steps.truncate(before);
        done
    }

    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    fn refuse(&mut self, kind: StepKind, name: &str, text: String, source: Source) {
        self.step(Step {
            kind,
            name: name.to_owned(),
            effect: Effect::Refuses,
            rows: Rows::None,
            text,
            source,
        });
    }

    fn allow(&mut self, set: &Set, grant: &ObjectGrant, operation: Operation, rows: Rows) {
        let reason = self.subject.held.iter().find(|held| held.set == set.name);
        let reason = reason.map(|held| held.reason.as_str()).unwrap_or_default();
        let wide = if grant.unbounded(operation) {
            " whoever owns the record"
        } else {
            ""
        };
        self.step(Step {
            kind: StepKind::Grant,
            name: set.name.clone(),
            effect: Effect::Allows,
            rows,
            text: format!("the set `{}` allows {}{wide}; it {reason}", set.name, verb(operation)),
            source: grant.source.clone(),
        });
    }
}

/// A plan before it is written down.
struct Access {
    rows: Rows,
    check: Rows,
    readable: FieldAccess,
    writable: FieldAccess,
}

/// What is done, for sentences.
#[must_use]
pub fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "reading",
        Operation::Create => "creating",
        Operation::Update => "editing",
        Operation::Delete => "deleting",
        Operation::Restore => "restoring",
        Operation::Purge => "purging",
        Operation::Transfer => "transferring",
        _ => "this",
    }
}

impl Step {
    /// For answers: `{kind, name, effect, rows, text, source}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "kind": self.kind.name(),
            "name": self.name,
            "effect": match self.effect {
                Effect::Allows => "allows",
                Effect::Refuses => "refuses",
                Effect::Limits => "limits",
            },
            "rows": self.rows.describe(),
            "text": self.text,
            "source": self.source.to_json(),
        })
    }
}

#[cfg(test)]
mod tests;
