//! What cannot follow of the owners in a branch's budget file.

use super::budget_record::{Moment, Row};
use crate::budget::OwnerChange;
use crate::round::ParticipantEvent;
use crate::round::cast::OWNER_KEY;
use crate::secagg::suite::{Signature, Suite, VerifyingKey};
use crate::secagg::toy::Toy;

fn accepts(event: &ParticipantEvent) -> bool {
    matches!(event, ParticipantEvent::RunAccepted { .. })
}

const PASSES_ON: &str = "a budget passes on from its owner, or to its first one, and never back";

fn changes(moment: &mut Moment, change: fn(&mut OwnerChange)) {
    let population = moment.record.population_digest.expect("it has begun");
    let (from, to) = (Toy::verifying_key(&OWNER_KEY), VerifyingKey::ed25519([3; 32]));
    let mut changed = OwnerChange { population, from, to, signature: Signature::none() };
    moment.instead(ParticipantEvent::OwnerChanged { change: changed.clone() });
    change(&mut changed);
    moment.event = ParticipantEvent::OwnerChanged { change: changed };
}

/// The budget has passed to the second owner, and the first one had it from somebody; then it passes between these.
fn passes(moment: &mut Moment, from: u8, to: u8) {
    let population = moment.record.population_digest.expect("it has begun");
    let key = |owner: u8| match owner {
        2 => Toy::verifying_key(&OWNER_KEY),
        other => VerifyingKey::ed25519([other; 32]),
    };
    let change = |from, to| {
        let (from, to) = (key(from), key(to));
        ParticipantEvent::OwnerChanged { change: OwnerChange { population, from, to, signature: Signature::none() } }
    };
    for (from, to) in [(2, 3), (1, 2)] {
        moment.instead(change(from, to));
        moment.record.apply(&moment.event.clone());
    }
    assert_eq!(moment.record.owners(), [1, 2, 3].map(key));
    assert!(moment.record.owner() == Some(&key(3)) && moment.record.was_owned_by(&key(1)));
    moment.instead(change(3, 9));
    moment.instead(change(9, 1));
    moment.event = change(from, to);
}

pub(super) const OWNER_CHANGED: &[Row] = &[
    (PASSES_ON, accepts, |moment| changes(moment, |change| change.population.0[0] ^= 1)),
    (PASSES_ON, accepts, |moment| changes(moment, |change| change.from = VerifyingKey::ed25519([4; 32]))),
    (PASSES_ON, accepts, |moment| changes(moment, |change| change.to = change.from.clone())),
    (PASSES_ON, accepts, |moment| {
        changes(moment, |_| {});
        moment.record.apply(&moment.event.clone());
    }),
    // Of three owners in turn: from the last one, or to the first one, and from or to nobody between.
    (PASSES_ON, accepts, |moment| passes(moment, 2, 9)),
    (PASSES_ON, accepts, |moment| passes(moment, 9, 2)),
    (PASSES_ON, accepts, |moment| passes(moment, 1, 9)),
    (PASSES_ON, accepts, |moment| passes(moment, 9, 3)),
    (PASSES_ON, accepts, |moment| passes(moment, 3, 1)),
];
