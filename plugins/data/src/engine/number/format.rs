//! Patterns of autonumbers in use: writes a number, reads one that somebody brought, and finds the largest of those that are
//! stored. Which counter a number belongs to is `number`'s, which calls this.

use crate::model::{AutonumberFormat, AutonumberPart};
use crate::query::sql::SqlWriter;
use crate::store::Family;

/// Most digits of a counter: more than a pattern can ask for are none that was given here.
const DIGITS_MAX: usize = 18;

/// `CASE-0042`, `INV-2026-00042`.
pub(super) fn written(format: &AutonumberFormat, number: i64, today: &str) -> String {
    let part = |range: std::ops::Range<usize>| today.get(range).unwrap_or_default().to_owned();
    format
        .parts
        .iter()
        .map(|piece| match piece {
            AutonumberPart::Literal(text) => text.clone(),
            AutonumberPart::Counter { width, .. } => format!("{number:0>width$}", width = *width),
            AutonumberPart::Year => part(0..4),
            AutonumberPart::ShortYear => part(2..4),
            AutonumberPart::Month => part(5..7),
            AutonumberPart::Day => part(8..10),
        })
        .collect()
}

/// A number as it was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Brought {
    pub(super) number: i64,
    /// The year, month or day that its counter is for, where that begins anew.
    pub(super) period: Option<String>,
}

/// What a text says as a number of this pattern, whatever noughts are before it; none for one that is not written so. Of a year
/// of two digits, the century is that of `today`.
pub(super) fn brought(format: &AutonumberFormat, text: &str, today: &str) -> Option<Brought> {
    let place = format.parts.iter().position(is_counter)?;
    let mut shown = Shown::default();
    let mut rest = text;
    for part in format.parts.get(..place)? {
        let (piece, after) = rest.split_at_checked(length(part))?;
        shown.take(part, piece, today)?;
        rest = after;
    }
    for part in format.parts.get(place + 1..)?.iter().rev() {
        let (before, piece) = rest.split_at_checked(rest.len().checked_sub(length(part))?)?;
        shown.take(part, piece, today)?;
        rest = before;
    }
    if !is_digits(rest) || rest.len() > DIGITS_MAX {
        return None;
    }
    let period = match format.restarts() {
        Some(period) => Some(shown.day().get(..period.characters())?.to_owned()),
        None => None,
    };
    let number = rest.parse().ok()?;
    Some(Brought { number, period })
}

/// The dates that a number shows; empty where it shows none.
#[derive(Default)]
struct Shown {
    year: String,
    month: String,
    day: String,
}

impl Shown {
    /// Takes a piece; none when it is not what the pattern has there.
    fn take(&mut self, part: &AutonumberPart, piece: &str, today: &str) -> Option<()> {
        if let AutonumberPart::Literal(text) = part {
            return (piece == text).then_some(());
        }
        if !is_digits(piece) {
            return None;
        }
        match part {
            AutonumberPart::Year => piece.clone_into(&mut self.year),
            AutonumberPart::ShortYear => self.year = format!("{}{piece}", today.get(..2)?),
            AutonumberPart::Month => piece.clone_into(&mut self.month),
            AutonumberPart::Day => piece.clone_into(&mut self.day),
            AutonumberPart::Literal(_) | AutonumberPart::Counter { .. } => {}
        }
        Some(())
    }

    fn day(&self) -> String {
        format!("{}-{}-{}", self.year, self.month, self.day)
    }
}

fn is_counter(part: &AutonumberPart) -> bool {
    matches!(part, AutonumberPart::Counter { .. })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Bytes of a piece; a counter has any number of them.
fn length(part: &AutonumberPart) -> usize {
    match part {
        AutonumberPart::Literal(text) => text.len(),
        AutonumberPart::Year => 4,
        AutonumberPart::ShortYear | AutonumberPart::Month | AutonumberPart::Day => 2,
        AutonumberPart::Counter { .. } => 0,
    }
}

/// A piece of the numbers of one counter.
enum Piece<'a> {
    /// The same in all of them.
    Same(&'a str),
    /// So many digits.
    Digits(usize),
    Counter,
}

/// How the numbers of one counter look: what its year, month or day says is the same in all of them.
pub(super) struct Look<'a> {
    pieces: Vec<Piece<'a>>,
}

impl<'a> Look<'a> {
    pub(super) fn of(format: &'a AutonumberFormat, period: Option<&'a str>) -> Self {
        let known = |range: std::ops::Range<usize>| period.and_then(|period| period.get(range));
        let dated = |range: std::ops::Range<usize>| {
            let digits = Piece::Digits(range.len());
            known(range).map_or(digits, Piece::Same)
        };
        let pieces = format.parts.iter().map(|part| match part {
            AutonumberPart::Literal(text) => Piece::Same(text),
            AutonumberPart::Counter { .. } => Piece::Counter,
            AutonumberPart::Year => dated(0..4),
            AutonumberPart::ShortYear => dated(2..4),
            AutonumberPart::Month => dated(5..7),
            AutonumberPart::Day => dated(8..10),
        });
        Self {
            pieces: pieces.collect(),
        }
    }

    /// `SELECT MAX(…) FROM (SELECT … FROM table t WHERE …`, open for more conditions: the largest number among the values of a
    /// column, or null. Close it with [`Look::close`].
    pub(super) fn largest(&self, writer: &mut SqlWriter, table: &str, column: &str) {
        let family = writer.dialect().family();
        let whole = writer.dialect().whole();
        let (before, after) = self.around();
        let digits = match family {
            Family::Sqlite => "n.d NOT GLOB '*[^0-9]*'",
            Family::Postgres => "n.d ~ '^[0-9]+$'",
        };
        writer
            .push("SELECT MAX(CASE WHEN length(n.d) BETWEEN 1 AND ")
            .number(wide(DIGITS_MAX))
            .push(" AND ")
            .push(digits)
            .push(" THEN CAST(n.d AS ")
            .push(whole)
            .push(") END) FROM (SELECT CASE WHEN length(")
            .column(0, column)
            .push(") > ")
            .number(wide(before + after))
            .push(" THEN substr(")
            .column(0, column)
            .push(", ")
            .number(wide(before + 1))
            .push(", length(")
            .column(0, column)
            .push(") - ")
            .number(wide(before + after))
            .push(") END AS d FROM ")
            .push(table)
            .push(" t WHERE ");
        // What is the same in all of them comes before a digit: so an index helps, where there is one.
        let begin = self.begin();
        writer.column(0, column).push(" >= ").value(format!("{begin}0").into());
        writer.push(" AND ").column(0, column);
        writer.push(" < ").value(format!("{begin}:").into());
        let (operator, pattern) = match family {
            Family::Sqlite => (" GLOB ", self.glob()),
            Family::Postgres => (" ~ ", self.regular()),
        };
        writer.push(" AND ").column(0, column).push(operator);
        writer.value(pattern.into());
    }

    /// Ends what [`Look::largest`] began.
    pub(super) fn close(writer: &mut SqlWriter) {
        writer.push(") n");
    }

    /// Characters before the counter and after it.
    fn around(&self) -> (usize, usize) {
        let length = |piece: &Piece<'_>| match piece {
            Piece::Same(text) => text.chars().count(),
            Piece::Digits(count) => *count,
            Piece::Counter => 0,
        };
        let is_before = |piece: &&Piece<'_>| !matches!(piece, Piece::Counter);
        let before = self.pieces.iter().take_while(is_before).map(length).sum();
        let all: usize = self.pieces.iter().map(length).sum();
        (before, all.saturating_sub(before))
    }

    /// What is the same at the begin.
    fn begin(&self) -> String {
        let same = |piece: &Piece<'a>| match piece {
            Piece::Same(text) => Some(*text),
            Piece::Digits(_) | Piece::Counter => None,
        };
        self.pieces.iter().map_while(same).collect()
    }

    fn glob(&self) -> String {
        self.pattern(
            |out, character| match character {
                '*' | '?' | '[' => out.extend(['[', character, ']']),
                _ => out.push(character),
            },
            |count| "[0-9]".repeat(count),
            "[0-9]*",
        )
    }

    fn regular(&self) -> String {
        let escaped = |out: &mut String, character: char| {
            if !character.is_alphanumeric() {
                out.push('\\');
            }
            out.push(character);
        };
        let inner = self.pattern(escaped, |count| format!("[0-9]{{{count}}}"), "[0-9]+");
        format!("^{inner}$")
    }

    fn pattern(&self, same: impl Fn(&mut String, char), digits: impl Fn(usize) -> String, counter: &str) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Same(text) => text.chars().for_each(|character| same(&mut out, character)),
                Piece::Digits(count) => out.push_str(&digits(*count)),
                Piece::Counter => out.push_str(counter),
            }
        }
        out
    }
}

/// As a part of a statement.
fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Brought, Look, brought, written};
    use crate::model::{AutonumberFormat, AutonumberPart, Period};

    fn format(begin: &str, dates: &[AutonumberPart], restarts: Option<Period>, end: &str) -> AutonumberFormat {
        let mut parts = vec![AutonumberPart::Literal(begin.to_owned())];
        parts.extend_from_slice(dates);
        parts.push(AutonumberPart::Counter { width: 3, restarts });
        parts.push(AutonumberPart::Literal(end.to_owned()));
        AutonumberFormat { parts, start: 1 }
    }

    const TODAY: &str = "2026-02-28T12:00:00.000Z";

    #[test]
    fn what_is_written_is_read() {
        let check = |format: &AutonumberFormat, text: &str, expected: Option<(i64, Option<&str>)>| {
            let expected = expected.map(|(number, period)| Brought {
                number,
                period: period.map(str::to_owned),
            });
            assert_eq!(brought(format, text, TODAY), expected, "{text}");
        };
        let plain = format("C-", &[], None, "");
        check(&plain, "C-001", Some((1, None)));
        check(&plain, "C-1", Some((1, None)));
        check(&plain, "C-000123456789012345", Some((123_456_789_012_345, None)));
        for wrong in [
            "",
            "C-",
            "c-001",
            "C-1a",
            "C--1",
            "C- 1",
            "D-001",
            "C-0000000000000000001",
            "C-٣",
        ] {
            check(&plain, wrong, None);
        }
        let dated = [AutonumberPart::ShortYear, AutonumberPart::Month];
        let monthly = format("é", &dated, Some(Period::Month), "/9");
        check(&monthly, "é2602017/9", Some((17, Some("2026-02"))));
        check(&monthly, "é251201/9", Some((1, Some("2025-12"))));
        check(&monthly, "é26020179", None);
        check(&monthly, "é2602", None);
        let number = written(&monthly, 17, TODAY);
        check(&monthly, &number, Some((17, Some("2026-02"))));
        let yearly = format("", &[AutonumberPart::Year], None, "");
        check(&yearly, "2024007", Some((7, None)));
    }

    #[test]
    fn a_look_says_what_is_the_same() {
        let check = |format: &AutonumberFormat, period: Option<&str>, expected: [&str; 3], around: (usize, usize)| {
            let look = Look::of(format, period);
            assert_eq!([look.begin(), look.glob(), look.regular()], expected);
            assert_eq!(look.around(), around);
        };
        check(
            &format("A*.", &[], None, "[é"),
            None,
            ["A*.", "A[*].[0-9]*[[]é", "^A\\*\\.[0-9]+\\[é$"],
            (3, 2),
        );
        let dated = [AutonumberPart::Year, AutonumberPart::Month];
        let expected = ["R2026", "R2026[0-9][0-9][0-9]*", "^R2026[0-9]{2}[0-9]+$"];
        check(
            &format("R", &dated, Some(Period::Year), ""),
            Some("2026"),
            expected,
            (7, 0),
        );
        let expected = [
            "R",
            "R[0-9][0-9][0-9][0-9][0-9][0-9][0-9]*",
            "^R[0-9]{4}[0-9]{2}[0-9]+$",
        ];
        check(&format("R", &dated, None, ""), None, expected, (7, 0));
    }
}
