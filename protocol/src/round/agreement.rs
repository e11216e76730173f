//! What both machines must compute alike: views, commitments, signed bodies without a message of their own, share positions.

use alloc::vec::Vec;

use crate::digest::{Canonical, Digest};
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::PROTOCOL_VERSION;
use crate::message::{Keys, Offer, body_of, signed_message};
use crate::plan::ValidPlan;
use crate::roster::SignedRoster;
use crate::secagg::parameters::Thresholds;
use crate::secagg::suite::SecretKey;

/// The bytes that a coordinator signs in its welcome.
pub(super) fn welcome_message(plan: &ValidPlan, roster: &SignedRoster) -> Vec<u8> {
    let body = Canonical::new("WELCOME").u32(PROTOCOL_VERSION).digest(&plan.digest()).digest(&roster.roster.digest());
    signed_message("WELCOME", &body.finish())
}

/// `H_view0` (SA-1, B2): the offer, with plan and roster in it, every member's signed keys, and the thresholds. Salt of every pair key.
pub(super) fn view_digest(offer: &Offer, members: &[Keys], thresholds: &Thresholds) -> Digest {
    let mut body = Canonical::new("VIEW").digest(&body_of(offer));
    for keys in members {
        body = body.digest(&body_of(keys));
    }
    let Thresholds { coalition_max, holder_cap, quorum, threshold, survivors_min, honest_min } = thresholds;
    [coalition_max, holder_cap, quorum, threshold, survivors_min, honest_min]
        .into_iter()
        .fold(body, |body, value| body.u32(u32::from(*value)))
        .finish()
}

/// The bytes of a SETUP_ACK's signature (B5).
pub(super) fn setup_ack_message(session: SessionId, view: &Digest) -> Vec<u8> {
    signed_message("SETUP_ACK", &Canonical::new("SETUP_ACK").digest(&Digest(session.0)).digest(view).finish())
}

/// The bytes of a survivor set's acknowledgement (R4).
pub(super) fn survivors_ack_message(descriptor: &Digest, survivors: &Digest) -> Vec<u8> {
    signed_message("U3", &Canonical::new("U3").digest(descriptor).digest(survivors).finish())
}

/// Commitment to a self-mask seed (B1). The seed is uniform over 2^252 values, so that the hash hides it without further randomness.
pub(super) fn seed_commitment(session: SessionId, client: ClientId, round: RoundId, seed: &SecretKey) -> Digest {
    let label = Canonical::new("com").digest(&Digest(session.0)).u32(client.0).u64(round.0).u8(0).into_bytes();
    Digest::of_parts(&[&label, seed.expose()])
}

/// The point at which a holder's share was evaluated: one more than its rank in the cohort, so that nobody holds the secret itself.
pub(super) fn holder_point(cohort: &[ClientId], holder: ClientId) -> Option<u16> {
    let rank = cohort.binary_search(&holder).ok()?;
    u16::try_from(rank).ok()?.checked_add(1)
}
