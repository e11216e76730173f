//! The model card: what a model is for, what it learnt from, how good it is, and what it must not be used for. The coordinator writes and signs one when
//! a run releases a model, and the registry's ledger names it by the digest of its file.
//!
//! Whoever has the journal makes the card again: it follows from the plan, the run's ledger, the schema and the opened sums of counts and evaluation. The
//! moment at which it was made does not.

mod make;
mod parts;

pub use make::{Differs, Material, figures};
pub use parts::{Card, Fields, Input, LearntFrom, Privacy, Review, Use, WeakField};

/// The file of a card.
pub type CardFile = crate::paper::Paper<Card>;
