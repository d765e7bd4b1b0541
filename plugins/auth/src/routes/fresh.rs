//! What a session that lies open somewhere must not be enough for: ways in that last, and the address links go to. It is for
//! somebody who signed in not long ago, or says the password once more.

use super::{Call, SignedIn, session::confirm_password};
use crate::{
    error::{Refusal, Result},
    moment,
};

/// Seconds since the sign-in for which a session counts as fresh.
const FRESH_S: i64 = 24 * 3600;

fn is_fresh(call: &Call, me: &SignedIn) -> bool {
    call.auth.now_ms() - moment::ms(&me.live.session.signed_in_at) <= FRESH_S * 1000
}

/// Somebody who signed in not long ago: whoever finds an open session does not stay in for ever.
///
/// # Errors
/// `SessionNotFresh`.
pub(super) async fn fresh_owner(call: &Call) -> Result<SignedIn> {
    let me = call.owner().await?;
    if !is_fresh(call, &me) {
        return Err(Refusal::SessionNotFresh.into());
    }
    call.check_enrols(&me).await?;
    Ok(me)
}

/// Refuses an older session that does not bring the password.
///
/// # Errors
/// `SessionNotFresh`; `InvalidPassword` for a wrong one.
pub(super) async fn confirm(call: &Call, me: &SignedIn, password: Option<&str>) -> Result<()> {
    match password {
        Some(password) => confirm_password(call, &me.live.user, password).await,
        None if is_fresh(call, me) => Ok(()),
        None => Err(Refusal::SessionNotFresh.into()),
    }
}
