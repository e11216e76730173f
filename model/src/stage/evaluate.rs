//! Customers counted by label and score of the model. Two counts lie apart for each head: of negatives, and of positives. Where groups are compared, a
//! customer is counted once more in its own. No model is moved.

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
use crate::cells::Cell;
use crate::counts::{CellLayout, NoisedHistogram};
use crate::groups::GroupField;
use crate::metrics::{Figures, GroupFigures, HeadFigures, ScoreBins, ScoreCounts};
#[cfg(feature = "train")]
use crate::update::{ClippedSum, Grouping, count_scores};

/// How scores are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluateSettings {
    /// Units of one count, 1 to 2^20.
    pub clip_units: u32,
    /// Bins of scores, 2 to 1000.
    pub bins: u32,
    /// The field whose groups are compared.
    pub groups: Option<GroupField>,
}

const LABEL: &str = "tributary/stage/evaluate/3";

impl EvaluateSettings {
    pub(super) const KIND: &'static str = "evaluate";

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let (clip_units, bins) = (histogram::read_units(&mut reader)?, reader.u32_in(BINS)?);
        let kind = reader.u8()?;
        let place = u16::try_from(reader.u32()?).map_err(|_| DecodeError::Range)?;
        let groups = match (kind, place) {
            (0, 0) => None,
            (1, place) => Some(GroupField::Input(place)),
            (2, place) => Some(GroupField::Audit(place)),
            _ => return Err(DecodeError::Range),
        };
        reader.finish()?;
        Ok(Self { clip_units, bins, groups })
    }

    /// The cells of the sum.
    ///
    /// # Errors
    /// [`StageFault::Schema`] and [`StageFault::Groups`], where groups are compared that the schema does not make.
    pub fn layout(&self, frame: &Frame<'_>) -> Result<CellLayout, StageFault> {
        let name = self.groups.zip(frame.schema).and_then(|(field, schema)| Some(field.field(schema)?.name.as_str()));
        let named = |cell: &Cell| format!("{} {cell}", name.unwrap_or_default());
        let groups: Vec<String> = self.groups(frame)?.iter().map(named).collect();
        Ok(CellLayout::scores(frame.architecture.heads(), self.bins as usize, &groups))
    }

    fn groups(&self, frame: &Frame<'_>) -> Result<Vec<Cell>, StageFault> {
        match self.groups {
            Some(field) => Ok(field.groups(frame.schema()?)?),
            None => Ok(Vec::new()),
        }
    }
}

fn scores_of<'a>(pair: &'a [NoisedHistogram], bins: &'a ScoreBins, noise_stddev: f64) -> ScoreCounts<'a> {
    ScoreCounts { bins, negatives: &pair[0].counts, positives: &pair[1].counts, noise_stddev }
}

impl Kind for EvaluateSettings {
    fn encode(&self) -> Vec<u8> {
        let (kind, place) = match self.groups {
            None => (0, 0),
            Some(GroupField::Input(place)) => (1, place),
            Some(GroupField::Audit(place)) => (2, place),
        };
        Canonical::new(LABEL).u32(self.clip_units).u32(self.bins).u8(kind).u32(place.into()).into_bytes()
    }

    fn content(&self) -> &'static str {
        if self.groups.is_some() {
            "customers counted by label and score of the model, and once more in their group"
        } else {
            "customers counted by label and score of the model"
        }
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        histogram::form(Self::KIND, frame, &self.layout(frame)?, (self.clip_units, frame.parameter_bytes()))
    }

    fn read(&self, place: Place<'_>, sum: &[i64], _: usize) -> Result<Outcome, AdvanceFault> {
        let histograms = histogram::read(place, &self.layout(&place.frame)?, self.clip_units, sum)?;
        let noise_stddev_min = histogram::noise_stddev_min(place, self.clip_units);
        Ok(Outcome { histograms, noise_stddev_min, ..Outcome::default() })
    }

    fn figures(&self, frame: &Frame<'_>, histograms: &[NoisedHistogram], noise_variance: f64) -> Figures {
        let bins = ScoreBins::new(self.bins as usize);
        let noise_stddev = noise_variance.sqrt() / f64::from(self.clip_units);
        let pairs: Vec<&[NoisedHistogram]> = histograms.chunks_exact(2).collect();
        let heads = frame.architecture.heads();
        let groups = self.groups(frame).unwrap_or_default();
        let head = |(place, (pair, head)): (usize, (&&[NoisedHistogram], &String))| {
            let all = scores_of(pair, &bins, noise_stddev);
            let own = groups.iter().zip(pairs.iter().skip(heads.len() + place).step_by(heads.len()));
            let own = own.map(|(group, pair)| GroupFigures::of(group, all, scores_of(pair, &bins, noise_stddev)));
            HeadFigures { groups: own.collect(), ..HeadFigures::of(head, all) }
        };
        Figures { heads: pairs.iter().zip(heads).enumerate().map(head).collect(), ..Figures::default() }
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
        let layout = self.layout(&place.frame)?;
        let grouping = match self.groups {
            None => None,
            Some(field) => {
                let schema = place.frame.schema()?;
                Some(Grouping {
                    field,
                    slot: field.slot(schema),
                    groups: field.groups(schema).map_err(StageFault::from)?.len(),
                })
            }
        };
        Ok(count_scores(&state.parameters, rows.trainer, (&layout, grouping), self.clip_units)?)
    }
}
