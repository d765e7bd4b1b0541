//! Work that goes on after the answer was given: what is done for an address that has an account, and not for another one, must
//! show neither in the time an answer takes nor in how it goes.

use parking_lot::Mutex;
use std::future::Future;
use tokio::task::JoinSet;

use crate::error::Result;

/// What goes on.
#[derive(Debug, Default)]
pub(crate) struct Later(Mutex<JoinSet<()>>);

impl Later {
    /// Begins some work. What goes wrong with it is the operator's business.
    pub(crate) fn run(&self, what: &'static str, work: impl Future<Output = Result<()>> + Send + 'static) {
        let mut going = self.0.lock();
        while going.try_join_next().is_some() {}
        going.spawn(async move {
            if let Err(error) = work.await {
                tracing::error!(what, %error, "what was to be done after an answer failed");
            }
        });
    }

    /// Waits for what was begun: nothing goes on in a library that is unloaded.
    pub(crate) async fn finish(&self) {
        let mut going = std::mem::take(&mut *self.0.lock());
        while going.join_next().await.is_some() {}
    }
}
