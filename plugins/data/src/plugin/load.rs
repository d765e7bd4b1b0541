//! Apps into a catalogue, and the database into a shape that holds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use objectos_plugin_api::Host;
use serde::Deserialize;

use super::host::FILE_STORAGE;
use crate::app::{CatalogueChange, Library};
use crate::error::{DataError, Result};
use crate::model::{Catalogue, FieldKind, ObjectModel};
use crate::outbox::SOURCE;
use crate::schema::{SchemaPlan, plan_of};
use crate::store::{DEFAULT_DATASOURCE, Datasources, Store};

/// The objects of this plugin.
const OWN: [(&str, &str); 4] = [
    (
        "sys_import_job.object.yml",
        include_str!("../../metadata/sys_import_job.object.yml"),
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
    let change = library.reload().map_err(|problems| {
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
    let mut fit = fit_database(catalogue, DEFAULT_DATASOURCE, store).await?;
    for (name, store) in datasources.iter() {
        if matches!(fit, Fit::Fits) {
            fit = fit_database(catalogue, name, store).await?;
        }
    }
    Ok(fit)
}

async fn fit_database(catalogue: &Catalogue, datasource: &str, store: &Arc<dyn Store>) -> Result<Fit> {
    for _ in 0..FIT_ATTEMPTS {
        match fit_once(catalogue, datasource, store).await {
            // Another host was at it; what is left to do is seen when it is looked at again.
            Err(error) if store.shared() => tracing::debug!(error = %error, "the database is looked at again"),
            fit => return fit,
        }
    }
    fit_once(catalogue, datasource, store).await
}

/// Of several hosts that start at once, one changes the database; the others wait, and look what is left to do.
async fn fit_once(catalogue: &Catalogue, datasource: &str, store: &Arc<dyn Store>) -> Result<Fit> {
    let plan = plan_of(catalogue, datasource, &store.shape().await?);
    if plan.additive.is_empty() {
        return carry_out(plan, store).await;
    }
    let lock = store.lock("schema").await?;
    let fit = match store.shape().await {
        Ok(shape) => carry_out(plan_of(catalogue, datasource, &shape), store).await,
        Err(error) => Err(error),
    };
    lock.release().await;
    fit
}

async fn carry_out(plan: SchemaPlan, store: &Arc<dyn Store>) -> Result<Fit> {
    for btree in &plan.btrees {
        tracing::warn!("database: {btree}");
    }
    for bound in &plan.bound {
        tracing::warn!("database: {bound}");
    }
    let blocking: Vec<String> = plan.blocking().map(ToString::to_string).collect();
    if !blocking.is_empty() {
        return Ok(Fit::Blocked(format!(
            "the database does not fit the apps:\n  ! {}\nrun 'objectos-host migrate apply --destructive', or undo the change of the app",
            blocking.join("\n  ! ")
        )));
    }
    if !plan.additive.is_empty() {
        for step in &plan.additive {
            tracing::info!("database: {step}");
        }
        store.change_schema(plan.additive).await?;
    }
    for step in &plan.destructive {
        tracing::warn!("database: left undone, since something would be lost: {step}");
    }
    Ok(Fit::Fits)
}
