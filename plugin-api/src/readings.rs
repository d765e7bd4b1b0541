//! One reading for many: of those who want the same at the same moment one begins to read, and the others take what it brings.
//! Whoever waits also drives the reading, so it goes on whoever of them goes away, and ends when nobody wants it any more.
//!
//! A failure is not shared: whoever began may have had less time left, so that others read once more, each by itself. A panic is a
//! failure, too: else those who wait would never be woken, and whoever came to them would panic as well.
//!
//! Not here: keeping what was read. Called by plugins that keep what they make of other plugins' answers.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
};

use futures_util::future::{BoxFuture, FutureExt as _, Shared, WeakShared};

use crate::{Error, ErrorKind, Result};

/// What is read.
type Pending<T> = BoxFuture<'static, Result<T>>;

/// Readings under way, each under a key that says what is wanted.
///
/// The key must also tell apart those who must not wait for each other. While a plugin is being replaced, calls that come out of
/// its last ones go to the old version, which waits for them to end, and all others wait for the new version. Were one of the
/// former to wait for the reading of one of the latter, each would wait for the other. So where readings come out of requests,
/// [`crate::Context::chain`] belongs into the key: whatever the reading of the one has to wait for, that of another one of the
/// same chain would wait for as well. Where something changes, its version does: what is read for a version is read after the
/// version was.
pub struct Readings<K, T: Clone> {
    /// Weak: a reading lives by those who wait for it.
    under_way: Mutex<HashMap<K, WeakShared<Pending<T>>>>,
}

impl<K, T: Clone> Default for Readings<K, T> {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
        }
    }
}

impl<K, T: Clone> fmt::Debug for Readings<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readings")
    }
}

impl<K: Eq + Hash, T: Clone + Send + Sync + 'static> Readings<K, T> {
    /// What is read for a key: by whoever is at it, or by what `begin` makes.
    ///
    /// Dropping this is safe; the others go on.
    ///
    /// # Errors
    /// What the caller's own reading failed with; `Panicked` when it did.
    pub async fn read<F>(&self, key: K, begin: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (reading, own) = self.join(key, &begin);
        match reading.await {
            Err(_) if !own => begin().await,
            done => done,
        }
    }

    /// A reading, and whether it was just begun.
    fn join<F>(&self, key: K, begin: &impl Fn() -> F) -> (Shared<Pending<T>>, bool)
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = under_way.get(&key).and_then(WeakShared::upgrade) {
            return (reading, false);
        }
        // Those that nobody wants any more.
        under_way.retain(|_, reading| reading.upgrade().is_some());
        let caught = AssertUnwindSafe(begin()).catch_unwind();
        let reading = caught.map(|done| done.unwrap_or_else(|_| Err(panicked())));
        let reading = reading.boxed().shared();
        if let Some(weak) = reading.downgrade() {
            under_way.insert(key, weak);
        }
        (reading, true)
    }
}

/// What is left to say of a panic: its text and place were told where it happened.
fn panicked() -> Error {
    Error::new(ErrorKind::Panicked, "something went wrong on the server")
        .with_internal("panicked: while something was read for many")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };
    use tokio::sync::Semaphore;

    /// Version and chain.
    const FIRST: (u64, u64) = (1, 0);

    /// Something to read, which is there once the test lets it.
    #[derive(Clone)]
    struct Source {
        begun: Arc<AtomicU64>,
        ended: Arc<AtomicU64>,
        open: Arc<Semaphore>,
    }

    /// Counts a reading that is over, however it came to that.
    struct Ended(Arc<AtomicU64>);

    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Source {
        fn new() -> Self {
            Self {
                begun: Arc::default(),
                ended: Arc::default(),
                open: Arc::new(Semaphore::new(0)),
            }
        }

        /// The number of the reading, from 1; the first one fails when `fails` says so.
        fn reading(&self, fails: bool) -> impl Future<Output = Result<u64>> + Send + 'static {
            let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            let (ended, open) = (Ended(Arc::clone(&self.ended)), Arc::clone(&self.open));
            async move {
                let _ended = ended;
                drop(open.acquire().await.map_err(Error::internal)?);
                if fails && number == 1 {
                    return Err(Error::unavailable("not now"));
                }
                Ok(number)
            }
        }

        fn begun(&self) -> u64 {
            self.begun.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn one_reads_for_all_who_want_the_same() {
        let (source, readings) = (Source::new(), Readings::default());
        let begin = || source.reading(false);
        let mut waiting: Vec<_> = (0..9).map(|_| Box::pin(readings.read(FIRST, begin))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        source.open.add_permits(1);
        for one in waiting {
            assert_eq!(one.await.unwrap(), 1);
        }
        // Nothing is kept: whoever comes later reads anew.
        assert_eq!(readings.read(FIRST, begin).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn whoever_wants_something_else_does_not_wait() {
        let (source, readings) = (Source::new(), Readings::default());
        let mut first = Box::pin(readings.read(FIRST, || source.reading(false)));
        assert!(first.as_mut().now_or_never().is_none());
        for key in [(2, 0), (1, 4), (2, 4)] {
            let other = readings.read(key, || async { Ok(100) });
            assert_eq!(other.now_or_never().unwrap().unwrap(), 100, "{key:?}");
        }
        source.open.add_permits(1);
        assert_eq!(first.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn whoever_waits_goes_on_when_the_one_who_began_goes_away() {
        let (source, readings) = (Source::new(), Readings::default());
        let begin = || source.reading(false);
        let mut first = Box::pin(readings.read(FIRST, begin));
        let mut second = Box::pin(readings.read(FIRST, begin));
        for one in [&mut first, &mut second] {
            assert!(one.as_mut().now_or_never().is_none());
        }
        drop(first);
        source.open.add_permits(1);
        assert_eq!(second.await.unwrap(), 1);
        assert_eq!(source.begun(), 1);
    }

    #[tokio::test]
    async fn a_reading_ends_when_nobody_wants_it_any_more() {
        let (source, readings) = (Source::new(), Readings::default());
        let mut only = Box::pin(readings.read(FIRST, || source.reading(false)));
        assert!(only.as_mut().now_or_never().is_none());
        assert_eq!(source.ended.load(Ordering::SeqCst), 0);
        drop(only);
        assert_eq!(source.ended.load(Ordering::SeqCst), 1);
        // Nor is it remembered.
        let other = readings.read((2, 0), || async { Ok(100) });
        assert_eq!(other.await.unwrap(), 100);
        assert!(!readings.under_way.lock().unwrap().contains_key(&FIRST));
    }

    #[tokio::test]
    async fn a_failure_is_for_whoever_began() {
        let (source, readings) = (Source::new(), Readings::default());
        let begin = || source.reading(true);
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(readings.read(FIRST, begin))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        source.open.add_permits(1);
        let mut answers = Vec::new();
        for one in waiting {
            answers.push(one.await.map_err(|error| error.message().to_owned()));
        }
        assert_eq!(answers, [Err("not now".to_owned()), Ok(2), Ok(3)]);
    }

    #[tokio::test]
    async fn a_panic_is_for_whoever_began() {
        let (source, readings) = (Source::new(), Readings::default());
        let begin = || {
            let reading = source.reading(false);
            async move {
                let number = reading.await?;
                assert_ne!(number, 1, "the first reading panics");
                Ok::<u64, Error>(number)
            }
        };
        let mut first = Box::pin(readings.read(FIRST, begin));
        let mut second = Box::pin(readings.read(FIRST, begin));
        for one in [&mut first, &mut second] {
            assert!(one.as_mut().now_or_never().is_none());
        }
        source.open.add_permits(1);
        assert_eq!(first.await.unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(second.await.unwrap(), 2);
        assert_eq!(readings.read(FIRST, begin).await.unwrap(), 3);
    }
}
