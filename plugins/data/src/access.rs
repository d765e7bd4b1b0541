//! What a caller may see and do. The engine asks once for each object and operation, turns the answer into filters and masks,
//! and ANDs them into every statement: rows that a caller may not see do not exist for it, fields neither.
//!
//! Who decides is the service `permissions` ([`ServicePermissions`]); here is only what its answer means. Fails closed: no
//! principal, no answer, or a plan that names what is not there refuse.

mod cache;
mod callers;
mod refusals;
mod service;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use objectos_plugin_api::contracts::grants::ObjectAction;
use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess, Holdings, Operation};
use objectos_plugin_api::{Context, PrincipalKind};

use crate::error::Result;
use crate::query::{RawFilter, read_plan_filter};
use crate::store::BoxFuture;

pub use refusals::Refusal;
pub use service::ServicePermissions;
pub(crate) use service::verb;

/// Whether the caller is not signed in and was let in all the same. Reads the principal: to be asked where that costs nothing.
pub(crate) fn is_guest(context: &Context) -> bool {
    matches!(context.principal(), Ok(Some(principal)) if principal.kind == PrincipalKind::Anonymous)
}

/// Decides what a caller may do.
pub trait Permissions: Send + Sync + fmt::Debug + 'static {
    /// The answer where it is known already: `None` when the service must be asked.
    fn at_once(&self, context: &Context, object: &str, operation: Operation) -> Option<Result<Access>>;

    /// The answer for one operation on one object.
    fn ask<'a>(&'a self, context: &'a Context, object: &'a str, operation: Operation) -> BoxFuture<'a, Result<Access>>;

    /// Whether the caller holds a system permission, such as `customize_metadata`.
    fn holds<'a>(&'a self, context: &'a Context, permission: &'a str) -> BoxFuture<'a, Result<bool>>;

    /// Whether the calling plugin may do this with an object at all, whoever it acts for. The answers above say so already for
    /// reading and writing; this is for whoever changes definitions. Where nobody keeps such rules, no plugin has a limit.
    ///
    /// # Errors
    /// `Plugin` with `Denied`.
    fn lets_plugin(&self, _context: &Context, _object: &str, _action: ObjectAction) -> Result<()> {
        Ok(())
    }

    /// Is told of what was refused, before the caller is.
    fn refused<'a>(&'a self, context: &'a Context, refusal: Refusal<'a>) -> BoxFuture<'a, ()>;
}

/// What a caller may do with an object.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everything, as the system.
    System,
    /// Everything that its tenant has.
    Everything,
    /// What the plan says.
    Planned(Arc<Plan>),
}

/// A plan, read: what one principal may do with one object in one operation.
#[derive(Debug)]
pub struct Plan {
    /// What may be seen.
    pub view: Arc<View>,
    /// What may be written.
    pub writable: Mask,
    /// What a written record must be like.
    pub check: Option<RawFilter>,
    /// Roles, sets and groups of the principal, however it came by them; `None` from a provider that does not tell.
    pub holdings: Option<Arc<Holdings>>,
    /// What may be seen within the principal's tenant; `None` is everything.
    within_tenant: OnceLock<Option<Arc<View>>>,
}

impl Plan {
    /// Reads an answer of the service.
    ///
    /// # Errors
    /// `InvalidFilter` when its filters are none: the caller refuses.
    pub fn read(plan: AccessPlan) -> Result<Self> {
        let filters = plan
            .filter
            .as_ref()
            .map(read_plan_filter)
            .transpose()?
            .into_iter()
            .collect();
        Ok(Self {
            view: Arc::new(View {
                allowed: plan.allowed,
                filters,
                readable: Mask::read(plan.readable),
                masked: Vec::new(),
            }),
            writable: Mask::read(plan.writable),
            check: plan.check.as_ref().map(read_plan_filter).transpose()?,
            holdings: plan.holdings.map(Arc::new),
            within_tenant: OnceLock::new(),
        })
    }

    /// What may be seen, with the tenant's border around it; `None` is everything. The border is always the same, since a
    /// plan is one principal's, so it is put round it once.
    #[must_use]
    pub fn view_within(&self, tenant: Option<RawFilter>) -> Option<Arc<View>> {
        let bordered = || {
            let view = match tenant {
                None => Arc::clone(&self.view),
                Some(filter) => {
                    let mut view = View::clone(&self.view);
                    view.filters.push(filter);
                    Arc::new(view)
                }
            };
            (!view.is_all()).then_some(view)
        };
        self.within_tenant.get_or_init(bordered).clone()
    }
}

/// Which fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// All of them.
    All,
    /// All but these.
    Except(HashSet<String>),
    /// None.
    Nothing,
}

impl Mask {
    fn read(access: FieldAccess) -> Self {
        match access {
            FieldAccess::All => Self::All,
            FieldAccess::Except(fields) if fields.is_empty() => Self::All,
            FieldAccess::Except(fields) => Self::Except(fields.into_iter().collect()),
            FieldAccess::None => Self::Nothing,
        }
    }

    /// Whether a field is among them. The id of a record that one may see is no secret.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        match self {
            Self::All => true,
            Self::Except(fields) => field == "id" || !fields.contains(field),
            Self::Nothing => field == "id",
        }
    }
}

/// What may be seen of an object.
#[derive(Clone, Debug)]
pub struct View {
    /// False: nothing.
    pub allowed: bool,
    /// All must hold.
    pub filters: Vec<RawFilter>,
    /// Fields that may be seen.
    pub readable: Mask,
    /// Fields of which only a mask is seen.
    pub masked: Vec<String>,
}

impl View {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self {
            allowed: true,
            filters: Vec::new(),
            readable: Mask::All,
            masked: Vec::new(),
        }
    }

    /// Nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            allowed: false,
            filters: Vec::new(),
            readable: Mask::Nothing,
            masked: Vec::new(),
        }
    }

    /// Whether a field may be seen.
    #[must_use]
    pub fn reads(&self, field: &str) -> bool {
        self.readable.has(field)
    }

    /// Whether only a mask of a field is seen.
    #[must_use]
    pub fn masks(&self, field: &str) -> bool {
        self.masked.iter().any(|masked| masked == field)
    }

    /// Whether every record and field may be seen.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.allowed && self.filters.is_empty() && self.readable == Mask::All && self.masked.is_empty()
    }
}

/// What may be seen of the objects that one request touches.
#[derive(Clone, Debug)]
pub struct Views {
    by_object: HashMap<String, Arc<View>>,
    nothing: View,
}

impl Default for Views {
    fn default() -> Self {
        Self {
            by_object: HashMap::new(),
            nothing: View::nothing(),
        }
    }
}

impl Views {
    /// Adds the view of an object.
    pub fn insert(&mut self, object: &str, view: Arc<View>) {
        self.by_object.insert(object.to_owned(), view);
    }

    /// Whether the object was asked for.
    #[must_use]
    pub fn has(&self, object: &str) -> bool {
        self.by_object.contains_key(object)
    }

    /// The view of an object; of one that nobody asked for, nothing may be seen.
    #[must_use]
    pub fn of(&self, object: &str) -> &View {
        self.by_object.get(object).map_or(&self.nothing, Arc::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use objectos_plugin_api::contracts::permissions::{AccessPlan, FieldAccess};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_that_cannot_be_read_is_an_error() {
        let plan = AccessPlan {
            allowed: true,
            filter: Some(json!({ "owner": { "$is": 1 } })),
            ..AccessPlan::default()
        };
        assert!(Plan::read(plan).is_err());
    }

    #[test]
    fn the_default_plan_allows_nothing() {
        let plan = Plan::read(AccessPlan::default()).unwrap();
        assert!(!plan.view.allowed && !plan.view.reads("name") && !plan.writable.has("name"));
    }

    #[test]
    fn masks() {
        let except = Mask::read(FieldAccess::Except(vec!["salary".to_owned()]));
        assert!(except.has("name") && !except.has("salary"));
        assert!(Mask::Nothing.has("id") && !Mask::Nothing.has("name"));
        assert_eq!(Mask::read(FieldAccess::Except(Vec::new())), Mask::All);
    }

    #[test]
    fn of_an_object_that_nobody_asked_for_nothing_is_seen() {
        let views = Views::default();
        assert!(!views.of("account").allowed);
    }
}
