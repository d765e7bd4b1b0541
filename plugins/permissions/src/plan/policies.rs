//! Row policies. Those of a set narrow what the set grants; those of files and records narrow everything. Among policies that
//! apply to the caller one is enough; where an object has policies and none applies, there are no rows, unless the configuration
//! says otherwise.

use objectos_plugin_api::contracts::permissions::Operation;

use super::{Effect, Planner, Step, StepKind};
use crate::model::{Policy, Set};
use crate::rows::Rows;

/// Whether a set has a policy about reading an object.
pub(super) fn narrows(set: &Set, object: &str) -> bool {
    set.policies
        .iter()
        .any(|policy| policy.object == object && policy.governs.covers(Operation::Read))
}

/// Which side of a policy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Records that are there.
    Using,
    /// Records as they are written.
    Check,
}

impl<'a> Planner<'a> {
    pub(super) fn set_rows(&mut self, set: &'a Set, object: &str, operation: Operation) -> Rows {
        self.policies(&set.policies, Some(set), object, operation, Side::Using)
    }

    pub(super) fn set_check(&mut self, set: &'a Set, object: &str, operation: Operation) -> Rows {
        self.policies(&set.policies, Some(set), object, operation, Side::Check)
    }

    pub(super) fn binding_rows(&mut self, object: &str, operation: Operation) -> Rows {
        self.policies(&self.model.policies, None, object, operation, Side::Using)
    }

    pub(super) fn binding_check(&mut self, object: &str, operation: Operation) -> Rows {
        self.policies(&self.model.policies, None, object, operation, Side::Check)
    }

    fn policies(
        &mut self,
        policies: &'a [Policy],
        set: Option<&'a Set>,
        object: &str,
        operation: Operation,
        side: Side,
    ) -> Rows {
        let security = &self.model.row_security;
        if !security.enabled
            || security
                .bypass_roles
                .iter()
                .any(|role| self.subject.roles.contains(role))
        {
            return Rows::All;
        }
        let mut about: Vec<&Policy> = policies
            .iter()
            .filter(|policy| policy.object == object && policy.governs.covers(operation))
            .filter(|policy| side == Side::Check || operation == Operation::Create || policy.using.is_some())
            .collect();
        if about.is_empty() {
            return Rows::All;
        }
        about.sort_by_key(|policy| std::cmp::Reverse(policy.priority));
        let mut parts = Vec::new();
        let mut applies = false;
        for policy in about {
            if !self.applies(policy) {
                continue;
            }
            applies = true;
            let condition = match side {
                Side::Using => policy.using.as_ref(),
                Side::Check => policy.check.as_ref().or(policy.using.as_ref()),
            };
            let rows = match condition {
                Some(condition) => self.condition(condition, set, &policy.source),
                None => Rows::All,
            };
            let side = if side == Side::Using { "rows" } else { "written rows" };
            self.step(Step {
                kind: StepKind::Policy,
                name: policy.name.clone(),
                effect: Effect::Limits,
                rows: rows.clone(),
                text: format!(
                    "the row policy `{}` leaves {side} where {}",
                    policy.name,
                    condition.map_or("anything is true", |condition| condition.text())
                ),
                source: policy.source.clone(),
            });
            parts.push(rows);
        }
        if applies {
            return Rows::any(parts);
        }
        if security.allow_by_default {
            return Rows::All;
        }
        let text = format!("`{object}` has row policies, and none is for a role of the principal");
        let source = policies.first().map(|policy| policy.source.clone());
        self.refuse(
            StepKind::Policy,
            "default",
            text,
            source.unwrap_or(crate::problem::Source::BuiltIn),
        );
        Rows::None
    }

    /// A policy without roles is for everybody; otherwise for holders of a role, or of a set, of that name.
    fn applies(&self, policy: &Policy) -> bool {
        policy.roles.as_ref().is_none_or(|roles| {
            roles
                .iter()
                .any(|role| self.subject.roles.contains(role) || self.subject.held.iter().any(|held| held.set == *role))
        })
    }
}
