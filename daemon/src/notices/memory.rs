//! The file of what a hook has told: a daemon that is started again and again tells nothing again and again.

use std::path::{Path, PathBuf};

use tributary_storage::files::{Existing, create_private_folder, read_private, write_private};

use super::quiet::Memory;
use crate::lines;

pub(super) struct MemoryFile {
    path: PathBuf,
    /// As it lies in the file.
    written: Memory,
    failed: bool,
}

impl MemoryFile {
    pub(super) fn of(state_dir: &Path, hook: &str) -> Self {
        Self { path: state_dir.join(format!("notices-{hook}.json")), written: Memory::default(), failed: false }
    }

    /// What is remembered. A file that cannot be read is left aside: at worst something is told twice.
    pub(super) fn read(&self) -> Memory {
        if !self.path.exists() {
            return Memory::default();
        }
        let read = read_private(&self.path).map_err(|fault| fault.to_string());
        let memory = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|fault| fault.to_string()));
        memory.unwrap_or_else(|fault| {
            let path = self.path.display();
            tracing::warn!("{path} cannot be read ({fault}), so that notices may be told twice; it is made anew");
            Memory::default()
        })
    }

    /// Where it has changed.
    pub(super) fn write(&mut self, memory: &Memory) {
        if self.written == *memory {
            return;
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written = create_private_folder(folder)
            .and_then(|()| write_private(&self.path, lines::json(memory).as_bytes(), Existing::Replace));
        let failed = written.is_err();
        if let Err(fault) = written
            && !self.failed
        {
            tracing::warn!(%fault, "what was told cannot be noted, so that notices may be told twice after a restart");
        }
        self.failed = failed;
        self.written = memory.clone();
    }
}
