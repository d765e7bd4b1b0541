//! What the words of a search ask for, and how well texts fit them. Called by the engine, which rates hits by it, and by
//! `highlight`, which shows them. The same for every database: what a text index thinks of a hit depends on the index.
//!
//! Words are compared in small letters and without the marks on them, as the text indexes do it. A word is found where a word of
//! the text begins with it; `"several words"` are found beside each other. `fuzzy`: inside of a word as well, and with a slip or two.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::words::indexable;

/// How well one word fits another: it is the same, begins like it, has it inside, or is it with one slip or with two.
const WHOLE: f64 = 1.0;
const BEGINNING: f64 = 0.6;
const INSIDE: f64 = 0.4;
const SLIPS: [f64; 2] = [0.5, 0.3];

/// The words of a search.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    terms: Vec<Term>,
    /// Every word that may stand in a text, for showing it.
    words: Vec<Word>,
    all: bool,
    fuzzy: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    /// One after the other.
    Words(Vec<Word>),
    /// Anywhere: marks, and scripts without blanks.
    Anywhere(String),
}

#[derive(Clone, Debug, PartialEq)]
struct Word {
    text: String,
    letters: usize,
    /// A bit for each letter, to see at once that another word is far away.
    mask: u64,
    /// Letters that may be wrong.
    slips: usize,
}

/// A text made ready for comparing.
struct Folded<'t> {
    text: Cow<'t, str>,
}

/// How well a record fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// It has the words: all of them or any, as the search says.
    pub found: bool,
    /// From 0 to 1, to four decimals: the mean over the words of how well each fits the field that it fits best, times the
    /// weight of the field.
    pub score: f64,
}

/// The parts of a search: words, and what stands between quotes as one. A quote that is not closed stands for itself.
#[must_use]
pub fn parts(query: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let phrase = rest.strip_prefix('"').and_then(|inner| inner.split_once('"'));
        let (part, behind) = match phrase {
            Some((inner, behind)) => (inner.trim(), behind),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        if !part.is_empty() {
            parts.push(part);
        }
        rest = behind.trim_start();
    }
    parts
}

/// In small letters, without the marks on them.
#[must_use]
pub fn folded(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        return Cow::Owned(text.chars().flat_map(folded_letter).collect());
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Borrowed(text)
}

/// What a letter is compared as; a mark by itself as nothing.
pub(super) fn folded_letter(letter: char) -> impl Iterator<Item = char> {
    letter
        .nfd()
        .flat_map(char::to_lowercase)
        .filter(|letter| !is_mark(*letter))
}

/// Marks that stand behind the letter which they are on.
pub(super) const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36F}')
}

fn words_of(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

fn mask_of(word: &str) -> u64 {
    word.chars()
        .fold(0, |mask, letter| mask | 1 << (u32::from(letter) % 64))
}

impl Wanted {
    /// Reads a search.
    #[must_use]
    pub fn new(query: &str, all: bool, fuzzy: bool) -> Self {
        let mut wanted = Self {
            all,
            fuzzy,
            ..Self::default()
        };
        for part in parts(query) {
            let text = folded(part);
            if text.is_empty() {
                // Marks without a letter.
                continue;
            }
            let words: Vec<Word> = words_of(&text).map(Word::new).collect();
            for word in &words {
                if !wanted.words.contains(word) {
                    wanted.words.push(word.clone());
                }
            }
            let term = if indexable(part) && !words.is_empty() {
                Term::Words(words)
            } else {
                Term::Anywhere(text.into_owned())
            };
            if !wanted.terms.contains(&term) {
                wanted.terms.push(term);
            }
        }
        wanted
    }

    /// How well a record fits whose fields have these texts, each with the weight of its field, from 0 to 1.
    #[must_use]
    pub fn fit(&self, fields: &[(f64, &str)]) -> Fit {
        let fields: Vec<(f64, Folded<'_>)> = fields
            .iter()
            .map(|(weight, text)| (*weight, Folded { text: folded(text) }))
            .collect();
        let (mut sum, mut count, mut found) = (0.0, 0.0, 0_usize);
        for term in &self.terms {
            let fits = fields.iter().map(|(weight, text)| weight * term.fit(text, self.fuzzy));
            let best = fits.fold(0.0, f64::max);
            found += usize::from(best > 0.0);
            sum += best;
            count += 1.0;
        }
        if self.terms.is_empty() {
            return Fit {
                found: false,
                score: 0.0,
            };
        }
        let enough = if self.all { self.terms.len() } else { 1 };
        Fit {
            found: found >= enough,
            // Four decimals are enough for an order, and the same text everywhere.
            score: objectos_expression::round(sum / count, 4),
        }
    }

    /// Bytes of a word of a text that are shown as found, from its beginning.
    pub(super) fn shown(&self, word: &str) -> Option<usize> {
        let begun = self.words.iter().filter_map(|wanted| prefix_length(word, &wanted.text));
        let longest = begun.max();
        if longest.is_some() || !self.fuzzy {
            return longest;
        }
        let folded = folded(word);
        let near = |wanted: &Word| folded.contains(&wanted.text) || wanted.near(&folded) > 0.0;
        self.words.iter().any(near).then_some(word.len())
    }
}

impl Term {
    fn fit(&self, text: &Folded<'_>, fuzzy: bool) -> f64 {
        match self {
            Self::Anywhere(part) if text.text.contains(part) => WHOLE,
            Self::Anywhere(_) => 0.0,
            Self::Words(wanted) if wanted.len() == 1 => words_of(&text.text)
                .map(|word| wanted[0].fit(word, true, fuzzy))
                .fold(0.0, f64::max),
            Self::Words(wanted) => {
                let words: Vec<&str> = words_of(&text.text).collect();
                let places = words.windows(wanted.len().max(1));
                places.map(|place| beside(wanted, place, fuzzy)).fold(0.0, f64::max)
            }
        }
    }
}

/// How well words fit those that are wanted one after the other: as well as the one that fits worst.
fn beside(wanted: &[Word], words: &[&str], fuzzy: bool) -> f64 {
    let last = wanted.len() - 1;
    let pairs = wanted.iter().zip(words).enumerate();
    pairs
        .map(|(place, (wanted, word))| wanted.fit(word, place == last, fuzzy))
        .fold(WHOLE, f64::min)
}

impl Word {
    /// A word of up to two letters has no slips, one of up to five has one, and a longer one two.
    fn new(text: &str) -> Self {
        let letters = text.chars().count();
        Self {
            text: text.to_owned(),
            letters,
            mask: mask_of(text),
            slips: match letters {
                0..=2 => 0,
                3..=5 => 1,
                _ => 2,
            },
        }
    }

    /// `open`: the word of the text may go on.
    fn fit(&self, word: &str, open: bool, fuzzy: bool) -> f64 {
        if word == self.text {
            return WHOLE;
        }
        if open && word.starts_with(&self.text) {
            return BEGINNING;
        }
        if !fuzzy {
            return 0.0;
        }
        let inside = if open && word.contains(&self.text) { INSIDE } else { 0.0 };
        self.near(word).max(inside)
    }

    /// A slip is a letter too much, too few, another one, or two neighbours that changed places.
    fn near(&self, word: &str) -> f64 {
        let far = |word: &str| {
            let letters = word.chars().count();
            // Each slip changes two bits at most.
            let bits = usize::try_from((mask_of(word) ^ self.mask).count_ones()).unwrap_or(usize::MAX);
            letters.abs_diff(self.letters) > self.slips || bits > 2 * self.slips
        };
        if self.slips == 0 || far(word) {
            return 0.0;
        }
        match strsim::osa_distance(&self.text, word) {
            0 => WHOLE,
            slips if slips <= self.slips => SLIPS[slips - 1],
            _ => 0.0,
        }
    }
}

/// Bytes of the text's beginning that read as the folded word.
fn prefix_length(text: &str, word: &str) -> Option<usize> {
    let mut wanted = word.chars();
    let mut next = wanted.next();
    for (at, letter) in text.char_indices() {
        if next.is_none() && !is_mark(letter) {
            return Some(at);
        }
        for small in folded_letter(letter) {
            if next != Some(small) {
                return None;
            }
            next = wanted.next();
        }
    }
    next.is_none().then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        let check = |query: &str, expected: &[&str]| assert_eq!(parts(query), expected, "{query}");
        check("  red wine ", &["red", "wine"]);
        check("\"red wine\" dry", &["red wine", "dry"]);
        check("\"red wine", &["\"red", "wine"]);
        check("12\" \"\" \"a\"b", &["12\"", "a", "b"]);
    }

    #[test]
    fn the_better_a_text_fits_the_higher_it_is_rated() {
        let check = |query: &str, fuzzy: bool, text: &str, expected: f64| {
            let fit = Wanted::new(query, true, fuzzy).fit(&[(1.0, text)]);
            let near = (fit.score - expected).abs() < 1e-9;
            assert!(near && fit.found == (expected > 0.0), "{query} in {text}: {fit:?}");
        };
        check("acme", false, "Acme GmbH", 1.0);
        check("acme", false, "Acmeville", 0.6);
        check("acme", false, "Adcme", 0.0);
        check("cafe", false, "Café, Cafe\u{301}", 1.0);
        check("red-wine", false, "a Red Wine", 1.0);
        check("\"red wine\"", false, "red and wine", 0.0);
        check("\"red win\"", false, "red wine", 0.6);
        check("北京", false, "在北京的", 1.0);
        check("100%", false, "at 100 %", 1.0);
        check("cme", true, "acme", 0.5);
        check("acem", true, "acme", 0.5);
        check("rokcets", true, "rockets", 0.5);
        check("rokets", true, "rockers", 0.3);
        check("ab", true, "ac", 0.0);
        check("ab", true, "cabin", 0.4);
        check("\"blue rokets\"", true, "blue rockets", 0.5);
        check("acme", true, "anvil", 0.0);
    }

    #[test]
    fn weights_and_operators() {
        let fit = |query: &str, all: bool, fields: &[(f64, &str)]| Wanted::new(query, all, false).fit(fields);
        let (found, score) = (true, 0.5);
        assert_eq!(fit("acme", true, &[(1.0, "x"), (0.5, "acme")]), Fit { found, score });
        assert_eq!(fit("acme beta", false, &[(1.0, "acme")]), Fit { found, score });
        assert_eq!(fit("acme beta", true, &[(1.0, "acme")]), Fit { found: false, score });
        let nothing = Fit {
            found: false,
            score: 0.0,
        };
        assert_eq!(fit("\"\"", true, &[(1.0, "acme")]), nothing);
    }
}
