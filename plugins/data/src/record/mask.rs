//! Values as those see them who may not see them as they are.
//!
//! `hash` and `tokenize` give equal values an equal mask, so that records can still be told apart and counted; whoever can guess
//! the value can make the mask of it, so for short numbers `redact` and `partial` are safer.

use objectos_plugin_api::protocol::system::MaskingStrategy;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::model::MaskModel;

/// Letters and digits that `partial` leaves at the end of a text without a pattern.
const SHOWN: usize = 4;
/// What stands in the place of a value whose length is a secret as well.
const HIDDEN: &str = "***";

/// The mask of a value; nothing stays nothing.
#[must_use]
pub fn masked(mask: &MaskModel, value: &Value) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_text = value.is_string();
    match mask.strategy {
        MaskingStrategy::Nullify => Value::Null,
        MaskingStrategy::Hash => Value::from(digest(&text, 32)),
        MaskingStrategy::Tokenize => Value::from(format!("tok_{}", digest(&text, 8))),
        MaskingStrategy::Substitute => {
            let pattern = mask.pattern.as_ref().map(|pattern| pattern.text.as_str());
            Value::from(pattern.unwrap_or(HIDDEN))
        }
        MaskingStrategy::Randomize if value.is_number() => random(&text).parse().map_or(Value::Null, Value::Number),
        // A number with stars in it is none, and a document has no last letters.
        _ if !is_text => Value::Null,
        MaskingStrategy::Randomize => Value::from(random(&text)),
        MaskingStrategy::Redact => Value::from(starred(mask, &text, |_| false)),
        MaskingStrategy::Partial => Value::from(partial(mask, &text)),
    }
}

fn digest(text: &str, bytes: usize) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(bytes)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Letters become letters, digits digits; everything else stays.
fn random(text: &str) -> String {
    let one_of = |from: &[u8]| {
        let place = usize::try_from(rand::random::<u32>()).unwrap_or_default() % from.len();
        char::from(from[place])
    };
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        out.push(match character {
            // A number does not begin with nought.
            '0'..='9' if out.is_empty() => one_of(b"123456789"),
            '0'..='9' => one_of(b"0123456789"),
            character if character.is_uppercase() => one_of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            character if character.is_alphabetic() => one_of(b"abcdefghijklmnopqrstuvwxyz"),
            character => character,
        });
    }
    out
}

/// Stars for all characters but those at the places that are shown.
fn starred(mask: &MaskModel, text: &str, shown: impl Fn(usize) -> bool) -> String {
    if !mask.preserve_length {
        let kept: String = text
            .char_indices()
            .filter(|(place, _)| shown(*place))
            .map(|(_, character)| character)
            .collect();
        return format!("{HIDDEN}{kept}");
    }
    text.char_indices()
        .map(|(place, character)| {
            let stays = shown(place) || (mask.preserve_format && !character.is_alphanumeric());
            if stays { character } else { '*' }
        })
        .collect()
}

fn partial(mask: &MaskModel, text: &str) -> String {
    if let Some(regex) = mask.pattern.as_ref().and_then(|pattern| pattern.regex.as_ref()) {
        let hidden: Vec<std::ops::Range<usize>> = regex.find_iter(text).map(|found| found.range()).collect();
        return starred(mask, text, |place| !hidden.iter().any(|range| range.contains(&place)));
    }
    let places: Vec<usize> = text
        .char_indices()
        .filter(|(_, character)| character.is_alphanumeric())
        .map(|(place, _)| place)
        .collect();
    // Of a short text nothing is shown: what is left would give it away.
    let first_shown = match places.len().checked_sub(SHOWN) {
        Some(before) if before >= SHOWN => places.get(before).copied().unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    starred(mask, text, |place| place >= first_shown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::MaskPattern;

    fn mask(strategy: MaskingStrategy, pattern: Option<&str>, preserve: bool) -> MaskModel {
        MaskModel {
            strategy,
            pattern: pattern.map(|text| MaskPattern {
                text: text.to_owned(),
                regex: regex::Regex::new(text).ok(),
            }),
            preserve_format: preserve,
            preserve_length: preserve,
            roles: Vec::new(),
            exempt_roles: vec!["hr".to_owned()],
        }
    }

    #[test]
    fn each_strategy() {
        use MaskingStrategy::{Hash, Nullify, Partial, Redact, Substitute, Tokenize};
        let check = |strategy, pattern, preserve, value: Value, expected: Value| {
            let mask = mask(strategy, pattern, preserve);
            assert_eq!(masked(&mask, &value), expected, "{strategy} {value}");
        };
        check(Redact, None, true, json!("123-45-6789"), json!("***-**-****"));
        check(Redact, None, false, json!("123-45-6789"), json!("***"));
        check(Redact, None, true, json!(1234), Value::Null);
        check(
            Partial,
            None,
            true,
            json!("4111 1111 1111 1234"),
            json!("**** **** **** 1234"),
        );
        check(Partial, None, false, json!("4111111111111234"), json!("***1234"));
        check(Partial, None, true, json!("12345"), json!("*****"));
        check(
            Partial,
            Some("^[^@]+"),
            true,
            json!("ann@example.com"),
            json!("***@example.com"),
        );
        check(Nullify, None, true, json!("x"), Value::Null);
        check(Substitute, Some("hidden"), true, json!("x"), json!("hidden"));
        check(Substitute, None, true, json!(5), json!("***"));
        check(Tokenize, None, true, json!("abc"), json!("tok_ba7816bf8f01cfea"));
        let hash = masked(&mask(Hash, None, true), &json!("abc"));
        assert_eq!(hash.as_str().map(str::len), Some(64));
        for strategy in [Redact, Partial, Hash, Tokenize, Substitute] {
            assert_eq!(masked(&mask(strategy, None, true), &Value::Null), Value::Null);
        }
    }

    #[test]
    fn random_values_have_the_form_of_the_value() {
        let mask = mask(MaskingStrategy::Randomize, None, true);
        let text = masked(&mask, &json!("Ab-12"));
        let form: String = text
            .as_str()
            .unwrap_or_default()
            .chars()
            .map(|character| match character {
                'A'..='Z' => 'A',
                'a'..='z' => 'a',
                '0'..='9' => '0',
                other => other,
            })
            .collect();
        assert_eq!(form, "Aa-00");
        assert_eq!(masked(&mask, &json!(1234)).to_string().len(), 4);
    }

    #[test]
    fn who_sees_the_mask() {
        let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut mask = mask(MaskingStrategy::Redact, None, true);
        assert!(mask.hides_from(&roles(&["sales"])) && mask.hides_from(&[]));
        assert!(!mask.hides_from(&roles(&["sales", "hr"])));
        mask.roles = roles(&["sales"]);
        assert!(mask.hides_from(&roles(&["sales"])) && !mask.hides_from(&roles(&["support"])));
    }
}
