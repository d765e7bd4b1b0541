//! What has to be a record's own when it comes back among the others: while it lay in the bin its values were free to be taken.
//!
//! Not here: the other rules of its object, which it met when it was written, and unique indexes, which look by themselves.
//! Called by `restore`, for the record and for each that comes back with it.

use std::sync::Arc;

use objectos_expression::{Environment as _, RecordEnvironment};
use objectos_plugin_api::protocol::data::{ChangeKind, Severity};

use super::Engine;
use super::access::Granted;
use super::answer::document;
use super::draft::{Draft, Stored};
use super::reach::Reach;
use super::relations::paths_of;
use crate::error::Result;
use crate::record::Layout;
use crate::store::SqlValue;
use crate::validate::{RuleContext, UniqueDemand, check_unique};

impl Engine {
    /// What the transaction has to look for. Doubles that a rule only tells of are told.
    ///
    /// # Errors
    /// `Expression` when a scope cannot be computed; those of the store.
    pub(super) async fn demands_of_return(
        &self,
        draft: &Draft<'_>,
        layout: &Arc<Layout>,
        granted: &Granted,
        before: &Stored,
        values: &[SqlValue],
    ) -> Result<Vec<UniqueDemand>> {
        let rules = || layout.object.rules.iter().filter(|rule| rule.compares_records());
        if rules().next().is_none() {
            return Ok(Vec::new());
        }
        let (record, previous) = (document(layout, values), document(layout, before));
        let reach = Reach::of(draft.schema, layout, &paths_of(rules()));
        let reached = self.reached(draft, layout, record.clone(), &reach).await?;
        let reached_before = self.reached(draft, layout, previous.clone(), &reach).await?;
        let environment = RecordEnvironment::new(&reached, draft.caller.now_ms)
            .with_user(draft.caller.user())
            .with_zone(draft.caller.zone().clone())
            .with_previous(&reached_before);
        let demands = check_unique(RuleContext {
            object: &layout.object,
            change: ChangeKind::Update,
            record: &record,
            previous: Some(&previous),
            faulty: &[],
            view: granted.view.as_deref(),
            environment: &environment,
        })?;
        let (strict, lenient): (Vec<_>, Vec<_>) = demands
            .into_iter()
            .partition(|demand| demand.severity == Severity::Error);
        draft.tell(self.known_doubles(draft, layout, values, &lenient).await?);
        Ok(strict)
    }
}
