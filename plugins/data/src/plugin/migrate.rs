//! The commands `migrate plan`, `migrate apply` and `migrate status`.
//!
//! They plan for the apps as their files are now and for everything that was saved, in use or not. What loses data is done on
//! request only: all that the plan has, or the steps that are named, each by its table or column.

mod stake;

use std::fmt::Write as _;
use std::sync::Arc;

use objectos_plugin_api::CommandAnswer;

use self::stake::at_stake;
use super::load::{self, Wanted};
use crate::app::Library;
use crate::engine::EngineParts;
use crate::error::Result;
use crate::runtime::{METADATA_LOCK, Stored};
use crate::schema::{SchemaPlan, SchemaStep};
use crate::store::{DEFAULT_DATASOURCE, Store};

/// Their names.
pub(super) const COMMANDS: [&str; 3] = ["migrate plan", APPLY, "migrate status"];
const APPLY: &str = "migrate apply";

/// Does also what loses data.
const DESTRUCTIVE: &str = "--destructive";

const APPLY_USAGE: &str = "usage: objectos-host migrate apply [--destructive [TABLE[.COLUMN]...]]\n  \
    without --destructive nothing is done that loses data; with it every step marked `!` in 'migrate plan' is,\n  \
    or only the steps that are named, as the plan names them: TABLE to drop a table, TABLE.COLUMN to drop or convert\n  \
    a column, behind DATASOURCE: where it is not of the first database\n";

/// One database and what is to be done to it.
struct Part {
    datasource: String,
    store: Arc<dyn Store>,
    plan: SchemaPlan,
}

impl Part {
    /// The steps that lose data, by the names under which they can be asked for.
    fn named(&self) -> impl Iterator<Item = (String, &SchemaStep)> {
        let steps = self.plan.destructive.iter();
        steps.filter_map(move |step| Some((load::called(step, &self.datasource)?, step)))
    }
}

/// Which steps that lose data are done.
enum Lose<'a> {
    Nothing,
    Everything,
    /// Those of these names.
    Named(&'a [String]),
}

impl<'a> Lose<'a> {
    /// None when the arguments are not those of `migrate apply`.
    fn of(arguments: &'a [String]) -> Option<Self> {
        match arguments {
            [] => Some(Self::Nothing),
            [flag] if flag == DESTRUCTIVE => Some(Self::Everything),
            [flag, names @ ..] if flag == DESTRUCTIVE && !names.iter().any(|name| name.starts_with('-')) => {
                Some(Self::Named(names))
            }
            _ => None,
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Named(names) => names.iter().any(|wanted| wanted == name),
        }
    }
}

/// Runs one of them. Exit code 0: done, or nothing to do; 1: it failed, or for `status` something is left to do; 2: called
/// wrongly, or with the name of a step that there is not.
pub(super) async fn run(library: &Library, parts: &EngineParts, name: &str, arguments: &[String]) -> CommandAnswer {
    let lose = if name == APPLY {
        Lose::of(arguments)
    } else {
        arguments.is_empty().then_some(Lose::Nothing)
    };
    let Some(lose) = lose else {
        let usage = if name == APPLY {
            APPLY_USAGE.to_owned()
        } else {
            format!("usage: objectos-host {name}\n")
        };
        return failed(usage, 2);
    };
    let answered = if name == APPLY {
        apply_alone(library, parts, &lose).await
    } else {
        show(library, parts, name).await
    };
    answered.unwrap_or_else(|error| failed(format!("{error}\n"), 1))
}

async fn show(library: &Library, parts: &EngineParts, name: &str) -> Result<CommandAnswer> {
    let plans = current(library, parts).await?;
    Ok(match name {
        "migrate status" => status(&plans),
        _ => CommandAnswer {
            output: shown(&plans).await,
            ..CommandAnswer::default()
        },
    })
}

fn failed(error: String, exit_code: u8) -> CommandAnswer {
    CommandAnswer {
        error,
        exit_code,
        ..CommandAnswer::default()
    }
}

async fn current(library: &Library, parts: &EngineParts) -> Result<Vec<Part>> {
    let stored = Stored::read(&parts.store, &parts.store.shape().await?).await?;
    // As the files are now: what is in use may be older, or nothing at all when the database does not fit.
    let change = load::read_with(library, &stored)?;
    let saved = stored.into_tables();
    let wanted = Wanted {
        catalogue: &change.catalogue,
        saved: &saved,
    };
    let mut plans = Vec::new();
    let first = std::iter::once((DEFAULT_DATASOURCE, &parts.store));
    for (name, store) in first.chain(parts.datasources.iter()) {
        plans.push(Part {
            datasource: name.to_owned(),
            store: Arc::clone(store),
            plan: wanted.plan(name, store).await?,
        });
    }
    Ok(plans)
}

/// Every plan, under the name of its database where it is not the first: how much is there to lose, and what each step is called.
async fn shown(plans: &[Part]) -> String {
    let mut output = String::new();
    for part in plans {
        if part.datasource != DEFAULT_DATASOURCE {
            let _ = writeln!(output, "datasource {}:", part.datasource);
        }
        let mut lines = part.plan.to_string();
        let named: Vec<(String, &SchemaStep)> = part.named().collect();
        for (name, step) in named {
            // What cannot be counted is shown without a number: the plan is what was asked for.
            let there = match at_stake(&part.store, &part.plan, step).await {
                Ok(Some(there)) => format!(" ({there})"),
                _ => String::new(),
            };
            let told = format!("  ! {step}{there}\n      only this: migrate apply {DESTRUCTIVE} {name}\n");
            lines = lines.replacen(&format!("  ! {step}\n"), &told, 1);
        }
        output.push_str(&lines);
    }
    output
}

fn status(plans: &[Part]) -> CommandAnswer {
    let sum = |count: fn(&SchemaPlan) -> usize| plans.iter().map(|part| count(&part.plan)).sum::<usize>();
    let additive = sum(|plan| plan.additive.len());
    let destructive = sum(|plan| plan.destructive.len());
    let done = plans.iter().all(|part| part.plan.is_empty());
    let mut output = if done {
        SchemaPlan::default().to_string()
    } else {
        format!(
            "{} steps to do, {destructive} of them lose data\n",
            additive + destructive
        )
    };
    output.push_str(&obstacles(plans));
    CommandAnswer {
        output,
        exit_code: u8::from(!done),
        ..CommandAnswer::default()
    }
}

/// What is in the way, one line each.
fn obstacles(plans: &[Part]) -> String {
    let all = plans.iter().flat_map(|part| &part.plan.obstacles);
    all.map(|obstacle| format!("  x {obstacle}\n")).collect()
}

/// Plans and applies while nobody saves an object on another host, whose table would be taken for one that is left over.
async fn apply_alone(library: &Library, parts: &EngineParts, lose: &Lose<'_>) -> Result<CommandAnswer> {
    let lock = parts.store.lock(METADATA_LOCK).await?;
    let applied = match current(library, parts).await {
        Ok(plans) => apply(plans, lose).await,
        Err(error) => Err(error),
    };
    lock.release().await;
    applied
}

async fn apply(plans: Vec<Part>, lose: &Lose<'_>) -> Result<CommandAnswer> {
    if let Some(error) = unknown(&plans, lose) {
        return Ok(failed(error, 2));
    }
    let mut output = shown(&plans).await;
    let obstacles = obstacles(&plans);
    if !obstacles.is_empty() {
        return Ok(CommandAnswer {
            output,
            error: format!("nothing is done:\n{obstacles}"),
            exit_code: 1,
        });
    }
    let mut count = 0;
    for part in plans {
        let wanted = part.named().filter(|(name, _)| lose.has(name));
        let wanted: Vec<SchemaStep> = wanted.map(|(_, step)| step.clone()).collect();
        let steps = [part.plan.additive, wanted].concat();
        if !steps.is_empty() {
            count += steps.len();
            part.store.change_schema(steps).await?;
        }
    }
    if count > 0 {
        let _ = writeln!(output, "{count} steps done");
    }
    Ok(CommandAnswer {
        output,
        ..CommandAnswer::default()
    })
}

/// What is wrong with the names that were given: those of no step, and which there are.
fn unknown(plans: &[Part], lose: &Lose<'_>) -> Option<String> {
    let Lose::Named(wanted) = lose else { return None };
    let known: Vec<String> = plans.iter().flat_map(Part::named).map(|(name, _)| name).collect();
    let strange: Vec<String> = wanted
        .iter()
        .filter(|name| !known.contains(name))
        .map(|name| format!("'{name}'"))
        .collect();
    if strange.is_empty() {
        return None;
    }
    let there = match known.as_slice() {
        [] => "there is none".to_owned(),
        known => format!("there are: {}", known.join(", ")),
    };
    let strange = strange.join(", ");
    Some(format!("no step that loses data is called {strange}; {there}\n"))
}
