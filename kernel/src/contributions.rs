//! What plugins contribute, as JSON that is built once for each change and handed out as bytes.
//!
//! A service that a plugin declares is listed even while the plugin is down or was refused: who decides by the presence of
//! a service whether something is guarded must not take a broken guard for none.

use arc_swap::ArcSwap;
use objectos_plugin_api::contracts::grants::{OBJECT_GRANTS, ObjectGrants};
use objectos_protocol::kernel::plugin_document::{PluginDeclaration, ProvidedService};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::grants::{GrantSet, object_grants};

/// What one plugin contributes. `available` says for a service whether it can be called.
#[derive(Debug)]
pub(crate) struct Contributor<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) declaration: &'a PluginDeclaration,
    pub(crate) grants: &'a GrantSet,
    /// It is loaded, though perhaps not running at the moment.
    pub(crate) loaded: bool,
}

/// Services of a plugin that was refused after its manifest could be read.
#[derive(Clone, Debug)]
pub(crate) struct RefusedProvider {
    pub(crate) plugin: String,
    /// The plugin's; what versions its services have is not known.
    pub(crate) version: String,
    pub(crate) provides: Vec<String>,
}

#[derive(Serialize)]
struct Route<'a> {
    plugin: &'a str,
    method: &'static str,
    path: &'a str,
    access: objectos_protocol::kernel::plugin_document::RouteAccess,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
}

#[derive(Serialize)]
struct Service<'a> {
    name: &'a str,
    version: String,
    plugin: &'a str,
    available: bool,
}

#[derive(Serialize)]
struct Command<'a> {
    plugin: &'a str,
    name: &'a str,
    summary: &'a str,
}

#[derive(Serialize)]
struct Object<'a> {
    plugin: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Document<'a> {
    plugin: &'a str,
    file: &'a str,
    text: &'a str,
}

/// The lists as they stand.
#[derive(Debug, Default)]
struct Lists {
    routes: Vec<u8>,
    services: Vec<u8>,
    commands: Vec<u8>,
    objects: Vec<u8>,
    documents: Vec<u8>,
    object_grants: Vec<u8>,
}

/// The lists, and a number that grows with each change.
#[derive(Debug, Default)]
pub(crate) struct Contributions {
    epoch: AtomicU64,
    lists: ArcSwap<Lists>,
}

impl Contributions {
    /// The list of a kind as JSON; an unknown kind is an empty list.
    pub(crate) fn json(&self, kind: &str) -> Vec<u8> {
        let lists = self.lists.load();
        let list = match kind {
            "routes" => &lists.routes,
            "services" => &lists.services,
            "commands" => &lists.commands,
            "objects" => &lists.objects,
            "documents" => &lists.documents,
            OBJECT_GRANTS => &lists.object_grants,
            _ => return b"[]".to_vec(),
        };
        if list.is_empty() { b"[]".to_vec() } else { list.clone() }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Builds the lists anew. The epoch grows only when one of them changed. `left_out`: plugins that only a command keeps from
    /// running.
    pub(crate) fn rebuild(
        &self,
        plugins: &[Contributor<'_>],
        left_out: &[Contributor<'_>],
        refused: &[RefusedProvider],
        kernel: &[ProvidedService],
        available: impl Fn(&str, &str) -> bool,
    ) {
        let lists = Lists {
            routes: routes(plugins),
            services: services(plugins, refused, kernel, available),
            commands: commands(plugins),
            objects: objects(plugins),
            documents: documents(plugins, left_out),
            object_grants: grants_of(plugins),
        };
        let before = self.lists.load();
        let same = before.routes == lists.routes
            && before.services == lists.services
            && before.commands == lists.commands
            && before.objects == lists.objects
            && before.documents == lists.documents
            && before.object_grants == lists.object_grants;
        if !same {
            self.lists.store(lists.into());
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Of every plugin that is to run: whoever keeps records must know the limits before a plugin starts.
fn grants_of(plugins: &[Contributor<'_>]) -> Vec<u8> {
    let limited = plugins
        .iter()
        .filter_map(|contributor| object_grants(contributor.plugin, contributor.grants));
    json(&limited.collect::<Vec<ObjectGrants>>())
}

fn json<T: Serialize>(list: &[T]) -> Vec<u8> {
    serde_json::to_vec(list).expect("lists of names and texts can always be written as JSON")
}

fn loaded<'a>(plugins: &'a [Contributor<'a>]) -> impl Iterator<Item = &'a Contributor<'a>> {
    plugins.iter().filter(|plugin| plugin.loaded)
}

fn routes(plugins: &[Contributor<'_>]) -> Vec<u8> {
    let routes = loaded(plugins).flat_map(|contributor| {
        contributor.declaration.routes.iter().map(|route| Route {
            plugin: contributor.plugin,
            method: route.method.as_str(),
            path: &route.path,
            access: route.access,
            summary: route.summary.as_deref(),
        })
    });
    json(&routes.collect::<Vec<_>>())
}

fn services<'a>(
    plugins: &'a [Contributor<'a>],
    refused: &'a [RefusedProvider],
    kernel: &'a [ProvidedService],
    available: impl Fn(&str, &str) -> bool,
) -> Vec<u8> {
    let mut names = BTreeSet::new();
    let mut list = Vec::new();
    let row =
        |plugin: &'a str, service: &'a ProvidedService| (plugin, service.name.as_str(), service.version.to_string());
    let declared = kernel.iter().map(|service| row("kernel", service));
    let of_plugins = plugins.iter().flat_map(|contributor| {
        contributor
            .declaration
            .services
            .provides
            .iter()
            .map(|service| row(contributor.plugin, service))
    });
    let of_refused = refused.iter().flat_map(|refused| {
        refused
            .provides
            .iter()
            .map(|name| (refused.plugin.as_str(), name.as_str(), refused.version.clone()))
    });
    for (plugin, name, version) in declared.chain(of_plugins).chain(of_refused) {
        if names.insert((plugin, name)) {
            list.push(Service {
                name,
                version,
                plugin,
                available: available(plugin, name),
            });
        }
    }
    json(&list)
}

fn commands(plugins: &[Contributor<'_>]) -> Vec<u8> {
    let commands = loaded(plugins).flat_map(|contributor| {
        contributor.declaration.commands.iter().map(|command| Command {
            plugin: contributor.plugin,
            name: &command.name,
            summary: &command.summary,
        })
    });
    json(&commands.collect::<Vec<_>>())
}

fn objects(plugins: &[Contributor<'_>]) -> Vec<u8> {
    let objects = loaded(plugins).flat_map(|contributor| {
        contributor.declaration.objects.iter().map(|name| Object {
            plugin: contributor.plugin,
            name,
        })
    });
    json(&objects.collect::<Vec<_>>())
}

/// Of every plugin that is to run, loaded or not yet: who keeps the data must know the objects before their owner starts. What
/// those have that a command leaves out is kept as well: to a command it must not look like nobody's.
fn documents(plugins: &[Contributor<'_>], left_out: &[Contributor<'_>]) -> Vec<u8> {
    let documents = plugins.iter().chain(left_out).flat_map(|contributor| {
        contributor.declaration.documents.iter().map(|document| Document {
            plugin: contributor.plugin,
            file: &document.file,
            text: &document.text,
        })
    });
    json(&documents.collect::<Vec<_>>())
}
