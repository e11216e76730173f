//! Folding: an admitted vector is added to the round's sum by its own connection's task, the moment it has arrived whole.
//!
//! No upload is kept: memory is one sum, and for each connection at most one vector on its way.

use std::sync::{Arc, Mutex, PoisonError};

use tributary_protocol::ids::RoundId;
use tributary_protocol::round::Input;
use tributary_protocol::secagg::masked_sum::MaskedSum;
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::permit::Ticket;

/// What a connection does with the vector behind a header.
pub(crate) enum Verdict {
    /// Read and fold it.
    Admit(Ticket),
    /// Read it and forget it.
    Discard,
}

/// The sum of the open round, if there is one. Shared between the machine's task and the connections.
#[derive(Clone, Default)]
pub(crate) struct OpenSum(Arc<Mutex<Option<MaskedSum>>>);

impl OpenSum {
    /// Makes an empty sum; `dimension` does not count the check coordinates.
    pub(crate) fn open(&self, round: RoundId, ring: Ring, dimension: usize) {
        self.set(Some(MaskedSum::new(round, ring, dimension)));
    }

    /// Forgets the sum.
    pub(crate) fn forget(&self) {
        self.set(None);
    }

    /// Gives up the sum, for unmasking.
    pub(crate) fn take(&self) -> Option<MaskedSum> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Adds an admitted vector, whose digest is checked first, and tells what to report to the machine. A round that has ended meanwhile
    /// makes the upload fail, which the machine then ignores.
    pub(crate) fn fold(&self, ticket: Ticket, bytes: &[u8]) -> Input {
        let (round, client) = (ticket.round(), ticket.client());
        let failed = Input::UploadFailed { round, client };
        // Before the lock, so that two connections hash at once.
        let folded = ticket.verify(bytes).and_then(|upload| {
            let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            sum.as_mut().map(|sum| sum.fold(upload)).transpose()
        });
        match folded {
            Ok(Some(_)) => Input::Folded { round, client },
            Ok(None) => failed,
            Err(fault) => {
                tracing::warn!(%round, %client, %fault, "upload refused");
                failed
            }
        }
    }

    fn set(&self, sum: Option<MaskedSum>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sum;
    }
}
