//! The older permission files: one object a file, profiles in it, filters for what they see, and lists of profiles for fields.
//!
//! A profile becomes a permission set of its name, held by whoever holds the role of that name. There are no org-wide defaults in
//! that form, so its grants do not look at ownership: `viewFilters` alone narrow them, for seeing as for changing.

use serde_json::Value;

use super::reader::Part;
use super::{Declared, Decoder};
use crate::model::{FieldGrant, ObjectGrant, Set};

const PROFILE_KEYS: [&str; 17] = [
    "allowRead",
    "allowCreate",
    "allowEdit",
    "allowDelete",
    "allowTransfer",
    "allowRestore",
    "allowPurge",
    "viewAllRecords",
    "modifyAllRecords",
    "viewFilters",
    "view_filters",
    "allow_read",
    "allow_create",
    "allow_edit",
    "allow_delete",
    "label",
    "description",
];

/// Whether a definition is of the older form.
pub(super) fn is_older(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some();
    has("profiles") || ((has("objectName") || has("object_name")) && !has("objects"))
}

impl Decoder<'_> {
    pub(super) fn profiles(&mut self, part: Part<'_>, stem: &str) -> Declared {
        let before = self.problems.len();
        let mut declared = Declared {
            mergeable: true,
            ..Declared::default()
        };
        let known = [
            "name",
            "label",
            "description",
            "objectName",
            "object_name",
            "object",
            "profiles",
            "fieldPermissions",
            "field_permissions",
        ];
        let Some(keys) = part.keys(&known, self.problems) else {
            return declared;
        };
        let object = match keys.get(&["objectName", "object_name", "object"]) {
            Some(part) => self.object(&part, false),
            None => self.object_named(&keys.part, stem, false),
        };
        let Some(object) = object else { return declared };
        if let Some(profiles) = keys.needed(&["profiles"], self.problems) {
            for (name, profile) in profiles.map(self.problems).iter().flat_map(|keys| keys.entries()) {
                let mut set = Set::new(name, profile.source());
                set.profile = true;
                if let Some(grant) = self.profile(profile, &object) {
                    set.objects.insert(object.clone(), grant);
                }
                declared.sets.push(set);
            }
        }
        if let Some(fields) = keys.get(&["fieldPermissions", "field_permissions"]) {
            for (field, rule) in fields.map(self.problems).iter().flat_map(|keys| keys.entries()) {
                self.profile_field(&mut declared.sets, &object, field, rule);
            }
        }
        if self.problems.len() > before {
            declared.sets.clear();
        }
        declared
    }

    fn profile(&mut self, part: Part<'_>, object: &str) -> Option<ObjectGrant> {
        let source = part.source();
        let keys = part.keys(&PROFILE_KEYS, self.problems)?;
        let mut says = |spellings: &[&str]| keys.boolean(spellings, false, self.problems);
        let mut grant = ObjectGrant {
            create: says(&["allowCreate", "allow_create"]),
            read: says(&["allowRead", "allow_read"]),
            edit: says(&["allowEdit", "allow_edit"]),
            delete: says(&["allowDelete", "allow_delete"]),
            transfer: says(&["allowTransfer"]),
            restore: says(&["allowRestore"]),
            purge: says(&["allowPurge"]),
            view_all: says(&["viewAllRecords"]),
            modify_all: says(&["modifyAllRecords"]),
            rows: None,
            older: true,
            source,
        };
        if let Some(filters) = keys.get(&["viewFilters", "view_filters"]) {
            grant.rows = Some(self.condition(&filters, object)?);
        }
        Some(grant)
    }

    fn profile_field(&mut self, sets: &mut Vec<Set>, object: &str, field: &str, part: Part<'_>) {
        self.known_field(&part, object, field);
        let source = part.source();
        let known = [
            "visibleTo",
            "visible_to",
            "editableBy",
            "editable_by",
            "label",
            "description",
        ];
        let Some(keys) = part.keys(&known, self.problems) else {
            return;
        };
        let visible = keys.texts(&["visibleTo", "visible_to"], self.problems);
        let editable = keys.texts(&["editableBy", "editable_by"], self.problems);
        let listed = editable.is_some();
        for name in visible.iter().chain(&editable).flatten() {
            if !sets.iter().any(|set| set.name == *name) {
                sets.push(Set::new(name, source.clone()));
            }
        }
        for set in sets {
            let among = |list: &Option<Vec<String>>| list.as_ref().is_none_or(|list| list.contains(&set.name));
            let edits = among(&editable);
            // Whoever is named for changing a field may see it.
            let reads = among(&visible) || listed && edits;
            let grant = FieldGrant {
                readable: reads,
                editable: reads && edits,
                source: source.clone(),
            };
            set.fields.insert((object.to_owned(), field.to_owned()), grant);
        }
    }
}
