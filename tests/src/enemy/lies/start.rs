//! Lies about a round's start, signed by the coordinator.

use tributary_protocol::ids::{ClientId, RoundId, SessionId};
use tributary_protocol::message::RefusalCode::{DescriptorInvalid, RoundReused, SignatureInvalid, Unexpected};
use tributary_protocol::message::{SignedBody, Start};
use tributary_protocol::round::RoundDescriptor;
use tributary_protocol::secagg::modular::Ring;

use super::row::{Earned, Row};
use crate::cast::{Keyed, coordinator_key};

/// Changes what is signed, and signs it.
fn describe<S: Keyed>(start: &mut Start, change: impl FnOnce(&mut RoundDescriptor)) -> bool {
    change(&mut start.descriptor);
    start.signature = S::sign(&coordinator_key::<S>(), &start.descriptor.to_sign::<S>());
    true
}

/// Every row.
pub(super) fn rows<S: Keyed>() -> [Row<Start, Earned>; 15] {
    let invalid = Earned::Refusal(DescriptorInvalid);
    [
        ("a start of another run", invalid, |_: ClientId, start: &mut Start| {
            describe::<S>(start, |round| round.run.0[0] ^= 1)
        }),
        ("a start in another session", Earned::Refusal(Unexpected), |_, start| {
            describe::<S>(start, |round| round.session = SessionId([9; 32]))
        }),
        ("a start of a round before the first", Earned::Refusal(RoundReused), |_, start| {
            describe::<S>(start, |round| round.round = RoundId(0))
        }),
        ("a start of a round after the session", Earned::Refusal(RoundReused), |_, start| {
            describe::<S>(start, |round| round.round = RoundId(1 << 40))
        }),
        ("a start of a stage that the plan does not have", invalid, |_, start| {
            describe::<S>(start, |round| round.stage = 99)
        }),
        ("a start without noise", invalid, |_, start| describe::<S>(start, |round| round.share_variance = 0)),
        ("a start with less noise", invalid, |_, start| describe::<S>(start, |round| round.share_variance -= 1)),
        ("a start with another cohort", invalid, |_, start| describe::<S>(start, |round| round.view.0[0] ^= 1)),
        ("a start in another ring", invalid, |_, start| {
            describe::<S>(start, |round| {
                round.ring = if round.ring == Ring::Bits32 { Ring::Bits64 } else { Ring::Bits32 };
            })
        }),
        ("a start with another dimension", invalid, |_, start| describe::<S>(start, |round| round.dimension -= 1)),
        ("a start with another sensitivity", invalid, |_, start| {
            describe::<S>(start, |round| round.sensitivity_squared += 1)
        }),
        ("a start with more honest members", invalid, |_, start| describe::<S>(start, |round| round.honest_min += 1)),
        ("a start with fewer survivors", invalid, |_, start| describe::<S>(start, |round| round.survivors_min -= 1)),
        ("a start with another deadline", invalid, |_, start| describe::<S>(start, |round| round.deadline_ms += 1)),
        ("a start with a forged signature", Earned::Refusal(SignatureInvalid), |_, start| {
            start.signature.bytes[0] ^= 1;
            true
        }),
    ]
}
