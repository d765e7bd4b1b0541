//! Spellings of kinds and names of files.

use super::{KINDS, kind_of_file, kind_of_name};

#[test]
fn kinds_are_known_in_every_spelling() {
    let check =
        |name: &str, expected: Option<&str>| assert_eq!(kind_of_name(name).map(|kind| kind.name), expected, "{name}");
    check("object", Some("object"));
    check("objects", Some("object"));
    check("Objects", Some("object"));
    check("sharing-rule", Some("sharing"));
    check("policies", Some("policy"));
    check("data", None);
    check("nothing", None);
}

#[test]
fn no_spelling_means_two_kinds() {
    let mut all: Vec<&str> = KINDS
        .iter()
        .flat_map(|kind| std::iter::once(kind.name).chain(kind.aliases.iter().copied()))
        .collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn names_of_files_tell_the_kind() {
    let check = |name: &str, expected: Option<(&str, &str)>| assert_eq!(kind_of_file(name), expected, "{name}");
    check("account.object.yml", Some(("account", "object")));
    check("account.object.yaml", Some(("account", "object")));
    check("all.open.view.json", Some(("all.open", "view")));
    check("account.yml", None);
    check(".object.yml", None);
    check("README.md", None);
}
