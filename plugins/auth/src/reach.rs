//! Whom somebody who manages users may manage. With `manage_platform` that is everybody, else the members of the organisation
//! they work in; where there are no organisations at all, everybody. And what was done beyond that stays as it is: whom the
//! platform disabled no organisation brings back. Not here: that nobody becomes more than they are that way (`powers`).

use objectos_plugin_api::Context;
use serde_json::{Value, json};

use crate::{
    auth::Auth,
    error::{AuthError, Refusal, Result},
    records::{
        PAGE,
        kinds::{Member, Organization, User},
    },
    sessions::load::is_banned,
};

/// Who is within reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Every user there is.
    Everybody,
    /// The members of this organisation.
    Members(String),
}

impl Reach {
    /// The organisation into which users come that are made here.
    pub(crate) fn organization(&self) -> Option<String> {
        match self {
            Self::Everybody => None,
            Self::Members(organization) => Some(organization.clone()),
        }
    }

    /// The version of a user on which it is based when they are disabled or brought back: what an organisation does takes no
    /// place of what the platform did since they were read.
    pub(crate) fn based_on<'a>(&self, user: &'a User) -> Option<&'a str> {
        match self {
            Self::Everybody => None,
            Self::Members(_) => Some(user.updated_at.as_str()),
        }
    }
}

impl Auth {
    /// How far whoever calls reaches; that they manage users at all was asked before.
    ///
    /// # Errors
    /// `NoActiveOrganization` for somebody who works in none while there are some.
    pub(crate) async fn reach(&self, context: &Context) -> Result<Reach> {
        if self.holds(context, "manage_platform").await? {
            return Ok(Reach::Everybody);
        }
        if !context.tenant().is_empty() {
            return Ok(Reach::Members(context.tenant().to_owned()));
        }
        let any: Vec<Organization> = self
            .records
            .query(context, json!({ "limit": 1, "count": false }))
            .await?;
        if any.is_empty() {
            Ok(Reach::Everybody)
        } else {
            Err(Refusal::NoActiveOrganization.into())
        }
    }

    /// Whether whoever reaches so far is believed what address somebody has: an installation's own directory is, that of an
    /// organisation for the domains that the operator says are its own.
    pub(crate) fn vouches(&self, reach: &Reach, email: &str) -> bool {
        let Reach::Members(organization) = reach else {
            return true;
        };
        let domain = email.rsplit('@').next().unwrap_or_default();
        let trusted = self.config.scim.trusted_domains.get(organization);
        trusted.is_some_and(|domains| domains.iter().any(|known| known.eq_ignore_ascii_case(domain)))
    }

    /// A user within reach. One beyond it answers as one that does not exist.
    pub(crate) async fn within(&self, context: &Context, reach: &Reach, id: &str) -> Result<User> {
        if !self.reaches(context, reach, id).await? {
            return Err(Refusal::UserNotFound.into());
        }
        let found: Option<User> = self.records.get(context, id).await?;
        found.ok_or_else(|| Refusal::UserNotFound.into())
    }

    /// Whether a user, by their id, is within reach.
    pub(crate) async fn reaches(&self, context: &Context, reach: &Reach, id: &str) -> Result<bool> {
        let Reach::Members(organization) = reach else {
            return Ok(true);
        };
        let place = json!({ "organization_id": organization, "user_id": id });
        Ok(self.records.find_one::<Member>(context, place).await?.is_some())
    }

    /// Refuses to get at an account that is a member of another organisation, too: what is done to it would be done there.
    pub(crate) async fn check_own(&self, context: &Context, reach: &Reach, user: &User) -> Result<()> {
        match self.shared(context, reach, user).await? {
            None => Ok(()),
            Some(_) => Err(AuthError::explained(
                Refusal::Forbidden,
                "The user is a member of another organization, too",
            )),
        }
    }

    /// The organisation that is reached, when a user is a member of another one, too: then no more is done to them than what
    /// concerns that one. `None`: whoever reaches so far has the only say.
    pub(crate) async fn shared(&self, context: &Context, reach: &Reach, user: &User) -> Result<Option<String>> {
        let Reach::Members(organization) = reach else {
            return Ok(None);
        };
        let places: Vec<Member> = self.records.find(context, json!({ "user_id": user.id })).await?;
        let elsewhere = places.iter().any(|place| place.organization_id != *organization);
        Ok(elsewhere.then(|| organization.clone()))
    }

    /// Whether somebody beyond this reach disabled a user: the platform, an alarm, or another organisation. Who did is written
    /// down with it (`banned_in`: an organisation, or nothing for the platform).
    pub(crate) fn banned_beyond(&self, reach: &Reach, user: &User) -> bool {
        let Reach::Members(organization) = reach else {
            return false;
        };
        is_banned(user, self.now_ms()) && user.banned_in.as_ref() != Some(organization)
    }

    /// Refuses to bring somebody back, to say anew how long they are out and why, or to have their account or its address gone,
    /// with which they could come anew, whom somebody beyond this reach disabled.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(crate) fn check_ban(&self, reach: &Reach, user: &User) -> Result<()> {
        if self.banned_beyond(reach, user) {
            return Err(AuthError::explained(
                Refusal::Forbidden,
                "The user was disabled by the platform",
            ));
        }
        Ok(())
    }

    /// The users within reach that match, a page of them, and how many there are.
    pub(crate) async fn users(
        &self,
        context: &Context,
        reach: &Reach,
        filter: Value,
        offset: u64,
        limit: u64,
    ) -> Result<(Vec<User>, u64)> {
        let Reach::Members(organization) = reach else {
            return self.records.page(context, filter, offset, limit).await;
        };
        let mut users = Vec::new();
        let mut read = 0;
        loop {
            let query = json!({
                "where": { "organization_id": organization }, "limit": PAGE, "offset": read, "count": false,
                "orderBy": [{ "field": "created_at", "order": "asc" }, { "field": "id", "order": "asc" }],
            });
            let members: Vec<Member> = self.records.query(context, query).await?;
            let ids: Vec<&str> = members.iter().map(|member| member.user_id.as_str()).collect();
            if !ids.is_empty() {
                let matching = json!({ "$and": [filter, { "id": { "$in": ids } }] });
                users.extend(self.records.find::<User>(context, matching).await?);
            }
            read += members.len();
            if members.len() < PAGE {
                break;
            }
        }
        let bound = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let total = u64::try_from(users.len()).unwrap_or(u64::MAX);
        let page = users.into_iter().skip(bound(offset)).take(bound(limit));
        Ok((page.collect(), total))
    }
}
