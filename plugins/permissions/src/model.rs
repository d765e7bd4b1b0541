//! Everything that was written about access, checked: permission sets, roles, org-wide defaults, sharing rules, row policies,
//! territories. Made by `decode` from files and records, read by `plan`.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Map, Value};

use crate::catalogue::{Catalogue, SYSTEM_PREFIX};
use crate::condition::Condition;
use crate::problem::Source;

/// The name of the built-in set.
pub const ADMINISTRATOR: &str = "administrator";
/// Stands for every object but the platform's own.
pub const EVERY_OBJECT: &str = "*";

/// What holders of a set may do with records of an object.
#[derive(Clone, Debug)]
pub struct ObjectGrant {
    /// Make records.
    pub create: bool,
    /// See records.
    pub read: bool,
    /// Change records.
    pub edit: bool,
    /// Delete records.
    pub delete: bool,
    /// Give records to others.
    pub transfer: bool,
    /// Bring records back.
    pub restore: bool,
    /// Delete records for good.
    pub purge: bool,
    /// See every record, whoever owns it.
    pub view_all: bool,
    /// Change every record, whoever owns it.
    pub modify_all: bool,
    /// Narrows the grant to these rows; the older files' `viewFilters`.
    pub rows: Option<Condition>,
    /// Of the older files, which know no ownership: nothing but `rows` narrows it.
    pub older: bool,
    /// Where it was written.
    pub source: Source,
}

impl ObjectGrant {
    /// Whether the grant allows an operation, what it implies counted in.
    #[must_use]
    pub fn allows(&self, operation: Operation) -> bool {
        match operation {
            Operation::Read => self.read || self.view_all || self.modify_all,
            Operation::Create => self.create,
            Operation::Update => self.edit || self.modify_all,
            Operation::Delete => self.delete || self.modify_all,
            Operation::Transfer => self.transfer || self.modify_all,
            Operation::Restore => self.restore,
            Operation::Purge => self.purge,
            _ => false,
        }
    }

    /// Whether ownership and sharing do not matter for an operation.
    #[must_use]
    pub fn unbounded(&self, operation: Operation) -> bool {
        match operation {
            Operation::Read => self.view_all || self.modify_all,
            _ => self.modify_all,
        }
    }
}

/// What holders of a set may do with a field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldGrant {
    /// See it.
    pub readable: bool,
    /// Change it.
    pub editable: bool,
    /// Where it was written.
    pub source: Source,
}

/// Permissions that are given together.
#[derive(Clone, Debug)]
pub struct Set {
    /// Name, unique.
    pub name: String,
    /// For people.
    pub label: Option<String>,
    /// The basis of a user's permissions, not an addition.
    pub profile: bool,
    /// By object name; `*` is every object but the platform's own.
    pub objects: IndexMap<String, ObjectGrant>,
    /// By object and field name.
    pub fields: HashMap<(String, String), FieldGrant>,
    /// Names of system permissions and where they were written.
    pub system: IndexMap<String, Source>,
    /// Rows that the set's grants are narrowed to.
    pub policies: Vec<Policy>,
    /// Variables of its policies and filters.
    pub variables: Map<String, Value>,
    /// Where it was written.
    pub source: Source,
}

impl Set {
    /// Without any permission.
    #[must_use]
    pub fn new(name: &str, source: Source) -> Self {
        Self {
            name: name.to_owned(),
            label: None,
            profile: false,
            objects: IndexMap::new(),
            fields: HashMap::new(),
            system: IndexMap::new(),
            policies: Vec::new(),
            variables: Map::new(),
            source,
        }
    }

    /// What it says of an object: by its name, or by `*` unless the object is the platform's own.
    #[must_use]
    pub fn object(&self, object: &str) -> Option<&ObjectGrant> {
        self.objects.get(object).or_else(|| {
            let own = object.starts_with(SYSTEM_PREFIX);
            self.objects.get(EVERY_OBJECT).filter(|_| !own)
        })
    }

    /// What it says of a field.
    #[must_use]
    pub fn field(&self, object: &str, field: &str) -> Option<&FieldGrant> {
        // Few sets name fields at all.
        if self.fields.is_empty() {
            return None;
        }
        self.fields.get(&(object.to_owned(), field.to_owned()))
    }
}

/// What a row policy governs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Governs {
    /// Seeing.
    Select,
    /// Making.
    Insert,
    /// Changing.
    Update,
    /// Deleting.
    Delete,
    /// All of it.
    All,
}

impl Governs {
    /// Its spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::All => "all",
        }
    }

    /// Whether it governs an operation.
    #[must_use]
    pub fn covers(self, operation: Operation) -> bool {
        match self {
            Self::All => true,
            Self::Select => operation == Operation::Read,
            Self::Insert => operation == Operation::Create,
            Self::Update => matches!(operation, Operation::Update | Operation::Transfer),
            Self::Delete => matches!(operation, Operation::Delete | Operation::Restore | Operation::Purge),
        }
    }
}

/// A condition that rows must meet.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Name.
    pub name: String,
    /// Object, or `*`.
    pub object: String,
    /// What it governs.
    pub governs: Governs,
    /// Rows that are there already.
    pub using: Option<Condition>,
    /// Rows as they are written; `using` when left out.
    pub check: Option<Condition>,
    /// Roles it applies to; everybody when left out.
    pub roles: Option<Vec<String>>,
    /// Higher is told first.
    pub priority: i64,
    /// Where it was written.
    pub source: Source,
}

/// Which evaluations of row policies are written to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Logged {
    /// None.
    #[default]
    Nothing,
    /// Those that leave rows.
    Granted,
    /// Those that leave none.
    Denied,
    /// All.
    Everything,
}

impl Logged {
    /// Whether one with this outcome is.
    #[must_use]
    pub const fn covers(self, granted: bool) -> bool {
        match self {
            Self::Nothing => false,
            Self::Granted => granted,
            Self::Denied => !granted,
            Self::Everything => true,
        }
    }
}

/// How row policies work as a whole.
#[derive(Clone, Debug)]
pub struct RowSecurity {
    /// False: the policies are not applied.
    pub enabled: bool,
    /// Where an object has policies and none applies to the caller: every row instead of none.
    pub allow_by_default: bool,
    /// Administrators are not bound by them.
    pub administrators_bypass: bool,
    /// Holders of these roles are not bound by them.
    pub bypass_roles: Vec<String>,
    /// What is written to the log when a plan is made of them.
    pub logged: Logged,
}

impl Default for RowSecurity {
    fn default() -> Self {
        Self {
            enabled: true,
            allow_by_default: false,
            administrators_bypass: true,
            bypass_roles: Vec::new(),
            logged: Logged::Nothing,
        }
    }
}

/// How much a shared record is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// To see.
    Read,
    /// To change.
    Edit,
    /// As an owner.
    Full,
}

impl Level {
    /// What an operation needs.
    #[must_use]
    pub fn needed(operation: Operation) -> Self {
        match operation {
            Operation::Read => Self::Read,
            Operation::Update => Self::Edit,
            _ => Self::Full,
        }
    }

    /// Its spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Edit => "edit",
            Self::Full => "full",
        }
    }

    /// Those that are enough where this one is needed.
    #[must_use]
    pub fn sufficient(self) -> Vec<&'static str> {
        [Self::Read, Self::Edit, Self::Full]
            .into_iter()
            .filter(|level| *level >= self)
            .map(Self::name)
            .collect()
    }
}

/// Some users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// One.
    User(String),
    /// Members of a group.
    Group(String),
    /// Members of a team.
    Team(String),
    /// Holders of a role.
    Role(String),
    /// Holders of a role or of one below it.
    RoleAndSubordinates(String),
    /// Members of a territory.
    Territory(String),
    /// Whoever is not signed in.
    Guest,
}

/// Which records a sharing rule opens.
#[derive(Clone, Debug)]
pub enum Shared {
    /// Those for which a condition holds.
    Matching(Condition),
    /// Those that these users own.
    OwnedBy(Recipient),
}

/// A sharing rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name.
    pub name: String,
    /// Object.
    pub object: String,
    /// How much it opens.
    pub level: Level,
    /// To whom.
    pub recipient: Recipient,
    /// Which records.
    pub shared: Shared,
    /// Where it was written.
    pub source: Source,
}

/// Who sees records that nobody shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// The owner.
    Private,
    /// Everybody.
    PublicRead,
    /// Everybody, and may change them.
    PublicReadWrite,
    /// Everybody, as an owner does.
    PublicFull,
    /// Whoever sees the parent record.
    ControlledByParent,
}

impl Openness {
    /// What `sharingModel` of an object's definition says (`data/SharingModel`).
    #[must_use]
    pub fn of_sharing_model(model: &str) -> Option<Self> {
        Some(match model {
            "private" => Self::Private,
            "read" => Self::PublicRead,
            "read_write" => Self::PublicReadWrite,
            "full" => Self::PublicFull,
            _ => return None,
        })
    }
}

/// An org-wide default.
#[derive(Clone, Debug, PartialEq)]
pub struct OrgDefault {
    /// Who sees records that nobody shared.
    pub openness: Openness,
    /// Holders of higher roles see and do what holders of lower ones do.
    pub hierarchy: bool,
    /// Where it was written.
    pub source: Source,
}

/// A role.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Name.
    pub name: String,
    /// For people.
    pub label: Option<String>,
    /// Name of the role above.
    pub parent: Option<String>,
    /// Where it was written.
    pub source: Source,
}

/// A territory.
#[derive(Clone, Debug)]
pub struct Territory {
    /// Name.
    pub name: String,
    /// Name of the territory above.
    pub parent: Option<String>,
    /// Which accounts lie in it.
    pub accounts: Option<Condition>,
    /// What its members may do with those, and with opportunities and cases of those.
    pub access: [Level; 3],
    /// Users who belong to it by its definition.
    pub users: Vec<String>,
    /// Where it was written.
    pub source: Source,
}

/// The objects that territories open, in the order of [`Territory::access`].
pub const TERRITORY_OBJECTS: [&str; 3] = ["account", "opportunity", "case"];

/// A membership of groups in groups: the inner one's members are members of the outer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The outer group.
    pub group: String,
    /// Whose holders belong to it.
    pub member: Recipient,
    /// Only while this is the active organisation.
    pub organization: Option<String>,
}

impl GroupMember {
    /// Whether it counts in an organisation, or in none.
    #[must_use]
    pub fn counts_in(&self, tenant: Option<&str>) -> bool {
        self.organization.is_none() || self.organization.as_deref() == tenant
    }
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The objects.
    pub catalogue: Catalogue,
    /// Permission sets by name.
    pub sets: IndexMap<String, Set>,
    /// Roles by name.
    pub roles: IndexMap<String, Role>,
    /// Org-wide defaults by object.
    pub defaults: HashMap<String, OrgDefault>,
    /// Where there is none.
    pub fallback: Option<Openness>,
    /// Sharing rules.
    pub rules: Vec<Rule>,
    /// Row policies that bind everybody.
    pub policies: Vec<Policy>,
    /// How they work.
    pub row_security: RowSecurity,
    /// Territories by name.
    pub territories: IndexMap<String, Territory>,
    /// Groups and roles in groups.
    pub group_members: Vec<GroupMember>,
    /// Objects whose rules are broken: closed to all but administrators, with the reason.
    pub closed: HashMap<String, String>,
}

impl Model {
    /// The org-wide default of an object: what sharing files and records say of it, else its definition, else the operator's.
    #[must_use]
    pub fn org_default(&self, object: &str) -> OrgDefault {
        if let Some(default) = self.defaults.get(object) {
            return default.clone();
        }
        let said = self.catalogue.object(object).and_then(|info| info.sharing);
        OrgDefault {
            openness: said.or(self.fallback).unwrap_or(Openness::Private),
            hierarchy: true,
            source: match said {
                Some(_) => Source::definition(object),
                None => Source::BuiltIn,
            },
        }
    }

    /// Names of the roles below some roles.
    #[must_use]
    pub fn roles_below<'a>(&'a self, roles: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut open: Vec<&str> = roles.into_iter().collect();
        let mut below = BTreeSet::new();
        while let Some(role) = open.pop() {
            for child in self.roles.values() {
                if child.parent.as_deref() == Some(role) && below.insert(child.name.as_str()) {
                    open.push(&child.name);
                }
            }
        }
        below
    }

    /// Names of the roles above some roles, those themselves among them.
    #[must_use]
    pub fn roles_above<'a>(&'a self, roles: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut above = BTreeSet::new();
        for role in roles {
            let mut at = Some(role);
            while let Some(role) = at.filter(|role| above.insert(*role)) {
                at = self.roles.get(role).and_then(|role| role.parent.as_deref());
            }
        }
        above
    }

    /// Names of a territory and those below it.
    #[must_use]
    pub fn territories_within<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut within: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = names.into_iter().collect();
        while let Some(name) = open.pop() {
            if within.insert(name) {
                let children = self.territories.values();
                open.extend(
                    children
                        .filter(|child| child.parent.as_deref() == Some(name))
                        .map(|child| child.name.as_str()),
                );
            }
        }
        within
    }

    /// Names of a group and of the groups in it, at any depth, as they count in an organisation.
    #[must_use]
    pub fn groups_within<'a>(&'a self, group: &'a str, tenant: Option<&str>) -> BTreeSet<&'a str> {
        let mut within = BTreeSet::new();
        let mut open = vec![group];
        while let Some(name) = open.pop() {
            if within.insert(name) {
                let here = self.group_members.iter().filter(|member| member.counts_in(tenant));
                open.extend(here.filter_map(|member| match &member.member {
                    Recipient::Group(inner) if member.group == name => Some(inner.as_str()),
                    _ => None,
                }));
            }
        }
        within
    }
}
