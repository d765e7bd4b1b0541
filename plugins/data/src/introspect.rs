//! The command `introspect URL`: reads an existing database and writes its tables as object files, for a first version of an
//! app over them. Nothing is changed, neither the database nor an app; no store is opened.
//!
//! What has no form in an object file (a key of several columns, a type nobody knows, a name that no field may have) stands as a
//! comment in its place, so that nothing is lost silently.

mod postgres;
mod sqlite;
mod types;
mod yaml;

use std::path::Path;

use objectos_plugin_api::CommandAnswer;

use crate::error::{DataError, Result};

/// Name of the command.
pub const INTROSPECT: &str = "introspect";

const USAGE: &str = "usage: objectos-host introspect URL [--schema NAME] [--output FOLDER]\n  \
    URL is sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE\n";

/// A table as the database tells it.
#[derive(Debug, Default)]
struct Table {
    name: String,
    columns: Vec<Column>,
    /// Columns of the primary key.
    primary: Vec<String>,
    foreign: Vec<ForeignKey>,
    indexes: Vec<TableIndex>,
}

#[derive(Debug, Default)]
struct Column {
    name: String,
    /// As the database declares it.
    declared: String,
    nullable: bool,
    /// A value comes by itself.
    default: bool,
    /// Values of an enumeration.
    values: Vec<String>,
}

#[derive(Debug)]
struct ForeignKey {
    columns: Vec<String>,
    table: String,
    /// Columns there; empty for the primary key.
    targets: Vec<String>,
    /// `CASCADE`, `SET NULL`, …
    on_delete: String,
}

#[derive(Debug)]
struct TableIndex {
    name: String,
    /// Empty names are expressions.
    columns: Vec<String>,
    unique: bool,
    partial: bool,
}

/// Runs the command. Exit code 0: done; 1: the database cannot be read; 2: called wrongly.
pub async fn introspect(arguments: &[String]) -> CommandAnswer {
    let Some(wanted) = Wanted::of(arguments) else {
        return failed(USAGE.to_owned(), 2);
    };
    match wanted.run().await {
        Ok(output) => CommandAnswer {
            output,
            ..CommandAnswer::default()
        },
        Err(error) => failed(format!("{error}\n"), 1),
    }
}

fn failed(error: String, exit_code: u8) -> CommandAnswer {
    CommandAnswer {
        error,
        exit_code,
        ..CommandAnswer::default()
    }
}

#[derive(Debug, Default)]
struct Wanted {
    url: String,
    schema: Option<String>,
    output: Option<String>,
}

impl Wanted {
    fn of(arguments: &[String]) -> Option<Self> {
        let mut wanted = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--schema" => wanted.schema = Some(arguments.next()?.clone()),
                "--output" => wanted.output = Some(arguments.next()?.clone()),
                flag if flag.starts_with('-') => return None,
                url if wanted.url.is_empty() => wanted.url = url.to_owned(),
                _ => return None,
            }
        }
        (!wanted.url.is_empty()).then_some(wanted)
    }

    async fn run(&self) -> Result<String> {
        let tables = match self.url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => postgres::tables(&self.url, self.schema.as_deref()).await,
            Some(("sqlite", path)) => sqlite::tables(path.strip_prefix("//").unwrap_or(path)).await,
            _ => {
                return Err(DataError::Configuration {
                    message: "the address must begin with 'sqlite:' or 'postgres://'".to_owned(),
                });
            }
        };
        let tables = tables.map_err(|source| DataError::Database {
            doing: "be read",
            source: source.into(),
        })?;
        let files = yaml::files(&tables);
        let Some(folder) = &self.output else {
            let parts = files.iter().map(|(name, text)| format!("# {name}\n{text}"));
            return Ok(parts.collect::<Vec<_>>().join("---\n"));
        };
        let mut output = String::new();
        for (name, text) in files {
            let path = Path::new(folder).join(&name);
            write_new(&path, &text)?;
            output.push_str(&format!("{}\n", path.display()));
        }
        Ok(output)
    }
}

/// A file that is there already is somebody's work.
fn write_new(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let failed = |error: std::io::Error| DataError::Configuration {
        message: format!("{} cannot be written: {error}", path.display()),
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
