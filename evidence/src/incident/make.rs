//! Makes the file of an incident from a verified log.

use std::collections::{BTreeMap, BTreeSet};

use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{LedgerId, Scan, SignedCheckpoint};
use tributary_protocol::merkle::MerkleTree;
use tributary_protocol::plan::Date;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::round::CoordinatorEvent;

use super::follow::{roster_of_registry, roster_of_run};
use super::{EntryLine, IncidentExport};
use crate::checkpoint::{verified, witnesses};
use crate::entries::{Bad, decode, read, whole};
use crate::paper::{Body as _, GENERATOR, Paper};
use crate::report::{Asked, IncidentLine, Material, Period, Scope, compliance};

/// From what the file is made.
pub struct Source<'a> {
    /// The journal and what stands beside it.
    pub material: Material<'a>,
    /// The list of roster authorities, as its file has it.
    pub authorities: String,
    /// The coordinator's key.
    pub key: &'a SigningKey,
}

/// Why there is no such file.
#[derive(Debug, thiserror::Error)]
pub enum IncidentFault {
    /// The journal is not in order.
    #[error("the journal is not in order, so nothing is shown of an incident:\n{0}")]
    Journal(Bad),
    /// No such incident.
    #[error("there is no incident {asked} in this journal; `tributary incident list` shows which there are")]
    Unknown {
        /// What was asked for.
        asked: String,
    },
    /// No checkpoint.
    #[error(
        "no checkpoint, signed by this coordinator, has the {needed} entries that the incident rests on; export it again when the daemon has made one"
    )]
    NoCheckpoint {
        /// Entries that it must have.
        needed: u64,
    },
    /// Nobody could read it.
    #[error(
        "the file of this incident would have {bytes} bytes, and nobody reads more than {most}: too much happened in its time. An audit bundle of these \
         days has all of it",
        most = IncidentExport::BYTES_MAX
    )]
    Long {
        /// Its bytes.
        bytes: usize,
    },
}

impl From<Bad> for IncidentFault {
    fn from(bad: Bad) -> Self {
        Self::Journal(bad)
    }
}

/// Every incident of a journal, with its timeline.
///
/// # Errors
/// If the journal is not in order.
pub fn timelines(material: &Material<'_>) -> Result<Vec<IncidentLine>, Bad> {
    let all = Period::new(Date::of_second(0), Date::of_second(u64::from(u32::MAX)));
    let asked = Asked { preset: None, period: all.expect("in their order"), scope: Scope::All };
    Ok(compliance(material, &asked)?.incidents)
}

impl IncidentLine {
    /// The incident of a number, or of the first 8 or more digits of its digest.
    ///
    /// # Errors
    /// [`IncidentFault::Unknown`] if there is none, or several.
    pub fn meant(lines: Vec<Self>, asked: &str) -> Result<Self, IncidentFault> {
        let meant = |line: &Self| {
            asked.parse() == Ok(line.number) && asked.len() < 8 || asked.len() >= 8 && line.incident.starts_with(asked)
        };
        let mut all = lines.into_iter().filter(meant);
        let one = all.next().filter(|_| all.next().is_none());
        one.ok_or_else(|| IncidentFault::Unknown { asked: asked.escape_debug().to_string() })
    }
}

/// Makes and signs the file of an incident, which is named by its number or the first 8 or more digits of its digest.
///
/// # Errors
/// [`IncidentFault`].
pub fn export(source: &Source<'_>, asked: &str) -> Result<Paper<IncidentExport>, IncidentFault> {
    let incident = IncidentLine::meant(timelines(&source.material)?, asked)?;
    let scan = whole(source.material.journal)?;
    let mut wanted: BTreeSet<u64> = incident.timeline.iter().map(|line| line.entry).collect();
    let last = wanted.last().copied().unwrap_or(0);
    let ledgers: BTreeMap<LedgerId, u64> = scan
        .entries
        .iter()
        .filter(|entry| wanted.contains(&entry.position))
        .map(|entry| (entry.ledger, entry.position))
        .collect();
    // By whom the signatures are, and of which run the others are.
    for entry in &scan.entries {
        if ledgers.get(&entry.ledger).is_none_or(|last| entry.position > *last) {
            continue;
        }
        let ground = match entry.ledger {
            LedgerId::ADMINISTRATION => roster_of_registry(&read::<RegistryEvent>(entry)?.event).is_some(),
            _ => {
                let event = read::<CoordinatorEvent>(entry)?.event;
                matches!(event, CoordinatorEvent::RunOpened { .. }) || roster_of_run(&event).is_some()
            }
        };
        if ground {
            wanted.insert(entry.position);
        }
    }
    let checkpoint = checkpoint(source, &scan, last)?;
    let size = usize::try_from(checkpoint.checkpoint().size).unwrap_or(usize::MAX);
    let leaves: Vec<Digest> = scan.entries.iter().take(size).map(|entry| entry.leaf).collect();
    let tree = MerkleTree::new(Digest::of_parts, leaves);
    let entries = scan.entries.iter().filter(|entry| wanted.contains(&entry.position)).map(|entry| EntryLine {
        entry: entry.position,
        ledger: Digest(entry.ledger.0).to_string(),
        sequence: entry.sequence,
        event: entry.event.iter().map(|byte| format!("{byte:02x}")).collect(),
        path: tree
            .path(usize::try_from(entry.position).unwrap_or(usize::MAX))
            .map(|digest| digest.to_string())
            .collect(),
    });
    let body = IncidentExport {
        format: IncidentExport::FORMAT,
        generator: GENERATOR.into(),
        authorities: source.authorities.clone(),
        checkpoint: checkpoint.to_string(),
        incident,
        entries: entries.collect(),
    };
    let paper = Paper::sign(body, source.key);
    let bytes = paper.to_json().len();
    if bytes > IncidentExport::BYTES_MAX { Err(IncidentFault::Long { bytes }) } else { Ok(paper) }
}

/// The checkpoint that has the entry and the most cosignatures of the roster in force; of several the newest one.
fn checkpoint(source: &Source<'_>, scan: &Scan<'_>, last: u64) -> Result<SignedCheckpoint, IncidentFault> {
    let own = source.key.verifying_key();
    let entries = decode::<RegistryEvent>(scan, LedgerId::ADMINISTRATION)?;
    let roster = entries.iter().rev().find_map(|entry| roster_of_registry(&entry.event));
    let notes = source.material.checkpoints.iter().filter_map(|note| verified(note, &own).ok());
    let notes = notes.filter(|note| (last + 1..=scan.entries.len() as u64).contains(&note.checkpoint().size));
    let cosigned = |note: &SignedCheckpoint| {
        let found = roster.and_then(|roster| witnesses(note, &roster.roster).ok());
        found.map_or(0, |found| found.witnesses.len())
    };
    let best = notes.max_by_key(|note| (cosigned(note), note.checkpoint().size));
    best.ok_or(IncidentFault::NoCheckpoint { needed: last.saturating_add(1) })
}
