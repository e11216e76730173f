//! A validator's own look at a model of a bundle: the figures of its gates, computed again from the opened sum of the evaluation.

use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{Figure, GatesReport};
use tributary_protocol::round::CoordinatorEvent;

use super::model::{bundled_model, follow, lacks};
use super::reader::{Bundle, Source};
use crate::gates::{Measured, figures};
use crate::retained::{Item, Retained as _};

/// What a report's gates come to by the opened sums in a bundle, in the order of the gates. Whoever asks has audited the bundle before.
///
/// # Errors
/// In words, what is not here.
pub fn gate_figures<S: Source>(bundle: &Bundle<S>, report: &GatesReport) -> Result<Vec<Figure>, String> {
    let own = measured(bundle, &report.model)?;
    let compares = report.gates.compare_with_champion();
    let champion = report.champion.filter(|_| compares).map(|champion| measured(bundle, &champion)).transpose()?;
    Ok(figures(&report.gates, own.as_ref(), champion.as_ref().map(Option::as_ref)))
}

/// What the run of a model counted of it; nothing where it counted nothing, or the opened sum is not here.
///
/// # Errors
/// In words, if the model or its schema is not here.
pub fn measured<S: Source>(bundle: &Bundle<S>, model: &Digest) -> Result<Option<Measured>, String> {
    let of = bundled_model(bundle, model)?;
    let run = of.manifest.lineage.run;
    let schema = of.planned.schema().ok_or_else(|| lacks(bundle, "the schema of the model's plan", run))?;
    let mut events: Vec<CoordinatorEvent> = Vec::new();
    follow(bundle, run.id().into(), |event| events.push(event))?;
    let sum = |digest: &Digest| bundle.get(&Item::Sum(*digest));
    Ok(Measured::of(&events, schema, &of.manifest.parameters, sum))
}
