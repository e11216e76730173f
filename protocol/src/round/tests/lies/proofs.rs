//! Proofs of shares that do not fit together: a sender that lied cannot prove its share, however it tries, and its dealer is not to blame.

use alloc::vec::Vec;

use super::{VICTIM, nine, rejected, until};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{ClosedReason, Downstream, RejectCode, ShareProof, Upstream};
use crate::round::Input;
use crate::round::tests::world::{Packet, World};
use crate::secagg::commitments::{SecretId, SecretKind};
use crate::secagg::suite::FieldElement;
use crate::secagg::toy::ToyField;

/// Whose share the victim gives wrongly.
const DEALER: ClientId = ClientId(3);

/// A world in which the victim has sent a wrong share of the dealer's secret and is about to prove it; its proofs as they are due.
fn lied() -> (World, RoundId, Vec<ShareProof>, [u8; 32]) {
    // The last one's shares are still on their way when proofs are asked for.
    lied_before(9)
}

/// A world in which the victim's wrong share of the dealer's secret is on its way; the round, and the share.
fn lying() -> (World, RoundId, [u8; 32]) {
    let mut world = nine();
    let unmasks = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Unmask { .. }));
    let Packet::Up(_, Upstream::Unmask { round, mut shares }) = until(&mut world, unmasks) else { panic!("shares") };
    let lie = shares[3];
    shares[2] = lie;
    world.packets.push_front(Packet::Up(VICTIM, Upstream::Unmask { round, shares }));
    (world, round, lie)
}

/// As [`lied`]. The shares of this client, and of those after it, are still on their way.
fn lied_before(first_late: u32) -> (World, RoundId, Vec<ShareProof>, [u8; 32]) {
    let (mut world, round, lie) = lying();
    let late =
        |packet: &Packet| matches!(packet, Packet::Up(client, Upstream::Unmask { .. }) if client.0 >= first_late);
    let mut held = Vec::new();
    let proofs = loop {
        match world.packets.front() {
            Some(Packet::Up(VICTIM, Upstream::Proofs { proofs, .. })) => break proofs.clone(),
            Some(packet) if late(packet) => held.extend(world.packets.pop_front()),
            _ => assert!(world.step(), "the victim is asked"),
        }
    };
    world.packets.pop_front();
    assert_eq!(held.len(), 10 - first_late as usize);
    world.packets.extend(held);
    (world, round, proofs, lie)
}

/// How the victim could try to prove its lie.
type Attempt = (&'static str, fn(&World, RoundId, [u8; 32], &mut Vec<ShareProof>));

/// The commitment to the share that it made up.
fn commitment(world: &World, round: RoundId, lie: [u8; 32]) -> Digest {
    let session = world.coordinator.record().sessions[0].view.session;
    let id = SecretId { session: &session, dealer: DEALER, round, kind: SecretKind::SelfMask };
    let share = ToyField::from_bytes(lie).expect("a number of the field");
    id.share_commitment::<crate::secagg::toy::Toy>(VICTIM, &share)
}

pub(super) const PROOFS: &[Attempt] = &[
    ("the true proof of the true share", |_, _, _, _| {}),
    ("no proof", |_, _, _, proofs| proofs.clear()),
    ("a proof too many", |_, _, _, proofs| proofs.push(proofs[0].clone())),
    ("a commitment to the lie, in its place", |world, round, lie, proofs| {
        proofs[0].shares[0] = commitment(world, round, lie);
    }),
    ("a commitment to the lie, and no path", |world, round, lie, proofs| {
        proofs[0].shares[0] = commitment(world, round, lie);
        proofs[0].path.clear();
    }),
    ("commitments to lies for a round more", |world, round, lie, proofs| {
        let shares = &mut proofs[0].shares;
        shares[0] = commitment(world, round, lie);
        shares.extend([Digest::ZERO; 2]);
    }),
];

#[test]
fn a_lie_about_a_share_is_not_proven() {
    for (what, attempt) in PROOFS {
        let (mut world, round, mut proofs, lie) = lied();
        attempt(&world, round, lie, &mut proofs);
        world.tell(Input::Message(VICTIM, Upstream::Proofs { round, proofs }));
        assert_eq!(rejected(&world, VICTIM), Some(RejectCode::Misbehaved), "{what}");
        world.run();
        assert!(!world.aborts().contains(&ClosedReason::DealerGuilty(DEALER)), "{what}: its dealer is blamed");
        world.pass_deadlines();
        world.assert_sums_exact();
        assert_eq!(world.finished, Some(true), "{what}");
    }
}

/// Six shares of nine open a secret: five are left without the lie, and a sixth may come, or cannot any more.
#[test]
fn a_secret_that_lost_a_share_by_a_lie_waits_for_another_one() {
    for lost in [0, 3] {
        let (mut world, round, proofs, _) = lied_before(7);
        (10 - lost..=9).for_each(|number| world.cut(ClientId(number)));
        world.tell(Input::Message(VICTIM, Upstream::Proofs { round, proofs }));
        let shares = |packet: &Packet| matches!(packet, Packet::Up(_, Upstream::Unmask { .. }));
        let (late, others) = world.packets.drain(..).partition(shares);
        world.packets = others;
        world.run();
        assert_eq!(world.sums.len(), 0, "{lost} are lost");
        if lost > 0 {
            assert_eq!(world.aborts(), [ClosedReason::TooFew]);
            continue;
        }
        assert_eq!(world.aborts(), []);
        world.packets = late;
        world.run();
        assert!(world.sums.iter().any(|(opened, ..)| *opened == round), "with the sixth it is opened");
        world.assert_sums_exact();
        assert!(!world.aborts().contains(&ClosedReason::DealerGuilty(DEALER)));
    }
}

/// Whoever lied and is gone, before it is asked for a proof or after that, has proven nothing: its dealer is not to blame, and others' shares are used.
#[test]
fn whoever_lied_and_is_gone_has_proven_nothing() {
    let gone_before = || {
        let (mut world, round, _) = lying();
        world.step();
        (world, round)
    };
    let gone_after = || {
        let (world, round, ..) = lied();
        (world, round)
    };
    for (mut world, round) in [gone_before(), gone_after()] {
        world.cut(VICTIM);
        world.run();
        assert_eq!(world.aborts(), []);
        assert!(world.sums.iter().any(|(opened, ..)| *opened == round));
        world.assert_sums_exact();
    }
}

/// The dealer sent nothing, so that its other secret is opened: holders prove their shares of it, and whoever lied about one cannot.
#[test]
fn shares_of_an_absent_dealer_are_proven_as_well() {
    let mut world = nine();
    until(&mut world, |packet| matches!(packet, Packet::Start(DEALER, _)));
    world.cut(DEALER);
    let unmasks = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Unmask { .. }));
    while !world.packets.front().is_some_and(unmasks) {
        if !world.step() {
            world.now = world.coordinator.wait().deadline.expect("it waits for the dealer");
            world.tell(Input::Timer);
        }
    }
    let Some(Packet::Up(_, Upstream::Unmask { round, mut shares })) = world.packets.pop_front() else {
        panic!("shares")
    };
    shares[2] = shares[3];
    world.packets.push_front(Packet::Up(VICTIM, Upstream::Unmask { round, shares }));
    let mut blamed = Vec::new();
    let mut proofs = 0;
    while let Some(packet) = world.packets.front() {
        match packet {
            Packet::Down(client, Downstream::Rejected { code, .. }) => blamed.push((*client, *code)),
            Packet::Up(_, Upstream::Proofs { .. }) => proofs += 1,
            _ => {}
        }
        world.step();
    }
    assert!(proofs > 1, "honest ones are asked as well");
    assert_eq!(blamed, [(VICTIM, RejectCode::Misbehaved)]);
    world.assert_sums_exact();
    assert!(world.sums.iter().any(|(opened, ..)| *opened == round), "the others' shares open it");
}

#[test]
fn proofs_are_asked_once_and_taken_from_those_who_were_asked() {
    let (mut world, round, proofs, _) = lied();
    // About another round they are nobody's fault, and still awaited.
    let other = RoundId(round.0 + 1);
    world.tell(Input::Message(VICTIM, Upstream::Proofs { round: other, proofs: proofs.clone() }));
    assert_eq!(rejected(&world, VICTIM), None);
    // Shares of the others that come meanwhile do not ask again.
    let asks = |packet: &&Packet| matches!(packet, Packet::Down(_, Downstream::Prove { .. }));
    let unmasks = |packet: &Packet| matches!(packet, Packet::Up(_, Upstream::Unmask { .. }));
    assert!(world.packets.iter().any(unmasks));
    while let Some(index) = world.packets.iter().position(unmasks) {
        let packet = world.packets.remove(index).expect("it is there");
        world.packets.retain(|packet| !asks(&packet));
        world.packets.push_front(packet);
        world.step();
        assert_eq!(world.packets.iter().filter(asks).count(), 0);
    }
    // Whoever was not asked has nothing to prove.
    let asked = |world: &World, client: ClientId| {
        world
            .packets
            .iter()
            .any(|packet| matches!(packet, Packet::Up(from, Upstream::Proofs { .. }) if *from == client))
    };
    let bystander = (1..=9).map(ClientId).rev().find(|client| !asked(&world, *client) && *client != VICTIM);
    let bystander = bystander.expect("six of nine were asked");
    world.tell(Input::Message(bystander, Upstream::Proofs { round, proofs }));
    assert_eq!(rejected(&world, bystander), Some(RejectCode::Misbehaved));
}
