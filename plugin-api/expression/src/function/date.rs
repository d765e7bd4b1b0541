//! Dates and times. Parts of a datetime are those of the local time in the zone of the evaluation.

use super::Parameter::{Clock, Date, DateTime, Moment as MomentArgument, Number, Text};
use super::arguments::{Answer, Moment, moment, number, text, whole, wrong};
use super::{Context, Form, Function, Kernel, Parameter, Special, Sql};
use crate::calendar::{self, Civil, DAY_MS};
use crate::error::EvaluationError;
use crate::node::Variable;
use crate::number as arithmetic;
use crate::types::Type;
use crate::value::{Value, read_moment};

const HOUR_MS: i64 = 3_600_000;

const fn dated(
    name: &'static str,
    signature: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    returns: Type,
    kernel: Kernel,
) -> Function {
    Function::of(name, signature, summary, parameters, Form::Kernel(kernel)).returns(returns)
}

const fn part(
    name: &'static str,
    signature: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    kernel: Kernel,
) -> Function {
    dated(name, signature, summary, parameters, Type::Number, kernel)
        .zoned()
        .sql(Sql::Exact)
}

const ON_MOMENT: Sql =
    Sql::When(|arguments| arguments[0].value_type.is_moment() || arguments[0].value_type == Type::Null);
const NOT_ON_TEXT: Sql = Sql::When(|arguments| arguments[0].value_type != Type::Text);
const TRUNC_FORM: Sql = Sql::When(|arguments| {
    let unit = arguments[0].as_literal().map(Value::to_text);
    let units = ["year", "quarter", "month", "week", "day", "hour", "minute"];
    arguments[1].value_type.is_moment() && unit.is_some_and(|unit| units.contains(&unit.to_ascii_lowercase().as_str()))
});

pub(super) static FUNCTIONS: &[Function] = &[
    Function::of(
        "TODAY",
        "TODAY()",
        "the local day",
        &[],
        Form::Special(Special::Variable(Variable::Today)),
    )
    .aliases(&["CURRENT_DATE"]),
    Function::of(
        "NOW",
        "NOW()",
        "the moment at which the evaluation began",
        &[],
        Form::Special(Special::Variable(Variable::Now)),
    )
    .aliases(&["CURRENT_TIMESTAMP"]),
    dated(
        "DATE",
        "DATE(year, month, day)",
        "that date; null if there is no such day",
        &[Number, Number, Number],
        Type::Date,
        date,
    )
    .sql(Sql::Exact),
    dated(
        "DATEVALUE",
        "DATEVALUE(value)",
        "the date of a text, or the local day of a datetime; null if the text is none",
        &[Parameter::Any],
        Type::Date,
        date_value,
    )
    .aliases(&["TODATE"])
    .zoned()
    .sql(NOT_ON_TEXT),
    dated(
        "DATETIMEVALUE",
        "DATETIMEVALUE(value)",
        "the moment of a text, or the local midnight of a date; null if the text is none",
        &[Parameter::Any],
        Type::DateTime,
        datetime_value,
    )
    .aliases(&["TODATETIME"])
    .zoned()
    .sql(NOT_ON_TEXT),
    dated(
        "TIMEVALUE",
        "TIMEVALUE(value)",
        "the time of a text or the local time of a datetime; null if the text is none",
        &[Parameter::Any],
        Type::Time,
        time_value,
    )
    .zoned()
    .sql(NOT_ON_TEXT),
    part("YEAR", "YEAR(date)", "the year", &[MomentArgument], year),
    part(
        "QUARTER",
        "QUARTER(date)",
        "the quarter, 1 to 4",
        &[MomentArgument],
        quarter,
    ),
    part("MONTH", "MONTH(date)", "the month, 1 to 12", &[MomentArgument], month),
    part("DAY", "DAY(date)", "the day of the month", &[MomentArgument], day),
    part(
        "WEEKDAY",
        "WEEKDAY(date)",
        "the day of the week, 1 is Sunday",
        &[MomentArgument],
        weekday,
    ),
    dated(
        "WEEKNUM",
        "WEEKNUM(date)",
        "the week of the year by ISO 8601, 1 to 53",
        &[MomentArgument],
        Type::Number,
        week_number,
    )
    .aliases(&["ISOWEEKNUM"])
    .zoned()
    .sql(Sql::Exact),
    part("HOUR", "HOUR(time)", "the hour, 0 to 23", &[Clock], hour),
    part("MINUTE", "MINUTE(time)", "the minute", &[Clock], minute),
    part("SECOND", "SECOND(time)", "the second", &[Clock], second),
    dated(
        "ADD_DAYS",
        "ADD_DAYS(date, days)",
        "so many days later; parts of a day count on a datetime only",
        &[MomentArgument, Number],
        Type::Any,
        add_days,
    )
    .aliases(&["ADDDAYS"])
    .same_as(0)
    .sql(ON_MOMENT),
    dated(
        "ADD_MONTHS",
        "ADD_MONTHS(date, months)",
        "so many months later; the last day of the month if it is shorter",
        &[MomentArgument, Number],
        Type::Any,
        add_months,
    )
    .aliases(&["ADDMONTHS"])
    .same_as(0)
    .zoned()
    .sql(ON_MOMENT),
    dated(
        "ADD_YEARS",
        "ADD_YEARS(date, years)",
        "so many years later; 28 February for a leap day",
        &[MomentArgument, Number],
        Type::Any,
        add_years,
    )
    .aliases(&["ADDYEARS"])
    .same_as(0)
    .zoned()
    .sql(ON_MOMENT),
    dated(
        "ADD_HOURS",
        "ADD_HOURS(datetime, hours)",
        "so many hours later",
        &[DateTime, Number],
        Type::DateTime,
        add_hours,
    )
    .aliases(&["ADDHOURS"])
    .sql(Sql::Exact),
    dated(
        "ADD_MINUTES",
        "ADD_MINUTES(datetime, minutes)",
        "so many minutes later",
        &[DateTime, Number],
        Type::DateTime,
        add_minutes,
    )
    .aliases(&["ADDMINUTES"])
    .sql(Sql::Exact),
    dated(
        "DAYS_BETWEEN",
        "DAYS_BETWEEN(start, end)",
        "local days from start to end",
        &[Date, Date],
        Type::Number,
        days_between,
    )
    .sql(Sql::Exact),
    dated(
        "NETWORKDAYS",
        "NETWORKDAYS(start, end)",
        "days from Monday to Friday from start to end, both counted; negative when the end comes first",
        &[Date, Date],
        Type::Number,
        network_days,
    )
    .sql(Sql::Exact),
    dated(
        "HOURS_BETWEEN",
        "HOURS_BETWEEN(start, end)",
        "hours from start to end, with a fraction",
        &[DateTime, DateTime],
        Type::Number,
        hours_between,
    )
    .aliases(&["HOURS"])
    .sql(Sql::Exact),
    dated(
        "MONTHS_BETWEEN",
        "MONTHS_BETWEEN(start, end)",
        "whole months from start to end",
        &[Date, Date],
        Type::Number,
        months_between,
    )
    .sql(Sql::Exact),
    dated(
        "MONTH_DIFF",
        "MONTH_DIFF(end, start)",
        "whole months from start to end",
        &[Date, Date],
        Type::Number,
        month_diff,
    )
    .sql(Sql::Exact),
    dated(
        "YEARS_BETWEEN",
        "YEARS_BETWEEN(start, end)",
        "whole years from start to end, as an age is counted",
        &[Date, Date],
        Type::Number,
        years_between,
    )
    .sql(Sql::Exact),
    Function::of(
        "DAYS_UNTIL",
        "DAYS_UNTIL(date)",
        "days from today to the date",
        &[Date],
        Form::Special(Special::DaysUntil),
    ),
    Function::of(
        "DAYS_SINCE",
        "DAYS_SINCE(date)",
        "days from the date to today",
        &[Date],
        Form::Special(Special::DaysSince),
    ),
    dated(
        "DATE_TRUNC",
        "DATE_TRUNC(unit, date)",
        "the beginning of the year, quarter, month, week (Monday), day, hour or minute; null for another unit",
        &[Text, MomentArgument],
        Type::Any,
        date_trunc,
    )
    .same_as(1)
    .zoned()
    .sql(TRUNC_FORM),
    dated(
        "END_OF_MONTH",
        "END_OF_MONTH(date)",
        "the last day of the month",
        &[Date],
        Type::Date,
        end_of_month,
    )
    .aliases(&["EOMONTH"])
    .sql(Sql::Exact),
];

fn date<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let part = |index| Ok(whole(arguments, index)?.and_then(|part| i32::try_from(part).ok()));
    let (year, month, day) = (part(0)?, part(1)?, part(2)?);
    let found = year
        .zip(month)
        .zip(day)
        .and_then(|((year, month), day)| calendar::day_of(year, month, day));
    Ok(found.map_or(Value::Null, Value::Date))
}

fn date_value<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(match &arguments[0] {
        Value::Date(day) => Value::Date(*day),
        Value::DateTime(ms) => Value::Date(context.zone.split(*ms).0),
        Value::Text(text) => read_moment(text, Type::Date, context.zone).unwrap_or(Value::Null),
        other => return Err(wrong(other, Type::Date)),
    })
}

fn datetime_value<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(match &arguments[0] {
        Value::DateTime(ms) => Value::DateTime(*ms),
        Value::Date(day) => Value::datetime(context.zone.join(*day, 0)),
        Value::Text(text) => read_moment(text, Type::DateTime, context.zone).unwrap_or(Value::Null),
        other => return Err(wrong(other, Type::DateTime)),
    })
}

fn time_value<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(match &arguments[0] {
        Value::Time(ms) => Value::Time(*ms),
        Value::DateTime(ms) => Value::Time(context.zone.split(*ms).1),
        Value::Text(text) => read_moment(text, Type::Time, context.zone).unwrap_or(Value::Null),
        other => return Err(wrong(other, Type::Time)),
    })
}

fn civil(context: &Context<'_>, arguments: &[Value<'_>]) -> Result<Civil, EvaluationError> {
    Ok(calendar::civil_of(moment(arguments, 0)?.split(context.zone).0))
}

fn year<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Integer(civil(context, arguments)?.year.into()))
}

fn quarter<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Integer(((civil(context, arguments)?.month + 2) / 3).into()))
}

fn month<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Integer(civil(context, arguments)?.month.into()))
}

fn day<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Integer(civil(context, arguments)?.day.into()))
}

fn weekday<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let (day, _) = moment(arguments, 0)?.split(context.zone);
    Ok(Value::Integer(calendar::weekday(day).into()))
}

fn week_number<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let (day, _) = moment(arguments, 0)?.split(context.zone);
    // The week is that of its Thursday, and so is its year.
    let thursday = day - (calendar::weekday(day) + 5) % 7 + 3;
    let first = calendar::day_of(calendar::civil_of(thursday).year, 1, 1).unwrap_or(thursday);
    Ok(Value::Integer(((thursday - first) / 7 + 1).into()))
}

fn network_days<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let (start, end) = days(context, arguments)?;
    let (from, to, sign) = if start <= end {
        (start, end, 1)
    } else {
        (end, start, -1)
    };
    let (weeks, rest) = ((to - from + 1) / 7, (to - from + 1) % 7);
    let left = (from..from + rest).filter(|day| (2..=6).contains(&calendar::weekday(*day)));
    let left = left.fold(0, |count, _| count + 1);
    Ok(Value::Integer((sign * (weeks * 5 + left)).into()))
}

fn ms_of_day(context: &Context<'_>, arguments: &[Value<'_>]) -> Result<i64, EvaluationError> {
    match &arguments[0] {
        Value::Time(ms) => Ok(*ms),
        value @ Value::Text(text) if text.as_bytes().get(2) == Some(&b':') => {
            calendar::parse_time(text).ok_or_else(|| wrong(value, Type::Time))
        }
        _ => Ok(moment(arguments, 0)?.split(context.zone).1),
    }
}

fn hour<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Integer(ms_of_day(context, arguments)? / HOUR_MS))
}

fn minute<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Integer(ms_of_day(context, arguments)? / 60_000 % 60))
}

fn second<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    Ok(Value::Integer(ms_of_day(context, arguments)? / 1000 % 60))
}

fn add_days<'a>(_: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    match moment(arguments, 0)? {
        Moment::Day(day) => {
            let later = whole(arguments, 1)?.and_then(|days| i64::from(day).checked_add(days));
            Ok(later
                .and_then(|day| i32::try_from(day).ok())
                .map_or(Value::Null, Value::date))
        }
        Moment::Ms(ms) => add_ms(ms, number(arguments, 1)?, DAY_MS),
    }
}

fn add_ms(ms: i64, count: f64, unit_ms: i64) -> Answer<'static> {
    let added = arithmetic::whole((count * arithmetic::float(unit_ms)).round());
    Ok(added
        .and_then(|added| ms.checked_add(added))
        .map_or(Value::Null, Value::datetime))
}

fn shift_months<'a>(context: &mut Context<'_>, arguments: &[Value<'a>], months_each: i64) -> Answer<'a> {
    let start = moment(arguments, 0)?;
    let (day, _) = start.split(context.zone);
    let months = whole(arguments, 1)?.and_then(|count| count.checked_mul(months_each));
    Ok(start.on_day(
        months.and_then(|months| calendar::add_months(day, months)),
        context.zone,
    ))
}

fn add_months<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    shift_months(context, arguments, 1)
}

fn add_years<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    shift_months(context, arguments, 12)
}

fn ms(arguments: &[Value<'_>], index: usize, context: &Context<'_>) -> Result<i64, EvaluationError> {
    Ok(match moment(arguments, index)? {
        Moment::Ms(ms) => ms,
        Moment::Day(day) => context.zone.join(day, 0),
    })
}

fn add_hours<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    add_ms(ms(arguments, 0, context)?, number(arguments, 1)?, HOUR_MS)
}

fn add_minutes<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    add_ms(ms(arguments, 0, context)?, number(arguments, 1)?, 60_000)
}

/// The local days of both arguments.
fn days(context: &Context<'_>, arguments: &[Value<'_>]) -> Result<(i32, i32), EvaluationError> {
    let day = |index| Ok(moment(arguments, index)?.split(context.zone).0);
    Ok((day(0)?, day(1)?))
}

fn days_between<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    days(context, arguments).map(|(start, end)| Value::Integer((end - start).into()))
}

fn hours_between<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let passed = ms(arguments, 1, context)? - ms(arguments, 0, context)?;
    Ok(Value::number(arithmetic::float(passed) / arithmetic::float(HOUR_MS)))
}

fn months_between<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    days(context, arguments).map(|(start, end)| Value::Integer(calendar::months_between(start, end)))
}

fn month_diff<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    days(context, arguments).map(|(end, start)| Value::Integer(calendar::months_between(start, end)))
}

fn years_between<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    days(context, arguments).map(|(start, end)| Value::Integer(calendar::months_between(start, end) / 12))
}

fn date_trunc<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let (unit, start) = (text(arguments, 0)?.to_ascii_lowercase(), moment(arguments, 1)?);
    let (day, ms_of_day) = start.split(context.zone);
    let Civil { year, month, .. } = calendar::civil_of(day);
    let begin = match unit.as_str() {
        "year" => calendar::day_of(year, 1, 1),
        "quarter" => calendar::day_of(year, (month - 1) / 3 * 3 + 1, 1),
        "month" => calendar::day_of(year, month, 1),
        "week" => Some(day - (calendar::weekday(day) + 5) % 7),
        "day" | "hour" | "minute" => Some(day),
        _ => None,
    };
    Ok(match (start, begin, unit.as_str()) {
        (_, None, _) => Value::Null,
        (Moment::Day(_), Some(day), _) => Value::date(day),
        // Counted back from the moment, as its hour may be one that comes twice.
        (Moment::Ms(ms), Some(_), "hour") => Value::datetime(ms - ms_of_day % HOUR_MS),
        (Moment::Ms(ms), Some(_), "minute") => Value::datetime(ms - ms_of_day % 60_000),
        (Moment::Ms(_), Some(day), _) => Value::datetime(context.zone.join(day, 0)),
    })
}

fn end_of_month<'a>(context: &mut Context<'_>, arguments: &[Value<'a>]) -> Answer<'a> {
    let Civil { year, month, .. } = civil(context, arguments)?;
    let last = calendar::day_of(year, month, calendar::days_in_month(year, month));
    Ok(last.map_or(Value::Null, Value::Date))
}
