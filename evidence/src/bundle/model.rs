//! A registered model with its plan, taken from a bundle that was audited before.

use serde::de::DeserializeOwned;
use tributary_model::parameters::Parameters;
use tributary_model::planned::{self, Planned};
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::RunRef;
use tributary_protocol::registry::{ModelManifest, RegistryEvent};
use tributary_protocol::round::CoordinatorEvent;

use super::part::Piece;
use super::reader::{Bundle, Source};
use crate::entries::read;
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

/// What is not in a bundle of the run that released a model, and which export has it.
pub(super) fn lacks<S: Source>(bundle: &Bundle<S>, what: &str, run: RunRef) -> String {
    let RunRef { plan, number } = run;
    let why = match bundle.is_partial() {
        true => "It has a part of the journal, which another run or other days were asked for",
        false => "It was exported for other days, or the file is not kept any more",
    };
    format!(
        "{what} is not in this bundle: it belongs to run {number} of the plan {plan}, which released the model. {why}. Have the coordinator's operator export \
         that run, with days in which it was: `tributary audit export --from DATE --to DATE --run {plan}/{number}`; without --run, --plan and --days-only \
         the bundle has all runs of the days"
    )
}

/// Shows each event of a ledger of the bundle's journal.
///
/// # Errors
/// In words, what is not here.
pub(super) fn follow<S: Source, E: DeserializeOwned>(
    bundle: &Bundle<S>,
    ledger: LedgerId,
    mut show: impl FnMut(E),
) -> Result<(), String> {
    let walked = bundle.journal(|piece| {
        match piece {
            Piece::Entry(entry) if entry.ledger == ledger => show(read(entry)?.event),
            _ => {}
        }
        Ok(())
    });
    walked.ok_or("the bundle has no journal")?.map(|_| ()).map_err(|bad| bad.to_string())
}

/// The model of this digest. Whoever asks has audited the bundle before.
///
/// # Errors
/// In words, what is not here.
pub fn bundled_model<S: Source>(bundle: &Bundle<S>, model: &Digest) -> Result<BundledModel, String> {
    let (mut manifest, mut plan) = (None, None);
    follow(bundle, LedgerId::ADMINISTRATION, |event: RegistryEvent| match event {
        RegistryEvent::ModelRegistered { manifest: own } if own.digest() == *model => manifest = Some(*own),
        _ => {}
    })?;
    let manifest: ModelManifest = manifest.ok_or("the bundle's journal registers no such model")?;
    let run = manifest.lineage.run;
    follow(bundle, run.id().into(), |event: CoordinatorEvent| {
        if let CoordinatorEvent::RunOpened { plan: own, .. } = event {
            plan = own.validate().ok();
        }
    })?;
    let plan = plan.ok_or_else(|| lacks(bundle, "the plan of the model", run))?;
    let schema = bundle.get(&Item::Schema(plan.digest())).and_then(|text| String::from_utf8(text).ok());
    let schema = schema.and_then(|text| Schema::parse(&text).ok()).filter(|schema| schema.digest() == plan.schema);
    let planned = planned::check(&plan, schema.as_ref()).map_err(|fault| fault.to_string())?;
    let stored = bundle
        .get(&Item::Parameters(*model))
        .ok_or_else(|| lacks(bundle, "the file with the model's parameters", run))?;
    let parameters = replay::parameters(&planned, &manifest.parameters, &stored);
    let parameters = parameters.ok_or("the model's parameters in the bundle are not those that the journal names")?;
    Ok(BundledModel { manifest, planned, parameters })
}
