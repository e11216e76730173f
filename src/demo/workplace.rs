//! The demo's directory: who finds what where.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use tributary_storage::files::create_private_folder;

/// The open directory.
///
/// ```text
/// authority/                 root, issuing authority, roster keys, roster
/// identities/coordinator/    certificate and keys of the coordinator
/// identities/branch-000/     ... and of each branch
/// data/branch-000.csv        a branch's rows; branch-000.held-out.csv: those it keeps for testing
/// schema.toml                what every row must look like
/// coordinator/               coordinator.toml and the coordinator's state: ledger, models
/// branches/branch-000/       client.toml and the branch's state: its budget file; of three branches also their customers' tables, scores, rules and
///                            lists, and crm/, from which the bank's system takes them
/// partners/partner-000/      the same of a partner, and in authority/ the authority of its organisation
/// month/                     the model's card, gates and statements, exports, scorecards, and every command of the month
/// logs/                      one file for each process
/// ```
pub(super) struct Workplace {
    root: PathBuf,
}

impl Workplace {
    /// Opens the directory, made if it is absent; a fresh temporary one without a path.
    ///
    /// # Errors
    /// If it is there and not empty: nothing of an earlier run is ever mixed with this one.
    pub(super) fn open(dir: Option<&Path>) -> anyhow::Result<Self> {
        let root = match dir {
            None => {
                let fresh = tempfile::Builder::new().prefix("tributary-demo-").tempdir();
                fresh.context("no temporary directory could be made; name one with --dir")?.keep()
            }
            Some(dir) => {
                create_private_folder(dir)?;
                let mut entries = dir.read_dir().with_context(|| format!("{} cannot be read", dir.display()))?;
                let empty = entries.next().is_none();
                ensure!(
                    empty,
                    "{} is not empty; nothing in it was touched. Name an empty or a new directory",
                    dir.display()
                );
                dir.canonicalize().with_context(|| format!("{} cannot be resolved", dir.display()))?
            }
        };
        let workplace = Self { root };
        for folder in ["data", "logs", "coordinator", "branches", "identities"] {
            create_private_folder(&workplace.root.join(folder))?;
        }
        Ok(workplace)
    }

    /// The directory itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The authority's folder.
    pub(super) fn authority(&self) -> PathBuf {
        self.root.join("authority")
    }

    /// Where the folders of those lie who sign plans.
    pub(super) fn people(&self) -> PathBuf {
        self.root.join("people")
    }

    /// A daemon's identity folder.
    pub(super) fn identity(&self, name: &str) -> PathBuf {
        self.root.join("identities").join(name)
    }

    /// Where branches' data files lie.
    pub(super) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The feature schema.
    pub(super) fn schema(&self) -> PathBuf {
        self.root.join("schema.toml")
    }

    /// The coordinator's settings file.
    pub(super) fn coordinator_settings(&self) -> PathBuf {
        self.root.join("coordinator").join("coordinator.toml")
    }

    /// A branch's own folder.
    pub(super) fn branch(&self, name: &str) -> PathBuf {
        self.root.join("branches").join(name)
    }

    /// A partner's own folder.
    pub(super) fn partner(&self, name: &str) -> PathBuf {
        self.root.join("partners").join(name)
    }

    /// Where the coordinator's files of the month lie.
    pub(super) fn month(&self) -> PathBuf {
        self.root.join("month")
    }

    /// The logs.
    pub(super) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// A process' log.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }
}

/// A branch's name in files and identities.
pub(super) fn branch_name(number: u32) -> String {
    format!("branch-{number:03}")
}

/// A partner's name in files and identities, and its organisation's.
pub(super) fn partner_name(number: u32) -> String {
    format!("partner-{number:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_directory_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine"), "x").unwrap();
        let refusal = Workplace::open(Some(folder.path())).err().unwrap().to_string();
        assert!(refusal.contains("not empty"), "{refusal}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_new_directory_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let workplace = Workplace::open(Some(&folder.path().join("a"))).unwrap();
        assert!(workplace.logs().is_dir() && workplace.data().is_dir());
        assert!(workplace.log("coordinator").ends_with("logs/coordinator.log"));
    }
}
