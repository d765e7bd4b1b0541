//! What can be seen of a library without running it: its one symbol, what built it, its versions, and whether the range of
//! APIs that it asks for is one that it can keep.

use objectos_kernel::{
    discover::{ENTRY_SYMBOL, Inspection},
    settings::unmarked,
};
use objectos_protocol::kernel::plugin_document::PanicStrategy;
use semver::{Version, VersionReq};

use super::Report;

/// Looks at one library.
pub(super) fn check(inspection: &Inspection, report: &mut Report) {
    let id = inspection.document.id();
    let mut find = |text: String| report.find(id, &text);
    if inspection.exports != [ENTRY_SYMBOL] {
        find(format!(
            "exports {} and should export {ENTRY_SYMBOL} alone",
            inspection.exports.join(", ")
        ));
    }
    for path in inspection.document.objectos.settings.iter().flat_map(unmarked) {
        find(format!(
            "the setting {path} looks like a secret: mark it with \"writeOnly\": true in plugin.json"
        ));
    }
    match &inspection.document.build {
        None => find("does not say what built it".to_owned()),
        Some(build) => {
            if build.api.to_string() != objectos_plugin_api::abi::API_VERSION {
                find(format!("was built with plugin-api {}", build.api));
            }
            if build.panic != PanicStrategy::Unwind {
                find("was not built to unwind".to_owned());
            }
            if let Some(text) = judge(&inspection.document.objectos.api, &build.api) {
                find(text);
            }
        }
    }
    if inspection.document.version().to_string() != env!("CARGO_PKG_VERSION") {
        find(format!(
            "has version {}, the workspace has {}",
            inspection.document.version(),
            env!("CARGO_PKG_VERSION")
        ));
    }
    if inspection.document.manifest.id != inspection.document.security.plugin_id {
        find(format!(
            "security.pluginId is {}",
            inspection.document.security.plugin_id
        ));
    }
}

/// What is wrong with a range of API versions, in a plugin that was built with `built`: it has to take that one, and no other
/// major version, whose ABI is another.
pub(super) fn judge(range: &VersionReq, built: &Version) -> Option<String> {
    if !range.matches(built) {
        return Some(format!("asks for API {range} and was built with {built}"));
    }
    let before = built
        .major
        .checked_sub(1)
        .map(|major| Version::new(major, u64::MAX, u64::MAX));
    let after = Version::new(built.major + 1, 0, 0);
    let other = [before, Some(after)]
        .into_iter()
        .flatten()
        .find(|version| range.matches(version))?;
    Some(format!(
        "asks for API {range}, which takes major version {} as well: that is another ABI; say ^{}.{}",
        other.major, built.major, built.minor
    ))
}
