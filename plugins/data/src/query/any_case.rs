//! Texts that are looked for whatever their case, in forms that every database can take. Which letters are the same says
//! `objectos_expression::any_case`; the databases know A to Z only, so letters beyond are written out: as all spellings of a text
//! while these are few, else as a pattern. Called by `check`, which refuses what becomes too long, and by `sql`.
//!
//! Patterns here are those of `$like`: `%`, `_` and `\`. How a database has them is its dialect's.

use objectos_expression::any_case::{beyond_ascii, letters};

use super::LIST_VALUES_MAX;

/// Spellings of one text at most: six letters with two cases each.
const SPELLINGS_MAX: usize = 64;
/// A longer text is not written out, as no index holds one (see `engine::indexed`).
const SPELLED_BYTES_MAX: usize = 2_600;

/// Texts of which a field is to be one, whatever the case.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forms {
    /// The field is one of these, whatever the case of A to Z: what an index without case finds.
    pub(super) spellings: Vec<String>,
    /// Or it has one of these patterns, which have no wildcards, whatever the case of any letter.
    pub(super) patterns: Vec<String>,
}

/// The forms of some texts. At most [`LIST_VALUES_MAX`] spellings are written for letters beyond ASCII, over all of the texts.
pub(super) fn forms(texts: &[String]) -> Forms {
    let mut forms = Forms::default();
    let mut written = 0;
    for text in texts {
        if !beyond_ascii(text) {
            forms.spellings.push(text.clone());
            continue;
        }
        match spellings_count(text).filter(|count| written + count <= LIST_VALUES_MAX) {
            Some(count) => {
                written += count;
                forms.spellings.extend(spellings(text));
            }
            None => forms.patterns.push(literal(text)),
        }
    }
    forms
}

/// How many texts differ from this one in the case of letters beyond ASCII alone, itself among them. None when too many.
fn spellings_count(text: &str) -> Option<usize> {
    if text.len() > SPELLED_BYTES_MAX {
        return None;
    }
    let mut classes = text.chars().filter_map(letters);
    classes.try_fold(1, |count, class| {
        Some(count * class.len()).filter(|count| *count <= SPELLINGS_MAX)
    })
}

fn spellings(text: &str) -> Vec<String> {
    let mut out = vec![String::with_capacity(text.len())];
    for letter in text.chars() {
        let Some(class) = letters(letter) else {
            out.iter_mut().for_each(|text| text.push(letter));
            continue;
        };
        let longer = out
            .iter()
            .flat_map(|begun| class.iter().map(move |letter| format!("{begun}{letter}")));
        out = longer.collect();
    }
    out
}

/// A text as a pattern that matches it alone.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// A pattern for what holds a text.
pub(super) fn containing(text: &str) -> String {
    format!("%{}%", literal(text))
}

/// Letters beyond ASCII that are the same as one of some patterns and not written as they are compared: these, and behind each
/// other in the same order what they are compared as. Each once.
pub(super) fn replaced<'p>(patterns: impl IntoIterator<Item = &'p str>) -> (String, String) {
    let (mut from, mut to) = (String::new(), String::new());
    for pattern in patterns {
        for class in pattern.chars().filter_map(letters) {
            let [first, others @ ..] = class else { continue };
            if others.first().is_none_or(|other| from.contains(*other)) {
                continue;
            }
            from.extend(others);
            to.extend(others.iter().map(|_| first));
        }
    }
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_spelled_while_the_spellings_are_few() {
        let check = |texts: &[&str], spellings: &[&str], patterns: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            let expected = Forms {
                spellings: owned(spellings),
                patterns: owned(patterns),
            };
            assert_eq!(forms(&owned(texts)), expected, "{texts:?}");
        };
        check(&[], &[], &[]);
        check(&["Ann", "50%", "日本"], &["Ann", "50%", "日本"], &[]);
        check(&["Ärger"], &["ärger", "Ärger"], &[]);
        check(&["σ-Ä"], &["σ-ä", "σ-Ä", "Σ-ä", "Σ-Ä", "ς-ä", "ς-Ä"], &[]);
        // Six letters with two cases are written out, seven are not.
        assert_eq!(forms(&["ÄÄÄÄÄÄ".to_owned()]).spellings.len(), SPELLINGS_MAX);
        check(&["x", "ÄÄÄÄÄÄÄ_\\"], &["x"], &["ÄÄÄÄÄÄÄ\\_\\\\"]);
        let long = format!("ä{}", "a".repeat(SPELLED_BYTES_MAX));
        check(&[long.as_str()], &[], &[long.as_str()]);
        // Over all texts the spellings have an end as well.
        let texts: Vec<String> = (0..600).map(|number| format!("ä{number}")).collect();
        let forms = forms(&texts);
        assert_eq!((forms.spellings.len(), forms.patterns.len()), (LIST_VALUES_MAX, 100));
    }

    #[test]
    fn letters_that_are_put_in_one_form() {
        let check = |patterns: &[&str], from: &str, to: &str| {
            let found = replaced(patterns.iter().copied());
            assert_eq!(found, (from.to_owned(), to.to_owned()), "{patterns:?}");
        };
        check(&["%acme%"], "", "");
        check(&["ä%Ä_ö", "Ö"], "ÄÖ", "äö");
        check(&["ς日"], "Σς", "σσ");
    }

    #[test]
    fn a_pattern_for_what_holds_a_text() {
        let check = |text: &str, expected: &str| assert_eq!(containing(text), expected, "{text}");
        check("50%_\\", "%50\\%\\_\\\\%");
        check("Ä", "%Ä%");
    }
}
