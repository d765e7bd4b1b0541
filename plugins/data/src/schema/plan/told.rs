//! Rows of this plugin's own tables tell of objects by their names: versions of records, import jobs, what people used last. When
//! an object gets another name, what they tell is carried over to it.
//!
//! Where the table gets another name with it, the table itself says what the object was called. Where it stays, only the rows do:
//! [`mentions`] says what has to be known of them, the store asks (`store::told`), and what it finds stands in the shape. Once it
//! is carried over nothing tells of the former name, and there is nothing left to plan.

use std::collections::{BTreeSet, HashSet};

use super::{Planner, tables};
use crate::model::{Catalogue, FieldModel, ObjectModel};
use crate::outbox::SOURCE;
use crate::schema::{DatabaseShape, SchemaStep};

/// In tables of this plugin, the field that says of which object a record tells.
const OBJECT_NAME: &str = "object_name";

/// Tables and names of objects: whether rows of the table tell of the name has to be known before a catalogue is planned for.
/// None where no object was called otherwise before.
#[must_use]
pub fn mentions(
    catalogue: &Catalogue,
    datasource: &str,
    shape: &DatabaseShape,
    others: &BTreeSet<String>,
) -> BTreeSet<(String, String)> {
    let tellers = tellers(catalogue, datasource, shape);
    let mut asked = BTreeSet::new();
    for (object, from) in former(catalogue, datasource, shape, others) {
        for table in &tellers {
            asked.extend([from, object.name.as_str()].map(|name| mention(table, name)));
        }
    }
    asked
}

/// The tables of this plugin whose rows tell of objects by their names, where there are any rows.
pub(super) fn tellers<'c>(catalogue: &'c Catalogue, datasource: &str, shape: &DatabaseShape) -> Vec<&'c str> {
    tables(catalogue, datasource)
        .filter(|object| object.package == SOURCE && object.field(OBJECT_NAME).is_some_and(FieldModel::stored))
        .map(|object| object.table.as_str())
        .filter(|table| shape.tables.get(*table).is_some_and(|table| table.rows != Some(0)))
        .collect()
}

/// Objects whose tables stay, with the names that they had before; without those names that somebody else has now, as an object
/// or as a table that is left over.
pub(super) fn former<'c>(
    catalogue: &'c Catalogue,
    datasource: &str,
    shape: &DatabaseShape,
    others: &BTreeSet<String>,
) -> Vec<(&'c ObjectModel, &'c str)> {
    let mut taken = HashSet::new();
    tables(catalogue, datasource)
        .filter(|object| shape.tables.contains_key(&object.table))
        .filter_map(|object| Some((object, object.renamed_from.as_deref()?)))
        .filter(|(object, from)| {
            let free = catalogue.object(from).is_none() && !others.contains(*from);
            let left_over = *from != object.table && shape.tables.contains_key(*from);
            free && !left_over && taken.insert(*from)
        })
        .collect()
}

impl Planner<'_> {
    /// What is told of an object whose table stays, under its name of now. Where something is told of that already, it is of the
    /// same records and later, and nothing is put in its place.
    pub(super) fn carry(&mut self, object: &ObjectModel, from: &str, shape: &DatabaseShape) {
        for table in &self.tellers {
            let told = |name: &str| shape.told.contains(&mention(table, name));
            if told(from) && !told(&object.name) {
                self.rename.push(SchemaStep::RenameObjectIn {
                    table: (*table).to_owned(),
                    from: from.to_owned(),
                    to: object.name.clone(),
                });
            }
        }
    }
}

fn mention(table: &str, name: &str) -> (String, String) {
    (table.to_owned(), name.to_owned())
}
