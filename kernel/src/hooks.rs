//! Hook points and their handlers. A hook runs inside somebody's operation: handlers in order of priority, then plugin id,
//! then registration; each with its time limit; the payload goes from one to the next; the first error ends the operation.
//!
//! Fail closed: a handler that panics, runs out of time or belongs to a plugin that is down after a failure fails the
//! operation; and so does every operation that a plugin was to be asked about before it is done, and that was refused or did
//! not start ([`Absent`]): nobody knows what it would have refused. The handlers of a plugin that was stopped take no part.
//!
//! What the payload means is the business of those who run and handle a hook. But where a contract says which of its keys tell
//! what is done ([`hold_to_operation`]), a handler that changes them fails the operation, too, before the next one sees them.

use arc_swap::ArcSwap;
use objectos_plugin_api::{
    Context, Error as PluginError, ErrorKind, RegisteredHook,
    abi::{RawContext, RawFuture, RawHookFuture, RawHookStep},
    contracts::hooks::hold_to_operation,
    private::{
        abi_stable::std_types::{RResult, RSlice, RStr, RString, RVec},
        async_ffi::FfiFuture,
        monotonic_ns,
    },
};
use parking_lot::RwLock;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    instance::{
        Instance,
        call::Call,
        cell::{CellState, DownState, PluginCell},
        nanoseconds,
        shield::Shield,
    },
    kernel::core::Core,
    lifecycle::notices,
    services::Caller,
};

/// One handler in the order of a hook.
#[derive(Clone, Debug)]
pub(crate) struct HookHandler {
    cell: Arc<PluginCell>,
    pub(crate) priority: i32,
    pub(crate) subjects: Vec<String>,
    /// Position among this plugin's handlers of the same hook.
    nth: usize,
    /// Position in the generation with this serial.
    index: u32,
    serial: u32,
    /// It stands for whatever a plugin would have registered that is not there.
    absent: bool,
}

/// A plugin that is configured and not there, and the hooks that it was to handle and that nothing may pass without it.
#[derive(Debug)]
pub(crate) struct Absent {
    /// Down after a failure, with the reason.
    pub(crate) cell: Arc<PluginCell>,
    pub(crate) hooks: Vec<String>,
}

impl HookHandler {
    pub(crate) fn plugin(&self) -> &str {
        &self.cell.id
    }

    fn wants(&self, subject: &str) -> bool {
        self.subjects.is_empty() || self.subjects.iter().any(|wanted| wanted == subject)
    }

    /// Position in this generation; a table that is about to be renewed may still name the generation before.
    fn index_in(&self, hook: &str, instance: &Instance) -> Option<u32> {
        if self.absent {
            return None;
        }
        if instance.serial == self.serial {
            return Some(self.index);
        }
        instance.registered().hooks(hook).nth(self.nth).map(|(index, _)| index)
    }
}

/// One hook point.
#[derive(Debug)]
pub(crate) struct HookPoint {
    pub(crate) name: Box<str>,
    handlers: ArcSwap<Vec<HookHandler>>,
    pub(crate) runs: AtomicU64,
    pub(crate) vetoes: AtomicU64,
    pub(crate) failures: AtomicU64,
}

/// All hook points that anybody named.
#[derive(Debug, Default)]
pub(crate) struct HookTable {
    points: RwLock<BTreeMap<Box<str>, Arc<HookPoint>>>,
}

impl HookTable {
    /// The point of this name; made when it is new.
    pub(crate) fn point(&self, name: &str) -> Arc<HookPoint> {
        if let Some(point) = self.points.read().get(name) {
            return Arc::clone(point);
        }
        let mut points = self.points.write();
        let point = points.entry(name.into()).or_insert_with(|| {
            Arc::new(HookPoint {
                name: name.into(),
                handlers: ArcSwap::from_pointee(Vec::new()),
                runs: AtomicU64::new(0),
                vetoes: AtomicU64::new(0),
                failures: AtomicU64::new(0),
            })
        });
        Arc::clone(point)
    }

    /// Every point, by name.
    pub(crate) fn points(&self) -> Vec<Arc<HookPoint>> {
        self.points.read().values().map(Arc::clone).collect()
    }

    /// Puts refusing handlers in for a plugin that never ran. What it registers one day takes their place ([`HookTable::set`]).
    /// Called by one at a time.
    pub(crate) fn refuse_for(&self, absent: &Absent) {
        for hook in &absent.hooks {
            let point = self.point(hook);
            let mut handlers: Vec<HookHandler> = point.handlers.load().to_vec();
            if handlers.iter().any(|known| Arc::ptr_eq(&known.cell, &absent.cell)) {
                continue;
            }
            handlers.insert(
                0,
                HookHandler {
                    cell: Arc::clone(&absent.cell),
                    priority: i32::MIN,
                    subjects: Vec::new(),
                    nth: 0,
                    index: 0,
                    serial: 0,
                    absent: true,
                },
            );
            point.handlers.store(Arc::new(handlers));
        }
    }

    /// Puts a generation's handlers in the place of those the plugin had; answers the hooks it handles and how many
    /// handlers each has now. Called by one at a time.
    pub(crate) fn set(&self, cell: &Arc<PluginCell>, instance: Option<&Instance>) -> Vec<(String, usize)> {
        let mut named: Vec<&str> = Vec::new();
        if let Some(instance) = instance {
            for hook in &instance.registered().raw.hooks {
                // Named, though perhaps denied: then the list stays without it.
                self.point(&hook.name);
                named.push(&hook.name);
            }
        }
        let mut told = Vec::new();
        for point in self.points() {
            let before = point.handlers.load();
            let mut handlers: Vec<HookHandler> = before
                .iter()
                .filter(|handler| !Arc::ptr_eq(&handler.cell, cell))
                .cloned()
                .collect();
            if handlers.len() == before.len() && !named.contains(&&*point.name) {
                continue;
            }
            if let Some(instance) = instance {
                handlers.extend(own_handlers(cell, &point.name, instance));
            }
            handlers.sort_by(|left, right| {
                let order = left
                    .priority
                    .cmp(&right.priority)
                    .then_with(|| left.cell.id.cmp(&right.cell.id));
                order.then(left.nth.cmp(&right.nth))
            });
            if named.contains(&&*point.name) {
                told.push((point.name.to_string(), handlers.len()));
            }
            point.handlers.store(Arc::new(handlers));
        }
        told
    }
}

fn own_handlers(cell: &Arc<PluginCell>, hook: &str, instance: &Instance) -> Vec<HookHandler> {
    let handler = |nth: usize, (index, registered): (u32, &RegisteredHook)| HookHandler {
        cell: Arc::clone(cell),
        priority: registered.priority,
        subjects: registered.subjects.clone(),
        nth,
        index,
        serial: instance.serial,
        absent: false,
    };
    instance
        .registered()
        .hooks(hook)
        .enumerate()
        .map(|(nth, found)| handler(nth, found))
        .collect()
}

impl HookPoint {
    /// Handlers in their order.
    pub(crate) fn handlers(&self) -> Arc<Vec<HookHandler>> {
        self.handlers.load_full()
    }

    /// Whether anybody would see this subject.
    pub(crate) fn armed(&self, subject: &str) -> bool {
        self.handlers.load().iter().any(|handler| handler.wants(subject))
    }

    /// Runs the handlers. The payload is copied before this returns. An empty answer: nobody changed it.
    ///
    /// Publishes `hook:triggered` when somebody listens to that.
    pub(crate) fn run(
        self: &Arc<Self>,
        core: &Core,
        caller: &Caller,
        subject: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawFuture {
        let Some(mut run) = self.begin(core, caller, subject, context, payload) else {
            return FfiFuture::new(std::future::ready(RResult::ROk(RVec::new())));
        };
        FfiFuture::new(Shield::new(core.executor.clone(), async move {
            match run.pass().await {
                Ok(true) => RResult::ROk(RVec::from(run.payload)),
                Ok(false) => RResult::ROk(RVec::new()),
                Err(error) => RResult::RErr(error.into_raw()),
            }
        }))
    }

    /// The same, answering what each handler that changed the payload made of it, under the id of its plugin.
    pub(crate) fn steps(
        self: &Arc<Self>,
        core: &Core,
        caller: &Caller,
        subject: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> RawHookFuture {
        let Some(mut run) = self.begin(core, caller, subject, context, payload) else {
            return FfiFuture::new(std::future::ready(RResult::ROk(RVec::new())));
        };
        run.steps = Some(Vec::new());
        FfiFuture::new(Shield::new(core.executor.clone(), async move {
            match run.pass().await {
                Ok(_) => RResult::ROk(RVec::from(run.steps.unwrap_or_default())),
                Err(error) => RResult::RErr(error.into_raw()),
            }
        }))
    }

    /// A run of the handlers; nothing when none would see the subject.
    fn begin(
        self: &Arc<Self>,
        core: &Core,
        caller: &Caller,
        subject: RStr<'_>,
        context: &RawContext<'_>,
        payload: RSlice<'_, u8>,
    ) -> Option<Run> {
        if !self.armed(subject.as_str()) {
            return None;
        }
        self.runs.fetch_add(1, Ordering::Relaxed);
        let run = Run {
            point: Arc::clone(self),
            handlers: self.handlers(),
            subject: subject.as_str().to_owned(),
            context: Context::from_raw(&caller.stamp(context)),
            payload: payload.as_slice().to_vec(),
            steps: None,
        };
        if core.bus().hooks_watched() {
            run.tell(core);
        }
        Some(run)
    }
}

struct Run {
    point: Arc<HookPoint>,
    handlers: Arc<Vec<HookHandler>>,
    subject: String,
    context: Context,
    payload: Vec<u8>,
    /// What each handler made of the payload, where that is asked for.
    steps: Option<Vec<RawHookStep>>,
}

impl Run {
    /// Publishes that the hook was triggered, before anybody takes part.
    #[cold]
    fn tell(&self, core: &Core) {
        let taking_part = self.handlers.iter().filter(|handler| handler.wants(&self.subject));
        notices::hook_triggered(
            core,
            &self.context,
            &self.point.name,
            &self.subject,
            taking_part.count(),
        );
    }

    /// Hands the payload from one handler to the next; true when any changed it.
    async fn pass(&mut self) -> Result<bool, PluginError> {
        let handlers = Arc::clone(&self.handlers);
        let mut changed = false;
        for handler in handlers.iter().filter(|handler| handler.wants(&self.subject)) {
            let Some(call) = self.begin(handler).await? else {
                continue;
            };
            match call.await {
                RResult::ROk(payload) if payload.is_empty() => {}
                RResult::ROk(payload) => {
                    let payload = payload.into_vec();
                    self.hold(handler, &payload)?;
                    self.payload = payload;
                    changed = true;
                    if let Some(steps) = &mut self.steps {
                        steps.push(RawHookStep {
                            plugin: RString::from(handler.plugin()),
                            payload: RVec::from(self.payload.clone()),
                        });
                    }
                }
                RResult::RErr(error) => return Err(self.failed(handler, &PluginError::from_raw(&error))),
            }
        }
        Ok(changed)
    }

    /// Starts a handler; waits while its plugin changes hands. `None`: it takes no part any more.
    async fn begin(&self, handler: &HookHandler) -> Result<Option<Call>, PluginError> {
        loop {
            let hold = match &**handler.cell.load() {
                CellState::Running(instance) => return Ok(self.call(handler, instance)),
                CellState::Held(hold) => Arc::clone(hold),
                CellState::Down(down) if down.state == DownState::Failed => {
                    self.point.failures.fetch_add(1, Ordering::Relaxed);
                    return Err(handler.cell.unavailable(down));
                }
                CellState::Down(_) => return Ok(None),
            };
            let inside = self.context.raw().flags & handler.cell.chain_bit != 0;
            if inside && let Some(old) = hold.old() {
                return Ok(self.call(handler, &old));
            }
            hold.wait().await?;
        }
    }

    fn call(&self, handler: &HookHandler, instance: &Arc<Instance>) -> Option<Call> {
        let index = handler.index_in(&self.point.name, instance)?;
        let mut context = self.context.raw();
        let limit = nanoseconds(Duration::from_millis(instance.limits.hook_ms));
        let due = monotonic_ns().saturating_add(limit);
        context.deadline_ns = if context.deadline_ns == 0 {
            due
        } else {
            context.deadline_ns.min(due)
        };
        context.flags |= handler.cell.chain_bit;
        let payload = RSlice::from_slice(&self.payload);
        Some(instance.hook(index, RStr::from_str(&self.subject), &context, payload))
    }

    /// Refuses what says that something else is done than what the handler was shown.
    fn hold(&self, handler: &HookHandler, made: &[u8]) -> Result<(), PluginError> {
        let (hook, plugin) = (&*self.point.name, handler.plugin());
        hold_to_operation(hook, plugin, &self.payload, made).inspect_err(|error| {
            self.point.failures.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(hook, plugin, subject = self.subject, %error, "a handler is not held to what is done");
        })
    }

    fn failed(&self, handler: &HookHandler, error: &PluginError) -> PluginError {
        let faulty = matches!(
            error.kind(),
            ErrorKind::Panicked | ErrorKind::Timeout | ErrorKind::Internal | ErrorKind::Unavailable
        );
        let figure = if faulty {
            &self.point.failures
        } else {
            &self.point.vetoes
        };
        figure.fetch_add(1, Ordering::Relaxed);
        if faulty {
            let place = format!(
                "hook {} of plugin {}: {}",
                self.point.name,
                handler.cell.id,
                error.internal_message()
            );
            return error.clone().with_internal(place);
        }
        error.clone()
    }
}
