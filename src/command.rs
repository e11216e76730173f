//! The command line.

#[cfg(any(feature = "coordinator", feature = "client"))]
use std::path::PathBuf;

#[cfg(any(feature = "coordinator", feature = "client"))]
use clap::Args;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
#[cfg(feature = "client")]
use tributary_texts::Language;

use crate::exit::{Exit, Failure};
#[cfg(feature = "coordinator")]
use crate::running::AskOptions;
use crate::{certs, check, plan, privacy, verify};

/// Federated learning for banks: every number that leaves a branch is clipped, noised and masked first.
#[derive(Parser)]
#[command(name = "tributary", version, propagate_version = true, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// What can be asked.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// The coordinator: writes a first settings file, or serves the federation
    #[cfg(feature = "coordinator")]
    #[command(subcommand)]
    Coordinator(CoordinatorCommand),
    /// A branch: takes part in a plan with its own data
    #[cfg(feature = "client")]
    Client(ClientOptions),
    /// Certificates, keys and the roster
    #[command(subcommand)]
    Certs(certs::CertsCommand),
    /// Orders of people: stop a plan or the whole federation at once, and let it go on
    #[command(subcommand)]
    Order(crate::order::OrderCommand),
    /// Settings files
    #[command(subcommand)]
    Config(ConfigCommand),
    /// What rounds cost in epsilon, and what noise an epsilon needs
    #[command(subcommand)]
    Privacy(privacy::PrivacyCommand),
    /// Plans: written, explained, compared, and signed by two people
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Models: the registry, and what two people state about them
    #[command(subcommand)]
    Model(crate::model::ModelCommand),
    /// Evidence, checked offline
    #[command(subcommand)]
    Verify(VerifyCommand),
    /// The whole thing on this machine: one coordinator and its branches, each a process of its own
    #[cfg(feature = "demo")]
    Demo(Box<crate::demo::DemoOptions>),
    /// The production machines in a simulated world: faults, crashes and lies from a seed, every invariant watched
    #[cfg(feature = "simulate")]
    Simulate(crate::simulate::SimulateOptions),
}

/// `tributary coordinator`.
#[cfg(feature = "coordinator")]
#[derive(Subcommand)]
pub(crate) enum CoordinatorCommand {
    /// Write a commented coordinator.toml into a folder
    Init {
        /// The folder; made if it is absent
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Serve the federation, and every plan that is activated, until the process is asked to stop
    Serve(DaemonOptions),
    /// What the running daemon is at: every run with what it waits for, until when, and what is done then
    Status(AskOptions),
    /// Runs
    #[command(subcommand)]
    Run(CoordinatorRunCommand),
    /// The members of the federation
    #[command(subcommand)]
    Site(CoordinatorSiteCommand),
    /// Try everything that serving will need: files, disk, limits, the port; say what to ask of whom
    Preflight(PreflightOptions),
}

/// `tributary coordinator run`.
#[cfg(feature = "coordinator")]
#[derive(Subcommand)]
pub(crate) enum CoordinatorRunCommand {
    /// One open run of the running daemon
    Show {
        /// The run's plan: its name, or the first digits of its digest
        plan: String,
        #[command(flatten)]
        ask: AskOptions,
    },
}

/// `tributary coordinator site`.
#[cfg(feature = "coordinator")]
#[derive(Subcommand)]
pub(crate) enum CoordinatorSiteCommand {
    /// Who is here, who is not and since when, and which release each runs
    List(AskOptions),
}

/// `tributary client`.
#[cfg(feature = "client")]
#[derive(Args)]
pub(crate) struct ClientOptions {
    /// The language of what people read, zh or en; else that of the locale (LC_ALL, LC_MESSAGES, LANG)
    #[arg(long, global = true, value_name = "LANGUAGE", value_parser = crate::typed::language())]
    lang: Option<Language>,
    #[command(subcommand)]
    command: ClientCommand,
}

/// What a branch can ask.
#[cfg(feature = "client")]
#[derive(Subcommand)]
pub(crate) enum ClientCommand {
    /// Write a commented client.toml into a folder
    Init(ClientInitOptions),
    /// Join a federation with an enrolment bundle: keys are made here, and the office certifies them
    Enrol(EnrolOptions),
    /// Renew this client's certificate through files, where the daemon cannot do it by itself
    Renew(RenewOptions),
    /// Try everything that taking part will need: files, data, name, UDP, TCP, proxy, clocks; say what to ask of whom
    Preflight(PreflightOptions),
    /// Take part in every run that is granted, until the process is asked to stop
    Run(DaemonOptions),
    /// What the running daemon is at: its link, each run with what it waits for, what is left of the budget, and what happened last
    Status(PreflightOptions),
    /// Leave every run and take part in none, until `resume`; the link to the coordinator stays
    Pause(PauseOptions),
    /// Take part again
    Resume(PauseOptions),
    /// What was spent on this branch's customers, what is left, and how many rounds that pays for
    Budget(BudgetOptions),
    /// The policy that the owner of the branch's data signs
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// What the owner of the branch's data has granted: no plan runs without it
    #[command(subcommand)]
    Authorise(crate::authorise::AuthoriseCommand),
    /// The branch's rows
    #[command(subcommand)]
    Dataset(crate::dataset::DatasetCommand),
    /// Say that the data of their day are ready, after a look at them: a run whose plan names a day is joined with them. Without --run or
    /// --next: what waits for that word
    Ready(crate::ready::ReadyOptions),
}

/// `tributary client init`.
#[cfg(feature = "client")]
#[derive(Args)]
pub(crate) struct ClientInitOptions {
    /// The folder; made if it is absent
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The enrolment bundle, which says where the coordinator answers
    #[arg(long, value_name = "FILE", conflicts_with = "coordinator")]
    pub(crate) bundle: Option<PathBuf>,
    /// Where the coordinator answers
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) coordinator: Option<String>,
}

/// `tributary client enrol`.
#[cfg(feature = "client")]
#[derive(Args)]
pub(crate) struct EnrolOptions {
    /// The enrolment bundle that the federation's authority sent; it holds the one-time token
    #[arg(long, value_name = "FILE", required_unless_present = "install")]
    pub(crate) bundle: Option<PathBuf>,
    /// The folder of the new identity; made if it is absent
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// An HTTP proxy, HOST:PORT
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["request", "install"])]
    pub(crate) proxy: Option<String>,
    /// Without a network: write the request into this file, to be carried to the office
    #[arg(long, value_name = "FILE", conflicts_with = "install")]
    pub(crate) request: Option<PathBuf>,
    /// Without a network: install the answer that was carried back
    #[arg(long, value_name = "FILE", conflicts_with = "bundle")]
    pub(crate) install: Option<PathBuf>,
}

/// `tributary client renew`.
#[cfg(feature = "client")]
#[derive(Args)]
#[command(group(clap::ArgGroup::new("half").required(true).args(["request", "install"])))]
pub(crate) struct RenewOptions {
    /// The identity's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) identity: PathBuf,
    /// Make the next key, and write the request into this file, to be carried to the office
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// Install the answer that was carried back
    #[arg(long, value_name = "FILE")]
    pub(crate) install: Option<PathBuf>,
}

/// `tributary client pause` and `resume`.
#[cfg(feature = "client")]
#[derive(Args)]
pub(crate) struct PauseOptions {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A preflight.
#[cfg(any(feature = "coordinator", feature = "client"))]
#[derive(Args)]
pub(crate) struct PreflightOptions {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tributary client budget`.
#[cfg(feature = "client")]
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct BudgetOptions {
    /// Begin a budget instead of showing it
    #[command(subcommand)]
    pub(crate) command: Option<BudgetCommand>,
    /// The client's settings file
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tributary client budget begin`.
#[cfg(feature = "client")]
#[derive(Subcommand)]
pub(crate) enum BudgetCommand {
    /// Make the budget file, once, with the signature of the data's owner; no daemon makes one by itself
    Begin {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The owner's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// In the place of a file that was lost: it adopts the newest head that the coordinator shows, before anything else
        #[arg(long)]
        adopt: bool,
    },
    /// Pass the budget to another owner of the data, by the signature of its owner
    Owner {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The private key of the budget's owner
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The public key of the next owner
        #[arg(long, value_name = "FILE")]
        new: PathBuf,
    },
    /// Let more be spent than the budget file has seen, by the owner and a privacy officer
    #[command(subcommand)]
    Raise(RaiseCommand),
    /// Free what a run has reserved that nobody ended here, once it cannot be under way any more; this branch takes no part in it again
    Release {
        /// The run: the plan's digest or its first eight letters, and the run's number, such as 9f86d081/2
        #[arg(value_name = "RUN")]
        run: String,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The private key of the budget's owner
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

/// `tributary client budget raise`.
#[cfg(feature = "client")]
#[derive(Subcommand)]
pub(crate) enum RaiseCommand {
    /// Sign, as the owner, that the caps of the signed policy take the place of those that the budget file has
    Propose {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The private key of the budget's owner
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Why, in words
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Where that was decided
        #[arg(long, value_name = "TEXT")]
        ticket: String,
        /// The file to write, for a privacy officer
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show a raise in words, ask, and sign it, as a privacy officer, on a machine of that person's own
    Attest {
        /// The file that the owner signed
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The folder of whoever signs (`tributary certs person request`)
        #[arg(long, value_name = "DIR")]
        person: PathBuf,
        /// Where there is no terminal: the digest of the raise that was looked at
        #[arg(long, value_name = "DIGEST", value_parser = crate::typed::digest)]
        confirm: Option<tributary_protocol::digest::Digest>,
        /// The file to write, for the branch
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Note a raise with both signatures in the budget file
    Apply {
        /// The file that both have signed
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The roster that the branch accepted last
        #[arg(long, value_name = "FILE")]
        roster: PathBuf,
    },
}

/// `tributary client policy`.
#[cfg(feature = "client")]
#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Write a commented policy.toml into a folder, with a schema's lines in words
    Init {
        /// The folder; made if it is absent
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The schema that it pins
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
    },
    /// Sign a policy as it stands, if its words are the schema's; makes the owner's key, with its public half beside it, where there is none
    Sign {
        /// The policy
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
        /// The owner's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The schema that it pins
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
    },
    /// Show the policy in force: the one that a settings file names, if its owner signed it
    Show {
        /// The client's settings file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// How a daemon runs.
#[cfg(any(feature = "coordinator", feature = "client"))]
#[derive(Args)]
pub(crate) struct DaemonOptions {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// One JSON object for each event on standard output
    #[arg(long)]
    pub(crate) events: bool,
    /// End by itself: a coordinator when every run of its plans is over, a client with the first run that ends
    #[arg(long)]
    pub(crate) once: bool,
}

/// `tributary config`.
#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read a coordinator's or a client's settings file, and everything that it names, and explain every fault
    Check(check::CheckOptions),
}

/// `tributary verify`.
#[derive(Subcommand)]
pub(crate) enum VerifyCommand {
    /// Recompute chain, order of events and epsilon of a coordinator's ledger or a branch's budget file
    Ledger(verify::LedgerOptions),
    /// Recompute the privacy statement from a coordinator's ledger: figures, assumptions, what is not promised, 24 answers
    Statement(verify::StatementOptions),
}

/// Reads the command line. Help and version are printed here.
///
/// # Errors
/// With how the process should end at once.
pub(crate) fn parse() -> Result<Command, Exit> {
    CommandLine::try_parse().map(|line| line.command).map_err(|error| {
        // Nothing can be done where standard output or error is closed.
        let _ = error.print();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
            _ => Exit::Usage,
        }
    })
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    if judges_by_the_clock(&command) {
        tributary_certs::clock::check().map_err(|fault| Failure { exit: Exit::Clock, message: fault.to_string() })?;
    }
    match command {
        #[cfg(feature = "coordinator")]
        Command::Coordinator(CoordinatorCommand::Init { folder }) => crate::roles::coordinator_init(&folder),
        #[cfg(feature = "coordinator")]
        Command::Coordinator(CoordinatorCommand::Preflight(options)) => crate::roles::coordinator_preflight(&options),
        #[cfg(feature = "coordinator")]
        Command::Coordinator(CoordinatorCommand::Status(options)) => crate::running::status(&options),
        #[cfg(feature = "coordinator")]
        Command::Coordinator(CoordinatorCommand::Run(CoordinatorRunCommand::Show { plan, ask })) => {
            crate::running::run_show(&plan, &ask)
        }
        #[cfg(feature = "coordinator")]
        Command::Coordinator(CoordinatorCommand::Site(CoordinatorSiteCommand::List(options))) => {
            crate::running::site_list(&options)
        }
        #[cfg(feature = "coordinator")]
        Command::Coordinator(CoordinatorCommand::Serve(options)) => crate::roles::coordinator_serve(options),
        #[cfg(feature = "client")]
        Command::Client(ClientOptions { lang, command }) => {
            client(command, lang.unwrap_or_else(Language::of_environment))
        }
        Command::Order(command) => crate::order::run(&command),
        Command::Certs(command) => certs::run(command),
        Command::Config(ConfigCommand::Check(options)) => check::run(&options),
        Command::Privacy(command) => privacy::run(&command),
        Command::Plan(command) => plan::run(&command),
        Command::Model(command) => crate::model::run(&command),
        Command::Verify(VerifyCommand::Ledger(options)) => verify::run(&options),
        Command::Verify(VerifyCommand::Statement(options)) => verify::statement(&options),
        #[cfg(feature = "demo")]
        Command::Demo(options) => crate::demo::run(&options),
        #[cfg(feature = "simulate")]
        Command::Simulate(options) => crate::simulate::run(&options),
    }
}

#[cfg(feature = "client")]
fn client(command: ClientCommand, language: Language) -> Result<Exit, Failure> {
    match command {
        ClientCommand::Init(options) => crate::branch::init(options, language),
        ClientCommand::Enrol(options) => crate::branch::enrol(&options, language),
        ClientCommand::Renew(options) => crate::branch::renew(&options, language),
        ClientCommand::Preflight(options) => crate::roles::client_preflight(&options, language),
        ClientCommand::Run(options) => crate::roles::client_run(options, language),
        ClientCommand::Status(options) => crate::branch::status(&options, language),
        ClientCommand::Pause(options) => crate::branch::pause(&options, language),
        ClientCommand::Resume(options) => crate::branch::resume(&options, language),
        ClientCommand::Budget(options) => crate::branch::budget(&options, language),
        ClientCommand::Policy(command) => crate::branch::policy(&command, language),
        ClientCommand::Dataset(command) => crate::dataset::run(&command, language),
        ClientCommand::Ready(options) => crate::ready::run(&options, language),
        ClientCommand::Authorise(command) => crate::authorise::run(command, language),
    }
}

/// What is recomputed from files, or simulated, needs no clock. What is signed has its time.
fn judges_by_the_clock(command: &Command) -> bool {
    match command {
        Command::Plan(command) => command.looks_at_the_clock(),
        Command::Model(command) => command.signs(),
        Command::Privacy(_) | Command::Verify(_) => false,
        #[cfg(feature = "simulate")]
        Command::Simulate(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn what_signs_a_time_looks_at_the_clock_first() {
        let judges = |words: &str| {
            let line = CommandLine::try_parse_from(words.split(' ')).map_err(|fault| fault.to_string()).unwrap();
            judges_by_the_clock(&line.command)
        };
        for words in [
            "tributary plan propose a.tributary --person e1 --authorities list",
            "tributary plan approve a.tributary --person e2 --authorities list",
            "tributary order freeze --person e2 --role privacy-officer --authorities list --out a.order",
            "tributary certs roster sign proposal --keys anna",
            "tributary model sign a.statement --person e2 --role model-validator --authorities list",
        ] {
            assert!(judges(words), "{words}");
        }
        for words in ["tributary plan show a.tributary", "tributary plan lint plan.toml", "tributary verify ledger a"] {
            assert!(!judges(words), "{words}");
        }
    }
}
