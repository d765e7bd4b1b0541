//! Answers that tell whether an address has an account, where nothing else can be answered. Each one that does counts, so that
//! nobody asks for many.

use serde_json::json;
use std::future::Future;

use super::Call;
use crate::{
    address,
    error::{AuthError, Refusal, Result},
    reach::Reach,
    records::kinds::User,
};

/// Does something that fails when an address has an account already, and counts that by who asks.
pub(super) async fn counted<T>(call: &Call, doing: impl Future<Output = Result<T>>) -> Result<T> {
    let name = format!("exists:{}", call.context.user());
    let address = address::counted(&call.context);
    let attempt = call.auth.admit_counted(&call.context, &name, &address).await?;
    let done = doing.await;
    if matches!(done, Err(AuthError::Refused(Refusal::UserExists))) {
        call.auth.count(&call.context, &attempt).await?;
    }
    done
}

/// The same for somebody who sees users anyway: those within their reach are no news.
pub(super) async fn counted_beyond<T>(
    call: &Call,
    reach: &Reach,
    email: &str,
    doing: impl Future<Output = Result<T>>,
) -> Result<T> {
    if *reach == Reach::Everybody {
        return doing.await;
    }
    let found: Option<User> = call
        .auth
        .records
        .find_one(&call.context, json!({ "email": email }))
        .await?;
    let known = match &found {
        Some(user) => call.auth.reaches(&call.context, reach, &user.id).await?,
        None => false,
    };
    if known { doing.await } else { counted(call, doing).await }
}
