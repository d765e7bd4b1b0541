//! One change of saved metadata: nobody else changes any meanwhile, here or on another host, and it is made on what is stored
//! at that time.

use objectos_plugin_api::Context;
use serde_json::Value;

use super::definition::{check_name, checked, package, source_file};
use super::keep::Operation;
use super::{PACKAGE, RuntimeMetadata, Saved, State, Terms, refuse};
use crate::error::Result;
use crate::metadata::Kind;
use crate::schema::SchemaStep;

/// Name of the lock among hosts.
pub(crate) const LOCK: &str = "metadata";

/// Kind and name of an item.
pub(super) type Target<'a> = (&'static Kind, &'a str);

impl RuntimeMetadata {
    /// Saves an item.
    pub(super) async fn put(
        &self,
        context: &Context,
        target: Target<'_>,
        definition: Value,
        terms: &Terms,
        operation: Operation,
    ) -> Result<Saved> {
        let (kind, name) = target;
        check_name(kind.name, name)?;
        let definition = checked(kind.name, name, definition)?;
        let mut state = self.state.lock().await;
        let lock = self.engine.store().lock(LOCK).await?;
        let saved = self
            .put_alone(&mut state, context, target, &definition, terms, operation)
            .await;
        lock.release().await;
        let saved = saved?;
        if saved.changed {
            self.tell(context, kind, name, operation, saved.number).await;
        }
        Ok(saved)
    }

    async fn put_alone(
        &self,
        state: &mut State,
        context: &Context,
        (kind, name): Target<'_>,
        definition: &Value,
        terms: &Terms,
        operation: Operation,
    ) -> Result<Saved> {
        self.catch_up(state).await?;
        self.check_ownership(kind.name, name)?;
        let last = self.last_number(kind.name, name).await?;
        self.check_expected(kind.name, name, last, terms)?;
        let file = source_file(kind.name, name, definition, self.engine.parts().clock.now_ms())?;
        let key = (kind.name, name.to_owned());
        if state.items.get(&key).is_some_and(|known| known.text == file.text) {
            return Ok(Saved {
                number: last,
                changed: false,
                steps: Vec::new(),
            });
        }
        let mut items = state.items.clone();
        items.insert(key, file);
        let change = self
            .read(&items)
            .map_err(|problems| refuse::wrong(kind.name, name, &problems))?;
        let table = (kind.name == "object")
            .then(|| change.catalogue.object(name).map(|object| object.table.clone()))
            .flatten();
        let steps = self.lacking(&change, table.as_deref(), terms.lose_data).await?;
        let number = last + 1;
        let kept = self
            .keep(
                state,
                context,
                (kind.name, name, number),
                Some((definition, steps.as_slice())),
                operation,
            )
            .await;
        if let Err(error) = kept {
            // It may be stored all the same, if only the answer was lost: then the tables are other ones now.
            if let Err(unread) = self.catch_up(state).await {
                tracing::warn!("whether a change of metadata was stored is not known: {unread}");
            }
            return Err(error);
        }
        self.library.accept_with(&change, package(&items));
        state.items = items;
        Ok(Saved {
            number,
            changed: true,
            steps: steps.iter().map(ToString::to_string).collect(),
        })
    }

    /// Takes an item away.
    pub(super) async fn take_away(&self, context: &Context, target: Target<'_>, terms: &Terms) -> Result<()> {
        let (kind, name) = target;
        let mut state = self.state.lock().await;
        let lock = self.engine.store().lock(LOCK).await?;
        let taken = self.take_away_alone(&mut state, context, target, terms).await;
        lock.release().await;
        self.tell(context, kind, name, Operation::Delete, taken?).await;
        Ok(())
    }

    async fn take_away_alone(
        &self,
        state: &mut State,
        context: &Context,
        (kind, name): Target<'_>,
        terms: &Terms,
    ) -> Result<u64> {
        self.catch_up(state).await?;
        self.check_ownership(kind.name, name)?;
        let mut items = state.items.clone();
        if items.remove(&(kind.name, name.to_owned())).is_none() {
            return Err(refuse::no_item(kind.name, name));
        }
        let last = self.last_number(kind.name, name).await?;
        self.check_expected(kind.name, name, last, terms)?;
        let change = self
            .read(&items)
            .map_err(|problems| refuse::in_use(kind.name, name, &problems))?;
        let number = last + 1;
        self.keep(state, context, (kind.name, name, number), None, Operation::Delete)
            .await?;
        self.library.accept_with(&change, package(&items));
        state.items = items;
        Ok(number)
    }

    /// Stores a change: the definition and what the database lacks for it, in one transaction. If the caller goes away
    /// meanwhile, nobody knows whether it was stored, and the next one looks.
    async fn keep(
        &self,
        state: &mut State,
        context: &Context,
        version: (&str, &str, u64),
        definition: Option<(&Value, &[SchemaStep])>,
        operation: Operation,
    ) -> Result<()> {
        let seen = state.seen.take();
        self.store(context, version, definition, operation).await?;
        // Each change stores one version, and there was no other change.
        state.seen = seen.map(|seen| seen + 1);
        Ok(())
    }

    /// What an app or plugin declares is changed in its files.
    fn check_ownership(&self, kind: &'static str, name: &str) -> Result<()> {
        let catalogue = self.library.catalogue();
        match catalogue.metadata().get(kind, name) {
            Some(entry) if entry.package != PACKAGE => Err(refuse::owned(kind, name, &entry.package, &entry.file)),
            _ => Ok(()),
        }
    }

    /// Whether the item is what the caller saw, or not there if it saw none.
    fn check_expected(&self, kind: &'static str, name: &str, last: u64, terms: &Terms) -> Result<()> {
        let catalogue = self.library.catalogue();
        let current = catalogue.metadata().get(kind, name);
        if terms.absent && current.is_some() {
            return Err(refuse::there(kind, name));
        }
        if terms.expected.is_empty() {
            return Ok(());
        }
        let number = last.to_string();
        let same = |etag: &str, tag: &String| {
            let bare = tag.trim_matches('"');
            tag == "*" || tag == etag || bare == number
        };
        match current {
            Some(entry) if terms.expected.iter().any(|tag| same(&entry.rendered().etag, tag)) => Ok(()),
            Some(_) => Err(refuse::stale(kind, name, Some(last))),
            None => Err(refuse::stale(kind, name, None)),
        }
    }
}
