//! The queries that are measured. Called once by `main`, each in turn.

use std::time::Instant;

use anyhow::{Context as _, Result};
use objectos_data::engine::SearchRequest;
use objectos_data::query::SearchInput;
use serde_json::{Value, json};

use crate::demand::{Demand, FREE};
use crate::print_line;
use crate::world::World;

/// From so many records on the last page, too, must be a walk along the index.
const WALKED_TO_THE_END_FROM: u64 = 1_000_000;
/// Records of one page.
const PAGE: u64 = 100;

pub(crate) async fn lists(world: &World) -> Result<()> {
    let timed = async |name: &str, query: Value, demands: [Demand; 2]| world.timed(name, &query, demands).await;
    timed("first page with total", json!({}), [Demand::Order, Demand::Free]).await?;
    timed(
        "first page without total",
        json!({ "count": false }),
        [Demand::Order, Demand::Free],
    )
    .await?;
    timed(
        "indexed filter with total",
        json!({ "where": { "stage": "won", "amount": { "$gte": 999_000 } } }),
        [Demand::Index, Demand::Index],
    )
    .await?;
    timed(
        "indexed filter of a fifth with total",
        json!({ "where": { "stage": "won" } }),
        [Demand::Index, Demand::Free],
    )
    .await?;
    timed(
        "indexed order",
        json!({ "orderBy": "-amount", "count": false }),
        [Demand::Order, Demand::Free],
    )
    .await?;
    timed(
        "filter and order by one index",
        json!({ "where": { "stage": "won" }, "orderBy": "-amount", "count": false }),
        [Demand::Order, Demand::Free],
    )
    .await?;
    Ok(())
}

/// Pages far behind, by cursor and by offset: the last one, and one in the middle.
pub(crate) async fn pages(world: &World, records: u64) -> Result<()> {
    let last = records / PAGE;
    // Of fewer records a database may rightly sort what is left behind the last cursor.
    let at_the_end = if records >= WALKED_TO_THE_END_FROM {
        Demand::Order
    } else {
        Demand::Index
    };
    for (what, order, page, demand) in [
        ("id", json!([]), last, Demand::Order),
        ("amount ascending", json!("amount"), last, at_the_end),
        ("amount descending", json!("-amount"), last / 2, Demand::Order),
        // There all are null, and so the same in the index.
        ("amount descending", json!("-amount"), last, Demand::Index),
        ("closed descending", json!("-closed"), last / 2, Demand::Order),
        // There all are of the first day.
        ("closed descending", json!("-closed"), last, Demand::Index),
        ("two fields of an index", json!("stage,amount"), last / 2, Demand::Order),
    ] {
        let name = format!("page {page} by cursor, by {what}");
        // The cursor of the page before is made by one jump, since only this page is measured.
        let offset = (page - 2) * PAGE;
        let before = world
            .find(&json!({ "orderBy": order, "limit": PAGE, "offset": offset, "count": false }))
            .await?;
        let cursor = before.get("nextCursor").with_context(|| format!("{name}: no cursor"))?;
        let query = json!({ "orderBy": order, "limit": PAGE, "cursor": cursor, "count": false });
        world.timed(&name, &query, [demand, Demand::Free]).await?;
    }
    let query = json!({ "limit": PAGE, "offset": (last - 1) * PAGE, "count": false });
    let name = format!("page {last} by offset");
    world.timed(&name, &query, [Demand::Order, Demand::Free]).await
}

pub(crate) async fn figures(world: &World) -> Result<()> {
    let sum = json!([{ "function": "count", "alias": "n" }, { "function": "sum", "field": "amount", "alias": "sum" }]);
    let timed = async |name: &str, query: Value, demands: [Demand; 2]| world.timed(name, &query, demands).await;
    timed(
        "count and sum by month",
        json!({ "aggregations": sum, "groupBy": [{ "field": "closed", "granularity": "month" }] }),
        FREE,
    )
    .await?;
    timed(
        "count by month in a time zone",
        json!({ "aggregations": [{ "function": "count", "alias": "n" }], "groupBy": [{ "field": "created_at", "granularity": "month", "timezone": "Europe/Berlin" }] }),
        FREE,
    )
    .await?;
    timed(
        "count and sum by stage",
        json!({ "aggregations": sum, "groupBy": ["stage"] }),
        FREE,
    )
    .await?;
    timed(
        "count by stage",
        json!({ "aggregations": [{ "function": "count", "alias": "n" }], "groupBy": ["stage"] }),
        FREE,
    )
    .await?;
    Ok(())
}

pub(crate) async fn searches(world: &World, records: u64) -> Result<()> {
    let timed = async |name: &str, query: Value, demands: [Demand; 2]| world.timed(name, &query, demands).await;
    // The name of one record has it.
    let number = (records / 9 * 7).to_string();
    timed("search a number", json!({ "search": number }), [Demand::Words; 2]).await?;
    let rare = format!("anvil {number}");
    timed(
        "search a rare word and a frequent one",
        json!({ "search": { "query": rare, "operator": "and" } }),
        [Demand::Words; 2],
    )
    .await?;
    timed(
        "search two words, both",
        json!({ "search": { "query": "anvil rocket", "operator": "and" } }),
        [Demand::Words; 2],
    )
    .await?;
    // Of a frequent word a walk along the order is soon at its end.
    timed(
        "search a word without total",
        json!({ "search": "umbrella", "count": false }),
        [Demand::Index, Demand::Free],
    )
    .await?;
    timed(
        "search a number in one field, with total",
        json!({ "search": { "query": number, "fields": ["name"] } }),
        [Demand::Words; 2],
    )
    .await?;
    // What many records have is looked at in all of them, and rated in all of them.
    for (name, search) in [
        (
            "search a word in one field, with total",
            json!({ "query": "umbrella", "fields": ["name"] }),
        ),
        (
            "search two words, the best first",
            json!({ "query": "anvil rocket", "operator": "and", "boost": { "name": 2 } }),
        ),
    ] {
        let started = Instant::now();
        let found = world.find(&json!({ "search": search })).await?;
        print_line(name, started.elapsed(), &found["total"]);
    }
    let request = SearchRequest {
        search: SearchInput {
            query: rare,
            all_words: true,
            ..SearchInput::default()
        },
        objects: Vec::new(),
        limit: 20,
    };
    let started = Instant::now();
    let found = world.engine.search(&world.context, &request).await?;
    print_line("search across objects", started.elapsed(), &found["total"]);
    Ok(())
}
