//! Events in their exact words: what somebody reads who was not there.

use alloc::string::String;
use alloc::vec::Vec;

use super::budget_record::file;
use super::run_record::{self, ledger};
use crate::budget::OwnerChange;
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::message::{Charged, ClosedReason, RefusalCode};
use crate::plan::{AsOf, Plan, Readiness, RunRef, days_before};
use crate::privacy::Accounts;
use crate::role::{Action, Role};
use crate::roster::RosterHead;
use crate::round::cast::{self, counting_plan};
use crate::round::{BudgetRecord, CoordinatorEvent, EvictionReason, Orders, ParticipantEvent, RunRecord};
use crate::secagg::suite::{Signature, VerifyingKey};
use crate::time::Millis;

const NINTH: SessionId = SessionId([9; 32]);
const FIFTH: ClientId = ClientId(5);
const ONE: Digest = Digest([1; 32]);
const TWO: Digest = Digest([2; 32]);
const ROUND: RoundId = RoundId(3);

/// The record of a run when its second round begins, and the event that begins it.
fn second_round() -> (RunRecord, CoordinatorEvent) {
    let events = ledger();
    let place = events.iter().position(run_record::trains).expect("it trains");
    (RunRecord::replay(&events[..place]).expect("in order"), events[place].clone())
}

fn clients(count: u32) -> Vec<ClientId> {
    (1..=count).map(ClientId).collect()
}

fn charged(rounds: &[u32]) -> Charged {
    Charged { rounds: rounds.to_vec(), last_round: 9 }
}

#[test]
fn each_event_of_a_ledger_has_its_words() {
    let (record, _) = second_round();
    let opened = |candidates| CoordinatorEvent::SessionOpened { session: NINTH, candidates };
    let approvals = cast::approvals(&counting_plan()).into();
    let mut orders = Orders::default();
    let freeze = |staff| cast::attestation(staff, Role::PrivacyOfficer, Action::Freeze, ONE);
    ["bank-1/a", "bank-1/b"].into_iter().for_each(|staff| orders.apply(&freeze(staff)));
    let thresholds = counting_plan().cohort.thresholds(&[OrganisationId(1); 9], 9).expect("a cohort of nine");
    assert!((thresholds.survivors_min, thresholds.quorum) == (8, 6), "{thresholds:?}");
    let first = |adopts| {
        let ParticipantEvent::BudgetBegun { first, .. } = cast::begun(FIFTH, adopts) else { panic!("it begins") };
        CoordinatorEvent::BudgetBegun { client: FIFTH, first: first.into() }
    };
    let mut head = cast::head(FIFTH, RunRef::NONE);
    (head.counter, head.charged) = (7, charged(&[1, 2]));
    let signature = Signature::none;
    let code = RefusalCode::Unexpected;
    let cases: [(CoordinatorEvent, &str); 21] = [
        (CoordinatorEvent::OrdersCarried { orders }, "carried over from the run before: 2 standing orders"),
        (
            CoordinatorEvent::ApprovalsShown { approvals },
            "the plan is put forward by bank-1/owner and approved by bank-1/officer from here on",
        ),
        (opened(clients(1)), "key set-up 09090909 began with 1 member: bank-1/branch-1"),
        (
            opened([1, 77, 3].map(ClientId).to_vec()),
            "key set-up 09090909 began with 3 members: bank-1/branch-1, client 77, bank-1/branch-3",
        ),
        (
            opened(clients(4)),
            "key set-up 09090909 began with 4 members: bank-1/branch-1, bank-1/branch-2, bank-1/branch-3 and 1 more",
        ),
        (
            CoordinatorEvent::SessionKeyed {
                session: NINTH,
                view: ONE,
                cohort: clients(9),
                organisations: Vec::new(),
                thresholds,
            },
            "session 09090909 has its keys: 9 members, of whom 8 must survive and 6 must sign",
        ),
        (
            CoordinatorEvent::SessionClosed { session: NINTH, reason: ClosedReason::Deadline },
            "session 09090909 closed: the deadline passed",
        ),
        (
            CoordinatorEvent::UpdateAdmitted {
                round: ROUND,
                client: FIFTH,
                vector: ONE,
                head: TWO,
                signature: signature(),
            },
            "round 3: the vector 01010101 of bank-1/branch-5 entered the sum",
        ),
        (
            CoordinatorEvent::SurvivorsFrozen { round: ROUND, survivors: clients(8), digest: ONE },
            "round 3: 8 survivors fixed as 01010101",
        ),
        (
            CoordinatorEvent::QuorumReached { round: ROUND, signatures: [(FIFTH, signature())].into() },
            "round 3: 1 member signed the survivor set",
        ),
        (
            CoordinatorEvent::RoundCommitted { round: ROUND, sum: ONE, model: TWO },
            "round 3 committed: sum 01010101, model 02020202",
        ),
        (
            CoordinatorEvent::RoundAborted { round: ROUND, reason: ClosedReason::Deadline },
            "round 3 aborted: the deadline passed",
        ),
        (
            CoordinatorEvent::ClientRefused { client: FIFTH, code, signature: None },
            "bank-1/branch-5 refused: a message came that the protocol does not allow at this point",
        ),
        (first(true), "the budget of bank-1/branch-5 takes the place of a lost one"),
        (first(false), "the budget of bank-1/branch-5 was begun by its owner"),
        (
            CoordinatorEvent::BudgetShown { head: head.into() },
            "bank-1/branch-5 showed its budget: counter 7, 3 rounds of this run charged",
        ),
        (
            CoordinatorEvent::ClientChargedMore { client: FIFTH, charged: charged(&[1]) },
            "bank-1/branch-5 was charged for 1 round of this run, more than this ledger started",
        ),
        (
            CoordinatorEvent::StageConcluded { stage: 2, model: ONE },
            "stage 3 of 3 (evaluate) concluded: it hands on model 01010101",
        ),
        (
            CoordinatorEvent::ClientEvicted { client: FIFTH, reason: EvictionReason::Strikes },
            "bank-1/branch-5 is out of the run: it broke the protocol too often",
        ),
        (CoordinatorEvent::OrderTaken { order: freeze("bank-1/a") }, "freeze of bank-1/a (privacy-officer): 01010101"),
        (
            CoordinatorEvent::RunFinished { model: ONE, rounds: 4, complete: false },
            "the run is over, ended early, after 4 rounds: it releases model 01010101",
        ),
    ];
    for (event, words) in cases {
        assert_eq!(record.describe(&event), words);
    }
    // The day of its data follows from the second in which it began.
    let plan =
        Plan { readiness: Readiness { as_of: AsOf::DaysBefore { days: 3 }, ..Readiness::NONE }, ..counting_plan() };
    let begun = Millis(days_before(2026, 5, 15) * 86_400_000 + 86_399_999);
    let (number, approvals) = (2, cast::approvals(&plan).into());
    let opens = CoordinatorEvent::RunOpened { plan: plan.into(), approvals, number, model: ONE, begun };
    let told = RunRecord::default().describe(&opens);
    assert!(told.starts_with("run 2 of plan \"test\" ("), "{told}");
    assert!(
        told.ends_with(") opened: 3 stages in mode customer, from model 01010101, with data of 2026-05-12"),
        "{told}"
    );
}

#[test]
fn a_run_says_how_far_it_has_come() {
    let (mut record, starts) = second_round();
    let plan = counting_plan();
    assert_eq!(record.state(), "1 of 7 rounds committed, 1 charged, 1 session; next a round of stage 2 of 3 (probe)");
    let next = |record: &RunRecord| -> String { record.state().split_once("; ").expect("what is next").1.into() };
    let mut early = record.clone();
    early.charged = [1, 8].into();
    assert_eq!(next(&early), "next the end of stage 2 of 3 (probe)");
    early.concluded = 3;
    assert_eq!(next(&early), "next the end of the run");
    let by = cast::attestation(cast::APPROVER, Role::PrivacyOfficer, Action::AbortPlan, plan.digest());
    let order = CoordinatorEvent::OrderTaken { order: by };
    let mut aborted = record.clone();
    aborted.apply(&order);
    assert_eq!(next(&aborted), "next the end of the run, because the plan was aborted");
    assert!(aborted.outcome().expect_err("no model").starts_with("the plan was aborted by bank-1/officer (privacy-"));
    assert_eq!(record.without_a_model(), "the run is over; there is nothing to do in it any more");
    record.apply(&starts);
    record.admitted.insert(FIFTH, ONE);
    assert_eq!(next(&record), "round 2 collects, 1 vector so far");
    record.survivors = Some(ONE);
    assert_eq!(next(&record), "round 2 awaits its quorum, 1 vector so far");
    record.certified = true;
    assert_eq!(next(&record), "round 2 awaits its sum, 1 vector so far");
    record.finished = Some(true);
    assert_eq!(next(&record), "over");
}

#[test]
fn each_entry_of_a_budget_file_has_its_words() {
    let mut record = BudgetRecord::default();
    let accepts = |event: &&ParticipantEvent| matches!(event, ParticipantEvent::RunAccepted { .. });
    let events = file();
    let through = events.iter().position(|event| accepts(&event)).expect("it accepts") + 1;
    events[..through].iter().for_each(|event| record.apply(event));
    let roster = cast::roster(9).roster;
    let run = *record.accepted.keys().next().expect("a run was accepted");
    let named = alloc::format!("run 1 of plan {}", run.plan.short());
    let ParticipantEvent::BudgetBegun { salt, first, .. } = cast::begun(FIFTH, false) else { panic!("it begins") };
    let of = |text: &str| text.replace("RUN", &named);
    let mut head = cast::head(FIFTH, run);
    head.counter = 7;
    let key = VerifyingKey::ed25519([3; 32]);
    let change = OwnerChange { population: ONE, from: key.clone(), to: key, signature: Signature::none() };
    let withdrawal = cast::withdrawal(&cast::grant(&counting_plan()));
    let taken = alloc::format!("the owner withdrew the grant {}", withdrawal.grant.short());
    let charge = |stage| ParticipantEvent::BudgetCharged {
        run,
        round: ROUND,
        stage,
        at: Millis(0),
        descriptor: ONE,
        charge: Accounts::zero(),
    };
    let accepted = |missing| ParticipantEvent::RosterAccepted { head: RosterHead { epoch: 4, digest: ONE }, missing };
    let closed = |model| ParticipantEvent::RoundClosed { run, round: ROUND, model };
    let cases: [(ParticipantEvent, &str); 17] = [
        (accepted(0), "roster 4 accepted"),
        (accepted(2), "roster 4 accepted, 2 between were not shown"),
        (
            ParticipantEvent::BudgetBegun { population: "of\u{1b}\none".into(), salt, first },
            "the budget of \"of\\u{1b}\\u{a}one\" begins as a first use",
        ),
        (ParticipantEvent::OwnerChanged { change }, "the budget passes to another owner"),
        (ParticipantEvent::HeadSigned { head: head.clone().into() }, "a head was signed: counter 7, RUN"),
        (
            ParticipantEvent::HeadAdopted { head: head.into(), charge: Accounts::zero() },
            "a head was adopted: counter 7, where the file had 1",
        ),
        (
            ParticipantEvent::CountersSeen { counters: [(ClientId(1), 8), (ClientId(77), 9)].into() },
            "higher counters were seen of bank-1/branch-1, client 77",
        ),
        (
            ParticipantEvent::CapsNoted { caps: cast::caps() },
            "the policy's caps are epsilon 8 for life and 4 in a year, at delta 1e-6",
        ),
        (ParticipantEvent::GrantWithdrawn { withdrawal }, &taken),
        (charge(2), "round 3 of RUN was charged: stage 3 (evaluate)"),
        (charge(3), "round 3 of RUN was charged: stage 4 (unknown)"),
        (
            ParticipantEvent::Uploaded { run, round: ROUND, vector: ONE, counter: 8 },
            "round 3 of RUN: the vector 01010101 left",
        ),
        (
            ParticipantEvent::SurvivorsAcknowledged { run, round: ROUND, survivors: ONE },
            "round 3 of RUN: the survivor set 01010101 was acknowledged",
        ),
        (
            ParticipantEvent::SharesRevealed { run, round: ROUND, survivors: ONE },
            "round 3 of RUN: shares were revealed for the set 01010101",
        ),
        (closed(Some(ONE)), "round 3 of RUN committed: model 01010101"),
        (closed(None), "round 3 of RUN ended without a sum"),
        (
            ParticipantEvent::Refused { code: RefusalCode::Unexpected },
            "the branch refused: a message came that the protocol does not allow at this point",
        ),
    ];
    for (event, words) in cases {
        assert_eq!(record.describe(&event, Some(&roster)), of(words));
    }
    assert_eq!(record.describe(&events[through - 1], None), of("RUN (\"test\") was accepted: 3 stages"));
    assert_eq!(record.state(), "counter 1, 0 rounds of 0 runs charged");
    let waits = BudgetRecord::replay(&[cast::begun(FIFTH, true)]).expect("it begins");
    assert_eq!(waits.state(), "counter 0, 0 rounds of 0 runs charged, awaits a head");
    assert_eq!(BudgetRecord::default().state(), "nothing has begun");
}
