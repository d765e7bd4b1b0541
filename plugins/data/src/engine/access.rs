//! Asks what the caller may do, and puts the tenant's border around it.

use std::sync::Arc;

use objectos_plugin_api::contracts::permissions::{Holdings, Operation};
use objectos_plugin_api::protocol::data::ApiMethod;
use objectos_plugin_api::{Context, ErrorKind};
use serde_json::Value;

use super::Engine;
use super::caller::Caller;
use super::draft::Draft;
use super::find::Search;
use super::get::not_found;
use super::paths::follow;
use crate::access::{Access, Plan, Refusal, View, Views, verb};
use crate::error::{DataError, Result};
use crate::model::{FieldModel, MaskModel, ObjectModel, TitlePart, nearest};
use crate::query::select::TITLE;
use crate::query::{QueryInput, RawFilter};
use crate::record::{Layout, Schema};

/// The system permission of those who may look across tenants, where an object lets them (`crossTenantAccess`).
const CROSS_TENANT_ACCESS: &str = "cross_tenant_access";

/// What the caller may do in one operation on one object.
#[derive(Clone, Debug)]
pub(super) struct Granted {
    /// Acts as the system: masks and switches of the API do not apply.
    pub(super) system: bool,
    /// What it may see; `None` is everything.
    pub(super) view: Option<Arc<View>>,
    /// What the permissions say of writing; none where nobody limits it.
    plan: Option<Arc<Plan>>,
}

impl Granted {
    /// `crossing`: the border of the tenant is open to the caller.
    fn from(access: Access, object: &ObjectModel, context: &Context, crossing: bool) -> Self {
        let tenant = tenant_filter(&access, object, context).filter(|_| !crossing);
        match access {
            Access::System => Self::system(),
            Access::Everything => Self {
                system: false,
                view: tenant.map(|filter| {
                    Arc::new(View {
                        filters: vec![filter],
                        ..View::all()
                    })
                }),
                plan: None,
            },
            Access::Planned(plan) => Self {
                system: false,
                view: masking(
                    if crossing {
                        (!plan.view.is_all()).then(|| Arc::clone(&plan.view))
                    } else {
                        plan.view_within(tenant)
                    },
                    masked_fields(object, context, plan.holdings.as_deref()),
                ),
                plan: Some(plan),
            },
        }
    }

    /// Everything.
    pub(super) const fn system() -> Self {
        Self {
            system: true,
            view: None,
            plan: None,
        }
    }

    /// Whether every record and every field may be seen.
    pub(super) fn sees_all(&self) -> bool {
        self.view.is_none()
    }

    /// Whether the permissions planned what may be seen and written.
    pub(super) fn planned(&self) -> bool {
        self.plan.is_some()
    }

    /// Whether a field may be seen.
    pub(super) fn reads(&self, field: &str) -> bool {
        self.view.as_deref().is_none_or(|view| view.reads(field))
    }

    /// Whether the values of a field are seen as they are: it may be seen, and no mask is on it.
    pub(super) fn knows(&self, field: &str) -> bool {
        let plain = |view: &View| view.reads(field) && !view.masks(field);
        self.view.as_deref().is_none_or(plain)
    }

    /// The name of a field that may be seen and is spelt most like this one.
    pub(super) fn nearest_field<'o>(&self, object: &'o ObjectModel, name: &str) -> Option<&'o str> {
        let fields = object.fields.keys().map(String::as_str);
        nearest(name, fields.filter(|field| self.reads(field)))
    }

    /// Whether a field may be written.
    pub(super) fn writes(&self, field: &str) -> bool {
        self.plan.as_deref().is_none_or(|plan| plan.writable.has(field))
    }

    /// What the permissions say that the caller holds, where they say it.
    pub(super) fn holdings(&self) -> Option<&Arc<Holdings>> {
        self.plan.as_deref().and_then(|plan| plan.holdings.as_ref())
    }

    /// What a written record must be like.
    pub(super) fn check(&self) -> Option<&RawFilter> {
        self.plan.as_deref().and_then(|plan| plan.check.as_ref())
    }

    /// The same fields of whatever record: for one that the caller has just written.
    pub(super) fn of_any_record(&self) -> Self {
        Self {
            view: self.view.as_deref().map(|view| {
                Arc::new(View {
                    filters: Vec::new(),
                    ..view.clone()
                })
            }),
            ..self.clone()
        }
    }
}

/// What may be seen, with the masks that the object's fields put on for this caller.
fn masking(view: Option<Arc<View>>, masked: Vec<String>) -> Option<Arc<View>> {
    if masked.is_empty() {
        return view;
    }
    let mut view = view.map_or_else(View::all, |view| View::clone(&view));
    view.masked = masked;
    Some(Arc::new(view))
}

/// The fields of which somebody sees only a mask, by the roles that the permissions know, else by those of the session. Who
/// cannot be read as a principal sees none of them.
fn masked_fields(object: &ObjectModel, context: &Context, holdings: Option<&Holdings>) -> Vec<String> {
    if !object.has_masks {
        return Vec::new();
    }
    let roles = match holdings {
        Some(holdings) => Some(holdings.roles.clone()),
        None => context.principal().ok().flatten().map(|principal| principal.roles),
    };
    let hidden = |field: &&FieldModel| {
        let hides = |mask: &MaskModel| roles.as_ref().is_none_or(|roles| mask.hides_from(roles));
        field.mask.as_deref().is_some_and(hides)
    };
    object
        .fields
        .values()
        .filter(hidden)
        .map(|field| field.name.clone())
        .collect()
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
        let object = layout.object.name.as_str();
        let access = match self.parts.permissions.at_once(context, object, operation) {
            Some(access) => access?,
            None => self.parts.permissions.ask(context, object, operation).await?,
        };
        let crossing = self.crosses_tenants(context, &layout.object).await?;
        Ok(Granted::from(access, &layout.object, context, crossing))
    }

    /// What the caller may see of an object; `None` is nothing. A read that may hold connections asks by `readable`.
    ///
    /// # Errors
    /// Those of access but for a refusal.
    pub(super) async fn granted_read(&self, context: &Context, layout: &Layout) -> Result<Option<Granted>> {
        match self.granted(context, layout, Operation::Read).await {
            Ok(granted) => Ok(Some(granted)),
            // Whether the caller may not, or the plugin that asks for it.
            Err(error) if error.kind() == ErrorKind::Denied => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same as `granted` for whoever asks in a request, which knows from then on what its caller holds.
    pub(super) async fn granted_to(
        &self,
        caller: &Caller<'_>,
        layout: &Layout,
        operation: Operation,
    ) -> Result<Granted> {
        let granted = self.granted(caller.context, layout, operation).await?;
        caller.learn(&granted);
        Ok(granted)
    }

    /// Whether the object lets some callers look across tenants, and this is one of them.
    async fn crosses_tenants(&self, context: &Context, object: &ObjectModel) -> Result<bool> {
        let open = object
            .tenancy
            .as_ref()
            .is_some_and(|tenancy| tenancy.cross_tenant_access);
        if !open || context.system() {
            return Ok(false);
        }
        self.parts.permissions.holds(context, CROSS_TENANT_ACCESS).await
    }

    /// Tells of a refusal, before the caller is told. What is hidden is answered as missing and is no refusal.
    pub(super) async fn tell_refusal(&self, context: &Context, error: &DataError) {
        let (object, operation, record) = match error {
            DataError::Denied { object, operation } | DataError::CheckFailed { object, operation } => {
                (object, *operation, None)
            }
            DataError::RecordDenied { object, id, operation } => (object, *operation, Some(id.as_str())),
            DataError::FieldsDenied { object, .. } => (object, "write fields of", None),
            _ => return,
        };
        let message = error.to_string();
        let refusal = Refusal {
            object,
            operation,
            record,
            code: error.code(),
            message: &message,
        };
        self.parts.permissions.refused(context, refusal).await;
    }

    /// The answer, when its refusal was told of.
    pub(super) async fn told<T>(&self, context: &Context, answer: Result<T>) -> Result<T> {
        if let Err(error) = &answer {
            self.tell_refusal(context, error).await;
        }
        answer
    }

    /// The error for a record that the operation did not find: one that the caller can read is refused by name, any other is
    /// answered as missing.
    pub(super) async fn unreachable_record(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        id: &str,
        operation: Operation,
    ) -> DataError {
        let context = draft.caller.context;
        let missing = not_found(&layout.object.name, id);
        let readable = match self.granted(context, layout, Operation::Read).await {
            Ok(granted) => self.read_visible(draft, layout, &granted, id).await,
            Err(DataError::Denied { .. }) => return missing,
            Err(error) => Err(error),
        };
        match readable {
            Ok(None) => return missing,
            Ok(Some(_)) => {}
            Err(error) => return error,
        }
        // One that the operation finds now was made since it looked: it was missing then, and nobody is refused.
        if let Ok(granted) = self.granted(context, layout, operation).await
            && let Ok(Some(_)) = self.read_visible(draft, layout, &granted, id).await
        {
            return missing;
        }
        DataError::RecordDenied {
            object: layout.object.name.clone(),
            id: id.to_owned(),
            operation: verb(operation),
        }
    }

    /// What may be read of the object itself and of every object that the query leads to. `None`: everything of all of them.
    pub(super) async fn views_of(&self, search: &Search<'_>, query: &QueryInput) -> Result<Option<Views>> {
        let granted = search.granted;
        if granted.system {
            return Ok(None);
        }
        let mut views = Views::default();
        let own = granted.view.clone().unwrap_or_else(|| Arc::new(View::all()));
        let mut restricted = granted.view.is_some();
        views.insert(&search.layout.object.name, own);
        for object in touched(search.schema, search.layout, query) {
            if views.has(&object) {
                continue;
            }
            let view = self.view_of(search.caller, search.schema, &object).await?;
            restricted |= !view.is_all();
            views.insert(&object, view);
        }
        Ok(restricted.then_some(views))
    }

    /// What may be read of an object; of one that may not be read at all, nothing.
    pub(super) async fn view_of(&self, caller: &Caller<'_>, schema: &Schema, object: &str) -> Result<Arc<View>> {
        let Some(layout) = schema.layout(object) else {
            return Ok(Arc::new(View::nothing()));
        };
        Ok(match self.readable(caller, layout).await? {
            Some(granted) => granted.view.unwrap_or_else(|| Arc::new(View::all())),
            None => Arc::new(View::nothing()),
        })
    }
}

/// The objects that the query leads to by its paths, and those whose records computed fields of any of them read.
pub(super) fn touched(schema: &Schema, layout: &Arc<Layout>, query: &QueryInput) -> Vec<String> {
    let mut objects = related_objects(schema, layout, query);
    add_reached(schema, &layout.object.name, &mut objects);
    let mut index = 0;
    while let Some(object) = objects.get(index).cloned() {
        add_reached(schema, &object, &mut objects);
        index += 1;
    }
    objects
}

/// Adds the objects that the computed fields of another one read.
fn add_reached(schema: &Schema, object: &str, objects: &mut Vec<String>) {
    for reached in schema.reached(object) {
        if !objects.contains(reached) {
            objects.push(reached.clone());
        }
    }
}

/// The objects behind the dots of the query's paths, references and children alike; a title leads where its parts do.
fn related_objects(schema: &Schema, layout: &Arc<Layout>, query: &QueryInput) -> Vec<String> {
    let mut objects: Vec<String> = Vec::new();
    query.visit_paths(&mut |path| {
        let mut add = |target: &Arc<Layout>, _: ApiMethod| {
            if !objects.contains(&target.object.name) {
                objects.push(target.object.name.clone());
            }
        };
        let Some((titled, TITLE)) = follow(schema, layout, path, &mut add) else {
            return;
        };
        for part in &titled.object.title.parts {
            if let TitlePart::Field(names) = part {
                follow(schema, titled, &names.join("."), &mut add);
            }
        }
    });
    objects
}
