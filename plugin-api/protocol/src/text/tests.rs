//! Near misses of each form. The published patterns are held against these functions by `xtask audit-spec`.

use super::*;

fn check(accepts: impl Fn(&str) -> bool, fitting: &[&str], others: &[&str]) {
    for text in fitting {
        assert!(accepts(text), "{text:?} fits");
    }
    for text in others {
        assert!(!accepts(text), "{text:?} does not fit");
    }
}

#[test]
fn names() {
    check(
        is_identifier,
        &["a", "_a", "a_1"],
        &["", "A", "1a", "a-b", "a b", "é", "a\n"],
    );
    check(is_snake_name, &["ab", "a_"], &["a", "_a", "1a", "a.b"]);
    check(
        |text| is_dotted_name(text, 2),
        &["ab", "a.b", "in_progress"],
        &["a", ".a", "A.b", "a-b"],
    );
    check(is_event_pattern, &["*", "data.*", "a"], &["", ".a", "A"]);
    check(is_version_tag, &["v1", "2026-01.b_2"], &["", "v 1", "v/1"]);
    check(is_slug, &["acme-corp", "a_1", "-"], &["", "Acme", "a.b"]);
}

#[test]
fn dates() {
    check(
        is_date,
        &["2026-01-31", "2024-02-29", "2000-02-29"],
        &["2026-02-29", "1900-02-29", "2026-04-31", "26-01-01", "2026-1-01"],
    );
    check(
        is_date_time,
        &["2026-01-31T08:00:00Z", "2026-01-31T23:59:59.123456789Z"],
        &[
            "2026-01-31",
            "2026-01-31T08:00Z",
            "2026-01-31T08:00:00",
            "2026-01-31T08:00:00+01:00",
            "2026-01-31T24:00:00Z",
            "2026-01-31T08:00:60Z",
            "2026-01-31T08:00:00.Z",
        ],
    );
}

#[test]
fn addresses() {
    check(
        is_email,
        &["ada@example.com", "o'neil+x@a.b.co"],
        &[
            "ada",
            "ada@x",
            "a@b.c",
            ".a@b.io",
            "a.@b.io",
            "a..b@c.io",
            "a@-b.io",
            "a@b-.io",
            "a@b@c.io",
        ],
    );
    check(
        is_uri,
        &["https://example.com/a?b#c", "urn:x:1"],
        &["", "example.com", "/a", "https://a b"],
    );
    check(
        is_uuid,
        &["0190a0b1-7c2d-7e3f-8a4b-5c6d7e8f9a0b"],
        &[
            "0190a0b1-7c2d-9e3f-8a4b-5c6d7e8f9a0b",
            "0190a0b17c2d7e3f8a4b5c6d7e8f9a0b",
        ],
    );
}
