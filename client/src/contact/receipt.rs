//! The bank's system answers whether it took a batch.

use std::path::Path;

use serde::Deserialize;
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::Printable;
use tributary_storage::files::read_text;
use tributary_texts::{Said, contact as words};

use super::event::ContactEvent;
use super::recall::{begin, finish};
use super::store::Store;
use crate::error::ClientError;
use crate::settings::Settings;

/// What the bank's system is told of a batch that it did not take.
const REASON: &str = "batch not taken";

/// An answer as the bank's system writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    format: u32,
    batch: u32,
    sha256: String,
    lines: u32,
    accepted: bool,
}

/// Records an answer. The same answer again changes nothing. A batch that was not taken is recalled.
///
/// # Errors
/// If it is none, is about another batch or another file, or contradicts what was recorded.
pub fn receipt(config: &Path, list: u32, file: &Path, now: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let text = read_text(file, "answer").map_err(ClientError::file)?;
    let bad = |what: String| ClientError::Said(words::bad_answer(file.display(), Printable::new(&what)));
    let answer: Answer = serde_json::from_str(&text).map_err(|fault| bad(fault.to_string()))?;
    let mut store = Store::open(&settings, now)?;
    let state = store.list(list)?;
    let Some(delivery) = state.delivered() else { return Err(ClientError::Said(words::not_delivered(list))) };
    if answer.format != 1 {
        return Err(bad(format!("format {}", answer.format)));
    }
    if answer.batch != delivery.batch {
        return Err(ClientError::Said(words::answer_of_other_batch(file.display(), answer.batch, delivery.batch)));
    }
    if Digest::from_hex(&answer.sha256) != Some(delivery.digest) || answer.lines != state.built.lines {
        return Err(ClientError::Said(words::answer_of_other_file(file.display(), delivery.batch)));
    }
    let batch = delivery.batch;
    match state.accepted {
        Some(known) if known == answer.accepted => {}
        Some(_) => return Err(ClientError::Said(words::answer_contradicts(file.display(), batch))),
        None => store.record(now, ContactEvent::Answered { batch, accepted: answer.accepted, at: now })?,
    }
    if answer.accepted {
        return Ok(vec![words::answer_accepted(batch)]);
    }
    // Nobody has signed the answer: where the system took the batch all the same, it is told that no line of it may be used.
    let state = store.list(list)?;
    if !state.recalled && !state.purged {
        begin(&mut store, (list, Vec::new()), REASON, now)?;
    }
    let mut said = vec![words::answer_refused(batch)];
    said.extend(finish(&mut store, now)?);
    Ok(said)
}
