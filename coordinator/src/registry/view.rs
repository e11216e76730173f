//! What the registry holds, for people and programs: read from the journal, beside a daemon that may be writing to it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tributary_certs::gates::ReportFile;
use tributary_certs::model::StatementFile;
use tributary_certs::roster::{RosterAuthorities, RosterFileError, read_roster};
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::printable::Printable;
use tributary_protocol::registry::{
    CopyState, ModelRecord, ModelState, ModelStatement, ModelStep, RegistryEvent, RegistryRecord, SignedReport,
    SignedStatement, StatementScope,
};
use tributary_protocol::roster::{MemberName, Roster, SignedRoster};
use tributary_settings::{Fault, Faults};
use tributary_storage::journal::read_view;

use super::RegistryError;
use crate::settings::Settings;
use crate::store::ledger_of;

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelLine {
    /// Its digest.
    pub model: String,
    /// `candidate`, `challenger`, `pilot`, `champion`, `retired` or `withdrawn`.
    pub state: &'static str,
    /// What it is for.
    pub purpose: String,
    /// Digest of its parameters, which a plan names in `initial_model`.
    pub parameters: String,
    /// The registered model from which its run began.
    pub parent: Option<String>,
    /// Digest of the plan.
    pub plan: String,
    /// The plan's name.
    pub plan_name: String,
    /// Number of the run.
    pub run: u32,
    /// Who put the plan forward.
    pub owner: String,
    /// Rounds committed.
    pub rounds: u32,
    /// Whether every round of the plan was committed.
    pub complete: bool,
    /// Its folder.
    pub folder: String,
    /// What was stated about it.
    pub statements: Vec<StatementLine>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementLine {
    /// Its number for the purpose.
    pub sequence: u64,
    /// `challenge`, `pilot`, `promote`, `rollback`, `retire` or `withdraw`.
    pub step: &'static str,
    /// Who signed, with the role.
    pub signed: Vec<String>,
    /// Unix seconds of the second signature.
    pub at: u64,
    /// Digest of the report on which it rests.
    pub evidence: Option<String>,
    /// The validator who signed that report.
    pub validator: Option<String>,
    /// Last second of the Unix clock at which the report lets a model become champion.
    pub valid_until: Option<u64>,
    /// The branches of a pilot.
    pub branches: Vec<String>,
    /// The share of the customers that a challenger scores, in parts in 10,000.
    pub share: Option<u16>,
    /// Why.
    pub reason: String,
}

/// What one branch has of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopyLine {
    /// The branch, as the roster names it.
    pub branch: String,
    /// `kept`, `deleted`, `refused`; nothing where the branch has said nothing.
    pub state: Option<&'static str>,
    /// Unix seconds at which it said so, by its own clock.
    pub at: Option<u64>,
    /// Whether the model was withdrawn and this branch has not acknowledged it.
    pub owes_acknowledgement: bool,
}

/// What a statement is drafted of.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// What is done.
    pub step: ModelStep,
    /// The model: its digest, or the first digits of it.
    pub model: &'a str,
    /// What it rests on: the signed report on the model's gates, where the step needs one; else any document, or nothing. A rollback has the report
    /// of the promotion.
    pub evidence: Option<&'a Path>,
    /// The branches of a pilot, where the plan leaves them to whoever begins one.
    pub branches: &'a [MemberName],
    /// The share of the customers that a challenger scores, in parts in 10,000.
    pub share: u16,
    /// Why.
    pub reason: &'a str,
}

/// What the journal of a state folder says of models.
pub(super) fn record_of(state_dir: &Path) -> Result<RegistryRecord, RegistryError> {
    let events = read_view::<RegistryEvent>(&ledger_of(state_dir), LedgerId::ADMINISTRATION)?;
    Ok(RegistryRecord::replay(events.iter().map(|recorded| &recorded.event))?)
}

/// Every model, the one that came first at the front.
///
/// # Errors
/// If settings or journal cannot be read.
pub fn list(config: &Path) -> Result<Vec<ModelLine>, RegistryError> {
    let settings = Settings::load(config)?;
    let record = record_of(&settings.state_dir)?;
    let models = record.order.iter().filter_map(|digest| record.models.get(digest));
    Ok(models.map(|model| ModelLine::of(model, &settings.state_dir)).collect())
}

/// One model, by its digest or the first digits of it.
///
/// # Errors
/// If there is none, or several.
pub fn show(config: &Path, model: &str) -> Result<ModelLine, RegistryError> {
    show_with_state(config, model).map(|(line, _)| line)
}

/// The same, and the folder of the coordinator's state.
pub(super) fn show_with_state(config: &Path, model: &str) -> Result<(ModelLine, PathBuf), RegistryError> {
    let settings = Settings::load(config)?;
    let record = record_of(&settings.state_dir)?;
    Ok((ModelLine::of(found(&record, model)?, &settings.state_dir), settings.state_dir))
}

/// What every branch of the roster has of a model.
///
/// # Errors
/// As [`show`].
pub fn copies(config: &Path, model: &str) -> Result<(ModelLine, Vec<CopyLine>), RegistryError> {
    let settings = Settings::load(config)?;
    let record = record_of(&settings.state_dir)?;
    let found = found(&record, model)?;
    let digest = found.manifest.digest();
    let withdrawn = found.state == ModelState::Withdrawn;
    // The journal has the roster of the last statement, and before the first statement none.
    let roster = roster_in_force(config, &settings, &authorities_of(config, &settings)?)?.roster;
    let lines = roster.entries().iter().map(|entry| {
        let note = record.copies.get(&(digest, entry.client)).map(|said| &said.note);
        let state = note.map(|note| note.state);
        CopyLine {
            branch: entry.name.to_string(),
            state: state.map(CopyState::name),
            at: note.map(|note| note.at),
            owes_acknowledgement: withdrawn && state != Some(CopyState::Refused),
        }
    });
    Ok((ModelLine::of(found, &settings.state_dir), lines.collect()))
}

/// A statement that nobody has signed, for whoever does.
///
/// # Errors
/// If the model's state does not admit it, if nobody could sign it, or a file cannot be read.
pub fn draft(config: &Path, draft: &Draft<'_>) -> Result<StatementFile, RegistryError> {
    let settings = Settings::load(config)?;
    let mut record = record_of(&settings.state_dir)?;
    let authorities = authorities_of(config, &settings)?;
    // The roster in force names the branches of a plan's pilot. The journal has the one of the last statement, and before the first statement none.
    record.roster = Some(roster_in_force(config, &settings, &authorities)?.roster);
    drafted(&record, authorities.digest(), draft)
}

/// What names the federation: its list of roster authorities, by its digest.
pub(super) fn federation_of(config: &Path, settings: &Settings) -> Result<Digest, RegistryError> {
    Ok(authorities_of(config, settings)?.digest())
}

pub(super) fn authorities_of(config: &Path, settings: &Settings) -> Result<RosterAuthorities, RegistryError> {
    let fault = |error: RosterFileError| {
        unusable(config, "identity.authorities", &error, "the roster authorities' public keys")
    };
    Ok(RosterAuthorities::read(&settings.identity.authorities).map_err(fault)?)
}

/// The roster that the settings name, with its signatures judged.
pub(super) fn roster_in_force(
    config: &Path,
    settings: &Settings,
    authorities: &RosterAuthorities,
) -> Result<SignedRoster, RegistryError> {
    let fault = |error: RosterFileError| unusable(config, "identity.roster", &error, "a file of this federation");
    Ok(read_roster(&settings.identity.roster, authorities).map_err(fault)?)
}

/// The newer one of a roster and the ledger's: an older roster that was put back gives nobody a role again.
pub(super) fn newer<'a>(record: &'a RegistryRecord, roster: &'a Roster) -> &'a Roster {
    record.roster.as_ref().filter(|known| known.epoch() > roster.epoch()).unwrap_or(roster)
}

fn unusable(config: &Path, key: &str, found: &RosterFileError, allowed: &str) -> Faults {
    let fault = Fault { key: key.into(), found: found.to_string(), allowed: allowed.into() };
    Faults { file: config.to_path_buf(), faults: vec![fault] }
}

pub(super) fn drafted(
    record: &RegistryRecord,
    federation: Digest,
    draft: &Draft<'_>,
) -> Result<StatementFile, RegistryError> {
    let model = found(record, draft.model)?;
    let report = reported(model, draft)?;
    let purpose = model.manifest.lineage.purpose.clone();
    let evidence = match (&report, draft.evidence) {
        (Some(SignedReport { report, .. }), _) => report.digest(),
        (None, Some(path)) => Digest::of(&tributary_storage::files::read_public(path)?),
        (None, None) => Digest::ZERO,
    };
    let statement = ModelStatement {
        federation,
        step: draft.step,
        model: model.manifest.digest(),
        sequence: record.next_sequence(&purpose),
        purpose,
        scope: scope(record, (model, report.as_ref()), draft)?,
        evidence,
        reason: draft.reason.into(),
    };
    record.judge_step(&statement)?;
    let file = StatementFile::new(model.manifest.clone(), statement, report);
    file.check()?;
    Ok(file)
}

/// The report that goes with a statement.
fn reported(model: &ModelRecord, draft: &Draft<'_>) -> Result<Option<SignedReport>, RegistryError> {
    match (draft.step, draft.evidence) {
        (ModelStep::RollBack, _) => {
            let promoted = model.last(ModelStep::Promote);
            Ok(promoted.and_then(|promoted| promoted.report.as_deref().cloned()))
        }
        (step, Some(path)) if step.needs_report() => {
            let unsigned = || RegistryError::NotValidated { path: path.to_path_buf() };
            ReportFile::read(path)?.signed().map(Some).ok_or_else(unsigned)
        }
        _ => Ok(None),
    }
}

/// For whom a statement is.
fn scope(
    record: &RegistryRecord,
    (model, report): (&ModelRecord, Option<&SignedReport>),
    draft: &Draft<'_>,
) -> Result<StatementScope, RegistryError> {
    Ok(match draft.step {
        ModelStep::Challenge => StatementScope::Customers(draft.share),
        ModelStep::Pilot => match report.and_then(|report| report.report.gates.pilot.as_ref()) {
            Some(_) if !draft.branches.is_empty() => return Err(RegistryError::PilotOfPlan),
            Some(pilot) => StatementScope::Branches(record.pilot_branches(pilot, model)),
            None => {
                let mut names = draft.branches.to_vec();
                names.sort();
                StatementScope::Branches(names)
            }
        },
        _ => StatementScope::All,
    })
}

/// The model of a digest, or of its first digits.
pub(super) fn found<'a>(record: &'a RegistryRecord, text: &str) -> Result<&'a ModelRecord, RegistryError> {
    let begins = |digest: &&Digest| digest.to_string().starts_with(text);
    let all: Vec<&Digest> = record.order.iter().filter(begins).collect();
    match all.as_slice() {
        [one] if text.len() >= 8 => Ok(&record.models[*one]),
        _ => Err(RegistryError::Digest { text: Printable::new(text), count: all.len() }),
    }
}

impl ModelLine {
    pub(super) fn of(model: &ModelRecord, state_dir: &Path) -> Self {
        let (digest, lineage) = (model.manifest.digest(), &model.manifest.lineage);
        Self {
            model: digest.to_string(),
            state: model.state.name(),
            purpose: lineage.purpose.to_string(),
            parameters: model.manifest.parameters.to_string(),
            parent: lineage.parent.map(|parent| parent.to_string()),
            plan: lineage.run.plan.to_string(),
            plan_name: lineage.name.to_string(),
            run: lineage.run.number,
            owner: lineage.owner.to_string(),
            rounds: lineage.rounds,
            complete: lineage.complete,
            folder: state_dir.join(super::folder::REGISTRY).join(digest.to_string()).display().to_string(),
            statements: model.statements.iter().map(StatementLine::of).collect(),
        }
    }
}

impl StatementLine {
    fn of(signed: &SignedStatement) -> Self {
        let SignedStatement { statement, first, second, report } = signed;
        Self {
            validator: report.as_ref().map(|report| report.signed.staff.to_string()),
            valid_until: report.as_ref().map(|report| report.report.valid_until),
            branches: statement.scope.branches().iter().map(ToString::to_string).collect(),
            share: (statement.step == ModelStep::Challenge).then(|| statement.scope.share()),
            sequence: statement.sequence,
            step: statement.step.name(),
            signed: [first, second].map(|one| format!("{} ({})", one.staff, one.role)).into(),
            at: first.at.max(second.at),
            evidence: Some(statement.evidence)
                .filter(|digest| *digest != Digest::ZERO)
                .map(|digest| digest.to_string()),
            reason: statement.reason.to_string(),
        }
    }
}
