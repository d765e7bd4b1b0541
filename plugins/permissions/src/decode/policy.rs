//! Row policies (`security/RowLevelSecurityPolicy`) and how they work as a whole (`security/RLSConfig`), in a set or in a file of
//! their own. Policies of a file bind everybody; those of a set narrow what the set grants.
//!
//! A file of kind `policy` that speaks of passwords, sessions or networks is somebody else's and left alone.

use serde_json::Value;

use super::reader::{Keys, Part};
use super::{Declared, Decoder};
use crate::model::{EVERY_OBJECT, Governs, Logged, Policy, RowSecurity};

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
/// Keys by which a file without policies shows that it is about row policies.
const CONFIG_MARKS: [&str; 6] = [
    "defaultPolicy",
    "bypassRoles",
    "allowSuperuserBypass",
    "logEvaluations",
    "cacheTtlSeconds",
    "prefetchUserContext",
];
const AUDIT_KEYS: [&str; 7] = [
    "enabled",
    "logLevel",
    "destination",
    "sampleRate",
    "retentionDays",
    "includeRowData",
    "alertOnDenied",
];
const LEVELS: [(Logged, &[&str]); 4] = [
    (Logged::Everything, &["all"]),
    (Logged::Denied, &["denied_only"]),
    (Logged::Granted, &["granted_only"]),
    (Logged::Nothing, &["none"]),
];

/// A key, what it may say without being told of, and why it changes nothing.
type Idle = (&'static str, fn(&Value) -> bool, &'static str);

const KEPT: &str = "a plan is kept until something changes that it depends on, and no longer";
const IDLE_CONFIG: [Idle; 3] = [
    ("cacheResults", |value| value.as_bool() == Some(true), KEPT),
    ("cacheTtlSeconds", |_| false, KEPT),
    (
        "prefetchUserContext",
        |value| value.as_bool() == Some(true),
        "what is known of a caller is looked up once and kept with its plans",
    ),
];
/// What is asked of the log and not done: a file that counts on it is not loaded.
const REFUSED_AUDIT: [Idle; 4] = [
    (
        "sampleRate",
        |value| value.as_f64() == Some(1.0),
        "every plan that is made is written to the log, and a plan is made once",
    ),
    ("retentionDays", |_| false, "how long a log is kept is not decided here"),
    (
        "includeRowData",
        |value| value.as_bool() == Some(false),
        "the data of rows is never written to the log",
    ),
    (
        "alertOnDenied",
        |value| value.as_bool() == Some(false),
        "refusals are events; `suspiciousActivityRules` of the audit raise alarms",
    ),
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
        } else if LISTS.iter().chain(&CONFIG_MARKS).any(|key| has(key)) {
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
                declared.row_security = Some(self.row_security(&keys));
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

    fn row_security(&mut self, keys: &Keys<'_>) -> RowSecurity {
        self.idle(keys, &IDLE_CONFIG);
        let allow = keys.get(&["defaultPolicy"]);
        let words: [(bool, &[&str]); 2] = [(false, &["deny"]), (true, &["allow"])];
        RowSecurity {
            enabled: keys.boolean(&["enabled"], true, self.problems),
            allow_by_default: allow
                .and_then(|part| part.word(&words, self.problems))
                .unwrap_or_default(),
            administrators_bypass: keys.boolean(&["allowSuperuserBypass"], true, self.problems),
            bypass_roles: keys.texts(&["bypassRoles"], self.problems).unwrap_or_default(),
            logged: self.logged(keys),
        }
    }

    /// `logEvaluations` and `audit`, which are one here: lines of the log.
    fn logged(&mut self, keys: &Keys<'_>) -> Logged {
        let all = keys.boolean(&["logEvaluations"], false, self.problems);
        let audit = keys
            .get(&["audit"])
            .and_then(|part| part.keys(&AUDIT_KEYS, self.problems));
        let mut logged = Logged::Nothing;
        if let Some(audit) = audit {
            let enabled = audit.boolean(&["enabled"], false, self.problems);
            if enabled {
                self.refuse(&audit, &REFUSED_AUDIT);
            } else {
                self.idle(&audit, &REFUSED_AUDIT);
            }
            let level = audit
                .get(&["logLevel"])
                .and_then(|part| part.word(&LEVELS, self.problems));
            let words: [(bool, &[&str]); 3] = [
                (true, &["system_log"]),
                (false, &["audit_trail"]),
                (false, &["external"]),
            ];
            let destination = audit.get(&["destination"]);
            let here = destination.as_ref().and_then(|part| part.word(&words, self.problems));
            if let (Some(part), Some(false)) = (&destination, here) {
                let why =
                    "evaluations are written to the log alone; the audit trail has every refusal whatever is set here";
                if enabled {
                    let problem = part.problem(format!("this is not done: {why}"));
                    self.problems.push(problem.hint("say `system_log`"));
                } else {
                    self.without_effect(part, why);
                }
            }
            if enabled && here != Some(false) {
                logged = level.unwrap_or(Logged::Everything);
            }
        }
        if all { Logged::Everything } else { logged }
    }

    fn idle(&mut self, keys: &Keys<'_>, idle: &[Idle]) {
        for (key, fits, why) in idle {
            if let Some(part) = keys.get(&[*key]).filter(|part| !fits(part.value)) {
                self.without_effect(&part, why);
            }
        }
    }

    fn refuse(&mut self, keys: &Keys<'_>, refused: &[Idle]) {
        for (key, fits, why) in refused {
            if let Some(part) = keys.get(&[*key]).filter(|part| !fits(part.value)) {
                let problem = part.problem(format!("this is not done: {why}"));
                self.problems.push(problem.hint("take the key out"));
            }
        }
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
        self.rule = Some(("row policy", name.clone()));
        let mut read = |part: Option<Part<'_>>| match part {
            None => Some(None),
            Some(part) => self.condition(&part, &object).map(Some),
        };
        let (using, check) = (read(using), read(check));
        self.rule = None;
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
