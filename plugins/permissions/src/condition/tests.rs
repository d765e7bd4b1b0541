//! Expressions and filters, and the rows that become of them.

use objectos_expression::Zone;
use serde_json::{Map, Value, json};

use super::{Asker, Condition, Span, resolve_variables};
use crate::catalogue::Catalogue;
use crate::condition::check_variables;
use crate::rows::Rows;

fn catalogue() -> Catalogue {
    let account = json!({"name": "account", "fields": {
        "name": {"type": "text"}, "industry": {"type": "select"}, "revenue": {"type": "currency"},
        "active": {"type": "boolean"}, "since": {"type": "date"}, "tags": {"type": "multiselect"},
        "region": {"type": "text"}, "seen": {"type": "datetime"},
    }});
    let contact = json!({"name": "contact", "fields": {
        "last_name": {"type": "text"}, "account": {"type": "lookup", "reference": "account"},
    }});
    Catalogue::new([&account, &contact])
}

fn user() -> Value {
    json!({"id": "u1", "roles": ["sales", "user"], "attributes": {"region": "north", "regions": ["north", "west"]}})
}

fn rows_of(object: &str, text: &str) -> Result<Value, String> {
    let catalogue = catalogue();
    let condition = Condition::expression(&catalogue, object, text)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let user = user();
    let asker = Asker {
        user: &user,
        variables: &Map::new(),
        now_ms: 1_770_000_000_000,
        zone: &Zone::UTC,
    };
    condition.rows(&catalogue, &asker).map(|rows| rows.describe())
}

#[test]
fn expressions_become_filters() {
    let table = [
        ("owner_id = current_user.id", json!({"owner_id": {"$eq": "u1"}})),
        ("owner_id = '{{ userId }}'", json!({"owner_id": {"$eq": "u1"}})),
        (
            "region = '{{ region }}' OR name = 'it''s' AND owner_id = \"{{userId}}\"",
            json!({"$or": [{"region": {"$eq": "north"}}, {"$and": [{"name": {"$eq": "it's"}}, {"owner_id": {"$eq": "u1"}}]}]}),
        ),
        ("region = {{ region }}", json!({"region": {"$eq": "north"}})),
        (
            "region IN (current_user.regions)",
            json!({"region": {"$in": ["north", "west"]}}),
        ),
        (
            "industry = 'energy' AND revenue >= 1000",
            json!({"$and": [{"industry": {"$eq": "energy"}}, {"revenue": {"$gte": 1000}}]}),
        ),
        ("1000 < revenue", json!({"revenue": {"$gt": 1000}})),
        (
            "industry = 'energy' OR active",
            json!({"$or": [{"industry": {"$eq": "energy"}}, {"active": {"$eq": true}}]}),
        ),
        (
            "industry <> 'energy'",
            json!({"industry": {"$null": false, "$ne": "energy"}}),
        ),
        (
            "NOT (industry = 'energy')",
            json!({"industry": {"$null": false, "$ne": "energy"}}),
        ),
        (
            "NOT (revenue < 5 AND active)",
            json!({"$or": [{"revenue": {"$gte": 5}}, {"active": {"$eq": false}}]}),
        ),
        ("industry IS NULL", json!({"industry": {"$null": true}})),
        ("industry IS NOT NULL", json!({"industry": {"$null": false}})),
        (
            "industry NOT IN ('food', 'media')",
            json!({"industry": {"$null": false, "$nin": ["food", "media"]}}),
        ),
        ("name LIKE 'A%'", json!({"name": {"$like": "A%"}})),
        (
            "NOT (name LIKE 'A%')",
            json!({"name": {"$null": false, "$not": {"$like": "A%"}}}),
        ),
        ("STARTS_WITH(name, 'A')", json!({"name": {"$startsWith": "A"}})),
        (
            "name = region",
            json!({"name": {"$null": false, "$eq": {"$field": "region"}}, "region": {"$null": false}}),
        ),
        ("'sales' IN current_user.roles", json!("all")),
        (
            "'boss' IN current_user.roles OR active",
            json!({"active": {"$eq": true}}),
        ),
        ("since >= '2026-01-01'", json!({"since": {"$gte": "2026-01-01"}})),
        ("true", json!("all")),
    ];
    for (text, expected) in table {
        assert_eq!(rows_of("account", text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_not_known_of_the_caller_holds_for_no_row() {
    for text in [
        "region = current_user.nothing",
        "region <> current_user.nothing",
        "NOT (region = current_user.nothing)",
        "region IN (current_user.nothing)",
        "region NOT IN (current_user.nothing)",
        "region = '{{ nothing }}'",
        "current_user.nothing = 'x'",
        "NOT (current_user.nothing = 'x')",
    ] {
        assert_eq!(rows_of("account", text), Ok(json!("none")), "{text}");
    }
}

#[test]
fn paths_look_at_the_other_records() {
    assert_eq!(
        rows_of("contact", "account.industry = 'energy'"),
        Ok(
            json!({"account": {"$inRecords": {"object": "account", "field": "id", "where": {"industry": {"$eq": "energy"}}}}})
        )
    );
    assert_eq!(
        rows_of("contact", "account.industry IS NULL"),
        Ok(
            json!({"$not": {"account": {"$inRecords": {"object": "account", "field": "id", "where": {"industry": {"$null": false}}}}}})
        )
    );
}

#[test]
fn what_cannot_be_part_of_a_query_is_refused_when_it_is_read() {
    let table = [
        ("indutsry = 'x'", "line 1, column 1: unknown field `indutsry`"),
        ("LOWER(name) = 'x'", "LOWER is not the same in every database"),
        ("LEN(name) > 3", "compares what a filter cannot"),
        ("revenue", "number"),
        ("name = 'x", "line 1"),
        ("name = 'a {{ userId }} b'", "a placeholder is part of a text"),
        ("name = '{{ userId }} b'", "a placeholder is part of a text"),
        ("name = 'a {{ userId }}'", "a placeholder is part of a text"),
        ("name = {{ userId", "not closed"),
        ("ISCHANGED(name)", ""),
        ("active AND LEN(name) > 3", "compares what a filter cannot"),
    ];
    for (text, expected) in table {
        let error = rows_of("account", text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn filters_are_checked_and_filled_at_any_depth() {
    let catalogue = catalogue();
    let user = user();
    let asker = Asker {
        user: &user,
        variables: &Map::new(),
        now_ms: 0,
        zone: &Zone::UTC,
    };
    let rows = |filter: Value| {
        let condition =
            Condition::written(&catalogue, "contact", &filter).map_err(|error| match &error.suggestion {
                Some(suggestion) => format!("{error}, {suggestion}"),
                None => error.to_string(),
            })?;
        condition.rows(&catalogue, &asker).map(|rows| rows.describe())
    };
    assert_eq!(
        rows(json!({"owner": "{{ userId }}"})),
        Ok(json!({"owner_id": {"$eq": "u1"}}))
    );
    assert_eq!(
        rows(json!({"$or": [{"last_name": {"$in": ["{{region}}", "x-{{ region }}"]}}, {"owner_id": "{{userId}}"}]})),
        Ok(json!({"$or": [{"last_name": {"$in": ["north", "x-north"]}}, {"owner_id": {"$eq": "u1"}}]}))
    );
    assert_eq!(
        rows(json!({"account": {"region": "{{ region }}"}})),
        rows(json!({"account.region": "{{ region }}"}))
    );
    assert_eq!(rows(json!({})), Ok(json!("all")));
    assert_eq!(
        rows(json!({"last_nmae": 1})),
        Err("`contact` has no field `last_nmae`, last_name".to_owned())
    );
    assert_eq!(
        rows(json!({"last_name": {"$eqq": 1}})),
        Err("unknown operator `$eqq`, $eq".to_owned())
    );
    assert_eq!(
        rows(json!({"last_name": "{{ nothing }}"})),
        Err("nothing is known of `nothing`".to_owned())
    );
}

#[test]
fn variables_may_use_variables_but_not_themselves() {
    let variables = json!({"home": "{{ region }}", "label": "area {{ home }}", "lost": "{{ nothing }}"});
    let variables = variables.as_object().unwrap();
    assert!(check_variables(variables).is_ok());
    let resolved = resolve_variables(variables, &user());
    assert_eq!(Value::Object(resolved), json!({"home": "north", "label": "area north"}));
    let circle = json!({"a": "{{ b }}", "b": "{{ a }}"});
    let (name, error) = check_variables(circle.as_object().unwrap()).unwrap_err();
    assert_eq!(name, "a");
    assert!(error.message.contains("back to itself"), "{error}");
}

#[test]
fn rows_that_depend_on_the_time_say_how_long_they_hold() {
    let catalogue = catalogue();
    let span = |text: &str| Condition::expression(&catalogue, "account", text).unwrap().span;
    assert_eq!(span("since < TODAY()"), Span::Day);
    assert_eq!(span("since < TODAY() - 30 AND active"), Span::Day);
    assert_eq!(span("seen < NOW()"), Span::Second);
    assert_eq!(span("active"), Span::Always);
    assert_eq!(Span::Day.end_ms(86_400_000 + 5, &Zone::UTC), Some(2 * 86_400_000));
    assert_eq!(Span::Second.end_ms(1500, &Zone::UTC), Some(2000));
    assert_eq!(Rows::All.describe(), json!("all"));
}

#[test]
fn a_day_is_that_of_the_caller() {
    let catalogue = catalogue();
    let condition = Condition::expression(&catalogue, "account", "since < TODAY()").unwrap();
    let user = user();
    let check = |name: &str, now_ms: i64, today: &str, end_ms: i64| {
        let zone = Zone::read(name).unwrap();
        let asker = Asker {
            user: &user,
            variables: &Map::new(),
            now_ms,
            zone: &zone,
        };
        let rows = condition.rows(&catalogue, &asker).unwrap().describe();
        assert_eq!(rows, json!({"since": {"$lt": today}}), "{name}");
        assert_eq!(condition.span.end_ms(now_ms, &zone), Some(end_ms), "{name}");
    };
    // 2026-02-02T02:40:00Z
    let now_ms = 1_770_000_000_000;
    check("UTC", now_ms, "2026-02-02", 1_770_076_800_000);
    check("America/New_York", now_ms, "2026-02-01", 1_770_008_400_000);
    check("Europe/Berlin", now_ms, "2026-02-02", 1_770_073_200_000);
    check("+14:00", now_ms, "2026-02-02", 1_770_026_400_000);
    // The day on which clocks go forward has 23 hours: 2026-03-29T00:00:00Z to 22:00:00Z.
    check("Europe/Berlin", 1_774_742_400_000, "2026-03-29", 1_774_821_600_000);
}
