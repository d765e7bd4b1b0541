//! Random records and random expressions that are right by type.

use objectos_expression::{FieldScope, Type};
use serde_json::{Map, Value as Json, json};

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below the bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    pub(crate) fn pick<'p, T: ?Sized>(&mut self, items: &[&'p T]) -> &'p T {
        items[self.below(items.len())]
    }
}

const FIELDS: [(&str, Type); 13] = [
    ("n1", Type::Number),
    ("n2", Type::Number),
    ("n3", Type::Number),
    ("t1", Type::Text),
    ("t2", Type::Text),
    ("parent.name", Type::Text),
    ("b1", Type::Boolean),
    ("b2", Type::Boolean),
    ("d1", Type::Date),
    ("d2", Type::Date),
    ("m1", Type::DateTime),
    ("m2", Type::DateTime),
    ("tags", Type::List),
];

pub(crate) fn scope() -> FieldScope {
    FieldScope::new(FIELDS)
}

/// A value of the type; null now and then.
fn value(random: &mut Random, value_type: Type) -> Json {
    if random.below(4) == 0 {
        return Json::Null;
    }
    let texts = ["", "a", "A", "ab", "größe", " x ", "12", "%", "a_b\\", "日本"];
    match value_type {
        Type::Number => random
            .pick(&[
                &json!(0),
                &json!(1),
                &json!(-1),
                &json!(2.5),
                &json!(-7),
                &json!(1e15),
                &json!(0.1),
                &json!(1_000_000),
                &json!(-0.0),
                &json!(9_007_199_254_740_993_i64),
            ])
            .clone(),
        Type::Text => json!(random.pick(&texts)),
        Type::Boolean => json!(random.below(2) == 0),
        Type::Date => json!(random.pick(&[
            "2026-01-15",
            "2026-01-16",
            "2024-02-29",
            "0001-01-01",
            "9999-12-31",
            "1999-12-31",
            "2026-03-29",
            "2011-12-30"
        ])),
        Type::DateTime => json!(random.pick(&[
            "2026-01-15T12:30:45.000Z",
            "2026-01-15T00:00:00.000Z",
            "0001-01-01T00:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
            "2024-02-29T23:59:59.500Z",
            // Around changes of clocks: Berlin, New York, Kathmandu, Apia.
            "2026-03-29T00:59:59.999Z",
            "2026-03-29T01:00:00.000Z",
            "2026-10-25T00:30:00.000Z",
            "2026-11-01T05:59:59.000Z",
            "1985-12-31T18:30:00.000Z",
            "2011-12-30T09:59:59.000Z",
            "2011-12-30T10:00:00.000Z"
        ])),
        _ => Json::Array((0..random.below(3)).map(|_| json!(random.pick(&texts))).collect()),
    }
}

pub(crate) fn record(random: &mut Random) -> Json {
    let mut record = Map::new();
    for (path, value_type) in FIELDS {
        let value = value(random, value_type);
        match path.split_once('.') {
            Some((relation, name)) => record.insert(relation.to_owned(), json!({"id": "p1", name: value})),
            None if value.is_null() && random.below(2) == 0 => None,
            None => record.insert(path.to_owned(), value),
        };
    }
    Json::Object(record)
}

pub(crate) fn user(random: &mut Random) -> Json {
    json!({"id": value(random, Type::Text), "name": "ab", "roles": value(random, Type::List), "level": value(random, Type::Number)})
}

/// An expression of the type, nested at most so deep.
pub(crate) fn expression(random: &mut Random, value_type: Type, depth: usize) -> String {
    if depth == 0 || random.below(6) == 0 {
        return leaf(random, value_type);
    }
    let template = match value_type {
        Type::Number => random.pick(&NUMBERS[..]),
        Type::Text => random.pick(&TEXTS[..]),
        Type::Boolean => random.pick(&BOOLEANS[..]),
        Type::Date => random.pick(&DATES[..]),
        Type::DateTime => random.pick(&MOMENTS[..]),
        _ => return leaf(random, value_type),
    };
    let mut filled = String::new();
    for piece in template.split_inclusive(['@']) {
        // `N@` stands for an expression of type number, and so on.
        let Some(before) = piece.strip_suffix('@') else {
            filled.push_str(piece);
            continue;
        };
        let (text, letter) = before.split_at(before.len() - 1);
        let inner = match letter {
            "N" => Type::Number,
            "T" => Type::Text,
            "B" => Type::Boolean,
            "D" => Type::Date,
            "M" => Type::DateTime,
            _ => Type::List,
        };
        filled.push_str(text);
        filled.push_str(&expression(random, inner, depth - 1));
    }
    format!("({filled})")
}

fn leaf(random: &mut Random, value_type: Type) -> String {
    let fields: Vec<&str> = FIELDS
        .iter()
        .filter(|(_, of)| *of == value_type)
        .map(|(path, _)| *path)
        .collect();
    let constants: &[&str] = match value_type {
        Type::Number => &[
            "0",
            "1",
            "-1",
            "2.5",
            "3",
            "100",
            "0.5",
            "$year",
            "$hour",
            "$current_user.level * 1",
        ],
        Type::Text => &["''", "'a'", "'ab'", "'%a'", "'日本'", "$current_user.id", "user.name"],
        Type::Boolean => &["true", "false", "$is_new"],
        Type::Date => &["$today", "TODAY()", "DATE(2026, 1, 15)"],
        Type::DateTime => &["$now", "DATETIMEVALUE('2026-01-15T12:30:45Z')"],
        _ => &["$current_user.roles"],
    };
    if random.below(3) == 0 {
        format!("({})", random.pick(constants))
    } else {
        random.pick(&fields).to_owned()
    }
}

const NUMBERS: [&str; 47] = [
    "N@ + N@",
    "N@ - N@",
    "N@ * N@",
    "N@ / N@",
    "N@ % N@",
    "-N@",
    "N@ ^ N@",
    "ABS(N@)",
    "CEILING(N@)",
    "FLOOR(N@)",
    "ROUND(N@)",
    "ROUND(N@, 2)",
    "ROUND(N@, -3)",
    "TRUNC(N@, 1)",
    "MOD(N@, N@)",
    "SQRT(N@)",
    "EXP(N@)",
    "LN(N@)",
    "LOG(N@, N@)",
    "LOG10(N@)",
    "N@ ^ 2",
    "POWER(N@ / 3, N@ / 7)",
    "MAX(N@, N@, N@)",
    "MIN(N@, N@)",
    "SIGN(N@)",
    "LEN(T@)",
    "LEN(L@)",
    "FIND(T@, T@)",
    "VALUE(T@)",
    "YEAR(D@)",
    "MONTH(M@)",
    "DAY(M@)",
    "WEEKDAY(D@)",
    "HOUR(M@)",
    "QUARTER(D@)",
    "DAYS_BETWEEN(D@, M@)",
    "D@ - D@",
    "M@ - M@",
    "IF(B@, N@, N@)",
    "CASE(T@, T@, N@, T@, N@, N@)",
    "COALESCE(N@, N@)",
    "N@ ?? N@",
    "HOURS_BETWEEN(M@, M@) + MONTHS_BETWEEN(D@, D@)",
    "NETWORKDAYS(D@, M@)",
    "YEARS_BETWEEN(D@, M@) + WEEKNUM(M@)",
    "ROUNDUP(N@, 1)",
    "FIND(T@, T@, N@)",
];
const TEXTS: [&str; 30] = [
    "T@ & T@",
    "T@ + N@",
    "CONCAT(T@, N@, B@, D@)",
    "CONCAT(T@, T@)",
    "LEFT(T@, N@)",
    "RIGHT(T@, N@)",
    "MID(T@, N@, N@)",
    "UPPER(T@)",
    "LOWER(T@)",
    "TRIM(T@)",
    "SUBSTITUTE(T@, T@, T@)",
    "LPAD(T@, LEN(T@), T@)",
    "RPAD(T@, 5, T@)",
    "REPEAT(T@, 2)",
    "REVERSE(T@)",
    "TEXT(N@)",
    "TEXT(D@)",
    "FIXED(N@, 2)",
    "FIXED(N@ / 3, 0)",
    "TEXT(N@ / 3)",
    "T@ & N@",
    "FIXED(N@, 15)",
    "JOIN(L@)",
    "IF(B@, T@, T@)",
    "B@ ? T@ : T@",
    "BLANKVALUE(T@, T@)",
    "NULLIF(T@, T@)",
    "CASE(N@, N@, T@, T@)",
    "CONCAT(T@, M@, B@)",
    "JOIN(L@, T@)",
];
const BOOLEANS: [&str; 45] = [
    "N@ = N@",
    "N@ <> N@",
    "N@ < N@",
    "N@ >= N@",
    "T@ = T@",
    "T@ != T@",
    "T@ < T@",
    "T@ >= T@",
    "D@ = D@",
    "D@ < D@",
    "M@ > M@",
    "M@ <= D@",
    "B@ = B@",
    "B@ AND B@",
    "B@ OR B@",
    "B@ AND B@ AND B@",
    "B@ OR B@ OR B@",
    "NOT B@",
    "!B@",
    "B@ || B@",
    "N@ IN (N@, N@, 1)",
    "T@ NOT IN (T@, 'a')",
    "T@ IN L@",
    "NOT (T@ IN (L@))",
    "N@ BETWEEN N@ AND N@",
    "D@ NOT BETWEEN D@ AND '2026-06-30'",
    "N@ IS NULL",
    "T@ IS NOT NULL",
    "T@ = null",
    "T@ LIKE '%a%'",
    "T@ NOT LIKE 'a_'",
    "T@ LIKE T@",
    "ISBLANK(T@)",
    "ISBLANK(L@)",
    "ISNUMBER(T@)",
    "CONTAINS(T@, T@)",
    "CONTAINS(L@, T@)",
    "STARTS_WITH(T@, T@)",
    "ENDS_WITH(T@, T@)",
    "REGEX(T@, '[a-z]*')",
    "INCLUDES(L@, T@)",
    "IF(B@, B@, B@)",
    "CASE(T@, T@, B@, false)",
    "XOR(B@, B@, B@)",
    "BOOLEAN(T@)",
];
const DATES: [&str; 13] = [
    "D@ + N@",
    "D@ - N@",
    "N@ + D@",
    "ADD_DAYS(D@, N@)",
    "ADD_MONTHS(D@, N@)",
    "ADD_YEARS(D@, N@)",
    "DATEVALUE(M@)",
    "END_OF_MONTH(D@)",
    "DATE_TRUNC('week', D@)",
    "DATE_TRUNC('quarter', D@)",
    "DATE(N@, N@, N@)",
    "IF(B@, D@, '2026-01-15')",
    "D@ ?? D@",
];
const MOMENTS: [&str; 12] = [
    "M@ + N@",
    "DATETIMEVALUE(D@)",
    "ADD_HOURS(M@, N@)",
    "ADD_MONTHS(M@, N@)",
    "ADD_YEARS(M@, N@)",
    "DATE_TRUNC('hour', M@)",
    "DATE_TRUNC('minute', M@)",
    "DATE_TRUNC('week', M@)",
    "ADD_MINUTES(M@, N@)",
    "IF(B@, M@, D@)",
    "COALESCE(M@, D@)",
    "ADD_DAYS(M@, N@)",
];
