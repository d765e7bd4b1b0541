//! What plugins may do with objects, whoever they act for: the operator's `object:…` rules, which the kernel keeps and this
//! plugin holds others to. Asked for each object and operation, before the principal is looked at; looked up anew whenever the
//! plugins' contributions changed. Most hosts have no such rule, and then this costs two loads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use objectos_plugin_api::contracts::grants::{OBJECT_GRANTS, ObjectAction, ObjectGrants};
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, Error, ErrorKind, Host};
use parking_lot::RwLock;
use serde_json::json;

use crate::error::Result;

/// No list was read yet.
const UNREAD: u64 = u64::MAX;

/// The limits of all plugins.
#[derive(Debug)]
pub(super) struct Callers {
    host: Host,
    /// The epoch of the contributions in which nobody had any limit; `UNREAD` when somebody has.
    free: AtomicU64,
    limits: RwLock<(u64, Arc<[ObjectGrants]>)>,
}

impl Callers {
    pub(super) fn new(host: &Host) -> Self {
        Self {
            host: host.clone(),
            free: AtomicU64::new(UNREAD),
            limits: RwLock::new((UNREAD, Arc::from([]))),
        }
    }

    /// Refuses what the calling plugin may not do.
    ///
    /// # Errors
    /// `Plugin` with `Denied`, naming the rule and the remedy; with `Internal` when the list cannot be read.
    pub(super) fn hold(&self, context: &Context, object: &str, operation: Operation) -> Result<()> {
        let action = match operation {
            Operation::Read => ObjectAction::Read,
            _ => ObjectAction::Write,
        };
        self.hold_to(context, object, action)
    }

    /// The same for an action as rules name it.
    pub(super) fn hold_to(&self, context: &Context, object: &str, action: ObjectAction) -> Result<()> {
        let epoch = self.host.contributions_epoch();
        if self.free.load(Ordering::Acquire) == epoch {
            return Ok(());
        }
        let plugin = context.caller();
        let limits = self.limits(epoch)?;
        let Some(grants) = limits.iter().find(|grants| grants.plugin == plugin) else {
            return Ok(());
        };
        match grants.refusal(action, object) {
            None => Ok(()),
            Some(message) => Err(refused(plugin, object, action, message)),
        }
    }

    fn limits(&self, epoch: u64) -> Result<Arc<[ObjectGrants]>> {
        {
            let limits = self.limits.read();
            if limits.0 == epoch {
                return Ok(Arc::clone(&limits.1));
            }
        }
        let list: Vec<ObjectGrants> = serde_json::from_slice(&self.host.contributions(OBJECT_GRANTS))
            .map_err(|error| Error::internal(format!("the limits of plugins cannot be read: {error}")))?;
        let list: Arc<[ObjectGrants]> = list.into();
        *self.limits.write() = (epoch, Arc::clone(&list));
        // The list may be newer than the epoch that was read before it; then it is read once more.
        let free = if list.is_empty() { epoch } else { UNREAD };
        self.free.store(free, Ordering::Release);
        Ok(list)
    }
}

#[cold]
fn refused(plugin: &str, object: &str, action: ObjectAction, message: String) -> crate::error::DataError {
    tracing::warn!(
        plugin,
        object,
        capability = action.capability(),
        "a plugin is not granted what it wants to do with an object; it is refused"
    );
    let details = json!({ "plugin": plugin, "object": object, "capability": action.capability() });
    Error::new(ErrorKind::Denied, message).with_details(&details).into()
}
