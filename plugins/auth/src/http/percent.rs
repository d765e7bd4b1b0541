//! Percent-encoding of URIs: what is written in queries, cookies and links.

use std::fmt::Write;

/// Encodes everything but unreserved characters, as `encodeURIComponent` does.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Decodes; `None` for a broken sequence or bytes that are not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// The first value of a query parameter or of a form's field, decoded; `+` is a space.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| decode(&value.replace('+', " "))).flatten()
    })
}

/// Writes a query.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

/// A URL with more in its query.
pub(crate) fn extend(url: &str, pairs: &[(&str, &str)]) -> String {
    let (page, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let join = if page.contains('?') { '&' } else { '?' };
    format!("{page}{join}{}{fragment}", query(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_comes_back() {
        for text in ["", "abc", "a b+c/d=e&f", "ä€"] {
            assert_eq!(decode(&encode(text)).unwrap(), text);
        }
        assert_eq!(encode("a+b/c=="), "a%2Bb%2Fc%3D%3D");
        assert_eq!(decode("%zz"), None);
        assert_eq!(decode("%f"), None);
        assert_eq!(decode("%ff"), None);
    }

    #[test]
    fn parameters_are_found() {
        let query = "a=1&b=x%20y&c=p+q&d";
        assert_eq!(parameter(query, "a").as_deref(), Some("1"));
        assert_eq!(parameter(query, "b").as_deref(), Some("x y"));
        assert_eq!(parameter(query, "c").as_deref(), Some("p q"));
        assert_eq!(parameter(query, "d").as_deref(), Some(""));
        assert_eq!(parameter(query, "e"), None);
    }

    #[test]
    fn a_query_grows_before_the_fragment() {
        let check = |url: &str, expected: &str| assert_eq!(extend(url, &[("a", "x y")]), expected);
        check("/app", "/app?a=x%20y");
        check("/app?b=1", "/app?b=1&a=x%20y");
        check("https://app.example.com/#/in", "https://app.example.com/?a=x%20y#/in");
    }
}
