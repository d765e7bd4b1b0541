//! Organisations: members, invitations, teams, and the active one as the tenant.

use objectos_plugin_api::Context;
use serde_json::{Map, Value, json};

use crate::world::{Browser, NOW_MS, PASSWORD, World, bearer, world};

async fn acme(ada: &mut Browser<'_>) -> String {
    let made = ada
        .post("organization/create", json!({ "name": "Acme", "slug": "acme" }))
        .await
        .expect(200);
    assert_eq!(
        (&made["slug"], &made["members"][0]["role"]),
        (&json!("acme"), &json!("owner"))
    );
    made["id"].as_str().unwrap().to_owned()
}

async fn join(world: &World, ada: &mut Browser<'_>, bob: &mut Browser<'_>, email: &str, role: &str) -> Value {
    let invited = ada
        .post("organization/invite-member", json!({ "email": email, "role": role }))
        .await
        .expect(200);
    assert_eq!(
        (&invited["status"], &invited["mailed"]),
        (&json!("pending"), &json!(true))
    );
    let body = json!({ "invitationId": world.invited() });
    let accepted = bob.post("organization/accept-invitation", body).await.expect(200);
    assert_eq!(accepted["invitation"]["status"], "accepted");
    accepted["member"].clone()
}

async fn tenant(world: &World, browser: &Browser<'_>) -> (Option<String>, Vec<String>) {
    let principal = world.who(&bearer(&browser.token)).await.unwrap().unwrap();
    (principal.tenant, principal.roles)
}

#[tokio::test]
async fn the_active_organization_is_the_tenant() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    assert_eq!(tenant(&world, &ada).await.0, None);
    let id = acme(&mut ada).await;
    let (active, roles) = tenant(&world, &ada).await;
    assert_eq!((active.as_deref(), roles[1].as_str()), (Some(id.as_str()), "org:owner"));
    ada.post("organization/create", json!({ "name": "Other", "slug": "acme" }))
        .await
        .refused(400, "ORGANIZATION_ALREADY_EXISTS");
    ada.post("organization/set-active", json!({ "organizationId": null }))
        .await
        .expect(200);
    assert_eq!(tenant(&world, &ada).await.0, None);
    let active = ada
        .post("organization/set-active", json!({ "organizationSlug": "acme" }))
        .await
        .expect(200);
    assert_eq!(
        (&active["id"], &active["members"][0]["user"]["email"]),
        (&json!(id), &json!("ada@example.com"))
    );
    assert_eq!(
        ada.get("get-session").await.expect(200)["session"]["activeOrganizationId"],
        id.as_str()
    );
    let mut bob = world.registered("bob@example.com").await;
    let take = json!({ "organizationId": id });
    bob.post("organization/set-active", take)
        .await
        .refused(403, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION");
    let path = format!("organization/get-full-organization?organizationId={id}");
    bob.get(&path)
        .await
        .refused(403, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION");
    let unknown = "organization/get-full-organization?organizationId=nothing";
    bob.get(unknown)
        .await
        .refused(403, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION");
}

#[tokio::test]
async fn an_invitation_is_for_its_address_alone() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let id = acme(&mut ada).await;
    let (mut bob, mut eve) = (
        world.registered("bob@example.com").await,
        world.registered("eve@example.com").await,
    );
    let body = json!({ "email": "bob@example.com", "role": "member" });
    let invited = ada.post("organization/invite-member", body.clone()).await.expect(200);
    assert!(
        world.mails.0.lock().unwrap()[0]
            .text
            .contains(invited["id"].as_str().unwrap())
    );
    ada.post("organization/invite-member", body)
        .await
        .refused(400, "USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION");
    ada.post(
        "organization/invite-member",
        json!({ "email": "x@example.com", "role": "king" }),
    )
    .await
    .refused(400, "ROLE_NOT_FOUND");
    let accept = json!({ "invitationId": world.invited() });
    eve.post("organization/accept-invitation", accept.clone())
        .await
        .refused(403, "YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION");
    bob.get("organization/list-user-invitations")
        .await
        .refused(403, "EMAIL_NOT_VERIFIED");
    world.read_all();
    bob.post("send-verification-email", json!({ "email": "bob@example.com" }))
        .await
        .expect(200);
    let verify = format!("verify-email?token={}", world.mailed_token().await);
    bob.get(&verify).await.expect(200);
    assert_eq!(
        bob.get("organization/list-user-invitations").await.expect(200)[0]["organizationName"],
        "Acme"
    );
    bob.post("organization/accept-invitation", accept.clone())
        .await
        .expect(200);
    assert_eq!(
        tenant(&world, &bob).await,
        (Some(id), vec!["user".to_owned(), "org:member".to_owned()])
    );
    bob.post("organization/accept-invitation", accept)
        .await
        .refused(400, "INVITATION_NOT_FOUND");
    let other = json!({ "email": "eve@example.com", "role": "member" });
    bob.post("organization/invite-member", other.clone())
        .await
        .refused(403, "FORBIDDEN");
    let invited = ada.post("organization/invite-member", other).await.expect(200);
    let cancel = json!({ "invitationId": invited["id"] });
    ada.post("organization/cancel-invitation", cancel.clone())
        .await
        .expect(200);
    eve.post("organization/accept-invitation", cancel)
        .await
        .refused(400, "INVITATION_NOT_FOUND");
}

#[tokio::test]
async fn roles_have_a_rank_and_the_last_owner_stays() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let id = acme(&mut ada).await;
    let mut bob = world.registered("bob@example.com").await;
    let member = join(&world, &mut ada, &mut bob, "bob@example.com", "admin").await;
    let owners = ada.get("organization/list-members").await.expect(200);
    assert_eq!(owners["total"], 2);
    let owner = owners["members"][0]["id"].clone();
    bob.post(
        "organization/update-member-role",
        json!({ "memberId": member["id"], "role": "owner" }),
    )
    .await
    .refused(403, "FORBIDDEN");
    bob.post("organization/remove-member", json!({ "memberIdOrEmail": owner }))
        .await
        .refused(400, "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER");
    bob.post("organization/delete", json!({ "organizationId": id }))
        .await
        .refused(403, "FORBIDDEN");
    ada.post("organization/leave", json!({ "organizationId": id }))
        .await
        .refused(400, "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER");
    let change = json!({ "memberId": member["id"], "role": "member" });
    ada.post("organization/update-member-role", change).await.expect(200);
    assert_eq!(tenant(&world, &bob).await.1[1], "org:member", "at once");
    ada.post(
        "organization/remove-member",
        json!({ "memberIdOrEmail": "bob@example.com" }),
    )
    .await
    .expect(200);
    assert_eq!(tenant(&world, &bob).await, (None, vec!["user".to_owned()]), "at once");
    ada.post("organization/delete", json!({ "organizationId": id }))
        .await
        .expect(200);
    assert_eq!(ada.get("organization/list").await.expect(200), json!([]));
    assert_eq!(tenant(&world, &ada).await.0, None);
}

#[tokio::test]
async fn teams_are_made_of_members() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    acme(&mut ada).await;
    let mut bob = world.registered("bob@example.com").await;
    let member = join(&world, &mut ada, &mut bob, "bob@example.com", "member").await;
    let eve = world.registered("eve@example.com").await;
    let stranger = world.who(&bearer(&eve.token)).await.unwrap().unwrap().id;
    bob.post("organization/create-team", json!({ "name": "Sales" }))
        .await
        .refused(403, "FORBIDDEN");
    let team = ada
        .post("organization/create-team", json!({ "name": "Sales" }))
        .await
        .expect(200);
    let place = |user: &Value| json!({ "teamId": team["id"], "userId": user });
    ada.post("organization/add-team-member", place(&json!(stranger)))
        .await
        .refused(403, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION");
    for _ in 0..2 {
        ada.post("organization/add-team-member", place(&member["userId"]))
            .await
            .expect(200);
    }
    let path = format!("organization/list-team-members?teamId={}", team["id"].as_str().unwrap());
    assert_eq!(bob.get(&path).await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(
        bob.get("organization/list-user-teams").await.expect(200)[0]["name"],
        "Sales"
    );
    bob.post("organization/set-active-team", json!({ "teamId": team["id"] }))
        .await
        .expect(200);
    let principal = world.who(&bearer(&bob.token)).await.unwrap().unwrap();
    assert_eq!(principal.attributes["team"], team["id"]);
    ada.post("organization/set-active-team", json!({ "teamId": team["id"] }))
        .await
        .refused(400, "TEAM_NOT_FOUND");
    let rename = json!({ "teamId": team["id"], "data": { "name": "Sales North" } });
    assert_eq!(
        ada.post("organization/update-team", rename).await.expect(200)["name"],
        "Sales North"
    );
    ada.post("organization/remove-team-member", place(&member["userId"]))
        .await
        .expect(200);
    ada.post("organization/remove-team", json!({ "teamId": team["id"] }))
        .await
        .expect(200);
    assert_eq!(ada.get("organization/list-teams").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_team_ends_with_the_place_in_it() {
    // By the route, by the record, and with the team's record.
    for way in 0..3 {
        let world = world(json!({})).await;
        let mut ada = world.registered("ada@example.com").await;
        acme(&mut ada).await;
        let owner = world.who(&bearer(&ada.token)).await.unwrap().unwrap().id;
        let made = ada
            .post("organization/create-team", json!({ "name": "Sales" }))
            .await
            .expect(200);
        let place = json!({ "teamId": made["id"], "userId": owner });
        ada.post("organization/add-team-member", place.clone())
            .await
            .expect(200);
        ada.post("organization/set-active-team", json!({ "teamId": made["id"] }))
            .await
            .expect(200);
        let team = async || {
            let principal = world.who(&bearer(&ada.token)).await.unwrap().unwrap();
            principal.attributes.get("team").cloned()
        };
        assert_eq!(team().await, Some(made["id"].clone()));
        match way {
            0 => {
                let mut same = Browser::new(&world);
                same.cookies.clone_from(&ada.cookies);
                same.post("organization/remove-team-member", place).await.expect(200);
            }
            1 => {
                let record = world.data.rows("sys_team_member").remove(0);
                world.data.take("sys_team_member", record["id"].as_str().unwrap());
                let payload = json!({ "object": "sys_team_member", "id": record["id"], "previous": record });
                let context = Context::background();
                let hook = world
                    .plugin
                    .hook("data.after_delete", "sys_team_member", &context, &payload);
                hook.await.unwrap();
            }
            _ => {
                world.data.take("sys_team", made["id"].as_str().unwrap());
                world.plugin.set_now_ms(NOW_MS + 1001);
            }
        }
        assert_eq!(team().await, None, "{way}");
    }
}

#[tokio::test]
async fn the_keys_of_an_organization_end_with_it() {
    let world = world(json!({ "session": { "recheckMs": 86_400_000 } })).await;
    let mut ada = world.registered("ada@example.com").await;
    let id = acme(&mut ada).await;
    let made = ada.post("api-key/create", json!({ "name": "k" })).await.expect(200);
    assert_eq!(made["organizationId"], id.as_str());
    let key = made["key"].as_str().unwrap();
    assert!(world.who(&bearer(key)).await.unwrap().is_some());
    ada.post("organization/delete", json!({ "organizationId": id }))
        .await
        .expect(200);
    assert_eq!(world.who(&bearer(key)).await.unwrap(), None);
}

#[tokio::test]
async fn an_invitation_that_is_taken_back_meanwhile_makes_nobody_a_member() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    acme(&mut ada).await;
    let mut bob = world.registered("bob@example.com").await;
    let body = json!({ "email": "bob@example.com", "role": "admin" });
    let invited = ada.post("organization/invite-member", body).await.expect(200);
    let id = invited["id"].as_str().unwrap().to_owned();
    let user = world.who(&bearer(&bob.token)).await.unwrap().unwrap().id;
    world.data.alter("sys_user", &user, &json!({ "email_verified": true }));
    world.plugin.set_now_ms(NOW_MS + 1001);
    world.data.meanwhile(move |data| {
        data.alter("sys_invitation", &id, &json!({ "status": "canceled" }));
    });
    let accept = json!({ "invitationId": invited["id"] });
    bob.post("organization/accept-invitation", accept)
        .await
        .refused(400, "INVITATION_NOT_FOUND");
    assert_eq!(world.data.rows("sys_member").len(), 1);
    assert_eq!(world.data.rows("sys_invitation")[0]["status"], "canceled");
    assert_eq!(tenant(&world, &bob).await.0, None);
}

#[tokio::test]
async fn a_member_of_two_organizations_works_in_one_at_a_time() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let mut bob = world.registered("bob@example.com").await;
    let id = world.who(&bearer(&bob.token)).await.unwrap().unwrap().id;
    let mut organizations = Vec::new();
    for (slug, role) in [("acme", "admin"), ("initech", "member")] {
        let made = ada
            .post("organization/create", json!({ "name": slug, "slug": slug }))
            .await
            .expect(200);
        let place = json!({ "id": format!("m-{slug}"), "organization_id": made["id"], "user_id": id, "role": role });
        world.data.put("sys_member", place);
        organizations.push((made["id"].as_str().unwrap().to_owned(), format!("org:{role}")));
    }
    let listed = bob.get("organization/list").await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    for (id, role) in organizations.iter().chain(&organizations) {
        bob.post("organization/set-active", json!({ "organizationId": id }))
            .await
            .expect(200);
        let (active, roles) = tenant(&world, &bob).await;
        assert_eq!((active.as_ref(), &roles[1..]), (Some(id), &[role.clone()][..]));
        let here = bob.get("organization/get-active-member-role").await.expect(200);
        assert_eq!(format!("org:{}", here["role"].as_str().unwrap()), *role);
    }
    // What he is in the one counts for nothing in the other: neither by name nor by the active one.
    let (acme, initech) = (&organizations[0].0, &organizations[1].0);
    let invite =
        |organization: &str| json!({ "email": "eve@example.com", "role": "member", "organizationId": organization });
    bob.post("organization/invite-member", invite(initech))
        .await
        .refused(403, "FORBIDDEN");
    bob.post("organization/invite-member", invite(acme)).await.expect(200);
    let team = bob
        .post(
            "organization/create-team",
            json!({ "name": "Sales", "organizationId": acme }),
        )
        .await
        .expect(200);
    let place = json!({ "teamId": team["id"], "userId": id });
    bob.post("organization/add-team-member", place).await.expect(200);
    // An active team takes its organisation along, and another organisation leaves the team behind.
    bob.post("organization/set-active-team", json!({ "teamId": team["id"] }))
        .await
        .expect(200);
    let principal = world.who(&bearer(&bob.token)).await.unwrap().unwrap();
    assert_eq!(
        (principal.tenant.as_ref(), &principal.attributes["team"]),
        (Some(acme), &team["id"])
    );
    bob.post("organization/set-active", json!({ "organizationId": initech }))
        .await
        .expect(200);
    let principal = world.who(&bearer(&bob.token)).await.unwrap().unwrap();
    assert_eq!(principal.tenant.as_ref(), Some(initech));
    assert!(!principal.attributes.contains_key("team"));
    // Whoever leaves the one stays in the other.
    bob.post("organization/leave", json!({ "organizationId": acme }))
        .await
        .expect(200);
    assert_eq!(
        tenant(&world, &bob).await,
        (Some(initech.clone()), vec!["user".to_owned(), "org:member".to_owned()])
    );
}

/// An organisation of somebody's, in which they work from now on.
async fn found(browser: &mut Browser<'_>, slug: &str) -> String {
    let body = json!({ "name": slug, "slug": slug });
    let made = browser.post("organization/create", body).await.expect(200);
    made["id"].as_str().unwrap().to_owned()
}

async fn work_in(browser: &mut Browser<'_>, organization: Option<&str>) {
    let body = json!({ "organizationId": organization });
    browser.post("organization/set-active", body).await.expect(200);
}

/// Where somebody works who signs in anew.
async fn begins_in(world: &World, email: &str) -> Option<String> {
    // What a request says of it is not believed.
    let mut browser = Browser::new(world)
        .with_header("x-organization-id", "another")
        .with_header("x-tenant-id", "another");
    let body = json!({ "email": email, "password": PASSWORD, "organizationId": "another" });
    browser.post("sign-in/email", body).await.expect(200);
    tenant(world, &browser).await.0
}

#[tokio::test]
async fn whoever_is_in_several_begins_where_they_worked_last() {
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let first = found(&mut ada, "first").await;
    assert_eq!(
        begins_in(&world, "ada@example.com").await.as_deref(),
        Some(first.as_str())
    );
    let (second, third) = (found(&mut ada, "second").await, found(&mut ada, "third").await);
    assert_eq!(
        begins_in(&world, "ada@example.com").await.as_deref(),
        Some(third.as_str())
    );
    for organization in [Some(first.as_str()), None, Some(second.as_str())] {
        work_in(&mut ada, organization).await;
        assert_eq!(begins_in(&world, "ada@example.com").await.as_deref(), organization);
    }
    // Signing out takes nothing away.
    ada.post("sign-out", json!({})).await.expect(200);
    assert_eq!(
        begins_in(&world, "ada@example.com").await.as_deref(),
        Some(second.as_str())
    );
    // Whoever does not belong there any more begins in none, though they are in two others.
    let members = world.data.rows("sys_member");
    let place = members
        .iter()
        .find(|member| member["organization_id"] == second.as_str());
    let place = place.unwrap()["id"].as_str().unwrap().to_owned();
    world.data.take("sys_member", &place);
    assert_eq!(begins_in(&world, "ada@example.com").await, None);
    // What was remembered is forgotten after a year.
    let mut again = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    again.post("sign-in/email", body).await.expect(200);
    work_in(&mut again, Some(&third)).await;
    world.plugin.set_now_ms(NOW_MS + 364 * 86_400_000);
    assert_eq!(
        begins_in(&world, "ada@example.com").await.as_deref(),
        Some(third.as_str())
    );
    world.plugin.set_now_ms(NOW_MS + 366 * 86_400_000);
    assert_eq!(begins_in(&world, "ada@example.com").await, None);
}

#[tokio::test]
async fn an_administrator_in_somebodys_place_changes_nothing_of_where_they_begin() {
    let world = world(json!({})).await;
    let mut root = world.registered("root@example.com").await;
    let mut ada = world.registered("ada@example.com").await;
    let (first, second) = (found(&mut ada, "first").await, found(&mut ada, "second").await);
    let id = ada.get("get-session").await.expect(200)["user"]["id"].clone();
    let acting = root
        .post("admin/impersonate-user", json!({ "userId": id }))
        .await
        .expect(200);
    assert_eq!(
        acting["session"]["activeOrganizationId"],
        Value::Null,
        "the administrator chooses"
    );
    work_in(&mut root, Some(&first)).await;
    assert_eq!(
        begins_in(&world, "ada@example.com").await.as_deref(),
        Some(second.as_str())
    );
}

#[tokio::test]
async fn an_operator_may_have_them_begin_in_none() {
    let world = world(json!({ "organization": { "beginsInLast": false } })).await;
    let mut ada = world.registered("ada@example.com").await;
    let first = found(&mut ada, "first").await;
    assert_eq!(
        begins_in(&world, "ada@example.com").await.as_deref(),
        Some(first.as_str())
    );
    found(&mut ada, "second").await;
    assert_eq!(begins_in(&world, "ada@example.com").await, None);
    let kept = world.data.rows("sys_verification");
    let remembered = |row: &Map<String, Value>| row.get("identifier").is_some_and(|kind| kind == "last_place");
    assert!(!kept.iter().any(remembered), "{kept:?}");
}

#[tokio::test]
async fn every_member_is_listed_however_many_there_are() {
    const MANY: usize = 1003;
    let world = world(json!({})).await;
    let mut ada = world.registered("ada@example.com").await;
    let made = ada
        .post("organization/create", json!({ "name": "Acme", "slug": "acme" }))
        .await
        .expect(200);
    let place = |number: usize| {
        json!({
            "id": format!("m{number}"), "organization_id": made["id"], "user_id": format!("u{number}"), "role": "member",
        })
    };
    world.data.put_all("sys_member", (0..MANY).map(place));
    let user =
        |number: usize| json!({ "id": format!("u{number}"), "name": format!("U{number}"), "email": "u@example.com" });
    world.data.put_all("sys_user", (0..MANY).map(user));
    let listed = ada.get("organization/list-members").await.expect(200);
    let members = listed["members"].as_array().unwrap();
    assert_eq!((&listed["total"], members.len()), (&json!(MANY + 1), MANY + 1));
    assert_eq!(members[MANY]["user"]["name"], format!("U{}", MANY - 1));
}
