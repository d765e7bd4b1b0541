//! The kernel as the engine's ports.

use std::collections::HashMap;

use objectos_plugin_api::{Context, HookRef, Host, Result as ApiResult};

use crate::engine::ports::{Clock, EventSignal, HookPoint, Hooks};
use crate::error::Result;
use crate::store::BoxFuture;

/// The kernel's hook points.
#[derive(Debug)]
pub(super) struct HostHooks(HashMap<HookPoint, HookRef>);

impl HostHooks {
    pub(super) fn new(host: &Host) -> ApiResult<Self> {
        let open = |point: HookPoint| Ok((point, host.hook(point.name())?));
        HookPoint::ALL.into_iter().map(open).collect::<ApiResult<_>>().map(Self)
    }
}

impl Hooks for HostHooks {
    fn armed(&self, point: HookPoint, object: &str) -> bool {
        self.0.get(&point).is_some_and(|hook| hook.armed(object))
    }

    fn run<'a>(
        &'a self,
        point: HookPoint,
        context: &'a Context,
        object: &'a str,
        payload: Vec<u8>,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        Box::pin(async move {
            let Some(hook) = self.0.get(&point) else {
                return Ok(None);
            };
            let answer = hook.run(context, object, &payload).await?;
            Ok(answer.map(|payload| payload.to_vec()))
        })
    }
}

/// The kernel's event dispatcher.
#[derive(Debug)]
pub(super) struct HostSignal(pub(super) Host);

impl EventSignal for HostSignal {
    fn stored(&self) {
        self.0.events_stored();
    }
}

/// The kernel's clock.
#[derive(Debug)]
pub(super) struct HostClock(pub(super) Host);

impl Clock for HostClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
}
