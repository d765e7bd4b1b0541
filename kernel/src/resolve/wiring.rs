//! Who would be wired to whom among the plugins still standing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use objectos_protocol::kernel::plugin_document::parse_range;
use semver::{Version, VersionReq};

use super::ResolveRequest;
use crate::package::Candidate;

/// What one plugin wants.
#[derive(Clone, Debug)]
pub(super) struct Need {
    pub(super) kind: NeedKind,
    pub(super) name: String,
    pub(super) range: VersionReq,
    pub(super) optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NeedKind {
    Plugin,
    Service,
}

impl Need {
    /// As in "plugin `com.example.base` ^1".
    pub(super) fn described(&self) -> String {
        let kind = match self.kind {
            NeedKind::Plugin => "plugin",
            NeedKind::Service => "service",
        };
        format!("{kind} `{}` {}", self.name, self.range)
    }
}

/// One plugin wired to another.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    /// Index of the plugin that needs.
    pub(super) from: usize,
    /// Index of the plugin that is needed.
    pub(super) to: usize,
    pub(super) need: Need,
}

/// The plugins still standing, who provides what, and the wires between them.
#[derive(Debug)]
pub(super) struct Wiring {
    pub(super) active: BTreeSet<usize>,
    /// Service to its providers with versions, the one that would be taken first.
    pub(super) providers: BTreeMap<String, Vec<(usize, Version)>>,
    pub(super) wires: Vec<Wire>,
}

impl Wiring {
    pub(super) fn of(candidates: &[Arc<Candidate>], active: &BTreeSet<usize>, request: &ResolveRequest<'_>) -> Self {
        let providers = providers(candidates, active, request);
        let by_id: BTreeMap<&str, usize> = active.iter().map(|index| (candidates[*index].id(), *index)).collect();
        let mut wires = Vec::new();
        for from in active {
            for need in needs(&candidates[*from]) {
                let found = match need.kind {
                    NeedKind::Plugin => by_id.get(need.name.as_str()).map(|to| (*to, candidates[*to].version())),
                    NeedKind::Service => providers.get(&need.name).and_then(|providers| providers.first().cloned()),
                };
                if let Some((to, version)) = found.filter(|(to, _)| to != from)
                    && need.range.matches(&version)
                {
                    wires.push(Wire { from: *from, to, need });
                }
            }
        }
        Self { active: active.clone(), providers, wires }
    }
}

/// Everything a plugin wants, plugins first.
pub(super) fn needs(candidate: &Candidate) -> Vec<Need> {
    let document = &candidate.document;
    let plugin = |name: &String, range: &String, optional| {
        // A range that was checked when the document was read; anything else means "any version".
        let range = parse_range(range).unwrap_or(VersionReq::STAR);
        Need { kind: NeedKind::Plugin, name: name.clone(), range, optional }
    };
    let mut needs: Vec<Need> = document.manifest.dependencies.iter().map(|(id, range)| plugin(id, range, false)).collect();
    let requires = &document.capabilities.requires;
    needs.extend(requires.iter().map(|required| plugin(&required.plugin_id, &required.version, required.optional)));
    needs.extend(document.objectos.services.uses.iter().map(|used| Need {
        kind: NeedKind::Service,
        name: used.name.clone(),
        range: used.range.clone(),
        optional: used.optional,
    }));
    needs
}

/// Providers of each service: the operator's choice first, then by id. A plugin whose right to provide was taken away
/// provides nothing.
fn providers(
    candidates: &[Arc<Candidate>],
    active: &BTreeSet<usize>,
    request: &ResolveRequest<'_>,
) -> BTreeMap<String, Vec<(usize, Version)>> {
    let mut providers: BTreeMap<String, Vec<(usize, Version)>> = BTreeMap::new();
    for index in active {
        let candidate = &candidates[*index];
        for provided in &candidate.document.objectos.services.provides {
            if candidate.grants.may_provide_service(&provided.name) {
                providers.entry(provided.name.clone()).or_default().push((*index, provided.version.clone()));
            }
        }
    }
    for (service, offers) in &mut providers {
        if let Some(preferred) = request.prefer.and_then(|prefer| prefer.get(service)) {
            offers.sort_by_key(|(index, _)| (candidates[*index].id() != preferred, *index));
        }
    }
    providers
}
