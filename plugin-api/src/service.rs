//! What the `#[service]` attribute builds on: a service is a name, a version and methods over JSON or raw bytes. Authors
//! write the trait; this is the dispatch behind it.

use serde::{Deserialize, Serialize};
use std::{fmt, future::Future, pin::Pin};

use crate::{
    context::Context,
    error::{Error, ErrorKind, Result},
};

/// A boxed future of a service method.
pub type ServiceFuture = Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send>>;

/// One method of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MethodSpec {
    /// Name on the wire.
    pub name: &'static str,
    /// Answered on the caller's thread at once, without a future.
    pub sync: bool,
    /// Bytes in, bytes out, not JSON.
    pub raw: bool,
}

/// A service as the kernel calls it. Written by `#[service]`; an author writes one by hand only for a service whose methods
/// are not known beforehand.
pub trait ServiceHandler: Send + Sync + 'static {
    /// Name, such as `data`.
    fn name(&self) -> &str;
    /// Version, semver.
    fn version(&self) -> &str;
    /// Its methods.
    fn methods(&self) -> Vec<MethodSpec>;
    /// Starts a call; `payload` must be copied before this returns. The plugin's runtime is entered when the future is
    /// polled, not here: nothing is spawned before that.
    fn call(&self, method: &str, context: Context, payload: &[u8]) -> ServiceFuture;
    /// A synchronous call.
    ///
    /// # Errors
    /// What the method answers; `NotImplemented` for an unknown method.
    fn call_sync(&self, method: &str, context: Context, payload: &[u8]) -> Result<Vec<u8>>;
}

impl fmt::Debug for dyn ServiceHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceHandler({} {})", self.name(), self.version())
    }
}

/// Reads a request; an empty payload reads as `null`, so that a method without a request needs none.
#[doc(hidden)]
pub fn decode<'a, T: Deserialize<'a>>(service: &str, method: &str, payload: &'a [u8]) -> Result<T> {
    let payload = if payload.is_empty() { b"null" } else { payload };
    serde_json::from_slice(payload).map_err(|error| {
        Error::invalid(format!(
            "the request of {service}.{method} does not have its shape: {error}"
        ))
    })
}

/// Writes an answer.
#[doc(hidden)]
pub fn encode<T: Serialize>(service: &str, method: &str, value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|error| Error::internal(format!("{service}.{method} could not be written as JSON: {error}")))
}

/// Reads an answer.
#[doc(hidden)]
pub fn decode_answer<'a, T: Deserialize<'a>>(service: &str, method: &str, payload: &'a [u8]) -> Result<T> {
    let payload = if payload.is_empty() { b"null" } else { payload };
    serde_json::from_slice(payload).map_err(|error| {
        Error::internal(format!(
            "the answer of {service}.{method} does not have its shape: {error}"
        ))
    })
}

/// The method is not there.
#[doc(hidden)]
#[must_use]
pub fn unknown_method(service: &str, method: &str) -> Error {
    Error::new(
        ErrorKind::NotImplemented,
        format!("service {service} has no method {method}"),
    )
}
