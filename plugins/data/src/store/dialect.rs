//! What databases spell differently. The SQL compiler asks here and is otherwise one for all.
//!
//! Small differences are methods; where whole constructs differ (formulas, buckets of dates) the compiler looks at the
//! [`Family`] and writes both forms side by side. Whatever is written must give the same answer on every database.

mod construct;
mod construct_postgres;
mod postgres;
mod sqlite;

use std::borrow::Cow;
use std::fmt;

use super::SqlValue;
use crate::model::ColumnType;
use crate::query::filter::Class;
use crate::query::words::WordsFilter;

pub use construct::{Calendar, Construct, Letters, Powers};
pub use postgres::PostgresDialect;
pub use sqlite::SqliteDialect;
pub(super) use sqlite::{FTS5, MATH};

/// Kinds of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// What makes texts equal that differ in the case of A to Z alone: what stands before and behind each side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnyCase {
    /// Around the field, as in an index without case.
    pub field: (&'static str, &'static str),
    /// Around the text that it is compared with.
    pub text: (&'static str, &'static str),
}

/// How one database spells things.
pub trait Dialect: Send + Sync + fmt::Debug + 'static {
    /// Which kind of database it is, for what the other methods do not say.
    fn family(&self) -> Family;

    /// The placeholder for the value at `position`, from 1, where the type follows from the place (`INSERT … VALUES`).
    fn placeholder(&self, out: &mut String, position: usize);

    /// The placeholder for a value anywhere: says its type where the database would guess it.
    fn value_placeholder(&self, out: &mut String, position: usize, value: &SqlValue) {
        let _ = value;
        self.placeholder(out, position);
    }

    /// A name, quoted, so that it can be nothing else.
    fn name(&self, out: &mut String, name: &str) {
        out.push('"');
        for character in name.chars() {
            // Names are checked when the catalogue is built; a quote here would still not get out.
            if character == '"' {
                out.push('"');
            }
            out.push(character);
        }
        out.push('"');
    }

    /// `left IS DISTINCT FROM right`: null is a value like others.
    fn distinct(&self) -> &'static str;

    /// `left IS NOT DISTINCT FROM right`.
    fn not_distinct(&self) -> &'static str;

    /// Begin of "this text contains that one" with case; the text, then [`Dialect::contains_middle`], the other, then `)`.
    fn contains_start(&self) -> &'static str;

    /// Between the two texts of `contains`.
    fn contains_middle(&self) -> &'static str {
        ", "
    }

    /// The last characters of a text: begin; the text, [`Dialect::ending_middle`], their number and `)` follow.
    fn ending_start(&self) -> &'static str;

    /// Between text and number of [`Dialect::ending_start`].
    fn ending_middle(&self) -> &'static str;

    /// The function for text in lower case; only the letters A to Z change.
    fn lower(&self) -> &'static str {
        "lower"
    }

    /// How texts are compared whatever the case of A to Z, such that an index without case serves it.
    fn any_case(&self) -> AnyCase;

    /// The operator for a pattern with case, and the pattern in its form out of one with `%`, `_` and `\`.
    fn like(&self, pattern: &str) -> (&'static str, String);

    /// The same whatever the case of any letter, for a text that is in [`Dialect::lower`] case and has gone through
    /// [`Dialect::replaces_letters`].
    fn like_any_case(&self, pattern: &str) -> (&'static str, String);

    /// The function `f(text, from, to)` that puts letters in the place of others, where patterns hold each letter in the one form
    /// in which it is compared. None where they hold all that are the same.
    fn replaces_letters(&self) -> Option<&'static str> {
        None
    }

    /// The elements of a JSON list as rows with a column `value`: begin; the list and [`Dialect::elements_end`] follow.
    fn elements_start(&self) -> &'static str;

    /// What follows the list: the rows are called `e`.
    fn elements_end(&self) -> &'static str {
        ") e"
    }

    /// Whether a list holds one of several texts, by an index over the list: what stands between the list and the texts, with
    /// commas between them, and what ends these. None where no index helps.
    fn holds_any(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// The empty list as it is stored.
    fn empty_list(&self) -> &'static str {
        "'[]'"
    }

    /// What an order needs so that null comes first, or last.
    fn nulls(&self, ascending: bool) -> &'static str;

    /// The type of doubles, for a cast.
    fn double(&self) -> &'static str;

    /// The type of whole numbers of 64 bits, for a cast of text.
    fn whole(&self) -> &'static str;

    /// The type of a column, as it is declared: its name says the class of the column.
    fn column_type(&self, kind: ColumnType) -> &'static str;

    /// Whether objects with fields for text search have a text index.
    fn text_index(&self) -> bool {
        false
    }

    /// A test by the text index of the table `t`: pieces of SQL, each with the words that are bound behind it, and SQL after all.
    fn words(&self, _words: &WordsFilter) -> Option<(Vec<(String, SqlValue)>, &'static str)> {
        None
    }

    /// A table with the columns `i`, an id, and `v`, a value of the class or null, out of a JSON list of such objects: SQL before
    /// the bound list, and after it. To be joined by `i` without going through all of it for each record.
    fn evaluated(&self, class: Class) -> (Cow<'static, str>, &'static str);

    /// Whether it can draw square roots.
    fn square_root(&self) -> bool {
        true
    }

    /// What ends a subquery whose value has a name so that it is computed once: keeps the planner from writing it out again
    /// wherever the name stands.
    fn once(&self) -> &'static str {
        ""
    }

    /// The template of what formulas are made of; see [`Construct`].
    fn construct(&self, construct: Construct) -> Cow<'static, str>;
}

#[cfg(test)]
mod tests;
