//! Reckoning with days and moments, as both databases word it. Rows are counted in whole numbers throughout, so that nothing is
//! left to how a database rounds. What each means, nulls and limits included, is what the evaluator answers.

use std::borrow::Cow;

/// One reckoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calendar {
    /// The day of year `$0`, month `$1` and day `$2`, all doubles; null when there is no such day.
    DayOf,
    /// `$1` (a double) times so many months after the day `$0`.
    AddMonths(u8),
    /// `$1` (a double) times so many milliseconds after the moment `$0`.
    AddTime(u32),
    /// Hours from the moment `$0` to the moment `$1`.
    HoursBetween,
    /// Whole months from the day `$0` to the day `$1`.
    MonthsBetween,
    /// Whole years.
    YearsBetween,
    /// Days from Monday to Friday from the day `$0` to the day `$1`, both counted.
    WorkDays,
    /// The week of the day `$0`, by ISO 8601.
    Week,
    /// The Monday of its week.
    BeginOfWeek,
    /// The first day of its quarter.
    BeginOfQuarter,
    /// The beginning of the hour that the moment `$0` lies in, whose local time is `$1`.
    BeginOfHour,
    /// Of the minute.
    BeginOfMinute,
}

pub(super) fn sqlite(calendar: Calendar) -> Cow<'static, str> {
    Cow::Borrowed(match calendar {
        Calendar::DayOf => {
            "(SELECT CASE WHEN q.y BETWEEN 1 AND 9999 AND q.m BETWEEN 1 AND 12 AND q.d BETWEEN 1 AND 31 AND (q.d <= 28 OR \
             substr(date(printf('%04d-%02d-28', q.y, q.m), (q.d - 28) || ' days'), 6, 2) = printf('%02d', q.m)) \
             THEN printf('%04d-%02d-%02d', q.y, q.m, q.d) END \
             FROM (SELECT CAST($0 AS INTEGER) AS y, CAST($1 AS INTEGER) AS m, CAST($2 AS INTEGER) AS d) q)"
        }
        Calendar::AddMonths(each) => {
            // The month after the last one of all cannot be asked for its days.
            return Cow::Owned(format!(
                "(SELECT CASE WHEN q.t BETWEEN 12 AND 119999 THEN printf('%04d-%02d-%02d', q.t / 12, q.t % 12 + 1, min(q.d, \
                 COALESCE(CAST(strftime('%d', printf('%04d-%02d-01', q.t / 12, q.t % 12 + 1), '+1 month', '-1 day') AS INTEGER), 31))) END \
                 FROM (SELECT CAST(substr($0, 1, 4) AS INTEGER) * 12 + CAST(substr($0, 6, 2) AS INTEGER) - 1 + CAST($1 AS INTEGER) * {each} AS t, \
                 CAST(substr($0, 9, 2) AS INTEGER) AS d) q)"
            ));
        }
        Calendar::AddTime(unit_ms) => {
            return Cow::Owned(format!(
                "(SELECT CASE WHEN w.t BETWEEN -62135596800000 AND 253402300799999 \
                 THEN strftime('%Y-%m-%dT%H:%M:%fZ', w.t / 1000.0, 'unixepoch') END FROM (SELECT CASE WHEN abs(q.p) <= 9007199254740992.0 \
                 THEN q.e + CAST(q.p AS INTEGER) + CASE WHEN q.p - CAST(q.p AS INTEGER) >= 0.5 THEN 1 \
                 WHEN q.p - CAST(q.p AS INTEGER) <= -0.5 THEN -1 ELSE 0 END END AS t \
                 FROM (SELECT {} AS e, $1 * {unit_ms}.0 AS p) q) w)",
                epoch("$0")
            ));
        }
        Calendar::HoursBetween => {
            return Cow::Owned(format!("(CAST({} - {} AS REAL) / 3600000.0)", epoch("$1"), epoch("$0")));
        }
        Calendar::MonthsBetween => {
            let months = |from: &str, to: &str| {
                format!(
                    "(CAST(substr({to}, 1, 4) AS INTEGER) * 12 + CAST(substr({to}, 6, 2) AS INTEGER) - CAST(substr({from}, 1, 4) AS INTEGER) * 12 \
                     - CAST(substr({from}, 6, 2) AS INTEGER) - CASE WHEN substr({to}, 9, 2) >= substr({from}, 9, 2) \
                     OR substr(date({to}, '+1 day'), 9, 2) = '01' THEN 0 ELSE 1 END)"
                )
            };
            return Cow::Owned(format!(
                "CASE WHEN $1 < $0 THEN -{} ELSE {} END",
                months("$1", "$0"),
                months("$0", "$1")
            ));
        }
        Calendar::YearsBetween => return Cow::Owned(format!("(({}) / 12)", sqlite(Calendar::MonthsBetween))),
        Calendar::WorkDays => {
            // The first day of all is a Monday.
            let before = |day: &str| format!("({day} / 7 * 5 + min({day} % 7, 5))");
            return Cow::Owned(format!(
                "(SELECT CASE WHEN q.a <= q.b THEN {} - {} ELSE {} - {} END FROM (SELECT \
                 CAST(julianday($0) - 1721425.5 AS INTEGER) AS a, CAST(julianday($1) - 1721425.5 AS INTEGER) AS b) q)",
                before("(q.b + 1)"),
                before("q.a"),
                before("q.b"),
                before("(q.a + 1)")
            ));
        }
        Calendar::Week => "CAST(strftime('%V', $0) AS INTEGER)",
        Calendar::BeginOfWeek => "date($0, '-' || ((CAST(strftime('%w', $0) AS INTEGER) + 6) % 7) || ' days')",
        Calendar::BeginOfQuarter => {
            "(substr($0, 1, 5) || CASE WHEN substr($0, 6, 2) < '04' THEN '01' WHEN substr($0, 6, 2) < '07' THEN '04' \
             WHEN substr($0, 6, 2) < '10' THEN '07' ELSE '10' END || '-01')"
        }
        Calendar::BeginOfHour => return Cow::Owned(begin_of_clock(true)),
        Calendar::BeginOfMinute => return Cow::Owned(begin_of_clock(false)),
    })
}

/// Counted back from the moment, as its hour may be one that comes twice.
fn begin_of_clock(of_hour: bool) -> String {
    format!(
        "(SELECT CASE WHEN w.t BETWEEN -62135596800000 AND 253402300799999 \
         THEN strftime('%Y-%m-%dT%H:%M:%fZ', w.t / 1000.0, 'unixepoch') END FROM (SELECT {} - {} AS t) w)",
        epoch("$0"),
        passed_ms(of_hour)
    )
}

/// Milliseconds that the clock `$1` is past its hour, or past its minute.
fn passed_ms(of_hour: bool) -> String {
    let minutes = if of_hour {
        "CAST(substr($1, 4, 2) AS INTEGER) * 60000 + "
    } else {
        ""
    };
    format!("({minutes}CAST(substr($1, 7, 2) AS INTEGER) * 1000 + CAST(substr($1 || '.000', 10, 3) AS INTEGER))")
}

/// A moment in milliseconds since 1970.
fn epoch(moment: &str) -> String {
    format!("(unixepoch(substr({moment}, 1, 19)) * 1000 + CAST(substr({moment}, 21, 3) AS INTEGER))")
}

/// The functions are those of `postgres::own`.
pub(in crate::store::dialect) fn postgres(calendar: Calendar) -> Cow<'static, str> {
    Cow::Borrowed(match calendar {
        Calendar::DayOf => "objectos_day_of($0, $1, $2)",
        Calendar::AddMonths(each) => return Cow::Owned(format!("objectos_add_months($0, $1, {each})")),
        Calendar::AddTime(unit_ms) => return Cow::Owned(format!("objectos_add_time($0, $1, {unit_ms})")),
        Calendar::HoursBetween => {
            "(CAST(objectos_epoch_ms($1) - objectos_epoch_ms($0) AS double precision) / CAST(3600000 AS double precision))"
        }
        Calendar::MonthsBetween => {
            "CASE WHEN $1 < $0 THEN -objectos_months_to($1, $0) ELSE objectos_months_to($0, $1) END"
        }
        Calendar::YearsBetween => return Cow::Owned(format!("(({}) / 12)", postgres(Calendar::MonthsBetween))),
        Calendar::WorkDays => "objectos_work_days($0, $1)",
        Calendar::Week => "CAST(to_char(CAST($0 AS date), 'IW') AS integer)",
        Calendar::BeginOfWeek => {
            "to_char(CAST($0 AS date) - (CAST(EXTRACT(isodow FROM CAST($0 AS date)) AS integer) - 1), 'YYYY-MM-DD')"
        }
        Calendar::BeginOfQuarter => return sqlite(calendar),
        Calendar::BeginOfHour => return Cow::Owned(moment_less(true)),
        Calendar::BeginOfMinute => return Cow::Owned(moment_less(false)),
    })
}

fn moment_less(of_hour: bool) -> String {
    format!("objectos_moment(objectos_epoch_ms($0) - {})", passed_ms(of_hour))
}
