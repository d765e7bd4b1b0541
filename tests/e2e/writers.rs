//! Sixty-four clients that read, change and write back the same ten records for a minute, through the real host over real
//! sockets: nobody gets a fault of the server's, and every change that was acknowledged is in the records. Hosts on both
//! databases are driven in the same minute. A program of its own, so that no other test runs beside it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says what it did"
)]

use objectos_tests::{Client, Host, HostBuilder, postgres};
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

const CLIENTS: usize = 64;
const RECORDS: usize = 10;
const SPAN: Duration = Duration::from_secs(60);
const COUNTER: &str = "name: counter\nfields:\n  value: { type: number, required: true }\n";

/// What a client came to.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Acknowledged changes, each of which added one, by record.
    added: [u64; RECORDS],
    /// Changes that came too late and were told so.
    conflicts: u64,
}

impl Tally {
    fn and(mut self, other: Self) -> Self {
        for (sum, added) in self.added.iter_mut().zip(other.added) {
            *sum += added;
        }
        self.conflicts += other.conflicts;
        self
    }

    fn total(&self) -> u64 {
        self.added.iter().sum()
    }
}

fn path(record: usize) -> String {
    format!("/api/v1/data/counter/c{record}")
}

/// A host without an app but this one, on a database of its own.
fn host(database: Option<&str>) -> Host {
    let builder = HostBuilder::new();
    let app = builder.folder().join("app");
    fs::create_dir_all(&app).unwrap();
    fs::write(app.join("objectos.app.yml"), "id: writers\nversion: 1.0.0\n").unwrap();
    fs::write(app.join("counter.object.yml"), COUNTER).unwrap();
    let builder = builder.app(&app);
    let Some(url) = database else {
        return builder.start();
    };
    let schema = format!("writers_{}", std::process::id());
    let database = format!("{{ url: '{url}', schema: {schema} }}");
    builder
        .config(&format!("plugins:\n  objectos.data:\n    database: {database}\n"))
        .start()
}

/// Reads a record and writes it back with one more, if nobody was faster. Whether it was written.
fn add_one(client: &mut Client, record: usize) -> bool {
    let path = path(record);
    let found = client.get(&path).expect(200);
    let value = found["record"]["value"].as_i64().unwrap();
    let version = found["record"]["updated_at"].as_str().unwrap();
    let headers = [("content-type", "application/json"), ("if-match", version)];
    let change = json!({ "value": value + 1 }).to_string();
    let answer = client.request("PATCH", &path, &headers, change.as_bytes()).unwrap();
    let text = String::from_utf8_lossy(&answer.body);
    match answer.status {
        200 => true,
        409 => {
            assert_eq!(answer.json()["error"]["code"], "concurrent_modification", "{text}");
            false
        }
        status => panic!("PATCH {path}: {status}: {text}"),
    }
}

/// One client: a change that came too late is made anew, on what the record has become.
fn write(address: SocketAddr, number: usize, end: Instant) -> Tally {
    let mut client = Client::new(address);
    let mut tally = Tally::default();
    let mut record = number % RECORDS;
    while Instant::now() < end {
        if add_one(&mut client, record) {
            tally.added[record] += 1;
            record = (record + 1) % RECORDS;
        } else {
            tally.conflicts += 1;
        }
    }
    tally
}

/// All clients of one host.
fn drive(name: &str, host: &Host, end: Instant) {
    let address = host.address();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| thread::spawn(move || write(address, number, end)))
        .collect();
    let tallies: Vec<Tally> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let all = tallies.into_iter().fold(Tally::default(), Tally::and);
    println!("{name}: {} changes, {} came too late", all.total(), all.conflicts);
    let mut client = host.client();
    for (record, added) in all.added.iter().enumerate() {
        let found = client.get(&path(record)).expect(200);
        assert_eq!(found["record"]["value"], *added, "{name}: changes of c{record}");
    }
    let sum = json!({ "aggregations": [{ "function": "sum", "field": "value", "alias": "sum" }] });
    let found: Value = client.send("POST", "/api/v1/data/counter/query", &sum).expect(200);
    assert_eq!(
        found["records"][0]["sum"].as_f64(),
        json!(all.total()).as_f64(),
        "{name}"
    );
    // Else nothing was tried.
    assert!(all.conflicts > 0, "{name}: nobody was in anybody's way");
    assert!(
        all.added.iter().all(|added| *added > 0),
        "{name}: a record was never changed: {all:?}"
    );
}

#[test]
fn no_update_is_lost_and_nobody_gets_a_fault_of_the_server() {
    // Dropped after the hosts that write to it.
    let mut server = None;
    let url = match std::env::var(postgres::VARIABLE) {
        Ok(url) => Some(url),
        Err(_) => match postgres::Server::start() {
            Ok(started) => Some(server.insert(started).url().to_owned()),
            Err(reason) => {
                assert!(std::env::var_os("CI").is_none(), "PostgreSQL is needed: {reason}");
                eprintln!("SKIPPED: nothing is tried on PostgreSQL, for {reason}");
                None
            }
        },
    };
    let mut hosts = vec![("SQLite", host(None))];
    hosts.extend(url.map(|url| ("PostgreSQL", host(Some(url.as_str())))));
    for (_, host) in &hosts {
        for record in 0..RECORDS {
            let made = json!({ "id": format!("c{record}"), "value": 0 });
            host.client().send("POST", "/api/v1/data/counter", &made).expect(201);
        }
    }
    let end = Instant::now() + SPAN;
    thread::scope(|scope| {
        for (name, host) in &hosts {
            scope.spawn(move || drive(name, host, end));
        }
    });
}
