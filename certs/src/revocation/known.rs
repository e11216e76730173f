//! The largest list numbers that somebody knows, one of each issuer's key: a list with a smaller number is an old one.

use std::collections::BTreeMap;
use std::path::Path;

use tributary_protocol::digest::Digest;

use super::error::RevocationFileError;
use super::number::ListNumber;
use super::scope::Scope;
use crate::fault::{CertificateFault, FaultKind};
use crate::lines::Fields;
use crate::trust::TrustRoots;
use tributary_storage::files;

/// The largest number of each issuer, by SHA-256 of its public key information.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNumbers(BTreeMap<Digest, ListNumber>);

impl KnownNumbers {
    /// The numbers of the lists in a file that counts under the general roots.
    ///
    /// # Errors
    /// [`RevocationFileError`].
    pub fn read(lists: &Path, roots: &TrustRoots) -> Result<Self, RevocationFileError> {
        let scope = Scope::parse(&files::read_public(lists)?, &roots.general().certificates)?;
        Ok(Self(scope.lists.iter().map(|list| (list.signer, list.number)).collect()))
    }

    /// Whether no list is older than what is known.
    ///
    /// # Errors
    /// [`FaultKind::RevocationListOlder`].
    pub(super) fn admit(&self, scope: &Scope) -> Result<(), CertificateFault> {
        for list in &scope.lists {
            if let Some(known) = self.0.get(&list.signer).filter(|known| **known > list.number) {
                let detail = format!("number {}, and {known} was in force", list.number);
                return Err(FaultKind::RevocationListOlder.because(detail));
            }
        }
        Ok(())
    }

    /// Keeps the larger of what is known and this.
    pub(crate) fn note(&mut self, issuer: Digest, number: ListNumber) {
        let known = self.0.entry(issuer).or_insert(number);
        *known = number.max(*known);
    }

    /// As [`KnownNumbers::note`], of everything that another knows.
    pub(super) fn join(&mut self, other: &Self) {
        other.0.iter().for_each(|(issuer, number)| self.note(*issuer, *number));
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Digest) -> bool) {
        self.0.retain(|issuer, _| keep(issuer));
    }

    /// How many issuers' numbers are known.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The issuer with the largest digest: the last of the lines.
    pub(crate) fn last(&self) -> Option<&Digest> {
        self.0.last_key_value().map(|(issuer, _)| issuer)
    }

    /// A line for each, in the order of the issuers.
    pub(crate) fn lines(&self) -> String {
        self.0.iter().map(|(issuer, number)| format!("list {issuer} number {}\n", number.to_hex())).collect()
    }
}

/// What such a line says.
pub(crate) fn parse_line(line: &str) -> Option<(Digest, ListNumber)> {
    let mut fields = Fields::of(line);
    let issuer = fields.digest("list")?;
    let number = ListNumber::of_hex(fields.text("number")?)?;
    fields.end().map(|()| (issuer, number))
}
