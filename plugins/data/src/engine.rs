//! The one path of every read and write: access, validation, hooks, store, events.
//!
//! A write is planned first, outside of any transaction: records are read, checked, shown to hooks, and turned into a unit of
//! SQL steps that also say what they rely on (`draft`). The store runs the unit at once. When something it relies on has
//! changed meanwhile, nothing was stored and the write is planned anew; before-hooks see it once more if it is
//! another one by then.
//!
//! The engine knows neither HTTP nor the kernel: what it needs of them are the traits in [`ports`], so that it runs in tests
//! as it is. No reader is held while a hook runs, since a handler may come back to read; what holds one over several statements,
//! so that all of them see the same, is `snapshot`.

mod access;
mod answer;
mod aside;
mod ask;
mod batch;
mod beside;
mod caller;
mod clone;
mod commit;
mod create;
mod delete;
mod diagnose;
mod draft;
mod evaluate;
mod expand;
mod export;
mod files;
mod find;
mod fixed;
mod get;
mod identify;
mod import;
mod indexed;
mod near;
mod number;
mod observe;
mod opened;
mod paths;
pub mod ports;
mod rate;
mod reach;
mod ready;
mod recent;
mod references;
mod related_hooks;
mod relations;
mod restore;
mod returning;
mod rotate;
mod seal;
mod search;
mod seed;
mod sequence;
mod snapshot;
mod store_record;
mod summary;
mod titled;
mod titles;
mod update;
mod upsert;
mod used;
mod veil;
mod versions;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use objectos_expression::Zone;
use objectos_plugin_api::Context;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde_json::{Map, Value};

use self::caller::Caller;
use self::identify::IdMaker;
use self::ports::{Clock, EventSignal, Files, Hooks, Outside};
use self::ready::ReadyQueries;
use self::ready::pages::ReadyPages;
use self::recent::RecentWriters;
use self::sequence::Sequences;
use self::used::UsedRecords;
use crate::access::Permissions;
use crate::config::LimitsConfig;
use crate::error::{DataError, Result};
use crate::model::{CatalogueCell, ObjectModel};
use crate::query::select::PageLimits;
use crate::record::{Layout, Schema, TablePlace};
use crate::store::{Datasources, Store};
use crate::vault::Vault;

pub(crate) use answer::write_warnings;
pub use answer::{Found, RecordAnswer};
pub use batch::{BatchAnswer, BatchItem, BatchOperation, BatchOptions, ItemAnswer, ItemFailure, TransactionItem};
pub use export::{Export, ExportFormat, ExportWish};
pub use import::rows::{ImportRow, of_csv as import_csv, of_lines as import_lines, of_list as import_list};
pub use import::{ImportMode, ImportOptions, ImportTally};
pub use rotate::Rotation;
pub use search::SearchRequest;
pub use seed::EngineSeeds;
pub use used::{RecentRequest, UseAction};

/// What the engine works with.
#[derive(Clone, Debug)]
pub struct EngineParts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Further ones.
    pub datasources: Datasources,
    /// The objects.
    pub catalogue: Arc<CatalogueCell>,
    /// Runs hooks.
    pub hooks: Arc<dyn Hooks>,
    /// Decides what callers may do.
    pub permissions: Arc<dyn Permissions>,
    /// Is told of stored events.
    pub signal: Arc<dyn EventSignal>,
    /// Asks others about records.
    pub outside: Arc<dyn Outside>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// How much one request may ask for.
    pub limits: LimitsConfig,
}

/// The object engine.
pub struct Engine {
    parts: EngineParts,
    /// Made anew when the catalogue's version is another.
    schema: ArcSwap<Schema>,
    sequences: Sequences,
    ids: IdMaker,
    ready: ReadyQueries,
    pages: ReadyPages,
    recent: RecentWriters,
    used: UsedRecords,
    /// The time zone of callers who have none of their own.
    zone: Zone,
    /// Keeps the files of records.
    files: Option<Arc<dyn Files>>,
    /// What secret fields are encrypted with.
    vault: Arc<Vault>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("store", &self.parts.store)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// On an open store whose tables fit the catalogue.
    #[must_use]
    pub fn new(parts: EngineParts) -> Self {
        let vault = Arc::new(Vault::default());
        let schema = Schema::over(parts.catalogue.snapshot(), &|object| place_of(&parts, object), &vault);
        Self {
            parts,
            schema: ArcSwap::from_pointee(schema),
            sequences: Sequences::default(),
            ids: IdMaker::default(),
            ready: ReadyQueries::default(),
            pages: ReadyPages::default(),
            recent: RecentWriters::default(),
            used: UsedRecords::default(),
            zone: Zone::UTC,
            files: None,
            vault,
        }
    }

    /// The time zone of callers who have none of their own; UTC without.
    #[must_use]
    pub fn with_zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    /// What secret fields are encrypted with; without, a value of such a field is refused.
    #[must_use]
    pub fn with_vault(mut self, vault: Arc<Vault>) -> Self {
        let parts = &self.parts;
        let schema = Schema::over(parts.catalogue.snapshot(), &|object| place_of(parts, object), &vault);
        self.schema = ArcSwap::from_pointee(schema);
        self.vault = vault;
        self
    }

    /// Who keeps the files of records; without, fields of files take what they are given.
    #[must_use]
    pub fn with_files(mut self, files: Arc<dyn Files>) -> Self {
        self.files = Some(files);
        self
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }

    /// What the engine works with.
    #[must_use]
    pub fn parts(&self) -> &EngineParts {
        &self.parts
    }

    /// The objects of one version, to keep for one request.
    fn schema(&self) -> Arc<Schema> {
        let known = self.schema.load();
        if known.catalogue.version() == self.parts.catalogue.load().version() {
            return Arc::clone(&known);
        }
        let schema = Arc::new(Schema::over(
            self.parts.catalogue.snapshot(),
            &|object| place_of(&self.parts, object),
            &self.vault,
        ));
        self.schema.store(Arc::clone(&schema));
        schema
    }

    /// The database that an object lies in.
    fn store_of(&self, layout: &Layout) -> &Arc<dyn Store> {
        self.parts
            .datasources
            .get(&layout.datasource)
            .unwrap_or(&self.parts.store)
    }

    /// Who asks, in a request that may write.
    fn caller<'a>(&'a self, context: &'a Context) -> Caller<'a> {
        Caller::new(context, self.now_ms(), &self.zone)
    }

    /// Who asks, in a request that only reads.
    fn reading_caller<'a>(&'a self, context: &'a Context) -> Caller<'a> {
        Caller::reading(context, self.now_ms(), &self.zone)
    }

    fn now_ms(&self) -> i64 {
        self.parts.clock.now_ms()
    }

    fn page_limits(&self) -> PageLimits {
        let limits = &self.parts.limits;
        PageLimits {
            default: u64::from(limits.page_size),
            max: u64::from(limits.page_size_max),
        }
    }
}

fn place_of(parts: &EngineParts, object: &ObjectModel) -> TablePlace {
    let datasource = &object.definition.datasource;
    let store = parts.datasources.get(datasource).unwrap_or(&parts.store);
    TablePlace {
        dialect: store.dialect(),
        scattered: store.scattered(&object.table),
    }
}

/// An object that can be used.
fn layout_of<'a>(schema: &'a Schema, object: &str) -> Result<&'a Arc<Layout>> {
    schema
        .layout(object)
        .filter(|layout| layout.object.active)
        .ok_or_else(|| DataError::ObjectNotFound {
            object: object.to_owned(),
            nearest: schema
                .catalogue
                .nearest_object(object)
                .filter(|near| *near != object)
                .map(str::to_owned),
        })
}

/// Whether the object's definition lets clients do this.
fn check_method(layout: &Layout, method: ApiMethod) -> Result<()> {
    let enabled = &layout.object.capabilities;
    let listed = enabled
        .api_methods
        .as_ref()
        .is_none_or(|methods| methods.contains(&method));
    if enabled.api_enabled && listed {
        return Ok(());
    }
    Err(DataError::MethodDisabled {
        object: layout.object.name.clone(),
        method: method_name(method),
    })
}

/// Whether the object's definition lets clients look for words in it.
fn check_search(layout: &Layout) -> Result<()> {
    check_method(layout, ApiMethod::Search)?;
    if layout.object.capabilities.searchable {
        return Ok(());
    }
    Err(DataError::MethodDisabled {
        object: layout.object.name.clone(),
        method: method_name(ApiMethod::Search),
    })
}

/// As definitions spell it.
fn method_name(method: ApiMethod) -> &'static str {
    match method {
        ApiMethod::Get => "get",
        ApiMethod::List => "list",
        ApiMethod::Create => "create",
        ApiMethod::Update => "update",
        ApiMethod::Delete => "delete",
        ApiMethod::Upsert => "upsert",
        ApiMethod::Bulk => "bulk",
        ApiMethod::Aggregate => "aggregate",
        ApiMethod::Search => "search",
        ApiMethod::History => "history",
        ApiMethod::Restore => "restore",
        ApiMethod::Purge => "purge",
        ApiMethod::Import => "import",
        ApiMethod::Export => "export",
    }
}

/// The fields of a record, as they come.
pub type Fields = Map<String, Value>;
