//! Well-known forms of text. Generous: what is certainly wrong is refused, whether it exists is not known anyway.

/// `local@domain.tld`
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |part: &str| {
        !part.is_empty()
            && !part
                .chars()
                .any(|character| character.is_whitespace() || character.is_control())
    };
    let labels: Vec<&str> = domain.split('.').collect();
    text.len() <= 254
        && plain(local)
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !local.contains(['@', ',', ';', '<', '>', '(', ')', '[', ']', '"', '\\'])
        && labels.len() >= 2
        && labels.iter().all(|label| is_label(label))
}

/// A part of a host name; other scripts are let through.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .chars()
            .all(|character| character.is_alphanumeric() || character == '-')
}

/// `http://host…` or `https://host…`
#[must_use]
pub fn is_url(text: &str) -> bool {
    is_address(text, &["http", "https"])
}

/// An address of one of these protocols: `protocol://host…`, or `protocol:…` for those without a host, such as `mailto`.
#[must_use]
pub(super) fn is_address<P: AsRef<str>>(text: &str, protocols: &[P]) -> bool {
    let Some((protocol, rest)) = text.split_once(':') else {
        return false;
    };
    let known = protocols
        .iter()
        .any(|known| known.as_ref().eq_ignore_ascii_case(protocol));
    let plain = !text
        .chars()
        .any(|character| character.is_whitespace() || character.is_control());
    known
        && plain
        && match rest.strip_prefix("//") {
            Some(rest) => has_host(rest),
            None => !rest.is_empty() && !protocol.to_ascii_lowercase().starts_with("http"),
        }
}

fn has_host(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && !port.contains(']') => (host, port),
        _ => (host, "0"),
    };
    port.parse::<u16>().is_ok() && (host.split('.').all(is_label) || (host.starts_with('[') && host.ends_with(']')))
}

/// ISO 4217: `EUR`.
#[must_use]
pub(super) fn is_currency_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Digits with the signs that people put between them, at least five of them.
#[must_use]
pub fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let rest = text.strip_prefix('+').unwrap_or(text);
    // An extension may follow.
    let number = rest.split(['x', '#', ';']).next().unwrap_or_default();
    (5..=20).contains(&digits)
        && number
            .chars()
            .all(|character| character.is_ascii_digit() || matches!(character, ' ' | '-' | '.' | '/' | '(' | ')'))
}

/// The text of a password's hash as PHC strings have it: `$argon2id$v=19$m=19456,t=2,p=1$…$…`.
#[must_use]
pub fn is_password_hash(text: &str) -> bool {
    argon2::PasswordHash::new(text).is_ok_and(|hash| hash.salt.is_some() && hash.hash.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_mail() {
        for good in [
            "a@b.co",
            "first.last+tag@sub.example.com",
            "ü@example.de",
            "x@exämple.de",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a b@c.de",
            "a@b..de",
            "a@-b.de",
            "a..b@c.de",
            "a@b.de,c@d.de",
            "a@b@c.de",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_of_the_web() {
        for good in [
            "https://example.com",
            "http://localhost:3000/x?y=1#z",
            "https://[::1]/",
            "HTTPS://EXAMPLE.COM",
            "https://u:p@h.de/",
        ] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "ftp://x.de",
            "https://",
            "https://a b.de",
            "javascript:alert(1)",
            "https://x.de:99999",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    #[test]
    fn numbers_to_call() {
        for good in ["+49 (30) 123456", "030/12345", "555-0100", "+1 555 0100 x12"] {
            assert!(is_phone(good), "{good}");
        }
        for bad in ["", "1234", "call me", "++49123456", "12345a"] {
            assert!(!is_phone(bad), "{bad}");
        }
    }
}
