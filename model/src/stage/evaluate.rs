//! Customers counted by label and score of the model. Two counts lie apart for each head: of negatives, and of positives. No model is moved.

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
use crate::counts::{CellLayout, NoisedHistogram};
use crate::metrics::{HeadFigures, ScoreBins, ScoreCounts};
#[cfg(feature = "train")]
use crate::update::{ClippedSum, count_scores};

/// How scores are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluateSettings {
    /// Units of one count, 1 to 2^20.
    pub clip_units: u32,
    /// Bins of scores, 2 to 1000.
    pub bins: u32,
}

const LABEL: &str = "tributary/stage/evaluate/2";

impl EvaluateSettings {
    pub(super) const KIND: &'static str = "evaluate";

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let settings = Self { clip_units: histogram::read_units(&mut reader)?, bins: reader.u32_in(BINS)? };
        reader.finish()?;
        Ok(settings)
    }

    /// The cells of the sum.
    #[must_use]
    pub fn layout(&self, frame: &Frame<'_>) -> CellLayout {
        CellLayout::scores(frame.architecture.heads(), self.bins as usize)
    }
}

impl Kind for EvaluateSettings {
    fn encode(&self) -> Vec<u8> {
        Canonical::new(LABEL).u32(self.clip_units).u32(self.bins).into_bytes()
    }

    fn content(&self) -> &'static str {
        "customers counted by label and score of the model"
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        histogram::form(Self::KIND, frame, &self.layout(frame), (self.clip_units, frame.parameter_bytes()))
    }

    fn read(&self, place: Place<'_>, sum: &[i64], _: usize) -> Result<Outcome, AdvanceFault> {
        let histograms = histogram::read(place, &self.layout(&place.frame), self.clip_units, sum)?;
        let noise_stddev_min = histogram::noise_stddev_min(place, self.clip_units);
        Ok(Outcome { histograms, noise_stddev_min, ..Outcome::default() })
    }

    fn figures(&self, frame: &Frame<'_>, histograms: &[NoisedHistogram], noise_variance: f64) -> Vec<HeadFigures> {
        let bins = ScoreBins::new(self.bins as usize);
        let noise_stddev = noise_variance.sqrt() / f64::from(self.clip_units);
        let pairs = histograms.chunks_exact(2).zip(frame.architecture.heads());
        let head = |(pair, head): (&[NoisedHistogram], &String)| {
            let (negatives, positives) = (&pair[0].counts, &pair[1].counts);
            HeadFigures::of(head, ScoreCounts { bins: &bins, negatives, positives, noise_stddev })
        };
        pairs.map(head).collect()
    }

    #[cfg(feature = "train")]
    fn takes_held_out(&self) -> bool {
        true
    }

    #[cfg(feature = "train")]
    fn contribute(
        &self,
        place: Place<'_>,
        rows: &Rows<'_>,
        state: &PublicState,
        _: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault> {
        Ok(count_scores(&state.parameters, rows.trainer, &self.layout(&place.frame), self.clip_units)?)
    }
}
