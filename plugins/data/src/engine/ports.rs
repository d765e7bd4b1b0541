//! What the engine needs of the world around it.

use std::fmt;

use objectos_plugin_api::contracts::file_storage::{Attachment, StoredFile};
use objectos_plugin_api::contracts::hooks;
use objectos_plugin_api::contracts::http_client::{IncomingAnswer, OutgoingRequest};
use objectos_plugin_api::{Context, HookStep};

use crate::error::Result;
use crate::store::BoxFuture;

/// A point at which others take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HookPoint {
    /// Before records are looked for.
    BeforeFind,
    /// After records were found.
    AfterFind,
    /// Before a record is made.
    BeforeInsert,
    /// After a record was made.
    AfterInsert,
    /// Before a record is changed.
    BeforeUpdate,
    /// After a record was changed.
    AfterUpdate,
    /// Before a record is deleted.
    BeforeDelete,
    /// After a record was deleted.
    AfterDelete,
}

impl HookPoint {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::BeforeFind,
        Self::AfterFind,
        Self::BeforeInsert,
        Self::AfterInsert,
        Self::BeforeUpdate,
        Self::AfterUpdate,
        Self::BeforeDelete,
        Self::AfterDelete,
    ];

    /// Its name, as manifests have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeFind => hooks::BEFORE_FIND,
            Self::AfterFind => hooks::AFTER_FIND,
            Self::BeforeInsert => hooks::BEFORE_INSERT,
            Self::AfterInsert => hooks::AFTER_INSERT,
            Self::BeforeUpdate => hooks::BEFORE_UPDATE,
            Self::AfterUpdate => hooks::AFTER_UPDATE,
            Self::BeforeDelete => hooks::BEFORE_DELETE,
            Self::AfterDelete => hooks::AFTER_DELETE,
        }
    }
}

/// Runs hooks.
pub trait Hooks: Send + Sync + fmt::Debug + 'static {
    /// Whether anybody would see this object: nothing is built for nobody.
    fn armed(&self, point: HookPoint, object: &str) -> bool;

    /// Runs the handlers in their order; what each that changed the payload made of it, with its plugin. Empty: nobody did.
    ///
    /// Fails with the refusal or failure of a handler.
    fn run<'a>(
        &'a self,
        point: HookPoint,
        context: &'a Context,
        object: &'a str,
        payload: Vec<u8>,
    ) -> BoxFuture<'a, Result<Vec<HookStep>>>;

    /// Whether a handler of this plugin may have a record of one of the platform's own objects made with a change.
    ///
    /// Fails with a refusal that names both.
    fn admit<'a>(&'a self, context: &'a Context, plugin: &'a str, object: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Whether this plugin, by a handler or with a transaction, may have an event of this name stored with a change.
    ///
    /// Fails with a refusal that names both.
    fn admit_event<'a>(&'a self, context: &'a Context, plugin: &'a str, event: &'a str) -> BoxFuture<'a, Result<()>>;
}

/// Reaches those who are asked about records: servers, and services of other plugins.
pub trait Outside: Send + Sync + fmt::Debug + 'static {
    /// Sends a request; any status is an answer.
    ///
    /// Fails when there is no answer.
    fn send<'a>(&'a self, context: &'a Context, request: OutgoingRequest) -> BoxFuture<'a, Result<IncomingAnswer>>;

    /// Calls a service by name.
    ///
    /// Fails with the service's error, or when there is none.
    fn call<'a>(
        &'a self,
        context: &'a Context,
        service: &'a str,
        method: &'a str,
        payload: Vec<u8>,
    ) -> BoxFuture<'a, Result<Vec<u8>>>;
}

/// Keeps the files that records point to.
pub trait Files: Send + Sync + fmt::Debug + 'static {
    /// Whether anybody does. Where nobody keeps files, fields of files take what they are given.
    fn kept(&self) -> bool;

    /// A file that the caller may put into a record.
    ///
    /// Fails when nobody can say now.
    fn stat<'a>(&'a self, context: &'a Context, id: &'a str) -> BoxFuture<'a, Result<Option<StoredFile>>>;

    /// A stored record has the file.
    ///
    /// Fails with the provider's error, `NotFound` for a file that is gone among them.
    fn attach<'a>(&'a self, context: &'a Context, at: Attachment) -> BoxFuture<'a, Result<()>>;

    /// A record has the file no more.
    ///
    /// Fails with the provider's error.
    fn detach<'a>(&'a self, context: &'a Context, at: Attachment) -> BoxFuture<'a, Result<()>>;
}

/// Is told of stored events.
pub trait EventSignal: Send + Sync + fmt::Debug + 'static {
    /// There are new ones.
    fn stored(&self);
}

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;
}
