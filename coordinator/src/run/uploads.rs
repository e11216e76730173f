//! Uploads: an admitted vector is hashed by its own connection's task while it arrives, kept in the spool, and folded when the machine says
//! that it belongs into the sum.
//!
//! Memory is one sum and the spool's share, however many clients there are: where a plan has uploads kept, they are written as they are folded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tributary_protocol::ids::{ClientId, RoundId, RunId};
use tributary_protocol::round::Input;
use tributary_protocol::secagg::kept::before_upload;
use tributary_protocol::secagg::masked_sum::MaskedSum;
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::permit::{Arriving, Ticket, VerifiedUpload};

use crate::run::spool::SpooledUpload;
use crate::store::KeptDraft;

/// What a connection does with the vector after a header.
pub(crate) enum Verdict {
    /// Read and keep it.
    Admit {
        /// The run that it belongs to.
        run: RunId,
        /// What was announced.
        ticket: Ticket,
        /// The sum that it may become part of.
        sum: OpenSum,
    },
    /// Read it and forget it.
    Discard,
}

/// The open round's data: what has arrived, and what is in the sum.
struct Round {
    round: RoundId,
    collected: Collected,
    arrived: BTreeMap<ClientId, VerifiedUpload<SpooledUpload>>,
}

/// What the uploads in a round came to.
pub(crate) struct Collected {
    /// Their sum.
    pub(crate) sum: MaskedSum,
    /// The uploads themselves, where they are kept.
    pub(crate) kept: Option<KeptDraft>,
}

/// The sum of the open round, if there is one. Shared between the machine's task and the connections.
#[derive(Clone, Default)]
pub(crate) struct OpenSum(Arc<Mutex<Option<Round>>>);

impl OpenSum {
    /// Makes an empty sum; `dimension` does not count the check coordinates. What is folded goes to `kept` as well.
    pub(crate) fn open(&self, round: RoundId, ring: Ring, dimension: usize, kept: Option<KeptDraft>) {
        let collected = Collected { sum: MaskedSum::new(round, ring, dimension), kept };
        *self.lock() = Some(Round { round, collected, arrived: BTreeMap::new() });
    }

    /// Forgets the sum, and what has arrived for it.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }

    /// Gives up the sum, for unmasking. What arrived too late is forgotten.
    pub(crate) fn take(&self) -> Option<Collected> {
        self.lock().take().map(|round| round.collected)
    }

    /// Takes an admitted vector that is here to its last byte, and tells what to report to the machine. The upload of a round that has ended
    /// meanwhile is forgotten, as the machine ignores it.
    pub(crate) fn arrive(&self, arriving: Arriving<SpooledUpload>) -> Input {
        let (round, client) = (arriving.ticket().round(), arriving.ticket().client());
        match arriving.finish() {
            Ok(upload) => {
                if let Some(open) = self.lock().as_mut().filter(|open| open.round == round) {
                    open.arrived.insert(client, upload);
                }
                Input::Arrived { round, client }
            }
            Err(fault) => {
                tracing::warn!(%round, %client, %fault, "upload refused");
                Input::UploadFailed { round, client }
            }
        }
    }

    /// Adds what has arrived from a client to the sum. A sum that misses one is refused when it is unmasked.
    pub(crate) fn fold(&self, client: ClientId) {
        let mut open = self.lock();
        let Some(open) = open.as_mut() else { return };
        let Some(upload) = open.arrived.remove(&client) else { return };
        let Collected { sum, kept } = &mut open.collected;
        let mut before = Some(before_upload(client));
        let folded = sum.fold_keeping(upload, |piece| {
            if let Some(kept) = kept {
                // Nothing at all stands there of an upload that is refused.
                before.take().into_iter().for_each(|before| kept.append(&before));
                kept.append(piece);
            }
        });
        if let Err(fault) = folded {
            tracing::error!(%client, %fault, "an upload could not be folded");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Round>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
