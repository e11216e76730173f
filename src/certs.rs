//! `tributary certs`: the folders of `docs/CERTIFICATES.md`, made and looked at.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use tributary_certs::enrolment::{self, CoordinatorRequest};
use tributary_certs::identity::TrustDomain;
use tributary_certs::inspect::inspect;
use tributary_certs::tls::TrustRoots;

use crate::exit::{Exit, Failure};

/// `tributary certs`.
#[derive(Subcommand)]
pub(crate) enum CertsCommand {
    /// Make an authority, enrol a daemon, or sign the roster
    #[command(subcommand)]
    Issue(IssueCommand),
    /// Show what a certificate file says and what is wrong with it
    Inspect(InspectOptions),
}

/// `tributary certs issue`.
#[derive(Subcommand)]
pub(crate) enum IssueCommand {
    /// A new authority: root, issuing authority and roster keys, in one folder
    Authority(AuthorityOptions),
    /// A coordinator's certificate and keys
    Coordinator(CoordinatorOptions),
    /// A client's certificate and keys, and its line in the members list
    Client(ClientOptions),
    /// The next roster of all members, signed with the roster keys in the authority's folder
    Roster(RosterOptions),
}

/// A new authority.
#[derive(Args)]
pub(crate) struct AuthorityOptions {
    /// The new authority's folder
    #[arg(long, value_name = "DIR")]
    authority: PathBuf,
    /// Name of the federation, as in spiffe://NAME/...
    #[arg(long, value_name = "NAME")]
    trust_domain: String,
    /// Roster authorities
    #[arg(long, value_name = "M", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=16))]
    authorities: u8,
    /// How many of them must sign a roster
    #[arg(long, value_name = "N", default_value_t = 2)]
    needed: usize,
}

/// A new coordinator.
#[derive(Args)]
pub(crate) struct CoordinatorOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    authority: PathBuf,
    /// The organisation's part of the identity
    #[arg(long, value_name = "NAME")]
    organisation: String,
    /// The coordinator's part of the identity
    #[arg(long, value_name = "NAME")]
    id: String,
    /// The coordinator's new folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A DNS name by which clients reach it; may be repeated
    #[arg(long = "host", value_name = "NAME", required_unless_present = "addresses")]
    hosts: Vec<String>,
    /// An address by which clients reach it; may be repeated
    #[arg(long = "address", value_name = "IP")]
    addresses: Vec<IpAddr>,
}

/// A new client.
#[derive(Args)]
pub(crate) struct ClientOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    authority: PathBuf,
    /// The organisation's part of the identity
    #[arg(long, value_name = "NAME")]
    organisation: String,
    /// The client's part of the identity
    #[arg(long, value_name = "NAME")]
    id: String,
    /// The client's new folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The next roster.
#[derive(Args)]
pub(crate) struct RosterOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    authority: PathBuf,
}

/// What to look at.
#[derive(Args)]
pub(crate) struct InspectOptions {
    /// A PEM file: a leaf with its chain, or an authority's certificate
    file: PathBuf,
    /// The trusted roots; the chain is verified against them
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Does what was asked.
///
/// # Errors
/// Why nothing was issued, or a file could not be read.
pub(crate) fn run(command: CertsCommand) -> Result<Exit, Failure> {
    match command {
        CertsCommand::Issue(command) => issue(command),
        CertsCommand::Inspect(options) => look(&options),
    }
}

fn issue(command: IssueCommand) -> Result<Exit, Failure> {
    let now = unix_seconds();
    match command {
        IssueCommand::Authority(options) => {
            let domain = TrustDomain::parse(&options.trust_domain).map_err(Failure::usage)?;
            let AuthorityOptions { authority, authorities, needed, .. } = &options;
            let list = enrolment::init_authority(authority, &domain, *authorities, *needed, now);
            let list = list.map_err(Failure::failed)?;
            done(
                authority,
                &format!("an authority for {domain}; {} of {authorities} must sign a roster", list.needed()),
            )
        }
        IssueCommand::Coordinator(options) => {
            let request = CoordinatorRequest {
                organisation: &options.organisation,
                id: &options.id,
                host_names: &options.hosts,
                addresses: &options.addresses,
            };
            let pin = enrolment::issue_coordinator(&options.authority, &request, &options.out, now);
            done(&options.out, &pin.map_err(Failure::failed)?.identity.to_string())
        }
        IssueCommand::Client(options) => {
            let ClientOptions { authority, organisation, id, out } = &options;
            let member = enrolment::issue_client(authority, organisation, id, out, now).map_err(Failure::failed)?;
            done(out, &format!("{}, client {}; sign the next roster to admit it", member.identity, member.entry.client))
        }
        IssueCommand::Roster(options) => {
            let signed = enrolment::sign_roster(&options.authority).map_err(Failure::failed)?;
            let (epoch, clients) = (signed.roster.epoch(), signed.roster.entries().len());
            let signatures = signed.signatures.len();
            done(&options.authority, &format!("roster {epoch} of {clients} clients with {signatures} signatures"))
        }
    }
}

fn done(folder: &Path, what: &str) -> Result<Exit, Failure> {
    println!("{}: {what}", folder.display());
    Ok(Exit::Done)
}

fn look(options: &InspectOptions) -> Result<Exit, Failure> {
    let roots = options.trust.as_deref().map(TrustRoots::read).transpose().map_err(Failure::failed)?;
    let inspection = inspect(&options.file, roots.as_ref(), unix_seconds()).map_err(Failure::failed)?;
    if options.json {
        println!("{}", serde_json::to_string(&inspection).expect("an inspection is plain data"));
    } else {
        print!("{inspection}");
    }
    Ok(if inspection.problems.is_empty() { Exit::Done } else { Exit::Failed })
}

/// The machine's clock. Before 1970 counts as 1970.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
