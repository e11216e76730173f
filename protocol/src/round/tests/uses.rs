//! What counts against a grant and a plan's own limits: runs that were accepted, those that the file forgot, and what any of them costs within a year.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::four_eyes::{VICTIM, say, told_welcome};
use super::world::{World, plan};
use crate::budget::{BudgetHead, LastDay};
use crate::digest::Digest;
use crate::ids::RoundId;
use crate::message::{Charged, RefusalCode};
use crate::plan::{GrantFault, Plan, Rhythm, Run, RunRef, Schedule};
use crate::privacy::Accounts;
use crate::round::agreement::welcome_message;
use crate::round::cast::{self, cap, coordinator_signs, granted, owner_signs, policy};
use crate::round::{BudgetRecord, ParticipantEvent, RunEnd};
use crate::secagg::suite::Signature;
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
        client: VICTIM,
        population: first.population,
        counter: 9,
        spent: cap(&plan(|_| {}), all),
        year: Default::default(),
        caps: None,
        run: last.0,
        charged: charged(last.1),
        others: others.iter().map(|(run, rounds)| (*run, charged(*rounds))).collect(),
        day: LastDay::NONE,
        epoch: 1,
        owner: first.owner.clone(),
        signature: Signature::none(),
    };
    [begun, ParticipantEvent::HeadAdopted { head: Box::new(head), charge: Accounts::zero() }].into()
}

/// What a branch with this file says to a run of a plan, under a grant of so many runs.
fn offered(served: &Plan, number: u32, uses: u32, file: Vec<ParticipantEvent>) -> Option<RefusalCode> {
    let mut world = World::new(9, served.clone());
    let mut own = policy(served);
    let mut grant = cast::grant(served);
    grant.runs = uses;
    own.grants = [granted(served, owner_signs(grant))].to_vec();
    world.reborn(VICTIM, own, file);
    world.connect_all();
    let mut welcome = told_welcome(&mut world);
    welcome.number = number;
    let message = welcome_message::<Toy>(&welcome.nonce, run(served, number).id(), &welcome.roster, welcome.at);
    welcome.signature = coordinator_signs(&message);
    world.now = Millis(5_000_000);
    say(&mut world, welcome)
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
    // Not the run itself, and nothing under another grant.
    assert_eq!(since(0, &[accepted(&own, 10), charged(&own, 1, 20)]), rounds(0));
    let mut under_another = open.clone();
    let ParticipantEvent::RunAccepted { grant, .. } = &mut under_another[0] else { panic!("it is accepted") };
    grant.0[0] ^= 1;
    assert_eq!(since(0, &under_another), rounds(0));
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
