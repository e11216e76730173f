//! Stages from their settings to what their sums lead to.

#[cfg(feature = "train")]
mod frozen;
mod golden;
#[cfg(feature = "train")]
mod grouped;
mod numbers;
#[cfg(feature = "train")]
mod quantile;
mod settings;
#[cfg(feature = "train")]
mod staged;
#[cfg(feature = "train")]
mod staged_pairs;
mod states;
#[cfg(feature = "train")]
mod way;

use tributary_protocol::plan::{PrivacyMode, Stage};
use tributary_protocol::privacy::Accounts;
use tributary_protocol::secagg::modular::Ring;

use super::*;
use crate::architecture::Architecture;
use crate::schema::Schema;
use crate::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use crate::update::{CLASS_UNITS, ClipForm, ClipSettings, LocalRule};

const CLIP: ClipSettings =
    ClipSettings { example_clip_norm: 2.0, clip_units: 1000, form: ClipForm::Exact, loss_bound: Some(4.0) };
const RULE: LocalRule = LocalRule { steps: 3, learning_rate: 0.5, update_clip_norm: 0.37 };

fn optimizer(update_rule: UpdateRule, tail_start: Option<u32>) -> OptimizerSettings {
    OptimizerSettings::new(OptimizerFields { update_rule, tail_start }).unwrap()
}

fn sgd() -> OptimizerSettings {
    optimizer(UpdateRule::Sgd { learning_rate: 0.37, momentum: 0.9 }, Some(2))
}

fn gradient() -> GradientSettings {
    GradientSettings { clip: CLIP, optimizer: sgd() }
}

fn local(adaptive: bool) -> LocalSettings {
    LocalSettings { clip: CLIP, rule: RULE, adaptive, optimizer: sgd() }
}

fn schema() -> Schema {
    Schema::parse(include_str!("../../../../docs/samples/schemas/deposit_churn.toml")).unwrap()
}

fn network() -> Architecture {
    Architecture::logistic(3, &["churn"]).unwrap()
}

fn frame(architecture: &Architecture, privacy: PrivacyMode) -> Frame<'_> {
    Frame { privacy, overlap_max: 1, customers_nominal: 37, architecture, schema: None }
}

fn chosen(noise_variance: u128, rounds: u32) -> Chosen {
    Chosen { ring: Ring::Bits64, noise_variance, sampling_threshold: 0, rounds }
}
