//! The route table: which route of which plugin answers a method and a path. Literal segments go before parameters, those
//! before a rest; a path that is there under other methods only is told apart from one that is not there at all. Built from
//! what plugins declare, never changed; a new table replaces it. Knows nothing of HTTP but methods and paths.

mod path;
mod tree;

#[cfg(test)]
mod tests;

use objectos_plugin_api::{Error, protocol::kernel::plugin_document::RouteAccess};
use std::{collections::HashMap, ops::Range};

use self::{path::check, tree::Tree};
use crate::{
    gateway::{ContributedRoute, Gateway},
    system::OwnRoute,
};

pub(crate) use self::path::decode;

/// Id of this plugin: its routes are answered here, without a call.
pub(crate) const OWN_ID: &str = "objectos.server";
/// Most parameters of one pattern.
const PARAMETERS_MAX: usize = 8;
/// The methods a route may have, in the order of [`Methods`].
pub(crate) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Who answers a route.
#[derive(Debug)]
pub(crate) enum Target<R> {
    Own(OwnRoute),
    Plugin(R),
    /// The kernel does not let the server call this plugin.
    Refused(Error),
}

/// One route, complete.
#[derive(Debug)]
pub(crate) struct Route<R> {
    pub(crate) plugin: String,
    /// `METHOD /path/pattern`, as declared.
    pub(crate) key: String,
    /// Where the pattern begins in `key`.
    pattern_at: usize,
    pub(crate) access: RouteAccess,
    pub(crate) summary: Option<String>,
    /// Names of the parameters in their order.
    pub(crate) parameters: Vec<String>,
    pub(crate) target: Target<R>,
}

impl<R> Route<R> {
    pub(crate) fn pattern(&self) -> &str {
        &self.key[self.pattern_at..]
    }

    pub(crate) fn method(&self) -> &str {
        self.key[..self.pattern_at].trim_end()
    }
}

/// Where the parameters lie in the path, as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captures {
    ranges: [Range<usize>; PARAMETERS_MAX],
    count: usize,
}

impl Captures {
    fn push(&mut self, range: Range<usize>) {
        if let Some(slot) = self.ranges.get_mut(self.count) {
            *slot = range;
            self.count += 1;
        }
    }

    pub(crate) fn ranges(&self) -> &[Range<usize>] {
        &self.ranges[..self.count]
    }
}

/// A set of methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Methods(u8);

impl Methods {
    fn of(index: usize) -> Self {
        Self(1 << index)
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn contains(self, index: usize) -> bool {
        self.0 & Self::of(index).0 != 0
    }

    /// As the `Allow` header lists them: `HEAD` wherever `GET` is, `OPTIONS` always.
    pub(crate) fn list(self) -> String {
        let there = |index: usize| self.contains(index) || index == 6 || index == 1 && self.contains(0);
        let names: Vec<&str> = METHODS
            .iter()
            .enumerate()
            .filter(|(index, _)| there(*index))
            .map(|(_, name)| *name)
            .collect();
        names.join(", ")
    }
}

/// What a table says to a method and a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Position of the route, and its parameters.
    Route(usize, Captures),
    /// The path is there, under these methods only.
    Methods(Methods),
    /// No such path.
    Nothing,
    /// The path cannot be meant: a sentence says why.
    Malformed(&'static str),
}

/// All routes of all plugins.
#[derive(Debug)]
pub(crate) struct Table<R> {
    tree: Tree,
    pub(crate) routes: Vec<std::sync::Arc<Route<R>>>,
}

/// The routes of plugins that were opened before; a reference stays good for as long as the server lives.
pub(crate) type Opened<R> = HashMap<String, R>;

impl<R: Clone> Table<R> {
    /// Builds a table. Of two routes for the same requests the first counts, the server's own before all others; the
    /// second is left out and logged.
    pub(crate) fn build<G: Gateway<Routes = R>>(
        gateway: &G,
        opened: &mut Opened<R>,
        mut contributed: Vec<ContributedRoute>,
    ) -> Self {
        contributed.sort_by_key(|route| route.plugin != OWN_ID);
        let mut table = Self {
            tree: Tree::default(),
            routes: Vec::with_capacity(contributed.len()),
        };
        for route in contributed {
            if let Err(problem) = table.add(gateway, opened, &route) {
                let ContributedRoute {
                    plugin, method, path, ..
                } = route;
                tracing::warn!(plugin, method, path, problem, "a route is left out");
            }
        }
        table
    }

    fn add<G: Gateway<Routes = R>>(
        &mut self,
        gateway: &G,
        opened: &mut Opened<R>,
        route: &ContributedRoute,
    ) -> Result<(), String> {
        let key = format!("{} {}", route.method, route.path);
        let method = method_index(&route.method).ok_or("the method is unknown")?;
        let target = if route.plugin == OWN_ID {
            Target::Own(OwnRoute::of(&key).ok_or("the server does not answer it")?)
        } else {
            target(gateway, opened, &route.plugin)
        };
        let parameters = self
            .tree
            .insert(method, &route.path, self.routes.len())
            .map_err(|clash| match clash {
                tree::Refused::Pattern(reason) => reason.to_owned(),
                tree::Refused::Taken(index) => format!("{} answers the same requests", self.routes[index].plugin),
            })?;
        self.routes.push(std::sync::Arc::new(Route {
            plugin: route.plugin.clone(),
            pattern_at: route.method.len() + 1,
            key,
            access: route.access,
            summary: route.summary.clone(),
            parameters,
            target,
        }));
        Ok(())
    }

    /// Finds the route for a request. `HEAD` is answered by `GET` where it has no route of its own.
    pub(crate) fn find(&self, method: &str, path: &str) -> Found {
        if let Err(problem) = check(path) {
            return Found::Malformed(problem);
        }
        self.tree.find(method_index(method), path)
    }
}

fn target<G: Gateway>(gateway: &G, opened: &mut Opened<G::Routes>, plugin: &str) -> Target<G::Routes> {
    if let Some(routes) = opened.get(plugin) {
        return Target::Plugin(routes.clone());
    }
    match gateway.open(plugin) {
        Ok(routes) => {
            opened.insert(plugin.to_owned(), routes.clone());
            Target::Plugin(routes)
        }
        Err(error) => Target::Refused(error),
    }
}

fn method_index(method: &str) -> Option<usize> {
    METHODS.iter().position(|name| *name == method)
}
