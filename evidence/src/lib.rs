//! What somebody else recomputes of a federation: its ledgers, the signatures in them, and the privacy statement that follows.
//!
//! A file is judged in steps, each over the one before: the hash chain; every entry as an event of this release; the events against the rule
//! book of the machine that wrote them; the signatures on which they rest; the numbers that follow from the plan. The first entry that fails is
//! named.
//! The sum of a round is recomputed from the branches' signed uploads where these were kept; where they were not, the report says so.
//!
//! Not shown by the file alone: that nothing was cut off its end. Compare `head` with a copy kept elsewhere.

pub mod assessor;
pub mod attacks;
mod budget;
mod budgets_told;
pub mod bundle;
pub mod card;
pub mod checkpoint;
mod entries;
pub mod evaluation;
mod exported;
mod features;
mod fields;
pub mod gates;
mod heads;
pub mod incident;
mod journal;
mod journal_report;
pub mod paper;
mod part_taken;
mod registry;
mod replay;
pub mod report;
mod retained;
mod run;
mod signatures;
mod stated;
pub mod statement;
mod steps;
mod sums;
mod trust;
mod verdict;

pub use budget::{BudgetReport, RunSpendReport};
pub use entries::{Bad, Entry};
pub use exported::{ExportFault, ExportFormat, ExportRecord};
pub use features::{FEATURES_VERSION, FeaturesFile};
pub use heads::HeadsReport;
pub use journal_report::JournalReport;
pub use registry::{RegisteredModel, RegistryReport};
pub use retained::{Item, NothingKept, Retained};
pub use run::{NotVerified, RunReport, StageReport};
pub use stated::statement_file;
pub use steps::{Step, steps};
pub use verdict::{Verdict, judge, judge_by, stated};

#[cfg(test)]
#[path = "../../tests/written.rs"]
mod written;
