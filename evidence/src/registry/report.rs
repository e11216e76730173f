//! What the verified ledger of the registry says, for programs and in words.

use std::fmt;

use serde::Serialize;
use tributary_protocol::printable::counted;

use crate::run::NotVerified;

/// What the verified ledger of the registry says.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct RegistryReport {
    /// Entries of the registry.
    pub entries: usize,
    /// Models that were ever registered.
    pub models: usize,
    /// The champions: purpose and model.
    pub champions: Vec<(String, String)>,
    /// Models that the branches of a pilot use: purpose and model.
    pub pilots: Vec<(String, String)>,
    /// Reports on gates with which statements came, each judged by the gates of its plan.
    pub reports: usize,
    /// Reports whose figures were computed again from the opened sum of the evaluation.
    pub reports_recomputed: usize,
    /// Model cards that say what follows from the run of their model.
    pub cards_recomputed: usize,
    /// Models that follow from the sums of their run, with all that the registry says of them.
    pub models_recomputed: usize,
    /// Each model, in the order in which they came.
    pub each: Vec<RegisteredModel>,
    /// Reports of attacks that people signed for another run or another claim than the plan's: nobody can rely on them.
    pub disputed: Vec<String>,
    /// What is kept of every registered model, and is not here.
    pub missing: Vec<String>,
    /// What was not verified, and why.
    pub not_verified: Vec<NotVerified>,
    /// Models that were withdrawn.
    pub withdrawn: Vec<String>,
    /// Signatures that were verified.
    pub signatures: usize,
    /// Those of them that stand in files which the log names, and so depend on what is kept.
    #[serde(skip)]
    pub signatures_of_files: usize,
    /// Models that left as files.
    pub exports: usize,
    /// Changes of points of scorecards that two people have signed.
    pub points_set: usize,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisteredModel {
    /// Its digest.
    pub model: String,
    /// What it may be used for.
    pub state: &'static str,
    /// Its purpose.
    pub purpose: String,
    /// Digest of the plan whose run released it.
    pub plan: String,
    /// Which of its runs.
    pub run: u32,
    /// Digest of its parameters.
    pub parameters: String,
    /// Digest of its card's file, where one was written.
    pub card: Option<String>,
    /// Statements of two people about it.
    pub statements: usize,
    /// Whether it follows from the sums of its run, with all that the registry says of it.
    pub follows: bool,
    /// Whether an attack on it showed a larger epsilon than was claimed: nobody gets it, and no run begins from it.
    pub alarmed: bool,
    /// Whether its card says what follows from the run.
    pub card_follows: bool,
}

impl fmt::Display for RegisteredModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, state, purpose, plan, run, parameters, card, statements, follows, alarmed, card_follows } =
            self;
        let card = match (card.as_deref(), card_follows) {
            (None, _) => "none".to_owned(),
            (Some(card), true) => format!("{card}, says what follows"),
            (Some(card), false) => format!("{card}, was NOT computed again"),
        };
        let alarm =
            if *alarmed { "\n           ALARM: an attack shows a larger epsilon than its plan claims" } else { "" };
        let follows = if *follows { "follows from its sums" } else { "was NOT computed again from its sums" };
        write!(
            formatter,
            "  model    {model}: {state} for \"{purpose}\", {follows}\n           run {run} of the plan {plan}, parameters {parameters}, {}\n           card {card}{alarm}",
            counted(statements, "statement")
        )
    }
}

impl fmt::Display for RegistryReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, models, champions, pilots, reports, withdrawn, signatures, .. } = self;
        write!(
            formatter,
            "  registry of models, {}: {}, {} on gates, {} verified",
            counted(entries, "entry"),
            counted(models, "model"),
            counted(reports, "report"),
            counted(signatures, "signature")
        )?;
        write!(
            formatter,
            "\n    models that follow from the sums of their runs: {} of {models}; reports whose figures were computed again: {} of {reports}",
            self.models_recomputed, self.reports_recomputed
        )?;
        write!(
            formatter,
            "\n    model cards that say what follows from the runs of their models: {}",
            self.cards_recomputed
        )?;
        write!(
            formatter,
            "\n    exports that left as files: {}; changes of points of scorecards: {}",
            self.exports, self.points_set
        )?;
        self.disputed.iter().try_for_each(|report| write!(formatter, "\n    disputed: {report}"))?;
        for NotVerified { count, reason } in &self.not_verified {
            write!(formatter, "\n    not verified: {reason} ({count})")?;
        }
        for (purpose, model) in champions {
            write!(formatter, "\n    champion for \"{purpose}\": {model}")?;
        }
        for model in self.each.iter().filter(|model| model.alarmed) {
            write!(formatter, "\n    ALARM of a report of attacks: {}", model.model)?;
        }
        for (purpose, model) in pilots {
            write!(formatter, "\n    in a pilot for \"{purpose}\": {model}")?;
        }
        withdrawn.iter().try_for_each(|model| write!(formatter, "\n    withdrawn: {model}"))
    }
}
