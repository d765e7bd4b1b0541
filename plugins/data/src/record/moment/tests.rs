use super::*;

#[test]
fn moments_are_read_generously_and_written_in_one_form() {
    let check = |text: &str, expected: Option<&str>| assert_eq!(parse_datetime(text).as_deref(), expected, "{text}");
    check("2026-02-28T12:00:00.000Z", Some("2026-02-28T12:00:00.000Z"));
    check("2026-02-28T12:00:00Z", Some("2026-02-28T12:00:00.000Z"));
    check("2026-02-28 12:00", Some("2026-02-28T12:00:00.000Z"));
    check("2026-02-28", Some("2026-02-28T00:00:00.000Z"));
    check("2026-02-28T01:30:00.5+02:00", Some("2026-02-27T23:30:00.500Z"));
    check("2026-12-31T23:30:00-0100", Some("2027-01-01T00:30:00.000Z"));
    check("2026-02-28T12:00:00.123456789Z", Some("2026-02-28T12:00:00.123Z"));
    check("2026-02-30", None);
    check("2026-02-28T25:00:00Z", None);
    check("2026-02-28T12:00:00.Z", None);
    check("28.02.2026", None);
    check("yesterday", None);
    check("", None);
    check("0000-01-01", None);
    check("2026-02-28Tü", None);
}

#[test]
fn days() {
    let check = |text: &str, expected: Option<&str>| assert_eq!(parse_date(text).as_deref(), expected, "{text}");
    check("2024-02-29", Some("2024-02-29"));
    check("2026-02-28T23:59:59Z", Some("2026-02-28"));
    check("2026-03-01T00:30:00+02:00", Some("2026-03-01"));
    check("2026-02-28T23:30:00-05:00", Some("2026-02-28"));
    check("2026-02-28T25:00:00+02:00", None);
    check("2023-02-29", None);
    check("2026-2-8", None);
}

#[test]
fn times_of_day() {
    let check = |text: &str, expected: Option<&str>| assert_eq!(parse_time(text).as_deref(), expected, "{text}");
    check("09:30", Some("09:30:00"));
    check("09:30:15", Some("09:30:15"));
    check("09:30:15.25", Some("09:30:15.250"));
    check("24:00", None);
    check("9:30", None);
}

#[test]
fn milliseconds_and_back() {
    for ms in [0, 1, -1, 1_700_000_000_123, -62_135_596_800_000, 253_402_300_799_999] {
        let text = from_ms(ms).unwrap();
        assert_eq!(to_ms(&text), Some(ms), "{text}");
    }
    assert_eq!(from_ms(i64::MAX), None);
}
