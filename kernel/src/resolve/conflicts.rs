//! Things only one plugin can have: a service, a route, a command, an object.

use std::collections::BTreeMap;

use objectos_protocol::kernel::plugin_document::route_shape;

use super::wiring::{Field, Wiring};
use super::{Verdict, Verdicts};
use crate::package::{Candidate, RefusalReason};

/// The losers of the first conflict found; the rest is looked at again without them.
pub(super) fn first(field: &Field<'_>, wiring: &Wiring) -> Verdicts {
    let kernel = reserved(field, wiring);
    if !kernel.is_empty() {
        return kernel;
    }
    let services = services(field, wiring);
    if !services.is_empty() {
        return services;
    }
    claims(field, wiring)
}

/// What belongs to the kernel and the host.
fn reserved(field: &Field<'_>, wiring: &Wiring) -> Verdicts {
    let mut found = Verdicts::new();
    for provided in field.request.kernel_services {
        for (index, _) in wiring.providers.get(&provided.name).into_iter().flatten() {
            found.insert(
                *index,
                Verdict::of(RefusalReason::ReservedService {
                    service: provided.name.clone(),
                }),
            );
        }
    }
    for index in &wiring.active {
        for command in &field.candidates[*index].document.objectos.commands {
            let word = command.name.split(' ').next().unwrap_or_default();
            if field.request.host_commands.contains(&word) {
                let reason = RefusalReason::CommandTaken {
                    command: command.name.clone(),
                    owner: "the host itself".to_owned(),
                };
                found.insert(*index, Verdict::of(reason));
            }
        }
    }
    found
}

fn services(field: &Field<'_>, wiring: &Wiring) -> Verdicts {
    let mut found = Verdicts::new();
    for (service, offers) in &wiring.providers {
        let Some(((winner, _), losers)) = offers.split_first().filter(|(_, losers)| !losers.is_empty()) else {
            continue;
        };
        let kept = &field.candidates[*winner];
        let preferred = field
            .request
            .prefer
            .and_then(|prefer| prefer.get(service))
            .is_some_and(|id| id == kept.id());
        for (loser, _) in losers {
            let reason = RefusalReason::TwoProviders {
                service: service.clone(),
                other: kept.id().to_owned(),
                path: kept.path.clone(),
                preferred,
            };
            found.insert(
                *loser,
                Verdict {
                    reason,
                    rival: Some(*winner),
                    cause: None,
                },
            );
        }
        return found;
    }
    found
}

/// Routes, commands and objects: the first by rank keeps them.
fn claims(field: &Field<'_>, wiring: &Wiring) -> Verdicts {
    let mut by_rank: Vec<usize> = wiring.active.iter().copied().collect();
    by_rank.sort_by_key(|index| field.rank(*index));
    let mut owners: BTreeMap<(u8, String), usize> = BTreeMap::new();
    for index in by_rank {
        for (kind, claim, shown) in claimed(&field.candidates[index]) {
            let owner = *owners.entry((kind, claim)).or_insert(index);
            if owner == index {
                continue;
            }
            let kept = &field.candidates[owner];
            let (other, path) = (kept.id().to_owned(), kept.path.clone());
            let reason = match kind {
                ROUTE => RefusalReason::RouteTaken {
                    route: shown,
                    other,
                    path,
                },
                COMMAND => RefusalReason::CommandTaken {
                    command: shown,
                    owner: kept.label(),
                },
                _ => RefusalReason::ObjectTaken {
                    object: shown,
                    other,
                    path,
                },
            };
            return Verdicts::from([(
                index,
                Verdict {
                    reason,
                    rival: Some(owner),
                    cause: None,
                },
            )]);
        }
    }
    Verdicts::new()
}

/// The conflict `reason` tells of, lost to `kept` in place of whom it names.
pub(super) fn lost_to(kept: &Candidate, reason: &RefusalReason) -> RefusalReason {
    let mut reason = reason.clone();
    match &mut reason {
        RefusalReason::TwoProviders {
            other, path, preferred, ..
        } => {
            kept.id().clone_into(other);
            path.clone_from(&kept.path);
            *preferred = false;
        }
        RefusalReason::RouteTaken { other, path, .. } | RefusalReason::ObjectTaken { other, path, .. } => {
            kept.id().clone_into(other);
            path.clone_from(&kept.path);
        }
        RefusalReason::CommandTaken { owner, .. } => *owner = kept.label(),
        _ => {}
    }
    reason
}

const ROUTE: u8 = 0;
const COMMAND: u8 = 1;
const OBJECT: u8 = 2;

/// What a plugin claims: kind, the form in which claims are compared, the form in which they are shown.
fn claimed(candidate: &Candidate) -> Vec<(u8, String, String)> {
    let declaration = &candidate.document.objectos;
    let mut claims = Vec::new();
    for route in &declaration.routes {
        let method = route.method.as_str();
        let shape = route_shape(&route.path).unwrap_or_else(|_| route.path.clone());
        claims.push((ROUTE, format!("{method} {shape}"), format!("{method} `{}`", route.path)));
    }
    claims.extend(
        declaration
            .commands
            .iter()
            .map(|command| (COMMAND, command.name.clone(), command.name.clone())),
    );
    claims.extend(
        declaration
            .objects
            .iter()
            .map(|object| (OBJECT, object.clone(), object.clone())),
    );
    claims
}
