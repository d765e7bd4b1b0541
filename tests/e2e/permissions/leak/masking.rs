//! For whom the masked field is masked: drawn once for each run, since the definition of a field stays. Roles come by records
//! alone, so whoever goes by what the session says gets every one of them wrong.

use serde_json::{Value, json};

use super::circles::ROLES;
use super::{Dice, MASK};

/// The rule of the field.
#[derive(Debug)]
pub(super) struct Masking {
    /// Whoever holds one of them; without any, everybody.
    roles: Vec<&'static str>,
    /// But nobody who holds one of these.
    exempt: Vec<&'static str>,
}

impl Masking {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let first = dice.below(ROLES.len());
        let roles = if dice.chance(60) {
            (0..2).map(|step| ROLES[(first + step) % ROLES.len()]).collect()
        } else {
            Vec::new()
        };
        let mut exempt = vec!["super_admin"];
        if roles.is_empty() || dice.chance(50) {
            exempt.push(ROLES[first]);
        }
        Self { roles, exempt }
    }

    /// Whether somebody with this role sees the mask.
    pub(super) fn hides_from(&self, role: Option<&'static str>) -> bool {
        let among = |names: &[&'static str]| role.is_some_and(|role| names.contains(&role));
        !among(&self.exempt) && (self.roles.is_empty() || among(&self.roles))
    }

    /// As the definition of the field has it.
    pub(super) fn rule(&self) -> Value {
        let mut rule = json!({"field": "iban", "strategy": "substitute", "pattern": MASK, "exemptRoles": self.exempt});
        if !self.roles.is_empty() {
            rule["roles"] = json!(self.roles);
        }
        rule
    }
}
