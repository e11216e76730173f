//! `tributary verify ledger` on good, torn and edited journals of a coordinator, through the built executable.

use std::path::PathBuf;

use crate::support::ledger::{self, DELTA};
use crate::support::{Finished, run};
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_model::privacy::epsilon_of;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::log::{Entries, SignedCheckpoint, origin_of, scan};
use tributary_protocol::plan::Run;
use tributary_protocol::round::CoordinatorEvent;

/// Rounds of the plan; one more is charged.
const ROUNDS: u32 = 5;
/// Entries of a whole ledger: four to open, one charged in vain with its end, thirteen for each round, the stage's end, two to close.
const ENTRIES: usize = 4 + 2 + 13 * ROUNDS as usize + 1 + 2;
/// The first round's start.
const FIRST_START: u64 = 4;

struct Case {
    _folder: tempfile::TempDir,
    file: PathBuf,
    run: Run,
}

impl Case {
    /// A ledger whose events were changed before they were written, so that the chain is whole. It is the ledger of the run that they open.
    fn forged(change: impl FnOnce(&mut Vec<CoordinatorEvent>)) -> Self {
        let run = ledger::run(ROUNDS);
        let mut events = ledger::events(&run);
        change(&mut events);
        let opened = match events.first() {
            Some(CoordinatorEvent::RunOpened { plan, number, .. }) => {
                plan.as_ref().clone().validate().ok().and_then(|plan| Run::new(plan, *number))
            }
            _ => None,
        };
        Self::of(opened.unwrap_or(run), events)
    }

    /// These events as the ledger of this run.
    fn of(run: Run, events: Vec<CoordinatorEvent>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.log");
        ledger::write(&file, &run, events);
        Self { _folder: folder, file, run }
    }

    fn good() -> Self {
        Self::forged(|_| {})
    }

    fn verify(&self) -> Finished {
        self.verify_with(&["--json"])
    }

    fn verify_with(&self, options: &[&str]) -> Finished {
        let words = ["verify", "ledger"].iter().chain(options).map(AsRef::as_ref);
        run(words.chain([self.file.as_os_str()]))
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
    for digest in ["head", "root"] {
        assert_eq!(verdict[digest].as_str().map(str::len), Some(64), "{verdict}");
    }
    let [of_run] = verdict["runs"].as_array().unwrap().as_slice() else { panic!("{verdict}") };
    assert_eq!((&of_run["plan"], &of_run["run"]), (&case.run.plan().digest().to_string().into(), &1.into()));
    assert_eq!((&of_run["rounds_committed"], &of_run["rounds_charged"]), (&ROUNDS.into(), &(ROUNDS + 1).into()));
    assert_eq!((&of_run["finished"], &of_run["complete"]), (&true.into(), &true.into()));
    // Of the plan's two people under the session's roster, of each of the nine updates in a sum, and of the quorum's nine.
    assert_eq!(of_run["signatures"], 2 + 18 * ROUNDS);
    let [stage] = of_run["stages"].as_array().unwrap().as_slice() else { panic!("{of_run}") };
    assert_eq!((&stage["kind"], &stage["rounds"]), (&"gradient".into(), &ROUNDS.into()));
    assert_eq!((&stage["committed"], &stage["charged"]), (&ROUNDS.into(), &(ROUNDS + 1).into()));
    // Six charged rounds at what the plan states for each; the plan promised for all that may be charged.
    let spent = case.run.stages[0].charge.times(6);
    assert_eq!(of_run["epsilon"].as_f64(), Some(epsilon_of(&spent.customer, DELTA).0));
    let promised = of_run["epsilon_plan"].as_f64().unwrap();
    assert!(promised <= 2.0 && promised > 1.99, "{promised}");
    assert!(of_run["epsilon"].as_f64().unwrap() <= promised);
    let people = case.verify_with(&[]);
    assert_eq!(people.code, Some(0));
    for part in [
        "entries of 1 run\n",
        "5 of 5 committed, 6 of at most 6",
        "stage 1  gradient: 5 of 5 rounds committed, 6 charged",
    ] {
        assert!(people.out.starts_with("verified") && people.out.contains(part), "{part}: {}", people.out);
    }
}

/// A coordinator's checkpoint lies beside the journal.
#[test]
fn a_journal_is_not_shorter_than_a_checkpoint_beside_it() {
    let case = Case::good();
    let bytes = std::fs::read(&case.file).unwrap();
    let found = scan(Entries::new(&bytes));
    let checkpoint = found.log.checkpoint(&origin_of(&Digest([7; 32])));
    let note = SignedCheckpoint::sign::<RealSuite>(checkpoint, &SigningKey::from_seed(&[9; 32])).unwrap();
    let folder = case.file.with_file_name("checkpoints");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("newest"), note.to_string()).unwrap();
    assert_eq!(case.verify().code, Some(0));
    let end = usize::try_from(found.entries.last().unwrap().offset).unwrap();
    case.edit(|bytes| bytes.truncate(end));
    let refused = case.verify();
    let words = refused.json()["reason"].to_string();
    assert!(refused.code == Some(1) && words.contains("entries were cut off"), "{words}");
}

/// Nobody has to believe a file whose federation it is.
#[test]
fn rosters_are_judged_where_the_authorities_are_named() {
    let case = Case::good();
    let list = case.file.with_file_name("authorities");
    let write = |seed: u8| {
        let keys = vec![SigningKey::from_seed(&[seed; 32]).verifying_key()];
        std::fs::write(&list, RosterAuthorities::new(1, keys).unwrap().print()).unwrap();
    };
    let verdict = case.verify();
    assert_eq!((verdict.code, &verdict.json()["rosters_judged"]), (Some(0), &false.into()));
    let silent = case.verify_with(&[]);
    assert!(silent.out.contains("rosters  not judged"), "{}", silent.out);
    assert_eq!(case.verify_with(&["--strict"]).code, Some(1));
    write(31);
    let by = ["--json", "--authority", list.to_str().unwrap()];
    let refused = case.verify_with(&by);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
}

#[test]
fn an_open_ledger_is_good_so_far() {
    let case = Case::forged(|events| events.truncate(ENTRIES - 5));
    let verdict = case.verify().json();
    assert_eq!((&verdict["verified"], &verdict["runs"][0]["finished"]), (&true.into(), &false.into()));
}

/// For whoever reads along: each entry, its time, what happened, and what all of it has come to so far.
#[test]
fn every_event_is_shown_in_words_with_the_state_after_it() {
    let case = Case::good();
    let people = case.verify_with(&["--step"]);
    assert_eq!(people.code, Some(0), "{} {}", people.out, people.err);
    let (steps, verdict) = people.out.split_once("verified").unwrap();
    let lines: Vec<&str> = steps.lines().collect();
    assert_eq!(lines.len(), 2 * ENTRIES, "a line for what happened, and one for the state");
    assert!(verdict.contains("6 of at most 6 charged, complete"), "{verdict}");
    let shown = |entry: usize| (lines[2 * entry], lines[2 * entry + 1]);
    for (entry, happened, state) in [
        (0, "run 1 of plan \"test\" (", "0 of 5 rounds committed, 0 charged"),
        (1, "roster 1 adopted: 10 members", "next a round of stage 1 of 1 (gradient)"),
        (2, "began with 10 members: bank/branch-1, bank/branch-2, bank/branch-3 and 7 more", "0 sessions"),
        (3, "10 members, of whom 8 must survive and 7 must sign", "1 session;"),
        (4, "round 1 started: stage 1 of 1 (gradient)", "1 charged, 1 session; round 1 collects, 0 vectors so far"),
        (13, "of bank/branch-9 entered the sum", "round 1 collects, 9 vectors so far"),
        (14, "round 1: 9 survivors fixed as ", "round 1 awaits its quorum"),
        (15, "round 1: 9 members signed", "round 1 awaits its sum"),
        (16, "round 1 committed", "1 of 5 rounds committed, 1 charged"),
        (18, "round 2 aborted: ", "1 of 5 rounds committed, 2 charged"),
        (ENTRIES - 3, "stage 1 of 1 (gradient) concluded", "next the end of the run"),
        (
            ENTRIES - 1,
            "the run is over, complete, after 5 rounds",
            "5 of 5 rounds committed, 6 charged, 0 sessions; over",
        ),
    ] {
        let (first, second) = shown(entry);
        assert!(first.starts_with(&format!("{entry:>6}  1970-01-01 00:00 UTC  ")), "{first}");
        assert!(first.contains(happened) && second.contains(state), "{entry}: {first}\n{second}");
    }

    // The same for programs: one object a line, and the verdict in the last.
    let programs = case.verify_with(&["--step", "--json"]);
    let objects: Vec<serde_json::Value> =
        programs.out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let (verdict, steps) = objects.split_last().unwrap();
    assert_eq!((steps.len(), &verdict["verified"]), (ENTRIES, &true.into()));
    for (entry, step) in steps.iter().enumerate() {
        assert_eq!((&step["entry"], &step["at"]), (&entry.into(), &entry.into()));
        let (first, second) = shown(entry);
        assert!(first.ends_with(step["happened"].as_str().unwrap()), "{first} {step}");
        assert_eq!(second.trim_start(), step["state"].as_str().unwrap());
    }

    // Of a ledger that is not in order, everything before the first bad entry.
    let bad = Case::forged(|events| events.retain(|event| !matches!(event, CoordinatorEvent::QuorumReached { .. })));
    let (entry, _) = bad.refusal();
    let people = bad.verify_with(&["--step"]);
    assert_eq!(people.code, Some(1));
    let (steps, verdict) = people.out.split_once("NOT verified").unwrap();
    assert_eq!(steps.lines().count() as u64, 2 * entry, "{steps}");
    assert!(verdict.contains(&format!("first bad entry: {entry},")), "{verdict}");
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
fn a_file_that_cannot_be_read_is_no_fault_of_the_evidence() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("audit.log").display().to_string();
    for words in [["verify", "ledger", &gone], ["verify", "statement", &gone]] {
        let found = run(words);
        assert_eq!(found.code, Some(4), "{} {}", found.out, found.err);
        assert!(format!("{}{}", found.out, found.err).contains("cannot be read"), "{} {}", found.out, found.err);
    }
    std::fs::write(&gone, "no journal").unwrap();
    assert_eq!(run(["verify", "ledger", &gone]).code, Some(1));
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
fn what_no_coordinator_writes_is_found_after_a_whole_chain() {
    let started = |event: &&mut CoordinatorEvent| matches!(event, CoordinatorEvent::RoundStarted { .. });
    let less_noise = Case::forged(|events| {
        let Some(CoordinatorEvent::RoundStarted { descriptor }) = events.iter_mut().find(started) else { panic!() };
        descriptor.share_variance /= 2;
    });
    let (entry, reason) = less_noise.refusal();
    assert!(entry == FIRST_START && reason.contains("descriptor follows from run and session"), "{entry} {reason}");

    let smaller_plan = Case::forged(|events| {
        let CoordinatorEvent::RunOpened { plan, .. } = &mut events[0] else { panic!() };
        let privacy = plan.privacy;
        let stage = &mut plan.stages[0];
        stage.sensitivity_squared -= 1;
        stage.customer_sensitivity_squared -= 1;
        stage.charge = stage.charge_without_coins(privacy);
    });
    let (entry, reason) = smaller_plan.refusal();
    assert!(entry == 0 && reason.contains("squared sensitivity is stated as"), "{entry} {reason}");

    let no_plan = Case::forged(|events| {
        let CoordinatorEvent::RunOpened { plan, .. } = &mut events[0] else { panic!() };
        plan.stages[0].sensitivity_squared -= 1;
    });
    let (entry, reason) = no_plan.refusal();
    assert!(entry == 0 && reason.contains("the plan is valid"), "{entry} {reason}");

    let replayed = Case::forged(|events| {
        let admitted = events.iter().position(|event| matches!(event, CoordinatorEvent::UpdateAdmitted { .. }));
        let again = events[admitted.unwrap()].clone();
        events.insert(admitted.unwrap() + 1, again);
    });
    let (entry, reason) = replayed.refusal();
    assert!(entry == FIRST_START + 2 && reason.contains("one update for each client"), "{entry} {reason}");

    let no_quorum =
        Case::forged(|events| events.retain(|event| !matches!(event, CoordinatorEvent::QuorumReached { .. })));
    assert!(no_quorum.refusal().1.contains("after a quorum"));

    let few = Case::forged(|events| {
        for event in events.iter_mut() {
            if let CoordinatorEvent::QuorumReached { signatures, .. } = event {
                signatures.truncate(6);
            }
        }
    });
    let (entry, reason) = few.refusal();
    assert!(entry == FIRST_START + 11 && reason.contains("as many of the committee sign"), "{entry} {reason}");

    let stranger = Case::forged(|events| {
        for event in events.iter_mut() {
            if let CoordinatorEvent::UpdateAdmitted { client, .. } = event
                && client.0 == 9
            {
                *client = ClientId(77);
            }
        }
    });
    assert!(stranger.refusal().1.contains("a member of the round's cohort"));

    let boast = Case::forged(|events| {
        let Some(CoordinatorEvent::RunFinished { rounds, .. }) = events.last_mut() else { panic!() };
        *rounds += 1;
    });
    assert_eq!(boast.refusal().0, ENTRIES as u64 - 1);

    let headless = Case::forged(|events| {
        events.remove(0);
    });
    assert!(headless.refusal().0 == 0);
}

/// Nobody can be said to have taken part, or to have agreed, who has not signed it.
#[test]
fn signatures_that_nobody_made_are_found() {
    let of_another = Case::forged(|events| {
        let uploads = events.iter_mut().filter_map(|event| match event {
            CoordinatorEvent::UpdateAdmitted { signature, .. } => Some(signature),
            _ => None,
        });
        let [first, second] = uploads.take(2).collect::<Vec<_>>().try_into().unwrap();
        std::mem::swap(first, second);
    });
    let (entry, reason) = of_another.refusal();
    assert!(entry == FIRST_START + 1 && reason.contains("signature on which it rests"), "{entry} {reason}");

    let of_another_set = Case::forged(|events| {
        let quorums = events.iter_mut().filter_map(|event| match event {
            CoordinatorEvent::QuorumReached { signatures, .. } => Some(signatures),
            _ => None,
        });
        let [first, second] = quorums.take(2).collect::<Vec<_>>().try_into().unwrap();
        first[8] = second[8].clone();
    });
    let (entry, reason) = of_another_set.refusal();
    assert!(entry == FIRST_START + 11 && reason.contains("signature on which it rests"), "{entry} {reason}");

    let another_set = Case::forged(|events| {
        for event in events.iter_mut() {
            if let CoordinatorEvent::SurvivorsFrozen { digest, .. } = event {
                *digest = Digest([9; 32]);
            }
        }
    });
    assert!(another_set.refusal().1.contains("digest is that of its members"));
}

#[test]
fn a_run_stands_in_its_own_ledger() {
    let events = ledger::events(&ledger::run(ROUNDS));
    let (entry, reason) = Case::of(ledger::run(ROUNDS + 1), events).refusal();
    assert!(entry == 0 && reason.contains("another run than the ledger is of"), "{entry} {reason}");
}

/// Another run begins when the one before is over, in the same file.
#[test]
fn a_journal_of_two_runs_is_verified_run_by_run() {
    let case = Case::good();
    let second = ledger::run(ROUNDS + 1);
    ledger::write(&case.file, &second, ledger::events(&second));
    let verdict = case.verify().json();
    let entries = 2 * ENTRIES + 13;
    assert_eq!((&verdict["verified"], &verdict["entries"]), (&true.into(), &entries.into()));
    let runs: Vec<_> = verdict["runs"].as_array().unwrap().iter().map(|run| (&run["plan"], &run["rounds"])).collect();
    let plans = [case.run.plan(), second.plan()].map(|plan| plan.digest().to_string().into());
    assert_eq!(runs, [(&plans[0], &ROUNDS.into()), (&plans[1], &(ROUNDS + 1).into())]);
    let people = case.verify_with(&["--step"]);
    assert!(people.out.contains(&format!("{entries} entries of 2 runs\n")), "{}", people.out);
    let starts: Vec<&str> = people.out.lines().filter(|line| line.contains("of plan \"test\" (")).collect();
    let numbers = starts.iter().map(|line| line.split_whitespace().next().unwrap());
    assert_eq!(numbers.collect::<Vec<_>>(), ["0", ENTRIES.to_string().as_str()], "{starts:?}");
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
    assert!(entry == ENTRIES as u64 - 3 && reason.contains("within what the plan may charge"), "{entry} {reason}");
}
