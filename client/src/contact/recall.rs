//! A list, or some of its lines, are taken back: they are void at once, and a file tells the bank's system.

use std::path::Path;

use serde::Serialize;
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::is_hidden;
use tributary_storage::files::shown;
use tributary_texts::{Said, contact as words};

use super::event::{ContactEvent, Recall};
use super::handed::{Handed, hand_over};
use super::register::TEXT_BYTES_MAX;
use super::sheet::Table;
use super::store::Store;
use crate::error::ClientError;
use crate::settings::Settings;

/// What the word beside a recall says.
#[derive(Debug, Serialize)]
struct Word<'a> {
    format: u32,
    kind: &'static str,
    recall: u32,
    batch: u32,
    branch: &'a str,
    campaign: &'a str,
    file: &'a str,
    lines: usize,
    #[serde(serialize_with = "super::hex::one")]
    sha256: Digest,
}

/// Recalls a whole list. One that was not delivered is over without a file.
///
/// # Errors
/// If there is no such list, it is recalled already, or the file cannot be written: then the same command, or any other one about lists, goes on.
pub fn recall(config: &Path, list: u32, reason: &str, now: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let mut store = Store::open(&settings, now)?;
    let state = store.list(list)?;
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > TEXT_BYTES_MAX || reason.contains(is_hidden) {
        return Err(ClientError::Said(words::bad_reason(TEXT_BYTES_MAX)));
    }
    if state.purged {
        return Err(ClientError::Said(words::list_over(list)));
    }
    let mut said = Vec::new();
    if state.recalled {
        said.push(words::recalled_already(list));
    } else {
        begin(&mut store, (list, Vec::new()), reason, now)?;
        said.push(words::recalled(list));
    }
    said.extend(finish(&mut store, now)?);
    Ok(said)
}

/// Voids lines of a list; all of them where none is named. Durable when this returns. [`finish`] writes the file.
///
/// # Errors
/// If the register cannot be written.
pub(super) fn begin(
    store: &mut Store,
    (list, lines): (u32, Vec<u32>),
    reason: &str,
    now: u64,
) -> Result<(), ClientError> {
    let recall = store.register().next_recall();
    store.record(
        now,
        ContactEvent::RecallBegun(Box::new(Recall { recall, list, lines, reason: reason.to_owned(), at: now })),
    )
}

/// Writes every recall that is not written yet, where its list was delivered.
///
/// # Errors
/// If one cannot be written. It stays to be done.
pub(super) fn finish(store: &mut Store, now: u64) -> Result<Vec<Said>, ClientError> {
    let open: Vec<Recall> =
        store.register().recalls.values().filter(|state| !state.done).map(|state| state.recall.clone()).collect();
    let mut said = Vec::new();
    for recall in open {
        let state = store.list(recall.list)?;
        if let Some((delivery, _)) = &state.delivery {
            let stem = delivery.name.trim_end_matches(".csv");
            let name = format!("{stem}.recall-{:06}.csv", recall.recall);
            let lines: Vec<u32> = match recall.lines.is_empty() {
                true => (1..=state.built.lines).collect(),
                false => recall.lines.clone(),
            };
            let mut table = Table::new(',');
            table.row(["batch", "line", "reason"].into_iter());
            let batch = delivery.batch.to_string();
            for line in &lines {
                let line = line.to_string();
                table.row([batch.as_str(), line.as_str(), recall.reason.as_str()].into_iter());
            }
            let bytes = table.into_text().into_bytes();
            let word = Word {
                format: 1,
                kind: "recall",
                recall: recall.recall,
                batch: delivery.batch,
                branch: &state.built.branch,
                campaign: &state.built.campaign,
                file: &name,
                lines: lines.len(),
                sha256: Digest::of(&bytes),
            };
            let word = serde_json::to_vec_pretty(&word).map_err(ClientError::file)?;
            let folder = Path::new(&delivery.folder);
            let path = hand_over(folder, &Handed { name: &name, bytes: &bytes, word: &word })
                .map_err(|fault| ClientError::Said(words::recall_unwritten(recall.list, fault.said())))?;
            said.push(words::recall_written(recall.list, shown(&path)));
        }
        store.record(now, ContactEvent::Recalled { recall: recall.recall })?;
    }
    Ok(said)
}
