//! Listening sockets. The kernel keeps each one and hands out duplicates, so that an address stays open while one generation
//! of a plugin follows another: connections that come in between wait in the socket's queue.

use objectos_plugin_api::{ADDRESS_UNAVAILABLE, Error as PluginError, ErrorKind};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    fmt, io,
    net::{SocketAddr, TcpListener},
    os::fd::{IntoRawFd, RawFd},
    sync::Arc,
};

#[derive(Debug)]
struct Kept {
    socket: TcpListener,
    owner: Arc<str>,
    scheme: Option<String>,
}

/// An address at which a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Id of the plugin.
    pub plugin: String,
    /// As bound: with its real port.
    pub address: SocketAddr,
    /// What is spoken there, as in `https`, when the plugin said so.
    pub scheme: Option<String>,
}

impl fmt::Display for Listener {
    /// As it is typed into a client: `https://127.0.0.1:3000`, without a scheme the address alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scheme {
            Some(scheme) => write!(f, "{scheme}://{}", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

/// All sockets the kernel keeps, by the address that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<HashMap<SocketAddr, Kept>>);

impl Listeners {
    /// A duplicate of the socket for this address, bound when it is the first; the receiver owns the descriptor. For port 0
    /// the plugin always gets the same socket. `scheme`: what it speaks there.
    ///
    /// # Errors
    /// `Conflict` when another plugin or program has the address, `Invalid` when this machine does not.
    pub(crate) fn open(
        &self,
        address: SocketAddr,
        plugin: &Arc<str>,
        scheme: Option<&str>,
    ) -> Result<RawFd, PluginError> {
        let mut sockets = self.0.lock();
        if let Some(kept) = sockets.get_mut(&address) {
            if kept.owner != *plugin {
                return Err(PluginError::new(
                    ErrorKind::Conflict,
                    format!("the address {address} is in use by plugin {}", kept.owner),
                ));
            }
            kept.scheme = scheme.map(str::to_owned);
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
                scheme: scheme.map(str::to_owned),
            },
        );
        Ok(descriptor)
    }

    /// Closes the kernel's sockets of a plugin that is gone for good.
    pub(crate) fn close_of(&self, plugin: &str) {
        self.0.lock().retain(|_, kept| &*kept.owner != plugin);
    }

    /// Addresses as bound.
    pub(crate) fn bound(&self) -> Vec<Listener> {
        let sockets = self.0.lock();
        let bound = |kept: &Kept| {
            kept.socket.local_addr().ok().map(|address| Listener {
                plugin: kept.owner.to_string(),
                address,
                scheme: kept.scheme.clone(),
            })
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
        close(listeners.open(any, &owner, None).unwrap());
        assert_eq!(
            listeners.bound()[0].to_string(),
            listeners.bound()[0].address.to_string()
        );
        close(listeners.open(any, &owner, Some("https")).unwrap());
        let bound = listeners.bound();
        assert_eq!(bound.len(), 1);
        assert!(bound[0].to_string().starts_with("https://127.0.0.1:"), "{}", bound[0]);
        assert_eq!(
            listeners.open(any, &other, None).unwrap_err().kind(),
            ErrorKind::Conflict
        );
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = listeners.open(taken.local_addr().unwrap(), &owner, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.message().contains("another program"), "{error}");
        let address = bound[0].address;
        listeners.close_of("com.example.a");
        drop(TcpListener::bind(address).unwrap());
    }
}
