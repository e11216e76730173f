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

#[cfg(test)]
mod tests {
    use tributary_certs::suite::RealSuite;
    use tributary_protocol::digest::Digest;
    use tributary_protocol::round::cast::{MaskedRound, masked_round};

    use super::*;
    use crate::run::spool::Spool;

    const ROUND: RoundId = RoundId(4);

    /// The uploads of three clients, and what they come to where all of them are folded.
    fn round() -> MaskedRound {
        let values: Vec<(ClientId, Vec<i64>)> =
            (1..=3_u32).map(|client| (ClientId(client), vec![i64::from(client) * 10; 8])).collect();
        masked_round::<RealSuite>((ROUND, Digest([1; 32]), Ring::Bits64), &values, &[])
    }

    fn arrives(sum: &OpenSum, (ticket, bytes): (Ticket, Vec<u8>)) -> (bool, ClientId) {
        let folder = tempfile::tempdir().unwrap();
        let room = Spool::new(folder.path().to_path_buf()).room(bytes.len()).unwrap();
        let mut arriving = ticket.receive_into(room);
        arriving.append(&bytes).unwrap();
        match sum.arrive(arriving) {
            Input::Arrived { round: ROUND, client } => (true, client),
            Input::UploadFailed { round: ROUND, client } => (false, client),
            _ => panic!("it has arrived, or not"),
        }
    }

    #[test]
    fn what_has_arrived_and_was_folded_is_the_sum() {
        let MaskedRound { uploads, permit } = round();
        let sum = OpenSum::default();
        assert!(sum.take().is_none());
        sum.open(ROUND, Ring::Bits64, 8, None);
        for (place, upload) in (1..).zip(uploads) {
            assert_eq!(arrives(&sum, upload), (true, ClientId(place)));
        }
        // In any order, and each once: what is folded again, or never came, adds nothing.
        for client in [3, 1, 3, 7, 2] {
            sum.fold(ClientId(client));
        }
        let collected = sum.take().expect("the round is open");
        assert!(collected.kept.is_none() && sum.take().is_none());
        let opened = collected.sum.unmask_with::<RealSuite>(permit, |blocks| {
            blocks.into_iter().for_each(tributary_protocol::secagg::mask::MaskBlock::run::<RealSuite>);
        });
        assert_eq!(opened.unwrap().values_from(0).collect::<Vec<_>>(), vec![60; 8]);
    }

    #[test]
    fn an_upload_of_another_round_or_with_another_digest_is_in_no_sum() {
        let MaskedRound { mut uploads, permit } = round();
        let sum = OpenSum::default();
        let (late, mut changed) = (uploads.remove(0), uploads.remove(0));
        sum.open(RoundId(5), Ring::Bits64, 8, None);
        assert_eq!(arrives(&sum, late), (true, ClientId(1)), "the machine ignores it");
        let ((), told) = crate::log::logged(|| sum.fold(ClientId(1)));
        assert_eq!(told, "", "nothing of it is there");
        sum.open(ROUND, Ring::Bits64, 8, None);
        changed.1[0] ^= 1;
        assert_eq!(arrives(&sum, changed), (false, ClientId(2)));
        assert_eq!(arrives(&sum, uploads.remove(0)), (true, ClientId(3)));
        (1..=3).for_each(|client| sum.fold(ClientId(client)));
        let collected = sum.take().unwrap();
        let opened = collected.sum.unmask_with::<RealSuite>(permit, |blocks| {
            blocks.into_iter().for_each(tributary_protocol::secagg::mask::MaskBlock::run::<RealSuite>);
        });
        assert!(opened.is_err(), "two of the survivors are missing");
        sum.open(ROUND, Ring::Bits64, 8, None);
        sum.forget();
        assert!(sum.take().is_none());
    }
}
