//! Some of the users, as sharing rules name them, who belongs to them here, and the rules.

use serde_json::{Value, json};

use super::{Condition, Dice, condition, holds};
use crate::permissions::people::{People, Person};

/// The one group.
const GROUP: &str = "west";

/// Some users.
#[derive(Clone, Copy, Debug)]
pub(super) enum Circle {
    User(usize),
    Role(&'static str),
    RoleAndBelow(&'static str),
    Group,
    Team,
}

/// Who belongs to what.
#[derive(Debug)]
pub(super) struct Circles {
    /// `boss` above `rep`, or none.
    pub(super) roles: Vec<Option<&'static str>>,
    group: Vec<bool>,
    team: Vec<bool>,
}

impl Circle {
    pub(super) fn draw(dice: &mut Dice, users: usize) -> Self {
        let role = *dice.pick(&["boss", "rep"]);
        match dice.below(5) {
            0 => Self::User(dice.below(users)),
            1 => Self::Role(role),
            2 => Self::RoleAndBelow(role),
            3 => Self::Group,
            _ => Self::Team,
        }
    }

    /// Type and value, as a rule has them.
    pub(super) fn written(self, users: &[Person], team: &str) -> (&'static str, Value) {
        match self {
            Self::User(user) => ("user", json!(users[user].id)),
            Self::Role(role) => ("role", json!(role)),
            Self::RoleAndBelow(role) => ("role_and_subordinates", json!(role)),
            Self::Group => ("group", json!(GROUP)),
            Self::Team => ("team", json!(team)),
        }
    }
}

impl Circles {
    pub(super) fn draw(dice: &mut Dice, users: usize) -> Self {
        let some = |dice: &mut Dice| (0..users).map(|_| dice.chance(50)).collect();
        Self {
            roles: (0..users)
                .map(|_| *dice.pick(&[None, Some("boss"), Some("rep")]))
                .collect(),
            group: some(dice),
            // The team belongs to the organisation of the first user, and what it has ends there.
            team: some(dice)
                .into_iter()
                .enumerate()
                .map(|(user, drawn)| drawn && user == 0)
                .collect(),
        }
    }

    pub(super) fn has(&self, circle: Circle, user: usize) -> bool {
        match circle {
            Circle::User(one) => one == user,
            Circle::Role(role) => self.roles[user] == Some(role),
            Circle::RoleAndBelow(role) => {
                self.roles[user] == Some(role) || (role == "boss" && self.roles[user] == Some("rep"))
            }
            Circle::Group => self.group[user],
            Circle::Team => self.team[user],
        }
    }

    /// Whether one user's role stands above another's.
    pub(super) fn above(&self, user: usize, other: usize) -> bool {
        self.roles[user] == Some("boss") && self.roles[other] == Some("rep")
    }

    /// Makes everybody belong to what was drawn.
    pub(super) fn enact(&self, people: &mut People, users: &[Person], team: &str) {
        for (user, person) in users.iter().enumerate() {
            if let Some(role) = self.roles[user] {
                people.give_role(person, role);
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
enum Shared {
    Matching(Condition),
    OwnedBy(Circle),
}

/// A sharing rule.
pub(super) struct Rule {
    pub(super) object: &'static str,
    shared: Shared,
    with: Circle,
}

impl Rule {
    pub(super) fn draw(dice: &mut Dice, users: usize) -> Self {
        let object = *dice.pick(&["account", "deal"]);
        let shared = if dice.chance(40) {
            Shared::OwnedBy(Circle::draw(dice, users))
        } else {
            Shared::Matching(condition(dice, object))
        };
        Self {
            object,
            shared,
            with: Circle::draw(dice, users),
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
