//! What ends what is in memory: records that change, here (by hooks, before the change is acknowledged) and on another node
//! that shares the database (by an event, a moment after it was committed there).

use objectos_plugin_api::contracts::{
    events::{ChangedElsewhere, ChangedRecord, RecordChange},
    hooks::RecordHook,
};
use serde_json::{Map, Value};

use crate::{auth::Auth, lock::BLOCKED};

/// Objects whose changes may end what is in memory, whoever makes them.
pub(crate) const WATCHED: [&str; 8] = [
    "sys_user",
    "sys_session",
    "sys_member",
    "sys_team",
    "sys_team_member",
    "sys_api_key",
    "sys_organization",
    BLOCKED,
];
/// Those of them that end something when they are made: a user, a session, a key, a team and an organisation that are new are in
/// nobody's memory.
pub(crate) const MADE: [&str; 3] = ["sys_member", "sys_team_member", BLOCKED];
/// Fields of a session of which nothing in memory is made that would have to go.
const UNIMPORTANT: [&str; 4] = ["last_seen_at", "expires_at", "updated_at", "updated_by"];

impl Auth {
    /// A record was changed, by whomever: what was made of it is forgotten.
    pub(crate) async fn changed(&self, hook: &RecordHook) {
        let field = |name: &str| {
            let of = |record: &Map<String, Value>| record.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
            hook.previous.as_ref().and_then(of).or_else(|| of(&hook.record))
        };
        match hook.object.as_str() {
            "sys_user" => self.forget_user(&hook.id),
            // One that is told to be in use is the same.
            "sys_session" if hook.previous.is_some() => {
                let only_used = hook.record.keys().all(|name| UNIMPORTANT.contains(&name.as_str()));
                if !only_used || hook.record.is_empty() {
                    self.sessions.forget_id(&hook.id);
                }
            }
            "sys_member" | "sys_team_member" => {
                if let Some(user) = field("user_id") {
                    self.forget_user(&user);
                }
            }
            "sys_api_key" => self.keys.forget_id(&hook.id),
            // What its members had there they have no more.
            "sys_team" if hook.previous.is_some() => self.sessions.forget_all(),
            "sys_organization" if hook.record.is_empty() => self.forget_all(),
            BLOCKED => self.read_blocks_again().await,
            _ => {}
        }
    }

    /// Another node changed records, or may have.
    pub(crate) async fn changed_elsewhere(&self, changed: &ChangedElsewhere) {
        if changed.missed {
            self.forget_all();
            self.read_blocks_again().await;
            return;
        }
        for ChangedRecord { object, id, change } in &changed.records {
            match (object.as_str(), id, change) {
                // What was just made is in nobody's memory.
                ("sys_user" | "sys_session" | "sys_api_key" | "sys_team", Some(_), Some(RecordChange::Created)) => {}
                ("sys_team" | "sys_team_member", ..) => self.sessions.forget_all(),
                ("sys_user", Some(id), _) => self.forget_user(id),
                ("sys_session", Some(id), _) => self.sessions.forget_id(id),
                ("sys_api_key", Some(id), _) => self.keys.forget_id(id),
                (BLOCKED, ..) => self.read_blocks_again().await,
                // Whose membership it was is not said.
                (object, ..) if WATCHED.contains(&object) => self.forget_all(),
                _ => {}
            }
        }
    }

    /// What is in memory of a user is asked for again.
    pub(crate) fn forget_user(&self, user: &str) {
        self.keys.forget_user(user);
        self.sessions.forget_user(user);
    }

    fn forget_all(&self) {
        self.keys.forget_all();
        self.sessions.forget_all();
    }
}
