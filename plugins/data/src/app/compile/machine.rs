//! State machines of objects (`stateMachines`), made into rules: a field changes only along the ways that its machine has.
//!
//! A machine belongs to the field of its own name or id, else to the one choice that has all its states as options. Whatever
//! of a machine is more than states and the ways between them (guards, actions, parallel states) is not acted on, and said so.
//! The `state_machine` rules of `validations` are in `rule`.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use objectos_plugin_api::protocol::data::{
    ChangeKind, Severity, StateKind, StateMachine, StateNode, Transition, TransitionTarget,
};

use super::draft::Draft;
use crate::app::problem::{Problem, Problems};
use crate::model::{FieldKind, FieldModel, RuleCheck, RuleModel, nearest};

type Fields = IndexMap<String, FieldModel>;

/// The rules of an object's machines.
pub(super) fn compile(draft: &Draft, fields: &Fields, problems: &mut Problems) -> Vec<RuleModel> {
    let mut rules: Vec<RuleModel> = Vec::new();
    for (name, machine) in draft.object.state_machines.iter().flatten() {
        let reader = Reader { draft, name, machine };
        let rule = reader.rule(fields, problems);
        rules.extend(rule);
    }
    rules
}

/// A state that values of the field can have, and the events that lead out of it.
struct Leaf<'a> {
    ways: Vec<&'a TransitionTarget>,
}

struct Reader<'a> {
    draft: &'a Draft,
    name: &'a str,
    machine: &'a StateMachine,
}

impl<'a> Reader<'a> {
    fn error(&self, key: &str, message: String) -> Problem {
        self.draft.error(&["stateMachines", self.name, key], message)
    }

    fn rule(&self, fields: &Fields, problems: &mut Problems) -> Option<RuleModel> {
        let mut leaves = IndexMap::new();
        // Where one arrives that goes to a state: in itself, or in the first of its inner states.
        let mut arrivals = HashMap::new();
        let everywhere: Vec<&TransitionTarget> = self.machine.on.iter().flat_map(IndexMap::values).collect();
        let known = self.walk(&self.machine.states, &everywhere, &mut leaves, &mut arrivals);
        let Some(initial) = arrivals.get(self.machine.initial.as_str()).copied() else {
            let message = format!("the machine has no state `{}`", self.machine.initial);
            let nearest = nearest(&self.machine.initial, arrivals.keys().copied());
            problems.push(self.error("initial", message).suggest(nearest));
            return None;
        };
        if let Err(kind) = known {
            let message = format!("the machine is kept and not enforced: it has a {kind} state");
            let hint = "describe each independent part as a machine of its own";
            problems.push(self.warning("states", message).hint(hint));
            return None;
        }
        let field = self.field(fields, &leaves, problems)?;
        self.tell_idle(problems);
        let mut allowed: HashMap<String, HashSet<String>> = HashMap::new();
        for (from, leaf) in &leaves {
            let mut next = HashSet::new();
            for target in leaf.ways.iter().flat_map(|way| targets(way)) {
                match arrival(target, &arrivals) {
                    Some(to) => {
                        next.insert(to.to_owned());
                    }
                    None => {
                        let message = format!("`{from}` leads to `{target}`, and the machine has no such state");
                        let nearest = nearest(target, arrivals.keys().copied());
                        problems.push(self.error("states", message).suggest(nearest));
                    }
                }
            }
            allowed.insert((*from).to_owned(), next);
        }
        Some(RuleModel {
            name: self.name.to_owned(),
            message: format!("{} cannot become what was asked for now", field.label),
            severity: Severity::Error,
            events: vec![ChangeKind::Insert, ChangeKind::Update],
            fields: vec![field.name.clone()],
            check: RuleCheck::Transitions {
                field: field.name.clone(),
                allowed,
                initial: Some(HashSet::from([initial.to_owned()])),
            },
        })
    }

    fn warning(&self, key: &str, message: String) -> Problem {
        self.draft.warning(&["stateMachines", self.name, key], message)
    }

    /// Gathers the states below `states`; `outer` are the ways that lead out of the states around them. `Err` is a kind of
    /// state that a field with one value cannot be in.
    fn walk(
        &self,
        states: &'a IndexMap<String, StateNode>,
        outer: &[&'a TransitionTarget],
        leaves: &mut IndexMap<&'a str, Leaf<'a>>,
        arrivals: &mut HashMap<&'a str, &'a str>,
    ) -> Result<(), StateKind> {
        let mut outcome = Ok(());
        for (name, node) in states {
            if matches!(node.kind, StateKind::Parallel | StateKind::History) {
                outcome = Err(node.kind);
            }
            let own = node.on.iter().flat_map(IndexMap::values);
            let mut ways: Vec<&TransitionTarget> = own.collect();
            ways.extend(outer);
            match node.states.as_ref().filter(|inner| !inner.is_empty()) {
                Some(inner) => {
                    let below = self.walk(inner, &ways, leaves, arrivals);
                    outcome = outcome.and(below);
                    let first = node
                        .initial
                        .as_deref()
                        .or_else(|| inner.keys().next().map(String::as_str));
                    if let Some(first) = first.and_then(|first| arrivals.get(first).copied()) {
                        arrivals.insert(name, first);
                    }
                }
                None => {
                    arrivals.insert(name, name);
                    leaves.insert(name, Leaf { ways });
                }
            }
        }
        outcome
    }

    /// The field that the machine is about.
    fn field<'f>(
        &self,
        fields: &'f Fields,
        leaves: &IndexMap<&str, Leaf<'_>>,
        problems: &mut Problems,
    ) -> Option<&'f FieldModel> {
        let holds = |field: &&FieldModel| matches!(field.kind, FieldKind::Choice | FieldKind::Text);
        let by_name = [self.name, self.machine.id.as_str()]
            .into_iter()
            .find_map(|name| fields.get(name));
        if let Some(field) = by_name {
            for state in leaves.keys().filter(|state| !field.options.accepts(state)) {
                let message = format!("`{state}` is none of the options of `{}`", field.name);
                let nearest = nearest(state, field.options.values());
                problems.push(self.error("states", message).suggest(nearest));
            }
            if !holds(&field) {
                let message = format!("a {} field has no states", field.field_type);
                problems.push(self.error("states", message).hint("use a select field"));
                return None;
            }
            return Some(field);
        }
        let fits = |field: &&FieldModel| {
            field.kind == FieldKind::Choice && leaves.keys().all(|state| field.options.accepts(state))
        };
        let fitting: Vec<&FieldModel> = fields.values().filter(fits).collect();
        if let [field] = fitting[..] {
            return Some(field);
        }
        let message = "the machine is kept and not enforced: it is not clear which field has its states";
        let hint = "name the machine as the field, and list its states as the field's options";
        problems.push(self.warning("states", message.to_owned()).hint(hint));
        None
    }

    /// What of the machine nobody acts on.
    fn tell_idle(&self, problems: &mut Problems) {
        let mut guarded = false;
        let mut acting = false;
        let mut look = |transition: &Transition| {
            guarded |= transition.cond.is_some();
            acting |= transition.actions.as_ref().is_some_and(|actions| !actions.is_empty());
        };
        let mut always = false;
        let mut entering = false;
        let mut waiting: Vec<&StateNode> = self.machine.states.values().collect();
        self.machine
            .on
            .iter()
            .flat_map(IndexMap::values)
            .for_each(|way| transitions(way).for_each(&mut look));
        while let Some(node) = waiting.pop() {
            let ways = node.on.iter().flat_map(IndexMap::values);
            ways.for_each(|way| transitions(way).for_each(&mut look));
            always |= node.always.as_ref().is_some_and(|ways| !ways.is_empty());
            entering |= [&node.entry, &node.exit]
                .into_iter()
                .flatten()
                .any(|actions| !actions.is_empty());
            waiting.extend(node.states.iter().flat_map(IndexMap::values));
        }
        for (written, what, hint) in [
            (
                guarded,
                "a guard (`cond`) is not asked: its way is open to everybody",
                "forbid the change by a rule of kind `script`",
            ),
            (
                acting || entering,
                "actions are not run",
                "react to the event of the record's change",
            ),
            (
                always,
                "a way without an event (`always`) is not gone by itself",
                "write the state that follows",
            ),
        ] {
            if written {
                problems.push(self.warning("states", what.to_owned()).hint(hint));
            }
        }
    }
}

/// Where one arrives: a target is the name of a state, or leads to it as in `#machine.outer.inner` and `.inner`.
fn arrival<'a>(target: &str, arrivals: &HashMap<&'a str, &'a str>) -> Option<&'a str> {
    let path = target.starts_with(['#', '.']);
    let last = target.rsplit(['.', '#']).next().filter(|_| path);
    arrivals
        .get(target)
        .or_else(|| last.and_then(|last| arrivals.get(last)))
        .copied()
}

fn transitions(way: &TransitionTarget) -> impl Iterator<Item = &Transition> {
    let (one, several) = match way {
        TransitionTarget::State(_) => (None, None),
        TransitionTarget::One(transition) => (Some(transition), None),
        TransitionTarget::FirstOf(list) => (None, Some(list)),
    };
    one.into_iter().chain(several.into_iter().flatten())
}

fn targets(way: &TransitionTarget) -> impl Iterator<Item = &str> {
    let plain = match way {
        TransitionTarget::State(name) => Some(name.as_str()),
        _ => None,
    };
    plain
        .into_iter()
        .chain(transitions(way).filter_map(|transition| transition.target.as_deref()))
}
