//! Days and times of day are those of the caller's time zone: in formulas, in filters and in groups.

use objectos_data::engine::Engine;
use objectos_data::query::QueryInput;
use objectos_expression::Zone;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::{Context, Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::world::{World, allowed, fields};

const FILES: [(&str, &str); 1] = [(
    "visit.object.yml",
    "
name: visit
fields:
  name: { type: text }
  at: { type: datetime }
  held_on: { type: date }
  day: { type: formula, expression: 'DATEVALUE(at)' }
  hour: { type: formula, expression: 'HOUR(at)' }
  begin: { type: formula, expression: 'DATETIMEVALUE(held_on)' }
  month: { type: formula, expression: \"DATE_TRUNC('month', at)\" }
  today: { type: formula, expression: 'TODAY()' }
",
)];

/// Zone, moment, its local day and hour; the moment at which that day begins.
const MOMENTS: [(&str, &str, &str, i64, &str); 14] = [
    (
        "Europe/Berlin",
        "2026-03-29T00:59:59.000Z",
        "2026-03-29",
        1,
        "2026-03-28T23:00:00.000Z",
    ),
    (
        "Europe/Berlin",
        "2026-03-29T01:00:00.000Z",
        "2026-03-29",
        3,
        "2026-03-28T23:00:00.000Z",
    ),
    (
        "Europe/Berlin",
        "2026-10-25T00:30:00.000Z",
        "2026-10-25",
        2,
        "2026-10-24T22:00:00.000Z",
    ),
    (
        "Europe/Berlin",
        "2026-10-25T01:30:00.000Z",
        "2026-10-25",
        2,
        "2026-10-24T22:00:00.000Z",
    ),
    (
        "Europe/Berlin",
        "2026-06-30T22:00:00.000Z",
        "2026-07-01",
        0,
        "2026-06-30T22:00:00.000Z",
    ),
    (
        "Europe/Berlin",
        "2100-07-01T00:00:00.000Z",
        "2100-07-01",
        2,
        "2100-06-30T22:00:00.000Z",
    ),
    (
        "America/New_York",
        "2026-03-08T06:59:59.000Z",
        "2026-03-08",
        1,
        "2026-03-08T05:00:00.000Z",
    ),
    (
        "America/New_York",
        "2026-03-08T07:00:00.000Z",
        "2026-03-08",
        3,
        "2026-03-08T05:00:00.000Z",
    ),
    (
        "America/New_York",
        "2026-11-01T06:30:00.000Z",
        "2026-11-01",
        1,
        "2026-11-01T04:00:00.000Z",
    ),
    (
        "Asia/Kathmandu",
        "1985-12-31T18:29:59.000Z",
        "1985-12-31",
        23,
        "1985-12-30T18:30:00.000Z",
    ),
    (
        "Asia/Kathmandu",
        "1986-01-01T18:15:00.000Z",
        "1986-01-02",
        0,
        "1986-01-01T18:15:00.000Z",
    ),
    (
        "Pacific/Apia",
        "2011-12-30T09:59:59.000Z",
        "2011-12-29",
        23,
        "2011-12-29T10:00:00.000Z",
    ),
    (
        "Pacific/Apia",
        "2011-12-30T10:00:00.000Z",
        "2011-12-31",
        0,
        "2011-12-30T10:00:00.000Z",
    ),
    (
        "+05:30",
        "2026-01-01T18:30:00.000Z",
        "2026-01-02",
        0,
        "2026-01-01T18:30:00.000Z",
    ),
];

fn caller(zone: &str) -> Context {
    let principal = Principal {
        id: "local".to_owned(),
        kind: PrincipalKind::Local,
        attributes: fields(json!({ "timezone": zone })),
        ..Principal::default()
    };
    Context::request("r1").with_principal(&principal)
}

async fn world() -> World {
    let world = World::new(&FILES).await;
    for (_, at, day, _, _) in MOMENTS {
        let record = json!({ "name": at, "at": at, "held_on": day });
        world.create("visit", record).await.unwrap();
    }
    world
}

#[tokio::test]
async fn formulas_answer_and_filter_in_the_zone() {
    let world = world().await;
    for (zone, at, day, hour, begin) in MOMENTS {
        let expected = json!({ "day": day, "hour": hour, "begin": begin });
        let query = json!({
            "where": { "name": at, "day": day, "hour": hour, "begin": begin },
            "fields": ["day", "hour", "begin"],
        });
        let found = world.query_as(&caller(zone), "visit", query).await.unwrap();
        assert_eq!(found["records"], json!([expected]), "{at} in {zone}");
    }
    for (zone, today) in [
        ("UTC", "2026-02-28"),
        ("America/New_York", "2026-02-28"),
        ("Pacific/Apia", "2026-03-01"),
        ("Not/There", "2026-02-28"),
    ] {
        let query = json!({ "where": { "today": today }, "fields": ["today"], "limit": 1 });
        let found = world.query_as(&caller(zone), "visit", query).await.unwrap();
        assert_eq!(found["records"], json!([{ "today": today }]), "{zone}");
    }
}

/// A zone is the caller's to choose: it says which day it is for them, and never which records they see.
#[tokio::test]
async fn what_permissions_say_counts_in_the_operators_zone() {
    let world = world().await;
    let july = json!({ "at": { "$gte": "2026-07-01", "$lt": "2026-08-01" } });
    world
        .permissions
        .allow("ann", "visit", Operation::Read, allowed(Some(july)));
    let in_berlin = Engine::new(world.engine.parts().clone()).with_zone(Zone::read("Europe/Berlin").unwrap());
    for (engine, expected) in [(world.engine.as_ref(), 0), (&in_berlin, 1)] {
        for zone in ["UTC", "Europe/Berlin", "Pacific/Apia"] {
            let context = Context::request("r1").with_principal(&Principal {
                id: "ann".to_owned(),
                kind: PrincipalKind::User,
                attributes: fields(json!({ "timezone": zone })),
                ..Principal::default()
            });
            let found = engine.find(&context, "visit", QueryInput::default()).await.unwrap();
            let records: Value = serde_json::from_slice(&found.records).unwrap();
            assert_eq!(records.as_array().map(Vec::len), Some(expected), "{zone}: {records}");
        }
    }
}

#[tokio::test]
async fn values_of_filters_and_groups_are_local() {
    let world = world().await;
    let names = async |zone: &str, filter: Value| -> Vec<String> {
        let query = json!({ "where": filter, "orderBy": "name", "fields": ["name"] });
        let found = world.query_as(&caller(zone), "visit", query).await.unwrap();
        let records = found["records"].as_array().unwrap().iter();
        records
            .map(|record| record["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let july = json!({ "at": { "$gte": "2026-07-01", "$lt": "2026-08-01" } });
    assert_eq!(names("Europe/Berlin", july.clone()).await, ["2026-06-30T22:00:00.000Z"]);
    assert!(names("UTC", july).await.is_empty());
    let month = json!({ "month": "2026-07-01" });
    assert_eq!(
        names("Europe/Berlin", month.clone()).await,
        ["2026-06-30T22:00:00.000Z"]
    );
    assert!(names("UTC", month).await.is_empty());
    let groups = json!({ "groupBy": [{ "field": "at", "granularity": "day", "alias": "d" }], "where": { "at": { "$lt": "2026-01-01T00:00:00Z" } } });
    let found = world
        .query_as(&caller("Pacific/Apia"), "visit", groups.clone())
        .await
        .unwrap();
    let apia = json!([{ "d": "1985-12-31" }, { "d": "1986-01-01" }, { "d": "2011-12-29" }, { "d": "2011-12-31" }]);
    assert_eq!(found["records"], apia);
    // A zone in the query goes before that of the caller, and that of the caller before the usual one.
    let engine = Engine::new(world.engine.parts().clone()).with_zone(Zone::read("Pacific/Apia").unwrap());
    let usual = QueryInput::from_map(&fields(groups.clone())).unwrap();
    let found = engine.find(&world.local, "visit", usual).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&found.records).unwrap(), apia);
    let mut named = groups;
    named["groupBy"][0]["timezone"] = json!("UTC");
    let named = QueryInput::from_map(&fields(named)).unwrap();
    let found = engine.find(&caller("Asia/Kathmandu"), "visit", named).await.unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&found.records).unwrap(),
        json!([{ "d": "1985-12-31" }, { "d": "1986-01-01" }, { "d": "2011-12-30" }])
    );
}
