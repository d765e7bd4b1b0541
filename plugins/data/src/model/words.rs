//! Which fields of an object text search reads.

use objectos_plugin_api::protocol::data::{FieldType, IndexType};

use super::{ColumnType, FieldKind, FieldModel, ObjectModel};

impl ObjectModel {
    /// The fields that are declared for text search, in the order of the object: `searchable`, in an index of type `fulltext`, or
    /// named by `search`. They have a text index in databases that can make one.
    #[must_use]
    pub fn text_fields(&self) -> Vec<String> {
        if !self.capabilities.searchable {
            return Vec::new();
        }
        let indexes = self.definition.indexes.iter().flatten();
        let full_text = indexes.filter(|index| index.kind == IndexType::Fulltext);
        let mut named: Vec<&String> = full_text.flat_map(|index| &index.fields).collect();
        named.extend(self.definition.search.iter().flat_map(|search| &search.fields));
        let wanted = |field: &&FieldModel| is_text(field) && (field.searchable || named.contains(&&field.name));
        let fields = self.fields.values().filter(wanted);
        fields.map(|field| field.name.clone()).collect()
    }

    /// The fields that text search reads when nobody says which: those that are declared, else the object's short texts.
    #[must_use]
    pub fn search_fields(&self) -> Vec<String> {
        let declared = self.text_fields();
        if !declared.is_empty() || !self.capabilities.searchable {
            return declared;
        }
        let fields = self.fields.values().filter(|field| is_name_like(field));
        fields.map(|field| field.name.clone()).collect()
    }
}

/// Holds words that people wrote.
fn is_text(field: &FieldModel) -> bool {
    field.column == Some(ColumnType::Text)
        && matches!(field.kind, FieldKind::Text | FieldKind::Choice | FieldKind::Autonumber)
        && !field.is_secret()
}

/// What is searched where an object declares nothing: its texts, but none that holds a secret.
fn is_name_like(field: &FieldModel) -> bool {
    field.system.is_none()
        && field.column == Some(ColumnType::Text)
        && !field.is_secret()
        && matches!(
            field.field_type,
            FieldType::Text
                | FieldType::Textarea
                | FieldType::Email
                | FieldType::Phone
                | FieldType::Url
                | FieldType::Autonumber
        )
}
