//! Shows where the words of a search stand in a text, and how well they match it. The same for every database: what a text index
//! thinks of a hit depends on the index.

/// Characters shown around the first hit.
const SHOWN_BEFORE: usize = 40;
const SHOWN: usize = 160;

/// The words of a search in small letters, marks and doubles left out.
#[must_use]
pub fn words(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (from, to) in runs(query) {
        let word = query[from..to].to_lowercase();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// Places of the runs of letters and digits.
fn runs(text: &str) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut begin = None;
    for (at, character) in text.char_indices() {
        match (character.is_alphanumeric(), begin) {
            (true, None) => begin = Some(at),
            (false, Some(from)) => {
                runs.push((from, at));
                begin = None;
            }
            _ => {}
        }
    }
    if let Some(from) = begin {
        runs.push((from, text.len()));
    }
    runs
}

/// The places of the text where a word of the search begins, with the bytes that match.
fn hits(text: &str, words: &[String]) -> Vec<(usize, usize)> {
    let mut hits = Vec::new();
    for (from, to) in runs(text) {
        let longest = words
            .iter()
            .filter_map(|word| prefix_length(&text[from..to], word))
            .max();
        if let Some(length) = longest {
            hits.push((from, from + length));
        }
    }
    hits
}

/// Bytes of the text's beginning that read as the word, whatever the case.
fn prefix_length(text: &str, word: &str) -> Option<usize> {
    let mut wanted = word.chars();
    let mut next = wanted.next();
    for (at, character) in text.char_indices() {
        if next.is_none() {
            return Some(at);
        }
        for small in character.to_lowercase() {
            if next != Some(small) {
                return None;
            }
            next = wanted.next();
        }
    }
    next.is_none().then_some(text.len())
}

/// The text around the first hit as HTML, hits in `<mark>`; `None` when there is none.
#[must_use]
pub fn marked(text: &str, words: &[String]) -> Option<String> {
    let hits = hits(text, words);
    let first = hits.first()?.0;
    let begin = back(text, first, SHOWN_BEFORE);
    let end = text[begin..]
        .char_indices()
        .nth(SHOWN)
        .map_or(text.len(), |(at, _)| begin + at);
    let mut out = String::with_capacity(end - begin + 32);
    if begin > 0 {
        out.push('…');
    }
    let mut at = begin;
    for (from, to) in hits.into_iter().filter(|(_, to)| *to <= end) {
        escape(&mut out, &text[at..from]);
        out.push_str("<mark>");
        escape(&mut out, &text[from..to]);
        out.push_str("</mark>");
        at = to;
    }
    escape(&mut out, &text[at..end]);
    if end < text.len() {
        out.push('…');
    }
    Some(out)
}

/// So many characters back, at the beginning of a word where there is one.
fn back(text: &str, from: usize, characters: usize) -> usize {
    let Some((at, _)) = text[..from].char_indices().rev().nth(characters) else {
        return 0;
    };
    text[at..from].find(' ').map_or(at, |blank| at + blank + 1)
}

fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

/// How well the words match the texts, 0 to 1. A whole word counts more than its beginning, and the first text, which is the
/// record's title, counts twice.
#[must_use]
pub fn score(words: &[String], title: &str, texts: &[&str]) -> f64 {
    if words.is_empty() {
        return 0.0;
    }
    let mut sum = 0.0;
    for word in words {
        let others = texts.iter().map(|text| match_of(text, word));
        sum += others.fold(2.0 * match_of(title, word), f64::max);
    }
    let count = words.iter().fold(0.0, |count, _| count + 1.0);
    // Four decimals are enough for an order, and the same text everywhere.
    objectos_expression::round(sum / (2.0 * count), 4)
}

fn match_of(text: &str, word: &str) -> f64 {
    let mut best = 0.0;
    for (from, to) in runs(text) {
        match prefix_length(&text[from..to], word) {
            Some(length) if length == to - from => return 1.0,
            Some(_) => best = 0.6,
            None => {}
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_marked_and_all_else_is_escaped() {
        let check = |text: &str, query: &str, expected: Option<&str>| {
            assert_eq!(marked(text, &words(query)).as_deref(), expected, "{text} {query}");
        };
        check("Acme GmbH", "acm", Some("<mark>Acm</mark>e GmbH"));
        check(
            "<b>acme</b> & co",
            "ACME",
            Some("&lt;b&gt;<mark>acme</mark>&lt;/b&gt; &amp; co"),
        );
        check("Größe zählt", "größe", Some("<mark>Größe</mark> zählt"));
        check("nothing here", "acme", None);
        check("", "a", None);
        check("a-b c", "b", Some("a-<mark>b</mark> c"));
    }

    #[test]
    fn long_texts_are_cut_around_the_first_hit() {
        let text = format!("{} needle {}", "hay ".repeat(100), "straw ".repeat(100));
        let shown = marked(&text, &words("needle")).unwrap();
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.contains("<mark>needle</mark>"));
        assert!(shown.chars().count() < 220, "{shown}");
    }

    #[test]
    fn whole_words_and_titles_count_more() {
        let words = words("acme");
        let of = |title: &str, text: &str| score(&words, title, &[text]);
        assert!(of("Acme", "") > of("Acmeville", ""));
        assert!(of("Acmeville", "") > of("", "acme"));
        assert!(of("", "acme") > of("", "acmeville"));
        assert!(of("", "x").abs() < f64::EPSILON);
    }
}
