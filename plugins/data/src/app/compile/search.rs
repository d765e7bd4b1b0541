//! `search.filters`: what a search in the object is narrowed to when the request does not say itself. Each is a condition of the
//! expression language over fields of the record's own row, or a filter in its written form as a text of JSON; all must hold.
//! Not here: which fields are searched (`model::words`), and the search itself (`query::check::search`).

use std::sync::Arc;

use indexmap::IndexMap;
use objectos_expression::Type;
use serde_json::Value;

use super::condition;
use super::draft::Draft;
use super::expression::Expressions;
use crate::app::path::KeyPath;
use crate::app::problem::Problems;
use crate::model::{Expression, FieldModel};

/// The conditions that are in order; what is wrong with the others is told.
pub(super) fn filters(
    draft: &Draft,
    fields: &IndexMap<String, FieldModel>,
    expressions: &Expressions<'_>,
    problems: &mut Problems,
) -> Vec<Arc<Expression>> {
    let search = draft.object.search.as_ref();
    let written = search.and_then(|search| search.filters.as_ref()).into_iter().flatten();
    let path = draft.path(&["search", "filters"]);
    let mut conditions = Vec::new();
    for (place, text) in written.enumerate() {
        conditions.extend(one(
            draft,
            fields,
            expressions,
            (&path.index(place), text.as_str()),
            problems,
        ));
    }
    conditions
}

fn one(
    draft: &Draft,
    fields: &IndexMap<String, FieldModel>,
    expressions: &Expressions<'_>,
    (path, text): (&KeyPath, &str),
    problems: &mut Problems,
) -> Option<Arc<Expression>> {
    let named = fields.get(text.trim());
    if named.is_some_and(|field| !matches!(field.expression_type(), Type::Boolean | Type::Any)) {
        let message = format!("`{}` is a field and no condition: it narrows no search", text.trim());
        let hint = "write a condition, as in `status = 'open'`, or remove it";
        problems.push(draft.document.warning(path, message).hint(hint));
        return None;
    }
    let source = match source(text) {
        Ok(source) => source,
        Err(message) => {
            let hint = "write a condition, as in `status = 'open'`";
            problems.push(draft.document.error(path, message).hint(hint));
            return None;
        }
    };
    let condition = expressions.condition_in_sql(draft, draft, path, &source)?;
    if let Some(far) = condition.fields().iter().find(|field| field.contains('.')) {
        let message = format!("`{far}` is no field of `{}` itself", draft.object.name);
        let hint = "name fields of the object; a request may narrow its search by a path as well";
        problems.push(draft.document.error(path, message).hint(hint));
        return None;
    }
    Some(condition)
}

/// The condition that is written: by itself, or as a filter in JSON.
fn source(text: &str) -> Result<String, String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Ok(text.to_owned());
    }
    let filter: Value = serde_json::from_str(text).map_err(|error| format!("the filter is no JSON: {error}"))?;
    condition::from_filter(&filter)
}
