use std::collections::BTreeSet;

use super::*;
use crate::checker;
use crate::evaluator;
use crate::fixture;

/// What an expression gives, as JSON text.
fn run(source: &str) -> String {
    let checked = checker::check(source, &fixture::scope()).unwrap_or_else(|errors| panic!("{source}: {}", errors[0]));
    fixture::with_environment(|environment| match evaluator::evaluate(&checked, environment) {
        Ok(value) => value.to_json().to_string(),
        Err(error) => error.to_string(),
    })
}

/// Each function: as usual, with null, at the edge. Fields keep the checker from folding the call away; constants see to that
/// it folds them to the same value.
const CASES: &[(&str, &str)] = &[
    ("IF(amount > 1, 'a', 'b')", "\"a\""), ("IF(no_boolean, 'a', 'b')", "\"b\""), ("IF(false, 1)", "null"),
    ("IFS(amount < 1, 'low', amount < 2000, 'mid', 'high')", "\"mid\""), ("IFS(no_boolean, 1)", "null"),
    ("CASE(stage, 'won', 1, 'proposal', 0.5, 0)", "0.5"), ("CASE(no_text, 'won', 1, 0)", "0"), ("SWITCH(stage, 'x', 1)", "null"),
    ("AND(is_active, amount > 1)", "true"), ("AND(no_boolean, true)", "null"), ("AND(false)", "false"),
    ("OR(no_boolean, is_active)", "true"), ("OR(no_boolean, false)", "null"),
    ("NOT(is_active)", "false"), ("NOT(no_boolean)", "null"),
    ("COALESCE(no_number, no_number, 3)", "3"), ("NULLVALUE(no_text, 'x')", "\"x\""), ("NVL(empty, 'x')", "\"\""), ("COALESCE(no_text)", "null"),
    ("BLANKVALUE(no_text, 'x')", "\"x\""), ("BLANKVALUE(empty, 'x')", "\"x\""), ("BLANKVALUE(name, 'x')", "\"Test User\""), ("BLANKVALUE(zero, 1)", "0"),
    ("NULLIF(stage, 'proposal')", "null"), ("NULLIF(stage, 'x')", "\"proposal\""), ("NULLIF(no_number, 1)", "null"),
    ("ISBLANK(no_text)", "true"), ("ISBLANK(empty)", "true"), ("ISBLANK(' ')", "false"), ("ISBLANK(zero)", "false"), ("ISBLANK(no_tags)", "true"), ("ISBLANK(tags)", "false"), ("ISBLANK(any_text)", "false"),
    ("ISNULL(no_text)", "true"), ("ISNULL(empty)", "false"),
    ("ISNUMBER(amount)", "true"), ("ISNUMBER('12.5')", "true"), ("ISNUMBER(name)", "false"), ("ISNUMBER(no_number)", "false"), ("ISNUMBER(any_number)", "true"),
    ("BOOLEAN(amount)", "true"), ("BOOLEAN(zero)", "false"), ("BOOLEAN('Yes')", "true"), ("BOOLEAN('off')", "false"), ("BOOLEAN('maybe')", "null"), ("BOOLEAN(no_text)", "null"),
    ("ABS(-amount)", "1200.5"), ("ABS(no_number)", "null"),
    ("CEILING(amount)", "1201"), ("CEIL(-1.5)", "-1"), ("CEILING(no_number)", "null"),
    ("FLOOR(-1.5)", "-2"), ("FLOOR(amount)", "1200"), ("FLOOR(no_number)", "null"),
    ("ROUND(amount)", "1201"), ("ROUND(1.005, 2)", "1.01"), ("ROUND(-2.5)", "-3"), ("ROUND(amount, -2)", "1200"), ("ROUND(no_number, 1)", "null"), ("ROUND(1, no_number)", "null"),
    ("TRUNC(amount)", "1200"), ("TRUNC(-1.29, 1)", "-1.2"), ("TRUNC(no_number)", "null"),
    ("MOD(amount, 100)", "0.5"), ("MOD(-7, 3)", "-1"), ("MOD(1, zero)", "null"), ("MOD(no_number, 1)", "null"),
    ("POWER(quantity, 2)", "100"), ("POW(2, 0.5)", "1.4142135623730951"), ("POWER(no_number, 2)", "null"), ("POWER(zero, -1)", "null"),
    ("SQRT(16)", "4"), ("SQRT(-quantity)", "null"), ("SQRT(no_number)", "null"),
    ("EXP(zero)", "1"), ("EXP(1000)", "null"), ("EXP(no_number)", "null"),
    ("LN(1)", "0"), ("LN(zero)", "null"), ("LN(no_number)", "null"),
    ("LOG(1000)", "3"), ("LOG(8, 2)", "3"), ("LOG(zero)", "null"), ("LOG(8, 1)", "null"), ("LOG10(no_number)", "null"),
    ("MAX(1, quantity, 3)", "10"), ("MAX(amount, no_number)", "null"), ("GREATEST(-1)", "-1"),
    ("MIN(1, quantity, 3)", "1"), ("MIN(no_number, 1)", "null"), ("LEAST(2.5, 2)", "2"),
    ("SIGN(-amount)", "-1"), ("SIGN(zero)", "0"), ("SIGN(no_number)", "null"),
    ("LEN(name)", "9"), ("LEN('größe')", "5"), ("LEN(no_text)", "null"), ("LEN(tags)", "2"), ("LENGTH(empty)", "0"),
    ("LEFT(name, 4)", "\"Test\""), ("LEFT('größe', 3)", "\"grö\""), ("LEFT(name, -1)", "\"\""), ("LEFT(name, 99)", "\"Test User\""), ("LEFT(no_text, 1)", "null"), ("LEFT(name, no_number)", "null"),
    ("RIGHT(name, 4)", "\"User\""), ("RIGHT(name, 0)", "\"\""), ("RIGHT('größe', 2.9)", "\"ße\""), ("RIGHT(no_text, 1)", "null"),
    ("MID(name, 6, 2)", "\"Us\""), ("MID(name, 6)", "\"User\""), ("MID(name, 0, 2)", "\"Te\""), ("MID(name, 99, 1)", "\"\""), ("SUBSTRING(no_text, 1)", "null"), ("MID('größe', 3, 2)", "\"öß\""),
    ("UPPER('straße')", "\"STRASSE\""), ("UPPER(no_text)", "null"),
    ("LOWER(name)", "\"test user\""), ("LOWER(no_text)", "null"),
    ("TRIM(' \\t a b\\n')", "\"a b\""), ("TRIM(no_text)", "null"), ("TRIM('  ')", "\"\""), ("TRIM(name)", "\"Test User\""),
    ("CONCAT(name, no_text, quantity, true)", "\"Test User10true\""), ("CONCAT()", "\"\""), ("CONCAT(no_text)", "\"\""),
    ("CONTAINS(name, 'st U')", "true"), ("CONTAINS(name, '')", "true"), ("CONTAINS(name, 'test')", "false"), ("CONTAINS(no_text, 'a')", "null"), ("CONTAINS(any_text, 'iv')", "true"), ("CONTAINS(any_list, 'two')", "true"),
    ("STARTS_WITH(name, 'Te')", "true"), ("BEGINS(name, 'te')", "false"), ("STARTS_WITH(no_text, '')", "null"), ("STARTS_WITH(name, '')", "true"),
    ("ENDS_WITH(name, 'er')", "true"), ("ENDS_WITH(name, name & 'x')", "false"), ("ENDS_WITH(no_text, 'a')", "null"),
    ("FIND('e', name)", "2"), ("FIND('e', name, 3)", "8"), ("FIND('x', name)", "0"), ("FIND('ß', 'größe')", "4"), ("FIND('', name)", "1"), ("FIND('e', no_text)", "null"), ("FIND('e', name, 99)", "0"),
    ("SUBSTITUTE(name, 'e', '3')", "\"T3st Us3r\""), ("REPLACE(name, '', 'x')", "\"Test User\""), ("SUBSTITUTE(no_text, 'a', 'b')", "null"),
    ("LPAD(TEXT(quantity), 4, '0')", "\"0010\""), ("LPAD(name, 2)", "\"Te\""), ("LPAD('x', 3, 'ab')", "\"abx\""), ("LPAD('x', 3, '')", "\"x\""), ("LPAD(no_text, 2)", "null"),
    ("RPAD('x', 3)", "\"x  \""), ("RPAD('x', 4, 'ab')", "\"xaba\""), ("RPAD(no_text, 2)", "null"),
    ("REPEAT('ab', 2)", "\"abab\""), ("REPT('ab', -1)", "\"\""), ("REPEAT(no_text, 2)", "null"), ("REPEAT('', 1e15)", "\"\""),
    ("REVERSE('größe')", "\"eßörg\""), ("REVERSE(no_text)", "null"),
    ("TEXT(amount)", "\"1200.5\""), ("TEXT(close_date)", "\"2026-01-31\""), ("TEXT(is_active)", "\"true\""), ("TEXT(no_number)", "null"), ("TEXT(name)", "\"Test User\""), ("TEXT(lunch)", "\"12:15:30\""),
    ("FIXED(amount)", "\"1200.50\""), ("FIXED(1.005)", "\"1.01\""), ("FIXED(-0.001, 1)", "\"0.0\""), ("FIXED(2.5, 0)", "\"3\""), ("FIXED(no_number)", "null"),
    ("VALUE('1.5e2')", "150"), ("VALUE(' 7 ')", "7"), ("VALUE(name)", "null"), ("VALUE(no_text)", "null"), ("VALUE(is_active)", "1"),
    ("JOIN(tags)", "\"red, green\""), ("JOIN(tags, '/')", "\"red/green\""), ("JOIN(no_tags)", "null"),
    ("REGEX(stage, 'pro.*')", "true"), ("MATCHES(stage, 'pro')", "false"), ("REGEX(no_text, 'a')", "null"),
    ("TODAY()", "\"2026-01-16\""), ("NOW()", "\"2026-01-15T12:30:45.000Z\""),
    ("DATE(2024, 2, 29)", "\"2024-02-29\""), ("DATE(2023, 2, 29)", "null"), ("DATE($year, 1, quantity)", "\"2026-01-10\""), ("DATE(no_number, 1, 1)", "null"),
    ("DATEVALUE('2026-05-01')", "\"2026-05-01\""), ("DATEVALUE(created_at)", "\"2026-01-16\""), ("DATEVALUE(name)", "null"), ("DATEVALUE(no_datetime)", "null"), ("DATEVALUE(close_date)", "\"2026-01-31\""),
    ("DATETIMEVALUE('2026-05-01T10:00:00Z')", "\"2026-05-01T10:00:00.000Z\""), ("DATETIMEVALUE(close_date)", "\"2026-01-30T12:00:00.000Z\""), ("DATETIMEVALUE(name)", "null"), ("DATETIMEVALUE(no_date)", "null"),
    ("TIMEVALUE('08:30')", "\"08:30:00\""), ("TIMEVALUE(created_at)", "\"00:30:45\""), ("TIMEVALUE(name)", "null"), ("TIMEVALUE(no_text)", "null"),
    ("YEAR(close_date)", "2026"), ("YEAR('2020-12-31')", "2020"), ("YEAR(no_date)", "null"), ("YEAR(any_date)", "2026"),
    ("QUARTER(close_date)", "1"), ("QUARTER('2026-12-01')", "4"), ("QUARTER(no_date)", "null"),
    ("MONTH(close_date)", "1"), ("MONTH(no_date)", "null"), ("DAY(created_at)", "16"), ("DAY(no_date)", "null"),
    ("WEEKDAY(close_date)", "7"), ("WEEKDAY('2026-02-01')", "1"), ("WEEKDAY(no_date)", "null"),
    ("HOUR(created_at)", "0"), ("HOUR(lunch)", "12"), ("HOUR('23:59')", "23"), ("HOUR(no_datetime)", "null"),
    ("MINUTE(lunch)", "15"), ("MINUTE(no_datetime)", "null"), ("SECOND(created_at)", "45"), ("SECOND(no_datetime)", "null"),
    ("ADD_DAYS(close_date, 1)", "\"2026-02-01\""), ("ADD_DAYS(created_at, 0.5)", "\"2026-01-16T00:30:45.000Z\""), ("ADD_DAYS(no_date, 1)", "null"), ("ADD_DAYS('9999-12-31', quantity)", "null"),
    ("ADD_MONTHS(close_date, 1)", "\"2026-02-28\""), ("ADD_MONTHS(created_at, 1)", "\"2026-02-15T12:30:45.000Z\""), ("ADD_MONTHS(no_date, 1)", "null"), ("ADD_MONTHS(close_date, 1e12)", "null"),
    ("ADD_YEARS('2024-02-29', 1)", "\"2025-02-28\""), ("ADD_YEARS(close_date, no_number)", "null"),
    ("ADD_HOURS(created_at, 1.5)", "\"2026-01-15T14:00:45.000Z\""), ("ADD_HOURS(no_datetime, 1)", "null"), ("ADD_HOURS(close_date, 1)", "\"2026-01-30T13:00:00.000Z\""),
    ("ADD_MINUTES(created_at, -30)", "\"2026-01-15T12:00:45.000Z\""), ("ADD_MINUTES(no_datetime, 1)", "null"),
    ("DAYS_BETWEEN('2026-01-01', close_date)", "30"), ("DAYS_BETWEEN(created_at, close_date)", "15"), ("DAYS_BETWEEN(no_date, close_date)", "null"),
    ("HOURS_BETWEEN('2026-01-15T00:00:45Z', created_at)", "12.5"), ("HOURS(no_datetime, created_at)", "null"),
    ("MONTHS_BETWEEN('2025-12-31', close_date)", "1"), ("MONTHS_BETWEEN(close_date, '2026-01-01')", "0"), ("MONTHS_BETWEEN(no_date, close_date)", "null"),
    ("MONTH_DIFF(close_date, '2025-01-31')", "12"), ("MONTH_DIFF(no_date, close_date)", "null"),
    ("YEARS_BETWEEN('2000-02-29', '2026-02-28')", "26"), ("YEARS_BETWEEN('2000-03-01', '2026-02-28')", "25"), ("YEARS_BETWEEN(no_date, close_date)", "null"),
    ("DAYS_UNTIL(close_date)", "15"), ("DAYS_UNTIL(no_date)", "null"), ("DAYS_SINCE('2026-01-01')", "15"), ("DAYS_SINCE(no_date)", "null"),
    ("DATE_TRUNC('month', close_date)", "\"2026-01-01\""), ("DATE_TRUNC('quarter', '2026-06-15')", "\"2026-04-01\""), ("DATE_TRUNC('week', '2026-02-01')", "\"2026-01-26\""),
    ("DATE_TRUNC('day', created_at)", "\"2026-01-15T12:00:00.000Z\""), ("DATE_TRUNC('hour', created_at)", "\"2026-01-15T12:00:00.000Z\""), ("DATE_TRUNC('age', close_date)", "null"), ("DATE_TRUNC('year', no_date)", "null"),
    ("END_OF_MONTH('2024-02-03')", "\"2024-02-29\""), ("EOMONTH(no_date)", "null"),
    ("ISNEW()", "false"), ("ISCHANGED(amount)", "true"), ("ISCHANGED(stage)", "false"), ("PRIORVALUE(no_text)", "\"gone\""), ("PRIORVALUE(price)", "null"),
    ("ISPICKVAL(stage, 'proposal')", "true"), ("ISPICKVAL(no_text, 'a')", "null"),
    ("INCLUDES(tags, 'red')", "true"), ("INCLUDES(tags, 'blue')", "false"), ("INCLUDES(no_tags, 'red')", "null"), ("INCLUDES(tags, no_text)", "null"),
];

#[test]
fn every_function_gives_what_it_promises() {
    let mut seen = BTreeSet::new();
    for (source, expected) in CASES {
        assert_eq!(run(source), *expected, "{source}");
        let name = source.split('(').next().unwrap_or_default();
        seen.insert(find(name).unwrap_or_else(|| panic!("{name} is not in the table")).name);
    }
    let all: BTreeSet<_> = functions().map(|(_, function)| function.name).collect();
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new(), "functions without a case");
}

#[test]
fn names_are_unique_and_rows_complete() {
    let mut names = BTreeSet::new();
    for (_, function) in functions() {
        for name in std::iter::once(&function.name).chain(function.aliases) {
            assert!(names.insert(*name), "{name} is there twice");
            assert_eq!(find(&name.to_lowercase()), Some(function));
        }
        assert!(function.signature.starts_with(&format!("{}(", function.name)), "{}", function.signature);
        assert!(!function.summary.is_empty() && !function.summary.ends_with('.'), "{}", function.name);
        let special = matches!(function.form, Form::Special(_));
        assert_eq!(special, function.returns == Returns::Special, "{} needs a type", function.name);
        assert!(function.required <= function.parameters.len());
    }
    assert!(names.len() > 100);
}

#[test]
fn the_reference_lists_every_function() {
    let markdown = functions_markdown();
    for (group, function) in functions() {
        assert!(markdown.contains(&format!("## {group}\n")));
        assert!(markdown.contains(&format!("| `{}` |", function.signature)), "{}", function.name);
    }
    assert!(markdown.contains("| `TRIM(text)` | without blanks, tabs and line ends at both ends |  | yes |"));
    assert!(markdown.contains("| `SQRT(number)` | the square root; null below 0 |  | no |"));
}
