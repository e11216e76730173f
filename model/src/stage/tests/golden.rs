//! Whole rounds of whole stages, to the bit. The numbers come from another program in another language.

use super::*;
use crate::parameters::Parameters;

/// The sums of five rounds of seven to eleven survivors: four parameters, three riders.
const SUMS: [[i64; 7]; 5] = [
    [12_345, -67_891, 3, 0, 4_321, -77, 1_234],
    [-9_876, 54_321, -1, 1, -15, 1_851, 930],
    [777_777, -3, 250_000, -999_999, 9_999, 2_000, 1_801],
    [1, 2, -3, 4, 0, 1, -1],
    [-314_159, 271_828, -161_803, 141_421, 777, 1_500, 1_499],
];

/// What the rounds lead to.
struct Golden {
    settings: fn() -> StageSettings,
    privacy: PrivacyMode,
    models: [[u32; 4]; 5],
    /// Loss, customers or branches, and share within the clip norm.
    metrics: [[u64; 3]; 5],
    /// The bound after each round, where it adapts.
    bounds: Option<[u64; 5]>,
    released: [u32; 4],
}

const GOLDEN: [Golden; 3] = [
    Golden {
        settings: || StageSettings::Gradient(gradient()),
        privacy: PrivacyMode::Customer,
        models: [
            [0xbe16_6cf4, 0x3f94_3372, 0x3a76_6a56, 0x0000_0000],
            [0xbe2f_b54a, 0x3fa5_8f60, 0x3a6d_80a2, 0xb7a7_c5ac],
            [0xc17b_fd57, 0x3fb5_30e1, 0xc09f_f8d4, 0x419f_ffe2],
            [0xc1ee_27a4, 0x3fc3_40ec, 0xc117_fc48, 0x4217_ffd3],
            [0xc210_6aae, 0xc073_fc1e, 0xc125_020f, 0x424d_7c37],
        ],
        metrics: [
            [0x4022_af76_ba88_b7c4, 0xbff8_a3d7_0a3d_70a4, 0x3fe5_5849_1054_2251],
            [0xbfa0_9afb_d941_09b0, 0x4042_828f_5c28_f5c3, 0x3fe0_1623_fa77_0163],
            [0x4035_9e94_e527_9383, 0x4044_0000_0000_0000, 0x3fef_2705_cfd8_25a4],
            [0x0000_0000_0000_0000, 0x3f94_7ae1_47ae_147b, 0xbf41_b661_f8cd_e833],
            [0x3ffa_e147_ae14_7ae1, 0x403e_0000_0000_0000, 0x3fe9_edbb_eaf7_6ba9],
        ],
        bounds: None,
        released: [0xc1d9_a939, 0xbe94_b33f, 0xc104_5396, 0x4211_d3fe],
    },
    Golden {
        settings: || {
            let adam = UpdateRule::Adam { learning_rate: 0.013, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
            StageSettings::Gradient(GradientSettings { optimizer: optimizer(adam, None), ..gradient() })
        },
        privacy: PrivacyMode::Customer,
        models: [
            [0x3db2_2d0f, 0xbe3f_7cee, 0xbc44_9849, 0x0000_0000],
            [0x3db0_a0e4, 0xbe3e_b719, 0xbc8c_ea64, 0xbc1e_7429],
            [0x3d9f_9995, 0xbe3e_1e19, 0xbcd0_f275, 0xbab3_222a],
            [0x3d91_a6b2, 0xbe3d_a0d1, 0xbd04_5639, 0x3bb2_1f88],
            [0x3d8c_29da, 0xbe44_6b7d, 0xbd08_4f1a, 0x3c26_0ccb],
        ],
        metrics: [
            [0x4022_af76_ba88_b7c4, 0xbff8_a3d7_0a3d_70a4, 0x3fe5_5849_1054_2251],
            [0xbfa0_9afb_d941_09b0, 0x4042_828f_5c28_f5c3, 0x3fe0_1623_fa77_0163],
            [0x4035_9e94_e527_9383, 0x4044_0000_0000_0000, 0x3fef_2705_cfd8_25a4],
            [0x0000_0000_0000_0000, 0x3f94_7ae1_47ae_147b, 0xbf41_b661_f8cd_e833],
            [0x3ffa_e147_ae14_7ae1, 0x403e_0000_0000_0000, 0x3fe9_edbb_eaf7_6ba9],
        ],
        bounds: None,
        released: [0x3d8c_29da, 0xbe44_6b7d, 0xbd08_4f1a, 0x3c26_0ccb],
    },
    Golden {
        settings: || {
            let rule = UpdateRule::Sgd { learning_rate: 0.37, momentum: 0.9 };
            StageSettings::Local(LocalSettings { optimizer: optimizer(rule, None), ..local(true) })
        },
        privacy: PrivacyMode::Branch,
        models: [
            [0x3eae_d04c, 0xbfc3_8d71, 0x3a8a_c31f, 0x0000_0000],
            [0x3ecf_c551, 0xbff0_d913, 0x3a8f_a761, 0x3781_e3b4],
            [0x4122_6679, 0xc00c_cf2f, 0x4047_554a, 0xc147_429d],
            [0x4197_5bcb, 0xc01f_27a2, 0x40bd_557f, 0xc1bd_4c07],
            [0x41bc_e469, 0x3ccc_dc43, 0x40d9_46d0, 0xc201_3c0c],
        ],
        metrics: [
            [0x4048_b101_767d_ce43, 0xbff8_a3d7_0a3d_70a4, 0x3ffc_34a9_b101_767e],
            [0xbfc3_3333_3333_3333, 0x4042_828f_5c28_f5c3, 0x3ff2_9999_9999_999a],
            [0x4056_3851_eb85_1eb8, 0x4044_0000_0000_0000, 0x4000_0246_8acf_1358],
            [0x0000_0000_0000_0000, 0x3f94_7ae1_47ae_147b, 0xbf50_624d_d2f1_a9fc],
            [0x4016_9a87_e9a8_7e9a, 0x403e_0000_0000_0000, 0x3ff5_cdbb_1cdb_b1ce],
        ],
        bounds: Some([
            0x3fd5_6d32_6279_e7ab,
            0x3fd3_6336_194e_005b,
            0x3fd1_8ae6_39c8_fa7e,
            0x3fd3_6336_194e_005c,
            0x3fd1_8ae6_39c8_fa7e,
        ]),
        released: [0x41bc_e469, 0x3ccc_dc43, 0x40d9_46d0, 0xc201_3c0c],
    },
];

fn initial() -> Parameters {
    Parameters::new(network(), vec![0.1, -0.2, 1e-3, 0.0]).unwrap()
}

fn bits(parameters: &Parameters) -> Vec<u32> {
    parameters.values().iter().map(|value| value.to_bits()).collect()
}

fn staged(golden: &Golden, test: impl FnOnce(PlannedStage<'_>)) {
    let (network, settings) = (network(), (golden.settings)());
    let frame = frame(&network, golden.privacy);
    let terms = settings.terms(&frame, chosen(1 << 30, 5)).unwrap();
    test(PlannedStage::new(&settings, frame, &terms));
}

#[test]
fn five_rounds_have_their_bits() {
    for golden in &GOLDEN {
        staged(golden, |stage| {
            let mut state = stage.start(initial());
            for (round, sum) in SUMS.iter().enumerate() {
                let outcome = stage.advance(&mut state, sum, 7 + round).unwrap();
                assert_eq!(bits(&state.public().parameters), golden.models[round], "round {round}");
                let metrics = outcome.metrics.unwrap();
                let found = [metrics.loss_mean, metrics.customers, metrics.within_clip_norm].map(f64::to_bits);
                assert_eq!(found, golden.metrics[round], "round {round}");
                let bound = state.public().update_clip_norm.map(f64::to_bits);
                assert_eq!(bound, golden.bounds.map(|bounds| bounds[round]), "round {round}");
                // Branches are counted in mode branch, and customers elsewhere.
                assert_eq!(outcome.customers.is_some(), golden.privacy == PrivacyMode::Customer);
            }
            let released = stage.conclude(&state).unwrap();
            assert_eq!(bits(&released.parameters), golden.released);
            assert_eq!(released.update_clip_norm, None, "a bound is the stage's own");
        });
    }
}

/// A coordinator that holds the state in a file steps it block by block, to the same bits.
#[test]
fn blocks_of_coordinates_lead_to_the_same_bits() {
    for golden in &GOLDEN {
        staged(golden, |stage| {
            let layout = stage.layout().unwrap();
            let mut coordinates: Vec<u8> = layout.initial(initial().values()).collect();
            let mut bound = stage.begin(initial()).update_clip_norm;
            for (round, sum) in SUMS.iter().enumerate() {
                let stepping = stage.stepping(&Beside::bound(bound), 7 + round).unwrap();
                let parameters = stepping.parameters(sum.len()).unwrap();
                let mut gradients = stepping.gradients(sum[..parameters].iter().copied());
                let mut model = Vec::new();
                let mut step = layout.step(u32::try_from(round).unwrap()).unwrap();
                for block in coordinates.chunks_mut(3 * layout.coordinate_bytes()) {
                    step.advance(block, &mut gradients, |value| model.push(value.to_bits())).unwrap();
                }
                assert_eq!(model, golden.models[round], "round {round}");
                (_, bound) = stepping.riders(&sum[parameters..]);
                assert_eq!(bound.map(f64::to_bits), golden.bounds.map(|bounds| bounds[round]), "round {round}");
            }
        });
    }
}

#[test]
fn a_sum_that_cannot_be_used_changes_nothing() {
    staged(&GOLDEN[2], |stage| {
        let mut state = stage.start(initial());
        stage.advance(&mut state, &SUMS[0], 7).unwrap();
        let before = state.public().clone();
        let refused =
            |state: &mut StageState, sum: &[i64], survivors| stage.advance(state, sum, survivors).unwrap_err();
        let short = refused(&mut state, &SUMS[1][1..], 7);
        assert_eq!(short, AdvanceFault::Dimension { expected: 7, found: 6 });
        assert!(matches!(refused(&mut state, &SUMS[1], 0), AdvanceFault::Mean(_)));
        let far = [i64::MAX; 7];
        assert!(matches!(refused(&mut state, &far, 7), AdvanceFault::Optimizer(_)));
        assert!(*state.public() == before);
        stage.advance(&mut state, &SUMS[1], 8).unwrap();
        assert_eq!(bits(&state.public().parameters), GOLDEN[2].models[1], "as if nothing had been refused");
        assert_eq!(stage.read(&SUMS[1], 7), Err(AdvanceFault::MovesTheModel));
        // A state of a stage of another kind.
        staged(&GOLDEN[0], |other| {
            assert_eq!(other.stepping(&Beside::default(), 7).map(|_| ()), Ok(()));
            assert_eq!(stage.stepping(&Beside::default(), 7).map(|_| ()), Err(AdvanceFault::OtherState));
        });
    });
}

/// What is counted is read with its noise, and the model stays.
#[test]
fn counts_are_read_and_move_nothing() {
    let network = network();
    let settings = StageSettings::Evaluate(EvaluateSettings { clip_units: 1000, bins: 4, groups: None });
    let frame = frame(&network, PrivacyMode::Customer);
    let terms = settings.terms(&frame, chosen(4_000_000, 1)).unwrap();
    let stage = PlannedStage::new(&settings, frame, &terms);
    let mut state = stage.start(initial());
    let outcome = stage.advance(&mut state, &[2000, 1000, 0, 0, 0, 1000, 0, 2000], 9).unwrap();
    let figures = stage.figures(&outcome.histograms, (1_000_000, 4));
    let (auc, customers) = (figures.heads[0].auc.unwrap(), figures.heads[0].customers);
    assert!(auc.low < 8.5 / 9.0 && auc.high == 1.0, "{auc:?}");
    // Two customers of noise in each of eight counts.
    assert!((customers.high - customers.value - 1.96 * 2.0 * 8.0_f64.sqrt()).abs() < 1e-9, "{customers:?}");
    assert_eq!(outcome.histograms[1].counts, [0.0, 1.0, 0.0, 2.0]);
    assert!((outcome.noise_stddev_min - 2.0).abs() < 1e-12);
    assert!(state.public().parameters == initial() && stage.conclude(&state).unwrap().parameters == initial());
    assert_eq!(stage.advance(&mut state, &[0; 7], 9), Err(AdvanceFault::Dimension { expected: 8, found: 7 }));
    assert!(stage.layout().is_none());
    assert_eq!(stage.stepping(&Beside::default(), 9).map(|_| ()), Err(AdvanceFault::MovesNothing));

    let schema = schema();
    let settings = StageSettings::Count(CountSettings { clip_units: 10, bins: 3, labels: false });
    let frame = Frame { schema: Some(&schema), ..frame };
    let terms = settings.terms(&frame, chosen(400, 1)).unwrap();
    let stage = PlannedStage::new(&settings, frame, &terms);
    let outcome = stage.read(&vec![50; terms.dimension as usize], 4).unwrap();
    assert_eq!(outcome.histograms.len(), schema.fields().len());
    let customers = outcome.customers.expect("a numeric field counts everybody");
    assert!(customers.customers > 0.0 && customers.variance > 0.0);
    assert_eq!(stage.read(&[0; 3], 4), Err(AdvanceFault::Dimension { expected: terms.dimension as usize, found: 3 }));
}
