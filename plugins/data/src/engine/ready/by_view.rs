//! What is kept for each object and view, as long as the world that it was made for: a schema, or a catalogue. Looking takes the
//! lock to read and nothing else; what is found is read where it lies. Called by the plans that are kept (`ready`, `pages`).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::engine::find::Search;

/// Which object, seen how: addresses of the layout and the view, which whoever keeps something under them must keep alive, and
/// whether the system asks.
pub(super) type Key = (usize, usize, bool);

/// The key of what is searched.
pub(super) fn key(search: &Search<'_>) -> Key {
    (
        Arc::as_ptr(search.layout).addr(),
        search.granted.view.as_ref().map_or(0, |view| Arc::as_ptr(view).addr()),
        search.granted.system,
    )
}

struct OfWorld<W, V> {
    world: Option<Arc<W>>,
    entries: HashMap<Key, V>,
}

impl<W, V> OfWorld<W, V> {
    fn is_of(&self, world: &Arc<W>) -> bool {
        self.world.as_ref().is_some_and(|known| Arc::ptr_eq(known, world))
    }
}

/// All that is kept of one world.
pub(super) struct ByView<W, V>(RwLock<OfWorld<W, V>>);

impl<W, V> Default for ByView<W, V> {
    fn default() -> Self {
        Self(RwLock::new(OfWorld {
            world: None,
            entries: HashMap::new(),
        }))
    }
}

impl<W, V> fmt::Debug for ByView<W, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByView")
    }
}

impl<W, V> ByView<W, V> {
    /// What is read of what is kept under a key; nothing of another world.
    pub(super) fn find<T>(&self, world: &Arc<W>, key: Key, read: impl FnOnce(&V) -> Option<T>) -> Option<T> {
        let kept = self.0.read();
        if !kept.is_of(world) {
            return None;
        }
        kept.entries.get(&key).and_then(read)
    }

    /// Changes what is kept under a key, or what `new` makes. What is of another world is forgotten, and so is everything when a
    /// new key would be one more than `most`.
    pub(super) fn change(
        &self,
        world: &Arc<W>,
        key: Key,
        most: usize,
        new: impl FnOnce() -> V,
        change: impl FnOnce(&mut V),
    ) {
        let mut kept = self.0.write();
        if !kept.is_of(world) {
            *kept = OfWorld {
                world: Some(Arc::clone(world)),
                entries: HashMap::new(),
            };
        }
        if kept.entries.len() >= most && !kept.entries.contains_key(&key) {
            kept.entries.clear();
        }
        change(kept.entries.entry(key).or_insert_with(new));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_for_one_world_and_no_more_than_may_be() {
        let (first, second) = (Arc::new("a schema"), Arc::new("a schema"));
        let kept: ByView<&str, Vec<u32>> = ByView::default();
        let put = |world: &Arc<&'static str>, at: usize, value: u32| {
            kept.change(world, (at, 0, false), 2, Vec::new, |values| values.push(value));
        };
        let check = |world: &Arc<&'static str>, at: usize, expected: Option<&[u32]>| {
            let found = kept.find(world, (at, 0, false), |values| Some(values.clone()));
            assert_eq!(found.as_deref(), expected, "{at}");
        };
        check(&first, 1, None);
        put(&first, 1, 10);
        put(&first, 1, 11);
        put(&first, 2, 20);
        check(&first, 1, Some(&[10, 11]));
        check(&first, 2, Some(&[20]));
        // Equal is not the same.
        check(&second, 1, None);
        assert_eq!(kept.find(&first, (1, 0, true), |values| values.first().copied()), None);
        // As many as may be: a known key stays one, another one makes room.
        put(&first, 2, 21);
        check(&first, 1, Some(&[10, 11]));
        put(&first, 3, 30);
        check(&first, 1, None);
        check(&first, 3, Some(&[30]));
        put(&second, 1, 40);
        check(&second, 1, Some(&[40]));
        check(&first, 3, None);
        assert_eq!(Arc::strong_count(&first), 1, "nothing holds on to a world that is over");
    }
}
