//! Figures of every accountant and calibration as they were, to ten digits. Bounds that are tight and bounds that are merely right look alike in other
//! tests: here a search that stops early or looks elsewhere shows. Whoever improves a figure on purpose writes the table again from what the test prints.

use tributary_protocol::digest::Digest;
use tributary_protocol::privacy::RdpVector;

use super::accountant::{GaussianDp, PrivacyLoss, RdpCurve, SampledRound};
use super::*;

/// Figures that are alike to this share of them are the same: a machine's own logarithm may differ in the last digits.
const SHARE: f64 = 1e-10;
/// What is smaller is what sums of a grid round off.
const NOTHING: f64 = 1e-20;

fn round((sampling_probability, noise_multiplier): (f64, f64)) -> SampledRound {
    SampledRound { sampling_probability, noise_multiplier }
}

/// Rounds with and without coins, from hardly any noise to much.
const ROUNDS: [((f64, f64), u32); 7] = [
    ((1.0, 0.9), 1),
    ((1.0, 12.5), 40),
    ((0.5, 2.0), 17),
    ((0.01, 1.1), 1_000),
    ((0.001, 0.7), 200),
    ((0.2, 0.3), 3),
    ((0.000_02, 4.0), 100_000),
];

fn accountants() -> Vec<f64> {
    let mut all = Vec::new();
    for (of, count) in ROUNDS {
        let curve = RdpCurve::round(round(of)).times(count);
        for delta in [1e-3, 1e-6, 1e-11] {
            let least = curve.epsilon(delta);
            all.extend([least.epsilon, least.order.into()]);
        }
        all.extend([2, 3, 7, 64, 501].map(|order| round(of).rdp(order)));
        let spent = charge(round(of));
        let (epsilon, order) = epsilon_of(&spent.times(count.into()), 1e-6);
        all.extend([epsilon, order.into()]);
        let gaussian = GaussianDp::round(of.1).times(count.into());
        let both = gaussian.plus(GaussianDp::round(3.0));
        for of in [gaussian, both] {
            all.extend([of.mu(), of.epsilon(1e-6), of.epsilon(0.2), of.epsilon_discrete(1e-6)]);
            all.extend([0.0, 0.3, 4.0, 60.0].map(|epsilon| of.ln_delta(epsilon)));
        }
    }
    for (shares, stddev) in [(2, 6.0), (7, 6.5), (1_000, 9.0)] {
        all.push(accountant::ln_share_sum_gap(shares, stddev));
    }
    all
}

fn distributions() -> Vec<f64> {
    let mut all = Vec::new();
    for (of, count) in ROUNDS {
        let loss = PrivacyLoss::rounds(round(of), count);
        for delta in [1e-3, 1e-6, 1e-11] {
            let tight = loss.epsilon(delta);
            assert_eq!(tight.instead, None, "{of:?}");
            all.push(tight.epsilon);
        }
        for epsilon in [0.1, 2.0] {
            all.push(loss.delta(epsilon).expect("a delta"));
        }
        // Beside rounds of another kind.
        let both = loss.plus(round((0.05, 1.5)), 30);
        let composed = both.composed(1e-6).expect("a composition");
        all.extend([composed.epsilon(1e-6), composed.epsilon(1e-4), composed.delta(0.5), composed.delta(3.0)]);
    }
    all
}

fn calibrations() -> Vec<f64> {
    let mut all = Vec::new();
    for (epsilon, delta, rounds_charged, sensitivity) in
        [(1.0, 1e-6, 100, 1 << 40), (4.0, 1e-9, 50, 7 << 40), (8.0, 1e-5, 1, 1 << 60), (0.3, 1e-6, 12, 3)]
    {
        let target = Target { epsilon, delta, rounds_charged, sensitivity_squared_units: sensitivity };
        let found = calibrate(&target).expect("noise");
        all.extend([found.total_variance_units as f64, found.noise_multiplier, found.epsilon_enforced]);
        all.extend([found.epsilon_gdp, found.order.into()]);
        all.push(share_variance(found.total_variance_units.max(1_000), 7).expect("a share") as f64);
    }
    for (epsilon, rounds_charged, sampling_probability) in [(1.0, 100, 0.01), (4.0, 30, 0.5), (2.0, 10, 1.0)] {
        let target = SampledTarget { epsilon, delta: 1e-6, rounds_charged, sampling_probability };
        all.extend([calibrate_sampled(&target), calibrate_tight(&target)].map(|found| found.expect("noise")));
        let beside = RdpVector::gaussian(1 << 40, 900 << 40);
        all.push(calibrate_sampled_beside(&target, &beside).expect("noise"));
    }
    let demand = |sensitivity_squared, releases, rounds, coin: f64, share| StageDemand {
        sensitivity_squared,
        releases,
        rounds,
        sampling_threshold: sampling_threshold(coin).expect("a coin"),
        share,
    };
    let everybody = |sensitivity, releases, rounds, share| StageDemand {
        sampling_threshold: 0,
        ..demand(sensitivity, releases, rounds, 0.5, share)
    };
    for (demands, retries) in [
        (vec![everybody(1 << 40, 1, 20, 1.0)], 1),
        (vec![everybody(2 << 40, 1, 1, 0.25), everybody(1 << 40, 3, 30, 2.0), everybody(5 << 38, 1, 1, 0.5)], 2),
        (vec![demand(1 << 40, 1, 40, 0.1, 1.0), everybody(1 << 42, 2, 1, 0.3)], 3),
    ] {
        for (epsilon, delta) in [(1.0, 1e-6), (6.0, 1e-8)] {
            let found = calibrate_stages(epsilon, delta, &demands, retries).expect("noise");
            all.extend(found.into_iter().map(|variance| variance as f64));
        }
    }
    all.extend([1, 19, 20, 21, 399].map(|rounds| f64::from(retries_for(rounds))));
    all
}

fn judge(found: &[f64], frozen: &str) {
    let frozen: Vec<f64> = frozen.split_whitespace().map(|figure| figure.parse().expect("a figure")).collect();
    let alike = |found: f64, frozen: f64| found == frozen || (found - frozen).abs() <= SHARE * frozen.abs() + NOTHING;
    let same = found.len() == frozen.len() && found.iter().zip(&frozen).all(|(found, frozen)| alike(*found, *frozen));
    assert!(same, "{:?}", found);
}

#[test]
fn accountants_say_what_they_said() {
    judge(&accountants(), ACCOUNTANTS);
}

#[test]
fn loss_distributions_say_what_they_said() {
    judge(&distributions(), DISTRIBUTIONS);
}

#[test]
fn calibrations_say_what_they_said() {
    judge(&calibrations(), CALIBRATIONS);
}

/// What is charged and compared is integers: every one of them is the same.
#[test]
fn charges_and_caps_are_the_same_integers() {
    let mut all = Vec::new();
    for (of, count) in ROUNDS {
        all.extend(tributary_protocol::codec::encode(&charge(round(of)).times(count.into())));
    }
    for (epsilon, delta) in [(0.5, 1e-6), (4.0, 1e-6), (8.0, 1e-9), (900.0, 0.05)] {
        all.extend(tributary_protocol::codec::encode(&cap(epsilon, delta)));
    }
    assert_eq!(&Digest::of(&all).to_string()[..16], CHARGES);
}

const CHARGES: &str = "d4ef2e397d9d5470";

const ACCOUNTANTS: &str = "
4.021940702638 4 5.914794363155 5 8.06392462014 7 1.234567901235 1.851851851852 4.320987654321 3.950617283951e1
3.092592592593e2 5.914794365 5 1.111111111111 5.511463681367 8.440732306798e-1 5.511696388575 -8.639704286222e-1
-1.089731942322 -8.181783463662 -1.436946789076e3 1.160034056546 5.791020445466 9.327161225954e-1 5.791263111342
-8.253152393344e-1 -1.03579441139 -7.542754521606 -1.316446162844e3 1.568823508494 7 2.453853424894 10
3.463228850409 14 6.4e-3 9.6e-3 2.24e-2 2.048e-1 1.6032 2.453853465 10 5.059644256269e-1 2.283649718522 0
2.283758362718 -1.610848698772 -2.316736421485 -3.506202857343e1 -7.012433703141e3 6.058969476001e-1
2.785950258669 1.036925188207e-1 2.786079552478 -1.435186873589 -1.98724050874 -2.509448981655e1
-4.883804648851e3 4.228064354467 4 6.425662180853 5 9.177330049824 6 6.859872438166e-2 1.100231933576e-1
3.442734267642e-1 7.295850630033 6.193046652508e1 6.425662195 5 2.061552812809 1.140821543142e1 3.045695475361
1.140864079384e1 -3.60461654152e-1 -4.302274958136e-1 -2.297351490189 -4.010001932322e2 2.08832734769
1.158826287849e1 3.121849645895 1.158869365191e1 -3.515590105235e-1 -4.192633676243e-1 -2.228304205505
-3.901848381549e2 1.140298048225 8 1.981435597916 10 3.260649538469 10 1.285100816052e-4 1.96277889915e-4
4.979614678482e-4 2.176801286629e1 2.024104128621e2 1.981436425 10 2.87479787288e1 5.489493090582e2
4.364327808448e2 5.489551185269e2 -7.536213194397e-47 -8.755358314644e-47 -5.515411422221e-46
-9.313788408157e-35 2.874991116687e1 5.490140457572e2 4.364899617865e2 5.490198556161e2 -7.431772244762e-47
-8.634021849523e-47 -5.438982790053e-46 -9.187351076886e-35 8.19654552658e-1 7 1.970947099155 7 3.889768009983 7
6.696867386304e-6 1.026267406464e-5 7.341552208206e-4 5.828872026081e1 5.043029190064e2 1.970947255 7
2.020305089104e1 2.992177012926e2 2.201059462546e2 2.992217857239e2 -5.438947178089e-24 -6.318471456445e-24
-3.942310862361e-23 -7.697962780208e-13 2.020580056363e1 2.992863150668e2 2.201638131221e2 2.992904000531e2
-5.363212123084e-24 -6.230489575385e-24 -3.887435816929e-23 -7.599527044417e-13 2.919924264803e1 2
3.610699792701e1 2 4.761992339198e1 2 7.892593910054 1.425250979936e1 3.701121132438e1 3.539205710096e2
2.781720676545e3 3.6106997951e1 2 5.773502691896 4.338290414682e1 2.059883480827e1 4.338407789188e1
-3.900012293763e-3 -4.527446085255e-3 -2.37962742439e-2 -3.196624274369e1 5.783117190966 4.348385810645e1
2.066236410001e1 4.348503378899e1 -3.840727179727e-3 -4.458616536039e-3 -2.344466992468e-2 -3.17953209334e1
1.759865358307e-3 256 2.884910174647e-2 256 7.399782906008e-2 256 2.579778356681e-11 3.869672633671e-11
9.02928373305e-11 8.255965196284e-10 4.814832160364 2.891878e-2 256 7.905694150421e1 3.499820143321e3
3.190541337884e3 3.499836112686e3 0 0 0 0 7.905764422946e1 3.49987903898e3 3.19059748482e3 3.499895008487e3 0 0
0 0 -3.530031733462e2 -4.14688200853e2 -7.971353713952e2
";

const DISTRIBUTIONS: &str = "
3.577255716907 5.51146384315 7.74558547583 3.926805925862e-1 3.833762853582e-2 5.628575059101 4.405980419983
2.898410451447e-1 5.448533062197e-3 1.371634403464 2.283651320855 3.320165208081 1.616386335602e-1
1.175320551978e-5 2.535225452894 1.90380786625 6.681389589172e-2 1.779276910302e-8 3.637942437119 5.891231814737
8.698998994968 3.64421508757e-1 3.374450371503e-2 5.99109145485 4.558892079817 2.636323802089e-1
5.318897727665e-3 9.638788127674e-1 1.752980258962 2.852511979191 1.018452147226e-1 7.867195831748e-8
2.042538296557 1.475948247535 2.995818368928e-2 1.083543301774e-10 7.890883927878e-2 6.837935015542e-1
3.028256448258 5.558302444719e-4 1.218400050061e-9 1.20035811794 7.834637264136e-1 1.791371729344e-3
2.769514839857e-11 1.937675631676e1 3.222056862962e1 4.557133951299e1 4.158382110018e-1 3.163538721946e-1
3.225444911865e1 2.428745899931e1 3.950825975355e-1 2.656721767619e-1 0 4.599670380484e-3 8.67475100319e-3
1.366091008506e-24 1.000917848953e-25 1.17681297065 7.727792685006e-1 1.661900104412e-3 1.0009852284e-11
";

const CALIBRATIONS: &str = "
2.257172113136e15 4.530878587963e1 9.99999942e-1 9.274409472005e-1 22 3.224531590194e14 9.346781003918e14
1.10200128349e1 3.99999999 3.80443535883 10 1.335254429131e14 4.694173567597e17 6.380867138571e-1 7.999999998
7.432046316422 4 6.705962239424e16 7088 4.860726968949e1 2.99994437e-1 2.763355627173e-1 63 1013 1.194674491882
9.859288709974e-1 1.196035385132 3.696178436279 3.470074272165 3.699108123779 7.534374237061 7.053923337428
7.558246612549 4.740061048353e14 2.371058508323e13 5.206543143117e14 2.9286805968e15 1.627044732224e14
2.604400773355e13 1.464975454841e14 8.138752402965e12 1.499687754814e13 8.276296885778e14 1.668925881006e12
4.139943418323e13 1 1 1 2 20
";
