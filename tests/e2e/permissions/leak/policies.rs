//! What is in force in one round: drawn, put in the place of what was, and held against records by a model of its own.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::circles::{Circle, Circles, Rule};
use super::{Dice, FIELDS, ORGANIZATIONS, REGIONS, STAGES};
use crate::permissions::people::{People, Person};

/// Stands for an org-wide default that nobody wrote: what the object's definition says counts.
const DEFINED: &str = "as defined";

/// A condition: how it is written, and what it means here.
pub(super) type Condition = (String, &'static str, fn(&Value, &str) -> bool, String);

pub(super) fn condition(dice: &mut Dice, object: &str) -> Condition {
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

pub(super) fn holds(condition: &Condition, record: &Value, user: &str) -> bool {
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
pub(super) struct Policies {
    /// By set and object.
    sets: Vec<BTreeMap<&'static str, Grant>>,
    /// The sets that let their holders read the trail.
    auditing: Vec<bool>,
    /// The sets of each user.
    held: Vec<Vec<usize>>,
    pub(super) circles: Circles,
    defaults: BTreeMap<&'static str, &'static str>,
    rules: Vec<Rule>,
    binding: Option<Condition>,
    /// Object, record, and how it is opened.
    shares: Vec<(&'static str, String, Opened)>,
}

impl Policies {
    pub(super) fn draw(dice: &mut Dice, users: usize, records: &BTreeMap<&'static str, Vec<Value>>) -> Self {
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
    pub(super) fn rows(
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

    pub(super) fn reads(&self, user: usize, object: &'static str) -> bool {
        self.grants(user, object).next().is_some()
    }

    pub(super) fn hidden(&self, user: usize, object: &'static str) -> BTreeSet<&'static str> {
        let mut grants = self.grants(user, object);
        let first = grants.next().map(|grant| grant.hidden.clone()).unwrap_or_default();
        grants.fold(first, |hidden, grant| {
            hidden.intersection(&grant.hidden).copied().collect()
        })
    }

    /// Whether a user reads the trail of the organisation they work in; who works in none reads none.
    pub(super) fn audits(&self, user: usize) -> bool {
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
    pub(super) fn enact(&self, people: &mut People, users: &mut [Person], team: &str) {
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
