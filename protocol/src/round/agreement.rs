//! What both machines must compute alike: views, the graph's seed, signed bodies without a message of their own.

use alloc::vec::Vec;

use crate::digest::{Canonical, Digest};
use crate::ids::{ClientId, SessionId};
use crate::limits::PROTOCOL_VERSION;
use crate::message::{DealStatement, KeysStatement, Offer, body_of, signed_message};
use crate::plan::ValidPlan;
use crate::roster::SignedRoster;
use crate::secagg::parameters::Thresholds;
use crate::secagg::suite::Suite;

/// The bytes that a coordinator signs in its welcome.
pub(super) fn welcome_message(plan: &ValidPlan, roster: &SignedRoster) -> Vec<u8> {
    let body = Canonical::new("WELCOME").u32(PROTOCOL_VERSION).digest(&plan.digest()).digest(&roster.roster.digest());
    signed_message("WELCOME", &body.finish())
}

/// `H_view0` (SA-1, B2): the offer, with plan and roster in it, every member's signed keys, and the thresholds. Salt of every pair key.
pub(super) fn frozen_view(offer: &Offer, members: &[KeysStatement], thresholds: &Thresholds) -> Digest {
    let mut body = Canonical::new("VIEW").digest(&body_of(offer));
    for statement in members {
        body = body.digest(&body_of(statement));
    }
    let Thresholds { coalition_max, holder_cap, quorum, threshold, survivors_min, honest_min } = thresholds;
    [coalition_max, holder_cap, quorum, threshold, survivors_min, honest_min]
        .into_iter()
        .fold(body, |body, value| body.u32(u32::from(*value)))
        .finish()
}

/// Commitment to a member's contribution to the seed of the neighbour graph (SA-1, B1).
pub(super) fn contribution_commitment<S: Suite>(
    session: &SessionId,
    client: ClientId,
    contribution: &[u8; 32],
) -> Digest {
    S::hash(&[b"SA1/contribution", &session.0, &client.0.to_le_bytes(), contribution])
}

/// The seed of the neighbour graph (SA-1, B3: G), from every member's contribution; zero where the graph is complete.
pub(super) fn graph_seed(frozen_view: &Digest, contributions: &[[u8; 32]]) -> Digest {
    if contributions.is_empty() {
        return Digest::ZERO;
    }
    let body = Canonical::new("graph").digest(frozen_view);
    contributions.iter().fold(body, |body, contribution| body.digest(&Digest(*contribution))).finish()
}

/// `H_view` (SA-1, B5): the frozen view, the graph and what everybody dealt. In every round descriptor, and so in every mask.
pub(super) fn keyed_view(frozen_view: &Digest, graph_seed: &Digest, deals: &[DealStatement]) -> Digest {
    let body = Canonical::new("KEYED").digest(frozen_view).digest(graph_seed);
    deals.iter().fold(body, |body, deal| body.digest(&body_of(deal))).finish()
}

/// The bytes of a SETUP_ACK's signature (B5).
pub(super) fn setup_ack_message(session: SessionId, view: &Digest) -> Vec<u8> {
    signed_message("SETUP_ACK", &Canonical::new("SETUP_ACK").digest(&Digest(session.0)).digest(view).finish())
}

/// The bytes of a survivor set's acknowledgement (R4).
pub(super) fn survivors_ack_message(descriptor: &Digest, survivors: &Digest) -> Vec<u8> {
    signed_message("U3", &Canonical::new("U3").digest(descriptor).digest(survivors).finish())
}

/// Associated data of a bundle: type, session, dealer, holder.
pub(super) fn bundle_label(session: SessionId, from: ClientId, to: ClientId) -> Vec<u8> {
    let body = Canonical::new("SHARES").digest(&Digest(session.0)).u32(from.0).u32(to.0);
    signed_message("SHARES", &body.finish())
}
