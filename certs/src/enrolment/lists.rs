//! The lists of an authority's folder and of a daemon's: members, the expected coordinator, certificates.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use tributary_protocol::ids::{ClientId, OrganisationId};

use super::{COORDINATOR_TITLE, CoordinatorPin, MEMBERS_TITLE, Member, names};
use crate::identity::{Identity, TrustDomain};
use crate::lines::{Fields, body, print_entry, write_list};
use crate::roster::{RosterFileError, read_unverified_roster};
use tributary_storage::files::{self, Existing, FileError, read_titled};

/// The enrolled clients, ascending by number.
///
/// # Errors
/// [`FileError`].
pub fn read_members(folder: &Path) -> Result<Vec<Member>, FileError> {
    const WHAT: &str = "members list";
    let path = folder.join(names::MEMBERS);
    let text = read_titled(&path, MEMBERS_TITLE, WHAT)?;
    let domain = read_domain(folder)?;
    let parse = |line| {
        let mut fields = Fields::of(line);
        let entry = fields.entry()?;
        fields.end().map(|()| Member { identity: Identity::of_member(domain.clone(), &entry.name), entry })
    };
    let members = body(&text, MEMBERS_TITLE).and_then(|lines| lines.map(parse).collect());
    members.ok_or_else(|| FileError::content(&path, WHAT))
}

/// The federation's name.
pub(super) fn read_domain(folder: &Path) -> Result<TrustDomain, FileError> {
    const WHAT: &str = "trust domain";
    let path = folder.join(names::DOMAIN);
    let text = files::read_text(&path, WHAT)?;
    TrustDomain::parse(text.trim_end()).map_err(|_| FileError::content(&path, WHAT))
}

/// Reads the coordinator that a client expects.
///
/// # Errors
/// [`FileError`].
pub fn read_coordinator(path: &Path) -> Result<CoordinatorPin, FileError> {
    const WHAT: &str = "coordinator's identity and public key";
    let text = read_titled(path, COORDINATOR_TITLE, WHAT)?;
    let parse = || {
        let mut lines = body(&text, COORDINATOR_TITLE)?;
        let mut fields = Fields::of(lines.next()?);
        let identity = Identity::parse(fields.text("identity")?).ok()?;
        let signing_key = fields.key("signing")?;
        fields.end()?;
        lines.next().is_none().then_some(CoordinatorPin { identity, signing_key })
    };
    parse().ok_or_else(|| FileError::content(path, WHAT))
}

impl CoordinatorPin {
    /// Writes the file, replacing an older one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        files::write_public(path, self.print().as_bytes(), Existing::Replace)
    }

    /// The file's text.
    pub(crate) fn print(&self) -> String {
        format!("{COORDINATOR_TITLE}\nidentity {} signing {}\n", self.identity, self.signing_key)
    }
}

/// Certificates as PEM text, in order.
pub(crate) fn certificates_text(certificates: &[CertificateDer<'_>]) -> String {
    let text = |certificate: &CertificateDer<'_>| pem::encode(&pem::Pem::new("CERTIFICATE", certificate.to_vec()));
    certificates.iter().map(text).collect()
}

/// Writes certificates as PEM, in order.
///
/// # Errors
/// [`FileError`].
pub fn write_certificates(
    path: &Path,
    certificates: &[CertificateDer<'_>],
    existing: Existing,
) -> Result<(), FileError> {
    files::write_public(path, certificates_text(certificates).as_bytes(), existing)
}

pub(crate) fn write_members(folder: &Path, members: &[Member]) -> Result<(), FileError> {
    let lines = members.iter().map(|member| format!("{}\n", print_entry(&member.entry)));
    write_list(&folder.join(names::MEMBERS), MEMBERS_TITLE, lines)
}

/// The next client's number and its organisation's. Nobody gets a number that the newest roster gives, were its member's line removed since: the
/// budget heads and the counters of that number are another branch's.
///
/// # Errors
/// If the folder's newest roster cannot be read.
pub(crate) fn numbers(
    folder: &Path,
    members: &[Member],
    organisation: &str,
) -> Result<(ClientId, OrganisationId), RosterFileError> {
    let newest = folder.join(names::ROSTER);
    let newest = if newest.exists() { Some(read_unverified_roster(&newest)?) } else { None };
    let signed = newest.iter().flat_map(|signed| signed.roster.entries());
    let entries = || members.iter().map(|member| &member.entry).chain(signed.clone());
    let known = entries().find(|entry| entry.name.organisation() == organisation);
    let client = entries().map(|entry| entry.client.0).max().unwrap_or(0).saturating_add(1);
    let next = entries().map(|entry| entry.organisation.0).max().unwrap_or(0).saturating_add(1);
    Ok((ClientId(client), known.map_or(OrganisationId(next), |entry| entry.organisation)))
}
