//! A sum of every customer's residuals in blocks of cells: an additive model, learnt in stages. After a stage that reweights, the blocks in which
//! more was found than noise explains get more of the norm, which costs no privacy.
//!
//! A customer's vector has trunc(A (p - y)), times the weight of its class, at its cell of each block and head, with public integers A whose squares sum up to the squared
//! units of a norm of 1 at most. So its norm is at most 1, whatever the model says: nothing has to be clipped.

mod choice;
mod released;
mod reweight;
mod staged_settings;
mod words;

use std::borrow::Cow;

use tributary_protocol::plan::NoiseShare;
use tributary_protocol::privacy::Unit;

use super::frame::{BlockSettings, Form, Frame, Handed, Monotone, Place, StageFault};
use super::kind::Kind;
use super::outcome::AdvanceFault;
use super::state::{Beside, Known, PublicState};
use super::stepping::{Scale, Stepping};
use crate::architecture::Architecture;
use crate::blocks::Blocks;
use crate::learnt::LearntField;
use crate::pairs::Pairing;
use crate::server_optimizer::OptimizerSettings;
#[cfg(feature = "train")]
use {
    super::kind::{ContributeFault, Rows},
    super::state::StateFault,
    crate::train::Placement,
    crate::update::{ClippedSum, ResidualRule, residual_sum},
    tributary_protocol::entropy::Entropy,
};

pub use staged_settings::{HEAD_SHARES, PAIR_SHARE_MAX, Reweight, StagedSettings, Steps};

impl StagedSettings {
    /// The blocks of the plan's schema, with those of pairs where the stage learns them.
    fn blocks(&self, frame: &Frame<'_>) -> Result<Blocks, StageFault> {
        self.blocks_where(frame, self.paired)
    }

    fn blocks_where(&self, frame: &Frame<'_>, paired: bool) -> Result<Blocks, StageFault> {
        let pairs = frame.architecture.pairs().filter(|_| paired);
        let (schema, coarse) = (frame.schema()?, self.coarse());
        let blocks = if self.of_blocks.learnt { Blocks::to_learn(schema, coarse) } else { Blocks::of(schema, coarse) };
        Ok(blocks?.with_pairs(pairs))
    }

    /// The same blocks with the groups of a state; nothing where those are none for them.
    fn blocks_of(&self, frame: &Frame<'_>, known: &Known) -> Option<Blocks> {
        self.blocks(frame).ok()?.with(&known.groups)
    }

    /// The network over so many cells, with the plan's heads.
    fn over(frame: &Frame<'_>, blocks: &Blocks) -> Option<Architecture> {
        let heads: Vec<&str> = frame.architecture.heads().iter().map(String::as_str).collect();
        Architecture::logistic(u32::try_from(blocks.cells()).ok()?, &heads).ok()
    }

    /// Whether the stage after this one learns pairs.
    fn chooses_pairs(&self) -> bool {
        self.reweight.is_some_and(|rule| rule.pair_share > 0.0)
    }

    /// Whether tables that rise or fall have an order, and all tables of pairs have fields.
    fn check_fields(&self, frame: &Frame<'_>, blocks: &Blocks) -> Result<(), StageFault> {
        let ordered = |own: &Monotone| usize::from(own.field) < blocks.fields() && blocks.values(own.field.into()).1;
        if let Some(own) = self.monotone().find(|own| !ordered(own)) {
            return Err(StageFault::Monotone(own.field));
        }
        if !self.paired && !self.chooses_pairs() {
            return Ok(());
        }
        let tables = frame.architecture.pairs().map_or(0, |shape| shape.tables);
        let fields = blocks.fields() - self.monotone().count();
        let most = fields * fields.saturating_sub(1) / 2;
        if (1..=most).contains(&(tables as usize)) { Ok(()) } else { Err(StageFault::PairCount { tables, most }) }
    }

    /// Whether no customer can move the sum by more than the units of a norm of 1.
    fn within_norm(&self, weights: &[u32]) -> bool {
        let square = weights.iter().map(|weight| u128::from(*weight).pow(2)).fold(0, u128::saturating_add);
        square <= u128::from(self.of_blocks.clip_units).pow(2)
    }
}

impl Kind for StagedSettings {
    fn encode(&self) -> Vec<u8> {
        self.canonical()
    }

    fn content(&self) -> &'static str {
        "a sum of residuals: for each group of each field, at each of its resolutions, how far the model's probabilities are above the labels"
    }

    fn choices(&self) -> Vec<(&'static str, String)> {
        words::choices(self)
    }

    fn form(&self, frame: &Frame<'_>) -> Result<Form, StageFault> {
        let overlap_squared = frame.overlap_of(Self::KIND)?;
        let schema = frame.schema()?;
        if !frame.architecture.hidden().is_empty() || schema.width() != frame.architecture.inputs() as usize {
            return Err(StageFault::Network(Self::KIND));
        }
        let blocks = self.blocks(frame)?;
        self.check_fields(frame, &blocks)?;
        let over = Self::over(frame, &blocks).ok_or(StageFault::TooLarge("the number of groups"))?;
        let heads = over.heads().len();
        let clip_units = self.of_blocks.clip_units;
        let sensitivity_squared = u128::from(clip_units).pow(2) * overlap_squared;
        Ok(Form {
            dimension: over.parameter_count(),
            summed: Unit::Customer,
            reach: clip_units,
            sensitivity_squared,
            customer_sensitivity_squared: sensitivity_squared,
            noise: NoiseShare::Divided,
            releases: 1,
            model_bytes: size_of::<f32>() * over.parameter_count()
                + 8 * heads
                + 4 * heads * blocks.count()
                + blocks.pairs().map_or(0, |shape| 4 * (blocks.width() + 2 * shape.tables as usize))
                + 2 * blocks.learnt().len(),
            coins: false,
            repeats: true,
        })
    }

    fn network<'a>(&self, frame: &Frame<'a>) -> Cow<'a, Architecture> {
        // Whoever has no schema recomputes no model.
        let blocks = self.blocks(frame).ok();
        let over = blocks.and_then(|blocks| Self::over(frame, &blocks));
        over.map_or(Cow::Borrowed(frame.architecture), Cow::Owned)
    }

    fn first(&self, frame: &Frame<'_>) -> Beside {
        let heads = frame.architecture.heads().len();
        let Ok(blocks) = self.blocks(frame) else { return Beside::default() };
        let weights = reweight::even(self, &blocks, heads);
        let pairing = blocks.pairs().map(|shape| Pairing::first(shape, blocks.width(), blocks.fields()));
        let (customers, groups) = (vec![frame.customers_nominal as f64; heads], blocks.learnt());
        let known = Known { customers, weights, pairing: pairing.unwrap_or_default(), groups };
        Beside { update_clip_norm: None, known }
    }

    fn admits(&self, frame: &Frame<'_>, known: &Known) -> bool {
        let fits = self.blocks_of(frame, known).is_some_and(|blocks| match blocks.pairs() {
            None => known.pairing == Pairing::default(),
            Some(shape) => known.pairing.fits(shape, blocks.width(), blocks.fields()),
        });
        fits && self.within_norm(&known.weights)
    }

    fn begin(&self, frame: &Frame<'_>, handed: PublicState) -> PublicState {
        let Beside { known: first, .. } = self.first(frame);
        let PublicState { parameters, known, .. } = handed;
        let customers = if known.customers.len() == first.customers.len() { known.customers } else { first.customers };
        // What has block weights is a model over blocks already.
        if known.weights.len() == first.weights.len() {
            return PublicState { parameters, update_clip_norm: None, known: Known { customers, ..known } };
        }
        // Groups are those that were learnt, or even ones.
        let own = self.blocks(frame).ok();
        let blocks = own.as_ref().and_then(|own| own.with(&known.groups)).or(own);
        let groups = blocks.as_ref().map(Blocks::learnt).unwrap_or_default();
        let blocks = blocks.zip(Some(self.network(frame).into_owned()));
        let unfolded = blocks.and_then(|(blocks, over)| released::unfolded(self, &blocks, over, &parameters));
        let known = Known { customers, groups, ..first };
        PublicState { parameters: unfolded.unwrap_or(parameters), update_clip_norm: None, known }
    }

    fn hand_on(&self, place: Place<'_>, last: PublicState) -> PublicState {
        let Some(blocks) = self.blocks_of(&place.frame, &last.known) else { return last };
        match self.reweight {
            Some(rule) => {
                let next = self.blocks_where(&place.frame, self.chooses_pairs());
                let over = next.ok().and_then(|next| Some((Self::over(&place.frame, &next)?, next)));
                match over {
                    Some((over, next)) => reweight::reweighted(self, &rule, (&blocks, &next, over), place, last),
                    None => last,
                }
            }
            None => {
                let model = released::folded(self, &blocks, place.frame.architecture.clone(), &last);
                model.map_or(last, PublicState::of)
            }
        }
    }

    fn added_up(&self, place: Place<'_>, variances: PublicState) -> PublicState {
        // Neither an intercept's shift nor the order of a table is a sum.
        let plain = BlockSettings::plain(self.of_blocks.clip_units, self.of_blocks.coarse);
        let plain = BlockSettings { learnt: self.of_blocks.learnt, ..plain };
        Self { of_blocks: plain, ..*self }.hand_on(place, variances)
    }

    fn hands_on(&self) -> Handed {
        if self.reweight.is_some() {
            Handed::Blocks { settings: self.of_blocks, paired: self.chooses_pairs() }
        } else {
            Handed::Model
        }
    }

    fn learnt_fields(&self, frame: &Frame<'_>, known: &Known) -> Vec<LearntField> {
        let learnt = frame.schema.zip(self.blocks_of(frame, known)).filter(|_| self.of_blocks.learnt);
        learnt.map(|(schema, blocks)| LearntField::all(schema, &blocks)).unwrap_or_default()
    }

    /// The model over blocks is no model of the plan's network, with which every run begins.
    fn opens(&self) -> bool {
        false
    }

    fn takes(&self, handed: Handed) -> bool {
        match handed {
            // Which fields are taken in pairs follows from the stage before.
            Handed::Model => !self.paired && !self.of_blocks.learnt,
            Handed::Blocks { settings, paired } => settings == self.of_blocks && paired == self.paired,
            Handed::Groups(coarse) => self.of_blocks.learnt && coarse == self.of_blocks.coarse,
        }
    }

    fn optimizer(&self) -> Option<&OptimizerSettings> {
        Some(self.steps.optimizer())
    }

    fn stepping(&self, place: Place<'_>, beside: &Beside, _: usize) -> Result<Stepping, AdvanceFault> {
        let Place { frame, terms } = place;
        let blocks = self.blocks(&frame)?;
        let (heads, Known { customers, weights, .. }) = (frame.architecture.heads().len(), &beside.known);
        if customers.len() != heads || weights.len() != heads * blocks.count() {
            return Err(AdvanceFault::OtherState);
        }
        let units = f64::from(self.of_blocks.clip_units);
        let mut factors = vec![0.0; terms.dimension as usize];
        for (number, span) in blocks.spans().enumerate() {
            for own in factors[span.start * heads..span.end * heads].chunks_exact_mut(heads) {
                for (head, factor) in own.iter_mut().enumerate() {
                    let weight = f64::from(weights[head * blocks.count() + number]);
                    *factor = weight / units / units / customers[head].max(1.0);
                }
            }
        }
        Ok(Stepping { scale: Scale::Each(factors), dimension: terms.dimension as usize, counted: None, bound: None })
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
        state: &PublicState,
        _: &mut dyn Entropy,
    ) -> Result<ClippedSum, ContributeFault> {
        let cells = rows.trainer.cells().ok_or(ContributeFault::Placement)?;
        if !self.admits(&place.frame, &state.known) {
            return Err(StateFault::Known.into());
        }
        let blocks = self.blocks_of(&place.frame, &state.known).ok_or(StateFault::Known)?;
        let Known { weights, pairing, .. } = &state.known;
        let heads = place.frame.architecture.heads().len();
        let classes: Vec<[u32; 2]> = (0..heads).map(|head| self.classes(head)).collect();
        let rule = ResidualRule { blocks: &blocks, model: &state.parameters, weights, pairing, classes: &classes };
        Ok(residual_sum(cells, &rule))
    }
}
