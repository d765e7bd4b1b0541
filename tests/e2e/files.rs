//! Fields of files: with a plugin that keeps files (`tests/fixtures/filekeeper`) values are ids that are looked up, held against
//! the field and told to whoever keeps them; without one they are what they are said to be.

use objectos_tests::{Client, Host, HostBuilder};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};

const OBJECT: &str = "name: paper
softDelete: {enabled: true}
fields:
  title: {type: text}
  logo: {type: image, fileAttachmentConfig: {maxSize: 1000, allowedTypes: [.png]}}
  scans: {type: file, multiple: true}
";

fn host(builder: HostBuilder) -> Host {
    let app = builder.folder().join("app");
    fs::create_dir_all(&app).expect("a folder");
    fs::write(app.join("objectos.app.yml"), "id: papers\nversion: 1.0.0\n").expect("a manifest");
    fs::write(app.join("paper.object.yml"), OBJECT).expect("an object");
    builder.app(&app).start()
}

/// Puts a file in, ready unless the rest says otherwise.
fn put(client: &mut Client, id: &str, name: &str, mime_type: &str, rest: &Value) {
    let mut file = json!({ "id": id, "name": name, "size": 10, "mimeType": mime_type, "status": "ready" });
    for (key, value) in rest.as_object().expect("an object") {
        file[key] = value.clone();
    }
    client.send("POST", "/filekeeper/files", &file).expect(201);
}

/// Waits until files are at exactly these places, `field/id` of one record.
fn settle(host: &Host, record: &str, expected: &[&str]) {
    let begun = Instant::now();
    loop {
        let places = host.client().get("/filekeeper/places").expect(200);
        let of_record = places.as_array().expect("a list").iter();
        let mut found: Vec<String> = of_record
            .filter(|place| place["record"] == record && place["object"] == "paper")
            .map(|place| {
                let text = |key: &str| place[key].as_str().unwrap_or_default();
                format!("{}/{}", text("field"), text("id"))
            })
            .collect();
        found.sort();
        if found == expected {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{found:?} is not {expected:?}\n{}",
            host.log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn files_are_looked_up_held_to_the_field_and_attached() {
    let host = host(HostBuilder::new().plugin("filekeeper"));
    let mut client = host.client();
    put(&mut client, "png", "logo.png", "image/png", &json!({}));
    put(&mut client, "big", "big.png", "image/png", &json!({ "size": 2000 }));
    put(&mut client, "gif", "a.gif", "image/gif", &json!({}));
    put(
        &mut client,
        "half",
        "half.png",
        "image/png",
        &json!({ "status": "pending" }),
    );
    put(
        &mut client,
        "sick",
        "sick.png",
        "image/png",
        &json!({ "status": "quarantined" }),
    );
    put(&mut client, "theirs", "t.png", "image/png", &json!({ "tenant": "t2" }));
    put(
        &mut client,
        "one",
        "one.pdf",
        "application/pdf",
        &json!({ "url": "https://files.test/one" }),
    );
    put(&mut client, "two", "two.pdf", "application/pdf", &json!({}));
    let refused = [
        (json!("none"), "the file 'none', which does not exist"),
        (json!("theirs"), "the file 'theirs', which does not exist"),
        (json!("half"), "whose upload is not complete"),
        (json!("sick"), "may not be read"),
        (json!("big"), "at most 1000 bytes"),
        (json!("gif"), "takes png only"),
        (json!("https://files.test/a.png"), "must be the id of a file"),
        // What a description says of itself counts for nothing.
        (json!({ "id": "big", "size": 1, "name": "a.png" }), "at most 1000 bytes"),
        (
            json!({ "url": "https://files.test/a.png", "name": "a.png" }),
            "must be the id of a file",
        ),
    ];
    for (logo, expected) in refused {
        let answer = client.send("POST", "/api/v1/data/paper", &json!({ "logo": logo }));
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 400, "{logo}: {text}");
        assert!(text.contains(expected), "{logo}: {expected:?} is not in {text}");
    }

    // Whoever keeps the files is away for the first call after the commit: it is made again.
    client
        .send("POST", "/filekeeper/refusals", &json!({ "times": 1 }))
        .expect(200);
    let made = client
        .send(
            "POST",
            "/api/v1/data/paper",
            &json!({ "id": "p1", "logo": "png", "scans": ["one", { "id": "two" }] }),
        )
        .expect(201);
    let one = json!({ "id": "one", "name": "one.pdf", "size": 10, "mimeType": "application/pdf", "url": "https://files.test/one" });
    let two = json!({ "id": "two", "name": "two.pdf", "size": 10, "mimeType": "application/pdf", "url": "/api/v1/storage/files/two" });
    let png = json!({ "id": "png", "name": "logo.png", "size": 10, "mimeType": "image/png", "url": "/api/v1/storage/files/png" });
    assert_eq!(made["record"]["logo"], png, "{made:#}");
    assert_eq!(made["record"]["scans"], json!([one, two]), "{made:#}");
    settle(&host, "p1", &["logo/png", "scans/one", "scans/two"]);

    // What comes back as it was read stays, although it could not be chosen any more; what is left out is detached.
    put(
        &mut client,
        "two",
        "two.pdf",
        "application/pdf",
        &json!({ "status": "deleted" }),
    );
    let kept = client
        .send(
            "PATCH",
            "/api/v1/data/paper/p1",
            &json!({ "scans": [two], "title": "a" }),
        )
        .expect(200);
    assert_eq!(kept["record"]["scans"], json!([two]), "{kept:#}");
    settle(&host, "p1", &["logo/png", "scans/two"]);

    // The bin keeps files; whoever is purged gives them back.
    client
        .request("DELETE", "/api/v1/data/paper/p1", &[], b"")
        .expect("an answer")
        .expect(200);
    client
        .send("POST", "/api/v1/data/paper", &json!({ "id": "p2", "logo": "png" }))
        .expect(201);
    settle(&host, "p2", &["logo/png"]);
    settle(&host, "p1", &["logo/png", "scans/two"]);
    client
        .request("DELETE", "/api/v1/data/paper/p1?purge=true", &[], b"")
        .expect("an answer")
        .expect(200);
    settle(&host, "p1", &[]);
    assert!(!host.log().contains("no plugin offers"), "{}", host.log());
}

#[test]
fn without_whoever_keeps_files_the_start_says_that_nothing_is_checked() {
    let host = host(HostBuilder::new());
    host.wait_for_log("no plugin offers the service 'file-storage': fields of files (paper.logo, paper.scans)");
    let logo = json!({ "name": "a.png", "url": "https://files.test/a.png" });
    let made = host
        .client()
        .send("POST", "/api/v1/data/paper", &json!({ "logo": logo }))
        .expect(201);
    assert_eq!(made["record"]["logo"], logo, "{made:#}");
}
