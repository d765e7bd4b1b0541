//! Columns of another type: what fits is kept, the same on every database, and what does not is null.

use std::sync::Arc;

use objectos_data::model::ColumnType;
use objectos_data::schema::SchemaStep;
use objectos_data::store::{Expect, SqlValue, Statement, Store};

use super::{column, open, unit};
use crate::driver::Place;

/// A table `t` whose column has these values, in the order of the ids.
async fn filled(place: &Place, name: &str, kind: ColumnType, values: &[SqlValue]) -> Arc<dyn Store> {
    let store = open(place).await;
    let columns = vec![column("id", ColumnType::Text), column(name, kind)];
    let create = SchemaStep::CreateTable {
        table: "t".to_owned(),
        columns,
    };
    store.change_schema(vec![create]).await.unwrap();
    let inserts = values.iter().enumerate().map(|(place, value)| {
        let sql = format!("INSERT INTO t (id, \"{name}\") VALUES (?, ?)");
        let values = vec![format!("{place:03}").into(), value.clone()];
        (Statement::new(sql, values), Expect::Changed(1))
    });
    store.write(unit(inserts.collect())).await.unwrap();
    store
}

async fn stored(store: &Arc<dyn Store>, name: &str) -> Vec<SqlValue> {
    let mut found = Vec::new();
    let statement = Statement::new(format!("SELECT \"{name}\" FROM t ORDER BY id"), Vec::new());
    let mut reader = store.reader().await.unwrap();
    reader
        .read(&statement, &mut |row| found.push(row.cell(0).to_value()))
        .await
        .unwrap();
    found
}

async fn check(from: ColumnType, to: ColumnType, cases: &[(SqlValue, SqlValue)]) {
    let place = Place::new();
    let (mut values, mut expected): (Vec<_>, Vec<_>) = cases.iter().cloned().unzip();
    values.push(SqlValue::Null);
    expected.push(SqlValue::Null);
    // The name is one that the words of a conversion use themselves.
    let store = filled(&place, "s", from, &values).await;
    let step = SchemaStep::ConvertColumn {
        table: "t".to_owned(),
        column: "s".to_owned(),
        from: Some(from),
        to,
    };
    store.change_schema(vec![step]).await.unwrap();
    for ((value, expected), found) in values.iter().zip(&expected).zip(stored(&store, "s").await) {
        assert_eq!(&found, expected, "{value:?} from {} to {}", from.name(), to.name());
    }
    store.close().await;
}

fn text(text: &str) -> SqlValue {
    SqlValue::from(text)
}

const fn whole(number: i64) -> SqlValue {
    SqlValue::Integer(number)
}

const NULL: SqlValue = SqlValue::Null;

/// Text that is none of a type.
fn lost(texts: &[&str]) -> Vec<(SqlValue, SqlValue)> {
    texts.iter().map(|each| (text(each), NULL)).collect()
}

#[tokio::test]
async fn text_becomes_a_number_where_it_is_one() {
    let mut cases = vec![
        (text("12"), whole(12)),
        (text(" 12\t"), whole(12)),
        (text("+5"), whole(5)),
        (text("5."), whole(5)),
        (text(".5"), SqlValue::Real(0.5)),
        (text("-2.50"), SqlValue::Real(-2.5)),
        (text("1.5e1"), whole(15)),
        (text("1e3"), whole(1_000)),
        (text("1e-400"), whole(0)),
        (text("9007199254740993"), whole(9_007_199_254_740_993)),
        (text("123456789.123456789123"), SqlValue::Real(123_456_789.123_456_79)),
    ];
    cases.extend(lost(&[
        "", " ", "x", "12abc", "1e400", "-1e400", "NaN", "Infinity", "inf", "0x1A", "1_000", "1,5", "--5", "true",
        "2 3", ".", "1e",
    ]));
    check(ColumnType::Text, ColumnType::Number, &cases).await;
    check(ColumnType::Text, ColumnType::Decimal, &cases).await;
    cases.retain(|(_, expected)| !matches!(expected, SqlValue::Real(_)));
    cases.extend([
        (text("9223372036854775807"), whole(i64::MAX)),
        (text("-9223372036854775808"), whole(i64::MIN)),
    ]);
    cases.extend(lost(&[
        ".5",
        "12.5",
        "9223372036854775808",
        "-9223372036854775809",
        "1e30",
    ]));
    check(ColumnType::Text, ColumnType::Integer, &cases).await;
}

#[tokio::test]
async fn text_becomes_a_truth_value_where_it_is_one() {
    let mut cases = vec![
        (text("true"), whole(1)),
        (text("false"), whole(0)),
        (text("1"), whole(1)),
        (text(" 0 "), whole(0)),
        (text("1.0"), whole(1)),
    ];
    cases.extend(lost(&["", "TRUE", "yes", "t", "2", "0x1", "-1"]));
    check(ColumnType::Text, ColumnType::Boolean, &cases).await;
}

#[tokio::test]
async fn text_becomes_a_day_a_moment_or_a_time_where_it_is_written_as_one() {
    let none = [
        "",
        "5",
        "2459000.5",
        "now",
        "today",
        "epoch",
        "20260228",
        "2026-2-8",
        "2026-02-30",
        "2023-02-29",
        "2026-13-01",
        "0000-01-01",
        "Feb 28 2026",
        "2026-02-28T",
        "2026-02-28T24:00",
        "2026-02-28T12:60",
        "2026-02-28X12:00",
        "2026-02-28T12:00+15:00",
        "2026-02-28T12:00+05:60",
        "2026-02-31T12:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ];
    let moments = [
        ("2026-02-28", "2026-02-28", "2026-02-28T00:00:00.000Z"),
        (" 2024-02-29 ", "2024-02-29", "2024-02-29T00:00:00.000Z"),
        ("2026-02-28T12:00", "2026-02-28", "2026-02-28T12:00:00.000Z"),
        ("2026-02-28 12:00:05z", "2026-02-28", "2026-02-28T12:00:05.000Z"),
        ("2026-02-28T12:00:00.9996Z", "2026-02-28", "2026-02-28T12:00:00.999Z"),
        ("2026-02-28T00:30:00+02:00", "2026-02-28", "2026-02-27T22:30:00.000Z"),
        ("2026-02-28T12:00:00-0530", "2026-02-28", "2026-02-28T17:30:00.000Z"),
        ("2026-02-28 12:00:00+02", "2026-02-28", "2026-02-28T10:00:00.000Z"),
        ("0001-01-01", "0001-01-01", "0001-01-01T00:00:00.000Z"),
    ];
    let mut days: Vec<_> = moments.iter().map(|case| (text(case.0), text(case.1))).collect();
    days.extend(lost(&none));
    days.extend(lost(&["12:30", "12:30:15"]));
    check(ColumnType::Text, ColumnType::Date, &days).await;
    let mut exact: Vec<_> = moments.iter().map(|case| (text(case.0), text(case.2))).collect();
    exact.extend(lost(&none));
    exact.extend(lost(&["12:30", "12:30:15"]));
    check(ColumnType::Text, ColumnType::DateTime, &exact).await;
    let clocks = [
        ("12:30", "12:30:00"),
        (" 12:30:15 ", "12:30:15"),
        ("12:30:15.5", "12:30:15.500"),
        ("12:30:15,1239Z", "12:30:15.123"),
        ("2026-02-28T12:30:15.000Z", "12:30:15"),
    ];
    let mut times: Vec<_> = clocks.iter().map(|case| (text(case.0), text(case.1))).collect();
    times.extend(lost(&none));
    times.extend(lost(&[
        "24:00",
        "23:60",
        "9:30",
        "12:30:15.",
        "2026-02-28",
        "12:30+02:00",
    ]));
    check(ColumnType::Text, ColumnType::Time, &times).await;
}

#[tokio::test]
async fn a_number_is_no_day() {
    let numbers = [whole(5), whole(0), whole(20_260_228), SqlValue::Real(2_459_000.5)];
    let cases: Vec<_> = numbers.into_iter().map(|number| (number, NULL)).collect();
    for to in [ColumnType::Date, ColumnType::DateTime, ColumnType::Time] {
        check(ColumnType::Number, to, &cases).await;
        check(ColumnType::Integer, to, &cases[..3]).await;
    }
}

#[tokio::test]
async fn every_other_type_gives_the_same_on_every_database() {
    use ColumnType::{Boolean, Date, DateTime, Decimal, Integer, Json, Number, Text, Time};
    let (yes, no) = (SqlValue::Boolean(true), SqlValue::Boolean(false));
    let json = |text: &str| SqlValue::Json(text.to_owned());
    let noon = || text("2026-02-28T12:00:00.000Z");
    check(Number, Integer, &[(whole(3), whole(3)), (SqlValue::Real(2.5), NULL)]).await;
    check(Decimal, Number, &[(SqlValue::Real(0.25), SqlValue::Real(0.25))]).await;
    let truths = [
        (whole(1), whole(1)),
        (whole(0), whole(0)),
        (whole(2), NULL),
        (SqlValue::Real(0.5), NULL),
    ];
    check(Number, Boolean, &truths).await;
    for to in [Integer, Number, Decimal] {
        check(Boolean, to, &[(yes.clone(), whole(1)), (no.clone(), whole(0))]).await;
    }
    for to in [Text, Json] {
        check(Boolean, to, &[(yes.clone(), text("true")), (no.clone(), text("false"))]).await;
    }
    check(Boolean, Date, &[(yes, NULL), (no, NULL)]).await;
    check(
        Date,
        DateTime,
        &[(text("2026-02-28"), text("2026-02-28T00:00:00.000Z"))],
    )
    .await;
    check(Date, Time, &[(text("2026-02-28"), NULL)]).await;
    check(Date, Number, &[(text("2026-02-28"), NULL)]).await;
    check(DateTime, Date, &[(noon(), text("2026-02-28"))]).await;
    check(DateTime, Time, &[(noon(), text("12:00:00"))]).await;
    check(Time, DateTime, &[(text("12:00:00"), NULL)]).await;
    check(Time, Date, &[(text("12:00:00"), NULL)]).await;
    let documents = [
        (text("{\"a\": [1, true]}"), text("{\"a\":[1,true]}")),
        (text("x y"), text("\"x y\"")),
        (text(""), text("\"\"")),
        (text("2026-02-28"), text("\"2026-02-28\"")),
        (text("7"), text("7")),
    ];
    check(Text, Json, &documents).await;
    check(
        Number,
        Json,
        &[
            (whole(7), text("7")),
            (SqlValue::Real(0.1 + 0.2), text("0.30000000000000004")),
        ],
    )
    .await;
    let texts = [
        (
            json("{\"a\":[1,{\"b\":null}],\"c\":\"x, y\"}"),
            text("{\"a\":[1,{\"b\":null}],\"c\":\"x, y\"}"),
        ),
        (json("\"q\""), text("\"q\"")),
        (json("[]"), text("[]")),
    ];
    check(Json, Text, &texts).await;
    check(
        Json,
        Number,
        &[(json("5"), whole(5)), (json("\"5\""), NULL), (json("[5]"), NULL)],
    )
    .await;
    check(Json, Boolean, &[(json("true"), whole(1)), (json("\"true\""), NULL)]).await;
}

#[tokio::test]
async fn a_number_that_becomes_text_keeps_its_digits() {
    let place = Place::new();
    let values = [
        whole(5),
        SqlValue::Real(2.5),
        SqlValue::Real(0.1 + 0.2),
        SqlValue::Real(1234.56),
        whole(-7),
    ];
    let store = filled(&place, "s", ColumnType::Number, &values).await;
    let step = SchemaStep::WidenColumn {
        table: "t".to_owned(),
        column: "s".to_owned(),
        from: ColumnType::Number,
        to: ColumnType::Text,
    };
    store.change_schema(vec![step]).await.unwrap();
    let expected = ["5", "2.5", "0.30000000000000004", "1234.56", "-7"].map(SqlValue::from);
    assert_eq!(stored(&store, "s").await, expected);
    store.close().await;
}
