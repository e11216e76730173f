//! What a stage's round costs, and its releases as accountants see them.

use tributary_protocol::plan::{PrivacyMode, Stage};
use tributary_protocol::privacy::{Accounts, RdpVector};

use crate::privacy::accountant::SampledRound;
use crate::privacy::{charge, noise_multiplier, sampling_probability};

/// One release of a stage, as accountants see it: a round's sum, or a local step's.
#[must_use]
pub fn release(stage: &Stage) -> SampledRound {
    SampledRound {
        sampling_probability: sampling_probability(stage.sampling_threshold),
        noise_multiplier: noise_multiplier(stage.noise_variance, stage.sensitivity_squared),
    }
}

/// What one round costs each unit by this machine's own arithmetic.
#[must_use]
pub fn round_charge(stage: &Stage, privacy: PrivacyMode) -> Accounts {
    match (privacy, stage.sampling_threshold) {
        (PrivacyMode::None, _) | (_, 0) => stage.charge_without_coins(privacy),
        // A coin is a customer's.
        _ => Accounts::customers(charge(release(stage)).times(stage.releases.into())),
    }
}

/// What a plan states as the cost of one round: a little above [`round_charge`] where floats are in it, so that another machine's arithmetic
/// does not come out above it.
#[must_use]
pub fn stated_charge(stage: &Stage, privacy: PrivacyMode) -> Accounts {
    let own = round_charge(stage, privacy);
    if stage.sampling_threshold == 0 || privacy == PrivacyMode::None {
        return own;
    }
    let full = stage.charge_without_coins(privacy);
    let raised = own
        .customer
        .nanos()
        .iter()
        .zip(full.customer.nanos())
        .map(|(nanos, most)| nanos.saturating_add(nanos / 1_000_000_000).saturating_add(1).min(*most));
    Accounts::customers(RdpVector::from_nanos(raised.collect()).expect("one value for each order"))
}
