//! Random histories of a few records: whatever happens to them, to the store and to the bus, the state that is rebuilt for
//! any moment within the retention is that of the last event before it. The seed is printed; `OBJECTOS_SEED` repeats a
//! history, `OBJECTOS_ROUNDS` asks for more of them.

use objectos_kernel::{clock::Clock, events::BusSettings};
use objectos_plugin_api::{ErrorKind, contracts::kernel::RecordStateRequest};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use std::collections::HashMap;

use super::{
    random::{number_of, plan_a_fault},
    record::{Happening, History, Told, text_of_ms},
    world::{START_MS, World, run},
};

const HOUR_MS: i64 = 60 * 60_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const RETENTION_DAYS: i64 = 10;
const RECORDS: [&str; 4] = ["r1", "r2", "r3", "r4"];

#[test]
fn a_rebuilt_state_is_the_fold_of_all_events() {
    let seed = number_of("OBJECTOS_SEED").unwrap_or_else(|| rand::rng().random());
    let rounds = number_of("OBJECTOS_ROUNDS").unwrap_or(8);
    for round in 0..rounds {
        let seed = seed.wrapping_add(round);
        println!("OBJECTOS_SEED={seed}");
        run(|| history(seed));
    }
}

async fn history(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let tune: fn(&mut BusSettings) = if random.random_bool(0.5) {
        |settings| settings.limits.page_events = 3
    } else {
        |_| {}
    };
    let sourcing = json!({
        "enabled": true, "retention": RETENTION_DAYS, "snapshotInterval": random.random_range(1..7),
        "snapshotRetention": random.random_range(1..5),
    });
    let config = json!({"persistence": {"retention": 1}, "eventSourcing": sourcing});
    let mut world = World::tuned(config, tune);
    world.register("p", &["!all data.*"]);
    world.bus.open();
    let mut history = History::default();
    let mut alive: HashMap<&str, bool> = HashMap::new();
    for step in 0..random.random_range(20..120) {
        match random.random_range(0..24) {
            0 => world.crash(),
            1 => {
                let away = random.random_bool(0.5);
                world.store.state.lock().away = away;
                world.bus.store_changed();
            }
            2 => plan_a_fault(&world, &mut random),
            3..5 => {
                let by_ms = random.random_range(0..4 * DAY_MS);
                world.clock.set_ms(world.clock.now_ms() + by_ms);
                world.pass_ms(random.random_range(0..30 * 60_000)).await;
            }
            _ => {
                let record = RECORDS[random.random_range(0..RECORDS.len())];
                let there = alive.entry(record).or_default();
                let happening = match (*there, random.random_range(0..10)) {
                    (true, 0) => Happening::Deleted,
                    (true, 1) => Happening::Purged,
                    (true, _) => Happening::Updated,
                    (false, 0..3) if history.last(record, |_| true).is_some() => Happening::Restored,
                    (false, _) => Happening::Created,
                };
                *there = !matches!(happening, Happening::Deleted | Happening::Purged);
                history.tell(&world, "deal", record, happening, step);
                world.pass_ms(random.random_range(0..3_000)).await;
            }
        }
        if random.random_bool(0.1) && !world.store.state.lock().away {
            compare(&world, &history, &mut random).await;
        }
    }
    world.store.state.lock().away = false;
    world.store.state.lock().faults.clear();
    world.bus.store_changed();
    world.pass_ms(60_000).await;
    for _ in 0..40 {
        compare(&world, &history, &mut random).await;
    }
}

/// Asks for a record at a moment or after an event within the retention, and holds it against what was told.
async fn compare(world: &World, history: &History, random: &mut StdRng) {
    world.store.state.lock().faults.clear();
    let record = RECORDS[random.random_range(0..RECORDS.len())];
    let now_ms = world.clock.now_ms();
    let oldest_ms = START_MS.max(now_ms - RETENTION_DAYS * DAY_MS);
    let mut request = RecordStateRequest {
        object: "deal".to_owned(),
        record: record.to_owned(),
        ..RecordStateRequest::default()
    };
    let expected: Option<&Told> = match random.random_range(0..3) {
        0 => history.last(record, |_| true),
        1 => {
            let at_ms = random.random_range(oldest_ms..=now_ms);
            request.at = Some(text_of_ms(at_ms));
            history.last(record, |told| told.at_ms <= at_ms)
        }
        _ => {
            let within: Vec<&Told> = history.told.iter().filter(|told| told.at_ms >= oldest_ms).collect();
            if within.is_empty() {
                return;
            }
            let sequence = within[random.random_range(0..within.len())].sequence;
            request.sequence = Some(sequence);
            history.last(record, |told| told.sequence <= sequence)
        }
    };
    match (world.bus.record_state(&request).await, expected) {
        // Of a record that was gone before the retention nothing is left, not even that it was.
        (Ok(answer), Some(told)) if told.state.is_none() && told.at_ms < oldest_ms => {
            assert_eq!(answer.state, None, "{request:?}");
        }
        (Ok(answer), Some(told)) => {
            assert_eq!(
                (&answer.state, answer.sequence),
                (&told.state, told.sequence),
                "{request:?}"
            );
        }
        (Ok(answer), None) => assert_eq!((answer.state, answer.sequence), (None, 0), "{request:?}"),
        (Err(error), told) => {
            let nothing = told.is_none_or(|told| told.state.is_none() && told.at_ms < oldest_ms);
            assert!(error.kind() == ErrorKind::NotFound && nothing, "{request:?}: {error}");
        }
    }
}
