//! PostgreSQL's spelling.
//!
//! Text lies in columns with the collation "C", so its order and equality are those of its bytes and `lower` changes A to Z
//! only. Placeholders say their type, so that a value is never guessed to be text.

use std::borrow::Cow;
use std::fmt::Write as _;

use objectos_expression::any_case::folded;

use super::{AnyCase, Construct, Dialect, Family, construct_postgres};
use crate::model::{ColumnType, SystemField};
use crate::query::filter::Class;
use crate::query::words::WordsFilter;
use crate::store::SqlValue;

/// PostgreSQL 14 and later.
#[derive(Clone, Copy, Debug)]
pub struct PostgresDialect;

impl PostgresDialect {
    /// All words of some fields of `t`, as a list.
    fn words_of(&self, fields: &[String]) -> String {
        let mut own = String::new();
        for field in fields {
            own.push_str(if own.is_empty() {
                "objectos_words(t."
            } else {
                " || objectos_words(t."
            });
            self.name(&mut own, field);
            own.push(')');
        }
        own
    }
}

/// Whether the functions of the store surely take it for one word, whole.
fn is_one_word(word: &str) -> bool {
    const BYTES_MAX: usize = 200;
    !word.is_empty() && word.len() <= BYTES_MAX && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Dialect for PostgresDialect {
    fn family(&self) -> Family {
        Family::Postgres
    }

    fn placeholder(&self, out: &mut String, position: usize) {
        let _ = write!(out, "${position}");
    }

    fn value_placeholder(&self, out: &mut String, position: usize, value: &SqlValue) {
        if matches!(value, SqlValue::Text(_) | SqlValue::SharedText(_)) {
            // With the order of bytes, else two constants would be compared in that of the database.
            let _ = write!(out, "(${position}::text COLLATE \"C\")");
            return;
        }
        self.placeholder(out, position);
        out.push_str(match value {
            // What it stands beside says what it is.
            SqlValue::Null | SqlValue::Text(_) | SqlValue::SharedText(_) => "",
            SqlValue::Boolean(_) => "::boolean",
            SqlValue::Integer(_) => "::bigint",
            SqlValue::Real(_) => "::numeric",
            SqlValue::Json(_) | SqlValue::SharedJson(_) => "::jsonb",
        });
    }

    fn distinct(&self) -> &'static str {
        " IS DISTINCT FROM "
    }

    fn not_distinct(&self) -> &'static str {
        " IS NOT DISTINCT FROM "
    }

    fn contains_start(&self) -> &'static str {
        "0 < strpos("
    }

    fn ending_start(&self) -> &'static str {
        "right("
    }

    fn ending_middle(&self) -> &'static str {
        ", "
    }

    fn any_case(&self) -> AnyCase {
        AnyCase {
            field: ("lower(", ")"),
            text: ("lower(", ")"),
        }
    }

    fn like(&self, pattern: &str) -> (&'static str, String) {
        let mut like = String::with_capacity(pattern.len() + 1);
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            like.push(character);
            if character == '\\' {
                // A backslash at the end stands for itself.
                like.push(characters.next().unwrap_or('\\'));
            }
        }
        (" LIKE ", like)
    }

    /// What ILIKE and regular expressions take for another case depends on collation and version, and a long expression is
    /// refused as too complex. LIKE beside a text of the collation "C" compares bytes, and `translate` puts the characters that it
    /// is told in the place of others and changes nothing else: with both the answer is the same in every database.
    fn like_any_case(&self, pattern: &str) -> (&'static str, String) {
        self.like(&folded(pattern))
    }

    fn replaces_letters(&self) -> Option<&'static str> {
        Some("translate")
    }

    fn elements_start(&self) -> &'static str {
        "jsonb_array_elements_text("
    }

    fn elements_end(&self) -> &'static str {
        ") e(value)"
    }

    fn holds_any(&self) -> Option<(&'static str, &'static str)> {
        Some((" ?| ARRAY[", "]"))
    }

    fn empty_list(&self) -> &'static str {
        "'[]'::jsonb"
    }

    fn nulls(&self, ascending: bool) -> &'static str {
        if ascending { " NULLS FIRST" } else { " NULLS LAST" }
    }

    fn double(&self) -> &'static str {
        "double precision"
    }

    fn whole(&self) -> &'static str {
        "bigint"
    }

    fn column_type(&self, kind: ColumnType) -> &'static str {
        match kind {
            ColumnType::Text => "text COLLATE \"C\"",
            ColumnType::Integer => "bigint",
            // Exact, so that sums do not depend on their order.
            ColumnType::Number => "objectos_number",
            ColumnType::Decimal => "numeric",
            ColumnType::Boolean => "boolean",
            ColumnType::Date => "objectos_date",
            ColumnType::DateTime => "objectos_datetime",
            ColumnType::Time => "objectos_time",
            ColumnType::Json => "jsonb",
        }
    }

    fn text_index(&self) -> bool {
        true
    }

    /// The functions and the index are those of `postgres::words`; the beginning of a word is enough.
    ///
    /// The index is always asked, for the places of the rows, or for their ids where places tell nothing. Left to itself the
    /// database takes the beginning of any word to be in every fiftieth record, and walks along the order of a page until it is
    /// full: of a rare word that is every record.
    fn words(&self, words: &WordsFilter) -> Option<(Vec<(String, SqlValue)>, &'static str)> {
        let test = |alias: &str, fields: &[String]| {
            let mut test = String::from("objectos_vector(");
            for (index, field) in fields.iter().enumerate() {
                test.push_str(if index > 0 { ", " } else { "" });
                test.push_str(alias);
                test.push('.');
                self.name(&mut test, field);
            }
            test.push_str(") @@ objectos_query(");
            test
        };
        let list = SqlValue::Json(serde_json::Value::from(words.words.clone()).to_string());
        let mut key = String::from("ctid");
        if words.by_id {
            key.clear();
            self.name(&mut key, SystemField::Id.name());
        }
        let mut indexed = format!("t.{key} = ANY(ARRAY(SELECT w.{key} FROM ");
        self.name(&mut indexed, &words.table);
        indexed.push_str(&format!(" w WHERE {}", test("w", &words.indexed)));
        Some(match (&words.within, words.all) {
            (None, true) => (vec![(indexed, list)], ", TRUE)))"),
            (None, false) => (vec![(indexed, list)], ", FALSE)))"),
            // Of some fields only, the words of what the index finds are made anew.
            (Some(within), all) => {
                let (asked, between) = if all { ("TRUE", " AND ") } else { ("FALSE", " OR ") };
                let mut pieces = vec![(format!("({indexed}"), list.clone())];
                if words.words.iter().all(|word| is_one_word(word)) {
                    // Where they stand does not matter, and a list of words is made many times as fast as what knows it.
                    let own = self.words_of(within);
                    let mut before = format!(", {asked}))) AND (");
                    for word in &words.words {
                        before.push_str(&format!(
                            "EXISTS (SELECT FROM unnest({own}) w(word) WHERE starts_with(w.word, (objectos_words("
                        ));
                        pieces.push((before, SqlValue::Text(word.clone())));
                        before = format!("))[1])){between}");
                    }
                    return Some((pieces, "))[1]))))"));
                }
                pieces.push((format!(", {asked}))) AND {}", test("t", within)), list));
                (pieces, if all { ", TRUE))" } else { ", FALSE))" })
            }
        })
    }

    fn evaluated(&self, class: Class) -> (Cow<'static, str>, &'static str) {
        let value = match class {
            Class::Number => "CAST(e.value ->> 'v' AS numeric)",
            Class::Boolean => "CAST(e.value ->> 'v' AS boolean)",
            Class::List | Class::Document => "NULLIF(e.value -> 'v', 'null'::jsonb)",
            Class::Text | Class::Date | Class::DateTime | Class::Time => "(e.value ->> 'v') COLLATE \"C\"",
        };
        let before =
            format!("SELECT (e.value ->> 'i') COLLATE \"C\" AS \"i\", {value} AS \"v\" FROM jsonb_array_elements(");
        (Cow::Owned(before), ") e(value)")
    }

    fn once(&self) -> &'static str {
        " OFFSET 0"
    }

    fn construct(&self, construct: Construct) -> Cow<'static, str> {
        construct_postgres::postgres(construct)
    }
}
