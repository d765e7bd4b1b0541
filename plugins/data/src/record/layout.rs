//! An object as it lies in its table, and all of them for one catalogue.

mod reached;
mod sealed;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::json::{Form, write_text};
use crate::model::{Catalogue, FieldKind, FieldModel, ObjectModel, SystemField};
use crate::store::Dialect;
use crate::vault::Vault;

/// One stored field.
#[derive(Debug)]
pub struct Column {
    /// Name of field and column.
    pub name: String,
    /// `"name":` as it stands in an answer.
    pub key: Box<[u8]>,
    /// How its values become JSON.
    pub form: Form,
    /// Stands in an answer only when it is named.
    pub on_request: bool,
    /// Its place among all fields of the object.
    pub field_index: usize,
}

/// Where the table of an object lies.
#[derive(Clone, Copy, Debug)]
pub struct TablePlace {
    /// How its database spells things.
    pub dialect: &'static dyn Dialect,
    /// Its rows lie in several tables, as its store says.
    pub scattered: bool,
}

/// An object, ready for the store.
#[derive(Debug)]
pub struct Layout {
    /// The object.
    pub object: Arc<ObjectModel>,
    /// The stored fields in the order of the table; `id` is the first.
    pub columns: Vec<Column>,
    by_name: HashMap<String, usize>,
    /// Name of the database it lies in.
    pub datasource: String,
    /// How that database spells things.
    pub dialect: &'static dyn Dialect,
    /// The table's name, quoted.
    pub table: String,
    /// Its rows lie in several tables, each with places of its own: only ids tell records apart.
    pub scattered: bool,
    /// `INSERT` with a placeholder for each column.
    pub insert_sql: Arc<str>,
    /// `SELECT` of all columns by id, deleted records left out.
    pub get_sql: Arc<str>,
    /// Place of `updated_at`.
    pub updated_at: usize,
    /// Every field is stored: a row has all that an answer needs.
    pub plain: bool,
    /// Fields of the text index, when there is one.
    pub text_index: Option<Vec<String>>,
    /// What its encrypted fields are encrypted with.
    pub vault: Arc<Vault>,
}

impl Layout {
    /// Of an object.
    #[must_use]
    pub fn new(object: Arc<ObjectModel>, place: TablePlace, vault: Arc<Vault>) -> Self {
        let TablePlace { dialect, scattered } = place;
        let columns: Vec<Column> = object
            .fields
            .values()
            .enumerate()
            .filter(|(_, field)| field.stored())
            .map(|(field_index, field)| Column {
                name: field.name.clone(),
                key: json_key(&field.name),
                form: Form::of(field),
                on_request: field.on_request(),
                field_index,
            })
            .collect();
        let by_name: HashMap<String, usize> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| (column.name.clone(), index))
            .collect();
        let mut table = String::new();
        dialect.name(&mut table, &object.table);
        let insert_sql = insert_sql(&table, &columns, dialect);
        let get_sql = get_sql(&table, &object, &columns, dialect);
        let updated_at = by_name.get(SystemField::UpdatedAt.name()).copied().unwrap_or_default();
        let plain = columns.len() == object.fields.len();
        let text_index = dialect
            .text_index()
            .then(|| object.text_fields())
            .filter(|fields| !fields.is_empty());
        Self {
            datasource: object.definition.datasource.clone(),
            dialect,
            object,
            columns,
            by_name,
            table,
            scattered,
            insert_sql,
            get_sql,
            updated_at,
            plain,
            text_index,
            vault,
        }
    }

    /// Place of a stored field among the columns.
    #[must_use]
    pub fn column(&self, field: &str) -> Option<usize> {
        self.by_name.get(field).copied()
    }

    /// Place of a system field among the columns, when the object has it.
    #[must_use]
    pub fn system_column(&self, part: SystemField) -> Option<usize> {
        self.object
            .system_field(part)
            .and_then(|field| self.column(&field.name))
    }

    /// The field of a column.
    #[must_use]
    pub fn field(&self, column: usize) -> &FieldModel {
        // Columns were made from the fields and neither changes.
        &self.object.fields[self.columns[column].field_index]
    }
}

/// `"name":`.
#[must_use]
pub fn json_key(name: &str) -> Box<[u8]> {
    let mut key = Vec::with_capacity(name.len() + 3);
    write_text(&mut key, name);
    key.push(b':');
    key.into_boxed_slice()
}

fn insert_sql(table: &str, columns: &[Column], dialect: &dyn Dialect) -> Arc<str> {
    let mut sql = format!("INSERT INTO {table} (");
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            sql.push_str(", ");
        }
        dialect.name(&mut sql, &column.name);
    }
    sql.push_str(") VALUES (");
    for index in 0..columns.len() {
        if index > 0 {
            sql.push_str(", ");
        }
        dialect.placeholder(&mut sql, index + 1);
    }
    sql.push(')');
    Arc::from(sql)
}

fn get_sql(table: &str, object: &ObjectModel, columns: &[Column], dialect: &dyn Dialect) -> Arc<str> {
    let mut sql = String::from("SELECT ");
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            sql.push_str(", ");
        }
        dialect.name(&mut sql, &column.name);
    }
    let _ = write!(sql, " FROM {table} WHERE ");
    dialect.name(&mut sql, SystemField::Id.name());
    sql.push_str(" = ");
    dialect.placeholder(&mut sql, 1);
    if let Some(delete) = &object.soft_delete {
        sql.push_str(" AND ");
        dialect.name(&mut sql, &delete.field);
        sql.push_str(" IS NULL");
    }
    Arc::from(sql)
}

/// All objects of one catalogue, ready for the store.
#[derive(Debug)]
pub struct Schema {
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    layouts: HashMap<String, Arc<Layout>>,
    /// By object: the objects with a reference to it, and that field.
    children: HashMap<String, Vec<(String, String)>>,
    /// By object: the objects whose records its computed fields read.
    reached: HashMap<String, Vec<String>>,
}

impl Schema {
    /// Of a catalogue.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, dialect: &'static dyn Dialect) -> Self {
        let place = TablePlace {
            dialect,
            scattered: false,
        };
        Self::over(catalogue, &|_| place, &Arc::default())
    }

    /// Of a catalogue whose objects lie in several databases; `places` answers where the table of one is. `vault` has the keys of
    /// encrypted fields.
    #[must_use]
    pub fn over(catalogue: Arc<Catalogue>, places: &dyn Fn(&ObjectModel) -> TablePlace, vault: &Arc<Vault>) -> Self {
        let layouts = catalogue
            .objects()
            .filter(|object| !object.is_abstract)
            .map(|object| {
                (
                    object.name.clone(),
                    Arc::new(Layout::new(Arc::clone(object), places(object), Arc::clone(vault))),
                )
            })
            .collect();
        let children = children(&catalogue);
        let reached = reached::all(&catalogue);
        Self {
            catalogue,
            layouts,
            children,
            reached,
        }
    }

    /// The records that point to those of an object, by the name of their object; where that has several references here, by
    /// `object:field`. Gives the object and the name of the field.
    #[must_use]
    pub fn child_relation(&self, parent: &str, name: &str) -> Option<(&Arc<Layout>, &str)> {
        let (object, field) = match name.split_once(':') {
            Some((object, field)) => (object, Some(field)),
            None => (name, None),
        };
        let mut found = self
            .children
            .get(parent)?
            .iter()
            .filter(|(child, via)| child == object && field.is_none_or(|field| field == via));
        let (child, via) = found.next()?;
        // Two references, and nobody said which.
        found.next().is_none().then_some(())?;
        Some((self.layout(child)?, via))
    }

    /// Names by which [`Schema::child_relation`] answers, for suggestions.
    pub fn child_names(&self, parent: &str) -> impl Iterator<Item = &str> {
        self.children
            .get(parent)
            .into_iter()
            .flatten()
            .map(|(child, _)| child.as_str())
    }

    /// The objects whose records the computed fields of an object read, over relations or from its children, also by computed
    /// fields of theirs.
    #[must_use]
    pub fn reached(&self, object: &str) -> &[String] {
        self.reached.get(object).map_or(&[], Vec::as_slice)
    }

    /// An object that has a table.
    #[must_use]
    pub fn layout(&self, object: &str) -> Option<&Arc<Layout>> {
        self.layouts.get(object)
    }
}

fn children(catalogue: &Catalogue) -> HashMap<String, Vec<(String, String)>> {
    let mut children: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for object in catalogue
        .objects()
        .filter(|object| !object.is_abstract && object.active)
    {
        for field in object
            .fields
            .values()
            .filter(|field| field.kind == FieldKind::Reference)
        {
            if let Some(reference) = &field.reference {
                let entry = (object.name.clone(), field.name.clone());
                children.entry(reference.object.clone()).or_default().push(entry);
            }
        }
    }
    children
}
