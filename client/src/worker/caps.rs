//! What this branch's machine gives to training. Nothing of it depends on a row: plans are compared with it by public maxima alone.
//!
//! Training takes one core, because one thread does one job after another; a house rule keeps libraries with threads of their own out.

use std::time::Duration;

use tributary_settings::Document;

/// Caps of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerCaps {
    /// Most bytes that the plans of all open runs take together.
    pub memory_bytes_max: u64,
    /// Most time that one round's training may take.
    pub round_max: Option<Duration>,
}

impl WorkerCaps {
    /// What a service of 2 GiB has left for training, and no other limit of time than a plan's deadline.
    pub const USUAL: Self = Self { memory_bytes_max: 1536 << 20, round_max: None };

    /// Reads the section `worker`.
    pub(crate) fn read(file: &mut Document) -> Option<Self> {
        let usual = u32::try_from(Self::USUAL.memory_bytes_max >> 20).unwrap_or(u32::MAX);
        let memory = file.integer("worker.memory_mib_max", 16..=16_777_216, Some(usual));
        let round_max = match file.has("worker.round_ms_max") {
            true => file.integer("worker.round_ms_max", 1..=3_600_000, None::<u64>).map(Some),
            false => Some(None),
        };
        Some(Self { memory_bytes_max: u64::from(memory?) << 20, round_max: round_max?.map(Duration::from_millis) })
    }
}
