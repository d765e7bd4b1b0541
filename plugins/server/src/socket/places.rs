//! How many sockets are open, in all and from each address, and whether there is room for one more.

use objectos_plugin_api::ErrorKind;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
};

use crate::{config::SocketConfig, problem::Failure};

/// All that are open.
#[derive(Debug)]
pub(crate) struct Sockets {
    config: SocketConfig,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: u32,
    /// No address is here without one.
    of: HashMap<IpAddr, u32>,
}

impl Sockets {
    pub(crate) fn new(config: SocketConfig) -> Arc<Self> {
        Arc::new(Self {
            config,
            open: Mutex::default(),
        })
    }

    /// How many are open.
    pub(crate) fn count(&self) -> u32 {
        self.open.lock().all
    }

    /// Takes a place for a client at this address.
    ///
    /// Fails with 429 when there is none, saying whose limit that is.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, Failure> {
        let mut open = self.open.lock();
        if open.all >= self.config.connections_max {
            return Err(crowded("too many sockets are open; try again later"));
        }
        let of = open.of.get(&address).copied().unwrap_or_default();
        if of >= self.config.connections_per_address_max {
            let message = format!("{of} sockets of this address are open; close one, or share it among pages");
            return Err(crowded(message));
        }
        open.all += 1;
        open.of.insert(address, of + 1);
        Ok(Place {
            sockets: Arc::clone(self),
            address,
        })
    }
}

fn crowded(message: impl Into<String>) -> Failure {
    Failure::new(ErrorKind::Limited, "concurrent_limit_exceeded", message)
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    sockets: Arc<Sockets>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.sockets.open.lock();
        open.all = open.all.saturating_sub(1);
        if let Entry::Occupied(mut of) = open.of.entry(self.address) {
            if *of.get() > 1 {
                *of.get_mut() -= 1;
            } else {
                of.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_and_given_back() {
        let sockets = Sockets::new(SocketConfig {
            connections_max: 3,
            connections_per_address_max: 2,
            ..SocketConfig::default()
        });
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let first = sockets.take(one).unwrap();
        let second = sockets.take(one).unwrap();
        let refused = sockets.take(one).unwrap_err();
        assert_eq!(refused.status().as_u16(), 429);
        assert!(refused.error.message().contains("2 sockets of this address"));
        let third = sockets.take(two).unwrap();
        assert!(
            sockets
                .take(two)
                .unwrap_err()
                .error
                .message()
                .contains("too many sockets")
        );
        assert_eq!(sockets.count(), 3);
        drop(first);
        let fourth = sockets.take(two).unwrap();
        drop((second, third, fourth));
        assert_eq!(sockets.count(), 0);
        assert!(sockets.open.lock().of.is_empty());
    }
}
