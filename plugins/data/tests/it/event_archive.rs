//! The service `event-archive-file`: done events in files by day.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use objectos_data::engine::ports::Clock;
use objectos_data::event_archive::FileArchive;
use objectos_plugin_api::contracts::event_archive::EventArchive;
use objectos_plugin_api::contracts::event_store::{DoneEvent, RangePageRequest, RangeRequest};
use objectos_plugin_api::{Context, ErrorKind};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tempfile::TempDir;

use crate::world::{NOON, TestClock};

const DAY_MS: i64 = 86_400_000;
const NOON_FILE: &str = "2026-02-28.jsonl";

fn ctx() -> Context {
    Context::request("kernel")
}

fn done(sequence: u64, name: &str, stored_at_ms: i64) -> DoneEvent {
    DoneEvent {
        sequence,
        stored_at_ms,
        key: format!("k{sequence}"),
        event: serde_json::from_value(json!({
            "id": format!("e{sequence}"), "name": name, "payload": { "n": sequence, "text": "two\nlines" },
            "metadata": { "source": "test", "timestamp": "2026-02-28T12:00:00.000Z" },
        }))
        .unwrap(),
    }
}

fn all() -> RangeRequest {
    RangeRequest {
        limit: 100,
        ..RangeRequest::default()
    }
}

/// A clock that stands still.
fn still() -> Arc<dyn Clock> {
    Arc::new(TestClock(AtomicI64::new(NOON)))
}

fn archive_in(folder: &TempDir, shared: bool) -> FileArchive {
    FileArchive::new(folder.path().join("events"), shared, still())
}

fn open() -> (TempDir, FileArchive) {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive_in(&folder, false);
    (folder, archive)
}

fn files(folder: &TempDir) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder.path().join("events")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn add(file: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(bytes).unwrap();
}

async fn sequences(archive: &FileArchive, request: RangeRequest) -> Vec<u64> {
    let found = archive.range(ctx(), request).await.unwrap();
    found.into_iter().map(|stored| stored.sequence).collect()
}

#[tokio::test]
async fn an_event_comes_back_as_it_was() {
    let (folder, archive) = open();
    assert!(archive.range(ctx(), all()).await.unwrap().is_empty());
    archive.append(ctx(), Vec::new()).await.unwrap();
    assert_eq!(archive.prune(ctx(), i64::MAX).await.unwrap(), 0);
    assert!(files(&folder).is_empty(), "nothing is made for nothing");
    let kept = done(7, "a.one", NOON);
    archive.append(ctx(), vec![kept.clone()]).await.unwrap();
    // The next generation finds it as well.
    for archive in [archive, archive_in(&folder, false)] {
        let found = archive.range(ctx(), all()).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].sequence, &found[0].key), (7, &kept.key));
        assert_eq!(found[0].event, kept.event);
        assert!(found[0].deliveries.is_empty());
    }
}

#[tokio::test]
async fn a_range_is_by_time_name_and_sequence() {
    let (_folder, archive) = open();
    // The event of a further database has an earlier time and a later sequence.
    let page = vec![
        done(1, "a.one", NOON),
        done(3, "b.two", NOON + 1_000),
        done(4, "a.three", NOON + DAY_MS),
        done(5, "a.four", NOON + 500),
    ];
    archive.append(ctx(), page).await.unwrap();
    archive
        .append(ctx(), vec![done(2, "b.five", NOON + DAY_MS)])
        .await
        .unwrap();
    let check = async |request: RangeRequest, expected: &[u64]| {
        assert_eq!(sequences(&archive, request.clone()).await, expected, "{request:?}");
    };
    check(all(), &[1, 2, 3, 4, 5]).await;
    check(RangeRequest { after: 2, ..all() }, &[3, 4, 5]).await;
    check(RangeRequest { limit: 2, ..all() }, &[1, 2]).await;
    check(
        RangeRequest {
            after: 1,
            limit: 3,
            ..all()
        },
        &[2, 3, 4],
    )
    .await;
    check(RangeRequest { limit: 0, ..all() }, &[]).await;
    for (from_ms, to_ms, expected) in [
        (NOON + 500, None, &[2, 3, 4, 5][..]),
        (NOON + 501, Some(NOON + DAY_MS), &[3]),
        (NOON, Some(NOON + 1), &[1]),
        (NOON + DAY_MS, Some(NOON + DAY_MS), &[]),
        (NOON - DAY_MS, Some(NOON), &[]),
        (i64::MIN, Some(i64::MAX), &[1, 2, 3, 4, 5]),
        (NOON + 2 * DAY_MS, None, &[]),
    ] {
        let request = RangeRequest {
            from_ms,
            to_ms,
            ..all()
        };
        check(request, expected).await;
    }
    for (names, expected) in [
        (&["a.*"][..], &[1, 4, 5][..]),
        (&["b.two", "b.five"], &[2, 3]),
        (&["c"], &[]),
    ] {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        check(RangeRequest { names, ..all() }, expected).await;
    }
}

#[tokio::test]
async fn a_page_over_midnight_is_in_the_files_of_both_days() {
    let (folder, archive) = open();
    let midnight = NOON + DAY_MS / 2;
    let page = vec![done(1, "a.b", midnight - 1), done(2, "a.b", midnight)];
    archive.append(ctx(), page).await.unwrap();
    assert_eq!(files(&folder), [NOON_FILE, "2026-03-01.jsonl"]);
    let first = fs::read_to_string(folder.path().join("events").join(NOON_FILE)).unwrap();
    assert_eq!(first.lines().count(), 1);
    assert!(first.starts_with(r#"{"sequence":1,"storedAtMs":"#) && first.ends_with("}\n"));
    assert_eq!(sequences(&archive, all()).await, [1, 2]);
}

#[tokio::test]
async fn a_torn_last_line_is_no_event_and_harms_no_other() {
    let whole = serde_json::to_vec(&done(2, "a.b", NOON)).unwrap();
    for (torn, expected) in [
        (&b"{"[..], &[1, 3][..]),
        (&whole[..whole.len() / 2], &[1, 3]),
        (&[0; 300], &[1, 3]),
        // All of it but the end of the line: it is there when the next events close it.
        (&whole[..], &[1, 2, 3]),
    ] {
        let (folder, archive) = open();
        let file = folder.path().join("events").join(NOON_FILE);
        archive.append(ctx(), vec![done(1, "a.b", NOON)]).await.unwrap();
        add(&file, torn);
        assert_eq!(sequences(&archive, all()).await, [1]);
        archive.append(ctx(), vec![done(3, "a.b", NOON)]).await.unwrap();
        assert_eq!(sequences(&archive, all()).await, expected);
        let next = archive_in(&folder, false);
        assert_eq!(sequences(&next, all()).await, expected, "after a restart");
        // What was not acknowledged comes again.
        next.append(ctx(), vec![done(2, "a.b", NOON)]).await.unwrap();
        assert_eq!(sequences(&next, all()).await, [1, 2, 3]);
    }
}

/// Two versions of the plugin on the same files, as while one is replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_add_and_read_at_once_do_not_harm_each_other() {
    let (folder, old) = open();
    let new = archive_in(&folder, false);
    let add = async |archive: &FileArchive, first: u64| {
        for number in 0..50 {
            archive
                .append(ctx(), vec![done(first + number, "a.b", NOON)])
                .await
                .unwrap();
            archive.range(ctx(), all()).await.unwrap();
        }
    };
    tokio::join!(add(&old, 1), add(&new, 51));
    let expected: Vec<u64> = (1..=100).collect();
    for archive in [&old, &new] {
        assert_eq!(sequences(archive, all()).await, expected);
    }
}

#[tokio::test]
async fn an_event_that_came_twice_is_one() {
    let (_folder, archive) = open();
    let page = vec![done(1, "a.b", NOON), done(2, "a.b", NOON)];
    archive.append(ctx(), page.clone()).await.unwrap();
    archive.append(ctx(), page).await.unwrap();
    archive.append(ctx(), vec![done(3, "a.b", NOON)]).await.unwrap();
    assert_eq!(sequences(&archive, all()).await, [1, 2, 3]);
    let two = RangeRequest { limit: 2, ..all() };
    assert_eq!(sequences(&archive, two).await, [1, 2]);
}

#[tokio::test]
async fn days_that_are_over_are_forgotten() {
    let (folder, archive) = open();
    for n in 0..4_u64 {
        let at_ms = NOON + i64::try_from(n).unwrap() * DAY_MS;
        let page = vec![done(2 * n + 1, "a.b", at_ms), done(2 * n + 2, "a.b", at_ms)];
        archive.append(ctx(), page).await.unwrap();
    }
    fs::write(folder.path().join("events/notes.txt"), "mine").unwrap();
    fs::write(folder.path().join("events/2026-02-31.jsonl"), "no day").unwrap();
    for (before_ms, count, left) in [
        (NOON - DAY_MS, 0, &[1, 2, 3, 4, 5, 6, 7, 8][..]),
        // A day stays until all of it is old enough.
        (NOON + 1, 0, &[1, 2, 3, 4, 5, 6, 7, 8]),
        (NOON + DAY_MS, 2, &[3, 4, 5, 6, 7, 8]),
        (NOON + DAY_MS, 0, &[3, 4, 5, 6, 7, 8]),
        (NOON + 3 * DAY_MS, 4, &[7, 8]),
        (i64::MAX, 2, &[]),
    ] {
        assert_eq!(archive.prune(ctx(), before_ms).await.unwrap(), count, "{before_ms}");
        assert_eq!(sequences(&archive, all()).await, left, "{before_ms}");
    }
    assert_eq!(files(&folder), ["2026-02-31.jsonl", "notes.txt"]);
    archive.append(ctx(), vec![done(9, "a.b", NOON)]).await.unwrap();
    assert_eq!(sequences(&archive, all()).await, [9]);
}

#[tokio::test]
async fn many_events_in_any_order_are_read_page_by_page() {
    let seed = std::env::var("OBJECTOS_TEST_SEED").map_or(20_260_228, |seed| seed.parse().unwrap());
    println!("OBJECTOS_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (_folder, archive) = open();
    let mut left: Vec<u64> = (1..=1_500).collect();
    while !left.is_empty() {
        // Mostly the next ones, some of them later, some twice, over three days.
        let mut page = Vec::new();
        for _ in 0..random.random_range(1..120) {
            if left.is_empty() {
                break;
            }
            let place = random.random_range(0..left.len().min(40));
            let sequence = left[place];
            if random.random_range(0..10) > 0 {
                left.remove(place);
            }
            let day = i64::try_from(sequence / 500).unwrap();
            page.push(done(sequence, "a.b", NOON + day * DAY_MS));
        }
        archive.append(ctx(), page).await.unwrap();
        if random.random_range(0..4) == 0 {
            sequences(&archive, all()).await;
        }
    }
    let (mut after, mut read) = (0, Vec::new());
    loop {
        let request = RangeRequest {
            after,
            limit: random.random_range(1..90),
            ..all()
        };
        let limit = usize::try_from(request.limit).unwrap();
        let page = sequences(&archive, request).await;
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { break };
        after = *last;
        read.extend(page);
    }
    assert_eq!(read, (1..=1_500).collect::<Vec<u64>>());
}

/// Each look at it is so many milliseconds later than the one before.
#[derive(Debug)]
struct Ticking {
    now_ms: AtomicI64,
    step_ms: i64,
}

impl Clock for Ticking {
    fn now_ms(&self) -> i64 {
        self.now_ms.fetch_add(self.step_ms, Ordering::SeqCst)
    }
}

/// All that a request finds, page by page, and how many pages that took. No page goes back, and none has more than it may.
async fn paged(archive: &FileArchive, request: &RangePageRequest) -> (Vec<u64>, usize) {
    let (mut found, mut pages, mut request) = (Vec::new(), 0, request.clone());
    loop {
        let page = archive.range_page(ctx(), request.clone()).await.unwrap();
        pages += 1;
        let after = request.range.after;
        let sequences: Vec<u64> = page.events.iter().map(|stored| stored.sequence).collect();
        let until = page.next.unwrap_or(u64::MAX);
        assert!(until >= after && sequences.len() <= usize::try_from(request.range.limit).unwrap());
        assert!(
            sequences.iter().all(|sequence| *sequence > after && *sequence <= until),
            "{page:?}"
        );
        found.extend(sequences);
        match page.next {
            Some(next) => request.range.after = next,
            None => return (found, pages),
        }
    }
}

/// 3000 events of three days, every thousandth of them of a rare name; every fifth in the files twice.
async fn many(archive: &FileArchive) {
    let of = |sequence: u64| {
        let name = if sequence.is_multiple_of(1_000) { "rare" } else { "a.b" };
        let day = i64::try_from(sequence / 1_001).unwrap();
        done(sequence, name, NOON + day * DAY_MS)
    };
    for first in (1..=3_000_u64).step_by(100) {
        let page: Vec<DoneEvent> = (first..first + 100).map(of).collect();
        archive.append(ctx(), page).await.unwrap();
        let again: Vec<u64> = (first..first + 100).step_by(5).collect();
        let again = again.into_iter().map(of).collect();
        archive.append(ctx(), again).await.unwrap();
    }
}

#[tokio::test]
async fn a_rare_name_is_found_by_short_calls() {
    // How many may be looked at, for how long where each look at the clock is a millisecond later, and pages at least and at most.
    for (looked_at_max, time_max_ms, least, most) in [
        (0, 0, 1, 2),
        (1, 0, 15, 60),
        (600, 0, 8, 40),
        (0, 1, 15, 60),
        (0, 5, 4, 40),
        (1_000_000, 1_000_000, 1, 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let clock = Ticking {
            now_ms: AtomicI64::new(NOON),
            step_ms: 1,
        };
        let archive = FileArchive::new(folder.path().join("events"), false, Arc::new(clock));
        many(&archive).await;
        let request = RangePageRequest {
            range: RangeRequest {
                names: vec!["rare".to_owned()],
                limit: 10,
                ..RangeRequest::default()
            },
            looked_at_max,
            time_max_ms,
        };
        let (found, pages) = paged(&archive, &request).await;
        let place = format!("{looked_at_max} events, {time_max_ms} ms: {pages} pages");
        assert_eq!(found, [1_000, 2_000, 3_000], "{place}");
        assert!((least..=most).contains(&pages), "{place}");
        // Whatever the limits, every event comes once and in its order.
        let every = RangePageRequest {
            range: RangeRequest {
                names: Vec::new(),
                limit: 70,
                ..request.range.clone()
            },
            ..request
        };
        assert_eq!(
            paged(&archive, &every).await.0,
            (1..=3_000).collect::<Vec<u64>>(),
            "{place}"
        );
        assert_eq!(
            archive.range(ctx(), request_of("rare")).await.unwrap().len(),
            3,
            "{place}"
        );
    }
}

fn request_of(name: &str) -> RangeRequest {
    RangeRequest {
        names: vec![name.to_owned()],
        ..all()
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let (folder, archive) = open();
    fs::write(folder.path().join("events"), "no folder").unwrap();
    let error = archive.append(ctx(), vec![done(1, "a.b", NOON)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::External);
    let text = error.message().to_owned();
    assert!(text.contains("the files of the event archive cannot be used"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let shared = archive_in(&folder, true);
    let error = shared.append(ctx(), vec![done(1, "a.b", NOON)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotImplemented);
    let text = error.message();
    assert!(text.contains("write database or s3 for persistence.storage"), "{text}");
    assert!(shared.range(ctx(), all()).await.is_err() && shared.prune(ctx(), 0).await.is_err());
    assert!(files(&folder).is_empty());
}
