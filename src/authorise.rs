//! `tributary client authorise`: what the owner of a branch's data grants and takes back.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tributary_certs::grant::{GRANT_EXTENSION, WITHDRAWAL_EXTENSION};
use tributary_certs::inspect::date;
use tributary_client::grants::{self, AskedLine, GrantLine, GrantRequest, KEEP_MODELS, TRAIN};
use tributary_planning::PlanFile;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Approvals, GrantSubject, GrantUses};
use tributary_protocol::printable::Printable;
use tributary_protocol::roster::{MemberName, StaffNumber};
use tributary_storage::files::Existing;
use tributary_texts::{Language, Said, commands as words};

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
    /// Show which plans wait for the owner's answer, and until when; or write one of them into a file, for the owner to read (`tributary plan show`)
    Inbox {
        /// The plan to write out, by its digest
        #[arg(value_name = "DIGEST", value_parser = typed::digest, requires = "out")]
        plan: Option<Digest>,
        /// Where the plan is written
        #[arg(long, value_name = "FILE", requires = "plan")]
        out: Option<PathBuf>,
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
    #[arg(long = "branch", value_name = "NAME", required_unless_present = "config", value_parser = member)]
    branches: Vec<MemberName>,
    /// Instead of --branch, --authorities and --out: the settings of the one branch whose data it is, on this machine; the grant is put into its folder
    #[arg(long, value_name = "FILE", conflicts_with_all = ["branches", "authorities", "out"])]
    config: Option<PathBuf>,
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
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    authorities: Option<PathBuf>,
    /// The owner's private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the grant is written; its name ends with .grant
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    out: Option<PathBuf>,
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
pub(crate) fn run(command: AuthoriseCommand, language: Language) -> Result<Exit, Failure> {
    let failed = |error| explained(&error, language);
    let print = |said: Said| println!("{}", said.text(language));
    match command {
        AuthoriseCommand::List { config, json } => {
            let lines = grants::list(&config).map_err(failed)?;
            if json {
                json::print(&serde_json::json!({ "grants": lines }));
            } else if lines.is_empty() {
                print(words::nothing_granted());
            } else {
                lines.iter().flat_map(said).for_each(print);
            }
        }
        AuthoriseCommand::Inbox { plan: Some(plan), out: Some(out), config, .. } => {
            let (plan, Approvals { proposal, approval }) = grants::asked_plan(&config, &plan).map_err(failed)?;
            let file = PlanFile { plan, proposal: Some(proposal), approval: Some(approval), rejection: None };
            file.write(&out, Existing::Keep).map_err(Failure::failed)?;
            print(words::plan_taken_out(out.display()));
        }
        AuthoriseCommand::Inbox { config, json, .. } => inbox(&config, json, language)?,
        AuthoriseCommand::Grant(options) => grant(*options, language)?,
        AuthoriseCommand::Revoke(RevokeOptions { grant, key, out }) => {
            ends_with(&out, WITHDRAWAL_EXTENSION, language)?;
            grants::withdraw(grant, &key, &out, unix_seconds()).map_err(failed)?;
            print(words::withdrawal_carry(out.display(), grant.short()));
        }
        AuthoriseCommand::Install { file, config } => {
            print(grants::install(&config, &file, unix_seconds()).map_err(failed)?);
        }
    }
    Ok(Exit::Done)
}

fn inbox(config: &Path, json: bool, language: Language) -> Result<(), Failure> {
    let now = unix_seconds();
    let waiting = grants::waiting(config, now).map_err(|error| explained(&error, language))?;
    if json {
        json::print(&serde_json::json!({ "waiting": waiting }));
        return Ok(());
    }
    let days = |line: &AskedLine| line.until.saturating_sub(now) / 86_400;
    let said = |line: &AskedLine| {
        let AskedLine { plan, name, purpose, proposer, approver, runs, since, until } = line;
        [
            words::asked_plan(Printable::new(name), plan),
            words::asked_what(Printable::new(purpose), proposer, approver, runs),
            words::asked_when(date(*since), date(*until), days(line)),
        ]
    };
    let mut lines: Vec<Said> = waiting.iter().flat_map(said).collect();
    lines.push(if waiting.is_empty() { words::nothing_asked() } else { words::asked_how() });
    lines.iter().for_each(|line| println!("{}", line.text(language)));
    Ok(())
}

fn grant(options: GrantOptions, language: Language) -> Result<(), Failure> {
    let GrantOptions {
        plan, proposer, purpose, branches, epsilon_run, epsilon_year, delta, runs, fields, days, ..
    } = options;
    options.out.as_deref().map_or(Ok(()), |out| ends_with(out, GRANT_EXTENSION, language))?;
    let subject = match (plan, proposer, purpose) {
        (Some(plan), ..) => GrantSubject::Plan(plan),
        (None, Some(proposer), Some(purpose)) => GrantSubject::Plans { proposer, purpose: purpose.as_str().into() },
        _ => return Err(Failure::usage(words::give_plan_or_proposer().text(language))),
    };
    let named = |word| options.uses.iter().any(|named| named == word);
    let uses = GrantUses { train: named(TRAIN), keep_models: named(KEEP_MODELS) };
    let not_before = unix_seconds();
    let not_after = not_before.saturating_add(u64::from(days).saturating_mul(86_400));
    let request =
        GrantRequest { subject, uses, branches, epsilon_run, epsilon_year, delta, runs, fields, not_before, not_after };
    let failed = |error| explained(&error, language);
    let (grant, next) = match (&options.config, &options.authorities, &options.out) {
        (Some(config), ..) => grants::grant_here(config, &request, &options.key).map_err(failed)?,
        (None, Some(authorities), Some(out)) => {
            let grant = grants::grant(&request, authorities, &options.key, out).map_err(failed)?;
            (grant, words::grant_carry(out.display()))
        }
        _ => return Err(Failure::usage(words::give_branches_or_config().text(language))),
    };
    let line = GrantLine::of(&grant, None, false);
    if options.json {
        json::print(&line);
    } else {
        said(&line).iter().chain([&next]).for_each(|line| println!("{}", line.text(language)));
    }
    Ok(())
}

fn ends_with(path: &std::path::Path, extension: &str, language: Language) -> Result<(), Failure> {
    let ends = path.extension().is_some_and(|found| found == extension);
    let fault = || Failure::usage(words::name_must_end(path.display(), extension).text(language));
    if ends { Ok(()) } else { Err(fault()) }
}

fn said(line: &GrantLine) -> Vec<Said> {
    let state = match (line.signed, line.withdrawn) {
        (false, _) => words::grant_unsigned(),
        (true, true) => words::grant_taken_back(),
        (true, false) => words::grant_in_force(),
    };
    let GrantLine { epsilon_run, epsilon_year, delta, runs, .. } = line;
    vec![
        words::grant_line(&line.grant, state),
        words::grant_for(&line.said),
        words::grant_uses(line.uses.join(", ")),
        words::grant_branches(line.branches.join(", ")),
        words::grant_within(epsilon_run, epsilon_year, format!("{delta:e}"), runs),
        words::grant_time(date(line.not_before), date(line.not_after)),
    ]
}
