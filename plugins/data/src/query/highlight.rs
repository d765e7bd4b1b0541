//! Shows where the words of a search stand in a text, as HTML. How well they fit it is said in `wanted`. Called for the records
//! of an answer.

use super::wanted::{Wanted, is_mark};

/// Characters shown around the first hit.
const SHOWN_BEFORE: usize = 40;
const SHOWN: usize = 160;

/// Places of the runs of letters and digits, with the marks on them.
fn runs(text: &str) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut begin = None;
    for (at, character) in text.char_indices() {
        match (character.is_alphanumeric(), begin) {
            (true, None) => begin = Some(at),
            (false, Some(from)) if !is_mark(character) => {
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

/// The places of the text where a word of the search stands, with the bytes that match.
fn hits(text: &str, wanted: &Wanted) -> Vec<(usize, usize)> {
    let places = runs(text).into_iter();
    places
        .filter_map(|(from, to)| Some((from, from + wanted.shown(&text[from..to])?)))
        .collect()
}

/// The text around the first hit as HTML, hits in `<mark>`; `None` when there is none.
#[must_use]
pub fn marked(text: &str, wanted: &Wanted) -> Option<String> {
    let hits = hits(text, wanted);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_marked_and_all_else_is_escaped() {
        let check = |text: &str, query: &str, expected: Option<&str>| {
            let wanted = Wanted::new(query, true, false);
            assert_eq!(marked(text, &wanted).as_deref(), expected, "{text} {query}");
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
        check("a Cafe\u{301}s", "café", Some("a <mark>Cafe\u{301}</mark>s"));
        check("Café", "cafe", Some("<mark>Café</mark>"));
        let near = marked("blue rokcets & acme", &Wanted::new("rockets cm", false, true));
        assert_eq!(
            near.as_deref(),
            Some("blue <mark>rokcets</mark> &amp; <mark>acme</mark>")
        );
    }

    #[test]
    fn long_texts_are_cut_around_the_first_hit() {
        let text = format!("{} needle {}", "hay ".repeat(100), "straw ".repeat(100));
        let shown = marked(&text, &Wanted::new("needle", true, false)).unwrap();
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.contains("<mark>needle</mark>"));
        assert!(shown.chars().count() < 220, "{shown}");
    }
}
