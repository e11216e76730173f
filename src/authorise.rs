//! `tributary client authorise`: what the owner of a branch's data grants and takes back.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_certs::inspect::date;
use tributary_client::grants::{self, GrantLine, GrantRequest, KEEP_MODELS, TRAIN};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{GrantSubject, GrantUses};
use tributary_protocol::printable::Printable;
use tributary_protocol::roster::{MemberName, StaffNumber};

use crate::branch::explained;
use crate::certs::unix_seconds;
use crate::exit::{Exit, Failure};
use crate::json;
use crate::typed;

/// `tributary client authorise`.
#[derive(Subcommand)]
pub(crate) enum AuthoriseCommand {
    /// Show what this branch was granted, and what was taken back
    List {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Sign a grant where the owner's key is: for one plan, or for every plan that a named plan owner puts forward for a purpose
    Grant(Box<GrantOptions>),
    /// Take a grant back where the owner's key is
    Revoke(RevokeOptions),
    /// Put a grant or its withdrawal, carried here from the owner, into this branch's folder
    Install {
        /// The file
        file: PathBuf,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// `tributary client authorise grant`.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("subject").required(true).args(["plan", "proposer"])))]
pub(crate) struct GrantOptions {
    /// The plan, by its digest
    #[arg(long, value_name = "DIGEST", value_parser = typed::digest)]
    plan: Option<Digest>,
    /// Whose plans, by staff number (ORGANISATION/NUMBER)
    #[arg(long, value_name = "STAFF", value_parser = typed::staff, requires = "purpose")]
    proposer: Option<StaffNumber>,
    /// The purpose of those plans
    #[arg(long, value_name = "PURPOSE", requires = "proposer")]
    purpose: Option<String>,
    /// What may be done under it: `train` lets such plans learn from the data, `keep-models` lets the branches keep the champions that came of them
    #[arg(long = "use", value_name = "USE", default_values = [TRAIN, KEEP_MODELS], value_parser = [TRAIN, KEEP_MODELS])]
    uses: Vec<String>,
    /// A branch whose data it is, by name (ORGANISATION/ID); more than once for several branches of one owner
    #[arg(long = "branch", value_name = "NAME", required = true, value_parser = member)]
    branches: Vec<MemberName>,
    /// Largest epsilon of one run
    #[arg(long, value_name = "EPSILON")]
    epsilon_run: f64,
    /// Largest epsilon of the runs of a year
    #[arg(long, value_name = "EPSILON")]
    epsilon_year: f64,
    /// Probability with which the guarantee may fail
    #[arg(long, default_value_t = 1e-6)]
    delta: f64,
    /// Most runs
    #[arg(long)]
    runs: u32,
    /// A field or label that may be used; none: those of the schema that the policy pins
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    /// For how many days from now
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3653))]
    days: u32,
    /// The list of roster authorities, from the branch's identity: it names the federation
    #[arg(long, value_name = "FILE")]
    authorities: PathBuf,
    /// The owner's private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the grant is written; its name ends with .grant
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `tributary client authorise revoke`.
#[derive(Args)]
pub(crate) struct RevokeOptions {
    /// The grant, by its digest, as `authorise list` shows it
    #[arg(value_name = "DIGEST", value_parser = typed::digest)]
    grant: Digest,
    /// The owner's private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the withdrawal is written; its name ends with .withdrawal
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn member(text: &str) -> Result<MemberName, String> {
    MemberName::parse(text).map_err(|fault| fault.to_string())
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: AuthoriseCommand) -> Result<Exit, Failure> {
    match command {
        AuthoriseCommand::List { config, json } => {
            let lines = grants::list(&config).map_err(explained)?;
            if json {
                json::print(&serde_json::json!({ "grants": lines }));
            } else if lines.is_empty() {
                println!("nothing is granted: no plan runs at this branch");
            }
            if !json {
                lines.iter().for_each(show);
            }
        }
        AuthoriseCommand::Grant(options) => grant(*options)?,
        AuthoriseCommand::Revoke(RevokeOptions { grant, key, out }) => {
            ends_with(&out, "withdrawal")?;
            grants::withdraw(grant, &key, &out, unix_seconds()).map_err(explained)?;
            println!(
                "{}: the grant {} is withdrawn where this file is installed (`tributary client authorise install`); it counts before the next round",
                out.display(),
                grant.short()
            );
        }
        AuthoriseCommand::Install { file, config } => {
            grants::install(&config, &file).map_err(explained)?.iter().for_each(|line| println!("{line}"));
        }
    }
    Ok(Exit::Done)
}

fn grant(options: GrantOptions) -> Result<(), Failure> {
    let GrantOptions {
        plan, proposer, purpose, branches, epsilon_run, epsilon_year, delta, runs, fields, days, ..
    } = options;
    ends_with(&options.out, "grant")?;
    let subject = match (plan, proposer, purpose) {
        (Some(plan), ..) => GrantSubject::Plan(plan),
        (None, Some(proposer), Some(purpose)) => GrantSubject::Plans { proposer, purpose: purpose.as_str().into() },
        _ => return Err(Failure::usage("give --plan, or --proposer and --purpose")),
    };
    let named = |word| options.uses.iter().any(|named| named == word);
    let uses = GrantUses { train: named(TRAIN), keep_models: named(KEEP_MODELS) };
    let not_before = unix_seconds();
    let not_after = not_before.saturating_add(u64::from(days).saturating_mul(86_400));
    let request =
        GrantRequest { subject, uses, branches, epsilon_run, epsilon_year, delta, runs, fields, not_before, not_after };
    let grant = grants::grant(&request, &options.authorities, &options.key, &options.out).map_err(explained)?;
    let line = GrantLine::of(&grant, None, false);
    if options.json {
        json::print(&line);
    } else {
        show(&line);
        println!(
            "{}: carry it to each of its branches, and install it there (`tributary client authorise install`)",
            options.out.display()
        );
    }
    Ok(())
}

fn ends_with(path: &std::path::Path, extension: &str) -> Result<(), Failure> {
    let ends = path.extension().is_some_and(|found| found == extension);
    let text = || Failure::usage(format!("{}: the name must end with .{extension}", path.display()));
    if ends { Ok(()) } else { Err(text()) }
}

fn show(line: &GrantLine) {
    let state = match (line.signed, line.withdrawn) {
        (false, _) => "NOT SIGNED BY THE OWNER, counts for nothing",
        (true, true) => "withdrawn",
        (true, false) => "in force",
    };
    println!("grant {}  {state}", line.grant);
    println!("  for       {}", Printable::new(&line.of).as_str());
    println!("  uses      {}", line.uses.join(", "));
    println!("  branches  {}", line.branches.join(", "));
    let GrantLine { epsilon_run, epsilon_year, delta, runs, .. } = line;
    println!("  within    epsilon {epsilon_run} a run and {epsilon_year} a year, at delta {delta:e}; {runs} runs");
    println!("  from      {} until {}", date(line.not_before), date(line.not_after));
}
