//! The mark of what the plugin writes itself. The hooks that guard its objects (`veto`) see every change, whoever makes it, and know
//! by the mark which are its own; that somebody acts as the system they cannot see, for the data engine does not hand that on. The
//! mark goes among the extra facts of a context, which no request can write.

use objectos_plugin_api::Context;
use serde_json::Value;

use crate::crypto::{Secrets, same};

/// Key of the mark among the extra facts.
const KEY: &str = "authWrite";

/// The mark, made of the installation's secret: a version that takes over takes the writes of the one before for its own, too.
#[derive(Clone)]
pub(crate) struct Mark(String);

impl std::fmt::Debug for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mark")
    }
}

impl Mark {
    pub(crate) fn new(secrets: &Secrets) -> Self {
        Self(secrets.own_mark())
    }

    /// The context of a write: as the system, with the mark.
    pub(super) fn show(&self, context: &Context) -> Context {
        let mut extra = context.extra();
        extra.insert(KEY.to_owned(), Value::from(self.0.as_str()));
        context.as_system().with_extra(&extra)
    }

    pub(super) fn is_shown(&self, context: &Context) -> bool {
        let extra = context.extra();
        let shown = extra.get(KEY).and_then(Value::as_str);
        shown.is_some_and(|shown| same(shown, &self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_that_of_its_secret_and_keeps_what_else_is_known() {
        let (ours, theirs) = (Mark::new(&Secrets::new(b"ours")), Mark::new(&Secrets::new(b"theirs")));
        let mut extra = serde_json::Map::new();
        extra.insert("address".to_owned(), "192.0.2.1".into());
        let context = Context::request("r1").with_extra(&extra);
        let marked = ours.show(&context);
        assert!(marked.system() && ours.is_shown(&marked));
        assert_eq!(marked.extra()["address"], "192.0.2.1");
        assert!(!ours.is_shown(&context) && !theirs.is_shown(&marked));
        extra.insert(KEY.to_owned(), true.into());
        assert!(!ours.is_shown(&context.with_extra(&extra)));
    }
}
