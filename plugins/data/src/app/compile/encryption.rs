//! Fields whose values are encrypted in the store: the later type `secret`, and texts with `encryptionConfig`.
//!
//! `secret` is a type of later versions of the protocol; it is read as a password with `encryptionConfig`
//! (`protocol::dialect`): encrypted in the place of a hash, so that the system can read it back. Every other text with
//! `encryptionConfig` is shown to whoever may read it. What that key asks for and is not kept here is refused by its name: somebody would count on it.

use objectos_plugin_api::protocol::data::{Field, FieldType};
use objectos_plugin_api::protocol::system::{EncryptionAlgorithm, EncryptionConfig, KeyManagementProvider};

use super::draft::Draft;
use super::kind::{is_encrypted, kind_of};
use crate::app::problem::Problems;
use crate::model::FieldKind;

/// What people call a password that is encrypted.
const SECRET: &str = "secret";
/// Says how a field is encrypted.
const CONFIG: &str = "encryptionConfig";

/// Whether a field is encrypted; what its settings ask for and does not happen is refused.
pub(super) fn compile(draft: &Draft, name: &str, field: &Field, problems: &mut Problems) -> bool {
    let Some(config) = field.encryption_config.as_ref().filter(|config| config.enabled) else {
        return false;
    };
    let mut refuse = |keys: &[&str], message: String, hint: &str| {
        let mut whole = vec!["fields", name, CONFIG];
        whole.extend(keys);
        problems.push(draft.error(&whole, message).hint(hint));
    };
    if kind_of(field) != FieldKind::Text {
        let message = format!(
            "a {} field is not encrypted here: its values would lie open",
            field.kind
        );
        refuse(
            &[],
            message,
            "remove it, or make the field a text; texts alone are encrypted",
        );
        return false;
    }
    asked_in_vain(config, &mut refuse);
    if field.kind == FieldType::Password && field.default_value.is_some() {
        let message = "a secret cannot have a default: whoever reads the definition would know it";
        problems.push(draft.field_error(name, "defaultValue", message).hint("remove it"));
    }
    true
}

/// What is not kept here.
fn asked_in_vain(config: &EncryptionConfig, refuse: &mut dyn FnMut(&[&str], String, &str)) {
    if config.algorithm != EncryptionAlgorithm::Aes256Gcm {
        let message = format!("values are not encrypted with {} here", config.algorithm);
        refuse(&["algorithm"], message, "write `aes-256-gcm`");
    }
    let keys = &config.key_management;
    if keys.provider != KeyManagementProvider::Local {
        let message = format!("keys are not fetched from {} here", keys.provider);
        let hint = "write `local`, and have the operator name the keys in plugins.objectos.data.encryption.keys";
        refuse(&["keyManagement", "provider"], message, hint);
    }
    if keys.key_id.is_some() {
        let message = "a field does not choose its key".to_owned();
        let hint = "remove it; the first of plugins.objectos.data.encryption.keys encrypts";
        refuse(&["keyManagement", "keyId"], message, hint);
    }
    if keys.rotation_policy.as_ref().is_some_and(|policy| policy.enabled) {
        let message = "keys are not rotated by themselves".to_owned();
        let hint = "remove it; the operator puts a new key first and runs `objectos-host encrypt rotate`";
        refuse(&["keyManagement", "rotationPolicy"], message, hint);
    }
    for (key, asked) in [
        ("deterministicEncryption", config.deterministic_encryption),
        ("searchableEncryption", config.searchable_encryption),
    ] {
        if asked {
            let message = "no two values are encrypted alike, so that nobody sees which are equal".to_owned();
            refuse(
                &[key],
                message,
                "remove it; records are not found by an encrypted field",
            );
        }
    }
}

/// What messages call a field.
pub(super) fn named(field: &Field) -> String {
    match (is_encrypted(field), field.kind) {
        (true, FieldType::Password) => SECRET.to_owned(),
        (true, kind) => format!("encrypted {kind}"),
        (false, kind) => kind.to_string(),
    }
}

/// `a`, `an`.
pub(super) fn article(named: &str) -> &'static str {
    match named.starts_with("encrypted") {
        true => "an",
        false => "a",
    }
}
