//! State machines of objects: states, the events that lead from one to another, guards and actions.
//!
//! The wire form only; running them is the workflow plugin. Source: the `automation` folder of the protocol.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard::{guarded, snake_name, some};
use crate::map_only::map_only;
use crate::shared::JsonMap;
use crate::text::SNAKE_NAME;
use crate::wire_enum::wire_enum;

/// A state machine. Source: `automation/StateMachine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "StateMachine", rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct StateMachine {
    /// Machine name, two characters or more.
    #[serde(deserialize_with = "snake_name")]
    #[schemars(regex(pattern = SNAKE_NAME), length(min = 2))]
    pub id: String,
    /// For developers.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    /// JSON Schema of the context.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub context_schema: Option<JsonMap>,
    /// Name of the first state.
    pub initial: String,
    /// States by name.
    pub states: IndexMap<String, StateNode>,
    /// Transitions that are open in every state, by event.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub on: Option<IndexMap<String, TransitionTarget>>,
}

/// One state. Source: `automation/StateNode`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "StateNode", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct StateNode {
    /// `type` on the wire.
    #[serde(rename = "type")]
    pub kind: StateKind,
    /// Actions when the state is entered.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub entry: Option<Vec<ActionRef>>,
    /// Actions when the state is left.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub exit: Option<Vec<ActionRef>>,
    /// Transitions by event.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub on: Option<IndexMap<String, TransitionTarget>>,
    /// Transitions that need no event.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub always: Option<Vec<Transition>>,
    /// First inner state of a compound state.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub initial: Option<String>,
    /// Inner states by name.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub states: Option<IndexMap<String, StateNode>>,
    /// What to show for the state.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub meta: Option<StateMeta>,
}

wire_enum! {
    /// What a state is made of.
    #[derive(Default)]
    pub enum StateKind {
        #[default]
        Atomic = "atomic",
        Compound = "compound",
        Parallel = "parallel",
        Final = "final",
        History = "history",
    }
}

/// How a state is presented, and hints for assistants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "StateMeta", rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct StateMeta {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub color: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub ai_instructions: Option<String>,
}

/// A way out of a state. Source: `automation/Transition`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Transition", default, deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct Transition {
    /// Name of the state it leads to; without one only the actions run.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub target: Option<String>,
    /// Guard: the transition is open only when it holds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub cond: Option<ActionRef>,
    /// Actions on the way.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub actions: Option<Vec<ActionRef>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub description: Option<String>,
}

/// Where an event leads: a state's name, one transition, or several tried in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TransitionTarget {
    /// The state's name.
    State(String),
    /// One transition.
    One(Transition),
    /// The first whose guard holds.
    FirstOf(Vec<Transition>),
}

/// An action or guard by name, with or without parameters. Source: `automation/ActionRef`, `automation/GuardRef`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ActionRef {
    /// The name alone.
    Name(String),
    /// The name with parameters.
    Call(ActionCall),
}

/// A named action or guard with parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ActionCall", deny_unknown_fields)]
#[schemars(transform = guarded)]
pub struct ActionCall {
    /// The name; `type` on the wire.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub params: Option<JsonMap>,
}

map_only! { StateMachine, StateNode, StateMeta, Transition, ActionCall }
