//! SQL's LIKE: `%` any run of characters, `_` one, `\` takes the next character as it is. Case matters.
//!
//! Takes time in proportion to text times pattern at worst, so its steps are counted; no memory.

/// Whether the pattern matches the whole text. A `\` at the very end stands for itself. Nothing if `spare`, from which each
/// character looked at is taken, does not suffice.
pub(crate) fn matches(text: &str, pattern: &str, spare: &mut u64) -> Option<bool> {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Where to go on if the run after the last `%` has to be one character longer.
    let mut retry = None;
    loop {
        *spare = spare.checked_sub(1)?;
        let mut rest = pattern.clone();
        match rest.next() {
            Some('%') => {
                pattern = rest.clone();
                retry = Some((text.clone(), rest));
                continue;
            }
            Some(next) => {
                let mut ahead = text.clone();
                let wanted = if next == '\\' {
                    Some(rest.next().unwrap_or('\\'))
                } else {
                    (next != '_').then_some(next)
                };
                if ahead
                    .next()
                    .is_some_and(|found| wanted.is_none_or(|wanted| wanted == found))
                {
                    (text, pattern) = (ahead, rest);
                    continue;
                }
            }
            None if text.as_str().is_empty() => return Some(true),
            None => {}
        }
        let Some((mut from, after)) = retry.take() else {
            return Some(false);
        };
        if from.next().is_none() {
            return Some(false);
        }
        (text, pattern) = (from.clone(), after.clone());
        retry = Some((from, after));
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_the_whole_text() {
        for (text, pattern, expected) in [
            ("Acme Ltd", "Acme%", true),
            ("Acme Ltd", "acme%", false),
            ("Acme Ltd", "%Ltd", true),
            ("Acme Ltd", "%me%L%", true),
            ("Acme Ltd", "Acme", false),
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("größe", "gr__e", true),
            ("50%", "50\\%", true),
            ("500", "50\\%", false),
            ("a_b", "a\\_b", true),
            ("axb", "a\\_b", false),
            ("a\\", "a\\", true),
            ("aab", "%ab", true),
            ("ababac", "%abac", true),
            ("abc", "%%c", true),
            ("abc", "_%_%_%_", false),
        ] {
            assert_eq!(
                matches(text, pattern, &mut 1000),
                Some(expected),
                "{text} LIKE {pattern}"
            );
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let text = "a".repeat(5_000);
        let pattern = "%a".repeat(500) + "b";
        assert_eq!(matches(&text, &pattern, &mut 10_000_000), Some(false));
        assert_eq!(matches(&text, &pattern, &mut 1000), None);
    }
}
