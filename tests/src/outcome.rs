//! What a run came to.

/// An invariant that did not hold. A run ends with the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Virtual milliseconds since the run began.
    pub at_ms: u64,
    /// Which invariant.
    pub rule: &'static str,
    /// Who and what.
    pub what: String,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Rounds committed.
    pub committed: u32,
    /// Rounds aborted.
    pub aborted: u32,
    /// Lies told by byzantine peers.
    pub lies: u32,
    /// Lies in one field of a message that were refused, with the reason that each has.
    pub refused: u32,
    /// Faults that struck.
    pub faults: u32,
    /// Virtual milliseconds from beginning to end.
    pub virtual_ms: u64,
    /// Digest of everything that happened, in order. The same seed and options give the same one.
    pub trace: u64,
    /// Rightly evicted clients left too few for the plan's smallest cohort, so that it could not end.
    pub stranded: bool,
    /// The first invariant that did not hold.
    pub violation: Option<Violation>,
}
