//! Settings of stages, and public states, under mutations: one test, alone in its process, because the allocator counts for the whole process.
//!
//! `MUTATIONS=1000000 cargo test --release -p tributary-model --test mutations -- --nocapture`

#[path = "../../protocol/fuzz/targets/campaign.rs"]
mod campaign;
#[path = "../../protocol/fuzz/targets/mutate.rs"]
mod mutate;

use campaign::{Tally, campaign, cases_of_each};
use peak_alloc::PeakAlloc;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use tributary_model::stage::{
    BlockSettings, Chosen, CountSettings, EvaluateSettings, Frame, GradientSettings, LabelSettings, LocalSettings,
    PlannedStage, QuantileSettings, Reweight, StageSettings, StagedSettings, Steps,
};
use tributary_model::update::{ClipForm, ClipSettings, LocalRule};
use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::secagg::modular::Ring;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

#[test]
fn no_mutation_panics_or_is_a_second_encoding_or_allocates_beyond_its_limit() {
    let settings = settings();
    let each = cases_of_each(settings.len() as u64 + 3);
    for settings in settings {
        settings_mutated(each, settings).told(settings.kind());
    }
    architectures(each).told("architecture");
    for adaptive in [false, true] {
        states(each, adaptive).told(if adaptive { "public state with a bound" } else { "public state" });
    }
}

fn optimizer(update_rule: UpdateRule, tail_start: Option<u32>) -> OptimizerSettings {
    OptimizerSettings::new(OptimizerFields { update_rule, tail_start }).expect("within the limits")
}

fn local(adaptive: bool) -> LocalSettings {
    let clip = ClipSettings { example_clip_norm: 2.0, clip_units: 1000, form: ClipForm::Exact, loss_bound: Some(4.0) };
    let rule = LocalRule { steps: 3, learning_rate: 0.5, update_clip_norm: 0.37 };
    let sgd = UpdateRule::Sgd { learning_rate: 0.37, momentum: 0.9 };
    LocalSettings { clip, rule, adaptive, optimizer: optimizer(sgd, Some(2)) }
}

fn settings() -> [StageSettings; 8] {
    let adam = UpdateRule::Adam { learning_rate: 0.013, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    let clip = ClipSettings { form: ClipForm::Chunked, loss_bound: None, ..local(false).clip };
    [
        StageSettings::Count(CountSettings { clip_units: 10, bins: 5, labels: false }),
        StageSettings::Evaluate(EvaluateSettings { clip_units: 1 << 20, bins: 1000, groups: None }),
        StageSettings::Gradient(GradientSettings { clip, optimizer: optimizer(adam, None) }),
        StageSettings::Local(local(true)),
        StageSettings::Local(local(false)),
        StageSettings::Labels(LabelSettings { clip_units: 1 << 20 }),
        StageSettings::Quantile(QuantileSettings { clip_units: 1 << 20, coarse: [4, 8, 24], rare_deviations: 2 }),
        StageSettings::Staged(StagedSettings {
            of_blocks: BlockSettings::plain(1 << 20, [4, 8, 0]),
            paired: false,
            head_shares: [0; 16],
            steps: Steps::of(2.5, 0.9, Some(75)).expect("within the limits"),
            reweight: Some(Reweight { floor: 0.02, noise_excess: 1.7, pair_share: 0.25 }),
        }),
    ]
}

/// What decodes is written the same way, and is worked out further without a panic.
fn settings_mutated(cases: u64, settings: StageSettings) -> Tally {
    let architecture = Architecture::logistic(3, &["churn"]).expect("a small one");
    let valid: Vec<Vec<u8>> = self::settings().iter().map(StageSettings::encode).collect();
    let own = settings.encode();
    let valid: Vec<Vec<u8>> =
        std::iter::once(own.clone()).chain(valid.into_iter().filter(|other| *other != own)).collect();
    campaign(
        cases,
        &valid,
        |bytes| (16 << 10) + 16 * bytes,
        |bytes, _| {
            let Ok(decoded) = StageSettings::decode(settings.kind(), bytes) else { return false };
            assert!(decoded.encode() == bytes, "a second encoding of settings was accepted: {bytes:02x?}");
            for privacy in [PrivacyMode::Customer, PrivacyMode::Branch, PrivacyMode::Local, PrivacyMode::None] {
                let frame =
                    Frame { privacy, overlap_max: 1, customers_nominal: 37, architecture: &architecture, schema: None };
                let chosen = Chosen { ring: Ring::Bits64, noise_variance: 1 << 30, sampling_threshold: 0, rounds: 1 };
                let _ = (decoded.form(&frame), decoded.terms(&frame, chosen));
            }
            true
        },
    )
}

fn architectures(cases: u64) -> Tally {
    let valid: Vec<Vec<u8>> = [(3, vec!["churn"]), (40, vec!["churn", "deposit"])]
        .iter()
        .map(|(width, heads)| Architecture::logistic(*width, heads).expect("a small one").encode())
        .collect();
    campaign(
        cases,
        &valid,
        |bytes| (64 << 10) + 64 * bytes,
        |bytes, _| {
            let Ok(decoded) = Architecture::decode(bytes) else { return false };
            assert!(decoded.encode() == bytes, "a second encoding of an architecture was accepted: {bytes:02x?}");
            true
        },
    )
}

/// What is read is written the same way and has another digest; what is admitted of somebody who is not trusted stays within the limits.
fn states(cases: u64, adaptive: bool) -> Tally {
    let architecture = Architecture::logistic(3, &["churn"]).expect("a small one");
    let settings = StageSettings::Local(local(adaptive));
    let privacy = PrivacyMode::Branch;
    let frame = Frame { privacy, overlap_max: 1, customers_nominal: 37, architecture: &architecture, schema: None };
    let chosen = Chosen { ring: Ring::Bits64, noise_variance: 1 << 30, sampling_threshold: 0, rounds: 5 };
    let terms = settings.terms(&frame, chosen).expect("a stage");
    let stage = PlannedStage::new(&settings, frame, &terms);
    let parameters = Parameters::new(architecture.clone(), vec![0.1, -0.2, 1e-3, 0.5]).expect("a model");
    let valid = stage.begin(parameters).to_bytes();
    let digest = stage.state_digest(&valid);
    campaign(
        cases,
        &[valid],
        |bytes| (16 << 10) + 64 * bytes,
        |bytes, _| {
            assert!(stage.state_digest(bytes) != digest, "another state has the digest of the first: {bytes:02x?}");
            let admitted = stage.admit_state(bytes);
            let Ok(state) = stage.read_state(bytes) else {
                assert!(admitted.is_err() || bytes.len() == 16 + 8 * usize::from(adaptive));
                return false;
            };
            assert!(state.to_bytes() == bytes, "a second encoding of a state was accepted: {bytes:02x?}");
            assert!(admitted.is_ok_and(|admitted| admitted == state));
            true
        },
    )
}
