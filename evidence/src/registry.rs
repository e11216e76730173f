//! The registry's ledger against its rule book, and the signatures in it.

use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_protocol::registry::{ModelState, RegistryEvent, RegistryRecord};

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
    /// Models that were withdrawn.
    pub withdrawn: Vec<String>,
    /// Signatures that were verified.
    pub signatures: usize,
}

/// Judges the events of the registry, one after the other.
pub(crate) fn audit(entries: &[Entry<RegistryEvent>]) -> Result<RegistryReport, Bad> {
    let (mut record, mut signatures) = (RegistryRecord::default(), 0);
    for entry in entries {
        signatures += record.verify::<RealSuite>(&entry.event).map_err(|fault| entry.bad(fault))?;
        record.apply(&entry.event);
    }
    let champions = record.in_state(ModelState::Champion);
    let champions = champions.map(|(digest, model)| (model.manifest.lineage.purpose.to_string(), digest.to_string()));
    Ok(RegistryReport {
        entries: entries.len(),
        models: record.models.len(),
        champions: champions.collect(),
        withdrawn: record.in_state(ModelState::Withdrawn).map(|(digest, _)| digest.to_string()).collect(),
        signatures,
    })
}

impl fmt::Display for RegistryReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, models, champions, withdrawn, signatures } = self;
        write!(
            formatter,
            "  registry of models, {entries} entries: {models} models, {signatures} signatures verified"
        )?;
        for (purpose, model) in champions {
            write!(formatter, "\n    champion for \"{purpose}\": {model}")?;
        }
        withdrawn.iter().try_for_each(|model| write!(formatter, "\n    withdrawn: {model}"))
    }
}
