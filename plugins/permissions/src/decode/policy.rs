//! Row policies (`security/RowLevelSecurityPolicy`) and how they work as a whole (`security/RLSConfig`), in a set or in a file of
//! their own. Policies of a file bind everybody; those of a set narrow what the set grants.
//!
//! A file of kind `policy` that speaks of passwords, sessions or networks is somebody else's and left alone.

use super::reader::Part;
use super::{Declared, Decoder};
use crate::model::{EVERY_OBJECT, Governs, Policy, RowSecurity};

const POLICY_KEYS: [&str; 12] = [
    "name",
    "label",
    "description",
    "object",
    "operation",
    "using",
    "check",
    "roles",
    "enabled",
    "priority",
    "tags",
    "objectName",
];
const CONFIG_KEYS: [&str; 9] = [
    "enabled",
    "defaultPolicy",
    "allowSuperuserBypass",
    "bypassRoles",
    "logEvaluations",
    "cacheResults",
    "cacheTtlSeconds",
    "prefetchUserContext",
    "audit",
];
const LISTS: [&str; 3] = ["policies", "rowLevelSecurity", "row_level_security"];

const GOVERNS: [(Governs, &[&str]); 5] = [
    (Governs::Select, &["select", "read", "find"]),
    (Governs::Insert, &["insert", "create"]),
    (Governs::Update, &["update", "edit"]),
    (Governs::Delete, &["delete"]),
    (Governs::All, &["all", "*"]),
];

impl Decoder<'_> {
    pub(super) fn policy_file(&mut self, part: Part<'_>, stem: &str) -> Declared {
        let mut declared = Declared::default();
        let has = |key: &str| part.value.get(key).is_some();
        if part.value.is_array() {
            let items = part.items(self.problems);
            declared.policies = items
                .into_iter()
                .filter_map(|item| self.policy(item, Some(stem)))
                .collect();
        } else if LISTS.iter().any(|key| has(key)) || has("defaultPolicy") || has("bypassRoles") {
            let known: Vec<&str> = CONFIG_KEYS
                .iter()
                .chain(&LISTS)
                .copied()
                .chain(["name", "label", "description"])
                .collect();
            let Some(keys) = part.keys(&known, self.problems) else {
                return declared;
            };
            if CONFIG_KEYS.iter().any(|key| keys.get(&[key]).is_some()) {
                let allow = keys.get(&["defaultPolicy"]);
                let words: [(bool, &[&str]); 2] = [(false, &["deny"]), (true, &["allow"])];
                declared.row_security = Some(RowSecurity {
                    enabled: keys.boolean(&["enabled"], true, self.problems),
                    allow_by_default: allow
                        .and_then(|part| part.word(&words, self.problems))
                        .unwrap_or_default(),
                    administrators_bypass: keys.boolean(&["allowSuperuserBypass"], true, self.problems),
                    bypass_roles: keys.texts(&["bypassRoles"], self.problems).unwrap_or_default(),
                });
            }
            if let Some(policies) = keys.get(&LISTS) {
                let items = policies.items(self.problems);
                declared.policies = items.into_iter().filter_map(|item| self.policy(item, None)).collect();
            }
        } else if has("using") || has("check") || has("operation") {
            declared.policies.extend(self.policy(part, Some(stem)));
        }
        declared
    }

    /// `None` for one that is wrong or not enabled.
    pub(super) fn policy(&mut self, part: Part<'_>, stem: Option<&str>) -> Option<Policy> {
        let source = part.source();
        let keys = part.keys(&POLICY_KEYS, self.problems)?;
        let name = match stem {
            Some(stem) => self.name(&keys, stem)?,
            None => keys.needed_text(&["name"], self.problems)?,
        };
        let object = keys.needed(&["object", "objectName"], self.problems)?;
        let object = self.object(&object, true)?;
        let governs = keys
            .needed(&["operation"], self.problems)?
            .word(&GOVERNS, self.problems)?;
        if object == EVERY_OBJECT {
            let problem = keys.part.problem("a row policy is about one object");
            self.problems.push(problem.hint("write one for each object"));
            return None;
        }
        let (using, check) = (keys.get(&["using"]), keys.get(&["check"]));
        if using.is_none() && check.is_none() {
            let problem = keys
                .part
                .problem("neither `using` nor `check` says which rows are meant");
            self.problems
                .push(problem.hint("add `using`, such as `owner_id = current_user.id`"));
            return None;
        }
        let mut read = |part: Option<Part<'_>>| match part {
            None => Some(None),
            Some(part) => self.condition(&part, &object).map(Some),
        };
        let (using, check) = (read(using), read(check));
        let policy = Policy {
            name,
            object,
            governs,
            using: using?,
            check: check?,
            roles: keys.texts(&["roles"], self.problems),
            priority: keys.integer(&["priority"], 0, self.problems),
            source,
        };
        keys.boolean(&["enabled"], true, self.problems).then_some(policy)
    }
}
