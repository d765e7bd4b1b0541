//! What `auth` answered of a caller, as far as the gateway needs it, and the answer of the last request of a connection.
//!
//! `auth` is asked for every request. Most requests of a connection are of one caller, and then its answer is the same to the byte:
//! one that was read already is not read again. Not here: who asks, and whom a route lets in (`access`).

use objectos_plugin_api::{Error, PrincipalKind};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

/// JSON of `auth/Identity`, with the principal left as the bytes that it came in.
#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow, default)]
    principal: Option<&'a RawValue>,
    #[serde(default)]
    headers: Vec<(String, String)>,
}

/// What the gateway itself needs of a principal.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    kind: PrincipalKind,
    #[serde(default)]
    tenant: Option<String>,
}

/// Somebody who asks.
#[derive(Debug)]
pub(crate) struct Who {
    pub(crate) id: String,
    pub(crate) kind: PrincipalKind,
    /// Empty for none.
    pub(crate) tenant: String,
    /// Where the principal stands in the answer.
    place: Range<usize>,
}

/// An answer of `auth`, and what was read of it.
#[derive(Debug)]
pub(crate) struct Identity {
    answer: Box<[u8]>,
    who: Option<Who>,
    /// For the answer to the request.
    pub(crate) headers: Vec<(String, String)>,
}

impl Identity {
    fn read(answer: &[u8]) -> Result<Self, Error> {
        let unreadable =
            |error: serde_json::Error| Error::internal(format!("the answer of auth cannot be read: {error}"));
        let Answered { principal, headers } = serde_json::from_slice(answer).map_err(unreadable)?;
        let who = principal.map(|raw| {
            let Outline { id, kind, tenant } = serde_json::from_str(raw.get())?;
            let start = raw.get().as_ptr().addr() - answer.as_ptr().addr();
            Ok(Who {
                id: id.into_owned(),
                kind,
                tenant: tenant.unwrap_or_default(),
                place: start..start + raw.get().len(),
            })
        });
        Ok(Self {
            answer: answer.into(),
            who: who.transpose().map_err(unreadable)?,
            headers,
        })
    }

    /// Who asks, and the same as JSON; none for nobody.
    pub(crate) fn who(&self) -> Option<(&Who, &[u8])> {
        self.who.as_ref().map(|who| (who, &self.answer[who.place.clone()]))
    }
}

/// The answer that the last request of a connection got.
#[derive(Default)]
pub(crate) struct LastIdentity(Mutex<Option<Arc<Identity>>>);

impl fmt::Debug for LastIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastIdentity").finish_non_exhaustive()
    }
}

impl LastIdentity {
    /// Reads an answer.
    ///
    /// # Errors
    /// `Internal` for one that does not have its shape.
    pub(crate) fn read(&self, answer: &[u8]) -> Result<Arc<Identity>, Error> {
        let mut last = self.0.lock();
        if let Some(known) = last.as_ref().filter(|known| *known.answer == *answer) {
            return Ok(Arc::clone(known));
        }
        let identity = Arc::new(Identity::read(answer)?);
        // One with headers, such as a renewed cookie, comes once.
        if identity.headers.is_empty() {
            *last = Some(Arc::clone(&identity));
        }
        Ok(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_as_long_as_it_is_the_same() {
        let last = LastIdentity::default();
        let ann = br#"{"principal":{"id":"a\u006en","kind":"user","tenant":"acme"}}"#;
        let renewed = br#"{"principal":{"id":"ann","kind":"user"},"headers":[["set-cookie","x=1"]]}"#;
        let check = |answer: &[u8], who: Option<(&str, PrincipalKind, &str, &str)>, headers: usize| {
            let identity = last.read(answer).unwrap();
            let found = identity.who().map(|(who, json)| {
                let json = std::str::from_utf8(json).unwrap();
                (who.id.as_str(), who.kind, who.tenant.as_str(), json)
            });
            assert_eq!((found, identity.headers.len()), (who, headers));
            identity
        };
        let json = r#"{"id":"a\u006en","kind":"user","tenant":"acme"}"#;
        let first = check(ann, Some(("ann", PrincipalKind::User, "acme", json)), 0);
        assert!(Arc::ptr_eq(&first, &last.read(ann).unwrap()));
        check(
            renewed,
            Some(("ann", PrincipalKind::User, "", r#"{"id":"ann","kind":"user"}"#)),
            1,
        );
        assert!(
            Arc::ptr_eq(&first, &last.read(ann).unwrap()),
            "what comes once is not kept"
        );
        check(br#"{"principal":null}"#, None, 0);
        assert!(!Arc::ptr_eq(&first, &last.read(ann).unwrap()), "the last one is kept");
        for wrong in [&b"{"[..], br#"{"principal":{"id":"ann"}}"#, br#"{"principal":7}"#] {
            assert!(last.read(wrong).is_err(), "{wrong:?}");
        }
    }
}
