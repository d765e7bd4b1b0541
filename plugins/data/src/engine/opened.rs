//! Encrypted values in answers: opened for whoever may read them, and hidden where they cannot be.

use serde_json::Value;

use crate::error::{DataError, Result};
use crate::model::{FieldModel, MaskModel};
use crate::record::mask::masked;
use crate::record::{Layout, SECRET_MASK, write_text};
use crate::store::Cell;

/// An encrypted value in its place.
#[derive(Clone, Copy)]
pub(super) struct Encrypted<'a> {
    pub(super) layout: &'a Layout,
    pub(super) field: &'a FieldModel,
    /// Id of the record.
    pub(super) id: Cell<'a>,
    /// As it is stored.
    pub(super) cell: Cell<'a>,
}

impl Encrypted<'_> {
    /// Its text; nothing for nothing.
    ///
    /// Fails with `SecretUnreadable`.
    pub(super) fn text(&self) -> Result<Option<String>> {
        let Some(stored) = self.cell.as_text() else {
            return Ok(None);
        };
        let id = self.id.as_text().unwrap_or_default();
        self.layout.open(self.field, id, stored).map(Some)
    }

    /// Writes its text, through a mask for whom there is one.
    ///
    /// Fails with `SecretUnreadable` when it cannot be opened; nothing is written then.
    pub(super) fn write(&self, out: &mut Vec<u8>, mask: Option<&MaskModel>) -> Result<()> {
        match (self.text()?, mask) {
            (None, _) => out.extend_from_slice(b"null"),
            (Some(text), None) => write_text(out, &text),
            (Some(text), Some(mask)) => {
                // A `Value` can always be written.
                let _ = serde_json::to_writer(out, &masked(mask, &Value::String(text)));
            }
        }
        Ok(())
    }

    /// Writes it among fields that nobody asked for by name: what cannot be opened stands there as a secret that is not told,
    /// so that the others can be read.
    pub(super) fn write_unasked(&self, out: &mut Vec<u8>, mask: Option<&MaskModel>) {
        if let Err(error) = self.write(out, mask) {
            hide(out, &error);
        }
    }
}

/// The mask in the place of what cannot be opened. The operator learns of it.
pub(super) fn hide(out: &mut Vec<u8>, error: &DataError) {
    tracing::error!("an encrypted value is told to nobody: {error}");
    write_text(out, SECRET_MASK);
}
