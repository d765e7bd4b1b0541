//! What an account is held to, over sockets: nobody acts as somebody else longer than they may, also on another node; guesses at
//! once are no more guesses than the limit; and a member of two organisations has in each what they have there.

use objectos_tests::{Answer, Client, Host, HostBuilder};
use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    audit_identity::totp,
    permissions::people::{People, Person},
    postgres::server,
};

/// Of the people that [`People`] makes.
const PASSWORD: &str = "correct horse battery 9";
const LIMIT: usize = 5;
const AT_ONCE: usize = 50;
/// How long a change may take to the other host.
const MOMENT: Duration = Duration::from_secs(20);

/// A host whose sessions are not looked up again by themselves; on one database with others, or alone.
fn host(database: &str) -> HostBuilder {
    let config = format!(
        "plugins:\n{database}  objectos.auth:\n    hashing: {{ memoryKib: 1024, iterations: 1 }}\n    \
         session: {{ recheckMs: 86400000 }}\n    lockout: {{ attempts: {LIMIT}, slowAfter: 50 }}\n"
    );
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .config(&config)
        .environment("OBJECTOS_AUTH_SECRET", "one secret for all hosts, long enough")
}

fn status(host: &Host, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let answer = Client::new(host.address()).request("GET", "/api/v1/auth/list-sessions", &headers, b"");
    answer.expect("an answer").status
}

/// The administrator does something with a user.
fn administer(people: &mut People, path: &str, user: &str, body: &mut Value) {
    body["userId"] = json!(user);
    let path = format!("/api/v1/auth/admin/{path}");
    people.admin.send("POST", &path, body).expect(200);
}

/// Administrators act as somebody and lose the right to it at one host; the session ends at the other one.
fn acting_ends(here: &Host, there: &Host) {
    let mut people = People::new(here);
    for (number, (path, mut more)) in [
        ("set-role", json!({"role": "user"})),
        ("ban-user", json!({})),
        ("remove-user", json!({})),
        ("revoke-user-sessions", json!({})),
    ]
    .into_iter()
    .enumerate()
    {
        let mut boss = people.user(&format!("boss{number}"));
        let ada = people.user(&format!("ada{number}"));
        let mut role = json!({"role": "super_admin"});
        administer(&mut people, "set-role", &boss.id, &mut role);
        let body = json!({"userId": ada.id});
        let acting = boss
            .send("POST", "/api/v1/auth/admin/impersonate-user", &body)
            .expect(200);
        let token = acting["session"]["token"].as_str().expect("a token");
        assert_eq!(status(there, token), 200, "{path}");
        administer(&mut people, path, &boss.id, &mut more);
        let begun = Instant::now();
        while status(there, token) != 401 {
            assert!(begun.elapsed() < MOMENT, "acting outlives {path}: {}", there.log());
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(status(there, ada.token()), 200, "{path}");
    }
}

#[test]
fn acting_as_somebody_ends_with_the_administrator() {
    let alone = host("").start();
    acting_ends(&alone, &alone);
    let Some(url) = server() else { return };
    let schema = format!("e2e_acting_{}", std::process::id());
    let database = format!("  objectos.data:\n    database: {{ url: '{url}', schema: {schema}, poolSize: 20 }}\n");
    let first = host(&database).start();
    let second = host(&database).start();
    acting_ends(&first, &second);
}

/// Sends the same over many connections at once.
fn at_once(host: &Host, path: &str, cookie: &str, body: &Value) -> Vec<Answer> {
    let origin = format!("http://{}", host.address());
    let bytes = body.to_string().into_bytes();
    let send = || {
        let headers = [
            ("content-type", "application/json"),
            ("origin", origin.as_str()),
            ("cookie", cookie),
        ];
        let headers = if cookie.is_empty() { &headers[..2] } else { &headers[..] };
        host.client()
            .request("POST", path, headers, &bytes)
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(send)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread ends"))
            .collect()
    })
}

/// How many were looked at and found wrong; of the others nothing is said.
fn looked_at(answers: &[Answer], wrong: &str) -> usize {
    let code = |answer: &Answer| answer.json()["code"].as_str().expect("a code").to_owned();
    for answer in answers {
        let said = code(answer);
        let unseen = ["TOO_MANY_ATTEMPTS", "INVALID_TWO_FACTOR_COOKIE"].contains(&said.as_str());
        assert!(unseen || said == wrong, "{} {:#}", answer.status, answer.json());
    }
    answers.iter().filter(|answer| code(answer) == wrong).count()
}

/// The cookie of somebody between password and second factor.
fn half(host: &Host, email: &str) -> String {
    let body = json!({"email": email, "password": PASSWORD});
    let answer = host.client().send("POST", "/api/v1/auth/sign-in/email", &body);
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let cookie = cookie.expect("a cookie").to_owned();
    assert_eq!(answer.expect(200)["twoFactorRedirect"], true);
    cookie
}

#[test]
fn guesses_at_once_are_no_more_than_the_limit_and_a_sign_in_opens_no_lock() {
    let host = host("").start();
    let people = People::new(&host);
    let mut ada = people.user("ada");
    people.user("bob");
    let wrong = json!({"email": "bob@example.com", "password": "walnut-heron-72"});
    let answers = at_once(&host, "/api/v1/auth/sign-in/email", "", &wrong);
    assert_eq!(looked_at(&answers, "INVALID_EMAIL_OR_PASSWORD"), LIMIT);

    let begun = ada
        .send("POST", "/api/v1/auth/two-factor/enable", &json!({"password": PASSWORD}))
        .expect(200);
    let uri = begun["totpURI"].as_str().expect("a secret");
    let verify = "/api/v1/auth/two-factor/verify-totp";
    ada.send("POST", verify, &json!({"code": totp::code(uri)})).expect(200);
    let cookie = half(&host, "ada@example.com");
    let answers = at_once(&host, verify, &cookie, &json!({"code": "12345"}));
    assert_eq!(looked_at(&answers, "INVALID_CODE"), LIMIT);
    let cookie = half(&host, "ada@example.com");
    for (path, code) in [
        (verify, json!(totp::next_code(uri))),
        (
            "/api/v1/auth/two-factor/verify-backup-code",
            begun["backupCodes"][0].clone(),
        ),
    ] {
        let answers = at_once(&host, path, &cookie, &json!({"code": code}));
        assert!(answers.iter().all(|answer| answer.status == 429), "{path}");
    }
}

/// Two kinds of records, one of which belongs to organisations; what an admin and a member of one may do with them.
const APP: [(&str, &str); 6] = [
    ("objectos.app.yml", "id: notes\nversion: 1.0.0\n"),
    (
        "note.object.yml",
        "name: note\ntenancy: {enabled: true, strategy: shared}\nfields:\n  text: {type: text}\n",
    ),
    ("ledger.object.yml", "name: ledger\nfields:\n  text: {type: text}\n"),
    (
        "org_admin.permission.yml",
        "name: org_admin\nobjects:\n  note: {allowRead: true, allowCreate: true, allowEdit: true, allowDelete: true, modifyAllRecords: true}\n",
    ),
    (
        "org_member.permission.yml",
        "name: org_member\nobjects:\n  note: {allowRead: true, allowCreate: true}\n",
    ),
    (
        "ledger_reader.permission.yml",
        "name: ledger_reader\nobjects:\n  ledger: {allowRead: true, viewAllRecords: true}\n",
    ),
];

/// Works in an organisation from now on.
fn work_in(person: &mut Person, organization: &str) {
    let body = json!({"organizationId": organization});
    person
        .send("POST", "/api/v1/auth/organization/set-active", &body)
        .expect(200);
}

#[test]
fn a_member_of_two_organizations_has_in_each_what_they_have_there() {
    let builder = host("");
    let app = builder.folder().join("notes");
    std::fs::create_dir_all(&app).expect("a folder");
    for (name, text) in APP {
        std::fs::write(app.join(name), text).expect("a file");
    }
    let host = builder.app(&app).start();
    let mut people = People::new(&host);
    let mut bob = people.user("bob");
    let mut organizations = Vec::new();
    for (slug, role) in [("acme", "admin"), ("initech", "member")] {
        let body = json!({"name": slug, "slug": slug});
        let made = people
            .admin
            .send("POST", "/api/v1/auth/organization/create", &body)
            .expect(200);
        let member = json!({"organization_id": made["id"], "user_id": bob.id, "role": role});
        people.admin.make("sys_member", &member);
        organizations.push(made["id"].as_str().expect("an id").to_owned());
    }
    // A set for a team of the first one.
    let team = json!({"name": "Books", "organization_id": organizations[0]});
    let team = people.admin.make("sys_team", &team);
    people
        .admin
        .make("sys_team_member", &json!({"team_id": team, "user_id": bob.id}));
    let body = json!({"permissionSet": "ledger_reader", "assigneeType": "team", "assignee": team});
    people
        .admin
        .send("POST", "/api/v1/permissions/assignments", &body)
        .expect(201);

    let (notes, ledgers) = ("/api/v1/data/note", "/api/v1/data/ledger");
    assert_eq!(bob.get(notes).status, 403, "in none he has nothing");
    let mut made = Vec::new();
    for organization in &organizations {
        work_in(&mut bob, organization);
        made.push(bob.make("note", &json!({"text": organization})));
        assert_eq!(
            bob.get(notes).expect(200)["total"],
            1,
            "his notes of elsewhere are not here"
        );
    }
    // There and back: each time the rights are the organisation's.
    for _ in 0..2 {
        work_in(&mut bob, &organizations[0]);
        let path = format!("{notes}/{}", made[0]);
        bob.send("PATCH", &path, &json!({"text": "changed"})).expect(200);
        assert_eq!(bob.get(&format!("{notes}/{}", made[1])).status, 404);
        bob.get(ledgers).expect(200);

        work_in(&mut bob, &organizations[1]);
        let path = format!("{notes}/{}", made[1]);
        bob.get(&path).expect(200);
        assert_eq!(bob.send("PATCH", &path, &json!({"text": "changed"})).status, 403);
        assert_eq!(bob.send("DELETE", &path, &Value::Null).status, 403);
        assert_eq!(bob.get(&format!("{notes}/{}", made[0])).status, 404);
        assert_eq!(bob.get(ledgers).status, 403, "the team is the other organisation's");
    }
}
