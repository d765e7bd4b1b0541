//! How fast one person uses records: whoever reads hundreds in a second is a program, and nobody looks for what it read last. Of
//! reads beyond the pace nothing is remembered, so that they cost next to nothing. Called before a read is noted; what is made or
//! changed is always noted.

use std::collections::HashMap;

/// Reads that are remembered at once.
const BURST: i64 = 250;
/// One more in so many milliseconds.
const EACH_MS: i64 = 50;
/// People whose pace is known at most; beyond, all begin anew.
const PEOPLE_MAX: usize = 20_000;

/// Of each person the moment, milliseconds since 1970, up to which their reads are spent.
#[derive(Debug, Default)]
pub(super) struct Pace(HashMap<String, i64>);

impl Pace {
    /// Whether a read of this person is to be remembered.
    pub(super) fn admits(&mut self, person: &str, now_ms: i64) -> bool {
        let Some(spent_ms) = self.0.get_mut(person) else {
            if self.0.len() >= PEOPLE_MAX {
                self.0.clear();
            }
            self.0.insert(person.to_owned(), now_ms + EACH_MS);
            return true;
        };
        let next_ms = (*spent_ms).max(now_ms) + EACH_MS;
        let admitted = next_ms <= now_ms + BURST * EACH_MS;
        if admitted {
            *spent_ms = next_ms;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, EACH_MS, Pace};

    #[test]
    fn a_burst_and_then_a_few() {
        let mut pace = Pace::default();
        let mut admitted = |person: &str, now_ms: i64| (0..1_000).filter(|_| pace.admits(person, now_ms)).count();
        let burst = usize::try_from(BURST).unwrap();
        assert_eq!(admitted("ann", 1_000), burst);
        assert_eq!(admitted("ann", 1_000 + 4 * EACH_MS), 4);
        assert_eq!(admitted("bob", 1_000), burst, "each has their own");
        assert_eq!(admitted("ann", 1_000_000), burst, "who rests begins anew");
    }
}
