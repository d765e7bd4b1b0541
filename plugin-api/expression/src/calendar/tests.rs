use time::{Date, Month};

use super::*;

#[test]
fn every_day_agrees_with_the_time_crate() {
    let first = Date::from_calendar_date(1, Month::January, 1).unwrap();
    let mut date = first;
    for day in DAY_MIN..=DAY_MAX {
        let month = i32::from(u8::from(date.month()));
        let expected = Civil {
            year: date.year(),
            month,
            day: i32::from(date.day()),
        };
        assert_eq!(civil_of(day), expected);
        assert_eq!(day_of(expected.year, expected.month, expected.day), Some(day));
        assert_eq!(weekday(day), i32::from(date.weekday().number_from_sunday()));
        date = date.next_day().unwrap_or(first);
    }
    assert_eq!(date, first);
}

#[test]
fn dates_that_do_not_exist_are_refused() {
    for (year, month, day) in [
        (2025, 2, 29),
        (1900, 2, 29),
        (2026, 13, 1),
        (2026, 0, 1),
        (2026, 4, 31),
        (0, 1, 1),
        (10_000, 1, 1),
    ] {
        assert_eq!(day_of(year, month, day), None, "{year}-{month}-{day}");
    }
}

#[test]
fn moments_are_read_in_every_written_form() {
    let utc = |text| parse_moment(text, &Zone::UTC).map(|(ms, _)| format_moment(ms));
    for (text, expected) in [
        ("2026-01-15T12:30:45Z", "2026-01-15T12:30:45.000Z"),
        ("2026-01-15T12:30:45.123456Z", "2026-01-15T12:30:45.123Z"),
        ("2026-01-15 12:30", "2026-01-15T12:30:00.000Z"),
        ("2026-01-15T12:30:45+08:00", "2026-01-15T04:30:45.000Z"),
        ("2026-01-15T00:30:00-0130", "2026-01-15T02:00:00.000Z"),
        ("2026-01-15T00:30:00+08", "2026-01-14T16:30:00.000Z"),
        ("2026-01-15", "2026-01-15T00:00:00.000Z"),
    ] {
        assert_eq!(utc(text).as_deref(), Some(expected), "{text}");
    }
    for text in [
        "",
        "2026-01-15T",
        "2026-01-15T25:00Z",
        "2026-1-5",
        "2026-01-15X10:00",
        "2026-01-15T10:00:00.Z",
        "2026-02-30",
        "日2026-01-15",
    ] {
        assert_eq!(utc(text), None, "{text}");
    }
    let east = Zone::fixed(8 * 3600);
    assert_eq!(
        parse_moment("2026-01-15T00:00", &east),
        Some((join(day_of(2026, 1, 14).unwrap(), 16 * 3_600_000, 0), false))
    );
}

#[test]
fn months_are_added_and_counted_with_the_end_of_the_month_in_mind() {
    let day = |text| parse_date(text).unwrap();
    for (start, months, expected) in [
        ("2024-01-31", 1, "2024-02-29"),
        ("2025-01-31", 1, "2025-02-28"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-11-15", 14, "2028-01-15"),
    ] {
        assert_eq!(
            add_months(day(start), months).map(format_date).as_deref(),
            Some(expected),
            "{start} {months}"
        );
        assert_eq!(months_between(day(start), day(expected)), months, "{start} {expected}");
    }
    assert_eq!(add_months(day("2026-01-01"), i64::MAX), None);
    assert_eq!(months_between(day("2026-01-15"), day("2026-02-14")), 0);
    assert_eq!(months_between(day("2026-02-14"), day("2026-01-15")), 0);
}
