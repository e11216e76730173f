//! Several runs at once: over one budget at every branch, over one link, and beside each other at the coordinator.

mod world;

use alloc::boxed::Box;
use alloc::vec::Vec;

use self::world::{Packet, Several};
use super::world::plan;
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, RunId};
use crate::message::{ClosedReason, Downstream, RefusalCode, Upstream};
use crate::plan::{Grant, GrantFault, GrantSubject, Plan};
use crate::privacy::Accounts;
use crate::roster::SignedRoster;
use crate::round::cast::{self, cap, granted, next_roster, owner_signs, policy};
use crate::round::{CoordinatorEvent, Input, ParticipantEvent, ParticipantInput, Policy};

/// One with members before it and after it.
const MEMBER: ClientId = ClientId(5);

fn named(name: &str) -> Plan {
    plan(|plan| plan.name = name.into())
}

/// A grant of the owner for this plan alone.
fn grant_for(plan: &Plan) -> Grant {
    let mut grant = cast::grant(plan);
    grant.subject = GrantSubject::Plan(plan.digest());
    owner_signs(grant)
}

/// Branches that admit two plans, each by a grant of its own, and pay for so many rounds in all.
fn paying(rounds: u64, plans: [&Plan; 2]) -> Policy {
    let grants = plans.map(|plan| granted(plan, grant_for(plan))).to_vec();
    Policy { cap: cap(plans[0], rounds), grants, ..policy(plans[0]) }
}

/// Both plans in full: five rounds and three more for each.
const BOTH: u64 = 16;

/// Nine branches, and two runs at their beginning.
fn two() -> (Several, [RunId; 2]) {
    let (one, other) = (named("one"), named("other"));
    let mut world = Several::new(9, paying(BOTH, [&one, &other]));
    let runs = [world.open(&one), world.open(&other)];
    world.connect_all();
    (world, runs)
}

fn committed(event: &CoordinatorEvent) -> bool {
    matches!(event, CoordinatorEvent::RoundCommitted { .. })
}

/// Whether everybody heard the end of every run, and nobody refused or distrusted anything.
fn assert_undisturbed(world: &Several, runs: &[RunId]) {
    assert_eq!(world.refusals(), []);
    for (client, own) in &world.clients {
        assert_eq!(own.distrusted.len(), 0, "{client}: {:?}", own.distrusted);
        assert!(runs.iter().all(|run| own.finished.contains_key(run)), "{client}: {:?}", own.finished);
    }
}

fn spent(world: &Several, client: ClientId, plan: &Plan) -> bool {
    world.record(client).spent == cap(plan, 10)
}

#[test]
fn two_runs_go_on_side_by_side_and_are_paid_from_one_budget() {
    let (mut world, runs) = two();
    let apart = |world: &Several| runs.map(|run| world.count(run, committed));
    world.until(|world| apart(world).iter().all(|rounds| *rounds > 0));
    assert!(world.sides.values().all(|side| side.finished.is_none()), "neither waits for the other");
    world.run_all_to_the_end();
    assert_undisturbed(&world, &runs);
    assert_eq!((apart(&world), runs.map(|run| world.breaks(run).len())), ([5, 5], [0, 0]));
    for client in world.clients.keys() {
        assert!(spent(&world, *client, &named("one")), "what both have charged");
        assert_eq!(world.record(*client).counter, 11, "one counter for both");
        assert_eq!(world.record(*client).reserved(), Accounts::zero());
    }
}

/// The shell reads of each participant under which run and roster it takes part.
#[test]
fn a_participant_says_which_run_and_roster_it_has_accepted() {
    let (mut world, runs) = two();
    let has = |world: &Several, run: &RunId| {
        let participant = world.clients[&MEMBER].runs.get(run)?;
        let roster = participant.roster().cloned();
        assert_eq!(roster.is_some(), participant.run().is_some());
        assert!(participant.run().is_none_or(|own| own.id() == *run) && !participant.is_over());
        roster
    };
    assert_eq!(runs.map(|run| has(&world, &run)), [None, None]);
    world.until(|world| runs.iter().all(|run| has(world, run).is_some()));
    let own = world.roster.roster.clone();
    assert_eq!(runs.map(|run| has(&world, &run)), [Some(own.clone()), Some(own)]);
}

/// What one run may still charge is not there for another one, and is when it has come to its end.
#[test]
fn a_run_that_cannot_be_paid_beside_another_is_refused_until_that_has_ended() {
    let (one, other) = (named("one"), named("other"));
    let mut world = Several::new(9, paying(BOTH - 1, [&one, &other]));
    let first = world.open(&one);
    world.connect_all();
    world.until(|world| world.count(first, committed) == 2);
    let second = world.open(&other);
    world.run_to_its_end(first);
    let refused: Vec<_> = world.clients.keys().map(|client| (*client, RefusalCode::BudgetExceeded)).collect();
    assert_eq!(world.refusals(), refused);
    assert_eq!((world.count(first, committed), world.breaks(first)), (5, [].into()), "the first goes on");
    assert!(world.sides[&second].machine.ready_clients().is_empty());
    for client in world.clients.keys().copied().collect::<Vec<_>>() {
        assert!(world.clients[&client].finished.contains_key(&first));
        world.ask_anew(client, second);
    }
    world.run_all_to_the_end();
    assert_eq!((world.count(second, committed), world.refusals()), (5, refused));
    assert!(world.clients.keys().all(|client| spent(&world, *client, &one)));
}

/// Something else was spent than the runs had counted on: the one that asks first for more than there is ends, and what it had reserved pays the
/// other.
#[test]
fn the_cap_ends_one_run_and_the_other_goes_on() {
    let (mut world, runs) = two();
    world.until(|world| runs.iter().all(|run| world.count(*run, committed) == 1));
    let elsewhere = cast::run(named("elsewhere"));
    let charged = ParticipantEvent::BudgetCharged {
        run: elsewhere.reference(),
        round: RoundId(1),
        stage: 0,
        at: world.now,
        descriptor: Digest::ZERO,
        charge: elsewhere.stages[0].charge.clone(),
    };
    world.overtake(MEMBER, [cast::accepted(&elsewhere), charged].into());
    world.run_all_to_the_end();
    assert_eq!(world.refusals(), [(MEMBER, RefusalCode::BudgetExceeded)]);
    let own = &world.clients[&MEMBER];
    let refused = own.stopped.first().expect("one was refused").0;
    let other = runs.into_iter().find(|run| *run != refused).expect("there are two");
    assert_eq!(own.finished.keys().collect::<Vec<_>>(), [&other]);
    assert!(world.record(MEMBER).spent.within(&cap(&elsewhere, BOTH)), "the cap holds");
    assert_eq!(world.breaks(other), [], "nobody else's round is touched by it");
    assert!(runs.iter().all(|run| world.count(*run, committed) == 5));
}

#[test]
fn a_grant_that_is_taken_back_ends_the_run_that_rests_on_it_and_no_other() {
    let (mut world, [first, second]) = two();
    world.until(|world| [first, second].iter().all(|run| world.count(*run, committed) == 1));
    world.withdraw(MEMBER, cast::withdrawal(&grant_for(&named("one"))));
    assert_eq!(world.refusals(), [(MEMBER, RefusalCode::NotGranted(GrantFault::Withdrawn))]);
    let before = world.record(MEMBER).charged(&cast::run(named("one")).reference());
    world.run_all_to_the_end();
    assert_eq!(world.record(MEMBER).charged(&cast::run(named("one")).reference()), before);
    let own = &world.clients[&MEMBER];
    assert_eq!(own.finished.keys().collect::<Vec<_>>(), [&second]);
    assert_eq!((world.breaks(second), world.count(first, committed)), ([].into(), 5));
    assert_eq!(own.distrusted.len(), 0);
}

/// A branch that is silent in one run is let go of there, and nowhere else. The invitation that it gets crosses its own question, or it does not.
#[test]
fn whoever_is_silent_in_one_run_goes_on_in_the_other() {
    for asks in [false, true] {
        let (mut world, [first, second]) = two();
        let silent = |packet: &Packet| packet.of() == (MEMBER, first) && matches!(packet, Packet::Up(..));
        world.until(|world| world.count(first, |event| matches!(event, CoordinatorEvent::SessionOpened { .. })) == 1);
        loop {
            world.packets.retain(|packet| !silent(packet));
            if !world.step() {
                break;
            }
        }
        assert_eq!((world.sides[&second].finished, world.breaks(second)), (Some(true), [].into()));
        let deadline = world.sides[&first].machine.deadline().expect("keys are awaited");
        // The coordinator's clock comes first.
        world.now = deadline;
        world.tell_all(|| Input::Timer);
        let invites =
            |packet: &Packet| packet.of() == (MEMBER, first) && matches!(packet.down(), Some(Downstream::Invite));
        assert!(world.packets.iter().any(invites), "it is asked again at once");
        if asks {
            world.tell_branch(MEMBER, first, ParticipantInput::Connected);
        }
        world.run_all_to_the_end();
        assert_undisturbed(&world, &[first, second]);
        assert_eq!((world.count(first, committed), world.breaks(first)), (5, [ClosedReason::Deadline].into()));
        assert_eq!(world.breaks(second), []);
    }
}

/// Whatever is stopped in one run at the coordinator, by its operator or by evidence, the other goes on with everybody.
#[test]
fn a_run_that_is_stopped_at_the_coordinator_leaves_the_other_alone() {
    let (mut world, [first, second]) = two();
    world.until(|world| [first, second].iter().all(|run| world.count(*run, committed) == 1));
    world.tell(first, Input::Stop);
    world.run_to_its_end(second);
    assert_eq!((world.count(second, committed), world.breaks(second)), (5, [].into()));
    assert!(world.clients.values().all(|own| own.finished.contains_key(&second) && own.distrusted.is_empty()));
    assert_eq!(world.refusals(), []);
    for client in world.clients.keys() {
        assert_ne!(world.record(*client).reserved(), Accounts::zero(), "the first is not over for anybody");
    }
}

/// Counters rise in one run while members wait in the set-up of another: what they stated before is of an earlier moment, and nobody lies.
#[test]
fn a_counter_that_rises_through_another_run_accuses_nobody() {
    let (mut world, [first, second]) = two();
    let freezes = |packet: &Packet| packet.of().1 == first && matches!(packet.down(), Some(Downstream::Freeze(_)));
    // Everybody has been asked for keys, and has stated its counter.
    while world.step_of(|packet| packet.of().1 == first && !freezes(packet)) {}
    assert_eq!(world.packets.iter().filter(|packet| freezes(packet)).count(), 9);
    while world.step_of(|packet| packet.of().1 == second) {}
    assert_eq!(world.sides[&second].finished, Some(true));
    let known = world.record(MEMBER).counters.get(&ClientId(1)).copied();
    assert!(known > Some(1), "the other run has shown a later one: {known:?}");
    world.run_all_to_the_end();
    assert_undisturbed(&world, &[first, second]);
    assert_eq!(world.breaks(first), []);
}

/// Whoever goes on with an older copy of its budget is found in whatever run comes next, also where the coordinator has lost what it kept.
#[test]
fn an_older_copy_is_found_in_every_run() {
    let (one, other, third) = (named("one"), named("other"), named("third"));
    let mut policy = paying(3 * BOTH, [&one, &other]);
    policy.grants.push(granted(&third, grant_for(&third)));
    let mut world = Several::new(9, policy);
    let first = world.open(&one);
    world.connect_all();
    world.run_all_to_the_end();
    world.cut(MEMBER);
    world.lose_heads_of(MEMBER);
    world.forget(first);
    world.restore(MEMBER, 1);
    let runs = [world.open(&other), world.open(&third)];
    world.connect(MEMBER);
    let fell = |run: RunId, world: &Several| {
        let accusations =
            world.accusations.iter().filter(|(of, _, code)| *of == run && *code == RefusalCode::CounterFell);
        accusations.map(|(_, accused, _)| *accused).next()
    };
    world.until(|world| runs.iter().all(|run| fell(*run, world).is_some()));
    assert_eq!(runs.map(|run| fell(run, &world)), [Some(MEMBER); 2]);
    assert!(world.accusations.iter().all(|(_, accused, _)| *accused == MEMBER));
}

/// What a branch has shown in one run is known in every other: an older copy of its file takes it up there, and an older head is a breach.
#[test]
fn the_machines_of_a_coordinator_share_what_branches_have_shown() {
    let (mut world, [first, second]) = two();
    let accepts =
        |packet: &Packet| packet.of() == (MEMBER, second) && matches!(packet.up(), Some(Upstream::Accept { .. }));
    world.until(|world| world.packets.iter().any(accepts));
    let old = world.packets.iter().find(|packet| accepts(packet)).expect("it accepts").clone();
    world.until(|world| world.sides[&second].machine.ready_clients().len() == 9);
    // Only the first goes on; what the second has under way shows nothing of budgets.
    while world.step_of(|packet| packet.of().1 == first && !matches!(packet.down(), Some(Downstream::Finished { .. })))
    {
    }
    let newest = world.newest(MEMBER);
    assert_eq!(newest, 6, "five rounds");
    world.cut(MEMBER);
    world.restore(MEMBER, 1);
    world.connect(MEMBER);
    let welcome = |packet: &Packet| match packet.down() {
        Some(Downstream::Welcome(welcome)) if packet.of() == (MEMBER, second) => Some(welcome.budget.clone()),
        _ => None,
    };
    world.until(|world| world.packets.iter().any(|packet| welcome(packet).is_some()));
    let shown = world.packets.iter().find_map(welcome).flatten().expect("it is known");
    assert_eq!(shown.head.counter, newest);
    world.packets.retain(|packet| packet.of() != (MEMBER, second));
    world.packets.push_front(old);
    world.step();
    let rejected = |packet: &Packet| matches!(packet.down(), Some(Downstream::Rejected { .. }));
    assert!(!world.clients[&MEMBER].connected, "the link is closed");
    assert!(!world.packets.iter().any(rejected), "and everything that was on it is gone");
    world.restore(MEMBER, 1);
    world.connect(MEMBER);
    world.run_all_to_the_end();
    let adopted = |event: &&ParticipantEvent| matches!(event, ParticipantEvent::HeadAdopted { .. });
    assert_eq!(world.clients[&MEMBER].events.iter().filter(adopted).count(), 1);
    assert!(spent(&world, MEMBER, &named("one")), "nothing is forgotten");
}

/// A branch loses its link at any moment, and is back at once: it asks both runs, whatever each is at.
#[test]
fn a_link_that_breaks_at_any_moment_costs_no_run_more_than_one_branch() {
    let mut moments = 0;
    for steps in (0..).step_by(17) {
        let (mut world, runs) = two();
        let taken = (0..steps).take_while(|_| world.step()).count();
        if taken < steps {
            break;
        }
        moments += 1;
        world.cut(MEMBER);
        world.connect(MEMBER);
        world.run_all_to_the_end();
        assert_undisturbed(&world, &runs);
        for run in runs {
            assert_eq!(world.count(run, committed), 5, "after {steps} deliveries");
            let lost = |reason: &ClosedReason| *reason == ClosedReason::ParticipantLost(MEMBER);
            assert!(world.breaks(run).iter().all(lost), "{:?}", world.breaks(run));
        }
    }
    assert!(moments > 50, "{moments}");
}

/// A roster comes into force in one run while the other is in a round: nobody is welcomed under the older one any more, so that nobody refuses it
/// for good. At any moment, and whoever asks in between.
#[test]
fn a_roster_that_one_run_adopts_before_the_other_makes_nobody_refuse() {
    let mut apart = 0;
    for steps in (0..).step_by(13) {
        let (mut world, runs) = two();
        let newer = next_roster(&world.roster.roster, 9);
        let taken = (0..steps).take_while(|_| world.step()).count();
        if taken < steps {
            break;
        }
        world.install(&newer);
        let adopted =
            |world: &Several| runs.into_iter().filter(|run| in_force(world, *run) == newer.roster.epoch()).count();
        while adopted(&world) == 0 && world.step() {}
        apart += usize::from(adopted(&world) == 1);
        world.cut(MEMBER);
        world.connect(MEMBER);
        world.run_all_to_the_end();
        assert_undisturbed(&world, &runs);
        assert_eq!(runs.map(|run| world.count(run, committed)), [5, 5], "after {steps} deliveries");
    }
    assert!(apart > 20, "{apart}");
}

/// The epoch of the roster that a run's ledger has adopted last.
fn in_force(world: &Several, run: RunId) -> u64 {
    let epoch = |event: &CoordinatorEvent| match event {
        CoordinatorEvent::RosterAdopted { roster, .. } => Some(SignedRoster::clone(roster).roster.epoch()),
        _ => None,
    };
    world.sides[&run].events.iter().rev().find_map(epoch).unwrap_or(0)
}

/// A breach of one run closes the link, and so every run on it: whoever breaks the protocol is not trusted in another either. It comes back to all.
#[test]
fn a_breach_in_one_run_closes_the_link() {
    let (mut world, [first, second]) = two();
    world.until(|world| [first, second].iter().all(|run| world.count(*run, committed) == 1));
    let accept = |world: &Several| {
        let head = world.newest_head(MEMBER).expect("it has shown one");
        Upstream::Accept { run: RunId::NONE, head: Box::new(head), begun: None }
    };
    let message = accept(&world);
    world.tell(first, Input::Message(MEMBER, message));
    assert!(!world.clients[&MEMBER].connected);
    assert!(!world.sides[&second].machine.ready_clients().contains(&MEMBER));
    world.connect(MEMBER);
    world.run_all_to_the_end();
    assert_undisturbed(&world, &[first, second]);
}
