//! What counts against a grant and a plan's own limits: runs that were accepted, those that the file forgot, and what any of them costs within a year.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::four_eyes::{VICTIM, say, told_welcome};
use super::world::{World, plan};
use crate::budget::{BudgetHead, Kept};
use crate::digest::Digest;
use crate::ids::RoundId;
use crate::limits::{HOLDING_SECONDS_MAX, WITHDRAWALS_MAX};
use crate::message::{Charged, RefusalCode};
use crate::plan::{Grant, GrantFault, GrantSubject, Plan, PrivacyMode, Rhythm, Run, RunRef, Schedule, Withdrawal};
use crate::privacy::Accounts;
use crate::round::agreement::welcome_message;
use crate::round::cast::{self, cap, coordinator_signs, granted, owner_signs, policy};
use crate::round::{BudgetRecord, ParticipantEvent, Policy, RunEnd};
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// A plan of four runs, one every thousand seconds.
fn four(change: impl FnOnce(&mut Plan)) -> Plan {
    let rhythm = Rhythm::Interval { seconds: 1_000 };
    plan(|plan| {
        (plan.runs, plan.schedule) = (4, Schedule { not_before: 0, not_after: 10_000_000, rhythm });
        change(plan);
    })
}

fn run(plan: &Plan, number: u32) -> Run {
    Run::new(plan.clone().validate().expect("valid"), number).expect("one of its runs")
}

/// A file in the place of a lost one, after it has adopted a head that names so many rounds of these runs.
fn adopted(rounds: &[(RunRef, u32)]) -> Vec<ParticipantEvent> {
    let begun = cast::begun(VICTIM, true);
    let ParticipantEvent::BudgetBegun { first, .. } = &begun else { panic!("it begins") };
    let charged = |rounds: u32| Charged { rounds: [rounds].into(), last_round: rounds.into() };
    let all = rounds.iter().map(|(_, rounds)| u64::from(*rounds)).sum();
    let (last, others) = rounds.split_last().expect("one at least");
    let head = BudgetHead {
        population: first.population,
        counter: 9,
        spent: cap(&plan(|_| {}), all),
        charged: charged(last.1),
        others: others.iter().map(|(run, rounds)| (*run, charged(*rounds))).collect(),
        owner: first.owner.clone(),
        ..cast::head(VICTIM, last.0)
    };
    [begun, ParticipantEvent::HeadAdopted { head: Box::new(head), charge: Accounts::zero() }].into()
}

/// The cast's grant for a plan, of so many runs.
fn grant(served: &Plan, runs: u32) -> Grant {
    owner_signs(Grant { runs, ..cast::grant(served) })
}

/// A policy with these grants alone.
fn with(served: &Plan, grants: &[Grant]) -> Policy {
    let grants = grants.iter().map(|grant| granted(served, grant.clone())).collect();
    Policy { grants, ..policy(served) }
}

/// What a branch with this file says to a run of a plan, under a grant of so many runs.
fn offered(served: &Plan, number: u32, uses: u32, file: Vec<ParticipantEvent>) -> Option<RefusalCode> {
    offered_to(with(served, &[grant(served, uses)]), served, number, file).0
}

/// What a branch with this policy and file says to a run of a plan, and its record then.
fn offered_to(
    own: Policy,
    served: &Plan,
    number: u32,
    file: Vec<ParticipantEvent>,
) -> (Option<RefusalCode>, BudgetRecord) {
    let mut world = World::new(9, served.clone());
    world.reborn(VICTIM, own, file);
    world.connect_all();
    let mut welcome = told_welcome(&mut world);
    welcome.number = number;
    let message =
        welcome_message::<Toy>(&welcome.nonce, run(served, number).id(), &welcome.roster, [welcome.at, welcome.begun]);
    welcome.signature = coordinator_signs(&message);
    world.now = Millis(5_000_000);
    (say(&mut world, welcome), world.branches[&VICTIM].machine.record().clone())
}

/// A file that takes the place of a lost one knows of a plan's runs what the newest head says: they are uses of the grant, they cost what they cost, and no
/// run before them is accepted.
#[test]
fn runs_that_a_head_names_and_the_file_forgot_are_uses() {
    let served = four(|_| {});
    let known = |number: u32| (run(&served, number).reference(), 1);
    let uses = Some(RefusalCode::NotGranted(GrantFault::Uses));
    assert_eq!(offered(&served, 2, 1, adopted(&[known(1)])), uses);
    assert_eq!(offered(&served, 2, 2, adopted(&[known(1)])), None);
    assert_eq!(offered(&served, 4, 3, adopted(&[known(1), known(2), known(3)])), uses);
    assert_eq!(offered(&served, 4, 4, adopted(&[known(1), known(2), known(3)])), None);
    assert_eq!(offered(&served, 1, 1, adopted(&[known(1)])), None, "the run itself is no other use");
    assert_eq!(offered(&served, 1, 4, adopted(&[known(2)])), Some(RefusalCode::NotDue), "a later run was charged");
    let other = (run(&four(|plan| plan.name = "other".into()), 1).reference(), 1);
    assert_eq!(offered(&served, 2, 1, adopted(&[other])), None, "another plan's runs are none of this one's");
    // No run begins once the charter is to be reviewed, give or take five minutes of two clocks.
    for (review_by, refused) in [(4_700, None), (4_699, Some(RefusalCode::NotDue))] {
        let reviewed = four(|plan| plan.charter.review_by = review_by);
        assert_eq!(offered(&reviewed, 1, 1, [cast::begun(VICTIM, false)].to_vec()), refused, "{review_by}");
    }
    // Ten rounds of a cap of seventeen are spent, and a run may cost eight.
    let capped = four(|plan| plan.cap = cap(plan, 17));
    let spent = |rounds| adopted(&[(run(&capped, 1).reference(), rounds)]);
    assert_eq!(offered(&capped, 2, 4, spent(9)), None);
    assert_eq!(offered(&capped, 2, 4, spent(10)), Some(RefusalCode::PlanSpent));
}

fn accepted(run: &Run, second: u64) -> ParticipantEvent {
    let mut event = cast::accepted(run);
    let ParticipantEvent::RunAccepted { at, .. } = &mut event else { panic!("it is accepted") };
    *at = Millis(second * 1_000);
    event
}

fn charged(run: &Run, round: u64, second: u64) -> ParticipantEvent {
    ParticipantEvent::BudgetCharged {
        run: run.reference(),
        round: RoundId(round),
        stage: 0,
        at: Millis(second * 1_000),
        descriptor: Digest::ZERO,
        charge: run.stages[0].charge.clone(),
    }
}

fn ended(run: &Run) -> ParticipantEvent {
    ParticipantEvent::RunEnded { run: run.reference(), at: Millis(0), how: RunEnd::Finished }
}

fn record(events: &[ParticipantEvent]) -> BudgetRecord {
    let begun = [cast::begun(VICTIM, false)];
    BudgetRecord::replay(begun.iter().chain(events)).expect("a file in order")
}

/// A year under a grant has what was accepted or charged in it, and whatever may still be charged, however long ago it was accepted.
#[test]
fn a_year_under_a_grant_has_open_runs_and_those_charged_in_it() {
    let served = plan(|_| {});
    let grant = cast::grant(&served).digest();
    let (own, other) = (cast::run(served.clone()), cast::run(plan(|plan| plan.name = "other".into())));
    let since =
        |second: u64, events: &[ParticipantEvent]| record(events).used_since(&grant, Millis(second * 1_000), &own);
    let rounds = |rounds| cap(&served, rounds);
    let open = [accepted(&other, 10), charged(&other, 1, 20)];
    assert_eq!(since(10, &open), rounds(8), "accepted in it");
    assert_eq!(since(15, &open), rounds(8), "charged in it");
    assert_eq!(since(21, &open), rounds(8), "neither, and open: seven more rounds may be charged");
    let over = [open.as_slice(), &[ended(&other)]].concat();
    assert_eq!(since(10, &over), rounds(1));
    assert_eq!(since(20, &over), rounds(1), "accepted before it, and charged in it");
    assert_eq!(since(21, &over), rounds(0), "over, and all of it before");
    // A clock that was set back makes nothing older, whether a round is charged by it or the run is accepted again.
    for again in [charged(&other, 2, 12), accepted(&other, 12)] {
        let counted = cap(&served, 1 + u64::from(matches!(again, ParticipantEvent::BudgetCharged { .. })));
        let over = [open.as_slice(), &[again, ended(&other)]].concat();
        assert_eq!((since(20, &over), since(21, &over)), (counted, rounds(0)));
    }
    let again = [open.as_slice(), &[accepted(&other, 30), ended(&other)]].concat();
    assert_eq!((since(30, &again), since(31, &again)), (rounds(1), rounds(0)), "accepted again in it");
    // What an adopted head says of the plan's other runs counts, whenever that was.
    let head = adopted(&[(RunRef { number: 2, ..own.reference() }, 3)]);
    let forgot = BudgetRecord::replay(&head).expect("a file in order");
    assert_eq!(forgot.used_since(&grant, Millis(u64::MAX), &own), rounds(3));
    // Not the run itself, and nothing under another grant.
    assert_eq!(since(0, &[accepted(&own, 10), charged(&own, 1, 20)]), rounds(0));
    let mut under_another = open.clone();
    let ParticipantEvent::RunAccepted { grant, .. } = &mut under_another[0] else { panic!("it is accepted") };
    grant.0[0] ^= 1;
    assert_eq!(since(0, &under_another), rounds(0));
}

/// Once a run is accepted the earlier ones of its plan are over. What they have reserved is free for it, and for no run of another plan.
#[test]
fn earlier_runs_of_its_plan_reserve_nothing_beside_a_run() {
    let served = four(|_| {});
    let other = cast::run(plan(|plan| plan.name = "other".into()));
    let before = record(&[accepted(&run(&served, 1), 10), charged(&run(&served, 1), 1, 20)]);
    assert_eq!(before.reserved_beside(&run(&served, 2).reference()), Accounts::zero());
    assert_eq!(before.reserved_beside(&other.reference()), cap(&served, 7));
    assert_eq!(before.reserved_beside(&run(&served, 1).reference()), Accounts::zero(), "nor does the run itself");
    // Beside a run of its plan counts what the earlier ones were charged, and what the later ones may be charged as well.
    let rounds = |rounds| cap(&served, rounds);
    let beside = |number| before.beside(&run(&served, number));
    assert_eq!((beside(1), beside(2), before.beside(&other)), (rounds(0), rounds(1), rounds(0)));
    let later = record(&[accepted(&run(&served, 2), 10), charged(&run(&served, 2), 1, 20)]);
    assert_eq!((later.beside(&run(&served, 1)), later.beside(&run(&served, 3))), (rounds(8), rounds(1)));
    assert_eq!(later.reserved_beside(&run(&served, 1).reference()), rounds(7));
    let third = RunRef { number: 3, ..other.reference() };
    assert_eq!(later.reserved_beside(&third), rounds(7), "another plan's run is no earlier one");
}

/// A plan's rhythm counts from the run before, and from when that was accepted first.
#[test]
fn the_run_before_is_the_last_one_of_its_plan_and_as_old_as_its_first_acceptance() {
    let served = four(|_| {});
    let other = cast::run(plan(|plan| plan.name = "other".into()));
    let record = record(&[
        accepted(&other, 5),
        accepted(&run(&served, 1), 10),
        accepted(&run(&served, 2), 20),
        accepted(&run(&served, 2), 30),
        accepted(&run(&served, 3), 40),
    ]);
    let before = |number| record.run_before(&run(&served, number).reference());
    assert_eq!(before(1), None);
    assert_eq!(before(2), Some((1, Millis(10_000))));
    assert_eq!(before(3), Some((2, Millis(20_000))));
    assert_eq!(before(4), Some((3, Millis(40_000))));
    assert_eq!(record.run_before(&other.reference()), None);
}

/// Each stage has its own price.
#[test]
fn the_cost_of_rounds_is_that_of_their_stages() {
    let own = cast::run(cast::counting_plan());
    let record = record(&[accepted(&own, 10)]);
    let cost =
        |rounds: &[u32]| record.accepted[&own.reference()].cost_of(&Charged { rounds: rounds.to_vec(), last_round: 9 });
    let [count, probe, _] = [0, 1, 2].map(|stage| own.stages[stage].charge.clone());
    assert_eq!((cost(&[]), cost(&[1]), cost(&[0, 3])), (Accounts::zero(), count.clone(), probe.times(3)));
    assert_eq!(cost(&[1, 3, 1]), count.times(2).plus(&probe.times(3)));
}

/// A year before now is a year of seconds. What was charged in it counts against the grant, and what was charged before it does not.
#[test]
fn a_grant_s_year_ends_where_the_clock_says() {
    let served = plan(|_| {});
    let mut own = with(&served, &[grant(&served, 3)]);
    (own.grants[0].run, own.grants[0].year) = (cap(&served, 8).customer, cap(&served, 8).customer);
    (own.cap, own.cap_year) = (cap(&served, 100), cap(&served, 100));
    let other = cast::run(plan(|plan| plan.name = "other".into()));
    let mut accepted = accepted(&other, 10);
    let ParticipantEvent::RunAccepted { grant: under, .. } = &mut accepted else { panic!("it is accepted") };
    *under = own.grants[0].grant.digest();
    let file = [cast::begun(VICTIM, false), accepted, charged(&other, 1, 20), ended(&other)].to_vec();
    let says = |now: u64| {
        let mut world = World::new(9, served.clone());
        world.reborn(VICTIM, own.clone(), file.clone());
        world.connect_all();
        let mut welcome = told_welcome(&mut world);
        (world.now, welcome.at) = (Millis(now), Millis(now));
        let moments = [welcome.at, welcome.begun];
        let message = welcome_message::<Toy>(&welcome.nonce, cast::run(served.clone()).id(), &welcome.roster, moments);
        welcome.signature = coordinator_signs(&message);
        say(&mut world, welcome)
    };
    let last = (20 + HOLDING_SECONDS_MAX) * 1_000;
    assert_eq!(says(last), Some(RefusalCode::NotGranted(GrantFault::EpsilonYear)));
    assert_eq!(says(last + 1), None);
}

/// Nothing more is charged under a grant that was withdrawn, and so nothing is reserved for it: the budget pays for another run.
#[test]
fn a_withdrawal_frees_what_was_reserved() {
    let served = plan(|_| {});
    let (own, other) = (cast::run(served.clone()), cast::run(plan(|plan| plan.name = "other".into())));
    let before = [accepted(&other, 10), charged(&other, 1, 20)];
    let mut record = record(&before);
    let pays = |record: &BudgetRecord| {
        let caps = (&cap(&served, 15), &cap(&served, 15));
        record.pays((&own.reference(), &own.charge_of_run()), caps, Millis(20_000))
    };
    assert_eq!((record.reserved_by(&other.reference()), pays(&record)), (cap(&served, 7), false));
    let withdrawn = ParticipantEvent::GrantWithdrawn { withdrawal: cast::withdrawal(&cast::grant(&served)) };
    assert_eq!(record.check(&withdrawn), Ok(()));
    record.apply(&withdrawn);
    assert_eq!((record.reserved_by(&other.reference()), pays(&record)), (Accounts::zero(), true));
    assert_eq!(record.spent, cap(&served, 1), "what was spent stays spent");
}

/// A run goes on under the grant under which it began, or not at all: what its owner has taken back no other grant gives again.
#[test]
fn a_run_that_was_accepted_moves_to_no_other_grant() {
    let served = plan(|_| {});
    let (one, other) = (grant(&served, 3), grant(&served, 4));
    let own = cast::run(served.clone());
    let begun = || {
        let mut event = accepted(&own, 10);
        let ParticipantEvent::RunAccepted { grant, .. } = &mut event else { panic!("it is accepted") };
        *grant = one.digest();
        [cast::begun(VICTIM, false), event].to_vec()
    };
    let says = |grants: &[Grant], file: Vec<ParticipantEvent>| {
        let (refused, record) = offered_to(with(&served, grants), &served, 1, file);
        (refused, record.accepted.get(&own.reference()).map(|terms| terms.grant))
    };
    let fresh = || [cast::begun(VICTIM, false)].to_vec();
    let both = [other.clone(), one.clone()];
    assert_eq!(says(&both, fresh()), (None, Some(other.digest())), "the first that fits");
    assert_eq!(says(&both, begun()), (None, Some(one.digest())), "the one under which it began");
    let not = |fault| Some(RefusalCode::NotGranted(fault));
    assert_eq!(says(&both[..1], begun()).0, not(GrantFault::None));
    let withdrawn = [begun(), [ParticipantEvent::GrantWithdrawn { withdrawal: cast::withdrawal(&one) }].to_vec()];
    assert_eq!(says(&both, withdrawn.concat()).0, not(GrantFault::Withdrawn));
    assert_eq!(says(&both[..1], withdrawn.concat()).0, not(GrantFault::Withdrawn));
}

/// An epsilon bounds nothing where there is no noise: such a plan runs by a grant of its own, and by no standing one.
#[test]
fn a_plan_without_noise_needs_a_grant_of_its_own() {
    let served = cast::priced(plan(|plan| {
        plan.privacy = PrivacyMode::None;
        plan.stages[0].noise_variance = 0;
    }));
    let standing = owner_signs(Grant {
        subject: GrantSubject::Plans { proposer: cast::staff(cast::PROPOSER), purpose: served.purpose.clone() },
        ..cast::grant(&served)
    });
    let exact = owner_signs(Grant { subject: GrantSubject::Plan(served.digest()), ..cast::grant(&served) });
    let says = |grants: &[Grant]| {
        let own = Policy { modes: [PrivacyMode::None].to_vec(), ..with(&served, grants) };
        offered_to(own, &served, 1, [cast::begun(VICTIM, false)].to_vec()).0
    };
    assert_eq!(says(core::slice::from_ref(&standing)), Some(RefusalCode::NotGranted(GrantFault::None)));
    assert_eq!(says(&[standing, exact]), None);
}

/// The owner takes a grant back, and takes part in another plan. Whoever then puts the budget file of before in its place, and the withdrawal away, has the
/// grant back no more: the head that the coordinator shows names it.
#[test]
fn an_older_file_without_the_withdrawal_revives_no_grant() {
    let plans = ["first", "second", "third"].map(|name| plan(|plan| plan.name = name.into()));
    let [first, second, third] = &plans;
    let taken = grant(first, 3);
    let exact = owner_signs(Grant { subject: GrantSubject::Plan(second.digest()), ..cast::grant(second) });
    let three = |served: &Plan, grants: &[Grant]| Policy { cap: served.charge_max().times(3), ..with(served, grants) };
    let mut world = World::with_policy(12, first.clone(), |_| three(first, &[]));
    let file = [cast::begun(VICTIM, false)].to_vec();
    world.reborn(VICTIM, three(first, core::slice::from_ref(&taken)), file);
    world.connect_all();
    world.run();
    let before = world.branches[&VICTIM].events.clone();
    for (served, grants, withdrawn) in
        [(second, [taken.clone(), exact].to_vec(), true), (third, core::slice::from_ref(&taken).to_vec(), false)]
    {
        world.serve_next(cast::roster(12), served.clone());
        world.reborn(VICTIM, three(served, &grants), before.clone());
        if withdrawn {
            world.withdraw(VICTIM, cast::withdrawal(&taken));
        }
        world.connect(VICTIM);
        world.run();
    }
    let branch = &world.branches[&VICTIM];
    let refused = RefusalCode::NotGranted(GrantFault::Withdrawn);
    assert_eq!(world.refusals().into_iter().find(|(client, _)| *client == VICTIM), Some((VICTIM, refused)));
    assert!(branch.machine.record().withdrawn.contains(&taken.digest()));
    assert!(branch.events.iter().any(|event| matches!(event, ParticipantEvent::HeadAdopted { .. })));
    // A head without the withdrawal follows none that has it.
    let kept = world.kept.iter().rev().find_map(|kept| match kept {
        Kept::Head(head) if head.client == VICTIM => Some(BudgetHead::clone(head)),
        _ => None,
    });
    let newest = kept.expect("one is kept");
    assert_eq!(newest.withdrawn, [taken.digest()]);
    let forgets = BudgetHead { withdrawn: Vec::new(), counter: newest.counter + 1, ..newest.clone() };
    assert!(!forgets.follows(&newest) && BudgetHead { counter: newest.counter + 1, ..newest.clone() }.follows(&newest));
    let most = BudgetHead { withdrawn: [Digest::ZERO; WITHDRAWALS_MAX].to_vec(), ..newest.clone() };
    assert!(most.is_short());
    let long = BudgetHead { withdrawn: [Digest::ZERO; WITHDRAWALS_MAX + 1].to_vec(), ..newest };
    assert!(!long.is_short());
}

/// A head names every grant that was withdrawn: a file that has more of them than a head may name takes part in nothing.
#[test]
fn a_head_names_a_limited_number_of_withdrawals() {
    let served = plan(|_| {});
    for (withdrawn, refused) in [(WITHDRAWALS_MAX, None), (WITHDRAWALS_MAX + 1, Some(RefusalCode::BudgetExceeded))] {
        let mut file = [cast::begun(VICTIM, false)].to_vec();
        file.extend((0_u64..).take(withdrawn).map(|number| {
            let withdrawal =
                Withdrawal { grant: Digest::of(&number.to_le_bytes()), ..cast::withdrawal(&cast::grant(&served)) };
            ParticipantEvent::GrantWithdrawn { withdrawal }
        }));
        assert_eq!(offered(&served, 1, 1, file), refused, "{withdrawn} grants");
    }
}

/// The branch is killed with any part of its file on the disk, and starts again: its folder tells it of the withdrawal once more. Nothing is charged under
/// the grant, wherever it was killed.
#[test]
fn a_kill_at_any_moment_of_a_withdrawal_leaves_the_grant_withdrawn() {
    let served = plan(|_| {});
    let taken = grant(&served, 3);
    let begun = || {
        let mut world = World::new(9, served.clone());
        world.reborn(VICTIM, with(&served, core::slice::from_ref(&taken)), [cast::begun(VICTIM, false)].to_vec());
        world.connect_all();
        while world.coordinator.record().committed_all() < 2 {
            assert!(world.step(), "rounds go on");
        }
        let before = world.branches[&VICTIM].events.len();
        world.withdraw(VICTIM, cast::withdrawal(&taken));
        (before, world)
    };
    let (before, world) = begun();
    let written = world.branches[&VICTIM].events.len();
    assert!(written > before + 1, "the withdrawal, and what follows from it");
    let whole = world.branches[&VICTIM].machine.record().clone();
    for kept in before..=written {
        let (_, mut world) = begun();
        let file = world.branches[&VICTIM].events[..kept].to_vec();
        world.cut(VICTIM);
        world.reborn(VICTIM, with(&served, core::slice::from_ref(&taken)), file);
        world.withdraw(VICTIM, cast::withdrawal(&taken));
        world.connect(VICTIM);
        world.run();
        let record = world.branches[&VICTIM].machine.record();
        assert_eq!((&record.spent, &record.withdrawn, record.counter), (&whole.spent, &whole.withdrawn, whole.counter));
        assert_eq!(record.reserved(), Accounts::zero(), "killed after {kept} entries");
    }
}
