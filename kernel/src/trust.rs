//! Whom the operator trusts: keys with a level each, what is blocked, and which levels load in which mode.
//!
//! A plugin is signed by a detached file `x.so.sig` beside `x.so`. No signature means level `untrusted`; a signature
//! that does not hold is refused in every mode. What a manifest claims about its own trust is never believed. The clock
//! is handed in. Called by `discover` for each file and by the host's `keygen`, `sign` and `verify`.

mod keys;
mod policy;
mod signature;

#[cfg(test)]
mod tests;

use objectos_protocol::kernel::PluginTrustLevel;
use serde::Serialize;

pub use self::keys::{KeyError, KeyPair, PublicKey, keygen};
pub use self::policy::{AbsentGuards, BlockList, TrustConfig, TrustPolicy, TrustedKey};
pub use self::signature::{SignatureFile, SignatureTimes, sign, signature_path};

/// How far a file is trusted and why. `{level, keyId?, keyName?, notAfter?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustVerdict {
    pub level: PluginTrustLevel,
    /// Key that signed; absent when the file is not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The operator's name for that key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// End of the signature's validity, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
}

impl TrustVerdict {
    /// The verdict on a file without a signature.
    #[must_use]
    pub const fn unsigned() -> Self {
        Self {
            level: PluginTrustLevel::Untrusted,
            key_id: None,
            key_name: None,
            not_after: None,
        }
    }
}
