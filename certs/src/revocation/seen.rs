//! The largest number of each issuer that was ever in force here: a file beside the trusted roots, so that an older list is no news after a
//! restart either.
//!
//! ```text
//! tributary list numbers 1
//! list 9f86.. number 0c
//! denied since 1900000000 number 7
//! ```

use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;

use super::known::{KnownNumbers, parse_line};
use super::lists::RevocationLists;
use super::number::ListNumber;
use super::scope::Scope;
use crate::fault::CertificateFault;
use crate::lines::{Fields, body};
use tributary_storage::files::{self, Existing, FileError, judge_title};

const TITLE: &str = "tributary list numbers 1";
const WHAT: &str = "list of revocation lists' numbers";

/// The file's name, beside `trust.pem`.
pub const SEEN: &str = "list-numbers";

/// Issuers above which those are forgotten that are not in force.
const ISSUERS_MAX: usize = 1_024;

/// Which of two deny-lists is the newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DenyOrder {
    /// First second of the authority that signed, as its root says.
    pub since: u64,
    /// The list's number.
    pub number: u64,
}

/// What was in force here before.
#[derive(Clone, Debug)]
pub struct Seen {
    path: PathBuf,
    lists: KnownNumbers,
    denied: Option<DenyOrder>,
    /// Whether the file is there for good. What was read may be of a try that could not sync it.
    durable: bool,
}

enum Line {
    List(Digest, ListNumber),
    Denied(DenyOrder),
}

impl Seen {
    /// Reads the file beside a trust file; without one nothing was seen.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn beside(trust: &Path) -> Result<Self, FileError> {
        let path = trust.with_file_name(SEEN);
        let mut own = Self { path: path.clone(), lists: KnownNumbers::default(), denied: None, durable: true };
        if !path.exists() {
            return Ok(own);
        }
        own.durable = false;
        let content = || FileError::content(&path, WHAT);
        let bytes = files::read_private(&path)?;
        let text = core::str::from_utf8(&bytes).map_err(|_| content())?;
        judge_title(&path, text, TITLE)?;
        for line in body(text, TITLE).ok_or_else(content)? {
            match parse(line).ok_or_else(content)? {
                Line::List(issuer, number) => own.lists.note(issuer, number),
                Line::Denied(order) => own.denied = Some(order),
            }
        }
        Ok(own)
    }

    /// Whether no list is older than one that was in force.
    ///
    /// # Errors
    /// [`FaultKind::RevocationListOlder`].
    pub(super) fn admits(&self, scope: &Scope) -> Result<(), CertificateFault> {
        self.lists.admit(scope)
    }

    /// The deny-list that was in force last.
    #[must_use]
    pub fn denied(&self) -> Option<DenyOrder> {
        self.denied
    }

    /// Remembers what comes into force; durable before it does.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn note(&mut self, lists: &RevocationLists, denied: Option<DenyOrder>) -> Result<(), FileError> {
        let mut next = self.clone();
        for list in lists.scopes().flat_map(|scope| &scope.lists) {
            next.lists.note(list.signer, list.number);
        }
        if next.lists.len() > ISSUERS_MAX {
            let in_force =
                |issuer: &Digest| lists.scopes().any(|scope| scope.lists.iter().any(|list| list.signer == *issuer));
            next.lists.retain(in_force);
        }
        next.denied = denied.max(next.denied);
        self.write(next)
    }

    /// Remembers what somebody who is believed knows of the lists, before the first of them is here.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn know(&mut self, known: &KnownNumbers) -> Result<(), FileError> {
        let mut next = self.clone();
        next.lists.join(known);
        self.write(next)
    }

    fn write(&mut self, next: Self) -> Result<(), FileError> {
        if next.lists == self.lists && next.denied == self.denied {
            if !self.durable {
                files::sync_folder(files::folder_of(&self.path))?;
                self.durable = true;
            }
            return Ok(());
        }
        let last = next.denied.map(|DenyOrder { since, number }| format!("denied since {since} number {number}\n"));
        let text: String = [format!("{TITLE}\n"), next.lists.lines()].into_iter().chain(last).collect();
        files::write_private(&next.path, text.as_bytes(), Existing::Replace)?;
        *self = Self { durable: true, ..next };
        Ok(())
    }
}

fn parse(line: &str) -> Option<Line> {
    if line.starts_with("denied ") {
        let mut fields = Fields::of(line);
        (fields.value()? == "denied").then_some(())?;
        let order = DenyOrder { since: fields.number("since")?, number: fields.number("number")? };
        return fields.end().map(|()| Line::Denied(order));
    }
    let (issuer, number) = parse_line(line)?;
    Some(Line::List(issuer, number))
}
