//! The record, caller and clock that the unit tests share.

use serde_json::{Value as Json, json};

use crate::environment::RecordEnvironment;
use crate::scope::FieldScope;
use crate::types::Type;

/// 2026-01-15T12:30:45Z; twelve hours to the east it is half past midnight on the 16th.
pub(crate) const NOW_MS: i64 = 1_768_480_245_000;
pub(crate) const OFFSET_SECONDS: i32 = 12 * 3600;

pub(crate) fn scope() -> FieldScope {
    use Type::{Any, Boolean, Date, DateTime, List, Number, Text, Time};
    FieldScope::new([
        ("amount", Number),
        ("quantity", Number),
        ("price", Number),
        ("zero", Number),
        ("big", Number),
        ("no_number", Number),
        ("name", Text),
        ("stage", Text),
        ("owner", Text),
        ("empty", Text),
        ("no_text", Text),
        ("is_active", Boolean),
        ("no_boolean", Boolean),
        ("close_date", Date),
        ("no_date", Date),
        ("created_at", DateTime),
        ("no_datetime", DateTime),
        ("lunch", Time),
        ("tags", List),
        ("no_tags", List),
        ("account", Text),
        ("account.industry", Text),
        ("account.owner", Text),
        ("account.owner.name", Text),
        ("parent", Text),
        ("parent.name", Text),
        ("any_number", Any),
        ("any_text", Any),
        ("any_date", Any),
        ("any_list", Any),
    ])
}

pub(crate) fn record() -> Json {
    json!({
        "id": "r1", "amount": 1200.5, "quantity": 10, "price": 25.5, "zero": 0, "big": 9_007_199_254_740_993_i64, "no_number": null,
        "name": "Test User", "stage": "proposal", "owner": "u1", "empty": "", "is_active": true,
        "close_date": "2026-01-31", "created_at": "2026-01-15T12:30:45.000Z", "lunch": "12:15:30", "tags": ["red", "green"],
        "account": {"id": "a1", "industry": "energy", "owner": {"id": "u2", "name": "Bo"}}, "parent": "r0",
        "any_number": 5, "any_text": "five", "any_date": "2026-01-31", "any_list": [1, "two"]
    })
}

pub(crate) fn previous() -> Json {
    json!({"id": "r1", "amount": 1000, "stage": "proposal", "no_text": "gone", "tags": ["red"]})
}

pub(crate) fn user() -> Json {
    json!({"id": "u1", "name": "Ann", "email": "ann@example.com", "first_name": "Ann", "roles": ["sales", "admin"], "level": 3, "nobody": null})
}

/// Runs with the environment of the fixture.
pub(crate) fn with_environment<T>(run: impl FnOnce(&RecordEnvironment<'_>) -> T) -> T {
    let (record, previous, user) = (record(), previous(), user());
    let environment = RecordEnvironment::new(&record, NOW_MS)
        .with_previous(&previous)
        .with_user(&user)
        .with_utc_offset(OFFSET_SECONDS);
    run(&environment)
}
