//! Attempts under way on this node, in lines: one for each account, one for each address, in the order in which they came. An
//! attempt stands in two lines, taken together, so that whoever is ahead in one is never behind in the other. Says who is ahead;
//! what follows of that is [`super`]'s business.

use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Line {
    attempts: Vec<Arc<str>>,
    /// Somebody left.
    ended: Arc<Notify>,
}

/// All lines that somebody stands in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<HashMap<String, Line>>>);

/// An attempt's places, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    lines: Lines,
    keys: [String; 2],
    id: Arc<str>,
}

impl Lines {
    /// Stands at the end of both lines.
    pub(crate) fn join(&self, keys: [String; 2], id: &str) -> Place {
        let id: Arc<str> = id.into();
        let mut lines = self.0.lock();
        for key in &keys {
            let line = lines.entry(key.clone()).or_default();
            line.attempts.push(Arc::clone(&id));
        }
        drop(lines);
        Place {
            lines: self.clone(),
            keys,
            id,
        }
    }
}

impl Place {
    /// Names of the two lines.
    pub(crate) fn keys(&self) -> &[String; 2] {
        &self.keys
    }

    /// The attempt.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Who is ahead in each line.
    pub(crate) fn ahead(&self) -> [Vec<Arc<str>>; 2] {
        let lines = self.lines.0.lock();
        self.keys.each_ref().map(|key| {
            let attempts = lines.get(key).map(|line| line.attempts.as_slice());
            let attempts = attempts.unwrap_or_default().iter();
            attempts.take_while(|id| **id != self.id).cloned().collect()
        })
    }

    /// What is told when somebody leaves a line.
    pub(crate) fn ended(&self) -> [Arc<Notify>; 2] {
        let lines = self.lines.0.lock();
        self.keys.each_ref().map(|key| {
            let ended = lines.get(key).map(|line| Arc::clone(&line.ended));
            ended.unwrap_or_default()
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.0.lock();
        for key in &self.keys {
            let Some(line) = lines.get_mut(key) else { continue };
            line.attempts.retain(|id| *id != self.id);
            line.ended.notify_waiters();
            if line.attempts.is_empty() {
                lines.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(account: &str) -> [String; 2] {
        [account.to_owned(), "address".to_owned()]
    }

    /// How many are ahead in each line.
    fn check(place: &Place, expected: [usize; 2]) {
        assert_eq!(place.ahead().map(|ahead| ahead.len()), expected, "{place:?}");
    }

    #[tokio::test]
    async fn whoever_leaves_lets_the_others_move_up_and_tells_them() {
        let lines = Lines::default();
        let first = lines.join(keys("ada"), "1");
        let second = lines.join(keys("bob"), "2");
        let third = lines.join(keys("ada"), "3");
        check(&first, [0, 0]);
        check(&second, [0, 1]);
        check(&third, [1, 2]);
        let ended = third.ended();
        let (of_account, of_address) = (ended[0].notified(), ended[1].notified());
        drop(first);
        of_account.await;
        of_address.await;
        check(&third, [0, 1]);
        drop((second, third));
        assert!(lines.0.lock().is_empty());
    }
}
