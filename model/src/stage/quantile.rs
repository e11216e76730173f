//! Groups of the schema's slots, learnt from noised counts: neighbouring bins with about as many customers in each group, and one cell for all
//! categories of which hardly more was counted than noise. One round, in which each customer adds one unit for each field.
//!
//! What is made of the sum is public and costs nothing more. The stage hands it on beside the model, to a stage of kind `staged` with as many
//! groups.

use tributary_protocol::digest::Canonical;
#[cfg(feature = "train")]
use tributary_protocol::entropy::Entropy;

use super::coarse::{groups_of, read_coarse, write_coarse};
use super::frame::{COARSE_MAX, Form, Frame, Handed, Place, StageFault};
use super::histogram::{self, read_units};
use super::kind::Kind;
#[cfg(feature = "train")]
use super::kind::{ContributeFault, Rows};
use super::outcome::{AdvanceFault, Outcome};
use super::state::{Beside, Known, PublicState};
use crate::blocks::Blocks;
use crate::canonical::{DecodeError, Reader};
use crate::counts::{CellLayout, NoisedHistogram};
use crate::nominal::NoisedCustomers;
use crate::summary::FieldFigures;
#[cfg(feature = "train")]
use crate::{
    train::Placement,
    update::{ClippedSum, slot_sum},
};

/// How groups are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuantileSettings {
    /// Units of one count, 1 to 2^20.
    pub clip_units: u32,
    /// Groups of each numeric field, for each coarse block: ascending from 2 to 256; zeros after them.
    pub coarse: [u32; COARSE_MAX],
    /// Categories whose noised count is below so many standard deviations of its least noise are put together; 0 to 100, and none where it is 0.
    pub rare_deviations: u32,
}

/// Most standard deviations below which a count is rare.
pub const RARE_DEVIATIONS_MAX: u32 = 100;

const LABEL: &str = "tributary/stage/quantile/1";

impl QuantileSettings {
    pub(super) const KIND: &'static str = "quantile";

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let clip_units = read_units(&mut reader)?;
        let coarse = read_coarse(&mut reader)?;
        let rare_deviations = reader.u32_in(0..=RARE_DEVIATIONS_MAX)?;
        reader.finish()?;
        Ok(Self { clip_units, coarse, rare_deviations })
    }

    /// The blocks whose groups are learnt.
    fn blocks(&self, frame: &Frame<'_>) -> Result<Blocks, StageFault> {
        Ok(Blocks::to_learn(frame.schema()?, groups_of(&self.coarse))?)
    }

    /// One cell for each slot: every field has bins or categories. So the number of bins is of no account.
    fn layout(frame: &Frame<'_>) -> Result<CellLayout, StageFault> {
        Ok(CellLayout::features(frame.schema()?, 1, false))
    }

    /// Whether hardly more than noise was counted: in integers, so that it is the same everywhere.
    fn is_rare(&self, place: Place<'_>, units: i64) -> bool {
        let most = u128::from(self.rare_deviations).pow(2).saturating_mul(place.terms.noise_variance);
        self.rare_deviations > 0 && (units <= 0 || u128::from(units.unsigned_abs()).saturating_pow(2) < most)
    }
}

impl Kind for QuantileSettings {
    fn encode(&self) -> Vec<u8> {
        write_coarse(Canonical::new(LABEL).u32(self.clip_units), &self.coarse).u32(self.rare_deviations).into_bytes()
    }

    fn content(&self) -> &'static str {
        "customers counted by the bins and categories of each field, of which groups of bins and categories are made"
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        let blocks = self.blocks(frame)?;
        Ok(Form::of_counts(blocks.width(), blocks.fields(), self.clip_units, frame.overlap_of(Self::KIND)?))
    }

    /// Even groups, which stand where every round failed.
    fn first(&self, frame: &Frame<'_>) -> Beside {
        let groups = self.blocks(frame).map(|blocks| blocks.learnt()).unwrap_or_default();
        let customers = vec![frame.customers_nominal as f64; frame.architecture.heads().len()];
        Beside { update_clip_norm: None, known: Known { customers, groups, ..Known::default() } }
    }

    fn admits(&self, frame: &Frame<'_>, known: &Known) -> bool {
        self.blocks(frame).is_ok_and(|blocks| blocks.with(&known.groups).is_some())
    }

    /// What labels have counted is kept for the stages after this one.
    fn begin(&self, frame: &Frame<'_>, handed: PublicState) -> PublicState {
        let Beside { known: first, .. } = self.first(frame);
        let counted = handed.known.customers;
        let customers = if counted.len() == first.customers.len() { counted } else { first.customers };
        PublicState::new(
            handed.parameters,
            Beside { update_clip_norm: None, known: Known { customers, groups: first.groups, ..Known::default() } },
        )
    }

    fn hand_on(&self, _: Place<'_>, last: PublicState) -> PublicState {
        last
    }

    fn hands_on(&self) -> Handed {
        Handed::Groups(self.coarse)
    }

    fn read(&self, place: Place<'_>, sum: &[i64], survivors: usize) -> Result<Outcome, AdvanceFault> {
        let layout = Self::layout(&place.frame)?;
        let histograms = histogram::read(place, &layout, self.clip_units, sum)?;
        let units = f64::from(self.clip_units);
        // Every branch adds the whole noise at most.
        let of_cell = place.terms.noise_variance as f64 * survivors as f64 / (units * units);
        let customers = NoisedCustomers::of_histograms(&layout, &histograms, of_cell);
        let noise_stddev_min = histogram::noise_stddev_min(place, self.clip_units);
        Ok(Outcome { customers, histograms, noise_stddev_min, ..Outcome::default() })
    }

    fn fields(&self, frame: &Frame<'_>, counts: &[NoisedHistogram], noise_variance: f64) -> Vec<FieldFigures> {
        histogram::fields(frame, counts, noise_variance.sqrt() / f64::from(self.clip_units))
    }

    fn learnt(&self, place: Place<'_>, state: &PublicState, sum: &[i64]) -> Option<PublicState> {
        let learnt = self.blocks(&place.frame).ok()?.learn(sum, |units| self.is_rare(place, units))?;
        let known = Known { groups: learnt.learnt(), ..state.known.clone() };
        Some(PublicState { known, ..state.clone() })
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
        Ok(slot_sum(cells, &self.blocks(&place.frame)?, self.clip_units))
    }
}
