//! What the owner of a branch's data lets happen: plans, runs, and copies of models; and what a withdrawal ends.

use alloc::vec::Vec;

use super::four_eyes::{VICTIM, say, told_welcome};
use super::world::{World, plan};
use crate::digest::Digest;
use crate::ids::RoundId;
use crate::limits::HOLDING_SECONDS_MAX;
use crate::message::{RefusalCode, SignedBody};
use crate::plan::{Grant, GrantFault, GrantSubject, OwnersWord, Plan, Rhythm, Schedule, Withdrawal};
use crate::round::agreement::welcome_message;
use crate::round::cast::{self, APPROVER, OWNER_KEY, PROPOSER, coordinator_signs, granted, owner_signs, policy, staff};
use crate::round::{CoordinatorEvent, ParticipantEvent, Policy};
use crate::secagg::suite::{Suite, VerifyingKey};
use crate::secagg::toy::Toy;
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
    let kept = |change: &dyn Fn(&mut Grant), withdrawn: bool| {
        let mut grant = cast::grant(&served);
        (grant.uses.keep_models, grant.not_before, grant.not_after) = (true, 100, 200);
        change(&mut grant);
        let grant = match grant.owner == Toy::verifying_key(&OWNER_KEY) {
            true => owner_signs(grant),
            false => {
                grant.signature = Toy::sign(&[9; 32], &grant.to_sign::<Toy>());
                grant
            }
        };
        let mut events = Vec::from([cast::begun(VICTIM, false)]);
        if withdrawn {
            events.push(ParticipantEvent::GrantWithdrawn { withdrawal: cast::withdrawal(&grant) });
        }
        let own = Policy { grants: [granted(&served, grant)].to_vec(), ..policy(&served) };
        let branch = crate::round::Branch::<Toy>::resume(own, served.schema, cast::signing_key(VICTIM), &events);
        branch.expect("in order").keeps_model(&lineage, &name, Millis(150_000))
    };
    assert!(kept(&|_| {}, false));
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
        (welcome.number, welcome.at) = (number, Millis(seconds * 1000));
        let run = crate::plan::RunRef { plan: served.digest(), number };
        welcome.signature = coordinator_signs(&welcome_message::<Toy>(
            &welcome.nonce,
            run.id(),
            &welcome.roster,
            [welcome.at, welcome.begun],
        ));
        world.now = Millis(seconds * 1000);
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
                (*when, *grant) = (Millis(at * 1000), own.digest());
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
