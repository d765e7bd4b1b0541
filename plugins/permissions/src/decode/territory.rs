//! `security/Territory`: one a file, a list, or `territories: […]`.

use serde_json::Value;

use super::reader::Part;
use super::sharing::LEVELS;
use super::{Declared, Decoder};
use crate::model::{Level, TERRITORY_OBJECTS, Territory};

impl Decoder<'_> {
    pub(super) fn territories(&mut self, part: Part<'_>, stem: &str) -> Declared {
        let parts = match (part.value, part.key("territories")) {
            (Value::Array(_), _) => part.items(self.problems),
            (_, Some(list)) => list.items(self.problems),
            _ => vec![part],
        };
        Declared {
            territories: parts
                .into_iter()
                .filter_map(|part| self.territory(part, stem))
                .collect(),
            ..Declared::default()
        }
    }

    fn territory(&mut self, part: Part<'_>, stem: &str) -> Option<Territory> {
        let source = part.source();
        let known = [
            "name",
            "label",
            "modelId",
            "model",
            "parent",
            "type",
            "assignmentRule",
            "assignment_rule",
            "assignedUsers",
            "assigned_users",
            "accountAccess",
            "account_access",
            "opportunityAccess",
            "opportunity_access",
            "caseAccess",
            "case_access",
            "description",
        ];
        let keys = part.keys(&known, self.problems)?;
        let name = self.name(&keys, stem)?;
        let accounts = match keys.get(&["assignmentRule", "assignment_rule"]) {
            Some(rule) => Some(self.condition(&rule, TERRITORY_OBJECTS[0])?),
            None => None,
        };
        let mut level = |spellings: &[&str]| match keys.get(spellings) {
            Some(part) => part.word(&LEVELS, self.problems),
            None => Some(Level::Read),
        };
        let access = [
            level(&["accountAccess", "account_access"])?,
            level(&["opportunityAccess", "opportunity_access"])?,
            level(&["caseAccess", "case_access"])?,
        ];
        Some(Territory {
            name,
            parent: keys.text(&["parent"], self.problems),
            accounts,
            access,
            users: keys
                .texts(&["assignedUsers", "assigned_users"], self.problems)
                .unwrap_or_default(),
            source,
        })
    }
}
