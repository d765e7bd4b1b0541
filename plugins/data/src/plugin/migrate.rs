//! The commands `migrate plan`, `migrate apply` and `migrate status`.

use std::sync::Arc;

use objectos_plugin_api::CommandAnswer;

use super::load;
use crate::app::Library;
use crate::error::Result;
use crate::schema::{SchemaPlan, plan};
use crate::store::Store;

/// Their names.
pub(super) const COMMANDS: [&str; 3] = ["migrate plan", "migrate apply", "migrate status"];

/// Does also what loses data.
const DESTRUCTIVE: &str = "--destructive";

/// Runs one of them. Exit code 0: done, or nothing to do; 1: it failed, or for `status` something is left to do; 2: called
/// wrongly.
pub(super) async fn run(library: &Library, store: &Arc<dyn Store>, name: &str, arguments: &[String]) -> CommandAnswer {
    let destructive = arguments.iter().any(|argument| argument == DESTRUCTIVE);
    let takes = name == "migrate apply";
    if arguments.iter().any(|argument| argument != DESTRUCTIVE || !takes) {
        let error = format!(
            "usage: objectos-host {name}{}\n",
            if takes { " [--destructive]" } else { "" }
        );
        return CommandAnswer {
            error,
            exit_code: 2,
            ..CommandAnswer::default()
        };
    }
    let answered = match name {
        "migrate apply" => apply(library, store, destructive).await,
        "migrate status" => status(library, store).await,
        _ => current(library, store).await.map(|plan| CommandAnswer {
            output: plan.to_string(),
            ..CommandAnswer::default()
        }),
    };
    answered.unwrap_or_else(|error| CommandAnswer {
        error: format!("{error}\n"),
        exit_code: 1,
        ..CommandAnswer::default()
    })
}

async fn current(library: &Library, store: &Arc<dyn Store>) -> Result<SchemaPlan> {
    // As the files are now: what is in use may be older, or nothing at all when the database does not fit.
    let wanted = load::read(library)?.catalogue;
    Ok(plan(&wanted, &store.shape().await?))
}

async fn status(library: &Library, store: &Arc<dyn Store>) -> Result<CommandAnswer> {
    let plan = current(library, store).await?;
    let exit_code = u8::from(!plan.is_empty());
    let output = if plan.is_empty() {
        plan.to_string()
    } else {
        format!(
            "{} steps to do, {} of them lose data\n",
            plan.additive.len() + plan.destructive.len(),
            plan.destructive.len()
        )
    };
    Ok(CommandAnswer {
        output,
        exit_code,
        ..CommandAnswer::default()
    })
}

async fn apply(library: &Library, store: &Arc<dyn Store>, destructive: bool) -> Result<CommandAnswer> {
    let plan = current(library, store).await?;
    let mut steps = plan.additive.clone();
    if destructive {
        steps.extend(plan.destructive.iter().cloned());
    }
    let mut output = plan.to_string();
    if !steps.is_empty() {
        let count = steps.len();
        store.change_schema(steps).await?;
        output.push_str(&format!("{count} steps done\n"));
    }
    Ok(CommandAnswer {
        output,
        ..CommandAnswer::default()
    })
}
