//! What stages that count in cells have in common.

use std::ops::RangeInclusive;

use tributary_protocol::plan::{NoiseShare, PrivacyMode};

use super::frame::{Form, Frame, Place, StageFault};
use super::outcome::AdvanceFault;
use crate::canonical::{DecodeError, Reader};
use crate::counts::{CellLayout, NoisedHistogram};
use crate::privacy::noise_multiplier;
use crate::schema::Schema;
use crate::summary::FieldFigures;
use crate::update::CLIP_UNITS_MAX;

/// Bins of one histogram.
pub(super) const BINS: RangeInclusive<u32> = 2..=1000;

/// Units of one count.
pub(super) fn read_units(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    reader.u32_in(1..=CLIP_UNITS_MAX)
}

/// The numbers of a stage that counts in these cells, where one count is so many units and participants are given so many bytes.
pub(super) fn form(
    kind: &'static str,
    frame: &Frame<'_>,
    layout: &CellLayout,
    (clip_units, model_bytes): (u32, usize),
) -> Result<Form, StageFault> {
    let noise = match frame.privacy {
        PrivacyMode::Customer | PrivacyMode::None => NoiseShare::Divided,
        PrivacyMode::Local => NoiseShare::Whole,
        PrivacyMode::Branch => {
            return Err(StageFault::Mode { kind, privacy: frame.privacy, instead: "stages of kind \"local\" alone" });
        }
    };
    let counts = layout.counts_per_customer();
    Ok(Form { noise, model_bytes, ..Form::of_counts(layout.cells(), counts, clip_units, frame.overlap_squared()) })
}

/// Standard deviation of the noise that one count carries at least, in counts.
pub(super) fn noise_stddev_min(place: Place<'_>, clip_units: u32) -> f64 {
    noise_multiplier(place.terms.noise_variance, u128::from(clip_units).pow(2))
}

/// What histograms of the fields say of each, where one count has noise of this standard deviation, in counts.
pub(super) fn fields(frame: &Frame<'_>, counts: &[NoisedHistogram], noise_stddev: f64) -> Vec<FieldFigures> {
    // Counts by label, where there are any, stand after those of all customers.
    let of_fields = |schema: &Schema| counts.get(..schema.fields().len()).unwrap_or_default();
    frame.schema.map(|schema| FieldFigures::all(schema, of_fields(schema), noise_stddev)).unwrap_or_default()
}

/// The histograms of a sum.
pub(super) fn read(
    place: Place<'_>,
    layout: &CellLayout,
    clip_units: u32,
    sum: &[i64],
) -> Result<Vec<NoisedHistogram>, AdvanceFault> {
    let (expected, found) = (place.terms.dimension as usize, sum.len());
    if found != expected || layout.cells() != expected {
        return Err(AdvanceFault::Dimension { expected, found });
    }
    Ok(layout.read(sum, clip_units))
}
