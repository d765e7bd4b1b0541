//! Ways in that went wrong, told to the audit as a sign-in with a wrong password is, with the way in as `method`. Each is counted by
//! where it comes from, and from where there were too many no more are taken, nor told. Called by the routes of links and providers;
//! where something secret is guessed at, the route counts by whom it belongs to.

use serde_json::Map;

use super::Call;
use crate::{
    auth::Note,
    error::{AuthError, Refusal, Result},
    guard::Attempt,
    records::kinds::User,
};

/// Name of the event of a way in that went wrong.
pub(super) const FAILED: &str = "auth.login_failed";
/// Name of the event of a way in that takes nothing any more.
pub(super) const LOCKED: &str = "auth.account_locked";
/// Refusals that were told already, with whom they concern.
const TOLD: [Refusal; 3] = [Refusal::Banned, Refusal::EmailNotVerified, Refusal::UnknownNetwork];

/// What is told of a way in that went wrong.
pub(super) fn note<'a>(user: Option<&'a User>, method: &str, description: &'a str, why: &'a str) -> Note<'a> {
    Note {
        user,
        description,
        failure: Some(why),
        metadata: Map::from_iter([("method".to_owned(), method.into())]),
        ..Note::default()
    }
}

/// Counts somebody who did not come in, and tells why, unless that was told already.
pub(super) async fn count(call: &Call, attempt: &Attempt, method: &str, error: &AuthError) -> Result<()> {
    let refusal = match error {
        AuthError::Refused(refusal) | AuthError::Explained { refusal, .. } => *refusal,
        // What is nobody's fault is the operator's to read.
        _ => return Ok(()),
    };
    let mut told = Vec::new();
    if !TOLD.contains(&refusal) {
        let why = error.to_string();
        told.push(note(None, method, "A sign-in failed", &why).event(&call.context, FAILED)?);
    }
    call.auth.failed(&call.context, attempt, told, Vec::new()).await?;
    Ok(())
}
