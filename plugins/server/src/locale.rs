//! The language that a caller prefers, from `Accept-Language`.

/// The tag with the highest quality, the first of equals; `None` when there is no valid one.
pub(crate) fn preferred(header: &str) -> Option<&str> {
    let better = |best: Option<(f32, &'_ str)>, next: (f32, &'_ str)| match best {
        Some((quality, _)) => next.0 > quality,
        None => true,
    };
    let mut best = None;
    for entry in header.split(',').filter_map(entry) {
        if better(best, entry) {
            best = Some(entry);
        }
    }
    best.map(|(_, tag)| tag)
}

/// `tag` or `tag;q=0.5`.
fn entry(text: &str) -> Option<(f32, &str)> {
    let (tag, quality) = text.split_once(';').unwrap_or((text, "q=1"));
    let quality: f32 = quality.trim().strip_prefix("q=")?.parse().ok()?;
    let tag = tag.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let valid = (1..=35).contains(&tag.len()) && tag.bytes().all(plain);
    (valid && quality > 0.0 && quality <= 1.0).then_some((quality, tag))
}

#[cfg(test)]
mod tests {
    use super::preferred;

    #[test]
    fn the_preferred_language_is_found() {
        let check = |header: &str, expected: Option<&str>| assert_eq!(preferred(header), expected, "{header}");
        check("de", Some("de"));
        check("de-CH, en;q=0.5", Some("de-CH"));
        check("en;q=0.5, de-CH", Some("de-CH"));
        check("fr;q=0.5,de;q=0.5", Some("fr"));
        check("*, en;q=0.1", Some("en"));
        check("en;q=0", None);
        check("en;q=2", None);
        check("en;q=NaN", None);
        check("<script>", None);
        check("", None);
    }
}
