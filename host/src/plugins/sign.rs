//! `plugins keygen` and `plugins sign`.

use objectos_kernel::trust::{KeyPair, SignatureTimes, keygen as make, sign as make_signature, signature_path};
use std::{path::Path, time::SystemTime};

use super::{CommandError, tell};
use crate::exit::Exit;

pub(super) fn keygen(name: &str, out: &Path) -> Result<Exit, CommandError> {
    if name.is_empty() || name.contains('/') {
        return Err(CommandError::new(
            Exit::Usage,
            format!("{name:?} is no name for a key: write a word such as release"),
        ));
    }
    std::fs::create_dir_all(out)
        .map_err(|error| CommandError::new(Exit::Missing, format!("{} cannot be made: {error}", out.display())))?;
    let path = out.join(format!("{name}.key"));
    let public = make(&path).map_err(|error| failed(&error))?;
    tell(&format!("{} is the secret key; keep it to yourself", path.display()));
    tell(&format!("{} is the public key", path.with_extension("pub").display()));
    tell(&format!(
        "to trust what it signs, put into objectos.yml:\ntrust:\n  keys:\n    - {{ name: {name}, publicKey: \"{}\", level: trusted }}",
        public.base64()
    ));
    Ok(Exit::Success)
}

pub(super) fn sign(file: &Path, key: &Path, days: u32) -> Result<Exit, CommandError> {
    let pair = KeyPair::load(key).map_err(|error| failed(&error))?;
    let now = time::OffsetDateTime::from(SystemTime::now());
    let not_after = now.checked_add(time::Duration::days(i64::from(days)));
    let times = SignatureTimes {
        not_before: now,
        not_after: not_after
            .ok_or_else(|| CommandError::new(Exit::Usage, format!("{days} days lead beyond the calendar")))?,
    };
    let signature = make_signature(file, &pair, times).map_err(|error| failed(&error))?;
    tell(&format!(
        "{} is signed by {} until {}",
        signature_path(file).display(),
        signature.key_id,
        signature.not_after
    ));
    Ok(Exit::Success)
}

fn failed(error: &dyn std::error::Error) -> CommandError {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    CommandError::new(Exit::Failed, message)
}
