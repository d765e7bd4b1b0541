//! WebSockets through the real host: a plugin's route answers with one, and its clients are told to come back when the plugin or
//! the gateway is replaced, or the host stops.

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// The plugin that answers with sockets.
const PROBE: &str = "probe.a";
/// Says what it hears.
const ECHO: &str = "/probe/socket-echo";
/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// What an open socket counts for in its plugin: itself, and the message for its client that is waited for.
const HELD_BY_ONE: u64 = 2;

pub(crate) type Socket = WebSocket<TcpStream>;

/// A new socket; why there is none, otherwise.
pub(crate) fn connect(host: &Host, path: &str) -> Result<Socket, String> {
    let stream = TcpStream::connect(host.address()).map_err(|error| error.to_string())?;
    stream
        .set_read_timeout(Some(LIMIT))
        .map_err(|error| error.to_string())?;
    let url = format!("ws://{}{path}", host.address());
    let (socket, _) = client(url, stream).map_err(|error| error.to_string())?;
    Ok(socket)
}

fn start() -> Host {
    HostBuilder::new()
        .plugin("fixture-probe")
        .environment("OBJECTOS_WATCH", "false")
        .start()
}

fn echoes(socket: &mut Socket, message: &Message) {
    socket.send(message.clone()).unwrap();
    loop {
        match socket.read().unwrap() {
            Message::Ping(_) => {}
            heard => return assert_eq!(heard, *message),
        }
    }
}

/// Reads up to the close frame; answers its code.
fn closed_with(socket: &mut Socket) -> u16 {
    loop {
        if let Message::Close(frame) = socket.read().unwrap() {
            return frame.map_or(1005, |frame| frame.code.into());
        }
    }
}

/// Looks at the host until it is as it is to be.
fn until(host: &Host, what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what} did not come:\n{}", host.log());
    }
}

/// Sockets that hold the plugin.
fn held(host: &Host) -> Value {
    let metrics = host.client().get("/api/v1/kernel/metrics").expect(200);
    metrics["data"]["plugins"][PROBE]["inFlight"].clone()
}

fn swap(host: &Host, id: &str) {
    let path = format!("/api/v1/plugins/{id}/swap");
    host.client().send("POST", &path, &json!({})).expect(200);
}

#[test]
fn messages_go_through_to_the_plugin_and_back() {
    let host = start();
    let mut socket = connect(&host, ECHO).unwrap();
    for message in [
        Message::text("hello"),
        Message::text("grüße"),
        Message::binary(vec![0, 0xff, 0xfe]),
        Message::text("x".repeat(60_000)),
    ] {
        echoes(&mut socket, &message);
    }
    // What the plugin does not like ends it, and others go on.
    let mut other = connect(&host, "/probe/socket-greet").unwrap();
    assert_eq!(other.read().unwrap(), Message::text("a"));
    socket.send(Message::text("error")).unwrap();
    assert_eq!(closed_with(&mut socket), 1011);
    echoes(&mut other, &Message::text("still here"));
    // Whoever asks for none gets none.
    assert_eq!(host.client().get(ECHO).status, 500);
}

#[test]
fn a_swap_of_the_plugin_sends_its_clients_back_to_the_next_version() {
    let host = start();
    let mut socket = connect(&host, ECHO).unwrap();
    echoes(&mut socket, &Message::text("before"));
    swap(&host, PROBE);
    assert_eq!(closed_with(&mut socket), 1012);
    until(&host, "the end of the old version", || {
        host.plugin(PROBE)["lastSwap"]["unmapped"] == json!(true)
    });
    assert_eq!(host.plugin(PROBE)["generation"], json!(2));
    let mut socket = connect(&host, ECHO).unwrap();
    echoes(&mut socket, &Message::text("after"));
}

#[test]
fn a_swap_of_the_gateway_sends_them_back_to_the_next_one() {
    let host = start();
    let mut socket = connect(&host, ECHO).unwrap();
    echoes(&mut socket, &Message::text("before"));
    let one = || held(&host) == json!(HELD_BY_ONE);
    until(&host, "the first socket", one);
    swap(&host, "objectos.server");
    assert_eq!(closed_with(&mut socket), 1012);
    until(&host, "the end of the first socket", || held(&host) == json!(0));
    let mut socket = connect(&host, ECHO).unwrap();
    echoes(&mut socket, &Message::text("after"));
    // The plugin stayed.
    assert_eq!(host.plugin(PROBE)["generation"], json!(1));
    until(&host, "the second socket", one);
}

#[test]
fn clients_that_break_off_leave_nothing_behind() {
    let host = start();
    let mut sockets: Vec<Socket> = (0..20).map(|_| connect(&host, ECHO).unwrap()).collect();
    for socket in &mut sockets {
        echoes(socket, &Message::text("here"));
    }
    until(&host, "all sockets", || held(&host) == json!(20 * HELD_BY_ONE));
    drop(sockets);
    until(&host, "the end of all sockets", || held(&host) == json!(0));
}

#[test]
fn a_host_that_stops_says_so() {
    let mut host = start();
    let mut socket = connect(&host, ECHO).unwrap();
    echoes(&mut socket, &Message::text("before"));
    host.signal("TERM");
    assert_eq!(closed_with(&mut socket), 1012);
    drop(socket);
    assert_eq!(host.wait(), Some(0), "{}", host.log());
}
