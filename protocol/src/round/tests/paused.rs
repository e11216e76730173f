//! A plan that waits for people: whose word counts, what a branch hears meanwhile, and what makes it go on.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::four_eyes::{answer, not_approved};
use super::membership::install;
use super::world::{Packet, World, plan};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId};
use crate::limits::{JOINS_MAX, PROTOCOL_VERSION};
use crate::message::{Downstream, Join, RefusalCode, RejectCode, Upstream};
use crate::plan::{ApprovalFault, Approvals, AttestationFault, Plan, Rhythm, Schedule};
use crate::role::{Action, Role};
use crate::roster::{Person, Roster, RosterGroup, Scope, SignedRoster};
use crate::round::cast::{self, APPROVER, PROPOSER, attestation, person, policy, settings};
use crate::round::{CoordinatorEffect, CoordinatorEvent, CoordinatorSettings, Input, Outbox, Policy, RunRecord};
use crate::secagg::toy::{Seeded, Toy};
use crate::time::Millis;

const SECOND: &str = "bank-1/second";
const MEMBER: ClientId = ClientId(4);

/// Nine members, the last of another organisation; one group of the others, and these people.
fn roster(people: Vec<Person>) -> SignedRoster {
    let entries = cast::roster_of(9, |client| if client == 9 { 2 } else { 1 }).roster.entries().to_vec();
    let group = RosterGroup { name: "pilot".into(), members: (1..=8).map(ClientId).collect() };
    cast::signed_by_authority(Roster::new(1, Digest::ZERO, entries, [group].into(), people).expect("a roster"))
}

/// The cast's plan owner with these privacy officers.
fn officers(officers: &[&str]) -> Vec<Person> {
    let mut people = [person(PROPOSER, Role::PlanOwner)].to_vec();
    people.extend(officers.iter().map(|officer| person(officer, Role::PrivacyOfficer)));
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    people
}

/// Approved by the second officer.
fn approved_by_second(plan: &Plan) -> Approvals {
    let approval = attestation(SECOND, Role::PrivacyOfficer, Action::ApprovePlan, plan.digest());
    Approvals { approval, ..cast::approvals(plan) }
}

fn begins(plan: &Plan, roster: SignedRoster) -> CoordinatorSettings<Toy> {
    CoordinatorSettings { roster, ..settings(9, plan.clone()) }
}

fn sessions(world: &World) -> usize {
    world.events.iter().filter(|event| matches!(event, CoordinatorEvent::SessionOpened { .. })).count()
}

fn lacking(world: &World) -> String {
    world.coordinator.lacking().expect("it says why it stands still")
}

/// The word that a member is told, on its way.
fn rejected(world: &World) -> Option<(RejectCode, bool)> {
    world.packets.iter().find_map(|packet| match packet {
        Packet::Down(MEMBER, Downstream::Rejected { code, proof, .. }) => Some((*code, proof.is_some())),
        _ => None,
    })
}

/// The roster takes the approver's role in the middle of a run. A restart with another officer's approval goes on with what was committed, whichever of
/// the two comes first, the roster or the approval.
#[test]
fn another_officer_takes_the_place_of_one_who_was_revoked() {
    let served = plan(|_| {});
    let both = roster(officers(&[APPROVER, SECOND]));
    for (first, approval_first) in [(both.clone(), false), (both, true), (roster(officers(&[APPROVER])), true)] {
        let heard = first.roster.people().len() == 3;
        let mut world = World::with_settings(begins(&served, first.clone()), |_| policy(&served));
        world.connect_all();
        while world.coordinator.record().committed_all() < 2 {
            assert!(world.step(), "rounds go on");
        }
        let next = Roster::new(
            2,
            first.roster.digest(),
            first.roster.entries().to_vec(),
            first.roster.groups().to_vec(),
            officers(&[SECOND]),
        );
        let next = cast::signed_by_authority(next.expect("a roster"));
        let approvals = approved_by_second(&served);
        if approval_first {
            world.restart_with(CoordinatorSettings { approvals, ..begins(&served, first) });
            let shown = world.events.iter().any(|event| matches!(event, CoordinatorEvent::ApprovalsShown { .. }));
            assert_eq!(shown, heard, "whom the roster in force does not have is not recorded");
            world.tell(Input::Timer);
            assert_eq!(world.coordinator.lacking().is_none_or(|why| !why.contains("paused")), heard);
            install(&mut world, &next);
        } else {
            install(&mut world, &next);
            world.run();
            let began = sessions(&world);
            world.connect_all();
            world.run();
            world.pass_deadlines();
            assert!(lacking(&world).contains("the plan is paused") && sessions(&world) == began);
            world.restart_with(CoordinatorSettings { approvals, ..begins(&served, next) });
        }
        for client in (1..=9).map(ClientId) {
            world.start_again(client);
        }
        world.run();
        world.pass_deadlines();
        assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.lacking());
        assert_eq!(world.coordinator.record().committed_all(), 5);
        world.assert_sums_exact();
        let record = RunRecord::replay(&world.events).expect("a ledger in order");
        let approver = record.approvals.map(|approvals| approvals.approval.staff);
        assert_eq!(approver, Some(cast::staff(SECOND)));
        let shown = |event: &&CoordinatorEvent| matches!(event, CoordinatorEvent::ApprovalsShown { .. });
        assert_eq!(world.events.iter().filter(shown).count(), 1, "recorded once");
    }
}

/// The roster takes the approver's role while a round is open, and another officer signs at once: the roster waits for the round, and so does the
/// signature. Signatures that never count are forgotten at last, and pause nothing.
#[test]
fn a_signature_that_comes_before_its_roster_is_in_force_counts_by_it() {
    let served = plan(|_| {});
    let first = roster(officers(&[APPROVER]));
    let mut world = World::with_settings(begins(&served, first.clone()), |_| policy(&served));
    world.connect_all();
    while world.coordinator.record().round.is_none() {
        assert!(world.step(), "a round begins");
    }
    let (entries, groups) = (first.roster.entries().to_vec(), first.roster.groups().to_vec());
    let next = Roster::new(2, first.roster.digest(), entries, groups, officers(&[SECOND])).expect("a roster");
    world.tell(Input::Roster(Box::new(cast::signed_by_authority(next))));
    world.tell(Input::Approved(Box::new(approved_by_second(&served))));
    assert!(world.coordinator.record().round.is_some(), "the round goes on");
    world.run();
    world.pass_deadlines();
    assert_eq!((world.finished, world.coordinator.lacking()), (Some(true), None));
    let approver = world.coordinator.record().approvals.as_ref().map(|approvals| approvals.approval.staff.clone());
    assert_eq!(approver, Some(cast::staff(SECOND)));
}

/// Signatures that wait for a roster are forgotten when others are shown that count now: by no roster to come do they let anything begin.
#[test]
fn of_signatures_that_wait_the_last_word_counts() {
    let served = plan(|_| {});
    for (last_word, begins) in [(None, true), (Some(cast::approvals(&served)), false)] {
        let first = roster(officers(&[APPROVER]));
        let mut world = World::with_settings(self::begins(&served, first.clone()), |_| policy(&served));
        for approvals in [Some(approved_by_second(&served)), last_word].into_iter().flatten() {
            world.tell(Input::Approved(Box::new(approvals)));
        }
        let (entries, groups) = (first.roster.entries().to_vec(), first.roster.groups().to_vec());
        let next = Roster::new(2, first.roster.digest(), entries, groups, officers(&[SECOND])).expect("a roster");
        world.tell(Input::Roster(Box::new(cast::signed_by_authority(next))));
        world.connect_all();
        world.run();
        assert_eq!(sessions(&world) > 0, begins, "{:?}", world.coordinator.wait());
    }
}

/// New signatures are on the disk before anything else is done by them.
#[test]
fn signatures_that_end_a_pause_are_recorded_and_synced() {
    let served = plan(|_| {});
    let mut world = World::with_settings(begins(&served, roster(officers(&[SECOND]))), |_| policy(&served));
    world.connect_all();
    world.run();
    assert!(lacking(&world).contains("the plan is paused"));
    let mut outbox = Outbox::new();
    let input = Input::Approved(Box::new(approved_by_second(&served)));
    world.coordinator.handle(world.now, &mut Seeded::new(1), input, &mut outbox);
    let effects: Vec<_> = core::iter::from_fn(|| outbox.pop()).collect();
    let shown = |effect: &CoordinatorEffect| matches!(effect, CoordinatorEffect::Append(event) if matches!(event, CoordinatorEvent::ApprovalsShown { .. }));
    let at = effects.iter().position(shown).expect("they are recorded");
    assert!(matches!(effects.get(at + 1), Some(CoordinatorEffect::Sync)), "{} effects", effects.len());
    let invited = |effect: &CoordinatorEffect| matches!(effect, CoordinatorEffect::Send(MEMBER, Downstream::Invite));
    assert!(effects[at..].iter().any(invited), "whoever was put off is asked");
}

/// Whoever asks a paused plan without end is cut off, and not asked when the pause ends.
#[test]
fn whoever_was_cut_off_in_a_pause_is_not_asked_after_it() {
    let served = plan(|_| {});
    for (asks, asked) in [(JOINS_MAX, true), (JOINS_MAX + 1, false)] {
        let mut world = World::with_settings(begins(&served, roster(officers(&[SECOND]))), |_| policy(&served));
        world.branches.get_mut(&MEMBER).expect("a branch").connected = true;
        world.tell(Input::Connected(MEMBER));
        for _ in 0..asks {
            let (schema, holding, nonce) = (Digest::of(b"schema"), Vec::new(), Digest::ZERO);
            let join = Join { version: PROTOCOL_VERSION, schema, holding, nonce };
            world.tell(Input::Message(MEMBER, Upstream::Join(join)));
        }
        world.tell(Input::Approved(Box::new(approved_by_second(&served))));
        let invited = |packet: &Packet| matches!(packet, Packet::Down(MEMBER, Downstream::Invite));
        assert_eq!(world.packets.iter().any(invited), asked, "{asks} times");
    }
}

/// A role reaches the branches of its scope alone. Whoever approves a plan has every branch of the plan's group in it, and so has whoever proposes it.
#[test]
fn a_role_of_fewer_branches_than_the_plan_s_approves_nothing() {
    let scoped = |staff: &str, scope: &Scope| {
        let mut people = cast::people();
        let holdings = people.iter_mut().filter(|person| person.staff == cast::staff(staff));
        holdings.flat_map(|person| &mut person.holdings).for_each(|holding| holding.scope = scope.clone());
        roster(people)
    };
    let of_bank = |number| Scope::Organisation(OrganisationId(number));
    let cases = [
        ("all", Scope::Federation, true),
        ("all", of_bank(1), false),
        ("all", of_bank(2), false),
        ("pilot", of_bank(1), true),
        ("pilot", of_bank(2), false),
    ];
    type Of = fn(AttestationFault) -> ApprovalFault;
    let signers: [(&str, Of); 2] = [(APPROVER, ApprovalFault::Approval), (PROPOSER, ApprovalFault::Proposal)];
    for ((group, scope, counts), (staff, of)) in
        cases.iter().flat_map(|case| signers.iter().map(move |signer| (case, *signer)))
    {
        let served = plan(|plan| plan.group = (*group).into());
        let in_force = scoped(staff, scope);
        // The coordinator begins nothing, whoever has connected.
        let mut world = World::with_settings(begins(&served, in_force.clone()), |_| policy(&served));
        world.connect_all();
        world.run();
        let what = alloc::format!("{staff} for {group} with {scope:?}");
        assert_eq!(sessions(&world) > 0, *counts, "{what}");
        let fault = of(AttestationFault::Scope);
        if !counts {
            assert!(lacking(&world).contains(&alloc::format!("{fault}")), "{what}: {}", lacking(&world));
        }
        // A coordinator that offers it all the same is refused.
        let refused = answer(|welcome| {
            (welcome.plan, welcome.approvals, welcome.roster) = (served.clone(), cast::approvals(&served), in_force);
        });
        let (refused, expected) = match (*counts, *group) {
            // The branch that is asked has its policy from another plan.
            (true, "pilot") => (None, None),
            (true, _) => (refused, None),
            (false, _) => (refused, not_approved(fault)),
        };
        assert_eq!(refused, expected, "{what}");
    }
}

/// A branch that would be right to refuse a plan is not asked: it hears that it may come again, and does.
#[test]
fn a_plan_that_is_held_back_asks_nobody_and_turns_nobody_away_for_good() {
    let paused = |world: &mut World| world.connect(MEMBER);
    let later = |world: &mut World| {
        world.now = Millis(999_000);
        world.connect(MEMBER);
    };
    let early = plan(|plan| {
        plan.schedule = Schedule { not_before: 1_000, not_after: 10_000, rhythm: Rhythm::Interval { seconds: 0 } };
    });
    let usual = plan(|_| {});
    let over = plan(|plan| plan.charter.review_by = 998);
    type Cure = fn(&mut World);
    let cases: [(&Plan, SignedRoster, u64, Cure, &str); 3] = [
        (&usual, roster(officers(&[SECOND])), 0, paused, "paused"),
        (&early, roster(cast::people()), 1_000, later, "lets this run begin later"),
        (&over, roster(cast::people()), 0, later, "its review is due"),
    ];
    for (served, in_force, second, comes, why) in cases {
        let settings = CoordinatorSettings { not_before: Millis(second * 1_000), ..begins(served, in_force) };
        let mut world = World::with_settings(settings, |_| policy(served));
        comes(&mut world);
        while rejected(&world).is_none() {
            assert!(world.step(), "{why}: it is answered");
        }
        assert_eq!(rejected(&world), Some((RejectCode::NotNow, true)), "signed, so that a branch believes it");
        assert!(!RejectCode::NotNow.is_final());
        world.run();
        let branch = &world.branches[&MEMBER];
        assert!(branch.stopped.as_ref().is_none_or(|text| text.contains(why)), "{:?}", branch.stopped);
        assert_eq!(world.refusals(), [], "{why}");
        assert!(branch.machine.record().accepted.is_empty());
        let refused = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::ClientRefused { .. });
        assert!(!world.events.iter().any(refused), "no ledger says that a branch refused");
    }
}

/// A run begins to the last second of its schedule, and as long as its review is not due. One that has begun goes on after that.
#[test]
fn a_run_begins_in_its_time_and_may_end_after_it() {
    let scheduled = plan(|plan| {
        plan.schedule = Schedule { not_before: 1_000, not_after: 10_000, rhythm: Rhythm::Interval { seconds: 0 } };
    });
    let reviewed = plan(|plan| plan.charter.review_by = 998);
    let cases =
        [(&scheduled, 10_000, true), (&scheduled, 10_001, false), (&reviewed, 998, true), (&reviewed, 999, false)];
    for (served, second, begun) in cases {
        let mut world = World::with_settings(begins(served, roster(cast::people())), |_| policy(served));
        world.now = Millis(second * 1_000 + 999);
        world.connect_all();
        world.run();
        assert_eq!((sessions(&world) > 0, world.finished), (begun, begun.then_some(true)), "at {second} s");
    }
    for (served, second) in [(scheduled, 10_000), (reviewed, 998)] {
        let mut world = World::with_settings(begins(&served, roster(cast::people())), |_| policy(&served));
        world.now = Millis(second * 1_000);
        world.connect_all();
        while world.coordinator.record().charged_all() == 0 {
            assert!(world.step());
        }
        world.now = Millis(10_001_000);
        world.run();
        assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
    }
}

/// A run whose time has not come wakes its coordinator when it comes.
#[test]
fn a_run_that_begins_later_begins_at_its_time() {
    let early = plan(|plan| {
        plan.schedule = Schedule { not_before: 1_000, not_after: 10_000, rhythm: Rhythm::Interval { seconds: 0 } };
    });
    let begins_at = Millis(1_000_000);
    let settings = CoordinatorSettings { not_before: begins_at, ..begins(&early, roster(cast::people())) };
    let mut world = World::with_settings(settings, |_| policy(&early));
    world.now = Millis(999_000);
    world.tell(Input::Timer);
    let wait = world.coordinator.wait();
    assert_eq!(wait.deadline, Some(begins_at), "{wait:?}");
    assert!(wait.reason.contains("lets this run begin later"), "{wait:?}");
    assert_eq!(world.coordinator.record().opened_at, Some(begins_at), "of which day its data are follows from that");
    world.now = begins_at;
    world.tell(Input::Timer);
    world.connect_all();
    // Held back when it has begun, it waits for nothing that its schedule says.
    let held = || Input::Withheld(Some("the second copy lags".into()));
    while world.coordinator.record().keying.is_none() {
        assert!(world.step());
    }
    let keyed_by = world.coordinator.deadline();
    world.tell(held());
    assert_eq!(world.coordinator.deadline(), keyed_by);
    world.tell(Input::Withheld(None));
    while world.coordinator.record().round.is_none() {
        assert!(world.step());
    }
    world.tell(held());
    world.run();
    assert_eq!((world.coordinator.record().round.is_none(), world.coordinator.deadline()), (true, None));
    world.tell(Input::Withheld(None));
    world.run();
    assert_eq!(world.finished, Some(true), "{:?}", world.coordinator.wait());
}

/// A branch that comes back and back with the same answer fills no ledger; another answer is recorded.
#[test]
fn the_same_refusal_is_recorded_once() {
    let served = plan(|_| {});
    let mut world = World::new(9, served.clone());
    let told = |world: &World| {
        let code = |event: &CoordinatorEvent| match event {
            CoordinatorEvent::ClientRefused { client: MEMBER, code, .. } => Some(*code),
            _ => None,
        };
        world.events.iter().filter_map(code).collect::<Vec<_>>()
    };
    let purposes = RefusalCode::PolicyFloor(crate::message::Floor::Purpose);
    let mode = RefusalCode::PolicyFloor(crate::message::Floor::Mode);
    for (comes, (code, expected)) in
        (0..).zip([(purposes, 1), (purposes, 1), (purposes, 1), (mode, 2), (mode, 2), (purposes, 3)])
    {
        let mut own = policy(&served);
        if code == purposes {
            own.purposes.clear();
        } else {
            own.modes.clear();
        }
        world.reborn(MEMBER, own, [cast::begun(MEMBER, false)].to_vec());
        world.connect(MEMBER);
        world.run();
        assert_eq!((told(&world).len(), told(&world).last()), (expected, Some(&code)), "time {comes}");
        world.cut(MEMBER);
    }
    // What a restart reads is what was known.
    world.restart_coordinator(9, served.clone());
    world.reborn(MEMBER, Policy { purposes: Vec::new(), ..policy(&served) }, [cast::begun(MEMBER, false)].to_vec());
    world.cut(MEMBER);
    world.connect(MEMBER);
    world.run();
    assert_eq!(told(&world).len(), 3);
}
