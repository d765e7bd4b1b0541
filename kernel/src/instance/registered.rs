//! What an instance registered, held against what its manifest declares: undeclared is refused by name, declared and not
//! registered is a warning for the author, unless the manifest says that the configuration may leave it out.

#[cfg(test)]
mod tests;

use objectos_plugin_api::{
    RegisteredEvent, RegisteredHook, RegisteredService, Registrations,
    protocol::kernel::plugin_document::{PluginDeclaration, RouteDeclaration, matches_event},
};
use semver::{Version, VersionReq};

use crate::{
    error::{Error, nearest_hint},
    grants::GrantSet,
};

/// Registrations by position, checked. What the operator denies stays in its position and is never used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registered {
    pub(crate) raw: Registrations,
    services: Vec<GrantedService>,
    denied_hooks: Vec<String>,
    denied_events: Vec<String>,
}

/// A service that may be offered.
#[derive(Clone, Debug)]
pub(crate) struct GrantedService {
    pub(crate) name: String,
    pub(crate) version: Version,
    position: u32,
}

impl Registered {
    /// Position of a service in a version of this range; `Err` with the version that is there.
    pub(crate) fn service(&self, name: &str, range: &VersionReq) -> Option<Result<u32, Version>> {
        let service = self.services.iter().find(|service| service.name == name)?;
        Some(if range.matches(&service.version) {
            Ok(service.position)
        } else {
            Err(service.version.clone())
        })
    }

    /// The services that are offered.
    pub(crate) fn services(&self) -> &[GrantedService] {
        &self.services
    }

    /// How many events the handler at a position takes in one call.
    pub(crate) fn together_max(&self, index: u32) -> usize {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let count = self.raw.events.get(place).map_or(1, |event| event.together_max.max(1));
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// Position of the event handler of this name.
    pub(crate) fn event(&self, name: &str) -> Option<u32> {
        (0_u32..)
            .zip(&self.raw.events)
            .find(|(_, event)| event.name == name)
            .map(|(index, _)| index)
    }

    /// The event handlers that may be used.
    pub(crate) fn events(&self) -> impl Iterator<Item = &RegisteredEvent> {
        self.raw
            .events
            .iter()
            .filter(|event| !self.denied_events.contains(&event.pattern))
    }

    /// Handlers of a hook, in the order they were registered, with their positions.
    pub(crate) fn hooks<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (u32, &'a RegisteredHook)> {
        let denied = self.denied_hooks.iter().any(|denied| denied == name);
        (0_u32..)
            .zip(&self.raw.hooks)
            .filter(move |(_, hook)| !denied && hook.name == name)
    }
}

/// Method and path as a route is registered and called: `GET /api/v1/hello/{name}`.
pub(crate) fn route_name(route: &RouteDeclaration) -> String {
    format!("{} {}", route.method.as_str(), route.path)
}

/// Checks registrations against the declaration; answers them and the warnings.
///
/// # Errors
/// `Undeclared` with the first name that the manifest does not have; `Internal` for a service version that is none.
pub(crate) fn check(
    plugin: &str,
    raw: Registrations,
    declared: &PluginDeclaration,
    grants: &GrantSet,
) -> Result<(Registered, Vec<String>), Error> {
    let mut services = Vec::new();
    for (position, service) in (0_u32..).zip(&raw.services) {
        let version = check_service(plugin, service, declared)?;
        services.push(GrantedService {
            name: service.name.clone(),
            version,
            position,
        });
    }
    let routes: Vec<String> = declared.routes.iter().map(route_name).collect();
    check_handlers(plugin, &raw, declared, &routes)?;
    let mut warnings = missing(&raw, declared, &routes);
    let mut denied =
        |kind: &str, name: &str| warnings.push(format!("is not granted the {kind} {name} by the operator"));
    services.retain(|service| {
        let granted = grants.may_provide_service(&service.name);
        if !granted {
            denied("service", &service.name);
        }
        granted
    });
    let hooks = raw
        .hooks
        .iter()
        .map(|hook| hook.name.clone())
        .filter(|name| !grants.may_handle_hook(name));
    let denied_hooks: Vec<String> = hooks.inspect(|name| denied("hook", name)).collect();
    let events = raw
        .events
        .iter()
        .map(|event| event.pattern.clone())
        .filter(|pattern| !grants.may_handle_event(pattern));
    let denied_events: Vec<String> = events.inspect(|pattern| denied("event", pattern)).collect();
    Ok((
        Registered {
            raw,
            services,
            denied_hooks,
            denied_events,
        },
        warnings,
    ))
}

/// Hooks, events, routes and commands: each has to be declared.
fn check_handlers(
    plugin: &str,
    raw: &Registrations,
    declared: &PluginDeclaration,
    routes: &[String],
) -> Result<(), Error> {
    let undeclared = |kind: &'static str, name: &str, known: Vec<&str>| Error::Undeclared {
        plugin: plugin.to_owned(),
        kind,
        name: name.to_owned(),
        hint: nearest_hint(name, known),
    };
    for hook in &raw.hooks {
        if !declared.hooks.handles.contains(&hook.name) {
            return Err(undeclared("hook", &hook.name, texts(&declared.hooks.handles)));
        }
    }
    for event in &raw.events {
        // A handler may listen to less than was declared, never to more.
        let patterns = &declared.events.handles;
        if !patterns.iter().any(|pattern| covers(pattern, &event.pattern)) {
            return Err(undeclared("event", &event.pattern, texts(patterns)));
        }
    }
    for route in &raw.routes {
        if !routes.contains(route) {
            return Err(undeclared("route", route, texts(routes)));
        }
    }
    for command in &raw.commands {
        if !declared.commands.iter().any(|known| known.name == *command) {
            let known = declared.commands.iter().map(|known| known.name.as_str()).collect();
            return Err(undeclared("command", command, known));
        }
    }
    Ok(())
}

fn check_service(plugin: &str, service: &RegisteredService, declared: &PluginDeclaration) -> Result<Version, Error> {
    let known = || declared.services.provides.iter().map(|provided| provided.name.as_str());
    let Some(provided) = declared
        .services
        .provides
        .iter()
        .find(|provided| provided.name == service.name)
    else {
        let hint = nearest_hint(&service.name, known());
        return Err(Error::Undeclared {
            plugin: plugin.to_owned(),
            kind: "service",
            name: service.name.clone(),
            hint,
        });
    };
    if provided.version.to_string() == service.version {
        return Ok(provided.version.clone());
    }
    Err(Error::Undeclared {
        plugin: plugin.to_owned(),
        kind: "service",
        name: format!("{} in version {}", service.name, service.version),
        hint: format!("; it declares version {}", provided.version),
    })
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// Whether everything that `asked` selects is selected by `declared`.
fn covers(declared: &str, asked: &str) -> bool {
    declared == asked || matches_event(declared, asked.trim_end_matches('*'))
}

/// What was declared and is not there, but for what may be left out.
fn missing(raw: &Registrations, declared: &PluginDeclaration, routes: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn =
        |kind: &str, name: &str| warnings.push(format!("declares the {kind} {name} and does not register it"));
    for service in &declared.services.provides {
        if !raw.services.iter().any(|registered| registered.name == service.name) {
            warn("service", &service.name);
        }
    }
    let required = |names: &[String], name: &String| !names.contains(name);
    for hook in &declared.hooks.handles {
        if required(&declared.hooks.optional, hook) && !raw.hooks.iter().any(|registered| registered.name == *hook) {
            warn("hook", hook);
        }
    }
    for pattern in &declared.events.handles {
        let there = || raw.events.iter().any(|registered| covers(pattern, &registered.pattern));
        if required(&declared.events.optional, pattern) && !there() {
            warn("event", pattern);
        }
    }
    for route in routes {
        if !raw.routes.contains(route) {
            warn("route", route);
        }
    }
    for command in &declared.commands {
        if !raw.commands.contains(&command.name) {
            warn("command", &command.name);
        }
    }
    warnings
}
