//! The report on a model's gates, made of the opened sum that the ledger of the model's run names.

use std::path::Path;

use tributary_certs::clock::unix_seconds;
use tributary_certs::gates::ReportFile;
use tributary_evidence::gates::figures;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{GatesReport, RefusedStatement};

use super::RegistryError;
use super::measured::OfRun;
use super::view::{federation_of, found, record_of};
use crate::settings::Settings;

/// A report that nobody has signed: each gate of the model's plan with what its figure came to. The model is named by its digest or the first digits of
/// it. The report names the card that was written at the release. A figure that the sum does not give, or whose sum is not kept any more, is absent, and fails its gate.
///
/// # Errors
/// If there is no such model, the journal has no run of it, or an attack on it showed a larger epsilon than was claimed.
pub fn report(config: &Path, model: &str) -> Result<ReportFile, RegistryError> {
    let settings = Settings::load(config)?;
    let record = record_of(&settings.state_dir)?;
    let model = found(&record, model)?;
    let (digest, lineage) = (model.manifest.digest(), &model.manifest.lineage);
    let OfRun { plan, measured, .. } = OfRun::read(&settings.state_dir, model)?;
    if model.is_alarmed() {
        return Err(RegistryError::Refused(RefusedStatement::Alarm));
    }
    let card = model.card.unwrap_or(Digest::ZERO);
    let champion = record.champion(&lineage.purpose).filter(|champion| champion.manifest.digest() != digest);
    let before = champion.map(|champion| OfRun::read(&settings.state_dir, champion)).transpose()?;
    let compared = before.as_ref().map(|before| before.measured.as_ref());
    let report = GatesReport {
        federation: federation_of(config, &settings)?,
        model: digest,
        terms: plan.terms_digest(),
        figures: figures(&plan.gates, measured.as_ref(), compared),
        gates: plan.gates,
        statement: lineage.statement,
        card,
        champion: champion.map(|champion| champion.manifest.digest()),
        made: unix_seconds(),
        findings: "".into(),
        conditions: Vec::new(),
        valid_until: 0,
    };
    Ok(ReportFile::new(model.manifest.clone(), report))
}
