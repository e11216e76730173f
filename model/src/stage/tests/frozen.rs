//! Frozen runs and forms: what rows add to a sum, what is made of it, and what every kind says of itself in every mode stays the same. Integers and
//! models are the same to the bit, figures to seven digits: a machine's own logarithm may differ in the last ones. Whoever changes a rule on purpose writes
//! the tables again from what the tests print.

use std::fmt::Write as _;

use tributary_protocol::digest::Digest;

use super::staged::{REWEIGHT, UNITS, lines, network as slots, planned_over, schema as small, settings, table};
use super::way::integers;
use super::*;
use crate::architecture::PairShape;
use crate::blocks::Blocks;
use crate::counts::CellLayout;
use crate::groups::GroupField;
use crate::pairs::Pairing;
use crate::parameters::Parameters;
use crate::planned::Planned;
use crate::privacy::noise_for_tests::CountingEntropy;
use crate::train::{Placement, Trainer};
use crate::update::{ClippedSum, ResidualRule, residual_sum, slot_sum};

/// Text with each number that has a fraction cut to seven digits.
fn rounded(text: &str) -> String {
    let number = |at: &char| at.is_ascii_digit() || *at == '.';
    let mut found = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|at: char| at.is_ascii_digit()) {
        let (before, after) = rest.split_at(start);
        let mut end = after.chars().take_while(number).count();
        let exponent = after[end..]
            .strip_prefix('e')
            .map_or(0, |power| 1 + power.chars().take_while(|at| at.is_ascii_digit() || *at == '-').count());
        end += exponent;
        let (own, after) = after.split_at(end);
        let fraction = own.contains(['.', 'e']).then(|| own.parse::<f64>().ok()).flatten();
        found += before;
        let _ = match fraction {
            Some(value) => write!(found, "{value:.6e}"),
            None => write!(found, "{own}"),
        };
        rest = after;
    }
    found + rest
}

fn short(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()[..16].to_owned()
}

fn even() -> Vec<(StageSettings, u32)> {
    vec![
        (StageSettings::Labels(LabelSettings { clip_units: UNITS }), 1),
        (StageSettings::Staged(settings(4.0, None, Some(REWEIGHT))), 3),
        (StageSettings::Staged(settings(4.0, Some(2), None)), 4),
        (StageSettings::Count(CountSettings { clip_units: 1000, bins: 4, labels: true }), 1),
        (
            StageSettings::Evaluate(EvaluateSettings { clip_units: 1000, bins: 6, groups: Some(GroupField::Input(1)) }),
            1,
        ),
    ]
}

/// As it is, with the weights of classes.
fn weighted(of: StagedSettings, monotone: Option<Monotone>) -> StageSettings {
    let mut of_blocks = of.of_blocks;
    of_blocks.classes[..2].copy_from_slice(&[[250_000, 1_000_000], [1_000_000, 500_000]]);
    of_blocks.monotone[0] = monotone;
    StageSettings::Staged(StagedSettings { of_blocks, ..of }.checked().unwrap())
}

/// With a table that may not turn.
fn ordered() -> Vec<(StageSettings, u32)> {
    let falling = Some(Monotone { field: 2, rising: false });
    vec![
        (StageSettings::Labels(LabelSettings { clip_units: UNITS }), 1),
        (weighted(settings(4.0, None, Some(REWEIGHT)), falling), 3),
        (weighted(settings(4.0, Some(2), None), falling), 4),
    ]
}

fn paired() -> Vec<(StageSettings, u32)> {
    let reweight = Reweight { pair_share: 0.4, ..REWEIGHT };
    vec![
        (StageSettings::Labels(LabelSettings { clip_units: UNITS }), 1),
        (weighted(settings(4.0, None, Some(reweight)), None), 3),
        (weighted(StagedSettings { paired: true, ..settings(4.0, Some(2), None) }, None), 4),
        (StageSettings::Count(CountSettings { clip_units: 10, bins: 3, labels: false }), 1),
    ]
}

fn learnt() -> Vec<(StageSettings, u32)> {
    let learning = |of: StagedSettings| {
        let of_blocks = BlockSettings { learnt: true, ..of.of_blocks };
        StageSettings::Staged(StagedSettings { of_blocks, ..of })
    };
    let quantile = QuantileSettings { clip_units: UNITS, coarse: [2, 5, 0], rare_deviations: 2 };
    vec![
        (StageSettings::Labels(LabelSettings { clip_units: UNITS }), 1),
        (StageSettings::Quantile(quantile), 1),
        (learning(settings(4.0, None, Some(REWEIGHT))), 3),
        (learning(settings(4.0, Some(2), None)), 4),
        (StageSettings::Evaluate(EvaluateSettings { clip_units: 1000, bins: 3, groups: None }), 1),
    ]
}

const BRANCHES: u64 = 3;

/// What three branches add to a round of the stage.
fn sum(stage: &PlannedStage<'_>, state: &PublicState, architecture: &Architecture) -> Vec<i64> {
    let placement = stage.placement().unwrap_or(Placement::Dense);
    let mut sum = vec![0; stage.terms().dimension as usize];
    for seed in 1..=BRANCHES {
        // Cells lie over slots alone.
        let architecture = if placement == Placement::Cells { slots() } else { architecture.clone() };
        let trainer = Trainer::new(&architecture, &table(&lines(seed, 40)), placement).unwrap();
        let rows = Rows { trainer: &trainer, customers_nominal: 40 };
        let own = stage.contribute(&rows, state, &mut CountingEntropy(1)).unwrap();
        sum.iter_mut().zip(integers(own)).for_each(|(sum, own)| *sum += own);
    }
    sum
}

/// All that is said in a run, one digest for each stage.
fn said(planned: &Planned) -> Vec<String> {
    let (schema, mut handed) = (small(), PublicState::zero(planned.architecture()));
    let (mut all, mut noise, mut model) = (Vec::new(), None, handed.parameters.clone());
    for (number, terms) in (0..).zip(&planned.plan().stages) {
        let stage = planned.stage(number).unwrap();
        let (own, share) = (stage.settings(), (terms.noise_variance / 2, 3));
        let mut words = format!("{terms:?} {:?} {:?} {:?}", own.content(), own.choices(), own.clip_norms());
        let _ = write!(words, "{:?} {}", stage.first(), stage.noise_of_count(share));
        let mut state = stage.start_after(handed);
        for round in 0..terms.rounds {
            let mut sum = sum(&stage, state.public(), planned.architecture());
            for (place, value) in (0_i64..).zip(&mut sum) {
                *value += (place * 7_919 + i64::from(round) * 104_729) % 2_001 - 1_000;
            }
            let outcome = stage.advance(&mut state, &sum, 3).unwrap();
            let _ = write!(words, "{sum:?} {outcome:?} {:?}", stage.figures(&outcome.histograms, share));
            let _ = write!(words, "{:?}", stage.fields(&outcome.histograms, share));
            let bytes = state.public().to_bytes();
            let _ = write!(words, "{} {:?}", stage.state_digest(&bytes), stage.bound_of(&bytes));
            let kept = stage.stored(state.public());
            assert_eq!(stage.restored(kept), bytes);
            if let StageSettings::Count(count) = own {
                let layout = count.layout(&stage.frame()).unwrap();
                let counts = (&layout, outcome.histograms.as_slice(), stage.noise_of_count(share));
                let _ = write!(words, "{:?}", importance(&schema, &model, counts, None));
                let noise = noise.as_deref();
                let _ = write!(words, "{:?}", importance(&schema, &model, counts, noise));
            }
        }
        let found = stage.noise_in_model(&state.public().beside(), share);
        let _ = write!(words, "{found:?} {:?}", stage.learnt_fields(state.public()));
        noise = found.or(noise);
        handed = stage.conclude(&state).unwrap();
        if handed.parameters.architecture() == planned.architecture() {
            model = handed.parameters.clone();
        }
        let _ =
            write!(words, "{:?}", handed.parameters.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>());
        let _ = write!(words, "{:?}", handed.beside());
        all.push(short(&rounded(&words)));
    }
    all
}

type Run = (fn() -> Vec<(StageSettings, u32)>, Option<PairShape>, &'static [&'static str]);

const RUNS: [Run; 4] = [
    (even, None, &["1bb47903092623d7", "6c8e3341b5bd5fee", "78cf31353ce5fea9", "7fe458db25c9041e", "46ddfefc014cd2be"]),
    (ordered, None, &["1bb47903092623d7", "1a13f253c24c127a", "dbbee6e3eecdc466"]),
    (
        paired,
        Some(PairShape { tables: 2, groups: 2 }),
        &["e2d9f98545fea17a", "840569daa1a40c4f", "aec3bd1c821f1604", "b9edaec6645f7fe4"],
    ),
    (
        learnt,
        None,
        &["1bb47903092623d7", "8f0124c21a5717ab", "7aefd3264249d5fd", "d70af25e4b4eb64f", "cb6697c01df12e48"],
    ),
];

#[test]
fn whole_runs_come_to_what_they_came_to() {
    let found = RUNS.map(|(stages, pairs, _)| {
        let architecture = slots().with_pairs(pairs).unwrap();
        said(&planned_over(architecture, &stages()))
    });
    assert_eq!(found.each_ref().map(Vec::as_slice), RUNS.map(|(.., frozen)| frozen));
}

/// Settings of every kind, as many as have a form of their own.
fn kinds() -> Vec<StageSettings> {
    let chunks = ClipSettings { form: ClipForm::Chunked, clip_units: 1 << 20, ..CLIP };
    let quiet = ClipSettings { loss_bound: None, ..CLIP };
    let count = |labels| StageSettings::Count(CountSettings { clip_units: 10, bins: 5, labels });
    let evaluate = |groups| StageSettings::Evaluate(EvaluateSettings { clip_units: 10, bins: 5, groups });
    let mut all = vec![
        StageSettings::Gradient(gradient()),
        StageSettings::Gradient(GradientSettings { clip: chunks, ..gradient() }),
        StageSettings::Gradient(GradientSettings { clip: quiet, ..gradient() }),
        StageSettings::Local(local(false)),
        StageSettings::Local(local(true)),
        StageSettings::Local(LocalSettings { clip: quiet, ..local(true) }),
        StageSettings::Local(LocalSettings { clip: chunks, ..local(false) }),
        count(true),
        evaluate(Some(GroupField::Input(1))),
        evaluate(Some(GroupField::Audit(0))),
        StageSettings::Mean(MeanSettings { column: 1, units: 10 }),
        StageSettings::Mean(MeanSettings { column: 400, units: 10 }),
    ];
    all.extend([even(), ordered(), paired(), learnt()].into_iter().flatten().map(|(settings, _)| settings));
    all
}

/// Each kind's numbers in each mode, at one branch of a customer and at three, with and without the schema, for a small network, one with pairs and one of
/// layers; beside them what may follow on what.
#[test]
fn every_kind_has_the_form_that_it_had() {
    const FROZEN: &str = "816e580f1adb55e8";
    let schema = small();
    let width = u32::try_from(schema.width()).unwrap();
    let networks = [
        slots(),
        slots().with_pairs(Some(PairShape { tables: 2, groups: 2 })).unwrap(),
        slots().with_pairs(Some(PairShape { tables: 9, groups: 2 })).unwrap(),
        Architecture::mlp(width, &[4], &["churn", "deposit"]).unwrap(),
        network(),
    ];
    let mut words = String::new();
    let all = kinds();
    for settings in &all {
        let _ = write!(words, "{} {:?} {:?}", settings.kind(), settings.encode(), settings.lowest_bound());
        let _ = write!(words, "{:?} {:?}", settings.opens(), settings.precedes(None));
        for next in &all {
            let _ = write!(words, "{:?}", settings.precedes(Some(next)));
        }
        for architecture in &networks {
            for (overlap_max, schema) in [(1, Some(&schema)), (3, Some(&schema)), (1, None)] {
                for privacy in [PrivacyMode::Customer, PrivacyMode::None, PrivacyMode::Local, PrivacyMode::Branch] {
                    let frame = Frame { overlap_max, schema, ..frame(architecture, privacy) };
                    let noise_variance = if privacy == PrivacyMode::None { 0 } else { 1 << 30 };
                    for (rounds, sampling_threshold) in [(1, 0), (2, 0), (2, 1 << 61)] {
                        let chosen = Chosen { sampling_threshold, ..chosen(noise_variance, rounds) };
                        let _ = write!(words, "{:?}", settings.terms(&frame, chosen));
                    }
                }
            }
        }
    }
    assert_eq!(short(&words), FROZEN);
}

/// Where cells lie, for fields and for scores.
#[test]
fn every_cell_lies_where_it_lay() {
    const FROZEN: &str = "1adb7d11ef9b7b7d";
    let (schema, heads) = (small(), ["churn".to_owned(), "deposit".to_owned()]);
    let mut words = String::new();
    for bins in [1, 2, 7] {
        for layout in [
            CellLayout::scores(&heads, bins, &[]),
            CellLayout::scores(&heads, bins, &["f".to_owned(), "m".to_owned()]),
            CellLayout::features(&schema, bins, false),
            CellLayout::features(&schema, bins, true),
        ] {
            let _ = write!(words, "{layout:?} {} {}", layout.cells(), layout.counts_per_customer());
            let sum: Vec<i64> = (0..layout.cells()).map(|cell| 10 * cell as i64 - 7).collect();
            let _ = write!(words, "{:?}", layout.read(&sum, 10));
        }
    }
    assert_eq!(short(&rounded(&words)), FROZEN);
}

/// Numbers with a fraction alone.
#[test]
fn figures_are_cut_and_whole_numbers_are_not() {
    assert_eq!(rounded("a1 [12, 0.5, -1.23456789e-9, 1e3] b"), "a1 [12, 5.000000e-1, -1.234568e-9, 1.000000e3] b");
}

/// Rows and rules of other fields, heads or numbers add nothing: no row of one schema is taken for one of another.
#[test]
fn what_does_not_fit_adds_nothing() {
    let (schema, table) = (small(), table(&lines(1, 9)));
    let trainer = Trainer::new(&slots(), &table, Placement::Cells).unwrap();
    let rows = trainer.cells().unwrap();
    let other = Schema::parse(
        r#"
name = "other"
version = 1
fields = [{ name = "age", kind = "numeric", min = 0, max = 9, transform = "bins", edges = [1, 2], class = "C1", level = "L1" }]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#,
    );
    let other = other.unwrap_or_else(|faults| panic!("{faults}"));
    let [own, other] = [&schema, &other].map(|schema| Blocks::to_learn(schema, &[2]).unwrap());
    let is_nothing = |sum: ClippedSum| integers(sum).iter().all(|units| *units == 0);
    assert!(!is_nothing(slot_sum(rows, &own, 10)) && is_nothing(slot_sum(rows, &other, 10)));
    let over = |blocks: &Blocks, heads: &[&str]| {
        Parameters::zero(&Architecture::logistic(u32::try_from(blocks.cells()).unwrap(), heads).unwrap())
    };
    let (models, pairing) = ([over(&own, &["churn", "deposit"]), over(&own, &["churn"])], Pairing::default());
    let (weights, classes) = (vec![1000; 2 * own.count()], [[CLASS_UNITS; 2]; 3]);
    let sum = |blocks: &Blocks, model: &Parameters, weights: &[u32], classes: &[[u32; 2]]| {
        is_nothing(residual_sum(rows, &ResidualRule { blocks, model, weights, pairing: &pairing, classes }))
    };
    assert!(!sum(&own, &models[0], &weights, &classes[..2]));
    assert!(sum(&other, &over(&other, &["churn", "deposit"]), &weights[..2 * other.count()], &classes[..2]));
    assert!(
        sum(&own, &models[1], &weights, &classes[..2])
            && sum(&own, &over(&other, &["a", "b"]), &weights, &classes[..2])
    );
    assert!(sum(&own, &models[0], &weights[1..], &classes[..2]) && sum(&own, &models[0], &weights, &classes[..1]));
    let more: Vec<u32> = weights.iter().copied().chain([1]).collect();
    assert!(sum(&own, &models[0], &more, &classes[..2]) && sum(&own, &models[0], &weights, &classes));
}
