//! Rounds of the relay: of each further database one at a time, as a task of its own, so that one that hangs keeps nothing
//! else back. A look for events begins those that are due and waits for them for a moment, which is enough in most cases; what a
//! round brings when nobody waits any more is told of, and then the kernel looks again.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::Origin;
use crate::engine::ports::EventSignal;
use crate::store::{Datasources, Store};

/// How long a look waits for rounds before it answers without them.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long a round may take: of a server whose packets are lost there may never be an answer. What came over by then stays.
const ROUND_LIMIT: Duration = Duration::from_secs(30);

/// Takes events over.
#[derive(Debug)]
pub(crate) struct EventRelay {
    rounds: Vec<Arc<Rounds>>,
    patience: Duration,
}

/// Those of one database.
#[derive(Debug)]
struct Rounds {
    origin: Origin,
    signal: Arc<dyn EventSignal>,
    state: Mutex<State>,
    /// Number of the last that ended.
    ended: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the last that began, from 1.
    begun: u64,
    /// When that was.
    begun_at: Option<Instant>,
    /// It has not ended.
    runs: bool,
    /// Somebody looked meanwhile: what they look for may have been stored after the round had read. So another one follows.
    again: bool,
    /// The last one came to its end: it left no notes.
    tidy: bool,
    stopped: bool,
    task: Option<JoinHandle<()>>,
}

impl EventRelay {
    /// From nowhere.
    pub(crate) const fn none() -> Self {
        Self {
            rounds: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// From further databases into the first.
    pub(crate) fn new(store: &Arc<dyn Store>, datasources: &Datasources, signal: &Arc<dyn EventSignal>) -> Self {
        let rounds = datasources.iter().map(|(name, source)| {
            Arc::new(Rounds {
                origin: Origin {
                    name: name.to_owned(),
                    source: Arc::clone(source),
                    store: Arc::clone(store),
                },
                signal: Arc::clone(signal),
                state: Mutex::default(),
                ended: watch::Sender::new(0),
            })
        });
        Self {
            rounds: rounds.collect(),
            patience: PATIENCE,
        }
    }

    /// As it is, but waiting so long.
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Has what is there taken over, and waits for it as long as is worth it. Must be used inside of the plugin's runtime.
    pub(crate) async fn look(&self) {
        let until = Instant::now() + self.patience;
        // All begin before the first is waited for.
        let awaited: Vec<_> = self
            .rounds
            .iter()
            .filter_map(|rounds| rounds.begin(self.patience))
            .collect();
        for (mut ended, number) in awaited {
            // Whether it ended or time is over: what came is looked at now.
            drop(timeout_at(until, ended.wait_for(|ended| *ended >= number)).await);
        }
    }

    /// Ends the rounds where they are, and begins none any more.
    pub(crate) async fn stop(&self) {
        let tasks: Vec<_> = self.rounds.iter().filter_map(|rounds| rounds.stop()).collect();
        for task in tasks {
            // An error is what an aborted task answers.
            drop(task.await);
        }
    }
}

impl Rounds {
    /// Begins a round, or has one follow that is under way. Answers the number to wait for; none where a round takes longer than
    /// is waited for already.
    fn begin(self: &Arc<Self>, patience: Duration) -> Option<(watch::Receiver<u64>, u64)> {
        let mut state = self.state.lock();
        if state.stopped {
            return None;
        }
        if state.under_way() {
            state.again = true;
            let young = state.begun_at.is_some_and(|at| at.elapsed() < patience);
            return young.then(|| (self.ended.subscribe(), state.begun + 1));
        }
        let ended = self.ended.subscribe();
        state.begin();
        state.task = Some(tokio::spawn(Arc::clone(self).run()));
        Some((ended, state.begun))
    }

    async fn run(self: Arc<Self>) {
        loop {
            let brought = self.round().await;
            if !self.end(brought) {
                return;
            }
        }
    }

    /// Answers whether events came over. A database that cannot be reached is told of and waits.
    async fn round(&self) -> bool {
        // A round may also end where it is.
        let tidy = std::mem::take(&mut self.state.lock().tidy);
        let mut brought = false;
        let taken = timeout(ROUND_LIMIT, self.origin.take_over(tidy, &mut brought)).await;
        let trouble = match taken {
            Ok(Ok(())) => {
                self.state.lock().tidy = true;
                return brought;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the databases took too long".to_owned(),
        };
        tracing::warn!(datasource = self.origin.name.as_str(), error = %trouble, "events could not be taken over");
        brought
    }

    /// Notes the end of a round, and answers whether another one follows.
    fn end(&self, brought: bool) -> bool {
        // Whoever waits looks at what came; otherwise nobody would for now.
        if brought && self.ended.receiver_count() == 0 {
            self.signal.stored();
        }
        let mut state = self.state.lock();
        self.ended.send_replace(state.begun);
        state.runs = false;
        let follows = state.again && !state.stopped;
        if follows {
            state.begin();
        }
        follows
    }

    fn stop(&self) -> Option<JoinHandle<()>> {
        let mut state = self.state.lock();
        state.stopped = true;
        let task = state.task.take()?;
        task.abort();
        Some(task)
    }
}

impl State {
    fn begin(&mut self) {
        self.begun += 1;
        self.begun_at = Some(Instant::now());
        self.runs = true;
        self.again = false;
    }

    /// A task that is over although its round never ended has panicked: nobody is to wait for it.
    fn under_way(&self) -> bool {
        self.runs && self.task.as_ref().is_some_and(|task| !task.is_finished())
    }
}
