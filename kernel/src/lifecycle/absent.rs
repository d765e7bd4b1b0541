//! Plugins that are configured and not there although others were to ask them first: whatever they were to be asked about is
//! refused. A guard that does not start is no open door.
//!
//! The way out is the operator's: a file that starts, no file, or a rule that denies the plugin the hook. Hooks that a manifest
//! names as optional, and those that come after what is done, hold nobody up.

use std::{path::PathBuf, sync::Arc};

use crate::{
    hooks::Absent,
    instance::cell::PluginCell,
    kernel::{core::Core, record::PluginRecord},
    package::{Candidate, Refusal, RefusalReason, vetoes_of},
};

/// A refused file whose plugin's hooks are held shut.
#[derive(Debug)]
pub(crate) struct Shut {
    path: PathBuf,
    absent: Absent,
}

/// Holds the hooks of a plugin shut that failed before it ever served.
pub(crate) fn of_failed(core: &Core, record: &PluginRecord, candidate: &Candidate) {
    let absent = Absent {
        cell: Arc::clone(&record.cell),
        hooks: vetoes_of(candidate),
    };
    if absent.hooks.is_empty() {
        return;
    }
    let turn = core.switch.lock();
    core.hooks.refuse_for(&absent);
    drop(turn);
    tell(&absent);
}

/// The same for the plugins of all refused files, as they are now; opens what is held shut for others.
pub(crate) fn of_refused(core: &Core) {
    let refusals = core.refusals.lock().clone();
    let missed: Vec<&Refusal> = refusals.iter().filter(|refusal| guards(core, refusal)).collect();
    let turn = core.switch.lock();
    let mut shut = core.shut.lock();
    let same = |known: &Shut, refusal: &Refusal| known.path == refusal.path && known.absent.hooks == refusal.vetoes;
    let (mut kept, gone): (Vec<Shut>, Vec<Shut>) = std::mem::take(&mut *shut)
        .into_iter()
        .partition(|known| missed.iter().any(|refusal| same(known, refusal)));
    for refusal in missed {
        if kept.iter().any(|known| same(known, refusal)) {
            continue;
        }
        let plugin = refusal.plugin.as_deref().unwrap_or_default();
        let absent = Absent {
            cell: Arc::new(PluginCell::refused(
                plugin,
                format!("it was refused: {}", refusal.reason),
            )),
            hooks: refusal.vetoes.clone(),
        };
        core.hooks.refuse_for(&absent);
        tell(&absent);
        kept.push(Shut {
            path: refusal.path.clone(),
            absent,
        });
    }
    for known in gone {
        core.hooks.set(&known.absent.cell, None);
    }
    *shut = kept;
    drop(shut);
    drop(turn);
}

/// Whether somebody misses this plugin: not where another file of it runs or failed by itself, and not where the operator
/// decided that it stays out.
fn guards(core: &Core, refusal: &Refusal) -> bool {
    let decided = matches!(
        refusal.reason,
        RefusalReason::Blocked { .. }
            | RefusalReason::DuplicateId { .. }
            | RefusalReason::TwoProviders { preferred: true, .. }
    );
    let known = |plugin: &String| core.record(plugin).is_ok();
    !decided && !refusal.vetoes.is_empty() && refusal.plugin.as_ref().is_some_and(|plugin| !known(plugin))
}

fn tell(absent: &Absent) {
    let (plugin, hooks) = (&*absent.cell.id, absent.hooks.join(", "));
    tracing::warn!(
        plugin,
        hooks,
        "plugin {plugin} was to be asked before things are done, and is not there: what the hooks {hooks} come before is \
         refused until it runs. Put a file of it there that starts; or remove its file, or deny it the hooks in `grants` of \
         objectos.yml (hook:handle:…)"
    );
}
