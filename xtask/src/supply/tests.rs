use semver::Version;

use super::{
    Package,
    advisories::Advisory,
    faults, licence,
    rules::{Judgement, Rules},
};

const RULES: &str = r#"
# Comments, "quoted" or not, are none of it.
[licenses]
allow = [
    "MIT", # one
    "ISC",
    "Apache-2.0 WITH LLVM-exception",
]
confidence-threshold = 0.9
exceptions = [{ allow = ["MPL-2.0"], crate = "arena" }]

[advisories]
ignore = [
    # why: it is not reached
    "RUSTSEC-2024-0014",
]
"#;

#[test]
fn one_of_the_ways_to_take_a_package_is_enough() {
    let rules = Rules::parse(RULES).unwrap();
    let check = |expression: &str, expected: Result<bool, &str>| {
        let found = licence::allowed(expression, |named| rules.allows("any", named));
        assert_eq!(found, expected.map_err(str::to_owned), "{expression}");
    };
    check("MIT", Ok(true));
    check("GPL-3.0-only", Ok(false));
    check("MIT OR GPL-3.0-only", Ok(true));
    check("GPL-3.0-only/MIT", Ok(true));
    check("GPL-3.0-only / MIT", Ok(true));
    check("MIT AND GPL-3.0-only", Ok(false));
    check("MIT AND ISC", Ok(true));
    check("GPL-3.0-only OR MIT AND ISC", Ok(true));
    check("(GPL-3.0-only OR MIT) AND GPL-3.0-only", Ok(false));
    check("(GPL-3.0-only OR MIT) AND ISC", Ok(true));
    check("Apache-2.0 WITH LLVM-exception", Ok(true));
    check("Apache-2.0", Ok(false));
    check("MIT WITH LLVM-exception", Ok(false));
    check("", Err("it ends before a licence"));
    check("MIT OR", Err("it ends before a licence"));
    check("MIT ISC", Err("`ISC` was not expected"));
    check("(MIT", Err("`)` is missing"));
    check("OR MIT", Err("`OR` stands where a licence should"));
}

#[test]
fn packages_are_held_against_the_rules() {
    let rules = Rules::parse(RULES).unwrap();
    let check = |name: &str, license: Option<&str>, source: Option<&str>, expected: &[&str]| {
        let package = Package {
            name: name.to_owned(),
            version: Version::new(1, 2, 3),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
        };
        let found = faults(&package, &rules);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, part) in found.iter().zip(expected) {
            assert!(found.starts_with(part), "{found}");
        }
    };
    let registry = Some("registry+https://github.com/rust-lang/crates.io-index");
    check("a", Some("MIT"), registry, &[]);
    check("ours", Some("ISC"), None, &[]);
    check("arena", Some("MPL-2.0"), registry, &[]);
    check(
        "b",
        Some("MPL-2.0"),
        registry,
        &["b 1.2.3: its licence `MPL-2.0` is not"],
    );
    check("c", None, registry, &["c 1.2.3: names no licence"]);
    check(
        "d",
        Some("MIT OR"),
        Some("git+https://example.com/d"),
        &[
            "d 1.2.3: its licence `MIT OR` cannot be read",
            "d 1.2.3: comes from git+https://example.com/d",
        ],
    );
}

#[test]
fn sources_are_those_that_the_rules_name() {
    let check = |sources: &str, source: &str, expected: Judgement| {
        let rules = Rules::parse(&format!("[licenses]\nallow = ['MIT']\n[sources]\n{sources}\n")).unwrap();
        assert_eq!(rules.source(source), expected, "{sources}: {source}");
    };
    let (index, sparse) = (
        "registry+https://github.com/rust-lang/crates.io-index",
        "sparse+https://index.crates.io/",
    );
    let (own, git) = (
        "sparse+https://crates.example.com/",
        "git+https://example.com/d.git?branch=x#0123",
    );
    for everybodys in [index, sparse] {
        check("", everybodys, Judgement::Allow);
        check(
            "allow-registry = ['https://crates.example.com']",
            everybodys,
            Judgement::Deny,
        );
    }
    check("", own, Judgement::Deny);
    check("unknown-registry = 'warn'", own, Judgement::Warn);
    check(
        "unknown-registry = 'allow'\nunknown-git = 'deny'",
        own,
        Judgement::Allow,
    );
    check(
        "allow-registry = ['https://crates.example.com/']",
        own,
        Judgement::Allow,
    );
    check("", git, Judgement::Deny);
    check("unknown-git = 'warn'", git, Judgement::Warn);
    check("allow-git = ['https://example.com/d']", git, Judgement::Allow);
    check("allow-git = ['https://example.com/e']", git, Judgement::Deny);
    check("unknown-git = 'allow'", "path+file:///d", Judgement::Deny);
    check("unknown-git = 'allow'", "nonsense", Judgement::Deny);
    assert!(Rules::parse("[licenses]\nallow = ['MIT']\n[sources]\nunknown-git = 'maybe'\n").is_err());
}

#[test]
fn the_rules_of_this_repository_can_be_read() {
    let rules = Rules::parse(include_str!("../../../deny.toml")).unwrap();
    assert!(rules.allows("any", "AGPL-3.0-only") && !rules.allows("any", "MPL-2.0"));
    assert!(rules.allows("generational-arena", "MPL-2.0"));
    assert_eq!(rules.source("git+https://example.com/d"), Judgement::Deny);
    assert_eq!(rules.ignored, ["RUSTSEC-2024-0014", "RUSTSEC-2024-0436"]);
    assert!(Rules::parse("[licenses]\nallow = []\n").is_err());
    assert!(Rules::parse("[licenses]\nallow = ['MIT']\nexceptions = [{ allow = ['X'] }]\n").is_err());
}

#[test]
fn an_advisory_concerns_the_versions_that_have_the_fault() {
    let advisory = |head: &str, versions: &str| {
        let text = format!(
            "```toml\n[advisory]\nid = \"RUSTSEC-1\"\npackage = \"a\"\n{head}\n[versions]\n{versions}\n```\n\n# A title\n"
        );
        Advisory::read(&text).unwrap()
    };
    let check = |versions: &str, version: (u64, u64, u64), expected: bool| {
        let advisory = advisory("", versions).unwrap();
        assert_eq!(advisory.id, "RUSTSEC-1");
        let version = Version::new(version.0, version.1, version.2);
        assert_eq!(advisory.concerns(&version), expected, "{versions} {version}");
    };
    check("patched = []", (9, 9, 9), true);
    let versions = "patched = [\n  \"^0.21.11\", # older\n  \">= 0.23.5, < 0.30\",\n]\nunaffected = [\"< 0.20\"]";
    check(versions, (0, 21, 10), true);
    check(versions, (0, 21, 11), false);
    check(versions, (0, 23, 4), true);
    check(versions, (0, 23, 5), false);
    check(versions, (0, 30, 0), true);
    check(versions, (0, 19, 9), false);
    let kind = |head: &str| advisory(head, "patched = []").map(|advisory| advisory.kind);
    assert_eq!(kind("").as_deref(), Some("has a fault"));
    assert_eq!(
        kind("informational = \"unmaintained\"").as_deref(),
        Some("unmaintained")
    );
    assert_eq!(kind("informational = \"notice\""), None);
    assert_eq!(kind("withdrawn = \"2024-01-01\""), None);
    assert_eq!(Advisory::read("no advisory").unwrap(), None);
}
