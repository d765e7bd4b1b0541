//! Listening sockets. The kernel keeps each one and hands out duplicates, so that an address stays open while one generation
//! of a plugin follows another: connections that come in between wait in the socket's queue.

use objectos_plugin_api::{ADDRESS_UNAVAILABLE, Error as PluginError, ErrorKind};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::{IntoRawFd, RawFd},
    sync::Arc,
};

#[derive(Debug)]
struct Kept {
    socket: TcpListener,
    owner: Arc<str>,
}

/// All sockets the kernel keeps, by the address that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<HashMap<SocketAddr, Kept>>);

impl Listeners {
    /// A duplicate of the socket for this address, bound when it is the first; the receiver owns the descriptor. For port 0
    /// the plugin always gets the same socket.
    ///
    /// # Errors
    /// `Conflict` when another plugin or program has the address, `Invalid` when this machine does not.
    pub(crate) fn open(&self, address: SocketAddr, plugin: &Arc<str>) -> Result<RawFd, PluginError> {
        let mut sockets = self.0.lock();
        if let Some(kept) = sockets.get(&address) {
            if kept.owner != *plugin {
                return Err(PluginError::new(
                    ErrorKind::Conflict,
                    format!("the address {address} is in use by plugin {}", kept.owner),
                ));
            }
            return duplicate(&kept.socket);
        }
        let socket = TcpListener::bind(address).map_err(|error| refused(address, &error))?;
        socket.set_nonblocking(true).map_err(PluginError::internal)?;
        let descriptor = duplicate(&socket)?;
        sockets.insert(
            address,
            Kept {
                socket,
                owner: Arc::clone(plugin),
            },
        );
        Ok(descriptor)
    }

    /// Closes the kernel's sockets of a plugin that is gone for good.
    pub(crate) fn close_of(&self, plugin: &str) {
        self.0.lock().retain(|_, kept| &*kept.owner != plugin);
    }

    /// Addresses as bound, by plugin.
    pub(crate) fn bound(&self) -> Vec<(Arc<str>, SocketAddr)> {
        let sockets = self.0.lock();
        let bound = |kept: &Kept| {
            kept.socket
                .local_addr()
                .ok()
                .map(|address| (Arc::clone(&kept.owner), address))
        };
        sockets.values().filter_map(bound).collect()
    }
}

fn duplicate(socket: &TcpListener) -> Result<RawFd, PluginError> {
    socket
        .try_clone()
        .map(IntoRawFd::into_raw_fd)
        .map_err(PluginError::internal)
}

fn refused(address: SocketAddr, error: &io::Error) -> PluginError {
    let (kind, text) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            ErrorKind::Conflict,
            "the address is in use by another program; stop it or choose another port",
        ),
        io::ErrorKind::PermissionDenied => (
            ErrorKind::Denied,
            "this user may not listen there; choose a port above 1023",
        ),
        io::ErrorKind::AddrNotAvailable => (ErrorKind::Invalid, "this machine does not have the address"),
        _ => (ErrorKind::Internal, "the system does not let it"),
    };
    PluginError::new(kind, format!("cannot listen at {address}: {text}"))
        .with_code(ADDRESS_UNAVAILABLE)
        .with_internal(error)
}

#[cfg(test)]
mod tests {
    use super::Listeners;
    use objectos_plugin_api::ErrorKind;
    use std::{net::TcpListener, os::fd::FromRawFd as _, os::fd::OwnedFd, sync::Arc};

    #[allow(unsafe_code)]
    fn close(descriptor: i32) {
        // SAFETY: `open` handed the descriptor over, and nobody else has it.
        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    }

    #[test]
    fn generations_share_a_socket_and_strangers_get_a_conflict() {
        let listeners = Listeners::default();
        let (owner, other): (Arc<str>, Arc<str>) = (Arc::from("com.example.a"), Arc::from("com.example.b"));
        let any = "127.0.0.1:0".parse().unwrap();
        close(listeners.open(any, &owner).unwrap());
        close(listeners.open(any, &owner).unwrap());
        let bound = listeners.bound();
        assert_eq!(bound.len(), 1);
        assert_eq!(listeners.open(any, &other).unwrap_err().kind(), ErrorKind::Conflict);
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = listeners.open(taken.local_addr().unwrap(), &owner).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.message().contains("another program"), "{error}");
        let address = bound[0].1;
        listeners.close_of("com.example.a");
        drop(TcpListener::bind(address).unwrap());
    }
}
