//! `tributary verify ledger` on a branch's budget file, on files of an older release, and on files that are no ledger.

use crate::support::{ledger, run};
use tributary_certs::budget::sign_first_use;
use tributary_certs::suite::SigningKey;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{PrivacyMode, RunRef};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::round::{CoordinatorEvent, ParticipantEvent, StageTerms};
use tributary_protocol::time::Millis;
use tributary_storage::journal::Journal;

#[test]
fn budget_files_are_verified_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("budget.ledger");
    let run_of_plan = RunRef { plan: Digest([1; 32]), number: 1 };
    let charge = Accounts::customers(RdpVector::gaussian(1, 400));
    let charged = |round| ParticipantEvent::BudgetCharged {
        run: run_of_plan,
        round: RoundId(round),
        stage: 0,
        at: Millis(1),
        descriptor: Digest([2; 32]),
        charge: charge.clone(),
    };
    // The first use is 1, and each charge one more.
    let upload = |round| {
        let (number, vector) = (RoundId(round), Digest([3; 32]));
        ParticipantEvent::Uploaded { run: run_of_plan, round: number, vector, counter: round.min(2) + 1 }
    };
    let owner = SigningKey::from_seed(&[5; 32]);
    let first = sign_first_use(&owner, ("test", &[6; 32]), owner.verifying_key(), false);
    let begun = ParticipantEvent::BudgetBegun { population: "test".into(), salt: [6; 32], first };
    let append = |events: Vec<ParticipantEvent>| {
        let (mut journal, _) = Journal::open(&file, LedgerId::BUDGET).unwrap();
        events.into_iter().for_each(|event| journal.append(Millis(1), event).unwrap());
        journal.sync().unwrap();
    };
    let verify = |options: &[&str]| {
        let words = ["verify", "ledger"].iter().chain(options).map(AsRef::as_ref);
        run(words.chain([file.as_os_str()]))
    };
    let accepted = ParticipantEvent::RunAccepted {
        run: run_of_plan,
        name: "test".into(),
        purpose: "test".into(),
        privacy: PrivacyMode::Customer,
        stages: vec![StageTerms { kind: "gradient".into(), rounds: 7, charge: charge.clone() }],
        retries: 1,
        charge_max: charge.times(8),
        grant: run_of_plan.plan,
        at: Millis(1),
        shown: Millis(1),
        until: Millis(1),
    };
    append(vec![begun, accepted, charged(1), upload(1), charged(2)]);
    let verdict = verify(&["--json"]).json();
    assert_eq!((&verdict["kind"], &verdict["entries"]), (&"budget".into(), &5.into()));
    assert_eq!(verdict["epsilon"].as_f64(), Some(epsilon_of(&charge.customer.times(2), 1e-6).0));
    assert_eq!((&verdict["runs"][0]["run"], &verdict["runs"][0]["rounds"]), (&1.into(), &2.into()));
    let steps = verify(&["--step"]);
    assert_eq!((steps.code, steps.out.split("verified").next().unwrap().lines().count()), (Some(0), 10));
    for part in [
        "the budget of \"test\" begins as a first use",
        "(\"test\") was accepted: 1 stage",
        "was charged: stage 1 (gradient)\n        counter 3, 2 rounds of 1 run charged\n",
    ] {
        assert!(steps.out.contains(part), "{part}: {}", steps.out);
    }
    // Something left the branch that was never charged.
    append(vec![upload(2), upload(3)]);
    let finished = verify(&["--json"]);
    assert_eq!(finished.code, Some(1));
    assert_eq!(finished.json()["entry"], 6);
}

/// What releases before wrote: a header of twelve bytes, and one ledger in each file.
#[test]
fn a_file_of_the_old_format_is_refused_with_its_version_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    for rest in [&[][..], &[7; 200]] {
        let old = [&b"TRIBLDGR\x01\0\0\0"[..], rest].concat();
        std::fs::write(&file, &old).unwrap();
        let parts = [
            "a journal of version 1, which an older release wrote",
            "this release reads version 2 alone",
            "verify it with the release that wrote it, and begin a new one",
        ];
        for words in [&["verify", "ledger"][..], &["verify", "ledger", "--step"]] {
            let refused = run(words.iter().map(AsRef::as_ref).chain([file.as_os_str()]));
            assert_eq!(refused.code, Some(1), "{} {}", refused.out, refused.err);
            assert!(refused.out.starts_with("NOT verified"), "{}", refused.out);
            assert!(parts.iter().all(|part| refused.out.contains(part)), "{}", refused.out);
        }
        run(["verify", "statement"].iter().map(AsRef::as_ref).chain([file.as_os_str()])).assert_refused(1, &parts);
        assert_eq!(std::fs::read(&file).unwrap(), old, "the file is left as it is");
    }
}

#[test]
fn what_is_no_ledger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    let verify = || run(["verify".as_ref(), "ledger".as_ref(), file.as_os_str()]);
    let absent = verify();
    assert!(absent.code == Some(4) && absent.out.contains("cannot be read"), "{}", absent.out);
    for content in ["", "not a ledger of anything"] {
        std::fs::write(&file, content).unwrap();
        let finished = verify();
        assert!(finished.code == Some(1) && finished.out.contains("NOT verified"), "{}", finished.out);
    }
    drop(Journal::<CoordinatorEvent>::open(&folder.path().join("new"), ledger::run(5).id().into()).unwrap());
    let empty = run(["verify".as_ref(), "ledger".as_ref(), folder.path().join("new").as_os_str()]);
    assert!(empty.code == Some(0) && empty.out.contains("no entry yet"), "{}", empty.out);
}
