//! Events over real sockets: each client hears what it could read over REST at that moment, as it could read it, and nothing
//! after its session ended; rooms are of one tenant; streams and polls go on where they were; the bus's section pushes.

mod ears;

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};

use self::ears::{Ears, Heard, Stream};
use crate::permissions::people::{People, Person};

const AUTH: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";
const DEAL: &str = "name: deal\nfields:\n  name: {type: text}\n  secret: {type: text}\n  iban: {type: text, maskingRule: \
                    {field: iban, strategy: partial, exemptRoles: [super_admin]}}\n";
const NOTE: &str = "name: note\ntenancy: {enabled: true, strategy: shared}\nsoftDelete: {enabled: true}\nfields:\n  text: \
                    {type: text}\n";
const SHARING: &str = "orgDefaults:\n  deal: private\n  note: private\n";
const BOSS: &str = "name: deal_boss\nobjects:\n  deal: {allowRead: true, viewAllRecords: true}\n";
const SELLER: &str =
    "name: deal_seller\nobjects:\n  deal: {allowRead: true}\nfields:\n  deal.secret: {readable: false}\n";
const NOTES: &str = "name: notes\nobjects:\n  note: {allowRead: true, allowCreate: true, allowEdit: true, allowDelete: true, \
                     allowRestore: true, viewAllRecords: true, modifyAllRecords: true}\n";
const AUDITOR: &str = "name: auditor\nsystemPermissions: [view_audit, manage_platform]\n";
const IBAN: &str = "DE12345678901111";
const SECRET: &str = "sesame";

fn builder(config: &str) -> HostBuilder {
    let plugins = ["auth", "permissions", "realtime"];
    let builder = plugins.into_iter().fold(HostBuilder::new(), HostBuilder::plugin);
    let app = builder.folder().join("deals");
    std::fs::create_dir_all(&app).expect("a folder");
    for (name, text) in [
        ("objectos.app.yml", "id: deals\nversion: 1.0.0\n"),
        ("deal.object.yml", DEAL),
        ("note.object.yml", NOTE),
        ("deals.sharing.yml", SHARING),
        ("deal_boss.permission.yml", BOSS),
        ("deal_seller.permission.yml", SELLER),
        ("notes.permission.yml", NOTES),
        ("auditor.permission.yml", AUDITOR),
    ] {
        std::fs::write(app.join(name), text).expect("a file");
    }
    builder.app(&app).config(&format!("{AUTH}{config}"))
}

fn host() -> Host {
    builder("").start()
}

fn ears(host: &Host, person: &Person) -> Ears {
    Ears::of(host.address(), person.token())
}

/// The administrator makes a deal that is somebody's.
fn deal(people: &mut People, owner: &str, name: &str) -> String {
    let record = json!({"name": name, "secret": SECRET, "iban": IBAN, "owner_id": owner});
    people.admin.make("deal", &record)
}

fn change(people: &mut People, id: &str, change: &Value) {
    let path = format!("/api/v1/data/deal/{id}");
    people.admin.send("PATCH", &path, change).expect(200);
}

/// Name of the event and of the record.
fn about(event: &Value) -> (&str, &str) {
    let name = event["eventName"].as_str().unwrap_or_default();
    (name, event["payload"]["recordId"].as_str().unwrap_or_default())
}

#[test]
fn events_of_records_are_what_rest_would_answer() {
    let host = host();
    let mut people = People::new(&host);
    let (boss, seller, outsider) = (people.user("boss"), people.user("seller"), people.user("outsider"));
    people.give_set(&boss, "deal_boss");
    people.give_set(&seller, "deal_seller");
    let mut all: Vec<Ears> = [&boss, &seller, &outsider].map(|person| ears(&host, person)).into();
    for ears in &mut all {
        ears.subscribe(json!({"events": ["data.record.*"], "objects": ["deal"]}));
    }
    let admin = people.admin.id.clone();
    let foreign = deal(&mut people, &admin, "Foreign");
    let own = deal(&mut people, &seller.id, "Own");

    let event = all[0].expect("event");
    assert_eq!(about(&event), ("data.record.created", foreign.as_str()));
    assert_eq!(event["payload"]["after"]["secret"], SECRET);
    let event = all[0].expect("event");
    assert_eq!(about(&event), ("data.record.created", own.as_str()));
    assert!(!event.to_string().contains(IBAN), "the mask is on: {event:#}");

    // The foreign one came first, and was not for the seller.
    let event = all[1].expect("event");
    assert_eq!(about(&event), ("data.record.created", own.as_str()));
    assert_eq!(event["object"], "deal");
    assert_eq!(event["payload"]["after"]["name"], "Own");
    assert!(event["payload"]["after"].get("secret").is_none(), "{event:#}");
    for hidden in [IBAN, SECRET, "origin", "address"] {
        assert!(!event.to_string().contains(hidden), "{hidden}: {event:#}");
    }
    all[2].hears_nothing();

    // A change of what the seller does not see is none.
    change(&mut people, &own, &json!({"secret": "another"}));
    change(&mut people, &own, &json!({"name": "Renamed", "secret": "a third"}));
    let event = all[1].expect("event");
    assert_eq!(about(&event), ("data.record.updated", own.as_str()));
    assert_eq!(event["payload"]["changes"], json!(["name"]));
    assert_eq!(event["payload"]["after"]["name"], "Renamed");
    let changes = [all[0].expect("event"), all[0].expect("event")].map(|event| event["payload"]["changes"].clone());
    assert_eq!(changes, [json!(["secret"]), json!(["name", "secret"])]);
    all[2].hears_nothing();
}

#[test]
fn that_a_record_is_gone_is_for_those_who_saw_it() {
    let host = host();
    let mut people = People::new(&host);
    let (boss, seller) = (people.user("boss"), people.user("seller"));
    people.give_set(&boss, "deal_boss");
    people.give_set(&seller, "deal_seller");
    let admin = people.admin.id.clone();
    let foreign = deal(&mut people, &admin, "Foreign");
    let own = deal(&mut people, &seller.id, "Own");
    let mut boss = ears(&host, &boss);
    let mut seller = ears(&host, &seller);
    for ears in [&mut boss, &mut seller] {
        ears.subscribe(json!({"events": ["record.deleted"], "objects": ["deal"]}));
    }
    for id in [&foreign, &own] {
        let path = format!("/api/v1/data/deal/{id}");
        people.admin.send("DELETE", &path, &Value::Null).expect(200);
    }
    let heard = [boss.expect("event"), boss.expect("event")];
    assert_eq!(about(&heard[0]), ("record.deleted", foreign.as_str()));
    assert_eq!(about(&heard[1]), ("record.deleted", own.as_str()));
    let event = seller.expect("event");
    assert_eq!(
        about(&event),
        ("record.deleted", own.as_str()),
        "the foreign one was not there for the seller"
    );
    assert!(!event.to_string().contains(SECRET), "{event:#}");
    seller.hears_nothing();
}

/// Somebody with an organisation of their own.
fn owner_of(people: &mut People, name: &str) -> Person {
    let mut owner = people.user(name);
    people.give_set(&owner, "notes");
    let body = json!({"name": name, "slug": name});
    let made = owner
        .send("POST", "/api/v1/auth/organization/create", &body)
        .expect(200);
    let active = json!({"organizationId": made["id"]});
    owner
        .send("POST", "/api/v1/auth/organization/set-active", &active)
        .expect(200);
    owner
}

#[test]
fn tenants_hear_their_own() {
    let host = host();
    let mut people = People::new(&host);
    let (mut one, mut two) = (owner_of(&mut people, "one"), owner_of(&mut people, "two"));
    let (mut first, mut second) = (ears(&host, &one), ears(&host, &two));
    for ears in [&mut first, &mut second] {
        ears.subscribe(json!({"events": ["data.record.*"], "objects": ["note"]}));
        ears.subscribe(json!({"events": [], "channels": ["lobby"]}));
    }
    let note = one.make("note", &json!({"text": "of one"}));
    one.send("DELETE", &format!("/api/v1/data/note/{note}"), &Value::Null)
        .expect(200);
    let other = two.make("note", &json!({"text": "of two"}));
    // What was made in between is gone: only that is left to be heard, by those who may look into the bin.
    let heard = first.expect("event");
    assert_eq!(about(&heard).1, note);
    let heard = second.expect("event");
    assert_eq!(about(&heard), ("data.record.created", other.as_str()));
    // A room of the same name is another tenant's, too.
    first.say("presence", json!({"presence": {"status": "online"}}));
    first.until_pong();
    second.hears_nothing();
}

#[test]
fn nothing_is_heard_after_a_session_ended_however_it_ends() {
    let host = host();
    let mut people = People::new(&host);
    for (name, path) in [
        ("leaves", "sign-out"),
        ("thrown_out", "admin/revoke-user-sessions"),
        ("disabled", "admin/ban-user"),
    ] {
        let mut seller = people.user(name);
        people.give_set(&seller, "deal_seller");
        let mut ears = ears(&host, &seller);
        ears.subscribe(json!({"events": ["*"], "objects": ["deal"]}));
        deal(&mut people, &seller.id, "Before");
        ears.expect("event");
        let path = format!("/api/v1/auth/{path}");
        let body = json!({"userId": seller.id});
        if name == "leaves" {
            seller.send("POST", &path, &json!({})).expect(200);
        } else {
            people.admin.send("POST", &path, &body).expect(200);
        }
        deal(&mut people, &seller.id, "After");
        let (heard, code, reason) = ears.until_closed();
        assert!(heard.is_empty(), "{name}: {heard:#?}");
        assert_eq!((code, reason.as_str()), (4401, "Session expired"), "{name}");
    }
}

#[test]
fn a_right_that_is_taken_away_is_gone_at_once() {
    let host = host();
    let mut people = People::new(&host);
    let boss = people.user("boss");
    let given = people.give_set(&boss, "deal_boss");
    let mut boss = ears(&host, &boss);
    boss.subscribe(json!({"events": ["data.record.created"], "objects": ["deal"]}));
    let admin = people.admin.id.clone();
    deal(&mut people, &admin, "Before");
    boss.expect("event");
    let path = format!("/api/v1/permissions/assignments/{given}");
    let taken = people.admin.send("DELETE", &path, &Value::Null);
    assert!(taken.status < 300, "{}", String::from_utf8_lossy(&taken.body));
    // The administrator hears when the event went round.
    let mut witness = ears(&host, &people.admin);
    witness.subscribe(json!({"events": ["data.record.created"], "objects": ["deal"]}));
    for name in ["After", "Later"] {
        deal(&mut people, &admin, name);
        witness.expect("event");
    }
    boss.hears_nothing();
}

#[test]
fn whoever_is_nobody_hears_why() {
    let host = host();
    let people = People::new(&host);
    let token = people.admin.token();
    for (path, headers, reason) in [
        ("/ws", vec![], "Authentication required"),
        ("/ws?token=nobody", vec![], "Invalid session"),
        (
            "/api/v1/realtime/ws",
            vec![("authorization", "Bearer x")],
            "Invalid session",
        ),
    ] {
        let mut ears = Ears::open(host.address(), path, &headers);
        assert_eq!(ears.next(), Heard::Closed(4401, reason.to_owned()), "{path}");
    }
    let by_protocol = format!("auth, {token}");
    let mut ears = Ears::open(
        host.address(),
        "/ws",
        &[("sec-websocket-protocol", by_protocol.as_str())],
    );
    assert_eq!(ears.protocol.as_deref(), Some("auth"));
    ears.hears_nothing();
    let mut ears = Ears::open(host.address(), &format!("/api/v1/realtime/ws?token={token}"), &[]);
    ears.hears_nothing();

    // A cookie is good for pages of ours, and for no others.
    let mut client = host.client();
    let body = json!({"email": "root@example.com", "password": "correct horse battery 9"});
    let answer = client.send("POST", "/api/v1/auth/sign-in/email", &body);
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let cookie = cookie.expect("a cookie").to_owned();
    let own = format!("http://{}", host.address());
    let headers = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    Ears::open(host.address(), "/ws", &headers).hears_nothing();
    let headers = [("cookie", cookie.as_str()), ("origin", "https://evil.example")];
    assert_eq!(Ears::try_open(host.address(), "/ws", &headers).err(), Some(403));
}

#[test]
fn of_the_trail_it_is_heard_that_a_row_was_written_and_no_values() {
    let host = builder("").plugin("audit").start();
    let mut people = People::new(&host);
    let mut mona = people.user("mona");
    people.give_set(&mona, "auditor");
    let mut ears = ears(&host, &mona);
    ears.subscribe(json!({"events": ["audit.*"]}));
    let admin = people.admin.id.clone();
    let made = deal(&mut people, &admin, "Hush");
    // Rows about sign-ins and permissions are told of, too.
    let event = loop {
        let event = ears.expect("event");
        if event["payload"]["recordId"] == json!(made) {
            break event;
        }
    };
    assert_eq!(event["eventName"], "audit.event.recorded");
    assert_eq!(
        (&event["payload"]["eventType"], &event["payload"]["objectName"]),
        (&json!("data.create"), &json!("deal"))
    );
    for hidden in ["Hush", SECRET, IBAN, "changes"] {
        assert!(!event.to_string().contains(hidden), "{hidden}: {event:#}");
    }
    let row = mona.get(&format!("/api/v1/audit/events?recordId={made}")).expect(200);
    assert!(row.to_string().contains("[withheld]"), "{row:#}");
    assert!(!row.to_string().contains(SECRET), "{row:#}");
}

#[test]
fn bad_frames_are_told_what_is_wrong_and_close_nothing() {
    let host = host();
    let people = People::new(&host);
    let mut ears = ears(&host, &people.admin);
    for (text, part) in [
        ("{", "not JSON"),
        ("[]", "a JSON object"),
        (r#"{"type":"ping"}"#, "messageId"),
        (
            r#"{"messageId":"00000000-0000-4000-8000-000000000000","type":"shout"}"#,
            "shout",
        ),
    ] {
        ears.say_text(text);
        let error = ears.expect("error");
        assert_eq!(error["code"], "INVALID_MESSAGE", "{text}");
        assert!(
            error["message"].as_str().is_some_and(|message| message.contains(part)),
            "{text}: {error:#}"
        );
    }
    let wish = json!({"subscriptionId": ears::id(), "events": ["*"], "filters": {"conditions": [
        {"field": "name", "operator": "regex", "value": "("},
    ]}});
    ears.say("subscribe", json!({"subscription": wish}));
    let ack = ears.expect("ack");
    assert_eq!(ack["success"], false, "{ack:#}");
    let kept = ears.subscribe(json!({"events": ["auth.*"]}));
    for request in [
        json!({"subscriptionId": kept}),
        json!({"subscriptionIds": []}),
        json!({"all": true}),
    ] {
        ears.say("unsubscribe", json!({"request": request}));
        let answer = ears.message();
        let nothing = request == json!({"subscriptionIds": []});
        assert_eq!(answer["type"], if nothing { "error" } else { "ack" }, "{request}");
    }
    ears.hears_nothing();
}

#[test]
fn a_key_that_may_only_read_only_listens() {
    let host = host();
    let mut people = People::new(&host);
    let key = |people: &mut People, scope: &str| {
        let body = json!({"name": scope, "scopes": [scope]});
        let made = people.admin.send("POST", "/api/v1/auth/api-key/create", &body);
        made.expect(200)["key"].as_str().expect("a key").to_owned()
    };
    let [read, write] = ["read", "write"].map(|scope| key(&mut people, scope));
    let [mut reads, mut writes] =
        [read, write].map(|key| Ears::open(host.address(), "/ws", &[("x-api-key", key.as_str())]));
    for ears in [&mut reads, &mut writes] {
        ears.subscribe(json!({"events": [], "channels": ["lobby"]}));
    }
    for (kind, more) in [
        ("presence", json!({"presence": {"status": "online"}})),
        ("cursor", json!({"cursor": {"documentId": "lobby"}})),
    ] {
        reads.say(kind, more.clone());
        assert_eq!(reads.expect("error")["code"], "FORBIDDEN", "{kind}");
        writes.hears_nothing();
        writes.say(kind, more);
        reads.expect(kind);
    }
}

#[test]
fn bytes_count_as_messages_too() {
    let host = builder("  objectos.realtime: {messagesPerSecondMax: 2}\n").start();
    let people = People::new(&host);
    let mut ears = ears(&host, &people.admin);
    (0..50).for_each(|_| ears.say_bytes(&[0]));
    loop {
        let error = ears.expect("error");
        if error["code"] == "RATE_LIMITED" {
            break;
        }
        assert_eq!(error["code"], "INVALID_MESSAGE", "{error:#}");
    }
}

#[test]
fn whoever_hears_a_channel_no_more_is_there_no_more() {
    let host = host();
    let people = People::new(&host);
    let (mut one, mut other) = (ears(&host, &people.admin), ears(&host, &people.admin));
    let lobby = json!({"events": [], "channels": ["lobby"]});
    other.subscribe(lobby.clone());
    let subscription = one.subscribe(lobby);
    one.say("presence", json!({"presence": {"status": "online"}}));
    assert_eq!(other.expect("presence")["presence"]["status"], "online");
    // The same subscription, for another channel.
    let kitchen = json!({"subscriptionId": subscription, "events": [], "channels": ["kitchen"]});
    one.say("subscribe", json!({"subscription": kitchen}));
    one.expect("ack");
    assert_eq!(other.expect("presence")["presence"]["status"], "offline");
}

#[test]
fn those_at_the_same_document_hear_each_other() {
    let host = host();
    let mut people = People::new(&host);
    let (ann, bob, boss) = (people.user("ann"), people.user("bob"), people.user("boss"));
    for (person, set) in [(&ann, "deal_seller"), (&bob, "deal_seller"), (&boss, "deal_boss")] {
        people.give_set(person, set);
    }
    let own = deal(&mut people, &ann.id, "Of Ann");
    let document = format!("deal:{own}");
    let (mut anns, mut bobs, mut bosss) = (ears(&host, &ann), ears(&host, &bob), ears(&host, &boss));
    anns.subscribe(json!({"events": [], "channels": [document, "lobby"]}));
    bobs.subscribe(json!({"events": [], "channels": [document]}));
    anns.say("presence", json!({"presence": {"status": "busy", "userId": bob.id}}));
    anns.hears_nothing();
    // Whoever comes is shown who is there, and nobody is somebody else.
    bosss.subscribe(json!({"events": [], "channels": [format!("deal/{own}")]}));
    let shown = bosss.expect("presence");
    assert_eq!(
        (&shown["presence"]["userId"], &shown["presence"]["status"]),
        (&json!(ann.id), &json!("busy"))
    );

    anns.say(
        "cursor",
        json!({"cursor": {"documentId": document, "position": {"line": 1, "column": 2}}}),
    );
    let heard = bosss.expect("cursor");
    assert_eq!(heard["cursor"]["userId"], json!(ann.id));
    assert_eq!(heard["cursor"]["position"]["column"], 2);
    let operation = json!({
        "operationId": "o1", "documentId": document, "type": "insert", "position": {"line": 1, "column": 2},
        "content": "x", "version": 3,
    });
    anns.say("edit", json!({"operation": operation}));
    anns.expect("ack");
    assert_eq!(bosss.expect("edit")["operation"]["content"], "x");

    // Bob may not read the deal: he hears nothing there, and is not heard.
    bobs.hears_nothing();
    bobs.say("cursor", json!({"cursor": {"documentId": document}}));
    assert_eq!(bobs.expect("error")["code"], "NOT_FOUND");
    bobs.say("cursor", json!({"cursor": {"documentId": "lobby"}}));
    assert_eq!(bobs.expect("error")["code"], "NOT_SUBSCRIBED");
    bosss.hears_nothing();

    drop(anns);
    let left = bosss.expect("presence");
    assert_eq!(
        (&left["presence"]["userId"], &left["presence"]["status"]),
        (&json!(ann.id), &json!("offline"))
    );
}

#[test]
fn streams_and_polls_go_on_where_they_were() {
    let host = host();
    let mut people = People::new(&host);
    let admin = people.admin.id.clone();
    let connect = |people: &mut People, transport: &str| {
        let body = json!({"transport": transport, "channels": ["deal"]});
        people.admin.send("POST", "/api/v1/realtime/connect", &body).expect(200)["url"]
            .as_str()
            .expect("a url")
            .to_owned()
    };
    let (events, polled) = (connect(&mut people, "sse"), connect(&mut people, "polling"));
    let bearer = format!("Bearer {}", people.admin.token());
    let made: Vec<String> = ["One", "Two", "Three"]
        .map(|name| deal(&mut people, &admin, name))
        .into();

    let mut stream = Stream::open(host.address(), &events, &[("authorization", bearer.as_str())]);
    let (first, event) = stream.next();
    assert_eq!(about(&event), ("data.record.created", made[0].as_str()));
    drop(stream);
    let headers = [("authorization", bearer.as_str()), ("last-event-id", first.as_str())];
    let mut stream = Stream::open(host.address(), &events, &headers);
    for id in &made[1..] {
        assert_eq!(about(&stream.next().1).1, id);
    }

    let (mut after, mut heard) = (0, Vec::new());
    while heard.len() < made.len() {
        let answer = people.admin.get(&format!("{polled}&after={after}")).expect(200);
        after = answer["after"].as_u64().expect("a number");
        let messages = answer["messages"].as_array().expect("messages");
        heard.extend(messages.iter().map(|entry| about(&entry["message"]).1.to_owned()));
    }
    assert_eq!(heard, made);

    let mut stranger = people.user("stranger");
    for url in [&events, &polled] {
        assert_eq!(stranger.get(url).status, 404, "{url}");
    }
    people
        .admin
        .send("POST", "/api/v1/auth/sign-out", &json!({}))
        .expect(200);
    let (_, last) = stream.next();
    assert_eq!(
        (&last["code"], &last["details"]["code"]),
        (&json!("CLOSED"), &json!(4401)),
        "{last:#}"
    );
}

#[test]
fn the_section_of_the_bus_pushes_to_those_it_means() {
    let config = "events: { realtime: { protocol: websocket, eventPattern: 'data.record.*' } }\n";
    let host = builder(config).start();
    let mut people = People::new(&host);
    let boss = people.user("boss");
    people.give_set(&boss, "deal_boss");
    let (mut admins, mut bosss) = (ears(&host, &people.admin), ears(&host, &boss));
    let admin = people.admin.id.clone();
    let made = deal(&mut people, &admin, "Pushed");
    // Nobody subscribed; whose event it is hears of it, and others do not, though they may read it.
    let event = loop {
        let event = admins.expect("event");
        if event["object"] == "deal" {
            break event;
        }
    };
    assert_eq!(about(&event), ("data.record.created", made.as_str()));
    let heard = bosss.until_pong();
    assert!(heard.iter().all(|message| message["object"] != "deal"), "{heard:#?}");
}

#[test]
fn the_section_of_the_bus_needs_somebody_who_keeps_connections() {
    let config = "events: { realtime: { protocol: sse } }\n";
    let mut host = HostBuilder::new().config(config).spawn();
    assert_ne!(host.wait(), Some(0));
    let told = host.log() + &host.said();
    assert!(
        told.contains("no plugin that is to run provides the service realtime"),
        "{told}"
    );
}

#[test]
fn a_swap_tells_clients_to_come_anew() {
    let host = host();
    let mut people = People::new(&host);
    let mut ears = ears(&host, &people.admin);
    ears.hears_nothing();
    let swapped = people
        .admin
        .send("POST", "/api/v1/plugins/objectos.realtime/swap", &json!({}));
    assert_eq!(swapped.status, 200, "{}", String::from_utf8_lossy(&swapped.body));
    let (_, code, _) = ears.until_closed();
    assert_eq!(code, 1012);
    self::ears(&host, &people.admin).hears_nothing();
}
