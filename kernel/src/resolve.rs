//! Which plugins start, in what order, and why the others do not.
//!
//! Takes plugins that passed every check on them alone and holds them against each other: needed plugins and services
//! with their ranges, circles, two providers of one service, routes, commands and objects claimed twice. One refused
//! plugin takes only its dependents out. The result depends on the set of plugins alone, never on the order they are
//! given in. Called at start, before a swap, and by `plugins list`.

mod conflicts;
mod cycles;
mod explain;
mod graph;
mod needs;
mod wiring;

#[cfg(test)]
mod tests;

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

/// Why one plugin is out, while the others are still being decided.
#[derive(Clone, Debug)]
struct Verdict {
    reason: RefusalReason,
    /// The plugin that won, when this one lost a conflict.
    rival: Option<usize>,
    /// The refused plugin this one needs.
    cause: Option<Cause>,
}

#[derive(Clone, Debug)]
enum Cause {
    /// One of the candidates.
    Candidate(usize),
    /// One of [`ResolveRequest::refused`].
    Earlier(usize),
}

impl Verdict {
    fn of(reason: RefusalReason) -> Self {
        Self { reason, rival: None, cause: None }
    }
}

/// Refused candidates by index.
type Verdicts = BTreeMap<usize, Verdict>;

/// Decides what starts.
#[must_use]
pub fn resolve(candidates: &[Arc<Candidate>], request: &ResolveRequest<'_>) -> Resolution {
    let mut sorted: Vec<Arc<Candidate>> = candidates.to_vec();
    sorted.sort_by(|left, right| (left.id(), &left.path).cmp(&(right.id(), &right.path)));
    let verdicts = decide(&sorted, request);
    let wiring = Wiring::of(&sorted, &active(&sorted, &verdicts), request);
    let (levels, graph) = graph::build(&sorted, &wiring);
    let refusals = verdicts.keys().map(|index| explain::refusal(*index, &sorted, &verdicts, request)).collect();
    Resolution { levels, refusals, graph }
}

fn active(candidates: &[Arc<Candidate>], verdicts: &Verdicts) -> BTreeSet<usize> {
    (0..candidates.len()).filter(|index| !verdicts.contains_key(index)).collect()
}

/// Refuses until what is left fits together.
///
/// Who lost a conflict to a plugin that is refused afterwards was refused for nothing. Then all is decided once more
/// with the fallen winner out from the beginning; each round settles one plugin for good, so there is an end.
fn decide(candidates: &[Arc<Candidate>], request: &ResolveRequest<'_>) -> Verdicts {
    let mut settled = Verdicts::new();
    loop {
        let verdicts = round(candidates, request, settled.clone());
        let Some((winner, verdict)) = fallen_winner(&verdicts).and_then(|winner| verdicts.get_key_value(&winner)) else {
            return verdicts;
        };
        // A winner that fell because it had beaten one it needs cannot run beside that one: it is the loser.
        let needed = root(*winner, &verdicts).and_then(|root| verdicts.get(&root).map(|verdict| (root, verdict)));
        let verdict = match needed.filter(|(_, verdict)| verdict.rival == Some(*winner)) {
            Some((needed, lost)) => Verdict::of(conflicts::lost_to(&candidates[needed], &lost.reason)),
            None => verdict.clone(),
        };
        settled.insert(*winner, verdict);
    }
}

fn round(candidates: &[Arc<Candidate>], request: &ResolveRequest<'_>, settled: Verdicts) -> Verdicts {
    let mut verdicts = settled;
    loop {
        let wiring = Wiring::of(candidates, &active(candidates, &verdicts), request);
        let mut found = needs::unmet(candidates, &wiring, &verdicts, request);
        if found.is_empty() {
            found = cycles::find(candidates, &wiring);
        }
        if found.is_empty() {
            found = conflicts::first(candidates, &wiring, request);
        }
        if found.is_empty() {
            return verdicts;
        }
        verdicts.extend(found);
    }
}

/// A refused plugin that still won a conflict. When it fell because of someone who lost to another fallen winner, that
/// one comes first.
fn fallen_winner(verdicts: &Verdicts) -> Option<usize> {
    let fell = |winner: &usize| verdicts.contains_key(winner);
    let mut winner = verdicts.values().filter_map(|verdict| verdict.rival).find(fell)?;
    let mut seen = BTreeSet::new();
    while seen.insert(winner) {
        match root(winner, verdicts).and_then(|root| verdicts.get(&root)).and_then(|verdict| verdict.rival).filter(fell) {
            Some(earlier) => winner = earlier,
            None => break,
        }
    }
    Some(winner)
}

/// The refused candidate at the end of a chain of needs.
fn root(index: usize, verdicts: &Verdicts) -> Option<usize> {
    let mut index = index;
    let mut seen = BTreeSet::new();
    while seen.insert(index) {
        match verdicts.get(&index)?.cause {
            Some(Cause::Candidate(next)) => index = next,
            Some(Cause::Earlier(_)) | None => break,
        }
    }
    Some(index)
}
