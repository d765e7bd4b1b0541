//! Who may call the services of this plugin: the kernel alone. Events are the bus's; whoever wrote or read here past it
//! could forge them, let them vanish, or see what records of others were.

use objectos_plugin_api::{Context, Error, ErrorKind, Result};

/// Holds a call to that.
///
/// # Errors
/// `Denied` for a call of a plugin.
pub(crate) fn only_the_kernel(context: &Context) -> Result<()> {
    let caller = context.caller();
    if caller.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        plugin = caller,
        "a plugin called a service that is for the kernel alone"
    );
    Err(Error::new(
        ErrorKind::Denied,
        format!(
            "plugin {caller} may not use the services of objectos.storage: they are for the kernel alone; publish \
             events instead"
        ),
    ))
}
