//! What is good once is good once also when it is brought several times at the same moment, on both stores: links of mails, codes
//! of an authenticator app, backup codes.

use objectos_tests::{Answer, Host, HostBuilder};
use serde_json::{Value, json};
use std::{sync::Barrier, thread};

use crate::{audit_identity::totp, postgres::server};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "tangerine-otter-41";
/// So many bring the same at once.
const AT_ONCE: usize = 4;

fn host(database: &str) -> Host {
    let config = format!(
        "plugins:\n{database}  objectos.auth:\n    hashing: {{ memoryKib: 1024, iterations: 1 }}\n    \
         lockout: {{ attempts: 50, slowAfter: 50 }}\n"
    );
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .config(&config)
        .start()
}

fn send(host: &Host, line: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let (method, path) = line.split_once(' ').expect("METHOD /path");
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let origin = format!("http://{}", host.address());
    let headers = [
        &[("content-type", "application/json"), ("origin", origin.as_str())],
        headers,
    ]
    .concat();
    host.client()
        .request(method, path, &headers, &bytes)
        .unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn post(host: &Host, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    send(host, &format!("POST /api/v1/auth/{path}"), headers, body)
}

/// Starts all at the same moment; answers the one that got through, by its number.
fn one_of(what: &str, attempt: impl Fn(usize) -> Answer + Sync) -> usize {
    let barrier = Barrier::new(AT_ONCE);
    let (barrier, attempt) = (&barrier, &attempt);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|number| {
                scope.spawn(move || {
                    barrier.wait();
                    attempt(number).status
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread ends"))
            .collect()
    });
    let through: Vec<usize> = (0..AT_ONCE).filter(|number| statuses[*number] < 400).collect();
    assert_eq!(through.len(), 1, "{what}: {statuses:?}");
    // The others were told no, and nothing broke.
    assert!(statuses.iter().all(|status| *status < 500), "{what}: {statuses:?}");
    through[0]
}

/// What stands behind a word in the last mail, which development writes to the log. Mails may go out after the answer.
fn mailed(host: &Host, word: &str) -> String {
    host.wait_for_log(word);
    let log = host.log();
    let at = log.rfind(word).expect("the word") + word.len();
    log[at..].chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// The cookie of somebody between password and second factor.
fn half(host: &Host, password: &str) -> String {
    let answer = post(
        host,
        "sign-in/email",
        &[],
        &json!({"email": EMAIL, "password": password}),
    );
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let cookie = cookie.expect("a cookie").to_owned();
    assert_eq!(answer.expect(200)["twoFactorRedirect"], true);
    cookie
}

/// Links of mails; answers the password that counts at the end.
fn links_are_good_once(host: &Host) -> String {
    post(host, "send-verification-email", &[], &json!({"email": EMAIL})).expect(200);
    let line = format!(
        "GET /api/v1/auth/verify-email?token={}",
        mailed(host, "verify-email?token=")
    );
    one_of("verifying an address", |_| send(host, &line, &[], &Value::Null));

    post(host, "sign-in/magic-link", &[], &json!({"email": EMAIL})).expect(200);
    let token = mailed(host, "magic-link/verify?token=");
    let line = format!("GET /api/v1/auth/magic-link/verify?token={token}");
    one_of("a link that signs in", |_| send(host, &line, &[], &Value::Null));

    post(host, "request-password-reset", &[], &json!({"email": EMAIL})).expect(200);
    let token = mailed(host, "reset-password/");
    let password = |number: usize| format!("walnut-heron-{number}{number}");
    let winner = one_of("a new password", |number| {
        let body = json!({"token": token, "newPassword": password(number)});
        post(host, "reset-password", &[], &body)
    });
    for number in 0..AT_ONCE {
        let body = json!({"email": EMAIL, "password": password(number)});
        let status = post(host, "sign-in/email", &[], &body).status;
        assert_eq!(status, if number == winner { 200 } else { 401 }, "{number} of {winner}");
    }
    password(winner)
}

fn codes_are_good_once(host: &Host, password: &str) {
    let body = json!({"email": EMAIL, "password": password});
    let signed_in = post(host, "sign-in/email", &[], &body).expect(200);
    let bearer = format!("Bearer {}", signed_in["token"].as_str().expect("a token"));
    let by = [("authorization", bearer.as_str())];
    let begun = post(host, "two-factor/enable", &by, &json!({"password": password})).expect(200);
    let uri = begun["totpURI"].as_str().expect("a secret");
    let first = json!({"code": totp::code(uri)});
    post(host, "two-factor/verify-totp", &by, &first).expect(200);

    for (path, code) in [
        ("two-factor/verify-totp", json!(totp::next_code(uri))),
        ("two-factor/verify-backup-code", begun["backupCodes"][0].clone()),
    ] {
        let halves: Vec<String> = (0..AT_ONCE).map(|_| half(host, password)).collect();
        one_of(path, |number| {
            let cookie = [("cookie", halves[number].as_str())];
            post(host, path, &cookie, &json!({"code": code}))
        });
    }
}

fn everything_is_good_once(host: &Host) {
    let body = json!({"email": EMAIL, "password": PASSWORD, "name": "Ada"});
    post(host, "sign-up/email", &[], &body).expect(200);
    let password = links_are_good_once(host);
    codes_are_good_once(host, &password);
}

#[test]
fn what_is_good_once_is_good_once_also_at_the_same_moment() {
    everything_is_good_once(&host(""));
}

#[test]
fn what_is_good_once_is_good_once_also_on_postgresql() {
    let Some(url) = server() else { return };
    let schema = format!("e2e_once_{}", std::process::id());
    let database = format!("  objectos.data:\n    database: {{ url: '{url}', schema: {schema}, poolSize: 20 }}\n");
    everything_is_good_once(&host(&database));
}
