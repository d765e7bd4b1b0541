//! From JSON that clients send to values that the store keeps: types, options, lengths, ranges, forms, and the rules of the object.
//!
//! Everything that is wrong with a record is found, not only the first. What needs the database (uniqueness, records that are
//! pointed to) is the engine's.

mod form;
mod message;
mod rules;
mod value;

pub use form::{is_email, is_password_hash, is_phone, is_url};
pub use rules::{Question, RuleContext, Told, UniqueDemand, Verdict, check_rules, check_unique};
pub use value::{holds_zero, normalise, stamp};
