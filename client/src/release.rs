//! `tributary client budget release`: what a run has reserved is free again where nobody signed its end here.
//!
//! A run ends when the coordinator signs that, or when the next one of its plan is accepted. A branch that was away then, and whose coordinator never
//! came back, would keep what it reserved for ever. Nothing more is charged in a run that was released, so that its owner gives away a part in
//! the run and nothing else; the date is a guard against giving one away by mistake.

use std::path::Path;

use tributary_certs::budget::sign_release;
use tributary_certs::keys::read_signing_key;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::{BudgetRecord, ParticipantEvent, RunEnd};
use tributary_protocol::time::Millis;
use tributary_texts::{Said, budget as words, words as terms};

use crate::budget::{BUDGET_FILE, bad_budget, begun_budget, judged};
use crate::error::ClientError;
use crate::settings::Settings;

/// Fewest letters of a plan's digest by which it is named.
const PLAN_LETTERS_MIN: usize = 8;

/// Ends a run in the budget file by its owner's signature. `run` is the plan's digest, or its first letters, and the run's number: `9f86d081/2`.
///
/// # Errors
/// If there is no such run that is open, the key is not the owner's, or the run can be under way yet.
pub fn release_run(config: &Path, run: &str, key: &Path, now_unix_ms: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    let (mut file, events) = begun_budget(&settings)?;
    let record = judged(&events).map_err(|fault| bad_budget(&settings, &fault))?;
    let path = settings.state_dir.join(BUDGET_FILE);
    let failed = |said: Said| ClientError::Said(words::of_file(path.display(), said));
    let reference = open_run(&record, run).map_err(&failed)?;
    let until = record.accepted.get(&reference).map_or(Millis(u64::MAX), |terms| terms.until);
    if Millis(now_unix_ms) < until {
        let days = Millis(now_unix_ms).until(until).div_ceil(86_400_000);
        return Err(failed(words::under_way(reference.number, reference.plan.short(), days)));
    }
    let release = sign_release(&owner, record.population_digest.unwrap_or(Digest::ZERO), reference);
    let at = Millis(now_unix_ms);
    let event = ParticipantEvent::RunEnded { run: reference, at, how: RunEnd::Released(release) };
    if record.owner() != Some(&owner.verifying_key()) || record.check(&event).is_err() {
        return Err(failed(words::not_let_go(key.display())));
    }
    file.append(at, event)?;
    file.sync()?;
    Ok(vec![words::run_released(reference.number, reference.plan), words::released_for_good()])
}

/// The open run that a text names.
fn open_run(record: &BudgetRecord, text: &str) -> Result<RunRef, Said> {
    let open: Vec<&RunRef> = record.accepted.keys().filter(|run| record.is_open(run)).collect();
    let named = text.split_once('/').and_then(|(plan, number)| Some((plan, number.parse::<u32>().ok()?)));
    let found: Vec<&&RunRef> = match named {
        Some((plan, number)) if plan.len() >= PLAN_LETTERS_MIN => {
            open.iter().filter(|run| run.number == number && run.plan.to_string().starts_with(plan)).collect()
        }
        _ => Vec::new(),
    };
    match found.as_slice() {
        [one] => Ok(***one),
        _ => {
            let names: Vec<String> = open.iter().map(|run| format!("{}/{}", run.plan.short(), run.number)).collect();
            let names = if names.is_empty() { terms::none() } else { Said::verbatim(names.join(", ")) };
            Err(words::no_such_run(format!("{text:?}"), names))
        }
    }
}

#[cfg(test)]
mod tests {
    use tributary_certs::budget::sign_first_use;
    use tributary_certs::suite::{RealSuite, SigningKey};
    use tributary_protocol::privacy::Accounts;
    use tributary_protocol::round::Claim;

    use tributary_texts::Language;

    use super::*;
    use crate::test_home::accepted;

    fn owner() -> SigningKey {
        SigningKey::from_seed(&[1; 32])
    }

    fn record() -> (BudgetRecord, RunRef) {
        let run = RunRef { plan: Digest([0xab; 32]), number: 2 };
        let first = sign_first_use(&owner(), ("a", &[7; 32]), owner().verifying_key(), false);
        let begun = ParticipantEvent::BudgetBegun { population: "a".into(), salt: [7; 32], first };
        (BudgetRecord::replay(&[begun, accepted(run, 500)]).unwrap(), run)
    }

    #[test]
    fn an_open_run_is_named_by_its_plan_and_number() {
        let (record, run) = record();
        for text in [format!("{}/2", run.plan), "abababab/2".to_owned()] {
            assert_eq!(open_run(&record, &text), Ok(run));
        }
        for text in ["abababab/1", "abab/2", "2", "", "cdcdcdcd/2"] {
            let told = open_run(&record, text).unwrap_err().text(Language::English).to_owned();
            assert!(told.contains(&format!("{}/2", run.plan.short())), "{told}");
        }
    }

    #[test]
    fn the_owners_word_frees_what_is_reserved_and_nobody_elses_does() {
        let (mut record, run) = record();
        let population = record.population_digest.unwrap();
        let ends = |key: &SigningKey, at| ParticipantEvent::RunEnded {
            run,
            at: Millis(at),
            how: RunEnd::Released(sign_release(key, population, run)),
        };
        assert!(record.check(&ends(&SigningKey::from_seed(&[2; 32]), 500)).is_err());
        assert!(record.check(&ends(&owner(), 499)).is_err(), "it can be under way yet");
        let event = ends(&owner(), 500);
        assert_eq!(record.check(&event), Ok(()));
        assert!(record.claims::<RealSuite>(&event, None).unwrap().iter().all(Claim::holds::<RealSuite>));
        assert_ne!(record.reserved(), Accounts::zero());
        record.apply(&event);
        assert_eq!(record.reserved(), Accounts::zero());
        assert!(open_run(&record, "abababab/2").unwrap_err().text(Language::English).contains("none"));
    }
}
