//! For tests: the noised mean of one column over customers. It shows that a kind of stage is one file and one line.

use tributary_protocol::digest::Canonical;
#[cfg(feature = "train")]
use tributary_protocol::entropy::Entropy;
use tributary_protocol::plan::{NoiseShare, PrivacyMode};
use tributary_protocol::privacy::Unit;

use super::frame::{Form, Frame, Place, StageFault};
use super::histogram::noise_stddev_min;
use super::kind::Kind;
#[cfg(feature = "train")]
use super::kind::{ContributeFault, Rows};
use super::outcome::{AdvanceFault, Outcome};
#[cfg(feature = "train")]
use super::state::PublicState;
use crate::canonical::{DecodeError, Reader};
use crate::counts::NoisedHistogram;
use crate::update::CLIP_UNITS_MAX;
#[cfg(feature = "train")]
use crate::update::{ClippedSum, VectorBound, sum_of_customers};

/// Which column, and how fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeanSettings {
    /// The network's input, from 0. Its values are taken within 0 and 1.
    pub column: u32,
    /// Units of a value of 1, and of one customer.
    pub units: u32,
}

const LABEL: &str = "tributary/stage/mean/1";

impl MeanSettings {
    pub(super) const KIND: &'static str = "mean";

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let settings = Self { column: reader.u32()?, units: reader.u32_in(1..=CLIP_UNITS_MAX)? };
        reader.finish()?;
        Ok(settings)
    }
}

impl Kind for MeanSettings {
    fn encode(&self) -> Vec<u8> {
        Canonical::new(LABEL).u32(self.column).u32(self.units).into_bytes()
    }

    fn content(&self) -> &'static str {
        "the sum of one column, and a count"
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        if self.column >= frame.architecture.inputs() {
            return Err(StageFault::TooLarge("the column"));
        }
        let noise = match frame.privacy {
            PrivacyMode::Customer | PrivacyMode::None => NoiseShare::Divided,
            PrivacyMode::Local => NoiseShare::Whole,
            privacy @ PrivacyMode::Branch => {
                return Err(StageFault::Mode { kind: Self::KIND, privacy, instead: "stages of kind \"local\" alone" });
            }
        };
        let sensitivity_squared = 2 * u128::from(self.units).pow(2) * frame.overlap_squared();
        Ok(Form {
            dimension: 2,
            summed: Unit::Customer,
            reach: self.units,
            sensitivity_squared,
            customer_sensitivity_squared: sensitivity_squared,
            noise,
            releases: 1,
            model_bytes: 0,
            coins: false,
            repeats: false,
        })
    }

    fn read(&self, place: Place<'_>, sum: &[i64], _: usize) -> Result<Outcome, AdvanceFault> {
        let [total, customers] = *sum else {
            return Err(AdvanceFault::Dimension { expected: 2, found: sum.len() });
        };
        let counts = vec![total as f64 / customers as f64];
        let name = format!("mean of input {}", self.column);
        let noise_stddev_min = noise_stddev_min(place, self.units);
        Ok(Outcome { histograms: vec![NoisedHistogram { name, counts }], noise_stddev_min, ..Outcome::default() })
    }

    #[cfg(feature = "train")]
    #[expect(clippy::cast_possible_truncation, reason = "a value between 0 and 2^20, truncated")]
    fn contribute(
        &self,
        _: Place<'_>,
        rows: &Rows<'_>,
        _: &PublicState,
        _: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault> {
        let bound = VectorBound { dimension: 2, norm_squared: 2 * u128::from(self.units).pow(2) };
        let units = f64::from(self.units);
        Ok(sum_of_customers(rows.trainer, bound, |features, vector| {
            let value = features.get(self.column as usize).copied().unwrap_or_default().clamp(0.0, 1.0);
            vector.copy_from_slice(&[(f64::from(value) * units) as i64, i64::from(self.units)]);
        }))
    }
}
