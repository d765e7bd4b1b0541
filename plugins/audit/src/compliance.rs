//! What the standards of `compliance.standards` ask of an audit trail, held against the rest of the settings at the start. Whoever
//! names a standard and sets something that it does not allow is told so, and the plugin does not start.
//!
//! The numbers are the least that the texts ask for, or where a text leaves it open, what auditors take: SOX section 802 and
//! 17 CFR 210.2-06 (seven years), HIPAA 45 CFR 164.316 (six), PCI DSS 10.5.1 (one), ISO 27001 A.8.15 (one), OMB M-21-31 for
//! FedRAMP (thirty months). GDPR asks for no time but for as little data as will do. A trail in archive files is kept as well.

use objectos_plugin_api::protocol::system::{AuditCompliance, AuditRetentionPolicy, ComplianceStandard};

use crate::{
    config::{AuditSettings, Retention},
    error::{AuditError, Result},
};

const DAY_MS: i64 = 86_400_000;

/// What one standard asks for.
struct Demand {
    /// How long events are kept, days.
    days: i64,
    /// Nobody changes a row.
    immutable: bool,
    /// Checkpoints are signed.
    signed: bool,
    /// Values of sensitive fields are not written down.
    redacted: bool,
}

fn demand(standard: ComplianceStandard) -> Demand {
    let (days, signed, redacted) = match standard {
        ComplianceStandard::Sox => (2_557, true, false),
        ComplianceStandard::Hipaa => (2_192, false, true),
        ComplianceStandard::Gdpr => (0, false, true),
        ComplianceStandard::PciDss => (365, true, true),
        ComplianceStandard::Iso27001 => (365, false, false),
        ComplianceStandard::Fedramp => (913, true, false),
    };
    Demand {
        days,
        immutable: standard != ComplianceStandard::Gdpr,
        signed,
        redacted,
    }
}

/// Holds the settings against the standards that they name.
///
/// # Errors
/// `Configuration`, with the standard, the key and what to do.
pub(crate) fn check(settings: &AuditSettings) -> Result<()> {
    let Some(compliance) = &settings.audit.compliance else {
        return Ok(());
    };
    for &standard in compliance.standards.iter().flatten() {
        let wrong = |text: String| {
            Err(AuditError::Configuration(format!(
                "compliance.standards: `{standard}` {text}"
            )))
        };
        let demand = demand(standard);
        if !settings.audit.enabled {
            return wrong("needs an audit trail and `enabled` is false: switch it on".to_owned());
        }
        if demand.immutable && !compliance.immutable_logs {
            return wrong("allows nobody to change events: leave `compliance.immutableLogs` true".to_owned());
        }
        if demand.signed && !signs(settings, compliance) {
            return wrong(
                "needs signed checkpoints and there is no key: set signingKeyFile or compliance.signingKey".to_owned(),
            );
        }
        if demand.redacted && settings.audit.include_sensitive_data {
            return wrong("allows no sensitive values in the trail: leave `includeSensitiveData` false".to_owned());
        }
        if let Some(policy) = &settings.audit.retention_policy
            && let Some((what, days)) = too_short(policy, demand.days)
        {
            return wrong(format!(
                "asks for {} days and the retentionPolicy keeps {what} {days}: set minimumRetentionDays to {}, or \
                 archiveAfterRetention to true",
                demand.days, demand.days
            ));
        }
    }
    Ok(())
}

fn signs(settings: &AuditSettings, compliance: &AuditCompliance) -> bool {
    settings.own.signing_key_file.is_some() || compliance.signing_key.is_some()
}

/// What goes for good before its time, and after how many days.
fn too_short(policy: &AuditRetentionPolicy, days: i64) -> Option<(String, i64)> {
    if policy.archive_after_retention {
        return None;
    }
    let kept = |name: &str| policy.kept_ms(name) / DAY_MS;
    let general = ("events".to_owned(), kept(""));
    let own = policy.own_types().into_iter().map(|name| {
        let days = kept(&name);
        (format!("`{name}`"), days)
    });
    std::iter::once(general).chain(own).find(|(_, kept)| *kept < days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(standard: &str, mut config: Value) -> Result<AuditSettings> {
        config["compliance"]["standards"] = json!([standard]);
        AuditSettings::read(&config)
    }

    #[test]
    fn settings_are_held_against_each_standard() {
        let key = || json!({ "signingKey": "11".repeat(32) });
        for (standard, config, expected) in [
            ("sox", json!({}), Some("`sox` needs signed checkpoints")),
            ("sox", json!({ "compliance": key() }), None),
            (
                "hipaa",
                json!({ "compliance": { "immutableLogs": false } }),
                Some("`hipaa` allows nobody to change events"),
            ),
            ("gdpr", json!({ "compliance": { "immutableLogs": false } }), None),
            (
                "gdpr",
                json!({ "includeSensitiveData": true }),
                Some("`gdpr` allows no sensitive values"),
            ),
            (
                "iso_27001",
                json!({ "enabled": false }),
                Some("`iso_27001` needs an audit trail"),
            ),
            ("iso_27001", json!({ "retentionPolicy": { "retentionDays": 90 } }), None),
            (
                "iso_27001",
                json!({ "retentionPolicy": { "retentionDays": 90, "archiveAfterRetention": false } }),
                Some("`iso_27001` asks for 365 days and the retentionPolicy keeps events 90:"),
            ),
            (
                "iso_27001",
                json!({ "retentionPolicy": {
                    "retentionDays": 400, "customRetention": { "data.read": 30 }, "archiveAfterRetention": false,
                } }),
                Some("`iso_27001` asks for 365 days and the retentionPolicy keeps `data.read` 30:"),
            ),
            (
                "iso_27001",
                json!({ "retentionPolicy": {
                    "retentionDays": 90, "minimumRetentionDays": 365, "archiveAfterRetention": false,
                } }),
                None,
            ),
        ] {
            let answer = read(standard, config.clone()).map_err(|error| error.to_string());
            match (answer, expected) {
                (Ok(_), None) => {}
                (Err(error), Some(expected)) => {
                    let expected = format!("compliance.standards: {expected}");
                    assert!(error.starts_with(&expected), "{config}: {error}");
                }
                (answer, expected) => panic!("{standard} {config}: {:?} instead of {expected:?}", answer.err()),
            }
        }
    }
}
