//! Which of the plugins that may start are to: all, or those that one command needs.

use objectos_protocol::kernel::PackageType;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    config::Selection,
    error::{Error, nearest_hint},
    package::Candidate,
    resolve::{GraphEdge, Resolution},
};

/// Levels reduced to the selection. Empty levels are kept, so that positions stay what they were.
///
/// # Errors
/// `UnknownCommand` when nobody contributes the command.
pub(crate) fn levels(resolution: &Resolution, select: &Selection) -> Result<Vec<Vec<Arc<Candidate>>>, Error> {
    let Selection::Command(command) = select else {
        return Ok(resolution.levels.clone());
    };
    let wanted = needed(resolution, command)?;
    let keep = |level: &Vec<Arc<Candidate>>| {
        level
            .iter()
            .filter(|candidate| wanted.contains(candidate.id()))
            .map(Arc::clone)
            .collect()
    };
    Ok(resolution.levels.iter().map(keep).collect())
}

/// The plugins that may start and are not among these levels. What they keep is there all the same, and a command that looks at
/// everything that is kept has to know of it. None for a command that stands alone: where it runs, nothing is kept.
pub(crate) fn left_out(
    resolution: &Resolution,
    select: &Selection,
    levels: &[Vec<Arc<Candidate>>],
) -> Vec<Arc<Candidate>> {
    let Selection::Command(command) = select else {
        return Vec::new();
    };
    let mut contributed = resolution
        .in_order()
        .flat_map(|candidate| &candidate.document.objectos.commands);
    if contributed.any(|known| known.name == *command && known.standalone) {
        return Vec::new();
    }
    let starts = |id: &str| levels.iter().flatten().any(|candidate| candidate.id() == id);
    resolution
        .in_order()
        .filter(|candidate| !starts(candidate.id()))
        .map(Arc::clone)
        .collect()
}

fn needed(resolution: &Resolution, command: &str) -> Result<BTreeSet<String>, Error> {
    let mut known = Vec::new();
    let mut wanted = BTreeSet::new();
    let mut services: Vec<String> = Vec::new();
    let mut standalone = false;
    for candidate in resolution.in_order() {
        for contributed in &candidate.document.objectos.commands {
            known.push(contributed.name.clone());
            if contributed.name == command {
                wanted.insert(candidate.id().to_owned());
                services.extend(contributed.services.iter().cloned());
                standalone = contributed.standalone;
            }
        }
    }
    if wanted.is_empty() {
        let hint = nearest_hint(command, known.iter().map(String::as_str));
        return Err(Error::UnknownCommand {
            name: command.to_owned(),
            hint,
        });
    }
    for node in &resolution.graph.nodes {
        if node.provides.iter().any(|service| services.contains(service)) {
            wanted.insert(node.id.clone());
        }
    }
    Ok(closure(wanted, resolution, standalone))
}

/// With everything that those need. What is optional comes too, for a command is to meet the same guards as a request; but
/// not for one that stands alone, and never a gateway: a command is no request, and nobody is to listen meanwhile.
fn closure(mut wanted: BTreeSet<String>, resolution: &Resolution, standalone: bool) -> BTreeSet<String> {
    let gateways: BTreeSet<&str> = resolution
        .in_order()
        .filter(|candidate| candidate.document.manifest.kind == PackageType::Gateway)
        .map(|candidate| candidate.id())
        .collect();
    let left_out = |edge: &GraphEdge| edge.optional && (standalone || gateways.contains(edge.to.as_str()));
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in resolution.graph.edges.iter().filter(|edge| !left_out(edge)) {
        needs.entry(&edge.from).or_default().push(&edge.to);
    }
    let mut open: Vec<String> = wanted.iter().cloned().collect();
    while let Some(id) = open.pop() {
        for needed in needs.get(id.as_str()).into_iter().flatten() {
            if wanted.insert((*needed).to_owned()) {
                open.push((*needed).to_owned());
            }
        }
    }
    wanted
}
