//! What it takes to be the one who was invited: the address, verified, or the link that went to it. And how long an invitation
//! stands: as long as whoever invited may.

use serde_json::{Value, json};

use crate::reach::id_of;
use crate::silence::without_mail;
use crate::world::{Browser, NOW_MS, PASSWORD, World, world};

const ACCEPT: &str = "organization/accept-invitation";

/// Somebody with an organisation.
async fn owner(world: &World) -> Browser<'_> {
    let mut owner = world.registered("owner@example.com").await;
    owner
        .post("organization/create", json!({ "name": "Acme", "slug": "acme" }))
        .await
        .expect(200);
    owner
}

async fn invite(owner: &mut Browser<'_>, email: &str) -> Value {
    let body = json!({ "email": email, "role": "member", "resend": true });
    owner.post("organization/invite-member", body).await.expect(200)
}

fn named(named: &str) -> Value {
    json!({ "invitationId": named })
}

#[tokio::test]
async fn whoever_writes_an_address_down_is_not_who_was_invited() {
    let world = world(json!({})).await;
    let mut owner = owner(&world).await;
    // Nobody asked this one for the mailbox.
    let mut eve = world.registered("bob@example.com").await;
    let invited = invite(&mut owner, "bob@example.com").await;
    let (id, link) = (invited["id"].as_str().unwrap(), world.invited());
    invite(&mut owner, "cid@example.com").await;
    let (_, foreign) = world
        .invited()
        .split_once('.')
        .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        .unwrap();
    for path in [ACCEPT, "organization/reject-invitation"] {
        eve.post(path, named(id)).await.refused(403, "EMAIL_NOT_VERIFIED");
        for wrong in [
            format!("{id}."),
            format!("{id}.{}", "x".repeat(32)),
            format!("{id}.{foreign}"),
        ] {
            eve.post(path, named(&wrong)).await.refused(400, "INVITATION_NOT_FOUND");
        }
    }
    eve.get(&format!("organization/get-invitation?id={id}"))
        .await
        .refused(403, "EMAIL_NOT_VERIFIED");
    eve.get("organization/list-user-invitations")
        .await
        .refused(403, "EMAIL_NOT_VERIFIED");
    assert_eq!(world.data.rows("sys_member").len(), 1);
    // The link of the mail is as good as a link that verifies.
    let shown = eve
        .get(&format!("organization/get-invitation?id={link}"))
        .await
        .expect(200);
    assert_eq!(shown["organizationName"], "Acme");
    eve.post(ACCEPT, named(&link)).await.expect(200);
    assert_eq!(eve.get("get-session").await.expect(200)["user"]["emailVerified"], true);
    assert_eq!(world.count("auth.email_verified"), 1);
    eve.post(ACCEPT, named(&link))
        .await
        .refused(400, "INVITATION_NOT_FOUND");
    assert!(
        !serde_json::to_string(&world.data.rows("sys_verification"))
            .unwrap()
            .contains(link.split('.').nth(1).unwrap()),
        "no secret is kept as it is"
    );
}

#[tokio::test]
async fn a_later_link_takes_the_place_of_an_earlier_one() {
    let world = world(json!({})).await;
    let mut owner = owner(&world).await;
    let mut bob = world.registered("bob@example.com").await;
    invite(&mut owner, "bob@example.com").await;
    let first = world.invited();
    let again = invite(&mut owner, "bob@example.com").await;
    let second = world.invited();
    bob.post(ACCEPT, named(&first))
        .await
        .refused(400, "INVITATION_NOT_FOUND");
    let listed = owner.get("organization/list-invitations").await.expect(200);
    assert!(!listed.to_string().contains(second.split('.').nth(1).unwrap()));
    let cancel = json!({ "invitationId": again["id"] });
    owner.post("organization/cancel-invitation", cancel).await.expect(200);
    bob.post(ACCEPT, named(&second))
        .await
        .refused(400, "INVITATION_NOT_FOUND");
    let proofs = world.data.rows("sys_verification");
    assert!(
        proofs
            .iter()
            .all(|proof| !proof["id"].as_str().unwrap().starts_with("in_"))
    );
}

#[tokio::test]
async fn where_no_mail_goes_out_the_link_is_handed_over_and_proves_no_address() {
    let world = without_mail(json!({ "signUp": "invitation" })).await;
    let mut root = Browser::new(&world);
    let body = json!({ "email": "root@example.com", "password": PASSWORD });
    root.post("sign-in/email", body).await.expect(200);
    root.post("organization/create", json!({ "name": "Acme", "slug": "acme" }))
        .await
        .expect(200);
    let invited = invite(&mut root, "ada@example.com").await;
    assert_eq!(invited["mailed"], false);
    let link = invited["link"].as_str().unwrap();
    let link = link.rsplit('/').next().unwrap();
    let again = json!({ "email": "ada@example.com", "role": "member" });
    root.post("organization/invite-member", again)
        .await
        .refused(400, "USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION");
    let mut ada = Browser::new(&world);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada", "invitation": link });
    let made = ada.post("sign-up/email", body).await.expect(200);
    assert_eq!(made["user"]["emailVerified"], false, "nobody sent it to the address");
    ada.post(ACCEPT, named(invited["id"].as_str().unwrap()))
        .await
        .refused(403, "EMAIL_NOT_VERIFIED");
    ada.post(ACCEPT, named(link)).await.expect(200);
    let user = world.data.rows("sys_user").pop().unwrap();
    assert_eq!(
        (&user["email"], &user["email_verified"]),
        (&json!("ada@example.com"), &json!(false))
    );
}

/// The organisation of [`owner`], in which somebody is another owner: `m2`.
fn beside(world: &World, user: &Value) -> Value {
    let organization = world.data.rows("sys_organization")[0]["id"].clone();
    let place = json!({ "id": "m2", "organization_id": organization, "user_id": user, "role": "owner" });
    world.data.put("sys_member", place);
    organization
}

#[tokio::test]
async fn an_invitation_stands_as_long_as_whoever_invited_may_invite_so() {
    for way in ["put out", "less than an owner", "no manager", "disabled"] {
        let world = world(json!({})).await;
        let mut owner = owner(&world).await;
        let mut ann = world.registered("ann@example.com").await;
        let id = id_of(&mut ann).await;
        let organization = beside(&world, &id);
        // Another account of hers, whose address is verified.
        let mut other = world.registered("other@example.com").await;
        let other_id = id_of(&mut other).await;
        let verified = json!({ "email_verified": true });
        world.data.alter("sys_user", other_id.as_str().unwrap(), &verified);
        world.plugin.set_now_ms(NOW_MS + 1001);
        let role = if way == "no manager" { "member" } else { "owner" };
        let body = json!({ "email": "other@example.com", "role": role, "organizationId": organization });
        let invited = ann.post("organization/invite-member", body).await.expect(200);
        let (id_alone, link) = (invited["id"].as_str().unwrap(), world.invited());
        let waiting = "organization/list-user-invitations";
        let listed = other.get(waiting).await.expect(200);
        assert_eq!(listed.as_array().unwrap().len(), 1, "{way}");
        let (path, body) = match way {
            "put out" => ("organization/remove-member", json!({ "memberIdOrEmail": "m2" })),
            "less than an owner" => (
                "organization/update-member-role",
                json!({ "memberId": "m2", "role": "admin" }),
            ),
            "no manager" => (
                "organization/update-member-role",
                json!({ "memberId": "m2", "role": "member" }),
            ),
            _ => ("admin/ban-user", json!({ "userId": id })),
        };
        owner.post(path, body).await.expect(200);
        for shown in [id_alone, &link] {
            for path in [ACCEPT, "organization/reject-invitation"] {
                other
                    .post(path, named(shown))
                    .await
                    .refused(400, "INVITATION_NOT_FOUND");
            }
            other
                .get(&format!("organization/get-invitation?id={shown}"))
                .await
                .refused(400, "INVITATION_NOT_FOUND");
        }
        assert_eq!(other.get(waiting).await.expect(200), json!([]), "{way}");
        let members = world.data.rows("sys_member");
        assert!(members.iter().all(|member| member["user_id"] != other_id), "{way}");
        // Whoever sends it again stands for it.
        invite(&mut owner, "other@example.com").await;
        let accepted = other.post(ACCEPT, named(&world.invited())).await.expect(200);
        assert_eq!(accepted["member"]["role"], "member", "{way}");
    }
}

#[tokio::test]
async fn whoever_administers_the_platform_invites_without_staying_a_member() {
    let world = world(json!({ "signUp": "invitation" })).await;
    let mut root = owner(&world).await;
    let id = id_of(&mut root).await;
    let organization = beside(&world, &json!("ann"));
    invite(&mut root, "bob@example.com").await;
    let for_bob = world.invited();
    invite(&mut root, "cid@example.com").await;
    let for_cid = world.invited();
    root.post("organization/leave", json!({ "organizationId": organization }))
        .await
        .expect(200);
    let register =
        |email: &str, link: &str| json!({ "email": email, "password": PASSWORD, "name": "New", "invitation": link });
    let mut bob = Browser::new(&world);
    bob.post("sign-up/email", register("bob@example.com", &for_bob))
        .await
        .expect(200);
    bob.post(ACCEPT, named(&for_bob)).await.expect(200);
    // Nor does anybody register by the invitation of somebody who is nothing there any more.
    world
        .data
        .alter("sys_user", id.as_str().unwrap(), &json!({ "role": "user" }));
    Browser::new(&world)
        .post("sign-up/email", register("cid@example.com", &for_cid))
        .await
        .refused(400, "INVITATION_NOT_FOUND");
    assert_eq!(world.data.rows("sys_user").len(), 2);
}
