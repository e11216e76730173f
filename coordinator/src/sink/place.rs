//! What the sink has acknowledged, in `STATE/audit.sink`: how many entries, and the chain's digest over them.

use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_protocol::printable::Printable;
use tributary_storage::files::{self, Existing, FileError};

const FILE: &str = "audit.sink";
const TITLE: &str = "tributary audit sink 1";

/// How far a sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Entries that it has.
    pub(super) entries: u64,
    /// The chain's digest over them.
    pub(super) head: Digest,
}

/// The file of one target: another one begins at the journal's first entry.
pub(super) struct PlaceFile {
    path: PathBuf,
    target: String,
}

impl PlaceFile {
    pub(super) fn of(state_dir: &Path, target: &str) -> Self {
        Self { path: state_dir.join(FILE), target: Printable::new(target).as_str().to_owned() }
    }

    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// What was acknowledged; nothing where the file is of another sink, or cannot be read: then every entry is sent, those that are there already once more.
    pub(super) fn read(&self) -> Option<Place> {
        if !self.path.exists() {
            return None;
        }
        let bytes = files::read_private(&self.path).map_err(|fault| tracing::warn!(%fault)).ok()?;
        let place = std::str::from_utf8(&bytes).ok().and_then(|text| self.parse(text));
        if place.is_none() {
            tracing::warn!(file = %self.shown(), "the place of the second copy is another sink's, or cannot be read; the copy begins with the first entry");
        }
        place
    }

    pub(super) fn write(&self, place: Place) -> Result<(), FileError> {
        let Place { entries, head } = place;
        let text = format!("{TITLE}\nentries {entries}\nhead {head}\ntarget {}\n", self.target);
        files::write_private(&self.path, text.as_bytes(), Existing::Replace)
    }

    fn parse(&self, text: &str) -> Option<Place> {
        let mut lines = text.lines();
        (lines.next()? == TITLE).then_some(())?;
        let entries = lines.next()?.strip_prefix("entries ")?.parse().ok()?;
        let head = lines.next()?.strip_prefix("head ").and_then(Digest::from_hex)?;
        (lines.next()?.strip_prefix("target ")? == self.target && lines.next().is_none()).then_some(())?;
        Some(Place { entries, head })
    }
}

#[cfg(test)]
mod tests {
    use tributary_storage::faults::each_sync_fails_once;

    use super::*;

    #[test]
    fn a_place_counts_for_its_own_sink_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (PlaceFile::of(folder.path(), "file a\nb"), PlaceFile::of(folder.path(), "file c"));
        assert_eq!(one.read(), None);
        let place = Place { entries: 7, head: Digest([9; 32]) };
        one.write(place).unwrap();
        assert_eq!((one.read(), other.read()), (Some(place), None));
        assert_eq!(each_sync_fails_once(|| (), |()| one.write(place)), 2);
        for broken in ["", "tributary audit sink 1\nentries -1\n", "tributary audit sink 2\nentries 7\n"] {
            files::write_private(&folder.path().join(FILE), broken.as_bytes(), Existing::Replace).unwrap();
            assert_eq!(one.read(), None, "{broken}");
        }
    }
}
