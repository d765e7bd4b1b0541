//! The secret of an invitation. It stands in the link of its mail and nowhere else, so whoever brings it reads the mails of the
//! address that was invited; an invitation's id proves nothing, for every member of the organisation sees it. Where no mail
//! server takes the mail, whoever invites hands the link over: that one is good for the invitation, and proves no address.
//!
//! And whether an invitation stands. It is the word of whoever invited, and worth what their word is worth at the moment when it is
//! shown or accepted: somebody who was put out would otherwise come back by an invitation to another address of theirs.

use futures_util::future::try_join;
use objectos_plugin_api::Context;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    auth::Auth,
    error::{AuthError, Refusal, Result},
    moment,
    proofs::Kind,
    records::kinds::{Invitation, Member, User},
    right::{OWNER, Right, holds},
    sessions::load::{is_banned, person},
};

/// Status of an invitation that can be accepted.
pub(crate) const PENDING: &str = "pending";
/// Between id and secret in a link.
const JOIN: char = '.';

/// What stands behind a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claim {
    invitation: String,
    /// It went out by mail, and only so.
    mailed: bool,
}

/// What somebody showed beside the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Nothing.
    Nothing,
    /// A link that was handed over by whoever invited.
    Handed,
    /// The link of the mail: the address is theirs.
    Mailed,
}

impl Auth {
    /// Makes the link of an invitation, which ends with it.
    pub(crate) async fn invitation_link(
        &self,
        context: &Context,
        invitation: &Invitation,
        mailed: bool,
    ) -> Result<String> {
        let claim = Claim {
            invitation: invitation.id.clone(),
            mailed,
        };
        let life_s = (moment::ms(&invitation.expires_at) - self.now_ms()) / 1000;
        let secret = self
            .make_proof(context, Kind::Invitation, &invitation.id, &claim, life_s)
            .await?;
        Ok(format!(
            "{}/accept-invitation/{}{JOIN}{secret}",
            self.base_url(),
            invitation.id
        ))
    }

    /// The pending invitation that somebody names: by its id, or by the end of its link, `ID.SECRET`.
    ///
    /// # Errors
    /// `InvitationNotFound`, also for a secret that is not its own, and for an invitation that does not stand any more.
    pub(crate) async fn invitation(&self, context: &Context, named: &str) -> Result<(Invitation, Shown)> {
        let (id, secret) = match named.split_once(JOIN) {
            Some((id, secret)) => (id, Some(secret)),
            None => (named, None),
        };
        let found: Option<Invitation> = self.records.get(context, id).await?;
        let invitation = found.ok_or(Refusal::InvitationNotFound)?;
        if !self.invitation_stands(context, &invitation).await? {
            return Err(Refusal::InvitationNotFound.into());
        }
        let Some(secret) = secret else {
            return Ok((invitation, Shown::Nothing));
        };
        match self.peek_proof::<Claim>(context, Kind::Invitation, secret).await {
            Ok(claim) if claim.invitation != invitation.id => Err(Refusal::InvitationNotFound.into()),
            Ok(claim) if claim.mailed => Ok((invitation, Shown::Mailed)),
            Ok(_) => Ok((invitation, Shown::Handed)),
            Err(AuthError::Refused(_)) => Err(Refusal::InvitationNotFound.into()),
            Err(error) => Err(error),
        }
    }

    /// Whether an invitation can be accepted: it waits, its time is not over, and whoever invited may still invite so. That is a
    /// member who may give these roles, or somebody who makes members without a place of their own, as `veto` lets them.
    ///
    /// # Errors
    /// Those of the store and of the service `permissions`: then nobody accepts.
    pub(crate) async fn invitation_stands(&self, context: &Context, invitation: &Invitation) -> Result<bool> {
        if invitation.status != PENDING || moment::ms(&invitation.expires_at) <= self.now_ms() {
            return Ok(false);
        }
        let Some(inviter) = &invitation.inviter_id else {
            return Ok(false);
        };
        let place = json!({ "organization_id": invitation.organization_id, "user_id": inviter });
        let (user, member) = try_join(
            self.records.get::<User>(context, inviter),
            self.records.find_one::<Member>(context, place),
        )
        .await?;
        let Some(user) = user.filter(|user| !is_banned(user, self.now_ms())) else {
            return Ok(false);
        };
        let roles: Vec<&str> = invitation.role.split(',').map(str::trim).collect();
        let gives = |giver: &str| holds(giver, Right::Manage) && self.check_roles(&roles, giver).is_ok();
        if member.as_ref().is_some_and(|member| gives(&member.role)) {
            return Ok(true);
        }
        let inviter = context.with_principal(&person(&user, member.as_ref()));
        Ok(gives(OWNER) && self.holds(&inviter, "manage_platform").await?)
    }

    /// Ends the links of an invitation.
    pub(crate) async fn end_invitation_links(&self, context: &Context, invitation: &str) -> Result<()> {
        self.drop_proofs(context, Kind::Invitation, invitation).await
    }
}
