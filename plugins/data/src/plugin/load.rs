//! Apps into a catalogue, and the database into a shape that holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use objectos_plugin_api::Host;
use serde::Deserialize;

use super::host::FILE_STORAGE;
use crate::app::{CatalogueChange, Library, Problem};
use crate::error::{DataError, Result};
use crate::model::{Catalogue, FieldKind, ObjectModel};
use crate::outbox::SOURCE;
use crate::runtime::Stored;
use crate::schema::{SchemaPlan, SchemaStep, plan_beside};
use crate::store::{DEFAULT_DATASOURCE, Datasources, Store, doubled, shape_for};

/// The objects of this plugin.
const OWN: [(&str, &str); 5] = [
    (
        "sys_import_job.object.yml",
        include_str!("../../metadata/sys_import_job.object.yml"),
    ),
    (
        "sys_recent_record.object.yml",
        include_str!("../../metadata/sys_recent_record.object.yml"),
    ),
    (
        "sys_record_version.object.yml",
        include_str!("../../metadata/sys_record_version.object.yml"),
    ),
    (
        "sys_metadata.object.yml",
        include_str!("../../metadata/sys_metadata.object.yml"),
    ),
    (
        "sys_metadata_version.object.yml",
        include_str!("../../metadata/sys_metadata_version.object.yml"),
    ),
];

#[derive(Deserialize)]
struct Contributed {
    plugin: String,
    file: String,
    text: String,
}

/// Takes over the objects and other documents that plugins declare, those of this plugin among them.
pub(super) fn take_documents(library: &Library, host: &Host) -> Result<()> {
    let documents: Vec<Contributed> = serde_json::from_slice(&host.contributions("documents"))
        .map_err(|error| DataError::internal(format!("the documents of the plugins cannot be read: {error}")))?;
    let mut packages: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for document in documents {
        let name = format!("{}:{}", document.plugin, document.file);
        packages.entry(document.plugin).or_default().push((name, document.text));
    }
    // In a host that names no plugin's documents, the own ones are needed all the same.
    packages.entry(SOURCE.to_owned()).or_insert_with(|| {
        let own = OWN
            .iter()
            .map(|(file, text)| (format!("{SOURCE}:{file}"), (*text).to_owned()));
        own.collect()
    });
    library.replace_documents(packages);
    Ok(())
}

/// Reads the apps; all that is wrong with them becomes one message.
pub(super) fn read(library: &Library) -> Result<CatalogueChange> {
    told(library.reload())
}

/// The same, with as much of what was saved as goes together with them, in use or not.
pub(super) fn read_with(library: &Library, stored: &Stored) -> Result<CatalogueChange> {
    told(stored.with_apps(library))
}

fn told(read: Result<CatalogueChange, Vec<Problem>>) -> Result<CatalogueChange> {
    let change = read.map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        DataError::Configuration {
            message: format!("the apps cannot be loaded\n{}", lines.join("\n")),
        }
    })?;
    for warning in &change.warnings {
        tracing::warn!("{warning}");
    }
    Ok(change)
}

/// Names that one warning lists.
const NAMES_MAX: usize = 5;

/// Says that fields of files check nothing, where no plugin keeps files.
pub(super) fn tell_unkept_files(catalogue: &Catalogue) {
    let mut names = Vec::new();
    for object in catalogue.objects().filter(|object| !object.system) {
        let fields = object.fields.values().filter(|field| field.kind == FieldKind::File);
        names.extend(fields.map(|field| format!("{}.{}", object.name, field.name)));
    }
    let Some(names) = some_of(names) else { return };
    tracing::warn!(
        "no plugin offers the service '{FILE_STORAGE}': fields of files ({names}) take whatever they are told of a file; \
         install a plugin that keeps files"
    );
}

/// Says that encrypted fields cannot be written, where there is no key.
pub(super) fn tell_unkeyed_secrets(catalogue: &Catalogue) {
    let mut names = Vec::new();
    for object in catalogue.objects() {
        let fields = object.fields.values().filter(|field| field.encrypted);
        names.extend(fields.map(|field| format!("{}.{}", object.name, field.name)));
    }
    let Some(names) = some_of(names) else { return };
    tracing::warn!(
        "there is no key for encrypted fields ({names}), so values of them are refused: several hosts may share the database, \
         and all need the same; set plugins.objectos.data.encryption.keys"
    );
}

/// The first few names, and how many more there are; none without any.
fn some_of(mut names: Vec<String>) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let more = match names.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.truncate(NAMES_MAX);
    Some(format!("{}{more}", names.join(", ")))
}

/// Whether the database holds a catalogue.
pub(super) enum Fit {
    /// It does.
    Fits,
    /// Not without losing something; why, and what to do.
    Blocked(String),
}

/// How often the database is looked at again when another host changes it at the same time.
const FIT_ATTEMPTS: usize = 3;

/// Does what the databases lack and nothing is lost by. What would lose something is told and left undone.
pub(super) async fn fit_databases(
    catalogue: &Catalogue,
    store: &Arc<dyn Store>,
    datasources: &Datasources,
) -> Result<Fit> {
    let stray = catalogue
        .objects()
        .find(|object| !datasources.knows(&object.definition.datasource));
    if let Some(object) = stray {
        return Err(DataError::Configuration {
            message: format!(
                "object '{}' lies in the datasource '{}', which is not configured; name it under plugins.objectos.data.datasources",
                object.name, object.definition.datasource
            ),
        });
    }
    let versioned =
        |object: &ObjectModel| object.versioning.is_some() && object.definition.datasource != DEFAULT_DATASOURCE;
    if let Some(object) = catalogue.objects().find(|object| versioned(object)) {
        return Err(DataError::Configuration {
            message: format!(
                "object '{}' keeps versions, and these lie in the first database; remove `versioning` or `datasource`",
                object.name
            ),
        });
    }
    let saved = Stored::read(store, &store.shape().await?).await?.into_tables();
    let wanted = Wanted {
        catalogue,
        saved: &saved,
    };
    let mut fit = fit_database(&wanted, DEFAULT_DATASOURCE, store).await?;
    for (name, store) in datasources.iter() {
        if matches!(fit, Fit::Fits) {
            fit = fit_database(&wanted, name, store).await?;
        }
    }
    Ok(fit)
}

/// What databases are held against.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) catalogue: &'a Catalogue,
    /// Tables of saved objects: left as they are, also where the catalogue has not the object.
    pub(super) saved: &'a BTreeSet<String>,
}

impl Wanted<'_> {
    /// What is to be done to a database, and what is in the way of it.
    pub(super) async fn plan(&self, datasource: &str, store: &Arc<dyn Store>) -> Result<SchemaPlan> {
        let shape = shape_for(store, self.catalogue, datasource, self.saved).await?;
        let mut plan = plan_beside(self.catalogue, datasource, &shape, self.saved);
        plan.obstacles.extend(doubled(store, &plan.additive, &shape).await);
        Ok(plan)
    }
}

async fn fit_database(wanted: &Wanted<'_>, datasource: &str, store: &Arc<dyn Store>) -> Result<Fit> {
    for _ in 0..FIT_ATTEMPTS {
        match fit_once(wanted, datasource, store).await {
            // Another host was at it; what is left to do is seen when it is looked at again.
            Err(error) if store.shared() => tracing::debug!(error = %error, "the database is looked at again"),
            fit => return fit,
        }
    }
    fit_once(wanted, datasource, store).await
}

/// Of several hosts that start at once, one changes the database; the others wait, and look what is left to do.
async fn fit_once(wanted: &Wanted<'_>, datasource: &str, store: &Arc<dyn Store>) -> Result<Fit> {
    let shape = shape_for(store, wanted.catalogue, datasource, wanted.saved).await?;
    let plan = plan_beside(wanted.catalogue, datasource, &shape, wanted.saved);
    if plan.additive.is_empty() {
        return carry_out(plan, datasource, store).await;
    }
    let lock = store.lock("schema").await?;
    let fit = match wanted.plan(datasource, store).await {
        Ok(plan) => carry_out(plan, datasource, store).await,
        Err(error) => Err(error),
    };
    lock.release().await;
    fit
}

async fn carry_out(plan: SchemaPlan, datasource: &str, store: &Arc<dyn Store>) -> Result<Fit> {
    for btree in &plan.btrees {
        tracing::warn!("database: {btree}");
    }
    for bound in &plan.bound {
        tracing::warn!("database: {bound}");
    }
    if let Some(reason) = blocked(&plan, datasource) {
        return Ok(Fit::Blocked(reason));
    }
    if !plan.additive.is_empty() {
        for step in &plan.additive {
            tracing::info!("database: {step}");
        }
        match store.change_schema(plan.additive).await {
            // Somebody was faster than the look at the values.
            Err(error @ DataError::Duplicate { .. }) => {
                return Ok(Fit::Blocked(format!(
                    "the database does not fit the apps: {error}; mend the records, or undo the change of the app"
                )));
            }
            changed => changed?,
        }
    }
    for step in &plan.destructive {
        tracing::warn!("database: left undone, since something would be lost: {step}");
    }
    Ok(Fit::Fits)
}

/// Why the apps cannot be served over this database, and what to do about it; none where they can.
fn blocked(plan: &SchemaPlan, datasource: &str) -> Option<String> {
    let mut lines: Vec<String> = plan.blocking().map(|step| format!("  ! {step}\n")).collect();
    lines.extend(plan.obstacles.iter().map(|obstacle| format!("  x {obstacle}\n")));
    if lines.is_empty() {
        return None;
    }
    let names: Vec<String> = plan.blocking().filter_map(|step| called(step, datasource)).collect();
    let command = match names.as_slice() {
        [] => String::new(),
        names => format!(
            "run 'objectos-host migrate apply --destructive {}' ('objectos-host migrate plan' shows what would be lost)",
            names.join(" ")
        ),
    };
    let remedy = match (plan.obstacles.is_empty(), command.is_empty()) {
        (true, _) => command,
        (false, true) => "mend what is marked `x` and start again".to_owned(),
        (false, false) => format!("mend what is marked `x`, then {command}"),
    };
    let lines = lines.concat();
    Some(format!(
        "the database does not fit the apps:\n{lines}{remedy}, or undo the change of the app"
    ))
}

/// How a step that loses data is asked for: `TABLE` or `TABLE.COLUMN`, behind `DATASOURCE:` for a further database.
pub(super) fn called(step: &SchemaStep, datasource: &str) -> Option<String> {
    let target = step.target()?;
    Some(match datasource {
        DEFAULT_DATASOURCE => target,
        other => format!("{other}:{target}"),
    })
}
