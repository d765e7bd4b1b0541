//! The engine from outside.

mod access;
mod aggregates;
mod batches;
mod concurrency;
mod deletes;
mod events;
mod expansion;
mod faults;
mod filters;
mod formulas;
mod hooks;
mod injection;
mod paging;
mod records;
mod routes;
mod rules;
mod values;
