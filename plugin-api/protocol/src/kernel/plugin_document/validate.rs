//! Rules that hold between the parts of a document: names, versions, paths, and nothing said twice.

use semver::Version;
use serde_json::Value;

use super::name::{is_event_pattern, is_plugin_id, is_service_name, is_word, parse_range, route_shape};
use super::{DocumentProblem, PluginDeclaration, PluginDocument};

/// Whether `text` stands for a family of services: what the kernel makes of plugins for a gateway or a console, and those that judge records.
fn is_caller_family(text: &str) -> bool {
    ["route:*", "command:*", "validator.*"].contains(&text)
}

/// Everything that is wrong, in document order.
pub(super) fn problems(document: &PluginDocument) -> Vec<DocumentProblem> {
    let mut findings = Findings::default();
    manifest(document, &mut findings);
    parts(document, &mut findings);
    permissions(document, &mut findings);
    let declaration = &document.objectos;
    services(declaration, &mut findings);
    hooks_and_events(declaration, &mut findings);
    routes(declaration, &mut findings);
    objects_and_commands(declaration, &mut findings);
    if let Some(settings) = &declaration.settings {
        settings_schema(settings, &mut findings);
    }
    findings.0
}

#[derive(Default)]
struct Findings(Vec<DocumentProblem>);

impl Findings {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>, remedy: &str) {
        self.0.push(DocumentProblem::new(path, message, remedy));
    }

    /// Reports every entry of a list that was there before.
    fn repeated<'a>(&mut self, path: &str, entries: impl Iterator<Item = &'a str>) {
        let mut seen: Vec<&str> = Vec::new();
        for (index, entry) in entries.enumerate() {
            if seen.contains(&entry) {
                self.add(
                    format!("{path}[{index}]"),
                    format!("`{entry}` is given twice"),
                    "remove one of the two",
                );
            }
            seen.push(entry);
        }
    }
}

/// What would give a plugin more than its author asks for: a permission is for whole resources, by their names.
fn permissions(document: &PluginDocument, findings: &mut Findings) {
    for (index, permission) in document.security.permissions.permissions.iter().enumerate() {
        let Some(filter) = &permission.filter else { continue };
        let path = format!("security.permissions.permissions[{index}].filter");
        let remedy = "leave it out and narrow the permission with `resourceIds`";
        if filter.condition.is_some() {
            findings.add(
                format!("{path}.condition"),
                "no permission is held to a condition",
                remedy,
            );
        }
        if !filter.fields.is_empty() {
            findings.add(
                format!("{path}.fields"),
                "no permission is held to single fields",
                remedy,
            );
        }
    }
}

fn manifest(document: &PluginDocument, findings: &mut Findings) {
    let manifest = &document.manifest;
    if !is_plugin_id(&manifest.id) {
        let message = format!("`{}` is not a plugin id", manifest.id);
        findings.add(
            "manifest.id",
            message,
            "use a reversed domain in lower case, as in `com.example.audit`",
        );
    }
    if let Err(error) = Version::parse(&manifest.version) {
        let message = format!("`{}` is not a version ({error})", manifest.version);
        findings.add(
            "manifest.version",
            message,
            "use three numbers without leading zeros, as in `1.4.0`",
        );
    }
    if manifest.name.trim().is_empty() {
        findings.add(
            "manifest.name",
            "the name is empty",
            "give the plugin a name people can read",
        );
    }
    for (id, range) in &manifest.dependencies {
        let path = format!("manifest.dependencies.{id}");
        dependency(&manifest.id, id, range, path, findings);
    }
}

fn dependency(own_id: &str, id: &str, range: &str, path: String, findings: &mut Findings) {
    if !is_plugin_id(id) {
        findings.add(
            path,
            format!("`{id}` is not a plugin id"),
            "use the id from that plugin's manifest",
        );
    } else if id == own_id {
        findings.add(path, "the plugin depends on itself", "remove the entry");
    } else if let Err(message) = parse_range(range) {
        findings.add(path, message, "");
    }
}

fn parts(document: &PluginDocument, findings: &mut Findings) {
    let id = &document.manifest.id;
    if document.security.plugin_id != *id {
        let message = format!("`{}` is not the id of this plugin", document.security.plugin_id);
        findings.add(
            "security.pluginId",
            message,
            &format!("write `{id}`, as in `manifest.id`"),
        );
    }
    if document
        .manifest
        .capabilities
        .as_ref()
        .is_some_and(|inner| *inner != document.capabilities)
    {
        let message = "differs from `capabilities` of the document";
        findings.add(
            "manifest.capabilities",
            message,
            "keep `capabilities` and remove this one",
        );
    }
    for (index, required) in document.capabilities.requires.iter().enumerate() {
        let path = format!("capabilities.requires[{index}]");
        dependency(id, &required.plugin_id, &required.version, path, findings);
    }
    let permissions = &document.security.permissions;
    findings.repeated(
        "security.permissions.permissions",
        permissions.permissions.iter().map(|asked| asked.id.as_str()),
    );
    for (index, asked) in permissions.permissions.iter().enumerate() {
        if asked.actions.is_empty() {
            let path = format!("security.permissions.permissions[{index}].actions");
            findings.add(
                path,
                "a permission without actions asks for nothing",
                "name at least one action",
            );
        }
    }
    for (index, group) in permissions.groups.iter().enumerate() {
        for member in &group.permissions {
            if !permissions.permissions.iter().any(|asked| asked.id == *member) {
                let path = format!("security.permissions.groups[{index}]");
                findings.add(
                    path,
                    format!("no permission has the id `{member}`"),
                    "add it or remove it from the group",
                );
            }
        }
    }
}

fn services(declaration: &PluginDeclaration, findings: &mut Findings) {
    const NAME: &str = "use words of `a-z 0-9 _ -` joined by `.`, as in `event-store`";
    let services = &declaration.services;
    for (index, provided) in services.provides.iter().enumerate() {
        if !is_service_name(&provided.name) {
            let path = format!("objectos.services.provides[{index}].name");
            findings.add(path, format!("`{}` is not a service name", provided.name), NAME);
        }
    }
    findings.repeated(
        "objectos.services.provides",
        services.provides.iter().map(|provided| provided.name.as_str()),
    );
    for (index, used) in services.uses.iter().enumerate() {
        let path = format!("objectos.services.uses[{index}].name");
        if !is_service_name(&used.name) && !is_caller_family(&used.name) {
            findings.add(path, format!("`{}` is not a service name", used.name), NAME);
        } else if services.provides.iter().any(|provided| provided.name == used.name) {
            findings.add(
                path,
                format!("the plugin provides `{}` itself", used.name),
                "remove it from `uses`",
            );
        }
    }
    findings.repeated(
        "objectos.services.uses",
        services.uses.iter().map(|used| used.name.as_str()),
    );
}

fn hooks_and_events(declaration: &PluginDeclaration, findings: &mut Findings) {
    let hooks = [
        ("handles", &declaration.hooks.handles),
        ("runs", &declaration.hooks.runs),
    ];
    for (key, names) in hooks {
        let path = format!("objectos.hooks.{key}");
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !is_service_name(name)) {
            let remedy = "use words of `a-z 0-9 _ -` joined by `.`, as in `data.before_insert`";
            findings.add(
                format!("{path}[{index}]"),
                format!("`{name}` is not a hook name"),
                remedy,
            );
        }
        findings.repeated(&path, names.iter().map(String::as_str));
    }
    optional(
        "hooks",
        &declaration.hooks.optional,
        &declaration.hooks.handles,
        findings,
    );
    let events = [
        ("handles", &declaration.events.handles),
        ("publishes", &declaration.events.publishes),
    ];
    for (key, patterns) in events {
        let path = format!("objectos.events.{key}");
        for (index, pattern) in patterns.iter().enumerate() {
            if !is_event_pattern(pattern) {
                let remedy = "use a name as in `data.record.created`, `prefix.*`, or `*`";
                findings.add(
                    format!("{path}[{index}]"),
                    format!("`{pattern}` is not an event pattern"),
                    remedy,
                );
            } else if key == "publishes" && pattern.contains(':') {
                let message = format!("`{pattern}` belongs to the kernel");
                findings.add(
                    format!("{path}[{index}]"),
                    message,
                    "publish under a name of your own, without `:`",
                );
            }
        }
        findings.repeated(&path, patterns.iter().map(String::as_str));
    }
    optional(
        "events",
        &declaration.events.optional,
        &declaration.events.handles,
        findings,
    );
}

/// What may be left out is one of what is handled.
fn optional(section: &str, names: &[String], handles: &[String], findings: &mut Findings) {
    let path = format!("objectos.{section}.optional");
    for (index, name) in names.iter().enumerate().filter(|(_, name)| !handles.contains(name)) {
        findings.add(
            format!("{path}[{index}]"),
            format!("`{name}` is not among `handles`"),
            "add it there, or remove it here",
        );
    }
    findings.repeated(&path, names.iter().map(String::as_str));
}

fn routes(declaration: &PluginDeclaration, findings: &mut Findings) {
    let mut seen: Vec<(String, usize)> = Vec::new();
    for (index, route) in declaration.routes.iter().enumerate() {
        let path = format!("objectos.routes[{index}].path");
        let shape = match route_shape(&route.path) {
            Ok(shape) => format!("{} {shape}", route.method.as_str()),
            Err(message) => {
                findings.add(
                    path,
                    format!("`{}`: {message}", route.path),
                    "write it as in `/api/v1/notes/{id}`",
                );
                continue;
            }
        };
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == shape) {
            let message = format!(
                "{} `{}` answers the same requests as routes[{first}]",
                route.method.as_str(),
                route.path
            );
            findings.add(path, message, "remove one of the two");
        }
        seen.push((shape, index));
    }
}

fn objects_and_commands(declaration: &PluginDeclaration, findings: &mut Findings) {
    for (index, name) in declaration.objects.iter().enumerate() {
        let fits = is_word(name.trim_start_matches('_')) && !name.contains('-');
        if !fits {
            let remedy = "use lower-case letters, digits and `_`, as in `audit_event`";
            findings.add(
                format!("objectos.objects[{index}]"),
                format!("`{name}` is not an object name"),
                remedy,
            );
        }
    }
    findings.repeated("objectos.objects", declaration.objects.iter().map(String::as_str));
    for (index, command) in declaration.commands.iter().enumerate() {
        let words: Vec<&str> = command.name.split(' ').collect();
        if words.len() > 3 || !words.iter().all(|word| is_word(word)) {
            let path = format!("objectos.commands[{index}].name");
            let remedy = "use one to three words of `a-z 0-9 -`, as in `audit verify`";
            findings.add(path, format!("`{}` is not a command name", command.name), remedy);
        }
        for service in command.services.iter().filter(|service| !is_service_name(service)) {
            let path = format!("objectos.commands[{index}].services");
            findings.add(
                path,
                format!("`{service}` is not a service name"),
                "use the name the service is provided under",
            );
        }
    }
    findings.repeated(
        "objectos.commands",
        declaration.commands.iter().map(|command| command.name.as_str()),
    );
}

fn settings_schema(settings: &Value, findings: &mut Findings) {
    let Value::Object(schema) = settings else {
        findings.add(
            "objectos.settings",
            "expected a JSON Schema, which is an object",
            "write `{ \"type\": \"object\", \"properties\": { } }`",
        );
        return;
    };
    if schema.get("type").is_some_and(|kind| kind != "object") {
        findings.add(
            "objectos.settings.type",
            "a configuration is an object",
            "write `\"type\": \"object\"`",
        );
    }
}
