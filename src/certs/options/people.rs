//! What `tributary certs person` and `tributary certs role` can be asked.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use tributary_certs::people::AskedScope;
use tributary_certs::token::{TokenLimits, TokenSettings};
use tributary_protocol::role::Role;
use tributary_protocol::roster::StaffNumber;

use crate::typed;

/// `tributary certs person`.
#[derive(Subcommand)]
pub(crate) enum PersonCommand {
    /// Make a person's key on the person's own machine, and the request for the office
    Request(PersonOptions),
}

/// `tributary certs role`.
#[derive(Subcommand)]
pub(crate) enum RoleCommand {
    /// Give a person a role in the next roster
    Grant(GrantOptions),
    /// Take roles away in the next roster
    Revoke(RevokeRoleOptions),
    /// Have a person stand in for another one who holds a role
    Deputy(DeputyOptions),
    /// Give roles that a person holds another term
    Renew(RenewRoleOptions),
    /// Change a person's key, and no role
    Key(KeyOptions),
    /// Show who holds which role, now and in the next roster
    List(RoleListOptions),
}

/// A person's key.
#[derive(Args)]
pub(crate) struct PersonOptions {
    /// The person's staff number: ORGANISATION/NUMBER
    #[arg(long, value_name = "ORG/NUMBER", value_parser = typed::staff)]
    pub(in crate::certs) staff: StaffNumber,
    /// The person's new folder, on a machine or medium that nobody else uses
    #[arg(long, value_name = "DIR")]
    pub(in crate::certs) out: PathBuf,
    /// The folder of the key before it, which signs for the new one
    #[arg(long, value_name = "DIR")]
    pub(in crate::certs) old: Option<PathBuf>,
    /// Make the key in a PKCS#11 token, through this library of its vendor; the folder then names the token
    #[arg(long, value_name = "FILE", requires_all = ["token", "key_label", "pin_file"])]
    token_module: Option<PathBuf>,
    /// The token's label
    #[arg(long, value_name = "LABEL", requires = "token_module", value_parser = typed::label)]
    token: Option<String>,
    /// The new key's label in the token, which nothing there may have yet
    #[arg(long, value_name = "LABEL", requires = "token_module", value_parser = typed::label)]
    key_label: Option<String>,
    /// The file of the token's PIN: one line of text, mode 0600
    #[arg(long, value_name = "FILE", requires = "token_module")]
    pin_file: Option<PathBuf>,
}

impl PersonOptions {
    /// Where the key is to be made, if in a token.
    pub(in crate::certs) fn place(&self) -> Option<TokenSettings> {
        Some(TokenSettings {
            module: self.token_module.clone()?,
            token: self.token.clone()?,
            key: self.key_label.clone()?,
            pin_file: self.pin_file.clone()?,
            limits: TokenLimits::PERSON,
        })
    }
}

/// Who types it.
#[derive(Args)]
pub(crate) struct OfficeOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::certs) authority: PathBuf,
    /// Who decides it; whoever signs the next roster is shown it [default: this account's name]
    #[arg(long, value_name = "NAME")]
    pub(in crate::certs) by: Option<String>,
}

/// A role that is given.
#[derive(Args)]
#[command(group = ArgGroup::new("whom").required(true).args(["request", "staff"]))]
pub(crate) struct GrantOptions {
    #[command(flatten)]
    pub(in crate::certs) office: OfficeOptions,
    /// The person's request: the first role brings the key
    #[arg(long, value_name = "FILE")]
    pub(in crate::certs) request: Option<PathBuf>,
    /// A person whose key is known here
    #[arg(long, value_name = "ORG/NUMBER", value_parser = typed::staff)]
    pub(in crate::certs) staff: Option<StaffNumber>,
    /// The role
    #[arg(long, value_name = "ROLE", value_parser = typed::role())]
    pub(in crate::certs) role: Role,
    /// federation, organisation:NAME or clients:1,5-9 [default: the person's organisation for roles of branches, else federation]
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    pub(in crate::certs) scope: Option<AskedScope>,
    /// The first day, as YEAR-MONTH-DAY in UTC [default: now]
    #[arg(long, value_name = "DATE", value_parser = typed::first_second)]
    pub(in crate::certs) from: Option<u64>,
    /// For how many days
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::certs) days: u64,
    /// The person's old key is lost: it is never taken again, and every holder of a roster key is shown the loss
    #[arg(long, requires = "request")]
    pub(in crate::certs) lost: bool,
}

/// Roles that are taken away.
#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).args(["role", "all"]))]
pub(crate) struct RevokeRoleOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::certs) authority: PathBuf,
    /// Whose
    #[arg(long, value_name = "ORG/NUMBER", value_parser = typed::staff)]
    pub(in crate::certs) staff: StaffNumber,
    /// Which role, in person and as a deputy
    #[arg(long, value_name = "ROLE", value_parser = typed::role())]
    pub(in crate::certs) role: Option<Role>,
    /// All of them: the person leaves
    #[arg(long)]
    pub(in crate::certs) all: bool,
}

/// A deputy.
#[derive(Args)]
pub(crate) struct DeputyOptions {
    #[command(flatten)]
    pub(in crate::certs) office: OfficeOptions,
    /// Who stands in: a person whose key is known here
    #[arg(long, value_name = "ORG/NUMBER", value_parser = typed::staff)]
    pub(in crate::certs) staff: StaffNumber,
    /// The role
    #[arg(long, value_name = "ROLE", value_parser = typed::role())]
    pub(in crate::certs) role: Role,
    /// For whom: a person who holds the role
    #[arg(long = "for", value_name = "ORG/NUMBER", value_parser = typed::staff)]
    pub(in crate::certs) principal: StaffNumber,
    /// A part of what the role is of: organisation:NAME or clients:1,5-9 [default: all of it]
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    pub(in crate::certs) scope: Option<AskedScope>,
    /// The first day, as YEAR-MONTH-DAY in UTC [default: now]
    #[arg(long, value_name = "DATE", value_parser = typed::first_second)]
    pub(in crate::certs) from: Option<u64>,
    /// The last day
    #[arg(long, value_name = "DATE", value_parser = typed::last_second)]
    pub(in crate::certs) until: u64,
}

/// Another term.
#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).args(["role", "all"]))]
pub(crate) struct RenewRoleOptions {
    #[command(flatten)]
    pub(in crate::certs) office: OfficeOptions,
    /// Whose
    #[arg(long, value_name = "ORG/NUMBER", value_parser = typed::staff)]
    pub(in crate::certs) staff: StaffNumber,
    /// Which role
    #[arg(long, value_name = "ROLE", value_parser = typed::role())]
    pub(in crate::certs) role: Option<Role>,
    /// All that the person holds in person
    #[arg(long)]
    pub(in crate::certs) all: bool,
    /// For how many days from now
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::certs) days: u64,
}

/// Another key.
#[derive(Args)]
pub(crate) struct KeyOptions {
    #[command(flatten)]
    pub(in crate::certs) office: OfficeOptions,
    /// The person's request with the new key
    #[arg(long, value_name = "FILE")]
    pub(in crate::certs) request: PathBuf,
    /// The old key is lost: it is never taken again, and every holder of a roster key is shown the loss
    #[arg(long)]
    pub(in crate::certs) lost: bool,
}

/// What to show.
#[derive(Args)]
pub(crate) struct RoleListOptions {
    /// The authority's folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::certs) authority: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(in crate::certs) json: bool,
}

fn scope(text: &str) -> Result<AskedScope, &'static str> {
    AskedScope::parse(text).ok_or("a scope is federation, organisation:NAME, or clients:1,5-9")
}
