//! Makes the model: from what apps and plugins declare, over the `metadata` service, and then from what was edited at runtime.
//!
//! A fault in a file keeps the whole from loading. A fault in a record is told, and closes what the record spoke of: a set that
//! cannot be read grants nothing, an object whose policy cannot be read is closed to all but administrators.

use objectos_plugin_api::contracts::metadata::{MetadataClient, MetadataItem};
use objectos_plugin_api::{Context, Host, Result};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;

use crate::catalogue::Catalogue;
use crate::config::Settings;
use crate::decode::{self, KINDS, add, check_links};
use crate::document::Document;
use crate::evaluate::Record;
use crate::files::{self, Read};
use crate::model::{GroupMember, Model, Openness, OrgDefault, Recipient};
use crate::moment;
use crate::problem::{Problem, Source};
use crate::records::Store;
use crate::subject::Assignment;

/// Objects whose records are part of the model, and the kind of definition each is.
pub const POLICY_OBJECTS: [(&str, &str); 6] = [
    ("sys_permission_set", "permission"),
    ("sys_role", "role"),
    ("sys_org_default", "sharing"),
    ("sys_sharing_rule", "sharing"),
    ("sys_row_policy", "policy"),
    ("sys_territory", "territory"),
];

/// A model and what belongs to it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// System permissions of the sets that files declare, by name: they count again when what was edited at runtime goes.
    pub declared_system: HashMap<String, Vec<String>>,
    /// Roles above those that files declare, by name: they stand there again when what was edited at runtime goes.
    pub declared_parents: HashMap<String, String>,
    /// Assignments to groups, teams and roles.
    pub assignments: Vec<Assignment>,
    /// When something of this ends next.
    pub boundary_ms: Option<i64>,
    /// What is wrong with files.
    pub file_problems: Vec<Problem>,
    /// What is wrong with records.
    pub record_problems: Vec<Problem>,
    /// What files say that has no effect.
    pub notices: Vec<Problem>,
}

/// What loading needs.
#[derive(Clone, Debug)]
pub struct Loader {
    /// The kernel.
    pub host: Host,
    /// What is declared.
    pub metadata: MetadataClient,
    /// Records.
    pub store: Store,
    /// The operator's settings.
    pub settings: Settings,
    /// Folders of apps.
    pub apps: Vec<PathBuf>,
}

impl Loader {
    /// Reads everything.
    ///
    /// # Errors
    /// When a service does not answer; what is wrong with definitions is in the answer.
    pub async fn load(&self, context: &Context) -> Result<Loaded> {
        let objects = self.metadata.list(context, &"object".to_owned()).await?;
        let mut loaded = Loaded::default();
        loaded.model.catalogue = Catalogue::new(objects.iter().map(|item| &item.definition));
        loaded.model.fallback = Some(self.settings.default_access.into());
        let files = files::of_host(&self.host, &self.apps);
        for kind in KINDS {
            for item in self.metadata.list(context, &kind.to_owned()).await? {
                declare(&mut loaded, kind, &item, &files);
            }
        }
        let sets = loaded.model.sets.values();
        loaded.declared_system = sets
            .filter(|set| !set.system.is_empty())
            .map(|set| (set.name.clone(), set.system.keys().cloned().collect()))
            .collect();
        let roles = loaded.model.roles.values();
        loaded.declared_parents = roles
            .filter_map(|role| Some((role.name.clone(), role.parent.clone()?)))
            .collect();
        for (object, _) in POLICY_OBJECTS {
            for record in self.records(context, &loaded, object, json!({})).await? {
                enact(&mut loaded, object, &record);
            }
        }
        check_links(&loaded.model, &mut loaded.file_problems);
        let others = json!({ "member_type": { "$ne": "user" } });
        for record in self.records(context, &loaded, "sys_group_member", others).await? {
            if let (Some(group), Some(member)) = (text(&record, "group"), recipient(&record, "member_type", "member")) {
                loaded.model.group_members.push(GroupMember {
                    group,
                    member,
                    organization: text(&record, "organization"),
                });
            }
        }
        self.assignments(context, &mut loaded).await?;
        self.endings(context, &mut loaded).await?;
        Ok(loaded)
    }

    /// The records of an object that match; none where there is no such object.
    ///
    /// # Errors
    /// What the data engine answers.
    pub async fn records(
        &self,
        context: &Context,
        loaded: &Loaded,
        object: &str,
        filter: Value,
    ) -> Result<Vec<Record>> {
        if loaded.model.catalogue.object(object).is_none() {
            return Ok(Vec::new());
        }
        self.store.all(context, object, filter).await
    }

    async fn assignments(&self, context: &Context, loaded: &mut Loaded) -> Result<()> {
        let now_ms = self.host.now_ms();
        let filter = json!({ "assignee_type": { "$ne": "user" } });
        for record in self
            .records(context, loaded, "sys_permission_assignment", filter)
            .await?
        {
            if let Some(assignment) = assignment(&record, now_ms, &mut loaded.boundary_ms) {
                loaded.assignments.push(assignment);
            }
        }
        Ok(())
    }

    /// Shares and roles are looked up by queries, which compare their end with the moment the plan was made.
    async fn endings(&self, context: &Context, loaded: &mut Loaded) -> Result<()> {
        let now_ms = self.host.now_ms();
        for object in ["sys_record_share", "sys_user_role"] {
            if loaded.model.catalogue.object(object).is_none() {
                continue;
            }
            let query = json!({
                "where": { "expires_at": { "$gt": moment::text(now_ms) } },
                "orderBy": [{ "field": "expires_at", "order": "asc" }],
                "limit": 1,
            });
            let next = self.store.some(context, object, query).await?;
            let end = next.first().and_then(|record| text(record, "expires_at"));
            sooner(&mut loaded.boundary_ms, end.as_deref().and_then(moment::read));
        }
        Ok(())
    }
}

/// Notes an earlier boundary.
pub fn sooner(boundary_ms: &mut Option<i64>, end_ms: Option<i64>) {
    *boundary_ms = match (*boundary_ms, end_ms) {
        (Some(known), Some(end)) => Some(known.min(end)),
        (known, end) => known.or(end),
    };
}

fn declare(loaded: &mut Loaded, kind: &str, item: &MetadataItem, files: &[Read]) {
    let found = files::find(files, kind, &item.definition);
    let source = || Source::File {
        file: format!("{}:{} {}", item.package, kind, item.name).into(),
        line: 0,
    };
    let document = found.map_or_else(
        || Document::new(source(), item.definition.clone()),
        |file| file.document.clone(),
    );
    let stem = found.map_or(item.name.as_str(), |file| file.stem.as_str());
    let model = &mut loaded.model;
    let mut declared = decode::read(kind, stem, &document, &model.catalogue, &mut loaded.file_problems);
    loaded.notices.append(&mut declared.notices);
    add(model, declared);
}

/// Puts a record that was edited at runtime into the model.
fn enact(loaded: &mut Loaded, object: &str, record: &Record) {
    let mut problems = Vec::new();
    let definition = definition(object, record);
    let active = record.get("active") != Some(&Value::Bool(false));
    let name = text(record, "name").unwrap_or_default();
    let about = text(record, "object").unwrap_or_default();
    let model = &mut loaded.model;
    if !active {
        // It takes the place of what a file says, and says nothing.
        withdraw(model, object, &name);
        return;
    }
    let declared = check_record(object, record, &definition, &model.catalogue, &mut problems);
    if problems.is_empty() {
        add(model, declared);
        return;
    }
    withdraw(model, object, &name);
    match object {
        "sys_row_policy" => {
            let reason = format!(
                "the row policy `{name}` of `{about}` cannot be read: {}",
                problems[0].message
            );
            model.closed.insert(about, reason);
        }
        "sys_org_default" => {
            let default = OrgDefault {
                openness: Openness::Private,
                hierarchy: false,
                source: Source::record(object, &text(record, "id").unwrap_or_default()),
            };
            model.defaults.insert(about, default);
        }
        _ => {}
    }
    loaded.record_problems.extend(problems);
}

fn withdraw(model: &mut Model, object: &str, name: &str) {
    match object {
        "sys_permission_set" => drop(model.sets.shift_remove(name)),
        "sys_role" => drop(model.roles.shift_remove(name)),
        "sys_sharing_rule" => model.rules.retain(|rule| rule.name != name),
        "sys_row_policy" => model.policies.retain(|policy| policy.name != name),
        "sys_territory" => drop(model.territories.shift_remove(name)),
        _ => {}
    }
}

/// Reads a record of one of [`POLICY_OBJECTS`].
pub fn check_record(
    object: &str,
    record: &Record,
    definition: &Value,
    catalogue: &Catalogue,
    problems: &mut Vec<Problem>,
) -> decode::Declared {
    let kind = POLICY_OBJECTS
        .iter()
        .find(|(name, _)| *name == object)
        .map_or("", |(_, kind)| *kind);
    let source = Source::record(object, &text(record, "id").unwrap_or_default());
    let document = Document::new(source, definition.clone());
    let stem = text(record, "name").unwrap_or_default();
    decode::read(kind, &stem, &document, catalogue, problems)
}

/// What a record says, in the form that files have.
#[must_use]
pub fn definition(object: &str, record: &Record) -> Value {
    let get = |field: &str| record.get(field).cloned().unwrap_or(Value::Null);
    let recipient = |kind: &str, value: &str| match get(kind) {
        Value::Null => Value::Null,
        kind => json!({ "type": kind, "value": get(value) }),
    };
    match object {
        "sys_permission_set" => match get("definition") {
            Value::Object(mut definition) => {
                definition.insert("name".to_owned(), get("name"));
                Value::Object(definition)
            }
            other => other,
        },
        "sys_role" => json!({ "name": get("name"), "label": get("label"), "parent": get("parent") }),
        "sys_org_default" => json!({ "orgDefaults": [{
            "object": get("object"),
            "model": get("model"),
            "grantAccessUsingHierarchy": get("grant_access_using_hierarchy"),
        }] }),
        "sys_sharing_rule" => json!({
            "name": get("name"),
            "object": get("object"),
            "type": get("kind"),
            "condition": get("condition"),
            "ownedBy": recipient("owned_by_type", "owned_by"),
            "sharedWith": recipient("shared_with_type", "shared_with"),
            "accessLevel": get("access_level"),
        }),
        "sys_row_policy" => json!({
            "name": get("name"),
            "object": get("object"),
            "operation": get("operation"),
            "using": get("using_expression"),
            "check": get("check_expression"),
            "roles": match get("roles") {
                Value::Array(roles) if roles.is_empty() => Value::Null,
                roles => roles,
            },
            "priority": whole(&get("priority")),
        }),
        "sys_territory" => json!({
            "name": get("name"),
            "label": get("label"),
            "parent": get("parent"),
            "assignmentRule": get("assignment_rule"),
            "accountAccess": get("account_access"),
            "opportunityAccess": get("opportunity_access"),
            "caseAccess": get("case_access"),
        }),
        _ => Value::Null,
    }
}

/// Numbers of records come as doubles.
fn whole(value: &Value) -> Value {
    let text = value.as_f64().map(|number| format!("{number:.0}"));
    text.and_then(|text| text.parse::<i64>().ok())
        .map_or(Value::Null, Value::from)
}

/// A text field that is not empty.
#[must_use]
pub fn text(record: &Record, field: &str) -> Option<String> {
    record
        .get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// Somebody, named by a kind and a value.
#[must_use]
pub fn recipient(record: &Record, kind: &str, value: &str) -> Option<Recipient> {
    let value = text(record, value)?;
    Some(match text(record, kind)?.as_str() {
        "user" => Recipient::User(value),
        "group" => Recipient::Group(value),
        "team" => Recipient::Team(value),
        "role" => Recipient::Role(value),
        "role_and_subordinates" => Recipient::RoleAndSubordinates(value),
        "territory" => Recipient::Territory(value),
        _ => return None,
    })
}

/// Whether a record with `expires_at` still counts; its end is noted.
#[must_use]
pub fn lasts(record: &Record, now_ms: i64, boundary_ms: &mut Option<i64>) -> bool {
    let Some(end) = text(record, "expires_at") else {
        return true;
    };
    // An end that cannot be read has passed.
    let Some(end_ms) = moment::read(&end).filter(|end_ms| *end_ms > now_ms) else {
        return false;
    };
    sooner(boundary_ms, Some(end_ms));
    true
}

/// Whether a record with `organization` counts in the active one; without one it counts everywhere.
#[must_use]
pub fn counts_here(record: &Record, tenant: Option<&str>) -> bool {
    let organization = text(record, "organization");
    organization.is_none() || organization.as_deref() == tenant
}

/// A record of `sys_permission_assignment`, if it lasts.
#[must_use]
pub fn assignment(record: &Record, now_ms: i64, boundary_ms: &mut Option<i64>) -> Option<Assignment> {
    if !lasts(record, now_ms, boundary_ms) {
        return None;
    }
    Some(Assignment {
        id: text(record, "id")?,
        set: text(record, "permission_set")?,
        assignee: recipient(record, "assignee_type", "assignee")?,
        organization: text(record, "organization"),
    })
}
