//! Objects of all packages held against each other and made into models.
//!
//! Three rounds: each object by itself (`draft`), names that lead from one to another (`field`, `reference`), then everything
//! with an expression in it (`expression`, `rule`), where types of all fields are known. A draft with pieces taken out goes along,
//! so that others that point to it are judged fairly; what is missing for that reason alone is not spoken of.

mod condition;
mod draft;
mod encryption;
mod expression;
mod field;
mod implied;
mod index;
mod kind;
mod machine;
mod object;
mod own;
mod parts;
mod reference;
mod rule;
mod search;
mod settings;
mod text;
mod unused;

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::problem::Problems;
use crate::model::ObjectModel;

pub(super) use draft::{Draft, Drafts, distinct, read};

/// Makes the models of all drafts.
pub(super) fn compile(drafts: &Drafts, problems: &mut Problems) -> IndexMap<String, Arc<ObjectModel>> {
    let expressions = expression::Expressions::new(drafts);
    let mut models = IndexMap::with_capacity(drafts.len());
    for draft in drafts.values() {
        models.insert(
            draft.object.name.clone(),
            Arc::new(object::compile(draft, drafts, &expressions, problems)),
        );
    }
    problems.extend(expressions.into_problems());
    reference::check_masters(drafts, problems);
    check_tables(drafts, &models, problems);
    models
}

/// No two objects share a table.
fn check_tables(drafts: &Drafts, models: &IndexMap<String, Arc<ObjectModel>>, problems: &mut Problems) {
    let mut tables: HashMap<&str, &str> = HashMap::new();
    for (draft, model) in drafts
        .values()
        .zip(models.values())
        .filter(|(_, model)| !model.is_abstract)
    {
        if let Some(first) = tables.insert(&model.table, &model.name) {
            let message = format!("the table `{}` is that of `{first}` already", model.table);
            problems.push(draft.error(&["tableName"], message).hint("give it another `tableName`"));
        }
    }
}
