//! Buckets: moments and days cut to a unit of the calendar, as text that sorts as time does.

use objectos_expression::Zone;

use super::filter::{Class, FieldRef};
use super::sql::SqlWriter;
use crate::error::{DataError, Result};
use crate::model::nearest;
use crate::store::Construct;

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `2026`
    Year,
    /// `2026-Q1`
    Quarter,
    /// `2026-02`
    Month,
    /// `2026-W09`, weeks of ISO 8601.
    Week,
    /// `2026-02-28`
    Day,
    /// `2026-02-28T12`
    Hour,
    /// `2026-02-28T12:30`
    Minute,
    /// `2026-02-28T12:30:45`
    Second,
}

const UNITS: [(&str, Unit); 8] = [
    ("year", Unit::Year),
    ("quarter", Unit::Quarter),
    ("month", Unit::Month),
    ("week", Unit::Week),
    ("day", Unit::Day),
    ("hour", Unit::Hour),
    ("minute", Unit::Minute),
    ("second", Unit::Second),
];

impl Unit {
    /// By its name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = UNITS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, unit)| *unit)
    }

    /// Characters of a stored moment that say it.
    const fn characters(self) -> u64 {
        match self {
            Self::Year | Self::Quarter | Self::Week => 4,
            Self::Month => 7,
            Self::Day => 10,
            Self::Hour => 13,
            Self::Minute => 16,
            Self::Second => 19,
        }
    }

    const fn within_day(self) -> bool {
        matches!(self, Self::Hour | Self::Minute | Self::Second)
    }
}

/// A unit, and the zone in which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The unit.
    pub unit: Unit,
    /// None is UTC.
    pub zone: Option<Zone>,
}

impl Bucket {
    /// Checks that values of the class have such a unit. It begins in the zone of that name, or else in the caller's.
    ///
    /// # Errors
    /// `InvalidQuery`.
    pub fn read(unit: &str, zone: Option<&str>, own: &Zone, field: &str, class: Class) -> Result<Self> {
        let wrong = |message: String| DataError::InvalidQuery { message };
        if !matches!(class, Class::Date | Class::DateTime) {
            return Err(wrong(format!("'{field}' is {} and has no {unit}", class.name())));
        }
        let Some(found) = Unit::named(unit) else {
            let names = UNITS.map(|(name, _)| name);
            let hint = nearest(unit, names)
                .map(|name| format!("; did you mean '{name}'?"))
                .unwrap_or_default();
            return Err(wrong(format!("'{unit}' is none of {}{hint}", names.join(", "))));
        };
        if class == Class::Date && found.within_day() {
            return Err(wrong(format!("'{field}' is {} and has no {unit}", class.name())));
        }
        let zone = match zone {
            // A day is one wherever one looks from.
            _ if class != Class::DateTime => Zone::UTC,
            Some(name) => Zone::read(name).map_err(|error| wrong(error.to_string()))?,
            None => own.clone(),
        };
        Ok(Self {
            unit: found,
            zone: (!zone.is_utc()).then_some(zone),
        })
    }
}

impl SqlWriter {
    /// A field cut to its bucket.
    pub fn bucket(&mut self, field: &FieldRef, bucket: &Bucket) -> &mut Self {
        match bucket.unit {
            Unit::Quarter => {
                self.push("substr(")
                    .local(field, bucket)
                    .push(", 1, 4) || '-Q' || ((CAST(substr(");
                self.local(field, bucket).push(", 6, 2) AS INTEGER) + 2) / 3)")
            }
            Unit::Week => {
                let template = self.dialect().construct(Construct::WeekOfYear);
                let (before, after) = template.split_once("$0").unwrap_or(("", ""));
                self.push(before).local(field, bucket).push(after)
            }
            unit => {
                // Moments are stored as text whose beginnings are the year, the month, the day, the hour.
                self.push("substr(").local(field, bucket);
                self.push(", 1, ").number(unit.characters()).push(")")
            }
        }
    }

    /// The field in local time.
    fn local(&mut self, field: &FieldRef, bucket: &Bucket) -> &mut Self {
        let Some(zone) = &bucket.zone else {
            return self.field(field);
        };
        let template = self.dialect().construct(Construct::Shifted);
        let mut rest = template.as_ref();
        while let Some(at) = rest.find('$') {
            self.push(&rest[..at]);
            if rest[at..].starts_with("$0") {
                self.field(field);
            } else {
                self.offset(
                    zone.first_seconds(),
                    zone.changes(),
                    &|change| change.at_ms,
                    &|writer| {
                        writer.field(field);
                    },
                );
            }
            rest = &rest[at + 2..];
        }
        self.push(rest)
    }
}
