//! `tributary verify ledger` on good, torn and edited files, through the built executable.

use std::path::PathBuf;

use crate::support::ledger::{self, DELTA};
use crate::support::{Finished, run};
use tributary_certs::budget::sign_first_use;
use tributary_certs::suite::SigningKey;
use tributary_journal::Journal;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::plan::{PrivacyMode, RoundKind, ValidPlan};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent};
use tributary_protocol::time::Millis;

/// Rounds of the plan; one more is charged.
const ROUNDS: u32 = 5;
/// Entries of a whole ledger: three to open, one charged in vain with its end, thirteen for each round, the release, two to
/// close.
const ENTRIES: usize = 3 + 2 + 13 * ROUNDS as usize + 1 + 2;

struct Case {
    _folder: tempfile::TempDir,
    file: PathBuf,
    plan: ValidPlan,
}

impl Case {
    /// A ledger whose events were changed before they were written, so that the chain is whole.
    fn forged(change: impl FnOnce(&mut Vec<CoordinatorEvent>)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("coordinator.ledger");
        let plan = ledger::plan(ROUNDS);
        let mut events = ledger::events(&plan);
        change(&mut events);
        ledger::write(&file, events);
        Self { _folder: folder, file, plan }
    }

    fn good() -> Self {
        Self::forged(|_| {})
    }

    fn verify(&self) -> Finished {
        run(["verify".as_ref(), "ledger".as_ref(), "--json".as_ref(), self.file.as_os_str()])
    }

    /// The first bad entry and why.
    fn refusal(&self) -> (u64, String) {
        let finished = self.verify();
        assert_eq!(finished.code, Some(1), "{} {}", finished.out, finished.err);
        let verdict = finished.json();
        assert_eq!((&verdict["verified"], &verdict["kind"]), (&false.into(), &"bad".into()));
        (verdict["entry"].as_u64().expect("an entry"), verdict["reason"].as_str().expect("a reason").to_owned())
    }

    fn edit(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(&self.file).unwrap();
        change(&mut bytes);
        std::fs::write(&self.file, bytes).unwrap();
    }
}

#[test]
fn a_good_ledger_is_recomputed() {
    let case = Case::good();
    let finished = case.verify();
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    let verdict = finished.json();
    assert_eq!(verdict["verified"], true);
    assert_eq!(verdict["kind"], "coordinator");
    assert_eq!(verdict["entries"], ENTRIES);
    assert_eq!(verdict["plan"], case.plan.digest().to_string());
    assert_eq!((&verdict["rounds_committed"], &verdict["rounds_charged"]), (&ROUNDS.into(), &(ROUNDS + 1).into()));
    assert_eq!((&verdict["finished"], &verdict["complete"]), (&true.into(), &true.into()));
    // Six charged rounds at what the plan states for each; the plan promised for all that may be charged.
    let spent = case.plan.round_charge.times(6);
    assert_eq!(verdict["epsilon"].as_f64(), Some(epsilon_of(&spent.customer, DELTA).0));
    let promised = verdict["epsilon_plan"].as_f64().unwrap();
    assert!(promised <= 2.0 && promised > 1.99, "{promised}");
    assert!(verdict["epsilon"].as_f64().unwrap() <= promised);
    let people = run(["verify".as_ref(), "ledger".as_ref(), case.file.as_os_str()]);
    assert_eq!(people.code, Some(0));
    assert!(
        people.out.starts_with("verified") && people.out.contains("5 of 5 committed, 6 of at most 6"),
        "{}",
        people.out
    );
}

#[test]
fn an_open_ledger_is_good_so_far() {
    let case = Case::forged(|events| events.truncate(ENTRIES - 5));
    let verdict = case.verify().json();
    assert_eq!((&verdict["verified"], &verdict["finished"]), (&true.into(), &false.into()));
}

#[test]
fn a_torn_ledger_names_its_last_entry() {
    let case = Case::good();
    case.edit(|bytes| bytes.extend([9; 7]));
    let (entry, reason) = case.refusal();
    assert_eq!(entry, ENTRIES as u64);
    assert!(reason.contains("an incomplete last record of 7 bytes"), "{reason}");
    case.edit(|bytes| bytes.truncate(bytes.len() - 8));
    let (entry, reason) = case.refusal();
    assert_eq!(entry, ENTRIES as u64 - 1);
    assert!(reason.contains("incomplete last record") && reason.contains("at its next start and says so"), "{reason}");
}

#[test]
fn every_changed_byte_is_found() {
    let case = Case::good();
    let good = std::fs::read(&case.file).unwrap();
    // The header, and places all over the file; a process each, so not every byte.
    for place in (0..good.len()).step_by(good.len() / 12) {
        case.edit(|bytes| bytes[place] ^= 1);
        let (_, reason) = case.refusal();
        assert!(!reason.is_empty());
        std::fs::write(&case.file, &good).unwrap();
    }
    assert_eq!(case.verify().code, Some(0));
}

#[test]
fn what_no_coordinator_writes_is_found_behind_a_whole_chain() {
    let started = |event: &&mut CoordinatorEvent| matches!(event, CoordinatorEvent::RoundStarted { .. });
    let less_noise = Case::forged(|events| {
        let Some(CoordinatorEvent::RoundStarted { descriptor }) = events.iter_mut().find(started) else { panic!() };
        descriptor.share_variance /= 2;
    });
    let (entry, reason) = less_noise.refusal();
    assert!(entry == 3 && reason.contains("does not follow"), "{entry} {reason}");

    let smaller_plan = Case::forged(|events| {
        let CoordinatorEvent::PlanOpened { plan, .. } = &mut events[0] else { panic!() };
        plan.sensitivity_squared -= 1;
    });
    let (entry, reason) = smaller_plan.refusal();
    assert!(entry == 0 && reason.contains("sensitivity"), "{entry} {reason}");

    let replayed = Case::forged(|events| {
        let admitted = events.iter().position(|event| matches!(event, CoordinatorEvent::UpdateAdmitted { .. }));
        let again = events[admitted.unwrap()].clone();
        events.insert(admitted.unwrap() + 1, again);
    });
    let (entry, reason) = replayed.refusal();
    assert!(entry == 5 && reason.contains("one update for each client"), "{entry} {reason}");

    let no_quorum =
        Case::forged(|events| events.retain(|event| !matches!(event, CoordinatorEvent::QuorumReached { .. })));
    assert!(no_quorum.refusal().1.contains("without a quorum"));

    let few = Case::forged(|events| {
        for event in events.iter_mut() {
            if let CoordinatorEvent::QuorumReached { signatures, .. } = event {
                signatures.truncate(6);
            }
        }
    });
    assert!(few.refusal().1.contains("6 signatures where 7"));

    let stranger = Case::forged(|events| {
        for event in events.iter_mut() {
            if let CoordinatorEvent::UpdateAdmitted { client, .. } = event
                && client.0 == 9
            {
                *client = ClientId(77);
            }
        }
    });
    assert!(stranger.refusal().1.contains("not of the session's cohort"));

    let boast = Case::forged(|events| {
        let Some(CoordinatorEvent::PlanFinished { rounds, .. }) = events.last_mut() else { panic!() };
        *rounds += 1;
    });
    assert_eq!(boast.refusal().0, ENTRIES as u64 - 1);

    let headless = Case::forged(|events| {
        events.remove(0);
    });
    assert!(headless.refusal().0 == 0);
}

#[test]
fn rounds_beyond_the_plan_are_found() {
    let case = Case::forged(|events| {
        let started = events.iter().position(|event| matches!(event, CoordinatorEvent::RoundAborted { .. })).unwrap();
        let again = [events[started - 1].clone(), events[started].clone()];
        let [mut start, mut abort] = again;
        if let (CoordinatorEvent::RoundStarted { descriptor }, CoordinatorEvent::RoundAborted { round, .. }) =
            (&mut start, &mut abort)
        {
            // Between the rounds 2 and 3 there is no number left, so at the end of the session.
            (descriptor.round, *round) = (RoundId(100), RoundId(100));
            let last = events.iter().rev().find_map(|event| match event {
                CoordinatorEvent::RoundCommitted { model, .. } => Some(*model),
                _ => None,
            });
            descriptor.model = last.unwrap();
        }
        let close = events.len() - 3;
        events.splice(close..close, [start, abort]);
    });
    let (entry, reason) = case.refusal();
    assert!(entry == ENTRIES as u64 - 3 && reason.contains("beyond the 6"), "{entry} {reason}");
}

#[test]
fn budget_files_are_verified_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("budget.ledger");
    let (plan, charge) = (Digest([1; 32]), Accounts::customers(RdpVector::gaussian(1, 400)));
    let charged = |round| ParticipantEvent::BudgetCharged {
        plan,
        round: RoundId(round),
        kind: RoundKind::Train,
        at: Millis(1),
        descriptor: Digest([2; 32]),
        charge: charge.clone(),
    };
    // The first use is 1, and each charge one more.
    let upload = |round| {
        let (number, vector) = (RoundId(round), Digest([3; 32]));
        ParticipantEvent::Uploaded { round: number, vector, counter: round.min(2) + 1 }
    };
    let owner = SigningKey::from_seed(&[5; 32]);
    let first = sign_first_use(&owner, ("test", &[6; 32]), owner.verifying_key(), false);
    let begun = ParticipantEvent::BudgetBegun { population: "test".into(), salt: [6; 32], first };
    let append = |events: Vec<ParticipantEvent>| {
        let (mut journal, _) = Journal::open(&file).unwrap();
        events.into_iter().for_each(|event| journal.append(Millis(1), event).unwrap());
        journal.sync().unwrap();
    };
    let verify = || run(["verify".as_ref(), "ledger".as_ref(), "--json".as_ref(), file.as_os_str()]);
    let accepted = ParticipantEvent::PlanAccepted {
        plan,
        name: "test".into(),
        purpose: "test".into(),
        privacy: PrivacyMode::Customer,
        charge: charge.clone(),
        charge_max: charge.times(8),
        rounds_charged_max: 8,
    };
    append(vec![begun, accepted, charged(1), upload(1), charged(2)]);
    let verdict = verify().json();
    assert_eq!((&verdict["kind"], &verdict["entries"]), (&"budget".into(), &5.into()));
    assert_eq!(verdict["epsilon"].as_f64(), Some(epsilon_of(&charge.customer.times(2), 1e-6).0));
    assert_eq!(verdict["plans"][0]["rounds"], 2);
    // Something left the branch that was never charged.
    append(vec![upload(2), upload(3)]);
    let finished = verify();
    assert_eq!(finished.code, Some(1));
    assert_eq!(finished.json()["entry"], 6);
}

#[test]
fn what_is_no_ledger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    let verify = || run(["verify".as_ref(), "ledger".as_ref(), file.as_os_str()]);
    let absent = verify();
    assert!(absent.code == Some(1) && absent.out.contains("cannot be read"), "{}", absent.out);
    for content in ["", "not a ledger of anything"] {
        std::fs::write(&file, content).unwrap();
        let finished = verify();
        assert!(finished.code == Some(1) && finished.out.contains("NOT verified"), "{}", finished.out);
    }
    drop(Journal::<CoordinatorEvent>::open(&folder.path().join("new")).unwrap());
    let empty = run(["verify".as_ref(), "ledger".as_ref(), folder.path().join("new").as_os_str()]);
    assert!(empty.code == Some(0) && empty.out.contains("no entry yet"), "{}", empty.out);
}
