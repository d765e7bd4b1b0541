//! Metadata that is saved while the system runs: checked with everything else there is, planned against the database as a change
//! of an app would be, kept as records, and in use the moment it is acknowledged. It survives a restart.
//!
//! What an app or plugin declares stays theirs: its files are the one place where it is changed. What another host on the same
//! database saved is found by looking (`follow`). Called by the routes (`routes_meta`) and by the plugin.

mod change;
mod definition;
mod diagnose;
mod fit;
mod follow;
mod keep;
mod migrate;
mod refuse;
mod stored;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::grants::ObjectAction;
use serde_json::{Value, json};
use tokio::sync::Mutex;

pub(crate) use self::change::LOCK as METADATA_LOCK;
use self::keep::Operation;
pub(crate) use self::stored::Stored;
use crate::app::{Library, SourceFile};
use crate::engine::Engine;
use crate::error::Result;
use crate::metadata::{Kind, kind_of_name};
use crate::store::BoxFuture;

/// Id of the package that saved items belong to.
pub const PACKAGE: &str = "objectos.runtime";

/// Is told of changed metadata.
pub trait MetadataSignal: Send + Sync + fmt::Debug + 'static {
    /// Metadata of a kind changed; the catalogue has this version now.
    fn changed<'a>(&'a self, context: &'a Context, change: MetadataChange<'a>) -> BoxFuture<'a, ()>;

    /// What another host changed, of these kinds, is in use here; the catalogue has this version now. Whoever made the change
    /// was told of it there.
    fn followed<'a>(&'a self, kinds: &'a [&'static str], catalogue: u64) -> BoxFuture<'a, ()>;
}

/// What changed.
#[derive(Clone, Copy, Debug)]
pub struct MetadataChange<'a> {
    /// Kind in the singular.
    pub kind: &'static str,
    /// Name of the item.
    pub name: &'a str,
    /// `save`, `delete` or `rollback`.
    pub operation: &'static str,
    /// Version of the item.
    pub number: u64,
    /// Version of the catalogue.
    pub catalogue: u64,
}

/// Saves, deletes and brings back metadata.
#[derive(Debug)]
pub struct RuntimeMetadata {
    library: Arc<Library>,
    engine: Arc<Engine>,
    signal: Arc<dyn MetadataSignal>,
    /// Held while something changes: one change at a time.
    state: Arc<Mutex<State>>,
}

type Items = BTreeMap<(&'static str, String), SourceFile>;

/// What of all that is stored is in use.
#[derive(Debug, Default)]
pub struct State {
    /// By kind and name.
    items: Items,
    /// Versions that were stored when this was read; none when more may be stored than was read.
    seen: Option<i64>,
}

/// On which terms an item is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Do also to the database what loses data.
    pub lose_data: bool,
    /// Only if the item is one of these: its entity tag or the number of its version, or `*` for whatever there is.
    pub expected: Vec<String>,
    /// Only if there is no such item.
    pub absent: bool,
}

/// What became of a saved item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Version of the item; it counts from 1.
    pub number: u64,
    /// False when it was the same already.
    pub changed: bool,
    /// What was done to the database.
    pub steps: Vec<String>,
}

impl RuntimeMetadata {
    /// Over a library and the engine that serves its objects.
    #[must_use]
    pub fn new(library: Arc<Library>, engine: Arc<Engine>, signal: Arc<dyn MetadataSignal>) -> Self {
        Self {
            library,
            engine,
            signal,
            state: Arc::default(),
        }
    }

    /// Keeps others from changing the catalogue for as long as the answer is held.
    pub async fn alone(&self) -> tokio::sync::OwnedMutexGuard<State> {
        Arc::clone(&self.state).lock_owned().await
    }

    /// Saves an item: new, or in the place of one that was saved before.
    ///
    /// # Errors
    /// Refusals of the caller; a conflict for what an app declares, for an item that is not what was expected, and for a
    /// change that would lose data, with the plan; all problems of the definition.
    pub async fn save(
        &self,
        context: &Context,
        kind: &str,
        name: &str,
        definition: Value,
        terms: &Terms,
    ) -> Result<Saved> {
        let kind = known_kind(kind)?;
        self.authorise_change(context, kind, name).await?;
        self.put(context, (kind, name), definition, terms, Operation::Save)
            .await
    }

    /// Saves again what an item was.
    ///
    /// # Errors
    /// As [`RuntimeMetadata::save`]; `NotFound` for a version that there is not.
    pub async fn roll_back(
        &self,
        context: &Context,
        kind: &str,
        name: &str,
        number: u64,
        terms: &Terms,
    ) -> Result<Saved> {
        let kind = known_kind(kind)?;
        self.authorise_change(context, kind, name).await?;
        let version = self.version_row(kind.name, name, number).await?;
        let Some(definition) = version.and_then(|mut version| version.remove("definition")) else {
            return Err(refuse::no_version(kind.name, name, number));
        };
        if definition.is_null() {
            return Err(refuse::no_version(kind.name, name, number));
        }
        self.put(context, (kind, name), definition, terms, Operation::Rollback)
            .await
    }

    /// Takes an item away. The table of an object stays, with its rows, until an operator removes it.
    ///
    /// # Errors
    /// `NotFound`; a conflict for what an app declares, for an item that is not what was expected, and for what others build
    /// on.
    pub async fn delete(&self, context: &Context, kind: &str, name: &str, terms: &Terms) -> Result<()> {
        let kind = known_kind(kind)?;
        self.authorise_change(context, kind, name).await?;
        self.take_away(context, (kind, name), terms).await
    }

    /// The versions of an item, latest first: `{type, name, versions: [{version, operation, changedBy, changedAt}]}`.
    ///
    /// # Errors
    /// Refusals of the caller; `NotFound` for an item that was never saved.
    pub async fn history(&self, context: &Context, kind: &str, name: &str) -> Result<Value> {
        let kind = known_kind(kind)?;
        self.authorise(context, kind).await?;
        let rows = self.version_rows(kind.name, name).await?;
        if rows.is_empty() {
            return Err(refuse::no_item(kind.name, name));
        }
        let versions: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "version": row.get("number"),
                    "operation": row.get("operation"),
                    "changedBy": row.get("created_by"),
                    "changedAt": row.get("created_at"),
                })
            })
            .collect();
        Ok(json!({ "type": kind.name, "name": name, "versions": versions, "total": versions.len() }))
    }

    /// What an item was: `{type, name, version, operation, definition, changedBy, changedAt}`.
    ///
    /// # Errors
    /// Refusals of the caller; `NotFound` for a version that there is not.
    pub async fn version(&self, context: &Context, kind: &str, name: &str, number: u64) -> Result<Value> {
        let kind = known_kind(kind)?;
        self.authorise(context, kind).await?;
        let row = self
            .version_row(kind.name, name, number)
            .await?
            .ok_or_else(|| refuse::no_version(kind.name, name, number))?;
        Ok(json!({
            "type": kind.name,
            "name": name,
            "version": number,
            "operation": row.get("operation"),
            "definition": row.get("definition"),
            "changedBy": row.get("created_by"),
            "changedAt": row.get("created_at"),
        }))
    }

    /// Whether the caller may change metadata. Whoever grants rights needs to hold more; and as what metadata grants may be any
    /// system permission, in every organisation, they need to hold all of it.
    async fn authorise(&self, context: &Context, kind: &Kind) -> Result<()> {
        let mut needed = vec!["customize_metadata"];
        if matches!(kind.name, "permission" | "role" | "sharing" | "policy" | "territory") {
            needed.extend(["manage_permissions", "manage_platform"]);
        }
        for permission in needed {
            if !self.engine.parts().permissions.holds(context, permission).await? {
                return Err(refuse::not_allowed(permission));
            }
        }
        Ok(())
    }

    /// The same for a change, which the calling plugin has to be allowed as well where it is one of an object.
    async fn authorise_change(&self, context: &Context, kind: &Kind, name: &str) -> Result<()> {
        if kind.name == "object" {
            let permissions = &self.engine.parts().permissions;
            permissions.lets_plugin(context, name, ObjectAction::Manage)?;
        }
        self.authorise(context, kind).await
    }

    /// Whether the caller may see what is behind the items.
    async fn authorise_reading(&self, context: &Context) -> Result<()> {
        let needed = "customize_metadata";
        if self.engine.parts().permissions.holds(context, needed).await? {
            return Ok(());
        }
        Err(refuse::not_allowed(needed))
    }

    async fn tell(&self, context: &Context, kind: &'static Kind, name: &str, operation: Operation, number: u64) {
        let change = MetadataChange {
            kind: kind.name,
            name,
            operation: operation.name(),
            number,
            catalogue: self.library.catalogue().version(),
        };
        self.signal.changed(context, change).await;
    }
}

fn known_kind(kind: &str) -> Result<&'static Kind> {
    kind_of_name(kind)
        .filter(|kind| kind.name != "package")
        .ok_or_else(|| refuse::no_kind(kind))
}
