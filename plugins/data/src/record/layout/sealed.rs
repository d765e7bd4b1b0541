//! Encrypted fields of a layout: where a value belongs, and what it is to be decrypted with.

use super::Layout;
use crate::error::{DataError, Result};
use crate::model::FieldModel;
use crate::record::Form;
use crate::store::SqlValue;
use crate::vault::{Spot, Unopened};

impl Layout {
    /// Whether a field of the object is encrypted.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        self.columns.iter().any(|column| column.form.is_encrypted())
    }

    /// Encrypts a value of a field of a record.
    ///
    /// # Errors
    /// Those of [`crate::vault::Vault::seal`].
    pub fn seal(&self, field: &FieldModel, id: &str, text: &str) -> Result<String> {
        self.vault.seal(self.spot(field, id), text)
    }

    /// Decrypts a stored value of a field of a record.
    ///
    /// # Errors
    /// `SecretUnreadable` with why.
    pub fn open(&self, field: &FieldModel, id: &str, stored: &str) -> Result<String> {
        self.opened(field, id, stored)
            .map_err(|reason| DataError::SecretUnreadable {
                object: self.object.name.clone(),
                field: field.name.clone(),
                id: id.to_owned(),
                reason,
            })
    }

    /// The same, with the bare reason. What was encrypted before object or field was renamed belongs to the names before.
    pub(crate) fn opened(&self, field: &FieldModel, id: &str, stored: &str) -> Result<String, Unopened> {
        let spot = self.spot(field, id);
        let opened = self.vault.open(spot, stored);
        if !matches!(opened, Err(Unopened::Broken(_))) {
            return opened;
        }
        for object in std::iter::once(spot.object).chain(self.object.renamed_from.as_deref()) {
            for field in std::iter::once(spot.field).chain(field.renamed_from.as_deref()) {
                let before = Spot { object, field, id };
                if let (true, Ok(text)) = (before != spot, self.vault.open(before, stored)) {
                    return Ok(text);
                }
            }
        }
        opened
    }

    /// Whether a stored value is encrypted with the key that encrypts now, under the names of now.
    pub(crate) fn is_current(&self, field: &FieldModel, id: &str, stored: &str) -> bool {
        self.vault.is_current(stored) && self.vault.open(self.spot(field, id), stored).is_ok()
    }

    /// The text of a column that everybody who may read it sees decrypted; none for other columns, for nothing, and for what
    /// cannot be decrypted.
    #[must_use]
    pub fn clear(&self, column: usize, values: &[SqlValue]) -> Option<SqlValue> {
        if self.columns[column].form != Form::Opened {
            return None;
        }
        let stored = values[column].as_text()?;
        let id = values[0].as_text()?;
        self.opened(self.field(column), id, stored).ok().map(SqlValue::Text)
    }

    fn spot<'a>(&'a self, field: &'a FieldModel, id: &'a str) -> Spot<'a> {
        Spot {
            object: &self.object.name,
            field: &field.name,
            id,
        }
    }
}
