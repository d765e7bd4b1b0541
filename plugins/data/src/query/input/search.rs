//! Text to look for: `data/FullTextSearch`.

use serde_json::{Map, Value, json};

use super::language::read_language;
use super::values::{read_boolean, read_names, wrong};
use crate::error::{DataError, Result};
use crate::model::nearest;
use crate::query::written::{RawFilter, read_filter};

/// Words of one search at most.
const SEARCH_WORDS_MAX: usize = 32;
/// Characters of one search at most.
const SEARCH_LENGTH_MAX: usize = 1_000;
/// Weights of fields are above 0 and at most this.
const WEIGHT_MAX: f64 = 1_000.0;
const KEYS: [&str; 9] = [
    "query",
    "fields",
    "operator",
    "fuzzy",
    "boost",
    "minScore",
    "filters",
    "language",
    "highlight",
];

/// Text to look for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchInput {
    /// Words; those between quotes stand beside each other.
    pub query: String,
    /// Where; empty is all fields that are searchable.
    pub fields: Vec<String>,
    /// Every word must be found, not any.
    pub all_words: bool,
    /// A part of a word is enough, and one with a slip or two.
    pub fuzzy: bool,
    /// Weights of fields; that of others is 1.
    pub boost: Vec<(String, f64)>,
    /// Records that fit worse are left out: 0 to 1.
    pub min_score: Option<f64>,
    /// Which records are searched, in the place of what the object says; without it, as the object says.
    pub filters: Option<RawFilter>,
    /// The language of the words. They are read the same in every one: nothing depends on it.
    pub language: Option<String>,
    /// The answer shows where the words were found.
    pub highlight: bool,
}

impl SearchInput {
    /// Whether the texts must be looked at: no database says how well one fits.
    #[must_use]
    pub fn rates(&self) -> bool {
        self.fuzzy || self.min_score.is_some() || !self.boost.is_empty()
    }

    /// As `data/FullTextSearch`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = json!({
            "query": self.query,
            "fields": self.fields,
            "operator": if self.all_words { "and" } else { "or" },
            "fuzzy": self.fuzzy,
            "highlight": self.highlight,
        });
        if !self.boost.is_empty() {
            let weights = self.boost.iter().map(|(field, weight)| (field.clone(), json!(weight)));
            out["boost"] = Value::Object(weights.collect());
        }
        if let Some(score) = self.min_score {
            out["minScore"] = json!(score);
        }
        if let Some(filters) = &self.filters {
            out["filters"] = filters.to_json();
        }
        if let Some(language) = &self.language {
            out["language"] = json!(language);
        }
        out
    }
}

/// Text, or `{query, fields?, operator?, fuzzy?, boost?, minScore?, filters?, language?, highlight?}`. `filters` is ours beside
/// the protocol: what its `data/SearchConfig` says for an object, said by a request.
pub(super) fn read_search(value: &Value) -> Result<SearchInput> {
    let search = match value {
        Value::String(query) => SearchInput {
            query: query.clone(),
            ..SearchInput::default()
        },
        Value::Object(map) => read_map(map)?,
        other => {
            return Err(wrong(format!(
                "'search' takes text or {{query, fields, operator}}, found {other}"
            )));
        }
    };
    check_size(&search.query)?;
    Ok(search)
}

fn read_map(map: &Map<String, Value>) -> Result<SearchInput> {
    let given = |key: &str| map.get(key).filter(|value| !value.is_null());
    if let Some(unknown) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let hint = nearest(unknown, KEYS)
            .map(|name| format!("; did you mean '{name}'?"))
            .unwrap_or_default();
        return Err(wrong(format!("unknown key '{unknown}' in 'search'{hint}")));
    }
    let Some(Value::String(query)) = map.get("query") else {
        return Err(wrong("'search' takes text or {query, fields, operator}"));
    };
    let all_words = match given("operator") {
        None => false,
        Some(Value::String(operator)) if operator == "or" => false,
        Some(Value::String(operator)) if operator == "and" => true,
        Some(other) => return Err(wrong(format!("'search.operator' is 'and' or 'or', found {other}"))),
    };
    let switch = |key: &str| given(key).map_or(Ok(false), |value| read_boolean(&format!("search.{key}"), value));
    let fields = given("fields")
        .map(|fields| read_names("search.fields", fields))
        .transpose()?;
    Ok(SearchInput {
        query: query.clone(),
        fields: fields.unwrap_or_default(),
        all_words,
        fuzzy: switch("fuzzy")?,
        boost: given("boost").map(read_boost).transpose()?.unwrap_or_default(),
        min_score: given("minScore").map(read_score).transpose()?,
        filters: given("filters").map(read_filters).transpose()?,
        language: given("language").map(read_language).transpose()?,
        highlight: switch("highlight")?,
    })
}

fn read_boost(value: &Value) -> Result<Vec<(String, f64)>> {
    let Value::Object(weights) = value else {
        return Err(wrong(format!("'search.boost' takes {{field: weight}}, found {value}")));
    };
    weights
        .iter()
        .map(|(field, weight)| match weight.as_f64() {
            Some(number) if number > 0.0 && number <= WEIGHT_MAX => Ok((field.clone(), number)),
            _ => Err(wrong(format!(
                "'search.boost.{field}' is a number above 0 and at most {WEIGHT_MAX}, found {weight}"
            ))),
        })
        .collect()
}

fn read_score(value: &Value) -> Result<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number
        .filter(|score| (0.0..=1.0).contains(score))
        .ok_or_else(|| wrong(format!("'search.minScore' is a number from 0 to 1, found {value}")))
}

/// A filter in any of its forms; an empty one lets every record be searched.
fn read_filters(value: &Value) -> Result<RawFilter> {
    read_filter(value).map_err(|error| match error {
        DataError::InvalidFilter { message } => DataError::InvalidFilter {
            message: format!("'search.filters': {message}"),
        },
        other => other,
    })
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
