//! One state of the database for all statements of a read: a total fits its page, a parent is as old as its child, and what was
//! computed first as what it is joined with.
//!
//! A read that is one statement needs none and has none: no transaction goes around it. One that is known to take several holds
//! a connection of each database that it looks into before the first of them, and each of these databases is seen as it is at
//! the first statement there; of two databases the states may be of two moments. Writes hold nothing: what they plan by is
//! looked at again in their transaction.
//!
//! Reads that hold connections never have all of a database: a quarter of them stays free for reads of one statement (where there
//! is more than one). Who holds one has a right to it, and waits for that before any connection, as long as for one.
//!
//! No read that holds connections waits for a further one, or for a right, so that however many there are, none waits for another
//! in a circle. For that everything else is asked beforehand: what the caller may see of every object that the query leads to,
//! which plugins may have to be asked for, who read in their turn. Handlers run when nothing is held any more. Called by `find`,
//! and by what reads for it: `expand`, `evaluate`, `near`, `rate`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::Engine;
use super::access::{Granted, touched};
use super::caller::Caller;
use super::find::Search;
use super::near::looks_near;
use super::paths::expanded;
use crate::error::{DataError, Result};
use crate::query::{QueryInput, SearchInput};
use crate::record::{Layout, Schema};
use crate::store::{DEFAULT_DATASOURCE, HoldRight, Reader, Store};

/// What one read holds.
#[derive(Default)]
pub(super) struct Snapshot(Mutex<Held>);

#[derive(Default)]
struct Held {
    /// Connections, by the names of the databases.
    readers: BTreeMap<String, HeldReader>,
    /// By the names of objects what the caller may see of them; `None` is nothing.
    known: BTreeMap<String, Option<Granted>>,
}

/// A connection that is held.
struct HeldReader {
    /// Used one statement after the other.
    reader: Arc<AsyncMutex<Box<dyn Reader>>>,
    // Dropped after the connection went back: whoever has it next finds one.
    _right: HoldRight,
}

impl HeldReader {
    fn reader(&self) -> Arc<AsyncMutex<Box<dyn Reader>>> {
        Arc::clone(&self.reader)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.lock().readers.keys()).finish()
    }
}

impl Snapshot {
    fn holds(&self) -> bool {
        !self.0.lock().readers.is_empty()
    }

    fn known(&self, object: &str) -> Option<Option<Granted>> {
        self.0.lock().known.get(object).cloned()
    }

    fn learn(&self, object: &str, granted: Option<Granted>) {
        self.0.lock().known.insert(object.to_owned(), granted);
    }

    /// Lets go of all connections, and waits until their transactions have ended.
    pub(super) async fn end(&self) {
        let readers = std::mem::take(&mut self.0.lock().readers);
        for held in readers.into_values() {
            // One that is still in use lets go when it is dropped.
            if let Ok(mut reader) = held.reader.try_lock() {
                reader.release().await;
            }
        }
    }

    /// Lets go of all connections at once; whether there were any.
    pub(super) fn lets_go(&self) -> bool {
        let readers = std::mem::take(&mut self.0.lock().readers);
        !readers.is_empty()
    }
}

/// A connection for one statement.
pub(super) enum Lent {
    /// Of this statement alone.
    Own(Box<dyn Reader>),
    /// Held by the read.
    Held(OwnedMutexGuard<Box<dyn Reader>>),
}

impl Deref for Lent {
    type Target = dyn Reader;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Own(reader) => reader.as_ref(),
            Self::Held(reader) => reader.as_ref(),
        }
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Own(reader) => reader.as_mut(),
            Self::Held(reader) => reader.as_mut(),
        }
    }
}

impl Engine {
    /// A connection for what a caller reads: the one that the read holds, or any.
    ///
    /// # Errors
    /// Those of [`Store::reader`] and [`Reader::hold`].
    pub(super) async fn reader_of(&self, layout: &Layout, caller: &Caller<'_>) -> Result<Lent> {
        let datasource = self.datasource_of(layout);
        let Some(snapshot) = caller.snapshot.as_ref().filter(|snapshot| snapshot.holds()) else {
            return Ok(Lent::Own(self.connect(datasource, caller).await?));
        };
        let held = snapshot.0.lock().readers.get(datasource).map(HeldReader::reader);
        let held = held.ok_or_else(|| {
            // To wait for one now could be to wait for ever.
            DataError::internal(format!("a read looks into '{datasource}' and holds nothing of it"))
        })?;
        let used = |_| DataError::internal("a read runs two statements at once on one connection");
        let mut reader = held.try_lock_owned().map_err(used)?;
        reader.hold().await?;
        Ok(Lent::Held(reader))
    }

    /// Holds one state of the object's database for what comes. Whether that begins here: what was read before may be of another.
    ///
    /// # Errors
    /// Those of [`Store::hold_right`] and [`Store::reader`].
    pub(super) async fn hold(&self, search: &Search<'_>) -> Result<bool> {
        let own = BTreeSet::from([self.datasource_of(search.layout)]);
        self.hold_all(search.caller, own).await
    }

    /// Each read takes its rights in the order of the names and then its connections in the same order, and neither once it has
    /// them: so none waits for a right with a connection in its hands.
    async fn hold_all(&self, caller: &Caller<'_>, datasources: BTreeSet<&str>) -> Result<bool> {
        let Some(snapshot) = caller.snapshot.as_ref().filter(|snapshot| !snapshot.holds()) else {
            return Ok(false);
        };
        let mut rights = Vec::with_capacity(datasources.len());
        for datasource in &datasources {
            rights.push(self.store_named(datasource).hold_right().await?);
        }
        let mut readers = BTreeMap::new();
        for (datasource, right) in datasources.into_iter().zip(rights) {
            let reader = self.connect(datasource, caller).await?;
            let held = HeldReader {
                reader: Arc::new(AsyncMutex::new(reader)),
                _right: right,
            };
            readers.insert(datasource.to_owned(), held);
        }
        snapshot.0.lock().readers = readers;
        Ok(true)
    }

    /// Where the query by itself says that it takes several statements: asks for all that they need to know, and holds the
    /// databases that they look into.
    ///
    /// # Errors
    /// Those of access, and of [`Store::hold_right`] and [`Store::reader`].
    pub(super) async fn prepare(&self, search: &Search<'_>, query: &QueryInput) -> Result<()> {
        let expands = !query.expand.is_empty() && !query.aggregates() && query.limit != Some(0);
        let Some(snapshot) = &search.caller.snapshot else {
            return Ok(());
        };
        if !expands && !looks_ahead(query) {
            return Ok(());
        }
        let parts = parts_of(search.schema, search.layout, query);
        if !search.granted.system {
            let own = &search.layout.object.name;
            snapshot.learn(own, Some(search.granted.clone()));
            let mut objects = BTreeSet::new();
            for (layout, query) in &parts {
                objects.insert(layout.object.name.clone());
                objects.extend(touched(search.schema, layout, query));
            }
            for layout in objects.iter().filter_map(|object| search.schema.layout(object)) {
                let granted = self.readable(search.caller, layout).await?;
                snapshot.learn(&layout.object.name, granted);
            }
        }
        let datasources = parts.iter().map(|(layout, _)| self.datasource_of(layout)).collect();
        self.hold_all(search.caller, datasources).await.map(drop)
    }

    /// What a caller may see of an object, in this read always the same; none where nothing of it.
    ///
    /// # Errors
    /// Those of access but for a refusal.
    pub(super) async fn readable(&self, caller: &Caller<'_>, layout: &Layout) -> Result<Option<Granted>> {
        let object = &layout.object.name;
        if let Some(snapshot) = &caller.snapshot {
            if let Some(known) = snapshot.known(object) {
                return Ok(known);
            }
            if snapshot.holds() {
                // Whoever answers may wait for the connection that is held.
                let message = format!("a read asks for '{object}' and holds connections");
                return Err(DataError::internal(message));
            }
        }
        self.granted_read(caller.context, layout).await
    }

    async fn connect(&self, datasource: &str, caller: &Caller<'_>) -> Result<Box<dyn Reader>> {
        let store = self.store_named(datasource);
        if caller.reads_only && !self.recent.is_recent(caller.context.user(), caller.now_ms) {
            store.replica_reader().await
        } else {
            store.reader().await
        }
    }

    fn store_named(&self, datasource: &str) -> &Arc<dyn Store> {
        let parts = &self.parts;
        parts.datasources.get(datasource).unwrap_or(&parts.store)
    }

    /// The name of the database that an object lies in; the same one for all that lie in the first.
    fn datasource_of<'l>(&self, layout: &'l Layout) -> &'l str {
        match self.parts.datasources.get(&layout.datasource) {
            Some(_) => &layout.datasource,
            None => DEFAULT_DATASOURCE,
        }
    }
}

/// Whether records are looked for and measured first, and read then.
pub(super) fn looks_ahead(query: &QueryInput) -> bool {
    query.filter.as_ref().is_some_and(looks_near) || query.search.as_ref().is_some_and(SearchInput::rates)
}

/// The query, and those of all relations that it expands, however deep, each with its object.
fn parts_of<'q>(
    schema: &'q Schema,
    layout: &'q Arc<Layout>,
    query: &'q QueryInput,
) -> Vec<(&'q Arc<Layout>, &'q QueryInput)> {
    let mut parts = vec![(layout, query)];
    let mut next = 0;
    while let Some((layout, query)) = parts.get(next).copied() {
        next += 1;
        let relations = query.expand.iter();
        parts.extend(relations.filter_map(|(name, nested)| Some((leads_to(schema, layout, name)?, nested))));
    }
    parts
}

/// The object that a relation leads to, over others where there are dots; none for what is no relation, which is refused when it
/// is planned.
fn leads_to<'q>(schema: &'q Schema, layout: &'q Arc<Layout>, relation: &str) -> Option<&'q Arc<Layout>> {
    let mut hops = relation.split('.');
    hops.try_fold(layout, |at, hop| expanded(schema, at, hop).map(|(target, _)| target))
}
