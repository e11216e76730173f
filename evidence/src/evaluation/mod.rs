//! The evaluation of a model in five parts, as evaluations of financial technology in China are written: background, target, method, result, conclusion.
//!
//! The coordinator makes it of the model's card, the plan, the newest report on the gates, and the newest report of attacks, and signs it. No part is
//! written by hand: the conclusion follows from the others.

mod make;
mod parts;

pub use make::Material;
pub use parts::{Background, Conclusion, Evaluation, Found, Method, StageOf, Target};

/// The file of an evaluation.
pub type EvaluationFile = crate::paper::Paper<Evaluation>;
