//! The language as its users see it: business rules, and random expressions that must never surprise.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::needless_pass_by_value,
    reason = "helpers of tests fail by panicking, print their seed, and take JSON literals"
)]

mod business;
mod generator;
mod random;
