//! What goes wrong with a server. Words of the server are shown only while no row was read: later they may hold a value of one.

use std::fmt;
use std::io;
use std::path::Path;

use tokio_postgres::error::SqlState;
use tributary_protocol::printable::Printable;

use crate::data::error::FileError;

/// A fault, in words that hold no value of a row.
#[derive(Debug)]
pub(super) struct AskFault {
    doing: &'static str,
    what: String,
    cure: &'static str,
    /// Whether a row may have caused it.
    of_rows: bool,
}

impl AskFault {
    pub(super) fn new(doing: &'static str, what: impl Into<String>, cure: &'static str) -> Self {
        Self { doing, what: what.into(), cure, of_rows: false }
    }

    /// Nothing more arrives, and nobody said that this is the end.
    pub(super) fn gone() -> Self {
        let cure = "look whether the server runs, and give the command again";
        Self::new("went away", "the connection ended before the last row", cure)
    }

    /// The server, or the way to it, took too long.
    pub(super) fn late(doing: &'static str) -> Self {
        let cure = "make the query faster, or raise data.postgres.statement_timeout_s";
        Self::new(doing, "it took longer than data.postgres.statement_timeout_s", cure)
    }

    /// What a server says before a row was read.
    pub(super) fn of_question(doing: &'static str, fault: &tokio_postgres::Error) -> Self {
        match fault.as_db_error() {
            Some(answer) => {
                let words = Printable::new(answer.message()).as_str().to_owned();
                Self::new(doing, format!("{words} ({})", answer.code().code()), cure(answer.code()))
            }
            None => {
                let cause = std::error::Error::source(fault).map_or_else(String::new, |cause| format!(": {cause}"));
                let words = Printable::new(&format!("{fault}{cause}")).as_str().to_owned();
                Self::new(doing, words, "look at [data.postgres], and whether the server runs")
            }
        }
    }

    /// What a server says after rows have begun: its code alone.
    pub(super) fn of_rows(fault: &tokio_postgres::Error) -> Self {
        match fault.code() {
            Some(code) => {
                let what = format!("{} ({})", meaning(code), code.code());
                Self { of_rows: true, ..Self::new("stopped", what, cure(code)) }
            }
            None => Self::gone(),
        }
    }

    /// Before the first row has come. What a row may have caused is for the branch's screen, and for no log.
    pub(super) fn before_rows(self, name: &Path) -> FileError {
        if self.of_rows {
            return FileError::Read { path: name.to_owned(), row: 0, source: io::Error::other(self) };
        }
        FileError::Database { path: name.to_owned(), doing: self.doing, what: self.what, cure: self.cure }
    }
}

impl fmt::Display for AskFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the database {}: {}; {}", self.doing, self.what, self.cure)
    }
}

impl std::error::Error for AskFault {}

fn meaning(code: &SqlState) -> &'static str {
    match code.code().get(..2) {
        _ if *code == SqlState::QUERY_CANCELED => "the query took longer than the statement timeout, or was cancelled",
        Some("22") => "a value could not be computed as the query says",
        Some("25") => "the query would change something",
        Some("42") => "the query is not allowed, or names what is not there",
        Some("53") => "the server has not enough room",
        Some("57") => "the server was shut down or ended the connection",
        Some("40") => "the transaction was given up",
        _ => "the server gave up the query",
    }
}

fn cure(code: &SqlState) -> &'static str {
    match code.code().get(..2) {
        _ if *code == SqlState::QUERY_CANCELED => "make the query faster, or raise data.postgres.statement_timeout_s",
        Some("28") => "look at data.postgres.user and at its password file",
        Some("3D") => "look at data.postgres.database",
        Some("22") => "look in the database which row that is, and correct the query or the row",
        Some("25") => "write a query that only reads, and have the owner sign the mapping again",
        Some("42") => "correct the query and have the owner sign the mapping again, or grant the role what it reads",
        _ => "ask whoever runs the database, and give the command again",
    }
}
