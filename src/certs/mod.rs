//! `tributary certs`: the folders of `docs/CERTIFICATES.md`, made, kept and looked at.

mod done;
mod office;
mod options;
mod people;
mod roster;

pub(crate) use tributary_certs::clock::unix_seconds;
use tributary_certs::enrolment::{self, Apart, CoordinatorRequest};
use tributary_certs::identity::TrustDomain;
use tributary_certs::inspect::inspect;
use tributary_certs::tls::TrustRoots;

use self::done::done;
pub(crate) use self::options::CertsCommand;
use self::options::{InitOptions, InspectOptions, IssueCommand, PersonCommand};
use crate::exit::{Exit, Failure};
use crate::json;

/// Does what was asked.
///
/// # Errors
/// Why nothing was done, or a file could not be read.
pub(crate) fn run(command: CertsCommand) -> Result<Exit, Failure> {
    match command {
        CertsCommand::Init(options) => init(&options),
        CertsCommand::Token(options) => office::token(&options),
        CertsCommand::Approve(options) => office::approve(&options),
        CertsCommand::Issue(command) => issue(&command),
        CertsCommand::Inspect(options) => look(&options),
        CertsCommand::Renew(options) => office::renew(&options),
        CertsCommand::Revoke(options) => office::revoke(&options),
        CertsCommand::Crl(options) => office::list(&options),
        CertsCommand::Deny(options) => office::deny(&options),
        CertsCommand::Roster(command) => roster::run(&command),
        CertsCommand::Person(PersonCommand::Request(options)) => people::request(&options),
        CertsCommand::Role(command) => people::run(&command),
    }
}

fn init(options: &InitOptions) -> Result<Exit, Failure> {
    let domain = TrustDomain::parse(&options.trust_domain).map_err(Failure::usage)?;
    let InitOptions { authority, authorities, needed, holders, .. } = options;
    let apart = Apart { offline: options.offline.as_ref().unwrap_or(authority), holders };
    let list = enrolment::init_authority_apart(authority, apart, &domain, *authorities, *needed, unix_seconds());
    let list = list.map_err(Failure::failed)?;
    done(authority, &format!("an authority for {domain}; {} of {authorities} must sign a roster", list.needed()))
}

fn issue(command: &IssueCommand) -> Result<Exit, Failure> {
    let now = unix_seconds();
    match command {
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
            let (folder, out) = (&options.authority, &options.out);
            let member = enrolment::issue_client(folder, &options.organisation, &options.id, out, now);
            let member = member.map_err(Failure::failed)?;
            done(out, &format!("{}, client {}; sign the next roster to admit it", member.identity, member.entry.client))
        }
        IssueCommand::Request(options) => office::request(options),
        IssueCommand::Certificate(options) => office::certificate(options),
    }
}

fn look(options: &InspectOptions) -> Result<Exit, Failure> {
    let roots = options.trust.as_deref().map(TrustRoots::read).transpose().map_err(Failure::failed)?;
    let inspection = inspect(&options.file, roots.as_ref(), unix_seconds()).map_err(Failure::failed)?;
    json::print_or_tell(&inspection, options.json);
    Ok(if inspection.problems.is_empty() { Exit::Done } else { Exit::Failed })
}
