//! `identity/Role`: one role a file, a list of them, or `roles: […]`; the older `parentRole` and `parent_role`.

use serde_json::Value;

use super::reader::Part;
use super::{Declared, Decoder};
use crate::model::Role;

impl Decoder<'_> {
    pub(super) fn roles(&mut self, part: Part<'_>, stem: &str) -> Declared {
        let parts = match (part.value, part.key("roles")) {
            (Value::Array(_), _) => part.items(self.problems),
            (_, Some(list)) => list.items(self.problems),
            _ => vec![part],
        };
        Declared {
            roles: parts.into_iter().filter_map(|part| self.role(part, stem)).collect(),
            ..Declared::default()
        }
    }

    fn role(&mut self, part: Part<'_>, stem: &str) -> Option<Role> {
        let source = part.source();
        let known = [
            "name",
            "label",
            "description",
            "parent",
            "parentRole",
            "parent_role",
            "reportsTo",
        ];
        let keys = part.keys(&known, self.problems)?;
        Some(Role {
            name: self.name(&keys, stem)?,
            label: keys.text(&["label"], self.problems),
            parent: keys.text(&["parent", "parentRole", "parent_role", "reportsTo"], self.problems),
            source,
        })
    }
}
