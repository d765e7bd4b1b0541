//! Random courses: many keys, handlers that fail at random, publishers, crashes and a store that comes and goes. The seed
//! is printed; `OBJECTOS_SEED` repeats a course, `OBJECTOS_ROUNDS` asks for more of them.

use objectos_kernel::events::BusSettings;
use objectos_plugin_api::ErrorKind;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    model::{Fault, Verdict},
    world::{World, run},
};

const HANDLERS: [&str; 4] = ["p/a", "p/b", "p/together", "q/all"];
const RETRIES: u32 = 2;

pub(crate) fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// One of the next calls of the store goes wrong.
pub(crate) fn plan_a_fault(world: &World, random: &mut StdRng) {
    let mut state = world.store.state.lock();
    let number = state.calls.len() + random.random_range(1..6);
    let faults = [
        Fault::Refuse(ErrorKind::Internal),
        Fault::LoseAnswer(ErrorKind::Internal),
        Fault::LoseAnswer(ErrorKind::Unavailable),
        Fault::Hang,
    ];
    state
        .faults
        .insert(number, faults[random.random_range(0..faults.len())]);
}

fn small(settings: &mut BusSettings) {
    settings.limits.page_events = 16;
    settings.limits.window_bytes_max = 3_000;
    settings.limits.window_events_max = 60;
    settings.limits.settle_events_max = 8;
}

#[test]
fn everything_arrives_in_order_whatever_happens() {
    let seed = number_of("OBJECTOS_SEED").unwrap_or_else(|| rand::rng().random());
    let rounds = number_of("OBJECTOS_ROUNDS").unwrap_or(12);
    for round in 0..rounds {
        let seed = seed.wrapping_add(round);
        println!("OBJECTOS_SEED={seed}");
        run(|| course(seed));
    }
}

/// Counts of failures as the handlers saw them: by handler and event.
type Failures = Arc<parking_lot::Mutex<HashMap<(String, String), u32>>>;

async fn course(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let tune: fn(&mut BusSettings) = if random.random_bool(0.5) { small } else { |_| {} };
    let concurrency = random.random_range(1..12);
    let mut world = World::tuned(
        json!({"queue": {"concurrency": concurrency, "retryPolicy": {"maxRetries": RETRIES, "backoffStrategy": "linear", "initialDelayMs": 150}}}),
        tune,
    );
    world.register("p", &["!a data.*", "!b data.odd", "!!together data.*"]);
    world.register("q", &["!all *"]);
    world.bus.open();
    let failures: Failures = Arc::default();
    script(&world, seed, &failures);

    let mut written: Vec<(String, &str, String)> = Vec::new();
    for step in 0..random.random_range(20..80) {
        match random.random_range(0..20) {
            0 => world.crash(),
            1 => {
                let away = random.random_bool(0.5);
                world.store.state.lock().away = away;
                world.bus.store_changed();
            }
            2 => plan_a_fault(&world, &mut random),
            3 => world.bus.awake("p"),
            _ => {
                let count = random.random_range(1..12);
                let events: Vec<(String, &str, String)> = (0..count)
                    .map(|n| {
                        let key = match random.random_range(0..6) {
                            0 => String::new(),
                            k => format!("k{k}"),
                        };
                        let name = if random.random_bool(0.5) {
                            "data.odd"
                        } else {
                            "data.even"
                        };
                        (format!("e{step}-{n}"), name, key)
                    })
                    .collect();
                let rows: Vec<(&str, &str, &str)> = events
                    .iter()
                    .map(|(id, name, key)| (id.as_str(), *name, key.as_str()))
                    .collect();
                world.write(&rows);
                written.extend(events);
            }
        }
        world.pass_ms(random.random_range(0..400)).await;
    }
    world.store.state.lock().away = false;
    world.store.state.lock().faults.clear();
    world.bus.store_changed();
    world.finish(3_000_000).await;
    assert!(
        world.store.open_ids().is_empty(),
        "everything is done in the end: {:?}",
        world.store.open_ids()
    );
    check(&world, &written, &failures);
}

/// Every attempt is decided by the seed alone.
fn script(world: &World, seed: u64, failures: &Failures) {
    let mut random = StdRng::seed_from_u64(seed ^ 0x5eed);
    let failures = Arc::clone(failures);
    world
        .handlers
        .script(move |handler, event| match random.random_range(0..100) {
            0..70 => Verdict::Take,
            70..80 => Verdict::TakeAfter(random.random_range(1..700)),
            80..84 => Verdict::Away,
            kind => {
                let id = (handler.to_owned(), event.id.clone().unwrap_or_default());
                *failures.lock().entry(id).or_default() += 1;
                match kind {
                    84 => Verdict::Panic,
                    85 => Verdict::Hang,
                    _ => Verdict::Fail,
                }
            }
        });
}

fn check(world: &World, written: &[(String, &str, String)], failures: &Failures) {
    let state = world.store.state.lock();
    let dead: HashSet<(String, String)> = state
        .dead
        .iter()
        .map(|letter| {
            (
                letter.failed_handler.clone().unwrap_or_default(),
                letter.event.id.clone().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(dead.len(), state.dead.len(), "no dead letter twice");
    let failures = failures.lock();
    for handler in HANDLERS {
        let taken = world.handlers.taken(handler);
        let had: HashSet<&String> = taken.iter().collect();
        let mut first: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut seen = HashSet::new();
        for id in &taken {
            if seen.insert(id) {
                let (_, _, key) = written.iter().find(|(other, _, _)| other == id).expect("was written");
                first.entry(key).or_default().push(id);
            }
        }
        for (id, name, key) in written {
            let wanted = handler != "p/b" || *name == "data.odd";
            let pair = (handler.to_owned(), id.clone());
            assert_eq!(had.contains(id) || dead.contains(&pair), wanted, "{id} at {handler}");
            if dead.contains(&pair) {
                let failed = failures.get(&pair).copied().unwrap_or_default();
                assert!(
                    failed > RETRIES,
                    "{id} was given up by {handler} after {failed} failures"
                );
            }
            // What was given up is not in the order, even if an attempt went well whose outcome a crash took.
            if !key.is_empty() && wanted && !dead.contains(&pair) {
                let order = first.get(key.as_str()).map(Vec::as_slice).unwrap_or_default();
                let place = order.iter().position(|other| other == id).expect("was taken");
                let number = |id: &str| written.iter().position(|(other, _, _)| other == id);
                let late = order[..place].iter().find(|other| number(other) > number(id));
                assert_eq!(late, None, "{id} came to {handler} after a later event of its key");
            }
        }
    }
}
