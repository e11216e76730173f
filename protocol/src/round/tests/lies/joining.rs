//! What a branch refuses of a welcome, before any data is read.

use alloc::boxed::Box;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::{VICTIM, nine, refusals, signs, told};
use crate::budget::{BudgetHead, ShownHead, population_digest};
use crate::ids::{ClientId, RunId};
use crate::message::{Charged, Downstream, RefusalCode, SignedBody, Upstream, Welcome};
use crate::plan::RunRef;
use crate::round::agreement::welcome_message;
use crate::round::cast::{self, OWNER_KEY, begun, cap, coordinator_signs, next_roster, policy, roster};
use crate::round::tests::world::{Packet, World, plan};
use crate::round::{BudgetRecord, ParticipantEvent, ParticipantInput};
use crate::secagg::suite::Suite;
use crate::secagg::toy::Toy;

/// What is wrong with a welcome, the refusal that it earns, and how it becomes wrong.
type Row = (&'static str, RefusalCode, fn(&mut Welcome));

fn welcome(message: Downstream) -> Option<Box<Welcome>> {
    match message {
        Downstream::Welcome(welcome) => Some(welcome),
        _ => None,
    }
}

/// The run that a welcome names.
fn run_of(welcome: &Welcome) -> RunRef {
    RunRef { plan: welcome.plan.digest(), number: welcome.number }
}

/// The coordinator's own signature over what the welcome says now.
fn sign(welcome: &mut Welcome) {
    welcome.approvals = cast::approvals(&welcome.plan);
    welcome.signature = coordinator_signs(&welcome_message::<Toy>(
        &welcome.nonce,
        run_of(welcome).id(),
        &welcome.roster,
        [welcome.at, welcome.begun],
    ));
}

/// The victim has asked about the run that the welcome names.
fn tell(world: &mut World, welcome: Box<Welcome>) {
    world.branches.get_mut(&VICTIM).expect("a branch").machine.asks_about(run_of(&welcome).id());
    say(world, welcome);
}

fn say(world: &mut World, welcome: Box<Welcome>) {
    world.tell_branch(VICTIM, ParticipantInput::Message(Downstream::Welcome(welcome)));
}

/// Whether the victim went on to judge the plan against its data, and admitted it.
fn accepts(world: &World) -> bool {
    world.packets.iter().any(|packet| matches!(packet, Packet::Up(VICTIM, Upstream::Accept { .. })))
}

pub(super) const WELCOME: &[Row] = &[
    ("another protocol", RefusalCode::PlanMalformed, |welcome| welcome.version += 1),
    ("no plan", RefusalCode::PlanMalformed, |welcome| welcome.plan.runs = 0),
    ("a run before the first", RefusalCode::PlanMalformed, |welcome| welcome.number = 0),
    ("a run after the last", RefusalCode::PlanMalformed, |welcome| welcome.number = 2),
    ("another schema", RefusalCode::PolicyFloor(crate::message::Floor::Schema), |welcome| {
        welcome.plan.schema.0[0] ^= 1;
    }),
    ("a roster without this branch", RefusalCode::RosterInvalid, |welcome| welcome.roster = roster(4)),
    ("a roster that nobody signed", RefusalCode::RosterInvalid, |welcome| welcome.roster.signatures.clear()),
    ("a roster with a forged signature", RefusalCode::RosterInvalid, |welcome| {
        welcome.roster.signatures[0].signature.bytes[0] ^= 1;
    }),
    ("another purpose", RefusalCode::PolicyFloor(crate::message::Floor::Purpose), |welcome| {
        welcome.plan.purpose = "another".into();
    }),
];

#[test]
fn a_welcome_with_one_thing_wrong_is_refused() {
    for (what, code, change) in WELCOME {
        let mut world = nine();
        let mut message = told(&mut world, welcome);
        change(&mut message);
        sign(&mut message);
        tell(&mut world, message);
        assert_eq!(refusals(&world), [*code], "{what}");
        assert!(!accepts(&world), "{what}");
    }
    let mut world = nine();
    let mut message = told(&mut world, welcome);
    message.signature.bytes[0] ^= 1;
    tell(&mut world, message);
    assert_eq!(refusals(&world), [], "the coordinator did not sign it, so that it is not refused for good");
    assert_eq!(world.branches[&VICTIM].distrusted, [RefusalCode::SignatureInvalid.to_string()]);
    // What is said of another run is an answer to nothing, whoever has signed it.
    let mut world = nine();
    let mut message = told(&mut world, welcome);
    message.plan.name = "another".into();
    sign(&mut message);
    say(&mut world, message);
    assert_eq!((refusals(&world), accepts(&world)), ([].into(), false));
    assert_eq!(world.branches[&VICTIM].distrusted, [RefusalCode::Unexpected.to_string()]);
}

#[test]
fn an_older_roster_and_a_second_welcome_are_refused() {
    let served = plan(|_| {});
    let newer = next_roster(&roster(9).roster, 9);
    let mut world = World::new(9, served.clone());
    let file =
        [begun(VICTIM, false), ParticipantEvent::RosterAccepted { head: newer.roster.head(), missing: 0 }].to_vec();
    world.reborn(VICTIM, policy(&served), file);
    world.connect_all();
    let message = told(&mut world, welcome);
    tell(&mut world, message);
    assert_eq!(refusals(&world), [RefusalCode::RosterRolledBack]);

    let mut world = nine();
    let message = told(&mut world, welcome);
    tell(&mut world, message.clone());
    assert!(accepts(&world));
    tell(&mut world, message);
    assert_eq!(refusals(&world), [RefusalCode::Unexpected], "it is welcome already");
}

/// The rest of the plan must be payable when it is admitted: what is left of the cap is, to the last round.
#[test]
fn a_plan_whose_rest_cannot_be_paid_is_refused() {
    let served = plan(|_| {});
    for (rounds, accepted) in [(8, true), (7, false)] {
        let mut world = World::new(9, served.clone());
        let mut policy = policy(&served);
        policy.cap = cap(&served, rounds);
        world.reborn(VICTIM, policy, [begun(VICTIM, false)].to_vec());
        world.connect_all();
        let message = told(&mut world, welcome);
        tell(&mut world, message);
        assert_eq!(accepts(&world), accepted, "{rounds} rounds' worth of 8");
        assert_eq!(refusals(&world).first().copied(), (!accepted).then_some(RefusalCode::BudgetExceeded));
    }
}

/// A head with three rounds of the plan, beside what was spent elsewhere, that the victim's file does not know.
fn shown(signer: ClientId, elsewhere: u64) -> Box<ShownHead> {
    let served = plan(|_| {});
    let record = BudgetRecord::replay(&[begun(VICTIM, false)]).expect("it begins");
    let first = record.begun.expect("it begins");
    let mut head = BudgetHead {
        population: first.population,
        counter: 9,
        spent: cap(&served, 3 + elsewhere),
        charged: Charged { rounds: [3].into(), last_round: 3 },
        owner: first.owner,
        ..cast::head(VICTIM, cast::run(served).reference())
    };
    head.signature = signs(signer, &head);
    Box::new(ShownHead { head, roster: None })
}

fn adopted(world: &World) -> bool {
    let adopts = |event: &ParticipantEvent| matches!(event, ParticipantEvent::HeadAdopted { .. });
    world.branches[&VICTIM].events.iter().any(adopts)
}

#[test]
fn only_a_head_of_its_own_makes_a_branch_count_more() {
    for (signer, counts) in [(VICTIM, true), (ClientId(1), false)] {
        let mut world = nine();
        let mut message = told(&mut world, welcome);
        message.budget = Some(shown(signer, 0));
        tell(&mut world, message);
        assert_eq!((adopted(&world), accepts(&world)), (counts, counts), "signed by client {signer}");
        let code = (!counts).then_some(RefusalCode::HeadInvalid);
        assert_eq!(refusals(&world).first().copied(), code);
    }
}

/// A head of another member, or of another population, is none of this branch's, whoever has signed it.
#[test]
fn a_head_of_somebody_else_s_budget_is_refused() {
    type Change = fn(&mut BudgetHead);
    let changes: [(&str, ClientId, Change); 2] = [
        ("another member's", ClientId(1), |head| head.client = ClientId(1)),
        ("another population's", VICTIM, |head| head.population.0[0] ^= 1),
    ];
    for (what, signer, change) in changes {
        let mut world = nine();
        let mut message = told(&mut world, welcome);
        let mut budget = shown(signer, 0);
        change(&mut budget.head);
        budget.head.signature = signs(signer, &budget.head);
        message.budget = Some(budget);
        tell(&mut world, message);
        assert_eq!((refusals(&world), adopted(&world)), ([RefusalCode::HeadInvalid].to_vec(), false), "{what}");
    }
}

/// The salt of a lost file is lost with it: the file in its place has the population of the head that it adopts.
#[test]
fn a_file_in_the_place_of_a_lost_one_adopts_a_head_with_another_salt() {
    let mut world = nine();
    let ParticipantEvent::BudgetBegun { population, mut first, .. } = begun(VICTIM, true) else { panic!("it begins") };
    let salt = [9; 32];
    first.population = population_digest(&salt, &population);
    first.signature = Toy::sign(&OWNER_KEY, &first.to_sign::<Toy>());
    let file = [ParticipantEvent::BudgetBegun { population, salt, first }].to_vec();
    world.cut(VICTIM);
    world.reborn(VICTIM, policy(&plan(|_| {})), file);
    world.connect(VICTIM);
    let mut message = told(&mut world, welcome);
    let budget = shown(VICTIM, 0);
    let population = budget.head.population;
    message.budget = Some(budget);
    tell(&mut world, message);
    assert_eq!((refusals(&world), accepts(&world)), (Vec::new(), true));
    assert_eq!(world.branches[&VICTIM].machine.record().population_digest, Some(population));
}

/// The owner has pinned a schema, and the branch's file is another one.
#[test]
fn a_plan_of_another_schema_than_the_branch_has_is_refused() {
    let mut served = plan(|_| {});
    let mut world = World::new(9, served.clone());
    served.schema.0[0] ^= 1;
    world.reborn(VICTIM, policy(&served), [begun(VICTIM, false)].to_vec());
    world.connect_all();
    let mut message = told(&mut world, welcome);
    message.plan = served;
    sign(&mut message);
    tell(&mut world, message);
    assert_eq!(refusals(&world), [RefusalCode::SchemaDiffers]);
}

/// What a head says counts before anything else, a plan that cannot be paid, or is not admitted, included.
#[test]
fn a_head_counts_whatever_becomes_of_the_plan() {
    let served = plan(|_| {});
    // Five rounds are left of the plan, under a cap of eight.
    for (elsewhere, purpose, code) in [
        (0, "test", None),
        (1, "test", Some(RefusalCode::BudgetExceeded)),
        (0, "another", Some(RefusalCode::PolicyFloor(crate::message::Floor::Purpose))),
    ] {
        let mut world = World::new(9, served.clone());
        world.connect_all();
        let mut message = told(&mut world, welcome);
        message.budget = Some(shown(VICTIM, elsewhere));
        message.plan.purpose = purpose.into();
        sign(&mut message);
        tell(&mut world, message);
        assert_eq!(refusals(&world).first().copied(), code, "{elsewhere} rounds' worth is spent elsewhere");
        assert!(adopted(&world));
        assert_eq!(world.branches[&VICTIM].machine.record().spent, cap(&served, 3 + elsewhere));
    }
}

#[test]
fn a_plan_is_accepted_when_it_is_judged_and_once() {
    let served = cast::run(plan(|_| {})).id();
    let judged = |run, verdict| ParticipantInput::RunJudged { run, verdict };
    let count = |world: &World| {
        let accepts = |packet: &&Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Accept { .. }));
        world.packets.iter().filter(accepts).count()
    };
    // A verdict before the plan is known, and one about another plan.
    let mut world = nine();
    world.tell_branch(VICTIM, judged(served, Ok(())));
    assert_eq!(count(&world), 0);
    let message = told(&mut world, welcome);
    tell(&mut world, message);
    assert_eq!(count(&world), 1);
    world.tell_branch(VICTIM, judged(RunId([9; 32]), Err(RefusalCode::SchemaDiffers)));
    assert_eq!(refusals(&world), []);
    world.tell_branch(VICTIM, judged(served, Ok(())));
    assert_eq!(count(&world), 1, "it was accepted before");
}

/// A worker that was slow with another run says what it found of that one while this one is being judged.
#[test]
fn a_verdict_on_another_run_decides_nothing_of_the_one_that_is_judged() {
    for verdict in [Ok(()), Err(RefusalCode::SchemaDiffers)] {
        let mut world = nine();
        world.silent_workers = true;
        let message = told(&mut world, welcome);
        tell(&mut world, message);
        let packets = world.packets.len();
        world.tell_branch(VICTIM, ParticipantInput::RunJudged { run: RunId([9; 32]), verdict });
        assert_eq!((refusals(&world), world.packets.len()), (Vec::new(), packets), "{verdict:?}");
        let run = cast::run(plan(|_| {})).id();
        world.tell_branch(VICTIM, ParticipantInput::RunJudged { run, verdict: Ok(()) });
        let accepts = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Accept { .. }));
        assert!(world.packets.iter().any(accepts), "it waits for the verdict on its own run");
    }
}

/// Keys outlive a connection as long as the coordinator names their session.
#[test]
fn keys_are_kept_for_the_sessions_that_go_on() {
    type Change = (&'static str, bool, fn(&mut Welcome));
    let changes: [Change; 2] =
        [("nothing", true, |_| {}), ("the session is not named", false, |welcome| welcome.sessions.clear())];
    for (what, kept, change) in changes {
        let mut world = nine();
        super::until(&mut world, |packet| matches!(packet, Packet::Start(VICTIM, _)));
        world.cut(VICTIM);
        world.connect(VICTIM);
        let mut message = told(&mut world, welcome);
        assert_eq!(message.sessions.len(), 1);
        change(&mut message);
        sign(&mut message);
        tell(&mut world, message);
        assert_eq!(refusals(&world), []);
        // What it says that it holds when it comes the next time.
        world.packets.clear();
        world.tell_branch(VICTIM, ParticipantInput::Disconnected);
        world.tell_branch(VICTIM, ParticipantInput::Connected);
        let holding = world.packets.iter().find_map(|packet| match packet {
            Packet::Up(VICTIM, Upstream::Join(join)) => Some(join.holding.len()),
            _ => None,
        });
        assert_eq!(holding, Some(usize::from(kept)), "{what}");
    }
}
