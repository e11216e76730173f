//! What a model says of one encoded row: the logit of each head, its probability, and what each field has to do with it. Pure, in doubles of a fixed
//! order, so that the same row and model give the same bits on every machine.
//!
//! ```text
//! Schema + Parameters ──► Scorer ── EncodedRow ──► logits ──► probability, decile
//!                                        └────────► contributions of the fields ──► reasons
//! ```
//!
//! **Contributions are against one public row**, the baseline (`places.rs`): the middle of every field, chosen from the schema and never from customers. They
//! are integrated gradients (Sundararajan, Taly, Yan 2017) from that row to the customer's. So the baseline's logit and all contributions add up to the
//! customer's logit. For additive models this is a closed form: exact, but for rounding. What a table of a pair adds is shared by both of its
//! fields. For perceptrons the path is divided until what is left is within [`COMPLETE_WITHIN`].

mod additive;
mod deciles;
mod fault;
mod perceptron;
mod places;
mod reasons;
mod scorer;
#[cfg(test)]
#[cfg(feature = "train")]
mod tests;

pub use deciles::{CutSearch, DecileCuts};
pub use fault::ScoreFault;
pub use perceptron::COMPLETE_WITHIN;
pub use reasons::{REASONS_MAX, Reason, reasons};
pub use scorer::{Scored, Scorer};

/// The probability that belongs to a logit: the logistic function, with the same bits on every machine.
pub use crate::elementary::sigmoid as probability;
