//! Whether a committed round's sum is the sum of the uploads that the branches signed, where these are kept.

use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{RoundId, RunId};
use tributary_protocol::round::RunRecord;
use tributary_protocol::secagg::kept::{CommittedRound, KeptFault, KeptHead, KeptRound};

/// Where kept rounds are looked up. Whoever has files implements it; nothing here opens one.
pub trait KeptRounds {
    /// What was kept of a round; nothing where nothing was, or is any more.
    fn round(&self, run: RunId, round: RoundId) -> Option<Vec<u8>>;
}

/// Nothing is kept, or nobody looks.
pub struct NothingKept;

impl KeptRounds for NothingKept {
    fn round(&self, _: RunId, _: RoundId) -> Option<Vec<u8>> {
        None
    }
}

/// Recomputes the sum that a record is about to commit; whether it could be.
///
/// # Errors
/// If what was kept does not prove the sum that the ledger names.
pub(crate) fn recompute(record: &RunRecord, sum: Digest, kept: &dyn KeptRounds) -> Result<bool, KeptFault> {
    let (Some(run), Some(open), Some(descriptor)) = (&record.run, &record.round, record.descriptor) else {
        return Ok(false);
    };
    let Some(bytes) = kept.round(run.id(), open.round) else { return Ok(false) };
    let head = KeptHead { round: open.round, descriptor, ring: open.ring, dimension: open.dimension };
    let committed = CommittedRound { head, admitted: &record.admitted, sum };
    // The sum itself is not needed: it has the digest that the ledger names.
    KeptRound::decode(&bytes)?.recompute::<RealSuite>(&committed).map(drop)?;
    Ok(true)
}
