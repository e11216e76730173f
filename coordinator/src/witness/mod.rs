//! The journal's witnesses: checkpoints of `audit.log`, the proofs that branches are shown, and who has cosigned what.
//!
//! ```text
//! STATE/checkpoints/newest             the newest checkpoint, with the cosignatures that have come
//! STATE/checkpoints/previous           the one before it
//! STATE/checkpoints/<entries>          20 digits: the checkpoint after the end of a run; only added to
//! STATE/checkpoints/witnesses          what each member cosigned last, and since when it is behind
//! STATE/checkpoints/coordinator.key    the key by which all of them are signed
//! ```
//!
//! A checkpoint is made of entries that are on the disk, and at most one in [`EVERY_SECONDS`], or at the end of a run. None of this belongs to a round:
//! nobody waits for a cosignature, and a fault of these files ends nothing. One thing does end the process: a journal that does not go on from the
//! checkpoint that this coordinator has signed itself. Its entries are not those that others have seen.

mod folder;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::{CHECKPOINT_BYTES_MAX, CONSISTENCY_PROOF_MAX};
use tributary_protocol::log::{Checkpoint, NoteFault, NoteKey, SignatureKind, SignedCheckpoint, origin_of};
use tributary_protocol::message::{ShownCheckpoint, WitnessWord};
use tributary_protocol::proofs::GrowingTree;
use tributary_protocol::roster::{Roster, RosterEntry};
use tributary_storage::files::FileError;

pub(crate) use self::folder::{CHECKPOINTS, notes_beside};
use self::folder::{Folder, Standing};

/// Seconds between two checkpoints, but for those at the end of a run.
const EVERY_SECONDS: u64 = 5;

/// So long a member may be behind before the operator is told: ten minutes.
const LATE_SECONDS: u64 = 600;

/// Checkpoints for which cosignatures are still taken.
const RECENT_MAX: usize = 8;

/// Why the coordinator does not go on with its journal.
#[derive(Debug, thiserror::Error)]
#[error(
    "{ledger} has {found} entries and does not go on from the checkpoint of {seen} entries that this coordinator has signed ({checkpoint}): entries were \
     cut off or changed, or an older copy was put back. The branches would find it too. Keep both files as evidence, and put the newest good copy of \
     audit.log in its place. If there is none, tell the auditors and the branches, and move the folder `checkpoints` away: the branches then say what \
     they have seen"
)]
pub struct Forked {
    ledger: String,
    checkpoint: String,
    seen: u64,
    found: u64,
}

/// A member that has not cosigned what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Behind {
    pub(crate) client: ClientId,
    /// Unix seconds.
    pub(crate) since: u64,
    /// Entries of what it cosigned last; 0 for none.
    pub(crate) size: u64,
}

/// How the witnesses stand.
pub(crate) struct Overview {
    pub(crate) entries: u64,
    /// Unix seconds of the newest checkpoint.
    pub(crate) made: u64,
    /// Members that have cosigned it.
    pub(crate) cosigned: usize,
    /// Those that are behind for long, ascending.
    pub(crate) late: Vec<Behind>,
    /// Those that have seen another journal, with the entries of their checkpoint.
    pub(crate) disputes: Vec<(ClientId, u64)>,
}

/// What came of a witness's word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing to tell anybody.
    Fine,
    /// The client may be shown the newest checkpoint.
    Shows,
    /// It has a checkpoint of this coordinator that this journal does not go on from: of so many entries.
    Disputed { entries: u64, root: Digest },
    /// What it sent proves nothing.
    Wrong(String),
}

/// The leaves of the journal. Its front may still be unread.
struct Leaves {
    tree: GrowingTree,
    /// Leaves after a front that is being read.
    pending: Option<Vec<Digest>>,
}

/// One link to a member.
#[derive(Clone, Copy)]
struct Link {
    /// Entries of the checkpoint that it has.
    seen: u64,
    /// It was shown one, and has not answered.
    owes: bool,
    /// It has refused one; it is shown none on this link any more.
    refused: bool,
}

/// The witnesses of this coordinator's journal.
pub(crate) struct Witnesses {
    folder: Folder,
    ledger: String,
    origin: String,
    key: Arc<SigningKey>,
    leaves: Leaves,
    /// What this coordinator has signed before it was started; nothing once it was compared.
    before: Option<Checkpoint>,
    recent: VecDeque<SignedCheckpoint>,
    made: u64,
    /// Sizes of those that are kept for good.
    kept: BTreeSet<u64>,
    /// Sizes of those whose files say less.
    changed: BTreeSet<u64>,
    /// Their files could not be written the last time.
    failing: bool,
    standing: BTreeMap<ClientId, Standing>,
    links: BTreeMap<ClientId, Link>,
}

impl Witnesses {
    /// `leaves` are those of the journal's entries that were read, and `whole` is false where a front of it was not.
    ///
    /// # Errors
    /// If the folder cannot be made or read, or the key has no place in a note.
    pub(crate) fn open(
        (state_dir, ledger): (&Path, &Path),
        federation: &Digest,
        key: Arc<SigningKey>,
        (leaves, whole): (Vec<Digest>, bool),
    ) -> Result<Self, FileError> {
        let (folder, origin) = (Folder::open(state_dir)?, origin_of(federation));
        let before = folder.newest().filter(|newest| newest.origin == origin);
        folder.write_key(&origin, &key.verifying_key())?;
        let standing = folder.standing();
        let pending = (!whole).then(Vec::new);
        let mut own = Self {
            folder,
            ledger: ledger.display().to_string(),
            origin,
            key,
            leaves: Leaves { tree: GrowingTree::new(), pending },
            before,
            recent: VecDeque::new(),
            made: 0,
            kept: BTreeSet::new(),
            changed: BTreeSet::new(),
            failing: false,
            standing,
            links: BTreeMap::new(),
        };
        own.add(leaves);
        Ok(own)
    }

    /// Entries were read or appended.
    pub(crate) fn add(&mut self, leaves: Vec<Digest>) {
        match &mut self.leaves.pending {
            Some(pending) => pending.extend(leaves),
            None => leaves.into_iter().for_each(|leaf| self.leaves.tree.push(Digest::of_parts, leaf)),
        }
    }

    /// The front of the journal was read.
    pub(crate) fn front(&mut self, leaves: Vec<Digest>) {
        if let Some(pending) = self.leaves.pending.take() {
            self.add(leaves);
            self.add(pending);
        }
    }

    /// Whether the journal goes on from what this coordinator has signed before; not asked while a front of it is unread.
    ///
    /// # Errors
    /// [`Forked`].
    pub(crate) fn check(&mut self) -> Result<(), Forked> {
        let tree = &self.leaves.tree;
        let Some(before) = self.before.take_if(|_| self.leaves.pending.is_none()) else { return Ok(()) };
        if tree.root_at(Digest::of_parts, before.size) == Some(before.root) {
            return Ok(());
        }
        let (ledger, checkpoint) = (self.ledger.clone(), self.folder.newest_file());
        Err(Forked { ledger, checkpoint, seen: before.size, found: tree.leaves() })
    }

    /// Whether a checkpoint is to be made; at the end of a run as soon as the journal has grown.
    pub(crate) fn is_due(&self, now: u64, at_an_end: bool) -> bool {
        let size = self.recent.back().map_or(0, |newest| newest.checkpoint().size);
        let grown = self.leaves.pending.is_none() && self.leaves.tree.leaves() > size;
        grown && (at_an_end || now.saturating_sub(self.made) >= EVERY_SECONDS || now < self.made)
    }

    /// Makes a checkpoint of everything that was added, all of which is on the disk.
    ///
    /// # Errors
    /// [`Forked`] if the journal is not the one of which this coordinator has signed one before.
    pub(crate) fn make(&mut self, now: u64, roster: &Roster, keep: bool) -> Result<(), Forked> {
        self.check()?;
        let tree = &self.leaves.tree;
        let (size, Some(root)) = (tree.leaves(), tree.root_at(Digest::of_parts, tree.leaves())) else { return Ok(()) };
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
        // The newest of before becomes the previous one, with the cosignatures that it has.
        self.changed.extend(self.recent.back().map(|newest| newest.checkpoint().size));
        match SignedCheckpoint::sign::<RealSuite>(checkpoint, &self.key) {
            Ok(signed) => self.recent.push_back(signed),
            Err(fault) => {
                tracing::error!(%fault, "no checkpoint of the journal can be signed");
                return Ok(());
            }
        }
        if keep {
            self.kept.insert(size);
        }
        self.write();
        self.made = now;
        self.changed.insert(size);
        if self.recent.len() > RECENT_MAX
            && let Some(old) = self.recent.pop_front()
        {
            self.kept.remove(&old.checkpoint().size);
        }
        for entry in roster.entries() {
            let standing = self.standing.entry(entry.client).or_default();
            standing.behind.get_or_insert(now);
        }
        Ok(())
    }

    /// What a member is to be shown now: the newest checkpoint, once.
    pub(crate) fn show(&mut self, client: ClientId) -> Option<ShownCheckpoint> {
        let newest = self.recent.back()?;
        let size = newest.checkpoint().size;
        let cosigned = self.standing.get(&client).is_some_and(|standing| standing.size == size);
        let link = self.links.get_mut(&client).filter(|link| !link.owes && !link.refused)?;
        if cosigned && link.seen == size {
            return None;
        }
        link.owes = true;
        let proof = self.leaves.tree.consistency(Digest::of_parts, link.seen, size).unwrap_or_default();
        debug_assert!(proof.len() <= CONSISTENCY_PROOF_MAX, "one digest for each level, and one more");
        Some(ShownCheckpoint { note: newest.to_string().into_bytes(), from: link.seen, proof })
    }

    /// A member's link is gone.
    pub(crate) fn gone(&mut self, client: ClientId) {
        self.links.remove(&client);
    }

    /// What a member says; `entry` is its own in the roster in force.
    pub(crate) fn hear(&mut self, (client, entry): (ClientId, Option<&RosterEntry>), word: WitnessWord) -> Heard {
        match word {
            WitnessWord::Seen { size } => {
                let refused = self.links.get(&client).is_some_and(|link| link.refused);
                self.links.insert(client, Link { seen: size, owes: false, refused });
                Heard::Shows
            }
            WitnessWord::Cosigned { size, signature } => {
                let Some(entry) = entry else { return Heard::Fine };
                let Some(note) = self.recent.iter_mut().find(|note| note.checkpoint().size == size) else {
                    return Heard::Fine;
                };
                let key = NoteKey::new(entry.name.as_str(), SignatureKind::Witness, &entry.signing_key);
                let at = key.and_then(|key| signature.witnessed::<RealSuite>(&key, note.checkpoint()));
                let at = match at {
                    Ok(at) => at,
                    Err(fault) => return Heard::Wrong(fault.to_string()),
                };
                note.add(signature);
                self.changed.insert(size);
                if let Some(link) = self.links.get_mut(&client) {
                    (link.seen, link.owes) = (size, false);
                }
                let newest = self.recent.back().is_some_and(|newest| newest.checkpoint().size == size);
                let standing = self.standing.entry(client).or_default();
                (standing.size, standing.at, standing.dispute) = (size, at, None);
                if newest {
                    standing.behind = None;
                }
                Heard::Shows
            }
            WitnessWord::Disputed { note } => self.disputed(client, &note),
        }
    }

    fn disputed(&mut self, client: ClientId, note: &[u8]) -> Heard {
        if self.leaves.pending.is_some() {
            // The journal's front is still being read. The branch says it again on its next link, and then it can be judged.
            return Heard::Wrong("the journal is still being read, and nothing can be compared yet".into());
        }
        if let Some(link) = self.links.get_mut(&client) {
            (link.owes, link.refused) = (false, true);
        }
        // One with the coordinator's signature alone is short.
        let note = note.get(..note.len().min(CHECKPOINT_BYTES_MAX)).unwrap_or_default();
        let own = SignedCheckpoint::parse(note).and_then(|signed| {
            signed.verify::<RealSuite>(&self.key.verifying_key())?;
            Ok::<_, NoteFault>(signed)
        });
        let checkpoint = match &own {
            Ok(signed) => signed.checkpoint(),
            Err(fault) => return Heard::Wrong(fault.to_string()),
        };
        let root = self.leaves.tree.root_at(Digest::of_parts, checkpoint.size);
        if checkpoint.origin == self.origin && root == Some(checkpoint.root) {
            return Heard::Wrong("the checkpoint that it has is of this very journal".into());
        }
        let (entries, root) = (checkpoint.size, checkpoint.root);
        // It says so on each of its links, and people hear it once.
        let before = self.standing.entry(client).or_default().dispute.replace(entries);
        if before == Some(entries) { Heard::Fine } else { Heard::Disputed { entries, root } }
    }

    /// How the witnesses stand, of the members of a roster; nothing before the first checkpoint.
    pub(crate) fn overview(&self, roster: &Roster, now: u64) -> Option<Overview> {
        let newest = self.recent.back()?.checkpoint().size;
        let of = |entry: &RosterEntry| Some((entry.client, *self.standing.get(&entry.client)?));
        let standing: Vec<(ClientId, Standing)> = roster.entries().iter().filter_map(of).collect();
        let late = standing.iter().filter_map(|(client, standing)| {
            let since = standing.behind.filter(|since| now.saturating_sub(*since) >= LATE_SECONDS)?;
            Some(Behind { client: *client, since, size: standing.size })
        });
        let disputes = standing.iter().filter_map(|(client, standing)| Some((*client, standing.dispute?)));
        Some(Overview {
            entries: newest,
            made: self.made,
            cosigned: standing.iter().filter(|(_, standing)| standing.size == newest).count(),
            late: late.collect(),
            disputes: disputes.collect(),
        })
    }

    /// Writes down what has changed. A fault is told once and ends nothing: it is tried again at the next look, since a bundle begins with these files.
    pub(crate) fn write(&mut self) {
        if self.changed.is_empty() {
            return;
        }
        let changed = std::mem::take(&mut self.changed);
        let notes = self.recent.iter().rev().enumerate().filter(|(_, note)| changed.contains(&note.checkpoint().size));
        let written = notes.map(|(age, note)| {
            let kept = self.kept.contains(&note.checkpoint().size);
            self.folder.write_note(age, kept, note)
        });
        let written: Result<(), FileError> = written.collect();
        let written = written.and_then(|()| self.folder.write_standing(&self.standing));
        let failed_before = std::mem::replace(&mut self.failing, written.is_err());
        if let Err(fault) = written {
            if !failed_before {
                tracing::error!(%fault, "a checkpoint of the journal could not be written down and is tried again; its witnesses have it all the same");
            }
            self.changed.extend(changed);
        }
    }
}
