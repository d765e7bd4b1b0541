//! Every changing route of `auth` and `permissions` leaves its row in the trail, over a real socket. The routes are read from the
//! running server: one that is not driven here, and does not stand among those that change nothing, fails the test.

#[path = "../../plugins/auth/tests/it/authenticator.rs"]
#[allow(dead_code, reason = "the plugin's own tests bend more of it")]
mod authenticator;
mod provider;
mod scene;
pub(crate) mod totp;

use serde_json::{Value, json};

use authenticator::{Device, Format};
use scene::{PASSWORD, Person, Scene, id};

/// Routes that are not `GET` and change nothing that a row could tell of, each with the reason.
const CHANGES_NOTHING: [(&str, &str); 21] = [
    ("POST /api/v1/auth/get-session", "it reads"),
    ("POST /api/v1/auth/refresh", "it reads"),
    ("POST /api/v1/auth/verify-password", "it reads"),
    ("POST /api/v1/auth/two-factor/get-totp-uri", "it reads"),
    ("POST /api/v1/auth/admin/list-user-sessions", "it reads"),
    ("POST /api/v1/auth/admin/list-user-api-keys", "it reads"),
    ("POST /api/v1/auth/organization/check-slug", "it reads"),
    ("POST /api/v1/auth/organization/has-permission", "it reads"),
    ("POST /api/v1/auth/check", "it reads"),
    ("POST /api/v1/permissions/check", "it reads"),
    ("POST /api/v1/permissions/explain", "it reads"),
    (
        "POST /api/v1/auth/passkey/generate-authenticate-options",
        "it gives out a challenge",
    ),
    (
        "POST /api/v1/auth/sign-in/social",
        "it leads to a provider; the sign-in comes with the provider's answer",
    ),
    (
        "POST /api/v1/auth/sign-in/oauth2",
        "it leads to a provider; the sign-in comes with the provider's answer",
    ),
    (
        "POST /api/v1/auth/link-social",
        "it leads to a provider; the link comes with the provider's answer",
    ),
    (
        "POST /api/v1/auth/oauth2/link",
        "it leads to a provider; the link comes with the provider's answer",
    ),
    ("POST /api/auth/login", "the same as /api/v1/auth/login"),
    ("POST /api/auth/logout", "the same as /api/v1/auth/logout"),
    ("POST /api/auth/register", "the same as /api/v1/auth/register"),
    (
        "POST /api/v1/auth/forget-password",
        "the same as request-password-reset",
    ),
    ("POST /api/v1/auth/magic-link/send", "the same as sign-in/magic-link"),
];

fn auth(path: &str) -> String {
    format!("POST /api/v1/auth/{path}")
}

/// A change of a record of an object.
fn changed(object: &str, kind: &str) -> String {
    format!("objectName={object}&eventType=data.{kind}")
}

#[test]
fn every_changing_route_of_identity_and_access_leaves_its_row() {
    let mut scene = Scene::new();
    signing_in_and_out(&mut scene);
    passwords_and_mails(&mut scene);
    accounts(&mut scene);
    keys(&mut scene);
    second_factors(&mut scene);
    passkeys(&mut scene);
    organizations(&mut scene);
    teams(&mut scene);
    administration(&mut scene);
    a_directory(&mut scene);
    permission_sets_and_shares(&mut scene);
    let served = scene.changing_routes();
    let quiet = CHANGES_NOTHING.map(|(route, _)| route.to_owned());
    let known: std::collections::BTreeSet<String> = scene.seen.iter().cloned().chain(quiet).collect();
    let unknown: Vec<&String> = served.difference(&known).collect();
    assert!(unknown.is_empty(), "show here which rows these leave: {unknown:#?}");
    let gone: Vec<&String> = known.difference(&served).collect();
    assert!(gone.is_empty(), "these are not served any more: {gone:#?}");
}

fn signing_in_and_out(scene: &mut Scene) {
    for (number, path) in ["sign-up/email", "register"].into_iter().enumerate() {
        let body = json!({"name": "new", "email": format!("new{number}@example.com"), "password": PASSWORD});
        scene.somebody_does(&auth(path), &body, &changed("sys_user", "create"));
    }
    let body = json!({"email": "new0@example.com", "password": PASSWORD});
    for path in ["sign-in/email", "login"] {
        scene.somebody_does(&auth(path), &body, "eventType=auth.login");
    }
    for path in ["sign-out", "logout"] {
        let leaver = scene.sign_in("new0@example.com", PASSWORD);
        scene.does(&leaver, &auth(path), &Value::Null, "eventType=auth.logout");
    }
    let ended = "eventType=auth.session_expired";
    let mut one = scene.sign_in("new1@example.com", PASSWORD);
    scene.does(&one, &auth("revoke-session"), &json!({"token": one.token}), ended);
    one = scene.sign_in("new1@example.com", PASSWORD);
    let _other = scene.sign_in("new1@example.com", PASSWORD);
    scene.does(&one, &auth("revoke-other-sessions"), &json!({}), ended);
    scene.does(&one, &auth("revoke-sessions"), &json!({}), ended);
}

fn passwords_and_mails(scene: &mut Scene) {
    let ann = scene.register("ann");
    let new = json!({"currentPassword": PASSWORD, "newPassword": "tangerine-otter-42"});
    scene.does(&ann, &auth("change-password"), &new, "eventType=auth.password_changed");
    let email = json!({"email": ann.email});
    let asked = "eventType=auth.password_reset_requested";
    scene.somebody_does(&auth("request-password-reset"), &email, asked);
    let reset = json!({"token": scene.mailed(&ann.email, "reset-password/"), "newPassword": PASSWORD});
    scene.somebody_does(&auth("reset-password"), &reset, "eventType=auth.password_reset");
    let bea = scene.register("bea");
    let email = json!({"email": bea.email});
    let sent = "eventType=auth.email_verification_sent";
    scene.somebody_does(&auth("send-verification-email"), &email, sent);
    let magic = "eventType=auth.magic_link_sent";
    let passer_by = json!({"email": "passer-by@example.com"});
    scene.somebody_does(&auth("sign-in/magic-link"), &passer_by, magic);
    let new = json!({"newEmail": "bee@example.com"});
    scene.does(&bea, &auth("change-email"), &new, sent);
    // Who came by a link has no password yet, and says what it is to be.
    for (path, name) in [("set-initial-password", "guest"), ("set-password", "visitor")] {
        let address = format!("{name}@example.com");
        scene.send(None, &auth("sign-in/magic-link"), "", &json!({"email": address}));
        let token = scene.mailed(&address, "magic-link/verify?token=");
        let line = format!("GET /api/v1/auth/magic-link/verify?token={token}");
        let entered = scene.send(None, &line, "", &Value::Null).body;
        let person = Person {
            id: entered["user"]["id"].as_str().expect("an id").to_owned(),
            token: entered["token"].as_str().expect("a token").to_owned(),
            email: address,
        };
        let body = json!({"newPassword": PASSWORD});
        scene.does(&person, &auth(path), &body, "eventType=auth.password_changed");
    }
}

fn accounts(scene: &mut Scene) {
    let cid = scene.register("cid");
    scene.does(
        &cid,
        &auth("update-user"),
        &json!({"name": "Cid"}),
        &changed("sys_user", "update"),
    );
    // A second way in: by the provider, since nobody writes one over the data routes.
    let admin = scene.admin.clone();
    let account = json!({"user_id": cid.id, "provider_id": "corporate", "account_id": "c1"});
    assert_eq!(
        scene
            .tries(&admin, "POST /api/v1/data/sys_account", "", &account)
            .status,
        403
    );
    let body = json!({"provider": "corporate", "callbackURL": "/app"});
    let begun = scene.send(Some(&cid), &auth("link-social"), "", &body);
    let url = begun.body["url"].as_str().expect("a page of the provider");
    let (_, state) = url.split_once("&state=").expect("a state");
    let state = state.split('&').next().unwrap_or_default();
    let line = format!("GET /api/v1/auth/oauth2/callback/corporate?code=c1&state={state}");
    let back = scene.tries(&cid, &line, &begun.cookies, &Value::Null);
    assert_eq!(
        (back.status, back.header("location")),
        (302, Some("/app")),
        "{}",
        scene.host.log()
    );
    let body = json!({"providerId": "corporate"});
    scene.does(&cid, &auth("unlink-account"), &body, &changed("sys_account", "delete"));
    let body = json!({"password": PASSWORD});
    scene.does(&cid, &auth("delete-user"), &body, &changed("sys_user", "delete"));
}

fn keys(scene: &mut Scene) {
    let dan = scene.register("dan");
    let made = scene.does(
        &dan,
        &auth("api-key/create"),
        &json!({"name": "k"}),
        "eventType=security.api_key_created",
    );
    let key = id(&made);
    let body = json!({"keyId": key, "name": "another"});
    scene.does(&dan, &auth("api-key/update"), &body, &changed("sys_api_key", "update"));
    let body = json!({"keyId": key});
    scene.does(
        &dan,
        &auth("api-key/delete"),
        &body,
        "eventType=security.api_key_revoked",
    );
}

fn second_factors(scene: &mut Scene) {
    let eve = scene.register("eve");
    let password = json!({"password": PASSWORD});
    let made = scene.does(
        &eve,
        &auth("two-factor/enable"),
        &password,
        &changed("sys_two_factor", "create"),
    );
    let uri = made["totpURI"].as_str().expect("a URI").to_owned();
    let code = json!({"code": totp::code(&uri)});
    let sent = scene.send(Some(&eve), &auth("two-factor/verify-totp"), "", &code);
    scene.left(&sent, &auth("two-factor/verify-totp"), "eventType=auth.mfa_enabled");
    let eve = Person {
        token: sent.body["token"].as_str().expect("a token").to_owned(),
        ..eve
    };
    let body = json!({"email": eve.email, "password": PASSWORD});
    let codes = scene.does(
        &eve,
        &auth("two-factor/generate-backup-codes"),
        &password,
        &changed("sys_two_factor", "update"),
    );
    let half = scene.send(None, &auth("sign-in/email"), "", &body);
    let backup = json!({"code": codes["backupCodes"][0]});
    let route = auth("two-factor/verify-backup-code");
    let sent = scene.send(None, &route, &half.cookies, &backup);
    scene.left(&sent, &route, "eventType=auth.login");
    let half = scene.send(None, &auth("sign-in/email"), "", &body);
    // The code of the next half minute is taken, too; this one was used already.
    let route = auth("two-factor/verify");
    let sent = scene.send(None, &route, &half.cookies, &json!({"code": totp::next_code(&uri)}));
    scene.left(&sent, &route, "eventType=auth.login");
    scene.does(
        &eve,
        &auth("two-factor/disable"),
        &password,
        "eventType=auth.mfa_disabled",
    );
}

fn passkeys(scene: &mut Scene) {
    let fay = scene.register("fay");
    let mut device = Device::new("localhost", "http://localhost:3000");
    let options = "GET /api/v1/auth/passkey/generate-register-options";
    let begun = scene.send(Some(&fay), options, "", &Value::Null);
    let challenge = begun.body["challenge"].as_str().expect("a challenge");
    let body = json!({"response": device.register(challenge, Format::None), "name": "Laptop"});
    let route = auth("passkey/verify-registration");
    let sent = scene.send(Some(&fay), &route, &begun.cookies, &body);
    scene.left(&sent, &route, "eventType=auth.passkey_created");
    let passkey = id(&sent.body);
    let options = "GET /api/v1/auth/passkey/generate-authenticate-options";
    let begun = scene.send(None, options, "", &Value::Null);
    let challenge = begun.body["challenge"].as_str().expect("a challenge");
    let body = json!({"response": device.authenticate(challenge)});
    let route = auth("passkey/verify-authentication");
    let sent = scene.send(None, &route, &begun.cookies, &body);
    scene.left(&sent, &route, "eventType=auth.login");
    assert_eq!(sent.body["user"]["id"], fay.id.as_str());
    let body = json!({"id": passkey, "name": "Phone"});
    scene.does(
        &fay,
        &auth("passkey/update-passkey"),
        &body,
        &changed("sys_passkey", "update"),
    );
    let body = json!({"id": passkey});
    scene.does(
        &fay,
        &auth("passkey/delete-passkey"),
        &body,
        "eventType=auth.passkey_deleted",
    );
}

/// Invites somebody and answers the invitation's id.
fn invite(scene: &mut Scene, owner: &Person, email: &str) -> String {
    let body = json!({"email": email, "role": "member"});
    let route = auth("organization/invite-member");
    id(&scene.does(owner, &route, &body, &changed("sys_invitation", "create")))
}

fn organizations(scene: &mut Scene) {
    let (gus, hal) = (scene.register("gus"), scene.register("hal"));
    // Who has an invitation's id and not its mail answers it with an address that is verified.
    let sent = "eventType=auth.email_verification_sent";
    scene.somebody_does(&auth("send-verification-email"), &json!({"email": hal.email}), sent);
    let token = scene.mailed(&hal.email, "verify-email?token=");
    let line = format!("GET /api/v1/auth/verify-email?token={token}");
    scene.send(Some(&hal), &line, "", &Value::Null);
    let body = json!({"name": "Acme", "slug": "acme"});
    let made = scene.does(
        &gus,
        &auth("organization/create"),
        &body,
        &changed("sys_organization", "create"),
    );
    let organization = id(&made);
    let body = json!({"organizationId": null});
    let active = changed("sys_session", "update");
    scene.does(&gus, &auth("organization/set-active"), &body, &active);
    scene.send(
        Some(&gus),
        &auth("organization/set-active"),
        "",
        &json!({"organizationId": organization}),
    );
    let body = json!({"organizationId": organization, "data": {"name": "Acme Ltd"}});
    scene.does(
        &gus,
        &auth("organization/update"),
        &body,
        &changed("sys_organization", "update"),
    );
    let told = changed("sys_invitation", "update");
    let invitation = json!({"invitationId": invite(scene, &gus, &hal.email)});
    scene.does(&hal, &auth("organization/reject-invitation"), &invitation, &told);
    let invitation = json!({"invitationId": invite(scene, &gus, &hal.email)});
    scene.does(&gus, &auth("organization/cancel-invitation"), &invitation, &told);
    let joined = |scene: &mut Scene| {
        let invitation = json!({"invitationId": invite(scene, &gus, &hal.email)});
        let row = "eventType=authz.role_assigned";
        let answer = scene.does(&hal, &auth("organization/accept-invitation"), &invitation, row);
        id(&answer["member"])
    };
    let member = joined(scene);
    let body = json!({"memberId": member, "role": "admin"});
    scene.does(
        &gus,
        &auth("organization/update-member-role"),
        &body,
        &changed("sys_member", "update"),
    );
    let body = json!({"organizationId": organization});
    scene.does(
        &hal,
        &auth("organization/leave"),
        &body,
        &changed("sys_member", "delete"),
    );
    joined(scene);
    let body = json!({"memberIdOrEmail": hal.email});
    scene.does(
        &gus,
        &auth("organization/remove-member"),
        &body,
        &changed("sys_member", "delete"),
    );
    let body = json!({"organizationId": organization});
    scene.does(
        &gus,
        &auth("organization/delete"),
        &body,
        &changed("sys_organization", "delete"),
    );
}

fn teams(scene: &mut Scene) {
    let ida = scene.register("ida");
    scene.send(
        Some(&ida),
        &auth("organization/create"),
        "",
        &json!({"name": "Teams", "slug": "teams"}),
    );
    let body = json!({"name": "North"});
    let made = scene.does(
        &ida,
        &auth("organization/create-team"),
        &body,
        &changed("sys_team", "create"),
    );
    let team = id(&made);
    let body = json!({"teamId": team, "data": {"name": "South"}});
    scene.does(
        &ida,
        &auth("organization/update-team"),
        &body,
        &changed("sys_team", "update"),
    );
    let member = json!({"teamId": team, "userId": ida.id});
    let row = changed("sys_team_member", "create");
    scene.does(&ida, &auth("organization/add-team-member"), &member, &row);
    let body = json!({"teamId": team});
    let row = changed("sys_session", "update");
    scene.does(&ida, &auth("organization/set-active-team"), &body, &row);
    let row = changed("sys_team_member", "delete");
    scene.does(&ida, &auth("organization/remove-team-member"), &member, &row);
    scene.does(
        &ida,
        &auth("organization/remove-team"),
        &body,
        &changed("sys_team", "delete"),
    );
}

fn administration(scene: &mut Scene) {
    let admin = scene.admin.clone();
    let body = json!({"email": "jim@example.com", "name": "Jim", "password": PASSWORD});
    let made = scene.does(
        &admin,
        &auth("admin/create-user"),
        &body,
        &changed("sys_user", "create"),
    );
    let jim = id(&made["user"]);
    let user = json!({"userId": jim});
    let with = |key: &str, value: Value| {
        let mut body = user.clone();
        body[key] = value;
        body
    };
    let role = with("role", json!("sales_user"));
    scene.does(&admin, &auth("admin/set-role"), &role, "eventType=authz.role_updated");
    let password = with("newPassword", json!("tangerine-otter-43"));
    scene.does(
        &admin,
        &auth("admin/set-user-password"),
        &password,
        "eventType=auth.password_changed",
    );
    scene.sign_in("jim@example.com", "tangerine-otter-43");
    scene.does(
        &admin,
        &auth("admin/revoke-user-sessions"),
        &user,
        "eventType=auth.session_expired",
    );
    let person = scene.sign_in("jim@example.com", "tangerine-otter-43");
    scene.send(Some(&person), &auth("api-key/create"), "", &json!({"name": "k"}));
    let row = "eventType=security.api_key_revoked";
    scene.does(&admin, &auth("admin/revoke-user-api-keys"), &user, row);
    let row = "eventType=auth.session_created";
    let entered = scene.does(&admin, &auth("admin/impersonate-user"), &user, row);
    let impersonator = Person {
        token: entered["session"]["token"].as_str().expect("a token").to_owned(),
        ..admin.clone()
    };
    scene.does(
        &impersonator,
        &auth("admin/stop-impersonating"),
        &json!({}),
        "eventType=auth.logout",
    );
    for path in ["admin/ban-user", "admin/unban-user"] {
        scene.does(&admin, &auth(path), &user, &changed("sys_user", "update"));
    }
    let wrong = json!({"email": "jim@example.com", "password": "walnut-heron-72"});
    let mut client = scene.host.client();
    while client.send("POST", "/api/v1/auth/sign-in/email", &wrong).status == 401 {}
    scene.does(
        &admin,
        &auth("admin/unlock-user"),
        &user,
        "eventType=auth.account_unlocked",
    );
    scene.does(
        &admin,
        &auth("admin/remove-user"),
        &user,
        &changed("sys_user", "delete"),
    );
}

fn a_directory(scene: &mut Scene) {
    let admin = scene.admin.clone();
    let users = "/api/v1/auth/scim/v2/Users";
    let resource = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "kim@example.com", "displayName": "Kim",
    });
    let route = format!("POST {users}");
    let kim = id(&scene.does(&admin, &route, &resource, &changed("sys_user", "create")));
    let other = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "kim@example.com", "displayName": "Kimberly",
    });
    let patch = |path: &str, value: Value| {
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": path, "value": value}],
        })
    };
    let one = |method: &str| (format!("{method} {users}/{{id}}"), format!("{method} {users}/{kim}"));
    let (route, line) = one("PUT");
    scene.does_at(&admin, &route, &line, &other, &changed("sys_user", "update"));
    let (route, line) = one("PATCH");
    let body = patch("displayName", json!("Kimmy"));
    scene.does_at(&admin, &route, &line, &body, &changed("sys_user", "update"));
    scene.send(
        Some(&admin),
        &auth("organization/create"),
        "",
        &json!({"name": "Directory", "slug": "directory"}),
    );
    let groups = "/api/v1/auth/scim/v2/Groups";
    let schemas = ["urn:ietf:params:scim:schemas:core:2.0:Group"];
    let group = json!({"schemas": schemas, "displayName": "Sales"});
    let route = format!("POST {groups}");
    let made = id(&scene.does(&admin, &route, &group, &changed("sys_team", "create")));
    let one = |method: &str| (format!("{method} {groups}/{{id}}"), format!("{method} {groups}/{made}"));
    let (route, line) = one("PUT");
    let group = json!({"schemas": schemas, "displayName": "Selling"});
    scene.does_at(&admin, &route, &line, &group, &changed("sys_team", "update"));
    let (route, line) = one("PATCH");
    let body = patch("displayName", json!("Sold"));
    scene.does_at(&admin, &route, &line, &body, &changed("sys_team", "update"));
    let (route, line) = one("DELETE");
    scene.does_at(&admin, &route, &line, &Value::Null, &changed("sys_team", "delete"));
    let (route, line) = (format!("DELETE {users}/{{id}}"), format!("DELETE {users}/{kim}"));
    scene.does_at(&admin, &route, &line, &Value::Null, &changed("sys_user", "delete"));
}

fn permission_sets_and_shares(scene: &mut Scene) {
    let admin = scene.admin.clone();
    let lee = scene.register("lee");
    let base = "/api/v1/permissions";
    let body = json!({"permissionSet": "read_only", "assignee": lee.id});
    let route = format!("POST {base}/assignments");
    let assignment = id(&scene.does(&admin, &route, &body, "eventType=authz.permission_granted"));
    let route = format!("DELETE {base}/assignments/{{id}}");
    let line = format!("DELETE {base}/assignments/{assignment}");
    scene.does_at(
        &admin,
        &route,
        &line,
        &Value::Null,
        "eventType=authz.permission_revoked",
    );

    let set = json!({"objects": {"account": {"allowRead": true}}});
    let route = format!("PUT {base}/sets/{{name}}");
    let line = format!("PUT {base}/sets/guests");
    scene.does_at(&admin, &route, &line, &set, "eventType=authz.policy_created");
    let wider = json!({"objects": {"account": {"allowRead": true, "allowEdit": true}}});
    scene.does_at(&admin, &route, &line, &wider, "eventType=authz.policy_updated");
    let route = format!("POST {base}/sets/{{name}}/versions/{{version}}/restore");
    let line = format!("POST {base}/sets/guests/versions/1/restore");
    scene.does_at(&admin, &route, &line, &Value::Null, "eventType=authz.policy_updated");
    let route = format!("DELETE {base}/sets/{{name}}");
    let line = format!("DELETE {base}/sets/guests");
    scene.does_at(&admin, &route, &line, &Value::Null, "eventType=authz.policy_deleted");

    let role = json!({"name": "rep", "label": "Rep"});
    let role = id(&scene.send(Some(&admin), "POST /api/v1/data/sys_role", "", &role).body);
    let line = format!("PATCH /api/v1/data/sys_role/{role}");
    scene.send(Some(&admin), &line, "", &json!({"label": "Sales rep"}));
    let route = format!("POST {base}/policies/{{object}}/{{name}}/versions/{{version}}/restore");
    let line = format!("POST {base}/policies/sys_role/rep/versions/1/restore");
    scene.does_at(&admin, &route, &line, &Value::Null, "eventType=authz.role_updated");

    let account = scene.send(
        Some(&admin),
        "POST /api/v1/data/account",
        "",
        &json!({"name": "Initech"}),
    );
    let account = id(&account.body);
    let body = json!({"object": "account", "recordId": account, "recipient": lee.id});
    let route = format!("POST {base}/shares");
    let share = id(&scene.does(&admin, &route, &body, "eventType=authz.permission_granted"));
    let (line, route) = (
        format!("DELETE {base}/shares/{share}"),
        format!("DELETE {base}/shares/{{id}}"),
    );
    scene.does_at(
        &admin,
        &route,
        &line,
        &Value::Null,
        "eventType=authz.permission_revoked",
    );
    let body = json!({"object": "account", "recordId": account, "recipientType": "link"});
    let link = scene.send(Some(&admin), &format!("POST {base}/shares"), "", &body).body;
    let line = format!("POST {base}/links/{}", link["token"].as_str().expect("a token"));
    let route = format!("POST {base}/links/{{token}}");
    scene.does_at(&lee, &route, &line, &Value::Null, "eventType=authz.permission_granted");
}
