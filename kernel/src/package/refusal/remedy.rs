//! What to do about a refusal, and its stable code.

use super::{MissingGrant, RefusalReason, name_of};
use crate::grants::{line_to_add, lines_to_remove};

impl RefusalReason {
    /// What to do about it: lower case, no full stop, as a continuation of "hint:".
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::FolderUnreadable { .. } => "name an existing folder with `--plugins`".to_owned(),
            Self::FolderWritableByOthers { .. } => "take the right away with `chmod o-w` on the folder".to_owned(),
            Self::WritableByOthers { .. } => {
                "take the right away with `chmod o-w` and check who wrote the file".to_owned()
            }
            Self::Unreadable { .. } => "check the file's owner and mode".to_owned(),
            Self::NotRegular { .. } => "put the library itself into the folder".to_owned(),
            Self::OutsideFolder { .. } => "copy the library into the plugin folder".to_owned(),
            Self::TooDeep => "put the library at most one level below the plugin folder".to_owned(),
            Self::CopyFailed { .. } => "check that the runtime folder can be written and has room".to_owned(),
            Self::ChangedWhileCopied { .. } => {
                "write the new file under another name and rename it when complete".to_owned()
            }
            Self::Empty | Self::NotElf | Self::Malformed { .. } => {
                "build the plugin again and copy it once more".to_owned()
            }
            Self::Truncated { .. } => "copy the file again; the last copy was not finished".to_owned(),
            Self::TooLarge { .. } => "build it in release mode and strip it".to_owned(),
            Self::NotShared => "build the crate with `crate-type = [\"cdylib\"]`".to_owned(),
            Self::OtherArchitecture { expected, .. } | Self::OtherTarget { expected, .. } => {
                format!("build the plugin for {expected}")
            }
            Self::NotAPlugin | Self::ManifestMissing | Self::BuildFactsMissing => {
                "declare the plugin with the macro of `objectos-plugin-api`, or take the file out of the folder"
                    .to_owned()
            }
            Self::ManifestTooLarge { .. } => "move large data out of `plugin.json`".to_owned(),
            Self::ManifestInvalid { .. } => "correct `plugin.json` and build the plugin again".to_owned(),
            Self::PanicAborts => "remove `panic = \"abort\"` from the plugin's Cargo profile".to_owned(),
            Self::ApiRange { offered, .. } | Self::ApiMajor { offered, .. } => {
                format!("build the plugin with `objectos-plugin-api` {offered} or take a host that fits")
            }
            Self::DuplicateId { .. } => "keep one of the two files".to_owned(),
            _ => self.remedy_of_decision(),
        }
    }

    /// The second half: what an operator decided, and how plugins fit together.
    fn remedy_of_decision(&self) -> String {
        match self {
            Self::Blocked { .. } => "remove it from `trust.blocked` if you mean to run it".to_owned(),
            Self::SignatureInvalid { .. } | Self::DigestMismatch { .. } | Self::SignatureForged { .. } => {
                "get the file and its `.sig` again from the source you trust, or sign it with `objectos-host plugins sign`".to_owned()
            }
            Self::SignerUnknown { .. } => "add the signer's public key to `trust.keys` in objectos.yml".to_owned(),
            Self::SignatureExpired { .. } => "get a newer version, or sign it again".to_owned(),
            Self::SignatureNotYetValid { .. } => "check the clock of this machine".to_owned(),
            Self::TrustTooLow { signed: false, .. } => {
                "sign it with `objectos-host plugins sign` and add the key to `trust.keys` in objectos.yml".to_owned()
            }
            Self::TrustTooLow { allowed, .. } => {
                let allowed: Vec<String> = allowed.iter().map(name_of).collect();
                format!("give the signer's key one of the levels {} in `trust.keys`", allowed.join(", "))
            }
            Self::NotGranted { plugin, missing } => grant_lines(plugin, missing),
            Self::ForbiddenImport { permission, rule, .. } => {
                format!("ask for `{permission}` in the manifest and grant `{rule}` in objectos.yml, or do without")
            }
            Self::SettingsInvalid { .. } => "correct the plugin's configuration in objectos.yml".to_owned(),
            Self::PluginMissing { nearest: Some(nearest), .. } => format!("did the author mean `{nearest}`?"),
            Self::PluginMissing { wanted, .. } => format!("put `{wanted}` into the plugin folder"),
            Self::PluginRange { wanted, range, .. } => format!("put a version of `{wanted}` that fits {range} into the plugin folder"),
            Self::CapabilityMissing { wanted, capability, .. } => {
                format!("put a version of `{wanted}` into the plugin folder whose plugin.json names `{capability}` in capabilities.implements")
            }
            Self::ServiceMissing { nearest: Some(nearest), .. } => format!("did the author mean `{nearest}`?"),
            Self::ServiceMissing { service, .. } => format!("add a plugin that provides `{service}`"),
            Self::ServiceRange { service, range, .. } => format!("add a plugin that provides `{service}` in a version that fits {range}"),
            Self::Cycle { .. } => "make one of them optional, or use an event in place of the service".to_owned(),
            Self::DependencyRefused { plugin, .. } => format!("see why `{plugin}` was refused"),
            Self::ReservedService { .. } => "provide it under another name".to_owned(),
            Self::TwoProviders { preferred: true, .. } => "change `prefer` in objectos.yml, or take this plugin out".to_owned(),
            Self::TwoProviders { service, .. } => {
                format!("choose with `prefer: {{ {service}: <plugin id> }}` in objectos.yml, or take one out")
            }
            Self::RouteTaken { .. } | Self::CommandTaken { .. } | Self::ObjectTaken { .. } => {
                "take one of the two out, or use another name".to_owned()
            }
            _ => String::new(),
        }
    }

    /// A stable word for programs, as in `not-granted`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FolderUnreadable { .. } => "folder-unreadable",
            Self::FolderWritableByOthers { .. } => "folder-writable-by-others",
            Self::WritableByOthers { .. } => "writable-by-others",
            Self::Unreadable { .. } => "unreadable",
            Self::NotRegular { .. } => "not-regular",
            Self::OutsideFolder { .. } => "outside-folder",
            Self::TooDeep => "too-deep",
            Self::CopyFailed { .. } => "copy-failed",
            Self::ChangedWhileCopied { .. } => "changed-while-copied",
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too-large",
            Self::NotElf => "not-elf",
            Self::Truncated { .. } => "truncated",
            Self::Malformed { .. } => "malformed",
            Self::OtherArchitecture { .. } => "other-architecture",
            Self::NotShared => "not-shared",
            Self::NotAPlugin => "not-a-plugin",
            Self::ManifestMissing => "manifest-missing",
            Self::ManifestTooLarge { .. } => "manifest-too-large",
            Self::ManifestInvalid { .. } => "manifest-invalid",
            Self::BuildFactsMissing => "build-facts-missing",
            Self::OtherTarget { .. } => "other-target",
            Self::PanicAborts => "panic-aborts",
            Self::ApiRange { .. } => "api-range",
            Self::ApiMajor { .. } => "api-major",
            Self::DuplicateId { .. } => "duplicate-id",
            Self::Blocked { .. } => "blocked",
            Self::SignatureInvalid { .. } => "signature-invalid",
            Self::SignerUnknown { .. } => "signer-unknown",
            Self::DigestMismatch { .. } => "digest-mismatch",
            Self::SignatureForged { .. } => "signature-forged",
            Self::SignatureExpired { .. } => "signature-expired",
            Self::SignatureNotYetValid { .. } => "signature-not-yet-valid",
            Self::TrustTooLow { .. } => "trust-too-low",
            Self::NotGranted { .. } => "not-granted",
            Self::ForbiddenImport { .. } => "forbidden-import",
            Self::SettingsInvalid { .. } => "settings-invalid",
            Self::PluginMissing { .. } => "plugin-missing",
            Self::PluginRange { .. } => "plugin-range",
            Self::CapabilityMissing { .. } => "capability-missing",
            Self::ServiceMissing { .. } => "service-missing",
            Self::ServiceRange { .. } => "service-range",
            Self::Cycle { .. } => "cycle",
            Self::DependencyRefused { .. } => "dependency-refused",
            Self::ReservedService { .. } => "reserved-service",
            Self::TwoProviders { .. } => "two-providers",
            Self::RouteTaken { .. } => "route-taken",
            Self::CommandTaken { .. } => "command-taken",
            Self::ObjectTaken { .. } => "object-taken",
        }
    }
}

/// The lines to add to the operator's file, or to take out of it.
fn grant_lines(plugin: &str, missing: &[MissingGrant]) -> String {
    let denied: Vec<&str> = missing.iter().filter_map(|grant| grant.denied_by.as_deref()).collect();
    if denied.is_empty() {
        let rules: Vec<&str> = missing.iter().map(|grant| grant.rule.as_str()).collect();
        return line_to_add(plugin, &rules);
    }
    format!("{}, or do without the plugin", lines_to_remove(&denied))
}
