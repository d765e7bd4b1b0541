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
    Ok(Exit::Success)
}
