//! How much each field moves the scores of a model, again from the opened sums of its run, by the code with which the coordinator found it
//! (`tributary_model::stage::importance`).
//!
//! It follows from the model, from the last count of customers by field before the evaluation, and from what the noise in training gives to the model. What of
//! these is not here leaves no answer.

use std::collections::BTreeMap;

use tributary_model::counts::{CellLayout, NoisedHistogram};
use tributary_model::metrics::Importance;
use tributary_model::parameters::Parameters;
use tributary_model::planned::Planned;
use tributary_model::stage::{PublicState, StageSettings, importance};
use tributary_protocol::round::RoundDescriptor;

/// What a run has counted by field, and what noise its stages have left, as far as its entries have come.
#[derive(Default)]
pub(crate) struct FieldCounts {
    /// The last count of each stage that counts by field; nothing where its sum is not here.
    counted: BTreeMap<u16, Option<Counted>>,
    /// Variance that noise gives to each parameter that a stage handed on; nothing where its last state is not here.
    noise: BTreeMap<u16, Option<Vec<f32>>>,
    /// Of the last committed round: its stage, the variance of each share of noise, and how many branches added one.
    last: Option<(u16, (u128, usize))>,
}

struct Counted {
    layout: CellLayout,
    histograms: Vec<NoisedHistogram>,
    noise_stddev: f64,
}

impl FieldCounts {
    /// A round was committed, with this opened sum where it is here.
    pub(crate) fn committed(
        &mut self,
        planned: &Planned,
        (descriptor, survivors): (&RoundDescriptor, usize),
        sum: Option<&[i64]>,
    ) {
        let (stage, shares) = (descriptor.stage, (descriptor.share_variance, survivors));
        self.last = Some((stage, shares));
        let Some(place) = planned.stage(stage) else { return };
        let StageSettings::Count(count) = place.settings() else { return };
        let counted = sum.and_then(|sum| {
            let (layout, outcome) = (count.layout(&place.frame()).ok()?, place.read(sum, survivors).ok()?);
            Some(Counted { layout, histograms: outcome.histograms, noise_stddev: place.noise_of_count(shares) })
        });
        self.counted.insert(stage, counted);
    }

    /// A stage is over, after this state where it is known.
    pub(crate) fn concluded(&mut self, planned: &Planned, stage: u16, state: Option<&PublicState>) {
        let (Some(place), Some((last, shares))) = (planned.stage(stage), self.last) else { return };
        let knows = place.noise_in_model(&place.first(), (1, 1)).is_some();
        if knows && last == stage {
            self.noise.insert(stage, state.and_then(|state| place.noise_in_model(&state.beside(), shares)));
        }
    }

    /// How much each field moves the scores of this model, which a stage evaluates; nothing where it cannot be found again.
    pub(crate) fn importance(&self, planned: &Planned, stage: u16, model: Option<&Parameters>) -> Option<Importance> {
        let (schema, model) = (planned.schema()?, model?);
        let counted = self.counted.range(..stage).next_back().map(|(_, counted)| counted.as_ref());
        let noise = self.noise.range(..stage).next_back().map(|(_, noise)| noise.as_deref());
        // Where something was counted or left that is not here, there is no answer.
        if matches!(counted, Some(None)) || matches!(noise, Some(None)) {
            return None;
        }
        let none = CellLayout::features(schema, 2, false);
        let fields = match counted.flatten() {
            Some(Counted { layout, histograms, noise_stddev }) => (layout, histograms.as_slice(), *noise_stddev),
            None => (&none, [].as_slice(), 0.0),
        };
        Some(importance(schema, model, fields, noise.flatten()))
    }
}
