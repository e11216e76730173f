//! The command line.

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit::{Exit, Failure};
use crate::{bundle, fork, verify};
#[cfg(feature = "people")]
use crate::{certs, check, plan, privacy};

/// Federated learning for banks: every number that leaves a branch is clipped, noised and masked first.
#[derive(Parser)]
#[command(name = "tributary", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// What can be asked.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// The coordinator: writes a first settings file, or serves the federation
    #[cfg(feature = "coordinator")]
    #[command(subcommand)]
    Coordinator(crate::coordinator::CoordinatorCommand),
    /// A branch: takes part in runs of plans with its own data
    #[cfg(feature = "client")]
    Client(crate::client::ClientOptions),
    /// Certificates, keys and the roster
    #[cfg(feature = "people")]
    #[command(subcommand)]
    Certs(certs::CertsCommand),
    /// Orders of people: stop a plan or the whole federation at once, and let it go on
    #[cfg(feature = "people")]
    #[command(subcommand)]
    Order(crate::order::OrderCommand),
    /// Settings files
    #[cfg(feature = "people")]
    #[command(subcommand)]
    Config(ConfigCommand),
    /// What rounds cost in epsilon, and what noise an epsilon needs
    #[cfg(feature = "people")]
    #[command(subcommand)]
    Privacy(privacy::PrivacyCommand),
    /// Plans: written, explained, compared, and signed by two people
    #[cfg(feature = "people")]
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Models: the registry, and what two people state about them
    #[cfg(feature = "people")]
    #[command(subcommand)]
    Model(crate::model::ModelCommand),
    /// Attacks on a released model, on rows that are public or invented, and the signed report of them
    #[cfg(feature = "coordinator")]
    #[command(subcommand)]
    Redteam(crate::redteam::RedteamCommand),
    /// What an independent validator computes again of a model, from a bundle alone
    #[cfg(all(feature = "rehearsal", feature = "coordinator"))]
    #[command(subcommand)]
    Validate(crate::replicate::ValidateCommand),
    /// Reports on what happened, signed, for compliance officers and supervisors
    #[cfg(feature = "coordinator")]
    #[command(subcommand)]
    Report(crate::report::ReportCommand),
    /// Incidents: told by people, signed, and closed by somebody else; their timelines from the journal
    #[cfg(feature = "coordinator")]
    #[command(subcommand)]
    Incident(crate::incident::IncidentCommand),
    /// What a supervisor's inspector asks to see: signed, and recorded in the journal before it is shown
    #[cfg(feature = "coordinator")]
    Inspect(crate::inspect::InspectOptions),
    /// Evidence for auditors
    #[cfg(feature = "coordinator")]
    #[command(subcommand)]
    Audit(crate::audit::AuditCommand),
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

/// `tributary config`.
#[cfg(feature = "people")]
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
    /// Compare what two witnesses have seen of the coordinator's journal
    Fork(fork::ForkOptions),
    /// Verify a branch's certificates of deletion: each signature, and that none was changed, exchanged or left out
    Deletions(verify::DeletionOptions),
    /// Check a compliance report: its signature, whose it is, and with the journal that the same report follows again
    Report(verify::ReportOptions),
    /// Verify an incident's file: each entry under the checkpoint, who signed, and that its timeline follows
    Incident(verify::IncidentOptions),
    /// Verify an audit bundle: every signature, sum and model in it
    Audit(bundle::BundleOptions),
    /// Verify a model of an audit bundle, back to what the branches signed
    Model(bundle::ModelOptions),
}

/// Reads the command line. Help and version are printed here.
///
/// # Errors
/// With how the process should end at once.
pub(crate) fn parse() -> Result<Command, Exit> {
    let line = in_language().try_get_matches().and_then(|matches| CommandLine::from_arg_matches(&matches));
    line.map(|line| line.command).map_err(|error| {
        // Nothing can be done where standard output or error is closed.
        let _ = error.print();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
            _ => Exit::Usage,
        }
    })
}

/// The command line, with its help in the language that is asked for.
fn in_language() -> clap::Command {
    let command = CommandLine::command();
    #[cfg(feature = "client")]
    let command = crate::chinese::in_language(command, std::env::args_os());
    command
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
        Command::Coordinator(command) => crate::coordinator::run(command),
        #[cfg(feature = "client")]
        Command::Client(options) => crate::client::run(options),
        #[cfg(feature = "people")]
        Command::Order(command) => crate::order::run(&command),
        #[cfg(feature = "people")]
        Command::Certs(command) => certs::run(command),
        #[cfg(feature = "people")]
        Command::Config(ConfigCommand::Check(options)) => check::run(&options),
        #[cfg(feature = "people")]
        Command::Privacy(command) => privacy::run(&command),
        #[cfg(feature = "people")]
        Command::Plan(command) => plan::run(&command),
        #[cfg(feature = "people")]
        Command::Model(command) => crate::model::run(&command),
        Command::Verify(VerifyCommand::Ledger(options)) => verify::run(&options),
        Command::Verify(VerifyCommand::Statement(options)) => verify::statement(&options),
        Command::Verify(VerifyCommand::Fork(options)) => fork::run(&options),
        Command::Verify(VerifyCommand::Deletions(options)) => verify::deletions(&options),
        Command::Verify(VerifyCommand::Report(options)) => Ok(verify::report(&options)),
        #[cfg(feature = "coordinator")]
        Command::Redteam(command) => crate::redteam::run(&command),
        #[cfg(all(feature = "rehearsal", feature = "coordinator"))]
        Command::Validate(command) => crate::replicate::run(&command),
        #[cfg(feature = "coordinator")]
        Command::Report(command) => crate::report::run(&command),
        Command::Verify(VerifyCommand::Incident(options)) => verify::incident(&options),
        #[cfg(feature = "coordinator")]
        Command::Incident(command) => crate::incident::run(&command),
        #[cfg(feature = "coordinator")]
        Command::Inspect(options) => crate::inspect::run(&options),
        Command::Verify(VerifyCommand::Audit(options)) => bundle::verify(&options),
        Command::Verify(VerifyCommand::Model(options)) => bundle::verify_model(&options),
        #[cfg(feature = "coordinator")]
        Command::Audit(command) => crate::audit::run(command),
        #[cfg(feature = "demo")]
        Command::Demo(options) => crate::demo::run(&options),
        #[cfg(feature = "simulate")]
        Command::Simulate(options) => crate::simulate::run(&options),
    }
}

/// What is recomputed from files, or simulated, needs no clock. What is signed has its time.
fn judges_by_the_clock(command: &Command) -> bool {
    match command {
        #[cfg(feature = "people")]
        Command::Plan(command) => command.looks_at_the_clock(),
        #[cfg(feature = "people")]
        Command::Model(command) => command.signs(),
        #[cfg(feature = "people")]
        Command::Privacy(_) => false,
        Command::Verify(_) => false,
        #[cfg(feature = "simulate")]
        Command::Simulate(_) => false,
        #[cfg(feature = "people")]
        _ => true,
    }
}

#[cfg(test)]
mod tests {
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
            "tributary plan year show a.tributary --roster roster --authorities list",
        ] {
            assert!(judges(words), "{words}");
        }
        for words in [
            "tributary plan show a.tributary",
            "tributary plan lint plan.toml",
            "tributary plan year show a.tributary",
            "tributary verify ledger a",
        ] {
            assert!(!judges(words), "{words}");
        }
    }

    /// Every command of the manuals, as a shell would split it, is one that this executable takes.
    #[cfg(feature = "demo")]
    #[test]
    fn every_command_of_the_manuals_is_understood() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let is_manual = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "md");
        let folders = [root.to_path_buf(), root.join("docs")].map(|folder| std::fs::read_dir(folder).unwrap());
        let manuals = folders.into_iter().flatten().map(|entry| entry.unwrap().path()).filter(is_manual);
        let (mut typed, mut faults) = (0, Vec::new());
        for manual in manuals {
            let text = std::fs::read_to_string(&manual).unwrap();
            for line in commands(&text) {
                typed += 1;
                if let Err(fault) = CommandLine::try_parse_from(words(&line)) {
                    let why = fault.to_string();
                    faults.push(format!("{}: {line}\n  {}", manual.display(), why.lines().next().unwrap_or_default()));
                }
            }
        }
        assert!(typed > 100, "{typed}");
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// The lines of a manual's shell blocks that begin with this executable's name; those that go on with a backslash are one.
    #[cfg(feature = "demo")]
    fn commands(manual: &str) -> Vec<String> {
        let blocks = manual.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
        let joined: Vec<String> = blocks.map(|block| block.replace("\\\n", " ")).collect();
        let lines = joined.iter().flat_map(|block| block.lines()).flat_map(|line| line.split("&&"));
        let lines = lines.map(|line| line.split(" #").next().unwrap_or_default().trim());
        let is_built = |line: &&str| cfg!(feature = "simulate") || !line.starts_with("tributary simulate");
        lines.filter(|line| line.starts_with("tributary ")).filter(is_built).map(str::to_owned).collect()
    }

    /// What the manual leaves open is filled in.
    #[cfg(feature = "demo")]
    fn words(line: &str) -> Vec<String> {
        let quoted = line.split(['"', '\'']).enumerate().flat_map(|(part, text)| match part % 2 {
            1 => vec![text.to_owned()],
            _ => text.split_whitespace().map(str::to_owned).collect(),
        });
        let filled = quoted.map(|word| match word.as_str() {
            "KEY" => format!("ed25519:{}", "ab".repeat(32)),
            digest if digest.starts_with("DIGEST") => digest.replacen("DIGEST", &"ab".repeat(32), 1),
            "FINGERPRINT" => ["0123"; 8].join("-"),
            _ => word,
        });
        filled.collect()
    }
}
