//! Who may read what of the trail. Fails closed: with a `permissions` service declared and not answering, nobody reads.
//!
//! * `view_audit` reads events: of every tenant with `manage_platform`, else of the caller's own.
//! * Whoever may read a record may read its history.
//! * In both, values of fields that the caller may not read are withheld.

use objectos_plugin_api::{
    Context, Error, ErrorKind, Host, PrincipalKind, ServiceRef,
    contracts::{
        data::{DataClient, GetRequest},
        permissions::{AccessRequest, FieldAccess, Operation, PermissionsClient, SystemPermissionRequest},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

use crate::{
    error::{AuditError, Result},
    row::Row,
    view::Readable,
};

const SERVICE: &str = "permissions";

/// Which rows a reader of the trail sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Everything,
    /// Of one tenant, or of none.
    Tenant(Option<String>),
}

impl Reach {
    /// The filter for it, if it needs one.
    pub(crate) fn filter(&self) -> Option<Value> {
        match self {
            Self::Everything => None,
            Self::Tenant(tenant) => Some(json!({ "tenant_id": tenant })),
        }
    }
}

/// Asks who may.
#[derive(Debug)]
pub(crate) struct Access {
    host: Host,
    service: ServiceRef,
    permissions: PermissionsClient,
    data: DataClient,
}

#[derive(Deserialize)]
struct Contribution {
    name: String,
}

fn denied() -> AuditError {
    Error::new(
        ErrorKind::Denied,
        "reading the audit trail needs the system permission view_audit",
    )
    .into()
}

impl Access {
    pub(crate) fn new(host: &Host) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            service: host.service(SERVICE, "^1")?,
            permissions: PermissionsClient::open(host)?,
            data: DataClient::open(host)?,
        })
    }

    /// Whether a plugin declares the service; a list that cannot be read counts as yes.
    fn declared(&self) -> bool {
        let services: Result<Vec<Contribution>, _> = serde_json::from_slice(&self.host.contributions("services"));
        self.service.available()
            || services.map_or(true, |services| services.iter().any(|service| service.name == SERVICE))
    }

    async fn holds(&self, context: &Context, permission: &str) -> Result<bool> {
        let request = SystemPermissionRequest {
            permission: permission.to_owned(),
        };
        Ok(self.permissions.has_system_permission(context, &request).await?)
    }

    /// What the caller sees of the trail as a whole.
    ///
    /// # Errors
    /// `Unauthenticated`, `Denied`, or what the service answers.
    pub(crate) async fn trail(&self, context: &Context) -> Result<Reach> {
        if context.system() {
            return Ok(Reach::Everything);
        }
        let principal = context
            .principal()?
            .ok_or_else(|| Error::new(ErrorKind::Unauthenticated, "sign in first"))?;
        if !self.declared() {
            return if principal.kind == PrincipalKind::Local {
                Ok(Reach::Everything)
            } else {
                Err(denied())
            };
        }
        if !self.holds(context, "view_audit").await? {
            return Err(denied());
        }
        if self.holds(context, "manage_platform").await? {
            return Ok(Reach::Everything);
        }
        Ok(Reach::Tenant(principal.tenant.filter(|tenant| !tenant.is_empty())))
    }

    /// The record as the caller sees it: the fields there are. A record that is not there for the caller is an error, the
    /// same that reading it gives.
    pub(crate) async fn record(&self, context: &Context, object: &str, id: &str) -> Result<Readable> {
        let request = GetRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            fields: Vec::new(),
        };
        let request = serde_json::to_vec(&request).map_err(Error::internal)?;
        let answer: Value = serde_json::from_slice(&self.data.get(context, &request).await?).map_err(Error::from)?;
        let fields = answer["record"].as_object().into_iter().flatten();
        Ok(Readable::Only(fields.map(|(name, _)| name.clone()).collect()))
    }

    /// The fields that the caller may read of the objects that rows are about.
    pub(crate) async fn masks(&self, context: &Context, rows: &[Row]) -> Result<HashMap<String, Readable>> {
        let mut masks = HashMap::new();
        if context.system() || !self.declared() {
            return Ok(masks);
        }
        for object in rows
            .iter()
            .filter(|row| row.changes.is_some())
            .filter_map(|row| row.object_name.as_ref())
        {
            if masks.contains_key(object) {
                continue;
            }
            let request = AccessRequest {
                object: object.clone(),
                operation: Operation::Read,
            };
            let plan = self.permissions.access_plan(context, &request).await?;
            let mask = match plan.readable {
                _ if !plan.allowed => Readable::Only(Vec::new()),
                FieldAccess::All => Readable::All,
                FieldAccess::Except(fields) => Readable::Except(fields),
                FieldAccess::None => Readable::Only(Vec::new()),
            };
            masks.insert(object.clone(), mask);
        }
        Ok(masks)
    }
}
