//! What both machines must compute alike: views, the graph's seed, signed bodies without a message of their own.

use alloc::vec::Vec;

use crate::defence::{Defence, stands};
use crate::digest::{Canonical, Digest};
use crate::ids::{ClientId, RunId, SessionId};
use crate::limits::PROTOCOL_VERSION;
use crate::message::{DealStatement, Offer, RefusalCode, RejectCode, body_of, signed_message};
use crate::plan::Plan;
use crate::roster::{Roster, SignedRoster};
use crate::secagg::parameters::Thresholds;
use crate::secagg::suite::{Suite, VerifyingKey};
use crate::time::Millis;

/// The bytes that a coordinator signs in its welcome, for the nonce of a client's `Join`: at a moment of its clock, in a run that began then.
pub(super) fn welcome_message<S: Suite>(
    nonce: &Digest,
    run: RunId,
    roster: &SignedRoster,
    [at, begun]: [Millis; 2],
) -> Vec<u8> {
    let body = Canonical::new("WELCOME").u32(PROTOCOL_VERSION).digest(nonce);
    let body = body.digest(&run.digest()).digest(&roster.roster.digest()).u64(at.0).u64(begun.0);
    signed_message("WELCOME", &S::digest(body))
}

/// What a client is told at the end of its work.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// The run is over.
    Finished {
        /// Digest of the released model.
        model: &'a Digest,
        /// Rounds committed.
        rounds: u32,
    },
    /// The client is refused.
    Rejected {
        /// Why.
        code: RejectCode,
        /// In words.
        explanation: &'a str,
    },
}

/// The bytes that a coordinator signs to end a client's work for good: of this client, in this run, on this connection, and no other.
#[must_use]
pub fn ending_message<S: Suite>(run: RunId, client: &VerifyingKey, nonce: &Digest, ending: Ending<'_>) -> Vec<u8> {
    let body = Canonical::new("END").u32(PROTOCOL_VERSION).digest(&run.digest());
    let body = client.canonical(body).digest(nonce);
    let body = match ending {
        Ending::Finished { model, rounds } => body.bytes(b"finished").digest(model).u32(rounds),
        Ending::Rejected { code, explanation } => {
            body.bytes(b"rejected").u32(code.number()).bytes(explanation.as_bytes())
        }
    };
    signed_message("END", &S::digest(body))
}

/// The bytes of a refusal of a run: its identity, or zeros where none was known yet, and the code's number.
#[must_use]
pub fn refusal_message<S: Suite>(run: RunId, code: RefusalCode) -> Vec<u8> {
    signed_message("REFUSE", &S::digest(Canonical::new("REFUSE").digest(&run.digest()).u32(code.number())))
}

/// `H_view0` (step B2): the offer, with run and roster in it, the body of every member's signed keys ([`body_of`]), and the thresholds. Salt
/// of every pair key.
pub(super) fn frozen_view<S: Suite>(offer: &Offer, members: &[Digest], thresholds: &Thresholds) -> Digest {
    let body = Canonical::new("VIEW").digest(&body_of::<S>(offer));
    let body = members.iter().fold(body, Canonical::digest);
    let Thresholds { coalition_max, holder_cap, quorum, threshold, survivors_min, honest_min } = thresholds;
    let numbers = [coalition_max, holder_cap, quorum, threshold, survivors_min, honest_min];
    S::digest(numbers.into_iter().fold(body, |body, value| body.u32(u32::from(*value))))
}

/// Members of the plan's group in the signed roster, of which a coalition in the form `fraction` is counted; none where the roster has no
/// such group. `cohort` is how many the coordinator chose: that number must not decide.
pub(super) fn group_size(plan: &Plan, roster: &Roster, cohort: usize) -> usize {
    match roster.group(&plan.group) {
        Some(group) if stands(Defence::GroupCoalition) => group.size(),
        Some(_) => cohort,
        None => 0,
    }
}

/// Commitment to a member's contribution to the seed of the neighbour graph (step B1).
pub(super) fn contribution_commitment<S: Suite>(
    session: &SessionId,
    client: ClientId,
    contribution: &[u8; 32],
) -> Digest {
    S::hash(&[b"SA1/contribution", &session.0, &client.0.to_le_bytes(), contribution])
}

/// The seed of the neighbour graph (step B3: G), from every member's contribution; zero where the graph is complete.
pub(super) fn graph_seed<S: Suite>(frozen_view: &Digest, contributions: &[[u8; 32]]) -> Digest {
    if contributions.is_empty() {
        return Digest::ZERO;
    }
    let body = Canonical::new("graph").digest(frozen_view);
    S::digest(contributions.iter().fold(body, |body, contribution| body.digest(&Digest(*contribution))))
}

/// `H_view` (step B5): the frozen view, the graph and what everybody dealt. In every round descriptor, and so in every mask.
pub(super) fn keyed_view<S: Suite>(frozen_view: &Digest, graph_seed: &Digest, deals: &[DealStatement]) -> Digest {
    let body = Canonical::new("KEYED").digest(frozen_view).digest(graph_seed);
    // The session is in the frozen view.
    let each = |body: Canonical, deal: &DealStatement| {
        body.u32(deal.client.0).digest(&deal.root).digest(&deal.envelopes).digest(&deal.pairs)
    };
    S::digest(deals.iter().fold(body, each))
}

/// The bytes of a SETUP_ACK's signature (B5).
pub(super) fn setup_ack_message<S: Suite>(session: SessionId, view: &Digest) -> Vec<u8> {
    signed_message("SETUP_ACK", &S::digest(Canonical::new("SETUP_ACK").digest(&Digest(session.0)).digest(view)))
}

/// The bytes of a survivor set's acknowledgement (R4).
pub(super) fn survivors_ack_message<S: Suite>(descriptor: &Digest, survivors: &Digest) -> Vec<u8> {
    signed_message("U3", &S::digest(Canonical::new("U3").digest(descriptor).digest(survivors)))
}

/// Associated data of a bundle: type, session, dealer, holder; as they are, for nothing here is long enough to be hashed.
pub(super) fn bundle_label(session: &SessionId, from: ClientId, to: ClientId) -> [u8; 51] {
    let mut label = [0; 51];
    let fields: [&[u8]; 4] = [b"SA1/SHARES\0", &session.0, &from.0.to_le_bytes(), &to.0.to_le_bytes()];
    let mut rest = label.as_mut_slice();
    for field in fields {
        let (place, behind) = rest.split_at_mut(field.len());
        place.copy_from_slice(field);
        rest = behind;
    }
    label
}
