//! The one error of the plugin API: a kind for programs, a protocol code and a message for callers, a second message
//! for operators. Crosses the ABI as `RawError`; the HTTP gateway renders it as the protocol's `ErrorResponse`.

use abi_stable::std_types::{RBox, RString, RVec};
use serde::Serialize;
use std::fmt;

use crate::abi::{RawError, RawErrorParts};

/// What happened, as far as a caller's program can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[repr(u32)]
pub enum ErrorKind {
    /// A fault of the callee. Nothing the caller can do.
    Internal = 0,
    /// The callee panicked; the panic's text is in the operator's message.
    Panicked = 1,
    /// The request itself is wrong.
    Invalid = 2,
    /// What was asked for does not exist, or the caller may not know that it does.
    NotFound = 3,
    /// Nobody is signed in.
    Unauthenticated = 4,
    /// Signed in, not allowed.
    Denied = 5,
    /// The state does not allow it now (version, uniqueness, dependants).
    Conflict = 6,
    /// Out of time.
    Timeout = 7,
    /// Nobody there to answer: provider missing, stopping, failed.
    Unavailable = 8,
    /// Too much, too often.
    Limited = 9,
    /// The method is not there in this version.
    NotImplemented = 10,
    /// A foreign system failed.
    External = 11,
    /// A hook refused the operation.
    Vetoed = 12,
    /// The caller went away.
    Cancelled = 13,
}

impl ErrorKind {
    fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Panicked,
            2 => Self::Invalid,
            3 => Self::NotFound,
            4 => Self::Unauthenticated,
            5 => Self::Denied,
            6 => Self::Conflict,
            7 => Self::Timeout,
            8 => Self::Unavailable,
            9 => Self::Limited,
            10 => Self::NotImplemented,
            11 => Self::External,
            12 => Self::Vetoed,
            13 => Self::Cancelled,
            _ => Self::Internal,
        }
    }

    fn number(self) -> u32 {
        match self {
            Self::Internal => 0,
            Self::Panicked => 1,
            Self::Invalid => 2,
            Self::NotFound => 3,
            Self::Unauthenticated => 4,
            Self::Denied => 5,
            Self::Conflict => 6,
            Self::Timeout => 7,
            Self::Unavailable => 8,
            Self::Limited => 9,
            Self::NotImplemented => 10,
            Self::External => 11,
            Self::Vetoed => 12,
            Self::Cancelled => 13,
        }
    }

    /// The protocol code that stands for the kind when the callee named none (`api/StandardErrorCode`).
    #[must_use]
    pub fn default_code(self) -> &'static str {
        match self {
            Self::Internal | Self::Panicked | Self::Cancelled => "internal_error",
            Self::Invalid | Self::Vetoed => "validation_error",
            Self::NotFound => "resource_not_found",
            Self::Unauthenticated => "unauthenticated",
            Self::Denied => "permission_denied",
            Self::Conflict => "resource_conflict",
            Self::Timeout => "timeout",
            Self::Unavailable => "service_unavailable",
            Self::Limited => "rate_limit_exceeded",
            Self::NotImplemented => "not_implemented",
            Self::External => "external_service_error",
        }
    }
}

/// A failure of a service, hook, event handler or the kernel.
///
/// `Display` prints the public message only.
#[derive(Clone)]
pub struct Error(Box<Parts>);

#[derive(Clone)]
struct Parts {
    kind: ErrorKind,
    code: String,
    message: String,
    internal: String,
    details: Vec<u8>,
}

/// Code of [`Error::configuration`].
pub const CONFIGURATION_ERROR: &str = "configuration_error";
/// Code of an address that cannot be bound; said by the kernel's `listen`, it ends the start of the host when the gateway
/// passes it on.
pub const ADDRESS_UNAVAILABLE: &str = "address_unavailable";

/// The result of everything in the plugin API.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind with a message that the caller may read: lower case, no full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            code: kind.default_code().to_owned(),
            message: message.into(),
            internal: String::new(),
            details: Vec::new(),
        }))
    }

    /// A fault of ours: the caller reads a fixed sentence, the operator reads `internal`.
    pub fn internal(internal: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Internal, "something went wrong on the server").with_internal(internal)
    }

    /// The request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// What the operator wrote is wrong (a configuration, an app): said while it starts by a plugin that the host cannot do
    /// without, it ends the start of the host with this message.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message).with_code(CONFIGURATION_ERROR)
    }

    /// What was asked for is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// The service is not there.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// A hook refuses the operation.
    pub fn veto(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Vetoed, message)
    }

    /// Replaces the protocol code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Adds what only the operator may read.
    #[must_use]
    pub fn with_internal(mut self, internal: impl fmt::Display) -> Self {
        self.0.internal = internal.to_string();
        self
    }

    /// Adds details for the caller; they appear as `details` of the protocol's error. A value that cannot be written as
    /// JSON is left out.
    #[must_use]
    pub fn with_details(mut self, details: &impl Serialize) -> Self {
        self.0.details = serde_json::to_vec(details).unwrap_or_default();
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The protocol code, `lower_snake`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The caller's message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The operator's message; empty when there is none.
    #[must_use]
    pub fn internal_message(&self) -> &str {
        &self.0.internal
    }

    /// JSON details; empty when there are none.
    #[must_use]
    pub fn details(&self) -> &[u8] {
        &self.0.details
    }

    /// The form that crosses the ABI.
    #[doc(hidden)]
    #[must_use]
    pub fn into_raw(self) -> RawError {
        let Parts {
            kind,
            code,
            message,
            internal,
            details,
        } = *self.0;
        RawError {
            parts: RBox::new(RawErrorParts {
                kind: kind.number(),
                code: RString::from(code),
                message: RString::from(message),
                internal: RString::from(internal),
                details: RVec::from(details),
            }),
        }
    }

    /// Copies everything, so that nothing of the other library is kept.
    #[doc(hidden)]
    #[must_use]
    pub fn from_raw(raw: &RawError) -> Self {
        let raw = &*raw.parts;
        Self(Box::new(Parts {
            kind: ErrorKind::from_number(raw.kind),
            code: raw.code.as_str().to_owned(),
            message: raw.message.as_str().to_owned(),
            internal: raw.internal.as_str().to_owned(),
            details: raw.details.as_slice().to_vec(),
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("message", &self.0.message);
        if !self.0.internal.is_empty() {
            out.field("internal", &self.0.internal);
        }
        if !self.0.details.is_empty() {
            out.field("details", &String::from_utf8_lossy(&self.0.details));
        }
        out.finish()
    }
}

impl std::error::Error for Error {}

impl From<serde_json::Error> for Error {
    /// A document that does not have the expected shape.
    fn from(error: serde_json::Error) -> Self {
        Self::invalid(format!("the document does not have the expected shape: {error}"))
    }
}
