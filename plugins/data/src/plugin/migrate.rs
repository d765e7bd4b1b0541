//! The commands `migrate plan`, `migrate apply` and `migrate status`.

use std::sync::Arc;

use objectos_plugin_api::CommandAnswer;

use super::load;
use crate::app::Library;
use crate::engine::EngineParts;
use crate::error::Result;
use crate::query::sql::SqlWriter;
use crate::schema::{SchemaPlan, SchemaStep, plan, plan_of};
use crate::store::Store;

/// Their names.
pub(super) const COMMANDS: [&str; 3] = ["migrate plan", "migrate apply", "migrate status"];

/// Does also what loses data.
const DESTRUCTIVE: &str = "--destructive";

/// One database and what is to be done to it.
struct Part {
    /// Name, but for the first.
    name: Option<String>,
    store: Arc<dyn Store>,
    plan: SchemaPlan,
}

/// Runs one of them. Exit code 0: done, or nothing to do; 1: it failed, or for `status` something is left to do; 2: called
/// wrongly.
pub(super) async fn run(library: &Library, parts: &EngineParts, name: &str, arguments: &[String]) -> CommandAnswer {
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
    let answered = match current(library, parts).await {
        Ok(plans) => match name {
            "migrate apply" => apply(plans, destructive).await,
            "migrate status" => Ok(status(&plans)),
            _ => Ok(CommandAnswer {
                output: shown(&plans).await,
                ..CommandAnswer::default()
            }),
        },
        Err(error) => Err(error),
    };
    answered.unwrap_or_else(|error| CommandAnswer {
        error: format!("{error}\n"),
        exit_code: 1,
        ..CommandAnswer::default()
    })
}

async fn current(library: &Library, parts: &EngineParts) -> Result<Vec<Part>> {
    // As the files are now: what is in use may be older, or nothing at all when the database does not fit.
    let wanted = load::read(library)?.catalogue;
    let mut plans = vec![Part {
        name: None,
        store: Arc::clone(&parts.store),
        plan: plan(&wanted, &parts.store.shape().await?),
    }];
    for (name, store) in parts.datasources.iter() {
        plans.push(Part {
            name: Some(name.to_owned()),
            store: Arc::clone(store),
            plan: plan_of(&wanted, name, &store.shape().await?),
        });
    }
    Ok(plans)
}

/// Every plan, under the name of its database where it has one, and how much is there to lose.
async fn shown(plans: &[Part]) -> String {
    let mut output = String::new();
    for part in plans {
        if let Some(name) = &part.name {
            output.push_str(&format!("datasource {name}:\n"));
        }
        let mut lines = part.plan.to_string();
        for step in &part.plan.destructive {
            // What cannot be counted is shown without a number: the plan is what was asked for.
            if let Ok(Some(there)) = at_stake(part, step).await {
                lines = lines.replacen(&format!("  ! {step}\n"), &format!("  ! {step} ({there})\n"), 1);
            }
        }
        output.push_str(&lines);
    }
    output
}

/// The rows of a table or the values of a column that a step takes away; none for one that takes nothing.
async fn at_stake(part: &Part, step: &SchemaStep) -> Result<Option<String>> {
    let (column, what) = match step {
        SchemaStep::DropTable { .. } => (None, "rows"),
        SchemaStep::DropColumn { column, .. } | SchemaStep::ConvertColumn { column, .. } => (Some(column), "values"),
        _ => return Ok(None),
    };
    // Names as they are before the plan is carried out.
    let table = part.plan.additive.iter().find_map(|earlier| match earlier {
        SchemaStep::RenameTable { from, to } if to == step.table() => Some(from.as_str()),
        _ => None,
    });
    let column = column.map(|column| {
        let renamed = part.plan.additive.iter().find_map(|earlier| match earlier {
            SchemaStep::RenameColumn { table, from, to } if table == step.table() && to == column => Some(from),
            _ => None,
        });
        renamed.unwrap_or(column)
    });
    let mut writer = SqlWriter::new(part.store.dialect());
    writer.push("SELECT COUNT(");
    match column {
        Some(column) => writer.name(column),
        None => writer.push("*"),
    };
    writer.push(") FROM ").name(table.unwrap_or_else(|| step.table()));
    let mut count = 0;
    let mut reader = part.store.reader().await?;
    reader
        .read(&writer.finish().single(), &mut |row| {
            count = row.cell(0).as_integer().unwrap_or_default()
        })
        .await?;
    Ok(Some(format!("{count} {what}")))
}

fn status(plans: &[Part]) -> CommandAnswer {
    let additive: usize = plans.iter().map(|part| part.plan.additive.len()).sum();
    let destructive: usize = plans.iter().map(|part| part.plan.destructive.len()).sum();
    let done = additive + destructive == 0;
    let output = if done {
        SchemaPlan::default().to_string()
    } else {
        format!(
            "{} steps to do, {destructive} of them lose data\n",
            additive + destructive
        )
    };
    CommandAnswer {
        output,
        exit_code: u8::from(!done),
        ..CommandAnswer::default()
    }
}

async fn apply(plans: Vec<Part>, destructive: bool) -> Result<CommandAnswer> {
    let mut output = shown(&plans).await;
    let mut count = 0;
    for Part { store, plan, .. } in plans {
        let mut steps = plan.additive;
        if destructive {
            steps.extend(plan.destructive);
        }
        if !steps.is_empty() {
            count += steps.len();
            store.change_schema(steps).await?;
        }
    }
    if count > 0 {
        output.push_str(&format!("{count} steps done\n"));
    }
    Ok(CommandAnswer {
        output,
        ..CommandAnswer::default()
    })
}
