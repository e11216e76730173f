//! Settings as bytes: what was written is read, and nothing else is.

use proptest::prelude::*;

use super::*;
use crate::groups::GroupField;

fn clips() -> impl Strategy<Value = ClipSettings> {
    let form = prop_oneof![Just(ClipForm::Exact), Just(ClipForm::Chunked)];
    let loss_bound = prop::option::of(1e-3..1000.0);
    (1e-3..=1e6, 256_u32..=1 << 20, form, loss_bound).prop_map(|(example_clip_norm, clip_units, form, loss_bound)| {
        ClipSettings { example_clip_norm, clip_units, form, loss_bound }
    })
}

fn optimizers() -> impl Strategy<Value = OptimizerSettings> {
    let sgd =
        (1e-9..1000.0, 0.0..0.999).prop_map(|(learning_rate, momentum)| UpdateRule::Sgd { learning_rate, momentum });
    let adam = (1e-9..1000.0, 0.0..0.999, 0.0..0.999, 1e-12..1.0)
        .prop_map(|(learning_rate, beta1, beta2, epsilon)| UpdateRule::Adam { learning_rate, beta1, beta2, epsilon });
    (prop_oneof![sgd, adam], prop::option::of(any::<u32>())).prop_map(|(rule, tail_start)| optimizer(rule, tail_start))
}

fn coarse() -> impl Strategy<Value = [u32; COARSE_MAX]> {
    prop::collection::btree_set(2_u32..=256, 0..=COARSE_MAX).prop_map(|groups| {
        let mut coarse = [0; COARSE_MAX];
        coarse.iter_mut().zip(groups).for_each(|(own, groups)| *own = groups);
        coarse
    })
}

fn staged() -> impl Strategy<Value = StageSettings> {
    let groups = (coarse(), any::<bool>());
    let shares = prop::collection::vec(0_u32..=HEAD_SHARES / 16, 16);
    let steps = (1e-9..1000.0, 0.0..0.999, prop::option::of(any::<u32>()));
    let reweight = prop::option::of((0.0..=1.0, 1.0..=100.0, 0.0..=PAIR_SHARE_MAX));
    let classes = prop::collection::vec(prop::array::uniform2(1..CLASS_UNITS), 0..=16);
    let monotone = prop::collection::btree_map(any::<u16>(), any::<bool>(), 0..=MONOTONE_MAX);
    let beside = (reweight, any::<bool>(), classes, monotone);
    (256_u32..=1 << 20, groups, shares, steps, beside).prop_map(|(clip_units, groups, shares, steps, beside)| {
        let (reweight, paired, classes, monotone) = beside;
        let (coarse, learnt) = groups;
        let (learning_rate, momentum, tail_start) = steps;
        let in_pairs = paired || reweight.is_some_and(|(_, _, pair_share)| pair_share > 0.0);
        let learnt = learnt && monotone.is_empty() && !in_pairs;
        let mut of_blocks = BlockSettings { learnt, ..BlockSettings::plain(clip_units, coarse) };
        of_blocks.classes.iter_mut().zip(classes).for_each(|(own, class)| *own = class);
        let fields = monotone.into_iter().map(|(field, rising)| Some(Monotone { field, rising }));
        of_blocks.monotone.iter_mut().zip(fields).for_each(|(own, field)| *own = field);
        StageSettings::Staged(StagedSettings {
            of_blocks,
            head_shares: shares.try_into().unwrap(),
            steps: Steps::of(learning_rate, momentum, tail_start).unwrap(),
            paired: paired && reweight.is_none(),
            reweight: reweight.map(|(floor, noise_excess, pair_share)| Reweight { floor, noise_excess, pair_share }),
        })
    })
}

fn all() -> impl Strategy<Value = StageSettings> {
    let counts = || (1_u32..=1 << 20, 2_u32..=1000);
    let groups = prop_oneof![
        Just(None),
        any::<u16>().prop_map(|place| Some(GroupField::Input(place))),
        any::<u16>().prop_map(|place| Some(GroupField::Audit(place))),
    ];
    let rule = (1_u32..=1000, 1e-9..=1e6, 1e-3..=1e6).prop_map(|(steps, learning_rate, update_clip_norm)| LocalRule {
        steps,
        learning_rate,
        update_clip_norm,
    });
    prop_oneof![
        (counts(), any::<bool>()).prop_map(|((clip_units, bins), labels)| StageSettings::Count(CountSettings {
            clip_units,
            bins,
            labels
        })),
        (counts(), groups).prop_map(|((clip_units, bins), groups)| StageSettings::Evaluate(EvaluateSettings {
            clip_units,
            bins,
            groups
        })),
        (clips(), optimizers())
            .prop_map(|(clip, optimizer)| StageSettings::Gradient(GradientSettings { clip, optimizer })),
        (clips(), rule, any::<bool>(), optimizers()).prop_map(|(clip, rule, adaptive, optimizer)| {
            StageSettings::Local(LocalSettings { clip, rule, adaptive, optimizer })
        }),
        (1_u32..=1 << 20).prop_map(|clip_units| StageSettings::Labels(LabelSettings { clip_units })),
        staged(),
        (1_u32..=1 << 20, coarse(), 0..=RARE_DEVIATIONS_MAX).prop_map(|(clip_units, coarse, rare_deviations)| {
            StageSettings::Quantile(QuantileSettings { clip_units, coarse, rare_deviations })
        }),
        (any::<u32>(), 1_u32..=1 << 20).prop_map(|(column, units)| StageSettings::Mean(MeanSettings { column, units })),
    ]
}

const KINDS: [&str; 8] = ["count", "gradient", "local", "labels", "quantile", "staged", "evaluate", "mean"];

proptest! {
    #[test]
    fn what_was_written_is_read_and_by_its_own_kind_alone(settings in all()) {
        let bytes = settings.encode();
        prop_assert!(tributary_protocol::plan::is_stage_kind(settings.kind()));
        for kind in KINDS {
            let read = StageSettings::decode(kind, &bytes);
            if kind == settings.kind() {
                prop_assert_eq!(read, Ok(settings));
            } else {
                prop_assert!(matches!(read, Err(StageFault::Decode(_))), "{} {:?}", kind, read);
            }
        }
        for end in 0..bytes.len() {
            prop_assert!(StageSettings::decode(settings.kind(), &bytes[..end]).is_err(), "{} bytes", end);
        }
    }

    /// Bytes of settings of which some were changed: refused, or the settings of exactly these bytes.
    #[test]
    fn changed_bytes_are_refused_or_other_settings(
        settings in all(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        trailing in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let mut bytes = settings.encode();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.extend(trailing);
        if let Ok(read) = StageSettings::decode(settings.kind(), &bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_read_in_bounds(kind in prop::sample::select(&KINDS[..]), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(read) = StageSettings::decode(kind, &bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }
}

/// Each value by itself, beyond its limits on each side.
#[test]
fn every_limit_of_every_value_is_kept() {
    let read = |settings: StageSettings| StageSettings::decode(settings.kind(), &settings.encode()).is_ok();
    let clipped = |clip| StageSettings::Gradient(GradientSettings { clip, ..gradient() });
    let locally = |rule| StageSettings::Local(LocalSettings { rule, ..local(false) });
    let count = |clip_units, bins| StageSettings::Count(CountSettings { clip_units, bins, labels: false });
    let evaluate = |clip_units, bins| StageSettings::Evaluate(EvaluateSettings { clip_units, bins, groups: None });
    for (row, (settings, fits)) in [
        (clipped(CLIP), true),
        (clipped(ClipSettings { example_clip_norm: 0.001, ..CLIP }), true),
        (clipped(ClipSettings { example_clip_norm: 0.000_999, ..CLIP }), false),
        (clipped(ClipSettings { example_clip_norm: 1e6, ..CLIP }), true),
        (clipped(ClipSettings { example_clip_norm: 1_000_001.0, ..CLIP }), false),
        (clipped(ClipSettings { example_clip_norm: f64::NAN, ..CLIP }), false),
        (clipped(ClipSettings { clip_units: 256, ..CLIP }), true),
        (clipped(ClipSettings { clip_units: 255, ..CLIP }), false),
        (clipped(ClipSettings { clip_units: 1 << 20, ..CLIP }), true),
        (clipped(ClipSettings { clip_units: (1 << 20) + 1, ..CLIP }), false),
        (clipped(ClipSettings { loss_bound: None, ..CLIP }), true),
        (clipped(ClipSettings { loss_bound: Some(1000.0), ..CLIP }), true),
        (clipped(ClipSettings { loss_bound: Some(1001.0), ..CLIP }), false),
        (clipped(ClipSettings { loss_bound: Some(-1.0), ..CLIP }), false),
        (clipped(ClipSettings { loss_bound: Some(-0.0), ..CLIP }), false),
        (clipped(ClipSettings { loss_bound: Some(f64::INFINITY), ..CLIP }), false),
        (locally(LocalRule { steps: 1000, ..RULE }), true),
        (locally(LocalRule { steps: 1001, ..RULE }), false),
        (locally(LocalRule { steps: 0, ..RULE }), false),
        (locally(LocalRule { learning_rate: 1e-9, ..RULE }), true),
        (locally(LocalRule { learning_rate: 9e-10, ..RULE }), false),
        (locally(LocalRule { learning_rate: 1.1e6, ..RULE }), false),
        (locally(LocalRule { learning_rate: f64::NAN, ..RULE }), false),
        (locally(LocalRule { update_clip_norm: 0.000_9, ..RULE }), false),
        (locally(LocalRule { update_clip_norm: 1.1e6, ..RULE }), false),
        (locally(LocalRule { update_clip_norm: -1.0, ..RULE }), false),
        (count(1, 2), true),
        (count(0, 2), false),
        (count(1 << 20, 1000), true),
        (count((1 << 20) + 1, 2), false),
        (count(1, 1), false),
        (count(1, 1001), false),
        (evaluate(0, 2), false),
        (evaluate((1 << 20) + 1, 2), false),
        (evaluate(1, 1), false),
        (evaluate(1, 1001), false),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(read(settings), fits, "row {row}: {settings:?}");
    }
}

#[test]
fn a_policy_sees_every_bound() {
    assert_eq!(StageSettings::Gradient(gradient()).clip_norms(), [("example_clip_norm", 2.0)]);
    assert_eq!(
        StageSettings::Local(local(true)).clip_norms(),
        [("example_clip_norm", 2.0), ("update_clip_norm", 0.37)]
    );
    assert!(StageSettings::Evaluate(EvaluateSettings { clip_units: 1, bins: 2, groups: None }).clip_norms().is_empty());
    let lowest = [true, false].map(|adaptive| StageSettings::Local(local(adaptive)).lowest_bound());
    assert_eq!(lowest, [Some(0.001), None], "no bound falls below the smallest norm");
    let higher = LocalSettings { rule: LocalRule { update_clip_norm: 5.0, ..local(true).rule }, ..local(true) };
    assert_eq!(StageSettings::Local(higher).lowest_bound(), Some(0.005));
    assert!(StageSettings::Local(local(true)).adapts() && !StageSettings::Local(local(false)).adapts());
}

/// A decay of zero has one form, and a number of the optimizer that is out of range is no settings of a stage.
#[test]
fn the_optimizer_within_is_judged_as_well() {
    let honest = StageSettings::Gradient(gradient());
    let bytes = honest.encode();
    let own = |value: f64| value.to_le_bytes();
    let replaced = |old: f64, new: f64| {
        let at = bytes.windows(8).position(|window| window == own(old)).expect("the value is in the encoding");
        let mut changed = bytes.clone();
        changed[at..at + 8].copy_from_slice(&own(new));
        StageSettings::decode("gradient", &changed).is_ok()
    };
    assert!(replaced(0.9, 0.5) && replaced(0.9, 0.0));
    for momentum in [-0.0, 1.0, f64::NAN, -0.5] {
        assert!(!replaced(0.9, momentum), "{momentum}");
    }
    for learning_rate in [0.0, 1001.0, f64::INFINITY] {
        assert!(!replaced(0.37, learning_rate), "{learning_rate}");
    }
}

/// Staged learning as a plan has it.
fn usual() -> StagedSettings {
    StagedSettings {
        of_blocks: BlockSettings::plain(1 << 20, [4, 8, 0]),
        paired: false,
        head_shares: [0; 16],
        steps: Steps::of(1.0, 0.9, Some(75)).unwrap(),
        reweight: Some(Reweight { floor: 0.02, noise_excess: 1.7, pair_share: 0.25 }),
    }
}

/// Numbers of staged learning that make no stage are refused where they are read.
#[test]
fn staged_learning_is_read_within_its_limits() {
    assert_eq!(usual().checked(), Some(usual()));
    let blocks = |clip_units, coarse| StagedSettings { of_blocks: BlockSettings::plain(clip_units, coarse), ..usual() };
    let mut shares = [0; 16];
    (shares[0], shares[15]) = (HEAD_SHARES, 1);
    let reweight = |floor, noise_excess| StagedSettings {
        reweight: Some(Reweight { floor, noise_excess, pair_share: 0.25 }),
        ..usual()
    };
    let pair_share = |pair_share| StagedSettings {
        reweight: Some(Reweight { floor: 0.02, noise_excess: 1.7, pair_share }),
        ..usual()
    };
    let classes = |first| {
        let mut of_blocks = usual().of_blocks;
        of_blocks.classes[0] = first;
        StagedSettings { of_blocks, ..usual() }
    };
    let monotone = |fields: &[Option<u16>]| {
        let mut of_blocks = usual().of_blocks;
        let all = fields.iter().map(|field| field.map(|field| Monotone { field, rising: field > 4 }));
        of_blocks.monotone.iter_mut().zip(all).for_each(|(own, found)| *own = found);
        StagedSettings { of_blocks, ..usual() }
    };
    let learnt =
        |of: StagedSettings| StagedSettings { of_blocks: BlockSettings { learnt: true, ..of.of_blocks }, ..of };
    for good in [
        pair_share(0.0),
        pair_share(PAIR_SHARE_MAX),
        StagedSettings { paired: true, reweight: None, ..usual() },
        classes([1, CLASS_UNITS]),
        classes([250_000, 500_000]),
        monotone(&[Some(0), Some(7), Some(u16::MAX)]),
        learnt(pair_share(0.0)),
    ] {
        assert_eq!(good.checked(), Some(good));
    }
    for bad in [
        blocks(255, [4, 8, 0]),
        blocks((1 << 20) + 1, [4, 8, 0]),
        blocks(1000, [8, 4, 0]),
        blocks(1000, [4, 4, 0]),
        blocks(1000, [1, 4, 0]),
        blocks(1000, [0, 4, 8]),
        blocks(1000, [4, 257, 0]),
        StagedSettings { head_shares: shares, ..usual() },
        pair_share(-0.1),
        pair_share(0.91),
        pair_share(f64::NAN),
        // Learnt groups have no cell for each slot.
        learnt(pair_share(0.25)),
        learnt(StagedSettings { paired: true, reweight: None, ..usual() }),
        learnt(StagedSettings { reweight: None, ..monotone(&[Some(0)]) }),
        // Who learns pairs hands them on.
        StagedSettings { paired: true, ..usual() },
        classes([CLASS_UNITS; 2]),
        classes([0, CLASS_UNITS]),
        classes([1, CLASS_UNITS + 1]),
        monotone(&[Some(7), Some(0)]),
        monotone(&[Some(7), Some(7)]),
        monotone(&[None, Some(7)]),
        reweight(-0.1, 1.0),
        reweight(1.1, 1.0),
        reweight(f64::NAN, 1.0),
        reweight(0.1, 0.9),
        reweight(0.1, f64::INFINITY),
    ] {
        assert_eq!(bad.checked(), None, "{bad:?}");
    }
    let adam = UpdateRule::Adam { learning_rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
    assert_eq!(Steps::new(optimizer(adam, None)), None);
    assert_eq!(Steps::of(0.0, 0.9, None), None);
}
