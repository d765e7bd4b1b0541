//! The shape of a database with what a plan has to know of its rows: whether those of the platform's own tables tell of an object
//! under the name that it had before. Which tables and names these are is the planner's (`schema::mentions`); without a
//! `renamedFrom` there are none, and nothing is asked. Called by the plugin, and when metadata is saved, for every plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Statement, Store, ddl, mention};
use crate::error::Result;
use crate::model::Catalogue;
use crate::schema::{DatabaseShape, mentions};

/// The tables that are there, for a plan of these objects beside the tables of others.
///
/// # Errors
/// Those of [`Store::shape`] and of reading.
pub(crate) async fn shape_for(
    store: &Arc<dyn Store>,
    catalogue: &Catalogue,
    datasource: &str,
    others: &BTreeSet<String>,
) -> Result<DatabaseShape> {
    let mut shape = store.shape().await?;
    let asked = mentions(catalogue, datasource, &shape, others);
    if asked.is_empty() {
        return Ok(shape);
    }
    let name = |name: &str| ddl::name(store.dialect(), name);
    let mut reader = store.reader().await?;
    for (table, object) in asked {
        let sql = format!(
            "SELECT 1 FROM {} WHERE {} = ? LIMIT 1",
            name(&table),
            name(mention::OBJECT)
        );
        let statement = Statement::new(sql, vec![object.as_str().into()]);
        let mut told = false;
        reader.read(&statement.single(), &mut |_| told = true).await?;
        if told {
            shape.told.insert((table, object));
        }
    }
    Ok(shape)
}
