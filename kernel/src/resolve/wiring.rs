//! Who would be wired to whom among the plugins still standing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use objectos_protocol::kernel::plugin_document::parse_range;
use petgraph::Direction;
use petgraph::algo::toposort;
use petgraph::graphmap::DiGraphMap;
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
    /// Ids of the protocols that the plugin has to implement; none for a service.
    pub(super) capabilities: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NeedKind {
    Plugin,
    Service,
}

impl Need {
    /// The first protocol that is needed and that this plugin does not say to implement.
    pub(super) fn lacking(&self, candidate: &Candidate) -> Option<&str> {
        let implements = &candidate.document.capabilities.implements;
        let offers = |wanted: &str| implements.iter().any(|capability| capability.protocol.id == wanted);
        self.capabilities
            .iter()
            .map(String::as_str)
            .find(|wanted| !offers(wanted))
    }

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

/// All plugins in question, in an order that never changes while they are decided.
#[derive(Debug)]
pub(super) struct Field<'a> {
    /// By id.
    pub(super) candidates: &'a [Arc<Candidate>],
    pub(super) request: &'a ResolveRequest<'a>,
    /// For each plugin how deep its required needs go among all of them.
    depth: Vec<usize>,
}

impl<'a> Field<'a> {
    pub(super) fn new(candidates: &'a [Arc<Candidate>], request: &'a ResolveRequest<'a>) -> Self {
        let mut field = Self {
            candidates,
            request,
            depth: vec![0; candidates.len()],
        };
        let all = (0..candidates.len()).collect();
        let mut certain = Wiring {
            providers: providers(candidates, &all),
            active: all,
            wires: Vec::new(),
        };
        certain.providers.retain(|_, offers| offers.len() == 1);
        certain.connect(candidates);
        field.depth = depth(candidates.len(), &certain.wires);
        field
    }

    /// Place in a conflict: who is needed by others goes before those others, so that nobody wins against one it needs;
    /// equals go by id. The same in every round, or rivals could beat each other in a circle.
    pub(super) fn rank(&self, index: usize) -> (usize, usize) {
        (self.depth[index], index)
    }

    fn prefers(&self, service: &str, index: usize) -> bool {
        self.request
            .prefer
            .and_then(|prefer| prefer.get(service))
            .is_some_and(|id| id == self.candidates[index].id())
    }
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
    pub(super) fn of(field: &Field<'_>, active: &BTreeSet<usize>) -> Self {
        let mut wiring = Self {
            active: active.clone(),
            providers: providers(field.candidates, active),
            wires: Vec::new(),
        };
        for (service, offers) in &mut wiring.providers {
            offers.sort_by_key(|(index, _)| (!field.prefers(service, *index), field.rank(*index)));
        }
        wiring.connect(field.candidates);
        wiring
    }

    /// Wires each need to the plugin it names, or to the first provider of the service.
    fn connect(&mut self, candidates: &[Arc<Candidate>]) {
        let by_id: BTreeMap<&str, usize> = self
            .active
            .iter()
            .map(|index| (candidates[*index].id(), *index))
            .collect();
        for from in &self.active {
            for need in needs(&candidates[*from]) {
                let found = match need.kind {
                    NeedKind::Plugin => by_id.get(need.name.as_str()).map(|to| (*to, candidates[*to].version())),
                    NeedKind::Service => self
                        .providers
                        .get(&need.name)
                        .and_then(|offers| offers.first().cloned()),
                };
                if let Some((to, version)) = found.filter(|(to, _)| to != from)
                    && need.range.matches(&version)
                    && need.lacking(&candidates[to]).is_none()
                {
                    self.wires.push(Wire { from: *from, to, need });
                }
            }
        }
    }
}

/// How many plugins deep each one's required needs go; 0 throughout when there is a circle.
fn depth(count: usize, wires: &[Wire]) -> Vec<usize> {
    let mut graph: DiGraphMap<usize, ()> = DiGraphMap::new();
    for wire in wires.iter().filter(|wire| !wire.need.optional) {
        graph.add_edge(wire.to, wire.from, ());
    }
    let mut depth = vec![0; count];
    for index in toposort(&graph, None).unwrap_or_default() {
        let needed = graph
            .neighbors_directed(index, Direction::Incoming)
            .map(|needed| depth[needed])
            .max();
        depth[index] = needed.map_or(0, |deepest| deepest + 1);
    }
    depth
}

/// Everything a plugin wants, plugins first.
pub(super) fn needs(candidate: &Candidate) -> Vec<Need> {
    let document = &candidate.document;
    let plugin = |name: &String, range: &String, optional, capabilities: &[String]| {
        // A range that was checked when the document was read; anything else means "any version".
        let range = parse_range(range).unwrap_or(VersionReq::STAR);
        Need {
            kind: NeedKind::Plugin,
            name: name.clone(),
            range,
            optional,
            capabilities: capabilities.to_vec(),
        }
    };
    let mut needs: Vec<Need> = document
        .manifest
        .dependencies
        .iter()
        .map(|(id, range)| plugin(id, range, false, &[]))
        .collect();
    let requires = &document.capabilities.requires;
    needs.extend(requires.iter().map(|required| {
        let capabilities = &required.required_capabilities;
        plugin(&required.plugin_id, &required.version, required.optional, capabilities)
    }));
    needs.extend(document.objectos.services.uses.iter().map(|used| Need {
        kind: NeedKind::Service,
        name: used.name.clone(),
        range: used.range.clone(),
        optional: used.optional,
        capabilities: Vec::new(),
    }));
    needs
}

/// Providers of each service by id. A plugin whose right to provide was taken away provides nothing.
fn providers(candidates: &[Arc<Candidate>], active: &BTreeSet<usize>) -> BTreeMap<String, Vec<(usize, Version)>> {
    let mut providers: BTreeMap<String, Vec<(usize, Version)>> = BTreeMap::new();
    for index in active {
        let candidate = &candidates[*index];
        for provided in &candidate.document.objectos.services.provides {
            if candidate.grants.may_provide_service(&provided.name) {
                providers
                    .entry(provided.name.clone())
                    .or_default()
                    .push((*index, provided.version.clone()));
            }
        }
    }
    providers
}
