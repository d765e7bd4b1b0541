//! `security/PermissionSet`: objects, fields, system permissions, row policies, context variables.

use serde_json::Value;

use super::reader::Part;
use super::{Decoder, nearest};
use crate::condition::check_variables;
use crate::model::{EVERY_OBJECT, FieldGrant, ObjectGrant, Set};

const KEYS: [&str; 17] = [
    "name",
    "label",
    "description",
    "isProfile",
    "is_profile",
    "objects",
    "objectPermissions",
    "object_permissions",
    "fields",
    "fieldPermissions",
    "field_permissions",
    "systemPermissions",
    "system_permissions",
    "rowLevelSecurity",
    "row_level_security",
    "contextVariables",
    "context_variables",
];

/// What a grant may say, protocol's spelling first.
const GRANTS: [&[&str]; 9] = [
    &["allowCreate", "allow_create", "create"],
    &["allowRead", "allow_read", "read"],
    &["allowEdit", "allow_edit", "edit", "allowUpdate", "update"],
    &["allowDelete", "allow_delete", "delete"],
    &["allowTransfer", "allow_transfer", "transfer"],
    &["allowRestore", "allow_restore", "restore"],
    &["allowPurge", "allow_purge", "purge"],
    &["viewAllRecords", "view_all_records", "viewAll", "view_all"],
    &["modifyAllRecords", "modify_all_records", "modifyAll", "modify_all"],
];

impl Decoder<'_> {
    pub(super) fn set(&mut self, part: Part<'_>, stem: &str) -> Option<Set> {
        let before = self.problems.len();
        let source = part.source();
        let keys = part.keys(&KEYS, self.problems)?;
        let name = self.name(&keys, stem)?;
        let mut set = Set::new(&name, source);
        set.label = keys.text(&["label"], self.problems);
        set.profile = keys.boolean(&["isProfile", "is_profile"], false, self.problems);
        if let Some(objects) = keys.get(&["objects", "objectPermissions", "object_permissions"]) {
            for (object, grant) in objects.map(self.problems).iter().flat_map(|keys| keys.entries()) {
                let name = self.object_named(&grant, object, true);
                if let (Some(name), Some(grant)) = (name, self.grant(grant)) {
                    set.objects.insert(name, grant);
                }
            }
        }
        if let Some(fields) = keys.get(&["fields", "fieldPermissions", "field_permissions"]) {
            for (field, grant) in fields.map(self.problems).iter().flat_map(|keys| keys.entries()) {
                self.field(&mut set, field, grant);
            }
        }
        if let Some(permissions) = keys.get(&["systemPermissions", "system_permissions"]) {
            for item in permissions.items(self.problems) {
                if let Some(name) = item.text(self.problems) {
                    set.system.insert(name.to_owned(), item.source());
                }
            }
        }
        self.variables(&mut set, keys.get(&["contextVariables", "context_variables"]));
        if let Some(policies) = keys.get(&["rowLevelSecurity", "row_level_security"]) {
            for item in policies.items(self.problems) {
                set.policies.extend(self.policy(item, None));
            }
        }
        // Half a set could grant more than the whole one: a policy that is left out narrows nothing.
        (self.problems.len() == before).then_some(set)
    }

    pub(super) fn grant(&mut self, part: Part<'_>) -> Option<ObjectGrant> {
        let known: Vec<&str> = GRANTS.iter().flat_map(|spellings| spellings.iter().copied()).collect();
        let source = part.source();
        let keys = part.keys(&known, self.problems)?;
        let mut said = GRANTS
            .map(|spellings| keys.boolean(spellings, false, self.problems))
            .into_iter();
        let mut next = || said.next().unwrap_or_default();
        Some(ObjectGrant {
            create: next(),
            read: next(),
            edit: next(),
            delete: next(),
            transfer: next(),
            restore: next(),
            purge: next(),
            view_all: next(),
            modify_all: next(),
            rows: None,
            older: false,
            source,
        })
    }

    fn field(&mut self, set: &mut Set, path: &str, part: Part<'_>) {
        let Some((object, field)) = path.split_once('.') else {
            let problem = part.problem(format!("`{path}` names no field"));
            self.problems.push(problem.hint("write `object.field`"));
            return;
        };
        let Some(object) = self.object_named(&part, object, false) else {
            return;
        };
        self.known_field(&part, &object, field);
        let source = part.source();
        let Some(keys) = part.keys(&["readable", "editable", "read", "edit"], self.problems) else {
            return;
        };
        let editable = keys.boolean(&["editable", "edit"], false, self.problems);
        let readable = keys.boolean(&["readable", "read"], true, self.problems);
        if editable && !readable {
            let problem = keys.part.problem("a field that may be changed may be read");
            self.problems
                .push(problem.hint("set `readable` to true, or `editable` to false"));
        }
        let grant = FieldGrant {
            readable,
            editable,
            source,
        };
        set.fields.insert((object, field.to_owned()), grant);
    }

    pub(super) fn known_field(&mut self, part: &Part<'_>, object: &str, field: &str) {
        let Some(info) = self.catalogue.object(object) else {
            return;
        };
        if !info.fields.contains_key(field) && object != EVERY_OBJECT {
            let problem = part.problem(format!("`{object}` has no field `{field}`"));
            self.problems
                .push(problem.suggest(nearest(field, info.fields.keys().map(String::as_str))));
        }
    }

    fn variables(&mut self, set: &mut Set, part: Option<Part<'_>>) {
        let Some(part) = part else { return };
        let Value::Object(variables) = part.value else {
            self.problems.push(part.problem("expected a map of variables"));
            return;
        };
        if let Err((name, error)) = check_variables(variables) {
            let at = part.key(&name).unwrap_or_else(|| part.clone());
            self.problems.push(at.problem(error.message));
        }
        set.variables.clone_from(variables);
    }
}
