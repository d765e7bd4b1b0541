//! Sharing rules (`security/SharingRule`) and org-wide defaults (`security/OWDModel`): one rule a file, a list of them, or
//! `orgDefaults` and `rules` in one file. Older spellings: `owner_based`, `criteria_based`, `read_only`, `read_write`,
//! `public_read_only`.

use serde_json::Value;

use super::reader::Part;
use super::{Declared, Decoder};
use crate::model::{Level, Openness, OrgDefault, Recipient, Rule, Shared};

const DEFAULTS: [&str; 6] = [
    "orgDefaults",
    "org_defaults",
    "organizationDefaults",
    "orgWideDefaults",
    "org_wide_defaults",
    "owd",
];
const RULES: [&str; 4] = ["rules", "sharingRules", "sharing_rules", "sharing"];

const OPENNESS: [(Openness, &[&str]); 4] = [
    (Openness::Private, &["private"]),
    (Openness::PublicRead, &["public_read", "public_read_only", "read"]),
    (Openness::PublicReadWrite, &["public_read_write", "read_write"]),
    (Openness::ControlledByParent, &["controlled_by_parent"]),
];
pub(super) const LEVELS: [(Level, &[&str]); 3] = [
    (Level::Read, &["read", "read_only"]),
    (Level::Edit, &["edit", "read_write", "write"]),
    (Level::Full, &["full", "full_access"]),
];

#[derive(Clone, Copy)]
enum Kind {
    User,
    Group,
    Team,
    Role,
    RoleAndSubordinates,
    Territory,
    Guest,
}

const RECIPIENTS: [(Kind, &[&str]); 7] = [
    (Kind::User, &["user"]),
    (Kind::Group, &["group", "public_group"]),
    (Kind::Team, &["team"]),
    (Kind::Role, &["role"]),
    (
        Kind::RoleAndSubordinates,
        &["role_and_subordinates", "role_and_internal_subordinates"],
    ),
    (Kind::Territory, &["territory"]),
    (Kind::Guest, &["guest"]),
];

impl Decoder<'_> {
    pub(super) fn sharing(&mut self, part: Part<'_>, stem: &str) -> Declared {
        let mut declared = Declared::default();
        let has = |keys: &[&str]| keys.iter().any(|key| part.value.get(key).is_some());
        if part.value.is_array() {
            let items = part.items(self.problems);
            declared.rules = items.into_iter().filter_map(|item| self.rule(item, stem)).collect();
        } else if has(&DEFAULTS) || has(&RULES) {
            let known: Vec<&str> = DEFAULTS
                .iter()
                .chain(&RULES)
                .copied()
                .chain(["name", "label", "description"])
                .collect();
            let Some(keys) = part.keys(&known, self.problems) else {
                return declared;
            };
            if let Some(defaults) = keys.get(&DEFAULTS) {
                declared.defaults = self.org_defaults(&defaults);
            }
            if let Some(rules) = keys.get(&RULES) {
                let items = rules.items(self.problems);
                declared.rules = items.into_iter().filter_map(|item| self.rule(item, stem)).collect();
            }
        } else {
            declared.rules.extend(self.rule(part, stem));
        }
        declared
    }

    /// A map from object to model, or a list of `{object, …}`.
    fn org_defaults(&mut self, part: &Part<'_>) -> Vec<(String, OrgDefault)> {
        if part.value.is_array() {
            let items = part.items(self.problems);
            return items
                .into_iter()
                .filter_map(|item| self.org_default(item, None))
                .collect();
        }
        let Some(keys) = part.clone().map(self.problems) else {
            return Vec::new();
        };
        keys.entries()
            .filter_map(|(object, part)| {
                let object = self.object_named(&part, object, false)?;
                self.org_default(part, Some(object))
            })
            .collect()
    }

    pub(super) fn org_default(&mut self, part: Part<'_>, object: Option<String>) -> Option<(String, OrgDefault)> {
        let source = part.source();
        let (object, openness, hierarchy) = match (part.value, object) {
            (Value::String(_), Some(object)) => (object, part.word(&OPENNESS, self.problems)?, true),
            (_, object) => {
                let known = [
                    "object",
                    "objectName",
                    "object_name",
                    "model",
                    "internal",
                    "internalAccess",
                    "internal_access",
                    "external",
                    "externalAccess",
                    "external_access",
                    "grantAccessUsingHierarchy",
                    "grant_access_using_hierarchy",
                    "description",
                ];
                let keys = part.keys(&known, self.problems)?;
                let object = match object {
                    Some(object) => object,
                    None => {
                        let part = keys.needed(&["object", "objectName", "object_name"], self.problems)?;
                        self.object(&part, false)?
                    }
                };
                let spellings = ["model", "internal", "internalAccess", "internal_access"];
                let openness = keys.needed(&spellings, self.problems)?.word(&OPENNESS, self.problems)?;
                if let Some(external) = keys.get(&["external", "externalAccess", "external_access"]) {
                    external.word(&OPENNESS, self.problems);
                    self.without_effect(
                        &external,
                        "nobody is external; whoever is signed in is held against `internal`, guests see what rules open to them",
                    );
                }
                let spellings = ["grantAccessUsingHierarchy", "grant_access_using_hierarchy"];
                (object, openness, keys.boolean(&spellings, true, self.problems))
            }
        };
        let parent = self.catalogue.object(&object).and_then(|info| info.parent.as_ref());
        if openness == Openness::ControlledByParent && parent.is_none() {
            let message = format!("`{object}` has no master-detail field, so no parent controls it");
            let hint = "make the reference to the parent a field of type master_detail, or choose another model";
            self.problems.push(part_problem(&source, &object, message).hint(hint));
            return None;
        }
        let default = OrgDefault {
            openness,
            hierarchy,
            source,
        };
        Some((object, default))
    }

    /// `None` for one that is wrong or not active.
    pub(super) fn rule(&mut self, part: Part<'_>, stem: &str) -> Option<Rule> {
        let source = part.source();
        let known = [
            "name",
            "label",
            "description",
            "object",
            "objectName",
            "object_name",
            "type",
            "active",
            "accessLevel",
            "access_level",
            "sharedWith",
            "shared_with",
            "ownedBy",
            "owned_by",
            "condition",
            "criteria",
            "filter",
            "priority",
        ];
        let keys = part.keys(&known, self.problems)?;
        let name = self.name(&keys, stem)?;
        let object = keys.needed(&["object", "objectName", "object_name"], self.problems)?;
        let object = self.object(&object, false)?;
        let level = match keys.get(&["accessLevel", "access_level"]) {
            Some(level) => level.word(&LEVELS, self.problems)?,
            None => Level::Read,
        };
        let recipient = keys.needed(&["sharedWith", "shared_with"], self.problems);
        let recipient = recipient.and_then(|part| self.recipient(part));
        let condition = keys.get(&["condition", "criteria", "filter"]);
        let owner = keys.get(&["ownedBy", "owned_by"]);
        let by_owner = match keys.get(&["type"]) {
            Some(kind) => {
                let words: [(bool, &[&str]); 2] = [
                    (true, &["owner", "owner_based"]),
                    (false, &["criteria", "criteria_based"]),
                ];
                kind.word(&words, self.problems)?
            }
            None => owner.is_some(),
        };
        let shared = if by_owner {
            let owner = keys.needed(&["ownedBy", "owned_by"], self.problems)?;
            Shared::OwnedBy(self.recipient(owner)?)
        } else {
            let Some(condition) = condition else {
                self.problems.push(keys.part.problem("`condition` is missing"));
                return None;
            };
            self.rule = Some(("sharing rule", name.clone()));
            let condition = self.condition(&condition, &object);
            self.rule = None;
            Shared::Matching(condition?)
        };
        let rule = Rule {
            name,
            object,
            level,
            recipient: recipient?,
            shared,
            source,
        };
        keys.boolean(&["active"], true, self.problems).then_some(rule)
    }

    /// `{type, value}`.
    pub(super) fn recipient(&mut self, part: Part<'_>) -> Option<Recipient> {
        let known = ["type", "value", "name", "id"];
        let keys = part.keys(&known, self.problems)?;
        let kind = keys
            .needed(&["type"], self.problems)?
            .word(&RECIPIENTS, self.problems)?;
        if matches!(kind, Kind::Guest) {
            return Some(Recipient::Guest);
        }
        let value = keys.needed_text(&["value", "name", "id"], self.problems)?;
        Some(match kind {
            Kind::User => Recipient::User(value),
            Kind::Group => Recipient::Group(value),
            Kind::Team => Recipient::Team(value),
            Kind::Role => Recipient::Role(value),
            Kind::RoleAndSubordinates => Recipient::RoleAndSubordinates(value),
            Kind::Territory => Recipient::Territory(value),
            Kind::Guest => Recipient::Guest,
        })
    }
}

fn part_problem(source: &crate::problem::Source, path: &str, message: String) -> crate::problem::Problem {
    crate::problem::Problem::new(source.to_string(), path, message)
}
