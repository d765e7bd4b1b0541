//! Hot swap under load: no request fails, memory stays.

use objectos_tests::{Answer, HostBuilder, load::Load, plugins};
use serde_json::json;
use std::{fs, io, net::SocketAddr};

use crate::permissions::people::People;

/// Swaps in all, over all plugins.
const SWAPS: usize = 200;
/// After so many, memory is taken as the mark.
const WARM: usize = 20;
/// Looks at the memory for the mark, and at most at the end: a swap reads a whole library, and the last version to go may still
/// be on its way out.
const SAMPLES_WARM: usize = 100;
const SAMPLES_END: usize = 500;
/// Every plugin that is loaded: those of the README's run, and a third party's.
const PLUGINS: [&str; 10] = [
    "objectos.data",
    "objectos.server",
    "objectos.auth",
    "objectos.permissions",
    "objectos.audit",
    "objectos.notification",
    "objectos.realtime",
    "objectos.graphql",
    "objectos.storage",
    "example.hello",
];

/// What counts as a failed request.
fn judged(answer: io::Result<Answer>) -> Result<(), String> {
    match answer {
        Ok(answer) if answer.status < 300 => Ok(()),
        Ok(answer) => Err(format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))),
        Err(error) => Err(error.to_string()),
    }
}

/// Somebody who is signed in reads, lists and makes records, and is greeted by the third party's plugin.
fn signed_in_load(address: SocketAddr, token: &str, path: String) -> Load {
    let bearer = format!("Bearer {token}");
    Load::start(address, 8, move |client, connection, number| {
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        judged(match (connection % 4, number % 16) {
            (0, 0) => {
                let body = json!({"name": format!("Made {number}")}).to_string();
                client.request("POST", "/api/v1/data/account", &headers, body.as_bytes())
            }
            (1, _) => client.request("GET", "/api/v1/hello/Ada", &headers, b""),
            (2, _) => client.request("GET", "/api/v1/data/account?top=3", &headers, b""),
            _ => client.request("GET", &path, &headers, b""),
        })
    })
}

/// The least memory in so many looks, each after a request; ends at the first that is no more than `enough`.
fn least_memory(host: &objectos_tests::Host, people: &mut People, samples: usize, enough: u64) -> u64 {
    let mut least = host.resident_memory_bytes();
    for _ in 0..samples {
        if least <= enough {
            break;
        }
        people.admin.get("/api/v1/plugins").expect(200);
        least = least.min(host.resident_memory_bytes());
    }
    least
}

#[test]
fn two_hundred_swaps_of_all_plugins_under_load_fail_no_request_and_keep_memory() {
    let builder = [
        "auth",
        "permissions",
        "audit",
        "notification",
        "realtime",
        "graphql",
        "storage",
        "hello",
    ]
    .into_iter()
    .fold(HostBuilder::new(), HostBuilder::plugin);
    let host = builder.example("crm").start();
    let mut people = People::new(&host);
    let mut anna = people.user("anna");
    people.give_role(&anna, "sales_user");
    let account = anna.make("account", &json!({"name": "Steady"}));
    let load = signed_in_load(host.address(), anna.token(), format!("/api/v1/data/account/{account}"));
    let mut mark = 0;
    for number in 0..SWAPS {
        let id = PLUGINS[number % PLUGINS.len()];
        let report = people
            .admin
            .send("POST", &format!("/api/v1/plugins/{id}/swap"), &json!({}));
        let text = String::from_utf8_lossy(&report.body).into_owned();
        assert_eq!(report.status, 200, "swap {number} of {id}: {text}");
        let failures = load.failures();
        assert!(failures.is_empty(), "swap {number} of {id}: {failures:?}");
        if number + 1 == WARM {
            mark = least_memory(&host, &mut people, SAMPLES_WARM, 0);
        }
    }
    let (count, failures) = load.stop();
    assert!(failures.is_empty(), "{failures:?}");
    assert!(count > 1_000, "there was load: {count} requests");
    let memory = least_memory(&host, &mut people, SAMPLES_END, mark + mark / 10);
    assert!(
        memory <= mark + mark / 10,
        "memory grew from {mark} to {memory} bytes over {} swaps ({count} requests)",
        SWAPS - WARM
    );
    // All that is loaded was swapped, and nobody became somebody else on the way.
    let listed = people.admin.get("/api/v1/plugins").expect(200);
    let listed = listed.get("data").unwrap_or(&listed)["plugins"]
        .as_array()
        .expect("a list")
        .clone();
    let mut ids: Vec<&str> = listed.iter().filter_map(|plugin| plugin["id"].as_str()).collect();
    ids.sort_unstable();
    let mut expected = PLUGINS;
    expected.sort_unstable();
    assert_eq!(ids, expected);
    for plugin in &listed {
        let generation = plugin["generation"].as_u64().expect("a number");
        assert!(
            generation > SWAPS as u64 / PLUGINS.len() as u64,
            "{} has generation {generation}",
            plugin["id"]
        );
    }
    assert_eq!(host.client().get("/api/v1/data/account").status, 401);
    // By a connection of its own: the other was closed when the gateway was swapped last.
    assert_eq!(anna.at(&host).get("/api/v1/data/account?top=1").status, 200);
}

#[test]
fn a_file_that_is_replaced_in_development_is_swapped_by_itself() {
    let host = HostBuilder::new().plugin("hello").start();
    let before = host.plugin("example.hello")["generation"]
        .as_u64()
        .expect("a generation");
    let library = host.plugins().join("hello.so");
    let bytes = fs::read(&library).expect("a library can be read");
    plugins::put(&library, &bytes);
    plugins::edit_manifest(&library, |document| {
        document["manifest"]["description"] = json!("Changed")
    });
    let begun = std::time::Instant::now();
    while host.plugin("example.hello")["generation"].as_u64() == Some(before) {
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(20),
            "not swapped:\n{}",
            host.log()
        );
    }
    host.client().get("/api/v1/hello/Ada").expect(200);
}

#[test]
fn a_bad_file_leaves_the_running_version_alone() {
    let host = HostBuilder::new()
        .plugin("hello")
        .environment("OBJECTOS_WATCH", "false")
        .start();
    let mut client = host.client();
    let library = host.plugins().join("hello.so");
    let bytes = fs::read(&library).expect("a library can be read");
    plugins::put(&library, &bytes[..bytes.len() / 2]);
    let report = client.send("POST", "/api/v1/plugins/example.hello/swap", &json!({}));
    assert!(report.status >= 400, "{}", String::from_utf8_lossy(&report.body));
    assert_eq!(client.get("/api/v1/hello/Ada").expect(200)["text"], "Hello, Ada!");
    plugins::put(&library, &bytes);
    client
        .send("POST", "/api/v1/plugins/example.hello/swap", &json!({}))
        .expect(200);
    assert_eq!(client.get("/api/v1/hello/Ada").expect(200)["text"], "Hello, Ada!");
}
