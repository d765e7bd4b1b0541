//! Calls of functions as SQL: which template each has, and of which parts. Not here: how parts are written, which is `formula`.

use objectos_expression::{Node, Type};

use super::formula::Part;
use crate::store::{Calendar, Construct, Letters, Powers};

/// How a call is written.
pub(super) enum Call<'n> {
    Template(Construct, Vec<Part<'n>>),
    /// One part alone.
    Part(Part<'n>),
    /// The moment at which a local day begins.
    Midnight(Part<'n>),
    /// The moment at which it is a local time.
    Local(Part<'n>),
    /// Joined as text, null for empty.
    Joined(&'n [Node]),
    /// Whether a number is not zero.
    NotZero(&'n Node),
    /// Whether there is a value.
    There(&'n Node),
    /// Each held against the one before: an odd number is true.
    Odd(&'n [Node]),
}

/// The written form of a call; `None` when there is none.
pub(super) fn written<'n>(name: &str, arguments: &'n [Node]) -> Option<Call<'n>> {
    let first = arguments.first()?;
    of_numbers(name, first, arguments)
        .or_else(|| of_powers(name, first, arguments))
        .or_else(|| of_texts(name, first, arguments))
        .or_else(|| of_parts(name, first))
        .or_else(|| of_days(name, first, arguments))
}

fn one<'n>(construct: Construct, part: Part<'n>) -> Call<'n> {
    Call::Template(construct, vec![part])
}

/// Digits behind the point, -15 to 15; so many where nothing is said.
fn digits(arguments: &[Node], usual: i8) -> Option<i8> {
    let Some(node) = arguments.get(1) else {
        return Some(usual);
    };
    let number = node.as_literal()?.as_number()?;
    // Rounded to text and read again: cut to whole, in range, and without a cast.
    format!("{:.0}", number.trunc().clamp(-15.0, 15.0)).parse().ok()
}

/// Numbers and truth.
fn of_numbers<'n>(name: &str, first: &'n Node, arguments: &'n [Node]) -> Option<Call<'n>> {
    use Construct as C;
    use Part::{Double, Plain};
    let rounded = |make: fn(i8) -> Construct| Some(one(make(digits(arguments, 0)?), Double(first)));
    Some(match name {
        "ABS" => one(C::Absolute, Double(first)),
        "SIGN" => one(C::Sign, Double(first)),
        "FLOOR" => one(C::Floor, Double(first)),
        "CEILING" => one(C::Ceiling, Double(first)),
        "ROUND" => rounded(C::Round)?,
        "TRUNC" => rounded(C::Truncate)?,
        "ROUNDUP" => rounded(C::RoundUp)?,
        "MAX" => Call::Part(Part::Extreme(C::Greater, arguments)),
        "MIN" => Call::Part(Part::Extreme(C::Lesser, arguments)),
        "VALUE" => Call::Part(Plain(first)),
        "BOOLEAN" if first.value_type == Type::Number => Call::NotZero(first),
        "BOOLEAN" if first.value_type == Type::Text => one(C::Letters(Letters::ToBoolean), Plain(first)),
        "BOOLEAN" => Call::Part(Plain(first)),
        "XOR" => Call::Odd(arguments),
        "ISNUMBER" => Call::There(first),
        _ => return None,
    })
}

/// Roots, logarithms and e to a power.
fn of_powers<'n>(name: &str, first: &'n Node, arguments: &'n [Node]) -> Option<Call<'n>> {
    let powers = |powers: Powers, parts: Vec<Part<'n>>| Call::Template(Construct::Powers(powers), parts);
    let first = Part::Double(first);
    Some(match name {
        "SQRT" => powers(Powers::SquareRoot, vec![first]),
        "EXP" => powers(Powers::Exponential, vec![first]),
        "LN" => powers(Powers::Logarithm, vec![first]),
        "LOG" => {
            let base = arguments.get(1).map_or(Part::Constant("10.0"), Part::Double);
            powers(Powers::LogarithmTo, vec![first, base])
        }
        _ => return None,
    })
}

fn of_texts<'n>(name: &str, first: &'n Node, arguments: &'n [Node]) -> Option<Call<'n>> {
    use Construct as C;
    use Part::{Double, Plain};
    let argument = |index: usize| arguments.get(index);
    let text = |construct: Construct| Call::Template(construct, arguments.iter().map(Plain).collect());
    let letters = |letters: Letters, parts: Vec<Part<'n>>| Call::Template(C::Letters(letters), parts);
    let filling = |index: usize, usual: &'static str| argument(index).map_or(Part::Constant(usual), Plain);
    Some(match name {
        "LEN" if first.value_type == Type::Text => text(C::Length),
        "LEN" => letters(Letters::Count, vec![Plain(first)]),
        "LEFT" => Call::Template(C::Left, vec![Plain(first), Double(argument(1)?)]),
        "RIGHT" => Call::Template(C::Right, vec![Plain(first), Double(argument(1)?)]),
        "MID" => match argument(2) {
            Some(count) => Call::Template(C::Middle, vec![Plain(first), Double(argument(1)?), Double(count)]),
            None => Call::Template(C::From, vec![Plain(first), Double(argument(1)?)]),
        },
        "TRIM" => text(C::Trim),
        "CONCAT" => Call::Joined(arguments),
        // Of a list it is a node of its own.
        "CONTAINS" => text(C::Contains),
        "STARTS_WITH" => text(C::StartsWith),
        "ENDS_WITH" => text(C::EndsWith),
        // The part comes first in a formula, second in SQL.
        "FIND" => match argument(2) {
            Some(start) => letters(
                Letters::FindFrom,
                vec![Plain(argument(1)?), Plain(first), Double(start)],
            ),
            None => Call::Template(C::Find, vec![Plain(argument(1)?), Plain(first)]),
        },
        "SUBSTITUTE" => text(C::Replace),
        "LPAD" => letters(
            Letters::FillLeft,
            vec![Plain(first), Double(argument(1)?), filling(2, "' '")],
        ),
        "RPAD" => letters(
            Letters::FillRight,
            vec![Plain(first), Double(argument(1)?), filling(2, "' '")],
        ),
        "REPEAT" => letters(Letters::Repeat, vec![Plain(first), Double(argument(1)?)]),
        "REVERSE" => letters(Letters::Reverse, vec![Plain(first)]),
        "JOIN" => letters(Letters::Join, vec![Plain(first), filling(1, "', '")]),
        "TEXT" => Call::Part(Part::Written(first)),
        "FIXED" => {
            let places = u8::try_from(digits(arguments, 2)?).unwrap_or(0);
            letters(Letters::Fixed(places), vec![Double(first)])
        }
        _ => return None,
    })
}

/// Parts of a day or of a time.
fn of_parts<'n>(name: &str, first: &'n Node) -> Option<Call<'n>> {
    use Construct as C;
    use Part::{Clock, Day};
    Some(match name {
        "YEAR" => one(C::Year, Day(first)),
        "QUARTER" => one(C::Quarter, Day(first)),
        "MONTH" => one(C::Month, Day(first)),
        "DAY" => one(C::Day, Day(first)),
        "WEEKDAY" => one(C::Weekday, Day(first)),
        "WEEKNUM" => one(C::Calendar(Calendar::Week), Day(first)),
        "HOUR" => one(C::Hour, Clock(first)),
        "MINUTE" => one(C::Minute, Clock(first)),
        "SECOND" => one(C::Second, Clock(first)),
        "DATEVALUE" => Call::Part(Day(first)),
        "TIMEVALUE" => Call::Part(Clock(first)),
        "DATETIMEVALUE" if first.value_type == Type::Date => Call::Midnight(Part::Plain(first)),
        "DATETIMEVALUE" => Call::Part(Part::Plain(first)),
        "END_OF_MONTH" => one(C::EndOfMonth, Day(first)),
        _ => return None,
    })
}

/// Reckoning with days and moments.
fn of_days<'n>(name: &str, first: &'n Node, arguments: &'n [Node]) -> Option<Call<'n>> {
    use Construct as C;
    use Part::{Day, Double, Plain};
    let second = arguments.get(1);
    let counted = |construct: Construct| Some(Call::Template(construct, vec![Plain(first), Double(second?)]));
    let months = |each: u8| match first.value_type {
        Type::DateTime => Some(Call::Local(Part::MonthsOn(each, first, second?))),
        _ => counted(C::Calendar(Calendar::AddMonths(each))),
    };
    let between = |calendar: Calendar, from: &'n Node, to: &'n Node| {
        Call::Template(C::Calendar(calendar), vec![Day(from), Day(to)])
    };
    Some(match name {
        "DATE" => Call::Template(
            C::Calendar(Calendar::DayOf),
            vec![Double(first), Double(second?), Double(arguments.get(2)?)],
        ),
        "ADD_DAYS" if first.value_type == Type::Date => counted(C::AddDays)?,
        "ADD_DAYS" => counted(C::Calendar(Calendar::AddTime(86_400_000)))?,
        "ADD_HOURS" => counted(C::Calendar(Calendar::AddTime(3_600_000)))?,
        "ADD_MINUTES" => counted(C::Calendar(Calendar::AddTime(60_000)))?,
        "ADD_MONTHS" => months(1)?,
        "ADD_YEARS" => months(12)?,
        "DAYS_BETWEEN" => Call::Template(C::DaysBetween, vec![Day(first), Day(second?)]),
        "HOURS_BETWEEN" => Call::Template(C::Calendar(Calendar::HoursBetween), vec![Plain(first), Plain(second?)]),
        "NETWORKDAYS" => between(Calendar::WorkDays, first, second?),
        "MONTHS_BETWEEN" => between(Calendar::MonthsBetween, first, second?),
        "MONTH_DIFF" => between(Calendar::MonthsBetween, second?, first),
        "YEARS_BETWEEN" => between(Calendar::YearsBetween, first, second?),
        "DATE_TRUNC" => begin(first, second?)?,
        _ => return None,
    })
}

/// The beginning of the unit that a day or moment lies in.
fn begin<'n>(unit: &Node, of: &'n Node) -> Option<Call<'n>> {
    let unit = unit.as_literal()?.to_text().to_ascii_lowercase();
    let part = match unit.as_str() {
        "year" => Part::Begin(Construct::BeginOfYear, of),
        "quarter" => Part::Begin(Construct::Calendar(Calendar::BeginOfQuarter), of),
        "month" => Part::Begin(Construct::BeginOfMonth, of),
        "week" => Part::Begin(Construct::Calendar(Calendar::BeginOfWeek), of),
        "day" => Part::Day(of),
        // A day has neither.
        "hour" | "minute" if of.value_type != Type::DateTime => Part::Day(of),
        "hour" => return Some(within_day(Calendar::BeginOfHour, of)),
        "minute" => return Some(within_day(Calendar::BeginOfMinute, of)),
        _ => return None,
    };
    Some(if of.value_type == Type::DateTime {
        Call::Midnight(part)
    } else {
        Call::Part(part)
    })
}

/// The beginning of an hour or a minute of local time.
fn within_day(calendar: Calendar, of: &Node) -> Call<'_> {
    Call::Template(Construct::Calendar(calendar), vec![Part::Plain(of), Part::Clock(of)])
}
