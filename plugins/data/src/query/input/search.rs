//! Text to look for.

use serde_json::{Value, json};

use super::values::{read_boolean, read_names, wrong};
use crate::error::Result;

/// Words of one search at most.
const SEARCH_WORDS_MAX: usize = 32;
/// Characters of one search at most.
const SEARCH_LENGTH_MAX: usize = 1_000;

/// Text to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchInput {
    /// Words.
    pub query: String,
    /// Where; empty is all fields that are searchable.
    pub fields: Vec<String>,
    /// Every word must be found, not any.
    pub all_words: bool,
    /// A part of a word is enough.
    pub fuzzy: bool,
    /// The answer shows where the words were found.
    pub highlight: bool,
}

impl SearchInput {
    /// As `data/FullTextSearch`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "query": self.query,
            "fields": self.fields,
            "operator": if self.all_words { "and" } else { "or" },
            "fuzzy": self.fuzzy,
            "highlight": self.highlight,
        })
    }
}

/// Text, or `{query, fields?, operator?, fuzzy?, highlight?}`. `boost`, `minScore` and `language` are taken and change nothing:
/// they are wishes about the order of hits.
pub(super) fn read_search(value: &Value) -> Result<SearchInput> {
    let search = match value {
        Value::String(query) => SearchInput {
            query: query.clone(),
            ..SearchInput::default()
        },
        Value::Object(map) => {
            let Some(Value::String(query)) = map.get("query") else {
                return Err(wrong("'search' takes text or {query, fields, operator}"));
            };
            let all_words = match map.get("operator").and_then(Value::as_str) {
                None | Some("or") => false,
                Some("and") => true,
                Some(other) => return Err(wrong(format!("'search.operator' is 'and' or 'or', found '{other}'"))),
            };
            let switch = |key: &str| match map.get(key) {
                None | Some(Value::Null) => Ok(false),
                Some(value) => read_boolean(&format!("search.{key}"), value),
            };
            let fields = map
                .get("fields")
                .filter(|fields| !fields.is_null())
                .map(|fields| read_names("search.fields", fields))
                .transpose()?;
            SearchInput {
                query: query.clone(),
                fields: fields.unwrap_or_default(),
                all_words,
                fuzzy: switch("fuzzy")?,
                highlight: switch("highlight")?,
            }
        }
        other => {
            return Err(wrong(format!(
                "'search' takes text or {{query, fields, operator}}, found {other}"
            )));
        }
    };
    check_size(&search.query)?;
    Ok(search)
}

fn check_size(query: &str) -> Result<()> {
    let words = query.split_whitespace().count();
    if words > SEARCH_WORDS_MAX {
        return Err(wrong(format!(
            "a search has at most {SEARCH_WORDS_MAX} words, found {words}"
        )));
    }
    if query.chars().count() > SEARCH_LENGTH_MAX {
        return Err(wrong(format!("a search has at most {SEARCH_LENGTH_MAX} characters")));
    }
    Ok(())
}
