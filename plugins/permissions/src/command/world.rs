//! The users, records and shares of a test file, and the platform's records that follow from them.

use std::collections::BTreeMap;

use objectos_plugin_api::{Principal, PrincipalKind, Result};
use serde_json::{Value, json};

use crate::config::Settings;
use crate::decode::reader::{Part, Problems};
use crate::evaluate::{BoxFuture, Record, Records};
use crate::model::Model;
use crate::moment;
use crate::subject::{Memberships, Subject};

/// The platform role of whoever registers, as the server gives it.
const PLATFORM_ROLE: &str = "user";

/// What a test file is about.
#[derive(Debug, Default)]
pub(super) struct World {
    /// The moment of its tests, where it says one; milliseconds since 1970.
    pub(super) now_ms: Option<i64>,
    users: BTreeMap<String, Principal>,
    memberships: BTreeMap<String, Memberships>,
    records: BTreeMap<String, Vec<Record>>,
    settings: Settings,
}

/// The objects that access looks into, as far as it looks.
pub(super) fn platform_objects() -> Vec<Value> {
    let object = |name: &str, fields: &[&str]| {
        let text = |field: &&str| ((*field).to_owned(), json!({ "type": "text" }));
        let mut fields: serde_json::Map<String, Value> = fields.iter().map(text).collect();
        fields.insert("expires_at".to_owned(), json!({ "type": "datetime" }));
        json!({ "name": name, "fields": fields })
    };
    vec![
        object("sys_user_role", &["user", "role"]),
        object("sys_group_member", &["group", "member_type", "member"]),
        object("sys_team_member", &["team_id", "user_id"]),
        object(
            "sys_record_share",
            &["object", "record", "recipient_type", "recipient", "access_level"],
        ),
    ]
}

const USER_KEYS: [&str; 11] = [
    "name",
    "email",
    "platformRole",
    "roles",
    "sets",
    "groups",
    "teams",
    "territories",
    "tenant",
    "attributes",
    "guest",
];

impl World {
    /// Reads users, records, shares, the operator's settings and the moment.
    pub(super) fn read(root: &Part<'_>, problems: &mut Problems) -> Self {
        let mut world = Self {
            now_ms: root.key("now").and_then(|now| read_moment(&now, problems)),
            settings: root
                .key("settings")
                .map_or_else(Settings::default, |part| settings(&part, problems)),
            ..Self::default()
        };
        let users = root.key("users").and_then(|users| users.map(problems));
        for (name, user) in users.iter().flat_map(|users| users.entries()) {
            world.user(name, user, problems);
        }
        if let Some(sets) = root.key("defaultSets") {
            let items = sets.items(problems);
            world.settings.default_sets = items
                .iter()
                .filter_map(|item| item.text(problems).map(str::to_owned))
                .collect();
        }
        let objects = root.key("records").and_then(|records| records.map(problems));
        for (object, list) in objects.iter().flat_map(|objects| objects.entries()) {
            for item in list.items(problems) {
                match item.value {
                    Value::Object(record) if record.contains_key("id") => world.add(object, record.clone()),
                    _ => problems.push(item.problem("a record is a map with an `id`")),
                }
            }
        }
        for item in root
            .key("shares")
            .iter()
            .flat_map(|shares| shares.items(problems))
            .collect::<Vec<_>>()
        {
            world.share(item, problems);
        }
        world
    }

    fn add(&mut self, object: &str, record: Record) {
        self.records.entry(object.to_owned()).or_default().push(record);
    }

    fn platform(&mut self, object: &str, record: Value) {
        if let Value::Object(record) = record {
            self.add(object, record);
        }
    }

    fn user(&mut self, name: &str, part: Part<'_>, problems: &mut Problems) {
        let Some(keys) = part.keys(&USER_KEYS, problems) else {
            return;
        };
        let mut list = |key: &str| keys.texts(&[key], problems).unwrap_or_default();
        let memberships = Memberships {
            roles: list("roles"),
            groups: list("groups"),
            teams: list("teams"),
            territories: list("territories"),
            ..Memberships::default()
        };
        let sets = list("sets");
        let kind = if keys.boolean(&["guest"], false, problems) {
            PrincipalKind::Anonymous
        } else {
            PrincipalKind::User
        };
        for role in &memberships.roles {
            self.platform("sys_user_role", json!({ "user": name, "role": role }));
        }
        for group in &memberships.groups {
            let member = json!({ "group": group, "member_type": "user", "member": name });
            self.platform("sys_group_member", member);
        }
        for team in &memberships.teams {
            self.platform("sys_team_member", json!({ "team_id": team, "user_id": name }));
        }
        let attributes = keys
            .get(&["attributes"])
            .and_then(|part| part.value.as_object().cloned());
        let principal = Principal {
            id: name.to_owned(),
            kind,
            name: keys.text(&["name"], problems),
            email: keys.text(&["email"], problems),
            tenant: keys.text(&["tenant"], problems),
            // What is listed under `roles` was assigned to them; this one a session brings.
            roles: match (kind, keys.text(&["platformRole"], problems)) {
                (_, Some(role)) => vec![role],
                (PrincipalKind::User, None) => vec![PLATFORM_ROLE.to_owned()],
                _ => Vec::new(),
            },
            permission_sets: sets,
            attributes: attributes.unwrap_or_default(),
            ..Principal::default()
        };
        self.users.insert(name.to_owned(), principal);
        self.memberships.insert(name.to_owned(), memberships);
    }

    fn share(&mut self, part: Part<'_>, problems: &mut Problems) {
        let known = ["object", "record", "with", "type", "value", "level"];
        let Some(keys) = part.keys(&known, problems) else {
            return;
        };
        let (kind, value) = match keys.get(&["with"]) {
            Some(with) => match with.keys(&["type", "value"], problems) {
                Some(with) => (with.text(&["type"], problems), with.needed_text(&["value"], problems)),
                None => (None, None),
            },
            None => (keys.text(&["type"], problems), keys.needed_text(&["value"], problems)),
        };
        let share = json!({
            "object": keys.needed_text(&["object"], problems),
            "record": keys.needed_text(&["record"], problems),
            "recipient_type": kind.unwrap_or_else(|| "user".to_owned()),
            "recipient": value,
            "access_level": keys.text(&["level"], problems).unwrap_or_else(|| "read".to_owned()),
        });
        self.platform("sys_record_share", share);
    }

    /// The model as the settings of the file have it.
    pub(super) fn under_settings(&self, model: &Model) -> Model {
        Model {
            fallback: Some(self.settings.default_access.into()),
            ..model.clone()
        }
    }

    /// Who a user of the file is, under a model.
    pub(super) fn subject(&self, name: &str, model: &Model) -> Option<Subject> {
        let principal = self.users.get(name)?;
        let memberships = self.memberships.get(name)?;
        Some(Subject::new(principal, memberships, model, &self.settings))
    }

    /// Names of the users.
    pub(super) fn users(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(String::as_str)
    }

    /// Records of an object.
    pub(super) fn records(&self, object: &str) -> &[Record] {
        self.records.get(object).map_or(&[], Vec::as_slice)
    }
}

impl Records for World {
    fn with_value<'a>(
        &'a self,
        object: &'a str,
        field: &'a str,
        value: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<Record>>> {
        let found = self
            .records(object)
            .iter()
            .filter(|record| record.get(field) == Some(value))
            .cloned()
            .collect();
        Box::pin(std::future::ready(Ok(found)))
    }
}

/// The operator's settings, as `plugins.objectos.permissions` has them.
fn settings(part: &Part<'_>, problems: &mut Problems) -> Settings {
    let read = serde_json::from_value::<Settings>(part.value.clone()).map_err(|error| error.to_string());
    let read = read.and_then(|settings| match settings.zone() {
        Ok(_) => Ok(settings),
        Err(error) => Err(error.message().to_owned()),
    });
    read.unwrap_or_else(|message| {
        problems.push(
            part.problem(message)
                .hint("these are the keys of plugins.objectos.permissions"),
        );
        Settings::default()
    })
}

/// A moment, or the beginning of a day in UTC.
pub(super) fn read_moment(part: &Part<'_>, problems: &mut Problems) -> Option<i64> {
    let text = part.text(problems)?;
    let full = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    let moment = moment::read(&full);
    if moment.is_none() {
        let problem = part.problem(format!("`{text}` is no moment"));
        problems.push(problem.hint("write it as in 2026-01-31T12:00:00Z"));
    }
    moment
}
