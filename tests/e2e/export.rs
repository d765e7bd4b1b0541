//! An export that is larger than anything that should lie in memory: the same in every form as page by page, sent no faster
//! than it is read, and whole or plainly broken off when the plugin that makes it is replaced meanwhile.

use objectos_tests::{Client, Host, HostBuilder, plugins};
use serde_json::{Value, json};
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const RECORDS: usize = 50_000;
const OBJECT: &str = "name: reading\nfields:\n  size: { type: number }\n  note: { type: text }\n";
const EXPORT: &str = "/api/v1/data/reading/export?select=id,size,note&sort=id&format=";
const DATA: &str = "objectos.data";
/// How much more memory the host may take while it sends what is several times as large all in all.
const MEMORY_BYTES_MAX: u64 = 24 * 1024 * 1024;
/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A host with that many records; `None` after saying so where there is no program to put them in with.
#[allow(clippy::print_stderr, reason = "a skip is said aloud")]
fn filled() -> Option<Host> {
    let builder = HostBuilder::new();
    let app = builder.folder().join("app");
    fs::create_dir_all(&app).unwrap();
    fs::write(app.join("objectos.app.yml"), "id: readings\nversion: 1.0.0\n").unwrap();
    fs::write(app.join("reading.object.yml"), OBJECT).unwrap();
    // A swap waits for a whole export, however slow it is.
    set_up(&builder.plugins().join("data.so"), "", 5 * LIMIT);
    let mut host = builder.app(&app).environment("OBJECTOS_WATCH", "false").start();
    assert_eq!(host.terminate(), Some(0));
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
         INSERT INTO reading (id, size, note, created_at, updated_at) \
         SELECT printf('r%06d', i), i, 'note ' || i || ', ' || replace(hex(zeroblob(150)), '00', 'ab'), \
         '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z' FROM n;",
        RECORDS - 1
    );
    let database = host.folder().join("data/plugins").join(DATA).join("data.db");
    let filling = Command::new("sqlite3")
        .arg(database)
        .arg(sql)
        .stdin(Stdio::null())
        .output();
    match filling {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var_os("CI").is_none(), "sqlite3 is needed");
            eprintln!("SKIPPED: there is no sqlite3 to put records in with");
            return None;
        }
        Err(error) => panic!("sqlite3: {error}"),
    }
    host.restart_stopped();
    Some(host)
}

fn paged(client: &mut Client) -> Vec<Value> {
    let (mut records, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/data/reading?select=id,size,note&sort=id&top=1000{cursor}");
        let mut page = client.get(&path).expect(200);
        let Value::Array(found) = page["records"].take() else {
            panic!("a page has records")
        };
        records.extend(found);
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return records,
        }
    }
}

/// A connection on which an export was asked for.
fn asked(host: &Host, format: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host.address()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let head = format!(
        "GET {EXPORT}{format} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        host.address()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// Reads to the end, looking about now and then; answers how many bytes came, and whether the last chunk was among them.
fn read_to_the_end(stream: &mut TcpStream, mut look: impl FnMut()) -> (usize, bool) {
    let (mut buffer, mut count, mut tail) = (vec![0; 256 * 1024], 0, Vec::new());
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                count += read;
                tail.extend_from_slice(&buffer[..read]);
                let surplus = tail.len().saturating_sub(16);
                tail.drain(..surplus);
                look();
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        }
    }
    (count, tail.ends_with(b"\r\n0\r\n\r\n"))
}

fn every_form_is_what_the_pages_are(client: &mut Client) -> usize {
    let records = paged(client);
    assert_eq!(records.len(), RECORDS);
    let list = client.get(&format!("{EXPORT}json"));
    let chunked = list.header("transfer-encoding") == Some("chunked");
    assert!(chunked && list.status == 200, "{:?}", list.headers);
    assert_eq!(list.header("content-type"), Some("application/json"));
    // Not as a comparison of two lists that are printed when they differ.
    assert!(
        list.json() == json!(records),
        "the list is another one than that of the pages"
    );
    let lines = client.get(&format!("{EXPORT}ndjson"));
    let text = String::from_utf8(lines.body).unwrap();
    assert_eq!(text.lines().count(), RECORDS);
    let same = |(line, record): (&str, &Value)| serde_json::from_str::<Value>(line).unwrap() == *record;
    assert_eq!(text.lines().zip(&records).position(|pair| !same(pair)), None);
    let table = client.get(&format!("{EXPORT}csv"));
    let mut expected = String::from("id,size,note\r\n");
    for record in &records {
        let (id, note) = (record["id"].as_str().unwrap(), record["note"].as_str().unwrap());
        expected.push_str(&format!("{id},{},\"{note}\"\r\n", record["size"]));
    }
    assert!(
        table.body == expected.as_bytes(),
        "the table is another one than that of the pages"
    );
    list.body.len()
}

fn a_slow_reader_costs_no_memory(host: &Host, bytes: usize) {
    let before = host.anonymous_memory_bytes();
    let mut stream = asked(host, "json");
    // Time enough to make all of it ahead, if the host did.
    thread::sleep(Duration::from_millis(500));
    let mut most = host.anonymous_memory_bytes();
    let (count, whole) = read_to_the_end(&mut stream, || most = most.max(host.anonymous_memory_bytes()));
    assert!(whole && count > bytes, "{count} of {bytes} bytes");
    let grown = most.saturating_sub(before);
    assert!(grown < MEMORY_BYTES_MAX, "memory grew by {grown} bytes from {before}");
}

/// How long its drains may take, and a description by which the file is another one.
fn set_up(library: &Path, description: &str, drain: Duration) {
    plugins::edit_manifest(library, |document| {
        document["manifest"]["description"] = json!(description);
        document["objectos"]["limits"]["drainMs"] = json!(drain.as_millis());
    });
}

/// Puts the same version in the place of the running one; drains are short from then on.
fn swap(host: &Host) -> thread::JoinHandle<()> {
    let address = host.address();
    set_up(&host.plugins().join("data.so"), "Replaced", Duration::from_millis(500));
    thread::spawn(move || {
        let path = format!("/api/v1/plugins/{DATA}/swap");
        Client::new(address).send("POST", &path, &json!({})).expect(200);
    })
}

fn a_swap_waits_for_an_export(host: &Host, bytes: usize) {
    let generation = host.plugin(DATA)["generation"].clone();
    let mut stream = asked(host, "json");
    stream.read_exact(&mut [0; 1024]).unwrap();
    let swapping = swap(host);
    let begun = Instant::now();
    while host.plugin(DATA)["state"] != "swapping" {
        assert!(begun.elapsed() < LIMIT, "the swap does not begin");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(
        host.plugin(DATA)["generation"],
        generation,
        "the export was not waited for"
    );
    let (count, whole) = read_to_the_end(&mut stream, || ());
    assert!(whole && count + 1024 > bytes, "{count} of {bytes} bytes");
    swapping.join().unwrap();
    assert_ne!(host.plugin(DATA)["generation"], generation);
}

fn a_swap_breaks_off_an_export_that_nobody_reads(host: &Host, bytes: usize) {
    let generation = host.plugin(DATA)["generation"].clone();
    let mut stream = asked(host, "json");
    stream.read_exact(&mut [0; 1024]).unwrap();
    swap(host).join().unwrap();
    assert_ne!(host.plugin(DATA)["generation"], generation);
    let (count, whole) = read_to_the_end(&mut stream, || ());
    assert!(
        !whole && count < bytes,
        "{count} of {bytes} bytes, as if nothing had happened"
    );
}

#[test]
fn fifty_thousand_records_stream() {
    let Some(host) = filled() else { return };
    let mut client = host.client();
    let bytes = every_form_is_what_the_pages_are(&mut client);
    a_slow_reader_costs_no_memory(&host, bytes);
    a_swap_waits_for_an_export(&host, bytes);
    a_swap_breaks_off_an_export_that_nobody_reads(&host, bytes);
    assert_eq!(client.get("/api/v1/data/reading?top=1").expect(200)["total"], RECORDS);
}
