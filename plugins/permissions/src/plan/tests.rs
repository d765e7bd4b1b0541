//! Plans as tables: what was written, who asks, and which rows and fields come out.

use objectos_expression::Zone;
use objectos_plugin_api::contracts::permissions::{FieldAccess, Operation};
use objectos_plugin_api::{Principal, PrincipalKind};
use serde_json::{Value, json};

use super::{Compiled, Planner};
use crate::catalogue::Catalogue;
use crate::config::Settings;
use crate::decode::{add, read};
use crate::document::Document;
use crate::model::{GroupMember, Model, Recipient};
use crate::subject::{Assignment, Memberships, Subject};

const NOW_MS: i64 = 1_770_000_000_000;

fn catalogue() -> Catalogue {
    let text = |name: &str| (name.to_owned(), json!({"type": "text"}));
    let object = |name: &str, fields: Vec<(String, Value)>| json!({"name": name, "fields": fields.into_iter().collect::<serde_json::Map<_, _>>()});
    let objects = [
        object(
            "account",
            vec![
                text("name"),
                text("region"),
                ("revenue".to_owned(), json!({"type": "currency"})),
            ],
        ),
        object(
            "contact",
            vec![
                text("name"),
                (
                    "account".to_owned(),
                    json!({"type": "master_detail", "reference": "account"}),
                ),
            ],
        ),
        object(
            "case",
            vec![
                text("subject"),
                ("account".to_owned(), json!({"type": "lookup", "reference": "account"})),
            ],
        ),
        object(
            "sys_user_role",
            vec![
                text("user"),
                text("role"),
                text("organization"),
                ("expires_at".to_owned(), json!({"type": "datetime"})),
            ],
        ),
        object(
            "sys_group_member",
            vec![text("group"), text("member_type"), text("member"), text("organization")],
        ),
        object("sys_record_share", vec![text("object"), text("record")]),
        object("sys_team_member", vec![text("team_id"), text("user_id")]),
        object("sys_secret", vec![text("value")]),
    ];
    Catalogue::new(&objects)
}

fn model(files: &[(&str, &str)]) -> Model {
    let mut model = Model {
        catalogue: catalogue(),
        ..Model::default()
    };
    for (kind, text) in files {
        let document = Document::parse("a.yml", text).expect("YAML");
        let mut problems = Vec::new();
        let declared = read(kind, "stem", &document, &model.catalogue, &mut problems);
        assert!(problems.is_empty(), "{}", crate::problem::lines(&problems));
        add(&mut model, declared);
    }
    model
}

struct World {
    model: Model,
    settings: Settings,
    principal: Principal,
    memberships: Memberships,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        Self {
            model: model(files),
            settings: Settings {
                default_sets: vec!["base".to_owned()],
                ..Settings::default()
            },
            principal: Principal {
                id: "u1".to_owned(),
                roles: vec!["user".to_owned()],
                ..Principal::default()
            },
            memberships: Memberships::default(),
        }
    }

    fn roles(mut self, roles: &[&str]) -> Self {
        self.memberships.roles = roles.iter().map(|&role| role.to_owned()).collect();
        self
    }

    fn compiled(&self, object: &str, operation: Operation) -> Compiled {
        let subject = Subject::new(&self.principal, &self.memberships, &self.model, &self.settings);
        Planner::new(&self.model, &subject, NOW_MS).plan(object, operation)
    }

    /// The rows; `null` when refused.
    fn rows(&self, object: &str, operation: Operation) -> Value {
        let compiled = self.compiled(object, operation);
        if compiled.plan.allowed {
            compiled.rows.describe()
        } else {
            Value::Null
        }
    }
}

const BASE: (&str, &str) = (
    "permission",
    "name: base\nobjects:\n  account: {allowRead: true, allowEdit: true, allowCreate: true, allowDelete: true}\n",
);

fn shares(object: &str, levels: &Value) -> Value {
    json!({"id": {"$inRecords": {"object": "sys_record_share", "field": "record", "where": {"$and": [
        {"object": {"$eq": object}},
        {"access_level": {"$in": levels}},
        {"$or": [
            {"$and": [{"recipient_type": {"$eq": "user"}}, {"recipient": {"$in": ["u1"]}}]},
            {"$and": [{"recipient_type": {"$eq": "role"}}, {"recipient": {"$in": ["user"]}}]},
            {"$and": [{"recipient_type": {"$eq": "role_and_subordinates"}}, {"recipient": {"$in": ["user"]}}]},
        ]},
        {"$or": [{"expires_at": {"$null": true}}, {"expires_at": {"$gt": "2026-02-02T02:40:00.000Z"}}]},
    ]}}}})
}

#[test]
fn the_definition_says_who_sees_what_nobody_shared_unless_a_default_does() {
    let opened = |model: &str, files: &[(&str, &str)]| {
        let mut world = World::new(files);
        let account = json!({"name": "account", "sharingModel": model, "fields": {"name": {"type": "text"}}});
        world.model.catalogue = Catalogue::new([&account]);
        [Operation::Read, Operation::Update, Operation::Delete]
            .map(|operation| world.rows("account", operation) == json!("all"))
    };
    for (model, expected) in [
        ("private", [false, false, false]),
        ("read", [true, false, false]),
        ("read_write", [true, true, false]),
        ("full", [true, true, true]),
        ("fully", [false, false, false]),
    ] {
        assert_eq!(opened(model, &[BASE]), expected, "{model}");
    }
    let private = ("sharing", "orgDefaults: {account: private}");
    assert_eq!(opened("full", &[BASE, private]), [false; 3]);
    let open = ("sharing", "orgDefaults: {account: public_read_write}");
    assert_eq!(opened("private", &[BASE, open]), [true, true, false]);
}

#[test]
fn private_is_own_and_shared() {
    let world = World::new(&[BASE]);
    let all = json!(["read", "edit", "full"]);
    let read = json!({"$or": [{"owner_id": {"$eq": "u1"}}, shares("account", &all)]});
    assert_eq!(world.rows("account", Operation::Read), read);
    let edit = json!({"$or": [{"owner_id": {"$eq": "u1"}}, shares("account", &json!(["edit", "full"]))]});
    assert_eq!(world.rows("account", Operation::Update), edit);
    assert_eq!(world.rows("account", Operation::Create), json!("all"));
    assert_eq!(world.rows("contact", Operation::Read), Value::Null);
    assert_eq!(world.rows("account", Operation::Purge), Value::Null);
    assert_eq!(world.rows("nothing", Operation::Read), Value::Null);
}

#[test]
fn org_defaults_open_objects() {
    let table = [
        ("public_read", json!("all"), false, false),
        ("public_read_write", json!("all"), true, false),
    ];
    for (default, read, edit_all, delete_all) in table {
        let sharing = format!("orgDefaults: {{account: {default}}}");
        let world = World::new(&[BASE, ("sharing", &sharing)]);
        assert_eq!(world.rows("account", Operation::Read), read, "{default}");
        assert_eq!(
            world.rows("account", Operation::Update) == json!("all"),
            edit_all,
            "{default}"
        );
        assert_eq!(
            world.rows("account", Operation::Delete) == json!("all"),
            delete_all,
            "{default}"
        );
    }
}

#[test]
fn view_all_and_modify_all_look_at_no_owner() {
    let world = World::new(&[(
        "permission",
        "name: base\nobjects: {account: {viewAllRecords: true, allowEdit: true}, contact: {modifyAllRecords: true}}",
    )]);
    assert_eq!(world.rows("account", Operation::Read), json!("all"));
    assert_ne!(world.rows("account", Operation::Update), json!("all"));
    for operation in [
        Operation::Read,
        Operation::Update,
        Operation::Delete,
        Operation::Transfer,
    ] {
        assert_eq!(world.rows("contact", operation), json!("all"), "{operation:?}");
    }
    assert_eq!(world.rows("contact", Operation::Create), Value::Null);
}

#[test]
fn the_wildcard_is_not_for_the_platforms_own_objects() {
    let world = World::new(&[("permission", "name: base\nobjects: {\"*\": {viewAllRecords: true}}")]);
    assert_eq!(world.rows("account", Operation::Read), json!("all"));
    assert_eq!(world.rows("sys_secret", Operation::Read), Value::Null);
    let named = World::new(&[(
        "permission",
        "name: base\nobjects: {sys_secret: {viewAllRecords: true}}",
    )]);
    assert_eq!(named.rows("sys_secret", Operation::Read), json!("all"));
}

#[test]
fn higher_roles_reach_what_lower_ones_own() {
    let roles = (
        "role",
        "- {name: boss}\n- {name: lead, parent: boss}\n- {name: rep, parent: lead}\n",
    );
    let below = |world: &World| {
        let rows = world.rows("account", Operation::Read);
        let parts = rows["$or"].as_array().cloned().unwrap_or_default();
        parts.iter().find_map(|part| {
            Some(part["owner_id"]["$inRecords"]["where"]["$and"][0]["role"]["$in"].clone())
                .filter(|roles| !roles.is_null())
        })
    };
    let world = |role: &str| World::new(&[BASE, roles]).roles(&[role]);
    assert_eq!(below(&world("boss")), Some(json!(["lead", "rep"])));
    assert_eq!(below(&world("lead")), Some(json!(["rep"])));
    assert_eq!(below(&world("rep")), None);
    let closed = World::new(&[
        BASE,
        roles,
        (
            "sharing",
            "orgDefaults: {account: {model: private, grantAccessUsingHierarchy: false}}",
        ),
    ])
    .roles(&["boss"]);
    assert_eq!(below(&closed), None);
}

#[test]
fn sharing_rules_open_rows_to_those_they_name() {
    let rule = |with: &str, level: &str| {
        format!(
            "{{name: energy, object: account, condition: \"region = 'north'\", accessLevel: {level}, sharedWith: {with}}}"
        )
    };
    let opened = |with: &str, level: &str, operation: Operation| {
        let rule = rule(with, level);
        let mut world = World::new(&[
            BASE,
            ("role", "- {name: lead}\n- {name: rep, parent: lead}\n"),
            ("sharing", &rule),
        ])
        .roles(&["rep"]);
        world.memberships.groups = vec!["west".to_owned()];
        world.model.group_members = vec![GroupMember {
            group: "all".to_owned(),
            member: Recipient::Group("west".to_owned()),
            organization: None,
        }];
        let compiled = world.compiled("account", operation);
        compiled.steps.iter().any(|step| step.name == "energy")
            && compiled
                .plan
                .filter
                .is_some_and(|filter| filter.to_string().contains("north"))
    };
    let table = [
        ("{type: user, value: u1}", true),
        ("{type: user, value: u2}", false),
        ("{type: role, value: rep}", true),
        ("{type: role, value: lead}", false),
        ("{type: role_and_subordinates, value: lead}", true),
        ("{type: group, value: west}", true),
        ("{type: group, value: all}", true),
        ("{type: group, value: east}", false),
        ("{type: guest}", false),
    ];
    for (with, expected) in table {
        assert_eq!(opened(with, "read", Operation::Read), expected, "{with}");
    }
    assert!(!opened("{type: user, value: u1}", "read", Operation::Delete));
    assert!(opened("{type: user, value: u1}", "edit", Operation::Update));
    assert!(opened("{type: user, value: u1}", "full", Operation::Delete));
}

#[test]
fn owner_rules_look_their_owners_up() {
    let rows = |owned_by: &str| {
        let rule = format!("{{name: r, object: account, ownedBy: {owned_by}, sharedWith: {{type: user, value: u1}}}}");
        let world = World::new(&[
            BASE,
            ("role", "- {name: lead}\n- {name: rep, parent: lead}\n"),
            ("sharing", &rule),
        ]);
        let compiled = world.compiled("account", Operation::Read);
        compiled
            .steps
            .into_iter()
            .find(|step| step.name == "r")
            .expect("a step")
            .rows
            .describe()
    };
    assert_eq!(rows("{type: user, value: u7}"), json!({"owner_id": {"$eq": "u7"}}));
    let group = rows("{type: group, value: west}");
    assert_eq!(group["owner_id"]["$inRecords"]["object"], "sys_group_member");
    let roles = rows("{type: role_and_subordinates, value: lead}");
    assert_eq!(
        roles["owner_id"]["$inRecords"]["where"]["$and"][0]["role"]["$in"],
        json!(["rep", "lead"])
    );
    let team = rows("{type: team, value: t1}");
    assert_eq!(
        team,
        json!({"owner_id": {"$inRecords": {"object": "sys_team_member", "field": "user_id", "where": {"team_id": {"$eq": "t1"}}}}})
    );
}

/// What somebody holds in another organisation opens nothing of theirs here.
#[test]
fn owners_are_looked_up_in_the_active_organisation() {
    let lookup = |owned_by: &str, tenant: Option<&str>| {
        let rule = format!("{{name: r, object: account, ownedBy: {owned_by}, sharedWith: {{type: user, value: u1}}}}");
        let mut world = World::new(&[BASE, ("role", "- {name: rep}\n"), ("sharing", &rule)]);
        world.principal.tenant = tenant.map(str::to_owned);
        let outer = |member: &str, organization: &str| GroupMember {
            group: "west".to_owned(),
            member: Recipient::Group(member.to_owned()),
            organization: Some(organization.to_owned()),
        };
        world.model.group_members = vec![outer("ours", "t1"), outer("theirs", "t2")];
        let compiled = world.compiled("account", Operation::Read);
        let step = compiled.steps.into_iter().find(|step| step.name == "r");
        step.expect("a step").rows.describe()["owner_id"]["$inRecords"]["where"].to_string()
    };
    let everywhere = r#"{"organization":{"$null":true}}"#;
    let here = r#"{"organization":{"$eq":"t1"}}"#;
    for owned_by in ["{type: role, value: rep}", "{type: group, value: west}"] {
        let (without, within) = (lookup(owned_by, None), lookup(owned_by, Some("t1")));
        assert!(without.contains(everywhere) && !without.contains(here), "{without}");
        assert!(within.contains(everywhere) && within.contains(here), "{within}");
    }
    let groups = lookup("{type: group, value: west}", Some("t1"));
    assert!(
        groups.contains("\"ours\"") && !groups.contains("\"theirs\""),
        "{groups}"
    );
}

#[test]
fn children_follow_their_parents() {
    let files = [
        (
            "permission",
            "name: base\nobjects:\n  account: {allowRead: true, allowEdit: true}\n  contact: {allowRead: true, allowEdit: true, allowCreate: true}\n",
        ),
        (
            "sharing",
            "orgDefaults: {account: public_read, contact: controlled_by_parent}",
        ),
    ];
    let world = World::new(&files);
    assert_eq!(
        world.rows("contact", Operation::Read),
        json!({"account": {"$null": false}})
    );
    let create = world.compiled("contact", Operation::Create);
    let check = create.plan.check.expect("a check");
    assert_eq!(check["account"]["$inRecords"]["object"], "account");
    assert!(check.to_string().contains("owner_id"), "{check}");
    let blind = World::new(&[
        ("permission", "name: base\nobjects: {contact: {allowRead: true}}"),
        files[1],
    ]);
    assert_eq!(blind.rows("contact", Operation::Read), json!("none"));
}

#[test]
fn policies_of_a_set_narrow_that_set_alone() {
    let narrow = (
        "permission",
        "name: narrow\nobjects: {account: {viewAllRecords: true}}\nrowLevelSecurity:\n  - {name: north, object: account, operation: select, using: \"region = 'north'\"}\n  - {name: west, object: account, operation: select, using: \"region = 'west'\"}\n",
    );
    let wide = ("permission", "name: wide\nobjects: {account: {viewAllRecords: true}}");
    let rows = |sets: &[&str]| {
        let mut world = World::new(&[narrow, wide]);
        world.principal.permission_sets = sets.iter().map(|&set| set.to_owned()).collect();
        world.rows("account", Operation::Read)
    };
    assert_eq!(
        rows(&["narrow"]),
        json!({"$or": [{"region": {"$eq": "north"}}, {"region": {"$eq": "west"}}]})
    );
    assert_eq!(rows(&["narrow", "wide"]), json!("all"));
    assert_eq!(rows(&[]), Value::Null);
}

#[test]
fn policies_of_files_bind_everybody() {
    let open = (
        "permission",
        "name: base\nobjects: {account: {modifyAllRecords: true, allowCreate: true}}",
    );
    let policy = (
        "policy",
        "defaultPolicy: deny\nbypassRoles: [auditor]\npolicies:\n  - {name: north, object: account, operation: all, using: \"region = 'north'\", roles: [rep]}\n",
    );
    let north = json!({"region": {"$eq": "north"}});
    let world = |roles: &[&str]| World::new(&[open, policy]).roles(roles);
    assert_eq!(world(&["rep"]).rows("account", Operation::Read), north);
    assert_eq!(world(&[]).rows("account", Operation::Read), json!("none"));
    assert_eq!(world(&["auditor"]).rows("account", Operation::Read), json!("all"));
    let create = world(&["rep"]).compiled("account", Operation::Create);
    assert_eq!(create.plan.check, Some(north));
    let mut administrator = world(&[]);
    administrator.principal.roles = vec!["super_admin".to_owned()];
    assert_eq!(administrator.rows("account", Operation::Read), json!("all"));
    administrator.model.row_security.administrators_bypass = false;
    assert_eq!(administrator.rows("account", Operation::Read), json!("none"));
}

#[test]
fn older_files_narrow_by_their_filters_and_add_up() {
    let file = (
        "permission",
        "name: p\nobjectName: account\nprofiles:\n  rep: {allowRead: true, allowEdit: true, viewFilters: {owner: \"{{ userId }}\"}}\n  lead: {allowRead: true, viewFilters: {region: \"{{ region }}\"}}\n  boss: {allowRead: true}\n",
    );
    let rows = |roles: &[&str], operation: Operation| {
        let mut world = World::new(&[file]).roles(roles);
        world.principal.attributes.insert("region".to_owned(), json!("north"));
        world.rows("account", operation)
    };
    let mine = json!({"owner_id": {"$eq": "u1"}});
    assert_eq!(rows(&["rep"], Operation::Read), mine);
    assert_eq!(
        rows(&["rep", "lead"], Operation::Read),
        json!({"$or": [{"region": {"$eq": "north"}}, mine]})
    );
    assert_eq!(rows(&["rep", "boss"], Operation::Read), json!("all"));
    assert_eq!(rows(&["rep"], Operation::Update), mine);
    assert_eq!(rows(&["lead"], Operation::Update), Value::Null);
    assert_eq!(rows(&["visitor"], Operation::Read), Value::Null);
}

#[test]
fn fields_are_hidden_only_where_no_set_opens_them() {
    let base = (
        "permission",
        "name: base\nobjects: {account: {viewAllRecords: true, allowEdit: true, allowTransfer: true}}\nfields:\n  account.revenue: {readable: false}\n  account.region: {readable: true, editable: false}\n",
    );
    let finance = (
        "permission",
        "name: finance\nobjects: {}\nfields: {account.revenue: {readable: true, editable: true}}",
    );
    let fields = |sets: &[&str]| {
        let mut world = World::new(&[base, finance]);
        world.principal.permission_sets = sets.iter().map(|&set| set.to_owned()).collect();
        let plan = world.compiled("account", Operation::Update).plan;
        (plan.readable, plan.writable)
    };
    let except = |fields: &[&str]| FieldAccess::Except(fields.iter().map(|&field| field.to_owned()).collect());
    assert_eq!(fields(&[]), (except(&["revenue"]), except(&["region", "revenue"])));
    assert_eq!(fields(&["finance"]), (FieldAccess::All, except(&["region"])));
}

#[test]
fn the_owner_is_changed_by_those_who_may_transfer() {
    let world = World::new(&[BASE]);
    let plan = world.compiled("account", Operation::Update).plan;
    assert_eq!(plan.writable, FieldAccess::Except(vec!["owner_id".to_owned()]));
}

#[test]
fn scopes_narrow_whoever_holds_the_key() {
    let allowed = |scopes: Value, operation: Operation| {
        let mut world = World::new(&[BASE]);
        world.principal.kind = PrincipalKind::Service;
        world.principal.attributes.insert("scopes".to_owned(), scopes);
        world.compiled("account", operation).plan.allowed
    };
    let table = [
        (json!(["account:read"]), true, false),
        (json!(["*:read"]), true, false),
        (json!(["account:*"]), true, true),
        (json!(["*"]), true, true),
        (json!(["account:write"]), false, true),
        (json!(["contact:*"]), false, false),
        (json!(["read"]), true, false),
        (json!(["write"]), true, true),
        (json!(["object:account"]), true, true),
        (json!(["object:account:read"]), true, false),
        (json!(["object:contact"]), false, false),
        (json!([]), true, true),
        (json!([7]), false, false),
        (json!("account:read"), false, false),
        (json!(["account"]), false, false),
        (Value::Null, true, true),
    ];
    for (scopes, read, update) in table {
        assert_eq!(allowed(scopes.clone(), Operation::Read), read, "{scopes}");
        assert_eq!(allowed(scopes.clone(), Operation::Update), update, "{scopes}");
    }
    let mut administrator = World::new(&[]);
    administrator.principal.roles = vec!["super_admin".to_owned()];
    administrator
        .principal
        .attributes
        .insert("scopes".to_owned(), json!(["contact:read"]));
    assert!(!administrator.compiled("account", Operation::Read).plan.allowed);
}

#[test]
fn sets_are_held_by_assignment_to_the_user_its_groups_and_roles() {
    let held = |assignee: Recipient, organization: Option<&str>| {
        let mut world =
            World::new(&[("permission", "name: extra\nobjects: {account: {viewAllRecords: true}}")]).roles(&["rep"]);
        world.memberships.groups = vec!["west".to_owned()];
        world.principal.tenant = Some("t1".to_owned());
        world.memberships.assignments = vec![Assignment {
            id: "x1".to_owned(),
            set: "extra".to_owned(),
            assignee,
            organization: organization.map(str::to_owned),
        }];
        world.compiled("account", Operation::Read).plan.allowed
    };
    assert!(held(Recipient::User("u1".to_owned()), None));
    assert!(!held(Recipient::User("u2".to_owned()), None));
    assert!(held(Recipient::Group("west".to_owned()), None));
    assert!(held(Recipient::Role("rep".to_owned()), Some("t1")));
    assert!(!held(Recipient::Role("rep".to_owned()), Some("t2")));
}

#[test]
fn the_zone_is_the_operators_whatever_the_principal_says() {
    let mut world = World::new(&[BASE]);
    let check = |world: &World, expected: &str| {
        let subject = Subject::new(&world.principal, &world.memberships, &world.model, &world.settings);
        assert_eq!(subject.zone, Zone::read(expected).unwrap(), "{expected}");
    };
    check(&world, "UTC");
    world.settings.time_zone = Some("Asia/Tokyo".to_owned());
    check(&world, "Asia/Tokyo");
    world
        .principal
        .attributes
        .insert("timezone".to_owned(), json!("Europe/Berlin"));
    check(&world, "Asia/Tokyo");
}

#[test]
fn guests_hold_what_the_operator_says_and_what_is_shared_with_them() {
    let mut world = World::new(&[
        BASE,
        (
            "sharing",
            "{name: open, object: account, condition: \"region = 'north'\", sharedWith: {type: guest}}",
        ),
    ]);
    world.principal.kind = PrincipalKind::Anonymous;
    assert_eq!(world.rows("account", Operation::Read), Value::Null);
    world.settings.guest_sets = vec!["base".to_owned()];
    assert_eq!(
        world.rows("account", Operation::Read),
        json!({"region": {"$eq": "north"}})
    );
}

#[test]
fn territories_open_accounts_and_what_belongs_to_them() {
    let territory = (
        "territory",
        "- {name: emea, label: EMEA, modelId: m}\n- {name: north, label: N, modelId: m, parent: emea, assignmentRule: \"region = 'north'\", caseAccess: edit}\n",
    );
    let mut world = World::new(&[
        (
            "permission",
            "name: base\nobjects: {account: {allowRead: true, allowEdit: true}, case: {allowRead: true, allowEdit: true}}",
        ),
        territory,
    ]);
    let opens = |world: &World, object: &str, operation: Operation| {
        world
            .compiled(object, operation)
            .steps
            .iter()
            .any(|step| step.name == "north")
    };
    assert!(!opens(&world, "account", Operation::Read));
    world.memberships.territories = vec!["emea".to_owned()];
    assert!(opens(&world, "account", Operation::Read) && opens(&world, "case", Operation::Update));
    assert!(!opens(&world, "account", Operation::Update));
}

#[test]
fn an_object_whose_rules_are_broken_is_closed() {
    let mut world = World::new(&[BASE]);
    world
        .model
        .closed
        .insert("account".to_owned(), "a policy is broken".to_owned());
    assert_eq!(world.rows("account", Operation::Read), Value::Null);
    world.principal.roles = vec!["super_admin".to_owned()];
    assert_eq!(world.rows("account", Operation::Read), json!("all"));
}

#[test]
fn what_depends_on_the_time_is_made_anew() {
    let policy = (
        "policy",
        "{name: recent, object: account, operation: select, using: \"created_at > NOW()\"}",
    );
    let world = World::new(&[BASE, policy]);
    assert_eq!(
        world.compiled("account", Operation::Read).boundary_ms,
        Some(NOW_MS + 1000)
    );
    assert_eq!(
        World::new(&[BASE]).compiled("account", Operation::Read).boundary_ms,
        None
    );
}
