//! Queries: from what clients write, through a check against the objects, to SQL with bound values.
//!
//! 1. [`QueryInput`] is what came, in one form: `input` reads a body (`data/Query`), `http` a query string; `written` reads
//!    filters in their three forms (objects with `$` operators, arrays, parameters). Names are still just text.
//! 2. `check` resolves names against the catalogue and the caller's access, and turns values into those of the field:
//!    a [`Filter`] cannot be wrong any more.
//! 3. `sql` writes the statement. Identifiers come from the catalogue, values are bound.
//!
//! Here is no database and nothing asynchronous. Called by the engine.

pub mod aggregate;
mod any_case;
pub mod bucket;
pub mod check;
pub mod coerce;
pub mod cursor;
pub mod evaluated;
pub mod filter;
pub mod highlight;
mod http;
mod input;
mod local;
pub mod operator;
pub mod select;
pub mod sql;
pub mod wanted;
pub mod window;
pub mod words;
mod written;

pub use http::{SearchParameters, from_query_string, search_from_query_string};
pub(crate) use http::{decode, parameter, switch};
pub(crate) use input::check_relations;
pub use input::{
    AggregateInput, FrameEnd, FrameInput, GroupInput, JoinInput, Nulls, OuterJoin, QueryInput, Rated, RatedPage,
    Rating, SearchInput, SortInput, WindowInput,
};
pub(crate) use local::as_written;
pub use operator::Operator;
pub use written::{Operand, Quantifier, RawFilter, RawLookup, RawRelated, RawTest, read_filter, read_plan_filter};

/// Filters nested in each other at most.
pub const FILTER_DEPTH_MAX: usize = 32;
/// Tests of one filter at most.
pub const FILTER_TESTS_MAX: usize = 500;
/// Values of one list at most.
pub const LIST_VALUES_MAX: usize = 1_000;
/// Fields of one order at most.
pub const SORT_FIELDS_MAX: usize = 16;
/// Relations expanded in each other at most.
pub const EXPAND_DEPTH_MAX: usize = 5;
/// Relations that one query expands at most, over all levels: each is a statement, and all of them are one read.
pub const EXPAND_RELATIONS_MAX: usize = 64;
