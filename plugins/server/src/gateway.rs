//! What the HTTP side needs from the kernel: who contributes which routes, a way to call them, who the caller is, and the
//! kernel's own service. A trait, so that tests drive the whole server over real sockets without a kernel. [`HostGateway`]
//! is the real one.

mod host;

use objectos_plugin_api::{
    Context, Error, Result, contracts::auth::Presented, protocol::kernel::plugin_document::RouteAccess,
};
use serde::Deserialize;
use std::{fmt, future::Future};

pub use self::host::HostGateway;
use crate::{flow::Flow, socket::Line};

/// The kernel, as the server sees it.
pub trait Gateway: Send + Sync + 'static {
    /// The routes of one plugin, ready to be called; valid for as long as the server lives.
    type Routes: Clone + fmt::Debug + Send + Sync + 'static;
    /// Bytes of an answer, passed on without a copy.
    type Bytes: AsRef<[u8]> + Send + 'static;

    /// Changes whenever an answer of [`Gateway::contributions`] may have changed. Asked for each request.
    fn epoch(&self) -> u64;
    /// JSON: `routes` is a list of [`ContributedRoute`], `services` of [`ContributedService`].
    fn contributions(&self, kind: &str) -> Self::Bytes;
    /// Opens the routes of a plugin, which need not be there yet.
    ///
    /// # Errors
    /// `Denied` without the grant.
    fn open(&self, plugin: &str) -> Result<Self::Routes>;
    /// Calls a route; `route` is `METHOD /path/pattern` as declared, `frame` a request frame. Answers a response frame.
    /// Dropping the future cancels the call.
    fn call(
        &self,
        routes: &Self::Routes,
        context: &Context,
        route: &str,
        frame: &[u8],
    ) -> impl Future<Output = Result<Self::Bytes>> + Send + 'static;
    /// Reads the body that an answer left to be read, by the number in its frame.
    fn flow(&self, stream: u64) -> Box<dyn Flow>;
    /// Takes the socket that an answer goes on as, by the number in its frame.
    fn line(&self, socket: u64) -> Box<dyn Line>;
    /// Asks the service `auth`; answers JSON of its `Identity`.
    fn authenticate(
        &self,
        context: &Context,
        presented: &Presented<'_>,
    ) -> impl Future<Output = Result<Self::Bytes>> + Send;
    /// Asks the service `permissions` whether the context's principal holds a system permission.
    fn has_system_permission(
        &self,
        context: &Context,
        permission: &'static str,
    ) -> impl Future<Output = Result<bool>> + Send;
    /// Calls the service `kernel`: JSON in, JSON out.
    fn kernel(
        &self,
        context: &Context,
        method: &'static str,
        request: &[u8],
    ) -> impl Future<Output = Result<Self::Bytes>> + Send;
    /// Tells of a request that was refused. The refusal stands whatever becomes of this.
    fn refused(&self, context: &Context, route: &str, error: &Error) -> impl Future<Output = ()> + Send;
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;
}

/// One route of one plugin. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContributedRoute {
    /// Id of the plugin.
    pub plugin: String,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path pattern.
    pub path: String,
    /// Who may call it.
    #[serde(default)]
    pub access: RouteAccess,
    /// What it does, in a sentence.
    #[serde(default)]
    pub summary: Option<String>,
}

/// One service of one plugin, declared even while it is down. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContributedService {
    /// Name.
    pub name: String,
    /// Version.
    #[serde(default)]
    pub version: String,
    /// Id of the plugin; `kernel` for the kernel's own.
    pub plugin: String,
    /// True while it answers.
    #[serde(default)]
    pub available: bool,
}
