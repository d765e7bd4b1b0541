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
/// Bytes of all spellings of one test at most, so that a short request does not become a long statement. As many as
/// [`LIST_VALUES_MAX`] spellings of a name or an address take.
const SPELLINGS_BYTES_MAX: usize = 32 * 1_024;

/// Texts of which a field is to be one, whatever the case.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forms {
    /// The field is one of these, whatever the case of A to Z: what an index without case finds.
    pub(super) spellings: Vec<String>,
    /// Or it has one of these patterns, which have no wildcards, whatever the case of any letter.
    pub(super) patterns: Vec<String>,
}

/// How much may still be written out for one test.
struct Room {
    spellings: usize,
    bytes: usize,
}

impl Room {
    const fn of_test() -> Self {
        Self {
            spellings: LIST_VALUES_MAX,
            bytes: SPELLINGS_BYTES_MAX,
        }
    }

    /// Whether all spellings of a text are written out; there is less room then.
    fn takes(&mut self, text: &str) -> bool {
        let Some(spellings) = spellings_count(text) else {
            return false;
        };
        // All of them are about as long as the text.
        let bytes = spellings * text.len();
        if spellings > self.spellings || bytes > self.bytes {
            return false;
        }
        self.spellings -= spellings;
        self.bytes -= bytes;
        true
    }
}

/// The forms of some texts. For letters beyond ASCII at most [`LIST_VALUES_MAX`] spellings are written, and so many bytes of
/// them, over all of the texts.
pub(super) fn forms(texts: &[String]) -> Forms {
    let mut forms = Forms::default();
    let mut room = Room::of_test();
    for text in texts {
        if !beyond_ascii(text) {
            forms.spellings.push(text.clone());
        } else if room.takes(text) {
            forms.spellings.extend(spellings(text));
        } else {
            forms.patterns.push(literal(text));
        }
    }
    forms
}

/// The patterns among the forms of some texts, without what is written for the others.
pub(super) fn patterns(texts: &[String]) -> impl Iterator<Item = String> {
    let mut room = Room::of_test();
    let others = texts.iter().filter(move |text| beyond_ascii(text) && !room.takes(text));
    others.map(|text| literal(text))
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
            let texts = owned(texts);
            let found: Vec<String> = super::patterns(&texts).collect();
            assert_eq!(found, expected.patterns, "{texts:?}");
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
        assert_eq!(patterns(&texts).count(), 100);
    }

    #[test]
    fn the_spellings_of_a_test_have_an_end_in_bytes() {
        // Six letters with two cases, 64 spellings: how long the texts are, how many are spelled, and how many patterns.
        for (bytes, spelled, matched) in [
            (12, 15, 0),
            (34, 15, 0),
            (256, 2, 13),
            (512, 1, 14),
            (513, 0, 15),
            (2_600, 0, 15),
        ] {
            let text = format!("ÄÖÜäöü{}", "a".repeat(bytes - 12));
            assert_eq!(text.len(), bytes);
            let mut texts = vec![text; 15];
            // What is ASCII is one spelling, whatever else there is.
            texts.push("a".repeat(SPELLED_BYTES_MAX));
            let Forms { spellings, patterns } = forms(&texts);
            assert_eq!(
                (spellings.len(), patterns.len()),
                (spelled * SPELLINGS_MAX + 1, matched),
                "{bytes}"
            );
            let written: usize = spellings.iter().map(String::len).sum();
            assert!(written <= SPELLINGS_BYTES_MAX + SPELLED_BYTES_MAX, "{bytes}: {written}");
            assert_eq!(super::patterns(&texts).collect::<Vec<_>>(), patterns, "{bytes}");
        }
        // A short one still finds its place behind a long one.
        let texts = ["ÄÖÜäöü".to_owned() + &"a".repeat(600), "ä".to_owned()];
        let Forms { spellings, patterns } = forms(&texts);
        assert_eq!((spellings, patterns.len()), (vec!["ä".to_owned(), "Ä".to_owned()], 1));
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
