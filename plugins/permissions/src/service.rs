//! The service `permissions`.

use std::sync::Arc;

use objectos_plugin_api::contracts::permissions::{
    AccessPlan, AccessRequest, FieldAccess, Permissions, Powers, SystemPermissionRequest,
};
use objectos_plugin_api::{Context, Result};

use crate::reach;
use crate::state::State;

/// Answers out of the running state.
#[derive(Debug)]
pub struct Provider {
    state: Arc<State>,
}

impl Provider {
    /// Over a state.
    #[must_use]
    pub fn new(state: Arc<State>) -> Self {
        Self { state }
    }
}

impl Permissions for Provider {
    fn version(&self, _: Context) -> Result<u64> {
        self.state.version()
    }

    async fn has_system_permission(&self, context: Context, request: SystemPermissionRequest) -> Result<bool> {
        if context.system() {
            return Ok(true);
        }
        if context.principal_json().is_empty() {
            return Ok(false);
        }
        let subject = self.state.subject(&context).await?;
        self.state
            .has_system_permission(&context, &subject, &request.permission)
            .await
    }

    async fn permission_sets(&self, context: Context) -> Result<Vec<String>> {
        if context.principal_json().is_empty() {
            return Ok(Vec::new());
        }
        let subject = self.state.subject(&context).await?;
        let held = subject.administrator.iter().chain(&subject.held);
        Ok(held.map(|held| held.set.clone()).collect())
    }

    async fn powers(&self, context: Context) -> Result<Powers> {
        if context.system() {
            return Ok(Powers {
                administrator: true,
                ..Powers::default()
            });
        }
        if context.principal_json().is_empty() {
            return Ok(Powers::default());
        }
        reach::powers(&self.state, &context).await
    }

    async fn access_plan(&self, context: Context, request: AccessRequest) -> Result<AccessPlan> {
        if context.system() {
            return Ok(AccessPlan {
                allowed: true,
                readable: FieldAccess::All,
                writable: FieldAccess::All,
                ..AccessPlan::default()
            });
        }
        if context.principal_json().is_empty() {
            return Ok(AccessPlan::default());
        }
        let plan = self.state.plan(&context, &request.object, request.operation).await?;
        Ok(AccessPlan::clone(&plan))
    }
}
