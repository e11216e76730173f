//! What a branch keeps of its readiness: a folder of small files of mode 0600 beside the budget.
//!
//! ```text
//! STATE/readiness/2026-11-30.ready         the operator's word for a day
//! STATE/readiness/9f86d081..-2.ready       the operator's word for one run
//! STATE/readiness/9f86d081..-2.asked       a run that asked for one, as the daemon heard
//! STATE/readiness/9f86d081..-2.used        the files with which this branch joined a run
//! STATE/readiness/2026-11-30.counts        what the data set of a day looks like; it depends on rows, and never leaves
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Date, RunRef};
use tributary_storage::files::{Existing, FileError, create_private_folder, read_private, shown, write_private};
use tributary_texts::ready as words;

use crate::dataset::Summary;
use crate::error::ClientError;

const FOLDER: &str = "readiness";
const READY: &str = "ready";
const ASKED: &str = "asked";
const USED: &str = "used";
const COUNTS: &str = "counts";
/// Data sets whose counts are kept: two years of months.
const COUNTS_KEPT: usize = 24;

/// The digests of the files of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileDigests {
    /// SHA-256 of `data.file`.
    pub data: Digest,
    /// SHA-256 of `data.held_out`, where there is one.
    pub held_out: Option<Digest>,
    /// Of each, up to which day its days were counted, where the mapping counts days: on another day the same file has other rows.
    #[serde(default)]
    pub counted_to: [Option<Date>; 2],
    /// Of each, the digest of all tables that its rows were joined with.
    #[serde(default)]
    pub events: [Option<Digest>; 2],
    /// Of the mapping by which they were read, where there is one: by another one the same files have other rows.
    #[serde(default)]
    pub mapping: Option<Digest>,
}

/// What a word of readiness is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Every run that wants data of this day.
    Day(Date),
    /// One run.
    Run(RunRef),
}

/// The operator's word that a data set is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Of which day the data are.
    pub date: Date,
    /// Its files.
    pub files: FileDigests,
    /// When it was given, in milliseconds of the Unix clock.
    pub at: u64,
}

/// A run that wants data of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedRun {
    /// Digest of its plan.
    pub plan: Digest,
    /// Its number.
    pub number: u32,
    /// The plan's name.
    pub name: String,
    /// The day.
    pub as_of: Date,
}

/// The files with which a run was joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedFiles {
    /// The run's plan.
    pub plan: Digest,
    /// Its number.
    pub number: u32,
    /// The word under which it was joined.
    pub statement: Statement,
}

/// What a data set looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCounts {
    /// Of which day it is.
    pub date: Date,
    /// Its files.
    pub files: FileDigests,
    /// Of `data.file`.
    pub data: Summary,
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl AskedRun {
    /// Which run it is.
    #[must_use]
    pub fn run(&self) -> RunRef {
        RunRef { plan: self.plan, number: self.number }
    }
}

impl Store {
    /// Beside a budget. Nothing is made.
    #[must_use]
    pub fn of(state: &Path) -> Self {
        Self { folder: state.join(FOLDER) }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps the operator's word. Durable when this returns.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn state(&self, subject: Subject, statement: &Statement) -> Result<PathBuf, ClientError> {
        self.write(&name(subject), READY, statement)
    }

    /// The newest word that counts for a run that wants data of a day: of the run itself, or of the day.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn word(&self, run: RunRef, as_of: Date) -> Result<Option<Statement>, ClientError> {
        let about = [Subject::Run(run), Subject::Day(as_of)];
        let words: Result<Vec<Option<Statement>>, _> =
            about.into_iter().map(|subject| self.read(&self.path(&name(subject), READY))).collect();
        Ok(words?.into_iter().flatten().filter(|word| word.date == as_of).max_by_key(|word| word.at))
    }

    /// Every word, newest first.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn words(&self) -> Result<Vec<Statement>, ClientError> {
        let mut words: Vec<Statement> = self.all(READY)?;
        words.sort_by_key(|word| core::cmp::Reverse(word.at));
        Ok(words)
    }

    /// Notes a run that waits for the operator's word.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn ask(&self, asked: &AskedRun) -> Result<(), ClientError> {
        let path = self.path(&name(Subject::Run(asked.run())), ASKED);
        if self.read(&path)?.as_ref() != Some(asked) {
            self.write(&name(Subject::Run(asked.run())), ASKED, asked)?;
        }
        Ok(())
    }

    /// Runs that wait for the operator's word, by plan and number.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn asked(&self) -> Result<Vec<AskedRun>, ClientError> {
        let mut asked: Vec<AskedRun> = self.all(ASKED)?;
        asked.sort_by_key(|asked| (asked.name.clone(), asked.plan, asked.number));
        Ok(asked)
    }

    /// A run is over: it asks for nothing any more.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn ask_no_more(&self, run: RunRef) -> Result<(), ClientError> {
        self.forget(&self.path(&name(Subject::Run(run)), ASKED))
    }

    /// Nobody but these asks for a word: others asked a process that is gone, and may be over for long.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn ask_alone(&self, runs: &[RunRef]) -> Result<(), ClientError> {
        let own: Vec<PathBuf> = runs.iter().map(|run| self.path(&name(Subject::Run(*run)), ASKED)).collect();
        let others = self.paths(ASKED)?.into_iter().filter(|path| !own.contains(path));
        others.into_iter().try_for_each(|path| self.forget(&path))
    }

    /// Keeps with which files a run is joined; it asks for nothing any more. Durable when this returns.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn join(&self, run: RunRef, statement: &Statement) -> Result<(), ClientError> {
        let used = UsedFiles { plan: run.plan, number: run.number, statement: *statement };
        if self.used(run)? != Some(used) {
            self.write(&name(Subject::Run(run)), USED, &used)?;
        }
        self.ask_no_more(run)
    }

    /// With which files a run was joined last.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn used(&self, run: RunRef) -> Result<Option<UsedFiles>, ClientError> {
        self.read(&self.path(&name(Subject::Run(run)), USED))
    }

    /// Keeps what a data set looks like, and lets the oldest ones go.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn keep_counts(&self, counts: &KeptCounts) -> Result<(), ClientError> {
        self.write(&counts.date.to_string(), COUNTS, counts)?;
        let mut kept: Vec<PathBuf> = self.paths(COUNTS)?;
        // Their names are days, so that the oldest ones stand first.
        kept.sort();
        let many = kept.len().saturating_sub(COUNTS_KEPT);
        kept.iter().take(many).try_for_each(|path| self.forget(path))
    }

    /// What earlier data sets look like, the newest day first.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn counts(&self) -> Result<Vec<KeptCounts>, ClientError> {
        let mut counts: Vec<KeptCounts> = self.all(COUNTS)?;
        counts.sort_by_key(|kept| core::cmp::Reverse(kept.date));
        Ok(counts)
    }

    fn path(&self, name: &str, kind: &str) -> PathBuf {
        self.folder.join(format!("{name}.{kind}"))
    }

    fn paths(&self, kind: &str) -> Result<Vec<PathBuf>, ClientError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(FileError::system("listing", &self.folder)).map_err(ClientError::file)?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(FileError::system("listing", &self.folder)).map_err(ClientError::file)?.path();
            if path.extension().is_some_and(|extension| extension == kind) {
                paths.push(path);
            }
        }
        Ok(paths)
    }

    fn all<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, ClientError> {
        let read: Result<Vec<Option<T>>, _> = self.paths(kind)?.iter().map(|path| self.read(path)).collect();
        Ok(read?.into_iter().flatten().collect())
    }

    fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, ClientError> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_private(path).map_err(ClientError::file)?;
        let read = serde_json::from_slice(&bytes);
        let read = read.map_err(|_| ClientError::Said(words::not_kept_by_us(shown(path))));
        read.map(Some)
    }

    fn write<T: Serialize>(&self, name: &str, kind: &str, value: &T) -> Result<PathBuf, ClientError> {
        create_private_folder(&self.folder).map_err(ClientError::file)?;
        let path = self.path(name, kind);
        let bytes = serde_json::to_vec(value).expect("plain data without maps");
        write_private(&path, &bytes, Existing::Replace).map_err(ClientError::file)?;
        Ok(path)
    }

    fn forget(&self, path: &Path) -> Result<(), ClientError> {
        match fs::remove_file(path) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
                Err(ClientError::file(FileError::system("removing", path)(fault)))
            }
            _ => Ok(()),
        }
    }
}

fn name(subject: Subject) -> String {
    match subject {
        Subject::Day(date) => date.to_string(),
        Subject::Run(run) => format!("{}-{}", run.plan, run.number),
    }
}
