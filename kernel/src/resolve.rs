//! Which plugins start, in what order, and why the others do not.
//!
//! Takes plugins that passed every check on them alone and holds them against each other: needed plugins and services
//! with their ranges, circles, two providers of one service, routes, commands and objects claimed twice. One refused
//! plugin takes only its dependents out. The result depends on the set of plugins alone, never on the order they are
//! given in. Called at start, before a swap, and by `plugins list`.

mod conflicts;
mod cycles;
mod graph;
mod needs;
mod wiring;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use objectos_protocol::kernel::plugin_document::ProvidedService;

use crate::package::{Candidate, Refusal, RefusalReason};

pub use self::graph::{GraphEdge, GraphEdgeKind, GraphNode, PluginGraph};

use self::wiring::Wiring;

/// What plugins are resolved against, besides each other.
#[derive(Clone, Debug, Default)]
pub struct ResolveRequest<'a> {
    /// Services the kernel itself provides.
    pub kernel_services: &'a [ProvidedService],
    /// Commands of the host itself, which no plugin may take.
    pub host_commands: &'a [&'a str],
    /// Service to the id of the plugin the operator prefers as its provider.
    pub prefer: Option<&'a IndexMap<String, String>>,
    /// Plugins that were refused before, so that a chain can say why something is missing.
    pub refused: &'a [Refusal],
}

/// What starts and what does not.
#[derive(Debug, Default)]
pub struct Resolution {
    /// Start levels: every plugin needs only plugins of earlier levels, so those of one level may start in parallel. By
    /// id within a level.
    pub levels: Vec<Vec<Arc<Candidate>>>,
    /// Plugins that stay out, by id.
    pub refusals: Vec<Refusal>,
    /// Who needs whom, for reports.
    pub graph: PluginGraph,
}

impl Resolution {
    /// Every plugin that starts, in order.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = &Arc<Candidate>> {
        self.levels.iter().flatten()
    }
}

/// A refusal that is not final while the refused one's rival may still fall.
pub(crate) struct Verdict {
    pub(crate) reason: RefusalReason,
    /// The plugin because of which, when it lost a conflict.
    pub(crate) rival: Option<usize>,
    /// The plugin it needs and that was refused.
    pub(crate) cause: Option<usize>,
}

/// Decides what starts.
#[must_use]
pub fn resolve(candidates: &[Arc<Candidate>], request: &ResolveRequest<'_>) -> Resolution {
    let mut sorted: Vec<Arc<Candidate>> = candidates.to_vec();
    sorted.sort_by(|left, right| (left.id(), &left.path).cmp(&(right.id(), &right.path)));
    let verdicts = decide(&sorted, request);
    let active: BTreeSet<usize> = (0..sorted.len()).filter(|index| !verdicts.contains_key(index)).collect();
    let wiring = Wiring::of(&sorted, &active, request);
    let (levels, graph) = graph::build(&sorted, &active, &wiring);
    let refusals = verdicts.iter().map(|(index, _)| refusal(*index, &sorted, &verdicts, request)).collect();
    Resolution { levels, refusals, graph }
}

/// The refused ones, by index.
///
/// Someone who lost a conflict to a plugin that is refused afterwards was refused for nothing. Then everything is
/// decided again with the fallen winner out from the beginning, so each round settles at least one plugin for good.
fn decide(candidates: &[Arc<Candidate>], request: &ResolveRequest<'_>) -> BTreeMap<usize, Verdict> {
    let mut fallen: BTreeMap<usize, Verdict> = BTreeMap::new();
    loop {
        let mut verdicts = round(candidates, request, fallen);
        let unjust = verdicts.values().filter_map(|verdict| verdict.rival).find(|rival| verdicts.contains_key(rival));
        let Some(rival) = unjust else {
            return verdicts;
        };
        // What was final before stays final; the winner that fell joins it with its own reason.
        verdicts.retain(|index, verdict| *index == rival || verdict.rival.is_none_or(|rival| !candidates_hold(candidates, rival)));
        fallen = settled(verdicts, rival);
    }
}
