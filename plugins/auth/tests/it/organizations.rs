//! Organisations: members, invitations, teams, and the active one as the tenant.

use serde_json::{Value, json};

use crate::world::{Browser, World, bearer, world};

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
