//! The real gateway: a thin view of the plugin's [`Host`]. Opens each service once.

use objectos_plugin_api::{
    Context, Error, Host, Payload, Refusals, Result, ServiceRef,
    contracts::{
        auth::{AuthClient, Presented},
        kernel::KernelClient,
        permissions::{PermissionsClient, SystemPermissionRequest},
    },
};
use std::future::Future;

use super::Gateway;
use crate::{flow::Flow, socket::Line};

/// Room for the credentials of most requests.
const PRESENTED_BYTES: usize = 512;

/// The kernel through the plugin's host object.
#[derive(Debug)]
pub struct HostGateway {
    host: Host,
    auth: Result<ServiceRef>,
    kernel: Result<ServiceRef>,
    permissions: Result<PermissionsClient>,
    refusals: Refusals,
}

impl HostGateway {
    /// Opens what the server always uses. A service that is not granted is an error of its calls, not of this.
    #[must_use]
    pub fn new(host: Host) -> Self {
        let auth = host.service(AuthClient::NAME, "^1");
        let kernel = host.service(KernelClient::NAME, "^1");
        let permissions = PermissionsClient::open(&host);
        Self {
            host,
            auth,
            kernel,
            permissions,
            refusals: Refusals::default(),
        }
    }
}

impl Gateway for HostGateway {
    type Routes = ServiceRef;
    type Bytes = Payload;

    fn epoch(&self) -> u64 {
        self.host.contributions_epoch()
    }

    fn contributions(&self, kind: &str) -> Payload {
        self.host.contributions(kind)
    }

    fn open(&self, plugin: &str) -> Result<ServiceRef> {
        self.host.service(&format!("route:{plugin}"), "*")
    }

    fn call(
        &self,
        routes: &ServiceRef,
        context: &Context,
        route: &str,
        frame: &[u8],
    ) -> impl Future<Output = Result<Payload>> + Send + 'static {
        routes.call(context, route, frame)
    }

    fn flow(&self, stream: u64) -> Box<dyn Flow> {
        Box::new(self.host.body(stream))
    }

    fn line(&self, socket: u64) -> Box<dyn Line> {
        Box::new(self.host.socket(socket))
    }

    async fn authenticate(&self, context: &Context, presented: &Presented<'_>) -> Result<Payload> {
        // Encoded by hand and not through the typed client, so that the principal is passed on as the bytes it came in.
        let mut payload = Vec::with_capacity(PRESENTED_BYTES);
        serde_json::to_writer(&mut payload, presented).map_err(Error::internal)?;
        self.auth
            .as_ref()
            .map_err(Clone::clone)?
            .call(context, "authenticate", &payload)
            .await
    }

    async fn has_system_permission(&self, context: &Context, permission: &'static str) -> Result<bool> {
        let request = SystemPermissionRequest {
            permission: permission.to_owned(),
        };
        self.permissions
            .as_ref()
            .map_err(Clone::clone)?
            .has_system_permission(context, &request)
            .await
    }

    async fn kernel(&self, context: &Context, method: &'static str, request: &[u8]) -> Result<Payload> {
        self.kernel
            .as_ref()
            .map_err(Clone::clone)?
            .call(context, method, request)
            .await
    }

    async fn refused(&self, context: &Context, route: &str, error: &Error) {
        self.refusals.tell(&self.host, context, route, error).await;
    }

    fn now_ms(&self) -> i64 {
        self.host.now_ms()
    }
}
