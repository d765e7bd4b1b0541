//! Takes mails that are due and gives them to the courier until each is sent or given up. Runs in the plugin's runtime from
//! start to stop; several of them, on several nodes, do not take the same mail.

use futures_util::{StreamExt, stream};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

use crate::{
    config::RetryConfig,
    courier::Courier,
    error::{MailError, Result},
    records::{Due, Records},
};

/// Mails of one look at the records.
const ROUND: usize = 50;
/// How long a taken mail is left to its taker beyond the limit of its exchange with the server: several exchanges make a
/// delivery. After a crash it waits this long.
const LEASE_EXCHANGES: u64 = 10;

/// What it works with.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) records: Records,
    pub(crate) courier: Courier,
    pub(crate) retry: RetryConfig,
    pub(crate) poll: Duration,
    pub(crate) timeout_ms: u64,
    pub(crate) concurrency: usize,
    pub(crate) keep_bodies: bool,
    pub(crate) wake: Arc<Notify>,
}

impl Sender {
    /// Until the task is dropped.
    pub(crate) async fn run(self) {
        loop {
            match self.round().await {
                // A full round: more may be due.
                Ok(ROUND) => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(error = %error, "due mails cannot be read; they are looked for again"),
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(self.poll) => {}
            }
        }
    }

    /// Everything that is due now; answers how many there were.
    async fn round(&self) -> Result<usize> {
        let due = self.records.due(ROUND).await?;
        let count = due.len();
        stream::iter(due)
            .for_each_concurrent(self.concurrency, |due| async move {
                let id = due.id.clone();
                if let Err(error) = self.attempt(due).await {
                    tracing::warn!(mail = id, error = %error, "what became of a mail cannot be written down");
                }
            })
            .await;
        Ok(count)
    }

    async fn attempt(&self, mut due: Due) -> Result<()> {
        let lease_ms = i64::try_from(self.timeout_ms.saturating_mul(LEASE_EXCHANGES)).unwrap_or(i64::MAX / 2);
        if !self.records.take(&mut due, lease_ms).await? {
            return Ok(());
        }
        let reason = match self.courier.deliver(&due.id, &due.message).await {
            Ok(()) => {
                tracing::info!(mail = due.id, category = due.message.category, "mail sent");
                return self.records.sent(&due.id, self.keep_bodies).await;
            }
            Err(MailError::Later(reason) | MailError::Denied(reason)) => {
                if let Some(delay_ms) = self.retry.delay_after_ms(due.attempts) {
                    tracing::warn!(
                        mail = due.id,
                        attempts = due.attempts,
                        reason,
                        "mail not sent; it is tried again"
                    );
                    return self.records.later(&due.id, &reason, delay_ms).await;
                }
                reason
            }
            Err(error) => error.to_string(),
        };
        tracing::error!(mail = due.id, attempts = due.attempts, reason, "mail given up");
        self.records.failed(&due.id, &reason, self.keep_bodies).await
    }
}
