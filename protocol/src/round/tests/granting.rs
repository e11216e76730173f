//! What the owner of a branch's data lets happen: plans, runs, and copies of models; and what a withdrawal ends.

use alloc::vec::Vec;

use super::four_eyes::{VICTIM, say, told_welcome};
use super::world::{Machine, Packet, World, plan};
use crate::budget::OwnerChange;
use crate::digest::Digest;
use crate::ids::RoundId;
use crate::limits::HOLDING_SECONDS_MAX;
use crate::message::{Downstream, RefusalCode, SignedBody, Upstream};
use crate::plan::{Grant, GrantFault, GrantSubject, OwnersWord, Plan, Rhythm, Schedule, Withdrawal};
use crate::registry::{CopyNote, CopyState};
use crate::round::agreement::welcome_message;
use crate::round::cast::{self, APPROVER, OWNER_KEY, PROPOSER, coordinator_signs, granted, owner_signs, policy, staff};
use crate::round::{Branch, CoordinatorEvent, Outbox, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy};
use crate::secagg::suite::{Signature, Suite, VerifyingKey};
use crate::secagg::toy::{Seeded, Toy};
use crate::time::Millis;

/// How a changed grant is refused, and the change.
type GrantRow = (GrantFault, fn(&mut Grant, &Plan));
/// The owner's word, one thing wrong at a time.
#[test]
fn a_plan_that_the_owner_has_not_granted_is_refused_by_its_own_reason() {
    let cases: &[GrantRow] = &[
        (GrantFault::None, |grant, _| grant.branches.retain(|name| !name.as_str().ends_with("branch-4"))),
        (GrantFault::None, |grant, _| grant.federation.0[0] ^= 1),
        (GrantFault::None, |grant, _| grant.subject = GrantSubject::Plan(Digest::ZERO)),
        (GrantFault::None, |grant, plan| {
            grant.subject = GrantSubject::Plans { proposer: staff(APPROVER), purpose: plan.purpose.clone() };
        }),
        (GrantFault::None, |grant, _| {
            grant.subject = GrantSubject::Plans { proposer: staff(PROPOSER), purpose: "another".into() };
        }),
        (GrantFault::None, |grant, _| grant.owner = VerifyingKey::ed25519([3; 32])),
        (GrantFault::Window, |grant, _| grant.not_before = 1),
        (GrantFault::Window, |grant, _| (grant.not_before, grant.not_after) = (1, 0)),
    ];
    let served = plan(|_| {});
    let with = |change: &dyn Fn(&mut Policy)| {
        let mut world = World::new(9, served.clone());
        let mut policy = policy(&served);
        change(&mut policy);
        world.reborn(VICTIM, policy, [cast::begun(VICTIM, false)].to_vec());
        world.connect_all();
        let welcome = told_welcome(&mut world);
        say(&mut world, welcome)
    };
    for (number, (fault, change)) in cases.iter().enumerate() {
        let refused = with(&|policy| {
            let mut grant = cast::grant(&served);
            change(&mut grant, &served);
            policy.grants = [granted(&served, owner_signs(grant))].to_vec();
        });
        assert_eq!(refused, Some(RefusalCode::NotGranted(*fault)), "case {number}");
    }
    let not = |fault| Some(RefusalCode::NotGranted(fault));
    assert_eq!(with(&|policy| policy.grants.clear()), not(GrantFault::None));
    assert_eq!(with(&|policy| policy.grants[0].grant.signature.bytes[0] ^= 1), not(GrantFault::None));
    assert_eq!(with(&|policy| policy.grants[0].run = cast::cap(&served, 7).customer), not(GrantFault::EpsilonRun));
    assert_eq!(with(&|policy| policy.grants[0].year = cast::cap(&served, 7).customer), not(GrantFault::EpsilonYear));
    assert_eq!(with(&|policy| policy.grants[0].names_fields = false), not(GrantFault::Fields));
    assert_eq!(with(&|policy| policy.grants[0].run = cast::cap(&served, 8).customer), None);
    // One plan by its digest, and a grant beside others that do not count.
    let exact = |policy: &mut Policy| {
        let mut grant = cast::grant(&served);
        grant.subject = GrantSubject::Plan(served.digest());
        policy.grants[0].run = cast::cap(&served, 1).customer;
        policy.grants.push(granted(&served, owner_signs(grant)));
    };
    assert_eq!(with(&exact), None);
}

/// A run after two rounds, and the grant under which the victim is in it.
pub(super) fn under_way() -> (World, Grant) {
    let served = plan(|_| {});
    let mut world = World::new(9, served.clone());
    world.connect_all();
    while world.coordinator.record().committed_all() < 2 {
        assert!(world.step(), "rounds go on");
    }
    let under = world.branches[&VICTIM].machine.record().accepted.values().next().expect("a run").grant;
    let grants = [cast::grant(&served), cast::grant_of(&served, [cast::name(VICTIM, 1)].into_iter())];
    let grant = grants.into_iter().find(|grant| grant.digest() == under).expect("one of its grants");
    (world, grant)
}

/// A withdrawal is recorded before anything else, refused with a reason of its own, and no word makes the run go on.
#[test]
fn a_withdrawn_grant_stops_the_run_before_its_next_round() {
    let (mut world, grant) = under_way();
    // Whoever does not own the data takes nothing back.
    let mut forged = cast::withdrawal(&grant);
    forged.owner = Toy::verifying_key(&[9; 32]);
    forged.signature = Toy::sign(&[9; 32], &forged.to_sign::<Toy>());
    // Nor does a word in the owner's name.
    let unsigned = Withdrawal { at: 1, ..cast::withdrawal(&grant) };
    for word in [forged, unsigned] {
        world.withdraw(VICTIM, word);
        assert_eq!(world.refusals(), []);
    }
    let record = world.branches[&VICTIM].machine.record();
    let (before, spent) = (record.counter, record.spent.clone());
    world.withdraw(VICTIM, cast::withdrawal(&grant));
    assert_eq!(world.refusals(), [(VICTIM, RefusalCode::NotGranted(GrantFault::Withdrawn))]);
    world.run();
    let branch = &world.branches[&VICTIM];
    assert_eq!(branch.machine.record().spent, spent, "nothing is charged afterwards");
    assert_eq!(branch.machine.record().counter, before + 1, "and the next head is another one");
    let withdrawn = |event: &ParticipantEvent| matches!(event, ParticipantEvent::GrantWithdrawn { .. });
    assert_eq!(branch.events.iter().filter(|event| withdrawn(event)).count(), 1);
    let code = RefusalCode::NotGranted(GrantFault::Withdrawn);
    let told = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::ClientRefused { client: VICTIM, code: told, signature: Some(_) } if *told == code);
    assert!(world.events.iter().any(told), "the coordinator's ledger has the branch's signed answer");
}

/// The owner's word is on the disk, and this run's participant was not told of it: the next round is refused all the same.
#[test]
fn no_round_begins_under_a_grant_that_the_file_knows_to_be_withdrawn() {
    let (mut world, grant) = under_way();
    world.overtake(VICTIM, alloc::vec![ParticipantEvent::GrantWithdrawn { withdrawal: cast::withdrawal(&grant) }]);
    world.run();
    assert_eq!(world.refusals(), [(VICTIM, RefusalCode::NotGranted(GrantFault::Withdrawn))]);
}

/// Nor does one begin outside of the grant's time, or under a grant that the branch has no more.
#[test]
fn no_round_begins_under_a_grant_that_does_not_count_now() {
    let served = plan(|_| {});
    let mut grant = cast::grant(&served);
    grant.not_after = 100;
    let own = Policy { grants: [granted(&served, owner_signs(grant))].to_vec(), ..policy(&served) };
    let not = |fault| Some(RefusalCode::NotGranted(fault));
    for (now, has, refused) in
        [(100_999, true, None), (101_000, true, not(GrantFault::Window)), (100_999, false, not(GrantFault::None))]
    {
        let mut world = World::new(9, served.clone());
        world.reborn(VICTIM, own.clone(), [cast::begun(VICTIM, false)].to_vec());
        world.connect_all();
        while !matches!(world.packets.front(), Some(Packet::Start(VICTIM, _))) {
            assert!(world.step(), "a round begins");
        }
        if !has {
            world.branches.get_mut(&VICTIM).expect("a branch").machine.set_grants(Vec::new());
        }
        world.now = Millis(now);
        world.step();
        assert_eq!(world.refusals().first().map(|(_, code)| *code), refused, "at {now} ms");
        let charged = world.branches[&VICTIM].machine.record().runs.len();
        assert_eq!(charged, usize::from(refused.is_none()), "at {now} ms");
        // The same clock decides at the welcome.
        let mut world = World::new(9, served.clone());
        world.reborn(VICTIM, own.clone(), [cast::begun(VICTIM, false)].to_vec());
        world.connect_all();
        let welcome = told_welcome(&mut world);
        world.now = Millis(now);
        if has {
            assert_eq!(say(&mut world, welcome), refused, "at {now} ms");
        }
    }
}

/// What the victim has asked of its shell for one input, where nothing of that is done.
fn asks(
    world: &mut World,
    input: impl FnOnce(&mut dyn Machine, &mut Outbox<ParticipantEffect>),
) -> Vec<ParticipantEffect> {
    let mut outbox = Outbox::new();
    input(&mut *world.branches.get_mut(&VICTIM).expect("a branch").machine, &mut outbox);
    core::iter::from_fn(|| outbox.pop()).collect()
}

/// The victim in a round, with keys, and in the set-up of the next session beside it; and its grant.
fn in_a_round_and_a_set_up() -> (World, Grant) {
    let served = plan(|_| {});
    let mut world = World::new(9, served.clone());
    let grant = cast::grant(&served);
    let own = Policy { grants: [granted(&served, grant.clone())].to_vec(), ..policy(&served) };
    world.reborn(VICTIM, own, [cast::begun(VICTIM, false)].to_vec());
    world.connect_all();
    let survivors = |packet: &Packet| matches!(packet, Packet::Down(VICTIM, Downstream::Survivors(_)));
    let offered = |packet: &Packet| matches!(packet, Packet::Up(VICTIM, Upstream::Keys(_)));
    let mut keyed = 0;
    while keyed < 2 || !world.packets.front().is_some_and(survivors) {
        keyed += usize::from(world.packets.front().is_some_and(offered));
        assert!(world.step(), "{:?}", world.coordinator.wait());
    }
    (world, grant)
}

/// Whoever is at the other end may be a stranger: it hears nothing of the withdrawal. All keys go at once, and the coordinator is told when it has proved
/// itself.
#[test]
fn a_withdrawal_is_not_told_to_somebody_who_has_not_proved_to_be_the_coordinator() {
    type Moment = (&'static str, bool, fn(&mut World));
    let unproved: [Moment; 3] = [
        ("on another connection", true, |world| world.tell_branch(VICTIM, ParticipantInput::Resumed)),
        ("before the welcome", true, |world| world.tell_branch(VICTIM, ParticipantInput::Connected)),
        ("without a connection", false, |world| world.tell_branch(VICTIM, ParticipantInput::Disconnected)),
    ];
    for (what, linked, before) in unproved {
        let (mut world, grant) = in_a_round_and_a_set_up();
        before(&mut world);
        world.packets.retain(|packet| !matches!(packet, Packet::Up(VICTIM, _) | Packet::Down(VICTIM, _)));
        world.withdraw(VICTIM, cast::withdrawal(&grant));
        let said = world.packets.iter().filter_map(|packet| match packet {
            Packet::Up(VICTIM, Upstream::Join(join)) => Some(Some(join.holding.len())),
            Packet::Up(VICTIM, _) => Some(None),
            _ => None,
        });
        assert_eq!(said.collect::<Vec<_>>(), [Some(0)][..usize::from(linked)], "{what}: it asks anew, without keys");
        let branch = &world.branches[&VICTIM];
        assert!(branch.machine.record().withdrawn.contains(&grant.digest()), "{what}");
        assert_eq!((world.refusals(), branch.stopped.is_some()), (Vec::new(), false), "{what}");
        assert_eq!(branch.machine.wait().deadline, None, "{what}: nothing of the round and the set-up is left");
        if !linked {
            world.tell_branch(VICTIM, ParticipantInput::Connected);
            let holding = world.packets.iter().find_map(|packet| match packet {
                Packet::Up(VICTIM, Upstream::Join(join)) => Some(join.holding.len()),
                _ => None,
            });
            assert_eq!(holding, Some(0), "{what}: its keys are gone");
        }
        world.run();
        let code = RefusalCode::NotGranted(GrantFault::Withdrawn);
        assert_eq!(world.refusals().first(), Some(&(VICTIM, code)), "{what}: the coordinator itself is told");
    }
    // What the shell holds of the round goes with the keys.
    let (mut world, grant) = in_a_round_and_a_set_up();
    world.tell_branch(VICTIM, ParticipantInput::Resumed);
    let withdrawal = cast::withdrawal(&grant);
    let asked =
        asks(&mut world, |machine, outbox| machine.withdraw(Millis(0), &mut Seeded::new(1), withdrawal, outbox));
    assert!(asked.iter().any(|effect| matches!(effect, ParticipantEffect::ForgetVector(_))));
}

/// A run that is over says nothing more, whatever its owner takes back.
#[test]
fn a_withdrawal_after_the_end_is_recorded_and_told_nobody() {
    let (mut world, grant) = under_way();
    world.run();
    assert_eq!(world.finished, Some(true));
    let events = world.branches[&VICTIM].events.len();
    world.withdraw(VICTIM, cast::withdrawal(&grant));
    assert_eq!((world.refusals(), world.packets.len()), (Vec::new(), 0));
    assert_eq!(world.branches[&VICTIM].events.len(), events + 1);
}

/// The owner before takes back what it granted itself, and nothing of the next one's; a grant that the branch does not have yet is anybody's who was
/// an owner.
#[test]
fn an_owner_takes_back_its_own_grants() {
    const NEXT: [u8; 32] = [77; 32];
    let served = plan(|_| {});
    let begun = cast::begun(VICTIM, false);
    let ParticipantEvent::BudgetBegun { first, .. } = &begun else { panic!("it begins") };
    let (from, to) = (first.owner.clone(), Toy::verifying_key(&NEXT));
    let mut change = OwnerChange { population: first.population, from, to, signature: Signature::none() };
    change.signature = Toy::sign(&OWNER_KEY, &change.to_sign::<Toy>());
    let before = cast::grant(&served);
    let mut after = Grant { owner: Toy::verifying_key(&NEXT), ..before.clone() };
    after.signature = Toy::sign(&NEXT, &after.to_sign::<Toy>());
    let unknown = Grant { runs: 7, ..before.clone() };
    let file = [begun.clone(), ParticipantEvent::OwnerChanged { change }];
    let takes = |key: [u8; 32], grant: &Grant| {
        let grants = [&before, &after].map(|grant| granted(&served, grant.clone())).to_vec();
        let own = Policy { grants, ..policy(&served) };
        let mut branch = Branch::<Toy>::resume(own, served.schema, cast::signing_key(VICTIM), &file).expect("in order");
        let mut withdrawal = Withdrawal { owner: Toy::verifying_key(&key), ..cast::withdrawal(grant) };
        withdrawal.signature = Toy::sign(&key, &withdrawal.to_sign::<Toy>());
        let mut outbox = Outbox::new();
        let taken = branch.withdraw(withdrawal.clone(), &mut outbox);
        assert_eq!(branch.record().withdrawn.contains(&grant.digest()), taken);
        assert_eq!(outbox.iter().count(), if taken { 2 } else { 0 }, "the entry, and its sync");
        assert!(!branch.withdraw(withdrawal, &mut outbox), "once");
        taken
    };
    let stranger = [9; 32];
    assert_eq!([OWNER_KEY, NEXT, stranger].map(|key| takes(key, &before)), [true, false, false]);
    assert_eq!([OWNER_KEY, NEXT, stranger].map(|key| takes(key, &after)), [false, true, false]);
    assert_eq!([OWNER_KEY, NEXT, stranger].map(|key| takes(key, &unknown)), [true, true, false]);
}

/// A branch's word about its copy is signed with the branch's own key, and says what it said before.
#[test]
fn a_branch_signs_what_it_says_of_its_copy() {
    let served = plan(|_| {});
    let file = [cast::begun(VICTIM, false)];
    let branch = Branch::<Toy>::resume(policy(&served), served.schema, cast::signing_key(VICTIM), &file);
    let branch = branch.expect("in order");
    let note = CopyNote {
        federation: cast::federation(),
        client: VICTIM,
        model: Digest([1; 32]),
        state: CopyState::Kept,
        statement: Digest([2; 32]),
        at: 3,
        signature: Signature::none(),
    };
    let signed = branch.sign_copy(note.clone());
    let key = Toy::verifying_key(&cast::signing_key(VICTIM));
    assert!(Toy::verify(&key, &note.to_sign::<Toy>(), &signed.signature));
    assert_eq!(CopyNote { signature: Signature::none(), ..signed }, note);
}

/// A copy of a model is kept under a grant of the budget's owner that counts now, for this branch, with that use; and no longer after a withdrawal.
#[test]
fn a_model_is_kept_under_a_grant_that_counts() {
    let lineage = crate::registry::Lineage {
        parent: None,
        initial: Digest::ZERO,
        run: crate::plan::RunRef { plan: Digest([9; 32]), number: 1 },
        name: "monthly".into(),
        purpose: "test".into(),
        privacy: crate::plan::PrivacyMode::Customer,
        group: "all".into(),
        owner: staff(PROPOSER),
        statement: Digest::ZERO,
        rounds: 3,
        complete: true,
    };
    let (served, name) = (plan(|_| {}), cast::name(VICTIM, 1));
    let kept_as = |change: &dyn Fn(&mut Grant), withdrawn: bool, forged: bool| {
        let mut grant = cast::grant(&served);
        (grant.uses.keep_models, grant.not_before, grant.not_after) = (true, 100, 200);
        change(&mut grant);
        let mut grant = match grant.owner == Toy::verifying_key(&OWNER_KEY) {
            true => owner_signs(grant),
            false => {
                grant.signature = Toy::sign(&[9; 32], &grant.to_sign::<Toy>());
                grant
            }
        };
        grant.signature.bytes[0] ^= u8::from(forged);
        let mut events = Vec::from([cast::begun(VICTIM, false)]);
        if withdrawn {
            events.push(ParticipantEvent::GrantWithdrawn { withdrawal: cast::withdrawal(&grant) });
        }
        let own = Policy { grants: [granted(&served, grant)].to_vec(), ..policy(&served) };
        let branch = crate::round::Branch::<Toy>::resume(own, served.schema, cast::signing_key(VICTIM), &events);
        branch.expect("in order").keeps_model(&lineage, &name, Millis(150_999))
    };
    let kept = |change: &dyn Fn(&mut Grant), withdrawn| kept_as(change, withdrawn, false);
    assert!(kept(&|_| {}, false) && kept(&|grant| grant.not_after = 150, false));
    assert!(!kept_as(&|_| {}, false, true), "its owner did not sign it");
    assert!(!kept(&|_| {}, true), "it was withdrawn");
    let changes: [fn(&mut Grant); 6] = [
        |grant| grant.federation.0[0] ^= 1,
        |grant| grant.uses.keep_models = false,
        |grant| grant.branches.retain(|branch| *branch != cast::name(VICTIM, 1)),
        |grant| grant.not_after = 149,
        |grant| grant.not_before = 151,
        |grant| grant.owner = Toy::verifying_key(&[9; 32]),
    ];
    for (number, change) in changes.iter().enumerate() {
        assert!(!kept(&change, false), "change {number}");
    }
}

/// Uses are counted in the file, over runs; and a run begins when the schedule lets it.
#[test]
fn runs_begin_in_their_order_and_time_and_within_the_grant() {
    let monthly = Schedule { not_before: 0, not_after: 10_000_000, rhythm: Rhythm::Interval { seconds: 1_000 } };
    let served = plan(|plan| (plan.runs, plan.schedule) = (4, monthly));
    let at = |number: u32, seconds: u64, file: Vec<ParticipantEvent>, runs: u32| {
        let mut world = World::new(9, served.clone());
        let mut policy = policy(&served);
        let mut grant = cast::grant(&served);
        grant.runs = runs;
        policy.grants = [granted(&served, owner_signs(grant))].to_vec();
        (policy.cap, policy.plan_cap) = (served.charge_max(), served.charge_max());
        world.reborn(VICTIM, policy, file);
        world.connect_all();
        let mut welcome = told_welcome(&mut world);
        // A second lasts until the next one begins.
        (welcome.number, welcome.at) = (number, Millis(seconds * 1000 + 999));
        let run = crate::plan::RunRef { plan: served.digest(), number };
        welcome.signature = coordinator_signs(&welcome_message::<Toy>(
            &welcome.nonce,
            run.id(),
            &welcome.roster,
            [welcome.at, welcome.begun],
        ));
        world.now = Millis(seconds * 1000 + 999);
        say(&mut world, welcome)
    };
    let accepted = |numbers: &[u32], at: u64| {
        let mut file = [cast::begun(VICTIM, false)].to_vec();
        for number in numbers {
            let run = crate::plan::Run::new(served.clone().validate().expect("valid"), *number).expect("allowed");
            let mut event = cast::accepted(&run);
            if let ParticipantEvent::RunAccepted { at: when, grant, .. } = &mut event {
                let mut own = cast::grant(&served);
                own.runs = 2;
                (*when, *grant) = (Millis(at * 1000 + 999), own.digest());
            }
            file.push(event);
        }
        file
    };
    assert_eq!(at(1, 0, accepted(&[], 0), 2), None);
    // Five minutes of difference between two clocks are no reason.
    assert_eq!(at(2, 4_700, accepted(&[1], 4_000), 2), None);
    assert_eq!(at(2, 4_699, accepted(&[1], 4_000), 2), Some(RefusalCode::NotDue));
    assert_eq!(at(3, 9_000, accepted(&[1, 2], 4_000), 2), Some(RefusalCode::NotGranted(GrantFault::Uses)));
    assert_eq!(at(2, 9_000, accepted(&[1, 2], 4_000), 2), None, "the same run again is no other use");
    assert_eq!(at(1, 9_000, accepted(&[1, 2], 4_000), 2), Some(RefusalCode::NotDue), "a later run has begun");
    assert_eq!(at(1, 10_000_300, accepted(&[], 0), 2), None, "nor are they at the end");
    assert_eq!(at(1, 10_000_301, accepted(&[], 0), 2), Some(RefusalCode::NotDue));
    assert_eq!(at(1, HOLDING_SECONDS_MAX, accepted(&[], 0), 2), Some(RefusalCode::NotDue));
    assert_eq!(at(2, 10_000_301, accepted(&[1, 2], 4_000), 2), None, "whatever has begun in time goes on");
    // The plan's own cap over all runs.
    let capped = plan(|plan| (plan.runs, plan.cap) = (4, cast::cap(plan, 8)));
    let mut world = World::new(9, capped.clone());
    // A round of the first run was charged; the rest of what it may cost is free once the second one is accepted.
    let first = cast::run(capped.clone());
    let charged = ParticipantEvent::BudgetCharged {
        run: first.reference(),
        round: RoundId(1),
        stage: 0,
        at: Millis(0),
        descriptor: Digest::ZERO,
        charge: first.stages[0].charge.clone(),
    };
    let file = [cast::begun(VICTIM, false), cast::accepted(&first), charged].to_vec();
    world.reborn(VICTIM, policy(&capped), file);
    world.connect_all();
    let mut welcome = told_welcome(&mut world);
    welcome.number = 2;
    let run = crate::plan::RunRef { plan: capped.digest(), number: 2 };
    welcome.signature = coordinator_signs(&welcome_message::<Toy>(
        &welcome.nonce,
        run.id(),
        &welcome.roster,
        [welcome.at, welcome.begun],
    ));
    assert_eq!(say(&mut world, welcome), Some(RefusalCode::PlanSpent));
}

/// The owner has granted nothing, and the branch trains.
#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_nobody_asks_the_owner() {
    let ungranted = || {
        let served = plan(|_| {});
        let mut world = World::new(9, served.clone());
        let mut policy = policy(&served);
        policy.grants.clear();
        world.reborn(VICTIM, policy, [cast::begun(VICTIM, false)].to_vec());
        world.connect_all();
        let welcome = told_welcome(&mut world);
        say(&mut world, welcome)
    };
    assert_eq!(ungranted(), Some(RefusalCode::NotGranted(GrantFault::None)));
    assert_eq!(super::without(crate::defence::Defence::OwnersGrant, ungranted), None);
}

/// Whoever hands on an owner's word looks at its signature first.
#[test]
fn an_owner_s_word_is_genuine_by_its_own_signature() {
    let (_, grant) = under_way();
    let withdrawal = cast::withdrawal(&grant);
    let words = [OwnersWord::Granted(grant.clone()), OwnersWord::TakenBack(withdrawal.clone())];
    assert!(words.iter().all(OwnersWord::is_genuine::<Toy>));
    let others = [
        OwnersWord::Granted(Grant { runs: grant.runs + 1, ..grant }),
        OwnersWord::TakenBack(Withdrawal { at: withdrawal.at + 1, ..withdrawal }),
    ];
    assert!(!others.iter().any(OwnersWord::is_genuine::<Toy>));
}
