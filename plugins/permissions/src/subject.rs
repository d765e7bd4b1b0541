//! Who asks, with everything that plans depend on: roles, groups, teams, territories, permission sets and how each was come by,
//! scopes of an API key. Made of the request's principal and of the records about it; changes of those make a new one.

use std::collections::BTreeSet;

use objectos_expression::Zone;
use objectos_plugin_api::contracts::permissions::{Holdings, Operation};
use objectos_plugin_api::{Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::config::Settings;
use crate::model::{ADMINISTRATOR, Model, Recipient};
use crate::problem::Source;

/// Platform roles that hold the built-in set.
const ADMINISTRATOR_ROLES: [&str; 2] = ["super_admin", "admin"];

/// What records say about one principal. Times that have passed are left out already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memberships {
    /// Roles by name.
    pub roles: Vec<String>,
    /// Groups that name the user itself.
    pub groups: Vec<String>,
    /// Teams by id.
    pub teams: Vec<String>,
    /// Territories by name.
    pub territories: Vec<String>,
    /// Assignments of permission sets that may concern the principal.
    pub assignments: Vec<Assignment>,
    /// When something of this begins or ends next, milliseconds since 1970.
    pub boundary_ms: Option<i64>,
}

/// A permission set given to somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// Id of the record.
    pub id: String,
    /// Name of the set.
    pub set: String,
    /// To whom.
    pub assignee: Recipient,
    /// Only while this is the active organisation.
    pub organization: Option<String>,
}

/// A permission set and how the subject came by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Name of the set.
    pub set: String,
    /// In words: `assigned to the group \`west\``.
    pub reason: String,
    /// Where it is written.
    pub source: Source,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Id.
    pub id: String,
    /// The active organisation.
    pub tenant: Option<String>,
    /// Not signed in.
    pub guest: bool,
    /// Holds the built-in set.
    pub administrator: Option<Held>,
    /// Names of roles.
    pub roles: BTreeSet<String>,
    /// Names of groups, those that hold groups or roles of the subject among them.
    pub groups: BTreeSet<String>,
    /// Ids of teams.
    pub teams: BTreeSet<String>,
    /// Names of territories and of those below them.
    pub territories: BTreeSet<String>,
    /// Permission sets; each that there is, once.
    pub held: Vec<Held>,
    /// What an API key is narrowed to.
    pub scopes: Option<Vec<String>>,
    /// `current_user`.
    pub user: Value,
    /// Whose day it is in conditions: the operator's. A zone that people choose for themselves is for what they are shown; which
    /// records they see does not move with it.
    pub zone: Zone,
}

impl Subject {
    /// Puts together what is known.
    #[must_use]
    pub fn new(principal: &Principal, memberships: &Memberships, model: &Model, settings: &Settings) -> Self {
        let roles = roles(principal, memberships);
        let groups = groups(principal, memberships, &roles, model);
        let mine = memberships.territories.iter().map(String::as_str);
        let declared = model
            .territories
            .values()
            .filter(|territory| territory.users.contains(&principal.id));
        let names: Vec<&str> = mine.chain(declared.map(|territory| territory.name.as_str())).collect();
        let mut subject = Self {
            id: principal.id.clone(),
            tenant: principal.tenant.clone(),
            guest: principal.kind == PrincipalKind::Anonymous,
            administrator: None,
            territories: model.territories_within(names).into_iter().map(str::to_owned).collect(),
            teams: memberships.teams.iter().cloned().collect(),
            roles,
            groups,
            held: Vec::new(),
            scopes: scopes(principal),
            user: Value::Null,
            zone: settings.zone().unwrap_or_default(),
        };
        subject.hold(principal, memberships, model, settings);
        subject.user = subject.current_user(principal, model);
        subject
    }

    fn hold(&mut self, principal: &Principal, memberships: &Memberships, model: &Model, settings: &Settings) {
        let mut add = |set: &str, reason: String, source: Source| {
            let held = Held {
                set: set.to_owned(),
                reason,
                source,
            };
            if set == ADMINISTRATOR {
                self.administrator.get_or_insert(held);
            } else if model.sets.contains_key(set) && !self.held.iter().any(|known| known.set == set) {
                self.held.push(held);
            }
        };
        if principal.kind == PrincipalKind::Local {
            add(ADMINISTRATOR, "is alone on this machine".to_owned(), Source::BuiltIn);
        }
        for role in ADMINISTRATOR_ROLES
            .iter()
            .filter(|role| principal.roles.iter().any(|held| held == *role))
        {
            add(ADMINISTRATOR, format!("has the role `{role}`"), Source::BuiltIn);
        }
        if self.guest {
            // Nobody in particular administers nothing.
            for set in settings.guest_sets.iter().filter(|set| *set != ADMINISTRATOR) {
                add(set, "is for whoever is not signed in".to_owned(), Source::Settings);
            }
            return;
        }
        for set in &principal.permission_sets {
            add(set, "came with the request".to_owned(), Source::Principal);
        }
        for assignment in &memberships.assignments {
            let organization = assignment.organization.as_deref();
            let here = organization.is_none_or(|organization| principal.tenant.as_deref() == Some(organization));
            if here
                && is_one_of(
                    &assignment.assignee,
                    &self.id,
                    &self.roles,
                    &self.groups,
                    &self.teams,
                    model,
                )
            {
                let reason = format!("is assigned to {}", describe(&assignment.assignee));
                add(
                    &assignment.set,
                    reason,
                    Source::record("sys_permission_assignment", &assignment.id),
                );
            }
        }
        for role in &self.roles {
            for set in settings.role_sets.get(role).into_iter().flatten() {
                add(set, format!("goes with the role `{role}`"), Source::Settings);
            }
            if let Some(set) = model.sets.get(role) {
                add(role, format!("goes with the role `{role}`"), set.source.clone());
            }
        }
        for set in &settings.default_sets {
            add(set, "is for everybody who is signed in".to_owned(), Source::Settings);
        }
    }

    /// What is held, for those who do not read the model: whatever policies call roles and sets, everybody else does.
    #[must_use]
    pub fn holdings(&self, model: &Model) -> Holdings {
        let listed = |names: &BTreeSet<String>| names.iter().cloned().collect();
        let sets: Vec<String> = self.held.iter().map(|held| held.set.clone()).collect();
        let is_profile = |set: &&String| model.sets.get(*set).is_some_and(|set| set.profile);
        Holdings {
            roles: listed(&self.roles),
            profiles: sets.iter().filter(is_profile).cloned().collect(),
            permission_sets: sets,
            groups: listed(&self.groups),
            teams: listed(&self.teams),
            territories: listed(&self.territories),
        }
    }

    fn current_user(&self, principal: &Principal, model: &Model) -> Value {
        let Holdings {
            permission_sets: sets,
            profiles,
            ..
        } = self.holdings(model);
        json!({
            "id": self.id,
            "name": principal.name,
            "email": principal.email,
            "tenant_id": principal.tenant,
            "organization_id": principal.tenant,
            "role": principal.roles.first().or(self.roles.first()),
            "roles": self.roles,
            "profile": profiles.first(),
            "profiles": profiles,
            "permissions": sets,
            "groups": self.groups,
            "teams": self.teams,
            "territories": self.territories,
            "attributes": principal.attributes,
        })
    }

    /// Whether the subject is one of some users.
    #[must_use]
    pub fn is_one_of(&self, recipient: &Recipient, model: &Model) -> bool {
        match recipient {
            Recipient::Guest => self.guest,
            Recipient::Territory(name) => self.territories.contains(name),
            other => !self.guest && is_one_of(other, &self.id, &self.roles, &self.groups, &self.teams, model),
        }
    }

    /// Whether the scopes of the API key, if it is one, let an operation through: `read`, `write`, `object:NAME`,
    /// `object:NAME:read` as `auth` gives them, `NAME:ACTION`, and `*`. What is none of these lets nothing through.
    #[must_use]
    pub fn in_scope(&self, object: &str, operation: Operation) -> bool {
        let Some(scopes) = &self.scopes else { return true };
        scopes.iter().any(|scope| {
            let parts: Vec<&str> = scope.split(':').collect();
            match parts.as_slice() {
                ["*" | "write"] => true,
                ["read"] => operation == Operation::Read,
                ["object", name] => *name == object,
                ["object", name, action] => *name == object && action_covers(action, operation),
                [name, action] => (*name == "*" || *name == object) && action_covers(action, operation),
                _ => false,
            }
        })
    }

    /// Whether the scopes let a system permission through: `*`, `write`, `system:*`, `system:NAME`.
    #[must_use]
    pub fn system_in_scope(&self, permission: &str) -> bool {
        let Some(scopes) = &self.scopes else { return true };
        scopes.iter().any(|scope| {
            let named = scope.strip_prefix("system:");
            matches!(scope.as_str(), "*" | "write") || named.is_some_and(|name| name == "*" || name == permission)
        })
    }
}

fn action_covers(action: &str, operation: Operation) -> bool {
    match action {
        "*" => true,
        "read" => operation == Operation::Read,
        "create" => operation == Operation::Create,
        "update" | "edit" => operation == Operation::Update,
        "delete" => operation == Operation::Delete,
        "restore" => operation == Operation::Restore,
        "purge" => operation == Operation::Purge,
        "transfer" => operation == Operation::Transfer,
        "write" => matches!(operation, Operation::Create | Operation::Update | Operation::Delete),
        _ => false,
    }
}

/// `None`: not narrowed, as a key without scopes is. Scopes that are no list of texts let nothing through.
fn scopes(principal: &Principal) -> Option<Vec<String>> {
    match principal.attributes.get("scopes") {
        None | Some(Value::Null) => None,
        Some(Value::Array(items)) if items.is_empty() => None,
        Some(Value::Array(items)) => Some(
            items
                .iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
        ),
        Some(_) => Some(Vec::new()),
    }
}

/// Roles of the principal and of records. What an organisation calls `org:admin` is `org_admin` where names have no colon.
fn roles(principal: &Principal, memberships: &Memberships) -> BTreeSet<String> {
    let mut roles: BTreeSet<String> = principal.roles.iter().chain(&memberships.roles).cloned().collect();
    let plain: Vec<String> = roles
        .iter()
        .filter(|role| role.contains(':'))
        .map(|role| role.replace(':', "_"))
        .collect();
    roles.extend(plain);
    roles
}

fn groups(
    principal: &Principal,
    memberships: &Memberships,
    roles: &BTreeSet<String>,
    model: &Model,
) -> BTreeSet<String> {
    let mut groups: BTreeSet<String> = memberships.groups.iter().cloned().collect();
    let teams = memberships.teams.iter().cloned().collect();
    loop {
        let more: Vec<String> = model
            .group_members
            .iter()
            .filter(|member| !groups.contains(&member.group) && member.counts_in(principal.tenant.as_deref()))
            .filter(|member| is_one_of(&member.member, &principal.id, roles, &groups, &teams, model))
            .map(|member| member.group.clone())
            .collect();
        if more.is_empty() {
            return groups;
        }
        groups.extend(more);
    }
}

fn is_one_of(
    recipient: &Recipient,
    id: &str,
    roles: &BTreeSet<String>,
    groups: &BTreeSet<String>,
    teams: &BTreeSet<String>,
    model: &Model,
) -> bool {
    match recipient {
        Recipient::User(user) => user == id,
        Recipient::Group(group) => groups.contains(group),
        Recipient::Team(team) => teams.contains(team),
        Recipient::Role(role) => roles.contains(role),
        Recipient::RoleAndSubordinates(role) => model
            .roles_above(roles.iter().map(String::as_str))
            .contains(role.as_str()),
        Recipient::Territory(_) | Recipient::Guest => false,
    }
}

/// Some users in words.
#[must_use]
pub fn describe(recipient: &Recipient) -> String {
    match recipient {
        Recipient::User(name) => format!("the user `{name}`"),
        Recipient::Group(name) => format!("the group `{name}`"),
        Recipient::Team(name) => format!("the team `{name}`"),
        Recipient::Role(name) => format!("the role `{name}`"),
        Recipient::RoleAndSubordinates(name) => format!("the role `{name}` and those below it"),
        Recipient::Territory(name) => format!("the territory `{name}`"),
        Recipient::Guest => "whoever is not signed in".to_owned(),
    }
}
