//! How far somebody who edits access reaches: nobody gives, takes or writes what is more than they hold, and where people work in
//! organisations, only `manage_platform` reaches beyond one's own. Not here: whether they may edit access at all (`routes`, and
//! the data engine for records), and whether what they write can be read (`guard`).
//!
//! Called by the hooks, so that every way to a record is the same, and by the routes that look at other people.

use std::collections::BTreeSet;

use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::{Context, Error, ErrorKind, Principal, PrincipalKind, Result};
use serde_json::{Value, json};

use crate::evaluate::Record;
use crate::load::{Loaded, POLICY_OBJECTS, check_record, definition, text};
use crate::model::ADMINISTRATOR;
use crate::state::State;
use crate::subject::{Memberships, Subject};

const ASSIGNMENTS: &str = "sys_permission_assignment";
const ORGANIZATIONS: &str = "sys_organization";
/// Objects that give sets to people by a detour.
const GIVING: [&str; 2] = ["sys_user_role", "sys_group_member"];
/// Reaches everything.
const PLATFORM: &str = "manage_platform";

/// How far somebody reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everything there is.
    Everything,
    /// What belongs to the organisation that they work in; nothing while they work in none.
    Organization(Option<String>),
}

fn denied(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Denied, message)
}

/// How far a subject reaches. Where there are no organisations, everybody who may edit access reaches everything.
///
/// # Errors
/// What the data engine answers.
pub async fn of(state: &State, context: &Context, subject: &Subject) -> Result<Reach> {
    if state.has_system_permission(subject, PLATFORM).await? {
        return Ok(Reach::Everything);
    }
    let loaded = state.loaded().await?;
    if loaded.model.catalogue.object(ORGANIZATIONS).is_none() {
        return Ok(Reach::Everything);
    }
    let any = state
        .loader
        .store
        .some(context, ORGANIZATIONS, json!({ "limit": 1 }))
        .await?;
    Ok(if any.is_empty() {
        Reach::Everything
    } else {
        Reach::Organization(subject.tenant.clone().filter(|tenant| !tenant.is_empty()))
    })
}

impl Reach {
    /// Whether it covers an organisation; none is all of them.
    #[must_use]
    pub fn covers(&self, organization: Option<&str>) -> bool {
        match self {
            Self::Everything => true,
            Self::Organization(own) => own.is_some() && own.as_deref() == organization,
        }
    }
}

/// Whether an object's records are guarded here.
#[must_use]
pub fn guards(object: &str) -> bool {
    object == ASSIGNMENTS || GIVING.contains(&object) || POLICY_OBJECTS.iter().any(|(name, _)| *name == object)
}

/// Refuses a change of access by somebody who does not reach so far. Whoever acts as the system for a person is held to what that
/// person may; the system by itself is not.
///
/// # Errors
/// `Denied`, with what is missing; what the data engine answers.
pub async fn check(state: &State, context: &Context, hook: &RecordHook, after: Option<&Record>) -> Result<()> {
    if !guards(&hook.object) || context.principal_json().is_empty() {
        return Ok(());
    }
    let subject = state.subject(context).await?;
    let loaded = state.loaded().await?;
    let mut needed = Needed::default();
    for record in hook.previous.iter().chain(after) {
        needed.add(state, &loaded, &hook.object, record);
    }
    if needed.administrator && (subject.administrator.is_none() || !subject.system_in_scope(PLATFORM)) {
        return Err(denied(
            "only an administrator makes administrators, and takes that back",
        ));
    }
    for permission in &needed.permissions {
        if !state.has_system_permission(&subject, permission).await? {
            return Err(denied(format!(
                "this gives or takes the system permission {permission}, which you do not hold yourself"
            )));
        }
    }
    let reach = of(state, context, &subject).await?;
    if reach == Reach::Everything {
        return Ok(());
    }
    if hook.object != ASSIGNMENTS {
        return Err(denied(format!(
            "records of {} hold for every organisation; changing them needs the system permission {PLATFORM}",
            hook.object
        )));
    }
    let organizations = hook
        .previous
        .iter()
        .chain(after)
        .map(|record| text(record, "organization"));
    for organization in organizations {
        if !reach.covers(organization.as_deref()) {
            return Err(denied(format!(
                "an assignment that is not limited to the organisation you work in needs the system permission {PLATFORM}; \
                 name that one under `organization`"
            )));
        }
    }
    Ok(())
}

/// What somebody has to hold.
#[derive(Debug, Default)]
struct Needed {
    permissions: BTreeSet<String>,
    /// The built-in set.
    administrator: bool,
}

impl Needed {
    fn add(&mut self, state: &State, loaded: &Loaded, object: &str, record: &Record) {
        match object {
            ASSIGNMENTS => self.set(loaded, &text(record, "permission_set").unwrap_or_default()),
            "sys_permission_set" => {
                // What counts under the name now, and what will again when the record goes.
                self.set(loaded, &text(record, "name").unwrap_or_default());
                let said = definition(object, record);
                let declared = check_record(object, record, &said, &loaded.model.catalogue, &mut Vec::new());
                self.permissions
                    .extend(declared.sets.into_iter().flat_map(|set| set.system.into_keys()));
                // One that cannot be read may be read another day.
                for key in ["systemPermissions", "system_permissions"] {
                    let names = said[key].as_array().into_iter().flatten();
                    self.permissions
                        .extend(names.filter_map(Value::as_str).map(str::to_owned));
                }
            }
            "sys_user_role" => self.through(
                state,
                loaded,
                Memberships {
                    roles: text(record, "role").into_iter().collect(),
                    ..Memberships::default()
                },
            ),
            "sys_group_member" => self.through(
                state,
                loaded,
                Memberships {
                    groups: text(record, "group").into_iter().collect(),
                    ..Memberships::default()
                },
            ),
            _ => {}
        }
    }

    fn set(&mut self, loaded: &Loaded, name: &str) {
        self.administrator |= name == ADMINISTRATOR;
        if let Some(set) = loaded.model.sets.get(name) {
            self.permissions.extend(set.system.keys().cloned());
        }
        self.permissions
            .extend(loaded.declared_system.get(name).into_iter().flatten().cloned());
    }

    /// The sets that somebody comes by who has nothing but this, in whatever organisation.
    fn through(&mut self, state: &State, loaded: &Loaded, mut memberships: Memberships) {
        memberships.assignments = loaded
            .assignments
            .iter()
            .cloned()
            .map(|assignment| crate::subject::Assignment {
                organization: None,
                ..assignment
            })
            .collect();
        let somebody = Principal {
            kind: PrincipalKind::User,
            ..Principal::default()
        };
        let settings = &state.loader.settings;
        let subject = Subject::new(&somebody, &memberships, &loaded.model, settings);
        self.administrator |= subject.administrator.is_some();
        // What everybody has is nobody's to give.
        let own = subject
            .held
            .iter()
            .filter(|held| !settings.default_sets.contains(&held.set));
        for held in own {
            self.set(loaded, &held.set);
        }
    }
}
