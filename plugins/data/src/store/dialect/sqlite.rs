//! SQLite's spelling.

use std::borrow::Cow;
use std::sync::OnceLock;

use objectos_expression::any_case::{folded_letter, letters};

use super::{AnyCase, Construct, Dialect, Family, construct};
use crate::model::ColumnType;
use crate::query::filter::Class;
use crate::query::words::WordsFilter;
use crate::store::SqlValue;

/// Whether this process's SQLite has FTS5; said once when the first database is opened.
pub(in crate::store) static FTS5: OnceLock<bool> = OnceLock::new();

/// Whether it has the functions of mathematics; said once as well.
pub(in crate::store) static MATH: OnceLock<bool> = OnceLock::new();

/// SQLite 3.44 and later.
#[derive(Clone, Copy, Debug)]
pub struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn family(&self) -> Family {
        Family::Sqlite
    }

    fn placeholder(&self, out: &mut String, _position: usize) {
        out.push('?');
    }

    fn distinct(&self) -> &'static str {
        " IS NOT "
    }

    fn not_distinct(&self) -> &'static str {
        " IS "
    }

    fn contains_start(&self) -> &'static str {
        "0 < instr("
    }

    fn ending_start(&self) -> &'static str {
        "substr("
    }

    fn ending_middle(&self) -> &'static str {
        ", -"
    }

    /// The collation of the field is that of the comparison.
    fn any_case(&self) -> AnyCase {
        AnyCase {
            field: ("", " COLLATE NOCASE"),
            text: ("", ""),
        }
    }

    /// LIKE looks away from case in SQLite, GLOB does not.
    fn like(&self, pattern: &str) -> (&'static str, String) {
        let glob = glob(pattern, |out, letter| out.push(letter));
        (" GLOB ", glob)
    }

    /// SQLite knows A to Z only, and takes no function of ours without code that the compiler does not check. But a class of GLOB
    /// holds any letters. None of `]`, `^` and `-`, which mean something there, is a letter.
    fn like_any_case(&self, pattern: &str) -> (&'static str, String) {
        let glob = glob(pattern, |out, letter| match letters(letter) {
            Some(class) => {
                out.push('[');
                out.extend(class);
                out.push(']');
            }
            None => out.push(folded_letter(letter)),
        });
        (" GLOB ", glob)
    }

    fn elements_start(&self) -> &'static str {
        "json_each("
    }

    /// Null is the least value in SQLite.
    fn nulls(&self, _ascending: bool) -> &'static str {
        ""
    }

    fn double(&self) -> &'static str {
        "REAL"
    }

    fn whole(&self) -> &'static str {
        "INTEGER"
    }

    fn column_type(&self, kind: ColumnType) -> &'static str {
        match kind {
            ColumnType::Text => "TEXT",
            ColumnType::Integer => "INTEGER",
            // Numeric affinity: 3 stays whole, 3.5 becomes a double.
            ColumnType::Number => "NUMERIC",
            ColumnType::Decimal => "DECIMAL",
            ColumnType::Boolean => "BOOLEAN",
            ColumnType::Date => "DATE_TEXT",
            ColumnType::DateTime => "DATETIME_TEXT",
            ColumnType::Time => "TIME_TEXT",
            ColumnType::Json => "JSON_TEXT",
        }
    }

    fn text_index(&self) -> bool {
        FTS5.get().copied().unwrap_or(true)
    }

    fn square_root(&self) -> bool {
        MATH.get().copied().unwrap_or(true)
    }

    /// FTS5 finds ids; the beginning of a word is enough.
    fn words(&self, words: &WordsFilter) -> Option<(Vec<(String, SqlValue)>, &'static str)> {
        let mut index = String::new();
        self.name(&mut index, &crate::store::sqlite::index_name(&words.table));
        let before = format!("t.\"id\" IN (SELECT w.\"id\" FROM {index} w WHERE w.{index} MATCH ");
        Some((vec![(before, SqlValue::Text(match_expression(words)))], ")"))
    }

    /// The limit keeps the table by itself, and the cast says of which kind the ids are: then the planner makes an index of them.
    fn evaluated(&self, _class: Class) -> (Cow<'static, str>, &'static str) {
        let before = "SELECT CAST(json_extract(e.value, '$.i') AS TEXT) AS \"i\", json_extract(e.value, '$.v') AS \"v\" FROM json_each(";
        (Cow::Borrowed(before), ") e LIMIT -1")
    }

    fn construct(&self, construct: Construct) -> Cow<'static, str> {
        construct::sqlite(construct)
    }
}

/// A pattern with `%`, `_` and `\` as GLOB has it; `write` writes what means nothing there.
fn glob(pattern: &str, write: impl Fn(&mut String, char)) -> String {
    let mut glob = String::with_capacity(pattern.len() + 4);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '%' => {
                glob.push('*');
                continue;
            }
            '_' => {
                glob.push('?');
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        };
        match literal {
            '*' | '?' | '[' => {
                glob.push('[');
                glob.push(literal);
                glob.push(']');
            }
            literal => write(&mut glob, literal),
        }
    }
    glob
}

/// `{"name" "note"} : ("acme"* AND "gmbh"*)`. Within quotes nothing means anything to FTS5, but the quote, which is doubled.
fn match_expression(words: &WordsFilter) -> String {
    let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    let between = if words.all { " AND " } else { " OR " };
    let list: Vec<String> = words.words.iter().map(|word| format!("{}*", quoted(word))).collect();
    let list = list.join(between);
    match &words.within {
        Some(fields) => {
            let fields: Vec<String> = fields.iter().map(quoted).collect();
            format!("{{{}}} : ({list})", fields.join(" "))
        }
        None => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_text_index() {
        let words = WordsFilter {
            table: "thing".to_owned(),
            indexed: vec!["name".to_owned(), "note".to_owned()],
            within: Some(vec!["note".to_owned()]),
            words: vec!["a\"b".to_owned(), "OR".to_owned()],
            all: true,
            by_id: false,
        };
        assert_eq!(match_expression(&words), r#"{"note"} : ("a""b"* AND "OR"*)"#);
    }
}
