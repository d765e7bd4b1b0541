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

use self::wiring::{Field, Wiring};

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
        Self {
            reason,
            rival: None,
            cause: None,
        }
    }
}

/// Bound of the rounds in [`decide`].
const ROUNDS_PER_PLUGIN: usize = 4;

/// Refused candidates by index.
type Verdicts = BTreeMap<usize, Verdict>;

/// Decides what starts.
#[must_use]
pub fn resolve(candidates: &[Arc<Candidate>], request: &ResolveRequest<'_>) -> Resolution {
    let mut sorted: Vec<Arc<Candidate>> = candidates.to_vec();
    sorted.sort_by(|left, right| (left.id(), &left.path).cmp(&(right.id(), &right.path)));
    let field = Field::new(&sorted, request);
    let verdicts = decide(&field);
    let wiring = Wiring::of(&field, &standing(&field, &verdicts));
    let (levels, graph) = graph::build(&sorted, &wiring);
    let refusals = verdicts
        .keys()
        .map(|index| explain::refusal(*index, &field, &verdicts))
        .collect();
    Resolution {
        levels,
        refusals,
        graph,
    }
}

fn standing(field: &Field<'_>, verdicts: &Verdicts) -> BTreeSet<usize> {
    (0..field.candidates.len())
        .filter(|index| !verdicts.contains_key(index))
        .collect()
}

/// Refuses until what is left fits together.
///
/// Who lost a conflict to a plugin that is refused afterwards was refused for nothing. Then all is decided once more
/// with the fallen winner out from the beginning. Whatever happens, what starts fits together; the number of rounds is
/// bounded because an operator's preferences can be such that every winner falls by its own victory.
fn decide(field: &Field<'_>) -> Verdicts {
    let mut settled = Verdicts::new();
    let mut beaten: BTreeMap<usize, Verdicts> = BTreeMap::new();
    let mut retried = BTreeSet::new();
    let mut verdicts = round(field, settled.clone());
    for _ in 0..ROUNDS_PER_PLUGIN * field.candidates.len() {
        if let Some(winner) = fallen_winner(&verdicts) {
            let lost_to_winner = verdicts.iter().filter(|(_, verdict)| verdict.rival == Some(winner));
            beaten.insert(
                winner,
                lost_to_winner
                    .map(|(index, verdict)| (*index, verdict.clone()))
                    .collect(),
            );
            settled.retain(|_, verdict| verdict.rival != Some(winner));
            settled.extend(
                verdicts
                    .get_key_value(&winner)
                    .map(|(index, verdict)| (*index, verdict.clone())),
            );
        } else {
            match renew(field, &settled, &beaten, &mut verdicts) {
                Some(unfounded) if retried.insert(unfounded) => drop(settled.remove(&unfounded)),
                Some(_) | None => return verdicts,
            }
        }
        verdicts = round(field, settled.clone());
    }
    verdicts
}

fn round(field: &Field<'_>, settled: Verdicts) -> Verdicts {
    let mut verdicts = settled;
    loop {
        let wiring = Wiring::of(field, &standing(field, &verdicts));
        let mut found = needs::unmet(field, &wiring, &verdicts);
        if found.is_empty() {
            found = cycles::find(field, &wiring);
        }
        if found.is_empty() {
            found = conflicts::first(field, &wiring);
        }
        if found.is_empty() {
            return verdicts;
        }
        verdicts.extend(found);
    }
}

/// Gives plugins that were settled early the reason that holds in the end. Returns one for which none does any more.
fn renew(
    field: &Field<'_>,
    settled: &Verdicts,
    beaten: &BTreeMap<usize, Verdicts>,
    verdicts: &mut Verdicts,
) -> Option<usize> {
    for (index, verdict) in settled {
        let may_be_stale = match &verdict.cause {
            Some(Cause::Candidate(cause)) => !verdicts.contains_key(cause),
            Some(Cause::Earlier(_)) => false,
            None => match &verdict.reason {
                RefusalReason::ServiceRange { .. } | RefusalReason::ServiceMissing { .. } => true,
                RefusalReason::Cycle { path } => !path.iter().all(|id| is_refused(field, verdicts, id)),
                _ => false,
            },
        };
        if !may_be_stale {
            continue;
        }
        let mut with_it = standing(field, verdicts);
        with_it.insert(*index);
        let unmet = needs::unmet(field, &Wiring::of(field, &with_it), verdicts).remove(index);
        // Nothing is missing: it is out because it cannot run beside one it had beaten.
        let lost = || {
            let (rival, lost) = beaten.get(index)?.iter().find(|(rival, _)| with_it.contains(rival))?;
            let reason = conflicts::lost_to(&field.candidates[*rival], &lost.reason);
            Some(Verdict {
                reason,
                rival: Some(*rival),
                cause: None,
            })
        };
        match unmet.or_else(lost) {
            Some(verdict) => drop(verdicts.insert(*index, verdict)),
            None => return Some(*index),
        }
    }
    None
}

fn is_refused(field: &Field<'_>, verdicts: &Verdicts, id: &str) -> bool {
    verdicts.keys().any(|index| field.candidates[*index].id() == id)
}

/// A refused plugin that still won a conflict. When it fell because of someone who lost to another fallen winner, that
/// one comes first.
fn fallen_winner(verdicts: &Verdicts) -> Option<usize> {
    let fell = |winner: &usize| verdicts.contains_key(winner);
    let mut winner = verdicts.values().filter_map(|verdict| verdict.rival).find(fell)?;
    let mut seen = BTreeSet::new();
    while seen.insert(winner) {
        match root(winner, verdicts)
            .and_then(|root| verdicts.get(&root))
            .and_then(|verdict| verdict.rival)
            .filter(fell)
        {
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
