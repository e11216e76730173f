//! What somebody else recomputes of a federation: its ledgers, the signatures in them, and the privacy statement that follows.
//!
//! A file is judged in steps, each over the one before: the hash chain; every entry as an event of this release; the events against the rule
//! book of the machine that wrote them; the signatures on which they rest; the numbers that follow from the plan. The first entry that fails is
//! named.
//! The sum of a round is recomputed from the branches' signed uploads where these were kept; where they were not, the report says so.
//!
//! Not shown by the file alone: that nothing was cut off its end. Compare `head` with a copy kept elsewhere.

mod budget;
pub mod checkpoint;
mod entries;
pub mod gates;
mod heads;
mod registry;
pub mod report;
mod run;
pub mod statement;
mod steps;
mod sums;
mod verdict;

pub use budget::{BudgetReport, RunSpendReport};
pub use entries::{Bad, Entry};
pub use heads::HeadsReport;
pub use registry::RegistryReport;
pub use run::{RunReport, StageReport};
pub use steps::{Step, steps};
pub use sums::{KeptRounds, NothingKept};
pub use verdict::{JournalReport, Verdict, judge, stated};
