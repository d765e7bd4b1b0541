//! How the value of a field comes into a record of the answer: as it is, through a mask, or opened where it is encrypted; the
//! hash of a password for the system alone. The plan says with what; values are opened when rows are written. Called by the
//! planning of a page.

use std::sync::Arc;

use super::{Columns, OutputValue, Parts};
use crate::error::Result;
use crate::model::{MaskModel, SystemField};
use crate::query::check::{Checker, Purpose, Resolved};
use crate::record::{Form, Layout};

/// How an encrypted value is opened.
#[derive(Debug)]
pub struct Opener {
    /// The object that it belongs to.
    pub layout: Arc<Layout>,
    /// Place of its field among the columns of the layout.
    pub column: usize,
    /// Place among the selected columns of the id of its record.
    pub id: usize,
    /// The field was asked for by its name: what cannot be opened fails the query.
    pub named: bool,
    /// Through what the caller sees it.
    pub mask: Option<Arc<MaskModel>>,
}

/// Where the value of a field comes from. `name`: as it was asked for, and whether it was at all.
pub(super) fn output(
    checker: &mut Checker<'_>,
    resolved: &Resolved<'_>,
    name: (&str, bool),
    place: usize,
    columns: &mut Columns,
    parts: &mut Parts,
) -> Result<OutputValue> {
    if let Some(opener) = opener(checker, resolved, name, columns)? {
        parts.openers.push(opener);
        return Ok(OutputValue::Opened(place, parts.openers.len() - 1));
    }
    // A part of a document is a value by itself.
    let form = resolved.form();
    Ok(match &resolved.field.mask {
        Some(mask) if resolved.masked => {
            parts.masks.push(Arc::clone(mask));
            OutputValue::Masked(place, form, parts.masks.len() - 1)
        }
        // By itself, so that it stands aside while handlers of a hook look at the answer.
        _ if checker.system && resolved.field.is_hashed() => OutputValue::Hash(place),
        _ if checker.system => OutputValue::Column(place, form.for_system()),
        _ => OutputValue::Column(place, form),
    })
}

/// What opens the value of an encrypted field, for whoever sees it open; it takes the id of its record.
fn opener(
    checker: &mut Checker<'_>,
    resolved: &Resolved<'_>,
    (name, named): (&str, bool),
    columns: &mut Columns,
) -> Result<Option<Opener>> {
    let form = Form::of(resolved.field);
    let form = if checker.system { form.for_system() } else { form };
    let column = resolved.layout.column(&resolved.field.name);
    let (Form::Opened, Some(column)) = (form, column) else {
        return Ok(None);
    };
    let id = match name.rsplit_once('.') {
        Some((relations, _)) => format!("{relations}.{}", SystemField::Id.name()),
        None => SystemField::Id.name().to_owned(),
    };
    let id = checker.field(&id, Purpose::Select)?.reference;
    Ok(Some(Opener {
        layout: Arc::clone(resolved.layout),
        column,
        id: columns.place(&id),
        named,
        mask: resolved.field.mask.clone().filter(|_| resolved.masked),
    }))
}
