//! Customers counted by the values of their fields, and perhaps by their labels too. One count for each customer and field, and one more for each label;
//! no model is needed, and none is moved.

use tributary_protocol::digest::Canonical;
#[cfg(feature = "train")]
use tributary_protocol::entropy::Entropy;

use super::frame::{Form, Frame, Place, StageFault};
use super::histogram::{self, BINS};
use super::kind::Kind;
#[cfg(feature = "train")]
use super::kind::{ContributeFault, Rows};
use super::outcome::{AdvanceFault, Outcome};
#[cfg(feature = "train")]
use super::state::PublicState;
use crate::canonical::{DecodeError, Reader};
use crate::cells::cells_of;
use crate::counts::{CellLayout, NoisedHistogram};
use crate::metrics::{FieldWeights, Figures, NoisedCounts};
use crate::nominal::NoisedCustomers;
use crate::summary::FieldFigures;
#[cfg(feature = "train")]
use crate::update::{ClippedSum, count_features};

/// How fields are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountSettings {
    /// Units of one count, 1 to 2^20.
    pub clip_units: u32,
    /// Bins of a numeric field, 2 to 1000.
    pub bins: u32,
    /// Whether customers are counted by label as well.
    pub labels: bool,
}

const LABEL: &str = "tributary/stage/count/2";

impl CountSettings {
    pub(super) const KIND: &'static str = "count";

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let (clip_units, bins) = (histogram::read_units(&mut reader)?, reader.u32_in(BINS)?);
        let labels = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Range),
        };
        reader.finish()?;
        Ok(Self { clip_units, bins, labels })
    }

    /// The cells of the sum.
    ///
    /// # Errors
    /// [`StageFault::Schema`] without the schema.
    pub fn layout(&self, frame: &Frame<'_>) -> Result<CellLayout, StageFault> {
        Ok(CellLayout::features(frame.schema()?, self.bins as usize, self.labels))
    }
}

impl Kind for CountSettings {
    fn encode(&self) -> Vec<u8> {
        Canonical::new(LABEL).u32(self.clip_units).u32(self.bins).u8(self.labels.into()).into_bytes()
    }

    fn content(&self) -> &'static str {
        if self.labels {
            "customers counted by the values of each field, and by each label and the values of each field"
        } else {
            "customers counted by the values of each field"
        }
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        histogram::form(Self::KIND, frame, &self.layout(frame)?, (self.clip_units, 0))
    }

    fn read(&self, place: Place<'_>, sum: &[i64], survivors: usize) -> Result<Outcome, AdvanceFault> {
        let layout = self.layout(&place.frame)?;
        let histograms = histogram::read(place, &layout, self.clip_units, sum)?;
        let noise_stddev_min = histogram::noise_stddev_min(place, self.clip_units);
        let units = f64::from(self.clip_units);
        // Every branch adds the whole noise at most.
        let of_cell = place.terms.noise_variance as f64 * survivors as f64 / (units * units);
        let customers = NoisedCustomers::of_histograms(&layout, &histograms, of_cell);
        Ok(Outcome { customers, histograms, noise_stddev_min, ..Outcome::default() })
    }

    fn figures(&self, frame: &Frame<'_>, histograms: &[NoisedHistogram], noise_variance: f64) -> Figures {
        let Ok(schema) = frame.schema() else { return Figures::default() };
        let noise_stddev = noise_variance.sqrt() / f64::from(self.clip_units);
        let fields = schema.fields();
        // After the counts of all customers: for each label and field those of negatives and of positives.
        let pairs = histograms.get(fields.len()..).unwrap_or_default().chunks_exact(2);
        let named = schema.labels().iter().flat_map(|label| fields.iter().map(move |field| (label, field)));
        let weights = named.zip(pairs).map(|((label, field), pair)| {
            let counts = [&pair[0], &pair[1]].map(|class| NoisedCounts { counts: &class.counts, noise_stddev });
            FieldWeights::of((&label.name, &field.name), &cells_of(field, self.bins as usize), counts)
        });
        Figures { weights: weights.collect(), ..Figures::default() }
    }

    fn fields(&self, frame: &Frame<'_>, counts: &[NoisedHistogram], noise_variance: f64) -> Vec<FieldFigures> {
        histogram::fields(frame, counts, noise_variance.sqrt() / f64::from(self.clip_units))
    }

    #[cfg(feature = "train")]
    fn contribute(
        &self,
        place: Place<'_>,
        rows: &Rows<'_>,
        _: &PublicState,
        _: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault> {
        Ok(count_features(rows.trainer, &self.layout(&place.frame)?, self.clip_units))
    }
}
