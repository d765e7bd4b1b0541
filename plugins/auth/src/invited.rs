//! The secret of an invitation. It stands in the link of its mail and nowhere else, so whoever brings it reads the mails of the
//! address that was invited; an invitation's id proves nothing, for every member of the organisation sees it. Where no mail
//! server takes the mail, whoever invites hands the link over: that one is good for the invitation, and proves no address.

use objectos_plugin_api::Context;
use serde::{Deserialize, Serialize};

use crate::{
    auth::Auth,
    error::{AuthError, Refusal, Result},
    moment,
    proofs::Kind,
    records::kinds::Invitation,
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
    /// `InvitationNotFound`, also for a secret that is not its own.
    pub(crate) async fn invitation(&self, context: &Context, named: &str) -> Result<(Invitation, Shown)> {
        let (id, secret) = match named.split_once(JOIN) {
            Some((id, secret)) => (id, Some(secret)),
            None => (named, None),
        };
        let found: Option<Invitation> = self.records.get(context, id).await?;
        let invitation = found
            .filter(|invitation| invitation.status == PENDING && moment::ms(&invitation.expires_at) > self.now_ms())
            .ok_or(Refusal::InvitationNotFound)?;
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

    /// Ends the links of an invitation.
    pub(crate) async fn end_invitation_links(&self, context: &Context, invitation: &str) -> Result<()> {
        self.drop_proofs(context, Kind::Invitation, invitation).await
    }
}
