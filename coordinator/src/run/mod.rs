//! One run of a plan: its machine's hands, its uploads and sums, its public state, and what people see of it.

pub(crate) mod advance;
pub(crate) mod job;
pub(crate) mod progress;
pub(crate) mod shell;
pub(crate) mod spool;
pub(crate) mod uploads;
