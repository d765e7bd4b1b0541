//! What the engine found out about the hits of a search before the query runs: made by it, never read from a request.

use std::collections::HashMap;
use std::sync::Arc;

/// How far the hits of a search are rated.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Rating {
    /// Not at all: the database finds the words.
    #[default]
    None,
    /// The texts are read to be rated.
    Wanted,
    /// These were found.
    Done(Arc<Rated>),
}

/// Hits of a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rated {
    /// The records, the best first.
    pub ids: Vec<String>,
    /// How well each fits, 0 to 1.
    pub scores: HashMap<String, f64>,
    /// The records are one page in this order, since no other was asked for.
    pub page: Option<RatedPage>,
}

/// A page of hits, the best first, and what lies around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RatedPage {
    /// Hits in all.
    pub total: u64,
    /// Hits before the page, as they were asked to be skipped.
    pub offset: u64,
    /// Hits of a page at most.
    pub limit: u64,
    /// Whether there are more in the direction of the walk.
    pub has_more: bool,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// Where the page before ends.
    pub previous_cursor: Option<String>,
}
