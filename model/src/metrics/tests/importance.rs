use super::*;

fn contributions(values: &[f64], noise: f64) -> Vec<Contribution> {
    values.iter().map(|value| Contribution { value: *value, noise: Some(noise) }).collect()
}

/// The variance of a contribution over the customers themselves.
fn pooled_variance(values: &[f64], counts: &[f64]) -> f64 {
    let all: f64 = counts.iter().sum();
    let mean = values.iter().zip(counts).map(|(value, count)| value * count).sum::<f64>() / all;
    values.iter().zip(counts).map(|(value, count)| (value - mean).powi(2) * count).sum::<f64>() / all
}

/// In 100 runs with noise in the counts, the interval of a field's importance has that over the customers themselves in it at least 90 times.
#[test]
fn intervals_of_importance_have_the_pooled_variance_in_them() {
    let counts = [4_000.0, 9_000.0, 7_000.0, 2_500.0, 300.0, 40.0];
    for (values, stddev) in [([-0.6, -0.1, 0.2, 0.5, 0.9, 1.5], 40.0), ([0.01, 0.0, -0.01, 0.02, 0.0, 3.0], 40.0)] {
        let exact = pooled_variance(&values, &counts);
        let mut random = Repeatable(41);
        let covered = (0..100)
            .filter(|_| {
                let noised: Vec<f64> = counts.iter().map(|count| count + stddev * random.normal()).collect();
                let noised = NoisedCounts { counts: &noised, noise_stddev: stddev };
                let found = FieldImportance::of(("churn", "age"), &contributions(&values, 0.0), noised);
                covers(&found.variance.unwrap(), exact)
            })
            .count();
        assert!(covered >= 90, "{covered} of 100 for {values:?}");
    }
}

/// A field whose weights are noise alone is marked in at least nine of ten draws; one that says something never is.
#[test]
fn what_training_noise_explains_is_marked() {
    let counts = [4_000.0, 9_000.0, 7_000.0, 2_500.0, 1_300.0, 800.0];
    let noised = NoisedCounts { counts: &counts, noise_stddev: 5.0 };
    let mut random = Repeatable(17);
    let (mut marked, deviation) = (0, 0.2);
    for _ in 0..100 {
        let noise: Vec<f64> = (0..6).map(|_| deviation * random.normal()).collect();
        let found = FieldImportance::of(("churn", "age"), &contributions(&noise, deviation * deviation), noised);
        marked += u32::from(found.below_noise);
        let told: Vec<f64> =
            noise.iter().zip([-1.5, -0.5, 0.1, 0.8, 1.4, 2.0]).map(|(one, other)| one + other).collect();
        let found = FieldImportance::of(("churn", "age"), &contributions(&told, deviation * deviation), noised);
        assert!(!found.below_noise, "{found:?}");
    }
    assert!(marked >= 85, "{marked} of 100");
    let unknown: Vec<Contribution> = [0.0, 1.0].map(|value| Contribution { value, noise: None }).to_vec();
    let two = NoisedCounts { counts: &[500.0, 500.0], noise_stddev: 1.0 };
    let found = FieldImportance::of(("churn", "age"), &unknown, two);
    assert_eq!((found.noise, found.below_noise), (None, false));
    assert!((found.variance.unwrap().value - 0.25).abs() < 1e-9);
    let few = NoisedCounts { counts: &[5.0, 5.0], noise_stddev: 10.0 };
    assert_eq!(FieldImportance::of(("churn", "age"), &unknown, few).variance, None);
}
