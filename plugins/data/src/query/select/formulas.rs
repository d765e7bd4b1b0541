//! What formulas of a page read. A formula of a related record that the statement cannot select is a calculation of its own for
//! each record, made from what it reads in turn, however deep that goes; the loader bounds the depth. Called while a page is planned.

use std::sync::Arc;

use super::{Columns, FormulaOutput, FormulaOwner};
use crate::error::Result;
use crate::query::check::{Checker, FormulaInput};
use crate::record::{Form, Layout};

/// What is selected of a path that a formula reads: its path from the record of the page, its place among the columns, its form.
type Selected = (String, usize, Form);

/// Plans one path that a formula reads. The formula is of the record `at`, to which the relations `way` lead; the record of the
/// page itself has the empty way. A calculation that has to be made first is put among the formulas, and nothing is selected
/// for its path.
///
/// # Errors
/// Those of [`Checker::formula_input`].
pub(super) fn input<'a>(
    checker: &mut Checker<'a>,
    (at, way): ((usize, &'a Arc<Layout>), &str),
    path: &str,
    columns: &mut Columns,
    formulas: &mut Vec<FormulaOutput>,
) -> Result<Option<Selected>> {
    let name = match way {
        "" => path.to_owned(),
        way => format!("{way}.{path}"),
    };
    if formulas.iter().any(|known| known.name == name) {
        return Ok(None);
    }
    let (at, id, field, expression) = match checker.formula_input(at, path)? {
        FormulaInput::Selected(reference, form) => return Ok(Some((name, columns.place(&reference), form))),
        FormulaInput::Computed {
            at,
            id,
            field,
            expression,
        } => (at, id, field, expression),
    };
    let way = name.rsplit_once('.').map_or("", |(way, _)| way).to_owned();
    let blind = checker.blind(at.1, expression.fields().iter().map(String::as_str));
    let mut inputs = Vec::new();
    for path in expression.fields().iter().filter(|_| !blind) {
        inputs.extend(input(checker, (at, way.as_str()), path, columns, formulas)?);
    }
    let id = columns.place(&id);
    formulas.push(FormulaOutput {
        name,
        expression: Arc::clone(expression),
        scale: field.limits.scale,
        inputs,
        blind,
        of: Some(FormulaOwner { path: way, id }),
    });
    Ok(None)
}
