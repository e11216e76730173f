//! A plan's stages in one process, before anything is spent.
//!
//! What branches compute and what a coordinator makes of it are the functions that run in earnest: `contribute`, `advance` and `conclude` of every
//! stage, the same integers, the same noise. Two things are left out. Masks cancel, which other tests show bit for bit. And nobody uploads anything,
//! so that nothing is charged.
//!
//! The rows are public or invented: whoever runs this sees all of them.

pub mod attacks;
pub mod baseline;
mod fault;
mod judged;
mod run;
mod scatter;
mod side_by_side;
mod summary;

pub use fault::RehearsalFault;
pub use judged::{Judged, judge};
pub use run::{Branch, Noise, Rehearsal, Rehearsed, initial};
pub use scatter::score_noise;
pub use side_by_side::side_by_side;
pub use summary::{Spread, Summary};
