//! What the statements of a page, or of a page of groups, have brought so far. Filled by `find`, one row after the other.

use crate::engine::answer::RecordWriter;
use crate::engine::caller::Caller;
use crate::query::cursor;
use crate::query::select::SelectPlan;
use crate::store::Row;

/// The records of a page.
pub(super) struct Rows<'a> {
    plan: &'a SelectPlan,
    /// Records of the page at most.
    limit: usize,
    pub(super) writer: RecordWriter<'a>,
    /// One more than the page has was seen.
    pub(super) more: bool,
    /// Where the page begins, in the direction in which it is walked.
    pub(super) near_end: Option<String>,
    /// Where it ends, once it is full.
    pub(super) far_end: Option<String>,
}

impl<'a> Rows<'a> {
    /// None yet.
    pub(super) fn new(plan: &'a SelectPlan, caller: &'a Caller<'a>) -> Self {
        Self {
            plan,
            limit: usize::try_from(plan.limit).unwrap_or(usize::MAX),
            writer: RecordWriter::new(plan, caller),
            more: false,
            near_end: None,
            far_end: None,
        }
    }

    /// Whether a further statement would bring what is not known yet.
    pub(super) fn want_more(&self) -> bool {
        self.plan.limit > 0 && !self.more
    }

    /// The next row.
    pub(super) fn take(&mut self, row: &dyn Row) {
        if self.writer.ends.len() >= self.limit {
            self.more = true;
            return;
        }
        self.writer.row(row);
        let count = self.writer.ends.len();
        let (first, last) = (count == 1, count == self.limit);
        let wanted = last || (first && self.plan.after.is_some());
        if wanted && !self.plan.cursor_columns.is_empty() {
            let cells = self.plan.cursor_columns.iter().map(|column| row.cell(*column));
            let here = cursor::encode(&self.plan.order, cells);
            if last {
                self.far_end = Some(here.clone());
            }
            if first {
                self.near_end = Some(here);
            }
        }
    }

    /// Whether the page says how many records there are. One that is not full does; only behind an offset or a cursor it does
    /// not.
    pub(super) fn tell_total(&self) -> bool {
        let begun = !self.writer.ends.is_empty() || self.plan.offset == 0;
        self.plan.after.is_none() && self.want_more() && begun
    }
}

/// The groups of a page.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// As JSON, with commas between.
    pub(super) out: Vec<u8>,
    /// How many there are in it.
    pub(super) count: u64,
    /// There are more.
    pub(super) more: bool,
}
