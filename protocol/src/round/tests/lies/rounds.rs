//! What a branch refuses of a round: its start, its survivor set, its certificate.

use alloc::vec::Vec;

use super::{Row, VICTIM, nine, refusals, refuses, revealed, told, until};
use crate::budget::{BudgetHead, LastDay};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::{SHARE_VARIANCE_MAX, SHARE_VARIANCE_MIN};
use crate::message::RefusalCode::{DescriptorInvalid, RoundReused, SurvivorsInvalid, Unexpected};
use crate::message::{Charged, Downstream, Floor, QuorumCertificate, RefusalCode, SignedBody, Start, Survivors};
use crate::plan::RunRef;
use crate::privacy::Accounts;
use crate::round::agreement::survivors_ack_message;
use crate::round::cast::{self, begun, cap, coordinator_signs, policy, roster_of, signing_key};
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{CoordinatorSettings, ParticipantEvent, ParticipantInput, RunEnd};
use crate::secagg::modular::Ring;
use crate::secagg::parameters::{CoalitionRule, CohortRule};
use crate::secagg::suite::{Signature, Suite};
use crate::secagg::toy::Toy;
use crate::time::Millis;

fn start_for_victim(world: &mut World) -> Start {
    match until(world, |packet| matches!(packet, Packet::Start(VICTIM, _))) {
        Packet::Start(_, start) => start,
        Packet::Up(..) | Packet::Down(..) => panic!("a start"),
    }
}

/// Tells the victim a start that its coordinator signed, with the model that it names.
fn tell_start(world: &mut World, mut start: Start) {
    start.signature = coordinator_signs(&start.descriptor.to_sign::<Toy>());
    let model = Ok(start.descriptor.model);
    world.tell_branch(VICTIM, ParticipantInput::Started { start, model });
}

/// Nothing of the victim's budget went, and nobody may train.
fn assert_uncharged(world: &World, what: &str) {
    let charges = |event: &ParticipantEvent| matches!(event, ParticipantEvent::BudgetCharged { .. });
    assert!(!world.branches[&VICTIM].events.iter().any(charges), "{what}: it was charged");
}

pub(super) const START: &[Row<Start>] = &[
    ("another run", DescriptorInvalid, |start| start.descriptor.run.0[0] ^= 1),
    ("another session", Unexpected, |start| start.descriptor.session = SessionId([9; 32])),
    ("a round before the first", RoundReused, |start| start.descriptor.round = RoundId(0)),
    ("a round after the session", RoundReused, |start| start.descriptor.round = RoundId(4)),
    ("a stage that the plan does not have", DescriptorInvalid, |start| start.descriptor.stage = 1),
    ("a stage without noise", DescriptorInvalid, |start| start.descriptor.share_variance = 0),
    ("another cohort", DescriptorInvalid, |start| start.descriptor.view.0[0] ^= 1),
    ("another ring", DescriptorInvalid, |start| start.descriptor.ring = Ring::Bits32),
    ("another dimension", DescriptorInvalid, |start| start.descriptor.dimension -= 1),
    ("another sensitivity", DescriptorInvalid, |start| start.descriptor.sensitivity_squared += 1),
    ("less noise", DescriptorInvalid, |start| start.descriptor.share_variance -= 1),
    ("more honest members", DescriptorInvalid, |start| start.descriptor.honest_min += 1),
    ("fewer survivors", DescriptorInvalid, |start| start.descriptor.survivors_min -= 1),
    ("another deadline", DescriptorInvalid, |start| start.descriptor.deadline_ms += 1),
];

#[test]
fn a_start_with_one_thing_wrong_is_refused_and_not_charged() {
    for (what, code, change) in START {
        let mut world = nine();
        let mut start = start_for_victim(&mut world);
        change(&mut start);
        tell_start(&mut world, start);
        assert_eq!(refusals(&world), [*code], "{what}");
        assert_uncharged(&world, what);
    }
}

#[test]
fn a_start_with_a_strange_signature_or_model_is_refused() {
    let mut world = nine();
    let mut start = start_for_victim(&mut world);
    let model = Ok(start.descriptor.model);
    start.signature = Toy::sign(&signing_key(ClientId(1)), &start.descriptor.to_sign::<Toy>());
    world.tell_branch(VICTIM, ParticipantInput::Started { start, model });
    assert_eq!(refusals(&world), [RefusalCode::SignatureInvalid]);
    assert_uncharged(&world, "a member's signature");

    let mut world = nine();
    let start = start_for_victim(&mut world);
    world.tell_branch(VICTIM, ParticipantInput::Started { start, model: Ok(Digest::of(b"what really came")) });
    assert_eq!(refusals(&world), [RefusalCode::ModelDiffers]);
    assert_uncharged(&world, "another model");
}

/// The noise of one stage is not the noise of another, and a stage that needs no public state asks for none.
#[test]
fn a_start_is_of_the_stage_that_it_names() {
    let first = || {
        let mut world = World::new(9, cast::counting_plan());
        world.connect_all();
        let start = start_for_victim(&mut world);
        (world, start)
    };
    for (what, change) in [
        ("another stage's number", (|start| start.descriptor.stage = 1) as fn(&mut Start)),
        ("a stage after the last", |start| start.descriptor.stage = 3),
    ] {
        let (mut world, mut start) = first();
        change(&mut start);
        tell_start(&mut world, start);
        assert_eq!(refusals(&world), [RefusalCode::DescriptorInvalid], "{what}");
        assert_uncharged(&world, what);
    }
    for model in [Ok(Digest::of(b"nothing came")), Err(RefusalCode::ModelDiffers)] {
        let (mut world, start) = first();
        world.tell_branch(VICTIM, ParticipantInput::Started { start, model });
        assert_eq!(refusals(&world), [], "counting needs no public state");
    }
}

/// A share of noise that no sampler draws would be charged, and never sent. Six of nine are counted on.
#[test]
fn a_round_whose_noise_cannot_be_drawn_is_refused_and_not_charged() {
    let (least, most) = (6 * SHARE_VARIANCE_MIN, 6 * SHARE_VARIANCE_MAX);
    for (variance, drawn) in [(least - 6, false), (least, true), (most, true), (most + 1, false)] {
        let served = cast::priced(plan(|plan| {
            let stage = &mut plan.stages[0];
            (stage.reach, stage.sensitivity_squared, stage.noise_variance) = (1, 1, variance);
        }));
        let mut world = World::new(9, served);
        world.connect_all();
        let start = start_for_victim(&mut world);
        tell_start(&mut world, start);
        let expected = if drawn { &[][..] } else { &[DescriptorInvalid] };
        assert_eq!(refusals(&world), expected, "{variance}");
        if !drawn {
            assert_uncharged(&world, "noise that cannot be drawn");
        }
    }
}

/// What the branch's policy says of a public state is said before anything is charged.
#[test]
fn a_public_state_that_the_policy_refuses_is_not_trained_from() {
    let mut world = nine();
    let start = start_for_victim(&mut world);
    let code = RefusalCode::PolicyFloor(Floor::ClipNorm);
    world.tell_branch(VICTIM, ParticipantInput::Started { start, model: Err(code) });
    assert_eq!(refusals(&world), [code]);
    assert_uncharged(&world, "a bound below the floor");
}

/// A run of another plan, accepted.
fn elsewhere() -> (RunRef, ParticipantEvent) {
    let other = cast::run(plan(|plan| plan.name = "elsewhere".into()));
    (other.reference(), cast::accepted(&other))
}

fn charged(run: RunRef, round: u64, charge: Accounts) -> ParticipantEvent {
    let (round, stage) = (RoundId(round), 0);
    ParticipantEvent::BudgetCharged { run, round, stage, at: Millis(0), descriptor: Digest::ZERO, charge }
}

/// A head from elsewhere, for nothing: the number of rounds is what counts, whatever was spent.
#[test]
fn a_round_beyond_the_plans_maximum_is_refused() {
    let served = plan(|_| {});
    let run = cast::run(served.clone()).reference();
    for (before, expected) in [(7, &[][..]), (8, &[RefusalCode::BudgetExceeded])] {
        let mut world = World::new(9, served.clone());
        let ParticipantEvent::BudgetBegun { first, .. } = begun(VICTIM, false) else { panic!("it begins") };
        let head = BudgetHead {
            client: VICTIM,
            population: first.population,
            counter: 9,
            spent: Accounts::zero(),
            year: Default::default(),
            caps: None,
            run,
            charged: Charged { rounds: [before].into(), last_round: 0 },
            others: Vec::new(),
            day: LastDay::NONE,
            withdrawn: Vec::new(),
            epoch: 1,
            owner: first.owner,
            signature: Signature::none(),
        };
        let adopted = ParticipantEvent::HeadAdopted { head: head.into(), charge: Accounts::zero() };
        world.reborn(VICTIM, policy(&served), [begun(VICTIM, false), adopted].to_vec());
        world.connect_all();
        let start = start_for_victim(&mut world);
        tell_start(&mut world, start);
        assert_eq!(refusals(&world), expected, "{before} of 8 rounds are charged");
        assert_eq!(world.branches[&VICTIM].machine.record().spent == Accounts::zero(), before == 8);
    }
}

/// Between the plan's acceptance and a start another plan has spent what was left for life.
#[test]
fn a_round_beyond_the_cap_for_life_is_refused() {
    let served = plan(|_| {});
    for (rounds, expected) in [(7, &[][..]), (8, &[RefusalCode::BudgetExceeded])] {
        let mut world = World::new(9, served.clone());
        world.connect_all();
        let start = start_for_victim(&mut world);
        let (other, accepted) = elsewhere();
        let charges = (1..=rounds).map(|round| charged(other, round, cap(&served, 1)));
        let ended = ParticipantEvent::RunEnded { run: other, at: Millis(0), how: RunEnd::Finished };
        world.overtake(VICTIM, [accepted].into_iter().chain(charges).chain([ended]).collect());
        tell_start(&mut world, start);
        assert_eq!(refusals(&world), expected, "{rounds} of 8 rounds' worth is spent elsewhere");
    }
}

#[test]
fn a_round_beyond_the_days_limit_is_refused() {
    let served = plan(|_| {});
    for (limit, expected) in [(2, &[][..]), (1, &[RefusalCode::PolicyFloor(Floor::RoundsADay)])] {
        let mut world = World::with_policy(9, served.clone(), |_| {
            let mut policy = policy(&served);
            policy.rounds_a_day = limit;
            policy
        });
        world.connect_all();
        let first = start_for_victim(&mut world);
        tell_start(&mut world, first);
        assert_eq!(refusals(&world), []);
        let second = start_for_victim(&mut world);
        tell_start(&mut world, second);
        assert_eq!(refusals(&world), expected, "{limit} a day");
    }
}

fn survivors(message: Downstream) -> Option<Survivors> {
    match message {
        Downstream::Survivors(survivors) => Some(survivors),
        _ => None,
    }
}

pub(super) const SURVIVORS: &[Row<Survivors>] = &[
    ("out of order", SurvivorsInvalid, |set| set.uploads.to_mut().swap(0, 1)),
    ("one twice", SurvivorsInvalid, |set| set.uploads.to_mut()[8] = set.uploads[7]),
    ("a stranger more", SurvivorsInvalid, |set| set.uploads.to_mut().push((ClientId(77), Digest::ZERO))),
    ("another vector of its own", SurvivorsInvalid, |set| set.uploads.to_mut()[4].1.0[0] ^= 1),
    ("without itself", SurvivorsInvalid, |set| {
        set.uploads.to_mut().remove(4);
    }),
    ("one too few", SurvivorsInvalid, |set| set.uploads.to_mut().truncate(7)),
];

#[test]
fn a_survivor_set_with_one_thing_wrong_is_refused() {
    refuses(survivors, Downstream::Survivors, SURVIVORS);
}

/// A set before the own vector has left, a second set, and a certificate before any.
#[test]
fn what_comes_before_its_time_is_refused() {
    let mut world = nine();
    let start = start_for_victim(&mut world);
    let round = start.descriptor.round;
    tell_start(&mut world, start);
    let certificate = QuorumCertificate { round, signatures: crate::list::List::default() };
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Quorum(certificate)));
    assert_eq!(refusals(&world), [RefusalCode::Unexpected], "no set was acknowledged");
    assert_eq!(revealed(&world), 0);

    // Its vector is not ready yet; or it is, and waits for the time at which it may leave.
    for trains in [true, false] {
        let mut world = World::new(9, plan(|plan| plan.upload_offset_ms = 100));
        world.connect_all();
        let start = start_for_victim(&mut world);
        world.silent_workers = trains;
        tell_start(&mut world, start);
        let uploads = (1..=9).map(|number| (ClientId(number), Digest::ZERO)).collect();
        let early = Survivors { round, uploads };
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Survivors(early)));
        assert_eq!(refusals(&world), [RefusalCode::Unexpected], "its vector is still here: it trains: {trains}");
    }
}

fn quorum(message: Downstream) -> Option<QuorumCertificate> {
    match message {
        Downstream::Quorum(certificate) => Some(certificate),
        _ => None,
    }
}

/// A member's signature over the set that the open round froze, or over another one.
fn acknowledges(world: &World, client: ClientId, set: Option<Digest>) -> (ClientId, Signature) {
    let record = world.coordinator.record();
    let set = set.or(record.survivors).expect("a set is frozen");
    let descriptor = record.descriptor.expect("a round is open");
    (client, Toy::sign(&signing_key(client), &survivors_ack_message::<Toy>(&descriptor, &set)))
}

/// What is wrong with a certificate, and how it becomes wrong.
type Forgery = (&'static str, fn(&World, &mut Vec<(ClientId, Signature)>));

/// Tells the victim certificates in which one thing is wrong; an untouched one opens.
fn certify(world_of: fn() -> World, forgeries: &[Forgery]) {
    let genuine: Forgery = ("nothing", |_, _| {});
    for (what, forge) in core::iter::once(&genuine).chain(forgeries) {
        let mut world = world_of();
        let mut certificate = told(&mut world, quorum);
        forge(&world, certificate.signatures.to_mut());
        world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Quorum(certificate)));
        let (code, opens) = match *what {
            "nothing" => (&[][..], 1),
            _ => (&[RefusalCode::SignatureInvalid][..], 0),
        };
        assert_eq!(refusals(&world), code, "{what}");
        assert_eq!(revealed(&world), opens, "{what}");
    }
}

pub(super) const QUORUM: &[Forgery] = &[
    ("a signature less than the quorum", |_, signatures| {
        assert_eq!(signatures.pop().map(|_| signatures.len()), Some(5), "the quorum of nine is six");
    }),
    ("one signer twice", |_, signatures| signatures[5] = signatures[4].clone()),
    ("two signers out of order", |_, signatures| signatures.swap(1, 2)),
    ("a forged signature", |_, signatures| signatures[3].1.bytes[0] ^= 1),
    ("a signature over another set", |world, signatures| {
        signatures[3] = acknowledges(world, signatures[3].0, Some(Digest::of(b"another set")));
    }),
    ("a signature by another member", |world, signatures| {
        signatures[3].1 = acknowledges(world, ClientId(9), None).1;
    }),
    ("a stranger's signature", |world, signatures| signatures[5] = acknowledges(world, ClientId(77), None)),
];

#[test]
fn a_certificate_with_one_thing_wrong_opens_nothing() {
    certify(nine, QUORUM);
}

/// Nine, of whom the last one's upload never arrives: a member, a signer in other rounds, and not in the survivor set.
#[test]
fn a_signer_outside_the_survivor_set_does_not_count() {
    fn one_lost() -> World {
        let mut world = nine();
        let silent = |packet: &Packet| matches!(packet, Packet::Up(ClientId(9), crate::message::Upstream::Masked(_)));
        while !world.packets.iter().any(silent) {
            assert!(world.step());
        }
        world.packets.retain(|packet| !silent(packet));
        world.run();
        world.now = world.coordinator.wait().deadline.expect("the round collects");
        world.tell(crate::round::Input::Timer);
        world
    }
    certify(
        one_lost,
        &[("a lost member's signature", |world, signatures| {
            assert_eq!(world.coordinator.record().admitted.len(), 8);
            signatures[5] = acknowledges(world, ClientId(9), None);
        })],
    );
}

/// Four of twelve members are of the operator's organisation, of whom three may certify.
#[test]
fn a_signer_outside_the_committee_does_not_count() {
    fn consortium() -> World {
        let coalition =
            CoalitionRule::Organisations { operator: crate::ids::OrganisationId(1), others: 0, outside_min: 2 };
        let served = plan(|plan| plan.cohort = CohortRule { coalition, ..CohortRule::USUAL });
        let roster = roster_of(12, |number| if number <= 4 { 1 } else { 2 + number % 4 });
        let settings = CoordinatorSettings { roster, ..cast::settings(12, served.clone()) };
        let mut world = World::with_settings(settings, |_| policy(&served));
        world.connect_all();
        world
    }
    certify(
        consortium,
        &[("the operator's fourth member", |world, signatures| {
            let signers: Vec<u32> = signatures.iter().map(|(client, _)| client.0).collect();
            assert_eq!(signers[..3], [1, 2, 3], "the committee has three of the operator");
            assert!(!signers.contains(&4) && world.coordinator.record().admitted.contains_key(&ClientId(4)));
            signatures[2] = acknowledges(world, ClientId(4), None);
        })],
    );
}
