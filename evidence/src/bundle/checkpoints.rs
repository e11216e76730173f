//! Checkpoints of the journal, as its coordinator signed and branches cosigned them: whoever edits, cuts or writes the journal anew has no such
//! cosignatures for it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::NOTE_BYTES_MAX;
use tributary_protocol::log::{LogEntry, NoteKey, SignatureKind, SignedCheckpoint, origin_of};
use tributary_protocol::roster::Roster;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_protocol::time::Millis;

use super::fault::Fault;
use super::reader::{Bundle, Source};
use crate::checkpoint::{RootsAt, entries_of_name, is_kept_name, verified, witnesses};
use crate::report::shown::moment;
use crate::run::NotVerified;
use crate::trust::Federation;

/// The folder of checkpoints.
const FOLDER: &str = "checkpoints/";
/// The key by which all of them are signed.
const KEY: &str = "checkpoints/coordinator.key";

/// Whether a part is a checkpoint, by its name.
fn is_note(name: &str) -> bool {
    name.strip_prefix(FOLDER).is_some_and(is_kept_name)
}

/// Whether an export gives this name to a checkpoint or to their key.
pub(super) fn is_part(name: &str) -> bool {
    name == KEY || is_note(name)
}

/// What was found of checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckpointsReport {
    /// Checkpoints of this journal with the coordinator's signature.
    pub checkpoints: usize,
    /// Cosignatures of members of the roster under them.
    pub cosignatures: usize,
    /// Entries of the journal up to the newest checkpoint that more than half of the roster's members have cosigned.
    pub witnessed_entries: u64,
    /// Members who have cosigned that one.
    pub witnesses: usize,
    /// Members of the roster at that place.
    pub members: usize,
    /// Entries after it: nobody but the coordinator vouches for them yet.
    pub entries_after: u64,
    /// When more than half of the members had cosigned that one, in Unix seconds, by the clock of the branch that made it more than half.
    pub witnessed_at: Option<u64>,
    /// The latest time of a cosignature of any member, in Unix seconds, by its own clock.
    pub cosigned_at: Option<u64>,
    /// Entries of the checkpoint that whoever verifies it holds, where the journal has its root.
    pub held_entries: Option<u64>,
}

/// A checkpoint that whoever verifies a bundle has from somebody else, such as a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// From where, in words.
    pub name: String,
    /// The signed note.
    pub note: Vec<u8>,
}

/// What speaks against a bundle beside a checkpoint that somebody holds.
pub(super) enum Disagrees {
    /// The journal is another one, or was cut.
    Wrong(String),
    /// Nothing here tells.
    Open(String),
}

/// Checkpoints of a bundle, and what the journal says at their sizes.
pub(super) struct Checkpoints {
    /// Their names: each is read where it is judged, so that one is in memory at a time.
    notes: Vec<String>,
    key: Option<Option<NoteKey>>,
    roots: RootsAt,
}

impl Checkpoints {
    /// The notes, before the journal is walked.
    pub(super) fn read<S: Source>(bundle: &Bundle<S>, held: Option<&Held>) -> Self {
        let notes: Vec<String> = bundle.names().filter(|name| is_note(name)).map(str::to_owned).collect();
        let key = bundle.names().any(|name| name == KEY).then(|| {
            let bytes = bundle.short_part(KEY, NOTE_BYTES_MAX)?;
            let key = str::from_utf8(&bytes).ok().and_then(|text| NoteKey::parse(text).ok());
            // One spelling alone: a space more would be a change that nobody sees.
            key.filter(|key| key.kind() == SignatureKind::Journal && format!("{key}\n").as_bytes() == bytes)
        });
        let sizes = notes.iter().filter_map(|name| {
            let signed = SignedCheckpoint::parse(&bundle.short_part(name, NOTE_BYTES_MAX)?).ok()?;
            Some(signed.checkpoint().size)
        });
        let of_held = held.and_then(|held| SignedCheckpoint::parse(&held.note).ok());
        let roots = RootsAt::of(sizes.chain(of_held.map(|signed| signed.checkpoint().size)));
        Self { roots, notes, key }
    }

    /// The next entry of the journal.
    pub(super) fn follow(&mut self, entry: &LogEntry<'_>) {
        self.roots.push(entry.leaf);
    }

    /// So many entries are left out.
    pub(super) fn skip(&mut self, height: u32, root: Digest) {
        self.roots.push_full(height, root);
    }

    /// Judges a checkpoint that somebody holds, after the last entry: its number of entries. `goes_on` is whether the bundle says that the journal does.
    pub(super) fn against(&self, held: &Held, own: Option<Digest>, goes_on: bool) -> Result<u64, Disagrees> {
        let Some(Some(key)) = &self.key else {
            let why = "the key by which checkpoints are signed, to verify the one that you hold".to_owned();
            return Err(Disagrees::Open(why));
        };
        let signed = verified(&held.note, key.key()).map_err(|fault| Disagrees::Wrong(fault.to_string()))?;
        let (checkpoint, entries) = (signed.checkpoint(), self.roots.entries());
        checkpoint.check().map_err(|fault| Disagrees::Wrong(fault.to_string()))?;
        if own.is_some_and(|own| checkpoint.origin != origin_of(&own)) {
            return Err(Disagrees::Wrong("it is a checkpoint of another federation's journal".into()));
        }
        let size = checkpoint.size;
        match self.roots.at(size) {
            Some(root) if root == checkpoint.root => Ok(size),
            Some(_) => {
                let why = format!(
                    "the first {size} entries of the journal here are others than those of the checkpoint that you hold"
                );
                Err(Disagrees::Wrong(why))
            }
            None if size <= entries => {
                let why = format!(
                    "the root of the first {size} entries, of which you hold a checkpoint: this part of the journal does not show it"
                );
                Err(Disagrees::Open(why))
            }
            None if goes_on => {
                let why = format!(
                    "the entries up to the {size} of the checkpoint that you hold: the bundle says that its journal goes on after its {entries}"
                );
                Err(Disagrees::Open(why))
            }
            None => {
                let why = format!(
                    "the journal here has {entries} entries, and the checkpoint that you hold is of {size}: entries were cut off"
                );
                Err(Disagrees::Wrong(why))
            }
        }
    }

    /// Judges every checkpoint, after the last entry.
    pub(super) fn judge<S: Source>(
        &self,
        bundle: &Bundle<S>,
        own: Option<Digest>,
        federation: &Federation,
        faults: &mut Vec<Fault>,
    ) -> CheckpointsReport {
        let (entries, partial) = (self.roots.entries(), bundle.is_partial());
        let mut report = CheckpointsReport { entries_after: entries, ..CheckpointsReport::default() };
        let mut wrong = |part: &str, reason: String| faults.push(Fault { part: part.to_owned(), reason });
        let key = match &self.key {
            Some(Some(key)) => key,
            Some(None) => {
                wrong(KEY, "it is no public signing key".into());
                return report;
            }
            None => {
                self.notes
                    .iter()
                    .for_each(|name| wrong(name, "the key by which checkpoints are signed is not here".into()));
                return report;
            }
        };
        if own.is_some_and(|own| key.name() != origin_of(&own)) {
            wrong(KEY, "it is the key of another federation's coordinator".into());
            return report;
        }
        let key = key.key();
        // One checkpoint lies under its number, and as the newest or the one before: it counts once.
        let (mut counted, mut cosigners) = (BTreeSet::new(), BTreeSet::new());
        for name in &self.notes {
            let Some(note) = bundle.short_part(name, NOTE_BYTES_MAX) else {
                wrong(name, format!("it is longer than {NOTE_BYTES_MAX} bytes, which no checkpoint is"));
                continue;
            };
            let size = SignedCheckpoint::parse(&note).ok().map(|signed| signed.checkpoint().size);
            let number = name.strip_prefix(FOLDER).and_then(entries_of_name);
            if number.zip(size).is_some_and(|(number, size)| number != size) {
                wrong(name, "it has the name of another checkpoint".into());
                continue;
            }
            let signed = match verified(&note, key) {
                Ok(signed) => signed,
                Err(fault) => {
                    wrong(name, fault.to_string());
                    continue;
                }
            };
            let checkpoint = signed.checkpoint();
            if let Err(fault) = checkpoint.check() {
                wrong(name, fault.to_string());
                continue;
            }
            if own.is_some_and(|own| checkpoint.origin != origin_of(&own)) {
                wrong(name, "it is a checkpoint of another federation's journal".into());
                continue;
            }
            let size = checkpoint.size;
            match self.roots.at(size) {
                Some(root) if root == checkpoint.root => {}
                Some(_) => {
                    wrong(
                        name,
                        format!(
                            "the first {size} entries of the journal are not those that it was signed for: the journal was edited or written anew"
                        ),
                    );
                    continue;
                }
                None if partial && size <= entries => {
                    wrong(
                        name,
                        "the part of the journal does not end where it was signed: another export made it".into(),
                    );
                    continue;
                }
                None => {
                    wrong(
                        name,
                        format!(
                            "the journal had {size} entries when it was signed, and has {entries}: entries were cut off"
                        ),
                    );
                    continue;
                }
            }
            counted.insert((size, checkpoint.root));
            let Some(roster) = federation.in_force(size) else { continue };
            match witnesses(&signed, roster) {
                Err(fault) => wrong(name, fault.to_string()),
                Ok(found) => {
                    if !found.forged.is_empty() {
                        wrong(name, format!("the cosignatures of {} do not verify", found.forged.join(", ")));
                    }
                    // A branch may have cosigned by the key of another roster. A line by a key that no roster has is nobody's here, whatever
                    // name it has.
                    let known = |name: &String| {
                        let lines = signed.signatures().iter().filter(|line| line.name() == name).count();
                        lines <= cosigned(&signed, name, federation)
                    };
                    // A roster that is left out may have it.
                    let stranger = found.unknown.iter().find(|name| !known(name)).filter(|_| !partial);
                    if let Some(stranger) = stranger {
                        wrong(
                            name,
                            format!(
                                "{} has one cosignature twice, or one by a key that no roster of the journal has",
                                stranger.escape_debug()
                            ),
                        );
                    }
                    let count = found.witnesses.len();
                    let mut times: Vec<u64> = found.witnesses.iter().map(|witness| witness.at).collect();
                    times.sort_unstable();
                    report.cosigned_at = report.cosigned_at.max(times.last().copied());
                    cosigners.extend(found.witnesses.iter().map(|witness| (size, witness.client)));
                    if 2 * count > found.members && size >= report.witnessed_entries {
                        report.witnessed_entries = size;
                        report.entries_after = entries.saturating_sub(size);
                        (report.witnesses, report.members) = (count, found.members);
                        report.witnessed_at = times.get(found.members / 2).copied();
                    }
                }
            }
        }
        (report.checkpoints, report.cosignatures) = (counted.len(), cosigners.len());
        report
    }
}

/// By how many keys of this name, of all rosters, a checkpoint was cosigned.
fn cosigned(signed: &SignedCheckpoint, name: &str, federation: &Federation) -> usize {
    let entries = federation.rosters().flat_map(Roster::entries).filter(|entry| entry.name.as_str() == name);
    let mut keys: Vec<&VerifyingKey> = Vec::new();
    for entry in entries {
        let key = NoteKey::new(name, SignatureKind::Witness, &entry.signing_key);
        let verifies = key.is_ok_and(|key| signed.witnessed::<RealSuite>(&key).is_ok());
        if verifies && !keys.contains(&&entry.signing_key) {
            keys.push(&entry.signing_key);
        }
    }
    keys.len()
}

impl CheckpointsReport {
    /// Entries that come after every checkpoint that more than half of the branches have cosigned, and after the one that the verifier holds.
    pub(super) fn after(&self) -> Option<NotVerified> {
        let entries = self.witnessed_entries.saturating_add(self.entries_after);
        let known = self.witnessed_entries.max(self.held_entries.unwrap_or(0));
        let count = u32::try_from(entries.saturating_sub(known)).unwrap_or(u32::MAX);
        let reason = "entries at the end of the journal for which nobody but the coordinator vouches yet: hold a branch's newest checkpoint against it with --checkpoint";
        (count > 0).then(|| NotVerified { count, reason: reason.into() })
    }
}

impl fmt::Display for CheckpointsReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { checkpoints, cosignatures, witnessed_entries, witnesses, members, entries_after, .. } = self;
        let time = |second: Option<u64>| {
            second.map_or_else(|| "no time".into(), |second| moment(Millis(second.saturating_mul(1000))))
        };
        write!(formatter, "{checkpoints} of the journal, with {cosignatures} cosignatures of branches; ")?;
        match witnessed_entries {
            0 => write!(formatter, "none of them has those of more than half of the roster"),
            _ => write!(
                formatter,
                "{witnesses} of {members} branches vouch for the first {witnessed_entries} entries, {entries_after} came after; more than half had cosigned at {}, and the latest cosignature is of {}",
                time(self.witnessed_at),
                time(self.cosigned_at)
            ),
        }?;
        self.held_entries.iter().try_for_each(|entries| {
            write!(formatter, "; the checkpoint that you hold, of {entries} entries, is of this journal")
        })
    }
}
