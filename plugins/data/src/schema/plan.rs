//! From what is there to what is asked for.

mod told;

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use super::{ColumnShape, ColumnSpec, DatabaseShape, IndexShape, Made, SchemaStep, TableShape};
use crate::model::{Catalogue, ColumnType, FieldModel, IndexMethod, IndexModel, ObjectModel, SystemField};
use crate::store::DEFAULT_DATASOURCE;

pub use told::mentions;

/// Beginnings of the names of indexes that this platform makes; others belong to the operator and are left alone.
pub const INDEX_PREFIXES: [&str; 2] = ["ix_", "ux_"];

/// The table with the earlier versions of records, which tell of fields by their names.
const VERSIONS: &str = "sys_record_version";

/// What would be done. `Display` gives one line for each step, what stands in the way of some behind those that lose nothing, and
/// those that lose data marked and last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaPlan {
    /// Nothing is lost; applied at start and on reload.
    pub additive: Vec<SchemaStep>,
    /// Something is lost; applied on request only.
    pub destructive: Vec<SchemaStep>,
    /// What keeps the catalogue from being served and no step can mend: a sentence each, with what somebody can do about it.
    pub obstacles: Vec<String>,
    /// What is said of indexes that this database cannot build as they are declared.
    pub btrees: Vec<String>,
    /// What cannot be done at all without touching what somebody else declared, and why.
    pub bound: Vec<String>,
}

impl SchemaPlan {
    /// Nothing to do, and nothing in the way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.additive.is_empty() && self.destructive.is_empty() && self.obstacles.is_empty()
    }

    /// The destructive steps without which the catalogue cannot be served: a column of another type than its field. A catalogue
    /// with any of them must not go into use; dropped columns and tables that are still there do no harm.
    pub fn blocking(&self) -> impl Iterator<Item = &SchemaStep> {
        self.destructive
            .iter()
            .filter(|step| matches!(step, SchemaStep::ConvertColumn { .. } | SchemaStep::WidenColumn { .. }))
    }
}

impl fmt::Display for SchemaPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for bound in &self.bound {
            writeln!(f, "  ? {bound}")?;
        }
        if self.is_empty() {
            return f.write_str("the database is as the apps ask for\n");
        }
        for step in &self.additive {
            writeln!(f, "  + {step}")?;
        }
        for obstacle in &self.obstacles {
            writeln!(f, "  x {obstacle}")?;
        }
        for step in &self.destructive {
            writeln!(f, "  ! {step}")?;
        }
        if !self.destructive.is_empty() {
            writeln!(f, "steps with `!` lose data and are only done on request")?;
        }
        if !self.obstacles.is_empty() {
            writeln!(f, "what is marked `x` is for you to mend; until then no step is done")?;
        }
        Ok(())
    }
}

/// Holds a catalogue against a database.
#[must_use]
pub fn plan(catalogue: &Catalogue, shape: &DatabaseShape) -> SchemaPlan {
    plan_of(catalogue, DEFAULT_DATASOURCE, shape)
}

/// Holds the part of a catalogue that lies in one database against it.
#[must_use]
pub fn plan_of(catalogue: &Catalogue, datasource: &str, shape: &DatabaseShape) -> SchemaPlan {
    plan_beside(catalogue, datasource, shape, &BTreeSet::new())
}

/// The same, beside tables that belong to objects which are not in this catalogue: they are left as they are.
#[must_use]
pub fn plan_beside(
    catalogue: &Catalogue,
    datasource: &str,
    shape: &DatabaseShape,
    others: &BTreeSet<String>,
) -> SchemaPlan {
    let mut planner = Planner {
        text_indexes: shape.text_indexes,
        index_methods: shape.index_methods,
        tellers: told::tellers(catalogue, datasource, shape),
        ..Planner::default()
    };
    let wanted: HashSet<&str> = tables(catalogue, datasource)
        .map(|object| object.table.as_str())
        .chain(others.iter().map(String::as_str))
        .collect();
    for object in tables(catalogue, datasource) {
        planner.object(object, shape, &wanted);
    }
    for (object, from) in told::former(catalogue, datasource, shape, others) {
        planner.carry(object, from, shape);
    }
    for table in shape.tables.keys().filter(|table| shape.made.table(table)) {
        if !wanted.contains(table.as_str()) && !planner.renamed.contains(table.as_str()) {
            planner.drop.push(SchemaStep::DropTable { table: table.clone() });
        }
    }
    planner.finish()
}

fn tables<'c>(catalogue: &'c Catalogue, datasource: &str) -> impl Iterator<Item = &'c ObjectModel> {
    catalogue
        .objects()
        .map(AsRef::as_ref)
        .filter(move |object| !object.is_abstract && object.definition.datasource == datasource)
}

/// Steps by the order in which they must be done.
#[derive(Default)]
struct Planner<'a> {
    renamed: HashSet<&'a str>,
    tellers: Vec<&'a str>,
    bound: Vec<String>,
    text_indexes: bool,
    index_methods: bool,
    btrees: Vec<String>,
    obstacles: Vec<String>,
    words_drop: Vec<SchemaStep>,
    rename: Vec<SchemaStep>,
    create: Vec<SchemaStep>,
    change: Vec<SchemaStep>,
    index_drop: Vec<SchemaStep>,
    index_add: Vec<SchemaStep>,
    convert: Vec<SchemaStep>,
    drop: Vec<SchemaStep>,
}

impl<'a> Planner<'a> {
    fn object(&mut self, object: &'a ObjectModel, shape: &'a DatabaseShape, wanted: &HashSet<&str>) {
        let other = object.indexes.iter().filter(|index| index.method != IndexMethod::Btree);
        if !self.index_methods {
            self.btrees.extend(other.map(|index| {
                let (name, method) = (&index.name, index.method.name());
                format!("the index {name} is a btree: only PostgreSQL has {method} indexes")
            }));
        }
        if let Some(table) = shape.tables.get(&object.table) {
            self.words(object, &object.table, &table.words);
            return self.table(object, (object.table.as_str(), table), &shape.made);
        }
        let before = object
            .renamed_from
            .as_deref()
            .filter(|name| !wanted.contains(name) && !self.renamed.contains(name));
        if let Some((from, table)) = before.and_then(|name| shape.tables.get_key_value(name)) {
            self.renamed.insert(from);
            self.rename.push(SchemaStep::RenameTable {
                from: from.clone(),
                to: object.table.clone(),
            });
            let told = self.tellers.iter().map(|table| SchemaStep::RenameObjectIn {
                table: (*table).to_owned(),
                from: from.clone(),
                to: object.name.clone(),
            });
            self.rename.extend(told);
            self.words(object, from, &table.words);
            return self.table(object, (from.as_str(), table), &shape.made);
        }
        let columns = object.stored_fields().map(column).collect();
        self.create.push(SchemaStep::CreateTable {
            table: object.table.clone(),
            columns,
        });
        self.add_indexes(object, &object.indexes);
        self.words(object, &object.table, &[]);
    }

    /// The text index: dropped under the name that the table has now, made under the one that it will have.
    fn words(&mut self, object: &ObjectModel, table_now: &str, now: &[String]) {
        let wanted = if self.text_indexes {
            object.text_fields()
        } else {
            Vec::new()
        };
        if now == wanted && table_now == object.table {
            return;
        }
        if !now.is_empty() {
            self.words_drop.push(SchemaStep::DropTextIndex {
                table: table_now.to_owned(),
            });
        }
        if !wanted.is_empty() {
            self.index_add.push(SchemaStep::AddTextIndex {
                table: object.table.clone(),
                fields: wanted,
            });
        }
    }

    /// A table that is there, under the name that it has now.
    fn table(&mut self, object: &ObjectModel, (now, table): (&str, &TableShape), made: &Made) {
        let name = &object.table;
        let mut kept: HashSet<&str> = HashSet::new();
        for field in object.stored_fields() {
            let found = table.columns.get_key_value(&field.name).or_else(|| {
                let before = field
                    .renamed_from
                    .as_ref()
                    .filter(|before| object.field(before).is_none())?;
                table.columns.get_key_value(before)
            });
            let Some((from, shape)) = found else {
                if field.system == Some(SystemField::Id) {
                    self.obstacles.push(format!(
                        "the table {now} has no column `{0}`, by which records are known: give it one, of text and as its \
                         primary key, or take the object '{1}' out of the app",
                        field.name, object.name
                    ));
                    continue;
                }
                self.change.push(SchemaStep::AddColumn {
                    table: name.clone(),
                    column: column(field),
                });
                continue;
            };
            kept.insert(from);
            if *from != field.name {
                self.rename_column(object, from, field);
            }
            self.column(name, field, shape);
        }
        // A column that somebody else made is theirs, whether a field has it or not.
        let ours = |column: &&String| !kept.contains(column.as_str()) && made.column(now, column);
        for column in table.columns.keys().filter(ours) {
            self.drop.push(SchemaStep::DropColumn {
                table: name.clone(),
                column: column.clone(),
            });
        }
        self.indexes(object, table);
    }

    /// Earlier versions of the records have the field under its new name then.
    fn rename_column(&mut self, object: &ObjectModel, from: &str, field: &FieldModel) {
        self.change.push(SchemaStep::RenameColumn {
            table: object.table.clone(),
            from: from.to_owned(),
            to: field.name.clone(),
        });
        if self.tellers.contains(&VERSIONS) {
            self.change.push(SchemaStep::RenameFieldIn {
                table: VERSIONS.to_owned(),
                object: object.name.clone(),
                from: from.to_owned(),
                to: field.name.clone(),
            });
        }
    }

    fn column(&mut self, table: &str, field: &FieldModel, shape: &ColumnShape) {
        let Some(to) = field.column else { return };
        let (table, column) = (table.to_owned(), field.name.clone());
        match shape.kind {
            Some(from) if from == to => {}
            Some(from) if widens(from, to) => {
                let step = SchemaStep::WidenColumn {
                    table: table.clone(),
                    column: column.clone(),
                    from,
                    to,
                };
                match &shape.bound {
                    None => self.change.push(step),
                    Some(why) => self.retype_bound(step, why),
                }
            }
            from => {
                let step = SchemaStep::ConvertColumn {
                    table: table.clone(),
                    column: column.clone(),
                    from,
                    to,
                };
                match &shape.bound {
                    None => self.convert.push(step),
                    Some(why) => self.retype_bound(step, why),
                }
            }
        }
        if shape.nullable || field.system == Some(SystemField::Id) {
            return;
        }
        let step = SchemaStep::RelaxColumn { table, column };
        match &shape.bound {
            None => self.change.push(step),
            // Records are stored all the same, but for those without a value there.
            Some(why) => self.bound.push(format!("{step}: cannot be done, for {why}")),
        }
    }

    /// The catalogue cannot be served without it, and the store will say no: who runs the database has to do it.
    fn retype_bound(&mut self, step: SchemaStep, why: &str) {
        self.bound.push(format!("{step}: to be done by hand, for {why}"));
        self.convert.push(step);
    }

    fn indexes(&mut self, object: &ObjectModel, table: &TableShape) {
        let mut missing = Vec::new();
        for index in &object.indexes {
            match table.indexes.get(&index.name) {
                Some(shape) if same_index(index, shape) && self.same_method(index, shape) => {}
                Some(_) => {
                    self.drop_index(object, &index.name);
                    missing.push(index.clone());
                }
                None => missing.push(index.clone()),
            }
        }
        let ours = |name: &str| INDEX_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        let wanted = |name: &str| object.indexes.iter().any(|index| index.name == name);
        for name in table.indexes.keys().filter(|name| ours(name) && !wanted(name)) {
            self.drop_index(object, name);
        }
        self.add_indexes(object, &missing);
    }

    fn same_method(&self, index: &IndexModel, shape: &IndexShape) -> bool {
        !self.index_methods || shape.method == Some(index.method)
    }

    fn drop_index(&mut self, object: &ObjectModel, name: &str) {
        self.index_drop.push(SchemaStep::DropIndex {
            table: object.table.clone(),
            index: name.to_owned(),
        });
    }

    fn add_indexes(&mut self, object: &ObjectModel, indexes: &[IndexModel]) {
        let steps = indexes.iter().map(|index| SchemaStep::AddIndex {
            table: object.table.clone(),
            index: index.clone(),
        });
        self.index_add.extend(steps);
    }

    fn finish(self) -> SchemaPlan {
        let additive = [
            self.words_drop,
            self.rename,
            self.index_drop,
            self.create,
            self.change,
            self.index_add,
        ]
        .concat();
        SchemaPlan {
            additive,
            destructive: [self.convert, self.drop].concat(),
            obstacles: self.obstacles,
            btrees: self.btrees,
            bound: self.bound,
        }
    }
}

fn column(field: &FieldModel) -> ColumnSpec {
    let id = field.system == Some(SystemField::Id);
    let kind = field.column.expect("a stored field has a column");
    ColumnSpec {
        name: field.name.clone(),
        kind,
        nullable: !id,
        primary_key: id,
    }
}

fn same_index(index: &IndexModel, shape: &IndexShape) -> bool {
    let nulls = !shape.nulls_last.iter().any(|column| index.places_nulls(column));
    index.fields == shape.columns && index.unique == shape.unique && index.ignore_case == shape.ignore_case && nulls
}

/// Whether every value of one type has its equal in the other.
const fn widens(from: ColumnType, to: ColumnType) -> bool {
    use ColumnType::{Date, DateTime, Decimal, Integer, Number, Text, Time};
    matches!(
        (from, to),
        (Integer, Number | Decimal) | (Number, Decimal) | (Integer | Decimal | Number | Date | DateTime | Time, Text)
    )
}

#[cfg(test)]
mod tests;
