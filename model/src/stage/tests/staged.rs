//! Staged additive learning: what a customer can move, what hostile states come to, and what is learnt.

mod bounds;

use proptest::prelude::*;
use tributary_protocol::plan::Plan;
use tributary_protocol::round::cast;

use super::*;
use crate::features::RawBatch;
use crate::parameters::Parameters;
use crate::planned::{self, Planned};
use crate::privacy::noise_for_tests::CountingEntropy;
use crate::train::tests::Dice;
use crate::train::{Placement, Table, Trainer};
use crate::update::ClippedSum;

const SCHEMA: &str = r#"
name = "small"
version = 1
customer_column = "who"
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, transform = "bins", edges = [10, 20, 30, 40, 50, 60, 70, 80, 90], missing = "indicator", class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["a", "b", "c"], class = "C1", level = "L1" },
    { name = "products", kind = "numeric", min = 0, max = 9, transform = "bins", edges = [1, 2], class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"], missing_codes = [""] },
    { name = "deposit", positive = ["yes"], negative = ["no"], missing_codes = [""] }]
"#;
pub(super) const UNITS: u32 = 1 << 12;

pub(super) fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

pub(super) fn network() -> Architecture {
    Architecture::logistic(u32::try_from(schema().width()).unwrap(), &["churn", "deposit"]).unwrap()
}

pub(super) fn settings(rate: f64, tail: Option<u32>, reweight: Option<Reweight>) -> StagedSettings {
    let of_blocks = BlockSettings::plain(UNITS, [2, 5, 0]);
    let mut head_shares = [0; 16];
    head_shares[..2].copy_from_slice(&[600_000, 400_000]);
    let steps = Steps::of(rate, 0.9, tail).unwrap();
    StagedSettings { of_blocks, head_shares, steps, paired: false, reweight }.checked().unwrap()
}

pub(super) const REWEIGHT: Reweight = Reweight { floor: 0.02, noise_excess: 1.5, pair_share: 0.0 };

/// Labels, a first stage of 10 rounds and a second one of 20.
fn stages() -> [(StageSettings, u32); 3] {
    [
        (StageSettings::Labels(LabelSettings { clip_units: UNITS }), 1),
        (StageSettings::Staged(settings(4.0, None, Some(REWEIGHT))), 10),
        (StageSettings::Staged(settings(4.0, Some(10), None)), 20),
    ]
}

pub(super) fn plan(stages: &[(StageSettings, u32)]) -> Plan {
    plan_over(network(), stages)
}

pub(super) fn plan_over(architecture: Architecture, stages: &[(StageSettings, u32)]) -> Plan {
    let schema = schema();
    let base = cast::plan();
    let frame = Frame {
        privacy: PrivacyMode::Customer,
        overlap_max: 1,
        customers_nominal: 400,
        architecture: &architecture,
        schema: Some(&schema),
    };
    let terms = stages.iter().map(|(settings, rounds)| {
        let noise_variance = settings.form(&frame).unwrap().sensitivity_squared;
        settings.terms(&frame, chosen(noise_variance, *rounds)).unwrap()
    });
    let stages: Vec<Stage> = terms.collect();
    let retries = u32::from(stages.iter().any(Stage::may_retry));
    let (schema, architecture) = (schema.digest(), architecture.encode());
    Plan { schema, architecture, customers_nominal: 400, stages, retries, ..base }
}

pub(super) fn planned_of(stages: &[(StageSettings, u32)]) -> Planned {
    planned_over(network(), stages)
}

pub(super) fn planned_over(architecture: Architecture, stages: &[(StageSettings, u32)]) -> Planned {
    let plan = plan_over(architecture, stages).validate().unwrap_or_else(|fault| panic!("{fault}"));
    planned::check(&plan, Some(&schema())).unwrap_or_else(|fault| panic!("{fault}"))
}

/// A row of the file: who, age, region, products, churn, deposit.
pub(super) type Line = [String; 6];

/// Customers of one to three rows, some values and labels unknown; churn falls with age, deposits follow the region.
pub(super) fn lines(seed: u64, customers: u32) -> Vec<Line> {
    let mut dice = Dice::new(seed);
    let mut all = Vec::new();
    for customer in 0..customers {
        for _ in 0..=dice.below(3) {
            let (age, region) = (dice.below(100), dice.below(3));
            let class = |dice: &mut Dice, percent: u32| match dice.below(10) {
                0 => String::new(),
                _ => if dice.below(100) < percent { "yes" } else { "no" }.to_owned(),
            };
            let churn = class(&mut dice, if age < 50 { 80 } else { 10 });
            let deposit = class(&mut dice, 10 + 35 * region);
            let age = if dice.below(12) == 0 { String::new() } else { age.to_string() };
            let region = ["a", "b", "c"][region as usize].to_owned();
            all.push([format!("c{customer}"), age, region, dice.below(4).to_string(), churn, deposit]);
        }
    }
    all
}

pub(super) fn table(lines: &[Line]) -> Table {
    let schema = schema();
    let mut batch = RawBatch::new(&schema, &["who", "age", "region", "products", "churn", "deposit"]).unwrap();
    for (number, line) in (1..).zip(lines) {
        batch.push(number, &line.each_ref().map(String::as_str)).unwrap();
    }
    Table::of_public(batch.into_features().unwrap())
}

pub(super) fn trainer(lines: &[Line]) -> Trainer {
    Trainer::new(&network(), &table(lines), Placement::Cells).unwrap()
}

fn integers(sum: ClippedSum) -> Vec<i64> {
    let silence = vec![0; sum.coordinates()];
    sum.add_noise(silence).unwrap().quantize(Ring::Bits64).into_words().centred()
}

pub(super) fn sum_of(
    stage: &PlannedStage<'_>,
    trainer: &Trainer,
    state: &PublicState,
) -> Result<Vec<i64>, ContributeFault> {
    let rows = Rows { trainer, customers_nominal: 1 };
    stage.contribute(&rows, state, &mut CountingEntropy(1)).map(integers)
}

/// The squared change of a stage's sum when one customer is removed.
pub(super) fn moved(stage: &PlannedStage<'_>, lines: &[Line], who: &str, state: &PublicState) -> u128 {
    let rest: Vec<Line> = lines.iter().filter(|line| line[0] != who).cloned().collect();
    let [with, without] = [lines, &rest].map(|lines| sum_of(stage, &trainer(lines), state).unwrap());
    with.iter().zip(&without).map(|(with, without)| u128::from((with - without).unsigned_abs()).pow(2)).sum()
}

/// The bytes of a state as an enemy sends it: any parameters, any block weights, any counts.
fn hostile(stage: &PlannedStage<'_>, seed: u64, scale: u32) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let first = stage.begin(Parameters::zero(&network()));
    let mut any = || match dice.below(8) {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => 1e30 * dice.unit(),
        _ => 50.0 * dice.unit(),
    };
    let mut bytes: Vec<u8> = first.parameters.values().iter().flat_map(|_| any().to_le_bytes()).collect();
    let customers = first.known.customers.iter().map(|_| f64::from(1e6 * dice.unit()));
    let customers: Vec<f64> = customers.collect();
    let weights = first.known.weights.iter().map(|_| dice.below(scale)).collect();
    let groups = first.known.groups;
    let beside = Beside { update_clip_norm: None, known: Known { customers, weights, groups, ..Known::default() } };
    bytes.extend(beside.to_bytes());
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Block weights beyond the norm are refused wherever they come in; within it no model moves a customer beyond the claim.
    #[test]
    fn whatever_is_sent_a_customer_moves_the_sum_by_at_most_the_claim(seed in any::<u64>(), scale in 1..=UNITS) {
        let planned = planned_of(&stages());
        let lines = lines(seed, 12);
        for number in 1..3 {
            let stage = planned.stage(number).unwrap();
            let bytes = hostile(&stage, seed, scale);
            let weights = bytes[bytes.len() - 4 * stage.begin(Parameters::zero(&network())).known.weights.len()..].as_chunks().0;
            let square: u128 = weights.iter().map(|weight| u128::from(u32::from_le_bytes(*weight)).pow(2)).sum();
            match stage.admit_state(&bytes) {
                Ok(state) => {
                    prop_assert!(square <= u128::from(UNITS).pow(2));
                    prop_assert!(stage.bound_of(&bytes).is_ok());
                    let moved = moved(&stage, &lines, "c5", &state);
                    prop_assert!(moved <= stage.terms().sensitivity_squared, "{} of {}", moved, stage.terms().sensitivity_squared);
                }
                Err(fault) => {
                    prop_assert_eq!(fault, StateFault::Known);
                    prop_assert!(square > u128::from(UNITS).pow(2));
                    prop_assert_eq!(stage.bound_of(&bytes), Err(StateFault::Known));
                    let mut state = stage.begin(Parameters::zero(&network()));
                    state.known.weights = weights.iter().map(|weight| u32::from_le_bytes(*weight)).collect();
                    let refused = sum_of(&stage, &trainer(&lines), &state);
                    prop_assert_eq!(refused, Err(ContributeFault::State(StateFault::Known)));
                }
            }
        }
        let labels = planned.stage(0).unwrap();
        let state = labels.begin(Parameters::zero(&network()));
        prop_assert!(moved(&labels, &lines, "c5", &state) <= labels.terms().sensitivity_squared);
    }

    /// Whatever a stage comes to, what it hands on is a state that every branch admits.
    #[test]
    fn new_block_weights_are_within_the_norm(seed in any::<u64>(), scale in 1..=UNITS / 4, flat in any::<bool>()) {
        let planned = planned_of(&stages());
        let (first, last) = (planned.stage(1).unwrap(), planned.stage(2).unwrap());
        if let Ok(mut state) = first.admit_state(&hostile(&first, seed, scale)) {
            if flat {
                state.parameters = Parameters::zero(state.parameters.architecture());
            }
            let next = last.begin_after(first.hand_on(state.clone()));
            prop_assert!(last.admit_state(&next.to_bytes()).is_ok());
            let square = |state: &PublicState| state.parameters.values().iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
            prop_assert!(square(&next) <= square(&state), "tables shrink");
            prop_assert!(last.hand_on(next).parameters.architecture() == &network());
        }
    }
}

/// One row, of which the model is as sure as it can be, and wrong: nothing of the norm is left.
#[test]
fn the_claim_is_reached() {
    let planned = planned_of(&stages());
    let stage = planned.stage(1).unwrap();
    let mut state = stage.begin(Parameters::zero(&network()));
    let biases = state.parameters.values().len() - 2;
    let mut values = state.parameters.values().to_vec();
    values[biases..].fill(1000.0);
    state.parameters = Parameters::new(state.parameters.architecture().clone(), values).unwrap();
    let line = |who: &str| [who, "25", "b", "2", "no", "no"].map(str::to_owned);
    let lines = [line("c1"), line("c2")];
    let square = moved(&stage, &lines, "c2", &state);
    let claim = stage.terms().sensitivity_squared;
    assert_eq!(claim, u128::from(UNITS).pow(2));
    assert!(square <= claim && square * 100 > claim * 99, "{square} of {claim}");
    let labels = planned.stage(0).unwrap();
    let positive = ["c2", "25", "b", "2", "yes", "yes"].map(str::to_owned);
    let counted = moved(&labels, &[line("c1"), positive], "c2", &labels.begin(Parameters::zero(&network())));
    assert_eq!(counted, 4 * claim);
    assert_eq!(labels.terms().sensitivity_squared, 4 * claim);
}

/// Equal rows of one customer count as one of them, but for the truncation of each.
#[test]
fn rows_of_a_customer_share_its_weight() {
    let planned = planned_of(&stages());
    let line = ["c1", "25", "b", "2", "no", "yes"].map(str::to_owned);
    for number in 0..3 {
        let stage = planned.stage(number).unwrap();
        let state = stage.begin(Parameters::zero(&network()));
        let sum = |rows: usize| sum_of(&stage, &trainer(&vec![line.clone(); rows]), &state).unwrap();
        let one = sum(1);
        assert!(one.iter().any(|units| *units != 0));
        for rows in [2, 3, 7] {
            let many = sum(rows);
            let near =
                |(one, many): (&i64, &i64)| many.abs() <= one.abs() && (one - many).unsigned_abs() <= rows as u64;
            assert!(one.iter().zip(&many).all(near), "{one:?} {many:?}");
        }
    }
}

/// The whole way: labels, a first stage, new weights, a second one, and tables over the schema's slots that order customers.
#[test]
fn a_plan_of_three_stages_learns_tables() {
    let planned = planned_of(&stages());
    let (rows, held_out) = (trainer(&lines(1, 400)), table(&lines(2, 400)));
    let mut handed = PublicState::of(Parameters::zero(&network()));
    for stage in (0..3).map(|number| planned.stage(number).unwrap()) {
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
    assert_eq!(handed.beside(), Beside::default(), "a run releases a model and nothing beside it");
    let scores = crate::train::predict(&handed.parameters, held_out.data()).unwrap();
    for (head, least) in [(0, 0.8), (1, 0.7)] {
        let auc = crate::evaluate::evaluate(&scores, held_out.data(), head).unwrap().auc.unwrap();
        assert!(auc > least, "head {head}: {auc}");
    }
}

/// The rate of each label is the intercept, and its noised count divides later sums.
#[test]
fn labels_become_intercepts() {
    let planned = planned_of(&stages());
    let labels = planned.stage(0).unwrap();
    let units = i64::from(UNITS);
    let mut state = labels.start(Parameters::zero(&network()));
    let outcome = labels.advance(&mut state, &[300 * units, 75 * units, 40 * units, -5 * units], 1).unwrap();
    assert_eq!(outcome.histograms[0].counts, [300.0, 75.0]);
    assert_eq!(outcome.customers.map(|customers| customers.customers), Some(300.0));
    let known = state.public().known.clone();
    assert_eq!(known.customers, [300.0, 40.0]);
    let biases = &state.public().parameters.values()[network().parameter_count() - 2..];
    // Noise may leave no positive at all: then there is one.
    let expected = [(75.0_f64 / 225.0).ln(), (1.0_f64 / 39.0).ln()];
    assert!(
        biases.iter().zip(expected).all(|(bias, expected)| (f64::from(*bias) - expected).abs() < 1e-6),
        "{biases:?}"
    );
    let first = planned.stage(1).unwrap();
    let begun = first.begin_after(labels.conclude(&state).unwrap());
    assert_eq!(begun.known.customers, known.customers);
    // A count that leads to another state has another digest, and is kept whole.
    let (bytes, stored) = (begun.to_bytes(), first.stored(&begun));
    assert_eq!((first.restored(stored.clone()), &stored), (bytes.clone(), &bytes));
    assert!(first.state_digest(&bytes) != begun.parameters.digest());
    let fresh = first.begin(Parameters::zero(&network()));
    assert_eq!(first.state_digest(&fresh.to_bytes()), fresh.parameters.digest());
    assert_eq!(first.restored(first.stored(&fresh)), fresh.to_bytes());
    assert_eq!(first.read_state(&bytes).unwrap().beside(), begun.beside());
    assert!(labels.advance(&mut state, &[0; 3], 1).is_err());
    // Where every round failed, nothing was counted.
    let failed = first.begin_after(labels.conclude(&labels.start(Parameters::zero(&network()))).unwrap());
    assert!(failed == fresh && failed.known.customers == [400.0; 2]);
}

/// A stage that finds something in one field gives its blocks the norm.
#[test]
fn energy_beyond_noise_draws_the_norm() {
    let planned = planned_of(&stages());
    let stage = planned.stage(1).unwrap();
    let mut state = stage.begin(Parameters::zero(&network()));
    let mut values = state.parameters.values().to_vec();
    // The first head's finest block of the first field; a second head of noise alone.
    values[2 * 9] = 3.0;
    values[2 * 9 + 1] = 1e-3;
    state.parameters = Parameters::new(state.parameters.architecture().clone(), values).unwrap();
    let before = state.known.weights.clone();
    let next = stage.hand_on(state);
    let blocks = before.len() / 2;
    let (first, second) = next.known.weights.split_at(blocks);
    let share = |weight: u32| f64::from(weight).powi(2) / f64::from(UNITS).powi(2) / 0.6;
    assert!(
        share(first[2]) > 0.55 && first.iter().enumerate().all(|(at, own)| at == 2 || share(*own) < 0.1),
        "{first:?}"
    );
    assert_eq!(second, &before[blocks..], "nothing found, nothing changed");
    let kept = next.parameters.values();
    assert!(kept[2 * 9] > 2.0 && kept[2 * 9] < 3.0 && kept[2 * 9 + 1] == 0.0);
}

#[test]
fn stages_over_blocks_follow_one_another() {
    let [labels, first, last] = stages();
    let other = StageSettings::Staged(settings(1.0, None, None));
    let narrower = |mut of: StagedSettings| {
        of.of_blocks.coarse = [2, 0, 0];
        StageSettings::Staged(of)
    };
    let fault = |stages: &[(StageSettings, u32)]| {
        let plan = plan(stages);
        planned::check(&plan.validate().unwrap(), Some(&schema())).err().map(|fault| fault.0)
    };
    assert_eq!(fault(&[labels, first, last]), None);
    assert_eq!(fault(&[labels, (other, 3)]), None);
    assert!(fault(&[first, last]).is_some_and(|text| text.contains("put one of kind \"labels\" before it")));
    for stages in
        [&[labels, first][..], &[labels, first, (narrower(settings(1.0, None, None)), 3)], &[labels, first, labels]]
    {
        assert!(fault(stages).is_some_and(|text| text.contains("hands on a model over blocks")), "{stages:?}");
    }
    let network = network();
    let frame = frame(&network, PrivacyMode::Customer);
    assert_eq!(last.0.form(&frame), Err(StageFault::Schema));
    let own = schema();
    for privacy in [PrivacyMode::Local, PrivacyMode::Branch] {
        let frame = Frame { privacy, schema: Some(&own), ..frame };
        assert!(matches!(last.0.form(&frame), Err(StageFault::Mode { .. })));
        assert!(matches!(labels.0.form(&frame), Err(StageFault::Mode { .. })));
    }
    let deep = Architecture::mlp(network.inputs(), &[4], &["churn", "deposit"]).unwrap();
    let frame = Frame { architecture: &deep, schema: Some(&own), ..frame };
    assert!(matches!(last.0.form(&frame), Err(StageFault::Network(_))));
}

/// Rows that are laid out for another stage make no sum, rather than an empty one.
#[test]
fn a_stage_has_its_own_layout() {
    let planned = planned_of(&stages());
    let dense = Trainer::new(&network(), &table(&lines(3, 9)), Placement::Dense).unwrap();
    let stage = planned.stage(1).unwrap();
    let state = stage.begin(Parameters::zero(&network()));
    assert_eq!(sum_of(&stage, &dense, &state), Err(ContributeFault::Placement));
    let evaluate = StageSettings::Evaluate(EvaluateSettings { clip_units: UNITS, bins: 4, groups: None });
    let planned = planned_of(&[(evaluate, 1)]);
    let stage = planned.stage(0).unwrap();
    let state = stage.begin(Parameters::zero(&network()));
    assert_eq!(sum_of(&stage, &trainer(&lines(3, 9)), &state), Err(ContributeFault::Placement));
}

/// What a plan of a count of two labels and two stages hands on, from zeros and made-up sums; `told` hears of the end of each stage.
pub(super) fn concluded(
    planned: &Planned,
    network: &Architecture,
    mut told: impl FnMut(&PlannedStage<'_>, &StageState),
) -> PublicState {
    let mut dice = Dice::new(7);
    let mut handed = PublicState::of(Parameters::zero(network));
    for stage in (0..3).map(|number| planned.stage(number).unwrap()) {
        let mut state = stage.start_after(handed);
        for _ in 0..stage.terms().rounds {
            let units = |dice: &mut Dice| i64::from(dice.below(200 * UNITS)) - 100 * i64::from(UNITS);
            let sum: Vec<i64> = match stage.terms().dimension {
                4 => [400, 90, 390, 200].map(|count| count * i64::from(UNITS)).to_vec(),
                dimension => (0..dimension).map(|_| units(&mut dice)).collect(),
            };
            stage.advance(&mut state, &sum, 1).unwrap();
        }
        handed = stage.conclude(&state).unwrap();
        told(&stage, &state);
    }
    handed
}

/// From made-up sums to a model, to the bit: on every machine, and for whoever verifies.
#[test]
fn the_same_sums_lead_to_the_same_bits() {
    let planned = planned_of(&stages());
    let mut digests = Vec::new();
    let handed = concluded(&planned, &network(), |stage, state| {
        digests.push(stage.state_digest(&state.public().to_bytes()).short());
    });
    digests.push(handed.parameters.digest().short());
    assert_eq!(digests, ["4b4f286b", "8d608b88", "a6238c8f", "b031805f"]);
}
