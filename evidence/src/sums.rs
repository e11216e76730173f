//! The sum of a committed round: recomputed from the uploads that the branches signed where these are kept, and else read where it is kept itself.

use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::round::{RoundDescriptor, RunRecord};
use tributary_protocol::secagg::kept::{CommittedRound, KeptFault, KeptHead, KeptRound, read_sum};

use crate::retained::{Item, Retained};

/// An opened sum.
pub(crate) struct Sum {
    /// Its coordinates, in units; it has the digest that the ledger names.
    pub(crate) values: Vec<i64>,
    /// Whether it was recomputed from uploads.
    pub(crate) recomputed: bool,
}

/// The sum that a record is about to commit; nothing where neither the uploads nor the sum itself are here.
///
/// # Errors
/// If what was kept does not prove the sum that the ledger names.
pub(crate) fn opened(record: &RunRecord, sum: Digest, kept: &dyn Retained) -> Result<Option<Sum>, KeptFault> {
    let (Some(run), Some(open), Some(descriptor)) = (&record.run, &record.round, record.descriptor) else {
        return Ok(None);
    };
    let RoundDescriptor { round, ring, dimension, .. } = *open;
    if let Some(bytes) = kept.get(&Item::Round(run.id(), round)) {
        let head = KeptHead { round, descriptor, ring, dimension };
        let committed = CommittedRound { head, admitted: &record.admitted, sum };
        let values = KeptRound::decode(&bytes)?.recompute::<RealSuite>(&committed)?.values();
        // A sum that is kept beside its uploads is the same one.
        if let Some(bytes) = kept.get(&Item::Sum(sum)) {
            read_sum(ring, dimension as usize, &bytes, sum)?;
        }
        return Ok(Some(Sum { values, recomputed: true }));
    }
    let Some(bytes) = kept.get(&Item::Sum(sum)) else { return Ok(None) };
    let values = read_sum(ring, dimension as usize, &bytes, sum)?;
    Ok(Some(Sum { values, recomputed: false }))
}
