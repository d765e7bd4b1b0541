//! Policies for some profiles. A profile is what a policy names in `assignedProfiles`: a permission set or a role. Somebody holds
//! what they hold in any organisation they are a member of, the active one or not: so no change of the active organisation goes
//! round a policy.

use objectos_plugin_api::Context;
use serde_json::json;
use std::{collections::HashSet, iter, sync::Arc};

use super::Rules;
use crate::{
    auth::Auth,
    error::Result,
    records::kinds::{Member, User},
    sessions::load::person,
};

impl Auth {
    /// What is demanded of a user.
    ///
    /// # Errors
    /// Those of the store and of the service `permissions`, where some policies are for some profiles: then nobody is let in
    /// for whom they may be.
    pub(crate) async fn rules_for(&self, context: &Context, user: &User) -> Result<Arc<Rules>> {
        let rules = self.rules();
        if !rules.are_for_some() {
            return Ok(rules);
        }
        let profiles = self.profiles_of(context, user).await?;
        Ok(Arc::new(rules.held_by(&profiles)?))
    }

    /// Roles, as they are and as names without a colon, and permission sets.
    async fn profiles_of(&self, context: &Context, user: &User) -> Result<HashSet<String>> {
        let members: Vec<Member> = self.records.find(context, json!({ "user_id": user.id })).await?;
        let mut profiles = HashSet::new();
        for member in iter::once(None).chain(members.iter().map(Some)) {
            let person = person(user, member);
            profiles.extend(self.permission_sets(&context.with_principal(&person)).await?);
            profiles.extend(person.roles.iter().map(|role| role.replace(':', "_")));
            profiles.extend(person.roles);
        }
        Ok(profiles)
    }
}
