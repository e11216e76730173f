//! Signatures wait until there are enough of them to be verified together, on all cores: that costs less than half.

use tributary_certs::suite::{RealSuite, verify_many};
use tributary_protocol::round::{Claim, OutOfOrder};

use crate::entries::{Bad, Place};

/// So many wait at most: beyond that a batch hardly becomes cheaper.
const WAITING_MAX: usize = 4_096;

/// What is wrong with an entry whose signatures are not all good.
const UNSIGNED: OutOfOrder = OutOfOrder("every signature on which it rests verifies");

/// Signatures of entries in their order.
#[derive(Default)]
pub(crate) struct Signatures {
    waiting: Vec<(Place, Claim)>,
}

impl Signatures {
    /// Takes the signatures of an entry.
    ///
    /// # Errors
    /// The first entry among those that waited whose signature does not verify.
    pub(crate) fn take(&mut self, place: Place, claims: Vec<Claim>) -> Result<(), Bad> {
        self.waiting.extend(claims.into_iter().map(|claim| (place, claim)));
        if self.waiting.len() < WAITING_MAX { Ok(()) } else { self.verify() }
    }

    /// Verifies what waits.
    ///
    /// # Errors
    /// As [`Signatures::take`].
    pub(crate) fn verify(&mut self) -> Result<(), Bad> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let claims: Vec<_> =
            waiting.iter().map(|(_, claim)| (&claim.key, claim.message.as_slice(), &claim.signature)).collect();
        let all = verify_many(&claims);
        if all {
            return Ok(());
        }
        // One of them does not hold: which one is named by looking at each.
        let bad = waiting.iter().find(|(_, claim)| !claim.holds::<RealSuite>());
        bad.map_or(Ok(()), |(place, _)| Err(place.bad(UNSIGNED)))
    }
}
