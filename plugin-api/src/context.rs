//! The request context: who asks, for which tenant, under which ids, until when. Passed with every call, hook and event;
//! cheap to clone. Dropping the future of a call is its cancellation, so the context carries none.

use abi_stable::std_types::{RSlice, RStr};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Range, sync::Arc, time::Duration};

use crate::{
    abi::RawContext,
    error::{Error, Result},
};

/// Bit of `RawContext::flags`: a synchronous call does not wait while its provider is being replaced.
pub(crate) const FLAG_AT_ONCE: u64 = 1 << 63;
/// Bit of `RawContext::flags`: the caller acts as the system.
const FLAG_SYSTEM: u64 = 1;

/// Who asks. JSON: `{id, kind, name?, email?, tenant?, roles?, permissionSets?, session?, attributes?}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Principal {
    /// Id of the user, key or service.
    pub id: String,
    /// What kind of principal.
    pub kind: PrincipalKind,
    /// Name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The active organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Names of roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Names of permission sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permission_sets: Vec<String>,
    /// Id of the session that the request came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Whatever expressions may read as `current_user.…` beyond the above.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

/// Kinds of principals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A person with a session.
    #[default]
    User,
    /// A key or a service account.
    Service,
    /// Whoever can reach the loopback interface, while no `auth` service is there.
    Local,
    /// Nobody in particular.
    Anonymous,
}

/// The request context. Clones share one allocation.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner<Text: ?Sized = [u8]> {
    deadline_ns: u64,
    flags: u64,
    /// Where each text ends.
    ends: [usize; FIELDS],
    /// All texts one after the other, when there is no room for them here.
    spilled: Option<Box<[u8]>>,
    /// The same when there is.
    text: Text,
}

/// Room for the texts of what has little to say.
const ROOM_SMALL: usize = 64;
/// The texts of most requests fit; others get an allocation of their own.
const ROOM_LARGE: usize = 512;

const TRACE: usize = 0;
const REQUEST: usize = 1;
const CALLER: usize = 2;
const TENANT: usize = 3;
const USER: usize = 4;
const PRINCIPAL: usize = 5;
const EXTRA: usize = 6;
const FIELDS: usize = 7;

impl<const ROOM: usize> Inner<[u8; ROOM]> {
    /// With the texts in their room, if there is enough of it.
    #[inline]
    fn filled(deadline_ns: u64, flags: u64, parts: [&[u8]; FIELDS]) -> Self {
        let mut inner = Self {
            deadline_ns,
            flags,
            ends: [0; FIELDS],
            spilled: None,
            text: [0; ROOM],
        };
        let mut end = 0;
        for (place, part) in inner.ends.iter_mut().zip(parts) {
            let start = end;
            end += part.len();
            *place = end;
            if !part.is_empty()
                && let Some(room) = inner.text.get_mut(start..end)
            {
                room.copy_from_slice(part);
            }
        }
        if end > ROOM {
            inner.spilled = Some(parts.concat().into_boxed_slice());
        }
        inner
    }
}

impl Inner {
    /// It is made anew for each call into a plugin, so it is no larger than it has to be.
    fn build(deadline_ns: u64, flags: u64, parts: [&[u8]; FIELDS]) -> Arc<Self> {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        if bytes <= ROOM_SMALL {
            Arc::new(Inner::<[u8; ROOM_SMALL]>::filled(deadline_ns, flags, parts))
        } else if bytes <= ROOM_LARGE {
            Arc::new(Inner::<[u8; ROOM_LARGE]>::filled(deadline_ns, flags, parts))
        } else {
            Arc::new(Inner::<[u8; 0]>::filled(deadline_ns, flags, parts))
        }
    }

    fn part(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        let text = self.spilled.as_deref().unwrap_or(&self.text);
        &text[Range {
            start,
            end: self.ends[index],
        }]
    }

    #[allow(unsafe_code)]
    fn text(&self, index: usize) -> &str {
        debug_assert!(index < PRINCIPAL, "the other parts are bytes");
        // SAFETY: every part before `PRINCIPAL` was a `str` when it was put in, here or by `from_raw`, whose `RStr`s are.
        unsafe { std::str::from_utf8_unchecked(self.part(index)) }
    }

    fn parts(&self) -> [&[u8]; FIELDS] {
        std::array::from_fn(|index| self.part(index))
    }

    fn with(&self, index: usize, value: &[u8]) -> Arc<Self> {
        let mut parts = self.parts();
        parts[index] = value;
        Self::build(self.deadline_ns, self.flags, parts)
    }

    fn due(&self, deadline_ns: u64) -> Arc<Self> {
        Self::build(deadline_ns, self.flags, self.parts())
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::background()
    }
}

impl Context {
    /// Nobody asks, nothing is due: for work a plugin starts by itself. Has a request id of its own.
    #[must_use]
    pub fn background() -> Self {
        Self::request(&uuid::Uuid::now_v7().simple().to_string())
    }

    /// A context for one incoming request.
    #[must_use]
    pub fn request(request_id: &str) -> Self {
        let mut parts: [&[u8]; FIELDS] = [&[]; FIELDS];
        parts[REQUEST] = request_id.as_bytes();
        Self(Inner::build(0, 0, parts))
    }

    /// A context for one request that came in from outside, due `limit` from now: its ids, of which the trace id may be empty, and
    /// what [`Context::with_extra`] takes, as JSON. Made in one go, since each of the `with_…` copies all that is there.
    #[must_use]
    pub fn incoming(request_id: &str, trace_id: &str, limit: Duration, extra_json: &[u8]) -> Self {
        let mut parts: [&[u8]; FIELDS] = [&[]; FIELDS];
        parts[TRACE] = trace_id.as_bytes();
        parts[REQUEST] = request_id.as_bytes();
        parts[EXTRA] = extra_json;
        Self(Inner::build(due_ns(limit), 0, parts))
    }

    /// The same, acting as the system: no access plan applies. Honoured only for a plugin that holds the `system` grant,
    /// and audited.
    #[must_use]
    pub fn as_system(&self) -> Self {
        let inner = &self.0;
        Self(Inner::build(
            inner.deadline_ns,
            inner.flags | FLAG_SYSTEM,
            inner.parts(),
        ))
    }

    /// The same with another principal; `user` and `tenant` follow it.
    #[must_use]
    pub fn with_principal(&self, principal: &Principal) -> Self {
        let json = serde_json::to_vec(principal).unwrap_or_default();
        let mut parts = self.0.parts();
        parts[PRINCIPAL] = &json;
        parts[USER] = principal.id.as_bytes();
        parts[TENANT] = principal.tenant.as_deref().unwrap_or_default().as_bytes();
        Self(Inner::build(self.0.deadline_ns, self.0.flags & !FLAG_SYSTEM, parts))
    }

    /// The same with a principal that is JSON already: `{id, tenant?, …}`.
    #[must_use]
    pub fn with_principal_json(&self, json: &[u8], user: &str, tenant: &str) -> Self {
        let mut parts = self.0.parts();
        parts[PRINCIPAL] = json;
        parts[USER] = user.as_bytes();
        parts[TENANT] = tenant.as_bytes();
        Self(Inner::build(self.0.deadline_ns, self.0.flags & !FLAG_SYSTEM, parts))
    }

    /// The same under a trace id.
    #[must_use]
    pub fn with_trace(&self, trace_id: &str) -> Self {
        Self(self.0.with(TRACE, trace_id.as_bytes()))
    }

    /// The same, due `limit` from now, unless it is due sooner already.
    #[must_use]
    pub fn with_limit(&self, limit: Duration) -> Self {
        let due = due_ns(limit);
        Self(self.0.due(match self.0.deadline_ns {
            0 => due,
            known => known.min(due),
        }))
    }

    /// The same, due `limit` from now, however soon it was due: for what goes on after the answer, such as the pieces of a
    /// body that streams.
    #[must_use]
    pub fn renewed(&self, limit: Duration) -> Self {
        Self(self.0.due(due_ns(limit)))
    }

    /// The same with the extra facts replaced: a JSON object such as `{address, userAgent, locale}`.
    #[must_use]
    pub fn with_extra(&self, extra: &serde_json::Map<String, serde_json::Value>) -> Self {
        let json = serde_json::to_vec(extra).unwrap_or_default();
        Self(self.0.with(EXTRA, &json))
    }

    /// Trace id, empty when there is none.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.0.text(TRACE)
    }

    /// Request id.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.0.text(REQUEST)
    }

    /// Id of the plugin that called; empty for the kernel itself.
    #[must_use]
    pub fn caller(&self) -> &str {
        self.0.text(CALLER)
    }

    /// The tenant, empty when there is none.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.0.text(TENANT)
    }

    /// Id of the principal, empty when nobody is signed in.
    #[must_use]
    pub fn user(&self) -> &str {
        self.0.text(USER)
    }

    /// True when the caller acts as the system and may.
    #[must_use]
    pub fn system(&self) -> bool {
        self.0.flags & FLAG_SYSTEM != 0
    }

    /// Through which plugins the calls came that led here, as a number that says nothing by itself. With two contexts of one number
    /// a call to a plugin that is being replaced does the same: it goes to the old version, or waits for the new one. So what one
    /// of them began, the other may wait for.
    #[must_use]
    pub fn chain(&self) -> u64 {
        self.0.flags & !(FLAG_SYSTEM | FLAG_AT_ONCE)
    }

    /// The principal as JSON, empty when nobody is signed in. Equal principals are equal bytes, so this may key a cache.
    #[must_use]
    pub fn principal_json(&self) -> &[u8] {
        self.0.part(PRINCIPAL)
    }

    /// The principal.
    ///
    /// # Errors
    /// `Internal` when the bytes are not a principal.
    pub fn principal(&self) -> Result<Option<Principal>> {
        let json = self.principal_json();
        if json.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(json)
            .map(Some)
            .map_err(|error| Error::internal(format!("the principal in the context cannot be read: {error}")))
    }

    /// Extra facts about the request; empty when there are none.
    #[must_use]
    pub fn extra(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::from_slice(self.0.part(EXTRA)).unwrap_or_default()
    }

    /// Time left, or `None` when nothing is due.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        (self.0.deadline_ns != 0).then(|| Duration::from_nanos(self.0.deadline_ns.saturating_sub(monotonic_ns())))
    }

    /// The form that crosses the ABI, borrowed from this context.
    #[doc(hidden)]
    #[must_use]
    pub fn raw(&self) -> RawContext<'_> {
        let inner = &*self.0;
        RawContext {
            deadline_ns: inner.deadline_ns,
            flags: inner.flags,
            trace_id: RStr::from_str(inner.text(TRACE)),
            request_id: RStr::from_str(inner.text(REQUEST)),
            caller: RStr::from_str(inner.text(CALLER)),
            tenant: RStr::from_str(inner.text(TENANT)),
            user: RStr::from_str(inner.text(USER)),
            principal: RSlice::from_slice(inner.part(PRINCIPAL)),
            extra: RSlice::from_slice(inner.part(EXTRA)),
        }
    }

    /// Copies everything, so that nothing of the caller is kept.
    #[doc(hidden)]
    #[must_use]
    pub fn from_raw(raw: &RawContext<'_>) -> Self {
        Self(Inner::build(
            raw.deadline_ns,
            raw.flags,
            [
                raw.trace_id.as_str().as_bytes(),
                raw.request_id.as_str().as_bytes(),
                raw.caller.as_str().as_bytes(),
                raw.tenant.as_str().as_bytes(),
                raw.user.as_str().as_bytes(),
                raw.principal.as_slice(),
                raw.extra.as_slice(),
            ],
        ))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("request_id", &self.request_id())
            .field("trace_id", &self.trace_id())
            .field("caller", &self.caller())
            .field("tenant", &self.tenant())
            .field("user", &self.user())
            .field("system", &self.system())
            .finish_non_exhaustive()
    }
}

/// When something is due that may take so long from now.
fn due_ns(limit: Duration) -> u64 {
    monotonic_ns().saturating_add(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX))
}

/// Nanoseconds of the machine's monotonic clock: the same in every library of the process, unlike `Instant`, whose
/// number cannot be handed over.
#[doc(hidden)]
#[must_use]
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// The same clock as it was at its last tick, some milliseconds ago at most; several times cheaper to read.
#[doc(hidden)]
#[must_use]
pub fn monotonic_coarse_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC_COARSE)
}

#[allow(unsafe_code)]
fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec that outlives the call; both clocks always exist on Linux.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}
