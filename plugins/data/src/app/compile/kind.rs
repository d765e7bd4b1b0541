//! How the protocol's 44 types of fields group into kinds and columns. What apps write in the words of an earlier or later version
//! (`secret`, `composite`) is one of them by then.

use objectos_plugin_api::protocol::data::{Field, FieldType, Object};

use crate::model::{ColumnType, FieldKind};

/// The kind of a field.
pub(super) fn kind_of(field: &Field) -> FieldKind {
    use FieldType as T;
    match field.kind {
        T::Select | T::Radio if field.multiple => FieldKind::List,
        T::Lookup if field.multiple => FieldKind::References,
        T::Text
        | T::Textarea
        | T::Email
        | T::Url
        | T::Phone
        | T::Password
        | T::Markdown
        | T::Html
        | T::Richtext
        | T::Code
        | T::Color
        | T::Signature
        | T::Qrcode => FieldKind::Text,
        T::Number | T::Currency | T::Percent | T::Rating | T::Slider | T::Progress => FieldKind::Number,
        T::Date => FieldKind::Date,
        T::Datetime => FieldKind::DateTime,
        T::Time => FieldKind::Time,
        T::Boolean | T::Toggle => FieldKind::Boolean,
        T::Select | T::Radio => FieldKind::Choice,
        T::Multiselect | T::Checkboxes | T::Tags => FieldKind::List,
        T::Lookup | T::MasterDetail | T::Tree => FieldKind::Reference,
        T::Image | T::File | T::Avatar | T::Video | T::Audio => FieldKind::File,
        T::Formula => FieldKind::Formula,
        T::Summary => FieldKind::Summary,
        T::Autonumber => FieldKind::Autonumber,
        T::Location => FieldKind::Location,
        T::Address => FieldKind::Address,
        T::Json => FieldKind::Json,
        T::Vector => FieldKind::Vector,
    }
}

/// Whether values of a field are encrypted in the store.
pub(super) fn is_encrypted(field: &Field) -> bool {
    field.encryption_config.as_ref().is_some_and(|config| config.enabled)
}

/// Whether nobody may find records by a field or compute with it: passwords, and what is encrypted.
pub(super) fn is_secret(field: &Field) -> bool {
    field.kind == FieldType::Password || is_encrypted(field)
}

/// Whether `multiple` means something for a type; the types that are lists anyway count.
pub(super) fn takes_multiple(kind: FieldType) -> bool {
    use FieldType as T;
    matches!(
        kind,
        T::Select
            | T::Radio
            | T::Multiselect
            | T::Checkboxes
            | T::Tags
            | T::Lookup
            | T::Image
            | T::File
            | T::Video
            | T::Audio
    )
}

/// How values are stored; none for what is computed on read.
pub(super) fn column_of(field: &Field) -> Option<ColumnType> {
    Some(match kind_of(field) {
        FieldKind::Text | FieldKind::Choice | FieldKind::Reference | FieldKind::Autonumber => ColumnType::Text,
        FieldKind::Number => match field.kind {
            FieldType::Currency => ColumnType::Decimal,
            FieldType::Rating if field.allow_half != Some(true) => ColumnType::Integer,
            _ if field
                .scale
                .and_then(objectos_plugin_api::protocol::shared::Number::as_u64)
                == Some(0) =>
            {
                ColumnType::Integer
            }
            _ => ColumnType::Number,
        },
        FieldKind::Boolean => ColumnType::Boolean,
        FieldKind::Date => ColumnType::Date,
        FieldKind::DateTime => ColumnType::DateTime,
        FieldKind::Time => ColumnType::Time,
        FieldKind::List
        | FieldKind::References
        | FieldKind::File
        | FieldKind::Location
        | FieldKind::Address
        | FieldKind::Json
        | FieldKind::Vector => ColumnType::Json,
        FieldKind::Formula | FieldKind::Summary => return None,
    })
}

/// Name of the object that a field points to: a tree without `reference` points to its own.
pub(super) fn target_of<'a>(object: &'a Object, field: &'a Field) -> Option<&'a str> {
    let own = (field.kind == FieldType::Tree).then_some(object.name.as_str());
    matches!(kind_of(field), FieldKind::Reference | FieldKind::References)
        .then(|| field.reference.as_deref().or(own))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As [`FieldKind`] lists them.
    const TYPES: [(FieldKind, &str); 17] = [
        (
            FieldKind::Text,
            "text textarea email url phone password markdown html richtext code color signature qrcode",
        ),
        (FieldKind::Number, "number currency percent rating slider progress"),
        (FieldKind::Boolean, "boolean toggle"),
        (FieldKind::Date, "date"),
        (FieldKind::DateTime, "datetime"),
        (FieldKind::Time, "time"),
        (FieldKind::Choice, "select radio"),
        (FieldKind::List, "multiselect checkboxes tags"),
        (FieldKind::Reference, "lookup master_detail tree"),
        (FieldKind::File, "image file avatar video audio"),
        (FieldKind::Location, "location"),
        (FieldKind::Address, "address"),
        (FieldKind::Json, "json"),
        (FieldKind::Vector, "vector"),
        (FieldKind::Formula, "formula"),
        (FieldKind::Summary, "summary"),
        (FieldKind::Autonumber, "autonumber"),
    ];

    #[test]
    fn every_type_of_the_protocol_has_its_kind() {
        let mut listed = Vec::new();
        for (kind, names) in TYPES {
            listed.extend(names.split(' ').map(|name| (name, kind)));
        }
        for (name, kind) in &listed {
            let declared: FieldType = name.parse().unwrap();
            assert_eq!(kind_of(&Field::new(declared)), *kind, "{name}");
        }
        let mut names: Vec<&str> = listed.iter().map(|(name, _)| *name).collect();
        let mut protocol = FieldType::NAMES.to_vec();
        names.sort_unstable();
        protocol.sort_unstable();
        assert_eq!(names, protocol);
        assert_eq!(protocol.len(), 44, "said here and at `FieldKind`");
    }
}
