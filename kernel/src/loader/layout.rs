//! Compares the layout of every type of the ABI, in both directions: a plugin that is newer than the host has more, one that
//! is older has less, and both are fine as long as what they share is equal.
//!
//! The type registry used for a comparison is thrown away with it: a kept one would hold addresses inside the library.

use objectos_plugin_api::private::abi_stable::{
    abi_stability::abi_checking::{
        AbiInstability, AbiInstabilityError, AbiInstabilityErrors, CheckingGlobals,
        check_layout_compatibility_with_globals,
    },
    type_layout::{TLField, TLFieldOrFunction, TLFunction, TypeLayout},
};

/// Ok when host and plugin can talk; otherwise the first difference as a sentence, with the type, the field and both sides.
pub(super) fn check(host: &'static TypeLayout, plugin: &'static TypeLayout) -> Result<(), String> {
    // The plugin may be as old as the host, or newer.
    let Err(newer) = check_layout_compatibility_with_globals(host, plugin, &CheckingGlobals::new()) else {
        return Ok(());
    };
    // It may be older: then it is the host that has more.
    let Err(older) = check_layout_compatibility_with_globals(plugin, host, &CheckingGlobals::new()) else {
        return Ok(());
    };
    // A field count says only which side is older; the other direction's error, if it is not one, names what differs.
    let told = if only_counts(&newer) {
        first(host, &older, true)
    } else {
        first(host, &newer, false)
    };
    Err(told)
}

fn only_counts(errors: &AbiInstabilityErrors) -> bool {
    errors
        .errors
        .iter()
        .flat_map(|error| error.errs.iter())
        .all(|error| matches!(error, AbiInstability::FieldCountMismatch(_)))
}

/// The first difference; `swapped` when the plugin's layout stood where the host's belongs.
fn first(root: &TypeLayout, errors: &AbiInstabilityErrors, swapped: bool) -> String {
    let found = errors
        .errors
        .iter()
        .find_map(|error| error.errs.first().map(|difference| (error, difference)));
    let Some((error, difference)) = found else {
        return "its types are laid out otherwise".to_owned();
    };
    let place = Place::of(root, error, swapped);
    let (subject, differs) = describe(&place, difference, swapped);
    format!("{subject} {differs}")
}

/// Parameters of a function that is compared, here and there.
#[derive(Debug)]
struct Called {
    name: String,
    host: String,
    plugin: String,
}

/// Where a difference is.
#[derive(Debug)]
struct Place {
    /// What was passed on the way, from the outside in: `` `kind` of `RawError` ``.
    steps: Vec<String>,
    /// The type that is compared there.
    within: String,
    /// The function, where it is one that is compared.
    called: Option<Called>,
}

impl Place {
    fn of(root: &TypeLayout, error: &AbiInstabilityError, swapped: bool) -> Self {
        let mut place = Self {
            steps: Vec::new(),
            within: root.name().to_owned(),
            called: None,
        };
        for step in error.stack_trace.iter() {
            let (host, plugin) = sides(&step.expected, &step.found, swapped);
            match (host, plugin) {
                (TLFieldOrFunction::Field(field), _) => place.enter(field),
                (TLFieldOrFunction::Function(host), TLFieldOrFunction::Function(plugin)) => {
                    place.called = Some(Called {
                        name: host.name.as_str().to_owned(),
                        host: parameters(host),
                        plugin: parameters(plugin),
                    });
                }
                (TLFieldOrFunction::Function(_), TLFieldOrFunction::Field(_)) => {}
            }
        }
        place
    }

    fn enter(&mut self, field: &TLField) {
        let within = std::mem::replace(&mut self.within, field.layout().name().to_owned());
        let name = field.name();
        match self.called.take() {
            Some(called) if name == ANSWER => self.steps.push(format!("the answer of `{}`", called.name)),
            Some(called) => self.steps.push(format!("what `{}` is given", called.name)),
            // Fields without a name wrap something: nobody would know them.
            None if name.starts_with(|first: char| first.is_ascii_digit()) => {}
            None => self.steps.push(format!("`{name}` of `{within}`")),
        }
    }

    /// The field or function, and how it is come to.
    fn field(&self) -> String {
        match (self.steps.first(), self.steps.last()) {
            (Some(first), Some(last)) if self.steps.len() > 1 => format!("{last}, reached by {first},"),
            (_, Some(last)) => last.clone(),
            (_, None) => "its entry".to_owned(),
        }
    }

    /// The type, and how it is come to; a function is what it is called.
    fn inside(&self) -> String {
        match (&self.called, self.steps.first()) {
            (Some(_), _) => self.field(),
            (None, Some(first)) => format!("the type `{}`, reached by {first},", self.within),
            (None, None) => format!("the type `{}`", self.within),
        }
    }
}

/// The layout's name for what a function answers.
const ANSWER: &str = "__returns";

/// The names of a function's parameters.
fn parameters(function: &TLFunction) -> String {
    let names: Vec<&str> = function
        .param_names
        .as_str()
        .split([',', ';'])
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    names.join(", ")
}

/// The host's and the plugin's, of what was expected and found.
fn sides<T>(expected: T, found: T, swapped: bool) -> (T, T) {
    if swapped { (found, expected) } else { (expected, found) }
}

/// The first line of a description, without padding.
fn short(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let cut: String = line.chars().take(120).collect();
    if cut.len() < line.len() {
        format!("{cut}…")
    } else {
        cut
    }
}

/// A sentence about a difference: what it is about, and how the two differ.
fn describe(place: &Place, difference: &AbiInstability, swapped: bool) -> (String, String) {
    let pair = |what: &str, expected: String, found: String| {
        let (host, plugin) = sides(short(&expected), short(&found), swapped);
        (
            place.inside(),
            format!("has another {what}: {host} in this host, {plugin} in the plugin"),
        )
    };
    macro_rules! told {
        ($what:literal, $values:expr) => {
            pair($what, $values.expected.to_string(), $values.found.to_string())
        };
        ($what:literal, debug $values:expr) => {
            pair(
                $what,
                format!("{:?}", $values.expected),
                format!("{:?}", $values.found),
            )
        };
    }
    match difference {
        AbiInstability::Name(values) => {
            let (host, plugin) = sides(&values.expected, &values.found, swapped);
            let (host, plugin) = (short(&host.to_string()), short(&plugin.to_string()));
            (
                place.field(),
                format!("is of type `{host}` in this host and of type `{plugin}` in the plugin"),
            )
        }
        AbiInstability::UnexpectedField(values) => {
            let (host, plugin) = sides(values.expected.name(), values.found.name(), swapped);
            (place.inside(), members(place, host, plugin))
        }
        AbiInstability::FieldCountMismatch(_) if place.called.is_some() => (place.inside(), members(place, "", "")),
        AbiInstability::UnexpectedVariant(values) => {
            let (host, plugin) = sides(values.expected, values.found, swapped);
            let text = format!("has the variant `{host}` in this host and `{plugin}` in its place in the plugin");
            (place.inside(), text)
        }
        AbiInstability::FieldLifetimeMismatch(values) => {
            let name = values.expected.name();
            (place.inside(), format!("has another lifetime in the field `{name}`"))
        }
        AbiInstability::Package(values) => told!("package", values),
        AbiInstability::PackageVersion(values) => told!("version of its package", values),
        AbiInstability::NonZeroness(values) => told!("rule about being zero (`true`: it never is)", values),
        AbiInstability::Size(values) => told!("size in bytes", values),
        AbiInstability::Alignment(values) => told!("alignment in bytes", values),
        AbiInstability::GenericParamCount(values) => told!("number of parameters", values),
        AbiInstability::MismatchedPrimitive(values) => told!("primitive type", debug values),
        AbiInstability::TLDataDiscriminant(values) => told!("kind", debug values),
        AbiInstability::FieldCountMismatch(values) => told!("number of fields", values),
        AbiInstability::FnLifetimeMismatch(values) => told!("lifetime", values),
        AbiInstability::FnQualifierMismatch(values) => told!("kind of function", values),
        AbiInstability::TooManyVariants(values) => told!("number of variants", values),
        AbiInstability::MismatchedPrefixSize(values) => told!("number of fields that every version has", values),
        other => (place.inside(), format!("differs: {}", short(&format!("{other:?}")))),
    }
}

/// How fields differ, or what a function takes.
fn members(place: &Place, host: &str, plugin: &str) -> String {
    match &place.called {
        Some(called) => format!(
            "takes ({}) in this host and ({}) in the plugin",
            called.host, called.plugin
        ),
        None => format!("has the field `{host}` in this host and `{plugin}` in its place in the plugin"),
    }
}
