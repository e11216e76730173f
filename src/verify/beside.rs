//! What a coordinator keeps in the folder of its journal.

use std::path::{Path, PathBuf};

use tributary_evidence::checkpoint::{NotesBeside, is_kept_name};
use tributary_evidence::{Item, Retained};
use tributary_storage::files::read_itself;

use crate::coordinator_key::coordinator_key;
use crate::given;

/// What is kept beside a journal.
pub(crate) struct Beside(PathBuf);

impl Beside {
    /// Beside this journal.
    pub(crate) fn of(journal: &Path) -> Self {
        Self(journal.to_path_buf())
    }
}

impl Retained for Beside {
    fn get(&self, item: &Item) -> Option<Vec<u8>> {
        // What is there and cannot be read proves nothing, and is not passed over.
        given::beside(&self.0.with_file_name(item.name())).unwrap_or_else(|_| Some(Vec::new()))
    }
}

/// The checkpoints that lie beside a journal. One that cannot be read is not passed over.
pub(super) fn notes(journal: &Path) -> NotesBeside {
    let key = coordinator_key(&folder(journal).join("coordinator.key")).ok();
    NotesBeside::of(checkpoints(journal), key.as_ref())
}

/// The same as they are, each with its name.
pub(super) fn checkpoints(journal: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder(journal)).into_iter().flatten().flatten();
    let notes = files.filter_map(|file| {
        let name = file.file_name().to_str().filter(|name| is_kept_name(name))?.to_owned();
        Some((name, read_itself(&file.path()).unwrap_or_default()))
    });
    notes.collect()
}

fn folder(journal: &Path) -> PathBuf {
    journal.with_file_name("checkpoints")
}
