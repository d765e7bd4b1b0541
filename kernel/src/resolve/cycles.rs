//! Plugins that need each other in a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use super::wiring::{Field, Wiring};
use super::{Verdict, Verdicts};
use crate::package::RefusalReason;

/// Every plugin that is part of a circle, each with the shortest circle it is on.
pub(super) fn find(field: &Field<'_>, wiring: &Wiring) -> Verdicts {
    let mut graph: DiGraphMap<usize, ()> = DiGraphMap::new();
    for wire in wiring.wires.iter().filter(|wire| !wire.need.optional) {
        graph.add_edge(wire.from, wire.to, ());
    }
    let mut found = Verdicts::new();
    for component in tarjan_scc(&graph).into_iter().filter(|component| component.len() > 1) {
        let members: BTreeSet<usize> = component.into_iter().collect();
        for member in &members {
            let circle = shortest(*member, &members, &graph);
            let path = circle
                .iter()
                .map(|index| field.candidates[*index].id().to_owned())
                .collect();
            found.insert(*member, Verdict::of(RefusalReason::Cycle { path }));
        }
    }
    found
}

/// The shortest way from `start` back to itself, turned so that the smallest index comes first and last.
fn shortest(start: usize, members: &BTreeSet<usize>, graph: &DiGraphMap<usize, ()>) -> Vec<usize> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        let next: BTreeSet<usize> = graph.neighbors(at).filter(|next| members.contains(next)).collect();
        for next in next {
            if next == start {
                return turned(way_back(start, at, &came_from));
            }
            if let std::collections::btree_map::Entry::Vacant(unseen) = came_from.entry(next) {
                unseen.insert(at);
                queue.push_back(next);
            }
        }
    }
    vec![start]
}

fn way_back(start: usize, end: usize, came_from: &BTreeMap<usize, usize>) -> Vec<usize> {
    let mut way = vec![end];
    while let Some(at) = way.last().filter(|at| **at != start).and_then(|at| came_from.get(at)) {
        way.push(*at);
    }
    way.reverse();
    way
}

fn turned(mut circle: Vec<usize>) -> Vec<usize> {
    let smallest = circle
        .iter()
        .enumerate()
        .min_by_key(|(_, index)| **index)
        .map_or(0, |(at, _)| at);
    circle.rotate_left(smallest);
    circle.extend(circle.first().copied());
    circle
}
