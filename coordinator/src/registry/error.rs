//! Why the registry cannot be used, or does not take what was brought.

use std::path::PathBuf;

use tributary_certs::model::StatementSignFault;
use tributary_certs::points::PointsFault;
use tributary_evidence::ExportFault;
use tributary_evidence::attacks::AttacksFault;
use tributary_model::additive::AdditiveFault;
use tributary_model::scorecard::{ChangeFault, ScaleFault};
use tributary_planning::dates::day;
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::Printable;
use tributary_protocol::registry::{IncidentFault, LookFault, RefusedAttackReport, RefusedNote, RefusedStatement};
use tributary_protocol::round::OutOfOrder;
use tributary_settings::Faults;
use tributary_storage::files::{FileError, shown};
use tributary_storage::journal::JournalError;

/// Why the registry cannot be used, or does not take what was brought.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The settings.
    #[error(transparent)]
    Settings(#[from] Faults),
    /// A file cannot be read or written.
    #[error("{0}; the registry does nothing without it")]
    File(#[from] FileError),
    /// The operating system refused.
    #[error("{action} {path} failed: {fault}; check the disk and that this user may use the state directory", path = path.display())]
    System {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        fault: std::io::Error,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal contradicts itself.
    #[error(
        "{0}; the journal was changed, or another release wrote it. Verify it (`tributary verify ledger`) and restore it from a copy"
    )]
    Order(#[from] OutOfOrder),
    /// A statement.
    #[error(transparent)]
    Refused(#[from] RefusedStatement),
    /// A word about an incident.
    #[error("the word about the incident is not taken: {0}")]
    Incident(#[from] IncidentFault),
    /// An inspector's request.
    #[error("nothing is shown to the inspector: {0}")]
    Look(#[from] LookFault),
    /// The daemon does not take it.
    #[error("the running daemon does not take it: {0}")]
    NotTaken(String),
    /// The daemon did not answer.
    #[error(
        "{0}. Whether it was recorded is not known. Look whether the journal has it (`tributary verify ledger --step`); if not, type it again"
    )]
    Unheard(String),
    /// A report of attacks.
    #[error(transparent)]
    RefusedAttacks(#[from] RefusedAttackReport),
    /// A report of attacks of another run, or with another claim.
    #[error(
        "the report of attacks is not of the run that released the model {model}, or names another epsilon than its plan claims. Attack the model of a \
         bundle (`tributary redteam run`), and have that report signed"
    )]
    OtherClaim {
        /// The model.
        model: Digest,
    },
    /// The file of a report of attacks.
    #[error(transparent)]
    Attacks(#[from] AttacksFault),
    /// A statement that nobody could sign.
    #[error(transparent)]
    Unsignable(#[from] StatementSignFault),
    /// A statement that lacks a signature.
    #[error(
        "{path}: {signed} of two people signed this statement, so it is not installed. Have it signed by a person in another role \
         (`tributary model sign`)",
        path = path.display()
    )]
    Unsigned {
        /// The file.
        path: PathBuf,
        /// How many have signed.
        signed: usize,
    },
    /// A report without a validator's signature.
    #[error(
        "{path}: no model validator has signed this report, so that nothing rests on it. Have it signed (`tributary model validate`)",
        path = path.display()
    )]
    NotValidated {
        /// The file.
        path: PathBuf,
    },
    /// Branches named of a pilot whose plan names them.
    #[error("the model's plan says which branches its pilot has, and no others are named (`--branch`)")]
    PilotOfPlan,
    /// The journal has no such run.
    #[error(
        "the journal has no run {run} of plan {plan}, which the registry names; it was changed, or begun anew. Restore it from a copy"
    )]
    NoRun {
        /// The plan.
        plan: Digest,
        /// The run.
        run: u32,
    },
    /// A card that is gone, or was changed.
    #[error(
        "{path} is not the card that the registry's ledger names: it is gone, or was changed. Restore it from a copy, or take it from a bundle",
        path = .0.display()
    )]
    Card(PathBuf),
    /// No card.
    #[error(
        "the model {model} has no card: its run ended under an earlier release of this program, or is ending now. Start the coordinator, which writes the \
         card at its start"
    )]
    NoCard {
        /// The model.
        model: Digest,
    },
    /// A model's folder holds something else.
    #[error(
        "{path} does not hold what the registry registered: it was changed or exchanged and is not used; restore it from a copy",
        path = .0.display()
    )]
    Changed(PathBuf),
    /// A run that is not over.
    #[error("the run is not over in its ledger, so no model of it is registered")]
    Unfinished,
    /// A digest that names no model, or several.
    #[error(
        "the registry has {count} models whose digest begins with {text}, so none is meant; `tributary model list` shows which it has"
    )]
    Digest {
        /// As it was typed.
        text: Printable,
        /// How many there are.
        count: usize,
    },
    /// No evaluation.
    #[error(
        "nothing was counted of model {model}: its plan has no evaluation, or the one round of it was left out, or its folder was tidied. Put \
         [plan.evaluation] into the next plan (`tributary plan new` has it)"
    )]
    NotEvaluated {
        /// The model.
        model: String,
    },
    /// No counts of values.
    #[error(
        "run {run} of plan {plan} has no counts of customers by their values: its plan has none, or the one round of them was left out, or its folder \
         was tidied. Put [plan.statistics], or [plan.features] with edges = \"learnt\", into the next plan (`tributary plan new` has them)"
    )]
    NotCounted {
        /// The plan.
        plan: String,
        /// The run.
        run: u32,
    },
    /// No such plan.
    #[error("{text} begins the digest of {count} plans here; give eight digits or more of one of them")]
    PlanDigest {
        /// What was given.
        text: Printable,
        /// How many there are.
        count: usize,
    },
    /// Counts that this release does not read.
    #[error("{path}: {fault}; restore it from a copy of the state", path = path.display())]
    Counts {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// No champion.
    #[error(
        "the plan begins from the champion for \"{purpose}\", and this registry has none. Have a model promoted (`tributary model promote`), or \
         use a plan with another initial_model"
    )]
    NoChampion {
        /// The purpose.
        purpose: Printable,
    },
    /// No such model, or a withdrawn one.
    #[error(
        "the plan begins from the model with parameters {parameters}, and this registry has none that was not withdrawn. Put the parameters' digest \
         of a registered model into the plan (`tributary model show`)"
    )]
    NoModel {
        /// Digest of the parameters.
        parameters: Digest,
    },
    /// Another network or schema.
    #[error(
        "the plan begins from model {model}, which has another network or another schema than the plan. Use a plan with the model's network and \
         schema, or with another initial_model"
    )]
    OtherShape {
        /// The model.
        model: Digest,
    },
    /// Not one champion.
    #[error(
        "the registry has {count} champions{}, so \"champion\" names none; give the digest of a model (`tributary model list`)",
        if .purposes.is_empty() { String::new() } else { format!(" ({})", .purposes) }
    )]
    Champions {
        /// How many there are.
        count: usize,
        /// What they are for.
        purposes: String,
    },
    /// A schema that cannot be used.
    #[error("{path}: {fault}. Name the schema of the model's plan (`--schema FILE`)", path = path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A withdrawn model.
    #[error(
        "model {model} was withdrawn: nobody may use it, and nothing was made of it. `tributary model show` says why"
    )]
    Withdrawn {
        /// The model.
        model: String,
    },
    /// A candidate.
    #[error(
        "model {model} is a candidate: nobody has promoted it, so it leaves as no file. Have it promoted (`tributary model promote`); or export it with \
         --trial, for 31 days at most. Nothing was made"
    )]
    Candidate {
        /// The model.
        model: String,
    },
    /// A candidate for too long.
    #[error(
        "a candidate leaves for trial, and for 31 days at most; name an earlier day (`--valid-until`). Nothing was made"
    )]
    TrialTooLong,
    /// A trial of a model that is used.
    #[error("the model is the {state}, and --trial is for candidates; leave it out. Nothing was made")]
    NoTrial {
        /// Its state.
        state: &'static str,
    },
    /// A last day that is over.
    #[error(
        "the last day is over, and the export would be of no use; name a later one (`--valid-until`). Nothing was made"
    )]
    Past,
    /// A last day on which no validator answers for the model.
    #[error(
        "a model validator answers for this model until {day} and no longer, so no export of it is valid later. {todo}. Nothing was made",
        day = day(*.last),
        todo = if *.over {
            "Have a new report on its gates validated, and the model stated anew with it"
        } else {
            "Name that day, or an earlier one (`--valid-until`)"
        }
    )]
    Unanswered {
        /// The last second for which somebody answers, of the Unix clock.
        last: u64,
        /// Whether it is over.
        over: bool,
    },
    /// An output that is there.
    #[error("{path} exists, and no export replaces a file; name another one. Nothing was made", path = .0.display())]
    OutputExists(PathBuf),
    /// An output that cannot be written.
    #[error("{0}. Nothing was made")]
    Output(FileError),
    /// An output among the coordinator's own files.
    #[error(
        "{path} would stand in the coordinator's own folder, where it might be taken for a record; name a file of another folder. Nothing was made",
        path = shown(.0)
    )]
    OutputInState(PathBuf),
    /// A file that could not be written after the journal had its number.
    #[error(
        "the journal has export {number}, and then its file could not be written: {fault}. The number is used up, and nobody has that file. Type the command again for the next number"
    )]
    UsedUp {
        /// The number.
        number: u64,
        /// Why.
        fault: FileError,
    },
    /// A number that another command has taken.
    #[error(
        "another command has taken the number {number} at this moment, and {path} is its record: leave it there. Nothing was made; type the command again",
        path = shown(path)
    )]
    NumberTaken {
        /// The number.
        number: u64,
        /// The other one's file.
        path: PathBuf,
    },
    /// A record of an export that says what cannot be.
    #[error("the journal does not take this export: its record {0}. {todo}. Nothing was made", todo = .0.todo())]
    Record(#[from] ExportFault),
    /// An export, or a change of points, that the journal does not take.
    #[error("{0}. Nothing was made")]
    Note(#[from] RefusedNote),
    /// A file of a register that the journal lacks, and does not take.
    #[error(
        "{path} is not in the journal, and the journal does not take it: {why}. Somebody put it there, or a command ended before the journal had it. \
         Nothing rests on it: move it to another place, and type the command again",
        path = path.display()
    )]
    Waits {
        /// The file.
        path: PathBuf,
        /// Why it is not taken.
        why: String,
    },
    /// The register of exports, or that of changed points.
    #[error("{path}: {fault}. Restore the file from a copy of the state; until then nothing is made of this register", path = path.display())]
    Register {
        /// The file, or the folder.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// More files in a register than the journal names.
    #[error(
        "{path} has {found} files, and the journal names {named}: files were put there, or the journal is an older copy than the folder. Nothing is exported or set before that is mended. Move each file with a number above {named} to another place. Where the journal is the older copy, restore both from the same copy",
        path = shown(path)
    )]
    TooMany {
        /// The folder.
        path: PathBuf,
        /// How many it has.
        found: usize,
        /// How many the journal names.
        named: usize,
    },
    /// A model that is no sum over fields.
    #[error("{0}")]
    Sum(#[from] AdditiveFault),
    /// A scale.
    #[error("{0}")]
    Scale(#[from] ScaleFault),
    /// Points that cannot be changed so.
    #[error("{0}. Nothing was changed")]
    Change(#[from] ChangeFault),
    /// A change that does not count.
    #[error("{0}. The register is as it was")]
    PointsFault(#[from] PointsFault),
    /// The register of changed points.
    #[error("{path}: {fault}; restore the register of changed points from a copy of the state", path = path.display())]
    Points {
        /// The file, or the folder.
        path: PathBuf,
        /// What is wrong.
        fault: &'static str,
    },
    /// A change that comes too late, or again.
    #[error(
        "it is change {found} of this model's points, and the next one is {expected}: it was installed before, or others came in between. Make it again \
         and have it signed again"
    )]
    PointsOrder {
        /// The change's number.
        found: u64,
        /// The next one.
        expected: u64,
    },
}
