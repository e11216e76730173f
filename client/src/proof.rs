//! What a branch's own record says that it sent in a round: for the proof that it is in a sum.

use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::ParticipantEvent;
use tributary_storage::journal::read_view;
use tributary_texts::proof as words;

use crate::budget::BUDGET_FILE;
use crate::error::ClientError;
use crate::settings::Settings;

/// Fewest letters of a plan's digest by which it is named.
const PLAN_LETTERS_MIN: usize = 8;

/// The run that a text names (the plan's digest or its first letters, and the run's number: `9f86d081/2`), and the digest of the masked vector that this
/// branch sent in a round of it. A daemon may be running.
///
/// # Errors
/// If settings or budget file cannot be used, or nothing left in such a round.
pub fn uploaded(config: &Path, run: &str, round: RoundId) -> Result<(RunRef, Digest), ClientError> {
    let settings = Settings::load(config)?;
    let path = settings.state_dir.join(BUDGET_FILE);
    let recorded = read_view::<ParticipantEvent>(&path, LedgerId::BUDGET)?;
    let named = run.split_once('/').and_then(|(plan, number)| Some((plan, number.parse::<u32>().ok()?)));
    let fits = |found: &RunRef| {
        named.is_some_and(|(plan, number)| {
            plan.len() >= PLAN_LETTERS_MIN && found.number == number && found.plan.to_string().starts_with(plan)
        })
    };
    let sent = recorded.iter().rev().find_map(|entry| match &entry.event {
        ParticipantEvent::Uploaded { run, round: sent, vector, .. } if *sent == round && fits(run) => {
            Some((*run, *vector))
        }
        _ => None,
    });
    sent.ok_or_else(|| ClientError::Said(words::not_sent(path.display(), round.0, run.escape_debug())))
}
