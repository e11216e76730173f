//! Participants that lie in their cryptography: a suite that is the toy but for one untruth, under an otherwise honest machine.

use alloc::vec::Vec;

#[cfg(feature = "sabotage")]
use super::without;
use super::world::{World, plan};
use crate::algorithm::SignatureAlgorithm;
#[cfg(feature = "sabotage")]
use crate::defence::Defence;
use crate::digest::Digest;
use crate::entropy::Entropy;
use crate::ids::ClientId;
use crate::message::{ClosedReason, RefusalCode};
use crate::round::{CoordinatorEvent, EvictionReason};
use crate::secagg::suite::{ExchangePublic, SecretKey, Signature, Suite, SuiteError, VerifyingKey};
use crate::secagg::toy::Toy;

/// Commits to other secrets than it deals shares of.
pub(super) const COMMITMENT: u8 = 0;
/// Seals other seeds into its envelopes than it masks with.
pub(super) const ENVELOPE: u8 = 1;
/// Commits to other seeds of pairwise masks than it uses.
pub(super) const PAIR: u8 = 2;
/// Deals other shares than it commits to.
pub(super) const SHARE: u8 = 3;
/// Deals shares of which the lowest byte of one is another: a number of the field as good as the right one.
pub(super) const LOW_BYTE: u8 = 4;
/// Puts another sibling of a leaf beside shares that are the right ones.
pub(super) const SIBLING: u8 = 5;
/// Puts one more sibling after the last.
pub(super) const LONGER_PATH: u8 = 6;
/// Puts a byte behind all of it.
pub(super) const LOOSE_END: u8 = 7;
/// Leaves the last sibling out.
pub(super) const SHORTER_PATH: u8 = 8;

/// The toy, but for one lie.
pub(super) struct Liar<const LIE: u8>;

impl<const LIE: u8> Suite for Liar<LIE> {
    type Scalar = <Toy as Suite>::Scalar;
    type SigningKey = <Toy as Suite>::SigningKey;
    type ExchangeSecret = <Toy as Suite>::ExchangeSecret;
    type Keystream = <Toy as Suite>::Keystream;
    const TAG_BYTES: usize = Toy::TAG_BYTES;
    const SIGNATURES: &'static [SignatureAlgorithm] = Toy::SIGNATURES;

    fn hash(parts: &[&[u8]]) -> Digest {
        let lie = match LIE {
            COMMITMENT => b"SA1/com".as_slice(),
            PAIR => b"SA1/pair-com",
            _ => b"nothing",
        };
        let mut digest = Toy::hash(parts);
        digest.0[0] ^= u8::from(parts[0] == lie);
        digest
    }
    fn seal(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>) {
        let lie = match LIE {
            ENVELOPE => b"SA1/ENV".as_slice(),
            SHARE => b"SA1/SHARES",
            _ => b"nothing",
        };
        if associated.starts_with(lie) {
            text.iter_mut().for_each(|byte| *byte ^= 1);
        }
        if associated.starts_with(b"SA1/SHARES") {
            match LIE {
                LOW_BYTE => text[0] ^= 1,
                SIBLING => *text.last_mut().expect("a path") ^= 1,
                LONGER_PATH => text.extend_from_slice(&[0; 32]),
                LOOSE_END => text.push(0),
                SHORTER_PATH => text.truncate(text.len() - 32),
                _ => {}
            }
        }
        Toy::seal(key, associated, text);
    }
    fn sign(key: &Self::SigningKey, message: &[u8]) -> Signature {
        Toy::sign(key, message)
    }
    fn verifying_key(key: &Self::SigningKey) -> VerifyingKey {
        Toy::verifying_key(key)
    }
    fn verify(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
        Toy::verify(key, message, signature)
    }
    fn exchange_keys(entropy: &mut dyn Entropy) -> (Self::ExchangeSecret, ExchangePublic) {
        Toy::exchange_keys(entropy)
    }
    fn agree(secret: &Self::ExchangeSecret, peer: &ExchangePublic) -> Result<SecretKey, SuiteError> {
        Toy::agree(secret, peer)
    }
    fn encapsulate(entropy: &mut dyn Entropy, peer: &ExchangePublic) -> Result<(Vec<u8>, SecretKey), SuiteError> {
        Toy::encapsulate(entropy, peer)
    }
    fn decapsulate(secret: &Self::ExchangeSecret, ciphertext: &[u8]) -> Result<SecretKey, SuiteError> {
        Toy::decapsulate(secret, ciphertext)
    }
    fn extract(salt: &[u8], parts: &[&[u8]]) -> SecretKey {
        Toy::extract(salt, parts)
    }
    fn expand(key: &SecretKey, info: &[&[u8]]) -> SecretKey {
        Toy::expand(key, info)
    }
    fn open(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>) -> Result<(), SuiteError> {
        Toy::open(key, associated, text)
    }
    fn keystream(key: &SecretKey) -> Self::Keystream {
        Toy::keystream(key)
    }
}

const LIAR: ClientId = ClientId(4);

fn evictions(world: &World) -> Vec<(ClientId, EvictionReason)> {
    let eviction = |event: &CoordinatorEvent| match event {
        CoordinatorEvent::ClientEvicted { client, reason } => Some((*client, *reason)),
        _ => None,
    };
    world.events.iter().filter_map(eviction).collect()
}

/// A plan to its end among ten, one of whom lies.
fn with_liar<const LIE: u8>() -> World {
    let mut world = World::new(10, plan(|_| {}));
    world.corrupt::<LIE>(LIAR);
    world.connect_all();
    world.run();
    world.pass_deadlines();
    world
}

/// Its shares are all as it dealt them and still do not give the secret that it committed to.
#[test]
fn a_dealer_that_commits_to_another_secret_is_convicted_by_its_own_shares() {
    let mut world = with_liar::<COMMITMENT>();
    assert_eq!(world.aborts(), [ClosedReason::DealerGuilty(LIAR)]);
    assert_eq!(evictions(&world), [(LIAR, EvictionReason::DealtFalsely)]);
    assert_eq!(world.finished, Some(true), "the others finish: {:?}", world.coordinator.wait());
    world.assert_sums_exact();
    world.connect(LIAR);
    world.run();
    assert!(world.branches[&LIAR].stopped.is_some(), "it is told that it is out");
}

/// Where those who are left would do, the operator waits for them. Where they would not, there must be another plan.
#[test]
fn the_operator_is_told_whether_those_who_are_left_would_do() {
    for (clients, lost, expected) in [(10, 2, "7 are ready"), (8, 0, "a new plan: 1 of 8 enrolled clients are out")] {
        let mut world = World::new(clients, plan(|_| {}));
        world.corrupt::<COMMITMENT>(LIAR);
        world.connect_all();
        while evictions(&world).is_empty() {
            assert!(world.step());
        }
        (1..=lost).for_each(|number| world.cut(ClientId(number)));
        world.run();
        world.pass_deadlines();
        let lacking = world.coordinator.lacking().expect("somebody must help");
        assert!(lacking.contains(expected), "{lacking}");
    }
}

/// A plan to its end among ten, one of whom seals other seeds into its envelopes than it masks with, and is lost in the first round.
fn with_false_envelope() -> World {
    let mut world = World::new(10, plan(|_| {}));
    world.corrupt::<ENVELOPE>(LIAR);
    world.connect_all();
    while world.coordinator.record().charged(0) == 0 {
        assert!(world.step());
    }
    world.cut(LIAR);
    world.run();
    world.pass_deadlines();
    world
}

/// It is lost, its envelope is opened, and what is in it is not what both ends of its pairs committed to.
#[test]
fn an_envelope_with_other_seeds_convicts_its_owner_and_never_gives_a_wrong_sum() {
    let world = with_false_envelope();
    assert_eq!(world.aborts(), [ClosedReason::DealerGuilty(LIAR)]);
    assert_eq!(evictions(&world), [(LIAR, EvictionReason::DealtFalsely)]);
    assert_eq!(world.finished, Some(true), "the others finish: {:?}", world.coordinator.wait());
    world.assert_sums_exact();
}

/// The same play: masks that nobody used are taken out of the sum, which is lost, and nobody is to blame. The liar may do so in every round.
#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_a_false_envelope_spoils_the_sum_and_its_owner_stays() {
    let world = without(Defence::EnvelopeCommitment, with_false_envelope);
    assert_eq!(world.spoilt.len(), 1);
    assert_eq!(world.aborts(), [ClosedReason::ChecksFailed]);
    assert_eq!(evictions(&world), []);
}

#[test]
fn two_ends_that_commit_to_different_seeds_get_no_session() {
    let world = with_liar::<PAIR>();
    let differs = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::SessionClosed { reason: ClosedReason::PairDiffers(one, other), .. } if *one == LIAR || *other == LIAR);
    let after = world.events.iter().skip_while(|event| !differs(event));
    let next = after.clone().find_map(|event| match event {
        CoordinatorEvent::SessionOpened { candidates, .. } => Some(candidates.as_slice()),
        _ => None,
    });
    let others: Vec<ClientId> = (1..=10).map(ClientId).filter(|client| ![ClientId(1), LIAR].contains(client)).collect();
    assert_eq!(next, Some(others.as_slice()), "who of the two lies cannot be seen: neither is asked");
    assert!(world.aborts().is_empty(), "no round began with it");
    assert_eq!(world.finished, Some(true), "the others finish: {:?}", world.coordinator.wait());
    world.assert_sums_exact();
}

/// Its holders see at set-up that what they got is not what it signed: every one of them, whatever differs.
#[test]
fn shares_outside_their_dealers_tree_are_refused_at_set_up() {
    let worlds = [
        with_liar::<SHARE>(),
        with_liar::<LOW_BYTE>(),
        with_liar::<SIBLING>(),
        with_liar::<LONGER_PATH>(),
        with_liar::<LOOSE_END>(),
        with_liar::<SHORTER_PATH>(),
    ];
    for (lie, world) in worlds.iter().enumerate() {
        let refusals = world.refusals();
        let accused = refusals.iter().filter(|(client, code)| *client != LIAR && *code == RefusalCode::BadKeyMaterial);
        assert!(accused.count() > 0, "lie {lie}: somebody accuses it");
        assert!(world.aborts().is_empty());
        world.assert_sums_exact();
        assert_eq!(world.finished, Some(true), "the others finish: {:?}", world.coordinator.wait());
    }
}
