//! Who may read what of the trail. Fails closed: with a `permissions` service declared and not answering, nobody reads.
//!
//! * `view_audit` reads events: of every tenant with `manage_platform`, else of the organisation that the caller works in. Rows
//!   of no organisation are the platform's, every sign-in among them: without `manage_platform` they are only for installations
//!   that have no organisations at all.
//! * Whoever may read a record may read its history.
//! * In both, values of records and fields that the caller may not read, or sees masked, are withheld (`sight`).

use objectos_plugin_api::{
    Context, Error, ErrorKind, Host, PrincipalKind, ServiceRef,
    contracts::{
        data::{DataClient, FindRequest, GetRequest},
        permissions::{AccessPlan, AccessRequest, FieldAccess, Operation, PermissionsClient, SystemPermissionRequest},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    error::{AuditError, Result},
    fields::Fields,
    row::Row,
    sight::{Readable, Sight, tells_values},
};

const SERVICE: &str = "permissions";
const ORGANIZATIONS: &str = "sys_organization";

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
    fields: Arc<Fields>,
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
    pub(crate) fn new(host: &Host, fields: Arc<Fields>) -> Result<Self> {
        Ok(Self {
            host: host.clone(),
            service: host.service(SERVICE, "^1")?,
            permissions: PermissionsClient::open(host)?,
            data: DataClient::open(host)?,
            fields,
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
        let tenant = principal.tenant.filter(|tenant| !tenant.is_empty());
        if tenant.is_none() && self.has_organizations(context).await? {
            return Err(Error::new(
                ErrorKind::Denied,
                "reading the audit trail needs an active organisation or the system permission manage_platform: make one of \
                 your organisations the active one",
            )
            .into());
        }
        Ok(Reach::Tenant(tenant))
    }

    /// Whether anybody works in organisations here; without a plugin that keeps them, nobody does.
    async fn has_organizations(&self, context: &Context) -> Result<bool> {
        let query = json!({ "fields": ["id"], "limit": 1, "count": false });
        let request = FindRequest {
            object: ORGANIZATIONS.to_owned(),
            query: query.as_object().cloned().unwrap_or_default(),
        };
        let request = serde_json::to_vec(&request).map_err(Error::internal)?;
        match self.data.find(&context.as_system(), &request).await {
            Ok(found) => {
                let found: Value = serde_json::from_slice(&found).map_err(Error::from)?;
                Ok(found["records"].as_array().is_none_or(|records| !records.is_empty()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The record as the caller sees it: the fields there are, and which of them are masked. A record that is not there for the
    /// caller is an error, the same that reading it gives.
    pub(crate) async fn record(&self, context: &Context, object: &str, id: &str) -> Result<Sight> {
        let request = GetRequest {
            object: object.to_owned(),
            id: id.to_owned(),
            fields: Vec::new(),
        };
        let request = serde_json::to_vec(&request).map_err(Error::internal)?;
        let answer: Value = serde_json::from_slice(&self.data.get(context, &request).await?).map_err(Error::from)?;
        let fields = answer["record"].as_object().into_iter().flatten();
        Ok(Sight {
            fields: Readable::Only(fields.map(|(name, _)| name.clone()).collect()),
            masked: self.masked(context, object).await?,
            records: None,
        })
    }

    /// The fields of which the caller sees a mask alone. Where nobody decides about access there are no masks either.
    async fn masked(&self, context: &Context, object: &str) -> Result<Vec<String>> {
        if context.system() || !self.declared() {
            return Ok(Vec::new());
        }
        let plan = self.reading(context, object).await?;
        self.masked_by(context, object, &plan).await
    }

    /// The same with the plan at hand: the roles are those that the permissions know, which may be more than the session's.
    async fn masked_by(&self, context: &Context, object: &str, plan: &AccessPlan) -> Result<Vec<String>> {
        let facts = self.fields.object(object).await?;
        if let Some(holdings) = &plan.holdings {
            return Ok(facts.masked_from(Some(holdings.roles.as_slice())));
        }
        let roles = context.principal()?.map(|principal| principal.roles);
        Ok(facts.masked_from(roles.as_deref()))
    }

    /// What the caller may read of an object.
    async fn reading(&self, context: &Context, object: &str) -> Result<AccessPlan> {
        let request = AccessRequest {
            object: object.to_owned(),
            operation: Operation::Read,
        };
        Ok(self.permissions.access_plan(context, &request).await?)
    }

    /// What the caller sees of the records that rows are about, by object. An object that is not named is no secret.
    pub(crate) async fn sights(&self, context: &Context, rows: &[Row]) -> Result<HashMap<String, Sight>> {
        let mut sights = HashMap::new();
        if context.system() || !self.declared() {
            return Ok(sights);
        }
        let mut records: HashMap<&str, HashSet<&str>> = HashMap::new();
        for row in rows.iter().filter(|row| tells_values(row)) {
            let Some(object) = row.object_name.as_deref() else {
                continue;
            };
            records.entry(object).or_default().extend(row.record_id.as_deref());
        }
        for (object, ids) in records {
            sights.insert(object.to_owned(), self.sight(context, object, ids).await?);
        }
        Ok(sights)
    }

    async fn sight(&self, context: &Context, object: &str, ids: HashSet<&str>) -> Result<Sight> {
        let plan = self.reading(context, object).await?;
        let masked = self.masked_by(context, object, &plan).await?;
        let fields = match plan.readable {
            _ if !plan.allowed => return Ok(Sight::nothing()),
            FieldAccess::All => Readable::All,
            FieldAccess::Except(fields) => Readable::Except(fields),
            FieldAccess::None => return Ok(Sight::nothing()),
        };
        let records = match plan.filter {
            None => None,
            Some(_) => Some(self.seen(context, object, ids).await?),
        };
        Ok(Sight {
            fields,
            masked,
            records,
        })
    }

    /// Those of the records that are there for the caller: one question for all of them.
    async fn seen(&self, context: &Context, object: &str, ids: HashSet<&str>) -> Result<HashSet<String>> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let limit = ids.len();
        let ids: Vec<&str> = ids.into_iter().collect();
        let query = json!({ "fields": ["id"], "where": { "id": { "$in": ids } }, "limit": limit, "count": false });
        let request = FindRequest {
            object: object.to_owned(),
            query: query.as_object().cloned().unwrap_or_default(),
        };
        let request = serde_json::to_vec(&request).map_err(Error::internal)?;
        let found = match self.data.find(context, &request).await {
            Ok(found) => found,
            // An object that cannot be listed by this caller has no record that it sees.
            Err(error) if hides(error.kind()) => return Ok(HashSet::new()),
            Err(error) => return Err(error.into()),
        };
        let found: Value = serde_json::from_slice(&found).map_err(Error::from)?;
        let records = found["records"].as_array().into_iter().flatten();
        Ok(records
            .filter_map(|record| record["id"].as_str().map(str::to_owned))
            .collect())
    }
}

fn hides(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::NotImplemented | ErrorKind::Vetoed
    )
}
