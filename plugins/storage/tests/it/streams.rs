//! The services `event-streams-s3` and `event-streams-file`: events and snapshots of records. Every test runs on both.

use objectos_plugin_api::ErrorKind;
use objectos_plugin_api::contracts::event_store::{
    Aggregate, AggregatePage, AggregateRequest, DoneEvent, DueRequest, KeepRequest, PruneRequest, Snapshot,
};
use objectos_plugin_api::contracts::event_streams::{FILE_STREAMS, S3_STREAMS};
use objectos_plugin_testing::TestPlugin;
use serde_json::{Map, Value, json};

use crate::s3_server::S3Server;
use crate::world::{DAY_MS, NOON, ask, done, plugin, s3};

/// One of the two services.
struct Place {
    service: &'static str,
    plugin: TestPlugin,
    server: S3Server,
}

/// Runs a test on both; lists are short, so that there are several pages of them.
async fn on_both(test: impl AsyncFn(&Place)) {
    for service in [FILE_STREAMS, S3_STREAMS] {
        let server = S3Server::start();
        let plugin = plugin(s3(&server, &json!({ "listKeysMax": 3 })), &[]).await.unwrap();
        let place = Place {
            service,
            plugin,
            server,
        };
        test(&place).await;
        place.plugin.stop().await.unwrap();
    }
}

fn aggregate(object: &str, record: &str) -> Aggregate {
    Aggregate {
        object: object.to_owned(),
        record: record.to_owned(),
    }
}

fn state(record: &str, n: u64) -> Map<String, Value> {
    json!({ "id": record, "n": n }).as_object().unwrap().clone()
}

/// An event of a record, whose `n` is its sequence from then on; with `gone` there is no record any more.
fn of_record(sequence: u64, object: &str, record: &str, after_ms: i64, gone: bool) -> DoneEvent {
    let mut payload = json!({ "object": object, "recordId": record });
    let name = if gone {
        "data.record.purged"
    } else {
        payload["after"] = Value::Object(state(record, sequence));
        "data.record.updated"
    };
    done(sequence, name, after_ms, &payload)
}

impl Place {
    async fn append(&self, events: Vec<DoneEvent>) {
        ask::<()>(&self.plugin, self.service, "append", &events).await.unwrap();
    }

    /// Events of the deal `d` of these sequences, one by one, as many minutes after noon.
    async fn tell(&self, sequences: std::ops::RangeInclusive<u64>) {
        for n in sequences {
            let after_ms = i64::try_from(n).unwrap() * 60_000;
            self.append(vec![of_record(n, "deal", "d", after_ms, false)]).await;
        }
    }

    async fn page(&self, request: AggregateRequest) -> AggregatePage {
        ask(&self.plugin, self.service, "page", &request).await.unwrap()
    }

    /// Sequences of the snapshot and of the events.
    async fn read(&self, request: AggregateRequest) -> (Option<u64>, Vec<u64>) {
        let page = self.page(request).await;
        let events = page.events.iter().map(|stored| stored.sequence).collect();
        (page.snapshot.map(|snapshot| snapshot.sequence), events)
    }

    async fn keep(&self, sequences: &[u64], newest: u64) {
        let snapshots = sequences.iter().map(|n| Snapshot {
            aggregate: aggregate("deal", "d"),
            sequence: *n,
            at_ms: NOON + i64::try_from(*n).unwrap() * 60_000,
            state: Some(state("d", *n)),
        });
        let request = KeepRequest {
            snapshots: snapshots.collect(),
            newest,
        };
        ask::<()>(&self.plugin, self.service, "keep_snapshots", &request)
            .await
            .unwrap();
    }

    async fn due(&self, records: &[&str], interval: u64) -> Vec<String> {
        let request = DueRequest {
            aggregates: records.iter().map(|record| aggregate("deal", record)).collect(),
            objects: vec!["deal".to_owned()],
            interval,
            limit: 10,
        };
        let due: Vec<Aggregate> = ask(&self.plugin, self.service, "due", &request).await.unwrap();
        due.into_iter().map(|aggregate| aggregate.record).collect()
    }

    /// Forgets events of deals before so many milliseconds after noon, and all of other objects before `others_ms`.
    async fn prune(&self, after_ms: i64, others_ms: i64) -> u64 {
        let request = PruneRequest {
            before_ms: NOON + others_ms,
            aggregates_before_ms: NOON + after_ms,
            objects: vec!["deal".to_owned()],
        };
        ask(&self.plugin, self.service, "prune", &request).await.unwrap()
    }
}

fn deal() -> AggregateRequest {
    AggregateRequest::of(&aggregate("deal", "d"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_read_from_its_newest_snapshot_on_within_bounds() {
    on_both(async |place| {
        assert_eq!(place.read(deal()).await, (None, vec![]));
        place.tell(1..=7).await;
        let foreign = ["d2", "a/b", "d"].map(|record| of_record(50, "task", record, 0, false));
        place.append(foreign.to_vec()).await;
        place.keep(&[3, 6], 2).await;
        for (request, expected) in [
            (deal(), (Some(6), vec![7])),
            (
                AggregateRequest {
                    until: Some(5),
                    ..deal()
                },
                (Some(3), vec![4, 5]),
            ),
            (
                AggregateRequest {
                    until: Some(2),
                    ..deal()
                },
                (None, vec![1, 2]),
            ),
            (
                AggregateRequest {
                    until_ms: Some(NOON + 4 * 60_000),
                    ..deal()
                },
                (Some(3), vec![4]),
            ),
            (
                AggregateRequest {
                    after: Some(0),
                    limit: 2,
                    ..deal()
                },
                (None, vec![1, 2]),
            ),
            (
                AggregateRequest {
                    after: Some(2),
                    limit: 2,
                    ..deal()
                },
                (None, vec![3, 4]),
            ),
            (
                AggregateRequest {
                    after: Some(7),
                    ..deal()
                },
                (None, vec![]),
            ),
        ] {
            assert_eq!(
                place.read(request.clone()).await,
                expected,
                "{}: {request:?}",
                place.service
            );
        }
        let page = place.page(deal()).await;
        assert_eq!(page.snapshot.unwrap().state, Some(state("d", 6)));
        let other = AggregateRequest::of(&aggregate("task", "a/b"));
        assert_eq!(place.read(other).await, (None, vec![50]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_again_is_read_once() {
    on_both(async |place| {
        place.tell(1..=3).await;
        place.tell(1..=3).await;
        let again = (2..=4).map(|n| of_record(n, "deal", "d", 0, false)).collect();
        place.append(again).await;
        assert_eq!(place.read(deal()).await, (None, vec![1, 2, 3, 4]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_no_record_is_refused_and_nothing_is_kept() {
    on_both(async |place| {
        let events = vec![of_record(1, "deal", "d", 0, false), done(2, "a.b", 0, &json!({}))];
        let error = ask::<()>(&place.plugin, place.service, "append", &events)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains("the event 2 tells of no record"), "{error}");
        assert_eq!(place.read(deal()).await, (None, vec![]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_due_after_so_many_events_since_their_snapshot() {
    on_both(async |place| {
        place.tell(1..=4).await;
        place.append(vec![of_record(9, "deal", "d2", 0, false)]).await;
        assert_eq!(place.due(&["d", "d2", "d3"], 4).await, ["d"]);
        assert_eq!(place.due(&["d", "d2", "d3"], 1).await, ["d", "d2"]);
        assert!(place.due(&[], 1).await.is_empty());
        place.keep(&[4], 1).await;
        assert_eq!(place.due(&["d", "d2"], 1).await, ["d2"]);
        place.tell(5..=6).await;
        assert_eq!(place.due(&["d"], 2).await, ["d"]);
        assert!(place.due(&["d"], 3).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_surpass_older_ones_and_small_batches_become_one() {
    on_both(async |place| {
        place.tell(1..=20).await;
        place.keep(&[5, 10], 2).await;
        place.keep(&[15, 20], 2).await;
        place.tell(21..=22).await;
        let early = AggregateRequest {
            until: Some(14),
            ..deal()
        };
        let expected: (Option<u64>, Vec<u64>) = (None, (1..=14).collect());
        assert_eq!(
            place.read(early).await,
            expected,
            "{}: only the newest two are kept",
            place.service
        );
        assert_eq!(place.read(deal()).await, (Some(20), vec![21, 22]));
        let whole = AggregateRequest {
            after: Some(0),
            ..deal()
        };
        assert_eq!(place.read(whole).await, (None, (1..=22).collect::<Vec<u64>>()));
        if place.service == S3_STREAMS {
            let keys: Vec<String> = place.server.objects().into_iter().map(|(key, _)| key).collect();
            assert_eq!(keys.len(), 5, "twenty events, two events, two snapshots: {keys:?}");
            assert!(keys.iter().all(|key| key.starts_with("records/deal/d/")), "{keys:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forgotten_leaves_the_state_it_led_to() {
    on_both(async |place| {
        place.tell(1..=4).await;
        place.keep(&[2], 1).await;
        place.append(vec![of_record(5, "deal", "d", 3 * DAY_MS, false)]).await;
        // One that is gone, one that is gone and was made again, one of an object that is not sourced any more.
        place
            .append(vec![
                of_record(6, "deal", "gone", 0, false),
                of_record(7, "deal", "gone", 1, true),
            ])
            .await;
        place.append(vec![of_record(8, "deal", "back", 0, true)]).await;
        place
            .append(vec![of_record(9, "deal", "back", 3 * DAY_MS, false)])
            .await;
        place.append(vec![of_record(10, "task", "t", 0, false)]).await;
        assert_eq!(place.prune(0, 0).await, 0, "nothing is old");
        assert_eq!(place.prune(2 * DAY_MS, 2 * DAY_MS).await, 8);
        assert_eq!(place.prune(2 * DAY_MS, 2 * DAY_MS).await, 0, "twice is once");
        assert_eq!(place.read(deal()).await, (Some(4), vec![5]), "{}", place.service);
        assert_eq!(place.page(deal()).await.snapshot.unwrap().state, Some(state("d", 4)));
        let early = AggregateRequest {
            until: Some(3),
            ..deal()
        };
        assert_eq!(place.read(early).await, (None, vec![]), "the older snapshot is gone");
        for (object, record, expected) in [
            ("deal", "gone", (None, vec![])),
            ("deal", "back", (Some(8), vec![9])),
            ("task", "t", (None, vec![])),
        ] {
            let request = AggregateRequest::of(&aggregate(object, record));
            assert_eq!(place.read(request).await, expected, "{object} {record}");
        }
        // A base is not counted among the snapshots that are kept.
        place.keep(&[5], 1).await;
        let bounded = AggregateRequest {
            until: Some(4),
            ..deal()
        };
        assert_eq!(place.read(bounded).await, (Some(4), vec![]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forgotten_leaves_the_last_state_that_was_told() {
    on_both(async |place| {
        place.append(vec![of_record(1, "deal", "d", 0, false)]).await;
        // Tells of the record, and not what it is.
        let silent = json!({ "object": "deal", "recordId": "d" });
        place.append(vec![done(2, "data.record.updated", 1, &silent)]).await;
        place.append(vec![of_record(3, "deal", "d", 3 * DAY_MS, false)]).await;
        assert_eq!(place.prune(2 * DAY_MS, 2 * DAY_MS).await, 2);
        assert_eq!(place.read(deal()).await, (Some(1), vec![3]), "{}", place.service);
        assert_eq!(place.page(deal()).await.snapshot.unwrap().state, Some(state("d", 1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_bucket_files_are_kept_all_the_same() {
    let plugin = plugin(json!({}), &[]).await.unwrap();
    let events = vec![of_record(1, "deal", "d", 0, false)];
    let error = ask::<()>(&plugin, S3_STREAMS, "append", &events).await.unwrap_err();
    assert!(error.message().contains("set plugins.objectos.storage.s3"), "{error}");
    ask::<()>(&plugin, FILE_STREAMS, "append", &events).await.unwrap();
    let page: AggregatePage = ask(&plugin, FILE_STREAMS, "page", &deal()).await.unwrap();
    assert_eq!(page.events.len(), 1);
    plugin.stop().await.unwrap();
}
