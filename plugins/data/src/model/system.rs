//! The fields that every object has without declaring them.

/// A field that the engine fills and no client writes (but for `id` on create and `owner_id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemField {
    /// `id`: primary key, text; made by the engine unless the client brings one.
    Id,
    /// `created_at`: datetime.
    CreatedAt,
    /// `updated_at`: datetime; also the version that optimistic locking compares.
    UpdatedAt,
    /// `created_by`: id of a principal.
    CreatedBy,
    /// `updated_by`: id of a principal.
    UpdatedBy,
    /// `owner_id`: id of a principal; the creator until somebody else is named.
    OwnerId,
    /// `organization_id`, or what `tenancy.tenantField` says: id of the tenant. Only with tenancy.
    Tenant,
    /// `version`, or what `versioning.versionField` says: grows by one with every change. Only with versioning.
    Version,
    /// `deleted_at`, or what `softDelete.field` says: datetime. Only with soft delete.
    DeletedAt,
}

impl SystemField {
    /// Those that every object has, in the order of their columns; `id` stands before the declared fields, the others after.
    pub const ALWAYS: [Self; 6] = [
        Self::Id,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::CreatedBy,
        Self::UpdatedBy,
        Self::OwnerId,
    ];

    /// Its name where the object does not say another.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::CreatedBy => "created_by",
            Self::UpdatedBy => "updated_by",
            Self::OwnerId => "owner_id",
            Self::Tenant => "organization_id",
            Self::Version => "version",
            Self::DeletedAt => "deleted_at",
        }
    }

    /// A label for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Id => "Id",
            Self::CreatedAt => "Created at",
            Self::UpdatedAt => "Updated at",
            Self::CreatedBy => "Created by",
            Self::UpdatedBy => "Updated by",
            Self::OwnerId => "Owner",
            Self::Tenant => "Organization",
            Self::Version => "Version",
            Self::DeletedAt => "Deleted at",
        }
    }
}
