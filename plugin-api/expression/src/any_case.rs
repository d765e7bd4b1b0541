//! Which characters are the same whatever their case: the one relation by which filters look away from case, on every database
//! and in memory. Asked by the data plugin, which writes it out in the words of a database, and by whoever compares in memory.
//!
//! Two characters are the same when they are equal, when one is the other's upper or lower case, or when both are the same as a
//! third: `σ`, `ς` and `Σ` are one letter. Only cases of one character count, so a text keeps its number of characters: `ß` is
//! the same as `ẞ` and not as `ss`, and `ŉ` is only itself. **ASCII is the same as ASCII alone**: `K` is not the sign for kelvin,
//! `s` is not `ſ`, and `i` neither `İ` nor `ı`. So what is ASCII can be left to the databases, which know A to Z.
//!
//! Marks are characters of their own: `Ä` in one character is not the same as `A` with a mark behind it. (The iota that stands
//! below Greek letters is an iota to Unicode, and so it is here.)

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Beyond it no letter has another case.
const LAST: char = '\u{1FFFF}';

static LETTERS: LazyLock<Letters> = LazyLock::new(Letters::of_unicode);

/// Letters beyond ASCII that have another case.
#[derive(Default)]
struct Letters {
    /// Those that are the same, the one that they are compared as first.
    classes: Vec<Vec<char>>,
    /// The place of a letter's class.
    places: HashMap<char, usize>,
}

/// All that are the same as a letter beyond ASCII, itself among them: two to four, none of them ASCII, the one that they are
/// compared as first. `None` for ASCII, and for what is only the same as itself.
#[must_use]
pub fn letters(letter: char) -> Option<&'static [char]> {
    if letter.is_ascii() {
        return None;
    }
    let place = LETTERS.places.get(&letter)?;
    LETTERS.classes.get(*place).map(Vec::as_slice)
}

/// Whether a text has a letter beyond ASCII that has another case.
#[must_use]
pub fn beyond_ascii(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|letter| letters(letter).is_some())
}

/// What a character is compared as: the same for all that are the same.
#[must_use]
pub fn folded_letter(letter: char) -> char {
    match letters(letter) {
        Some(class) => class.first().copied().unwrap_or(letter),
        None => letter.to_ascii_lowercase(),
    }
}

/// What a text is compared as: two texts are the same whatever their case when this is equal. As many characters as the text.
#[must_use]
pub fn folded(text: &str) -> Cow<'_, str> {
    if text.chars().all(|letter| folded_letter(letter) == letter) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(folded_letter).collect())
}

impl Letters {
    fn of_unicode() -> Self {
        let mut letters = Self::default();
        for letter in '\u{80}'..=LAST {
            let cases = [single(letter.to_lowercase()), single(letter.to_uppercase())];
            for case in cases.into_iter().flatten() {
                if case != letter && !case.is_ascii() {
                    letters.join(letter, case);
                }
            }
        }
        for class in &mut letters.classes {
            put_first(class);
        }
        letters
    }

    /// These are the same, and so are all that are the same as either.
    fn join(&mut self, one: char, other: char) {
        let (place, moved) = match (self.places.get(&one).copied(), self.places.get(&other).copied()) {
            (Some(place), Some(former)) if place == former => return,
            (Some(place), Some(former)) => (place, std::mem::take(&mut self.classes[former])),
            (Some(place), None) => (place, vec![other]),
            (None, Some(place)) => (place, vec![one]),
            (None, None) => {
                self.classes.push(Vec::new());
                (self.classes.len() - 1, vec![one, other])
            }
        };
        self.places.extend(moved.iter().map(|letter| (*letter, place)));
        self.classes[place].extend(moved);
    }
}

/// In the order of the characters, the small letter before them.
fn put_first(class: &mut [char]) {
    class.sort_unstable();
    let small = class.iter().find_map(|letter| {
        let case = single(letter.to_lowercase()).filter(|case| case != letter)?;
        class.iter().position(|other| *other == case)
    });
    if let Some(place) = small {
        class[..=place].rotate_right(1);
    }
}

/// A case that is one character.
fn single(mut case: impl Iterator<Item = char>) -> Option<char> {
    let first = case.next()?;
    case.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(left: &str, right: &str) -> bool {
        folded(left) == folded(right)
    }

    #[test]
    fn letters_that_are_the_same() {
        let check = |letter: char, expected: Option<&str>| {
            let found = letters(letter).map(|class| class.iter().collect::<String>());
            assert_eq!(found.as_deref(), expected, "{letter}");
        };
        check('Ä', Some("äÄ"));
        check('ä', Some("äÄ"));
        check('Ж', Some("жЖ"));
        // Three and four are one.
        check('ς', Some("σΣς"));
        check('Σ', Some("σΣς"));
        check('\u{2126}', Some("ωΩ\u{2126}"));
        check('å', Some("åÅ\u{212B}"));
        check('ǅ', Some("ǆǄǅ"));
        check('θ', Some("θΘϑϴ"));
        // The other case of one character alone counts.
        check('ß', Some("ßẞ"));
        check('ŉ', None);
        check('ǰ', None);
        // Nothing beyond ASCII is the same as ASCII.
        for only_itself in ['K', 'k', 's', 'i', 'I', '\u{212A}', 'ſ', 'İ', 'ı', '1', '%'] {
            check(only_itself, None);
        }
        // No letters with case.
        check('日', None);
        check('\u{308}', None);
        // The last letters with two cases are far out.
        check('\u{1E900}', Some("\u{1E922}\u{1E900}"));
    }

    #[test]
    fn the_relation_is_one_and_leads_nowhere_else() {
        for letter in '\0'..=char::MAX {
            let cases = [single(letter.to_lowercase()), single(letter.to_uppercase())];
            for case in cases.into_iter().flatten() {
                let same = folded_letter(letter) == folded_letter(case);
                assert_eq!(same, letter.is_ascii() == case.is_ascii(), "{letter} {case}");
            }
            let folded = folded_letter(letter);
            assert_eq!(folded_letter(folded), folded, "{letter}");
            assert_eq!(folded.is_ascii(), letter.is_ascii(), "{letter}");
            let Some(class) = letters(letter) else { continue };
            assert!((2..=4).contains(&class.len()), "{class:?}");
            assert!(class.contains(&letter) && class[0] == folded, "{letter}: {class:?}");
            assert!(class.iter().all(|other| letters(*other) == Some(class)), "{class:?}");
        }
    }

    #[test]
    fn texts_that_are_the_same() {
        let check = |left: &str, right: &str, expected: bool| {
            assert_eq!(same(left, right), expected, "{left} {right}");
            assert_eq!(same(right, left), expected, "{right} {left}");
        };
        check("", "", true);
        check("Acme", "aCME", true);
        check("ÄRGER", "ärger", true);
        check("ΟΔΟΣ", "οδος", true);
        check("Straße", "STRAẞE", true);
        check("Straße", "STRASSE", false);
        check("İstanbul", "istanbul", false);
        check("ılık", "ILIK", false);
        check("ÅNGSTRÖM", "\u{212B}ngström", true);
        check("\u{C4}", "A\u{308}", false);
        check("A\u{308}", "a\u{308}", true);
        check("[^]-%_*?\\", "[^]-%_*?\\", true);
    }

    #[test]
    fn what_is_beyond_ascii() {
        let check = |text: &str, expected: bool| assert_eq!(beyond_ascii(text), expected, "{text}");
        check("Acme", false);
        check("日本", false);
        check("İ", false);
        check("a\u{308}", false);
        check("größe", true);
        assert!(matches!(folded("größe 北京"), Cow::Borrowed(_)));
    }
}
