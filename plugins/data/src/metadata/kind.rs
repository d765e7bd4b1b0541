//! The kinds of files and items, their spellings and suffixes, in one table.

/// A kind of item.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// In the singular; also the suffix of files: `account.object.yml`.
    pub name: &'static str,
    /// In the plural, and other spellings that requests and older files use.
    pub aliases: &'static [&'static str],
    /// Interpreted by the loader; the others are kept as they are.
    pub interpreted: bool,
}

const fn kind(name: &'static str, aliases: &'static [&'static str]) -> Kind {
    Kind {
        name,
        aliases,
        interpreted: false,
    }
}

const fn interpreted(name: &'static str, aliases: &'static [&'static str]) -> Kind {
    Kind {
        name,
        aliases,
        interpreted: true,
    }
}

/// All of them, in the order in which they are listed.
pub const KINDS: &[Kind] = &[
    kind("package", &["packages"]),
    interpreted("object", &["objects"]),
    interpreted("view", &["views"]),
    interpreted("app", &["apps"]),
    interpreted("menu", &["menus"]),
    kind("page", &["pages"]),
    kind("form", &["forms"]),
    kind("dashboard", &["dashboards"]),
    kind("report", &["reports"]),
    kind("action", &["actions"]),
    kind("theme", &["themes"]),
    kind(
        "permission",
        &[
            "permissions",
            "permission_set",
            "permission_sets",
            "permissionset",
            "profile",
            "profiles",
        ],
    ),
    kind("role", &["roles"]),
    kind(
        "sharing",
        &[
            "sharings",
            "sharing_rule",
            "sharing_rules",
            "sharingrule",
            "sharingrules",
        ],
    ),
    kind("policy", &["policies"]),
    kind("territory", &["territories"]),
    kind("workflow", &["workflows"]),
    kind("flow", &["flows"]),
    kind("rule", &["rules", "workflow_rule", "workflow_rules"]),
    kind("approval", &["approvals", "approval_process", "approval_processes"]),
    kind("hook", &["hooks"]),
    kind("validation", &["validations"]),
    kind("job", &["jobs"]),
    kind("template", &["templates", "email_template", "email_templates"]),
    kind("translation", &["translations"]),
    kind("webhook", &["webhooks"]),
    kind("connector", &["connectors"]),
    kind("api", &["apis"]),
    kind("mapping", &["mappings"]),
];

/// The suffix of seed data, which is no metadata.
pub const DATA: &str = "data";

/// A kind by its name in the singular or plural or an older spelling.
#[must_use]
pub fn kind_of_name(name: &str) -> Option<&'static Kind> {
    let folded = name.to_ascii_lowercase().replace('-', "_");
    KINDS
        .iter()
        .find(|kind| kind.name == folded || kind.aliases.contains(&folded.as_str()))
}

/// Stem and kind of a file's name: `account.object.yml` is `account`, `object`. The kind is as written, known or not. None
/// when the name is not of the form `STEM.KIND.yml` (or `.yaml`, `.json`).
#[must_use]
pub fn kind_of_file(file_name: &str) -> Option<(&str, &str)> {
    let rest = [".yml", ".yaml", ".json"]
        .iter()
        .find_map(|suffix| file_name.strip_suffix(suffix))?;
    rest.rsplit_once('.')
        .filter(|(stem, kind)| !stem.is_empty() && !kind.is_empty())
}

#[cfg(test)]
mod tests;
