//! What a branch's own records say that it sent in a round: for the proof that it is in a sum.
//!
//! Two files say it. What left stands in `sent.log`, before it left; and the budget file has the digest of what was masked. One is enough, and where both
//! have it they must agree.

use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::ParticipantEvent;
use tributary_storage::journal::read_view;
use tributary_texts::{Said, proof as words};

use crate::budget::BUDGET_FILE;
use crate::error::ClientError;
use crate::sent::{FILE, masked};
use crate::settings::Settings;

/// Fewest letters of a plan's digest by which it is named.
const PLAN_LETTERS_MIN: usize = 8;

/// What a branch sent in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The run.
    pub run: RunRef,
    /// Digest of the masked vector.
    pub vector: Digest,
    /// Whether `sent.log` says so.
    pub in_sent: bool,
    /// Whether the budget file says so.
    pub in_budget: bool,
}

impl Uploaded {
    /// By which records, in words.
    #[must_use]
    pub fn by(&self) -> Said {
        match (self.in_sent, self.in_budget) {
            (true, true) => words::by_both(),
            (true, false) => words::by_sent(),
            (false, _) => words::by_budget(),
        }
    }
}

/// The run that a text names (the plan's digest or its first letters, and the run's number: `9f86d081/2`), and the digest of the masked vector that this
/// branch sent in a round of it. A daemon may be running.
///
/// # Errors
/// If settings or a file cannot be used, nothing left in such a round, or the two files contradict each other.
pub fn uploaded(config: &Path, run: &str, round: RoundId) -> Result<Uploaded, ClientError> {
    let settings = Settings::load(config)?;
    let budget = settings.state_dir.join(BUDGET_FILE);
    let recorded = read_view::<ParticipantEvent>(&budget, LedgerId::BUDGET)?;
    let events: Vec<&ParticipantEvent> = recorded.iter().map(|entry| &entry.event).collect();
    let none = || ClientError::Said(words::not_sent(settings.state_dir.display(), round.0, run.escape_debug()));
    let named = named(&events, run).ok_or_else(none)?;
    let charged = events.iter().rev().find_map(|event| match event {
        ParticipantEvent::Uploaded { run, round: sent, vector, .. } if *sent == round && *run == named => Some(*vector),
        _ => None,
    });
    let left = left(&settings.state_dir, named, round)?;
    match (left, charged) {
        (Some(left), Some(charged)) if left != charged => {
            Err(ClientError::Said(words::records_differ(settings.state_dir.join(FILE).display(), left, charged)))
        }
        (left, charged) => {
            let vector = left.or(charged).ok_or_else(none)?;
            Ok(Uploaded { run: named, vector, in_sent: left.is_some(), in_budget: charged.is_some() })
        }
    }
}

/// The run that is meant: by the plan's whole digest, or by letters of a plan that the budget file has.
fn named(events: &[&ParticipantEvent], run: &str) -> Option<RunRef> {
    let (plan, number) = run.split_once('/')?;
    let number = number.parse::<u32>().ok()?;
    if let Some(plan) = Digest::from_hex(plan) {
        return Some(RunRef { plan, number });
    }
    let fits = |found: &RunRef| {
        plan.len() >= PLAN_LETTERS_MIN && found.number == number && found.plan.to_string().starts_with(plan)
    };
    events.iter().rev().find_map(|event| match event {
        ParticipantEvent::Uploaded { run, .. } if fits(run) => Some(*run),
        _ => None,
    })
}

/// The vector that left in a round, by what is chained in `sent.log`.
fn left(state_dir: &Path, run: RunRef, round: RoundId) -> Result<Option<Digest>, ClientError> {
    let (id, mut found) = (run.id().to_string(), None);
    masked(state_dir, |run, of, digest| {
        if (run, of) == (id.as_str(), round.0) {
            found = Digest::from_hex(digest);
        }
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use tributary_protocol::ids::RunId;
    use tributary_protocol::time::Millis;
    use tributary_storage::files::create_private_folder;
    use tributary_storage::journal::Journal;

    use super::*;
    use crate::judge::tests::SCHEMA;
    use crate::sent::{Kind, Leaving, SentLog};
    use crate::test_home::bare;

    /// What left stands there by run and round; the last one counts, and a changed file says nothing.
    #[test]
    fn what_left_in_a_round_is_found_by_run_and_round() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunRef { plan: Digest::of(b"plan"), number: 2 };
        assert_eq!(left(dir.path(), run, RoundId(3)).unwrap(), None, "there is no file");
        let mut log = SentLog::open(dir.path(), "bank/coordinator", 1).unwrap();
        let other = RunId(Digest::of(b"other").0);
        for (of, round, kind, digest) in [
            (run.id(), 3, Kind::Masked, b"a"),
            (other, 4, Kind::Masked, b"b"),
            (run.id(), 4, Kind::SurvivorsAck, b"c"),
            (run.id(), 4, Kind::Masked, b"d"),
        ] {
            let digest = Digest::of(digest);
            let leaving = Leaving { run: Some(of), round: Some(round), kind, bytes: 9, vector: None, digest: &digest };
            log.note(7, &leaving).unwrap();
        }
        let found = |round| left(dir.path(), run, RoundId(round)).unwrap();
        assert_eq!([3, 4, 5].map(found), [Some(Digest::of(b"a")), Some(Digest::of(b"d")), None]);
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        std::fs::write(dir.path().join(FILE), text.replace("\"round\":3", "\"round\":4")).unwrap();
        assert!(left(dir.path(), run, RoundId(3)).is_err());
    }

    #[test]
    fn a_run_is_named_by_its_plans_digest_or_letters_of_it() {
        let digest = Digest::of(b"plan");
        let whole = format!("{digest}/2");
        assert_eq!(named(&[], &whole), Some(RunRef { plan: digest, number: 2 }));
        for text in ["", "/", "9f86d081/2", &whole[..64], &format!("{digest}/x")] {
            assert_eq!(named(&[], text), None, "{text}");
        }
    }

    /// One of the two files is enough, and where both have a round they must agree.
    #[test]
    fn what_was_uploaded_is_said_by_either_file_and_never_by_two_that_differ() {
        let home = bare(SCHEMA);
        let (config, state) = (home.path().join("client.toml"), home.path().join("state"));
        create_private_folder(&state).unwrap();
        let [run, before] = [2, 1].map(|number| RunRef { plan: Digest::of(b"plan"), number });
        let vector = |name: &str| Digest::of(name.as_bytes());
        let (mut journal, _) = Journal::<ParticipantEvent>::open(&state.join(BUDGET_FILE), LedgerId::BUDGET).unwrap();
        for (run, round, name) in [(before, 2, "x"), (run, 2, "both"), (run, 3, "y"), (run, 3, "budget"), (run, 5, "z")]
        {
            let (round, vector) = (RoundId(round), vector(name));
            journal.append(Millis(7), ParticipantEvent::Uploaded { run, round, vector, counter: 1 }).unwrap();
        }
        journal.sync().unwrap();
        let mut log = SentLog::open(&state, "bank/coordinator", 1).unwrap();
        for (round, name) in [(2, "both"), (4, "sent"), (5, "another")] {
            let (id, digest) = (Some(run.id()), vector(name));
            let round = Some(round);
            let leaving = Leaving { run: id, round, kind: Kind::Masked, bytes: 9, vector: None, digest: &digest };
            log.note(7, &leaving).unwrap();
        }
        let plan = run.plan.to_string();
        let said = |letters: usize, number: u32, round| {
            uploaded(&config, &format!("{}/{number}", &plan[..letters]), RoundId(round))
        };
        for (letters, round, name, in_sent, in_budget, by) in [
            (8, 2, "both", true, true, words::by_both()),
            (64, 3, "budget", false, true, words::by_budget()),
            (63, 4, "sent", true, false, words::by_sent()),
        ] {
            let found = said(letters, 2, round).unwrap_or_else(|fault| panic!("{fault}"));
            assert_eq!(found.by(), by);
            assert_eq!(found, Uploaded { run, vector: vector(name), in_sent, in_budget });
        }
        assert_eq!(said(8, 1, 2).map(|found| (found.run, found.vector)).ok(), Some((before, vector("x"))));
        let refused = |letters, number, round| said(letters, number, round).unwrap_err().to_string();
        let differ = words::records_differ(state.join(FILE).display(), vector("another"), vector("z"));
        assert_eq!(refused(8, 2, 5), ClientError::Said(differ).to_string());
        for (letters, number, round) in [(7, 2, 2), (8, 3, 2), (64, 3, 2), (8, 2, 6)] {
            let name = format!("{}/{number}", &plan[..letters]);
            let none = words::not_sent(state.display(), round, name.escape_debug());
            assert_eq!(refused(letters, number, round), ClientError::Said(none).to_string());
        }
    }
}
