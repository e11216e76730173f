//! The evaluation of a model in five parts, made of what registry and journal say, and signed by this coordinator.

use std::path::Path;

use tributary_certs::clock::unix_seconds;
use tributary_certs::gates::ReportFile;
use tributary_certs::keys::read_signing_key;
use tributary_certs::suite::RealSuite;
use tributary_evidence::evaluation::{Evaluation, EvaluationFile, Material};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Over, Wanted};
use tributary_protocol::registry::{ModelRecord, RefusedStatement, ReportFault, SignedReport, StatementFault};
use tributary_protocol::role::Action;
use tributary_protocol::roster::Roster;

use super::RegistryError;
use super::attacks::attacks_on;
use super::card::card;
use super::measured::OfRun;
use super::view::{authorities_of, found, record_of, roster_in_force};
use crate::settings::Settings;

/// The evaluation of a registered model, by its digest or the first digits of it. `gates` is a report on its gates that a validator signed; without one
/// it is the report of the last statement that carries one.
///
/// # Errors
/// If there is no such model, it has no card, the report is of another model or unsigned, or the signing key cannot be read.
pub fn five_parts(config: &Path, model: &str, gates: Option<&Path>) -> Result<EvaluationFile, RegistryError> {
    let settings = Settings::load(config)?;
    let record = record_of(&settings.state_dir)?;
    let model = found(&record, model)?;
    let card = card(config, &model.manifest.digest().to_string())?;
    let OfRun { plan, approvals, .. } = OfRun::read(&settings.state_dir, model)?;
    let given = gates.map(|path| of_file(path, model)).transpose()?;
    if let Some(report) = &given {
        let authorities = authorities_of(config, &settings)?;
        let roster = roster_in_force(config, &settings, &authorities)?.roster;
        judge_report(report, model, &roster, &authorities.digest())?;
    }
    let attacks = attacks_on(&settings.state_dir, model);
    let material = Material {
        model,
        plan: &plan,
        approvals: &approvals,
        card: &card.paper,
        report: given.as_ref().or_else(|| model.last_report()),
        attacks: attacks.last(),
    };
    let key = read_signing_key(&settings.identity.signing_key)?;
    Ok(EvaluationFile::sign(Evaluation::of(&material, unix_seconds()), &key))
}

/// Whether a validator of the roster in force has signed a report.
fn judge_report(
    SignedReport { report, signed }: &SignedReport,
    model: &ModelRecord,
    roster: &Roster,
    federation: &Digest,
) -> Result<(), RegistryError> {
    let lineage = &model.manifest.lineage;
    let (subject, over) = (report.digest(), Over::Group(&lineage.group));
    let (action, owner, now) = (Action::ValidateModel, Some(&lineage.owner), Some(unix_seconds()));
    let wanted = Wanted { action, subject: &subject, federation, owner, over, now };
    let fault = |fault| RefusedStatement::Signatures(StatementFault::Report(ReportFault::Signature(fault)));
    Ok(signed.judge::<RealSuite>(roster, wanted).map_err(fault)?)
}

/// A signed report in a file, about this model.
fn of_file(path: &Path, model: &ModelRecord) -> Result<SignedReport, RegistryError> {
    let file = ReportFile::read(path)?;
    let signed = file.signed().ok_or_else(|| RegistryError::NotValidated { path: path.to_path_buf() })?;
    let checked = signed.report.check_model(&model.manifest, &signed.report.federation);
    checked.map_err(|fault| RefusedStatement::Signatures(StatementFault::Report(fault)))?;
    Ok(signed)
}
