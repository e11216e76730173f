//! Staged learning with pairs of fields, class weights and tables that may not turn: what a customer can move, and what is learnt.

use proptest::prelude::*;

use super::staged::{
    Line, REWEIGHT, UNITS, concluded, lines, moved, network, planned_over, schema, settings, sum_of, table, trainer,
};
use super::*;
use crate::architecture::PairShape;
use crate::pairs::{PairTables, Pairing};
use crate::parameters::Parameters;
use crate::planned;
use crate::score::{Scorer, probability};
use crate::train::predict;
use crate::train::tests::Dice;

const SHAPE: PairShape = PairShape { tables: 3, groups: 2 };

fn paired_network() -> Architecture {
    network().with_pairs(Some(SHAPE)).unwrap()
}

/// Labels, a first stage that chooses pairs, and a second one that learns them. Whatever stands beside pairs is changed by `change`.
fn paired_stages(change: impl Fn(&mut StagedSettings)) -> [(StageSettings, u32); 3] {
    let reweight = Reweight { pair_share: 0.4, ..REWEIGHT };
    let mut first = settings(4.0, None, Some(reweight));
    let mut last = StagedSettings { paired: true, ..settings(4.0, Some(10), None) };
    change(&mut first);
    change(&mut last);
    [
        (StageSettings::Labels(LabelSettings { clip_units: UNITS }), 1),
        (StageSettings::Staged(first.checked().unwrap()), 10),
        (StageSettings::Staged(last.checked().unwrap()), 20),
    ]
}

fn plain(_: &mut StagedSettings) {}

fn weighted(settings: &mut StagedSettings) {
    settings.of_blocks.classes[0] = [250_000, 1_000_000];
    settings.of_blocks.classes[1] = [1_000_000, 500_000];
}

/// A state of the second stage as an enemy sends it: any parameters and counts, any block weights, groups that are none, fields that are not
/// there, the same pair twice.
fn hostile(stage: &PlannedStage<'_>, seed: u64, (scale, wild): (u32, bool)) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let first = stage.begin(Parameters::zero(&paired_network()));
    let mut any = || match dice.below(8) {
        0 => f32::NAN,
        1 => f32::NEG_INFINITY,
        2 => 1e30 * dice.unit(),
        _ => 50.0 * dice.unit(),
    };
    let mut bytes: Vec<u8> = first.parameters.values().iter().flat_map(|_| any().to_le_bytes()).collect();
    let customers = first.known.customers.iter().map(|_| f64::from(1e6 * dice.unit())).collect();
    let weights = first.known.weights.iter().map(|_| dice.below(scale)).collect();
    let Pairing { groups, fields } = &first.known.pairing;
    let groups = groups.iter().map(|_| dice.below(if wild { 9 } else { 3 })).collect();
    let fields = fields.iter().map(|pair| if wild { pair.map(|_| dice.below(5)) } else { *pair }).collect();
    let known = Known { customers, weights, pairing: Pairing { groups, fields }, groups: Vec::new() };
    bytes.extend(Beside { update_clip_norm: None, known }.to_bytes());
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Pairs that are none and weights beyond the norm are refused wherever they come in. Within it nobody moves the sum beyond the claim.
    #[test]
    fn with_pairs_and_class_weights_a_customer_moves_the_sum_by_at_most_the_claim(
        seed in any::<u64>(), scale in 1..=UNITS, wild in any::<bool>(), weights in any::<bool>(),
    ) {
        let planned = planned_over(paired_network(), &paired_stages(if weights { weighted } else { plain }));
        let lines = lines(seed, 12);
        let stage = planned.stage(2).unwrap();
        let bytes = hostile(&stage, seed, (scale, wild));
        let claim = stage.terms().sensitivity_squared;
        match stage.admit_state(&bytes) {
            Ok(state) => {
                prop_assert!(stage.bound_of(&bytes).is_ok());
                let moved = moved(&stage, &lines, "c5", &state);
                prop_assert!(moved <= claim, "{} of {}", moved, claim);
            }
            Err(fault) => {
                prop_assert_eq!(fault, StateFault::Known);
                prop_assert_eq!(stage.bound_of(&bytes), Err(StateFault::Known));
                // Read back without judgement, as nothing but a fault of the program could.
                let mut state = stage.begin(Parameters::zero(&paired_network()));
                let mut weights = state.known.weights.clone();
                weights.fill(UNITS);
                state.known = Known { weights, ..state.known };
                prop_assert_eq!(sum_of(&stage, &trainer(&lines), &state), Err(ContributeFault::State(StateFault::Known)));
                let mut state = stage.begin(Parameters::zero(&paired_network()));
                state.known.pairing.fields[1] = state.known.pairing.fields[0];
                prop_assert_eq!(sum_of(&stage, &trainer(&lines), &state), Err(ContributeFault::State(StateFault::Known)));
            }
        }
    }

    /// Whatever a first stage comes to, the pairs and weights that it hands on are admitted, and the function is that of its shrunk tables.
    #[test]
    fn chosen_pairs_are_within_the_norm_and_begin_with_nothing(seed in any::<u64>(), scale in 1..=UNITS / 4) {
        let planned = planned_over(paired_network(), &paired_stages(plain));
        let (first, last) = (planned.stage(1).unwrap(), planned.stage(2).unwrap());
        let mut dice = Dice::new(seed);
        let mut state = first.begin(Parameters::zero(&paired_network()));
        let values = state.parameters.values().iter().map(|_| 3.0 * dice.unit()).collect();
        state.parameters = Parameters::new(state.parameters.architecture().clone(), values).unwrap();
        state.known.weights.iter_mut().for_each(|weight| *weight = dice.below(scale));
        let next = last.begin_after(first.hand_on(state));
        prop_assert!(last.admit_state(&next.to_bytes()).is_ok());
        let released = last.hand_on(next.clone()).parameters;
        prop_assert!(released.architecture() == &paired_network());
        let scores = predict(&released, table(&lines(seed, 20)).data()).unwrap();
        let linear = released.values()[..network().parameter_count()].to_vec();
        let without = Parameters::new(network(), linear).unwrap();
        prop_assert_eq!(scores, predict(&without, table(&lines(seed, 20)).data()).unwrap());
    }
}

/// All of the norm is a customer's, in the worst case, with pairs as well.
#[test]
fn the_claim_is_reached_with_pairs() {
    let planned = planned_over(paired_network(), &paired_stages(plain));
    let stage = planned.stage(2).unwrap();
    let mut state = stage.begin(Parameters::zero(&paired_network()));
    let mut values = state.parameters.values().to_vec();
    let biases = values.len() - 2;
    values[biases..].fill(1000.0);
    state.parameters = Parameters::new(state.parameters.architecture().clone(), values).unwrap();
    // Half of the squared norm of each head for its three pairs.
    let blocks = state.known.weights.len() / 2;
    for (own, permille) in state.known.weights.chunks_exact_mut(blocks).zip([316, 258]) {
        let (fields, pairs) = own.split_at_mut(blocks - 3);
        fields.iter_mut().for_each(|weight| *weight = *weight * 7 / 10);
        pairs.fill(UNITS * permille / 1000);
    }
    let line = |who: &str| [who, "25", "b", "2", "no", "no"].map(str::to_owned);
    let square = moved(&stage, &[line("c1"), line("c2")], "c2", &state);
    let claim = stage.terms().sensitivity_squared;
    assert!(square <= claim && square * 100 > claim * 93, "{square} of {claim}");
}

/// What a stage's own rows say is what the released model says: the probability that a sum shows is the score.
#[test]
fn a_released_model_scores_as_its_stage_did() {
    let planned = planned_over(paired_network(), &paired_stages(plain));
    let stage = planned.stage(2).unwrap();
    let mut dice = Dice::new(5);
    let mut state = stage.begin(Parameters::zero(&paired_network()));
    let values = state.parameters.values().iter().map(|_| dice.unit()).collect();
    state.parameters = Parameters::new(state.parameters.architecture().clone(), values).unwrap();
    state.known.pairing.groups.iter_mut().for_each(|group| *group = dice.below(3));
    let released = stage.hand_on(state.clone()).parameters;
    assert!(PairTables::of(&released).is_some());
    let scorer = Scorer::new(&schema(), &released).unwrap();
    let mut scored = scorer.room();
    for line in lines(9, 30) {
        let line = ["c1", &line[1], &line[2], &line[3], "no", "no"].map(str::to_owned);
        let rows = [line];
        let scores = predict(&released, table(&rows).data()).unwrap();
        // Scoring at a branch is the same once more.
        scorer.score(table(&rows).data().encoded(0), &mut scored);
        for (head, logit) in scored.logits().iter().enumerate() {
            assert!((probability(*logit) - f64::from(scores[(0, head)])).abs() < 1e-6);
        }
        let sum = sum_of(&stage, &trainer(&rows), &state).unwrap();
        for head in 0..2 {
            // The finest block of the last field has one cell for each of its slots.
            let weight = f64::from(state.known.weights[head * 9 + 5]);
            let shown = sum.iter().skip(head).step_by(2).skip(25).take(3).sum::<i64>() as f64 / weight;
            assert!((shown - f64::from(scores[(0, head)])).abs() < 2.0 / weight, "{shown} {}", scores[(0, head)]);
        }
    }
}

/// Customers whose label depends on two fields together, and little on either alone.
fn crossed(seed: u64, customers: u32) -> Vec<Line> {
    let mut dice = Dice::new(seed);
    let mut line = |customer| {
        let (age, many) = (dice.below(100), dice.below(2) == 1);
        let likely = match (age < 50, many) {
            (true, true) => 95,
            (false, false) => 55,
            _ => 20,
        };
        let class = if dice.below(100) < likely { "yes" } else { "no" };
        let region = ["a", "b", "c"][dice.below(3) as usize];
        [
            format!("c{customer}"),
            age.to_string(),
            region.into(),
            if many { "2" } else { "0" }.into(),
            class.into(),
            class.into(),
        ]
    };
    (0..customers).map(&mut line).collect()
}

/// Runs all stages without noise, and gives the model.
fn learnt(planned: &planned::Planned, network: &Architecture, lines: &[Line]) -> PublicState {
    let rows = trainer(lines);
    let mut handed = PublicState::of(Parameters::zero(network));
    for stage in (0..).map_while(|number| planned.stage(number)) {
        let mut state = stage.start_after(handed);
        for _ in 0..stage.terms().rounds {
            let bytes = state.public().to_bytes();
            if stage.terms().model_bytes > 0 {
                assert_eq!(bytes.len(), stage.terms().model_bytes as usize);
            }
            let sum = sum_of(&stage, &rows, &stage.admit_state(&bytes).unwrap()).unwrap();
            stage.advance(&mut state, &sum, 1).unwrap();
        }
        handed = stage.conclude(&state).unwrap();
    }
    assert_eq!(handed.beside(), Beside::default());
    handed
}

fn auc(model: &Parameters, lines: &[Line]) -> f64 {
    let held_out = table(lines);
    let scores = predict(model, held_out.data()).unwrap();
    crate::evaluate::evaluate(&scores, held_out.data(), 0).unwrap().auc.unwrap()
}

#[test]
fn pairs_learn_what_no_field_says_alone() {
    let alone = learnt(&planned_over(network(), &crossed_stages(false)), &network(), &crossed(1, 400));
    let pairs = learnt(&planned_over(paired_network(), &crossed_stages(true)), &paired_network(), &crossed(1, 400));
    let [alone, pairs] = [alone, pairs].map(|state| auc(&state.parameters, &crossed(2, 600)));
    assert!(alone < 0.72 && pairs > 0.78, "{alone} {pairs}");
}

/// Perhaps without pairs, and with more rounds.
fn crossed_stages(paired: bool) -> [(StageSettings, u32); 3] {
    let [labels, (StageSettings::Staged(first), _), (StageSettings::Staged(last), _)] = paired_stages(plain) else {
        unreachable!("three stages");
    };
    let rule = Reweight { pair_share: if paired { 0.4 } else { 0.0 }, noise_excess: 1.0, floor: 0.02 };
    let first = StagedSettings { reweight: Some(rule), ..first };
    let last = StagedSettings { paired, ..last };
    [labels, (StageSettings::Staged(first), 10), (StageSettings::Staged(last), 40)]
}

/// Weights of classes change what is learnt, and not what a score means.
#[test]
fn class_weights_leave_scores_calibrated() {
    let own = lines(1, 400);
    let rate_of = |at: usize| {
        let known = own.iter().filter(|line| !line[at].is_empty());
        let positive = own.iter().filter(|line| line[at] == "yes").count();
        positive as f64 / known.count() as f64
    };
    for change in [plain, weighted] {
        let planned = planned_over(paired_network(), &paired_stages(change));
        let model = learnt(&planned, &paired_network(), &own).parameters;
        let scores = predict(&model, table(&own).data()).unwrap();
        for head in 0..2 {
            let mean = f64::from(scores.column(head).mean().unwrap());
            assert!((mean - rate_of(4 + head)).abs() < 0.06, "head {head}: {mean} of {}", rate_of(4 + head));
        }
        assert!(auc(&model, &lines(2, 400)) > 0.8);
    }
}

/// A table that must rise does, at the hand-on and in the released model; its field is in no pair.
#[test]
fn tables_rise_or_fall_where_the_plan_says_so() {
    let falls = |settings: &mut StagedSettings| {
        settings.of_blocks.monotone[0] = Some(Monotone { field: 0, rising: false });
        settings.of_blocks.monotone[1] = Some(Monotone { field: 2, rising: true });
    };
    let unpaired = |settings: &mut StagedSettings| {
        falls(settings);
        settings.paired = false;
        settings.reweight = settings.reweight.map(|_| REWEIGHT);
    };
    let planned = planned_over(network(), &paired_stages(unpaired));
    let model = learnt(&planned, &network(), &lines(3, 200)).parameters;
    let (first, last) = (planned.stage(1).unwrap(), planned.stage(2).unwrap());
    let mut dice = Dice::new(3);
    let mut rough = first.begin(Parameters::zero(&network()));
    let values = rough.parameters.values().iter().map(|_| dice.unit()).collect();
    rough.parameters = Parameters::new(rough.parameters.architecture().clone(), values).unwrap();
    // Hardly noise, so that rough tables stay.
    rough.known.weights.fill(1);
    let handed = last.begin_after(first.hand_on(rough.clone()));
    let blocks = crate::blocks::Blocks::of(&schema(), &[2, 5]).unwrap();
    let turns = |values: &[f32], (from, to): (usize, usize), slack: f32, falls: bool| {
        (0..2).any(|head| {
            let own: Vec<f32> = values[2 * from..2 * to].iter().skip(head).step_by(2).copied().collect();
            own.windows(2).any(|pair| if falls { pair[1] > pair[0] + slack } else { pair[1] < pair[0] - slack })
        })
    };
    // Ten bins of age, a slot for none, three regions, three numbers of products.
    let [ages, products] = [(0, 10), (14, 17)];
    assert!(turns(&blocks.folded(&rough.parameters), ages, 1e-4, true));
    for (values, slack) in [(model.values().to_vec(), 0.0), (blocks.folded(&handed.parameters), 1e-5)] {
        assert!(!turns(&values, ages, slack, true) && !turns(&values, products, slack, false), "{values:?}");
        assert!(values[..20].iter().any(|value| *value != values[0]));
    }
    // Two fields may not turn, and one is left: it has no pair.
    let falling = paired_stages(falls);
    let (own, network) = (schema(), paired_network());
    let frame = Frame { schema: Some(&own), ..frame(&network, PrivacyMode::Customer) };
    assert_eq!(falling[1].0.form(&frame), Err(StageFault::PairCount { tables: 3, most: 0 }));
    assert_eq!(falling[2].0.form(&frame), Err(StageFault::PairCount { tables: 3, most: 0 }));
}

#[test]
fn stages_without_a_use_for_pairs_are_refused() {
    let (own, network) = (schema(), paired_network());
    let frame = Frame { schema: Some(&own), ..frame(&network, PrivacyMode::Customer) };
    assert_eq!(StageSettings::Gradient(gradient()).form(&frame), Err(StageFault::Pairs("gradient")));
    let local_frame = Frame { privacy: PrivacyMode::Branch, ..frame };
    assert_eq!(StageSettings::Local(local(false)).form(&local_frame), Err(StageFault::Pairs("local")));
    let [_, (first, _), (last, _)] = paired_stages(plain);
    let plain_network = super::staged::network();
    let without = Frame { architecture: &plain_network, ..frame };
    for settings in [first, last] {
        assert_eq!(settings.form(&without), Err(StageFault::PairCount { tables: 0, most: 3 }));
    }
    let by_region = |settings: &mut StagedSettings| {
        settings.of_blocks.monotone[0] = Some(Monotone { field: 1, rising: true });
    };
    assert_eq!(paired_stages(by_region)[1].0.form(&frame), Err(StageFault::Monotone(1)));
    // A stage that learns pairs comes after one that chooses them.
    assert!(first.precedes(Some(&last)).is_ok());
    let labels = StageSettings::Labels(LabelSettings { clip_units: UNITS });
    assert_eq!(labels.precedes(Some(&last)), Err(StageFault::Order("labels")));
    let alone = StageSettings::Staged(settings(4.0, None, Some(REWEIGHT)));
    assert_eq!(alone.precedes(Some(&last)), Err(StageFault::Order("staged")));
    let other = StageSettings::Staged(settings(4.0, None, None));
    assert_eq!(first.precedes(Some(&other)), Err(StageFault::Order("staged")));
}

/// From made-up sums to a model with pairs, to the bit.
#[test]
fn the_same_sums_lead_to_the_same_pairs() {
    let planned = planned_over(paired_network(), &paired_stages(weighted));
    let handed = concluded(&planned, &paired_network(), |_, _| ());
    assert_eq!(handed.parameters.digest().short(), "720692be");
}
