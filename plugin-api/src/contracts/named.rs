//! A service under another name than its contract's: several plugins, or one, can offer the same contract side by
//! side, each for something else. Used by providers of `event_archive` and `event_streams`.

use crate::{Context, MethodSpec, Result, ServiceFuture, ServiceHandler};

/// Offers a service under this name.
#[derive(Debug)]
pub struct Named<S> {
    name: &'static str,
    service: S,
}

impl<S: ServiceHandler> Named<S> {
    /// `service` as `name`; version and methods stay its own.
    pub fn new(name: &'static str, service: S) -> Self {
        Self { name, service }
    }
}

impl<S: ServiceHandler> ServiceHandler for Named<S> {
    fn name(&self) -> &str {
        self.name
    }

    fn version(&self) -> &str {
        self.service.version()
    }

    fn methods(&self) -> Vec<MethodSpec> {
        self.service.methods()
    }

    fn call(&self, method: &str, context: Context, payload: &[u8]) -> ServiceFuture {
        self.service.call(method, context, payload)
    }

    fn call_sync(&self, method: &str, context: Context, payload: &[u8]) -> Result<Vec<u8>> {
        self.service.call_sync(method, context, payload)
    }
}
