//! Start levels, and the graph as data for reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use petgraph::algo::{has_path_connecting, toposort};
use petgraph::graphmap::DiGraphMap;
use serde::Serialize;

use super::wiring::{NeedKind, Wire, Wiring};
use crate::package::Candidate;

/// Who needs whom. `{nodes: [...], edges: [...]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginGraph {
    /// By id.
    pub nodes: Vec<GraphNode>,
    /// By dependent, then by what it needs.
    pub edges: Vec<GraphEdge>,
}

/// One plugin. `{id, version, level, provides}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphNode {
    pub id: String,
    pub version: String,
    /// Start level, from 0.
    pub level: usize,
    /// Names of its services.
    pub provides: Vec<String>,
}

/// One plugin needing another. `{from, to, kind, name, range, optional}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphEdge {
    /// Id of the plugin that needs.
    pub from: String,
    /// Id of the plugin that is needed.
    pub to: String,
    pub kind: GraphEdgeKind,
    /// The needed plugin's id or the service's name.
    pub name: String,
    pub range: String,
    pub optional: bool,
}

/// Whether a plugin is needed by id or for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GraphEdgeKind {
    Plugin,
    Service,
}

/// Orders the plugins that stand. Required wires hold no circle any more; an optional one that would close a circle is
/// left out of order and graph.
pub(super) fn build(candidates: &[Arc<Candidate>], wiring: &Wiring) -> (Vec<Vec<Arc<Candidate>>>, PluginGraph) {
    let mut order: DiGraphMap<usize, ()> = DiGraphMap::new();
    for index in &wiring.active {
        order.add_node(*index);
    }
    let mut kept: Vec<&Wire> = Vec::new();
    for wire in wiring.wires.iter().filter(|wire| !wire.need.optional) {
        order.add_edge(wire.to, wire.from, ());
        kept.push(wire);
    }
    for wire in wiring.wires.iter().filter(|wire| wire.need.optional) {
        if !has_path_connecting(&order, wire.from, wire.to, None) {
            order.add_edge(wire.to, wire.from, ());
            kept.push(wire);
        }
    }
    let levels = levels(&order);
    let mut rows: Vec<Vec<Arc<Candidate>>> = vec![Vec::new(); levels.values().max().map_or(0, |last| last + 1)];
    for (index, level) in &levels {
        rows[*level].push(Arc::clone(&candidates[*index]));
    }
    (rows, data(candidates, &levels, &kept))
}

/// Each plugin one level after the latest of those it needs.
fn levels(order: &DiGraphMap<usize, ()>) -> BTreeMap<usize, usize> {
    let sorted = toposort(order, None).expect("circles were refused before levels are made");
    let mut levels = BTreeMap::new();
    for index in sorted {
        let needed = order.neighbors_directed(index, petgraph::Direction::Incoming);
        let level = needed
            .filter_map(|needed| levels.get(&needed))
            .max()
            .map_or(0, |latest: &usize| latest + 1);
        levels.insert(index, level);
    }
    levels
}

fn data(candidates: &[Arc<Candidate>], levels: &BTreeMap<usize, usize>, wires: &[&Wire]) -> PluginGraph {
    let nodes = levels.iter().map(|(index, level)| {
        let candidate = &candidates[*index];
        let provides = candidate
            .document
            .objectos
            .services
            .provides
            .iter()
            .map(|provided| provided.name.clone());
        GraphNode {
            id: candidate.id().to_owned(),
            version: candidate.document.manifest.version.clone(),
            level: *level,
            provides: provides
                .filter(|name| candidate.grants.may_provide_service(name))
                .collect(),
        }
    });
    let mut edges: Vec<GraphEdge> = wires
        .iter()
        .map(|wire| GraphEdge {
            from: candidates[wire.from].id().to_owned(),
            to: candidates[wire.to].id().to_owned(),
            kind: match wire.need.kind {
                NeedKind::Plugin => GraphEdgeKind::Plugin,
                NeedKind::Service => GraphEdgeKind::Service,
            },
            name: wire.need.name.clone(),
            range: wire.need.range.to_string(),
            optional: wire.need.optional,
        })
        .collect();
    edges.sort_by(|left, right| (&left.from, &left.to, &left.name).cmp(&(&right.from, &right.to, &right.name)));
    PluginGraph {
        nodes: nodes.collect(),
        edges,
    }
}
