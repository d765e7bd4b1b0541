//! A verdict as a refusal with its chain: who wants what, who offers what, from which file.

use std::collections::BTreeSet;

use super::wiring::Field;
use super::{Cause, Verdicts};
use crate::package::{Candidate, Refusal, RefusalReason};

/// The refusal of one candidate.
pub(super) fn refusal(index: usize, field: &Field<'_>, verdicts: &Verdicts) -> Refusal {
    let candidates = field.candidates;
    let reason = verdicts[&index].reason.clone();
    let mut refusal = Refusal::of_candidate(&candidates[index], reason);
    let mut at = index;
    let mut seen = BTreeSet::new();
    while seen.insert(at) {
        let Some(verdict) = verdicts.get(&at) else {
            break;
        };
        let candidate = &candidates[at];
        if let RefusalReason::DependencyRefused { what, .. } = &verdict.reason {
            refusal.chain.push(format!("{} needs {what}", candidate.label()));
        } else {
            last_links(candidate, &verdict.reason, at == index, &mut refusal.chain);
        }
        match verdict.cause {
            Some(Cause::Candidate(next)) => at = next,
            Some(Cause::Earlier(earlier)) => {
                let earlier = &field.request.refused[earlier];
                refusal
                    .chain
                    .push(format!("{} was refused: {}", earlier.label(), earlier.reason));
                refusal.chain.extend(earlier.chain.iter().cloned());
                refusal.remedy.clone_from(&earlier.remedy);
                break;
            }
            None => {
                refusal.remedy = verdict.reason.remedy();
                break;
            }
        }
    }
    refusal
}

/// The end of a chain: the root's own reason, and both sides of it.
fn last_links(candidate: &Candidate, reason: &RefusalReason, is_first: bool, chain: &mut Vec<String>) {
    if !is_first {
        chain.push(format!("{} was refused: {reason}", candidate.label()));
        return;
    }
    match reason {
        RefusalReason::PluginRange {
            wanted,
            range,
            found,
            path,
        } => {
            chain.push(format!("{} needs plugin `{wanted}` {range}", candidate.label()));
            chain.push(format!("`{wanted}` {found} ({}) is what is here", path.display()));
        }
        RefusalReason::ServiceRange {
            service,
            range,
            offered,
        } => {
            chain.push(format!("{} needs service `{service}` {range}", candidate.label()));
            chain.extend(offered.iter().map(|offer| format!("`{service}` is offered in {offer}")));
        }
        RefusalReason::TwoProviders {
            service, other, path, ..
        } => {
            chain.push(format!("`{other}` ({}) provides service `{service}`", path.display()));
            chain.push(format!("{} provides it too", candidate.label()));
        }
        _ => {}
    }
}
