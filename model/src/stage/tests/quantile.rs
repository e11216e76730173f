//! Learnt groups: what a customer can move, what is taken of a hostile hand, and what is made of a sum.

use proptest::prelude::*;

use super::staged::{
    REWEIGHT, UNITS, lines, moved, network, plan, planned_of, schema, settings, sum_of, table, trainer,
};
use super::*;
use crate::blocks::{Blocks, UngroupedField};
use crate::parameters::Parameters;
use crate::planned;
use crate::train::tests::Dice;

/// Of a sum that was made up.
const GOLDEN_GROUPS: [u16; 9] = [4, 1, 2, 4, 8, 0, 1, 1, 1];
const COARSE: [u32; COARSE_MAX] = [2, 5, 0];

fn quantile(rare_deviations: u32) -> StageSettings {
    StageSettings::Quantile(QuantileSettings { clip_units: UNITS, coarse: COARSE, rare_deviations })
}

fn learning(rate: f64, tail: Option<u32>, reweight: Option<Reweight>) -> StageSettings {
    let of = settings(rate, tail, reweight);
    StageSettings::Staged(StagedSettings { of_blocks: BlockSettings { learnt: true, ..of.of_blocks }, ..of })
}

/// Labels, groups, a first stage of 10 rounds and a second one of 20.
fn stages() -> [(StageSettings, u32); 4] {
    [
        (StageSettings::Labels(LabelSettings { clip_units: UNITS }), 1),
        (quantile(2), 1),
        (learning(4.0, None, Some(REWEIGHT)), 10),
        (learning(4.0, Some(10), None), 20),
    ]
}

fn zero() -> Parameters {
    Parameters::zero(&network())
}

/// Of ten bins two groups and five; three categories; of three bins two groups, and a block of all of them.
const EVEN: [u16; 9] = [5, 2, 4, 6, 8, 0, 1, 2, 2];

/// Lists that are no groups of this schema: edges out of order, twice, at or beyond the ends; cells beyond the categories or after their own,
/// two cells for the rest; too few or too many numbers, as another schema has them.
const HOSTILE: [&[u16]; 12] = [
    &[5, 4, 2, 6, 8, 0, 1, 2, 2],
    &[5, 2, 2, 6, 8, 0, 1, 2, 2],
    &[0, 2, 4, 6, 8, 0, 1, 2, 2],
    &[10, 2, 4, 6, 8, 0, 1, 2, 2],
    &[5, 2, 4, 6, 65_535, 0, 1, 2, 2],
    &[5, 2, 4, 6, 8, 0, 1, 3, 2],
    &[5, 2, 4, 6, 8, 2, 1, 2, 2],
    &[5, 2, 4, 6, 8, 0, 0, 1, 2],
    &[5, 2, 4, 6, 8, 0, 1, 2, 3],
    &[5, 2, 4, 6, 8, 0, 1, 2],
    &[5, 2, 4, 6, 8, 0, 1, 2, 2, 1],
    &[],
];

#[test]
fn no_other_list_of_groups_is_taken() {
    let planned = planned_of(&stages());
    let rows = trainer(&lines(3, 9));
    for number in [1, 2, 3] {
        let stage = planned.stage(number).unwrap();
        let first = stage.begin(zero());
        assert_eq!(first.known.groups, EVEN);
        let with = |groups: &[u16]| {
            let known = Known { groups: groups.to_vec(), ..first.known.clone() };
            PublicState { known, ..first.clone() }
        };
        for good in [&[1, 1, 2, 3, 4, 0, 0, 0, 1], &[9, 6, 7, 8, 9, 0, 1, 1, 2], &EVEN] {
            assert!(stage.read_state(&with(good).to_bytes()).unwrap() == with(good));
            assert!(number == 1 || sum_of(&stage, &rows, &with(good)).is_ok());
        }
        for groups in HOSTILE {
            let bytes = with(groups).to_bytes();
            let length = StateFault::Length { expected: first.to_bytes().len(), found: bytes.len() };
            let fault = if groups.len() == EVEN.len() { StateFault::Known } else { length };
            assert_eq!(stage.read_state(&bytes).err(), Some(fault.clone()), "{groups:?}");
            assert_eq!(stage.admit_state(&bytes).err(), Some(fault.clone()), "{groups:?}");
            assert_eq!(stage.bound_of(&bytes).err(), Some(fault), "{groups:?}");
            if number > 1 {
                let refused = sum_of(&stage, &rows, &with(groups));
                assert_eq!(refused, Err(ContributeFault::State(StateFault::Known)), "{groups:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Any list of groups is refused, or no customer moves a sum by more than the claim with it.
    #[test]
    fn whatever_groups_are_sent_a_customer_moves_the_sum_by_at_most_the_claim(seed in any::<u64>(), order in any::<bool>()) {
        let planned = planned_of(&stages());
        let lines = lines(seed, 12);
        let mut dice = Dice::new(seed);
        let counting = planned.stage(1).unwrap();
        let change = moved(&counting, &lines, "c5", &counting.begin(zero()));
        prop_assert!(change <= counting.terms().sensitivity_squared && change > 0);
        let stage = planned.stage(2).unwrap();
        let mut state = stage.begin(zero());
        let most = if order { 10 } else { 12 };
        let mut any = |count: u32, most: u32| -> Vec<u16> { (0..count).map(|_| u16::try_from(dice.below(most)).unwrap()).collect() };
        let (mut edges, cells, last) = (any(5, most), any(3, 3), any(1, 4));
        if order {
            edges[1..].sort_unstable();
        }
        state.known.groups = [edges, cells, last].concat();
        let values = state.parameters.values().iter().map(|_| 50.0 * dice.unit()).collect();
        state.parameters = Parameters::new(state.parameters.architecture().clone(), values).unwrap();
        match stage.admit_state(&state.to_bytes()) {
            Ok(admitted) => {
                prop_assert!(admitted == state);
                let moved = moved(&stage, &lines, "c5", &state);
                prop_assert!(moved <= stage.terms().sensitivity_squared, "{} of {}", moved, stage.terms().sensitivity_squared);
            }
            Err(fault) => prop_assert_eq!(fault, StateFault::Known),
        }
    }

    /// Whatever was summed, groups follow that every branch takes, and they are a partition of each field.
    #[test]
    fn groups_of_any_sum_are_groups(sum in prop::collection::vec(any::<i64>(), 17), rare in 0..=RARE_DEVIATIONS_MAX) {
        let mut stages = stages();
        stages[1].0 = quantile(rare);
        let planned = planned_of(&stages);
        let stage = planned.stage(1).unwrap();
        let mut state = stage.start(zero());
        stage.advance(&mut state, &sum, 3).unwrap();
        let next = planned.stage(2).unwrap();
        let begun = next.begin_after(stage.conclude(&state).unwrap());
        prop_assert_eq!(&begun.known.groups, &state.public().known.groups);
        prop_assert!(next.admit_state(&begun.to_bytes()).is_ok());
        let blocks = Blocks::to_learn(&schema(), &COARSE[..2]).unwrap().with(&begun.known.groups).unwrap();
        for block in blocks.all() {
            let cells: Vec<usize> = (0..blocks.slots(block.field)).map(|slot| blocks.cell(block, slot)).collect();
            prop_assert!(cells.iter().all(|cell| (block.first..block.first + block.cells()).contains(cell)));
            if block.field != 1 {
                prop_assert!(cells.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1));
                prop_assert_eq!(cells.last().copied(), Some(block.first + block.cells() - 1), "no group is empty");
            }
        }
    }
}

/// From a made-up sum to groups. The numbers come from another program in another language.
#[test]
fn the_same_sum_leads_to_the_same_groups() {
    let planned = planned_of(&stages());
    let stage = planned.stage(1).unwrap();
    assert_eq!((stage.terms().dimension, stage.terms().sensitivity_squared), (17, 3 * u128::from(UNITS).pow(2)));
    let mut state = stage.start(zero());
    let sum = [
        90_000, 410_000, -3_000, 55_555, 800_001, 1_234, -70_000, 2_500, 99_999, 12_345, 40_000, 700_000, 14_188, -1,
        1_000_000, 5, -9_000,
    ];
    let outcome = stage.advance(&mut state, &sum, 3).unwrap();
    assert_eq!(state.public().known.groups, GOLDEN_GROUPS);
    // One unit above twice the standard deviation of the noise a category is no longer rare.
    let mut other = sum;
    other[12] += 1;
    let mut beside = stage.start(zero());
    stage.advance(&mut beside, &other, 3).unwrap();
    assert_eq!(beside.public().known.groups[5..8], [0, 1, 2]);
    let named: Vec<_> = outcome.histograms.iter().map(|own| (own.name.as_str(), own.counts.len())).collect();
    assert_eq!(named, [("age", 11), ("region", 3), ("products", 3)]);
    assert_eq!(outcome.histograms[1].counts[0] * f64::from(UNITS), 700_000.0);
    let shorter = stage.advance(&mut state, &sum[1..], 3);
    assert_eq!(shorter, Err(AdvanceFault::Dimension { expected: 17, found: 16 }));
    assert_eq!(state.public().known.groups, GOLDEN_GROUPS, "a sum that cannot be used changes nothing");
}

/// The whole way: what was learnt reaches the branches, and tables over the schema's slots come out that are alike where all groups are.
#[test]
fn a_plan_with_learnt_groups_learns_tables() {
    let planned = planned_of(&stages());
    let (rows, held_out) = (trainer(&lines(1, 400)), table(&lines(2, 400)));
    let mut handed = PublicState::of(zero());
    let mut groups = Vec::new();
    for (number, stage) in (0..4).map(|number| (number, planned.stage(number).unwrap())) {
        let mut state = stage.start_after(handed);
        for _ in 0..stage.terms().rounds {
            let bytes = state.public().to_bytes();
            if number > 1 {
                assert_eq!(bytes.len(), stage.terms().model_bytes as usize);
                assert_eq!(state.public().known.groups, groups, "stage {number}");
                assert_eq!(state.public().known.customers.len(), 2);
                assert!(
                    state.public().known.customers.iter().all(|customers| *customers != 400.0),
                    "as labels counted"
                );
            }
            let sum = sum_of(&stage, &rows, &stage.admit_state(&bytes).unwrap()).unwrap();
            stage.advance(&mut state, &sum, 1).unwrap();
        }
        if number == 1 {
            groups = state.public().known.groups.clone();
        }
        handed = stage.conclude(&state).unwrap();
    }
    assert_eq!(handed.beside(), Beside::default(), "a run releases a model and nothing beside it");
    let blocks = Blocks::to_learn(&schema(), &COARSE[..2]).unwrap().with(&groups).unwrap();
    let values = handed.parameters.values();
    let cells = |slot: usize| -> Vec<usize> {
        let own = blocks.all().iter().filter(|block| block.field == 0);
        own.map(|block| blocks.cell(block, slot)).collect()
    };
    for slot in 1..10 {
        let same = cells(slot) == cells(slot - 1);
        assert_eq!(values[2 * slot] == values[2 * slot - 2], same, "slot {slot} of {groups:?}");
    }
    let scores = crate::train::predict(&handed.parameters, held_out.data()).unwrap();
    for (head, least) in [(0, 0.8), (1, 0.7)] {
        let auc = crate::evaluate::evaluate(&scores, held_out.data(), head).unwrap().auc.unwrap();
        assert!(auc > least, "head {head}: {auc}");
    }
}

/// A run that begins with a model begins with the mean of a group's slots.
#[test]
fn a_model_begins_as_means_of_groups() {
    let planned = planned_of(&stages());
    let stage = planned.stage(2).unwrap();
    let mut values = vec![0.0; network().parameter_count()];
    values[0] = 3.0;
    values[2] = 1.0;
    let state = stage.begin(Parameters::new(network(), values).unwrap());
    let blocks = Blocks::to_learn(&schema(), &COARSE[..2]).unwrap();
    let folded = blocks.folded(&state.parameters);
    assert_eq!((folded[0], folded[2], folded[4]), (2.0, 2.0, 0.0));
}

#[test]
fn groups_are_learnt_before_they_are_used_and_used_where_they_are_learnt() {
    let [labels, learnt, first, last] = stages();
    let fault = |stages: &[(StageSettings, u32)]| {
        planned::check(&plan(stages).validate().unwrap(), Some(&schema())).err().map(|fault| fault.0)
    };
    assert_eq!(fault(&[labels, learnt, first, last]), None);
    assert_eq!(fault(&[learnt, last]), None, "a run can begin with groups");
    let even = (StageSettings::Staged(settings(4.0, None, None)), 3);
    let fewer = QuantileSettings { clip_units: UNITS, coarse: [2, 0, 0], rare_deviations: 2 };
    for stages in [
        &[labels, learnt][..],
        &[labels, learnt, even],
        &[labels, learnt, labels],
        &[labels, (StageSettings::Quantile(fewer), 1), last],
    ] {
        assert!(
            fault(stages).is_some_and(|text| text.contains("put a stage of kind \"staged\" after it")),
            "{stages:?}"
        );
    }
    assert!(
        fault(&[labels, first, last]).is_some_and(|text| text.contains("put a stage of kind \"quantile\" before it"))
    );
    let network = network();
    let own = schema();
    let bare = frame(&network, PrivacyMode::Customer);
    assert_eq!(learnt.0.form(&bare), Err(StageFault::Schema));
    for privacy in [PrivacyMode::Local, PrivacyMode::Branch] {
        let frame = Frame { privacy, schema: Some(&own), ..bare };
        assert!(matches!(learnt.0.form(&frame), Err(StageFault::Mode { .. })));
    }
    let twice = Frame { overlap_max: 2, schema: Some(&own), ..bare };
    assert_eq!(learnt.0.form(&twice).unwrap().sensitivity_squared, 4 * 3 * u128::from(UNITS).pow(2));
    let linear = super::schema();
    let unbinned = Frame { schema: Some(&linear), ..bare };
    assert!(matches!(learnt.0.form(&unbinned), Err(StageFault::Ungrouped(UngroupedField(_)))));
}
