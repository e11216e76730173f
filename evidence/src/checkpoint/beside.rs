//! Checkpoints that lie beside a journal, against that journal: one that its coordinator signed is never larger than the journal, and has its root.

use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::SignedCheckpoint;
use tributary_protocol::secagg::suite::VerifyingKey;

use super::roots::RootsAt;

/// The name under which a checkpoint of so many entries is kept for good.
#[must_use]
pub fn kept_name(entries: u64) -> String {
    format!("{entries:020}")
}

/// Whether a file of this name in a coordinator's folder of checkpoints is one: `newest`, `previous`, or its number of entries.
#[must_use]
pub fn is_kept_name(name: &str) -> bool {
    name == "newest" || name == "previous" || entries_of_name(name).is_some()
}

/// A checkpoint that is kept for good has its number of entries for its name, in 20 digits.
pub(crate) fn entries_of_name(name: &str) -> Option<u64> {
    let digits = name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| name.parse().ok())?
}

/// Checkpoints, and what the journal says at their sizes so far. Whoever reads both reads the checkpoints first: a journal that is in use grows.
pub struct NotesBeside {
    notes: Vec<(String, u64, Digest)>,
    unreadable: Option<String>,
    roots: RootsAt,
}

impl NotesBeside {
    /// The notes with their names. Without the key of the coordinator their signatures are not verified.
    #[must_use]
    pub fn of(notes: impl IntoIterator<Item = (String, Vec<u8>)>, key: Option<&VerifyingKey>) -> Self {
        let (mut all, mut unreadable) = (Vec::new(), None);
        for (name, note) in notes {
            let read = SignedCheckpoint::parse(&note).and_then(|signed| match key {
                Some(key) => signed.verify::<RealSuite>(key).map(|_| signed),
                None => Ok(signed),
            });
            match read {
                Ok(signed) => {
                    let asked = signed.checkpoint();
                    all.push((name, asked.size, asked.root));
                }
                Err(fault) => {
                    unreadable.get_or_insert_with(|| format!("the checkpoint {name} proves nothing ({fault})"));
                }
            }
        }
        let roots = RootsAt::of(all.iter().map(|(_, size, _)| *size));
        Self { notes: all, unreadable, roots }
    }

    /// The leaf of the journal's next entry.
    pub fn follow(&mut self, leaf: Digest) {
        self.roots.push(leaf);
    }

    /// After the journal's last entry: what is wrong, in words, and what to do.
    ///
    /// # Errors
    /// The first checkpoint that is of another journal than this.
    pub fn judge(&self) -> Result<(), String> {
        let entries = self.roots.entries();
        let wrong = self.notes.iter().find_map(|(name, size, root)| match self.roots.at(*size) {
            Some(found) if found == *root => None,
            Some(_) => Some(format!(
                "the first {size} entries of the journal are not those that the checkpoint {name} beside it was signed for: the journal was edited \
                 or written anew"
            )),
            None => Some(format!(
                "the journal has {entries} entries, and had {size} when the checkpoint {name} beside it was signed: entries were cut off"
            )),
        });
        match wrong.or_else(|| self.unreadable.clone()) {
            Some(wrong) => Err(format!(
                "{wrong}. Keep journal and checkpoints as evidence, and compare them with the checkpoints of branches"
            )),
            None => Ok(()),
        }
    }
}
