//! `permissions`: what a principal may do with an object, as one access plan that the data engine turns into its query.
//! No provider, or an error of it: refused.

use objectos_plugin_macros::service;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Context, Error, ErrorKind, Result};

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// See records.
    Read,
    /// Make records.
    Create,
    /// Change records.
    Update,
    /// Delete records.
    Delete,
    /// Bring records back from the bin.
    Restore,
    /// Delete records for good.
    Purge,
    /// Give records to another owner.
    Transfer,
}

/// The question; the principal is the context's. JSON, camelCase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequest {
    /// Name of the object.
    pub object: String,
    /// What is about to be done.
    pub operation: Operation,
}

/// Which fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldAccess {
    /// Every field.
    All,
    /// Every field but these.
    Except(Vec<String>),
    /// No field.
    #[default]
    None,
}

/// The answer. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessPlan {
    /// False: refused altogether.
    pub allowed: bool,
    /// Only records that match this filter (`data/FilterCondition`) exist for the principal; absent is all. A plan, and only
    /// a plan, may also say `{"FIELD": {"$inRecords": {"object", "field", "where"?}}}`: the field's value is that field of
    /// some record of the named object that matches `where`, whoever may see that record. So shares, teams and territories
    /// are looked up by the query itself and are never out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Value>,
    /// A written record must match this filter afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Value>,
    /// Fields that may be read.
    pub readable: FieldAccess,
    /// Fields that may be written.
    pub writable: FieldAccess,
    /// What the principal holds: masks, expressions and whoever else asks for roles go by this. Absent, from a provider that
    /// knows no more than the session does: what the principal itself says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdings: Option<Holdings>,
}

/// What a principal holds, however it came by it: by its session, by records, by what it belongs to. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Holdings {
    /// Names of roles.
    pub roles: Vec<String>,
    /// Names of permission sets, profiles among them.
    pub permission_sets: Vec<String>,
    /// Those of the sets that are profiles.
    pub profiles: Vec<String>,
    /// Names of groups.
    pub groups: Vec<String>,
    /// Ids of teams.
    pub teams: Vec<String>,
    /// Names of territories.
    pub territories: Vec<String>,
}

/// Which system permission. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SystemPermissionRequest {
    /// Name of a system permission, such as `manage_platform` (administer plugins and the kernel), `manage_users`,
    /// `view_audit`, `manage_permissions`, `customize_metadata`.
    pub permission: String,
}

/// What a principal may do beyond records. JSON, camelCase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Powers {
    /// Everything there is; then `system_permissions` need not name any.
    pub administrator: bool,
    /// Names of the system permissions that come with its permission sets.
    pub system_permissions: Vec<String>,
}

/// What a principal may do.
#[service(name = "permissions", version = "1.1.0")]
pub trait Permissions {
    /// Changes whenever any plan may have changed, before the change that causes it is acknowledged. A plan that was asked
    /// for under one version holds for equal principals until the version is another.
    fn version(&self, context: Context) -> Result<u64>;
    /// Whether the context's principal holds a system permission.
    async fn has_system_permission(&self, context: Context, request: SystemPermissionRequest) -> Result<bool>;
    /// The plan for one operation on one object.
    async fn access_plan(&self, context: Context, request: AccessRequest) -> Result<AccessPlan>;
    /// Names of the permission sets that the context's principal holds, profiles among them, however it came by them. A provider
    /// that does not tell them answers an error: whoever asks holds somebody to rules by it.
    async fn permission_sets(&self, _context: Context) -> Result<Vec<String>> {
        Err(Error::new(
            ErrorKind::NotImplemented,
            "the service permissions does not tell which sets a principal holds",
        ))
    }
    /// What the context's principal may do beyond records, however it came by it. One of kind `User` without an id is whoever has
    /// its roles and nothing else, in whatever organisation: what a role brings is asked so before it is given. A provider that does
    /// not tell answers an error: whoever asks holds somebody to it.
    async fn powers(&self, _context: Context) -> Result<Powers> {
        Err(Error::new(
            ErrorKind::NotImplemented,
            "the service permissions does not tell what a principal may do beyond records",
        ))
    }
}

impl PermissionsClient {
    /// [`Permissions::version`] for a thread that must not wait, such as one that others' requests run on, and on which a call may
    /// have to come to its end before the permissions are back. `None` while nobody is there to tell it, as when their plugin is
    /// being replaced: nothing that was kept may be used then.
    ///
    /// # Errors
    /// Those of [`crate::ServiceRef::call_sync`] but `Unavailable`; `Internal` for an answer that is no number.
    pub fn version_at_once(&self, context: &Context) -> Result<Option<u64>> {
        match self.reference().call_sync_at_once(context, "version", b"") {
            Ok(version) => serde_json::from_slice(&version)
                .map(Some)
                .map_err(|error| Error::internal(format!("the version of the permissions is no number: {error}"))),
            Err(error) if error.kind() == ErrorKind::Unavailable => Ok(None),
            Err(error) => Err(error),
        }
    }
}
