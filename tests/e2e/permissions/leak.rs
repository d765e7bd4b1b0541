//! Nothing leaks: for random policies, users and queries the answer is the one over only the rows and fields that the user may
//! read. Drawn are sets, roles and territories several levels deep, groups in groups, teams, rules by what records are and by
//! whose they are, defaults, shares with whomever and by links; there are masks and tenants. Asked are lists, pages by cursors
//! both ways, joins, distinct records, windows, figures, vectors, rated searches, computed fields, exports, writes that are only
//! tried, earlier versions, changelogs and the trail.
//!
//! What may be read is decided here by a model of its own, from the policies as they were drawn. The answer over those rows is the
//! administrator's: for the same query narrowed to their ids, and, for queries of any kind, in a mirror that holds nothing else.
//!
//! The seed is printed, and with a failure the policies, the user and the query; `OBJECTOS_TEST_SEED` repeats a run.

mod circles;
mod computed;
mod mirror;
mod questions;
mod surfaces;
mod writes;

use objectos_tests::HostBuilder;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::people::{People, Person};
use circles::{Circle, Circles, Rule};
use mirror::{PREFIX, Tally};
use surfaces::Sight;

const ROUNDS: usize = 12;
const QUERIES: usize = 14;
/// Questions of any kind to each user in each round, compared with the mirror.
const QUESTIONS: usize = 14;
/// More than one page of an export for each of their owners.
const TRACES: usize = 1_800;
/// The users before this one work in one each, the others in none.
const ORGANIZATIONS: usize = 2;
const REGIONS: [&str; 3] = ["north", "south", "west"];
const STAGES: [&str; 3] = ["new", "won", "lost"];
const FIELDS: [(&str, &[&str]); 2] = [
    ("account", &["name", "region", "revenue", "secret", "iban"]),
    ("opportunity", &["name", "account", "stage", "amount", "secret"]),
];

/// What everybody but the administrator sees of an account's `iban`.
const MASK: &str = "***";
/// How every value behind the mask begins.
const BEHIND_THE_MASK: &str = "real iban";
/// Stands for an org-wide default that nobody wrote: what the object's definition says counts.
const DEFINED: &str = "as defined";

/// A small generator: the same numbers for the same seed on every machine.
struct Dice {
    state: u64,
    seed: u64,
}

impl Dice {
    fn new() -> Self {
        let given = std::env::var("OBJECTOS_TEST_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            since.map_or(1, |since| since.as_secs() ^ u64::from(since.subsec_nanos()))
        });
        println!("OBJECTOS_TEST_SEED={seed}");
        Self { state: seed | 1, seed }
    }

    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let end = u64::try_from(end).expect("small");
        usize::try_from(self.state % end).expect("small")
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// A condition: how it is written, and what it means here.
type Condition = (String, &'static str, fn(&Value, &str) -> bool, String);

fn condition(dice: &mut Dice, object: &str) -> Condition {
    let mine: Condition = (
        "owner_id = current_user.id".to_owned(),
        "owner_id",
        |value, wanted| value == wanted,
        "ME".to_owned(),
    );
    let (field, values): (&'static str, &[&str]) = if object == "account" {
        ("region", &REGIONS)
    } else {
        ("stage", &STAGES)
    };
    let value = (*dice.pick(values)).to_owned();
    match dice.below(4) {
        0 => mine,
        1 => (
            format!("{field} = '{value}'"),
            field,
            |value, wanted| value == wanted,
            value,
        ),
        2 => (
            format!("{field} <> '{value}'"),
            field,
            |value, wanted| !value.is_null() && value != wanted,
            value,
        ),
        _ => (
            format!("NOT ({field} = '{value}')"),
            field,
            |value, wanted| !value.is_null() && value != wanted,
            value,
        ),
    }
}

fn holds(condition: &Condition, record: &Value, user: &str) -> bool {
    let (_, field, test, wanted) = condition;
    test(&record[*field], if wanted == "ME" { user } else { wanted })
}

#[derive(Debug)]
struct Grant {
    read: bool,
    all: bool,
    /// Makes, changes and deletes what it reaches.
    write: bool,
    hidden: BTreeSet<&'static str>,
    policy: Option<Condition>,
}

/// A record that was opened by hand.
#[derive(Debug)]
enum Opened {
    To(Circle),
    /// Taken by this user by a link; true: the link was taken back, and what was taken went with it.
    ByLink(usize, bool),
}

/// What was drawn for one round.
#[derive(Debug)]
struct Policies {
    /// By set and object.
    sets: Vec<BTreeMap<&'static str, Grant>>,
    /// The sets that let their holders read the trail.
    auditing: Vec<bool>,
    /// The sets of each user.
    held: Vec<Vec<usize>>,
    circles: Circles,
    defaults: BTreeMap<&'static str, &'static str>,
    rules: Vec<Rule>,
    binding: Option<Condition>,
    /// Object, record, and how it is opened.
    shares: Vec<(&'static str, String, Opened)>,
}

impl Policies {
    fn draw(dice: &mut Dice, users: usize, records: &BTreeMap<&'static str, Vec<Value>>) -> Self {
        let grant = |dice: &mut Dice, object: &'static str, fields: &[&'static str]| Grant {
            read: dice.chance(75),
            all: dice.chance(30),
            write: dice.chance(50),
            hidden: fields
                .iter()
                .copied()
                .chain((object == "account").then_some("place"))
                .filter(|field| ["revenue", "secret", "amount", "place"].contains(field) && dice.chance(35))
                .collect(),
            policy: dice.chance(40).then(|| condition(dice, object)),
        };
        let set = |dice: &mut Dice| {
            FIELDS
                .iter()
                .map(|(object, fields)| (*object, grant(dice, object, fields)))
                .collect()
        };
        let sets = vec![set(dice), set(dice)];
        let auditing = sets.iter().map(|_| dice.chance(30)).collect();
        let mut shares = Vec::new();
        for (object, records) in records {
            for record in records {
                if dice.chance(10) {
                    let id = record["id"].as_str().expect("an id").to_owned();
                    let opened = if dice.chance(25) {
                        Opened::ByLink(dice.below(users), dice.chance(40))
                    } else {
                        Opened::To(Circle::recipient(dice, users))
                    };
                    shares.push((*object, id, opened));
                }
            }
        }
        Self {
            sets,
            auditing,
            held: (0..users)
                .map(|_| (0..2).filter(|_| dice.chance(60)).collect())
                .collect(),
            circles: Circles::draw(dice, users),
            defaults: BTreeMap::from([
                ("account", *dice.pick(&["private", "private", "public_read", DEFINED])),
                (
                    "opportunity",
                    *dice.pick(&["private", "public_read", "controlled_by_parent", DEFINED]),
                ),
            ]),
            rules: (0..dice.below(4)).map(|_| Rule::draw(dice, users)).collect(),
            binding: dice.chance(40).then(|| condition(dice, "opportunity")),
            shares,
        }
    }

    /// Whether a user sees a record; `None` when it may not read the object at all.
    fn sees(&self, user: usize, ids: &[String], object: &'static str, record: &Value, accounts: &[Value]) -> bool {
        let me = ids[user].as_str();
        let open = || match (self.defaults[object], object) {
            // As the definitions in the app have it.
            ("public_read", _) | (DEFINED, "account") => true,
            ("controlled_by_parent", _) => accounts
                .iter()
                .find(|account| account["id"] == record["account"])
                .is_some_and(|account| {
                    self.reads(user, "account") && self.sees(user, ids, "account", account, accounts)
                }),
            _ => {
                let owner = ids.iter().position(|id| record["owner_id"] == id.as_str());
                let mine = owner == Some(user);
                let below = owner.is_some_and(|owner| self.circles.above(user, owner));
                let opens = |rule: &Rule| rule.object == object && rule.opens(&self.circles, user, owner, record, me);
                let ruled = self.rules.iter().any(opens);
                let shared = self
                    .shares
                    .iter()
                    .filter(|(of, id, _)| *of == object && record["id"] == id.as_str())
                    .any(|(_, _, opened)| match opened {
                        Opened::To(circle) => self.circles.has(*circle, user),
                        Opened::ByLink(taker, ended) => *taker == user && !ended,
                    });
                let account = match object {
                    "account" => Some(record),
                    _ => accounts.iter().find(|account| account["id"] == record["account"]),
                };
                let covered = account.is_some_and(|account| self.circles.covers(user, account));
                mine || below || ruled || shared || covered
            }
        };
        let granted = self
            .grants(user, object)
            .any(|grant| (grant.all || open()) && grant.policy.as_ref().is_none_or(|policy| holds(policy, record, me)));
        let bound = object != "opportunity" || self.binding.as_ref().is_none_or(|binding| holds(binding, record, me));
        granted && bound
    }

    /// Ids of the records of an object that a user reads.
    fn rows(
        &self,
        user: usize,
        ids: &[String],
        object: &'static str,
        records: &BTreeMap<&'static str, Vec<Value>>,
    ) -> BTreeSet<String> {
        let reads = self.reads(user, object);
        records[object]
            .iter()
            .filter(|record| reads && self.sees(user, ids, object, record, &records["account"]))
            .map(|record| record["id"].as_str().expect("an id").to_owned())
            .collect()
    }

    fn grants(&self, user: usize, object: &'static str) -> impl Iterator<Item = &Grant> {
        self.held[user]
            .iter()
            .map(move |set| &self.sets[*set][object])
            .filter(|grant| grant.read || grant.all)
    }

    fn reads(&self, user: usize, object: &'static str) -> bool {
        self.grants(user, object).next().is_some()
    }

    fn hidden(&self, user: usize, object: &'static str) -> BTreeSet<&'static str> {
        let mut grants = self.grants(user, object);
        let first = grants.next().map(|grant| grant.hidden.clone()).unwrap_or_default();
        grants.fold(first, |hidden, grant| {
            hidden.intersection(&grant.hidden).copied().collect()
        })
    }

    /// Whether a user reads the trail of the organisation they work in; who works in none reads none.
    fn audits(&self, user: usize) -> bool {
        user < ORGANIZATIONS && self.held[user].iter().any(|set| self.auditing[*set])
    }

    /// Takes back what was in force.
    fn clear(admin: &mut Person) {
        for object in [
            "sys_permission_assignment",
            "sys_user_role",
            "sys_group_member",
            "sys_team_member",
            "sys_sharing_rule",
            "sys_row_policy",
            "sys_org_default",
            "sys_record_share",
            "sys_user_territory",
            "sys_territory",
        ] {
            let found = admin
                .get(&format!("/api/v1/data/{object}?top=1000&select=id"))
                .expect(200);
            for record in found["records"].as_array().expect("records") {
                let id = record["id"].as_str().expect("an id");
                let deleted = admin.send("DELETE", &format!("/api/v1/data/{object}/{id}"), &Value::Null);
                // What was taken by a link went with it.
                let gone = object == "sys_record_share" && deleted.status == 404;
                assert!(gone || deleted.status == 200, "{object} {id}: {}", deleted.status);
            }
        }
    }

    /// Puts it into force, in the place of what was in force.
    fn enact(&self, people: &mut People, users: &mut [Person], team: &str) {
        Self::clear(&mut people.admin);
        self.enact_sets(&mut people.admin);
        self.circles.enact_territories(&mut people.admin);
        self.enact_rules(&mut people.admin, users, team);
        self.enact_shares(&mut people.admin, users, team);
        for (user, person) in users.iter().enumerate() {
            for set in &self.held[user] {
                people.give_set(person, &format!("set_{set}"));
            }
            people.give_set(person, "memos");
        }
        self.circles.enact(people, users, team);
    }

    fn enact_sets(&self, admin: &mut Person) {
        for (index, set) in self.sets.iter().enumerate() {
            let mut definition = json!({"objects": {}, "fields": {}, "rowLevelSecurity": []});
            if self.auditing[index] {
                definition["systemPermissions"] = json!(["view_audit"]);
            }
            for (object, grant) in set {
                let write = grant.write && grant.read;
                definition["objects"][*object] = json!({
                    "allowRead": grant.read, "viewAllRecords": grant.all,
                    "allowCreate": write, "allowEdit": write, "allowDelete": write,
                });
                for field in &grant.hidden {
                    definition["fields"][format!("{object}.{field}")] = json!({"readable": false});
                }
                if let Some((text, ..)) = &grant.policy {
                    let policy =
                        json!({"name": format!("p_{object}"), "object": object, "operation": "select", "using": text});
                    definition["rowLevelSecurity"]
                        .as_array_mut()
                        .expect("a list")
                        .push(policy);
                }
            }
            let status = admin
                .send("PUT", &format!("/api/v1/permissions/sets/set_{index}"), &definition)
                .status;
            assert!([200, 201].contains(&status), "{definition}");
        }
    }

    fn enact_rules(&self, admin: &mut Person, users: &[Person], team: &str) {
        for (object, model) in self.defaults.iter().filter(|(_, model)| **model != DEFINED) {
            admin.make("sys_org_default", &json!({"object": object, "model": model}));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            admin.make("sys_sharing_rule", &rule.record(&format!("rule_{index}"), users, team));
        }
        if let Some((text, ..)) = &self.binding {
            admin.make(
                "sys_row_policy",
                &json!({"name": "binding", "object": "opportunity", "operation": "select", "using_expression": text}),
            );
        }
    }

    fn enact_shares(&self, admin: &mut Person, users: &mut [Person], team: &str) {
        for (object, record, opened) in &self.shares {
            match opened {
                Opened::To(circle) => {
                    let (kind, with) = circle.written(users, team);
                    let share = json!({
                        "object": object, "record": record, "recipient_type": kind, "recipient": with, "access_level": "read",
                    });
                    admin.make("sys_record_share", &share);
                }
                Opened::ByLink(taker, ended) => {
                    let link = json!({"object": object, "recordId": record, "recipientType": "link"});
                    let link = admin.send("POST", "/api/v1/permissions/shares", &link).expect(201);
                    let token = link["token"].as_str().expect("a token");
                    let path = format!("/api/v1/permissions/links/{token}");
                    users[*taker].send("POST", &path, &Value::Null).expect(200);
                    if *ended {
                        let id = link["id"].as_str().expect("an id");
                        let path = format!("/api/v1/permissions/shares/{id}");
                        admin.send("DELETE", &path, &Value::Null).expect(200);
                    }
                }
            }
        }
    }
}

/// A query, and the fields that it touches.
struct Query {
    body: Value,
    touches: BTreeSet<&'static str>,
    /// Fields of the account it touches over the relation.
    over: BTreeSet<&'static str>,
    search: bool,
}

fn query(dice: &mut Dice, object: &'static str, fields: &[&'static str], accounts: &[Value]) -> Query {
    let mut body = json!({"limit": 200, "orderBy": [{"field": "id", "order": "asc"}]});
    let mut touches = BTreeSet::new();
    let mut over = BTreeSet::new();
    let mut filter = Map::new();
    if dice.chance(60) {
        let field = *dice.pick(fields);
        touches.insert(field);
        let test = match field {
            "region" => json!({"$in": [dice.pick(&REGIONS), dice.pick(&REGIONS)]}),
            "stage" => json!({"$ne": dice.pick(&STAGES)}),
            "revenue" | "amount" => json!({"$gte": dice.below(900)}),
            "account" => json!(dice.pick(accounts)["id"]),
            "secret" => json!({"$contains": "s1"}),
            _ => json!({"$null": false}),
        };
        filter.insert(field.to_owned(), test);
    }
    if object == "opportunity" && dice.chance(25) {
        over.insert("region");
        filter.insert("account.region".to_owned(), json!(dice.pick(&REGIONS)));
    }
    body["where"] = Value::Object(filter);
    match dice.below(4) {
        0 => {
            let field =
                *dice.pick(&["region", "stage"].map(|field| if fields.contains(&field) { field } else { "name" }));
            let number = if object == "account" { "revenue" } else { "amount" };
            touches.extend([field, number]);
            body["groupBy"] = json!([field]);
            body["aggregations"] =
                json!([{"function": "count", "alias": "n"}, {"function": "sum", "field": number, "alias": "sum"}]);
            body["orderBy"] = json!([{"field": field, "order": "asc"}]);
        }
        1 => {
            let field = *dice.pick(fields);
            touches.insert(field);
            body["orderBy"] = json!([{"field": field, "order": "desc"}, {"field": "id", "order": "asc"}]);
            body["limit"] = json!(1 + dice.below(8));
            body["offset"] = json!(dice.below(4));
        }
        2 if object == "opportunity" => body["expand"] = json!(["account"]),
        _ => {}
    }
    let search = body.get("aggregations").is_none() && dice.chance(15);
    if search {
        body["search"] = json!({"query": "a1"});
    }
    Query {
        body,
        touches,
        over,
        search,
    }
}

/// The administrator's answer over the rows that the user sees, without the fields that it does not.
fn expected(
    admin: &mut Person,
    object: &str,
    query: &Query,
    seen: &BTreeSet<String>,
    accounts: &BTreeSet<String>,
    hidden: &[BTreeSet<&'static str>; 2],
) -> Value {
    let mut body = query.body.clone();
    let mut parts = vec![json!({"id": {"$in": seen}}), query.body["where"].clone()];
    if !query.over.is_empty() {
        parts.push(json!({"account": {"$in": accounts}}));
    }
    body["where"] = json!({"$and": parts});
    let mut answer = admin
        .send("POST", &format!("/api/v1/data/{object}/query"), &body)
        .expect(200);
    let own = usize::from(object == "opportunity");
    for record in answer["records"].as_array_mut().expect("records") {
        let record = record.as_object_mut().expect("a record");
        record.retain(|field, _| !hidden[own].contains(field.as_str()));
        mask(record);
        if let Some(Value::Object(account)) = record.get_mut("account") {
            let visible = account["id"].as_str().is_some_and(|id| accounts.contains(id));
            account.retain(|field, _| !hidden[0].contains(field.as_str()));
            mask(account);
            if !visible {
                record.insert("account".to_owned(), Value::Null);
            }
        }
    }
    computed::leave_out(&mut answer);
    answer
}

fn mask(account: &mut Map<String, Value>) {
    if let Some(iban) = account.get_mut("iban").filter(|iban| !iban.is_null()) {
        *iban = json!(MASK);
    }
}

/// Two organisations with a member each, and somebody who belongs to none; what each wrote there, and a team.
fn seed_tenants(people: &mut People, users: &mut [Person]) -> (Vec<BTreeSet<String>>, String) {
    let mut organizations = Vec::new();
    for (index, person) in users.iter_mut().enumerate().take(ORGANIZATIONS) {
        let body = json!({"name": format!("Org {index}"), "slug": format!("org-{index}")});
        let made = person
            .send("POST", "/api/v1/auth/organization/create", &body)
            .expect(200);
        let id = made["id"].as_str().expect("an id").to_owned();
        let active = json!({"organizationId": id});
        person
            .send("POST", "/api/v1/auth/organization/set-active", &active)
            .expect(200);
        organizations.push(id);
    }
    let team = json!({"name": "Field", "organization_id": organizations[0]});
    let team = people.admin.make("sys_team", &team);
    let mut memos = Vec::new();
    for person in users {
        people.give_set(person, "memos");
        let memo = |index: usize| person.make("memo", &json!({"text": format!("a1 memo {index}")}));
        memos.push((0..2).map(memo).collect());
    }
    (memos, team)
}

fn seed_records(dice: &mut Dice, people: &mut People, users: &[Person]) -> BTreeMap<&'static str, Vec<Value>> {
    let owners: Vec<String> = users.iter().map(|user| user.id.clone()).collect();
    let mut accounts = Vec::new();
    for index in 0..12 {
        let mut record = json!({"id": format!("acc_{index:02}"), "name": format!("a{index}"), "code": format!("code {index:02}"), "owner_id": dice.pick(&owners), "revenue": dice.below(1000), "secret": format!("s{index}"), "iban": format!("{BEHIND_THE_MASK} {}", index / 3)});
        if dice.chance(80) {
            record["place"] = json!([index, dice.below(100)]);
        }
        if dice.chance(85) {
            record["region"] = json!(dice.pick(&REGIONS));
        }
        // A past that it has in versions and in the trail.
        let mut first = record.clone();
        first["secret"] = json!("s0 before");
        first["iban"] = json!(format!("{BEHIND_THE_MASK} before"));
        let id = people.admin.make("account", &first);
        let change = json!({"secret": record["secret"], "iban": record["iban"]});
        people
            .admin
            .send("PATCH", &format!("/api/v1/data/account/{id}"), &change)
            .expect(200);
        accounts.push(record);
    }
    let mut deals = Vec::new();
    for index in 0..30 {
        let mut record = json!({"id": format!("deal_{index:02}"), "name": format!("a{index} deal"), "account": dice.pick(&accounts)["id"], "owner_id": dice.pick(&owners), "amount": dice.below(1000), "secret": format!("s{index}")});
        if dice.chance(85) {
            record["stage"] = json!(dice.pick(&STAGES));
        }
        people.admin.make("opportunity", &record);
        deals.push(record);
    }
    BTreeMap::from([("account", accounts), ("opportunity", deals)])
}

/// Traces, a third of them of each user: those of the user, in the order of users.
fn seed_traces(people: &mut People, users: &[Person]) -> Vec<BTreeSet<String>> {
    let mut traces = vec![BTreeSet::new(); users.len()];
    let all: Vec<usize> = (0..TRACES).collect();
    for part in all.chunks(200) {
        let records: Vec<Value> = part
            .iter()
            .map(|index| {
                let (id, owner) = (format!("trace_{index:04}"), index % users.len());
                traces[owner].insert(id.clone());
                json!({"id": id, "owner_id": users[owner].id})
            })
            .collect();
        let made = people
            .admin
            .send("POST", "/api/v1/data/trace/createMany", &json!(records));
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    }
    traces
}

/// Files of the objects that everything is asked about, and of their mirrors.
fn objects() -> Vec<(&'static str, String)> {
    let text = |name: &str| format!("  {name}: {{type: text, searchable: {}}}\n", name != "region");
    let fields = [text("name"), text("region"), text("secret")].concat();
    let figures = |child: &str| {
        format!(
            "  revenue: {{type: number}}\n  code: {{type: text, unique: true, externalId: true, searchable: false}}\n  \
             place: {{type: vector, vectorConfig: {{dimensions: 2, distanceMetric: euclidean}}}}\n  \
             deals: {{type: summary, summaryOperations: {{object: {child}, field: id, function: count}}}}\n  \
             worth: {{type: summary, summaryOperations: {{object: {child}, field: amount, function: sum}}}}\n  \
             double: {{type: formula, expression: 'revenue * 2'}}\n"
        )
    };
    let account = format!(
        "name: account\nsharingModel: read\nversioning: {{enabled: true, strategy: delta}}\nfields:\n{fields}{}  \
         iban: {{type: text, maskingRule: {{field: iban, strategy: substitute, pattern: '{MASK}', exemptRoles: [super_admin]}}}}\n",
        figures("opportunity")
    );
    let mirrored_account = format!(
        "name: {PREFIX}account\nsharingModel: private\nfields:\n{fields}{}  iban: {{type: text}}\n",
        figures(&format!("{PREFIX}opportunity"))
    );
    let deal = |prefix: &str, kind: &str| {
        format!(
            "name: {prefix}opportunity\n{kind}fields:\n{}{}  account: {{type: {}}}\n  stage: {{type: text}}\n  amount: {{type: number}}\n  \
             area: {{type: formula, expression: account.region}}\n  gross: {{type: formula, expression: 'amount + 1'}}\n",
            text("name"),
            text("secret"),
            if prefix.is_empty() {
                "master_detail, reference: account, deleteBehavior: restrict".to_owned()
            } else {
                format!("lookup, reference: {prefix}account")
            }
        )
    };
    let opportunity = deal(
        "",
        "sharingModel: private\nversioning: {enabled: true, strategy: snapshot}\n",
    );
    vec![
        ("account.object.yml", account),
        ("opportunity.object.yml", opportunity),
        ("mirror_account.object.yml", mirrored_account),
        ("mirror_opportunity.object.yml", deal(PREFIX, "sharingModel: private\n")),
    ]
}

fn app(folder: &std::path::Path) -> std::path::PathBuf {
    let app = folder.join("leak");
    std::fs::create_dir_all(&app).expect("a folder");
    let others = [
        ("objectos.app.yml", "id: leak\nversion: 1.0.0\n"),
        (
            "memo.object.yml",
            "name: memo\ntenancy: {enabled: true, strategy: shared}\nfields:\n  text: {type: text, searchable: true}\n",
        ),
        (
            "trace.object.yml",
            "name: trace\nsharingModel: private\nfields:\n  mark: {type: text}\n",
        ),
        (
            "memos.permission.yml",
            "name: memos\nobjects:\n  memo: {allowRead: true, allowCreate: true, viewAllRecords: true}\n  trace: {allowRead: true}\n",
        ),
        (
            "leak.role.yml",
            "- {name: chief, label: Chief}\n- {name: boss, label: Boss, parent: chief}\n\
             - {name: rep, label: Rep, parent: boss}\n- {name: aide, label: Aide, parent: rep}\n",
        ),
    ];
    let others = others.into_iter().map(|(name, text)| (name, text.to_owned()));
    for (name, text) in objects().into_iter().chain(others) {
        std::fs::write(app.join(name), text).expect("a file");
    }
    app
}

/// Asks one user one list of records or figures; true when the answer was compared, false when it was refused.
fn compare(
    sight: &Sight<'_>,
    policies: &Policies,
    user: usize,
    dice: &mut Dice,
    person: &mut Person,
    admin: &mut Person,
) -> bool {
    let own = dice.below(2);
    let (object, fields) = FIELDS[own];
    let query = query(dice, object, fields, &sight.records["account"]);
    let answer = person.send("POST", &format!("/api/v1/data/{object}/query"), &query.body);
    let about = format!("{}, {object} {}", sight.about, query.body);
    if !policies.reads(user, object) {
        assert_eq!(answer.status, 403, "{about}");
        return false;
    }
    let closed = !policies.reads(user, "account");
    if closed && query.body.get("expand").is_some() && answer.status != 200 {
        assert!([400, 403].contains(&answer.status), "{about}: {}", answer.status);
        return false;
    }
    // A field behind a relation that is closed is no field, like one that is hidden.
    let blind = closed && !query.over.is_empty();
    let shut = |field: &&'static str| *field == "iban" || sight.hidden[own].contains(field);
    if blind || query.touches.iter().any(shut) {
        assert_eq!(answer.status, 400, "{about}: {}", String::from_utf8_lossy(&answer.body));
        return false;
    }
    if query.search && sight.hidden[own].contains("secret") {
        // What is found by a hidden field must not be found; the rest of the words is the engine's matter.
        let found = answer.expect(200);
        for record in found["records"].as_array().expect("records") {
            let id = record["id"].as_str().unwrap_or_default();
            assert!(sight.rows[own].contains(id), "{about}");
            let named = record["name"].as_str().unwrap_or_default().contains("a1");
            assert!(named, "{about}: {record}");
        }
        return true;
    }
    let mut got = answer.expect(200);
    computed::leave_out(&mut got);
    let expected = expected(admin, object, &query, &sight.rows[own], &sight.rows[0], sight.hidden);
    assert_eq!(got["records"], expected["records"], "{about}");
    assert_eq!(got["total"], expected["total"], "{about}");
    true
}

/// What the administrator finds of an object, but for computed fields: writes that were only tried leave it as it was.
fn stock(admin: &mut Person) -> [Value; 2] {
    ["account", "opportunity"].map(|object| {
        let path = format!("/api/v1/data/{object}?top=1000&sort=id");
        admin.get(&path).expect(200)["records"].clone()
    })
}

#[test]
fn nothing_leaks_whatever_the_policies_the_user_and_the_query() {
    let mut dice = Dice::new();
    let builder = HostBuilder::new().plugin("auth").plugin("permissions").plugin("audit");
    let path = app(builder.folder());
    let host = builder.app(&path).start();
    let mut people = People::new(&host);
    let mut users: Vec<Person> = ["ann", "bob", "eve"].iter().map(|name| people.user(name)).collect();
    let ids: Vec<String> = users.iter().map(|user| user.id.clone()).collect();
    let records = seed_records(&mut dice, &mut people, &users);
    let traces = seed_traces(&mut people, &users);
    let (memos, team) = seed_tenants(&mut people, &mut users);
    let before = stock(&mut people.admin);
    let (mut asked, mut compared, mut tally) = (0, 0, Tally::default());
    for round in 0..ROUNDS {
        let policies = Policies::draw(&mut dice, users.len(), &records);
        policies.enact(&mut people, &mut users, &team);
        for (user, person) in users.iter_mut().enumerate() {
            let rows = ["account", "opportunity"].map(|object| policies.rows(user, &ids, object, &records));
            let hidden = [policies.hidden(user, "account"), policies.hidden(user, "opportunity")];
            let below = (0..ids.len()).filter(|owner| *owner == user || policies.circles.above(user, *owner));
            let traces: BTreeSet<String> = below.flat_map(|owner| traces[owner].iter().cloned()).collect();
            let sight = Sight {
                about: format!("seed {}, round {round}, user {user}, {policies:?}", dice.seed),
                objects: ["account", "opportunity"],
                records: &records,
                reads: [policies.reads(user, "account"), policies.reads(user, "opportunity")],
                rows: &rows,
                hidden: &hidden,
                memos: &memos[user],
                traces: &traces,
                auditor: policies.audits(user),
            };
            sight.check(&mut dice, person);
            computed::check(&sight, &mut dice, person);
            writes::check(&sight, &mut dice, person);
            for _ in 0..QUERIES {
                asked += 1;
                let done = compare(&sight, &policies, user, &mut dice, person, &mut people.admin);
                compared += usize::from(done);
            }
            mirror::fill(&sight, &mut people.admin);
            for _ in 0..QUESTIONS {
                mirror::ask(&sight, &mut dice, person, &mut people.admin, &mut tally);
            }
        }
    }
    println!("{compared} answers of {asked} compared, the others refused");
    assert!(compared > ROUNDS * 5, "too few answers were compared: {compared}");
    tally.check();
    assert_eq!(
        stock(&mut people.admin),
        before,
        "seed {}: a write that was only tried was stored",
        dice.seed
    );
}
