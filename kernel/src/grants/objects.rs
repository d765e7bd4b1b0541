//! What plugins may do with objects, for whoever keeps the records: the kernel sees no records, so the provider of `data` holds
//! plugins to this. Contributed as `object-grants`.

use objectos_plugin_api::contracts::grants::{ObjectAction, ObjectGrants, ObjectRule};

use super::{Capability, GrantSet};

const ACTIONS: [(Capability, ObjectAction); 3] = [
    (Capability::ObjectRead, ObjectAction::Read),
    (Capability::ObjectWrite, ObjectAction::Write),
    (Capability::ObjectManage, ObjectAction::Manage),
];

/// The limits of one plugin; `None` when it has none: it asks for no object, and no rule denies it one.
pub(crate) fn object_grants(plugin: &str, set: &GrantSet) -> Option<ObjectGrants> {
    let action_of = |capability: Capability| {
        let known = ACTIONS.iter().find(|(known, _)| *known == capability);
        known.map(|(_, action)| *action)
    };
    let limited = set.asked.iter().any(|(capability, _)| action_of(*capability).is_some());
    let granted = set.granted.iter().filter_map(|grant| {
        Some(ObjectRule {
            action: action_of(grant.capability)?,
            scope: grant.scope.clone(),
        })
    });
    let denied: Vec<ObjectRule> = set
        .denied
        .iter()
        .flat_map(|rule| {
            let taken = ACTIONS.iter().filter(|(capability, _)| rule.takes(*capability));
            taken.map(|(_, action)| ObjectRule {
                action: *action,
                scope: rule.scope().to_owned(),
            })
        })
        .collect();
    if !limited && denied.is_empty() {
        return None;
    }
    Some(ObjectGrants {
        plugin: plugin.to_owned(),
        limited,
        granted: granted.collect(),
        denied,
    })
}
