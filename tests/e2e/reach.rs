//! How far people reach over a real socket: whoever edits access, whoever reads the trail, and whoever takes a link.

use serde_json::{Value, json};

use crate::{
    permissions::people::{People, Person},
    signed_in::{await_event, host},
};

const ASSIGNMENTS: &str = "/api/v1/permissions/assignments";

fn put(person: &mut Person, name: &str, set: &Value) -> u16 {
    person
        .send("PUT", &format!("/api/v1/permissions/sets/{name}"), set)
        .status
}

/// An organisation of their own, which becomes the active one.
fn organization(person: &mut Person, slug: &str) -> String {
    let body = json!({"name": slug, "slug": slug});
    let made = person
        .send("POST", "/api/v1/auth/organization/create", &body)
        .expect(200);
    let id = made["id"].as_str().expect("an id").to_owned();
    work_in(person, &id);
    id
}

fn work_in(person: &mut Person, organization: &str) {
    let body = json!({"organizationId": organization});
    person
        .send("POST", "/api/v1/auth/organization/set-active", &body)
        .expect(200);
}

/// Somebody who edits access, and may write the records of it over the data routes as well.
fn chief(people: &mut People) -> Person {
    let all = json!({"allowRead": true, "allowCreate": true, "allowEdit": true, "allowDelete": true, "modifyAllRecords": true});
    let chiefs = json!({
        "systemPermissions": ["manage_permissions"],
        "objects": {"sys_permission_assignment": all, "sys_permission_set": all, "sys_user_role": all},
    });
    assert_eq!(put(&mut people.admin, "chiefs", &chiefs), 201);
    let bosses = json!({"systemPermissions": ["manage_permissions", "manage_platform"]});
    assert_eq!(put(&mut people.admin, "bosses", &bosses), 201);
    let chief = people.user("chief");
    people.give_set(&chief, "chiefs");
    chief
}

#[test]
fn whoever_edits_access_becomes_no_more_by_it() {
    let host = host();
    let mut people = People::new(&host);
    let mut chief = chief(&mut people);
    let boss = people.user("boss");
    let boss_has = people.give_set(&boss, "bosses");
    let powerful = json!({"systemPermissions": ["manage_platform"]});
    let plain = json!({"objects": {"account": {"allowRead": true}}, "systemPermissions": ["manage_permissions"]});
    assert_eq!(put(&mut chief, "mine", &plain), 201);
    assert_eq!(put(&mut chief, "mine", &powerful), 403);
    assert_eq!(put(&mut chief, "bosses", &plain), 403);
    let taken_back = format!("{ASSIGNMENTS}/{boss_has}");
    let record = |set: &str| json!({"permission_set": set, "assignee_type": "user", "assignee": chief.id});
    let given = |set: &str| json!({"permissionSet": set, "assignee": chief.id});
    let role = json!({"user": chief.id, "role": "bosses"});
    let set = json!({"name": "other", "definition": powerful, "active": true});
    let tries = [
        ("POST", ASSIGNMENTS.to_owned(), given("bosses")),
        ("POST", ASSIGNMENTS.to_owned(), given("administrator")),
        ("DELETE", taken_back, Value::Null),
        ("DELETE", "/api/v1/permissions/sets/bosses".to_owned(), Value::Null),
        (
            "POST",
            "/api/v1/data/sys_permission_assignment".to_owned(),
            record("bosses"),
        ),
        ("POST", "/api/v1/data/sys_permission_set".to_owned(), set),
        (
            "DELETE",
            format!("/api/v1/data/sys_permission_assignment/{boss_has}"),
            Value::Null,
        ),
        ("POST", "/api/v1/data/sys_user_role".to_owned(), role),
    ];
    for (method, path, body) in tries {
        let answer = chief.send(method, &path, &body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 403, "{method} {path}: {text}");
    }
    let effective = chief.get("/api/v1/permissions/effective").expect(200);
    assert_eq!(effective["systemPermissions"], json!(["manage_permissions"]));
    // The same changes are an administrator's to make.
    people
        .admin
        .send("DELETE", &format!("{ASSIGNMENTS}/{boss_has}"), &Value::Null)
        .expect(200);
}

/// Every way to an account, and what it answers to somebody: impersonation, a directory that changes the address, a password.
fn ways_to(person: &mut Person, account: &str) -> [u16; 3] {
    let address = json!({"Operations": [{"op": "replace", "path": "userName", "value": "taken@example.com"}]});
    let password = json!({"userId": account, "newPassword": "walnut-heron-72"});
    let directory = format!("/api/v1/auth/scim/v2/Users/{account}");
    let acting = json!({"userId": account});
    [
        ("POST", "/api/v1/auth/admin/impersonate-user", acting),
        ("PATCH", directory.as_str(), address),
        ("POST", "/api/v1/auth/admin/set-user-password", password),
    ]
    .map(|(method, path, body)| person.send(method, path, &body).status)
}

#[test]
fn whoever_manages_users_becomes_no_more_by_it() {
    let host = host();
    let mut people = People::new(&host);
    for (name, permissions) in [
        ("clerks", json!(["manage_users"])),
        ("chiefs", json!(["manage_users", "manage_permissions"])),
        ("bosses", json!(["manage_platform"])),
        ("crew", json!(["manage_users"])),
    ] {
        let set = json!({"systemPermissions": permissions});
        assert_eq!(put(&mut people.admin, name, &set), 201, "{name}");
    }
    let [mut hr, mut chief, boss, ada] = ["hr", "chief", "boss", "ada"].map(|name| people.user(name));
    people.give_set(&hr, "clerks");
    people.give_set(&chief, "chiefs");
    // The role of the account stays what it was.
    people.give_set(&boss, "administrator");
    assert_eq!(ways_to(&mut hr, &boss.id), [403; 3]);
    assert_eq!(ways_to(&mut chief, &boss.id), [403; 3]);
    people.again("boss");
    let create = |person: &mut Person, role: &str| {
        let body = json!({
            "email": format!("{role}@example.com").replace(':', "-"), "name": "New", "password": "walnut-heron-72",
            "role": role,
        });
        person.send("POST", "/api/v1/auth/admin/create-user", &body).status
    };
    for (role, expected) in [
        ("bosses", 403),
        ("super_admin", 403),
        ("org:admin", 400),
        ("crew", 200),
        ("user", 200),
    ] {
        assert_eq!(create(&mut chief, role), expected, "{role}");
    }
    // Whoever is no more than they are is theirs to manage, and everybody is an administrator's.
    assert_eq!(ways_to(&mut hr, &ada.id), [200; 3]);
    let address = json!({"Operations": [{"op": "replace", "path": "userName", "value": "ada@example.com"}]});
    hr.send("PATCH", &format!("/api/v1/auth/scim/v2/Users/{}", ada.id), &address)
        .expect(200);
    assert_eq!(ways_to(&mut people.admin, &boss.id), [200; 3]);
    assert_eq!(create(&mut people.admin, "bosses"), 200);
}

/// The role of a user counts wherever they work, so nobody gives one who reaches no further than their organisation.
#[test]
fn roles_that_count_everywhere_are_the_platforms_to_give() {
    let host = host();
    let mut people = People::new(&host);
    let readers = json!({"objects": {"account": {"allowRead": true}}});
    let chiefs = json!({"systemPermissions": ["manage_users", "manage_permissions"]});
    for (name, set) in [("readers", readers), ("chiefs", chiefs)] {
        assert_eq!(put(&mut people.admin, name, &set), 201, "{name}");
    }
    let mut chief = people.user("chief");
    let own = organization(&mut chief, "own");
    let given = json!({"permissionSet": "chiefs", "assignee": chief.id, "organization": own});
    people.admin.send("POST", ASSIGNMENTS, &given).expect(201);
    let create = |person: &mut Person, role: &str| {
        let body = json!({"email": format!("{role}@example.com"), "name": "New", "role": role});
        person.send("POST", "/api/v1/auth/admin/create-user", &body)
    };
    assert_eq!(create(&mut chief, "readers").status, 403);
    let made = create(&mut chief, "user").expect(200);
    let set_role = |person: &mut Person, role: &str| {
        let body = json!({"userId": made["user"]["id"], "role": role});
        person.send("POST", "/api/v1/auth/admin/set-role", &body).status
    };
    assert_eq!(set_role(&mut chief, "readers"), 403);
    assert_eq!(set_role(&mut people.admin, "readers"), 200);
    assert_eq!(
        set_role(&mut chief, "user"),
        200,
        "taking it away gives nobody anything"
    );
}

/// Whom an organisation disabled it brings back, also over the data routes; whom the platform disabled it does not.
#[test]
fn users_are_brought_back_by_whoever_disabled_them() {
    let host = host();
    let mut people = People::new(&host);
    let all = json!({"allowRead": true, "allowEdit": true, "viewAllRecords": true, "modifyAllRecords": true});
    let clerks = json!({"systemPermissions": ["manage_users"], "objects": {"sys_user": all}});
    assert_eq!(put(&mut people.admin, "clerks", &clerks), 201);
    let mut clerk = people.user("clerk");
    let own = organization(&mut clerk, "own");
    let given = json!({"permissionSet": "clerks", "assignee": clerk.id, "organization": own});
    people.admin.send("POST", ASSIGNMENTS, &given).expect(201);
    let ada = json!({"email": "ada@example.com", "name": "Ada"});
    let made = clerk.send("POST", "/api/v1/auth/admin/create-user", &ada).expect(200);
    let id = made["user"]["id"].as_str().expect("an id");
    let path = format!("/api/v1/data/sys_user/{id}");
    let set = |person: &mut Person, banned: bool| person.send("PATCH", &path, &json!({"banned": banned})).status;
    assert_eq!([set(&mut clerk, true), set(&mut clerk, false)], [200; 2]);
    assert_eq!(set(&mut people.admin, true), 200);
    let itself = clerk.send("PATCH", &path, &json!({"banned_in": own}));
    assert_ne!(itself.status, 200, "nobody writes down who did");
    assert_eq!(set(&mut clerk, false), 403);
    let unban = json!({"userId": id});
    let unbanned = clerk.send("POST", "/api/v1/auth/admin/unban-user", &unban);
    assert_eq!(unbanned.status, 403);
    assert_eq!(set(&mut people.admin, false), 200);
}

/// An assignment that is limited to an organisation, from end to end: who gives it, and where it counts.
#[test]
fn in_organisations_access_is_given_within_ones_own() {
    let host = host();
    let mut people = People::new(&host);
    let mut chief = chief(&mut people);
    let readers = json!({"objects": {"account": {"allowRead": true}}});
    assert_eq!(
        put(&mut chief, "readers", &readers),
        201,
        "before there are organisations"
    );
    let (other, own) = (organization(&mut chief, "other"), organization(&mut chief, "own"));
    assert_eq!(put(&mut chief, "readers", &readers), 403, "a set is everybody's");
    let given =
        |organization: Value| json!({"permissionSet": "readers", "assignee": chief.id, "organization": organization});
    let (everywhere, foreign, here) = (given(Value::Null), given(json!(other)), given(json!(own)));
    for body in [everywhere, foreign] {
        assert_eq!(chief.send("POST", ASSIGNMENTS, &body).status, 403, "{body}");
    }
    assert_eq!(chief.get("/api/v1/data/account").status, 403);
    let made = chief.send("POST", ASSIGNMENTS, &here).expect(201);
    chief.get("/api/v1/data/account").expect(200);
    work_in(&mut chief, &other);
    assert_eq!(
        chief.get("/api/v1/data/account").status,
        403,
        "it counts in its organisation alone"
    );
    let path = format!("{ASSIGNMENTS}/{}", made["id"].as_str().expect("an id"));
    assert_eq!(
        chief.send("DELETE", &path, &Value::Null).status,
        403,
        "nor is it taken back from elsewhere"
    );
    work_in(&mut chief, &own);
    chief.send("DELETE", &path, &Value::Null).expect(200);
    assert_eq!(chief.get("/api/v1/data/account").status, 403);
    // Whoever belongs to nobody's organisation is not there to be asked about.
    let stranger = people.user("stranger");
    let question = json!({"userId": stranger.id, "object": "account", "operation": "read"});
    let answer = chief.send("POST", "/api/v1/permissions/explain", &question);
    assert_eq!(answer.status, 404);
}

fn total(person: &mut Person, query: &str) -> u64 {
    let page = person.get(&format!("/api/v1/audit/events?{query}")).expect(200);
    page["total"].as_u64().expect("a total")
}

#[test]
fn auditors_read_no_rows_of_the_platform_and_ask_for_nothing_that_is_withheld() {
    let host = host();
    let mut people = People::new(&host);
    let set = json!({
        "objects": {"opportunity": {"allowRead": true}, "account": {"allowRead": true}},
        "systemPermissions": ["view_audit"],
    });
    assert_eq!(put(&mut people.admin, "auditors", &set), 201);
    let mut mona = people.user("mona");
    people.give_set(&mona, "auditors");
    let account = people.admin.make("account", &json!({"name": "Initech"}));
    let deal = json!({"name": "Sesame deal", "account": account, "amount": 5, "close_date": "2027-01-31"});
    let deal = people.admin.make("opportunity", &deal);
    await_event(&host, &format!("recordId={deal}"), |path| people.admin.get(path));
    for query in ["q=Sesame", "targetName=Sesame%20deal"] {
        assert!(total(&mut people.admin, query) > 0, "{query}");
        assert_eq!(total(&mut mona, query), 0, "{query}");
        let file = mona.get(&format!("/api/v1/audit/export?format=ndjson&{query}"));
        assert_eq!((file.status, file.body.len()), (200, 0), "{query}");
    }
    let about = total(&mut mona, &format!("recordId={deal}"));
    assert!(about > 0, "the row is there, without its values");
    // Somebody founds an organisation: from now on every sign-in is the platform's business.
    let mut founder = people.user("founder");
    organization(&mut founder, "elsewhere");
    for path in ["/api/v1/audit/events", "/api/v1/audit/export"] {
        assert_eq!(mona.get(path).status, 403, "{path}");
        assert_eq!(people.admin.get(path).status, 200, "{path}");
    }
    let own = organization(&mut mona, "own");
    let page = mona.get("/api/v1/audit/events?limit=500").expect(200);
    let rows = page["data"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["tenantId"] == own.as_str()), "{page:#}");
}

#[test]
fn a_link_gives_what_it_says_and_takes_it_along() {
    let host = host();
    let mut people = People::new(&host);
    let (mut anna, mut bert) = (people.user("anna"), people.user("bert"));
    for person in [&anna, &bert] {
        people.give_role(person, "sales_user");
    }
    let account = people.admin.make("account", &json!({"name": "Initech"}));
    let deal = json!({"name": "Small", "account": account, "amount": 20_000, "close_date": "2027-01-31"});
    let deal = anna.make("opportunity", &deal);
    let path = format!("/api/v1/data/opportunity/{deal}");
    let mut link = |level: &str| {
        let body = json!({"object": "opportunity", "recordId": deal, "recipientType": "link", "accessLevel": level});
        let made = anna.send("POST", "/api/v1/permissions/shares", &body).expect(201);
        let text = |key: &str| made[key].as_str().expect(key).to_owned();
        (text("id"), text("token"))
    };
    let ((read, weak), (edit, strong), (full, most)) = (link("read"), link("edit"), link("full"));
    let change = |person: &mut Person| person.send("PATCH", &path, &json!({"name": "Smaller"})).status;
    for (token, level, seen, changed) in [
        (&weak, "read", 200, false),
        (&strong, "edit", 200, true),
        (&most, "full", 200, true),
    ] {
        let taken = bert
            .send("POST", &format!("/api/v1/permissions/links/{token}"), &Value::Null)
            .expect(200);
        assert_eq!(taken["accessLevel"], level);
        assert_eq!(bert.get(&path).status, seen, "{level}");
        assert_eq!(change(&mut bert) == 200, changed, "{level}");
    }
    // Nobody makes it last longer than the link, for themselves or for others.
    for to in [json!({"recipient": bert.id}), json!({"recipientType": "link"})] {
        let mut body = json!({"object": "opportunity", "recordId": deal, "accessLevel": "full"});
        for (key, value) in to.as_object().expect("an object") {
            body[key.as_str()] = value.clone();
        }
        let answer = bert.send("POST", "/api/v1/permissions/shares", &body);
        assert_eq!(answer.status, 404, "{to}");
    }
    for (id, seen, changed) in [(&full, 200, true), (&edit, 200, false), (&read, 404, false)] {
        anna.send("DELETE", &format!("/api/v1/permissions/shares/{id}"), &Value::Null)
            .expect(200);
        assert_eq!(bert.get(&path).status, seen);
        assert_eq!(
            change(&mut bert) == 200,
            changed,
            "what was taken by the link went with it"
        );
    }
    let shares = format!("/api/v1/permissions/shares?object=opportunity&recordId={deal}");
    assert_eq!(anna.get(&shares).expect(200)["shares"], json!([]));
}
