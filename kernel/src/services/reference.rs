//! A reference to a service, and the way of a call from it to the provider.

use futures_util::FutureExt;
use objectos_plugin_api::{
    Context, Error as PluginError, ErrorKind, ServiceHandler,
    abi::{RawBegun, RawContext, RawResult},
    export::{COMMANDS, ROUTES},
    private::{
        abi_stable::std_types::{RResult, RSlice, RStr, RVec},
        async_ffi::FfiFuture,
        monotonic_coarse_ns, monotonic_ns,
    },
};
use semver::VersionReq;
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::runtime::Handle;

use super::{Principals, Provider, ServiceKind, ServiceSlot};
use crate::instance::{
    Instance,
    call::Started,
    cell::{CellState, FLAG_AT_ONCE, FLAG_SYSTEM, Hold, PluginCell},
    shield::Shield,
};

/// Who calls, as the kernel knows it.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Id of the plugin; empty for the kernel.
    pub(crate) id: Arc<str>,
    /// Whether it may act as the system.
    pub(crate) system: bool,
    /// For whom it may act; `None` when it may say so itself.
    pub(crate) held_to: Option<Arc<Principals>>,
}

impl Caller {
    /// The kernel itself.
    pub(crate) fn kernel() -> Self {
        Self {
            id: Arc::from(""),
            system: true,
            held_to: None,
        }
    }

    /// The context as the callee gets it: the caller's id is the true one, nobody acts as the system who may not, nor for
    /// somebody by whom it was not asked.
    pub(crate) fn stamp<'a>(&'a self, context: &RawContext<'a>) -> RawContext<'a> {
        let mut stamped = *context;
        stamped.caller = RStr::from_str(&self.id);
        if !self.system {
            stamped.flags &= !FLAG_SYSTEM;
        }
        if let Some(principals) = &self.held_to {
            principals.hold(&self.id, &mut stamped);
        }
        stamped
    }
}

/// A reference to a service in a range of versions.
#[derive(Debug)]
pub(crate) struct ServiceReference {
    pub(crate) slot: Arc<ServiceSlot>,
    pub(crate) range: VersionReq,
    /// Serial of an instance (upper half) and the service's position in it (lower half), from the last look.
    position: AtomicU64,
}

impl ServiceReference {
    pub(crate) fn new(slot: Arc<ServiceSlot>, range: VersionReq) -> Self {
        Self {
            slot,
            range,
            position: AtomicU64::new(0),
        }
    }

    /// Starts a call. The payload is copied by the callee before this returns.
    pub(crate) fn start(
        self: &Arc<Self>,
        executor: &Handle,
        caller: &Arc<Caller>,
        method: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawBegun {
        match self.start_here(executor, caller, method, context, payload) {
            Started::Answer(answer) => RawBegun::Answer(answer),
            Started::Call(call) => RawBegun::Later(FfiFuture::new(call)),
            Started::Other(future) => RawBegun::Later(future),
        }
    }

    /// The same for a caller in the host, which needs no future that can cross a border.
    pub(crate) fn start_here(
        self: &Arc<Self>,
        executor: &Handle,
        caller: &Arc<Caller>,
        method: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> Started {
        let mut stamped = caller.stamp(context);
        match self.begin(method, &mut stamped, payload) {
            Ok(started) => started,
            Err(Elsewhere::Kernel(handler)) => {
                let call = kernel_call(executor, &handler, method, &stamped, payload);
                Started::Other(FfiFuture::new(call))
            }
            Err(Elsewhere::Held(_, hold)) => {
                let waiting = Waiting {
                    reference: Arc::clone(self),
                    method: method.as_str().to_owned(),
                    context: Context::from_raw(&stamped),
                    payload: payload.as_slice().to_vec(),
                };
                Started::Other(FfiFuture::new(Shield::new(executor.clone(), waiting.run(hold))))
            }
            Err(Elsewhere::Failed(error)) => Started::Answer(RResult::RErr(error.into_raw())),
        }
    }

    /// A synchronous call. Blocks while the provider changes hands, unless the caller does not want to wait.
    pub(crate) fn call_sync(
        &self,
        caller: &Caller,
        method: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawResult {
        let mut stamped = caller.stamp(context);
        // It is for this call alone, not for those that come out of it.
        let at_once = stamped.flags & FLAG_AT_ONCE != 0;
        stamped.flags &= !FLAG_AT_ONCE;
        loop {
            let called = self.running(|cell, instance| {
                let index = self.ready(&mut stamped, cell, instance)?;
                Ok(instance.call_sync(index, method, &stamped, payload))
            });
            let waited = match called {
                Ok(answer) => return answer,
                Err(Elsewhere::Failed(error)) => Err(error),
                Err(Elsewhere::Kernel(handler)) => return kernel_call_sync(&handler, method, &stamped, payload),
                Err(Elsewhere::Held(cell, hold)) => match self.pass_through(&cell, &hold, &stamped) {
                    Some((instance, index)) => return instance.call_sync(index, method, &stamped, payload),
                    None if at_once => Err(PluginError::unavailable("the service is being replaced")),
                    None => hold.wait_blocking(),
                },
            };
            if let Err(error) = waited {
                return RResult::RErr(error.into_raw());
            }
        }
    }

    /// `context` is the caller's own copy: its deadline and chain are written here.
    fn begin(
        &self,
        method: RStr<'_>,
        context: &mut RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> Result<Started, Elsewhere> {
        let called = self.running(|cell, instance| {
            let index = self.ready(context, cell, instance)?;
            Ok(instance.call(index, method, context, payload))
        });
        match called {
            Err(Elsewhere::Held(cell, hold)) => match self.pass_through(&cell, &hold, context) {
                Some((instance, index)) => Ok(instance.call(index, method, context, payload)),
                None => Err(Elsewhere::Held(cell, hold)),
            },
            called => called,
        }
    }

    /// Hands the current generation of the provider to `call`. Whoever swaps it meanwhile counts this look as a holder of
    /// the generation, as it would a clone, which costs more.
    fn running<R>(
        &self,
        call: impl FnOnce(&PluginCell, &Arc<Instance>) -> Result<R, PluginError>,
    ) -> Result<R, Elsewhere> {
        let provider = self.slot.provider.load();
        match provider.as_deref() {
            Some(Provider::Plugin(cell)) => match &**cell.load() {
                CellState::Running(instance) => call(cell, instance).map_err(Elsewhere::Failed),
                CellState::Held(hold) => Err(Elsewhere::Held(Arc::clone(cell), Arc::clone(hold))),
                CellState::Down(down) => Err(Elsewhere::Failed(cell.unavailable(down))),
            },
            Some(Provider::Kernel(handler)) => Err(Elsewhere::Kernel(Arc::clone(handler))),
            None => Err(Elsewhere::Failed(self.nobody())),
        }
    }

    /// Position of the service in this generation, with the call's deadline and chain written.
    fn ready(&self, context: &mut RawContext<'_>, cell: &PluginCell, instance: &Instance) -> Result<u32, PluginError> {
        let index = self.position(instance)?;
        prepare(context, cell, instance)?;
        Ok(index)
    }

    #[cold]
    fn nobody(&self) -> PluginError {
        PluginError::unavailable("the service is not available at the moment")
            .with_internal(format_args!("no plugin provides the service {}", self.slot.name))
    }

    /// A call that comes out of a call which the held plugin still works on goes to that generation: the one would wait
    /// for the other otherwise.
    fn pass_through(&self, cell: &PluginCell, hold: &Hold, context: &RawContext<'_>) -> Option<(Arc<Instance>, u32)> {
        if context.flags & cell.chain_bit == 0 {
            return None;
        }
        let old = hold.old()?;
        let index = self.position(&old).ok()?;
        Some((old, index))
    }

    /// Position of the service in this generation.
    fn position(&self, instance: &Instance) -> Result<u32, PluginError> {
        let [p0, p1, p2, p3, s0, s1, s2, s3] = self.position.load(Ordering::Relaxed).to_le_bytes();
        if u32::from_le_bytes([s0, s1, s2, s3]) == instance.serial {
            return Ok(u32::from_le_bytes([p0, p1, p2, p3]));
        }
        self.look_up(instance)
    }

    #[cold]
    fn look_up(&self, instance: &Instance) -> Result<u32, PluginError> {
        let position = match self.slot.kind {
            ServiceKind::Routes => ROUTES,
            ServiceKind::Commands => COMMANDS,
            ServiceKind::Named => match instance.registered().service(&self.slot.name, &self.range) {
                Some(Ok(position)) => position,
                Some(Err(version)) => {
                    return Err(
                        PluginError::unavailable("the service is not available in the version that is needed")
                            .with_internal(format_args!(
                                "{} {} is wanted, {} of plugin {} is there",
                                self.slot.name, self.range, version, instance.plugin
                            )),
                    );
                }
                None => return Err(self.nobody()),
            },
        };
        let remembered = (u64::from(instance.serial) << 32) | u64::from(position);
        self.position.store(remembered, Ordering::Relaxed);
        Ok(position)
    }
}

/// What a service is when no generation of a plugin runs for it, or the call did not begin there.
enum Elsewhere {
    Kernel(Arc<dyn ServiceHandler>),
    Held(Arc<PluginCell>, Arc<Hold>),
    Failed(PluginError),
}

/// How far the coarse clock is behind at most: a tick of the slowest kernel, and some more.
const COARSE_NS_MAX: u64 = 20_000_000;

/// Limits below this are reckoned from the exact time: a tick would be a good part of them, or all of it.
const COARSE_LIMIT_NS_MIN: u64 = 1_000_000_000;

/// When a call is due that may take so long from now on. `coarse_ns`: now, by the coarse clock.
fn due_ns(coarse_ns: u64, limit_ns: u64) -> u64 {
    let now = if limit_ns < COARSE_LIMIT_NS_MIN {
        monotonic_ns()
    } else {
        coarse_ns
    };
    now.saturating_add(limit_ns)
}

/// Deadline and chain of the call.
fn prepare(context: &mut RawContext<'_>, cell: &PluginCell, instance: &Instance) -> Result<(), PluginError> {
    context.flags |= cell.chain_bit;
    let limit = instance.call_limit_ns();
    if context.deadline_ns == 0 && limit == 0 {
        return Ok(());
    }
    // Some milliseconds behind, at most. The exact clock costs as much as the rest of this, and is needed near the end only.
    let now = monotonic_coarse_ns();
    if context.deadline_ns == 0 {
        context.deadline_ns = due_ns(now, limit);
    } else if context.deadline_ns <= now.saturating_add(COARSE_NS_MAX) && context.deadline_ns <= monotonic_ns() {
        return Err(
            PluginError::new(ErrorKind::Timeout, "the operation took too long").with_internal(format_args!(
                "the time was over before plugin {} was called",
                instance.plugin
            )),
        );
    }
    Ok(())
}

/// A call that waits for the provider to be back.
struct Waiting {
    reference: Arc<ServiceReference>,
    method: String,
    context: Context,
    payload: Vec<u8>,
}

impl Waiting {
    async fn run(self, mut hold: Arc<Hold>) -> RawResult {
        loop {
            if let Err(error) = hold.wait().await {
                return RResult::RErr(error.into_raw());
            }
            let begun = self.reference.begin(
                RStr::from_str(&self.method),
                &mut self.context.raw(),
                RSlice::from_slice(&self.payload),
            );
            match begun {
                Ok(started) => return started.answer().await,
                Err(Elsewhere::Held(_, again)) => hold = again,
                Err(Elsewhere::Failed(error)) => return RResult::RErr(error.into_raw()),
                Err(Elsewhere::Kernel(_)) => {
                    return RResult::RErr(PluginError::internal("a held service became the kernel's").into_raw());
                }
            }
        }
    }
}

pub(crate) fn raw(result: Result<Vec<u8>, PluginError>) -> RawResult {
    match result {
        Ok(bytes) => RResult::ROk(RVec::from(bytes)),
        Err(error) => RResult::RErr(error.into_raw()),
    }
}

fn own_panic() -> PluginError {
    PluginError::internal("the kernel's own service panicked; this is a fault of the kernel")
}

fn kernel_call(
    executor: &Handle,
    handler: &Arc<dyn ServiceHandler>,
    method: RStr<'_>,
    context: &RawContext<'_>,
    payload: RSlice<'_, u8>,
) -> impl Future<Output = RawResult> + Send + 'static {
    let _entered = executor.enter();
    let begun = catch_unwind(AssertUnwindSafe(|| {
        handler.call(method.as_str(), Context::from_raw(context), payload.as_slice())
    }));
    let executor = executor.clone();
    Shield::new(executor, async move {
        let answer = match begun {
            Ok(future) => AssertUnwindSafe(future)
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Err(own_panic())),
            Err(_) => Err(own_panic()),
        };
        raw(answer)
    })
}

fn kernel_call_sync(
    handler: &Arc<dyn ServiceHandler>,
    method: RStr<'_>,
    context: &RawContext<'_>,
    payload: RSlice<'_, u8>,
) -> RawResult {
    let answer = catch_unwind(AssertUnwindSafe(|| {
        handler.call_sync(method.as_str(), Context::from_raw(context), payload.as_slice())
    }));
    raw(answer.unwrap_or_else(|_| Err(own_panic())))
}

#[cfg(test)]
mod tests {
    use super::{COARSE_LIMIT_NS_MIN, COARSE_NS_MAX, due_ns, monotonic_ns};

    #[test]
    fn a_short_limit_is_not_cut_by_the_tick_that_the_coarse_clock_is_behind() {
        let check = |limit_ns: u64, lacks_ns_max: u64| {
            let now = monotonic_ns();
            let due = due_ns(now - COARSE_NS_MAX, limit_ns);
            assert!(due >= now + limit_ns - lacks_ns_max, "{limit_ns}: {due}, at {now}");
        };
        for limit_ns in [1_000_000, 5_000_000, COARSE_LIMIT_NS_MIN - 1] {
            check(limit_ns, 0);
        }
        check(COARSE_LIMIT_NS_MIN, COARSE_NS_MAX);
        check(u64::MAX / 2, COARSE_NS_MAX);
    }
}
