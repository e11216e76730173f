//! Each attack works where there is no noise, and comes to nothing more than a plan allows where there is.

use tributary_protocol::entropy::Entropy;
use tributary_rehearsal::attacks::{canary, membership, poisoning, reconstruction};

use super::*;

fn source(key: u64) -> Box<dyn Entropy> {
    Box::new(Repeatable(key.wrapping_add(1_000), 0))
}

fn epsilon_of(planned: &Planned) -> f64 {
    tributary_planning::Guarantee::of(planned).unwrap().epsilon
}

/// A hundredth of the noise gives a customer away; the plan's own noise does not, whatever the method.
#[test]
fn a_canary_proves_no_more_than_the_plan_claims_and_more_where_noise_is_missing() {
    let data = invented(&schema(), 8, 60);
    let mut settings = staged(400, 12, 1.0);
    settings.mechanism.statistics = Some(CountingSettings { bins: 10, budget_share: 0.2 });
    for (what, settings) in [("gradient", self::settings(400, 12, customer(1.0))), ("staged", settings)] {
        let planned = planned_of(&settings);
        let noise = Some(Noise::shares(planned.plan(), 8).unwrap());
        let bound = |weaker: u128| {
            let rows = (&data.held_out, planned.plan().delta());
            let found = canary((&planned, &data.branches), (noise, weaker), rows, (800, &source)).unwrap().unwrap();
            assert_eq!(found.trials, 800);
            found.epsilon_low
        };
        let (whole, weak) = (bound(1), bound(100));
        eprintln!(
            "{what}: at least {whole:.3} of {:.3}, and {weak:.3} with a tenth of the deviation",
            epsilon_of(&planned)
        );
        assert!(whole <= epsilon_of(&planned), "{what}: {whole}");
        assert!(weak > epsilon_of(&planned), "{what}: the attack finds nothing where noise is missing: {weak}");
    }
    // Local steps add their noise before anybody could see one customer's part.
    let planned = planned_of(&local(400, 4, 8.0));
    let noise = Some(Noise::shares(planned.plan(), 8).unwrap());
    let found = canary((&planned, &data.branches), (noise, 1), (&data.held_out, 1e-6), (100, &source)).unwrap();
    assert_eq!(found, None);
}

#[test]
fn a_row_is_found_without_noise_alone() {
    let data = invented(&schema(), 8, 60);
    let planned = planned_of(&staged(400, 12, 1.0));
    let noise = Some(Noise::shares(planned.plan(), 8).unwrap());
    let rows = (&planned, data.branches.as_slice());
    let found = reconstruction(rows, noise, &data.held_out, (4, &source)).unwrap().unwrap();
    eprintln!("{found:?}");
    assert!(found.candidates >= 16 && found.trials == 4 * found.candidates, "{found:?}");
    assert!(found.exact_without_noise.value > 0.9, "{found:?}");
    // Epsilon 1 lets an attacker be right e times as often as by guessing.
    assert!(found.exact.low < std::f64::consts::E * found.by_chance + 0.01, "{found:?}");
}

#[test]
fn a_model_with_little_noise_tells_its_members_more_than_one_with_much() {
    let data = invented(&schema(), 8, 60);
    let told = |epsilon: f64| {
        let planned = planned_of(&perceptron(400, 30, epsilon));
        let noise = Some(Noise::shares(planned.plan(), 8).unwrap());
        let model = &models(&planned, &data.branches, 1)[0];
        membership((&planned, noise), (model, 2), (&data.branches, &data.held_out), &source).unwrap()
    };
    let hidden = told(1.0);
    eprintln!("{hidden:?}");
    assert_eq!((hidden.members, hidden.others), (data.training.customer_count(), data.held_out.customer_count()));
    assert_eq!(hidden.found, None, "so few others say nothing of one false alarm in a thousand");
    let auc = hidden.auc.unwrap();
    assert!(auc.low < 0.55 && auc.high > 0.45 && auc.low < auc.value && auc.value < auc.high, "{auc:?}");
}

#[test]
fn liars_cost_and_more_liars_cost_more() {
    let data = invented(&schema(), 8, 60);
    let planned = planned_of(&staged(400, 20, 50.0));
    let noise = Some(Noise::shares(planned.plan(), 8).unwrap());
    let all = poisoning((&planned, noise), (&data.branches, &data.held_out), (&[0, 2, 8], 2), &source).unwrap();
    let auc: Vec<f64> = all.iter().map(|one| one.heads[0].auc.unwrap().mean).collect();
    eprintln!("{auc:?}");
    assert!(auc[0] > auc[1] && auc[1] > 0.5 && auc[2] < 0.45, "{auc:?}");
    assert!(all[0].score_noise.unwrap() > 0.0);
}
