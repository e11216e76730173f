//! A coordinator or a client that does not keep to the protocol. Each attack ends without a revealed share or a wrong sum.

use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::world::{Packet, World, plan};
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::message::{ClosedReason, Downstream, Floor, RefusalCode, SignedBody, Start, Upstream};
use crate::round::cast::{cap, coordinator_signs, policy};
use crate::round::{ParticipantEvent, ParticipantInput};
use crate::secagg::parameters::CoalitionRule;
use crate::secagg::toy::Toy;

const VICTIM: ClientId = ClientId(2);

/// A world with its plan under way, stopped when the next packet to the victim matches; that packet is returned instead of delivered.
fn until(matches: impl Fn(&Packet) -> bool) -> (World, Packet) {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    loop {
        if world.packets.front().is_some_and(&matches) {
            let packet = world.packets.pop_front().unwrap();
            return (world, packet);
        }
        assert!(world.step(), "the packet comes");
    }
}

fn to_victim(packet: &Packet) -> Option<&Downstream> {
    match packet {
        Packet::Down(VICTIM, message) => Some(message),
        _ => None,
    }
}

fn start_of(packet: Packet) -> Start {
    match packet {
        Packet::Start(_, start) => start,
        _ => panic!("a start"),
    }
}

fn refusals(world: &World) -> Vec<RefusalCode> {
    let code = |event: &ParticipantEvent| match event {
        ParticipantEvent::Refused { code } => Some(*code),
        _ => None,
    };
    world.branches[&VICTIM].events.iter().filter_map(code).collect()
}

fn revealed(world: &World) -> usize {
    let reveals = |event: &&ParticipantEvent| matches!(event, ParticipantEvent::SharesRevealed { .. });
    world.branches[&VICTIM].events.iter().filter(reveals).count()
}

/// What a survivor set lists.
type Uploads = Vec<(ClientId, Digest)>;

/// A refusal, and the lie that earns it.
type Lie<M> = (RefusalCode, fn(&mut M));

#[test]
fn a_start_with_less_noise_or_another_model_is_refused_before_it_is_charged() {
    let changes: [Lie<Start>; 4] = [
        (RefusalCode::DescriptorInvalid, |start| start.descriptor.share_variance -= 1),
        (RefusalCode::DescriptorInvalid, |start| start.descriptor.survivors_min -= 1),
        (RefusalCode::DescriptorInvalid, |start| start.descriptor.sensitivity_squared -= 1),
        (RefusalCode::ModelDiffers, |start| start.descriptor.model = Digest::of(b"a model for one client")),
    ];
    for (code, change) in changes {
        let (mut world, packet) = until(|packet| matches!(packet, Packet::Start(VICTIM, _)));
        let mut start = start_of(packet);
        let model = Ok(start.descriptor.model);
        change(&mut start);
        start.signature = coordinator_signs(&start.descriptor.to_sign::<Toy>());
        world.tell_branch(VICTIM, ParticipantInput::Started { start, model });
        assert_eq!(refusals(&world), [code]);
        assert!(world.branches[&VICTIM].machine.record().runs.is_empty(), "nothing was charged");
    }
}

/// Even a model that the coordinator signs for one client alone: its masks differ, and the sum is noise that the checks refuse.
#[test]
fn a_start_that_the_coordinator_did_not_sign_is_refused() {
    let (mut world, packet) = until(|packet| matches!(packet, Packet::Start(VICTIM, _)));
    let mut start = start_of(packet);
    let model = Ok(start.descriptor.model);
    start.signature.bytes[0] ^= 1;
    world.tell_branch(VICTIM, ParticipantInput::Started { start, model });
    assert_eq!(refusals(&world), [RefusalCode::SignatureInvalid]);
}

#[test]
fn a_round_is_never_started_twice() {
    let (mut world, packet) = until(|packet| matches!(packet, Packet::Start(VICTIM, _)));
    let start = start_of(packet);
    let model = Ok(start.descriptor.model);
    world.packets.push_front(Packet::Start(VICTIM, start.clone()));
    // The whole first round, then its start again.
    while world.coordinator.record().committed(0) == 0 {
        assert!(world.step());
    }
    world.packets.retain(|packet| !matches!(packet, Packet::Start(VICTIM, _)));
    world.tell_branch(VICTIM, ParticipantInput::Started { start, model });
    assert_eq!(refusals(&world), [RefusalCode::RoundReused]);
    assert_eq!(revealed(&world), 1);
}

#[test]
fn a_survivor_set_that_is_small_foreign_or_without_the_own_upload_is_refused() {
    let changes: [fn(&mut Uploads); 4] = [
        |uploads| uploads.retain(|(client, _)| *client == VICTIM),
        |uploads| uploads.retain(|(client, _)| *client != VICTIM),
        |uploads| uploads[1].1 = Digest::of(b"another upload of the victim"),
        |uploads| uploads.push((ClientId(77), Digest::ZERO)),
    ];
    for change in changes {
        let (mut world, packet) = until(|packet| matches!(to_victim(packet), Some(Downstream::Survivors(_))));
        let Packet::Down(_, Downstream::Survivors(mut survivors)) = packet else { panic!("survivors") };
        change(survivors.uploads.to_mut());
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Survivors(survivors)));
        assert_eq!(refusals(&world), [RefusalCode::SurvivorsInvalid]);
        world.run();
        assert_eq!(revealed(&world), 0);
        world.assert_sums_exact();
    }
}

#[test]
fn a_second_survivor_set_for_one_round_is_refused() {
    let (mut world, packet) = until(|packet| matches!(to_victim(packet), Some(Downstream::Survivors(_))));
    let Packet::Down(_, survivors) = packet else { panic!("survivors") };
    let Downstream::Survivors(mut other) = survivors.clone() else { panic!("survivors") };
    other.uploads.to_mut()[0].1 = Digest::of(b"another upload of client 1");
    world.tell_branch(VICTIM, ParticipantInput::Message(survivors));
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Survivors(other)));
    assert_eq!(refusals(&world), [RefusalCode::Unexpected]);
    assert_eq!(revealed(&world), 0);
}

#[test]
fn a_certificate_without_a_quorum_for_the_acknowledged_set_opens_nothing() {
    let changes: [fn(&mut crate::message::QuorumCertificate); 3] = [
        |certificate| certificate.signatures.to_mut().truncate(1),
        |certificate| certificate.signatures.to_mut()[0].1.bytes[0] ^= 1,
        |certificate| {
            let first = certificate.signatures[0].clone();
            certificate.signatures.to_mut().iter_mut().for_each(|entry| *entry = first.clone());
        },
    ];
    for change in changes {
        let (mut world, packet) = until(|packet| matches!(to_victim(packet), Some(Downstream::Quorum(_))));
        let Packet::Down(_, Downstream::Quorum(mut certificate)) = packet else { panic!("a certificate") };
        change(&mut certificate);
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Quorum(certificate)));
        assert_eq!(refusals(&world).len(), 1);
        assert_eq!(revealed(&world), 0);
    }
}

#[test]
fn shares_are_revealed_once_for_a_round() {
    let (mut world, packet) = until(|packet| matches!(to_victim(packet), Some(Downstream::Quorum(_))));
    let Packet::Down(_, message) = packet else { panic!("a certificate") };
    world.tell_branch(VICTIM, ParticipantInput::Message(message.clone()));
    assert_eq!(revealed(&world), 1);
    world.tell_branch(VICTIM, ParticipantInput::Message(message));
    assert_eq!(revealed(&world), 1);
}

#[test]
fn swapped_keys_and_weaker_thresholds_are_refused_in_the_freeze() {
    let changes: [Lie<crate::message::Freeze>; 4] = [
        (RefusalCode::SignatureInvalid, |freeze| {
            freeze.keys.to_mut()[4].exchange.diffie_hellman = freeze.keys[5].exchange.diffie_hellman.clone();
        }),
        (RefusalCode::PolicyFloor(Floor::Cohort), |freeze| freeze.thresholds.quorum -= 1),
        (RefusalCode::PolicyFloor(Floor::Cohort), |freeze| freeze.thresholds.survivors_min -= 1),
        (RefusalCode::Unexpected, |freeze| {
            freeze.members.to_mut().pop();
        }),
    ];
    for (code, change) in changes {
        let (mut world, packet) = until(|packet| matches!(to_victim(packet), Some(Downstream::Freeze(_))));
        let Packet::Down(_, Downstream::Freeze(mut freeze)) = packet else { panic!("a freeze") };
        change(&mut freeze);
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Freeze(freeze)));
        assert_eq!(refusals(&world), [code]);
    }
}

#[test]
fn an_encapsulation_or_bundle_that_was_exchanged_on_the_way_is_refused() {
    let (mut world, packet) = until(|packet| matches!(to_victim(packet), Some(Downstream::Encapsulations { .. })));
    let Packet::Down(_, Downstream::Encapsulations { session, mut items }) = packet else { panic!("items") };
    items[0].ciphertext[0] ^= 1;
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Encapsulations { session, items }));
    assert_eq!(refusals(&world), [RefusalCode::SignatureInvalid]);

    let (mut world, packet) = until(|packet| matches!(to_victim(packet), Some(Downstream::Shares { .. })));
    let Packet::Down(_, Downstream::Shares { session, mut bundles, deals }) = packet else { panic!("bundles") };
    bundles[3].sealed[5] ^= 1;
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Shares { session, bundles, deals }));
    assert_eq!(refusals(&world), [RefusalCode::BadKeyMaterial]);
}

#[test]
fn a_missing_acknowledgement_stops_the_session() {
    let (mut world, packet) = until(|packet| matches!(to_victim(packet), Some(Downstream::SetupAcks { .. })));
    let Packet::Down(_, Downstream::SetupAcks { session, mut signatures }) = packet else { panic!("acks") };
    signatures.to_mut()[6] = signatures[5].clone();
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::SetupAcks { session, signatures }));
    assert_eq!(refusals(&world), [RefusalCode::SignatureInvalid]);
}

#[test]
fn a_plan_weaker_than_the_policy_or_beyond_the_budget_is_refused_before_data_is_read() {
    let served = plan(|_| {});
    let mut world = World::with_policy(9, served.clone(), |client| {
        let mut policy = policy(&served);
        match client.0 {
            1 => policy.cohort.coalition = CoalitionRule::Fraction { permille: 300 },
            2 => policy.cohort.cohort_min = 9,
            3 => policy.cap = cap(&served, 7),
            4 => policy.authorities_needed = 2,
            5 => policy.coordinator.bytes[0] ^= 1,
            _ => {}
        }
        policy
    });
    world.connect_all();
    world.run();
    let code = |number: u32| match world.branches[&ClientId(number)].events.last() {
        Some(ParticipantEvent::Refused { code }) => Some(*code),
        _ => None,
    };
    assert_eq!(code(1), Some(RefusalCode::PolicyFloor(Floor::Cohort)));
    assert_eq!(code(2), Some(RefusalCode::PolicyFloor(Floor::Cohort)));
    assert_eq!(code(3), Some(RefusalCode::BudgetExceeded));
    assert_eq!(code(4), Some(RefusalCode::RosterInvalid));
    assert_eq!(code(5), None, "who is not its coordinator makes it refuse nothing for good");
    assert_eq!(world.branches[&ClientId(5)].distrusted, [RefusalCode::SignatureInvalid.to_string()]);
    assert_eq!(code(6), None);
    assert!(world.sums.is_empty(), "four clients are too few");
}

#[test]
fn an_upload_that_is_not_what_was_announced_leaves_the_cohort() {
    let mut world = World::new(10, plan(|_| {}));
    world.connect_all();
    loop {
        let two = [ClientId(3), ClientId(4)].iter().all(|client| {
            world.packets.iter().any(|packet| matches!(packet, Packet::Up(from, Upstream::Masked(_)) if from == client))
        });
        if two {
            break;
        }
        assert!(world.step());
    }
    world.tamper_upload(ClientId(3), ClientId(4));
    world.packets.retain(|packet| !matches!(packet, Packet::Up(ClientId(4), Upstream::Masked(_))));
    world.run();
    assert!(world.aborts().contains(&ClosedReason::TooFew) || world.aborts().is_empty());
    assert!(world.branches[&ClientId(3)].stopped.is_some());
    world.assert_sums_exact();
}

#[test]
fn a_client_that_repeats_lies_or_speaks_out_of_turn_is_cut_off() {
    let forge: [fn(Upstream) -> Upstream; 3] = [
        |message| match message {
            Upstream::SurvivorsAck { round, mut signature } => {
                signature.bytes[0] ^= 1;
                Upstream::SurvivorsAck { round, signature }
            }
            other => other,
        },
        |message| match message {
            Upstream::Unmask { round, mut shares } => {
                shares.pop();
                Upstream::Unmask { round, shares }
            }
            other => other,
        },
        |message| match message {
            Upstream::Keys(mut keys) => {
                keys.statement.client = ClientId(1);
                Upstream::Keys(keys)
            }
            other => other,
        },
    ];
    for change in forge {
        let mut world = World::new(10, plan(|_| {}));
        world.connect_all();
        let mut forged = false;
        while !world.packets.is_empty() {
            if let Some(Packet::Up(VICTIM, _)) = world.packets.front() {
                let Some(Packet::Up(from, message)) = world.packets.pop_front() else { break };
                let changed = change(message.clone());
                forged |= changed != message;
                world.packets.push_front(Packet::Up(from, changed));
            }
            world.step();
        }
        assert!(forged);
        assert!(world.branches[&VICTIM].stopped.is_some(), "the liar is told and cut off");
        world.pass_deadlines();
        world.assert_sums_exact();
        assert_eq!(world.finished, Some(true), "the others finish");
    }
}

/// A bad share cannot give a wrong sum: its sender cannot prove it, and the other shares open the secret.
#[test]
fn the_sender_of_a_bad_share_is_found_and_the_round_goes_on_without_it() {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    let mut forged = 0;
    while !world.packets.is_empty() {
        if let Some(Packet::Up(from, Upstream::Unmask { shares, .. })) = world.packets.front_mut()
            && *from == ClientId(1)
            && forged == 0
        {
            shares[0] = shares[1];
            forged += 1;
        }
        world.step();
    }
    assert_eq!(forged, 1);
    assert!(world.aborts().is_empty(), "{:?}", world.aborts());
    assert!(world.branches[&ClientId(1)].stopped.is_some(), "the liar is told and cut off");
    assert_eq!(world.branches.values().filter(|branch| branch.stopped.is_some()).count(), 1);
    assert_eq!(world.finished, Some(true));
    world.assert_sums_exact();
}
