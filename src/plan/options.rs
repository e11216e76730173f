//! What `tributary plan` can be asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::signed::SignerOptions;

/// `tributary plan`.
#[derive(Subcommand)]
pub(crate) enum PlanCommand {
    /// Write a commented plan.toml into a folder
    New(NewOptions),
    /// Make the canonical file of a plan.toml, which is what two people sign
    Build(BuildOptions),
    /// Explain every fault of a plan, and what a privacy officer would ask, with figures
    Lint(LintOptions),
    /// What differs between two plans, in words; what is weaker stands first
    Diff(DiffOptions),
    /// Show a plan in words, and who signed it
    Show(ShowOptions),
    /// Sign a plan as its author
    Propose(PlanSignerOptions),
    /// Sign a plan that another person has proposed
    Approve(PlanSignerOptions),
    /// Sign, with a reason, that a plan which another person has proposed is not to run
    Reject(RejectOptions),
    /// Put a signed plan into a coordinator's state; a running coordinator takes it up
    #[cfg(feature = "coordinator")]
    Activate(ActivateOptions),
    /// The plans that are activated at a coordinator
    #[cfg(feature = "coordinator")]
    List(ListOptions),
    /// Run a plan's stages in one process on public or invented rows: what it learns, before anything is spent
    #[cfg(feature = "rehearsal")]
    Try(super::tried::TryOptions),
    /// Propose method, rounds and runs for so many customers, from public numbers alone
    Advise(super::advise::AdviseOptions),
    /// Spending over years, by month and kind of run
    #[command(subcommand)]
    Year(crate::plan_year::YearCommand),
}

impl PlanCommand {
    /// Whether something is signed, or judged, with the time of this machine's clock.
    pub(crate) fn looks_at_the_clock(&self) -> bool {
        match self {
            Self::Propose(_) | Self::Approve(_) | Self::Reject(_) => true,
            Self::Year(command) => command.looks_at_the_clock(),
            Self::New(_) | Self::Build(_) | Self::Lint(_) | Self::Diff(_) | Self::Show(_) | Self::Advise(_) => false,
            #[cfg(feature = "rehearsal")]
            Self::Try(_) => false,
            #[cfg(feature = "coordinator")]
            Self::Activate(_) | Self::List(_) => false,
        }
    }
}

/// Where to.
#[derive(Args)]
pub(crate) struct NewOptions {
    /// The folder; made if it is absent
    #[arg(default_value = ".")]
    pub(super) folder: PathBuf,
}

/// What to build.
#[derive(Args)]
pub(crate) struct BuildOptions {
    /// The plan.toml
    pub(super) file: PathBuf,
    /// The canonical file; never replaced
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What to judge.
#[derive(Args)]
pub(crate) struct LintOptions {
    /// A plan.toml, or a plan's canonical file
    pub(super) file: PathBuf,
    /// The plan's schema: its fields, levels, uses and reasons are judged; a plan.toml names it
    #[arg(long, value_name = "FILE")]
    pub(super) schema: Option<PathBuf>,
    /// The plan that was approved before: what is weaker is told
    #[arg(long, value_name = "FILE")]
    pub(super) last: Option<PathBuf>,
    /// How long the slowest branch took for a round, in milliseconds, as its own screen shows it
    #[arg(long, value_name = "MS")]
    pub(super) slowest_ms: Option<u64>,
    /// The signed year of spending under which it runs: epsilon of a run and runs by month are compared
    #[arg(long, value_name = "FILE")]
    pub(super) year: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What to compare.
#[derive(Args)]
pub(crate) struct DiffOptions {
    /// The plan before: a plan.toml or a canonical file
    pub(super) before: PathBuf,
    /// The plan after it
    pub(super) after: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What to show.
#[derive(Args)]
pub(crate) struct ShowOptions {
    /// The plan's canonical file
    pub(super) file: PathBuf,
    /// The plan's schema: its fields, levels, uses and reasons are shown
    #[arg(long, value_name = "FILE")]
    pub(super) schema: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What to put where.
#[cfg(feature = "coordinator")]
#[derive(Args)]
pub(crate) struct ActivateOptions {
    /// The plan's canonical file, signed by its author and by whoever approved it
    pub(super) file: PathBuf,
    /// The feature schema, the same file that every branch has
    #[arg(long, value_name = "FILE")]
    pub(super) schema: PathBuf,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Whose plans to list.
#[cfg(feature = "coordinator")]
#[derive(Args)]
pub(crate) struct ListOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Who signs a plan, and beside what it is shown.
#[derive(Args)]
pub(crate) struct PlanSignerOptions {
    /// The plan's canonical file; the signature is added to it
    pub(super) file: PathBuf,
    /// The plan's schema: its fields, levels, uses and reasons are judged and shown
    #[arg(long, value_name = "FILE")]
    pub(super) schema: Option<PathBuf>,
    #[command(flatten)]
    pub(super) signer: SignerOptions,
    /// The plan that was approved before: what is weaker is shown first
    #[arg(long, value_name = "FILE")]
    pub(super) last: Option<PathBuf>,
    /// How long the slowest branch took for a round, in milliseconds, as its own screen shows it
    #[arg(long, value_name = "MS")]
    pub(super) slowest_ms: Option<u64>,
    /// The signed year of spending under which the plan runs; whoever approves a plan that names one needs it, with the roster
    #[arg(long, value_name = "FILE")]
    pub(super) year: Option<PathBuf>,
    /// The signed roster: it says whether the year's signatures count
    #[arg(long, value_name = "FILE", requires = "year")]
    pub(super) roster: Option<PathBuf>,
}

/// Who rejects a plan, and why.
#[derive(Args)]
pub(crate) struct RejectOptions {
    /// The plan's canonical file; the rejection is added to it
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) signer: SignerOptions,
    /// Why, in one line: it is signed, and its author reads it
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}
