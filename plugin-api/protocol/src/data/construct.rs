//! Shorthands to build and read definitions in Rust.

use indexmap::IndexMap;

use crate::data::{DeleteBehavior, Field, FieldType, Index, IndexType, Object, Query, SelectOption};

impl Object {
    /// An object without fields, everything else as the protocol's defaults say.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: None,
            plural_label: None,
            description: None,
            icon: None,
            tags: None,
            active: true,
            is_system: false,
            is_abstract: false,
            datasource: "default".to_owned(),
            table_name: None,
            fields: IndexMap::new(),
            indexes: None,
            tenancy: None,
            soft_delete: None,
            versioning: None,
            partitioning: None,
            cdc: None,
            validations: None,
            state_machines: None,
            title_format: None,
            compact_layout: None,
            search: None,
            enable: None,
            record_types: None,
            sharing_model: None,
            key_prefix: None,
        }
    }

    /// Adds a field and hands the object back.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, field: Field) -> Self {
        self.fields.insert(name.into(), field);
        self
    }
}

impl Field {
    /// A field of a type, everything else as the protocol's defaults say.
    #[must_use]
    pub fn new(kind: FieldType) -> Self {
        Self {
            name: None,
            label: None,
            kind,
            description: None,
            format: None,
            required: false,
            searchable: false,
            multiple: false,
            unique: false,
            default_value: None,
            max_length: None,
            min_length: None,
            precision: None,
            scale: None,
            min: None,
            max: None,
            options: None,
            reference: None,
            reference_filters: None,
            write_requires_master_read: None,
            delete_behavior: DeleteBehavior::SetNull,
            expression: None,
            summary_operations: None,
            language: None,
            theme: None,
            line_numbers: None,
            max_rating: None,
            allow_half: None,
            display_map: None,
            allow_geocoding: None,
            address_format: None,
            color_format: None,
            allow_alpha: None,
            preset_colors: None,
            step: None,
            show_value: None,
            marks: None,
            barcode_format: None,
            qr_error_correction: None,
            display_value: None,
            allow_scanning: None,
            currency_config: None,
            vector_config: None,
            file_attachment_config: None,
            encryption_config: None,
            masking_rule: None,
            audit_trail: false,
            dependencies: None,
            cached: None,
            data_quality: None,
            hidden: false,
            readonly: false,
            sortable: true,
            inline_help_text: None,
            track_feed_history: None,
            case_sensitive: None,
            autonumber_format: None,
            index: false,
            external_id: false,
        }
    }

    /// A lookup to another object.
    #[must_use]
    pub fn lookup(object: impl Into<String>) -> Self {
        Self {
            reference: Some(object.into()),
            ..Self::new(FieldType::Lookup)
        }
    }

    /// A required field of the type.
    #[must_use]
    pub fn required(kind: FieldType) -> Self {
        Self {
            required: true,
            ..Self::new(kind)
        }
    }
}

impl FieldType {
    /// Whether the field refers to another record.
    #[must_use]
    pub const fn is_reference(self) -> bool {
        matches!(self, Self::Lookup | Self::MasterDetail | Self::Tree)
    }

    /// Whether the value is computed when read and never stored.
    #[must_use]
    pub const fn is_computed(self) -> bool {
        matches!(self, Self::Formula | Self::Summary)
    }

    /// Whether the value is one of the field's options.
    #[must_use]
    pub const fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::Multiselect | Self::Radio | Self::Checkboxes)
    }

    /// Whether the value is a list whatever `multiple` says.
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Multiselect | Self::Checkboxes | Self::Tags)
    }

    /// Whether the value is a number.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Number | Self::Currency | Self::Percent | Self::Rating | Self::Slider | Self::Progress
        )
    }
}

impl SelectOption {
    /// An option with its stored value and what is shown for it.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            color: None,
            default: None,
        }
    }
}

impl Index {
    /// A plain index over fields.
    #[must_use]
    pub fn new<T: Into<String>>(fields: impl IntoIterator<Item = T>) -> Self {
        Self {
            name: None,
            fields: fields.into_iter().map(Into::into).collect(),
            kind: IndexType::Btree,
            unique: false,
            partial: None,
        }
    }
}

impl Query {
    /// Everything of an object.
    #[must_use]
    pub fn new(object: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            fields: None,
            filter: None,
            search: None,
            order_by: None,
            limit: None,
            offset: None,
            top: None,
            cursor: None,
            joins: None,
            aggregations: None,
            group_by: None,
            having: None,
            window_functions: None,
            distinct: None,
            expand: None,
        }
    }
}
