//! Lies about who signed what in a ledger, and the ledger in words.

use alloc::string::String;
use alloc::vec::Vec;

use super::{VICTIM, budget_record, run_record};
use crate::budget::OwnerChange;
use crate::ids::{ClientId, RunId};
use crate::message::{RefusalCode, SignedBody as _};
use crate::plan::{Approvals, Attestation, RunRef};
use crate::privacy::Accounts;
use crate::role::{Action, Role};
use crate::roster::Roster;
use crate::round::cast::{self, counting_plan, policy};
use crate::round::tests::world::{World, plan};
use crate::round::{BudgetRecord, Claim, CoordinatorEvent, OutOfOrder, ParticipantEvent, RunRecord};
use crate::secagg::suite::{Signature, Suite as _};
use crate::secagg::toy::Toy;

/// Every event of a ledger with the claims that it rests on, and the record before it.
fn claims(events: &[CoordinatorEvent]) -> Vec<(RunRecord, CoordinatorEvent, Vec<Claim>)> {
    let mut record = RunRecord::default();
    let claim = |event: &CoordinatorEvent| {
        let claims = record.claims::<Toy>(event).expect("a true ledger");
        let before = record.clone();
        record.apply(event);
        (before, event.clone(), claims)
    };
    events.iter().map(claim).collect()
}

#[test]
fn every_signature_of_a_ledger_is_claimed_and_holds() {
    let served = plan(|_| {});
    // One refuses the plan before it knows which run it is, and one after it.
    let mut world = World::with_policy(11, served.clone(), |client| {
        let mut policy = policy(&served);
        match client.0 {
            10 => policy.purposes.clear(),
            11 => policy.rounds_a_day = 0,
            _ => {}
        }
        policy
    });
    world.connect_all();
    world.run();
    world.pass_deadlines();
    let refused = |code: RefusalCode| world.refusals().iter().any(|(_, refused)| *refused == code);
    assert!(refused(RefusalCode::PolicyFloor(crate::message::Floor::Purpose)));
    let mut kinds = [0; 6];
    for (record, event, claims) in claims(&world.events) {
        assert!(claims.iter().all(Claim::holds::<Toy>), "{}", record.describe(&event));
        let (kind, expected) = match &event {
            CoordinatorEvent::UpdateAdmitted { .. } => (0, 1),
            CoordinatorEvent::QuorumReached { signatures, .. } => (1, signatures.len()),
            CoordinatorEvent::ClientRefused { signature: Some(_), .. } => (2, 1),
            CoordinatorEvent::BudgetBegun { .. } => (3, 1),
            CoordinatorEvent::BudgetShown { .. } => (4, 1),
            CoordinatorEvent::SessionOpened { .. } => (5, 2),
            _ => {
                assert_eq!(claims, []);
                continue;
            }
        };
        assert_eq!(claims.len(), expected);
        kinds[kind] += 1;
    }
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
}

/// What is wrong with an event, and whether its claim is another one, or there is none.
type Row = (&'static str, Option<&'static str>, fn(&CoordinatorEvent) -> bool, fn(&mut CoordinatorEvent));

const STRANGER: Option<&str> = Some("whoever signs is an entry of the roster in force");
const DIGEST: Option<&str> = Some("a survivor set's digest is that of its members and uploads");

const LIES: &[Row] = &[
    (
        "another vector",
        None,
        |event| matches!(event, CoordinatorEvent::UpdateAdmitted { .. }),
        |event| {
            if let CoordinatorEvent::UpdateAdmitted { vector, .. } = event {
                vector.0[0] ^= 1;
            }
        },
    ),
    (
        "another head",
        None,
        |event| matches!(event, CoordinatorEvent::UpdateAdmitted { .. }),
        |event| {
            if let CoordinatorEvent::UpdateAdmitted { head, .. } = event {
                head.0[0] ^= 1;
            }
        },
    ),
    (
        "another client's vector",
        None,
        |event| matches!(event, CoordinatorEvent::UpdateAdmitted { .. }),
        |event| {
            if let CoordinatorEvent::UpdateAdmitted { client, .. } = event {
                client.0 += 1;
            }
        },
    ),
    (
        "a stranger's vector",
        STRANGER,
        |event| matches!(event, CoordinatorEvent::UpdateAdmitted { .. }),
        |event| {
            if let CoordinatorEvent::UpdateAdmitted { client, .. } = event {
                *client = ClientId(77);
            }
        },
    ),
    (
        "another digest",
        DIGEST,
        |event| matches!(event, CoordinatorEvent::SurvivorsFrozen { .. }),
        |event| {
            if let CoordinatorEvent::SurvivorsFrozen { digest, .. } = event {
                digest.0[0] ^= 1;
            }
        },
    ),
    (
        "a forged signature",
        None,
        |event| matches!(event, CoordinatorEvent::QuorumReached { .. }),
        |event| {
            if let CoordinatorEvent::QuorumReached { signatures, .. } = event {
                signatures[2].1.bytes[0] ^= 1;
            }
        },
    ),
    (
        "a stranger signs",
        STRANGER,
        |event| matches!(event, CoordinatorEvent::QuorumReached { .. }),
        |event| {
            if let CoordinatorEvent::QuorumReached { signatures, .. } = event {
                signatures[2].0 = ClientId(77);
            }
        },
    ),
    (
        "another first use",
        None,
        |event| matches!(event, CoordinatorEvent::BudgetBegun { .. }),
        |event| {
            if let CoordinatorEvent::BudgetBegun { first, .. } = event {
                first.adopts = true;
            }
        },
    ),
    (
        "another counter",
        None,
        |event| matches!(event, CoordinatorEvent::BudgetShown { .. }),
        |event| {
            if let CoordinatorEvent::BudgetShown { head } = event {
                head.counter += 1;
            }
        },
    ),
];

#[test]
fn a_lie_about_a_signature_does_not_hold() {
    let events = run_record::ledger();
    for (what, error, is, change) in LIES {
        let (record, mut event, _) =
            claims(&events).into_iter().find(|(_, event, _)| is(event)).expect("such an event");
        change(&mut event);
        match (error, record.claims::<Toy>(&event)) {
            (Some(error), found) => assert_eq!(found, Err(OutOfOrder(error)), "{what}"),
            (None, found) => assert!(!found.expect(what).iter().all(Claim::holds::<Toy>), "{what}"),
        }
    }
}

/// Whoever verifies an entry asks whether it may come next as well: what is signed may still be out of order.
#[test]
fn an_entry_that_is_signed_and_out_of_order_does_not_verify() {
    let mut record = RunRecord::default();
    let refused = |record: &RunRecord, event: &CoordinatorEvent| record.verify::<Toy>(event).is_err();
    let mut out_of_order = 0;
    for event in &run_record::ledger() {
        assert!(record.verify::<Toy>(event).is_ok(), "{}", record.describe(event));
        record.apply(event);
        assert_eq!(refused(&record, event), record.check(event).is_err());
        out_of_order += u32::from(refused(&record, event));
    }
    assert!(out_of_order > 20, "{out_of_order}");
    let (mut record, roster) = (BudgetRecord::default(), cast::roster(9).roster);
    for event in &budget_record::file() {
        assert!(record.verify::<Toy>(event, Some(&roster)).is_ok());
        record.apply(event);
        assert_eq!(record.verify::<Toy>(event, Some(&roster)).is_err(), record.check(event).is_err());
    }
    let again = &budget_record::file()[0];
    assert!(record.verify::<Toy>(again, Some(&roster)).is_err(), "a budget begins once");
}

#[test]
fn a_budget_file_rests_on_its_owner_and_on_its_branch() {
    let events = budget_record::file();
    let roster = cast::roster(9).roster;
    let mut record = BudgetRecord::default();
    let mut signed = 0;
    for event in &events {
        let found = record.claims::<Toy>(event, Some(&roster)).expect("a true file");
        assert!(found.iter().all(Claim::holds::<Toy>), "{}", record.describe(event, Some(&roster)));
        signed += found.len();
        if let ParticipantEvent::HeadSigned { head } = event {
            let mut other = head.clone();
            other.counter += 1;
            let lie = ParticipantEvent::HeadSigned { head: other };
            let found = record.claims::<Toy>(&lie, Some(&roster)).expect("its client is known");
            assert!(!found.iter().all(Claim::holds::<Toy>));
            let small = cast::roster(VICTIM.0 - 1).roster;
            assert_eq!(record.claims::<Toy>(event, Some(&small)), Err(OutOfOrder(STRANGER.unwrap_or_default())));
            assert_eq!(record.claims::<Toy>(event, None), Ok(Vec::new()), "nobody knows whose key it is");
            let (epoch, before) = (roster.epoch() + 1, roster.digest());
            let later =
                Roster::new(epoch, before, roster.entries().to_vec(), Vec::new(), Vec::new()).expect("a roster");
            assert_eq!(record.claims::<Toy>(event, Some(&later)), Ok(Vec::new()), "its keys may be others");
        }
        record.apply(event);
    }
    assert_eq!(signed, 2, "the first use and the first head");
}

/// What people sign is claimed by their keys in the roster in force: both signatures on a plan, and each order.
#[test]
fn what_people_signed_is_claimed_of_them() {
    let events = run_record::ledger();
    let opens = |event: &CoordinatorEvent| matches!(event, CoordinatorEvent::SessionOpened { .. });
    let (record, opened, _) = claims(&events).into_iter().find(|(_, event, _)| opens(event)).expect("one");
    let plan = counting_plan();
    let approvals = cast::approvals(&plan);
    let order = cast::attestation(cast::APPROVER, Role::PrivacyOfficer, Action::PausePlan, plan.digest());
    let shown = |approvals: &Approvals| CoordinatorEvent::ApprovalsShown { approvals: approvals.clone().into() };
    let taken = |order: &Attestation| CoordinatorEvent::OrderTaken { order: order.clone() };
    let holds = |event: &CoordinatorEvent| -> Result<Vec<bool>, OutOfOrder> {
        Ok(record.claims::<Toy>(event)?.iter().map(Claim::holds::<Toy>).collect())
    };
    assert_eq!(holds(&opened), Ok([true, true].to_vec()));
    assert_eq!(holds(&shown(&approvals)), Ok([true, true].to_vec()));
    assert_eq!(holds(&taken(&order)), Ok([true].to_vec()));
    let mut other = approvals.clone();
    other.proposal.at += 1;
    assert_eq!(holds(&shown(&other)), Ok([false, true].to_vec()));
    let mut other = approvals.clone();
    other.approval.at += 1;
    assert_eq!(holds(&shown(&other)), Ok([true, false].to_vec()));
    assert_eq!(holds(&taken(&Attestation { at: 1, ..order.clone() })), Ok([false].to_vec()));
    let stranger = Err(OutOfOrder(STRANGER.unwrap_or_default()));
    let nobody = Attestation { staff: cast::staff("bank-1/stranger"), ..order };
    assert_eq!(holds(&taken(&nobody)), stranger);
    assert_eq!(holds(&shown(&Approvals { approval: nobody, ..approvals })), stranger);
}

/// A branch that refuses has signed its code under the run, or under zeros where it knew of none yet; under another run it has not refused this one.
#[test]
fn a_refusal_is_claimed_under_this_run_or_none() {
    let mut record = RunRecord::default();
    let events = run_record::ledger();
    let before = events.iter().take_while(|event| !matches!(event, CoordinatorEvent::SessionOpened { .. }));
    before.for_each(|event| record.apply(event));
    let (own, code) = (record.reference().expect("a run").id(), RefusalCode::Unexpected);
    for (run, held) in [(own, true), (RunId::NONE, true), (RunId([7; 32]), false)] {
        let signature = Toy::sign(&cast::signing_key(VICTIM), &crate::round::refusal_message::<Toy>(run, code));
        let refused = CoordinatorEvent::ClientRefused { client: VICTIM, code, signature: Some(signature) };
        assert_eq!(record.verify::<Toy>(&refused).is_ok(), held);
    }
}

/// What an owner signs is claimed by the owner before, and whoever withdraws a grant.
#[test]
fn what_an_owner_signed_is_claimed_of_the_owner() {
    let record = BudgetRecord::replay(&[cast::begun(VICTIM, false)]).expect("it begins");
    let holds = |event: ParticipantEvent| -> Vec<bool> {
        let claims = record.claims::<Toy>(&event, None).expect("no roster is asked");
        claims.iter().map(Claim::holds::<Toy>).collect()
    };
    let (from, to) = (Toy::verifying_key(&cast::OWNER_KEY), Toy::verifying_key(&[3; 32]));
    let population = record.population_digest.expect("it has begun");
    let mut change = OwnerChange { population, from, to, signature: Signature::none() };
    for (signer, held) in [(cast::OWNER_KEY, true), ([3; 32], false)] {
        change.signature = Toy::sign(&signer, &change.to_sign::<Toy>());
        assert_eq!(holds(ParticipantEvent::OwnerChanged { change: change.clone() }), [held]);
    }
    let mut withdrawal = cast::withdrawal(&cast::grant(&counting_plan()));
    assert_eq!(holds(ParticipantEvent::GrantWithdrawn { withdrawal: withdrawal.clone() }), [true]);
    withdrawal.at += 1;
    assert_eq!(holds(ParticipantEvent::GrantWithdrawn { withdrawal }), [false]);
    // A head is the branch's, whether it is about to leave or comes back.
    let roster = cast::roster(9).roster;
    let mut head = cast::head(VICTIM, RunRef::NONE);
    for (signer, held) in [(VICTIM, true), (ClientId(1), false)] {
        head.signature = super::signs(signer, &head);
        let event = ParticipantEvent::HeadAdopted { head: head.clone().into(), charge: Accounts::zero() };
        let claims = record.claims::<Toy>(&event, Some(&roster)).expect("its client is known");
        assert_eq!(claims.iter().map(Claim::holds::<Toy>).collect::<Vec<_>>(), [held]);
    }
}

#[test]
fn a_ledger_is_told_in_plain_words() {
    let mut record = RunRecord::default();
    let mut told: Vec<String> = Vec::new();
    assert_eq!(record.state(), "nothing has begun");
    for event in &run_record::ledger() {
        told.push(record.describe(event));
        record.apply(event);
        assert!(!record.state().contains('\n') && record.state().is_ascii());
    }
    assert!(told.iter().all(|line| !line.contains('\n') && line.len() < 250), "{told:#?}");
    let has = |text: &str| assert!(told.iter().any(|line| line.contains(text)), "{text}: {told:#?}");
    has("run 1 of plan \"test\"");
    has("3 stages in mode customer");
    has("roster 1 adopted: 9 members in the plan's group");
    has("with 9 members: bank-1/branch-1, bank-1/branch-2, bank-1/branch-3 and 6 more");
    has("round 2 started: stage 2 of 3 (probe), model ");
    has(", 9 members");
    has("of bank-1/branch-5 entered the sum");
    has("stage 2 of 3 (probe) concluded");
    has("the run is over, complete, after 7 rounds");
    assert_eq!(record.state(), "7 of 7 rounds committed, 7 charged, 0 sessions; over");

    let (mut record, roster) = (BudgetRecord::default(), cast::roster(9).roster);
    let mut told: Vec<String> = Vec::new();
    for event in &budget_record::file() {
        told.push(record.describe(event, Some(&roster)));
        record.apply(event);
    }
    let has = |text: &str| assert!(told.iter().any(|line| line.contains(text)), "{text}: {told:#?}");
    has("the budget of \"customers of client 5\" begins as a first use");
    let instead = BudgetRecord::default().describe(&cast::begun(ClientId(5), true), None);
    assert!(instead.ends_with("begins in the place of a lost file"), "{instead}");
    has("was accepted: 3 stages");
    has("was charged: stage 2 (probe)");
    has("shares were revealed for the set");
    assert_eq!(record.state(), "counter 8, 7 rounds of 1 run charged");
    assert_eq!(counting_plan().stages.len(), 3);
}
