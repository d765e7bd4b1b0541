//! Random sets of plugins: whatever the set, the result has to make sense and not depend on the order of the input.
//!
//! The seed is printed when a case fails; `OBJECTOS_TEST_SEED` runs that one alone, `OBJECTOS_TEST_CASES` tries more.

use std::collections::{BTreeMap, BTreeSet};

use super::{ResolveRequest, plugins, short};
use crate::package::RefusalReason;
use crate::resolve::{GraphEdgeKind, Resolution, resolve};

const CASES: u64 = 400;

/// SplitMix64, small enough to be read and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn lines(random: &mut Random) -> Vec<String> {
    let count = 1 + random.below(12);
    (0..count)
        .map(|index| {
            let mut items = Vec::new();
            for _ in 0..random.below(4) {
                let maybe = if random.chance(30) { "maybe " } else { "" };
                let range = ["*", "^1", "^2", ">=1.2"][usize::try_from(random.below(4)).unwrap()];
                let other = random.below(count + 1);
                let service = random.below(6);
                if random.chance(50) && other != index {
                    items.push(format!("{maybe}plugin {other} {range}"));
                } else if !items.iter().any(|item| item.contains(&format!(" s{service} "))) {
                    items.push(format!("{maybe}service s{service} {range}"));
                }
            }
            for service in 0..6 {
                if random.chance(18)
                    && !items
                        .iter()
                        .any(|item: &String| item.contains(&format!(" s{service} ")))
                {
                    items.push(format!(
                        "offers s{service} {}.{}.0",
                        1 + random.below(2),
                        random.below(4)
                    ));
                }
            }
            if random.chance(20) {
                items.push(format!("route GET /r{}", random.below(3)));
            }
            format!(
                "{index} {}.{}.0: {}",
                1 + random.below(2),
                random.below(4),
                items.join(", ")
            )
        })
        .collect()
}

fn shown(resolution: &Resolution) -> String {
    let levels = super::levels(resolution);
    let refusals: Vec<String> = resolution.refusals.iter().map(ToString::to_string).collect();
    format!("{levels}\n{}\n{:?}", refusals.join("\n"), resolution.graph)
}

#[test]
fn any_set_is_resolved_soundly_and_independently_of_order() {
    let given = std::env::var("OBJECTOS_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse::<u64>().ok());
    let cases = std::env::var("OBJECTOS_TEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(CASES);
    let seeds = given.map_or(0..cases, |seed| seed..seed + 1);
    let (mut started, mut refused) = (0, 0);
    for seed in seeds {
        let mut random = Random(seed);
        let lines = lines(&mut random);
        let told = format!("OBJECTOS_TEST_SEED={seed}\n{}", lines.join("\n"));
        let mut candidates = plugins(&lines.join("\n"));
        let resolution = resolve(&candidates, &ResolveRequest::default());
        started += resolution.in_order().count();
        refused += resolution.refusals.len();
        assert_eq!(
            resolution.in_order().count() + resolution.refusals.len(),
            lines.len(),
            "{told}"
        );
        levels_respect_edges(&resolution, &told);
        needs_are_met(&resolution, &told);
        refusals_are_just(&resolution, &lines, &told);
        for _ in 0..3 {
            for index in (1..candidates.len()).rev() {
                let other = usize::try_from(random.below(u64::try_from(index + 1).unwrap())).unwrap();
                candidates.swap(index, other);
            }
            let again = resolve(&candidates, &ResolveRequest::default());
            assert_eq!(shown(&again), shown(&resolution), "{told}");
        }
    }
    assert!(
        given.is_some() || (started > 500 && refused > 500),
        "the cases try too little: {started} {refused}"
    );
}

fn levels_respect_edges(resolution: &Resolution, told: &str) {
    let level: BTreeMap<&str, usize> = resolution
        .graph
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node.level))
        .collect();
    for edge in &resolution.graph.edges {
        assert!(level[edge.to.as_str()] < level[edge.from.as_str()], "{edge:?}\n{told}");
    }
    for (index, row) in resolution.levels.iter().enumerate() {
        assert!(!row.is_empty() && row.is_sorted_by_key(|plugin| plugin.id()), "{told}");
        assert!(row.iter().all(|plugin| level[plugin.id()] == index), "{told}");
    }
}

fn needs_are_met(resolution: &Resolution, told: &str) {
    let edges = &resolution.graph.edges;
    let mut taken = BTreeSet::new();
    for plugin in resolution.in_order() {
        let has = |kind, name: &str| {
            edges
                .iter()
                .any(|edge| edge.from == plugin.id() && edge.kind == kind && edge.name == name)
        };
        for required in plugin
            .document
            .capabilities
            .requires
            .iter()
            .filter(|required| !required.optional)
        {
            assert!(
                has(GraphEdgeKind::Plugin, &required.plugin_id),
                "{} lacks {}\n{told}",
                plugin.id(),
                required.plugin_id
            );
        }
        for used in plugin
            .document
            .objectos
            .services
            .uses
            .iter()
            .filter(|used| !used.optional)
        {
            assert!(
                has(GraphEdgeKind::Service, &used.name),
                "{} lacks {}\n{told}",
                plugin.id(),
                used.name
            );
        }
        for provided in &plugin.document.objectos.services.provides {
            assert!(
                taken.insert(provided.name.clone()),
                "{} is provided twice\n{told}",
                provided.name
            );
        }
        for route in &plugin.document.objectos.routes {
            assert!(
                taken.insert(route.path.clone()),
                "{} is routed twice\n{told}",
                route.path
            );
        }
    }
}

fn refusals_are_just(resolution: &Resolution, lines: &[String], told: &str) {
    let started: BTreeSet<&str> = resolution.in_order().map(|plugin| plugin.id()).collect();
    let refused: BTreeSet<&str> = resolution
        .refusals
        .iter()
        .filter_map(|refusal| refusal.plugin.as_deref())
        .collect();
    for refusal in &resolution.refusals {
        let just = match &refusal.reason {
            RefusalReason::PluginMissing { wanted, .. } => !lines
                .iter()
                .any(|line| line.starts_with(&format!("{} ", short(wanted)))),
            RefusalReason::DependencyRefused { plugin, .. } => refused.contains(plugin.as_str()),
            RefusalReason::TwoProviders { other, .. } | RefusalReason::RouteTaken { other, .. } => {
                started.contains(other.as_str())
            }
            RefusalReason::Cycle { path } => path.iter().all(|id| refused.contains(id.as_str())),
            RefusalReason::PluginRange { wanted, .. } => lines
                .iter()
                .any(|line| line.starts_with(&format!("{} ", short(wanted)))),
            RefusalReason::ServiceMissing { service, .. } => !started_provides(resolution, service),
            RefusalReason::ServiceRange { offered, .. } => !offered.is_empty(),
            other => panic!("{other:?}\n{told}"),
        };
        assert!(just, "{refusal}\n{told}");
        assert!(!refusal.remedy.is_empty(), "{refusal}\n{told}");
    }
}

fn started_provides(resolution: &Resolution, service: &str) -> bool {
    resolution
        .graph
        .nodes
        .iter()
        .any(|node| node.provides.iter().any(|name| name == service))
}
