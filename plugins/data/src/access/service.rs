//! Asks the service `permissions`, or does without it where no plugin offers one: then whoever reaches the loopback interface
//! may do everything, unless a plugin offers `auth`, and everybody else nothing. What it answered is kept for as long as it says
//! the same version.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use objectos_plugin_api::contracts::grants::ObjectAction;
use objectos_plugin_api::contracts::permissions::{
    AccessRequest, Operation, PermissionsClient, SystemPermissionRequest,
};
use objectos_plugin_api::{Context, Host, PrincipalKind};
use parking_lot::RwLock;

use super::cache::{Answer, PlanCache, Stamp};
use super::callers::Callers;
use super::refusals::{Refusal, Refusals};
use super::{Access, Permissions, Plan};
use crate::declared::Declared;
use crate::error::{DataError, Result};
use crate::model::CatalogueCell;
use crate::store::BoxFuture;

/// The service that tells who people are: with it, nobody is alone on this machine.
const AUTH: &str = "auth";

/// The service, as this plugin sees it.
#[derive(Debug)]
pub struct ServicePermissions {
    host: Host,
    service: PermissionsClient,
    declared: Declared,
    auth: Declared,
    callers: Callers,
    /// The principal that came last, as JSON, and whether it is local. Equal principals are equal bytes.
    last: RwLock<(Vec<u8>, bool)>,
    asked: AtomicU64,
    catalogue: Arc<CatalogueCell>,
    plans: PlanCache,
    refusals: Refusals,
}

impl ServicePermissions {
    /// Opens the reference; a provider need not be there.
    ///
    /// # Errors
    /// `Plugin` when the kernel refuses the reference.
    pub fn new(host: &Host, catalogue: &Arc<CatalogueCell>) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            service: PermissionsClient::open(host)?,
            declared: Declared::new(host, PermissionsClient::NAME),
            auth: Declared::new(host, AUTH),
            callers: Callers::new(host),
            last: RwLock::new((Vec::new(), false)),
            asked: AtomicU64::new(0),
            catalogue: Arc::clone(catalogue),
            plans: PlanCache::default(),
            refusals: Refusals::default(),
        })
    }

    /// What plans depend on now; `None` when nobody can say, and then nothing is kept.
    fn stamp(&self, context: &Context) -> Option<Stamp> {
        // Not to wait here while the service is replaced: the thread may be one on which a call of it has to come to its end.
        let version = self.service.version_at_once(context).ok().flatten()?;
        Some(Stamp {
            version,
            epoch: self.host.contributions_epoch(),
            catalogue: self.catalogue.load().version(),
        })
    }

    async fn plan(&self, context: &Context, object: &str, operation: Operation) -> Result<Answer> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let request = AccessRequest {
            object: object.to_owned(),
            operation,
        };
        let plan = self.service.access_plan(context, &request).await?;
        if !plan.allowed {
            return Ok(None);
        }
        let plan =
            Plan::read(plan).map_err(|error| DataError::internal(format!("an access plan is wrong: {error}")))?;
        Ok(Some(Arc::new(plan)))
    }

    /// How often the service was asked.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    fn is_local(&self, context: &Context) -> Result<bool> {
        if self.auth.holds() {
            return Ok(false);
        }
        let json = context.principal_json();
        {
            let last = self.last.read();
            if last.0 == json {
                return Ok(last.1);
            }
        }
        let local = context
            .principal()?
            .is_some_and(|principal| principal.kind == PrincipalKind::Local);
        *self.last.write() = (json.to_vec(), local);
        Ok(local)
    }
}

fn decided(answer: Answer, object: &str, operation: Operation) -> Result<Access> {
    answer.map(Access::Planned).ok_or_else(|| DataError::Denied {
        object: object.to_owned(),
        operation: verb(operation),
    })
}

impl Permissions for ServicePermissions {
    fn at_once(&self, context: &Context, object: &str, operation: Operation) -> Option<Result<Access>> {
        if let Err(refused) = self.callers.hold(context, object, operation) {
            return Some(Err(refused));
        }
        if context.system() {
            return Some(Ok(Access::System));
        }
        if context.principal_json().is_empty() {
            return Some(Err(DataError::Unauthenticated));
        }
        if self.declared.holds() {
            let stamp = self.stamp(context)?;
            let answer = self.plans.find(stamp, context.principal_json(), object, operation)?;
            return Some(decided(answer, object, operation));
        }
        match self.is_local(context) {
            Ok(true) => Some(Ok(Access::Everything)),
            Ok(false) => Some(decided(None, object, operation)),
            Err(error) => Some(Err(error)),
        }
    }

    fn ask<'a>(&'a self, context: &'a Context, object: &'a str, operation: Operation) -> BoxFuture<'a, Result<Access>> {
        Box::pin(async move {
            if let Some(answer) = self.at_once(context, object, operation) {
                return answer;
            }
            let before = self.stamp(context);
            let answer = self.plan(context, object, operation).await?;
            // A plan that was under way while things changed may be of before or after: it serves this call alone.
            if let Some(stamp) = before.filter(|before| self.stamp(context) == Some(*before)) {
                self.plans
                    .keep(stamp, context.principal_json(), object, operation, answer.clone());
            }
            decided(answer, object, operation)
        })
    }

    fn holds<'a>(&'a self, context: &'a Context, permission: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            if context.system() {
                return Ok(true);
            }
            if context.principal_json().is_empty() {
                return Err(DataError::Unauthenticated);
            }
            if !self.declared.holds() {
                return self.is_local(context);
            }
            let request = SystemPermissionRequest {
                permission: permission.to_owned(),
            };
            Ok(self.service.has_system_permission(context, &request).await?)
        })
    }

    fn lets_plugin(&self, context: &Context, object: &str, action: ObjectAction) -> Result<()> {
        self.callers.hold_to(context, object, action)
    }

    fn refused<'a>(&'a self, context: &'a Context, refusal: Refusal<'a>) -> BoxFuture<'a, ()> {
        Box::pin(self.refusals.tell(&self.host, context, refusal))
    }
}

/// What is done, for messages.
#[must_use]
pub(crate) fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Restore => "restore",
        Operation::Purge => "purge",
        Operation::Transfer => "transfer",
        _ => "read",
    }
}
