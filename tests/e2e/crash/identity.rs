//! The same with changes of who is who: roles, invitations, sign-ins. Each has its row in the trail, and so has each that nobody
//! heard of: a change is never there without what is told of it.

use objectos_tests::{Client, HostBuilder};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{Turn, kill_in_streams};

const KILLS: usize = 10;
const PASSWORD: &str = "tangerine-otter-41";
const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";
/// A row that a change of a record leaves, and the row of what is told with it.
static TOGETHER: [(&str, &str); 3] = [
    ("data.update sys_user", "authz.role_updated"),
    ("data.create sys_session", "auth.session_created"),
    ("data.create sys_session", "auth.login"),
];

/// The body of a good answer; nothing when the host is gone.
fn post(client: &mut Client, token: &str, mark: &str, path: &str, body: &Value) -> Option<Value> {
    let (path, bearer) = (format!("/api/v1/auth/{path}"), format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json"), ("user-agent", mark)];
    if !token.is_empty() {
        headers.push(("authorization", bearer.as_str()));
    }
    match client.request("POST", &path, &headers, body.to_string().as_bytes()) {
        Ok(answer) if answer.status == 200 => Some(answer.json()),
        Ok(answer) => panic!("{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body)),
        Err(_) => None,
    }
}

/// Somebody new: their id, and the token of their session.
fn register(client: &mut Client, name: &str) -> (String, String) {
    let body = json!({"name": name, "email": format!("{name}@example.com"), "password": PASSWORD});
    let made = post(client, "", "", "sign-up/email", &body).expect("an answer");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&made["user"]["id"]), text(&made["token"]))
}

/// What stands in the trail: kind and mark of each row. Rows are only added, so one walk finds all that was there at its begin.
fn rows(client: &mut Client, token: &str) -> BTreeSet<(String, String)> {
    let bearer = format!("Bearer {token}");
    let (mut found, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let path = format!("/api/v1/audit/events?limit=500&sortOrder=asc{cursor}");
        let headers = [("authorization", bearer.as_str())];
        let answer = client.request("GET", &path, &headers, b"").expect("an answer");
        let page = answer.expect(200);
        for row in page["data"].as_array().expect("events") {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (kind, object) = (text(&row["eventType"]), text(&row["objectName"]));
            let kind = if kind.starts_with("data.") {
                format!("{kind} {object}")
            } else {
                kind
            };
            found.insert((kind, text(&row["actor"]["userAgent"])));
        }
        match page["nextCursor"].as_str() {
            Some(next) if page["hasMore"] == true => cursor = format!("&cursor={next}"),
            _ => return found,
        }
    }
}

#[test]
fn no_change_of_who_is_who_is_without_its_row_after_kill_9() {
    let plugins = HostBuilder::new().plugin("auth").plugin("permissions").plugin("audit");
    let mut host = plugins.config(CONFIG).start();
    let mut client = host.client();
    let (_, root) = register(&mut client, "root");
    let (ann, _) = register(&mut client, "ann");
    for name in ["signer2", "signer3"] {
        register(&mut client, name);
    }
    let body = json!({"name": "Acme", "slug": "acme"});
    post(&mut client, &root, "", "organization/create", &body).expect("an answer");
    let token = root.clone();
    let write = move |client: &mut Client, turn: Turn| {
        let Turn { round, writer, number } = turn;
        let mark = format!("mark-{round}-{writer}-{number}");
        let (path, body, kinds): (_, _, &'static [&'static str]) = match writer {
            0 => (
                "admin/set-role",
                json!({"userId": ann, "role": format!("role_{round}_{number}")}),
                &["data.update sys_user", "authz.role_updated"],
            ),
            1 => (
                "organization/invite-member",
                json!({"email": format!("{mark}@example.com"), "role": "member"}),
                &["data.create sys_invitation"],
            ),
            _ => (
                "sign-in/email",
                json!({"email": format!("signer{writer}@example.com"), "password": PASSWORD}),
                &["data.create sys_session", "auth.session_created", "auth.login"],
            ),
        };
        let by = if writer < 2 { token.as_str() } else { "" };
        post(client, by, &mark, path, &body).map(|_| (mark, kinds))
    };
    let acknowledged = kill_in_streams(&mut host, KILLS, |round| 5 + (round * 7) % 20, write);
    assert!(acknowledged.len() >= KILLS * 5);
    let wanted: BTreeSet<(String, String)> = acknowledged
        .iter()
        .flat_map(|(mark, kinds)| kinds.iter().map(|kind| ((*kind).to_owned(), mark.clone())))
        .collect();
    let (begun, mut client) = (Instant::now(), host.client());
    loop {
        let found = rows(&mut client, &root);
        let untold = found.iter().flat_map(|(kind, mark)| {
            let with = TOGETHER
                .iter()
                .filter(move |(record, _)| record == kind && mark.starts_with("mark-"));
            with.map(move |(_, told)| ((*told).to_owned(), mark.clone()))
        });
        let untold: BTreeSet<(String, String)> = untold.collect();
        let missing: Vec<_> = wanted.union(&untold).filter(|row| !found.contains(*row)).collect();
        if missing.is_empty() {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{} rows never came, such as {:?}:\n{}",
            missing.len(),
            missing[0],
            host.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
