//! Nodes on one database tell each other of changes, by notifications of PostgreSQL: part of the transaction of the change, so
//! that they come exactly when it is committed.
//!
//! A line that is dead without saying so, or a pooler in between that passes no notifications on, would be silence, and silence
//! looks like nothing having changed. So a node sends itself a sign of life, again and again, and where it does not come back
//! what is known counts as out of date. Called by the store; what is announced is the engine's decision.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use objectos_plugin_api::contracts::events::{ChangedElsewhere, ChangedRecord};
use serde::{Deserialize, Serialize};
use sqlx::Executor as _;
use sqlx::postgres::{PgListener, PgPoolOptions};
use uuid::Uuid;

use super::PostgresOptions;
use super::pool::{Lease, Pool};
use crate::error::{DataError, Result};
use crate::store::{Heard, SqlValue, Statement};

/// Sends a text to all nodes whose tables lie in the same schema.
const NOTIFY: &str = "SELECT pg_notify('objectos_' || md5(current_schema()), ?)";
/// The name of what is listened to.
const CHANNEL: &str = "SELECT 'objectos_' || md5(current_schema())";
/// Bytes of one notification; PostgreSQL takes just below 8,000.
const BYTES_MAX: usize = 7_000;
/// Time between two signs of life, which is how long one may take to come back.
const SIGN_OF_LIFE: Duration = Duration::from_millis(400);
/// Pause before another attempt to listen.
const PAUSE: Duration = Duration::from_millis(250);

/// What goes over the line.
#[derive(Debug, Serialize, Deserialize)]
struct Message {
    /// Who sends.
    node: Uuid,
    /// Changed records; none in a sign of life.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    records: Vec<ChangedRecord>,
    /// Number of a sign of life; 0 is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    sign: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(sign: &u64) -> bool {
    *sign == 0
}

/// Sends and hears announcements of one node.
#[derive(Debug)]
pub(super) struct Announcer {
    node: Uuid,
    options: Arc<PostgresOptions>,
    writers: Pool,
}

impl Announcer {
    pub(super) fn new(options: Arc<PostgresOptions>, writers: Pool) -> Self {
        Self {
            node: Uuid::new_v4(),
            options,
            writers,
        }
    }

    /// The step of a unit that announces its changes. More than one notification can hold are told by their objects alone.
    pub(super) fn statement(&self, records: Vec<ChangedRecord>) -> Statement {
        let named = self.text(records.clone(), 0);
        if named.len() <= BYTES_MAX {
            return notification(named);
        }
        let mut objects: Vec<ChangedRecord> = Vec::new();
        for ChangedRecord { object, .. } in records {
            if !objects.iter().any(|known| known.object == object) {
                objects.push(ChangedRecord {
                    object,
                    id: None,
                    change: None,
                });
            }
        }
        notification(self.text(objects, 0))
    }

    fn text(&self, records: Vec<ChangedRecord>, sign: u64) -> String {
        let message = Message {
            node: self.node,
            records,
            sign,
        };
        serde_json::to_string(&message).expect("names, ids and numbers can always be written as JSON")
    }

    /// Listens until it is dropped.
    pub(super) async fn listen(&self, heard: &Heard) {
        let mut told = false;
        loop {
            let Err(error) = self.listen_once(heard, &mut told).await;
            match error {
                DataError::StoreClosed => return,
                error if !told => {
                    tracing::warn!(error = %error, "changes of other nodes are not heard at the moment; what is in memory is read again and again");
                    told = true;
                }
                error => tracing::debug!(error = %error, "changes of other nodes are still not heard"),
            }
            heard(missed());
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn listen_once(&self, heard: &Heard, told: &mut bool) -> Result<std::convert::Infallible> {
        let mut listener = tokio::time::timeout(self.options.connect_timeout, self.open())
            .await
            .map_err(|_| silent("no connection within the time for it"))??;
        // From here on nothing is missed; what was before is not known.
        heard(missed());
        let returned = AtomicU64::new(0);
        let receiving = async {
            loop {
                let Some(notification) = listener.try_recv().await.map_err(lost)? else {
                    return Err(silent("the connection was lost"));
                };
                self.take(notification.payload(), heard, &returned);
                if *told && returned.load(Ordering::Relaxed) > 0 {
                    tracing::info!("changes of other nodes are heard again");
                    *told = false;
                }
            }
        };
        // Either of the two ends only with an error. Receiving is never given up half way: a message would be lost with it.
        // What came is looked at first: after a stall of this process it may be what the other one waits for.
        tokio::select! {
            biased;
            ended = receiving => ended,
            ended = self.sign_of_life(&returned) => ended,
        }
    }

    /// A connection that listens. Notifications come on the primary alone.
    async fn open(&self) -> Result<PgListener> {
        let options = self.options.connect_options(&self.options.url)?;
        let settings: Arc<str> = self.options.session_settings(true).into();
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .after_connect(move |connection, _| {
                let settings = Arc::clone(&settings);
                Box::pin(async move {
                    connection
                        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(settings)))
                        .await
                        .map(drop)
                })
            })
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await.map_err(lost)?;
        listener.eager_reconnect(false);
        let channel: String = sqlx::query_scalar(CHANNEL)
            .fetch_one(&mut listener)
            .await
            .map_err(lost)?;
        listener.listen(&channel).await.map_err(lost)?;
        Ok(listener)
    }

    fn take(&self, text: &str, heard: &Heard, returned: &AtomicU64) {
        match serde_json::from_str::<Message>(text) {
            Ok(message) if message.node == self.node => {
                returned.fetch_max(message.sign, Ordering::Relaxed);
            }
            Ok(message) if message.records.is_empty() => {}
            Ok(message) => heard(ChangedElsewhere {
                missed: false,
                records: message.records,
            }),
            // A node of another version says something that this one does not understand.
            Err(_) => heard(missed()),
        }
    }

    /// Sends signs of life until one does not come back in time.
    async fn sign_of_life(&self, returned: &AtomicU64) -> Result<std::convert::Infallible> {
        let mut sent = 0;
        loop {
            let sending = async {
                let mut lease = self.writers.lease().await?;
                sent += 1;
                send(&mut lease, &notification(self.text(Vec::new(), sent))).await
            };
            let next = tokio::time::Instant::now() + SIGN_OF_LIFE;
            tokio::time::timeout(SIGN_OF_LIFE, sending)
                .await
                .map_err(|_| silent("a sign of life could not be sent in time"))??;
            tokio::time::sleep_until(next).await;
            if returned.load(Ordering::Relaxed) < sent {
                return Err(silent("a sign of life did not come back in time"));
            }
        }
    }
}

fn notification(text: String) -> Statement {
    Statement::new(NOTIFY, vec![SqlValue::from(text)])
}

async fn send(lease: &mut Lease, statement: &Statement) -> Result<()> {
    crate::store::Reader::read(lease, statement, &mut |_| {}).await
}

fn missed() -> ChangedElsewhere {
    ChangedElsewhere {
        missed: true,
        records: Vec::new(),
    }
}

fn silent(reason: &'static str) -> DataError {
    DataError::Database {
        doing: "be listened to",
        source: reason.into(),
    }
}

fn lost(error: sqlx::Error) -> DataError {
    DataError::Database {
        doing: "be listened to",
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use objectos_plugin_api::contracts::events::RecordChange;
    use parking_lot::Mutex;

    use super::*;

    fn announcer() -> Announcer {
        let options = Arc::new(PostgresOptions::new("postgres://localhost/none"));
        Announcer::new(Arc::clone(&options), Pool::new(&options, &options.url, false, 1))
    }

    fn record(number: usize) -> ChangedRecord {
        ChangedRecord {
            object: if number.is_multiple_of(2) {
                "sys_user"
            } else {
                "sys_role"
            }
            .to_owned(),
            id: Some(format!("record{number}")),
            change: Some(RecordChange::Updated),
        }
    }

    fn sent(statement: &Statement) -> String {
        match &statement.values[0] {
            SqlValue::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// What a node hears of a text.
    fn hears(node: &Announcer, text: &str) -> Vec<ChangedElsewhere> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&told);
        node.take(text, &move |changed| into.lock().push(changed), &AtomicU64::new(0));
        let told = told.lock();
        told.clone()
    }

    #[test]
    fn others_hear_what_a_node_announces_and_it_itself_does_not() {
        let (first, second) = (announcer(), announcer());
        let text = sent(&first.statement(vec![record(1)]));
        assert_eq!(hears(&first, &text), []);
        let expected = ChangedElsewhere {
            missed: false,
            records: vec![record(1)],
        };
        assert_eq!(hears(&second, &text), [expected]);
    }

    #[test]
    fn very_many_records_are_told_by_their_objects() {
        let text = sent(&announcer().statement((0..500).map(record).collect()));
        assert!(text.len() <= BYTES_MAX, "{}", text.len());
        let told = hears(&announcer(), &text).remove(0).records;
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|record| record.id.is_none() && record.change.is_none()));
    }

    #[test]
    fn what_is_not_understood_counts_as_missed() {
        assert_eq!(hears(&announcer(), "{\"from\": \"a later version\"}"), [missed()]);
    }

    #[test]
    fn a_sign_of_life_is_nothing_to_others_and_comes_back_to_its_sender() {
        let (first, second) = (announcer(), announcer());
        let text = first.text(Vec::new(), 7);
        assert_eq!(hears(&second, &text), []);
        let returned = AtomicU64::new(0);
        first.take(&text, &|_| panic!("a sign of life is no change"), &returned);
        assert_eq!(returned.load(Ordering::Relaxed), 7);
    }
}
