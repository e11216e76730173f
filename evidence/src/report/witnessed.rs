//! Who has witnessed a journal: cosignatures on checkpoints that the journal goes on from.

use std::collections::BTreeMap;

use tributary_protocol::log::SignedCheckpoint;
use tributary_protocol::roster::Roster;
use tributary_protocol::secagg::suite::VerifyingKey;

use super::parts::WitnessLine;
use crate::checkpoint::{roots_of, verified, witnesses};
use crate::entries::Bad;

/// The largest journal that each member of a roster has witnessed, by these notes. A note counts if the coordinator's key signed it and the journal
/// has its root at its size; a line of a member counts if it verifies.
///
/// # Errors
/// [`Bad`] for a journal whose chain is not whole.
pub(super) fn of(
    notes: &[Vec<u8>],
    coordinator: Option<&VerifyingKey>,
    journal: &[u8],
    roster: &Roster,
) -> Result<Vec<WitnessLine>, Bad> {
    let Some(key) = coordinator else { return Ok(Vec::new()) };
    let signed: Vec<SignedCheckpoint> = notes.iter().filter_map(|note| verified(note, key).ok()).collect();
    let sizes: Vec<u64> = signed.iter().map(|note| note.checkpoint().size).collect();
    let roots = roots_of(journal, &sizes)?;
    let mut most: BTreeMap<u32, u64> = BTreeMap::new();
    for note in &signed {
        let (size, root) = (note.checkpoint().size, note.checkpoint().root);
        if !roots.contains(&(size, root)) {
            continue;
        }
        for witness in witnesses(note, roster).map(|found| found.witnesses).unwrap_or_default() {
            let entries = most.entry(witness.client.0).or_default();
            *entries = size.max(*entries);
        }
    }
    Ok(most.into_iter().map(|(client, entries)| WitnessLine { client, entries }).collect())
}
