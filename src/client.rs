//! `tributary client`.

use clap::{Args, Subcommand};
use tributary_texts::Language;

use crate::branch::options::{
    BudgetOptions, ClientInitOptions, EnrolOptions, MappingCommand, PolicyCommand, RenewOptions,
};
use crate::exit::{Exit, Failure};
use crate::options::{AskOptions, DaemonOptions};
use crate::{authorise, branch, customer, dataset, list, ready, roles, scores, sent, typed};

/// `tributary client`.
#[derive(Args)]
pub(crate) struct ClientOptions {
    /// The language of what people read, zh or en; else that of the locale (LC_ALL, LC_MESSAGES, LANG)
    #[arg(long, global = true, value_name = "LANGUAGE", value_parser = typed::language())]
    lang: Option<Language>,
    #[command(subcommand)]
    command: ClientCommand,
}

/// What a branch can ask.
#[derive(Subcommand)]
pub(crate) enum ClientCommand {
    /// Write a commented client.toml into a folder
    Init(ClientInitOptions),
    /// Join a federation with an enrolment bundle: keys are made here, and the office certifies them
    Enrol(EnrolOptions),
    /// Renew this client's certificate through files, where the daemon cannot do it by itself
    Renew(RenewOptions),
    /// Try everything that taking part will need: files, data, name, UDP, TCP, proxy, clocks; say what to ask of whom. A trial message goes to the
    /// people who are told by [notices]
    Preflight(AskOptions),
    /// Take part in every run that is granted, until the process is asked to stop
    Run(DaemonOptions),
    /// What the running daemon is at: its link, each run with what it waits for, what is left of the budget, and what happened last
    Status(AskOptions),
    /// What left this machine: every message to the coordinator, with the chain of the file checked
    Sent(sent::SentOptions),
    /// Leave every run and take part in none, until `resume`; the link to the coordinator stays
    Pause(AskOptions),
    /// Take part again
    Resume(AskOptions),
    /// What was spent on this branch's customers, what is left, and how many rounds that pays for
    Budget(BudgetOptions),
    /// Whether what this branch sent in a round is in the sum, by its own record and an auditor's bundle
    Proof(crate::proof::ProofOptions),
    /// The policy that the owner of the branch's data signs
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// How the branch's own columns become the schema's: a file that the owner of its data signs
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// What the owner of the branch's data has granted: no plan runs without it
    #[command(subcommand)]
    Authorise(authorise::AuthoriseCommand),
    /// The branch's rows
    #[command(subcommand)]
    Dataset(dataset::DatasetCommand),
    /// Say, after a look at them, that the data are ready: a run whose plan names their day is joined with them. Without --run or --next: what
    /// waits for that word
    Ready(ready::ReadyOptions),
    /// Score every customer of a table by a model that this branch keeps, into a file; no label is read
    Score(scores::ScoreArguments),
    /// Score customers one by one for programs of this machine, until the process is asked to stop
    ServeScores(scores::ServeArguments),
    /// Stages of a customer's life, with a suggested action and the risk notice of each: a file that the owner of the data signs
    #[command(subcommand)]
    Actions(scores::ActionsCommand),
    /// Lists of customers to contact: made from scores by rules, approved, handed over, taken back
    #[command(subcommand)]
    List(list::ListCommand),
    /// What a customer may ask: what was done with the data, why a score is what it is, to be in no list, to be erased
    #[command(subcommand)]
    Customer(customer::CustomerCommand),
    /// Delete files about customers that are past their time by the settings, and record that
    Purge(customer::PurgeOptions),
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(ClientOptions { lang, command }: ClientOptions) -> Result<Exit, Failure> {
    let language = lang.unwrap_or_else(Language::of_environment);
    match command {
        ClientCommand::Init(options) => branch::init(options, language),
        ClientCommand::Enrol(options) => branch::enrol(&options, language),
        ClientCommand::Renew(options) => branch::renew(&options, language),
        ClientCommand::Preflight(options) => roles::client_preflight(&options, language),
        ClientCommand::Run(options) => roles::client_run(options, language),
        ClientCommand::Status(options) => branch::status(&options, language),
        ClientCommand::Sent(options) => sent::run(&options, language),
        ClientCommand::Pause(options) => branch::pause(&options, language),
        ClientCommand::Resume(options) => branch::resume(&options, language),
        ClientCommand::Budget(options) => branch::budget(&options, language),
        ClientCommand::Proof(options) => crate::proof::run(&options, language),
        ClientCommand::Policy(command) => branch::policy(&command, language),
        ClientCommand::Mapping(command) => branch::mapping(&command, language),
        ClientCommand::Dataset(command) => dataset::run(&command, language),
        ClientCommand::Ready(options) => ready::run(&options, language),
        ClientCommand::Score(arguments) => scores::run_score(arguments, language),
        ClientCommand::ServeScores(arguments) => scores::run_serve(arguments, language),
        ClientCommand::Actions(command) => scores::run_actions(&command, language),
        ClientCommand::Authorise(command) => authorise::run(command, language),
        ClientCommand::List(command) => list::run(command, language),
        ClientCommand::Customer(command) => customer::run(command, language),
        ClientCommand::Purge(options) => customer::purge(&options, language),
    }
}
