//! What goes wrong with a bucket, and what is said of it.

use objectos_plugin_api::contracts::event_archive::S3_ARCHIVE;
use objectos_plugin_api::contracts::event_store::{RangeRequest, StoredEvent};
use objectos_plugin_api::{Error, ErrorKind};
use objectos_plugin_testing::TestPlugin;
use serde_json::{Value, json};

use crate::s3_server::{Mood, S3Server, SECRET};
use crate::world::{ask, done, plugin, s3};

async fn append(plugin: &TestPlugin) -> Result<(), Error> {
    let events = [done(1, "a.b", 0, &json!(null))];
    ask(plugin, S3_ARCHIVE, "append", &events).await
}

async fn range(plugin: &TestPlugin) -> Result<Vec<StoredEvent>, Error> {
    let all = RangeRequest {
        limit: 10,
        ..RangeRequest::default()
    };
    ask(plugin, S3_ARCHIVE, "range", &all).await
}

fn check(error: &Error, parts: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::External, "{error}");
    for part in parts {
        assert!(error.message().contains(part), "{part}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_and_a_missing_bucket_say_what_to_do() {
    let server = S3Server::start();
    for (config, parts) in [
        (
            json!({ "secretAccessKey": "another" }),
            ["SignatureDoesNotMatch", "correct the secret access key"],
        ),
        (json!({ "accessKeyId": "NOBODY" }), ["NotSignedUp", "s3.accessKeyId"]),
        (
            json!({ "bucket": "nowhere" }),
            ["NoSuchBucket", "bucket nowhere at 127.0.0.1:"],
        ),
    ] {
        let plugin = plugin(s3(&server, &config), &[]).await.unwrap();
        check(&range(&plugin).await.unwrap_err(), &parts);
        assert_eq!(server.take_seen().len(), 1, "asking again is of no use: {config}");
        plugin.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_is_asked_again() {
    let server = S3Server::start();
    let plugin = plugin(s3(&server, &json!({})), &[]).await.unwrap();
    server.set(Mood::Busy(3));
    append(&plugin).await.unwrap();
    assert_eq!(server.take_seen().len(), 4);
    assert_eq!(range(&plugin).await.unwrap().len(), 1);
    server.set(Mood::Busy(usize::MAX));
    let error = append(&plugin).await.unwrap_err();
    check(
        &error,
        &[
            "key archive/2026-02-28/",
            "PUT failed 4 times (status 503, SlowDown: ",
            "see to the server",
        ],
    );
    server.set(Mood::Well);
    append(&plugin).await.unwrap();
    assert_eq!(range(&plugin).await.unwrap().len(), 1);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_is_given_up_and_nothing_is_doubled() {
    let server = S3Server::start();
    let config = json!({ "timeoutMs": 100, "retry": {"attemptsMax": 2, "delayMs": 1} });
    let hasty = plugin(s3(&server, &config), &[]).await.unwrap();
    // The short limit is for the server that says nothing; one that answers has the time it needs.
    let patient = plugin(s3(&server, &json!({})), &[]).await.unwrap();
    server.set(Mood::Mute);
    let error = append(&hasty).await.unwrap_err();
    check(&error, &["PUT failed 2 times (no answer in time)"]);
    server.set(Mood::Well);
    append(&patient).await.unwrap();
    assert_eq!(server.objects().len(), 1, "it was written three times");
    hasty.stop().await.unwrap();
    patient.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_told_of() {
    let server = S3Server::start();
    let config = s3(&server, &json!({}));
    let plugin = plugin(config, &[]).await.unwrap();
    drop(server);
    let error = loop {
        // Its thread ends a moment later than the server is dropped.
        if let Err(error) = append(&plugin).await {
            break error;
        }
    };
    check(&error, &["bucket events at 127.0.0.1:", "PUT failed 4 times ("]);
    plugin.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_bucket_the_setting_is_named() {
    let plugin = plugin(json!({}), &[]).await.unwrap();
    for error in [append(&plugin).await.unwrap_err(), range(&plugin).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("set plugins.objectos.storage.s3"), "{error}");
    }
    plugin.stop().await.unwrap();
}

/// The configuration with the secret in another way.
fn secret(server: &S3Server, more: &Value) -> Value {
    let mut config = s3(server, more);
    config["s3"].as_object_mut().unwrap().remove("secretAccessKey");
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_may_stand_in_a_file_or_in_the_environment() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\nanother line\n")).unwrap();
    for config in [
        secret(&server, &json!({ "secretAccessKeyFile": file })),
        secret(&server, &json!({ "secretAccessKeyEnv": "S3_SECRET" })),
    ] {
        let plugin = plugin(config, &[("S3_SECRET", SECRET)]).await.unwrap();
        append(&plugin).await.unwrap();
        plugin.stop().await.unwrap();
    }
    for (config, part) in [
        (
            secret(&server, &json!({})),
            "set s3.secretAccessKeyFile or s3.secretAccessKeyEnv",
        ),
        (
            s3(&server, &json!({ "secretAccessKeyEnv": "S3_SECRET" })),
            "not several",
        ),
        (
            secret(&server, &json!({ "secretAccessKeyFile": "/nowhere" })),
            "s3.secretAccessKeyFile: /nowhere",
        ),
        (
            secret(&server, &json!({ "secretAccessKeyEnv": "NOWHERE" })),
            "s3.secretAccessKeyEnv: ",
        ),
        (
            s3(&server, &json!({ "endpoint": "minio" })),
            "s3.endpoint: `minio` is no address of a server",
        ),
    ] {
        let error = plugin(config.clone(), &[]).await.unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
        assert!(!error.contains(SECRET), "{error}");
    }
}
