//! One change of a database.

use std::fmt;

use crate::model::{ColumnType, IndexMethod, IndexModel};

/// A column to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Name.
    pub name: String,
    /// Class of its type.
    pub kind: ColumnType,
    /// May be null. Only `id` is not: required fields are kept by the engine, so that a field can become required without
    /// a migration, and drafts of the store stay readable.
    pub nullable: bool,
    /// The primary key.
    pub primary_key: bool,
}

/// A change. A store applies each in the order of the plan, all of them in one transaction where it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaStep {
    /// Makes a table with its columns. Its indexes follow as steps of their own.
    CreateTable {
        /// Name.
        table: String,
        /// In their order.
        columns: Vec<ColumnSpec>,
    },
    /// Gives a table another name; nothing is lost.
    RenameTable {
        /// Name now.
        from: String,
        /// Name then.
        to: String,
    },
    /// Adds a column; it is null in the rows that are there.
    AddColumn {
        /// Of the table.
        table: String,
        /// What.
        column: ColumnSpec,
    },
    /// Gives a column another name; nothing is lost.
    RenameColumn {
        /// Of the table.
        table: String,
        /// Name now.
        from: String,
        /// Name then.
        to: String,
    },
    /// Puts a new name of an object into the rows of another table that tell of it by its name; nothing is lost.
    RenameObjectIn {
        /// The table that tells.
        table: String,
        /// Name of the object now.
        from: String,
        /// Name then.
        to: String,
    },
    /// Puts a new name of a field into the earlier versions of an object's records; nothing is lost.
    RenameFieldIn {
        /// The table with the versions.
        table: String,
        /// Name of the object, the new one if it has one.
        object: String,
        /// Name of the field now.
        from: String,
        /// Name then.
        to: String,
    },
    /// Changes a column's type so that every value keeps its meaning.
    WidenColumn {
        /// Of the table.
        table: String,
        /// Name.
        column: String,
        /// Type now.
        from: ColumnType,
        /// Type then.
        to: ColumnType,
    },
    /// Allows null, where a foreign hand forbade it.
    RelaxColumn {
        /// Of the table.
        table: String,
        /// Name.
        column: String,
    },
    /// Makes an index. A unique one fails on rows that share values; the store says which.
    AddIndex {
        /// Of the table.
        table: String,
        /// What.
        index: IndexModel,
    },
    /// Removes an index; no data is lost.
    DropIndex {
        /// Of the table.
        table: String,
        /// Name.
        index: String,
    },
    /// Makes the text index of a table, filled with the rows that are there.
    AddTextIndex {
        /// Of the table.
        table: String,
        /// Columns in their order.
        fields: Vec<String>,
    },
    /// Removes the text index of a table; no data is lost.
    DropTextIndex {
        /// Of the table.
        table: String,
    },
    /// Changes a column's type although values may not survive; those that cannot be converted become null.
    ConvertColumn {
        /// Of the table.
        table: String,
        /// Name.
        column: String,
        /// Type now; `None` for one that this platform never makes.
        from: Option<ColumnType>,
        /// Type then.
        to: ColumnType,
    },
    /// Removes a column and what it holds.
    DropColumn {
        /// Of the table.
        table: String,
        /// Name.
        column: String,
    },
    /// Removes a table and what it holds.
    DropTable {
        /// Name.
        table: String,
    },
}

impl SchemaStep {
    /// Whether something is lost by it.
    #[must_use]
    pub fn destructive(&self) -> bool {
        matches!(
            self,
            Self::ConvertColumn { .. } | Self::DropColumn { .. } | Self::DropTable { .. }
        )
    }

    /// How somebody calls it who asks for it: `table`, or `table.column`, by the names after the plan. None for a step that loses
    /// nothing.
    #[must_use]
    pub fn target(&self) -> Option<String> {
        match self {
            Self::ConvertColumn { table, column, .. } | Self::DropColumn { table, column } => {
                Some(format!("{table}.{column}"))
            }
            Self::DropTable { table } => Some(table.clone()),
            _ => None,
        }
    }

    /// Name of the table after the step (before it, for a drop).
    #[must_use]
    pub fn table(&self) -> &str {
        match self {
            Self::CreateTable { table, .. }
            | Self::AddColumn { table, .. }
            | Self::RenameColumn { table, .. }
            | Self::RenameObjectIn { table, .. }
            | Self::RenameFieldIn { table, .. }
            | Self::WidenColumn { table, .. }
            | Self::RelaxColumn { table, .. }
            | Self::AddIndex { table, .. }
            | Self::DropIndex { table, .. }
            | Self::AddTextIndex { table, .. }
            | Self::DropTextIndex { table }
            | Self::ConvertColumn { table, .. }
            | Self::DropColumn { table, .. }
            | Self::DropTable { table } => table,
            Self::RenameTable { to, .. } => to,
        }
    }
}

impl fmt::Display for SchemaStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateTable { table, columns } => {
                write!(f, "create table {table} with {} columns", columns.len())
            }
            Self::RenameTable { from, to } => write!(f, "rename table {from} to {to}"),
            Self::AddColumn { table, column } => {
                write!(f, "add column {table}.{} ({})", column.name, column.kind.name())
            }
            Self::RenameColumn { table, from, to } => write!(f, "rename column {table}.{from} to {to}"),
            Self::RenameObjectIn { table, from, to } => write!(f, "carry what {table} tells of {from} over to {to}"),
            Self::RenameFieldIn {
                table,
                object,
                from,
                to,
            } => write!(f, "carry what {table} tells of {object}.{from} over to {to}"),
            Self::WidenColumn {
                table,
                column,
                from,
                to,
            } => {
                write!(f, "widen column {table}.{column} from {} to {}", from.name(), to.name())
            }
            Self::RelaxColumn { table, column } => write!(f, "allow null in column {table}.{column}"),
            Self::AddIndex { table, index } => {
                let unique = if index.unique { "unique " } else { "" };
                let method = match index.method {
                    IndexMethod::Btree => "",
                    IndexMethod::Hash => "hash ",
                    IndexMethod::Gin => "gin ",
                };
                write!(
                    f,
                    "add {unique}{method}index {} on {table} ({})",
                    index.name,
                    index.fields.join(", ")
                )?;
                match &index.partial {
                    Some(partial) => write!(f, " where {partial}"),
                    None => Ok(()),
                }
            }
            Self::DropIndex { table, index } => write!(f, "drop index {index} on {table}"),
            Self::AddTextIndex { table, fields } => write!(f, "add text index on {table} ({})", fields.join(", ")),
            Self::DropTextIndex { table } => write!(f, "drop text index on {table}"),
            Self::ConvertColumn {
                table,
                column,
                from,
                to,
            } => write!(
                f,
                "convert column {table}.{column} from {} to {}: values that do not fit are lost",
                from.map_or("a foreign type", ColumnType::name),
                to.name()
            ),
            Self::DropColumn { table, column } => write!(f, "drop column {table}.{column} and all its values"),
            Self::DropTable { table } => write!(f, "drop table {table} and all its rows"),
        }
    }
}
