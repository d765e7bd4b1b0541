//! The suite on every driver, with the same answers to the last byte.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use crate::driver::{DRIVER, SERVER, TRANSCRIPTS, postgres};

/// Begin of the random tests.
const SEED: &str = "OBJECTOS_TEST_SEED";

/// What is run: the engine and its routes, saved metadata, the event store, the store itself, and the plugin as a whole. Not
/// here: `sql`, which has texts of its own for each driver, and `datasources`, which has both drivers in each of its tests.
const SUITES: [&str; 9] = [
    "engine::",
    "event_store::",
    "store::",
    "formula_random::",
    "objectql::",
    "runtime::",
    "metadata::",
    "permissions::",
    "plugin::",
];

/// Tests that write down what they were answered, at least: a seam that writes nothing any more is noticed by it. To be raised
/// with the tests.
const WRITTEN_MIN: usize = 425;

/// Tests whose answers are no matter of the driver. Each holds what matters by itself, on each driver.
const RACES: [&str; 8] = [
    // Several callers race, and who gets which answer is chance.
    "engine.concurrency",
    // Two delete the same record at the same moment: which of them is told that it is gone is chance.
    "engine.bin.a_record_is_deleted_once",
    // Two come back at the same moment, and one of them is refused.
    "engine.bin_unique.of_two_that_come_back_one_does",
    // A call to the database fails, and the error says in which step of the driver.
    "engine.events.nobody_gets_records_that_cannot_be_told_of",
    // Only one of the two databases takes two hosts.
    "engine.numbers.two_hosts_go_on_behind_the_same_number",
    // One call to the database after the other fails: how many calls an operation makes is the driver's own affair, so the runs
    // do not stand beside each other.
    "engine.faults",
    // Two sessions at the same moment.
    "engine.interleavings.random.at_the_same_time",
    // A hundred callers at the same moment.
    "engine.relationships.numbers_are_given_once",
];

/// Tests of the whole plugin: most go by the clock of the machine, and read files in a folder of the run.
const WHOLE_PLUGIN: [&str; 3] = ["permissions.", "plugin.", "runtime."];

/// Runs the suites on one driver, and answers what was answered in each test.
fn run(driver: &str, server: &str, seed: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    // More than the machine has only come in each other's way, and limits in time are for what hangs.
    let threads = std::thread::available_parallelism().map_or(2, |threads| threads.get().min(4));
    let output = Command::new(std::env::current_exe().expect("the test program"))
        .args(SUITES)
        .args(["--test-threads", &threads.to_string()])
        .env(DRIVER, driver)
        .env(SERVER, server)
        .env(SEED, seed)
        .env(TRANSCRIPTS, folder.path())
        .output()
        .expect("the test program runs");
    assert!(
        output.status.success(),
        "the suite fails on {driver}:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    transcripts(folder.path())
}

fn transcripts(folder: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder).expect("transcripts").flatten();
    files
        .map(|file| {
            let text = std::fs::read_to_string(file.path()).expect("a transcript");
            let name = file.file_name().to_string_lossy().into_owned();
            let whole_plugin = WHOLE_PLUGIN.iter().any(|suite| name.starts_with(suite));
            let text = without_chance(&text, whole_plugin);
            (name, text)
        })
        .filter(|(name, _)| !RACES.iter().any(|race| name.starts_with(race)))
        .collect()
}

/// Ids of records, cursors and hashes of passwords hold chance, and so do the numbers of records: a unit that a database made
/// begin anew leaves a gap.
/// Each becomes its number in the order of appearance. Of the whole plugin all moments are the same, and so are the folders of
/// its runs.
fn without_chance(text: &str, whole_plugin: bool) -> String {
    let pattern = |pattern: &str| regex::Regex::new(pattern).expect("a pattern");
    let token = pattern(
        "[0-9a-z]{0,8}0[0-9a-hjkmnp-tv-z]{21}|\"(next|prev)Cursor\":\"[^\"]*\"|\"number\":\"[0-9]+\"\
         |[$]argon2id[$][^\"]+",
    );
    let mut text = text.to_owned();
    if whole_plugin {
        let moment = pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z");
        text = moment.replace_all(&text, "#moment").into_owned();
        let folder = pattern(r#"/[^\s"']*/\.tmp[0-9A-Za-z]{6}"#);
        text = folder.replace_all(&text, "#folder").into_owned();
    }
    let mut known: HashMap<String, usize> = HashMap::new();
    let replaced = token.replace_all(&text, |found: &regex::Captures<'_>| {
        let next = known.len();
        format!("#{}", known.entry(found[0].to_owned()).or_insert(next))
    });
    replaced.into_owned()
}

#[test]
fn every_driver_gives_the_same_answers() {
    // The suite that runs inside of the suite.
    if std::env::var_os(DRIVER).is_some() {
        return;
    }
    let Some(server) = postgres() else { return };
    // Random tests do the same on both.
    let seed = std::env::var(SEED).unwrap_or_else(|_| rand::random::<u32>().to_string());
    println!("{SEED}={seed}");
    let sqlite = run("sqlite", server, &seed);
    let postgres = run("postgres", server, &seed);
    assert!(
        sqlite.len() >= WRITTEN_MIN,
        "only {} tests were written down, and there were {WRITTEN_MIN}",
        sqlite.len()
    );
    let mut different = Vec::new();
    let alone = postgres.keys().filter(|test| !sqlite.contains_key(*test));
    different.extend(alone.map(|test| format!("{test}: answers on PostgreSQL alone")));
    for (test, expected) in &sqlite {
        let Some(found) = postgres.get(test) else {
            different.push(format!("{test}: answers on SQLite alone"));
            continue;
        };
        if let Some((left, right)) = expected.lines().zip(found.lines()).find(|(left, right)| left != right) {
            different.push(format!("{test}\n  SQLite:     {left}\n  PostgreSQL: {right}"));
        } else if expected.lines().count() != found.lines().count() {
            different.push(format!("{test}: another number of answers"));
        }
    }
    assert!(different.is_empty(), "answers differ:\n{}", different.join("\n"));
}

/// What is left out of the answers is what differs from run to run, and nothing that the driver has a part in.
#[test]
fn only_chance_is_left_out() {
    let [one, other] = ["k", "m"].map(|letter| format!("0{}", letter.repeat(21)));
    let check = |left: &str, right: &str, whole_plugin: bool, same: bool| {
        let [left, right] = [left, right].map(|text| without_chance(text, whole_plugin));
        assert_eq!(left == right, same, "{left}\n{right}");
    };
    for (left, right, same) in [
        (format!("get {one}"), format!("get {other}"), true),
        // Whether two are the same one is not left out.
        (format!("{one} {one}"), format!("{one} {other}"), false),
        (
            r#"{"nextCursor":"a"}"#.to_owned(),
            r#"{"nextCursor":"b"}"#.to_owned(),
            true,
        ),
        (
            r#"{"nextCursor":"a"}"#.to_owned(),
            r#"{"nextCursor":null}"#.to_owned(),
            false,
        ),
        (r#"{"size":"1"}"#.to_owned(), r#"{"size":"2"}"#.to_owned(), false),
        (r#"{"code":"a"}"#.to_owned(), r#"{"code":"b"}"#.to_owned(), false),
    ] {
        check(&left, &right, false, same);
        check(&left, &right, true, same);
    }
    for (left, right) in [
        ("2026-02-28T12:00:00.000Z", "2026-02-28T12:00:00.001Z"),
        ("in '/tmp/.tmpAbc123/app'", "in '/var/.tmpXyz789/app'"),
    ] {
        check(left, right, false, false);
        check(left, right, true, true);
    }
}
