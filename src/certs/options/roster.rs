//! What `tributary certs roster` can be asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_certs::roster::parse_clients;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;

use crate::typed;

/// `tributary certs roster`.
#[derive(Subcommand)]
pub(crate) enum RosterCommand {
    /// Propose the next roster of all members and their groups: a file for the holders of the roster keys
    Propose(ProposeOptions),
    /// Show what differs between two rosters or proposals
    Diff(DiffOptions),
    /// Sign a proposal as its first holder, offline, after its changes were shown and confirmed
    Sign(SignOptions),
    /// Add a signature to a proposal that others have signed, in the same way
    Countersign(SignOptions),
    /// Put a proposal that enough holders have signed in force
    Install(InstallOptions),
    /// Show a roster or a proposal, and who has signed it
    Show(ShowOptions),
    /// Name a group of members for the next roster, remove one, or show them
    Group(GroupOptions),
}

/// The next roster.
#[derive(Args)]
pub(crate) struct ProposeOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::certs) authority: PathBuf,
    /// The proposal, to be carried to the holders
    #[arg(long, value_name = "FILE")]
    pub(in crate::certs) out: PathBuf,
}

/// Two rosters.
#[derive(Args)]
pub(crate) struct DiffOptions {
    /// The roster before, and the roster or proposal after it; with --first the latter alone
    #[arg(value_name = "FILE", num_args = 1..=2, required = true)]
    pub(in crate::certs) files: Vec<PathBuf>,
    /// There is no roster before it
    #[arg(long)]
    pub(in crate::certs) first: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(in crate::certs) json: bool,
}

/// One signature.
#[derive(Args)]
pub(crate) struct SignOptions {
    /// The proposal; it gets the signature
    pub(in crate::certs) file: PathBuf,
    /// The holder's folder: its key, the list of authorities, and what it has seen and signed
    #[arg(long, value_name = "DIR")]
    pub(in crate::certs) keys: PathBuf,
    /// The roster before the proposed one, for a holder that has not seen it
    #[arg(long, value_name = "FILE")]
    pub(in crate::certs) last: Option<PathBuf>,
    /// This holder has seen no roster yet
    #[arg(long)]
    pub(in crate::certs) first: bool,
    /// The digest of the changes, as `diff` prints it: in place of the questions, where there is no terminal
    #[arg(long, value_name = "DIGEST", value_parser = typed::digest)]
    pub(in crate::certs) confirm: Option<Digest>,
    /// Give up the roster of the same epoch that this key has signed: its digest
    #[arg(long, value_name = "DIGEST", value_parser = typed::digest)]
    pub(in crate::certs) instead: Option<Digest>,
    /// Write the signed proposal here, and leave the file as it is
    #[arg(long, value_name = "FILE")]
    pub(in crate::certs) out: Option<PathBuf>,
}

/// A signed proposal.
#[derive(Args)]
pub(crate) struct InstallOptions {
    /// The proposal with its signatures
    pub(in crate::certs) file: PathBuf,
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::certs) authority: PathBuf,
}

/// What to show.
#[derive(Args)]
pub(crate) struct ShowOptions {
    /// A roster or a proposal
    pub(in crate::certs) file: PathBuf,
    /// The list of roster authorities, by which the signatures are verified
    #[arg(long, value_name = "FILE")]
    pub(in crate::certs) authorities: Option<PathBuf>,
}

/// A group of the next roster.
#[derive(Args)]
pub(crate) struct GroupOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::certs) authority: PathBuf,
    /// The group's name, as plans and policies name it; without one all groups are shown
    #[arg(value_name = "NAME", requires = "what")]
    pub(in crate::certs) name: Option<String>,
    /// Its members, by their numbers in the roster, ascending, such as 1,2,5-9
    #[arg(long, value_name = "LIST", value_parser = clients, group = "what", requires = "name")]
    pub(in crate::certs) members: Option<Clients>,
    /// Remove the group
    #[arg(long, group = "what", requires = "name")]
    pub(in crate::certs) remove: bool,
}

/// Members of a group.
#[derive(Clone)]
pub(crate) struct Clients(pub(in crate::certs) Vec<ClientId>);

fn clients(text: &str) -> Result<Clients, &'static str> {
    parse_clients(text)
        .map(Clients)
        .ok_or("numbers and ranges of them, ascending, with commas between, such as 1,2,5-9")
}
