//! Which fields of an object. A set that grants the operation grants every field it does not speak of; a set that names a field
//! as readable or editable adds it to what others grant.

use std::collections::BTreeSet;

use objectos_plugin_api::contracts::permissions::{FieldAccess, Operation};

use super::{Effect, Planner, Step, StepKind};
use crate::model::{FieldGrant, Set};
use crate::rows::Rows;

/// The field that says who owns a record.
const OWNER: &str = "owner_id";

impl<'a> Planner<'a> {
    pub(super) fn readable(&mut self, object: &str) -> FieldAccess {
        let sets: Vec<&Set> = self
            .grants(object, Operation::Read)
            .into_iter()
            .map(|(set, _)| set)
            .collect();
        let sets = if sets.is_empty() {
            // Whoever may only make records sees of them what may be written.
            self.grants(object, Operation::Create)
                .into_iter()
                .map(|(set, _)| set)
                .collect()
        } else {
            sets
        };
        self.fields(object, &sets, "read", |grant| grant.readable)
    }

    pub(super) fn writable(&mut self, object: &str, operation: Operation) -> FieldAccess {
        if !matches!(operation, Operation::Create | Operation::Update | Operation::Transfer) {
            return FieldAccess::None;
        }
        let sets: Vec<&Set> = self.grants(object, operation).into_iter().map(|(set, _)| set).collect();
        let access = self.fields(object, &sets, "changed", |grant| grant.editable);
        if operation != Operation::Update || !self.grants(object, Operation::Transfer).is_empty() {
            return access;
        }
        match access {
            FieldAccess::All => FieldAccess::Except(vec![OWNER.to_owned()]),
            FieldAccess::Except(mut fields) if !fields.iter().any(|field| field == OWNER) => {
                fields.push(OWNER.to_owned());
                FieldAccess::Except(fields)
            }
            other => other,
        }
    }

    fn fields(&mut self, object: &str, sets: &[&'a Set], done: &str, has: fn(&FieldGrant) -> bool) -> FieldAccess {
        let spoken: BTreeSet<&str> = sets
            .iter()
            .flat_map(|set| set.fields.keys())
            .filter(|(of, _)| of == object)
            .map(|(_, field)| field.as_str())
            .collect();
        let mut hidden = Vec::new();
        for field in spoken {
            let open = |set: &&Set| set.field(object, field).is_none_or(has);
            let held = self
                .subject
                .held
                .iter()
                .filter_map(|held| self.model.sets.get(&held.set));
            let added = || held.clone().any(|set| set.field(object, field).is_some_and(has));
            if sets.iter().any(open) || added() {
                continue;
            }
            if let Some((set, grant)) = sets.iter().find_map(|set| Some((set, set.field(object, field)?))) {
                let (name, source) = (format!("{object}.{field}"), grant.source.clone());
                let text = format!("the set `{}` says that `{field}` may not be {done}", set.name);
                self.step(Step {
                    kind: StepKind::Field,
                    name,
                    effect: Effect::Limits,
                    rows: Rows::All,
                    text,
                    source,
                });
            }
            hidden.push(field.to_owned());
        }
        if hidden.is_empty() {
            FieldAccess::All
        } else {
            FieldAccess::Except(hidden)
        }
    }
}
