//! What `tributary certs` can be asked.

mod people;
mod roster;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_certs::denied::Denied;
use tributary_certs::identity::Identity;
use tributary_certs::issue::RevocationReason;
use tributary_certs::office::{Fingerprint, REVOCATION_DAYS, TOKEN_HOURS_MAX};
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::VerifyingKey;

pub(crate) use self::people::{
    DeputyOptions, GrantOptions, KeyOptions, OfficeOptions, PersonCommand, PersonOptions, RenewRoleOptions,
    RevokeRoleOptions, RoleCommand, RoleListOptions,
};
pub(crate) use self::roster::{
    DiffOptions, GroupOptions, InstallOptions, ProposeOptions, RosterCommand, ShowOptions, SignOptions,
};

/// `tributary certs`.
#[derive(Subcommand)]
pub(crate) enum CertsCommand {
    /// A new authority: root, issuing authority and roster keys
    Init(InitOptions),
    /// An enrolment bundle for a branch, good once and for hours
    Token(TokenOptions),
    /// Approve branches' requests by the fingerprints that they read over the telephone
    Approve(ApproveOptions),
    /// Issue certificates
    #[command(subcommand)]
    Issue(IssueCommand),
    /// Show what a certificate file says and what is wrong with it
    Inspect(InspectOptions),
    /// Renew a coordinator's certificate, a branch's by its request file, or an authority
    Renew(RenewOptions),
    /// Revoke an identity or one certificate, and make a fresh revocation list
    Revoke(RevokeOptions),
    /// Make a fresh revocation list
    Crl(CrlOptions),
    /// Keep an identity, a key or a client number out at the coordinator's door, whoever issued its certificate
    Deny(DenyOptions),
    /// The list of members, and of people with roles
    #[command(subcommand)]
    Roster(RosterCommand),
    /// A person's own key
    #[command(subcommand)]
    Person(PersonCommand),
    /// The roles of people, for the next roster
    #[command(subcommand)]
    Role(RoleCommand),
}

/// `tributary certs issue`.
#[derive(Subcommand)]
pub(crate) enum IssueCommand {
    /// A coordinator's certificate and keys
    Coordinator(CoordinatorOptions),
    /// A client's certificate and keys, and its line in the members list
    Client(ClientOptions),
    /// Answer a branch's request that came as a file, an enrolment or a renewal
    Request(RequestOptions),
    /// Sign a branch's request with an organisation's own authority; the federation's office then registers the certificate
    Certificate(CertificateOptions),
}

/// A new authority.
#[derive(Args)]
pub(crate) struct InitOptions {
    /// The new authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// Name of the federation, as in spiffe://NAME/...
    #[arg(long, value_name = "NAME")]
    pub(super) trust_domain: String,
    /// Roster authorities
    #[arg(long, value_name = "M", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(super) authorities: u8,
    /// The folder of one holder of a roster key; repeated, once for each roster authority in its order
    #[arg(long = "holder", value_name = "DIR")]
    pub(super) holders: Vec<PathBuf>,
    /// How many of them must sign a roster
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(super) needed: usize,
    /// Folder for the root's key, and for the roster keys without --holder, such as a medium that is taken away [default: the authority's folder]
    #[arg(long, value_name = "DIR")]
    pub(super) offline: Option<PathBuf>,
}

/// A token.
#[derive(Args)]
pub(crate) struct TokenOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// The organisation's part of the identity
    #[arg(long, value_name = "NAME", required_unless_present = "from")]
    pub(super) organisation: Option<String>,
    /// The branch's part of the identity
    #[arg(long, value_name = "NAME", required_unless_present = "from")]
    pub(super) id: Option<String>,
    /// A list of branches, one token for each: lines `ORGANISATION,ID` after the line `organisation,id`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["organisation", "id"])]
    pub(super) from: Option<PathBuf>,
    /// Where the coordinator answers
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) coordinator: String,
    /// For how many hours it is good
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=TOKEN_HOURS_MAX))]
    pub(super) hours: u64,
    /// A person must approve the fingerprint of the branch's keys
    #[arg(long)]
    pub(super) approval: bool,
    /// Start an enrolled or revoked branch anew, with fresh keys; its old machine's certificates are revoked as soon as the new one has its own
    #[arg(long)]
    pub(super) again: bool,
    /// The new bundle; whoever has it can enrol as this branch, once. With --from a folder, for DIR/ORGANISATION/ID.bundle
    #[arg(long, value_name = "PATH")]
    pub(super) out: PathBuf,
}

/// An approval.
#[derive(Args)]
pub(crate) struct ApproveOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// The fingerprint, eight groups of four digits, with dashes or without; of several branches, all are approved or none
    #[arg(required_unless_present = "list", value_name = "FINGERPRINT", value_parser = fingerprint)]
    pub(super) fingerprints: Vec<Fingerprint>,
    /// Show what waits
    #[arg(long, conflicts_with = "fingerprints")]
    pub(super) list: bool,
    /// Who heard the fingerprint; whoever signs the next roster is shown it [default: this account's name]
    #[arg(long, value_name = "NAME", conflicts_with = "list")]
    pub(super) by: Option<String>,
}

/// A new coordinator.
#[derive(Args)]
pub(crate) struct CoordinatorOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// The organisation's part of the identity
    #[arg(long, value_name = "NAME")]
    pub(super) organisation: String,
    /// The coordinator's part of the identity
    #[arg(long, value_name = "NAME")]
    pub(super) id: String,
    /// The coordinator's new folder
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// A DNS name by which clients reach it; may be repeated
    #[arg(long = "host", value_name = "NAME", required_unless_present = "addresses")]
    pub(super) hosts: Vec<String>,
    /// An address by which clients reach it; may be repeated
    #[arg(long = "address", value_name = "IP")]
    pub(super) addresses: Vec<IpAddr>,
}

/// A new client.
#[derive(Args)]
pub(crate) struct ClientOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// The organisation's part of the identity
    #[arg(long, value_name = "NAME")]
    pub(super) organisation: String,
    /// The client's part of the identity
    #[arg(long, value_name = "NAME")]
    pub(super) id: String,
    /// The client's new folder
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

/// A request that came as a file.
#[derive(Args)]
pub(crate) struct RequestOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// The request; more than one for several branches
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The answer; of several requests the folder for NAME.answer beside each NAME.request
    #[arg(long, value_name = "PATH")]
    pub(super) out: PathBuf,
    /// The certificate that the organisation's own authority made for the one request, with those above it (PEM, leaf first)
    #[arg(long, value_name = "FILE")]
    pub(super) certificate: Option<PathBuf>,
}

/// A request for an organisation's own authority.
#[derive(Args)]
pub(crate) struct CertificateOptions {
    /// The organisation's own authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// The request of one of its branches
    pub(super) file: PathBuf,
    /// The certificate with those above it (PEM, leaf first), for `certs issue request --certificate`
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
}

/// What to renew.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["coordinator_folder", "request", "issuing", "root"]))]
pub(crate) struct RenewOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// The folder of the coordinator whose certificate is renewed; with --issuing under the new authority
    #[arg(long, value_name = "DIR", conflicts_with_all = ["request", "root"])]
    pub(super) coordinator_folder: Option<PathBuf>,
    /// A branch's renewal that came as a file
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with = "root")]
    pub(super) request: Option<PathBuf>,
    /// The answer to the branch
    #[arg(long, value_name = "FILE", requires = "request")]
    pub(super) out: Option<PathBuf>,
    /// A new issuing authority under the newest root, with fresh lists
    #[arg(long, conflicts_with_all = ["request", "root"])]
    pub(super) issuing: bool,
    /// With --issuing: the old issuing authority is revoked, and so is everything that it issued; every branch renews at once
    #[arg(long, requires = "issuing")]
    pub(super) revoke: bool,
    /// A new root beside the old one
    #[arg(long)]
    pub(super) root: bool,
    /// The folder with root.key [default: the authority's folder]
    #[arg(long, value_name = "DIR")]
    pub(super) keys: Option<PathBuf>,
}

/// Whom to revoke.
#[derive(Args)]
pub(crate) struct RevokeOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// The identity whose certificates and membership end
    #[arg(required_unless_present_any = ["serial", "issuing"], value_parser = Identity::parse)]
    pub(super) identity: Option<Identity>,
    /// The serial number of the one certificate to revoke, hexadecimal
    #[arg(long, value_name = "HEX", conflicts_with = "identity")]
    pub(super) serial: Option<String>,
    /// The certificate of an issuing authority to revoke, such as issuing-old-SECONDS.pem
    #[arg(long, value_name = "FILE", conflicts_with_all = ["identity", "serial", "days"], requires = "keys")]
    pub(super) issuing: Option<PathBuf>,
    /// With --issuing: the folder with root.key
    #[arg(long, value_name = "DIR", requires = "issuing")]
    pub(super) keys: Option<PathBuf>,
    /// Why: unspecified, key-compromise, affiliation-changed, superseded or cessation-of-operation
    #[arg(long, value_name = "WORD", default_value = "unspecified", value_parser = reason)]
    pub(super) reason: RevocationReason,
    /// For how many days the new list counts
    #[arg(long, value_name = "N", default_value_t = REVOCATION_DAYS)]
    pub(super) days: u64,
}

/// A fresh list.
#[derive(Args)]
pub(crate) struct CrlOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// For how many days it counts [default: 7; a root's list 180]
    #[arg(long, value_name = "N")]
    pub(super) days: Option<u64>,
    /// The roots' list of issuing authorities as well, for which their keys are needed
    #[arg(long, requires = "keys")]
    pub(super) root: bool,
    /// With --root: the folder with root.key
    #[arg(long, value_name = "DIR", requires = "root")]
    pub(super) keys: Option<PathBuf>,
}

/// Whom to keep out.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("whom").args(["identity", "key", "client"]))]
#[command(group = clap::ArgGroup::new("asked").required(true).multiple(true).args(["identity", "key", "client", "list"]))]
pub(crate) struct DenyOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(super) authority: PathBuf,
    /// The identity
    #[arg(value_parser = Identity::parse)]
    pub(super) identity: Option<Identity>,
    /// A TLS key by the SHA-256 of its public key information, as `certs inspect` prints it; or a public signing key, as the second line of signing.pub has it
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub(super) key: Option<Denied>,
    /// The client's number in the roster
    #[arg(long, value_name = "N")]
    pub(super) client: Option<u32>,
    /// Why: unspecified, key-compromise, affiliation-changed, superseded or cessation-of-operation
    #[arg(long, value_name = "WORD", default_value = "unspecified", value_parser = reason)]
    pub(super) reason: RevocationReason,
    /// Take the entry out
    #[arg(long, requires = "whom", conflicts_with = "reason")]
    pub(super) remove: bool,
    /// Show who is denied
    #[arg(long, conflicts_with_all = ["whom", "remove", "reason"])]
    pub(super) list: bool,
}

/// What to look at.
#[derive(Args)]
pub(crate) struct InspectOptions {
    /// A PEM file: a leaf with its chain, or an authority's certificate
    pub(super) file: PathBuf,
    /// The trusted roots, and those of organisations beside them; the chain is verified against them
    #[arg(long, value_name = "FILE")]
    pub(super) trust: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

fn fingerprint(text: &str) -> Result<Fingerprint, &'static str> {
    Fingerprint::parse(text).ok_or("a fingerprint is eight groups of four hexadecimal digits")
}

/// A signing key says of which algorithm it is; the SHA-256 of a TLS key does not.
fn key(text: &str) -> Result<Denied, &'static str> {
    let text = text.to_ascii_lowercase();
    let signing = || VerifyingKey::of_text(&text).map(Denied::Signing);
    let key = Digest::from_hex(&text).map(Denied::Key).or_else(signing);
    key.ok_or("a TLS key is the 64 hexadecimal digits of its SHA-256, and a signing key is the last line of signing.pub, such as ed25519:4b1c..")
}

fn reason(text: &str) -> Result<RevocationReason, &'static str> {
    RevocationReason::parse(text)
        .ok_or("a reason is unspecified, key-compromise, affiliation-changed, superseded or cessation-of-operation")
}
