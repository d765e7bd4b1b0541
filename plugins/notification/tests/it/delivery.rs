//! From `send` to the server: delivered, tried again, given up, refused, logged; and nothing forgotten over a restart.

use objectos_plugin_api::{ErrorKind, contracts::mailer::MailMessage, protocol::kernel::PluginHealthStatus};
use objectos_plugin_testing::TestError;
use serde_json::{Value, json};

use crate::{
    smtp_server::{Offers, SmtpServer},
    world::{Store, Word, hello, send, smtp},
};

const NOW_MS: i64 = 1_700_000_000_000;

fn config(server: &SmtpServer) -> Value {
    json!({
        "smtp": smtp("127.0.0.1", server.address.port(), "none"),
        "from": "ObjectOS <no-reply@example.org>",
        "retry": { "attemptsMax": 3, "delayMs": 60_000, "factor": 2, "delayMaxMs": 3_600_000 },
        "pollMs": 10,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_arrives_and_its_text_is_not_kept() {
    let (store, server) = (Store::new(), SmtpServer::start(Offers::default()).await);
    let mailer = store.mailer("production", config(&server), NOW_MS).await.unwrap();
    let id = send(&mailer, &hello()).await.unwrap();
    server.until(|server| server.received().len() == 1).await;
    let mail = &server.received()[0];
    assert_eq!(mail.from, "no-reply@example.org");
    assert_eq!(mail.to, ["ann@example.com", "bob@example.com"]);
    assert!(
        mail.data.contains(&format!("Message-ID: <{id}@example.org>")),
        "{}",
        mail.data
    );
    assert!(mail.data.contains("Subject: Your invitation"), "{}", mail.data);
    assert!(
        mail.data.contains("https://example.org/t/s3cr3t\n.a line with a dot"),
        "{}",
        mail.data
    );
    let record = store.until(|mail| mail["state"] == "sent").await;
    assert_eq!((&record["id"], &record["attempts"]), (&json!(id), &json!(1)));
    assert!(
        record["body_text"].is_null() && record["sent_at"].is_string(),
        "{record:#}"
    );
    mailer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_temporary_failure_is_tried_again_when_its_time_comes() {
    let (store, server) = (Store::new(), SmtpServer::start(Offers::default()).await);
    server.script(&["451 4.3.0 come back later", "421 4.3.2 closing"]);
    let mailer = store.mailer("production", config(&server), NOW_MS).await.unwrap();
    send(&mailer, &hello()).await.unwrap();
    let waiting = store.until(|mail| mail["last_error"].is_string()).await;
    assert!(
        waiting["last_error"].as_str().unwrap().contains("come back later"),
        "{waiting:#}"
    );
    assert_eq!(
        waiting["next_attempt_at"], "2023-11-14T22:14:20Z",
        "a minute after the first attempt"
    );
    mailer.set_now_ms(NOW_MS + 60_000);
    let waiting = store
        .until(|mail| mail["attempts"] == 2 && mail["last_error"].as_str().is_some_and(|text| text.contains("closing")))
        .await;
    assert_eq!(
        waiting["next_attempt_at"], "2023-11-14T22:16:20Z",
        "two minutes after the second"
    );
    assert!(server.received().is_empty());
    mailer.set_now_ms(NOW_MS + 180_000);
    let sent = store.until(|mail| mail["state"] == "sent").await;
    assert_eq!((&sent["attempts"], &sent["last_error"]), (&json!(3), &Value::Null));
    assert_eq!((server.attempts(), server.received().len()), (3, 1));
    mailer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_last_attempt_it_is_given_up_and_the_reason_kept() {
    let (store, server) = (Store::new(), SmtpServer::start(Offers::default()).await);
    server.script(&["451 4.3.0 no, one", "451 4.3.0 no, two", "451 4.3.0 still no"]);
    let mailer = store.mailer("production", config(&server), NOW_MS).await.unwrap();
    send(&mailer, &hello()).await.unwrap();
    for (reason, hours) in [("no, one", 1), ("no, two", 2)] {
        let told = |mail: &Value| mail["last_error"].as_str().is_some_and(|error| error.contains(reason));
        store.until(told).await;
        mailer.set_now_ms(NOW_MS + hours * 3_600_000);
    }
    let failed = store.until(|mail| mail["state"] == "failed").await;
    assert!(
        failed["last_error"].as_str().unwrap().contains("still no"),
        "{failed:#}"
    );
    assert!(
        failed["next_attempt_at"].is_null() && failed["body_text"].is_null(),
        "{failed:#}"
    );
    mailer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_final_refusal_is_not_tried_again() {
    let (store, server) = (Store::new(), SmtpServer::start(Offers::default()).await);
    server.script(&["550 5.1.8 not from you"]);
    let mailer = store.mailer("production", config(&server), NOW_MS).await.unwrap();
    send(&mailer, &hello()).await.unwrap();
    let failed = store.until(|mail| mail["state"] == "failed").await;
    assert_eq!(failed["attempts"], 1);
    assert!(
        failed["last_error"].as_str().unwrap().contains("not from you"),
        "{failed:#}"
    );
    mailer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_at_a_restart_is_sent_by_the_next_one() {
    let store = Store::new();
    // A port that is taken and answers nobody: the server is away.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    let away = json!({
        "smtp": smtp("127.0.0.1", port, "none"),
        "from": "no-reply@example.org",
        "pollMs": 10,
    });
    let mailer = store.mailer("production", away, NOW_MS).await.unwrap();
    send(&mailer, &hello()).await.unwrap();
    store.until(|mail| mail["last_error"].is_string()).await;
    mailer.stop().await.unwrap();
    let server = SmtpServer::start(Offers::default()).await;
    let mailer = store
        .mailer("production", config(&server), NOW_MS + 3_600_000)
        .await
        .unwrap();
    server.until(|server| server.received().len() == 1).await;
    store.until(|mail| mail["state"] == "sent").await;
    mailer.stop().await.unwrap();
}

/// Whatever the operator does not grant is not connected to, and the mail waits until that is mended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_granted_is_not_connected_to() {
    for (host, word, expected) in [
        (
            "127.0.0.1",
            Word::AllBut("127.0.0.1:"),
            "plugin objectos.notification may not connect to 127.0.0.1:PORT: it does not hold network:connect for it, for a \
             reason; write a line",
        ),
        (
            "LocalHost",
            Word::AllBut("localhost:"),
            "plugin objectos.notification may not connect to localhost:PORT: it does not hold network:connect for it",
        ),
        (
            "127.0.0.1",
            Word::Unknown,
            "whether network:connect is granted cannot be known",
        ),
    ] {
        let (store, server) = (Store::new(), SmtpServer::start(Offers::default()).await);
        store.operator.says(word);
        let mut config = config(&server);
        config["smtp"]["host"] = json!(host);
        let mailer = store.mailer("production", config, NOW_MS).await.unwrap();
        let expected = expected.replace("PORT", &server.address.port().to_string());
        let health = mailer.health().await.unwrap();
        assert_eq!(health.status, PluginHealthStatus::Degraded, "{expected}");
        assert!(
            mailer.logged().iter().any(|line| line.contains(&expected)),
            "{:?}",
            mailer.logged()
        );
        send(&mailer, &hello()).await.unwrap();
        let waiting = store.until(|mail| mail["last_error"].is_string()).await;
        let told = waiting["last_error"].as_str().unwrap();
        assert!(told.contains(&expected), "{told}");
        assert_eq!((&waiting["state"], server.attempts()), (&json!("pending"), 0));
        store.operator.says(Word::All);
        assert_eq!(mailer.health().await.unwrap().status, PluginHealthStatus::Healthy);
        mailer.set_now_ms(NOW_MS + 60_000);
        store.until(|mail| mail["state"] == "sent").await;
        assert_eq!(server.received().len(), 1);
        mailer.stop().await.unwrap();
    }
}

/// Another name for it is no way to an address that a rule denies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denied_address_is_denied_under_every_name() {
    let (store, server) = (Store::new(), SmtpServer::start(Offers::default()).await);
    let mut config = config(&server);
    config["smtp"]["host"] = json!("localhost");
    store.operator.says(Word::Denied("127.0.0.1:"));
    let mailer = store.mailer("production", config, NOW_MS).await.unwrap();
    assert_eq!(
        mailer.health().await.unwrap().status,
        PluginHealthStatus::Healthy,
        "the name is granted"
    );
    send(&mailer, &hello()).await.unwrap();
    let waiting = store.until(|mail| mail["last_error"].is_string()).await;
    assert_eq!((&waiting["state"], server.attempts()), (&json!("pending"), 0));
    mailer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starttls_and_a_password_guard_the_way() {
    let offers = Offers {
        starttls: true,
        account: Some(("relay", "correct horse")),
    };
    let (store, server) = (Store::new(), SmtpServer::start(offers).await);
    let folder = tempfile::tempdir().unwrap();
    let (ca, password) = (folder.path().join("ca.pem"), folder.path().join("password"));
    std::fs::write(&ca, server.certificate.as_ref().unwrap()).unwrap();
    std::fs::write(&password, "correct horse\n").unwrap();
    let mut config = config(&server);
    config["smtp"] = json!({
        "host": "localhost", "port": server.address.port(), "tls": "starttls",
        "user": "relay", "passwordFile": password, "caFile": ca, "timeoutMs": 5_000,
    });
    let mailer = store.mailer("production", config.clone(), NOW_MS).await.unwrap();
    send(&mailer, &hello()).await.unwrap();
    server.until(|server| server.received().len() == 1).await;
    let mail = &server.received()[0];
    assert!(mail.encrypted);
    assert_eq!(mail.user.as_deref(), Some("relay"));
    mailer.stop().await.unwrap();
    // A certificate that nobody vouches for is no way to the server: nothing is said in the open.
    config["smtp"].as_object_mut().unwrap().remove("caFile");
    let mailer = store.mailer("production", config, NOW_MS).await.unwrap();
    let id = send(&mailer, &hello()).await.unwrap();
    let mail = store
        .until(|mail| mail["id"] == *id && mail["last_error"].is_string())
        .await;
    let (error, state) = (mail["last_error"].as_str().unwrap(), mail["state"].clone());
    assert!(error.to_lowercase().contains("certificate"), "{error}");
    assert_eq!((state, server.received().len()), (json!("pending"), 1));
    mailer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_waits_for_the_operator() {
    let offers = Offers {
        starttls: false,
        account: Some(("relay", "right")),
    };
    let (store, server) = (Store::new(), SmtpServer::start(offers).await);
    let mut config = config(&server);
    config["smtp"]["user"] = json!("relay");
    config["smtp"]["password"] = json!("wrong");
    let mailer = store.mailer("production", config, NOW_MS).await.unwrap();
    send(&mailer, &hello()).await.unwrap();
    let waiting = store.until(|mail| mail["last_error"].is_string()).await;
    assert_eq!(waiting["state"], "pending");
    assert!(
        waiting["last_error"].as_str().unwrap().contains("no such account"),
        "{waiting:#}"
    );
    mailer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_development_writes_to_the_log_and_production_refuses() {
    let store = Store::new();
    let mailer = store.mailer("development", json!({}), NOW_MS).await.unwrap();
    send(&mailer, &hello()).await.unwrap();
    let mails = store.mails();
    assert_eq!((mails.len(), &mails[0]["state"]), (1, &json!("logged")));
    assert!(
        mailer
            .logged()
            .iter()
            .any(|line| line.contains("https://example.org/t/s3cr3t"))
    );
    mailer.stop().await.unwrap();
    let mailer = store.mailer("production", json!({}), NOW_MS).await.unwrap();
    assert_eq!(mailer.health().await.unwrap().status, PluginHealthStatus::Degraded);
    let refused = send(&mailer, &hello()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(store.mails().len(), 1, "what is refused is not stored");
    mailer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_nobody_could_send_is_refused_at_once() {
    let store = Store::new();
    let mailer = store.mailer("development", json!({}), NOW_MS).await.unwrap();
    let message = MailMessage {
        to: vec!["nobody".to_owned()],
        ..hello()
    };
    let refused = send(&mailer, &message).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.message().starts_with("to[0]: `nobody`"), "{refused}");
    assert!(store.mails().is_empty());
    mailer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_cannot_work_keeps_it_from_starting() {
    let store = Store::new();
    let why = |config: Value| {
        let store = &store;
        async move {
            match store.mailer("production", config, NOW_MS).await {
                Err(TestError::Plugin(error)) => error.message().to_owned(),
                other => panic!("it started: {other:?}"),
            }
        }
    };
    let base = json!({ "host": "mail.example.org", "tls": "none" });
    assert!(why(json!({ "smtp": base })).await.starts_with("from is not set"));
    assert!(
        why(json!({ "smtp": base, "from": "nobody" }))
            .await
            .starts_with("from: `nobody`")
    );
    let with = |key: &str, value: Value| {
        let mut smtp = base.clone();
        smtp[key] = value;
        json!({ "smtp": smtp, "from": "a@example.org" })
    };
    assert!(why(with("user", json!("relay"))).await.contains("no password"));
    assert!(
        why(with("passwordFile", json!("/no/such/file")))
            .await
            .starts_with("smtp.passwordFile:")
    );
    let mut open = with("user", json!("relay"));
    open["smtp"]["password"] = json!("p");
    assert!(why(open).await.contains("for all to read"));
}
