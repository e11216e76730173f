//! What a coordinator keeps in the folder of its journal.

use std::path::{Path, PathBuf};

use tributary_evidence::{Item, Retained};

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
