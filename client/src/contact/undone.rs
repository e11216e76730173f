//! What an erasure or a purge could not do. One bad file stops neither: all others are done, and then it is named.

use tributary_storage::files::{FileError, account, shown};
use tributary_storage::unfinished::Doubt;
use tributary_texts::{Said, customer as words};

use crate::error::ClientError;

/// A line for each file or folder that is left, with the cause.
#[derive(Debug, Default)]
pub(super) struct Undone(Vec<Said>);

impl Undone {
    /// A file or folder of which the system said no.
    pub(super) fn file(&mut self, fault: &FileError) {
        self.name(match fault {
            FileError::System { path, source, .. } => words::left_file(shown(path), source),
            FileError::Link { path } => words::left_link(shown(path)),
            other => words::left_other(ClientError::file(other).said()),
        });
    }

    /// A draft of which nobody can say whether it is left.
    pub(super) fn draft(&mut self, doubt: &Doubt) {
        match doubt {
            Doubt::Unread(fault) => self.file(fault),
            Doubt::OtherOwner { path, owner } => self.name(words::left_owner(shown(path), account(*owner))),
            Doubt::NoLocks { path, source } => self.name(words::left_no_locks(shown(path), source)),
        }
    }

    /// A part of the register's own files; its words name which.
    pub(super) fn part(&mut self, fault: &ClientError) {
        self.name(words::left_other(fault.said()));
    }

    /// With what another step has left.
    pub(super) fn also(&mut self, other: Self) {
        other.0.into_iter().for_each(|line| self.name(line));
    }

    /// Two steps may stop at the same file: it is named once.
    fn name(&mut self, line: Said) {
        if !self.0.contains(&line) {
            self.0.push(line);
        }
    }

    /// Whether all was done.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What an erasure ends with: what is left, what to do, and what else there is to say.
    pub(super) fn of_erasure(self, notes: Vec<Said>) -> ClientError {
        let rest = std::iter::once(words::erase_done()).chain(notes);
        self.told(words::erase_left(), words::erase_left_then(), rest)
    }

    /// What an exclusion ends with, which is in force.
    pub(super) fn of_exclusion(self, done: Vec<Said>) -> ClientError {
        self.told(words::exclude_left(), words::exclude_left_then(), done.into_iter())
    }

    /// The lines, as a purge gives them.
    pub(super) fn into_lines(self) -> Vec<Said> {
        self.0
    }

    fn told(self, first: Said, then: Said, rest: impl Iterator<Item = Said>) -> ClientError {
        let lines: Vec<Said> = std::iter::once(first).chain(self.0).chain([then]).chain(rest).collect();
        ClientError::Said(Said::joined(&lines, "\n"))
    }
}
