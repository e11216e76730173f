//! The compliance report: what happened in a federation over some time, made from its verified journal.
//!
//! The same journal, period and scope give the same bytes. The report is a JSON object that the coordinator signs; pages for people are made from the
//! object alone. Its contents follow section 4 of the list that banks' auditors ask for: parties, processing, runs, settings, spending, deviations,
//! what left, keys, decisions of two people, the log, figures, files.

mod again;
mod compared;
pub(crate) mod deviates;
mod file;
pub(crate) mod incidents;
mod make;
mod parts;
mod period;
mod points;
mod registry;
mod run;
pub(crate) mod shown;
mod spending;
mod witnessed;

pub use compared::{Compared, LeftOut};
pub use file::{ReportFault, ReportFile};
pub use make::{Material, compliance};
pub use parts::*;
pub use period::{Asked, NoPeriod, NoScope, Period, Preset, Scope};
pub(crate) use registry::gate_lines;
pub use spending::people_of;
