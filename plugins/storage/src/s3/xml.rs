//! The little of XML that answers of S3 servers need: the texts of elements that have nothing but text in them.

/// The text of the first element of this name.
pub(super) fn text(document: &str, name: &str) -> Option<String> {
    texts(document, name).into_iter().next()
}

/// The texts of all elements of this name, in their order.
pub(super) fn texts(document: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut found = Vec::new();
    let mut rest = document;
    while let Some((_, after)) = rest.split_once(&open) {
        let Some((text, after)) = after.split_once(&close) else {
            break;
        };
        found.push(unescaped(text));
        rest = after;
    }
    found
}

/// Entities as what they stand for; what is none stays as it is.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let entity = after
            .split_once(';')
            .and_then(|(name, after)| Some((letter(name)?, after)));
        rest = match entity {
            Some((letter, after)) => {
                out.push(letter);
                after
            }
            None => {
                out.push('&');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

fn letter(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_elements_are_read() {
        let document = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><IsTruncated>true</IsTruncated>\
                        <Contents><Key>a/b&amp;c&#x20;&#65;&lt;&nope;&</Key></Contents><Contents><Key>d</Key>\
                        </Contents></ListBucketResult>";
        assert_eq!(texts(document, "Key"), ["a/b&c A<&nope;&", "d"]);
        assert_eq!(text(document, "IsTruncated").as_deref(), Some("true"));
        assert_eq!(text(document, "Code"), None);
        assert!(texts("<Key>torn", "Key").is_empty());
    }
}
