//! Every route of the running server, as it lists them itself, asked by nobody, by somebody without permissions, and by somebody
//! of another tenant who may do everything in their own. What each answers stands in a committed table. Whatever answers
//! something else than 401, 403 or 404 stands in a second one, which may only shrink; and the stranger's answers never hold a
//! word of what is the tenant's.
//!
//! A new route makes the first table be written anew: `UPDATE_EXPECT=1 cargo test -p objectos-tests --test e2e routes`. Of the second
//! one that takes lines away and never puts one in: a line more is written by hand, and has a reason that a reviewer accepts.

mod listening;

use objectos_tests::{Host, HostBuilder, plugins::repository};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use self::listening::Listening;
use super::people::{People, Person};

const ANSWERS: &str = "tests/e2e/permissions/answers.txt";
const OPEN: &str = "tests/e2e/permissions/open_routes.txt";
/// Stands in everything that belongs to the tenant.
const SECRET: &str = "belongs to Umbrella";
const CONFIG: &str = "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n";

/// Method and pattern of every route.
type Route = (String, String);

fn host() -> Host {
    let builder = ["auth", "permissions", "audit", "graphql", "realtime"]
        .into_iter()
        .fold(HostBuilder::new(), HostBuilder::plugin);
    let app = builder.folder().join("notes");
    std::fs::create_dir_all(&app).expect("a folder");
    for (name, text) in [
        ("objectos.app.yml", "id: notes\nversion: 1.0.0\n"),
        (
            "note.object.yml",
            "name: note\ntenancy: {enabled: true, strategy: shared}\nversioning: {enabled: true, strategy: snapshot}\n\
             softDelete: {enabled: true}\nfields:\n  text: {type: text, required: true, searchable: true}\n",
        ),
        (
            "everything.permission.yml",
            "name: everything\nobjects:\n  note: {allowRead: true, allowCreate: true, allowEdit: true, allowDelete: true, \
             allowRestore: true, allowPurge: true, allowTransfer: true, viewAllRecords: true, modifyAllRecords: true}\n",
        ),
    ] {
        std::fs::write(app.join(name), text).expect("a file");
    }
    builder.app(&app).config(CONFIG).start()
}

/// Every route, and whether it asks for a session.
fn routes(admin: &mut Person) -> BTreeMap<Route, bool> {
    let document = admin.get("/api/v1/openapi.json").expect(200);
    let mut routes = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            routes.insert(
                (method.to_uppercase(), path.clone()),
                operation.get("security").is_some(),
            );
        }
    }
    routes
}

/// What belongs to a tenant: its owner, and the ids of what they made.
struct Tenant {
    owner: Person,
    organization: String,
    note: String,
    share: String,
    link: String,
    listening: Listening,
}

/// Somebody with an organisation of their own, who may do everything in it.
fn owner_of(people: &mut People, name: &str) -> (Person, String) {
    let mut owner = people.user(name);
    people.give_set(&owner, "everything");
    let body = json!({"name": format!("{name} {SECRET}"), "slug": name});
    let made = owner
        .send("POST", "/api/v1/auth/organization/create", &body)
        .expect(200);
    let organization = made["id"].as_str().expect("an id").to_owned();
    let active = json!({"organizationId": organization});
    owner
        .send("POST", "/api/v1/auth/organization/set-active", &active)
        .expect(200);
    (owner, organization)
}

impl Tenant {
    fn new(people: &mut People) -> Self {
        let (mut owner, organization) = owner_of(people, "umbrella");
        let note = owner.make("note", &json!({"text": SECRET}));
        let path = format!("/api/v1/data/note/{note}");
        // An earlier version, that there is one to ask for.
        let again = json!({"text": format!("{SECRET}, again")});
        owner.send("PATCH", &path, &again).expect(200);
        let friend = people.user("friend");
        let share = json!({"object": "note", "recordId": note, "recipient": friend.id});
        let share = owner.send("POST", "/api/v1/permissions/shares", &share).expect(201);
        let link = json!({"object": "note", "recordId": note, "recipientType": "link"});
        let link = owner.send("POST", "/api/v1/permissions/shares", &link).expect(201);
        let listening = Listening::new(&mut owner, &note, SECRET);
        Self {
            owner,
            organization,
            note,
            share: share["id"].as_str().expect("an id").to_owned(),
            link: link["token"].as_str().expect("a token").to_owned(),
            listening,
        }
    }

    /// Whether everything is as it was.
    fn is_untouched(&mut self) {
        let note = self.owner.get(&format!("/api/v1/data/note/{}", self.note)).expect(200);
        assert_eq!(note["record"]["text"], format!("{SECRET}, again"), "{note}");
        let organization = self
            .owner
            .get("/api/v1/auth/organization/get-full-organization")
            .expect(200);
        assert_eq!(organization["id"], self.organization.as_str());
        assert_eq!(
            organization["members"].as_array().map(Vec::len),
            Some(1),
            "{organization}"
        );
        let shares = format!("/api/v1/permissions/shares?object=note&recordId={}", self.note);
        let shares = self.owner.get(&shares).expect(200).to_string();
        assert!(shares.contains(&self.share), "{shares}");
        self.listening.is_untouched(&mut self.owner, SECRET);
    }

    /// A path that leads to what is the tenant's.
    fn path(&self, pattern: &str) -> String {
        let id = match pattern {
            _ if pattern.contains("/scim/") => &self.owner.id,
            _ if pattern.contains("/permissions/") => &self.share,
            _ => &self.note,
        };
        let fill = |piece: &str| match piece {
            "{object}" => "note".to_owned(),
            "{id}" => id.clone(),
            "{version}" => "1".to_owned(),
            "{field}" => "text".to_owned(),
            "{token}" if pattern.contains("/permissions/") => self.link.clone(),
            "{channel}" => self.listening.channel.clone(),
            piece => nothing(piece),
        };
        let path = pattern.split('/').map(fill).collect::<Vec<_>>().join("/");
        self.listening.path(path)
    }

    /// A body that names what is the tenant's, wherever one may be named.
    fn body(&self, (method, pattern): &Route) -> Value {
        if method == "GET" || method == "HEAD" {
            return Value::Null;
        }
        if let Some(body) = self.listening.body(pattern) {
            return body;
        }
        if pattern.contains("/data/") && (pattern.ends_with("{id}") || pattern.ends_with("{object}")) {
            return json!({"text": "taken over"});
        }
        // These take no key that they do not know.
        let record = json!({"object": "note", "recordId": self.note});
        let with = |key: &str, value: &str| {
            let mut body = record.clone();
            body[key] = value.into();
            body
        };
        match pattern.as_str() {
            "/api/v1/permissions/shares" => return with("recipient", "somebody"),
            "/api/v1/permissions/check" => return with("action", "edit"),
            "/api/v1/permissions/explain" => return with("operation", "edit"),
            _ => {}
        }
        let mut body = json!({
            "organizationId": self.organization, "userId": self.owner.id, "memberIdOrEmail": "umbrella@example.com",
            "object": "note", "recordId": self.note, "recipient": self.owner.id, "id": self.note, "ids": [self.note],
            "action": "edit", "operation": "update",
        });
        if pattern.contains("/data/") || pattern.ends_with("/batch") {
            body["records"] = json!([{"id": self.note, "data": {"text": "taken over"}}]);
            body["operations"] =
                json!([{"object": "note", "action": "update", "id": self.note, "data": {"text": "taken over"}}]);
        }
        body
    }
}

/// Something in the place of a parameter that is not there.
fn nothing(piece: &str) -> String {
    if piece.starts_with('{') {
        "no_such_thing".to_owned()
    } else {
        piece.to_owned()
    }
}

/// A path to nothing, but for the object.
fn filled(pattern: &str, nowhere: &Listening) -> String {
    let fill = |piece: &str| match piece {
        "{object}" => "note".to_owned(),
        "{channel}" => nowhere.channel.clone(),
        piece => nothing(piece),
    };
    let path = pattern.split('/').map(fill).collect::<Vec<_>>().join("/");
    nowhere.path(path)
}

/// A body without anything, but for what some routes read before they look at the caller.
fn plain_body((method, pattern): &Route, nowhere: &Listening) -> Value {
    if method == "GET" || method == "HEAD" {
        return Value::Null;
    }
    nowhere.body(pattern).unwrap_or_else(|| json!({}))
}

/// Somebody whose session may end by what they ask.
struct Caller<'a> {
    people: &'a People,
    person: Person,
    name: &'static str,
    organization: Option<String>,
}

impl Caller<'_> {
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let answer = self.person.send(method, path, body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if path.contains("/auth/") && self.person.get("/api/v1/auth/list-sessions").status != 200 {
            self.person = self.people.again(self.name);
        }
        if let Some(organization) = self.organization.as_ref().filter(|_| path.contains("/auth/")) {
            let active = json!({"organizationId": organization});
            let back = self
                .person
                .send("POST", "/api/v1/auth/organization/set-active", &active);
            assert_eq!(back.status, 200, "{method} {path} cost them their own organisation");
        }
        (answer.status, text)
    }
}

fn lines(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join(path)).unwrap_or_default();
    let said = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    said.map(str::to_owned).collect()
}

/// The table's head is for people and stays as it is.
fn write(path: &str, lines: &[String]) {
    let path = repository().join(path);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let head: String = before
        .lines()
        .take_while(|line| line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&path, format!("{head}{}\n", lines.join("\n"))).expect("the table can be written");
}

fn shown<'a>(lines: impl IntoIterator<Item = &'a String>) -> String {
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_route_answers_as_the_tables_say() {
    let host = host();
    let mut people = People::new(&host);
    let routes = routes(&mut people.admin);
    assert!(routes.len() > 150, "the server names its routes: {}", routes.len());
    let mut tenant = Tenant::new(&mut people);
    let (stranger, organization) = owner_of(&mut people, "initech");
    let mut client = host.client();
    let mut nobody = Caller {
        people: &people,
        person: people.user("nobody"),
        name: "nobody",
        organization: None,
    };
    let mut stranger = Caller {
        people: &people,
        person: stranger,
        name: "initech",
        organization: Some(organization),
    };
    let nowhere = Listening::nowhere();
    let (mut answers, mut open) = (Vec::new(), BTreeSet::new());
    for (route, secured) in &routes {
        let (method, pattern) = route;
        let (path, body) = (filled(pattern, &nowhere), plain_body(route, &nowhere));
        let anonymous = client.send(method, &path, &body).status;
        if *secured {
            assert_eq!(anonymous, 401, "nobody is signed in: {method} {pattern}");
        }
        let (without, _) = nobody.ask(method, &path, &body);
        let (foreign, text) = stranger.ask(method, &tenant.path(pattern), &tenant.body(route));
        let own = text.replace(&format!("initech {SECRET}"), "");
        assert!(!own.contains(SECRET), "{method} {pattern} tells a stranger: {text}");
        answers.push(format!("{method} {pattern} {anonymous} {without} {foreign}"));
        let callers = [("anonymous", anonymous), ("without", without), ("stranger", foreign)];
        for (caller, status) in callers {
            assert!(status < 500 || status == 503, "{caller} {method} {pattern}: {status}");
            if ![401, 403, 404].contains(&status) {
                open.insert(format!("{caller} {method} {pattern}"));
            }
        }
    }
    tenant.is_untouched();
    compare(&answers, &open);
}

/// The lines of the second table that still hold, and no other one.
fn shrunk(known: &[String], open: &BTreeSet<String>) -> Vec<String> {
    known.iter().filter(|line| open.contains(*line)).cloned().collect()
}

#[test]
fn the_list_of_open_routes_only_shrinks_by_itself() {
    let lines = |lines: &[&str]| -> Vec<String> { lines.iter().map(|line| (*line).to_owned()).collect() };
    let open: BTreeSet<String> = lines(&["a GET /new", "a GET /open"]).into_iter().collect();
    assert_eq!(
        shrunk(&lines(&["a GET /open", "b GET /closed"]), &open),
        ["a GET /open"]
    );
}

fn compare(answers: &[String], open: &BTreeSet<String>) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        write(ANSWERS, answers);
        write(OPEN, &shrunk(&lines(OPEN), open));
    }
    let known: BTreeSet<String> = lines(OPEN).into_iter().collect();
    let fresh = shown(open.difference(&known));
    assert!(fresh.is_empty(), "open, and not in {OPEN}:\n{fresh}");
    let gone = shown(known.difference(open));
    assert!(gone.is_empty(), "closed or gone, so take it out of {OPEN}:\n{gone}");
    let table: BTreeSet<String> = lines(ANSWERS).into_iter().collect();
    let found: BTreeSet<String> = answers.iter().cloned().collect();
    let (fresh, gone) = (shown(found.difference(&table)), shown(table.difference(&found)));
    assert!(
        fresh.is_empty() && gone.is_empty(),
        "{ANSWERS} says otherwise; once the change is meant, write it anew with UPDATE_EXPECT=1. Now:\n{fresh}before:\n{gone}"
    );
}
