//! Handles of one plugin: small numbers for what it opened. Reading one takes no lock; they are never closed, since a plugin
//! opens a handful and keeps them for life.

use parking_lot::Mutex;
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

const CHUNK: usize = 64;
const CHUNKS: usize = 64;

/// Handles that one plugin may have open of one kind.
pub(crate) const HANDLES_MAX: usize = CHUNK * CHUNKS;

type Chunk<T> = Box<[OnceLock<Arc<T>>]>;

/// The table. Handle 0 is none.
pub(crate) struct HandleTable<T> {
    chunks: [OnceLock<Chunk<T>>; CHUNKS],
    used: Mutex<usize>,
}

impl<T> Default for HandleTable<T> {
    fn default() -> Self {
        Self {
            chunks: std::array::from_fn(|_| OnceLock::new()),
            used: Mutex::new(0),
        }
    }
}

impl<T> fmt::Debug for HandleTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleTable").field("used", &*self.used.lock()).finish()
    }
}

impl<T> HandleTable<T> {
    /// What a handle stands for; `None` for a number that is no handle of this plugin.
    pub(crate) fn get(&self, handle: u64) -> Option<&Arc<T>> {
        let position = usize::try_from(handle).ok()?.checked_sub(1)?;
        self.chunks.get(position / CHUNK)?.get()?.get(position % CHUNK)?.get()
    }

    /// The handle of what `same` recognises, or of a new one; `None` when the table is full.
    pub(crate) fn open(&self, same: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> Option<u64> {
        let mut used = self.used.lock();
        for handle in 1..=u64::try_from(*used).ok()? {
            if self.get(handle).is_some_and(|known| same(known)) {
                return Some(handle);
            }
        }
        let chunk = self
            .chunks
            .get(*used / CHUNK)?
            .get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
        chunk[*used % CHUNK].get_or_init(|| Arc::new(make()));
        *used += 1;
        u64::try_from(*used).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{HANDLES_MAX, HandleTable};

    #[test]
    fn the_same_thing_has_one_handle_and_a_stranger_none() {
        let table = HandleTable::<String>::default();
        let open = |name: &str| table.open(|known| known == name, || name.to_owned());
        assert_eq!(open("a"), Some(1));
        assert_eq!(open("b"), Some(2));
        assert_eq!(open("a"), Some(1));
        assert_eq!(table.get(2).map(|name| name.as_str()), Some("b"));
        for stranger in [0, 3, 64, 65, 4096, 4097, u64::MAX] {
            assert!(table.get(stranger).is_none(), "{stranger}");
        }
    }

    #[test]
    fn a_full_table_says_so() {
        let table = HandleTable::<usize>::default();
        for number in 0..HANDLES_MAX {
            assert!(table.open(|known| *known == usize::MAX, || number).is_some());
        }
        assert_eq!(table.open(|_| false, || 0), None);
        assert!(table.get(u64::try_from(HANDLES_MAX).unwrap()).is_some());
    }
}
