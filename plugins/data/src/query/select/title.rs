//! The title of a record as a part of an answer: what `titleFormat` says, made of what the caller may read. What it may not is
//! left out, and what it sees masked stands there masked. A title is no field: nothing is filtered or ordered by it.
//!
//! Here is which values it takes; the text is made when rows are written. Called while a page is planned, for whoever names
//! `_title`.

use std::sync::Arc;

use super::{Columns, OutputValue, Parts, formulas};
use crate::error::{DataError, Result};
use crate::model::{FieldKind, MaskModel, ObjectModel, SystemField, TitlePart};
use crate::query::check::{Checker, Purpose};
use crate::record::Form;

/// How a record is called: `_title`, and `account._title` of the record that a reference points to. No field has this name.
pub const TITLE: &str = "_title";

/// A title of each record.
#[derive(Debug)]
pub struct Title {
    /// In their order.
    pub pieces: Vec<TitlePiece>,
    /// Where the id of the record is selected: it stands for a title without any text, and without one there is no record.
    pub id: usize,
}

/// A piece of a title.
#[derive(Debug)]
pub enum TitlePiece {
    /// As it is.
    Literal(String),
    /// A selected column.
    Column(usize, Form),
    /// A selected column, seen through a mask.
    Masked(usize, Form, Arc<MaskModel>),
    /// A calculation of the plan.
    Formula(usize),
}

/// Whether a name of an answer is that of a title.
pub(super) fn is_title(name: &str) -> bool {
    name.strip_suffix(TITLE)
        .is_some_and(|way| way.is_empty() || way.ends_with('.'))
}

/// The formulas of the object that its own title reads.
pub(super) fn own_formulas(object: &ObjectModel) -> impl Iterator<Item = String> {
    object.title.parts.iter().filter_map(move |part| match part {
        TitlePart::Field(names) if names.len() == 1 && is_formula(object, &names[0]) => Some(names[0].clone()),
        _ => None,
    })
}

fn is_formula(object: &ObjectModel, name: &str) -> bool {
    object.field(name).is_some_and(|field| field.kind == FieldKind::Formula)
}

/// Plans the titles that were asked for, each with its place among the outputs. The formulas of the object are planned.
///
/// # Errors
/// `UnknownFields` where the way to a record leads nowhere; those of [`Checker::field`] that are not about what may be read.
pub(super) fn titles(
    checker: &mut Checker<'_>,
    wanted: &[(usize, String)],
    columns: &mut Columns,
    parts: &mut Parts,
) -> Result<()> {
    for (output, name) in wanted {
        let way = name.rsplit_once('.').map_or("", |(way, _)| way);
        let resolved = checker.field(&joined(way, SystemField::Id.name()), Purpose::Select)?;
        let object = Arc::clone(&resolved.layout.object);
        let id = columns.place(&resolved.reference);
        let mut pieces = Vec::with_capacity(object.title.parts.len());
        for part in &object.title.parts {
            match part {
                TitlePart::Literal(text) => pieces.push(TitlePiece::Literal(text.clone())),
                TitlePart::Field(names) => {
                    pieces.extend(piece(checker, &joined(way, &names.join(".")), columns, parts)?);
                }
            }
        }
        parts.titles.push(Title { pieces, id });
        parts.outputs[*output].value = OutputValue::Title(parts.titles.len() - 1);
    }
    Ok(())
}

fn joined(way: &str, name: &str) -> String {
    match way {
        "" => name.to_owned(),
        way => format!("{way}.{name}"),
    }
}

/// What a path brings into a title; nothing for what the caller may not read, and for what lies in another database.
fn piece(
    checker: &mut Checker<'_>,
    path: &str,
    columns: &mut Columns,
    parts: &mut Parts,
) -> Result<Option<TitlePiece>> {
    let root = checker.root_layout();
    if is_formula(&root.object, path) {
        // It may be planned for another one that reads it.
        return Ok(planned(parts, path).filter(|_| !checker.blind(root, [path])));
    }
    let joins = checker.scope.joins.len();
    // Nothing has to be put into the statement that is only answered.
    let evaluates = std::mem::take(&mut checker.evaluates);
    let resolved = checker.field(path, Purpose::Select);
    checker.evaluates = evaluates;
    match resolved {
        Ok(resolved) => {
            let (place, form) = (columns.place(&resolved.reference), resolved.form());
            let mask = resolved.field.mask.as_ref().filter(|_| resolved.masked);
            return Ok(Some(match mask {
                Some(mask) => TitlePiece::Masked(place, form, Arc::clone(mask)),
                None => TitlePiece::Column(place, form),
            }));
        }
        Err(DataError::NotSupported { .. }) => checker.scope.joins.truncate(joins),
        Err(error) => return left_out(error),
    }
    match formulas::input(checker, ((0, root), ""), path, columns, &mut parts.formulas) {
        Ok(Some((_, place, form))) => Ok(Some(TitlePiece::Column(place, form))),
        Ok(None) => Ok(planned(parts, path)),
        Err(error) => left_out(error),
    }
}

fn planned(parts: &Parts, path: &str) -> Option<TitlePiece> {
    let place = parts.formulas.iter().position(|formula| formula.name == path);
    place.map(TitlePiece::Formula)
}

fn left_out(error: DataError) -> Result<Option<TitlePiece>> {
    match error {
        DataError::UnknownFields { .. } | DataError::SecretField { .. } | DataError::NotSupported { .. } => Ok(None),
        error => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::is_title;

    #[test]
    fn titles_are_told_from_fields() {
        let check = |name: &str, expected: bool| assert_eq!(is_title(name), expected, "{name}");
        check("_title", true);
        check("account._title", true);
        check("a.b._title", true);
        check("title", false);
        check("sub_title", false);
        check("account.sub_title", false);
    }
}
