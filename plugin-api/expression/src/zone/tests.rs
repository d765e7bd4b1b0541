use super::*;
use crate::calendar::{format_moment, parse_moment};

fn ms(text: &str) -> i64 {
    parse_moment(text, &Zone::UTC).unwrap().0
}

#[test]
fn offsets_are_zones() {
    for (text, expected) in [
        ("+02:00", Some(7_200)),
        ("-0530", Some(-19_800)),
        ("+2", Some(7_200)),
        ("+15:00", None),
        ("+00:60", None),
        ("Europe/Berlin", None),
        ("+", None),
        ("+ä", None),
    ] {
        assert_eq!(offset_of(text), expected, "{text}");
    }
    assert!(Zone::read("UTC").unwrap().is_utc() && Zone::read("+00:00").unwrap().is_utc());
    assert_eq!(Zone::read("-05:00").unwrap().fixed_seconds(), Some(-18_000));
    for name in ["Europe/Atlantis", "'; DROP TABLE x", "+25:00"] {
        let error = Zone::read(name).unwrap_err().to_string();
        assert!(error.starts_with(&format!("'{name}' is no time zone")), "{error}");
    }
}

#[test]
fn local_time_changes_when_the_zone_says_so() {
    for (name, moment, hours) in [
        ("Europe/Berlin", "2026-03-29T00:59:59Z", 1.0),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", 2.0),
        ("Europe/Berlin", "2026-10-25T01:00:00Z", 1.0),
        ("europe/berlin", "2100-07-01T00:00:00Z", 2.0),
        ("America/New_York", "2026-03-08T06:59:59Z", -5.0),
        ("America/New_York", "2026-03-08T07:00:00Z", -4.0),
        ("Asia/Kathmandu", "1985-12-31T18:29:59Z", 5.5),
        ("Asia/Kathmandu", "2026-01-01T00:00:00Z", 5.75),
        ("Pacific/Apia", "2011-12-30T09:59:59Z", -10.0),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", 14.0),
    ] {
        let zone = Zone::read(name).unwrap();
        let found = f64::from(zone.offset_seconds_at(ms(moment))) / 3600.0;
        assert!((found - hours).abs() < 1e-9, "{name} at {moment}: {found}");
    }
}

#[test]
fn a_local_time_is_one_moment() {
    for (name, local, expected) in [
        // Skipped: as far behind the gap as it is written behind its beginning.
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00.000Z"),
        ("Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00.000Z"),
        // Twice: the first of them.
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00.000Z"),
        ("Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00.000Z"),
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00.000Z"),
        ("Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00.000Z"),
        // A day that was not there begins where the next one does.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00.000Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000Z"),
    ] {
        let zone = Zone::read(name).unwrap();
        let (found, zoned) = parse_moment(local, &zone).unwrap();
        assert_eq!(format_moment(found), expected, "{name} {local}");
        assert!(!zoned);
    }
}

#[test]
fn days_are_split_and_joined_again() {
    for name in ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"] {
        let zone = Zone::read(name).unwrap();
        assert!(
            zone.changes()
                .windows(2)
                .all(|pair| pair[0].at_ms < pair[1].at_ms && pair[0].local_ms <= pair[1].local_ms),
            "{name}"
        );
        for change in zone.changes() {
            for hours in [-30, -3, -2, 2, 3, 30] {
                // Far enough from the change that the local time is there once.
                let moment = change.at_ms + hours * 3_600_000;
                let (day, ms_of_day) = zone.split(moment);
                let again = zone.join(day, ms_of_day);
                assert_eq!(
                    zone.split(again),
                    (day, ms_of_day),
                    "{name} at {}",
                    format_moment(moment)
                );
                assert!(again <= moment, "{name} at {}", format_moment(moment));
            }
        }
    }
}
