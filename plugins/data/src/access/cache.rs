//! Plans that were asked for and read, kept until anything they depend on may have changed. Bounded: two generations of
//! entries, of which the elder is dropped when the younger is full, so what is used stays.

use std::collections::HashMap;
use std::sync::Arc;

use objectos_plugin_api::contracts::permissions::Operation;
use parking_lot::RwLock;

use super::Plan;

/// Plans of one generation.
const PLANS_MAX: usize = 4096;

/// What plans depend on. Another stamp, and every plan kept under the one before is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    /// What the service says.
    pub(super) version: u64,
    /// Which plugins are there: another provider may count from the beginning.
    pub(super) epoch: u64,
    /// The objects.
    pub(super) catalogue: u64,
}

/// An answer of the service: a plan, or a refusal.
pub(super) type Answer = Option<Arc<Plan>>;

type ByOperation = HashMap<Operation, Answer>;

/// Plans by principal, object and operation.
#[derive(Debug, Default)]
pub(super) struct PlanCache(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    stamp: Stamp,
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    /// By the JSON of the principal, then by object.
    plans: HashMap<Box<[u8]>, HashMap<Box<str>, ByOperation>>,
    count: usize,
}

impl Generation {
    fn find(&self, principal: &[u8], object: &str, operation: Operation) -> Option<&Answer> {
        self.plans.get(principal)?.get(object)?.get(&operation)
    }

    fn keep(&mut self, principal: &[u8], object: &str, operation: Operation, answer: Answer) {
        let by_object = match self.plans.get_mut(principal) {
            Some(known) => known,
            None => self.plans.entry(principal.into()).or_default(),
        };
        let by_operation = match by_object.get_mut(object) {
            Some(known) => known,
            None => by_object.entry(object.into()).or_default(),
        };
        if by_operation.insert(operation, answer).is_none() {
            self.count += 1;
        }
    }
}

impl PlanCache {
    /// The answer that was given under the same stamp.
    pub(super) fn find(&self, stamp: Stamp, principal: &[u8], object: &str, operation: Operation) -> Option<Answer> {
        let state = self.0.read();
        if state.stamp != stamp {
            return None;
        }
        if let Some(answer) = state.young.find(principal, object, operation) {
            return Some(answer.clone());
        }
        let answer = state.old.find(principal, object, operation)?.clone();
        drop(state);
        self.keep(stamp, principal, object, operation, answer.clone());
        Some(answer)
    }

    /// Keeps an answer. The stamp must be the one of now, and must have been the same before the question.
    pub(super) fn keep(&self, stamp: Stamp, principal: &[u8], object: &str, operation: Operation, answer: Answer) {
        let mut state = self.0.write();
        if state.stamp != stamp {
            *state = State {
                stamp,
                ..State::default()
            };
        }
        if state.young.count >= PLANS_MAX {
            state.old = std::mem::take(&mut state.young);
        }
        state.young.keep(principal, object, operation, answer);
    }

    /// How many answers are kept.
    #[cfg(test)]
    fn len(&self) -> usize {
        let state = self.0.read();
        state.young.count + state.old.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(version: u64) -> Stamp {
        Stamp {
            version,
            ..Stamp::default()
        }
    }

    #[test]
    fn an_answer_is_kept_for_its_principal_object_and_operation() {
        let cache = PlanCache::default();
        cache.keep(stamp(1), b"ann", "deal", Operation::Read, None);
        assert!(cache.find(stamp(1), b"ann", "deal", Operation::Read).is_some());
        assert!(cache.find(stamp(1), b"bob", "deal", Operation::Read).is_none());
        assert!(cache.find(stamp(1), b"ann", "team", Operation::Read).is_none());
        assert!(cache.find(stamp(1), b"ann", "deal", Operation::Update).is_none());
    }

    #[test]
    fn another_stamp_forgets_everything() {
        let cache = PlanCache::default();
        cache.keep(stamp(1), b"ann", "deal", Operation::Read, None);
        assert!(cache.find(stamp(2), b"ann", "deal", Operation::Read).is_none());
        cache.keep(stamp(2), b"bob", "deal", Operation::Read, None);
        assert!(cache.find(stamp(1), b"ann", "deal", Operation::Read).is_none());
        assert_eq!(cache.len(), 1);
        let other_provider = Stamp { epoch: 7, ..stamp(2) };
        assert!(cache.find(other_provider, b"bob", "deal", Operation::Read).is_none());
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let cache = PlanCache::default();
        for number in 0..PLANS_MAX * 5 {
            let principal = number.to_string();
            cache.keep(stamp(1), principal.as_bytes(), "deal", Operation::Read, None);
            cache.keep(stamp(1), b"often", "deal", Operation::Read, None);
        }
        assert!(cache.len() <= PLANS_MAX * 2);
        assert!(cache.find(stamp(1), b"often", "deal", Operation::Read).is_some());
        assert!(cache.find(stamp(1), b"0", "deal", Operation::Read).is_none());
    }
}
