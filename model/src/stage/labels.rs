//! Customers counted by label: for each head those whose label is known, and those among them who are positive. The rate becomes the model's
//! intercept, and the number of customers divides the sums of later stages.

use tributary_protocol::digest::Canonical;
#[cfg(feature = "train")]
use tributary_protocol::entropy::Entropy;

use super::frame::{Form, Frame, Place, StageFault};
use super::histogram::{noise_stddev_min, read_units};
use super::kind::Kind;
#[cfg(feature = "train")]
use super::kind::{ContributeFault, Rows};
use super::outcome::{AdvanceFault, Outcome};
use super::state::{Beside, Known, PublicState, narrow};
use crate::canonical::{DecodeError, Reader};
use crate::counts::NoisedHistogram;
use crate::elementary::ln;
use crate::nominal::NoisedCustomers;
use crate::parameters::Parameters;
#[cfg(feature = "train")]
use crate::{
    train::Placement,
    update::{ClippedSum, label_sum},
};

/// How labels are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelSettings {
    /// Units of one count, 1 to 2^20.
    pub clip_units: u32,
}

const LABEL: &str = "tributary/stage/labels/1";

impl LabelSettings {
    pub(super) const KIND: &'static str = "labels";

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let settings = Self { clip_units: read_units(&mut reader)? };
        reader.finish()?;
        Ok(settings)
    }

    /// For each head the counts of known and positive labels.
    fn counts(&self, sum: &[i64]) -> Vec<[f64; 2]> {
        let units = f64::from(self.clip_units);
        sum.as_chunks().0.iter().map(|[known, positive]| [*known as f64 / units, *positive as f64 / units]).collect()
    }
}

impl Kind for LabelSettings {
    fn encode(&self) -> Vec<u8> {
        Canonical::new(LABEL).u32(self.clip_units).into_bytes()
    }

    fn content(&self) -> &'static str {
        "for each label the customers of whom it is known, and those of whom it holds"
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        let counts = 2 * frame.architecture.heads().len();
        Ok(Form::of_counts(counts, counts, self.clip_units, frame.overlap_of(Self::KIND)?))
    }

    fn first(&self, frame: &Frame<'_>) -> Beside {
        let known = Known { customers: vec![0.0; frame.architecture.heads().len()], ..Known::default() };
        Beside { update_clip_norm: None, known }
    }

    /// Where nobody was counted, because every round failed, the plan's nominal number stands.
    fn hand_on(&self, _: Place<'_>, last: PublicState) -> PublicState {
        let counted = last.known.customers.iter().any(|customers| *customers != 0.0);
        if counted { last } else { PublicState::of(last.parameters) }
    }

    fn read(&self, place: Place<'_>, sum: &[i64], survivors: usize) -> Result<Outcome, AdvanceFault> {
        let (expected, found) = (place.terms.dimension as usize, sum.len());
        if found != expected {
            return Err(AdvanceFault::Dimension { expected, found });
        }
        let units = f64::from(self.clip_units);
        let counts = self.counts(sum);
        let named = place.frame.architecture.heads().iter().zip(&counts);
        let histograms = named.map(|(head, [known, positive])| NoisedHistogram {
            name: format!("{head}: known, positive"),
            counts: vec![*known, *positive],
        });
        // Every branch adds the whole noise at most.
        let variance = place.terms.noise_variance as f64 * survivors as f64 / (units * units);
        // Labels may be known of some customers only.
        let most = counts.iter().map(|[known, _]| *known).reduce(f64::max);
        let customers = most.map(|customers| NoisedCustomers { customers, variance });
        let noise_stddev_min = noise_stddev_min(place, self.clip_units);
        Ok(Outcome { customers, histograms: histograms.collect(), noise_stddev_min, ..Outcome::default() })
    }

    /// The model with each head's logit of its rate as the intercept: at least one customer of each class, and at most the customers that the
    /// sum cannot be without.
    fn learnt(&self, _: Place<'_>, state: &PublicState, sum: &[i64]) -> Option<PublicState> {
        let architecture = state.parameters.architecture().clone();
        let layer = architecture.layout().pop()?;
        let counts = self.counts(sum);
        let mut values = state.parameters.values().to_vec();
        let mut customers = Vec::with_capacity(counts.len());
        for (bias, [known, positive]) in values.get_mut(layer.biases..layer.end())?.iter_mut().zip(counts) {
            let known = known.max(2.0);
            let positive = positive.clamp(1.0, known - 1.0);
            *bias = narrow(ln(positive / (known - positive)));
            customers.push(known);
        }
        let parameters = Parameters::new(architecture, values).ok()?;
        Some(PublicState { parameters, known: Known { customers, ..Known::default() }, ..state.clone() })
    }

    #[cfg(feature = "train")]
    fn placement(&self) -> Option<Placement> {
        Some(Placement::Cells)
    }

    #[cfg(feature = "train")]
    fn contribute(
        &self,
        place: Place<'_>,
        rows: &Rows<'_>,
        _: &PublicState,
        _: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault> {
        let cells = rows.trainer.cells().ok_or(ContributeFault::Placement)?;
        Ok(label_sum(cells, place.frame.architecture.heads().len(), self.clip_units))
    }
}
