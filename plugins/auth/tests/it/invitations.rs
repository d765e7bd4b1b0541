//! What it takes to be the one who was invited: the address, verified, or the link that went to it.

use serde_json::{Value, json};

use crate::silence::without_mail;
use crate::world::{Browser, PASSWORD, World, world};

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
