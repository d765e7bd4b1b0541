//! The one table of older spellings: keys, field types and values; and of types that only later versions have.
//!
//! Besides these, any canonical key may be written in snake case (`plural_label`, `max_length`).

use super::keys::{Place, To};

/// Older keys, where they stand, and what becomes of them.
pub(super) const KEYS: &[(Place, &str, To)] = &[
    (Place::Object, "plural", To::Key("pluralLabel")),
    (Place::Object, "label_plural", To::Key("pluralLabel")),
    (Place::Object, "table", To::Key("tableName")),
    (Place::Object, "validation_rules", To::Key("validations")),
    (Place::Object, "enable_api", To::Inside("enable", "apiEnabled")),
    (Place::Object, "enable_audit", To::Inside("enable", "trackHistory")),
    (Place::Object, "enable_history", To::Inside("enable", "trackHistory")),
    (Place::Object, "enable_search", To::Inside("enable", "searchable")),
    (Place::Object, "enable_files", To::Inside("enable", "files")),
    (Place::Object, "enable_feeds", To::Inside("enable", "feeds")),
    (Place::Object, "enable_trash", To::Inside("enable", "trash")),
    (
        Place::Object,
        "workflows",
        To::Nothing("workflows belong in a *.workflow.yml file"),
    ),
    (
        Place::Object,
        "permission_set",
        To::Nothing("permissions belong in a *.permission.yml file"),
    ),
    (Place::Object, "actions", To::Nothing("objects have no actions")),
    (
        Place::Object,
        "hidden",
        To::Nothing("objects cannot be hidden; take away the permission to read"),
    ),
    (Place::Object, "ai", To::Nothing("objects have no ai settings")),
    (Place::Field, "reference_to", To::Key("reference")),
    (Place::Field, "referenceTo", To::Key("reference")),
    (Place::Field, "default", To::Key("defaultValue")),
    (Place::Field, "help_text", To::Key("inlineHelpText")),
    (Place::Field, "helpText", To::Key("inlineHelpText")),
    (Place::Field, "help", To::Key("inlineHelpText")),
    (Place::Field, "formula", To::Key("expression")),
    (Place::Field, "on_delete", To::Key("deleteBehavior")),
    (Place::Field, "onDelete", To::Key("deleteBehavior")),
    (Place::Field, "read_only", To::Key("readonly")),
    (Place::Field, "readOnly", To::Key("readonly")),
    (Place::Field, "visible", To::Opposite("hidden")),
    (Place::Field, "rollup_summary", To::Key("summaryOperations")),
    (
        Place::Field,
        "summary_object",
        To::Inside("summaryOperations", "object"),
    ),
    (Place::Field, "summary_field", To::Inside("summaryOperations", "field")),
    (
        Place::Field,
        "summary_type",
        To::Inside("summaryOperations", "function"),
    ),
    (
        Place::Field,
        "accept",
        To::Inside("fileAttachmentConfig", "allowedTypes"),
    ),
    (Place::Field, "max_size", To::Inside("fileAttachmentConfig", "maxSize")),
    (Place::Field, "min_size", To::Inside("fileAttachmentConfig", "minSize")),
    (
        Place::Field,
        "data_type",
        To::Nothing("the type of a formula follows from its expression"),
    ),
    (Place::Field, "start_number", To::Nothing("numbering begins at 1")),
    (
        Place::Field,
        "filters",
        To::Nothing("the filter of a roll-up is written as `filter` in `summaryOperations`"),
    ),
    (
        Place::Field,
        "blank_as_zero",
        To::Nothing("an empty value in a formula is null"),
    ),
    (
        Place::Field,
        "treat_blank_as",
        To::Nothing("an empty value in a formula is null"),
    ),
    (Place::Field, "blackbox", To::Nothing("json fields are always free")),
    (
        Place::Field,
        "visible_to",
        To::Nothing("field permissions belong in a *.permission.yml file"),
    ),
    (
        Place::Field,
        "editable_by",
        To::Nothing("field permissions belong in a *.permission.yml file"),
    ),
    (Place::Rule, "error_message", To::Key("message")),
    (Place::Rule, "expression", To::Key("condition")),
    (Place::Rule, "formula", To::Key("condition")),
    (Place::Rule, "enabled", To::Key("active")),
    (Place::Rule, "trigger", To::Key("events")),
    (
        Place::Rule,
        "error_code",
        To::Nothing("the code of a broken rule is its name"),
    ),
    (Place::Dataset, "data", To::Key("records")),
    (Place::Dataset, "rows", To::Key("records")),
];

/// Older names of field types.
pub(super) const TYPES: &[(&str, &str)] = &[
    ("auto_number", "autonumber"),
    ("bool", "boolean"),
    ("date_time", "datetime"),
    ("float", "number"),
    ("grid", "json"),
    ("int", "number"),
    ("integer", "number"),
    ("object", "json"),
    ("reference", "lookup"),
    ("rich_text", "richtext"),
    ("rollup_summary", "summary"),
    ("string", "text"),
];

/// Field types of later versions of the protocol (17.4.0), and what they are here.
pub(super) const LATER_TYPES: &[(&str, &str)] = &[
    ("composite", "json"),
    ("record", "json"),
    ("repeater", "json"),
    (SECRET, "password"),
    ("user", "lookup"),
];

/// The later type whose values are encrypted.
pub(super) const SECRET: &str = "secret";

/// What a `user` field points to when it does not say.
pub(super) const USERS: &str = "sys_user";

/// Older values of keys that take one of a few words.
pub(super) const VALUES: &[(&str, &str, &str)] = &[
    ("deleteBehavior", "set null", "set_null"),
    ("deleteBehavior", "no_action", "restrict"),
    ("function", "average", "avg"),
    ("function", "total", "sum"),
    ("events", "create", "insert"),
];

/// The newer word for a value, when the value is an older one.
pub(super) fn newer_value(key: &str, value: &str) -> Option<&'static str> {
    VALUES
        .iter()
        .find(|(of, old, _)| *of == key && *old == value)
        .map(|(_, _, new)| *new)
}

/// What a field type of a later version is here.
pub(super) fn type_of_later(name: &str) -> Option<&'static str> {
    LATER_TYPES
        .iter()
        .find(|(later, _)| *later == name)
        .map(|(_, here)| *here)
}

/// The newer name of a field type, when the name is an older one.
pub(super) fn newer_type(name: &str) -> Option<&'static str> {
    TYPES.iter().find(|(old, _)| *old == name).map(|(_, new)| *new)
}
