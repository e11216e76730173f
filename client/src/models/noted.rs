//! What a branch has heard about models, noted outside of its ledger of models: a ledger that was cut, lost or put back from an older copy is noticed, and
//! a withdrawn model does not come back by it.
//!
//! ```text
//! IDENTITY/models.heard   of each purpose the number of the newest statement that was accepted, and every model that was withdrawn
//! STATE/models.heard      the same. Whoever puts back an older copy of the state folder puts back the ledger and this note, and not the other one
//! ```
//!
//! Both are written after the ledger, and never say less than before. While the ledger says less than one of them, no model is used. A daemon that is
//! connected is told again what the ledger has lost, so that this ends by itself; a coordinator that hides a withdrawal then ends nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::registry::{BranchModelsEvent, ModelStep};
use tributary_protocol::versioned::{Release, Versioned};
use tributary_storage::files::{Existing, FileError, read_stored, write_stored};
use tributary_texts::score as words;

use crate::error::ClientError;

const NAME: &str = "models.heard";

/// The layout of a note.
const FORMAT: Versioned = Versioned {
    what: "a note of what was stated about models",
    magic: *b"TRIBHERD",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "Restore the state folder and the identity's folder from their newest copies",
};

/// Bytes of one purpose and the number of its newest statement.
const NUMBER_BYTES: usize = 40;
/// Bytes of one model.
const MODEL_BYTES: usize = 32;

/// What was heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The number of each purpose's newest statement, by what names the purpose.
    numbers: BTreeMap<Digest, u64>,
    /// Models that were withdrawn.
    withdrawn: BTreeSet<Digest>,
}

impl Known {
    /// What a ledger's events say.
    pub(super) fn of<'a>(events: impl IntoIterator<Item = &'a BranchModelsEvent>) -> Self {
        let mut known = Self::default();
        events.into_iter().for_each(|event| known.add(event));
        known
    }

    /// Adds what one event says.
    pub(super) fn add(&mut self, event: &BranchModelsEvent) {
        let BranchModelsEvent::StatementAccepted { told, .. } = event else { return };
        let statement = &told.statement.statement;
        let purpose = Canonical::new("tributary/models/heard/1").bytes(statement.purpose.raw().as_bytes()).finish();
        let number = self.numbers.entry(purpose).or_default();
        *number = statement.sequence.max(*number);
        if statement.step == ModelStep::Withdraw {
            self.withdrawn.insert(statement.model);
        }
    }

    /// Adds what another note says.
    fn join(&mut self, other: Self) {
        for (purpose, number) in other.numbers {
            let own = self.numbers.entry(purpose).or_default();
            *own = number.max(*own);
        }
        self.withdrawn.extend(other.withdrawn);
    }

    /// Whether nothing of the other is missing here.
    fn has(&self, other: &Self) -> bool {
        let newer = |(purpose, number): (&Digest, &u64)| self.numbers.get(purpose).is_some_and(|own| own >= number);
        other.numbers.iter().all(newer) && other.withdrawn.is_subset(&self.withdrawn)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = (self.numbers.len() as u64).to_le_bytes().to_vec();
        for (purpose, number) in &self.numbers {
            bytes.extend(purpose.0);
            bytes.extend(number.to_le_bytes());
        }
        self.withdrawn.iter().for_each(|model| bytes.extend(model.0));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk::<8>()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        let (numbers, models) = rest.split_at_checked(count.checked_mul(NUMBER_BYTES)?)?;
        let (models, odd) = models.as_chunks::<MODEL_BYTES>();
        let (numbers, _) = numbers.as_chunks::<NUMBER_BYTES>();
        let number = |bytes: &[u8; NUMBER_BYTES]| {
            let (purpose, number) = bytes.split_first_chunk::<32>()?;
            Some((Digest(*purpose), u64::from_le_bytes(number.try_into().ok()?)))
        };
        let numbers = numbers.iter().map(number).collect::<Option<_>>()?;
        odd.is_empty().then(|| Self { numbers, withdrawn: models.iter().map(|model| Digest(*model)).collect() })
    }
}

/// Both notes: the identity's first, the state's last.
pub(super) struct Notes {
    paths: [PathBuf; 2],
}

impl Notes {
    pub(super) fn of(identity: &Path, state_dir: &Path) -> Self {
        Self { paths: [identity, state_dir].map(|folder| folder.join(NAME)) }
    }

    /// What both notes say together, to be read before the ledger: a daemon writes the ledger first.
    ///
    /// # Errors
    /// If a note is there and cannot be read.
    pub(super) fn read(&self) -> Result<Known, ClientError> {
        let mut known = Known::default();
        for path in &self.paths {
            known.join(one(path)?.unwrap_or_default());
        }
        Ok(known)
    }

    /// Whether a ledger says all that the notes said.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn check(&self, ledger: &Path, (noted, found): (&Known, &Known)) -> Result<(), ClientError> {
        if found.has(noted) {
            return Ok(());
        }
        let [identity, state] = &self.paths;
        Err(ClientError::Said(words::models_cut(ledger.display(), identity.display(), state.display())))
    }

    /// Notes what is known now, beside all that was noted before: durable when this returns.
    ///
    /// # Errors
    /// If a note cannot be read or written.
    pub(super) fn note(&self, known: &mut Known) -> Result<(), ClientError> {
        known.join(self.read()?);
        if *known == Known::default() {
            return Ok(());
        }
        for path in &self.paths {
            if one(path)?.as_ref() != Some(known) {
                write_stored(path, &FORMAT, &known.to_bytes(), Existing::Replace).map_err(ClientError::file)?;
            }
        }
        Ok(())
    }
}

fn one(path: &Path) -> Result<Option<Known>, ClientError> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = read_stored(path, &FORMAT).map_err(ClientError::file)?;
    let known = Known::from_bytes(&bytes);
    known.map(Some).ok_or_else(|| ClientError::file(FileError::content(path, FORMAT.what)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(numbers: &[(u8, u64)], withdrawn: &[u8]) -> Known {
        Known {
            numbers: numbers.iter().map(|(purpose, number)| (Digest([*purpose; 32]), *number)).collect(),
            withdrawn: withdrawn.iter().map(|model| Digest([*model; 32])).collect(),
        }
    }

    /// Neither note ever says less than it did, whatever a ledger has lost.
    #[test]
    fn what_was_noted_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [identity, state] = ["identity", "state"].map(|name| folder.path().join(name));
        [&identity, &state].iter().for_each(|folder| tributary_storage::files::create_private_folder(folder).unwrap());
        let notes = Notes::of(&identity, &state);
        notes.note(&mut known(&[(1, 5), (2, 1)], &[7])).unwrap();
        std::fs::remove_file(state.join(NAME)).unwrap();
        let mut less = known(&[(1, 3)], &[8]);
        assert!(notes.check(&state, (&notes.read().unwrap(), &less)).is_err());
        notes.note(&mut less).unwrap();
        assert_eq!(less, known(&[(1, 5), (2, 1)], &[7, 8]));
        assert_eq!(
            [&identity, &state].map(|folder| one(&folder.join(NAME)).unwrap()),
            [Some(less.clone()), Some(less)]
        );
        std::fs::write(identity.join(NAME), b"other").unwrap();
        assert!(notes.read().is_err(), "a note that cannot be read is not taken for none");
    }

    proptest! {
        #[test]
        fn bytes_of_anybody_are_a_note_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(known) = Known::from_bytes(&bytes) {
                prop_assert!(known.to_bytes().len() <= bytes.len());
            }
            let known = known(&[(u8::try_from(bytes.len()).unwrap(), 9)], &bytes);
            prop_assert_eq!(Known::from_bytes(&known.to_bytes()), Some(known));
        }
    }
}
