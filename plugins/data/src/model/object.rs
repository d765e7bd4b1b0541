//! One object, ready for the engine.

use std::sync::Arc;

use indexmap::IndexMap;
use objectos_plugin_api::protocol::data::{Object, ObjectCapabilities, SharingModel};

use super::{Expression, FieldKind, FieldModel, IndexModel, RuleModel, SystemField};

/// An object.
#[derive(Clone, Debug)]
pub struct ObjectModel {
    /// Name, unique in the catalogue.
    pub name: String,
    /// Id of the app or plugin that declares it.
    pub package: String,
    /// Name of its table.
    pub table: String,
    /// The table's name before, by `renamedFrom`; only the schema planner looks at it.
    pub renamed_from: Option<String>,
    /// What people call one record.
    pub label: String,
    /// What people call several.
    pub plural_label: String,
    /// `id`, then the declared fields in their order, then the other system fields.
    pub fields: IndexMap<String, FieldModel>,
    /// Indexes, those of single fields included; names are unique in the whole catalogue.
    pub indexes: Vec<IndexModel>,
    /// How a record is called.
    pub title: TitleFormat,
    /// What the object can do; filled with the protocol's defaults.
    pub capabilities: ObjectCapabilities,
    /// Rules that records keep, the active ones, in their order.
    pub rules: Vec<RuleModel>,
    /// What a search is narrowed to when the request does not say: conditions over the record's own row, all of which hold.
    pub search_filters: Vec<Arc<Expression>>,
    /// Beginning of ids.
    pub key_prefix: Option<String>,
    /// Set with tenancy: every record belongs to a tenant.
    pub tenancy: Option<TenancyModel>,
    /// Set with soft delete: a deleted record is kept with a date.
    pub soft_delete: Option<SoftDeleteModel>,
    /// Set with versioning: earlier versions of records are kept.
    pub versioning: Option<VersioningModel>,
    /// Who sees records that nobody shared.
    pub sharing: Option<SharingModel>,
    /// May be used; an inactive object is neither read nor written.
    pub active: bool,
    /// Belongs to the platform: protected from removal, and only for the system unless permissions say otherwise.
    pub system: bool,
    /// Its changes are no events: `cdc.enabled: false`, which only a plugin may say of an object of its own, since audit and
    /// automation learn of changes by them.
    pub silent: bool,
    /// Has no table: other objects are described by it.
    pub is_abstract: bool,
    /// Some field is masked for some callers.
    pub has_masks: bool,
    /// The formula fields in an order in which each comes after those it reads.
    pub formula_order: Vec<String>,
    /// The protocol's form, defaults filled in.
    pub definition: Arc<Object>,
}

impl ObjectModel {
    /// A field by name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FieldModel> {
        self.fields.get(name)
    }

    /// The field that plays a system part.
    #[must_use]
    pub fn system_field(&self, part: SystemField) -> Option<&FieldModel> {
        match part {
            SystemField::Tenant => self.tenancy.as_ref().and_then(|tenancy| self.field(&tenancy.field)),
            SystemField::Version => self
                .versioning
                .as_ref()
                .and_then(|versioning| self.field(&versioning.field)),
            SystemField::DeletedAt => self.soft_delete.as_ref().and_then(|delete| self.field(&delete.field)),
            _ => self.field(part.name()),
        }
    }

    /// Fields with a column, in the order of the columns.
    pub fn stored_fields(&self) -> impl Iterator<Item = &FieldModel> {
        self.fields.values().filter(|field| field.stored())
    }

    /// The fields that point to other records.
    pub fn references(&self) -> impl Iterator<Item = &FieldModel> {
        self.fields.values().filter(|field| field.reference.is_some())
    }

    /// The master-detail field, when the records belong to others.
    #[must_use]
    pub fn master(&self) -> Option<&FieldModel> {
        self.references()
            .find(|field| field.reference.as_ref().is_some_and(|reference| reference.master))
    }

    /// The fields that text search reads.
    pub fn searchable_fields(&self) -> impl Iterator<Item = &FieldModel> {
        self.fields
            .values()
            .filter(|field| field.searchable && field.stored() && !field.is_secret())
    }

    /// The nearest name of a field to one that is not there.
    #[must_use]
    pub fn nearest_field(&self, name: &str) -> Option<&str> {
        super::nearest(name, self.fields.keys().map(String::as_str))
    }

    /// True when reading a record needs more than its own columns.
    #[must_use]
    pub fn has_summaries(&self) -> bool {
        self.fields.values().any(|field| field.kind == FieldKind::Summary)
    }
}

/// Every record belongs to a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenancyModel {
    /// Name of the field with the tenant's id.
    pub field: String,
    /// Principals with the permission for it may look across tenants.
    pub cross_tenant_access: bool,
}

/// A deleted record is kept with a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftDeleteModel {
    /// Name of the field with the date.
    pub field: String,
    /// Child records go the same way.
    pub cascade: bool,
}

/// Earlier versions of records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersioningModel {
    /// Name of the field with the number of the version.
    pub field: String,
    /// Only what changed is kept.
    pub delta: bool,
    /// Days that a version is kept; for ever when nothing is said.
    pub retention_days: Option<i64>,
}

/// How a record is called: a pattern such as `{first_name} {last_name}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TitleFormat {
    /// Pieces in their order.
    pub parts: Vec<TitlePart>,
}

/// A piece of a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TitlePart {
    /// As it is.
    Literal(String),
    /// Value of a field; a path of two names leads over a reference.
    Field(Vec<String>),
}
