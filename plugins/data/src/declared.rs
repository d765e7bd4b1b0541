//! Whether any plugin declares a service, looked up anew whenever the plugins' contributions changed. Says nothing of whether
//! the provider is there: one that is declared and away is missed, and never done without.

use objectos_plugin_api::Host;
use parking_lot::RwLock;
use serde::Deserialize;

/// A service by name.
#[derive(Debug)]
pub(crate) struct Declared {
    host: Host,
    service: &'static str,
    /// Whether a plugin declares it, and the epoch of the contributions in which that was seen.
    seen: RwLock<(u64, bool)>,
}

#[derive(Deserialize)]
struct Contribution {
    name: String,
}

impl Declared {
    pub(crate) fn new(host: &Host, service: &'static str) -> Self {
        let epoch = host.contributions_epoch();
        Self {
            host: host.clone(),
            service,
            seen: RwLock::new((epoch, is_declared(host, service))),
        }
    }

    /// Whether it is now.
    pub(crate) fn holds(&self) -> bool {
        let epoch = self.host.contributions_epoch();
        {
            let seen = self.seen.read();
            if seen.0 == epoch {
                return seen.1;
            }
        }
        let declared = is_declared(&self.host, self.service);
        *self.seen.write() = (epoch, declared);
        declared
    }
}

/// A list that cannot be read counts as declared: then the service is asked, and that fails closed.
fn is_declared(host: &Host, service: &str) -> bool {
    let services: Result<Vec<Contribution>, _> = serde_json::from_slice(&host.contributions("services"));
    services.map_or(true, |services| services.iter().any(|known| known.name == service))
}
