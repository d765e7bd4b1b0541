//! Asks what the caller may do, and puts the tenant's border around it.

use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::Value;

use super::Engine;
use crate::access::{Access, Mask, View, Views};
use crate::error::{DataError, Result};
use crate::model::{FieldKind, ObjectModel};
use crate::query::{QueryInput, RawFilter};
use crate::record::{Layout, Schema};

/// What the caller may do in one operation on one object.
#[derive(Clone, Debug)]
pub(super) struct Granted {
    /// Acts as the system: masks and switches of the API do not apply.
    pub(super) system: bool,
    /// What it may see; `None` is everything.
    pub(super) view: Option<Arc<View>>,
    /// What it may write.
    pub(super) writable: Mask,
    /// What a written record must be like.
    pub(super) check: Option<RawFilter>,
}

impl Granted {
    fn from(access: Access, object: &ObjectModel, context: &Context) -> Self {
        let tenant = tenant_filter(&access, object, context);
        match access {
            Access::System => Self {
                system: true,
                view: None,
                writable: Mask::All,
                check: None,
            },
            Access::Everything => {
                let view = tenant.map(|filter| {
                    Arc::new(View {
                        filters: vec![filter],
                        ..View::all()
                    })
                });
                Self {
                    system: false,
                    view,
                    writable: Mask::All,
                    check: None,
                }
            }
            Access::Planned(plan) => {
                let mut view = plan.view.clone();
                view.filters.extend(tenant);
                let view = if view.is_all() { None } else { Some(Arc::new(view)) };
                Self {
                    system: false,
                    view,
                    writable: plan.writable.clone(),
                    check: plan.check.clone(),
                }
            }
        }
    }

    /// Whether every record and every field may be seen.
    pub(super) fn sees_all(&self) -> bool {
        self.view.is_none()
    }
}

/// Records of the caller's tenant. Somebody without a tenant sees those that belong to none, but whoever is alone on the
/// machine sees all.
fn tenant_filter(access: &Access, object: &ObjectModel, context: &Context) -> Option<RawFilter> {
    let tenancy = object.tenancy.as_ref()?;
    match (access, context.tenant()) {
        (Access::System, _) | (Access::Everything, "") => None,
        (_, "") => Some(RawFilter::equals(&tenancy.field, Value::Null)),
        (_, tenant) => Some(RawFilter::equals(&tenancy.field, tenant)),
    }
}

impl Engine {
    /// What the caller may do with the object.
    pub(super) async fn granted(&self, context: &Context, layout: &Layout, operation: Operation) -> Result<Granted> {
        let access = match self.parts.permissions.at_once(context) {
            Some(access) => access?,
            None => {
                self.parts
                    .permissions
                    .ask(context, &layout.object.name, operation)
                    .await?
            }
        };
        Ok(Granted::from(access, &layout.object, context))
    }

    /// What may be read of the object itself and of every object that the query leads to. `None`: everything of all of them.
    pub(super) async fn views(
        &self,
        context: &Context,
        schema: &Schema,
        layout: &Arc<Layout>,
        granted: &Granted,
        query: &QueryInput,
    ) -> Result<Option<Views>> {
        if granted.system {
            return Ok(None);
        }
        let mut views = Views::default();
        let own = granted.view.clone().unwrap_or_else(|| Arc::new(View::all()));
        let mut restricted = granted.view.is_some();
        views.insert(&layout.object.name, own);
        for object in related_objects(schema, layout, query) {
            if views.has(&object) {
                continue;
            }
            let view = self.view_of(context, schema, &object).await?;
            restricted |= !view.is_all();
            views.insert(&object, view);
        }
        Ok(restricted.then_some(views))
    }

    /// What may be read of an object; of one that may not be read at all, nothing.
    async fn view_of(&self, context: &Context, schema: &Schema, object: &str) -> Result<Arc<View>> {
        let Some(layout) = schema.layout(object) else {
            return Ok(Arc::new(View::nothing()));
        };
        match self.granted(context, layout, Operation::Read).await {
            Ok(granted) => Ok(granted.view.unwrap_or_else(|| Arc::new(View::all()))),
            Err(DataError::Denied { .. }) => Ok(Arc::new(View::nothing())),
            Err(error) => Err(error),
        }
    }
}

/// The objects behind the dots of the query's paths.
fn related_objects(schema: &Schema, layout: &Arc<Layout>, query: &QueryInput) -> Vec<String> {
    let mut objects: Vec<String> = Vec::new();
    let mut walk = |path: &str| {
        let mut at = layout;
        let mut hops = path.split('.').peekable();
        while let Some(hop) = hops.next() {
            if hops.peek().is_none() {
                return;
            }
            let field = at.object.field(hop).filter(|field| field.kind == FieldKind::Reference);
            let target = field
                .and_then(|field| field.reference.as_ref())
                .and_then(|reference| schema.layout(&reference.object));
            let Some(target) = target else { return };
            if !objects.contains(&target.object.name) {
                objects.push(target.object.name.clone());
            }
            at = target;
        }
    };
    query.visit_paths(&mut walk);
    objects
}
