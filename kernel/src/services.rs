//! Services by name, and the references that plugins hold to them.
//!
//! A reference names a service, never a provider: each call looks up who provides it now, so a reference may be older than
//! the provider and outlives every swap of it. The pseudo services `route:<plugin>` and `command:<plugin>` reach a plugin's
//! routes and commands the same way.
//!
//! The path of a call, in order: slot of the service, cell of its provider, position in the current generation, deadline,
//! context stamped with the caller, the call itself. No lock and no allocation before the plugin's own.

mod principals;
mod reference;

use arc_swap::ArcSwapOption;
use objectos_plugin_api::ServiceHandler;
use parking_lot::RwLock;
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::instance::cell::PluginCell;

pub(crate) use self::principals::Principals;
pub(crate) use self::reference::{Caller, ServiceReference, raw};

/// Name of the pseudo service of a plugin's routes, without the plugin's id.
pub(crate) const ROUTE_PREFIX: &str = "route:";
/// Name of the pseudo service of a plugin's commands, without the plugin's id.
pub(crate) const COMMAND_PREFIX: &str = "command:";

/// Who provides a service.
pub(crate) enum Provider {
    /// The current generation of a plugin.
    Plugin(Arc<PluginCell>),
    /// The kernel itself.
    Kernel(Arc<dyn ServiceHandler>),
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugin(cell) => f.debug_tuple("Plugin").field(&cell.id).finish(),
            Self::Kernel(handler) => f.debug_tuple("Kernel").field(&handler.name()).finish(),
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceKind {
    Named,
    Routes,
    Commands,
}

/// The place of one service name.
#[derive(Debug)]
pub(crate) struct ServiceSlot {
    pub(crate) name: Box<str>,
    pub(crate) kind: ServiceKind,
    provider: ArcSwapOption<Provider>,
    available: AtomicBool,
}

impl ServiceSlot {
    fn new(name: &str) -> Self {
        let kind = if name.starts_with(ROUTE_PREFIX) {
            ServiceKind::Routes
        } else if name.starts_with(COMMAND_PREFIX) {
            ServiceKind::Commands
        } else {
            ServiceKind::Named
        };
        Self {
            name: name.into(),
            kind,
            provider: ArcSwapOption::empty(),
            available: AtomicBool::new(false),
        }
    }

    pub(crate) fn available(&self) -> bool {
        self.available.load(Ordering::Acquire)
    }
}

/// All service names that were ever asked for or provided.
#[derive(Debug, Default)]
pub(crate) struct ServiceRegistry {
    slots: RwLock<HashMap<Box<str>, Arc<ServiceSlot>>>,
}

impl ServiceRegistry {
    /// The place of a name; made when it is new.
    pub(crate) fn slot(&self, name: &str) -> Arc<ServiceSlot> {
        if let Some(slot) = self.slots.read().get(name) {
            return Arc::clone(slot);
        }
        let mut slots = self.slots.write();
        let slot = slots
            .entry(name.into())
            .or_insert_with(|| Arc::new(ServiceSlot::new(name)));
        Arc::clone(slot)
    }

    /// The kernel provides this service from now on.
    pub(crate) fn provide(&self, handler: Arc<dyn ServiceHandler>) {
        let slot = self.slot(handler.name());
        slot.provider.store(Some(Arc::new(Provider::Kernel(handler))));
        slot.available.store(true, Ordering::Release);
    }

    /// A plugin provides this service, and can be called or not. Answers whether it could before.
    pub(crate) fn bind(&self, name: &str, cell: &Arc<PluginCell>, available: bool) -> bool {
        let slot = self.slot(name);
        let bound =
            matches!(slot.provider.load().as_deref(), Some(Provider::Plugin(known)) if Arc::ptr_eq(known, cell));
        if !bound {
            slot.provider.store(Some(Arc::new(Provider::Plugin(Arc::clone(cell)))));
        }
        slot.available.swap(available, Ordering::AcqRel)
    }

    /// A plugin provides this service no longer. Answers whether it could be called before.
    pub(crate) fn withdraw(&self, name: &str, cell: &Arc<PluginCell>) -> bool {
        let slot = self.slot(name);
        let bound =
            matches!(slot.provider.load().as_deref(), Some(Provider::Plugin(known)) if Arc::ptr_eq(known, cell));
        if bound {
            slot.provider.store(None);
        }
        bound && slot.available.swap(false, Ordering::AcqRel)
    }
}
