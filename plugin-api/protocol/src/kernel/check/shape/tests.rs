use regex::Regex;

use super::*;

/// Every text up to `longest` characters of `alphabet`, one at a time.
fn each_text(alphabet: &str, longest: usize, mut visit: impl FnMut(&str)) {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut row = vec![String::new()];
    for _ in 0..=longest {
        let mut next = Vec::new();
        for text in &row {
            visit(text);
            next.extend(letters.iter().map(|letter| format!("{text}{letter}")));
        }
        row = next;
    }
}

fn check<P: Pattern>(alphabet: &str, longest: usize, examples: &[&str]) {
    let regex = Regex::new(P::PATTERN).unwrap();
    let mut accepted = 0;
    let mut compare = |text: &str| {
        assert_eq!(P::holds(text), regex.is_match(text), "{text:?} against {}", P::PATTERN);
        accepted += usize::from(P::holds(text));
    };
    each_text(alphabet, longest, &mut compare);
    for example in examples {
        compare(example);
        // Every text one edit away from an example.
        for at in 0..example.len() {
            compare(&format!("{}{}", &example[..at], &example[at + 1..]));
            for letter in alphabet.chars() {
                compare(&format!("{}{letter}{}", &example[..at], &example[at..]));
                compare(&format!("{}{letter}{}", &example[..at], &example[at + 1..]));
            }
        }
    }
    assert!(accepted > 0, "no text tried has the shape {}", P::PATTERN);
}

#[test]
fn hand_written_readers_follow_the_published_patterns() {
    check::<Namespace>("aA1_-", 5, &["abcdefghijklmnopqrst", "abcdefghijklmnopqrstu"]);
    check::<PlainVersion>("10.v", 7, &["10.20.30"]);
    check::<ProtocolId>(
        "aA1._v",
        3,
        &["com.a.protocol.b.v1", "a.protocol.protocol.c_d.v12", "protocol.a.v1"],
    );
    check::<InterfaceId>(
        "aA1._",
        3,
        &["com.a.interface.bc", "a.interface.interface.c", "a.interface.b"],
    );
    check::<ExtensionId>("aA1._", 3, &["com.a.extension.bc", "a.extension.b1"]);
    check::<DottedId>("aA1.-", 6, &["com.example.a-b"]);
    check::<CommandName>("aA1-_", 5, &["do-it"]);
    check::<ObjectName>("aA1-_", 5, &["_my_object"]);
    check::<AbsolutePath>("/a", 3, &[]);
}

#[test]
fn event_names_are_the_published_ones_and_the_kernels() {
    let regex = Regex::new(EventName::PATTERN).unwrap();
    each_text("aA1._:", 5, |text| {
        assert_eq!(
            EventName::holds(text),
            text.len() >= 3 && regex.is_match(text),
            "{text:?}"
        );
    });
    for kind in PluginLifecycleEventType::ALL {
        assert!(EventName::holds(kind.as_str()), "{}", kind.as_str());
    }
    assert!(!EventName::holds("kernel:unheard"));
}

fn check_examples<P: Pattern>(good: &[&str], bad: &[&str]) {
    for text in good {
        assert!(P::holds(text), "{text:?} is {}", P::SHAPE);
    }
    for text in bad {
        assert!(!P::holds(text), "{text:?} is not {}", P::SHAPE);
    }
}

#[test]
fn formats_are_read_as_published() {
    check_examples::<DateTime>(
        &[
            "2024-02-29T00:00:00Z",
            "2000-02-29T23:59:59.5Z",
            "2025-01-31T08:00:00.123456Z",
        ],
        &[
            "2025-12-31T08:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2025-04-31T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:60:00Z",
            "2025-01-01T00:00:60Z",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00+01:00",
            "2025-01-01 00:00:00Z",
            "25-01-01T00:00:00Z",
            "",
        ],
    );
    check_examples::<Uuid>(
        &[
            "0190a6f2-7c3e-7d41-9b52-1f0c3e5a7b9d",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ],
        &[
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "0190a6f27c3e7d419b521f0c3e5a7b9d",
            "0190a6f2-7c3e-9d41-9b52-1f0c3e5a7b9d",
            "0190a6f2-7c3e-7d41-cb52-1f0c3e5a7b9d",
            "0190a6f2-7c3e-7d41-9b52-1f0c3e5a7b9g",
            "",
        ],
    );
    check_examples::<Email>(
        &["a@b.co", "first.last+tag@sub.example.com", "o'neil@example.org"],
        &[
            "a@b",
            "@b.co",
            ".a@b.co",
            "a..b@c.de",
            "a.@b.co",
            "a@-b.co",
            "a@b.c1",
            "a b@c.de",
        ],
    );
    check_examples::<Uri>(
        &[
            "https://example.com/hook?x=1#y",
            "mailto:a@b.co",
            "http://127.0.0.1:3000",
        ],
        &["example.com", "https://", "http s://a", "https://a b", "://a", ""],
    );
}
