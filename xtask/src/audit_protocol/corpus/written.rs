//! Documents written by hand: what people really write, and the mistakes they make.
//!
//! Each has the verdict that the published schema is expected to give.

/// The documents for one type, each with whether it is valid.
pub(super) fn documents(path: &str) -> impl Iterator<Item = (bool, &'static str)> {
    DOCUMENTS
        .iter()
        .filter(move |(schema, _, _)| *schema == path)
        .map(|(_, valid, text)| (*valid, *text))
}

const DOCUMENTS: &[(&str, bool, &str)] = &[
    ("data/Field", true, r#"{"type": "text"}"#),
    (
        "data/Field",
        true,
        r#"{"type": "select", "options": [{"label": "New", "value": "new", "default": true}]}"#,
    ),
    (
        "data/Field",
        true,
        r#"{"type": "lookup", "reference": "account", "deleteBehavior": "restrict"}"#,
    ),
    (
        "data/Field",
        true,
        r#"{"type": "formula", "expression": "amount * probability / 100"}"#,
    ),
    (
        "data/Field",
        true,
        r#"{"type": "summary", "summaryOperations": {"object": "line", "field": "price", "function": "sum"}}"#,
    ),
    (
        "data/Field",
        true,
        r#"{"type": "currency", "currencyConfig": {"defaultCurrency": "EUR"}}"#,
    ),
    (
        "data/Field",
        true,
        r#"{"type": "slider", "min": 0, "max": 100, "step": 0.5, "marks": {"0": "none", "100": "all"}}"#,
    ),
    (
        "data/Field",
        true,
        r#"{"type": "vector", "vectorConfig": {"dimensions": 1536}}"#,
    ),
    ("data/Field", true, r#"{"type": "text", "defaultValue": null}"#),
    ("data/Field", false, r#"{"label": "No type"}"#),
    ("data/Field", false, r#"{"type": "auto_number"}"#),
    ("data/Field", false, r#"{"type": "lookup", "reference_to": "account"}"#),
    ("data/Field", false, r#"{"type": "select", "options": ["new", "old"]}"#),
    (
        "data/Field",
        false,
        r#"{"type": "select", "options": [{"label": "A", "value": "a"}]}"#,
    ),
    (
        "data/Field",
        false,
        r#"{"type": "select", "options": [{"label": "In Progress", "value": "In Progress"}]}"#,
    ),
    ("data/Field", false, r#"{"type": "text", "label": null}"#),
    ("data/Field", false, r#"{"type": "text", "required": "yes"}"#),
    (
        "data/Field",
        false,
        r#"{"type": "currency", "currencyConfig": {"defaultCurrency": "EURO"}}"#,
    ),
    ("data/Field", false, r#"{"type": "vector", "vectorConfig": {}}"#),
    ("data/Object", true, r#"{"name": "account", "fields": {}}"#),
    (
        "data/Object",
        true,
        r#"{"name": "account", "fields": {"name": {"type": "text", "required": true}}, "keyPrefix": "ACC"}"#,
    ),
    (
        "data/Object",
        true,
        r#"{"name": "a", "fields": {"x": {"type": "text"}}, "indexes": [{"fields": ["x"]}], "enable": {}}"#,
    ),
    (
        "data/Object",
        true,
        r#"{"name": "deal", "fields": {"stage": {"type": "text"}}, "validations": [
            {"type": "script", "name": "positive", "message": "must be positive", "condition": "amount < 0"},
            {"type": "unique", "name": "one", "message": "taken", "fields": ["name"]},
            {"type": "state_machine", "name": "path", "message": "no", "field": "stage", "transitions": {"a": ["b"]}},
            {"type": "conditional", "name": "when_won", "message": "-", "when": "won",
             "then": {"type": "script", "name": "x", "message": "m", "condition": "true"}}]}"#,
    ),
    (
        "data/Object",
        true,
        r#"{"name": "lead", "fields": {}, "stateMachines": {"life": {"id": "life", "initial": "new", "states": {
            "new": {"on": {"GO": "done", "STOP": {"target": "lost", "cond": "may_stop"}, "TRY": [{"target": "done"}]}},
            "done": {"type": "final"}, "lost": {"type": "compound", "states": {"inner": {}}}}}}}"#,
    ),
    ("data/Object", false, r#"{"name": "Account", "fields": {}}"#),
    ("data/Object", false, r#"{"name": "account"}"#),
    ("data/Object", false, r#"{"name": "account", "fields": []}"#),
    (
        "data/Object",
        false,
        r#"{"name": "account", "fields": {"First Name": {"type": "text"}}}"#,
    ),
    (
        "data/Object",
        false,
        r#"{"name": "account", "fields": {}, "keyPrefix": "ACCOUNT"}"#,
    ),
    (
        "data/Object",
        false,
        r#"{"name": "account", "fields": {}, "workflows": []}"#,
    ),
    (
        "data/Object",
        false,
        r#"{"name": "account", "fields": {}, "indexes": {"by_name": {"fields": ["name"]}}}"#,
    ),
    (
        "data/Object",
        false,
        r#"{"name": "a", "fields": {}, "validations": [{"type": "script", "name": "x", "message": "m"}]}"#,
    ),
    (
        "data/Object",
        false,
        r#"{"name": "a", "fields": {}, "validations": [{"type": "script", "name": "x", "message": "m", "condition": "c", "field": "f"}]}"#,
    ),
    ("data/Query", true, r#"{"object": "account"}"#),
    (
        "data/Query",
        true,
        r#"{"object": "account", "fields": ["name", {"field": "owner", "fields": ["email"], "alias": "by"}],
            "orderBy": [{"field": "name"}], "limit": 20, "offset": 40, "expand": {"owner": {"object": "user"}}}"#,
    ),
    (
        "data/Query",
        true,
        r#"{"object": "a", "where": {"$and": [{"$not": {}}], "$or": []}}"#,
    ),
    ("data/Query", false, r#"{"fields": ["name"]}"#),
    ("data/Query", false, r#"{"object": "a", "where": {"$and": {"x": 1}}}"#),
    ("data/Query", false, r#"{"object": "a", "where": {"$not": [{}]}}"#),
    ("data/Query", false, r#"{"object": "a", "where": ["name", "=", "x"]}"#),
    ("data/Query", false, r#"{"object": "a", "sort": "name"}"#),
    (
        "data/Query",
        false,
        r#"{"object": "a", "orderBy": [{"field": "name", "order": "up"}]}"#,
    ),
    (
        "data/Dataset",
        true,
        r#"{"object": "account", "records": [{"name": "Acme", "employees": 12}]}"#,
    ),
    ("data/Dataset", false, r#"{"object": "account", "records": ["Acme"]}"#),
    (
        "data/Dataset",
        false,
        r#"{"object": "account", "mode": "replace_all", "records": []}"#,
    ),
    (
        "data/Datasource",
        true,
        r#"{"name": "default", "driver": "sqlite", "config": {"file": "app.db"}, "pool": {}}"#,
    ),
    ("data/Datasource", false, r#"{"name": "default", "driver": "sqlite"}"#),
    (
        "api/ErrorResponse",
        true,
        r#"{"success": false, "error": {"code": "record_not_found", "message": "no such record"}}"#,
    ),
    (
        "api/ErrorResponse",
        false,
        r#"{"success": true, "error": {"code": "record_not_found", "message": "no such record"}}"#,
    ),
    (
        "api/ErrorResponse",
        false,
        r#"{"success": false, "error": {"code": "RECORD_NOT_FOUND", "message": "no such record"}}"#,
    ),
    (
        "api/BatchUpdateRequest",
        true,
        r#"{"operation": "create", "records": [{"data": {"name": "x"}}], "options": {}}"#,
    ),
    (
        "api/BatchUpdateRequest",
        false,
        r#"{"operation": "create", "records": []}"#,
    ),
    (
        "api/BatchUpdateRequest",
        false,
        r#"{"operation": "merge", "records": [{}]}"#,
    ),
    ("api/RestServerConfig", true, r#"{}"#),
    (
        "api/RestServerConfig",
        true,
        r#"{"api": {"version": "v2"}, "crud": {"operations": {"delete": false}, "dataPrefix": "/d"}}"#,
    ),
    (
        "api/RestServerConfig",
        false,
        r#"{"crud": {"patterns": {"copy": {"method": "GET", "path": "/x"}}}}"#,
    ),
    (
        "security/PermissionSet",
        true,
        r#"{"name": "sales_rep", "objects": {"account": {"allowRead": true}}}"#,
    ),
    (
        "security/PermissionSet",
        false,
        r#"{"name": "sales_rep", "objects": {"account": {"read": true}}}"#,
    ),
    (
        "security/SharingRule",
        true,
        r#"{"type": "criteria", "name": "big", "object": "deal", "sharedWith": {"type": "role", "value": "vp"}, "condition": "amount > 1"}"#,
    ),
    (
        "security/SharingRule",
        false,
        r#"{"type": "owner", "name": "big", "object": "deal", "sharedWith": {"type": "role", "value": "vp"}, "condition": "amount > 1"}"#,
    ),
    (
        "system/AuditConfig",
        true,
        r#"{"name": "main", "label": "Audit", "storage": {"type": "database"}}"#,
    ),
    (
        "system/AuditConfig",
        false,
        r#"{"name": "main", "label": "Audit", "storage": {"type": "paper"}}"#,
    ),
    ("ui/ListView", true, r#"{"columns": ["name", "amount"]}"#),
    (
        "ui/ListView",
        true,
        r#"{"columns": [{"field": "name", "width": 120}], "sort": [{"field": "name", "order": "asc"}]}"#,
    ),
    ("ui/ListView", false, r#"{"columns": ["name", {"field": "amount"}]}"#),
    ("ui/ListView", false, r#"{"columns": "name"}"#),
];
