//! What the tests of the older engine's packages check of objects, hooks, validator, formulas and drivers, through the real host
//! over real sockets. Each case is a table of requests with what they must answer, and runs on every database.
//!
//! A line is `METHOD path {body} => STATUS` and then, for an answer, JSON that must be part of it, or, for a refusal, the
//! faults as `field: code`, else the code. Paths are below `/api/v1`, those without a slash below `/api/v1/data`.

mod adopted;
mod contexts;
mod driver;
mod foreign;
mod formula;
mod hooks;
mod methods;
mod objects;
mod packages;
mod validator;

use objectos_tests::{Client, Host, HostBuilder};
use serde_json::Value;
use std::{fs, path::Path};

/// A database that hosts run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Sqlite,
    Postgres(&'static str),
}

/// Those that are there.
fn drivers() -> Vec<Driver> {
    let server = crate::postgres::server().map(Driver::Postgres);
    std::iter::once(Driver::Sqlite).chain(server).collect()
}

/// A host with an app of these files, on a database of its own.
fn host_on(driver: Driver, case: &str, files: &[(&str, &str)]) -> Host {
    host_with(HostBuilder::new(), driver, case, files)
}

/// The same, with further plugins.
fn host_with(builder: HostBuilder, driver: Driver, case: &str, files: &[(&str, &str)]) -> Host {
    let app = builder.folder().join("app");
    write_app(&app, files);
    on_database(builder.app(&app), driver, case).start()
}

/// With a database of its own.
fn on_database(builder: HostBuilder, driver: Driver, case: &str) -> HostBuilder {
    match driver {
        Driver::Sqlite => builder,
        Driver::Postgres(url) => {
            let schema = format!("cases_{case}_{}", std::process::id());
            let database = format!("{{ url: '{url}', schema: {schema}, poolSize: 8 }}");
            builder.config(&format!("plugins:\n  objectos.data:\n    database: {database}\n"))
        }
    }
}

fn write_app(folder: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("objectos.app.yml"), "id: cases\nversion: 1.0.0\n").expect("a manifest");
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("a file");
    }
}

/// Runs the lines of a table, one after the other.
fn run(host: &Host, table: &str) {
    let mut client = host.client();
    let lines = table.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        step(&mut client, line);
    }
}

fn step(client: &mut Client, line: &str) {
    let (asked, expected) = line.split_once(" => ").unwrap_or_else(|| panic!("no `=>` in: {line}"));
    let mut words = asked.trim().splitn(3, ' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let body = words.next().unwrap_or_default().trim();
    let path = match path.strip_prefix('/') {
        Some(path) => format!("/api/v1/{path}"),
        None => format!("/api/v1/data/{path}"),
    };
    let headers = [("content-type", "application/json")];
    let answer = client
        .request(method, &path, &headers, body.as_bytes())
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    let (status, wanted) = expected.trim().split_once(' ').unwrap_or((expected.trim(), ""));
    let wanted = wanted.trim();
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status.to_string(), status, "{line}\n{text}");
    if wanted.is_empty() {
        return;
    }
    let found: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status < 400 {
        let wanted: Value = serde_json::from_str(wanted).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(holds(&found, &wanted), "{line}\n{text}");
    } else {
        assert_eq!(faults(&found), wanted, "{line}\n{text}");
    }
}

/// Whether everything that is wanted is in what was found. Lists are as long as wanted.
fn holds(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| found.get(key).map_or(wanted.is_null(), |found| holds(found, wanted))),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| holds(found, wanted))
        }
        (Value::Number(found), Value::Number(wanted)) => found.as_f64() == wanted.as_f64(),
        (found, wanted) => found == wanted,
    }
}

/// `field: code` of every fault, sorted; the code where no field is at fault.
fn faults(answer: &Value) -> String {
    let error = &answer["error"];
    let fields = error["details"]["fields"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut faults: Vec<String> = fields
        .iter()
        .map(|fault| {
            let text = |key: &str| fault[key].as_str().unwrap_or_default();
            format!("{}: {}", text("field"), text("code"))
        })
        .collect();
    faults.sort();
    if faults.is_empty() {
        return error["code"].as_str().unwrap_or_default().to_owned();
    }
    faults.join(", ")
}
