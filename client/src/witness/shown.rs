//! Whether a checkpoint that was shown goes on from the last one. Nothing here is written or signed.

use tributary_certs::suite::RealSuite;
use tributary_protocol::limits::{CHECKPOINT_BYTES_MAX, CONSISTENCY_PROOF_MAX};
use tributary_protocol::log::SignedCheckpoint;
use tributary_protocol::message::ShownCheckpoint;
use tributary_protocol::secagg::suite::VerifyingKey;

/// What a checkpoint is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// The journal goes on from what this branch has seen.
    GoesOn(SignedCheckpoint),
    /// The proof begins at another checkpoint than this branch has: it is asked for again.
    OtherProof,
    /// The coordinator signed it, and nothing shows that it goes on.
    Refused(SignedCheckpoint),
    /// The coordinator did not sign it, or it is of another journal: it proves nothing against anybody.
    Unsigned(String),
}

/// Judges what was shown by the coordinator's pinned key and the last checkpoint.
pub(super) fn judge(
    shown: &ShownCheckpoint,
    (origin, coordinator): (&str, &VerifyingKey),
    last: Option<&SignedCheckpoint>,
) -> Judged {
    if shown.note.len() > CHECKPOINT_BYTES_MAX || shown.proof.len() > CONSISTENCY_PROOF_MAX {
        return Judged::Unsigned("it is longer than any; its sender is faulty or hostile".into());
    }
    let read = SignedCheckpoint::parse(&shown.note);
    let signed = match read.and_then(|signed| signed.verify::<RealSuite>(coordinator).map(|()| signed)) {
        Ok(signed) => signed,
        Err(fault) => return Judged::Unsigned(fault.to_string()),
    };
    let checkpoint = signed.checkpoint();
    if checkpoint.origin != origin {
        return Judged::Unsigned("it is of another federation's journal".into());
    }
    let Some(last) = last.map(SignedCheckpoint::checkpoint) else { return Judged::GoesOn(signed) };
    match checkpoint.follows(last, &shown.proof) {
        Ok(()) => Judged::GoesOn(signed),
        Err(_) if checkpoint.size > last.size && shown.from != last.size => Judged::OtherProof,
        Err(_) => Judged::Refused(signed),
    }
}
