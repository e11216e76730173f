//! A registered model with its plan, taken from a bundle that was audited before.

use tributary_model::parameters::Parameters;
use tributary_model::planned::{self, Planned};
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::{ModelManifest, RegistryEvent};
use tributary_protocol::round::CoordinatorEvent;

use super::format::JOURNAL;
use super::reader::{Bundle, Source};
use crate::entries::{Bad, Entry, read};
use crate::replay;
use crate::retained::{Item, Retained as _};

/// A model of a bundle.
pub struct BundledModel {
    /// What it is.
    pub manifest: ModelManifest,
    /// Its plan, read with its schema where that is here.
    pub planned: Planned,
    /// Its parameters.
    pub parameters: Parameters,
}

/// The model of this digest. Whoever asks has audited the bundle before.
///
/// # Errors
/// In words, what is not here.
pub fn bundled_model<S: Source>(bundle: &Bundle<S>, model: &Digest) -> Result<BundledModel, String> {
    let (mut manifest, mut plan) = (None, None);
    let told = |walked: Option<Result<_, Bad>>| match walked {
        None => Err("the bundle has no journal".to_owned()),
        Some(Err(bad)) => Err(bad.to_string()),
        Some(Ok(_)) => Ok(()),
    };
    told(bundle.entries(JOURNAL, |entry| {
        if entry.ledger == LedgerId::ADMINISTRATION {
            let Entry { event, .. }: Entry<RegistryEvent> = read(entry)?;
            if let RegistryEvent::ModelRegistered { manifest: own } = event
                && own.digest() == *model
            {
                manifest = Some(*own);
            }
        }
        Ok(())
    }))?;
    let manifest = manifest.ok_or("the bundle's journal registers no such model")?;
    let ledger = LedgerId::from(manifest.lineage.run.id());
    told(bundle.entries(JOURNAL, |entry| {
        if entry.ledger == ledger && plan.is_none() {
            let Entry { event, .. }: Entry<CoordinatorEvent> = read(entry)?;
            if let CoordinatorEvent::RunOpened { plan: own, .. } = event {
                plan = own.validate().ok();
            }
        }
        Ok(())
    }))?;
    let plan = plan.ok_or("the bundle's journal does not hold the plan of the model")?;
    let schema = bundle.get(&Item::Schema(plan.digest())).and_then(|text| String::from_utf8(text).ok());
    let schema = schema.and_then(|text| Schema::parse(&text).ok()).filter(|schema| schema.digest() == plan.schema);
    let planned = planned::check(&plan, schema.as_ref()).map_err(|fault| fault.to_string())?;
    let stored = bundle.get(&Item::Parameters(*model)).ok_or("the model's parameters are not in the bundle")?;
    let parameters = replay::parameters(&planned, &manifest.parameters, &stored);
    let parameters = parameters.ok_or("the model's parameters in the bundle are not those that the journal names")?;
    Ok(BundledModel { manifest, planned, parameters })
}
