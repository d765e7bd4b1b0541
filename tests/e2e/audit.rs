//! The audit trail with the real host: every change leaves its row, whatever is killed when, and no row is altered unseen.

mod graphql;
mod realtime;

use objectos_tests::{Client, Host, HostBuilder, plugins::built};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

fn audited() -> Host {
    HostBuilder::new().plugin("audit").example("crm").start()
}

/// With all plugins that have routes, but for `auth` and `permissions`: theirs are in `audit_identity`.
fn with_all_routes() -> Host {
    ["audit", "graphql", "realtime"]
        .into_iter()
        .fold(HostBuilder::new(), HostBuilder::plugin)
        .example("crm")
        .start()
}

/// Events that match, oldest first, all pages. Rows may arrive between two pages, or between a page and its total: such a
/// reading is begun again, and a total that stays wrong fails the test.
fn events(client: &mut Client, filter: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    for _ in 0..500 {
        let (found, total) = pages(client, filter);
        if total == u64::try_from(found.len()).ok() {
            return found;
        }
        seen.push((found.len(), total));
    }
    panic!(
        "the total of {filter} is not that of its pages: {:?}",
        &seen[seen.len() - 5..]
    );
}

/// One walk over all pages, and the total that the last of them states.
fn pages(client: &mut Client, filter: &str) -> (Vec<Value>, Option<u64>) {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client
            .get(&format!("/api/v1/audit/events?limit=500&sortOrder=asc{filter}{cursor}"))
            .expect(200);
        found.extend(page["data"].as_array().expect("events").iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) if page["hasMore"] == true => cursor = format!("&cursor={next}"),
            _ => return (found, page["total"].as_u64()),
        }
    }
}

/// The same, once there are as many as wanted: rows come by the bus, a moment after the answer.
fn await_events(host: &Host, filter: &str, count: usize) -> Vec<Value> {
    let (begun, mut client) = (Instant::now(), host.client());
    loop {
        let found = events(&mut client, filter);
        if found.len() >= count {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{} of {count} events for {filter}:\n{}",
            found.len(),
            host.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_records_life_is_told_with_old_and_new_values() {
    let host = audited();
    let mut client = host.client();
    let body = json!({"name": "Initech", "industry": "software"}).to_string();
    let headers = [("content-type", "application/json"), ("user-agent", "spec/1")];
    let made = client
        .request("POST", "/api/v1/data/account", &headers, body.as_bytes())
        .expect("an answer");
    let request = made.header("x-request-id").map(str::to_owned);
    let id = made.expect(201)["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/data/account/{id}");
    let _ = client.send("PATCH", &path, &json!({"name": "Initrode"})).expect(200);
    let log = {
        await_events(&host, &format!("&recordId={id}"), 2);
        client.get(&format!("{path}/changelog")).expect(200)
    };
    let change = &log["entries"][0]["changes"][0];
    assert_eq!(
        (
            &change["field"],
            &change["fieldLabel"],
            &change["oldValue"],
            &change["newValue"]
        ),
        (
            &json!("name"),
            &json!("Account Name"),
            &json!("Initech"),
            &json!("Initrode")
        ),
        "{log:#}"
    );
    let _ = client.send("DELETE", &path, &Value::Null).expect(200);
    let told = await_events(&host, &format!("&objectName=account&recordId={id}"), 3);
    let kinds: Vec<&str> = told.iter().filter_map(|event| event["eventType"].as_str()).collect();
    assert_eq!(kinds, ["data.create", "data.update", "data.delete"]);
    let first = &told[0];
    assert_eq!(first["actor"]["ipAddress"], "127.0.0.1", "{first:#}");
    assert_eq!(first["actor"]["userAgent"], "spec/1", "{first:#}");
    if let Some(request) = request {
        assert_eq!(first["requestId"], *request, "{first:#}");
    }
    let names: BTreeSet<&str> = first["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .filter_map(|change| change["field"].as_str())
        .collect();
    assert!(
        names.contains("name") && names.contains("industry") && !names.contains("created_at"),
        "{names:?}"
    );
    let trail = client.get(&format!("/api/v1/audit/trail/account/{id}")).expect(200);
    assert_eq!(trail["total"], 3, "readers of the trail see it when the record is gone");
    let history = client
        .get(&format!("/api/v1/audit/field-history/account/{id}/name"))
        .expect(200);
    let values: Vec<&Value> = history["data"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| &entry["newValue"])
        .collect();
    assert_eq!(values, [&json!("Initech"), &json!("Initrode"), &Value::Null]);
}

#[test]
fn the_trail_cannot_be_reached_as_data() {
    let host = audited();
    let mut client = host.client();
    let row = await_events(&host, "", 1)[0]["id"].as_str().expect("an id").to_owned();
    for (method, path) in [
        ("GET", "/api/v1/data/sys_audit_event".to_owned()),
        ("GET", format!("/api/v1/data/sys_audit_event/{row}")),
        ("PATCH", format!("/api/v1/data/sys_audit_event/{row}")),
        ("DELETE", format!("/api/v1/data/sys_audit_event/{row}")),
    ] {
        let body = if method == "PATCH" {
            json!({"description": "x"})
        } else {
            Value::Null
        };
        let status = client.send(method, &path, &body).status;
        assert!((400..500).contains(&status), "{method} {path}: {status}");
    }
}

#[test]
fn no_acknowledged_create_is_without_its_row_after_kill_9() {
    let mut host = audited();
    let acknowledged = Arc::new(Mutex::new(Vec::<String>::new()));
    for round in 0..8 {
        let address = host.address();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let acknowledged = Arc::clone(&acknowledged);
                std::thread::spawn(move || {
                    let mut client = Client::new(address);
                    for number in 0.. {
                        let body = json!({"name": format!("r{round} w{writer} n{number}")}).to_string();
                        let headers = [("content-type", "application/json")];
                        match client.request("POST", "/api/v1/data/account", &headers, body.as_bytes()) {
                            Ok(answer) if answer.status == 201 => {
                                let id = answer.json()["id"].as_str().expect("an id").to_owned();
                                acknowledged.lock().expect("the list").push(id);
                            }
                            Ok(answer) => panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
                            Err(_) => return,
                        }
                    }
                })
            })
            .collect();
        let wanted = acknowledged.lock().expect("the list").len() + 5 + (round * 37) % 100;
        let begun = Instant::now();
        while acknowledged.lock().expect("the list").len() < wanted {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the host is too slow:\n{}",
                host.log()
            );
            std::thread::yield_now();
        }
        host.kill();
        for writer in writers {
            writer.join().expect("a writer ends");
        }
        host.restart();
    }
    let acknowledged = acknowledged.lock().expect("the list").clone();
    let (begun, mut client) = (Instant::now(), host.client());
    loop {
        let mut rows: HashMap<String, usize> = HashMap::new();
        for event in events(&mut client, "&objectName=account&eventType=data.create") {
            *rows
                .entry(event["recordId"].as_str().expect("a record").to_owned())
                .or_default() += 1;
        }
        let missing = acknowledged.iter().filter(|id| !rows.contains_key(*id)).count();
        if missing == 0 {
            assert!(rows.values().all(|&count| count == 1), "a create left two rows");
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{missing} of {} rows never came:\n{}",
            acknowledged.len(),
            host.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(host.terminate(), Some(0));
    let (code, text) = verify(&host);
    assert_eq!(code, Some(0), "{text}");
}

fn verify(host: &Host) -> (Option<i32>, String) {
    let crm = objectos_tests::plugins::repository().join("examples/crm");
    let output = Command::new(built().join("objectos-host"))
        .current_dir(host.folder())
        .args(["--plugins", "plugins", "--data", "data", "--app"])
        .arg(crm)
        .args(["audit", "verify"])
        .output()
        .expect("objectos-host can be started");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code(), text)
}

#[test]
fn a_row_altered_in_the_database_file_is_found() {
    let mut host = audited();
    let mut client = host.client();
    let made = client
        .send("POST", "/api/v1/data/account", &json!({"name": "Embezzle Ltd"}))
        .expect(201);
    let id = made["id"].as_str().expect("an id");
    let row = await_events(&host, &format!("&recordId={id}"), 1)[0].clone();
    assert_eq!(host.terminate(), Some(0));
    let (code, text) = verify(&host);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("the chain holds"), "{text}");
    // As somebody would who has the database: the description of the row reads otherwise, and is as long.
    let (old, new) = (b"Account Embezzle Ltd created", b"Account Charity! Ltd created");
    let places = replace_everywhere(&host.folder().join("data"), old, new);
    assert!(places > 0, "the description lies in a file as it is");
    let (code, text) = verify(&host);
    assert_eq!(code, Some(1), "{text}");
    let expected = format!(
        "first at sequence {}: event {}",
        row["sequence"],
        row["id"].as_str().expect("an id")
    );
    assert!(text.contains(&expected), "{expected} is not in {text}");
}

/// Puts other bytes of the same length in the place of some in every file below a folder; answers how often.
fn replace_everywhere(folder: &std::path::Path, old: &[u8], new: &[u8]) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            count += replace_everywhere(&path, old, new);
        } else if let Ok(mut bytes) = std::fs::read(&path) {
            let places: Vec<usize> = (0..bytes.len().saturating_sub(old.len()))
                .filter(|&place| bytes[place..].starts_with(old))
                .collect();
            for &place in &places {
                bytes[place..place + new.len()].copy_from_slice(new);
            }
            if !places.is_empty() {
                std::fs::write(&path, bytes).expect("the file can be written");
            }
            count += places.len();
        }
    }
    count
}

#[test]
fn what_happens_to_plugins_at_the_start_is_in_the_trail() {
    let host = HostBuilder::new()
        .plugin("misfit")
        .plugin("audit")
        .example("crm")
        .config("plugins: { test.misfit: { behaviour: error in init } }\n")
        .start();
    // Told of before the plugin ran that stores events, and stored once it did.
    let rows = await_events(&host, "&eventTypes=plugin.start_failed", 1);
    let row = &rows[0];
    assert_eq!(
        (
            &row["target"]["id"],
            &row["result"],
            &row["severity"],
            &row["metadata"]["trigger"]
        ),
        (
            &json!("test.misfit"),
            &json!("failure"),
            &json!("error"),
            &json!("start")
        ),
        "{row}"
    );
    let why = row["errorMessage"].as_str().unwrap_or_default();
    assert!(why.contains("the misfit does not want to"), "{row}");
}

/// Routes that change something and leave nothing in the trail, each with the reason. May only get shorter.
const WITHOUT_A_ROW: [(&str, &str); 2] = [
    (
        "POST /api/v1/meta/{type}/{name}/publish",
        "what is saved is in use at once, so it changes nothing",
    ),
    ("POST /api/v1/data/{object}/query", "it reads"),
];

/// Routes whose rows a test of their own shows: of records that come back.
const COME_BACK: [&str; 2] = [
    "POST /api/v1/data/{object}/{id}/restore",
    "POST /api/v1/data/{object}/{id}/versions/{version}/restore",
];

/// Routes whose row another test sees, which has what they need.
const SEEN_ELSEWHERE: [(&str, &str); 5] = [
    (
        "POST /api/v1/meta/_migrate-stored",
        "audit::metadata_in_older_spellings_that_is_rewritten_leaves_its_rows",
    ),
    (
        "POST /api/v1/events/dead-letters/{id}/retry",
        "zoo::event_handlers_that_fail_end_in_a_dead_letter_and_stop_nobody",
    ),
    (
        "POST /api/v1/data/{object}/import/jobs",
        "audit::imports_that_run_by_themselves_leave_their_rows",
    ),
    (
        "POST /api/v1/data/import/jobs/{job}/cancel",
        "audit::imports_that_run_by_themselves_leave_their_rows",
    ),
    (
        "POST /api/v1/data/import/jobs/{job}/undo",
        "audit::imports_that_run_by_themselves_leave_their_rows",
    ),
];

/// A route, the request that exercises it (with `ID` for the id of a fresh account), and the rows that it leaves.
type Exercise = (&'static str, &'static str, fn(&str) -> Value, &'static [&'static str]);

fn name(id: &str) -> Value {
    json!({"name": format!("changed {id}")})
}

/// The same over GraphQL. What other mutations leave is shown in `graphql`.
fn name_over_graphql(id: &str) -> Value {
    let query = "mutation ($id: ID!, $name: String) { updateAccount(id: $id, input: {name: $name}) { id } }";
    json!({"query": query, "variables": {"id": id, "name": format!("changed {id}")}})
}

/// A view as it is saved at runtime.
fn view(label: &str) -> Value {
    json!({"name": "audited", "object": "account", "list": {"label": label, "columns": [{"field": "name"}]}})
}

/// A change of metadata, and of the two records in which it is kept.
const OF_METADATA: [&[&str]; 3] = [
    &["data.create", "data.create", "system.config_changed"],
    &["data.update", "data.create", "system.config_changed"],
    &["data.delete", "data.create", "system.config_changed"],
];

const CHANGING: [Exercise; 28] = [
    (
        "POST /api/v1/ui/views/{object}",
        "/api/v1/ui/views/account",
        |_| json!({"name": "watched", "list": {"label": "One", "columns": [{"field": "name"}]}}),
        OF_METADATA[0],
    ),
    (
        "PUT /api/v1/ui/views/{object}/{view}",
        "/api/v1/ui/views/account/watched",
        |_| json!({"list": {"label": "Two", "columns": [{"field": "name"}]}}),
        OF_METADATA[1],
    ),
    (
        "PATCH /api/v1/ui/views/{object}/{view}",
        "/api/v1/ui/views/account/watched",
        |_| json!({"list": {"label": "Three", "columns": [{"field": "name"}]}}),
        OF_METADATA[1],
    ),
    (
        "DELETE /api/v1/ui/views/{object}/{view}",
        "/api/v1/ui/views/account/watched",
        |_| Value::Null,
        OF_METADATA[2],
    ),
    (
        "PUT /api/v1/meta/{type}/{name}",
        "/api/v1/meta/view/audited",
        |_| view("First"),
        OF_METADATA[0],
    ),
    (
        "PUT /api/v1/meta/{type}/{name}",
        "/api/v1/meta/view/audited",
        |_| view("Second"),
        OF_METADATA[1],
    ),
    (
        "POST /api/v1/meta/{type}/{name}/rollback",
        "/api/v1/meta/view/audited/rollback",
        |_| json!({"version": 1}),
        OF_METADATA[1],
    ),
    (
        "DELETE /api/v1/meta/{type}/{name}",
        "/api/v1/meta/view/audited",
        |_| Value::Null,
        OF_METADATA[2],
    ),
    (
        "POST /api/v1/plugins/{id}/swap",
        "/api/v1/plugins/objectos.audit/swap",
        |_| Value::Null,
        &["system.plugin_installed"],
    ),
    (
        "POST /api/v1/plugins/{id}/restart",
        "/api/v1/plugins/objectos.audit/restart",
        |_| Value::Null,
        &["plugin.restarted"],
    ),
    (
        "POST /api/v1/events/replay",
        "/api/v1/events/replay",
        |_| json!({"fromTimestamp": "2020-01-01T00:00:00Z", "toTimestamp": "2020-01-02T00:00:00Z"}),
        &["system.replay_started", "system.replay_ended"],
    ),
    (
        "POST /api/v1/data/{object}/import",
        "/api/v1/data/account/import",
        |id| json!([{"name": format!("imported {id}")}]),
        &["data.create", "data.import"],
    ),
    (
        "POST /api/v1/data/{object}/{id}/clone",
        "/api/v1/data/account/ID/clone",
        |id| json!({"overrides": name(id)}),
        &["data.create"],
    ),
    (
        "POST /api/v1/data/{object}",
        "/api/v1/data/account",
        name,
        &["data.create"],
    ),
    (
        "PATCH /api/v1/data/{object}/{id}",
        "/api/v1/data/account/ID",
        name,
        &["data.update"],
    ),
    (
        "DELETE /api/v1/data/{object}/{id}",
        "/api/v1/data/account/ID",
        |_| Value::Null,
        &["data.delete"],
    ),
    (
        "POST /api/v1/data/{object}/createMany",
        "/api/v1/data/account/createMany",
        |id| json!([{"name": format!("one {id}")}, {"name": format!("two {id}")}]),
        &["data.create", "data.create"],
    ),
    (
        "POST /api/v1/data/{object}/updateMany",
        "/api/v1/data/account/updateMany",
        |id| json!({"records": [{"id": id, "data": name(id)}]}),
        &["data.update", "data.bulk_update"],
    ),
    (
        "POST /api/v1/data/{object}/deleteMany",
        "/api/v1/data/account/deleteMany",
        |id| json!({"ids": [id]}),
        &["data.delete", "data.bulk_delete"],
    ),
    (
        "POST /api/v1/data/{object}/batch",
        "/api/v1/data/account/batch",
        |id| json!({"operation": "update", "records": [{"id": id, "data": name(id)}]}),
        &["data.update", "data.bulk_update"],
    ),
    (
        "POST /api/v1/batch",
        "/api/v1/batch",
        |id| {
            json!({"operations": [
                {"object": "account", "action": "create", "data": {"name": format!("batch {id}")}},
                {"object": "account", "action": "delete", "id": id},
            ]})
        },
        &["data.create", "data.delete"],
    ),
    (
        "DELETE /api/v1/recent",
        "/api/v1/recent",
        |_| Value::Null,
        &["data.bulk_delete"],
    ),
    ("POST /api/data/{object}", "/api/data/account", name, &["data.create"]),
    (
        "POST /api/data/{object}/{action}",
        "/api/data/account/createMany",
        |id| json!([{"name": format!("older {id}")}]),
        &["data.create"],
    ),
    (
        "PATCH /api/data/{object}/{id}",
        "/api/data/account/ID",
        name,
        &["data.update"],
    ),
    (
        "DELETE /api/data/{object}/{id}",
        "/api/data/account/ID",
        |_| Value::Null,
        &["data.delete"],
    ),
    (
        "POST /api/v1/graphql",
        "/api/v1/graphql",
        name_over_graphql,
        &["data.update"],
    ),
    ("POST /graphql", "/graphql", name_over_graphql, &["data.update"]),
];

/// The routes of the running server that are not for reading.
fn changing_routes(host: &Host) -> BTreeSet<String> {
    let report = host.client().get("/api/v1/plugins").expect(200);
    let report = if report["data"].is_object() {
        &report["data"]
    } else {
        &report
    };
    report["plugins"]
        .as_array()
        .expect("plugins")
        .iter()
        .flat_map(|plugin| plugin["routes"].as_array().cloned().unwrap_or_default())
        .filter_map(|route| route.as_str().map(str::to_owned))
        .filter(|route| !route.starts_with("GET ") && !route.starts_with("HEAD ") && !route.starts_with("OPTIONS "))
        .collect()
}

#[test]
fn every_changing_route_of_the_server_leaves_its_rows() {
    let host = with_all_routes();
    let known: BTreeSet<String> = CHANGING
        .iter()
        .map(|(route, ..)| (*route).to_owned())
        .chain(WITHOUT_A_ROW.iter().map(|(route, _)| (*route).to_owned()))
        .chain(SEEN_ELSEWHERE.iter().map(|(route, _)| (*route).to_owned()))
        .chain(COME_BACK.map(str::to_owned))
        .chain(realtime::CHANGE_NO_RECORD.map(str::to_owned))
        .collect();
    let served = changing_routes(&host);
    assert!(!served.is_empty());
    let unknown: Vec<&String> = served.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "say in this file which rows these leave: {unknown:#?}"
    );
    let gone: Vec<&String> = known.difference(&served).collect();
    assert!(gone.is_empty(), "these are not served any more: {gone:#?}");
    let mut client = host.client();
    for (number, (route, path, body, expected)) in CHANGING.into_iter().enumerate() {
        let seed = json!({"name": format!("seed {number} of {route}")});
        let id = client.send("POST", "/api/v1/data/account", &seed).expect(201)["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        await_events(&host, &format!("&recordId={id}"), 1);
        let method = route.split(' ').next().expect("a method");
        let marker = format!("exercise-{number}");
        let headers = [("content-type", "application/json"), ("user-agent", marker.as_str())];
        let body = body(&id);
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let answer = client
            .request(method, &path.replace("ID", &id), &headers, &bytes)
            .expect("an answer");
        assert!(
            (200..300).contains(&answer.status),
            "{route}: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        let rows = await_events(&host, &format!("&userAgent={marker}"), expected.len());
        let mut kinds: BTreeMap<&str, i64> = BTreeMap::new();
        for row in &rows {
            *kinds.entry(row["eventType"].as_str().expect("a type")).or_default() += 1;
        }
        for kind in expected {
            *kinds.entry(kind).or_default() -= 1;
        }
        assert!(kinds.values().all(|&left| left == 0), "{route} left {rows:#?}");
    }
}

#[test]
fn metadata_in_older_spellings_that_is_rewritten_leaves_its_rows() {
    let host = audited();
    let mut client = host.client();
    let older = json!({"name": "car", "label": "Car", "fields": {"plate": {"type": "string", "max_length": 9}}});
    let saved = client.send("PUT", "/api/v1/meta/object/car", &older);
    assert!((200..300).contains(&saved.status), "{}", saved.status);
    let headers = [("content-type", "application/json"), ("user-agent", "rewriting")];
    let answer = client
        .request("POST", "/api/v1/meta/_migrate-stored", &headers, br#"{"apply": true}"#)
        .expect("an answer");
    let told = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(answer.status == 200 && told.contains("car"), "{told}");
    let rows = await_events(&host, "&userAgent=rewriting", 1);
    let of_it = |row: &Value| row.to_string().contains("car");
    assert!(rows.iter().any(of_it), "{rows:#?}");
}

#[test]
fn imports_that_run_by_themselves_leave_their_rows() {
    let host = audited();
    let mut client = host.client();
    let rows = json!({"rows": [{"name": "Taken in"}]});
    let job = client
        .send("POST", "/api/v1/data/account/import/jobs", &rows)
        .expect(201);
    let job = job["jobId"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/data/import/jobs/{job}");
    let begun = Instant::now();
    while client.get(&path).expect(200)["status"] == "running" {
        assert!(begun.elapsed() < Duration::from_secs(60), "the job does not end");
    }
    // Too late: what is over stays as it is, and that is no change.
    let _ = client.send("POST", &format!("{path}/cancel"), &Value::Null).expect(200);
    let _ = client.send("POST", &format!("{path}/undo"), &Value::Null).expect(200);
    // The record comes and goes with a row each, and the job is a record as well, whose life is in the trail.
    let kinds = |filter: &str, count: usize| -> Vec<String> {
        let kind = |row: &Value| row["eventType"].as_str().expect("a type").to_owned();
        await_events(&host, filter, count).iter().map(kind).collect()
    };
    let id = client.get(&format!("{path}/results")).expect(200)["results"][0]["id"]
        .as_str()
        .expect("the record's id")
        .to_owned();
    assert_eq!(kinds(&format!("&recordId={id}"), 2), ["data.create", "data.delete"]);
    let of_the_job = kinds(&format!("&objectName=sys_import_job&recordId={job}"), 2);
    assert_eq!(
        of_the_job.first().map(String::as_str),
        Some("data.create"),
        "{of_the_job:?}"
    );
}

#[test]
fn records_that_come_back_leave_their_rows() {
    let builder = HostBuilder::new().plugin("audit");
    let app = builder.folder().join("notes");
    std::fs::create_dir_all(&app).expect("a folder");
    let note = "name: note\nversioning: {enabled: true, strategy: snapshot}\nsoftDelete: {enabled: true}\n\
                fields:\n  text: {type: text}\n";
    for (name, text) in [
        ("objectos.app.yml", "id: notes\nversion: 1.0.0\n"),
        ("note.object.yml", note),
    ] {
        std::fs::write(app.join(name), text).expect("a file");
    }
    let host = builder.app(&app).start();
    let mut client = host.client();
    let made = client
        .send("POST", "/api/v1/data/note", &json!({"text": "one"}))
        .expect(201);
    let id = made["id"].as_str().expect("an id");
    let path = format!("/api/v1/data/note/{id}");
    let _ = client.send("PATCH", &path, &json!({"text": "two"})).expect(200);
    let _ = client
        .send("POST", &format!("{path}/versions/1/restore"), &Value::Null)
        .expect(200);
    let _ = client.send("DELETE", &path, &Value::Null).expect(200);
    let _ = client
        .send("POST", &format!("{path}/restore"), &Value::Null)
        .expect(200);
    let _ = client.send("DELETE", &path, &Value::Null).expect(200);
    let _ = client
        .send("DELETE", &format!("{path}?purge=true"), &Value::Null)
        .expect(200);
    let told = await_events(&host, &format!("&objectName=note&recordId={id}"), 7);
    let kinds: Vec<(&str, &Value)> = told
        .iter()
        .map(|row| (row["eventType"].as_str().expect("a type"), &row["metadata"]["action"]))
        .collect();
    let (none, restored, purged) = (&Value::Null, &json!("restore"), &json!("purge"));
    assert_eq!(
        kinds,
        [
            ("data.create", none),
            ("data.update", none),
            ("data.update", none),
            ("data.delete", none),
            ("data.update", restored),
            ("data.delete", none),
            ("data.delete", purged),
        ],
        "{told:#?}"
    );
    let back = &told[2]["changes"][0];
    assert_eq!(
        (&back["field"], &back["oldValue"], &back["newValue"]),
        (&json!("text"), &json!("two"), &json!("one")),
        "{back}"
    );
}
