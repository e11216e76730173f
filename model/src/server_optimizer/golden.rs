//! Whole steps from fixed sums, to the bit. The numbers come from another program in another language: they hold on every machine, and a change
//! of the arithmetic fails here before it makes finished plans impossible to verify.

use super::*;
use crate::architecture::Architecture;
use crate::parameters::Parameters;
use crate::update::{ClipForm, ClipRule, ClipSettings, ClipUnit};

/// The sums of five rounds: four parameters, three riders.
const SUMS: [[i64; 7]; 5] = [
    [12_345, -67_891, 3, 0, 4_321, -77, 1_234],
    [-9_876, 54_321, -1, 1, -15, 1_851, 930],
    [777_777, -3, 250_000, -999_999, 9_999, 2_000, 1_801],
    [1, 2, -3, 4, 0, 1, -1],
    [-314_159, 271_828, -161_803, 141_421, 777, 1_500, 1_499],
];

/// Loss, customers, and share within the clip norm, of each round.
const METRICS: [[u64; 3]; 5] = [
    [0x4022_88fd_aa9e_f40f, 0xbff8_a3d7_0a3d_70a4, 0x3fe5_2c56_33e2_e655],
    [0xbfa0_78cb_271e_e27d, 0x4042_828f_5c28_f5c3, 0x3fdf_ea09_9bcb_d6d3],
    [0x4035_7211_4ba2_1c47, 0x4044_0000_0000_0000, 0x3fee_e6e1_63ca_bdb5],
    [0x0000_0000_0000_0000, 0x3f94_7ae1_47ae_147b, 0xbf41_91e9_c354_24ca],
    [0x3ffa_a9ef_40ed_31d4, 0x403e_0000_0000_0000, 0x3fe9_b858_f2af_6cdb],
];

const SGD: UpdateRule = UpdateRule::Sgd { learning_rate: 0.37, momentum: 0.9 };
const ADAM: UpdateRule = UpdateRule::Adam { learning_rate: 0.013, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/// What five rounds lead to.
struct Golden {
    update_rule: UpdateRule,
    tail_start: Option<u32>,
    /// The state: every value of every coordinate.
    coordinates: &'static [u64],
    model: [u32; 4],
    released: [u32; 4],
}

const GOLDEN: [Golden; 4] = [
    Golden {
        update_rule: SGD,
        tail_start: None,
        coordinates: &[
            0xc041_e810_2ee5_6686,
            0x4030_fbc2_f353_7c92,
            0xc00e_4403_a0ff_6d8e,
            0x402c_9eca_8cc6_564a,
            0xc024_75c8_ea0a_1bd5,
            0x4001_74df_4151_687c,
            0x4049_7aa4_093e_e69e,
            0xc041_ec9a_7b3a_0058,
        ],
        model: [0xc20f_4081, 0xc072_201d, 0xc123_ae47, 0x424b_d520],
        released: [0xc20f_4081, 0xc072_201d, 0xc123_ae47, 0x424b_d520],
    },
    Golden {
        update_rule: SGD,
        tail_start: Some(2),
        coordinates: &[
            0xc041_e810_2ee5_6686,
            0x4030_fbc2_f353_7c92,
            0xc054_3db2_0311_7f32,
            0xc00e_4403_a0ff_6d8e,
            0x402c_9eca_8cc6_564a,
            0xbfeb_cfbb_ef41_ce60,
            0xc024_75c8_ea0a_1bd5,
            0x4001_74df_4151_687c,
            0xc038_9c94_896b_4c9c,
            0x4049_7aa4_093e_e69e,
            0xc041_ec9a_7b3a_0058,
            0x405b_1f73_56a5_2e98,
        ],
        model: [0xc20f_4081, 0xc072_201d, 0xc123_ae47, 0x424b_d520],
        released: [0xc1d7_e76b, 0xbe94_53ea, 0xc103_4318, 0x4210_a7bc],
    },
    Golden {
        update_rule: ADAM,
        tail_start: None,
        coordinates: &[
            0x3fb1_853b_40da_c8f7,
            0x3ffb_2c6b_1eeb_fa81,
            0x4000_2961_29c0_a4df,
            0xbfc8_8d6f_a43d_1a7c,
            0x3ff6_e56e_d705_11d4,
            0x3fcd_f6ca_fc2c_b6d4,
            0xbfa1_09e2_eed1_422c,
            0x3fcb_ee32_021b_da64,
            0x3fd0_4b59_c1b3_7636,
            0x3f84_c19c_25fc_d869,
            0xc00c_adc3_f85c_cd57,
            0x4007_6a0a_133a_9194,
        ],
        model: [0x3d8c_29da, 0xbe44_6b7d, 0xbd08_4f17, 0x3c26_0ce1],
        released: [0x3d8c_29da, 0xbe44_6b7d, 0xbd08_4f17, 0x3c26_0ce1],
    },
    Golden {
        update_rule: ADAM,
        tail_start: Some(2),
        coordinates: &[
            0x3fb1_853b_40da_c8f7,
            0x3ffb_2c6b_1eeb_fa81,
            0x4000_2961_29c0_a4df,
            0x3fcb_d6a2_052f_db78,
            0xbfc8_8d6f_a43d_1a7c,
            0x3ff6_e56e_d705_11d4,
            0x3fcd_f6ca_fc2c_b6d4,
            0xbfe2_0153_34e6_2c47,
            0xbfa1_09e2_eed1_422c,
            0x3fcb_ee32_021b_da64,
            0x3fd0_4b59_c1b3_7636,
            0xbfb7_51e8_5ade_f808,
            0x3f84_c19c_25fc_d869,
            0xc00c_adc3_f85c_cd57,
            0x4007_6a0a_133a_9194,
            0x3f8d_1711_8696_9240,
        ],
        model: [0x3d8c_29da, 0xbe44_6b7d, 0xbd08_4f17, 0x3c26_0ce1],
        released: [0x3d94_78b5, 0xbe40_0e22, 0xbcf8_bf04, 0x3b9b_25b3],
    },
];

/// Shares of branches within the bound, round after round, and the bound that follows; the first is 0.37.
const ADAPTED: [(f64, u64); 12] = [
    (0.0, 0x3fda_2ba2_6fd7_1ff2),
    (1.0, 0x3fd7_ae14_7ae1_47ae),
    (0.3, 0x3fd8_a57a_69df_dd37),
    (0.7, 0x3fd7_ae14_7ae1_47ae),
    (-5.0, 0x3fda_2ba2_6fd7_1ff2),
    (f64::NAN, 0x3fda_2ba2_6fd7_1ff2),
    (0.123456789, 0x3fdc_37a8_b74a_6b8d),
    (0.9, 0x3fda_0c47_1a6a_61f4),
    (0.5, 0x3fda_0c47_1a6a_61f4),
    (1e-09, 0x3fdc_c996_2de7_ccfa),
    (0.6180339887, 0x3fdc_1da6_d5ae_de23),
    (2.0, 0x3fd9_70b4_5f3f_b09f),
];

/// The gradients of the last sum, as differences of models of seven branches that are bounded by 0.37.
const DIFFERENCES: [u64; 4] =
    [0x4030_9b05_2336_c1f6, 0xc02c_bc71_3ca1_ebb5, 0x4021_1ad9_fa38_0287, 0xc01d_e683_3c60_029f];

fn architecture() -> Architecture {
    Architecture::logistic(3, &["churn"]).unwrap()
}

fn rule() -> ClipRule {
    ClipRule::new(
        ClipSettings { example_clip_norm: 2.0, clip_units: 1000, form: ClipForm::Exact, loss_bound: Some(4.0) },
        ClipUnit::Customer,
    )
    .unwrap()
}

fn initial() -> Parameters {
    Parameters::new(architecture(), vec![0.1, -0.2, 1e-3, 0.0]).unwrap()
}

fn scale() -> MeanScale {
    MeanScale::new(&architecture(), &rule(), 37.3).unwrap()
}

fn settings(golden: &Golden) -> OptimizerSettings {
    let Golden { update_rule, tail_start, .. } = *golden;
    OptimizerSettings::new(OptimizerFields { update_rule, tail_start }).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn five_rounds_in_memory_have_their_bits() {
    for golden in &GOLDEN {
        let mut optimizer = ServerOptimizer::new(settings(golden), &initial());
        for (sum, metrics) in SUMS.iter().zip(METRICS) {
            let scale = scale();
            let (gradient, riders) = sum.split_at(scale.parameters(sum.len()).unwrap());
            let mean: Vec<f64> = gradient.iter().map(|units| scale.gradient(*units)).collect();
            let RoundMetrics { loss_mean, customers, within_clip_norm } = scale.metrics(riders).unwrap();
            assert_eq!([loss_mean, customers, within_clip_norm].map(f64::to_bits), metrics);
            optimizer.step(&mean).unwrap();
        }
        assert_eq!(bits(optimizer.current().unwrap().values()), golden.model);
        assert_eq!(bits(optimizer.released().unwrap().values()), golden.released);
    }
}

/// A coordinator steps over its file in pieces: whatever their size, the state is the same.
#[test]
fn five_rounds_in_pieces_of_any_size_have_their_bits() {
    for golden in &GOLDEN {
        let layout = StateLayout::new(settings(golden), &architecture());
        for size in 1..=4 {
            let mut state: Vec<u8> = layout.initial(initial().values()).collect();
            let mut model = Vec::new();
            for (steps, sum) in (0..).zip(SUMS) {
                model.clear();
                let mut step = layout.step(steps).unwrap();
                let mut gradients = sum[..4].iter().map(|units| scale().gradient(*units));
                for piece in state.chunks_mut(size * layout.coordinate_bytes()) {
                    step.advance(piece, &mut gradients, |value| model.push(value)).unwrap();
                }
            }
            let (words, _) = state.as_chunks::<8>();
            let found: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
            assert_eq!(found, golden.coordinates, "pieces of {size}");
            assert_eq!(bits(&model), golden.model);
            assert_eq!(bits(&layout.model(0, &state, Some(5)).unwrap()), golden.released);
        }
    }
}

#[test]
fn differences_of_models_are_read_to_the_bit() {
    let scale = MeanScale::of_differences(&architecture(), &rule(), 0.37, 7, 37.3).unwrap();
    let found: Vec<u64> = SUMS[4][..4].iter().map(|units| scale.gradient(*units).to_bits()).collect();
    assert_eq!(found, DIFFERENCES);
}

#[test]
fn an_adaptive_bound_has_its_bits() {
    let mut bound = 0.37;
    for (within, next) in ADAPTED {
        bound = adapted_clip_norm(bound, within, 0.37);
        assert_eq!(bound.to_bits(), next, "after a share of {within}");
    }
}
