//! Some of the users, as sharing rules name them, who belongs to them here, and the rules.

use serde_json::{Value, json};

use super::policies::{Condition, condition, holds};
use super::{Dice, REGIONS};
use crate::permissions::people::{People, Person};

/// The one group that has users.
const GROUP: &str = "west";
/// The group that has the other one.
const OUTER_GROUP: &str = "everywhere";
/// Each below the one before.
pub(super) const ROLES: [&str; 4] = ["chief", "boss", "rep", "aide"];
/// Each below the one before.
const TERRITORIES: [&str; 3] = ["earth", "half", "corner"];

/// Some users.
#[derive(Clone, Copy, Debug)]
pub(super) enum Circle {
    User(usize),
    Role(&'static str),
    RoleAndBelow(&'static str),
    Group,
    OuterGroup,
    Team,
    /// Whoever works in it or above it.
    Territory(usize),
}

/// Who belongs to what.
#[derive(Debug)]
pub(super) struct Circles {
    /// Places in [`ROLES`].
    pub(super) roles: Vec<Option<usize>>,
    group: Vec<bool>,
    team: Vec<bool>,
    /// Places in [`TERRITORIES`], by user.
    territories: Vec<Option<usize>>,
    /// The region whose accounts are in each territory; a territory without one holds none by itself.
    regions: [Option<&'static str>; 3],
}

impl Circle {
    pub(super) fn draw(dice: &mut Dice, users: usize) -> Self {
        let role = *dice.pick(&ROLES);
        match dice.below(6) {
            0 => Self::User(dice.below(users)),
            1 => Self::Role(role),
            2 => Self::RoleAndBelow(role),
            3 => Self::Group,
            4 => Self::OuterGroup,
            _ => Self::Team,
        }
    }

    /// Somebody to share with: owners are of no territory.
    pub(super) fn recipient(dice: &mut Dice, users: usize) -> Self {
        if dice.chance(20) {
            Self::Territory(dice.below(TERRITORIES.len()))
        } else {
            Self::draw(dice, users)
        }
    }

    /// Type and value, as a rule has them.
    pub(super) fn written(self, users: &[Person], team: &str) -> (&'static str, Value) {
        match self {
            Self::User(user) => ("user", json!(users[user].id)),
            Self::Role(role) => ("role", json!(role)),
            Self::RoleAndBelow(role) => ("role_and_subordinates", json!(role)),
            Self::Group => ("group", json!(GROUP)),
            Self::OuterGroup => ("group", json!(OUTER_GROUP)),
            Self::Team => ("team", json!(team)),
            Self::Territory(territory) => ("territory", json!(TERRITORIES[territory])),
        }
    }
}

impl Circles {
    pub(super) fn draw(dice: &mut Dice, users: usize) -> Self {
        let some = |dice: &mut Dice| (0..users).map(|_| dice.chance(50)).collect();
        Self {
            roles: (0..users)
                .map(|_| dice.chance(80).then(|| dice.below(ROLES.len())))
                .collect(),
            group: some(dice),
            // The team belongs to the organisation of the first user, and what it has ends there.
            team: some(dice)
                .into_iter()
                .enumerate()
                .map(|(user, drawn)| drawn && user == 0)
                .collect(),
            territories: (0..users)
                .map(|_| dice.chance(50).then(|| dice.below(TERRITORIES.len())))
                .collect(),
            regions: std::array::from_fn(|_| dice.chance(70).then(|| *dice.pick(&REGIONS))),
        }
    }

    /// The one role of a user.
    pub(super) fn role(&self, user: usize) -> Option<&'static str> {
        self.roles[user].map(|own| ROLES[own])
    }

    pub(super) fn has(&self, circle: Circle, user: usize) -> bool {
        match circle {
            Circle::User(one) => one == user,
            Circle::Role(role) => self.roles[user].is_some_and(|own| ROLES[own] == role),
            Circle::RoleAndBelow(role) => {
                let top = ROLES.iter().position(|known| *known == role);
                self.roles[user].is_some_and(|own| top.is_some_and(|top| own >= top))
            }
            Circle::Group | Circle::OuterGroup => self.group[user],
            Circle::Team => self.team[user],
            Circle::Territory(territory) => self.territories[user].is_some_and(|own| own <= territory),
        }
    }

    /// Whether a user works in the territory of an account, or above it; then its opportunities are theirs as well.
    pub(super) fn covers(&self, user: usize, account: &Value) -> bool {
        let within = self.territories[user].unwrap_or(TERRITORIES.len());
        self.regions[within..]
            .iter()
            .flatten()
            .any(|region| account["region"] == *region)
    }

    /// Whether one user's role stands above another's.
    pub(super) fn above(&self, user: usize, other: usize) -> bool {
        matches!((self.roles[user], self.roles[other]), (Some(own), Some(theirs)) if own < theirs)
    }

    /// Makes the territories that rules and shares name.
    pub(super) fn enact_territories(&self, admin: &mut Person) {
        for (index, name) in TERRITORIES.into_iter().enumerate() {
            let mut territory = json!({"name": name, "label": name});
            if let Some(above) = index.checked_sub(1) {
                territory["parent"] = json!(TERRITORIES[above]);
            }
            if let Some(region) = self.regions[index] {
                territory["assignment_rule"] = json!(format!("region = '{region}'"));
            }
            admin.make("sys_territory", &territory);
        }
    }

    /// Makes everybody belong to what was drawn.
    pub(super) fn enact(&self, people: &mut People, users: &[Person], team: &str) {
        let nested = json!({"group": OUTER_GROUP, "member_type": "group", "member": GROUP});
        people.admin.make("sys_group_member", &nested);
        for (user, person) in users.iter().enumerate() {
            if let Some(role) = self.roles[user] {
                people.give_role(person, ROLES[role]);
            }
            if let Some(territory) = self.territories[user] {
                let works = json!({"user": person.id, "territory": TERRITORIES[territory]});
                people.admin.make("sys_user_territory", &works);
            }
            if self.group[user] {
                let member = json!({"group": GROUP, "member_type": "user", "member": person.id});
                people.admin.make("sys_group_member", &member);
            }
            if self.team[user] {
                people
                    .admin
                    .make("sys_team_member", &json!({"team_id": team, "user_id": person.id}));
            }
        }
    }
}

/// Which records a rule opens.
#[derive(Debug)]
enum Shared {
    Matching(Condition),
    OwnedBy(Circle),
}

/// A sharing rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) object: &'static str,
    shared: Shared,
    with: Circle,
}

impl Rule {
    pub(super) fn draw(dice: &mut Dice, users: usize) -> Self {
        let object = *dice.pick(&["account", "opportunity"]);
        let shared = if dice.chance(40) {
            Shared::OwnedBy(Circle::draw(dice, users))
        } else {
            Shared::Matching(condition(dice, object))
        };
        Self {
            object,
            shared,
            with: Circle::recipient(dice, users),
        }
    }

    /// Whether it opens a record to a user. `me` is the user's id.
    pub(super) fn opens(&self, circles: &Circles, user: usize, owner: Option<usize>, record: &Value, me: &str) -> bool {
        circles.has(self.with, user)
            && match &self.shared {
                Shared::Matching(condition) => holds(condition, record, me),
                Shared::OwnedBy(owners) => owner.is_some_and(|owner| circles.has(*owners, owner)),
            }
    }

    /// The record that puts it into force.
    pub(super) fn record(&self, name: &str, users: &[Person], team: &str) -> Value {
        let (kind, with) = self.with.written(users, team);
        let mut record = json!({
            "name": name, "object": self.object, "shared_with_type": kind, "shared_with": with, "access_level": "read",
        });
        match &self.shared {
            Shared::Matching((text, ..)) => {
                record["kind"] = json!("criteria");
                record["condition"] = json!(text);
            }
            Shared::OwnedBy(owners) => {
                let (kind, owners) = owners.written(users, team);
                record["kind"] = json!("owner");
                record["owned_by_type"] = json!(kind);
                record["owned_by"] = owners;
            }
        }
        record
    }
}
