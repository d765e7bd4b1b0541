mod random;

use std::path::PathBuf;

use objectos_protocol::kernel::RuntimeMode;
use objectos_protocol::kernel::plugin_document::PluginDocument;
use semver::Version;
use serde_json::{Value, json};

use super::*;
use crate::grants::{GrantPolicy, GrantRules};
use crate::package::{Digest, PrivateCopy};
use crate::settings::PluginSettings;
use crate::trust::TrustVerdict;

/// One plugin a line: `name version: item, item`. Items: `plugin NAME RANGE`, the same with `with PROTOCOL` behind it, `service
/// NAME RANGE`, any of these with `maybe` before it, `implements PROTOCOL`, `offers NAME VERSION`, `route METHOD PATH`, `command WORDS`, `object NAME`, `withheld SERVICE`.
fn plugins(lines: &str) -> Vec<Arc<Candidate>> {
    lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| Arc::new(plugin(line)))
        .collect()
}

fn plugin(line: &str) -> Candidate {
    let (head, items) = line.split_once(':').unwrap();
    let (name, version) = head.split_once(' ').unwrap();
    let (mut requires, mut provides, mut uses, mut implements) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut routes, mut commands, mut objects, mut deny) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for item in items.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (optional, item) = item.strip_prefix("maybe ").map_or((false, item), |item| (true, item));
        let words: Vec<&str> = item.splitn(3, ' ').collect();
        match words.as_slice() {
            ["plugin", name, range] => {
                // Protocols that it has to implement stand behind the range.
                let (range, protocols) = range.split_once(" with ").unwrap_or((range, ""));
                let protocols: Vec<String> = protocols.split_whitespace().map(protocol).collect();
                requires.push(json!({
                    "pluginId": format!("t.p{name}"), "version": range, "optional": optional,
                    "requiredCapabilities": protocols
                }))
            }
            ["implements", name] => implements.push(json!({
                "protocol": {"id": protocol(name), "label": name, "version": {"major": 1, "minor": 0, "patch": 0}}
            })),
            ["service", name, range] => uses.push(json!({"name": name, "range": range, "optional": optional})),
            ["offers", name, version] => provides.push(json!({"name": name, "version": version})),
            ["route", method, path] => routes.push(json!({"method": method, "path": path})),
            ["object", name] => objects.push(json!(name)),
            ["withheld", name] => deny.push(format!("service:provide:{name}")),
            ["command", ..] => commands.push(json!({"name": item.strip_prefix("command ").unwrap(), "summary": "s"})),
            _ => panic!("{item}"),
        }
    }
    let id = format!("t.p{name}");
    let text = json!({
        "manifest": {"id": id, "version": version, "type": "plugin", "name": name},
        "capabilities": {"requires": requires, "implements": implements},
        "objectos": {"api": "^1", "services": {"provides": provides, "uses": uses}, "routes": routes, "commands": commands, "objects": objects}
    });
    let document = PluginDocument::parse(text.to_string().as_bytes()).unwrap();
    let config = IndexMap::from([(
        id,
        GrantRules {
            allow: vec!["*".to_owned()],
            deny,
        },
    )]);
    let grants = GrantPolicy::new(Some(&config), RuntimeMode::Test, &PathBuf::from("/"))
        .unwrap()
        .grant(&document)
        .unwrap();
    Candidate {
        document,
        path: PathBuf::from(format!("{name}.so")),
        copy: PrivateCopy::adopt(PathBuf::from("/nonexistent/copy.so")),
        sha256: Digest::of(name.as_bytes()),
        size_bytes: 1,
        trust: TrustVerdict::unsigned(),
        grants,
        settings: PluginSettings::default(),
    }
}

fn protocol(name: &str) -> String {
    format!("com.example.protocol.{name}.v1")
}

fn short(id: &str) -> &str {
    id.strip_prefix("t.p").unwrap_or(id)
}

/// Levels as `a b | c`.
fn levels(resolution: &Resolution) -> String {
    let level = |level: &Vec<Arc<Candidate>>| {
        level
            .iter()
            .map(|plugin| short(plugin.id()).to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    resolution.levels.iter().map(level).collect::<Vec<_>>().join(" | ")
}

/// Resolves and compares levels and refusals, the latter as `name: code`.
#[track_caller]
fn check(lines: &str, request: &ResolveRequest<'_>, expected_levels: &str, expected_refusals: &[&str]) -> Resolution {
    let resolution = resolve(&plugins(lines), request);
    assert_eq!(levels(&resolution), expected_levels, "{lines}");
    let found: Vec<String> = resolution
        .refusals
        .iter()
        .map(|refusal| {
            format!(
                "{}: {}",
                short(refusal.plugin.as_deref().unwrap()),
                refusal.reason.code()
            )
        })
        .collect();
    assert_eq!(found, expected_refusals, "{lines}");
    resolution
}

fn alone() -> ResolveRequest<'static> {
    ResolveRequest::default()
}

#[test]
fn plugins_start_after_what_they_need() {
    check("", &alone(), "", &[]);
    check("b 1.0.0:\n a 1.0.0:", &alone(), "a b", &[]);
    check(
        "a 1.0.0: plugin b ^1, service s ^2\n b 1.0.0: service s *\n c 1.0.0: offers s 2.1.0",
        &alone(),
        "c | b | a",
        &[],
    );
    check(
        "a 1.0.0: maybe plugin z ^1, maybe service none ^1, maybe plugin b ^1\n b 1.0.0:",
        &alone(),
        "b | a",
        &[],
    );
    check("a 1.0.0: maybe plugin b ^2\n b 1.0.0:", &alone(), "a b", &[]);
}

#[test]
fn optional_needs_order_but_never_close_a_circle() {
    let resolution = check(
        "a 1.0.0: maybe plugin b *\n b 1.0.0: maybe plugin a *",
        &alone(),
        "b | a",
        &[],
    );
    assert_eq!(
        resolution.graph.edges.len(),
        1,
        "the wire that would close the circle is left out"
    );
    check(
        "a 1.0.0: plugin b *\n b 1.0.0: maybe plugin a *",
        &alone(),
        "b | a",
        &[],
    );
}

#[test]
fn a_refused_plugin_takes_its_dependents_alone() {
    let lines = "a 1.0.0: plugin b ^1\n b 1.0.0: service s ^1\n c 1.0.0: maybe plugin b ^1\n d 1.0.0:";
    let resolution = check(lines, &alone(), "c d", &["a: dependency-refused", "b: service-missing"]);
    assert_eq!(
        resolution.refusals[0].to_string(),
        "`t.pa` 1.0.0 (a.so) refused: needs plugin `t.pb` ^1, which comes from `t.pb`, and that was refused\n  \
         `t.pa` 1.0.0 (a.so) needs plugin `t.pb` ^1\n  \
         `t.pb` 1.0.0 (b.so) was refused: needs service `s` ^1, which no plugin provides\n  \
         hint: add a plugin that provides `s`"
    );
}

#[test]
fn ranges_name_both_sides_and_the_file() {
    let resolution = check("a 1.0.0: plugin b ^3\n b 2.9.0:", &alone(), "b", &["a: plugin-range"]);
    assert_eq!(
        resolution.refusals[0].to_string(),
        "`t.pa` 1.0.0 (a.so) refused: needs plugin `t.pb` ^3, present is 2.9.0 from b.so\n  \
         `t.pa` 1.0.0 (a.so) needs plugin `t.pb` ^3\n  \
         `t.pb` 2.9.0 (b.so) is what is here\n  \
         hint: put a version of `t.pb` that fits ^3 into the plugin folder"
    );
    let resolution = check(
        "a 1.0.0: service s ^2\n b 1.0.0: offers s 1.5.0",
        &alone(),
        "b",
        &["a: service-range"],
    );
    assert_eq!(
        resolution.refusals[0].reason.to_string(),
        "needs service `s` ^2, offered is 1.5.0 by `t.pb` from b.so"
    );
    check(
        "a 1.0.0: plugin bbbb *\n bbbc 1.0.0:",
        &alone(),
        "bbbc",
        &["a: plugin-missing"],
    );
    let resolution = check(
        "a 1.0.0: service data-stor *\n b 1.0.0: offers data-store 1.0.0",
        &alone(),
        "b",
        &["a: service-missing"],
    );
    assert_eq!(resolution.refusals[0].remedy, "did the author mean `data-store`?");
}

#[test]
fn circles_are_shown_by_their_path() {
    let lines = "a 1.0.0: plugin b *\n b 1.0.0: service s *\n c 1.0.0: offers s 1.0.0, plugin a *\n d 1.0.0: plugin a *\n e 1.0.0:";
    let resolution = check(
        lines,
        &alone(),
        "e",
        &["a: cycle", "b: cycle", "c: cycle", "d: dependency-refused"],
    );
    for refusal in &resolution.refusals[..3] {
        assert_eq!(
            refusal.reason.to_string(),
            "the plugins need each other in a circle: t.pa -> t.pb -> t.pc -> t.pa"
        );
    }
    // Two circles that share a plugin: each member is told its own.
    let lines = "a 1.0.0: plugin b *, plugin c *\n b 1.0.0: plugin a *\n c 1.0.0: plugin a *";
    let resolution = check(lines, &alone(), "", &["a: cycle", "b: cycle", "c: cycle"]);
    assert!(
        resolution.refusals[2]
            .reason
            .to_string()
            .ends_with("t.pa -> t.pc -> t.pa")
    );
}

#[test]
fn one_of_two_providers_stays_out_as_the_operator_prefers() {
    let lines = "a 1.0.0: offers s 1.0.0\n b 1.0.0: offers s 2.0.0\n c 1.0.0: service s *";
    let resolution = check(lines, &alone(), "a | c", &["b: two-providers"]);
    assert_eq!(
        resolution.refusals[0].to_string(),
        "`t.pb` 1.0.0 (b.so) refused: service `s` is also provided by `t.pa` from a.so\n  \
         `t.pa` (a.so) provides service `s`\n  \
         `t.pb` 1.0.0 (b.so) provides it too\n  \
         hint: choose with `prefer: { s: <plugin id> }` in objectos.yml, or take one out"
    );
    let prefer = IndexMap::from([("s".to_owned(), "t.pb".to_owned())]);
    let preferring = ResolveRequest {
        prefer: Some(&prefer),
        ..alone()
    };
    let resolution = check(lines, &preferring, "b | c", &["a: two-providers"]);
    assert!(
        resolution.refusals[0]
            .reason
            .to_string()
            .ends_with("which the operator prefers")
    );
    let elsewhere = IndexMap::from([("s".to_owned(), "t.pz".to_owned())]);
    check(
        lines,
        &ResolveRequest {
            prefer: Some(&elsewhere),
            ..alone()
        },
        "a | c",
        &["b: two-providers"],
    );
    check(
        "a 1.0.0: offers s 1.0.0, withheld s\n b 1.0.0: offers s 2.0.0",
        &alone(),
        "a b",
        &[],
    );
    check(
        "a 1.0.0: offers s 1.0.0, withheld s\n b 1.0.0: service s *",
        &alone(),
        "a",
        &["b: service-missing"],
    );
}

#[test]
fn who_lost_to_a_plugin_that_falls_comes_back() {
    check(
        "a 1.0.0: offers s 1.0.0, plugin z *\n b 1.0.0: offers s 1.0.0",
        &alone(),
        "b",
        &["a: plugin-missing"],
    );
    // b beats c for `s`, then loses to a for `t`: c is back.
    check(
        "a 1.0.0: offers t 1.0.0\n b 1.0.0: offers s 1.0.0, offers t 1.0.0\n c 1.0.0: offers s 1.0.0",
        &alone(),
        "a c",
        &["b: two-providers"],
    );
    // No plugin wins against one it needs, whatever their ids.
    check(
        "a 1.0.0: offers s 1.0.0, plugin b *\n b 1.0.0: offers s 1.0.0",
        &alone(),
        "b",
        &["a: two-providers"],
    );
    check(
        "a 1.0.0: route GET /x, plugin b *\n b 1.0.0: route GET /x, service s *\n c 1.0.0: offers s 1.0.0",
        &alone(),
        "c | b",
        &["a: route-taken"],
    );
    let lines = "a 1.0.0: offers s 1.0.0, plugin d *\n b 1.0.0: offers s 1.0.0\n c 1.0.0: offers t 1.0.0, plugin b *\n d 1.0.0: offers t 1.0.0";
    check(lines, &alone(), "b d", &["a: two-providers", "c: two-providers"]);
}

#[test]
fn claims_belong_to_one() {
    check(
        "a 1.0.0: route GET /x/{id}\n b 1.0.0: route GET /x/{key}",
        &alone(),
        "a",
        &["b: route-taken"],
    );
    check(
        "a 1.0.0: route GET /x/{id}\n b 1.0.0: route POST /x/{id}, route GET /x/y",
        &alone(),
        "a b",
        &[],
    );
    let resolution = check(
        "a 1.0.0: command audit verify\n b 1.0.0: command audit verify",
        &alone(),
        "a",
        &["b: command-taken"],
    );
    assert_eq!(
        resolution.refusals[0].reason.to_string(),
        "command `audit verify` belongs to `t.pa` 1.0.0 (a.so)"
    );
    check(
        "a 1.0.0: object note\n b 1.0.0: object note",
        &alone(),
        "a",
        &["b: object-taken"],
    );
    let host = ResolveRequest {
        host_commands: &["plugins"],
        ..alone()
    };
    check("a 1.0.0: command plugins list", &host, "", &["a: command-taken"]);
}

#[test]
fn the_kernels_services_are_its_own() {
    let own = [ProvidedService {
        name: "kernel.clock".to_owned(),
        version: Version::new(1, 2, 0),
    }];
    let request = ResolveRequest {
        kernel_services: &own,
        ..alone()
    };
    check("a 1.0.0: service kernel.clock ^1", &request, "a", &[]);
    let resolution = check("a 1.0.0: service kernel.clock ^2", &request, "", &["a: service-range"]);
    assert_eq!(
        resolution.refusals[0].reason.to_string(),
        "needs service `kernel.clock` ^2, offered is 1.2.0 by the kernel"
    );
    check(
        "a 1.0.0: offers kernel.clock 9.0.0",
        &request,
        "",
        &["a: reserved-service"],
    );
}

#[test]
fn a_plugin_that_is_needed_for_a_protocol_has_to_implement_it() {
    let lines = "a 1.0.0: implements store, implements search\n b 1.0.0: plugin a ^1 with store\n c 1.0.0: plugin a ^1 with search store";
    check(lines, &alone(), "a | b c", &[]);
    let lines = "a 1.0.0: implements store\n b 1.0.0: plugin a ^1 with search\n c 1.0.0: plugin b *";
    let resolution = check(
        lines,
        &alone(),
        "a",
        &["b: capability-missing", "c: dependency-refused"],
    );
    let refusal = &resolution.refusals[0];
    assert_eq!(
        refusal.reason.to_string(),
        "needs plugin `t.pa` to implement `com.example.protocol.search.v1`, the one from a.so implements \
         `com.example.protocol.store.v1`"
    );
    assert!(refusal.remedy.contains("capabilities.implements"), "{refusal}");
    // One that it can do without keeps nobody out, and is not waited for.
    check(
        "a 1.0.0: implements store\n b 1.0.0: maybe plugin a ^1 with search",
        &alone(),
        "a b",
        &[],
    );
    // The range comes first.
    check(
        "a 1.0.0:\n b 1.0.0: plugin a ^2 with search",
        &alone(),
        "a",
        &["b: plugin-range"],
    );
}

#[test]
fn earlier_refusals_explain_what_is_missing() {
    let earlier = Refusal {
        plugin: Some("t.pdata".to_owned()),
        version: Some(Version::new(1, 0, 0)),
        provides: vec!["data".to_owned()],
        ..Refusal::of_file(&PathBuf::from("data.so"), RefusalReason::NotElf)
    };
    let request = ResolveRequest {
        refused: &[earlier],
        ..alone()
    };
    let lines = "a 1.0.0: service data ^1\n b 1.0.0: plugin data *\n c 1.0.0: plugin b *";
    let resolution = check(
        lines,
        &request,
        "",
        &[
            "a: dependency-refused",
            "b: dependency-refused",
            "c: dependency-refused",
        ],
    );
    assert_eq!(
        resolution.refusals[2].chain,
        [
            "`t.pc` 1.0.0 (c.so) needs plugin `t.pb` *",
            "`t.pb` 1.0.0 (b.so) needs plugin `t.pdata` *",
            "`t.pdata` 1.0.0 (data.so) was refused: not an ELF file",
        ]
    );
}

#[test]
fn the_graph_is_data() {
    let resolution = check(
        "a 1.0.0: service s ^1, maybe plugin b *\n b 2.0.0: offers s 1.1.0",
        &alone(),
        "b | a",
        &[],
    );
    let graph: Value = serde_json::to_value(&resolution.graph).unwrap();
    assert_eq!(
        graph,
        json!({
            "nodes": [
                {"id": "t.pa", "version": "1.0.0", "level": 1, "provides": []},
                {"id": "t.pb", "version": "2.0.0", "level": 0, "provides": ["s"]}
            ],
            "edges": [
                {"from": "t.pa", "to": "t.pb", "kind": "service", "name": "s", "range": "^1", "optional": false},
                {"from": "t.pa", "to": "t.pb", "kind": "plugin", "name": "t.pb", "range": "*", "optional": true}
            ]
        })
    );
    let refusal = check("a 1.0.0: plugin z *", &alone(), "", &["a: plugin-missing"])
        .refusals
        .remove(0);
    let shown = serde_json::to_value(&refusal).unwrap();
    assert_eq!(
        (&shown["code"], &shown["plugin"], &shown["path"]),
        (&json!("plugin-missing"), &json!("t.pa"), &json!("a.so"))
    );
}
