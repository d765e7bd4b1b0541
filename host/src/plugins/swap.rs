//! `plugins swap`: asks the running host, over its control socket.

use serde_json::{Value, json};
use std::path::Path;

use super::{CommandError, tell};
use crate::{control, exit::Exit, settings::Settings};

pub(super) async fn swap(id: &str, file: Option<&Path>, settings: &Settings) -> Result<Exit, CommandError> {
    let mut request = json!({ "command": "swap", "plugin": id });
    if let Some(file) = file {
        let path = std::path::absolute(file).map_err(|error| CommandError::new(Exit::Usage, error.to_string()))?;
        request["path"] = Value::from(path.to_string_lossy());
    }
    let answer = control::ask(&settings.data.value, &request).await?;
    if let Some(error) = answer["error"].as_str() {
        tell(&format!("not swapped: {error}"));
        return Ok(Exit::Failed);
    }
    tell(&format!(
        "{id} {} → {} (generation {}), switched after {} µs",
        answer["fromVersion"].as_str().unwrap_or_default(),
        answer["toVersion"].as_str().unwrap_or_default(),
        answer["generation"],
        answer["switchUs"],
    ));
    tell(&end_of_old(&answer));
    Ok(Exit::Success)
}

/// What became of the library before, from a `SwapReport`. One that stays costs its memory until the host ends.
fn end_of_old(report: &Value) -> String {
    match (report["unmapped"].as_bool(), report["kept"].as_str()) {
        (Some(true), _) => "the old library is out of memory".to_owned(),
        (Some(false), reason) => format!(
            "the old library stays in memory: {}",
            reason.unwrap_or("nobody said why")
        ),
        (None, _) => {
            "the old library is still on its way out of memory; lastSwap in `plugins list --json` tells how it ended"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::end_of_old;
    use serde_json::json;

    #[test]
    fn what_became_of_the_old_library_is_told() {
        for (report, expected) in [
            (json!({ "unmapped": true }), "is out of memory"),
            (
                json!({ "unmapped": false, "kept": "1 of its threads still run" }),
                "stays in memory: 1 of its threads still run",
            ),
            (json!({ "unmapped": null }), "lastSwap"),
        ] {
            let told = end_of_old(&report);
            assert!(told.contains(expected), "{told}");
        }
    }
}
