//! Ids of records: the object's prefix, the time, and chance. They sort by the time at which they were made, so new records go
//! to the end of every index, and within one process no two are equal or out of order.

use parking_lot::Mutex;

/// Longest id that a client may bring.
const ID_BYTES_MAX: usize = 64;
/// Digits and small letters without those that are mistaken for others; in the order of their codes, so that ids sort.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of the time: 50 bits of milliseconds, enough for 35,000 years.
const TIME_CHARACTERS: u32 = 10;
/// Characters of chance: 60 bits.
const CHANCE_CHARACTERS: u32 = 12;

/// Makes ids.
#[derive(Debug, Default)]
pub(super) struct IdMaker {
    last: Mutex<(u64, u64)>,
}

impl IdMaker {
    pub(super) fn make(&self, prefix: Option<&str>, now_ms: i64) -> String {
        let now = u64::try_from(now_ms).unwrap_or_default();
        let (time, chance) = {
            let mut last = self.last.lock();
            // A clock that goes back must not bring ids back.
            let time = now.max(last.0);
            let mask = (1_u64 << (CHANCE_CHARACTERS * 5)) - 1;
            let chance = if time == last.0 {
                // The next one, so that ids of one millisecond are in order; by a random step, so that nobody guesses it.
                last.1.saturating_add(1 + (rand::random::<u64>() & 0xffff_ffff))
            } else {
                // The highest bit is left free for the steps.
                rand::random::<u64>() & (mask >> 1)
            };
            *last = if chance > mask {
                (time + 1, rand::random::<u64>() & (mask >> 1))
            } else {
                (time, chance)
            };
            *last
        };
        let prefix = prefix.unwrap_or_default();
        let mut id = String::with_capacity(prefix.len() + 22);
        id.push_str(prefix);
        push(&mut id, time, TIME_CHARACTERS);
        push(&mut id, chance, CHANCE_CHARACTERS);
        id
    }
}

fn push(out: &mut String, number: u64, characters: u32) {
    for place in (0..characters).rev() {
        let digit = usize::try_from((number >> (place * 5)) & 31).unwrap_or_default();
        out.push(char::from(ALPHABET[digit]));
    }
}

/// Whether a client may bring this id: it stands in paths as it is.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= ID_BYTES_MAX
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_order_and_differ() {
        let maker = IdMaker::default();
        let mut ids: Vec<String> = (0..10_000)
            .map(|index| maker.make(Some("acc"), 1_700_000_000_000 + index / 5_000))
            .collect();
        // A clock that goes back.
        ids.push(maker.make(Some("acc"), 1_600_000_000_000));
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            ids.iter()
                .all(|id| is_id(id) && id.starts_with("acc") && id.len() == 25)
        );
    }

    #[test]
    fn what_clients_may_bring() {
        for good in [
            "a",
            "A-1_b",
            "0123456789012345678901234567890123456789012345678901234567890123",
        ] {
            assert!(is_id(good), "{good}");
        }
        for bad in [
            "",
            "a b",
            "a/b",
            "ä",
            "a.b",
            "a'b",
            "01234567890123456789012345678901234567890123456789012345678901234",
        ] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
