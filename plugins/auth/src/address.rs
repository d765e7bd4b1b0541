//! What the address of a request counts as, where failures are counted and callers are shut out: by
//! [`objectos_plugin_api::counted_address`], of IPv6 a whole /64. Called by whatever counts. Not here: the networks that policies
//! trust (`rules::network`); they are held against the address itself.

use objectos_plugin_api::{Context, counted_address};

use crate::auth::fact;

/// The name that where a request comes from is counted under.
pub(crate) fn counted(context: &Context) -> String {
    counted_address(&fact(context, "address")).into_owned()
}
