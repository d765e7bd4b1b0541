//! Texts that an index is over: as many bytes as an index of PostgreSQL takes, on every database, so that a record that one stores
//! is none that another refuses. Called where records are written, before the store is asked.

use crate::error::{DataError, FieldCode, FieldError, Result};
use crate::model::{FieldKind, IndexMethod};
use crate::record::Layout;
use crate::store::SqlValue;

/// Bytes of all texts of a record in one index at most. PostgreSQL takes 2,704 of an entry, and its own part of them.
const TEXT_BYTES_MAX: usize = 2_600;

/// Whether the indexes of the object take the values of a record, one for each column; only those over a column that changes are
/// looked at.
///
/// # Errors
/// `Invalid` with the text fields of the first index that does not.
pub(super) fn fits_indexes(layout: &Layout, values: &[SqlValue], changes: impl Fn(usize) -> bool) -> Result<()> {
    // A hash is short, and what a list holds has an entry for each element.
    let ordered = layout
        .object
        .indexes
        .iter()
        .filter(|index| index.method == IndexMethod::Btree);
    for index in ordered {
        let columns = || index.fields.iter().filter_map(|field| layout.column(field));
        let bytes = columns()
            .map(|column| values[column].as_text().map_or(0, str::len))
            .sum::<usize>();
        if bytes > TEXT_BYTES_MAX && columns().any(&changes) {
            return Err(too_long(layout, Some(&index.name)));
        }
    }
    Ok(())
}

/// The text fields of the index that a value is too long for; of all indexes when it is not known which.
pub(super) fn too_long(layout: &Layout, index: Option<&str>) -> DataError {
    let object = &layout.object;
    let named = |name: &str| index.is_none_or(|index| index == name);
    let mut errors: Vec<FieldError> = Vec::new();
    for name in object
        .indexes
        .iter()
        .filter(|index| named(&index.name))
        .flat_map(|index| &index.fields)
    {
        let field = object
            .field(name)
            .filter(|field| field.kind == FieldKind::Text && field.system.is_none());
        if let Some(field) = field.filter(|_| errors.iter().all(|error| error.field != *name)) {
            let message = format!(
                "{} is too long for the index that the field is part of: shorten it",
                field.label
            );
            errors.push(FieldError::new(name, FieldCode::MaxLength, message));
        }
    }
    if errors.is_empty() {
        let message = "a text is too long for an index of the object: shorten it";
        errors.push(FieldError::new("", FieldCode::MaxLength, message));
    }
    DataError::Invalid {
        object: object.name.clone(),
        errors,
    }
}
