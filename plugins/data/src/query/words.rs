//! Text search: words become tests. A database with a text index over the object's fields finds words by it; what no index can
//! answer, and every database without one, looks at the texts themselves.
//!
//! A word matches where a word of the text begins with it, whatever the case. What is fuzzy is no test of a database: the engine
//! looks at the texts (`engine::rate`).

use std::sync::Arc;

use super::filter::{Class, Condition, FieldRef, Filter, Test, TextMatch};
use super::wanted::parts;

/// Words that a text index looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordsFilter {
    /// Table of the object.
    pub table: String,
    /// All fields of the index.
    pub indexed: Vec<String>,
    /// Those that may match; none is all of them.
    pub within: Option<Vec<String>>,
    /// The words.
    pub words: Vec<String>,
    /// All must be there, not any.
    pub all: bool,
    /// The place of a row in its table does not tell which record it is, so only ids do: the statement has the object behind a
    /// join, or its rows lie in several tables.
    pub by_id: bool,
}

/// A text index and the fields that are looked at.
pub(super) struct Indexed<'i> {
    pub(super) table: &'i str,
    pub(super) fields: &'i [String],
    /// As [`WordsFilter::by_id`].
    pub(super) by_id: bool,
}

/// The filter for the words of a search in some fields.
pub(super) fn filter(text: &str, all: bool, fields: &[(String, FieldRef)], index: Option<&Indexed<'_>>) -> Filter {
    let words = parts(text);
    if words.is_empty() {
        return Filter::never();
    }
    let usable = index.filter(|index| {
        let own = |(name, field): &(String, FieldRef)| field.table == 0 && index.fields.contains(name);
        fields.iter().all(own)
    });
    let (by_index, by_text): (Vec<&str>, Vec<&str>) = words
        .into_iter()
        .partition(|word| usable.is_some() && indexable(word) && !word.contains('\0'));
    let mut parts = Vec::new();
    if let Some(index) = usable.filter(|_| !by_index.is_empty()) {
        let every = index.fields.len() == fields.len();
        parts.push(Filter::Words(Arc::new(WordsFilter {
            table: index.table.to_owned(),
            indexed: index.fields.to_vec(),
            within: (!every).then(|| fields.iter().map(|(name, _)| name.clone()).collect()),
            words: by_index.into_iter().map(str::to_owned).collect(),
            all,
            by_id: index.by_id,
        })));
    }
    for word in by_text {
        if word.contains('\0') {
            // No text holds that character.
            parts.push(Filter::never());
            continue;
        }
        let condition = if indexable(word) {
            Condition::Text(TextMatch::WordBegins, without_marks(word))
        } else {
            Condition::Text(TextMatch::ContainsAnyCase, word.to_owned())
        };
        let somewhere = fields.iter().map(|(_, field)| {
            Filter::Test(Test {
                field: field.clone(),
                condition: condition.clone(),
            })
        });
        parts.push(Filter::Any(somewhere.collect()));
    }
    if parts.len() == 1 {
        return parts.remove(0);
    }
    if all { Filter::All(parts) } else { Filter::Any(parts) }
}

/// In small letters, with a blank for each run of marks.
fn without_marks(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let parts = lower.split(|character: char| !character.is_alphanumeric());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// Whether an index that parts texts at blanks and marks can find it: not in scripts without blanks, and not marks alone.
pub(super) fn indexable(word: &str) -> bool {
    word.chars().any(char::is_alphanumeric) && !word.chars().any(without_blanks)
}

/// Letters of scripts that write words without blanks between them.
fn without_blanks(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x2E80..=0x9FFF | 0xA960..=0xA97F | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x2_0000..=0x3_FFFF)
}

/// Only texts have words.
pub(super) const fn searchable(class: Class) -> bool {
    matches!(class, Class::Text)
}

#[cfg(test)]
mod tests {
    use super::{indexable, without_marks};

    #[test]
    fn marks_part_words() {
        assert_eq!(without_marks("\"Red-Wine\""), "red wine");
        assert_eq!(without_marks("100%"), "100");
    }

    #[test]
    fn what_an_index_can_find() {
        assert!(indexable("acme") && indexable("größe") && indexable("a_b") && indexable("100%"));
        assert!(!indexable("%") && !indexable("北京") && !indexable("東京tower") && !indexable("--"));
    }
}
