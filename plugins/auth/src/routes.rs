//! The plugin's routes. One table; what is public there is so in `plugin.json` too. Every handler gets a [`Call`] and answers
//! a [`Reply`]; refusals become answers here, in better-auth's shape.

mod account;
mod admin;
mod api_key;
mod distrust;
mod elsewhere;
mod email;
mod entry;
mod existence;
mod failure;
mod fresh;
mod magic;
mod oauth;
mod organization;
mod passkey;
mod password;
mod scim;
mod session;
mod sign;
mod two_factor;

use objectos_plugin_api::{Context, HttpRequest, HttpResponse, Plugin, Registry, contracts::events::Origin};
use std::{future::Future, sync::Arc};

use crate::{
    auth::{Auth, fact},
    error::{Refusal, Result},
    http::{Body, Reply},
    identify::{Proof, Who, check_own_origin, hold_back},
    sessions::Live,
};

pub(crate) use entry::{Entry, enter};

/// A request on its way through a handler.
pub(crate) struct Call {
    pub(crate) auth: Arc<Auth>,
    pub(crate) context: Context,
    pub(crate) request: HttpRequest,
}

/// Somebody with a session.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) live: Arc<Live>,
    pub(crate) token: String,
    /// The cookie to send, when the session was renewed.
    pub(crate) renewed: Option<String>,
}

impl Call {
    /// What the request proves itself with.
    pub(crate) fn proof(&self) -> Proof<'_> {
        Proof {
            authorization: self.request.header("authorization"),
            cookie: self.request.header("cookie"),
            api_key: self.request.header("x-api-key"),
            origin: self.request.header("origin"),
            host: self.request.header("host"),
            secure: is_secure(&self.context),
            method: self.request.method(),
            path: self.request.path(),
            passive: false,
        }
    }

    /// The body.
    pub(crate) fn body(&self) -> Result<Body> {
        Body::read(&self.request)
    }

    /// Cookies go over https alone.
    pub(crate) fn secure(&self) -> bool {
        self.auth.secure_always() || is_secure(&self.context)
    }

    /// The `Cookie` header.
    pub(crate) fn cookies(&self) -> &str {
        self.request.header("cookie").unwrap_or_default()
    }

    /// Who calls, when it is somebody with a session.
    pub(crate) async fn maybe_signed_in(&self) -> Result<Option<SignedIn>> {
        match self.auth.identify(&self.context, &self.proof()).await? {
            Who::Session(live, token, renewed) => {
                live.networks.admit(&fact(&self.context, "address"))?;
                Ok(Some(SignedIn { live, token, renewed }))
            }
            Who::Key(_) | Who::Nobody => Ok(None),
        }
    }

    /// Who calls; sessions and what belongs to a person are no business of keys. Somebody who has to do something first is
    /// refused here, too: the gateway asks before routes that need a session, and nobody else does.
    pub(crate) async fn signed_in(&self) -> Result<SignedIn> {
        match self.auth.identify(&self.context, &self.proof()).await? {
            Who::Session(live, token, renewed) => {
                live.networks.admit(&fact(&self.context, "address"))?;
                hold_back(&live, self.request.path())?;
                Ok(SignedIn { live, token, renewed })
            }
            Who::Key(_) => Err(Refusal::Forbidden.into()),
            Who::Nobody => Err(Refusal::Unauthorized.into()),
        }
    }

    /// The same, and nobody who acts as somebody else: credentials are the owner's alone.
    pub(crate) async fn owner(&self) -> Result<SignedIn> {
        let signed_in = self.signed_in().await?;
        if signed_in.live.session.impersonated_by.is_some() {
            return Err(Refusal::Forbidden.into());
        }
        Ok(signed_in)
    }

    /// Somebody who has a second factor and did not show it does not make another one in its place.
    pub(crate) async fn check_enrols(&self, me: &SignedIn) -> Result<()> {
        if me.live.restriction == Some(Refusal::MfaRequired)
            && self.auth.has_second_factor(&self.context, &me.live.user).await?
        {
            return Err(Refusal::MfaRequired.into());
        }
        Ok(())
    }
}

/// The request came over https, as the gateway says.
pub(crate) fn is_secure(context: &Context) -> bool {
    context.extra().get("secure") == Some(&serde_json::Value::Bool(true))
}

async fn answer<F, Fut>(call: Call, handler: F) -> objectos_plugin_api::Result<HttpResponse>
where
    F: FnOnce(Call) -> Fut,
    Fut: Future<Output = Result<Reply>>,
{
    let (auth, context) = (Arc::clone(&call.auth), call.context.clone());
    let route = format!("{} {}", call.request.method(), call.request.route());
    let admitted = call
        .auth
        .admit_address(&fact(&call.context, "address"))
        .and_then(|()| check_own_origin(&call.auth, &call.proof()));
    let answered = match admitted {
        Ok(()) => handler(call).await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(reply) => reply.into_response(),
        Err(error) => {
            if let Some(lacking) = error.lacking_right() {
                let origin = Origin::of(&context);
                auth.tell_refusal(&context, origin, (route.as_str(), None), lacking)
                    .await;
            }
            error.into_response()
        }
    }
}

macro_rules! routes {
    ($($handler:path: $($key:literal)|+,)+) => {
        /// Everything that is served here, as `plugin.json` has it.
        #[cfg(test)]
        pub(crate) const ROUTES: &[&str] = &[$($($key,)+)+];

        /// Registers all of them.
        pub(crate) fn register<P: Plugin>(registry: &mut Registry<P>, auth: &Arc<Auth>) {
            $($({
                let auth = Arc::clone(auth);
                registry.route($key, move |_, context, request| {
                    let call = Call { auth: Arc::clone(&auth), context, request };
                    answer(call, $handler)
                });
            })+)+
        }
    };
}

routes! {
    sign::up: "POST /api/v1/auth/sign-up/email" | "POST /api/v1/auth/register" | "POST /api/auth/register",
    sign::in_: "POST /api/v1/auth/sign-in/email" | "POST /api/v1/auth/login" | "POST /api/auth/login",
    sign::out: "POST /api/v1/auth/sign-out" | "POST /api/v1/auth/logout" | "POST /api/auth/logout",
    session::get: "GET /api/v1/auth/get-session" | "POST /api/v1/auth/get-session" | "GET /api/v1/auth/me"
        | "POST /api/v1/auth/refresh" | "GET /api/auth/me" | "GET /api/v1/auth/session",
    session::config: "GET /api/v1/auth/config",
    session::providers: "GET /api/v1/auth/providers",
    session::bootstrap_status: "GET /api/v1/auth/bootstrap-status",
    session::ok: "GET /api/v1/auth/ok",
    session::list: "GET /api/v1/auth/list-sessions",
    session::revoke: "POST /api/v1/auth/revoke-session",
    session::revoke_others: "POST /api/v1/auth/revoke-other-sessions",
    session::revoke_all: "POST /api/v1/auth/revoke-sessions",
    account::update_user: "POST /api/v1/auth/update-user",
    account::delete_user: "POST /api/v1/auth/delete-user",
    account::list: "GET /api/v1/auth/list-accounts",
    account::unlink: "POST /api/v1/auth/unlink-account",
    email::change: "POST /api/v1/auth/change-email",
    email::send_verification: "POST /api/v1/auth/send-verification-email",
    email::verify: "GET /api/v1/auth/verify-email",
    password::change: "POST /api/v1/auth/change-password",
    password::set_initial: "POST /api/v1/auth/set-initial-password" | "POST /api/v1/auth/set-password",
    password::request_reset: "POST /api/v1/auth/request-password-reset" | "POST /api/v1/auth/forget-password",
    password::reset_page: "GET /api/v1/auth/reset-password/{token}",
    password::reset: "POST /api/v1/auth/reset-password",
    password::verify: "POST /api/v1/auth/verify-password",
    magic::send: "POST /api/v1/auth/sign-in/magic-link" | "POST /api/v1/auth/magic-link/send",
    magic::verify: "GET /api/v1/auth/magic-link/verify",
    oauth::social: "POST /api/v1/auth/sign-in/social",
    oauth::generic: "POST /api/v1/auth/sign-in/oauth2",
    oauth::link: "POST /api/v1/auth/link-social" | "POST /api/v1/auth/oauth2/link",
    oauth::callback: "GET /api/v1/auth/oauth2/callback/{provider}" | "GET /api/v1/auth/callback/{provider}",
    two_factor::enable: "POST /api/v1/auth/two-factor/enable",
    two_factor::disable: "POST /api/v1/auth/two-factor/disable",
    two_factor::verify_totp: "POST /api/v1/auth/two-factor/verify-totp" | "POST /api/v1/auth/two-factor/verify",
    two_factor::verify_backup: "POST /api/v1/auth/two-factor/verify-backup-code",
    two_factor::generate_backup: "POST /api/v1/auth/two-factor/generate-backup-codes",
    two_factor::totp_uri: "POST /api/v1/auth/two-factor/get-totp-uri",
    passkey::register_options: "GET /api/v1/auth/passkey/generate-register-options",
    passkey::verify_registration: "POST /api/v1/auth/passkey/verify-registration",
    passkey::authenticate_options: "GET /api/v1/auth/passkey/generate-authenticate-options"
        | "POST /api/v1/auth/passkey/generate-authenticate-options",
    passkey::verify_authentication: "POST /api/v1/auth/passkey/verify-authentication",
    passkey::list: "GET /api/v1/auth/passkey/list-user-passkeys",
    passkey::delete: "POST /api/v1/auth/passkey/delete-passkey",
    passkey::update: "POST /api/v1/auth/passkey/update-passkey",
    api_key::create: "POST /api/v1/auth/api-key/create",
    api_key::list: "GET /api/v1/auth/api-key/list",
    api_key::update: "POST /api/v1/auth/api-key/update",
    api_key::delete: "POST /api/v1/auth/api-key/delete",
    organization::create: "POST /api/v1/auth/organization/create",
    organization::update: "POST /api/v1/auth/organization/update",
    organization::delete: "POST /api/v1/auth/organization/delete",
    organization::list: "GET /api/v1/auth/organization/list",
    organization::check_slug: "POST /api/v1/auth/organization/check-slug",
    organization::set_active: "POST /api/v1/auth/organization/set-active",
    organization::get_full: "GET /api/v1/auth/organization/get-full-organization",
    organization::members::list: "GET /api/v1/auth/organization/list-members",
    organization::members::remove: "POST /api/v1/auth/organization/remove-member",
    organization::members::update_role: "POST /api/v1/auth/organization/update-member-role",
    organization::members::active: "GET /api/v1/auth/organization/get-active-member",
    organization::members::active_role: "GET /api/v1/auth/organization/get-active-member-role",
    organization::members::leave: "POST /api/v1/auth/organization/leave",
    organization::members::has_permission: "POST /api/v1/auth/organization/has-permission",
    organization::invitations::invite: "POST /api/v1/auth/organization/invite-member",
    organization::invitations::accept: "POST /api/v1/auth/organization/accept-invitation",
    organization::invitations::reject: "POST /api/v1/auth/organization/reject-invitation",
    organization::invitations::cancel: "POST /api/v1/auth/organization/cancel-invitation",
    organization::invitations::get: "GET /api/v1/auth/organization/get-invitation",
    organization::invitations::list: "GET /api/v1/auth/organization/list-invitations",
    organization::invitations::of_user: "GET /api/v1/auth/organization/list-user-invitations",
    organization::teams::create: "POST /api/v1/auth/organization/create-team",
    organization::teams::update: "POST /api/v1/auth/organization/update-team",
    organization::teams::remove: "POST /api/v1/auth/organization/remove-team",
    organization::teams::list: "GET /api/v1/auth/organization/list-teams",
    organization::teams::set_active: "POST /api/v1/auth/organization/set-active-team",
    organization::teams::of_user: "GET /api/v1/auth/organization/list-user-teams",
    organization::teams::members: "GET /api/v1/auth/organization/list-team-members",
    organization::teams::add_member: "POST /api/v1/auth/organization/add-team-member",
    organization::teams::remove_member: "POST /api/v1/auth/organization/remove-team-member",
    scim::discovery::service_provider_config: "GET /api/v1/auth/scim/v2/ServiceProviderConfig",
    scim::discovery::resource_types: "GET /api/v1/auth/scim/v2/ResourceTypes",
    scim::discovery::resource_type: "GET /api/v1/auth/scim/v2/ResourceTypes/{id}",
    scim::discovery::schemas: "GET /api/v1/auth/scim/v2/Schemas",
    scim::discovery::schema: "GET /api/v1/auth/scim/v2/Schemas/{id}",
    scim::users::find: "GET /api/v1/auth/scim/v2/Users",
    scim::users::create: "POST /api/v1/auth/scim/v2/Users",
    scim::users::get: "GET /api/v1/auth/scim/v2/Users/{id}",
    scim::users::replace: "PUT /api/v1/auth/scim/v2/Users/{id}",
    scim::users::patch: "PATCH /api/v1/auth/scim/v2/Users/{id}",
    scim::users::delete: "DELETE /api/v1/auth/scim/v2/Users/{id}",
    scim::groups::find: "GET /api/v1/auth/scim/v2/Groups",
    scim::groups::create: "POST /api/v1/auth/scim/v2/Groups",
    scim::groups::get: "GET /api/v1/auth/scim/v2/Groups/{id}",
    scim::groups::replace: "PUT /api/v1/auth/scim/v2/Groups/{id}",
    scim::groups::patch: "PATCH /api/v1/auth/scim/v2/Groups/{id}",
    scim::groups::delete: "DELETE /api/v1/auth/scim/v2/Groups/{id}",
    admin::list_users: "GET /api/v1/auth/admin/list-users",
    admin::create_user: "POST /api/v1/auth/admin/create-user",
    admin::set_role: "POST /api/v1/auth/admin/set-role",
    admin::ban: "POST /api/v1/auth/admin/ban-user",
    admin::unban: "POST /api/v1/auth/admin/unban-user",
    admin::remove: "POST /api/v1/auth/admin/remove-user",
    admin::set_password: "POST /api/v1/auth/admin/set-user-password",
    admin::unlock: "POST /api/v1/auth/admin/unlock-user",
    admin::list_sessions: "POST /api/v1/auth/admin/list-user-sessions",
    admin::revoke_sessions: "POST /api/v1/auth/admin/revoke-user-sessions",
    admin::keys::list: "POST /api/v1/auth/admin/list-user-api-keys",
    admin::keys::revoke: "POST /api/v1/auth/admin/revoke-user-api-keys",
    admin::impersonate: "POST /api/v1/auth/admin/impersonate-user",
    admin::stop_impersonating: "POST /api/v1/auth/admin/stop-impersonating",
}

#[cfg(test)]
mod tests {
    use super::ROUTES;
    use serde_json::Value;

    #[test]
    fn the_manifest_has_every_route_and_no_other() {
        let manifest: Value = serde_json::from_str(include_str!("../plugin.json")).unwrap();
        let mut declared: Vec<String> = manifest["objectos"]["routes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|route| {
                format!(
                    "{} {}",
                    route["method"].as_str().unwrap(),
                    route["path"].as_str().unwrap()
                )
            })
            .collect();
        let mut served: Vec<&str> = ROUTES.to_vec();
        declared.sort_unstable();
        served.sort_unstable();
        assert_eq!(declared, served);
    }
}
