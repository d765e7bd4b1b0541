//! Plugins that block their thread for good: their own callers read a timeout, everybody else is served, and the host stops.

use objectos_tests::{Client, Host, HostBuilder, plugins};
use serde_json::json;
use std::{
    net::SocketAddr,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// A request's time, milliseconds.
const REQUEST_MS: u64 = 5000;
/// The host's time to stop, milliseconds.
const STOP_MS: u64 = 12_000;
/// What a busy machine may take beyond a limit.
const SLACK: Duration = Duration::from_secs(10);
const AT_ONCE: usize = 16;

fn start(change: impl FnOnce(HostBuilder) -> HostBuilder) -> Host {
    let config = format!("plugins: {{ objectos.server: {{ limits: {{ requestMs: {REQUEST_MS} }} }} }}\n");
    let builder = HostBuilder::new()
        .plugin("misfit")
        .example("crm")
        .environment("OBJECTOS_STOP_LIMIT_MS", &STOP_MS.to_string())
        .config(&config);
    change(builder).start()
}

/// Asks for what blocks; answers status and time. `None`: no answer came.
fn ask_blocked(address: SocketAddr) -> JoinHandle<Option<(u16, Duration)>> {
    thread::spawn(move || {
        let begun = Instant::now();
        let answer = Client::new(address).request("GET", "/api/v1/misfit/block", &[], b"");
        answer.ok().map(|answer| (answer.status, begun.elapsed()))
    })
}

/// So many requests at once to what blocks: each ends at its limit, and data is served meanwhile.
fn others_are_served(host: &Host) {
    let blocked: Vec<_> = (0..AT_ONCE).map(|_| ask_blocked(host.address())).collect();
    let mut client = host.client();
    let mut served = 0;
    while !blocked.iter().all(JoinHandle::is_finished) {
        let begun = Instant::now();
        client.get("/api/v1/data/account?top=1").expect(200);
        assert!(begun.elapsed() < Duration::from_millis(REQUEST_MS));
        served += 1;
    }
    assert!(served >= AT_ONCE, "only {served} requests were served");
    for request in blocked {
        let (status, took) = request.join().unwrap().expect("an answer");
        assert_eq!(status, 504);
        assert!(took >= Duration::from_millis(REQUEST_MS / 2), "{took:?}");
        assert!(took < Duration::from_millis(REQUEST_MS) + SLACK, "{took:?}");
    }
}

/// Waits until the threads that the events of the seeds began have ended: they do so by themselves.
fn idles(host: &Host) {
    let begun = Instant::now();
    while host.plugin("test.misfit")["threads"]["running"] != json!(0) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", host.log());
        thread::sleep(Duration::from_millis(20));
    }
}

/// The host ends by itself, within its limit; nobody but the misfit is left behind.
fn stops(host: &mut Host) {
    let begun = Instant::now();
    let exit = host.terminate();
    let took = begun.elapsed();
    assert_eq!(exit, Some(0), "{}", host.log());
    assert!(took < Duration::from_millis(STOP_MS) + SLACK, "{took:?}");
}

#[test]
fn a_route_that_blocks_its_thread_for_good_costs_that_plugin_only() {
    let mut host = start(|builder| builder);
    idles(&host);
    others_are_served(&host);
    let plugin = host.plugin("test.misfit");
    assert_eq!(
        (&plugin["threads"]["mode"], &plugin["threads"]["running"]),
        (&json!("own"), &json!(8)),
        "{plugin:#}"
    );
    host.wait_for_log("all threads of a plugin are blocked");
    stops(&mut host);
    let log = host.log();
    let left: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("a plugin did not stop within the limit"))
        .collect();
    assert!(
        left.len() == 1 && left[0].contains("test.misfit"),
        "left behind: {left:#?}"
    );
}

#[test]
fn a_plugin_that_shares_threads_and_blocks_one_is_called_on_its_own_from_then_on() {
    let mut host = start(|builder| {
        plugins::edit_manifest(&builder.plugins().join("misfit.so"), |document| {
            document["manifest"]["description"] = json!("");
            document["objectos"]["threads"] = json!("shared");
        });
        builder
    });
    assert_eq!(host.plugin("test.misfit")["threads"]["mode"], "shared");
    // It keeps one of the gateway's threads.
    let first = ask_blocked(host.address());
    let told = host.wait_for_line(&["a plugin blocks a thread that it shares with others", "test.misfit"]);
    assert!(told.contains("one of its routes"), "{told}");
    others_are_served(&host);
    let plugin = host.plugin("test.misfit");
    assert_eq!(plugin["threads"]["mode"], "own", "{plugin:#}");
    stops(&mut host);
    first.join().expect("the first client ends with the host");
}
