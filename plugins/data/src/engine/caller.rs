//! Who asks, as expressions and stamps see it. The principal is read only when something looks at it.

use std::sync::OnceLock;

use objectos_expression::{Environment, Lookup, Path};
use objectos_plugin_api::Context;
use serde_json::{Value, json};

use crate::store::SqlValue;

/// The caller of one request, and the moment of it.
#[derive(Debug)]
pub(super) struct Caller<'a> {
    /// The request.
    pub(super) context: &'a Context,
    /// Milliseconds since 1970; the same throughout the request.
    pub(super) now_ms: i64,
    /// Nothing is about to be written: what was true a moment ago is good enough.
    pub(super) reads_only: bool,
    user: OnceLock<Value>,
}

impl<'a> Caller<'a> {
    pub(super) fn new(context: &'a Context, now_ms: i64) -> Self {
        Self {
            context,
            now_ms,
            reads_only: false,
            user: OnceLock::new(),
        }
    }

    /// Of a request that only reads. The system's own are left out: plugins read what they wrote just now.
    pub(super) fn reading(context: &'a Context, now_ms: i64) -> Self {
        Self {
            reads_only: !context.system(),
            ..Self::new(context, now_ms)
        }
    }

    /// The principal with the names that expressions use.
    pub(super) fn user(&self) -> &Value {
        self.user.get_or_init(|| {
            let Ok(Some(principal)) = self.context.principal() else {
                return Value::Null;
            };
            let mut user = principal.attributes.clone();
            let mut set = |name: &str, value: Value| {
                user.insert(name.to_owned(), value);
            };
            set("id", json!(principal.id));
            set("name", json!(principal.name));
            set("email", json!(principal.email));
            set("role", json!(principal.roles.first()));
            set("roles", json!(principal.roles));
            set("profiles", json!(principal.permission_sets));
            set("permissions", json!(principal.permission_sets));
            set("tenant_id", json!(principal.tenant));
            set("organization_id", json!(principal.tenant));
            Value::Object(user)
        })
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
}
