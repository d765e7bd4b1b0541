//! Who keeps done events outside of the event store, as the bus asks them: within a time limit, and with how it went
//! remembered for the health report. Used by `archive` and `sourcing`; what is asked is their business.

use objectos_plugin_api::{Error, ErrorKind, Result};
use parking_lot::Mutex;

use super::{
    port::PortFuture,
    shared::{Shared, StoreState},
};

/// A service that takes done events.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// Name of the service.
    service: &'static str,
    state: Mutex<StoreState>,
}

impl Keeper {
    pub(crate) fn new(service: &'static str) -> Self {
        Self {
            service,
            state: Mutex::default(),
        }
    }

    /// Name of the service.
    pub(crate) fn service(&self) -> &'static str {
        self.service
    }

    /// A call with its time limit.
    pub(crate) async fn call<T>(&self, shared: &Shared, call: PortFuture<T>) -> Result<T> {
        let limit_ms = shared.settings.limits.store_call_ms;
        let due_ms = shared
            .clock
            .now_ms()
            .saturating_add(i64::try_from(limit_ms).unwrap_or(i64::MAX));
        let result = tokio::select! {
            biased;
            result = call => result,
            () = shared.clock.sleep_until_ms(due_ms) => {
                let text = format!("the service {} took longer than {limit_ms} ms", self.service);
                Err(Error::new(ErrorKind::Timeout, text))
            }
        };
        self.note(shared.clock.now_ms(), result.as_ref().err());
        result
    }

    /// Remembers how it went.
    pub(crate) fn note(&self, now_ms: i64, error: Option<&Error>) {
        let mut state = self.state.lock();
        let Some(error) = error else {
            if state.down_since_ms.is_some() {
                tracing::info!(
                    service = self.service,
                    "done events are moved out of the event store again"
                );
                *state = StoreState::default();
            }
            return;
        };
        if state.down_since_ms.is_none() {
            tracing::warn!(
                service = self.service, error = %error, internal = error.internal_message(),
                "done events are not moved; they stay in the event store"
            );
        }
        state.down_since_ms = state.down_since_ms.or(Some(now_ms));
        state.error = Some(error.clone());
    }

    pub(crate) fn state(&self) -> StoreState {
        self.state.lock().clone()
    }
}
