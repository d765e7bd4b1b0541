//! Which passwords are taken. Length is counted in characters, and nothing is ever cut off: what is hashed is what was typed.

use std::{collections::HashSet, sync::LazyLock};

use crate::{
    config::PasswordPolicy,
    error::{AuthError, Refusal, Result},
};

/// Characters of a password at most, whatever the policy says: a longer one would cost to hash, for whoever sends it.
pub(crate) const CHARS_MAX: usize = 256;

/// Passwords that everybody knows, in small letters, eight characters and more. Source: the list of zxcvbn (MIT licence), and
/// what people make of it to please rules.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("policy/common_passwords.txt").lines().collect());

/// Holds a new password to the rules. `personal`: texts of its owner that it must not be, such as their address.
pub(crate) fn check(policy: &PasswordPolicy, password: &str, personal: &[&str]) -> Result<()> {
    let length = password.chars().count();
    if length < policy.min_length {
        return refuse(
            Refusal::PasswordTooShort,
            format!("Password too short; it needs at least {} characters", policy.min_length),
        );
    }
    if length > policy.max_length {
        return refuse(
            Refusal::PasswordTooLong,
            format!(
                "Password too long; it may have at most {} characters",
                policy.max_length
            ),
        );
    }
    let has = |class: fn(char) -> bool| password.chars().any(class);
    let classes = [
        (policy.require_uppercase, has(char::is_uppercase), "a capital letter"),
        (policy.require_lowercase, has(char::is_lowercase), "a small letter"),
        (policy.require_numbers, has(char::is_numeric), "a digit"),
        (
            policy.require_symbols,
            has(|letter| !letter.is_alphanumeric()),
            "a symbol",
        ),
    ];
    let missing: Vec<&str> = classes
        .iter()
        .filter(|(required, there, _)| *required && !there)
        .map(|(_, _, name)| *name)
        .collect();
    if !missing.is_empty() {
        return refuse(
            Refusal::PasswordTooWeak,
            format!("Password too weak; it needs {}", missing.join(", ")),
        );
    }
    if policy.refuse_common && is_common(password, personal) {
        return Err(Refusal::PasswordCommon.into());
    }
    Ok(())
}

fn refuse(refusal: Refusal, message: String) -> Result<()> {
    Err(AuthError::explained(refusal, message))
}

fn is_common(password: &str, personal: &[&str]) -> bool {
    let lower = password.to_lowercase();
    let bare = lower.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter.is_ascii_punctuation());
    let mut letters = lower.chars();
    let first = letters.next();
    let one_letter = letters.all(|letter| Some(letter) == first);
    let own = personal.iter().any(|text| {
        let text = text.to_lowercase();
        let local = text.split('@').next().unwrap_or_default();
        !text.is_empty() && (lower == text || lower == local)
    });
    one_letter || own || COMMON.contains(lower.as_str()) || COMMON.contains(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(policy: &PasswordPolicy, password: &str) -> Option<&'static str> {
        match check(policy, password, &["ada.lovelace@example.com", "Ada"]) {
            Ok(()) => None,
            Err(AuthError::Refused(refusal) | AuthError::Explained { refusal, .. }) => Some(refusal.code()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        let policy = PasswordPolicy::default();
        assert_eq!(code(&policy, "kurz"), Some("PASSWORD_TOO_SHORT"));
        assert_eq!(code(&policy, "grüße7x"), Some("PASSWORD_TOO_SHORT"));
        assert_eq!(code(&policy, "grüße7xy"), None);
        assert_eq!(code(&policy, &"xy".repeat(64)), None);
        assert_eq!(code(&policy, &"xyz".repeat(43)), Some("PASSWORD_TOO_LONG"));
    }

    #[test]
    fn classes_are_asked_for_one_by_one() {
        let policy = PasswordPolicy {
            require_uppercase: true,
            require_lowercase: true,
            require_numbers: true,
            require_symbols: true,
            ..PasswordPolicy::default()
        };
        for weak in ["ottervale7!", "OTTERVALE7!", "Ottervale!!", "Ottervale77"] {
            assert_eq!(code(&policy, weak), Some("PASSWORD_TOO_WEAK"), "{weak}");
        }
        assert_eq!(code(&policy, "Ottervale7!"), None);
        let error = check(&policy, "ottervaleblue", &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Password too weak; it needs a capital letter, a digit, a symbol"
        );
    }

    #[test]
    fn common_passwords_are_refused_in_their_disguises() {
        let policy = PasswordPolicy::default();
        for common in [
            "password",
            "Password",
            "iloveyou!",
            "Password2026!!",
            "aaaaaaaaaa",
            "ada.lovelace",
            "Ada.Lovelace@example.com",
        ] {
            assert_eq!(code(&policy, common), Some("PASSWORD_COMPROMISED"), "{common}");
        }
        assert_eq!(code(&policy, "tangerine-otter-41"), None);
        let lenient = PasswordPolicy {
            refuse_common: false,
            ..PasswordPolicy::default()
        };
        assert_eq!(code(&lenient, "password"), None);
    }
}
