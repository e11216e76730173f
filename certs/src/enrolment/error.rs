//! Why an authority's folder could not do what was asked.

use tributary_storage::files::FileError;

use crate::fault::CertificateFault;
use crate::identity::{Identity, IdentityError};
use crate::issue::IssueError;
use crate::revocation::RevocationFileError;
use crate::roster::RosterFileError;
use crate::tls::TlsError;

/// Why an authority's folder could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing was issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A name cannot be part of an identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A roster or its file was refused.
    #[error(transparent)]
    Roster(#[from] RosterFileError),
    /// The trusted authorities or a TLS configuration were refused.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A numbered reason.
    #[error(transparent)]
    Refused(#[from] CertificateFault),
    /// No token can be made as asked.
    #[error("no token was made: {what}")]
    Token {
        /// What is wrong with what was asked.
        what: &'static str,
    },
    /// A list of branches has faults.
    #[error("no token was made; the list has faults:\n  {faults}")]
    Batch {
        /// Each by its line.
        faults: String,
    },
    /// Tokens of an attempt that broke off are still good.
    #[error(
        "{told}. No bundle of this attempt is left, but its tokens could not be taken back ({left}): whoever has copied a bundle could use it. Make the \
         tokens again; the new ones take the place of these"
    )]
    TokensLeft {
        /// Why it broke off.
        told: Box<EnrolmentError>,
        /// Why the tokens are still good.
        left: FileError,
    },
    /// A revocation list that would count for no day, or too long.
    #[error("a revocation list counts for 1 to {limit} days; choose another number")]
    ListDays {
        /// The largest number.
        limit: u64,
    },
    /// A group of the roster cannot be as asked.
    #[error("group \"{name}\" is as it was: {what}")]
    Group {
        /// The group.
        name: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// Folders for another number of holders than there are keys.
    #[error("{holders} folders of holders were named for {authorities} roster keys; name one for each, or none")]
    Holders {
        /// Folders named.
        holders: usize,
        /// Keys.
        authorities: u8,
    },
    /// A name under which nobody can approve.
    #[error("an approver's name is 1 to 64 of letters, digits, '@', '.', '_' and '-'; give one with --by")]
    Approver,
    /// A root that was to be revoked.
    #[error(
        "nothing was revoked: this is the certificate of a root, and nothing can revoke a root. Name the issuing authority's: issuing.pem, or \
         issuing-old-SECONDS.pem where it was replaced"
    )]
    RevokedRoot,
    /// The issuing authority that stands was to be revoked, with none in its place.
    #[error(
        "nothing was revoked: this is the issuing authority that stands. Without another one, every token, certificate and list made from here on \
         would be worth nothing. Replace it and revoke it in one step: `tributary certs renew --issuing --revoke`"
    )]
    RevokedStanding,
    /// The issuing authority that stands is noted as revoked, and none is in its place.
    #[error(
        "nothing was signed: the issuing authority that stands is noted as revoked, and no other one is in its place yet. A list of its root would now \
         cut everybody off. Go through with the command that was to replace it: `tributary certs renew --issuing --revoke`"
    )]
    StandingRevoked,
    /// A renewal that was begun before is in the way of one that may mean another authority.
    #[error(
        "nothing more was replaced or revoked: an earlier renewal of the issuing authority did not come to its end ({} says so). {what}",
        mark.display()
    )]
    RenewalUnfinished {
        /// The mark of the renewal.
        mark: std::path::PathBuf,
        /// What that means, and what to do.
        what: &'static str,
    },
    /// The folder was begun for somebody else.
    #[error(
        "{} says that the folder was begun for {identity}, and nothing was written. Name another folder, or remove this one if that identity is not needed",
        path.display()
    )]
    BegunForAnother {
        /// The mark of a folder that is not finished.
        path: std::path::PathBuf,
        /// For whom it was begun.
        identity: Identity,
    },
    /// A revocation list was refused.
    #[error(transparent)]
    Revocation(#[from] RevocationFileError),
    /// The identity was issued before.
    #[error(
        "{identity} is enrolled already. Choose another id, or enrol it anew under the number that it has: `tributary certs token --again`. Under another \
         number nobody would know what it has spent"
    )]
    Enrolled {
        /// The identity.
        identity: Identity,
    },
}
