//! A stage: one kind of sum, of which the core sees numbers only.
//!
//! What the numbers mean is the model's: it makes a vector of a branch's rows, and the next public state of an opened sum. The core compares,
//! counts and charges.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::allowance::may_retry;
use super::fault::{PlanFault, bounded, out_of_range};
use super::mode::PrivacyMode;
use crate::defence::{Defence, stands};
use crate::digest::Canonical;
use crate::limits::{COHORT_MAX, DIMENSION_MAX, PLAN_ROUNDS_MAX, SHARE_VARIANCE_MIN};
use crate::privacy::{Accounts, RdpVector, Unit};
use crate::secagg::modular::Ring;

/// Longest name of a kind of stage, in bytes.
pub const STAGE_KIND_BYTES_MAX: usize = 32;
/// Most releases of one round that a customer is in.
pub const RELEASES_MAX: u32 = 16_000;
/// Largest noise variance, and squared sensitivity, in units squared.
const SQUARED_MAX: u128 = 1 << 90;

/// Who adds a stage's noise, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NoiseShare {
    /// All participants together: each adds its share to its vector.
    Divided,
    /// Each participant adds all of it to its vector.
    Whole,
    /// It is in what each participant's vector is made of already, and nothing is added to the vector.
    Inside,
}

impl NoiseShare {
    /// Stable number in what is digested.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Divided => 0,
            Self::Whole => 1,
            Self::Inside => 2,
        }
    }
}

/// One kind of sum: so many rounds of one vector, with one sensitivity and one charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Which code makes its vectors and reads its sums: 1 to 32 of a-z, 0-9 and -. The core only compares it.
    pub kind: String,
    /// What that code is told, in its own canonical encoding. At most 64 KiB.
    pub settings: Vec<u8>,
    /// Coordinates of the sum. Masking adds its own check coordinates after them.
    pub dimension: u32,
    /// Ring of the masked sum.
    pub ring: Ring,
    /// Whose vectors are added up in the sum: each customer's, or one for each branch.
    pub summed: Unit,
    /// Largest absolute value of one coordinate of such a vector, in units.
    pub reach: u32,
    /// Squared L2 sensitivity of the integer sum to the unit that the mode protects, in units squared.
    pub sensitivity_squared: u128,
    /// The same for one customer, in every mode.
    pub customer_sensitivity_squared: u128,
    /// Noise variance that a release carries at least, in units squared: of the sum, or of what each branch makes. Zero where privacy is `None`.
    pub noise_variance: u128,
    /// Who adds the noise.
    pub noise: NoiseShare,
    /// Releases of one round that a customer is in: one, or one for each local step at each of its branches.
    pub releases: u32,
    /// A customer takes part in a release where a secret uniform 64-bit number of its branch is below this; 0: every customer in every one.
    pub sampling_threshold: u64,
    /// What one round costs each unit, at every order, in nano-units; nothing where privacy is `None`.
    pub charge: Accounts,
    /// Rounds to commit. A stage of one round has no retry: what fails is left out.
    pub rounds: u32,
    /// Bytes of the public state that its participants are given: 0 where they need none.
    pub model_bytes: u32,
}

/// What a plan says of all its stages.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) privacy: PrivacyMode,
    pub(super) overlap_max: u16,
    pub(super) customers_max: u64,
}

impl Stage {
    /// What one round costs where nobody throws a coin. What protects a customer is not counted as protecting its branch, nor the reverse.
    #[must_use]
    pub fn charge_without_coins(&self, privacy: PrivacyMode) -> Accounts {
        let customer = RdpVector::gaussian(self.customer_sensitivity_squared, self.noise_variance);
        let customer = customer.times(self.releases.into());
        match privacy {
            PrivacyMode::None => Accounts::zero(),
            PrivacyMode::Customer | PrivacyMode::Local => Accounts::customers(customer),
            PrivacyMode::Branch => {
                let branch = RdpVector::gaussian(self.sensitivity_squared, self.noise_variance);
                Accounts { customer, branch: branch.times(self.releases.into()) }
            }
        }
    }

    /// Noise variance of each participant's share, in units squared, where `honest_min` shares carry what the sum must: rounded up.
    #[must_use]
    pub fn share_variance(&self, honest_min: u16) -> u128 {
        match self.noise {
            NoiseShare::Divided => self.noise_variance.div_ceil(honest_min.into()),
            NoiseShare::Whole => self.noise_variance,
            NoiseShare::Inside => 0,
        }
    }

    /// Whether its rounds are tried again from the plan's retries.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        may_retry(self.rounds)
    }

    pub(super) fn canonical(&self, body: Canonical) -> Canonical {
        let body = body
            .bytes(self.kind.as_bytes())
            .bytes(&self.settings)
            .u32(self.dimension)
            .u32(self.ring.bits())
            .u8(u8::from(self.summed == Unit::Branch))
            .u32(self.reach)
            .u128(self.sensitivity_squared)
            .u128(self.customer_sensitivity_squared)
            .u128(self.noise_variance)
            .u8(self.noise.number())
            .u32(self.releases)
            .u64(self.sampling_threshold);
        self.charge.canonical(body).u32(self.rounds).u32(self.model_bytes)
    }

    pub(super) fn check(&self, frame: Frame) -> Result<(), PlanFault> {
        if !is_stage_kind(&self.kind) {
            return Err(out_of_range("stage.kind", "a name that no kind may have", "1 to 32 of a-z, 0-9 and -"));
        }
        bounded("stage.settings (bytes)", self.settings.len() as u128, 0, 65_536, "0 to 65536")?;
        bounded("stage.dimension", self.dimension.into(), 1, (DIMENSION_MAX - 64) as u128, "1 to 33554368")?;
        bounded("stage.reach", self.reach.into(), 1, 1 << 20, "1 to 1048576")?;
        bounded("stage.rounds", self.rounds.into(), 1, PLAN_ROUNDS_MAX.into(), "1 to 1000000")?;
        let model_max = (8 * DIMENSION_MAX) as u128;
        bounded("stage.model_bytes", self.model_bytes.into(), 0, model_max, "0 to 268435456")?;
        self.check_mode(frame)?;
        self.check_sensitivity(frame)?;
        self.check_charge(frame.privacy)?;
        self.check_ring(frame)
    }

    fn check_mode(&self, frame: Frame) -> Result<(), PlanFault> {
        let privacy = frame.privacy;
        if self.summed == Unit::Customer && privacy == PrivacyMode::Branch {
            let allowed =
                "one vector for each branch in mode branch: sums over customers have no bound for a whole branch";
            return Err(out_of_range("stage.summed", "customers", allowed));
        }
        let admitted = match self.noise {
            NoiseShare::Divided => privacy != PrivacyMode::Local,
            NoiseShare::Whole => privacy == PrivacyMode::Local,
            NoiseShare::Inside => privacy == PrivacyMode::Local && self.summed == Unit::Branch,
        };
        if !admitted {
            return Err(out_of_range(
                "stage.noise",
                "another",
                "whole or inside in mode local, divided in every other",
            ));
        }
        let several = frame.privacy == PrivacyMode::Local;
        let most = if several { RELEASES_MAX } else { 1 };
        bounded("stage.releases", self.releases.into(), 1, most.into(), "1; in mode local 1 to 16000")?;
        if self.sampling_threshold == 0 {
            return Ok(());
        }
        if !matches!(privacy, PrivacyMode::Customer | PrivacyMode::Local) {
            return Err(out_of_range("stage.sampling_rate", "given", "given in the modes customer and local only"));
        }
        if privacy == PrivacyMode::Customer && frame.overlap_max > 1 {
            let allowed = "none, where overlap_max is above 1: a customer's coins at several branches are not one coin";
            return Err(out_of_range("stage.sampling_rate", "given", allowed));
        }
        Ok(())
    }

    fn check_sensitivity(&self, frame: Frame) -> Result<(), PlanFault> {
        let unit = u128::from(self.reach).pow(2);
        let overlap = u128::from(frame.overlap_max).pow(2);
        // A customer moves the vector of its branch from one clipped vector to another, unless the noise is inside already.
        let whole = self.summed == Unit::Branch && self.noise != NoiseShare::Inside;
        let one = match frame.privacy {
            PrivacyMode::Customer | PrivacyMode::Local if whole => unit.saturating_mul(4),
            _ => unit,
        };
        let low = if frame.privacy == PrivacyMode::Customer { one.saturating_mul(overlap) } else { one };
        let allowed = "reach^2 or more, four times that where a branch's vector is summed for customers, and in mode customer \
                       overlap_max^2 times that; at most 2^90";
        bounded("stage.sensitivity_squared", self.sensitivity_squared, low, SQUARED_MAX, allowed)?;
        // Where each branch makes a release of its own, a customer is in one of each of its branches.
        let covered = self.sensitivity_squared.saturating_mul(self.releases.into());
        if frame.privacy == PrivacyMode::Local && covered < one.saturating_mul(frame.overlap_max.into()) {
            let allowed =
                "overlap_max or more in mode local, unless sensitivity_squared covers all of a customer's branches";
            return Err(out_of_range("stage.releases", "fewer than a customer's branches", allowed));
        }
        let own = self.customer_sensitivity_squared;
        if frame.privacy == PrivacyMode::Branch && stands(Defence::CustomerAccount) {
            // Two clipped vectors lie between a branch with a customer and the same without; at each of its branches.
            let low = unit.saturating_mul(4).saturating_mul(overlap);
            let allowed = "four times overlap_max^2 reach^2 or more, at most 2^90";
            bounded("stage.customer_sensitivity_squared", own, low, SQUARED_MAX, allowed)?;
        } else {
            let same = self.sensitivity_squared;
            let allowed = "sensitivity_squared, but in mode branch";
            bounded("stage.customer_sensitivity_squared", own, same, same, allowed)?;
        }
        if frame.privacy == PrivacyMode::None {
            return bounded("stage.noise_variance", self.noise_variance, 0, 0, "0, because privacy is none");
        }
        bounded("stage.noise_variance", self.noise_variance, SHARE_VARIANCE_MIN, SQUARED_MAX, "36 to 2^90")
    }

    /// A release without a coin costs what the noise says, digit for digit; with a coin it costs no more, and how much less is for whoever
    /// has floats to recompute.
    fn check_charge(&self, privacy: PrivacyMode) -> Result<(), PlanFault> {
        let full = self.charge_without_coins(privacy);
        let holds = match self.sampling_threshold {
            0 => self.charge == full,
            _ => {
                let priced = self.charge.customer.nanos().iter().all(|charge| *charge > 0);
                self.charge.at_most(&full) && priced
            }
        };
        let allowed = match privacy {
            PrivacyMode::None => "nothing, because privacy is none",
            PrivacyMode::Customer => "what the noise gives a customer",
            PrivacyMode::Branch => "what the noise gives a branch, and what it gives a customer",
            PrivacyMode::Local => "what the noise gives, for each release",
        };
        if holds { Ok(()) } else { Err(out_of_range("stage.charge", "another charge", allowed)) }
    }

    /// The worst case: every vector aligned on one coordinate, and 13 standard deviations of noise. A participant may add the whole round's noise
    /// instead of its share, and tells nobody. So there is room for that of every member of the largest cohort, which is more than all their
    /// shares.
    fn check_ring(&self, frame: Frame) -> Result<(), PlanFault> {
        let bits = self.ring.bits();
        let cohort = COHORT_MAX as u128;
        let vectors = if self.summed == Unit::Branch { cohort } else { u128::from(frame.customers_max) };
        let aligned = vectors.saturating_mul(self.reach.into());
        let variance = if self.noise == NoiseShare::Inside { 0 } else { self.noise_variance };
        let noise = variance.saturating_mul(cohort).isqrt().saturating_add(1).saturating_mul(13);
        if aligned.saturating_add(noise) < 1 << (bits - 1) {
            return Ok(());
        }
        Err(PlanFault::Wraps { customers_max: frame.customers_max, reach: self.reach, bits })
    }
}

/// Whether a kind of stage may have this name.
#[must_use]
pub fn is_stage_kind(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=STAGE_KIND_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}
