//! How far somebody who edits access reaches: nobody gives, takes or writes what is more than they hold, and where people work in
//! organisations, only `manage_platform` reaches beyond one's own. Not here: whether they may edit access at all (`routes`, and
//! the data engine for records), and whether what they write can be read (`guard`). What comes by places in organisations and
//! teams is in `places`.
//!
//! Called by the hooks, so that every way to a record is the same, by the routes that look at other people, and by the service, for
//! others who hold somebody to what they hold.

mod places;

use std::collections::BTreeSet;
use std::sync::Arc;

use objectos_plugin_api::contracts::hooks::RecordHook;
use objectos_plugin_api::contracts::permissions::Powers;
use objectos_plugin_api::{Context, Error, ErrorKind, Principal, PrincipalKind, Result};
use serde_json::{Value, json};

pub use self::places::PLACES;
use crate::evaluate::Record;
use crate::load::{Loaded, POLICY_OBJECTS, check_record, definition, text};
use crate::model::{ADMINISTRATOR, Model, Role};
use crate::problem::Source;
use crate::state::State;
use crate::subject::{Memberships, Subject};

const ASSIGNMENTS: &str = "sys_permission_assignment";
const ORGANIZATIONS: &str = "sys_organization";
const ROLES: &str = "sys_role";
/// Objects that give sets, or records, to people by a detour.
const GIVING: [&str; 3] = ["sys_user_role", "sys_group_member", "sys_user_territory"];
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
    if state.has_system_permission(context, subject, PLATFORM).await? {
        return Ok(Reach::Everything);
    }
    let loaded = state.loaded(context).await?;
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

/// What whoever stands in the context may do beyond records. A user without an id is whoever has these roles and nothing else, in
/// whatever organisation.
///
/// # Errors
/// `Unauthenticated` when nobody asks; what the data engine answers.
pub async fn powers(state: &State, context: &Context) -> Result<Powers> {
    let principal = State::principal(context)?;
    let subject = if principal.kind == PrincipalKind::User && principal.id.is_empty() {
        // Definitions that changed are noticed by whoever asks for the version.
        state.version()?;
        let loaded = state.loaded(context).await?;
        Arc::new(anywhere(
            state,
            &loaded,
            &loaded.model,
            &principal,
            Memberships::default(),
        ))
    } else {
        state.subject(context).await?
    };
    if subject.guest {
        return Ok(Powers::default());
    }
    let loaded = state.loaded(context).await?;
    let sets = subject.held.iter().filter_map(|held| loaded.model.sets.get(&held.set));
    let names: BTreeSet<&String> = sets
        .flat_map(|set| set.system.keys())
        .filter(|name| subject.system_in_scope(name))
        .collect();
    Ok(Powers {
        administrator: administers(&subject),
        system_permissions: names.into_iter().cloned().collect(),
    })
}

/// Whether a subject administers the whole, as far as the scopes of an API key let it.
fn administers(subject: &Subject) -> bool {
    subject.administrator.is_some() && subject.system_in_scope(PLATFORM)
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
    object == ASSIGNMENTS
        || GIVING.contains(&object)
        || PLACES.contains(&object)
        || POLICY_OBJECTS.iter().any(|(name, _)| *name == object)
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
    if PLACES.contains(&hook.object.as_str()) {
        return places::check(state, context, hook, after).await;
    }
    let subject = state.subject(context).await?;
    let loaded = state.loaded(context).await?;
    let mut needed = Needed::default();
    if hook.object != ROLES || moves(hook.previous.as_ref(), after) {
        for record in hook.previous.iter().chain(after) {
            needed.add(state, &loaded, &hook.object, record);
        }
    }
    needed.check(state, context, &subject).await?;
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

/// Whether a role stands somewhere else after a change, or under another name.
fn moves(before: Option<&Record>, after: Option<&Record>) -> bool {
    let place = |record: &Record| ["name", "parent"].map(|field| text(record, field));
    before.map(place) != after.map(place)
}

/// What somebody has to hold.
#[derive(Debug, Default)]
struct Needed {
    permissions: BTreeSet<String>,
    /// The built-in set.
    administrator: bool,
}

impl Needed {
    fn is_empty(&self) -> bool {
        self.permissions.is_empty() && !self.administrator
    }

    /// Refuses somebody who does not hold all of it.
    async fn check(&self, state: &State, context: &Context, subject: &Subject) -> Result<()> {
        if self.administrator && !administers(subject) {
            return Err(denied(
                "only an administrator makes administrators, and takes that back",
            ));
        }
        for permission in &self.permissions {
            if !state.has_system_permission(context, subject, permission).await? {
                return Err(denied(format!(
                    "this gives or takes the system permission {permission}, which you do not hold yourself"
                )));
            }
        }
        Ok(())
    }

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
            ROLES => self.beneath(state, loaded, record),
            "sys_user_role" => {
                let role = text(record, "role").into_iter().collect();
                self.all(loaded, come_by(state, loaded, &loaded.model, with_roles(role)));
            }
            "sys_group_member" => {
                let memberships = Memberships {
                    groups: text(record, "group").into_iter().collect(),
                    ..Memberships::default()
                };
                self.all(loaded, come_by(state, loaded, &loaded.model, memberships));
            }
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

    fn all(&mut self, loaded: &Loaded, sets: BTreeSet<String>) {
        for set in sets {
            self.set(loaded, &set);
        }
    }

    /// What holders of a role come by because of where it stands: what is given to a role above and all below it. It stands where
    /// the record says, and where a file says once the record is gone.
    fn beneath(&mut self, state: &State, loaded: &Loaded, record: &Record) {
        let Some(name) = text(record, "name") else { return };
        let standing = |parent: Option<String>| {
            let mut model = loaded.model.clone();
            let role = Role {
                name: name.clone(),
                label: None,
                parent,
                source: Source::BuiltIn,
            };
            model.roles.insert(name.clone(), role);
            come_by(state, loaded, &model, with_roles(vec![name.clone()]))
        };
        let by_itself = standing(None);
        let declared = loaded.declared_parents.get(&name).cloned();
        for parent in text(record, "parent").into_iter().chain(declared) {
            let sets = standing(Some(parent));
            self.all(loaded, sets.difference(&by_itself).cloned().collect());
        }
    }
}

fn with_roles(roles: Vec<String>) -> Memberships {
    Memberships {
        roles,
        ..Memberships::default()
    }
}

/// The sets that somebody comes by who has nothing but this, in whatever organisation.
fn come_by(state: &State, loaded: &Loaded, model: &Model, memberships: Memberships) -> BTreeSet<String> {
    let somebody = Principal {
        kind: PrincipalKind::User,
        ..Principal::default()
    };
    carried(state, &anywhere(state, loaded, model, &somebody, memberships))
}

/// Who somebody is who has nothing but this, in whatever organisation.
fn anywhere(
    state: &State,
    loaded: &Loaded,
    model: &Model,
    somebody: &Principal,
    mut memberships: Memberships,
) -> Subject {
    memberships.assignments = loaded
        .assignments
        .iter()
        .cloned()
        .map(|assignment| crate::subject::Assignment {
            organization: None,
            ..assignment
        })
        .collect();
    let bounded = model.group_members.iter().any(|member| member.organization.is_some());
    let everywhere = bounded.then(|| {
        let mut model = model.clone();
        for member in &mut model.group_members {
            member.organization = None;
        }
        model
    });
    let model = everywhere.as_ref().unwrap_or(model);
    Subject::new(somebody, &memberships, model, &state.loader.settings)
}

/// The sets that somebody comes by who has nothing but this, where they work.
fn sets_of(state: &State, somebody: &Principal, memberships: &Memberships, model: &Model) -> BTreeSet<String> {
    carried(
        state,
        &Subject::new(somebody, memberships, model, &state.loader.settings),
    )
}

/// The sets of a subject, but for what everybody has: that is nobody's to give.
fn carried(state: &State, subject: &Subject) -> BTreeSet<String> {
    let own = subject
        .held
        .iter()
        .filter(|held| !state.loader.settings.default_sets.contains(&held.set));
    let held = subject.administrator.iter().chain(own);
    held.map(|held| held.set.clone()).collect()
}
