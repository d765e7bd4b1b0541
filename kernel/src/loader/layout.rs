//! Compares the layout of every type of the ABI, in both directions: a plugin that is newer than the host has more, one that
//! is older has less, and both are fine as long as what they share is equal.
//!
//! The type registry used for a comparison is thrown away with it: a kept one would hold addresses inside the library.

use objectos_plugin_api::private::abi_stable::{
    abi_stability::abi_checking::{
        AbiInstability, AbiInstabilityError, AbiInstabilityErrors, CheckingGlobals,
        check_layout_compatibility_with_globals,
    },
    type_layout::TypeLayout,
};

/// Ok when host and plugin can talk; otherwise the first difference in one line: `path: what, expected x, found y`.
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
        first(&older, true)
    } else {
        first(&newer, false)
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
fn first(errors: &AbiInstabilityErrors, swapped: bool) -> String {
    let Some(error) = errors.errors.iter().find(|error| !error.errs.is_empty()) else {
        return "its types are laid out otherwise".to_owned();
    };
    let what = error
        .errs
        .iter()
        .map(|difference| describe(difference, swapped))
        .next()
        .unwrap_or_default();
    format!("{}: {what}", path(error))
}

/// `PluginModule.create > RawPlugin.call > context`, from the outside in.
fn path(error: &AbiInstabilityError) -> String {
    let steps: Vec<String> = error
        .stack_trace
        .iter()
        .map(|step| short(&step.found.to_string()))
        .collect();
    if steps.is_empty() {
        "the module".to_owned()
    } else {
        steps.join(" > ")
    }
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

fn describe(difference: &AbiInstability, swapped: bool) -> String {
    let pair = |what: &str, expected: String, found: String| {
        let (expected, found) = if swapped { (found, expected) } else { (expected, found) };
        format!("{what}, expected {}, found {}", short(&expected), short(&found))
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
        AbiInstability::Name(values) => told!("another type", values),
        AbiInstability::Package(values) => told!("a type of another package", values),
        AbiInstability::PackageVersion(values) => told!("another version of a type's package", values),
        AbiInstability::NonZeroness(values) => told!("another use of zero", values),
        AbiInstability::Size(values) => told!("another size", values),
        AbiInstability::Alignment(values) => told!("another alignment", values),
        AbiInstability::GenericParamCount(values) => told!("another number of parameters", values),
        AbiInstability::MismatchedPrimitive(values) => told!("another primitive type", debug values),
        AbiInstability::TLDataDiscriminant(values) => told!("another kind of type", debug values),
        AbiInstability::FieldCountMismatch(values) => told!("another number of fields", values),
        AbiInstability::UnexpectedField(values) => told!("another field", values),
        AbiInstability::FieldLifetimeMismatch(values) => told!("another lifetime", values),
        AbiInstability::FnLifetimeMismatch(values) => told!("another lifetime in a function", values),
        AbiInstability::FnQualifierMismatch(values) => told!("another kind of function", values),
        AbiInstability::TooManyVariants(values) => told!("another number of variants", values),
        AbiInstability::UnexpectedVariant(values) => told!("another variant", values),
        AbiInstability::MismatchedPrefixSize(values) => told!("another fixed part", values),
        other => short(&format!("{other:?}")),
    }
}
