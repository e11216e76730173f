//! Whether what a branch sent is in a sum: it knows the digest of its masked vector, and the journal names the digests of all that the sum was made of.

use std::fmt;

use serde::Serialize;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId, RunId};
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::kept::KeptRound;

use super::part::Piece;
use super::reader::{Bundle, Source};
use crate::entries::{Bad, Entry, read};
use crate::retained::{Item, Retained as _};

/// What a branch sent in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The run.
    pub run: RunRef,
    /// The round.
    pub round: RoundId,
    /// Digest of its masked vector.
    pub vector: Digest,
}

/// Where a branch's vector is in a sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InSum {
    /// The branch, as the roster numbers it.
    pub client: u32,
    /// Place of its admission in the journal, from 0.
    pub entry: u64,
    /// Vectors in the sum, this one counted.
    pub vectors: usize,
    /// Digest of the sum that the ledger committed.
    pub sum: String,
    /// Whether the uploads of the round are in the bundle, this vector among them, so that the sum was recomputed from it.
    pub recomputed: bool,
}

/// Looks for a branch's vector in the journal of a bundle. Whoever asks has audited the bundle before.
///
/// # Errors
/// In words, why it is in no sum.
pub fn in_sum<S: Source>(bundle: &Bundle<S>, sent: &Sent) -> Result<InSum, String> {
    let run: RunId = sent.run.id();
    let (mut admitted, mut own, mut sum) = (Vec::<(ClientId, Digest)>::new(), None, None);
    let mut known = false;
    let walked = bundle.journal(|piece| {
        let Piece::Entry(entry) = piece else { return Ok(()) };
        if entry.ledger != LedgerId::from(run) {
            return Ok::<(), Bad>(());
        }
        known = true;
        let Entry { position, event, .. }: Entry<CoordinatorEvent> = read(entry)?;
        match event {
            CoordinatorEvent::UpdateAdmitted { round, client, vector, .. } if round == sent.round => {
                if vector == sent.vector {
                    own = Some((client, position));
                }
                admitted.push((client, vector));
            }
            CoordinatorEvent::RoundCommitted { round, sum: committed, .. } if round == sent.round => {
                sum = Some(committed)
            }
            _ => {}
        }
        Ok(())
    });
    match walked {
        None => return Err("the bundle has no journal".into()),
        Some(Err(bad)) => return Err(bad.to_string()),
        Some(Ok(_)) => {}
    }
    if !known {
        return Err("the bundle's journal has no such run".into());
    }
    let (client, entry) = own.ok_or("no upload of this round has the digest of what this branch sent")?;
    let sum = sum.ok_or("the upload was admitted, and the round committed no sum: what was sent is in none")?;
    let kept = bundle.get(&Item::Round(run, sent.round));
    let recomputed = kept.is_some_and(|bytes| {
        KeptRound::decode(&bytes).is_ok_and(|kept| kept.survivors().any(|survivor| survivor == client))
    });
    Ok(InSum { client: client.0, entry, vectors: admitted.len(), sum: sum.to_string(), recomputed })
}

impl fmt::Display for InSum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "  entry    {} of the journal admits it, signed by client {}", self.entry, self.client)?;
        writeln!(formatter, "  sum      {} of {} vectors", self.sum, self.vectors)?;
        match self.recomputed {
            true => write!(formatter, "  uploads  kept: the sum was recomputed from them, this one among them"),
            false => write!(
                formatter,
                "  uploads  not kept: the quorum of the branches signed the list in which this one stands; the sum was not recomputed"
            ),
        }
    }
}
