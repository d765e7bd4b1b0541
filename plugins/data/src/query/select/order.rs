//! The order of a page: what was asked for, and what tells all records apart. Called by the plan of a page and by windows.

use super::Columns;
use crate::error::{DataError, Result};
use crate::model::{FieldModel, SystemField};
use crate::query::check::{Checker, Purpose, Resolved};
use crate::query::cursor::SortKey;
use crate::query::input::{QueryInput, SortInput};

/// The order that was asked for.
///
/// # Errors
/// `InvalidSort`.
pub fn order(checker: &mut Checker<'_>, wanted: &[SortInput]) -> Result<Vec<SortKey>> {
    wanted
        .iter()
        .map(|sort| {
            let Resolved { reference, field, .. } = checker.field(&sort.field, Purpose::Sort)?;
            if !field.sortable || !reference.class.ordered() {
                return Err(DataError::InvalidSort {
                    message: format!("'{}' cannot be ordered by", sort.field),
                });
            }
            Ok(SortKey {
                filled: reference.table == 0 && always_there(field) && checker.scope.outer.is_none(),
                field: reference,
                name: sort.field.clone(),
                descending: sort.descending,
                nulls_first: sort.nulls_first(),
            })
        })
        .collect()
}

/// Of records that are told once, only what is told has an order.
pub(super) fn orders_what_is_selected(order: &[SortKey], columns: &Columns) -> Result<()> {
    match order.iter().find(|key| !columns.list.contains(&key.field)) {
        None => Ok(()),
        Some(key) => Err(DataError::InvalidQuery {
            message: format!(
                "'distinct' cannot be ordered by '{}', which is not selected; name it in 'fields', or order by one that is",
                key.name
            ),
        }),
    }
}

/// Fields that the engine gives every record.
fn always_there(field: &FieldModel) -> bool {
    matches!(
        field.system,
        Some(SystemField::Id | SystemField::CreatedAt | SystemField::UpdatedAt)
    )
}

/// Adds what tells all records apart. It goes the way of the last field that was asked for: an order that goes one way is one walk
/// along an index, and what comes after a cursor is one comparison of rows.
pub(super) fn complete(checker: &mut Checker<'_>, query: &QueryInput, order: &mut Vec<SortKey>) -> Result<()> {
    let descending = order.last().is_some_and(|key| key.descending);
    let mut add = |key: SortKey| {
        let key = if descending { key.reversed() } else { key };
        if !order.iter().any(|known| known.name == key.name) {
            order.push(key);
        }
    };
    add(id_key(checker)?);
    // Without a record of the object there is one of the other.
    for join in query.joins.iter().filter(|join| join.outer.is_some()) {
        let name = format!("{}.{}", join.path, SystemField::Id.name());
        add(key_named(checker, &name)?);
    }
    Ok(())
}

pub(super) fn id_key(checker: &mut Checker<'_>) -> Result<SortKey> {
    key_named(checker, SystemField::Id.name())
}

fn key_named(checker: &mut Checker<'_>, name: &str) -> Result<SortKey> {
    let reference = checker.field(name, Purpose::Sort)?.reference;
    Ok(SortKey {
        field: reference,
        name: name.to_owned(),
        descending: false,
        nulls_first: true,
        filled: checker.scope.outer.is_none(),
    })
}
