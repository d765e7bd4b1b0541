//! The commands `encrypt rotate` and `encrypt status`: bring stored secrets over to the first key, and say how many are not.

use std::fmt::Write as _;

use objectos_plugin_api::CommandAnswer;

use crate::engine::{Engine, Rotation};

/// Their names.
pub(super) const COMMANDS: [&str; 2] = [ROTATE, "encrypt status"];
const ROTATE: &str = "encrypt rotate";

/// Runs one of them. Exit code 0: all values have the first key; 1: it failed, or some have not; 2: called wrongly.
pub(super) async fn run(engine: &Engine, name: &str, arguments: &[String]) -> CommandAnswer {
    if !arguments.is_empty() {
        return CommandAnswer {
            error: format!("usage: objectos-host {name}\n"),
            exit_code: 2,
            ..CommandAnswer::default()
        };
    }
    let write = name == ROTATE;
    let told = |rotation: &Rotation| {
        tracing::info!(
            object = rotation.object,
            current = rotation.current,
            rotated = rotation.rotated,
            unreadable = rotation.unreadable,
            "secrets looked at"
        );
    };
    match engine.rotate_secrets(write, &told).await {
        Ok(rotations) => answer(&rotations, write),
        Err(error) => CommandAnswer {
            error: format!("{error}\n"),
            exit_code: 1,
            ..CommandAnswer::default()
        },
    }
}

fn answer(rotations: &[Rotation], write: bool) -> CommandAnswer {
    let (mut output, mut error) = (String::new(), String::new());
    let verb = if write { "encrypted anew" } else { "to encrypt anew" };
    for rotation in rotations {
        let Rotation {
            object,
            current,
            rotated,
            unreadable,
            reasons,
        } = rotation;
        let _ = writeln!(
            output,
            "{object}: {current} with the first key, {rotated} {verb}, {unreadable} unreadable"
        );
        for reason in reasons {
            let _ = writeln!(error, "{reason}");
        }
        let more = unreadable.saturating_sub(u64::try_from(reasons.len()).unwrap_or(u64::MAX));
        if more > 0 {
            let _ = writeln!(error, "and {more} more of {object}");
        }
    }
    if rotations.is_empty() {
        output.push_str("no field is encrypted\n");
    }
    let left = |rotation: &Rotation| rotation.unreadable > 0 || (!write && rotation.rotated > 0);
    CommandAnswer {
        output,
        error,
        exit_code: u8::from(rotations.iter().any(left)),
    }
}
