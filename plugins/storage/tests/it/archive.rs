//! The service `event-archive-s3`: done events in objects by day.

use objectos_plugin_api::contracts::event_archive::S3_ARCHIVE;
use objectos_plugin_api::contracts::event_store::{DoneEvent, RangePage, RangePageRequest, RangeRequest, StoredEvent};
use objectos_plugin_testing::TestPlugin;
use serde_json::{Value, json};

use crate::s3_server::S3Server;
use crate::world::{DAY_MS, NOON, ask, done, plugin, s3};

async fn opened(more: &Value) -> (S3Server, TestPlugin) {
    let server = S3Server::start();
    let plugin = plugin(s3(&server, more), &[]).await.unwrap();
    (server, plugin)
}

async fn append(plugin: &TestPlugin, events: &[DoneEvent]) {
    ask::<()>(plugin, S3_ARCHIVE, "append", &events).await.unwrap();
}

async fn sequences(plugin: &TestPlugin, request: &RangeRequest) -> Vec<u64> {
    let found: Vec<StoredEvent> = ask(plugin, S3_ARCHIVE, "range", request).await.unwrap();
    found.into_iter().map(|stored| stored.sequence).collect()
}

fn all() -> RangeRequest {
    RangeRequest {
        limit: 100,
        ..RangeRequest::default()
    }
}

/// A note of a number.
fn note(sequence: u64, name: &str, after_ms: i64) -> DoneEvent {
    done(
        sequence,
        name,
        after_ms,
        &json!({ "n": sequence, "text": "two\nlines & <tags>" }),
    )
}

/// Six events of three days, in three appends; the fourth was done late.
async fn told(plugin: &TestPlugin) {
    append(plugin, &[note(1, "a.b", 0), note(2, "a.c", 1), note(3, "a.b", DAY_MS)]).await;
    append(plugin, &[note(5, "a.b", DAY_MS + 1), note(6, "a.c", 2 * DAY_MS)]).await;
    append(plugin, &[note(4, "a.c", DAY_MS)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_kept_by_day_and_read_in_order() {
    let (server, plugin) = opened(&json!({ "prefix": "objectos/test" })).await;
    assert!(sequences(&plugin, &all()).await.is_empty());
    append(&plugin, &[]).await;
    told(&plugin).await;
    let days: Vec<String> = server.objects().iter().map(|(key, _)| key[..32].to_owned()).collect();
    let day = |day: &str| format!("objectos/test/archive/{day}");
    let expected = ["2026-02-28", "2026-03-01", "2026-03-01", "2026-03-01", "2026-03-02"].map(day);
    assert_eq!(days, expected);
    for (request, expected) in [
        (all(), vec![1, 2, 3, 4, 5, 6]),
        (
            RangeRequest {
                after: 2,
                limit: 3,
                ..all()
            },
            vec![3, 4, 5],
        ),
        (RangeRequest { after: 6, ..all() }, vec![]),
        (RangeRequest { limit: 1, ..all() }, vec![1]),
        (
            RangeRequest {
                from_ms: NOON + DAY_MS,
                ..all()
            },
            vec![3, 4, 5, 6],
        ),
        (
            RangeRequest {
                to_ms: Some(NOON + DAY_MS + 1),
                ..all()
            },
            vec![1, 2, 3, 4],
        ),
        (
            RangeRequest {
                names: vec!["a.c".to_owned()],
                ..all()
            },
            vec![2, 4, 6],
        ),
        (
            RangeRequest {
                names: vec!["a.*".to_owned()],
                limit: 2,
                ..all()
            },
            vec![1, 2],
        ),
    ] {
        assert_eq!(sequences(&plugin, &request).await, expected, "{request:?}");
    }
    let found: Vec<StoredEvent> = ask(&plugin, S3_ARCHIVE, "range", &all()).await.unwrap();
    let first = note(1, "a.b", 0);
    assert_eq!((&found[0].key, &found[0].event), (&first.key, &first.event));
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_again_is_the_same_object_and_is_read_once() {
    let (server, plugin) = opened(&json!({})).await;
    told(&plugin).await;
    let before = server.objects();
    told(&plugin).await;
    assert_eq!(server.objects(), before);
    // In another batch it is there twice.
    append(&plugin, &[note(2, "a.c", 1), note(7, "a.b", 2)]).await;
    assert_eq!(server.objects().len(), before.len() + 1);
    assert_eq!(sequences(&plugin, &all()).await, [1, 2, 3, 4, 5, 6, 7]);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_read_page_by_page_and_only_of_the_days_asked_for() {
    let (server, plugin) = opened(&json!({ "listKeysMax": 2 })).await;
    for n in 1..=9 {
        append(&plugin, &[note(n, "a.b", i64::try_from(n).unwrap() * DAY_MS)]).await;
    }
    assert_eq!(sequences(&plugin, &all()).await, (1..=9).collect::<Vec<u64>>());
    let lists = |seen: &[String]| seen.iter().filter(|asked| asked.contains("list-type=2")).count();
    assert!(lists(&server.take_seen()) >= 5, "two keys at once");
    let late = RangeRequest {
        from_ms: NOON + 8 * DAY_MS,
        ..all()
    };
    assert_eq!(sequences(&plugin, &late).await, [8, 9]);
    let seen = server.take_seen();
    assert_eq!((lists(&seen), seen.len()), (1, 3), "a list and two objects: {seen:?}");
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_ends_where_enough_was_looked_at() {
    let (server, plugin) = opened(&json!({})).await;
    for n in 1..=9 {
        append(&plugin, &[note(n, "a.b", 0)]).await;
    }
    let page = async |after: u64, looked_at_max: u32, name: &str| -> (Vec<u64>, Option<u64>) {
        let request = RangePageRequest {
            range: RangeRequest {
                after,
                names: vec![name.to_owned()],
                ..all()
            },
            looked_at_max,
            time_max_ms: 0,
        };
        let page: RangePage = ask(&plugin, S3_ARCHIVE, "range_page", &request).await.unwrap();
        let sequences = page.events.iter().map(|stored| stored.sequence).collect();
        (sequences, page.next)
    };
    server.take_seen();
    assert_eq!(page(0, 1, "a.b").await, (vec![1, 2, 3, 4], Some(4)));
    assert_eq!(
        server.take_seen().len(),
        5,
        "a list, and the objects that are read at once"
    );
    // What is nowhere is found out page by page as well.
    assert_eq!(page(0, 1, "z.z").await, (vec![], Some(4)));
    assert_eq!(page(4, 1, "z.z").await, (vec![], Some(8)));
    assert_eq!(page(8, 1, "z.z").await, (vec![], None));
    assert_eq!(page(0, 0, "a.b").await, ((1..=9).collect(), None));
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_days_are_forgotten() {
    let (server, plugin) = opened(&json!({ "listKeysMax": 1 })).await;
    told(&plugin).await;
    let prune = async |before_ms: i64| ask::<u64>(&plugin, S3_ARCHIVE, "prune", &before_ms).await.unwrap();
    assert_eq!(prune(NOON).await, 0, "the day is not over");
    assert_eq!(prune(NOON + DAY_MS).await, 2);
    assert_eq!(sequences(&plugin, &all()).await, [3, 4, 5, 6]);
    assert_eq!(prune(NOON + DAY_MS).await, 0);
    assert_eq!(prune(i64::MAX).await, 4);
    assert!(server.objects().is_empty());
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installations_that_share_a_bucket_do_not_see_each_other() {
    let (server, one) = opened(&json!({ "prefix": "one" })).await;
    let other = plugin(s3(&server, &json!({ "prefix": "one-more" })), &[])
        .await
        .unwrap();
    told(&one).await;
    append(&other, &[note(9, "a.b", 0)]).await;
    assert_eq!(sequences(&other, &all()).await, [9]);
    assert_eq!(ask::<u64>(&other, S3_ARCHIVE, "prune", &i64::MAX).await.unwrap(), 1);
    assert_eq!(sequences(&one, &all()).await.len(), 6);
    one.stop().await.unwrap();
    other.stop().await.unwrap();
}
