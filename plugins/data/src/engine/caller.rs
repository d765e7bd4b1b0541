//! Who asks, as expressions and stamps see it. The principal is read only when something looks at it.

use std::sync::{Arc, OnceLock};

use objectos_expression::{Environment, Lookup, Path, Zone};
use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::permissions::Holdings;
use serde_json::{Value, json};

use super::access::Granted;
use super::aside::Aside;
use super::snapshot::Snapshot;
use crate::query::evaluated::ValueBytes;
use crate::store::SqlValue;

/// Attributes of a principal that may say its time zone.
const ZONE_NAMES: [&str; 3] = ["timezone", "timeZone", "time_zone"];

/// The caller of one request, and the moment of it.
#[derive(Debug)]
pub(super) struct Caller<'a> {
    /// The request.
    pub(super) context: &'a Context,
    /// Milliseconds since 1970; the same throughout the request.
    pub(super) now_ms: i64,
    /// Nothing is about to be written: what was true a moment ago is good enough.
    pub(super) reads_only: bool,
    /// Handlers look at the answer before the caller gets it: encrypted values and hashes stand aside so long.
    pub(super) aside: Option<Aside>,
    /// What a read holds over several statements; none where something may be written: then each statement stands for itself, and
    /// what it found is looked at again by the unit that relies on it.
    pub(super) snapshot: Option<Snapshot>,
    /// Handlers see records that come by relations while the answer is made, and may come back to read: nothing is held so long.
    pub(super) shows_related: bool,
    /// What is calculated for the statements of the request.
    pub(super) calculated: ValueBytes,
    /// What the permissions say that the caller holds; not known before they are asked.
    holdings: OnceLock<Arc<Holdings>>,
    /// With what is held.
    user: OnceLock<Value>,
    /// Without: for what is looked at before the permissions are asked, and for whom they do not say it.
    plain: OnceLock<Value>,
    /// Of callers who have none of their own.
    usual_zone: &'a Zone,
    zone: OnceLock<Zone>,
}

impl<'a> Caller<'a> {
    pub(super) fn new(context: &'a Context, now_ms: i64, usual_zone: &'a Zone) -> Self {
        Self {
            context,
            now_ms,
            reads_only: false,
            aside: None,
            snapshot: None,
            shows_related: false,
            calculated: ValueBytes::default(),
            holdings: OnceLock::new(),
            user: OnceLock::new(),
            plain: OnceLock::new(),
            usual_zone,
            zone: OnceLock::new(),
        }
    }

    /// Of a request that only reads. The system's own are left out: plugins read what they wrote just now.
    pub(super) fn reading(context: &'a Context, now_ms: i64, usual_zone: &'a Zone) -> Self {
        Self {
            reads_only: !context.system(),
            snapshot: Some(Snapshot::default()),
            ..Self::new(context, now_ms, usual_zone)
        }
    }

    /// Says whether handlers see what comes by relations. Where they do, nothing is held while they run: each statement sees its own
    /// state of the database.
    pub(super) fn show_related(&mut self, shows: bool) {
        self.shows_related = shows;
        if shows {
            self.snapshot = None;
        }
    }

    /// The same, for records that handlers see by themselves: what stands aside for them is back when they had their turn.
    pub(super) fn setting_aside(&self) -> Self {
        Self {
            context: self.context,
            now_ms: self.now_ms,
            reads_only: self.reads_only,
            aside: Some(Aside::new()),
            // Only a read whose related records are shown to handlers has such a caller, and it holds nothing.
            snapshot: None,
            shows_related: self.shows_related,
            calculated: self.calculated.clone(),
            holdings: self.holdings.clone(),
            user: self.user.clone(),
            plain: self.plain.clone(),
            usual_zone: self.usual_zone,
            zone: self.zone.clone(),
        }
    }

    /// Takes down what the permissions said of the caller. Within one request it is always the same one.
    pub(super) fn learn(&self, granted: &Granted) {
        if let Some(holdings) = granted.holdings() {
            self.holdings.get_or_init(|| Arc::clone(holdings));
        }
    }

    /// The principal with the names that expressions use: what it holds is what policies go by.
    pub(super) fn user(&self) -> &Value {
        match self.holdings.get() {
            Some(holdings) => self.user.get_or_init(|| user_of(self.context, Some(holdings))),
            None => self.plain.get_or_init(|| user_of(self.context, None)),
        }
    }

    /// The id for stamps; null when nobody is signed in.
    pub(super) fn stamp(&self) -> SqlValue {
        match self.context.user() {
            "" => SqlValue::Null,
            user => user.into(),
        }
    }

    /// The tenant; null when there is none.
    pub(super) fn tenant(&self) -> SqlValue {
        match self.context.tenant() {
            "" => SqlValue::Null,
            tenant => tenant.into(),
        }
    }
}

/// The principal of a request; null where there is none.
fn user_of(context: &Context, holdings: Option<&Holdings>) -> Value {
    let Ok(Some(principal)) = context.principal() else {
        return Value::Null;
    };
    let mut user = principal.attributes.clone();
    let mut set = |name: &str, value: Value| {
        user.insert(name.to_owned(), value);
    };
    set("id", json!(principal.id));
    set("name", json!(principal.name));
    set("email", json!(principal.email));
    set("tenant_id", json!(principal.tenant));
    set("organization_id", json!(principal.tenant));
    match holdings {
        None => {
            set("role", json!(principal.roles.first()));
            set("roles", json!(principal.roles));
            set("profiles", json!(principal.permission_sets));
            set("permissions", json!(principal.permission_sets));
        }
        Some(held) => {
            set("role", json!(principal.roles.first().or(held.roles.first())));
            set("roles", json!(held.roles));
            set("profile", json!(held.profiles.first()));
            set("profiles", json!(held.profiles));
            set("permissions", json!(held.permission_sets));
            set("groups", json!(held.groups));
            set("teams", json!(held.teams));
            set("territories", json!(held.territories));
        }
    }
    Value::Object(user)
}

/// For queries: there is a clock and a caller, but no record.
impl Environment for Caller<'_> {
    fn field(&self, _: &Path) -> Lookup<'_> {
        Lookup::Missing
    }

    fn user(&self, property: &str) -> Lookup<'_> {
        let mut at = self.user();
        for part in property.split('.') {
            match at.get(part) {
                Some(next) => at = next,
                None => return Lookup::Missing,
            }
        }
        Lookup::Found(at)
    }

    fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn usual_zone(&self) -> &Zone {
        self.usual_zone
    }

    fn zone(&self) -> &Zone {
        self.zone.get_or_init(|| {
            let named = ZONE_NAMES.iter().find_map(|name| self.user().get(*name)?.as_str());
            match named.map(Zone::read) {
                None => self.usual_zone.clone(),
                Some(Ok(zone)) => zone,
                Some(Err(error)) => {
                    tracing::debug!(error = %error, "the caller's time zone is not known, the usual one is used");
                    self.usual_zone.clone()
                }
            }
        })
    }
}
