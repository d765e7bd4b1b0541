//! What is stored comes into use: all of it at the start, later what another host on the same database saved, took away or
//! brought back.
//!
//! Every change stores one version, so their number tells whether there is something new: one small statement for each look.

use super::definition::package;
use super::{Items, PACKAGE, RuntimeMetadata, State};
use crate::app::CatalogueChange;
use crate::error::{DataError, Result};
use crate::store::Statement;

use super::keep::VERSIONS;

impl RuntimeMetadata {
    /// Puts everything that was saved into use. An item that does not go together with the apps any more is left out and told
    /// of; it keeps nothing from starting.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        self.read_stored(&mut state).await.map(drop)
    }

    /// Looks whether more is stored than is in use, and puts it into use.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn follow(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        self.catch_up(&mut state).await
    }

    pub(super) async fn catch_up(&self, state: &mut State) -> Result<()> {
        // Where nobody else writes, nothing is stored that this host did not store.
        if state.seen.is_some() && !self.engine.store().shared() {
            return Ok(());
        }
        if let Some(change) = self.read_stored(state).await? {
            tracing::info!(
                added = change.added.len(),
                changed = change.changed.len(),
                removed = change.removed.len(),
                "metadata that another host changed is in use"
            );
            self.signal.followed(&change.kinds(), change.catalogue.version()).await;
        }
        Ok(())
    }

    /// Puts what is stored into use, if it is anything else than what is.
    async fn read_stored(&self, state: &mut State) -> Result<Option<CatalogueChange>> {
        // Looked at first: what is stored while the items are read is read again.
        let seen = self.versions_stored().await?;
        if state.seen == Some(seen) {
            return Ok(None);
        }
        let wanted = self.not_declared(self.read_kept().await?);
        if same(&wanted, &state.items) {
            state.seen = Some(seen);
            return Ok(None);
        }
        let (items, change) = match self.prepare(&wanted).await {
            Ok(change) => (wanted, Some(change)),
            Err(reason) => {
                tracing::error!(
                    "what was saved does not go together any more ({reason}); each item is tried by itself"
                );
                self.prepare_each(wanted).await?
            }
        };
        if let Some(change) = &change {
            self.library.accept_with(change, package(&items));
        }
        *state = State {
            items,
            seen: Some(seen),
        };
        Ok(change)
    }

    /// Without what an app or plugin has taken over.
    fn not_declared(&self, kept: Items) -> Items {
        let catalogue = self.library.catalogue();
        let declared = |kind: &str, name: &str| match catalogue.metadata().get(kind, name) {
            Some(entry) if entry.package != PACKAGE => {
                tracing::error!(
                    "the saved {kind} '{name}' is left out: '{}' declares it in {}",
                    entry.package,
                    entry.file
                );
                true
            }
            _ => false,
        };
        kept.into_iter()
            .filter(|((kind, name), _)| !declared(kind, name))
            .collect()
    }

    /// As many of them as go together, one after the other.
    async fn prepare_each(&self, wanted: Items) -> Result<(Items, Option<CatalogueChange>)> {
        let mut items = Items::new();
        let mut change = self.prepare(&items).await.ok();
        for (key, file) in wanted {
            let mut more = items.clone();
            more.insert(key.clone(), file);
            match self.prepare(&more).await {
                Ok(with) => (items, change) = (more, Some(with)),
                Err(
                    reason @ (DataError::StoreClosed
                    | DataError::NoConnection { .. }
                    | DataError::Database { .. }
                    | DataError::Locked { .. }),
                ) => {
                    return Err(reason);
                }
                Err(reason) => tracing::error!("the saved {} '{}' is left out: {reason}", key.0, key.1),
            }
        }
        Ok((items, change))
    }

    async fn versions_stored(&self) -> Result<i64> {
        let store = self.engine.store();
        let catalogue = self.library.catalogue();
        let versions = catalogue
            .object(VERSIONS)
            .ok_or_else(|| DataError::internal("the object of the versions of metadata is not declared"))?;
        let mut sql = "SELECT COUNT(*) FROM ".to_owned();
        store.dialect().name(&mut sql, &versions.table);
        let mut count = 0;
        let mut reader = store.reader().await?;
        reader
            .read(&Statement::new(sql, Vec::new()), &mut |row| {
                count = row.cell(0).as_integer().unwrap_or_default();
            })
            .await?;
        Ok(count)
    }
}

fn same(left: &Items, right: &Items) -> bool {
    let texts = |items: &Items| -> Vec<(&'static str, String, String)> {
        items
            .iter()
            .map(|((kind, name), file)| (*kind, name.clone(), file.text.clone()))
            .collect()
    };
    left.len() == right.len() && texts(left) == texts(right)
}
