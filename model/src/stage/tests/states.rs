//! Public states as bytes, and their digests.

use super::*;
use crate::parameters::{PARAMETER_ABS_MAX, Parameters, digest_of};

fn model() -> Parameters {
    Parameters::new(network(), vec![0.5, -0.25, 1.0, 0.0]).unwrap()
}

/// Runs a test in a stage of these settings.
fn within<T>(settings: StageSettings, privacy: PrivacyMode, test: impl FnOnce(PlannedStage<'_>) -> T) -> T {
    let network = network();
    let frame = frame(&network, privacy);
    let noise_variance = if privacy == PrivacyMode::None { 0 } else { 1 << 30 };
    let terms = settings.terms(&frame, chosen(noise_variance, 5)).unwrap();
    test(PlannedStage::new(&settings, frame, &terms))
}

#[test]
fn a_state_without_a_bound_is_its_model() {
    within(StageSettings::Gradient(gradient()), PrivacyMode::Customer, |stage| {
        let state = stage.begin(model());
        let bytes = state.to_bytes();
        assert_eq!((bytes.len(), &bytes), (stage.terms().model_bytes as usize, &model().to_le_bytes()));
        assert_eq!(stage.state_digest(&bytes), model().digest());
        assert!(stage.read_state(&bytes).unwrap() == state && stage.admit_state(&bytes).unwrap() == state);
        assert_eq!(stage.bound_of(&bytes), Ok(None));
        assert_eq!(stage.state_digest(&bytes[1..]), digest_of(&network(), &[]));
    });
}

#[test]
fn a_bound_follows_the_model_and_enters_the_digest_once_it_moved() {
    within(StageSettings::Local(local(true)), PrivacyMode::Branch, |stage| {
        let state = stage.begin(model());
        let bytes = state.to_bytes();
        assert_eq!((bytes.len(), stage.bound_of(&bytes)), (stage.terms().model_bytes as usize, Ok(Some(0.37))));
        // What the stage begins with is what the one before has handed on.
        assert_eq!(stage.state_digest(&bytes), model().digest());
        let moved = PublicState { update_clip_norm: Some(0.38), ..state.clone() };
        let other = PublicState { update_clip_norm: Some(0.39), ..state };
        let digests = [&moved, &other].map(|state| stage.state_digest(&state.to_bytes()));
        assert!(digests[0] != digests[1] && digests.iter().all(|digest| *digest != model().digest()));
        assert!(stage.read_state(&moved.to_bytes()).unwrap() == moved);
        assert!(stage.admit_state(&moved.to_bytes()).unwrap() == moved);
        let mut short = moved.to_bytes();
        short.pop();
        assert_eq!(stage.bound_of(&short), Err(StateFault::Length { expected: 24, found: 23 }));
        assert_eq!(stage.state_digest(&short), digest_of(&network(), &[]));
    });
}

#[test]
fn whatever_arrives_is_judged() {
    let hostile =
        [f32::NAN, f32::INFINITY, -1e30, 0.5].iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    within(StageSettings::Local(local(true)), PrivacyMode::Branch, |stage| {
        for bound in [0.0, -1.0, 1e-4, 1.1e6, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let bytes = [hostile.clone(), bound.to_le_bytes().to_vec()].concat();
            assert_eq!(stage.bound_of(&bytes), Err(StateFault::Bound), "{bound}");
            assert_eq!(stage.admit_state(&bytes).err(), Some(StateFault::Bound), "{bound}");
        }
        let bytes = [hostile.clone(), 0.001_f64.to_le_bytes().to_vec()].concat();
        let state = stage.admit_state(&bytes).unwrap();
        assert_eq!(state.parameters.values(), [0.0, PARAMETER_ABS_MAX, -PARAMETER_ABS_MAX, 0.5]);
        assert_eq!(state.update_clip_norm, Some(0.001));
        // Who verifies takes nothing that no coordinator makes.
        assert!(matches!(stage.read_state(&bytes), Err(StateFault::Parameters(_))));
        assert!(stage.admit_state(&[]).is_err() && stage.admit_state(&hostile).is_err());
    });
}

#[test]
fn a_stage_without_a_model_is_given_none() {
    within_one_round(StageSettings::Mean(MeanSettings { column: 0, units: 10 }), |stage| {
        assert_eq!(stage.terms().model_bytes, 0);
        assert!(stage.admit_state(&[]).unwrap() == PublicState::zero(&network()));
        assert!(stage.admit_state(&[0]).is_err());
    });
    within_one_round(StageSettings::Evaluate(EvaluateSettings { clip_units: 10, bins: 2, groups: None }), |stage| {
        assert!(stage.admit_state(&[]).is_err());
        assert!(stage.admit_state(&model().to_le_bytes()).unwrap() == stage.begin(model()));
    });
}

fn within_one_round(settings: StageSettings, test: impl FnOnce(PlannedStage<'_>)) {
    let network = network();
    let frame = frame(&network, PrivacyMode::Customer);
    let terms = settings.terms(&frame, chosen(1 << 30, 1)).unwrap();
    test(PlannedStage::new(&settings, frame, &terms));
}

#[test]
fn zero_is_a_model() {
    let zero = PublicState::zero(&network());
    assert_eq!(zero.to_bytes(), [0; 16]);
    assert!(zero.parameters == Parameters::new(network(), vec![0.0; 4]).unwrap());
}
