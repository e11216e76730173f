//! `tributary plan year`: what the spending of a year.toml comes to, and the file in which two people sign it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tributary_certs::clock::unix_seconds;
use tributary_certs::roster::{RosterAuthorities, read_roster};
use tributary_certs::suite::RealSuite;
use tributary_model::year::YearPlan;
use tributary_planning::portrait::groups;
use tributary_planning::{YearFile, year};
use tributary_protocol::plan::Grounds;
use tributary_protocol::role::Action;
use tributary_protocol::roster::ALL;
use tributary_storage::files::{self, Existing};

use crate::confirm::{Shown, group_of};
use crate::exit::{Exit, Failure};
use crate::json;
use crate::signed::{SignerOptions, all_told, as_json};

/// `tributary plan year`.
#[derive(Subcommand)]
pub(crate) enum YearCommand {
    /// Make the canonical file of a year.toml, which is what two people sign
    Build(BuildOptions),
    /// Say what a year comes to in each month, and when a cap ends it
    Lint(YearOptions),
    /// Show a signed year, and who signed it; with the roster, whether that counts
    Show(ShowOptions),
    /// Sign a year as its author
    Propose(YearSignerOptions),
    /// Sign a year that another person has proposed
    Approve(YearSignerOptions),
}

/// `tributary plan year build`.
#[derive(Args)]
pub(crate) struct BuildOptions {
    /// The year.toml
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The canonical file; never replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `tributary plan year lint`.
#[derive(Args)]
pub(crate) struct YearOptions {
    /// A year.toml, or a year's canonical file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `tributary plan year show`.
#[derive(Args)]
pub(crate) struct ShowOptions {
    /// The year's canonical file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The signed roster: it says whether the signatures count
    #[arg(long, value_name = "FILE", requires = "authorities")]
    roster: Option<PathBuf>,
    /// The list of roster authorities, by which the roster is verified
    #[arg(long, value_name = "FILE", requires = "roster")]
    authorities: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `tributary plan year propose` and `approve`.
#[derive(Args)]
pub(crate) struct YearSignerOptions {
    /// The year's canonical file; the signature is added to it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    signer: SignerOptions,
}

impl YearCommand {
    /// Whether something is signed, or judged, with the time of this machine's clock.
    pub(crate) fn looks_at_the_clock(&self) -> bool {
        match self {
            Self::Propose(_) | Self::Approve(_) => true,
            Self::Show(options) => options.roster.is_some(),
            Self::Build(_) | Self::Lint(_) => false,
        }
    }
}

/// `tributary plan year`.
///
/// # Errors
/// Every fault of the file at once, or why nothing was signed.
pub(crate) fn year(command: &YearCommand) -> Result<Exit, Failure> {
    match command {
        YearCommand::Build(options) => built(options),
        YearCommand::Lint(options) => lint(options),
        YearCommand::Show(options) => show(options),
        YearCommand::Propose(options) => sign(options, Action::ProposeYear),
        YearCommand::Approve(options) => sign(options, Action::ApproveYear),
    }
}

fn built(BuildOptions { file, out, json }: &BuildOptions) -> Result<Exit, Failure> {
    let year = year::load(file).map_err(Failure::settings)?;
    let digest = year.digest();
    YearFile::new(year).write(out, Existing::Keep).map_err(Failure::failed)?;
    if *json {
        json::print(&serde_json::json!({ "file": out, "year": digest.to_string() }));
    } else {
        println!(
            "{}: the year {digest}. Look at it with `tributary plan year lint`, then its author signs it (`tributary plan year propose`)",
            out.display()
        );
    }
    Ok(Exit::Done)
}

fn lint(YearOptions { file, json }: &YearOptions) -> Result<Exit, Failure> {
    let outlook = of_either(file)?.outlook();
    json::print_or_tell(&outlook, *json);
    Ok(Exit::Done)
}

/// The year of a canonical file, or of a year.toml.
fn of_either(path: &Path) -> Result<YearPlan, Failure> {
    let text = files::read_text(path, "year").map_err(Failure::failed)?;
    if YearFile::is_one(&text) {
        return Ok(YearFile::read(path).map_err(Failure::failed)?.year);
    }
    year::load(path).map_err(Failure::settings)
}

fn show(options: &ShowOptions) -> Result<Exit, Failure> {
    let file = YearFile::read(&options.file).map_err(Failure::failed)?;
    let judged = match (&options.roster, &options.authorities) {
        (Some(roster), Some(authorities)) => {
            let authorities = RosterAuthorities::read(authorities).map_err(Failure::failed)?;
            Some(judge(&file, roster, &authorities)?)
        }
        _ => None,
    };
    let refused = judged.as_ref().and_then(|judged| judged.as_ref().err());
    if options.json {
        json::print(&serde_json::json!({
            "year": file.year.outlook(),
            "signatures": as_json(file.attestations()),
            "approved": judged.as_ref().map(Result::is_ok),
            "why_not": refused,
        }));
    } else {
        print!("{}{}", file.year.outlook(), all_told(file.attestations()));
        match &judged {
            None => {}
            Some(Ok(())) => println!("by this roster the year is approved"),
            Some(Err(why)) => println!("by this roster the year is NOT approved: {why}"),
        }
    }
    Ok(if refused.is_some() { Exit::Failed } else { Exit::Done })
}

/// Whether the signatures count by a roster that its authorities signed; else why they do not.
///
/// # Errors
/// A roster that cannot be used.
pub(crate) fn judge(
    file: &YearFile,
    roster: &Path,
    authorities: &RosterAuthorities,
) -> Result<Result<(), String>, Failure> {
    let signed = read_roster(roster, authorities).map_err(Failure::failed)?;
    let federation = authorities.digest();
    let now = Some(unix_seconds());
    let grounds = Grounds { roster: &signed.roster, federation: &federation, group: ALL, now };
    let Some(approvals) = file.approvals() else { return Ok(Err("it lacks a signature".into())) };
    Ok(approvals.judge_year::<RealSuite>(&file.year.digest(), grounds).map_err(|fault| fault.to_string()))
}

fn sign(YearSignerOptions { file: path, signer }: &YearSignerOptions, action: Action) -> Result<Exit, Failure> {
    let mut file = YearFile::read(path).map_err(Failure::failed)?;
    let (person, federation) = signer.open()?;
    let staff = person.staff();
    let role = file.may_sign(action, staff, federation).map_err(Failure::failed)?;
    let digest = file.year.digest();
    signer.show(&format!(
        "{}{}\nTo be signed: {action} by {staff} as {role}, in the federation {federation}\nthe year {}\n",
        file.year.outlook(),
        all_told(file.attestations()),
        groups(&digest).join("-")
    ));
    let shown = Shown::english("this year", digest, "Read the year above", "Read the year again");
    shown.confirm(signer.confirm.as_ref(), |entropy| vec![group_of(&digest, "year", entropy)])?;
    let at = unix_seconds();
    file.sign(action, &person, federation, at).map_err(Failure::failed)?;
    let out = signer.out.as_ref().unwrap_or(path);
    file.write(out, Existing::Replace).map_err(Failure::failed)?;
    if signer.json {
        json::print(&serde_json::json!({
            "file": out, "year": digest.to_string(), "action": action.name(), "staff": staff.as_str(), "role": role.name(), "at": at,
        }));
    } else {
        let next = match file.approval {
            Some(_) => {
                "it is approved; a plan names it by its digest (`charter.year`), and `tributary plan lint --year` compares the two"
            }
            None => "it is proposed; carry it to the privacy officer, who approves it (`tributary plan year approve`)",
        };
        println!("{}: {next}", out.display());
    }
    Ok(Exit::Done)
}
