//! Teams and roles of organisations that carry system permissions, over a real socket: nobody who manages an organisation becomes
//! more by them, nor makes others more than they are, by whatever way; and what they do every day goes on.

use objectos_tests::{Host, HostBuilder};
use serde_json::{Value, json};

use crate::signed_in::{Person, register};

const CONFIG: &str =
    "plugins:\n  objectos.auth:\n    hashing: {memoryKib: 1024, iterations: 1}\n    organization: {roles: [auditor]}\n";

/// What the set `ops` carries.
const OPS: [&str; 2] = ["manage_permissions", "view_audit"];

fn host() -> Host {
    HostBuilder::new()
        .plugin("auth")
        .plugin("permissions")
        .config(CONFIG)
        .start()
}

fn organization(person: &mut Person, action: &str, body: &Value) -> (u16, Value) {
    let answer = person.send(&format!("POST /api/v1/auth/organization/{action}"), body);
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

/// The same, where it is to be done.
fn done(person: &mut Person, action: &str, body: &Value) -> Value {
    let (status, answer) = organization(person, action, body);
    assert_eq!(status, 200, "{action} {body}: {answer}");
    answer
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

fn held(person: &mut Person) -> Value {
    person.get("/api/v1/permissions/effective").expect(200)["systemPermissions"].clone()
}

/// The administrator gives the set `ops` to somebody, to a team or to a role; answers the path of the assignment.
fn give_ops(root: &mut Person, kind: &str, assignee: &str) -> String {
    let body = json!({"permissionSet": "ops", "assigneeType": kind, "assignee": assignee});
    let made = root.send("POST /api/v1/permissions/assignments", &body).expect(201);
    format!("/api/v1/permissions/assignments/{}", id(&made))
}

/// Whoever manages the organisation asks somebody in; answers what they accept with.
fn asks(manager: &mut Person, person: &Person, role: &str) -> Value {
    let body = json!({"email": person.email, "role": role});
    let invited = done(manager, "invite-member", &body);
    let link = invited["link"].as_str().expect("a link").rsplit('/').next();
    json!({"invitationId": link})
}

/// The same, and they accept; answers the id of their place.
fn comes(manager: &mut Person, person: &mut Person, role: &str) -> String {
    let invitation = asks(manager, person, role);
    let accepted = done(person, "accept-invitation", &invitation);
    id(&accepted["member"])
}

/// Everybody of one organisation: its owner, and somebody who manages it, neither with a system permission.
struct Acme {
    root: Person,
    olga: Person,
    ada: Person,
    /// The place of `ada`.
    admin: String,
    id: String,
}

fn acme(host: &Host) -> Acme {
    let mut root = register(host, "root");
    let set = json!({ "systemPermissions": OPS });
    root.send("PUT /api/v1/permissions/sets/ops", &set).expect(201);
    let (mut olga, mut ada) = (register(host, "olga"), register(host, "ada"));
    let made = done(&mut olga, "create", &json!({"name": "Acme", "slug": "acme"}));
    let admin = comes(&mut olga, &mut ada, "admin");
    Acme {
        root,
        olga,
        ada,
        admin,
        id: id(&made),
    }
}

#[test]
fn nobody_comes_by_system_permissions_by_a_team() {
    let host = host();
    let mut acme = acme(&host);
    let team = |acme: &mut Acme, name: &str| id(&done(&mut acme.olga, "create-team", &json!({ "name": name })));
    let (operators, sellers) = (team(&mut acme, "Operators"), team(&mut acme, "Sellers"));
    give_ops(&mut acme.root, "team", &operators);
    let (ada, olga) = (acme.ada.id.clone(), acme.olga.id.clone());
    let place = |team: &str, user: &str| json!({"teamId": team, "userId": user});
    for (manager, own) in [(&mut acme.ada, &ada), (&mut acme.olga, &olga)] {
        for user in [&ada, &olga] {
            let (status, answer) = organization(manager, "add-team-member", &place(&operators, user));
            assert_eq!(status, 403, "{answer}");
        }
        let invited = json!({"email": "eve@example.com", "role": "member", "teamId": operators});
        assert_eq!(organization(manager, "invite-member", &invited).0, 403);
        done(manager, "add-team-member", &place(&sellers, own));
        assert_eq!(held(manager), json!([]));
    }
    // Whom the administrator put there is there, and may be named once more, and taken out.
    let mut pete = register(&host, "pete");
    comes(&mut acme.ada, &mut pete, "member");
    let record = json!({"team_id": operators, "user_id": pete.id});
    acme.root.send("POST /api/v1/data/sys_team_member", &record).expect(201);
    assert_eq!(held(&mut pete), json!(OPS));
    done(&mut acme.ada, "add-team-member", &place(&operators, &pete.id));
    done(&mut acme.ada, "remove-team-member", &place(&operators, &pete.id));
    assert_eq!(held(&mut pete), json!([]));
    let (status, _) = organization(&mut acme.ada, "add-team-member", &place(&operators, &pete.id));
    assert_eq!(status, 403, "what was taken is not hers to give back");
    // Whoever holds it puts others there; and they may leave, and be removed, and all of it may go.
    give_ops(&mut acme.root, "user", &ada);
    done(&mut acme.ada, "add-team-member", &place(&operators, &pete.id));
    done(&mut acme.ada, "add-team-member", &place(&operators, &olga));
    done(&mut pete, "leave", &json!({"organizationId": acme.id}));
    comes(&mut acme.ada, &mut pete, "member");
    done(&mut acme.ada, "add-team-member", &place(&operators, &pete.id));
    let removed = json!({"userId": pete.id});
    acme.root
        .send("POST /api/v1/auth/admin/remove-user", &removed)
        .expect(200);
    done(
        &mut acme.olga,
        "remove-member",
        &json!({"memberIdOrEmail": acme.ada.email}),
    );
    done(&mut acme.olga, "delete", &json!({"organizationId": acme.id}));
}

#[test]
fn a_directory_fills_no_team_that_is_more_than_it_is() {
    let host = host();
    let mut acme = acme(&host);
    let [operators, sellers] =
        ["Operators", "Sellers"].map(|name| id(&done(&mut acme.olga, "create-team", &json!({ "name": name }))));
    give_ops(&mut acme.root, "team", &operators);
    let (mut kim, mut pete) = (register(&host, "kim"), register(&host, "pete"));
    for person in [&mut kim, &mut pete] {
        comes(&mut acme.olga, person, "member");
    }
    let set = json!({"systemPermissions": ["manage_users"]});
    acme.root
        .send("PUT /api/v1/permissions/sets/directory", &set)
        .expect(201);
    let given = json!({"permissionSet": "directory", "assignee": kim.id});
    acme.root
        .send("POST /api/v1/permissions/assignments", &given)
        .expect(201);
    let record = json!({"team_id": operators, "user_id": pete.id});
    acme.root.send("POST /api/v1/data/sys_team_member", &record).expect(201);
    let key = kim
        .send("POST /api/v1/auth/api-key/create", &json!({"name": "directory"}))
        .expect(200);
    let bearer = format!("Bearer {}", key["key"].as_str().expect("a key"));
    let line = |team: &str| format!("PATCH /api/v1/auth/scim/v2/Groups/{team}");
    let adding = |user: &str| {
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "members", "value": [{"value": user}]}],
        })
    };
    let headers = [("authorization", bearer.as_str())];
    let (kim_id, pete_id) = (kim.id.clone(), pete.id.clone());
    for (team, user, status) in [
        (&operators, &kim_id, 403),
        (&operators, &pete_id, 200),
        (&sellers, &kim_id, 200),
        (&sellers, &pete_id, 200),
    ] {
        let answer = kim.send_with(&line(team), &headers, &adding(user));
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, status, "{user}: {text}");
    }
    assert_eq!(held(&mut kim), json!(["manage_users"]));
}

#[test]
fn nobody_comes_by_system_permissions_by_a_role_in_an_organization() {
    let host = host();
    let mut acme = acme(&host);
    give_ops(&mut acme.root, "role", "org:auditor");
    let (mut pete, mut nora) = (register(&host, "pete"), register(&host, "nora"));
    let place = comes(&mut acme.ada, &mut pete, "member");
    let role = |member: &str, roles: Value| json!({"memberId": member, "role": roles});
    for (member, roles) in [
        (&acme.admin, json!(["admin", "auditor"])),
        (&acme.admin, json!("auditor")),
        (&place, json!(["member", "auditor"])),
    ] {
        for manager in [&mut acme.ada, &mut acme.olga] {
            let (status, answer) = organization(manager, "update-member-role", &role(member, roles.clone()));
            assert_eq!(status, 403, "{answer}");
        }
    }
    let invited = json!({"email": nora.email, "role": "auditor"});
    assert_eq!(organization(&mut acme.ada, "invite-member", &invited).0, 403);
    assert_eq!((held(&mut acme.ada), held(&mut pete)), (json!([]), json!([])));
    // Roles that carry nothing are given as ever.
    done(&mut acme.ada, "update-member-role", &role(&place, json!("admin")));
    // What somebody has in an organisation of their own they cannot give in another one.
    give_ops(&mut acme.root, "role", "org:owner");
    done(&mut acme.ada, "create", &json!({"name": "Own", "slug": "own"}));
    assert_eq!(held(&mut acme.ada), json!(OPS), "whoever makes one owns it");
    let mut elsewhere = role(&acme.admin, json!(["admin", "auditor"]));
    elsewhere["organizationId"] = json!(acme.id);
    assert_eq!(organization(&mut acme.ada, "update-member-role", &elsewhere).0, 403);
    done(&mut acme.ada, "set-active", &json!({"organizationId": acme.id}));
    assert_eq!(held(&mut acme.ada), json!([]));
    // Whoever holds it here gives it, the invited one comes by it, and it is taken back by whoever manages members.
    let place = comes(&mut acme.olga, &mut nora, "auditor");
    assert_eq!(held(&mut nora), json!(OPS));
    done(&mut acme.ada, "update-member-role", &role(&place, json!("member")));
    assert_eq!(held(&mut nora), json!([]));
}

#[test]
fn an_invitation_gives_what_whoever_sent_it_still_holds() {
    let host = host();
    let mut acme = acme(&host);
    give_ops(&mut acme.root, "role", "org:auditor");
    let ada = acme.ada.id.clone();
    let given = give_ops(&mut acme.root, "user", &ada);
    let (mut nora, mut pete) = (register(&host, "nora"), register(&host, "pete"));
    let invitation = asks(&mut acme.ada, &nora, "auditor");
    acme.root.send(&format!("DELETE {given}"), &Value::Null).expect(200);
    let (status, answer) = organization(&mut nora, "accept-invitation", &invitation);
    assert_eq!(status, 403, "{answer}");
    assert_eq!(held(&mut nora), json!([]));
    // Whoever holds it again gives it by the same invitation.
    give_ops(&mut acme.root, "user", &ada);
    done(&mut nora, "accept-invitation", &invitation);
    assert_eq!(held(&mut nora), json!(OPS));
    // Whoever administers the platform invites without staying a member.
    comes(&mut acme.olga, &mut acme.root, "admin");
    let invitation = asks(&mut acme.root, &pete, "auditor");
    done(&mut acme.root, "leave", &json!({"organizationId": acme.id}));
    done(&mut pete, "accept-invitation", &invitation);
    assert_eq!(held(&mut pete), json!(OPS));
}
