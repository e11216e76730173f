//! The registry's ledger against its rule book, and the signatures in it.

use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_protocol::registry::{ModelState, RegistryEvent, RegistryRecord, SignedStatement};

use crate::entries::{Bad, Entry};

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
    /// Models that were withdrawn.
    pub withdrawn: Vec<String>,
    /// Signatures that were verified.
    pub signatures: usize,
}

/// Judges the events of the registry, one after the other.
pub(crate) fn audit(entries: &[Entry<RegistryEvent>]) -> Result<RegistryReport, Bad> {
    let (mut record, mut signatures, mut reports) = (RegistryRecord::default(), 0, 0);
    for entry in entries {
        let carries = |signed: &SignedStatement| usize::from(signed.report.is_some());
        reports += if let RegistryEvent::StatementTaken { statement } = &entry.event { carries(statement) } else { 0 };
        signatures += record.verify::<RealSuite>(&entry.event).map_err(|fault| entry.bad(fault))?;
        record.apply(&entry.event);
    }
    let used = |state| {
        let models = record.in_state(state);
        models.map(|(digest, model)| (model.manifest.lineage.purpose.to_string(), digest.to_string())).collect()
    };
    Ok(RegistryReport {
        entries: entries.len(),
        models: record.models.len(),
        champions: used(ModelState::Champion),
        pilots: used(ModelState::Pilot),
        reports,
        withdrawn: record.in_state(ModelState::Withdrawn).map(|(digest, _)| digest.to_string()).collect(),
        signatures,
    })
}

impl fmt::Display for RegistryReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, models, champions, pilots, reports, withdrawn, signatures } = self;
        write!(
            formatter,
            "  registry of models, {entries} entries: {models} models, {reports} reports on gates, {signatures} signatures verified"
        )?;
        for (purpose, model) in champions {
            write!(formatter, "\n    champion for \"{purpose}\": {model}")?;
        }
        for (purpose, model) in pilots {
            write!(formatter, "\n    in a pilot for \"{purpose}\": {model}")?;
        }
        withdrawn.iter().try_for_each(|model| write!(formatter, "\n    withdrawn: {model}"))
    }
}
