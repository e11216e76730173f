//! The settings of a stage over blocks, and how they are written.

use tributary_protocol::digest::Canonical;

use super::super::clipping::{read_optimizer, write_optimizer};
use super::super::coarse::{groups_of, read_coarse, write_coarse};
use super::super::frame::{BlockSettings, MONOTONE_MAX, Monotone};
use crate::architecture::HEADS_MAX;
use crate::canonical::{DecodeError, Reader};
use crate::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use crate::update::{CLASS_UNITS, CLIP_UNITS_MAX, CLIP_UNITS_MIN};

/// What all heads' shares of the squared norm sum up to at most.
pub const HEAD_SHARES: u32 = 1_000_000;

/// Largest share of the squared norm for pairs.
pub const PAIR_SHARE_MAX: f64 = 0.9;

/// How residuals are weighed in blocks, and what their sums move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StagedSettings {
    /// Blocks and units; equal in all stages of a model.
    pub of_blocks: BlockSettings,
    /// Each head's share of the squared norm, in millionths; zeros after the last head. All heads alike where it is zeros alone.
    pub head_shares: [u32; HEADS_MAX],
    /// The steps.
    pub steps: Steps,
    /// Whether it learns tables of pairs, as many as the network has. The stage before chooses them.
    pub paired: bool,
    /// How the next stage's block weights follow from what this one found; absent: the stage hands on tables over the schema's slots, and
    /// those of pairs. A stage with pairs hands them on.
    pub reweight: Option<Reweight>,
}

/// Gradient descent with momentum, and perhaps averaging of the last models.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps(OptimizerSettings);

/// From the energy of a block that noise does not explain to its share of the squared norm: the root of its part of the largest energy plus a
/// floor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reweight {
    /// The floor, 0 to 1.
    pub floor: f64,
    /// Share of the squared norm for pairs of the most important fields, 0 to [`PAIR_SHARE_MAX`]; 0: the next stage has no pairs.
    pub pair_share: f64,
    /// Variance of a sum's noise over what the plan's stage states at least, as it is expected: 1 to 100. Branches add more noise than is counted
    /// on, so that some may be missing.
    pub noise_excess: f64,
}

const LABEL: &str = "tributary/stage/staged/2";

impl Steps {
    /// Steps of plain momentum.
    #[must_use]
    pub fn new(optimizer: OptimizerSettings) -> Option<Self> {
        matches!(optimizer.update_rule(), UpdateRule::Sgd { .. }).then_some(Self(optimizer))
    }

    /// Steps of a learning rate and a momentum, averaged after so many rounds.
    #[must_use]
    pub fn of(learning_rate: f64, momentum: f64, tail_start: Option<u32>) -> Option<Self> {
        let update_rule = UpdateRule::Sgd { learning_rate, momentum };
        OptimizerSettings::new(OptimizerFields { update_rule, tail_start }).ok().map(Self)
    }

    /// How far so many rounds can move a model in all, as a multiple of their mean gradient.
    #[must_use]
    pub fn length(&self, rounds: u32) -> f64 {
        let (learning_rate, momentum) = self.rates();
        learning_rate * f64::from(rounds) / (1.0 - momentum)
    }

    /// Its settings: plain momentum, and perhaps averaging.
    #[must_use]
    pub fn optimizer(&self) -> &OptimizerSettings {
        &self.0
    }

    /// Learning rate and momentum.
    pub(super) fn rates(&self) -> (f64, f64) {
        match self.0.update_rule() {
            UpdateRule::Sgd { learning_rate, momentum } => (learning_rate, momentum),
            UpdateRule::Adam { learning_rate, .. } => (learning_rate, 0.0),
        }
    }
}

impl Reweight {
    /// Whether its numbers are within their limits.
    #[must_use]
    pub fn checked(self) -> Option<Self> {
        let within = (0.0..=1.0).contains(&self.floor) && (1.0..=100.0).contains(&self.noise_excess);
        (within && (0.0..=PAIR_SHARE_MAX).contains(&self.pair_share)).then_some(self)
    }
}

impl StagedSettings {
    pub(in super::super) const KIND: &'static str = "staged";

    /// Settings within their limits.
    #[must_use]
    pub fn checked(self) -> Option<Self> {
        Self::decode(&self.canonical()).ok()
    }

    /// Groups of the coarse blocks.
    pub(super) fn coarse(&self) -> &[u32] {
        groups_of(&self.of_blocks.coarse)
    }

    /// A head's share of the squared norm, of so many heads.
    pub(super) fn head_share(&self, head: usize, heads: usize) -> f64 {
        if self.head_shares.iter().all(|share| *share == 0) {
            return 1.0 / heads as f64;
        }
        let share = self.head_shares.get(head).copied().unwrap_or_default();
        f64::from(share) / f64::from(HEAD_SHARES)
    }

    /// A head's weights of negative and positive labels, in millionths.
    pub(super) fn classes(&self, head: usize) -> [u32; 2] {
        match self.of_blocks.classes.get(head) {
            None | Some([0, 0]) => [CLASS_UNITS; 2],
            Some(own) => *own,
        }
    }

    /// Fields whose tables rise or fall.
    pub(super) fn monotone(&self) -> impl Iterator<Item = Monotone> + '_ {
        self.of_blocks.monotone.iter().flatten().copied()
    }

    pub(super) fn canonical(&self) -> Vec<u8> {
        let body = Canonical::new(LABEL).u32(self.of_blocks.clip_units);
        let body = write_coarse(body, &self.of_blocks.coarse).u8(self.of_blocks.learnt.into());
        let body = self.of_blocks.classes.iter().flatten().fold(body, |body, class| body.u32(*class));
        let body = self.of_blocks.monotone.iter().fold(body, |body, own| match own {
            None => body.u8(0),
            Some(Monotone { field, rising }) => body.u8(if *rising { 1 } else { 2 }).u32((*field).into()),
        });
        let body = self.head_shares.iter().fold(body, |body, share| body.u32(*share));
        let body = write_optimizer(body, self.steps.optimizer()).u8(self.paired.into());
        match self.reweight {
            None => body.u8(0),
            Some(rule) => {
                let Reweight { floor, noise_excess, pair_share } = rule;
                [floor, noise_excess, pair_share].iter().fold(body.u8(1), |body, number| body.u64(number.to_bits()))
            }
        }
        .into_bytes()
    }

    pub(in super::super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let clip_units = reader.u32_in(CLIP_UNITS_MIN..=CLIP_UNITS_MAX)?;
        let coarse = read_coarse(&mut reader)?;
        let learnt = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Range),
        };
        let mut classes = [[0; 2]; HEADS_MAX];
        for class in classes.iter_mut().flatten() {
            *class = reader.u32_in(0..=CLASS_UNITS)?;
        }
        let mut monotone = [None; MONOTONE_MAX];
        for own in &mut monotone {
            *own = match reader.u8()? {
                0 => None,
                direction @ (1 | 2) => {
                    let field = u16::try_from(reader.u32()?).map_err(|_| DecodeError::Range)?;
                    Some(Monotone { field, rising: direction == 1 })
                }
                _ => return Err(DecodeError::Range),
            };
        }
        let mut head_shares = [0; HEADS_MAX];
        for share in &mut head_shares {
            *share = reader.u32_in(0..=HEAD_SHARES)?;
        }
        let steps = Steps::new(read_optimizer(&mut reader)?).ok_or(DecodeError::Range)?;
        let paired = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Range),
        };
        let reweight = match reader.u8()? {
            0 => None,
            1 if !paired => {
                let rule = Reweight { floor: reader.f64()?, noise_excess: reader.f64()?, pair_share: reader.f64()? };
                Some(rule.checked().ok_or(DecodeError::Range)?)
            }
            _ => return Err(DecodeError::Range),
        };
        reader.finish()?;
        let of_blocks = BlockSettings { clip_units, coarse, learnt, classes, monotone };
        let settings = Self { of_blocks, head_shares, steps, paired, reweight };
        let shared = head_shares.iter().sum::<u32>() <= HEAD_SHARES;
        // Whole weights have one form, zeros; a class that weighs nothing would be no class.
        let weighed = classes.iter().all(|own| match own {
            [0, 0] => true,
            [negative, positive] => *negative > 0 && *positive > 0 && *own != [CLASS_UNITS; 2],
        });
        let listed = settings.monotone().count();
        let fields: Vec<u16> = settings.monotone().map(|own| own.field).collect();
        let ordered = monotone[listed..].iter().all(Option::is_none) && fields.windows(2).all(|pair| pair[0] < pair[1]);
        // Pairs, and tables that rise or fall, need a finest block with a cell for each slot.
        let in_pairs = paired || reweight.is_some_and(|rule| rule.pair_share > 0.0);
        let grouped = !learnt || (listed == 0 && !in_pairs);
        if shared && weighed && ordered && grouped { Ok(settings) } else { Err(DecodeError::Range) }
    }
}
