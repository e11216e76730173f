use tributary_model::privacy::is_epsilon;

use super::*;
use crate::prediction::Prediction;
use crate::settings::PlanSettings;
use crate::{Lint, build, lint::Beside};

fn bank() -> Scene {
    let text = include_str!("../../../docs/samples/schemas/bank_full.toml");
    Scene::of(tributary_model::schema::Schema::parse(text).unwrap())
}

fn asked(scene: &Scene, customers: u64, branches: u32, budget: Budget) -> Result<Advice, AdviceFault> {
    advise(&Question { customers, branches, scene, budget, delta: 1e-7 })
}

/// More customers, a larger epsilon and fewer fields never predict less; few customers are told that nothing is worth it, and what would help.
#[test]
fn advice_follows_the_public_numbers() {
    let scene = bank();
    let area = |customers, epsilon| asked(&scene, customers, 50, Budget::Run(epsilon)).unwrap().proposed.predicted.auc;
    let areas = [area(500, 1.0), area(5_000, 1.0), area(50_000, 1.0), area(500_000, 1.0)];
    assert!(areas.is_sorted() && areas[3] > areas[0] + 0.1, "{areas:?}");
    assert!(area(20_000, 0.5) <= area(20_000, 2.0));
    let few = asked(&scene, 400, 20, Budget::Run(0.5)).unwrap();
    assert_eq!(few.verdict, Verdict::Nothing, "{few:?}");
    assert!(few.next.is_some_and(|(verdict, customers)| verdict == Verdict::Rough && customers > 400), "{few:?}");
    let own = few.proposed.predicted.auc;
    let helps = |change| few.helps.iter().find(|help| help.change == change).unwrap().auc;
    assert!(helps(Change::MoreBranches) > own && helps(Change::LargerEpsilon) > own, "{few:?}");
    assert!(helps(Change::FewerFields) >= own - 0.001 && helps(Change::ModeLocal) < 0.7, "{few:?}");
    let many = asked(&scene, 2_000_000, 100, Budget::Run(2.0)).unwrap();
    assert_eq!((many.verdict, many.next), (Verdict::Full, None), "{many:?}");
    assert!(many.proposed.seconds > 0.0 && many.proposed.bytes_up > 0 && many.others.len() == 2, "{many:?}");
}

/// What is predicted alike is learnt in stages; where much more is predicted of gradients, by gradients.
#[test]
fn additive_learning_comes_first_among_methods_predicted_alike() {
    let scene = bank();
    let mut differed = 0;
    for (customers, epsilon) in [(5_000, 1.0), (20_000, 1.0), (20_000, 4.0), (200_000, 1.0)] {
        let question = Question { customers, branches: 50, scene: &scene, budget: Budget::Run(epsilon), delta: 1e-7 };
        let choices = Candidate::all(&question, epsilon).unwrap();
        let (most, own) = (best(&choices).unwrap(), preferred(&choices).unwrap());
        let additive = best(choices.iter().filter(|own| own.method == Method::Staged)).unwrap();
        let alike = additive.predicted.auc >= most.predicted.auc - 0.02;
        assert_eq!(own, if alike { additive } else { most });
        differed += usize::from(own != most);
    }
    assert!(differed > 0);
    // Without bins there is nothing to add up.
    let text = include_str!("../../../docs/samples/schemas/deposit_churn.toml");
    let scene = Scene::of(tributary_model::schema::Schema::parse(text).unwrap());
    assert_ne!(asked(&scene, 20_000, 50, Budget::Run(1.0)).unwrap().proposed.method, Method::Staged);
}

/// A year's budget is shared by runs that stay within it, as branches count.
#[test]
fn a_year_pays_for_its_runs() {
    let scene = bank();
    let year = |epsilon, runs| asked(&scene, 100_000, 50, Budget::Year { epsilon, runs });
    let twelve = year(4.0, Some(12)).unwrap();
    assert!(twelve.epsilon > 4.0 / 12.0 && twelve.epsilon < 4.0 && is_epsilon(twelve.epsilon), "{twelve:?}");
    let all = epsilon_of(&charge_of_run(twelve.epsilon, 1e-7).times(12), 1e-7).0;
    assert!(all <= 4.0 && all > 3.9, "{all}");
    assert!(twelve.epsilon < year(4.0, Some(2)).unwrap().epsilon);
    // Few customers cannot pay for many runs.
    let (rich, poor) =
        (year(4.0, None).unwrap(), asked(&scene, 4_000, 20, Budget::Year { epsilon: 1.0, runs: None }).unwrap());
    assert!(rich.runs_a_year > poor.runs_a_year, "{rich:?} {poor:?}");
    assert_eq!(poor.runs_a_year, Some(1));
}

/// Every proposal is a plan.toml that is built, and lint finds no fault in it.
#[test]
fn what_is_proposed_is_a_plan_without_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let schema = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/schemas/bank_full.toml");
    std::fs::copy(schema, folder.path().join("schema.toml")).unwrap();
    let scene = bank();
    for budget in
        [Budget::Run(1.0), Budget::Year { epsilon: 3.0, runs: Some(12) }, Budget::Year { epsilon: 2.0, runs: None }]
    {
        let advice = asked(&scene, 30_000, 40, budget).unwrap();
        for proposed in std::iter::once(&advice.proposed).chain(&advice.others) {
            let advice = Advice { proposed: proposed.clone(), ..advice.clone() };
            let path = folder.path().join("plan.toml");
            std::fs::write(&path, plan_toml(&advice, &scene, "schema.toml")).unwrap();
            let settings = PlanSettings::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
            let built = build(&settings).unwrap_or_else(|fault| panic!("{fault:?}"));
            let lint = Lint::of(&built.plan, Beside { schema: Some(&built.schema), ..Beside::default() });
            assert!(!lint.is_at_fault(), "{lint}");
            let planned = tributary_model::planned::check(&built.plan, Some(&built.schema)).unwrap();
            assert_eq!(Prediction::of(&planned, Some(40)).unwrap(), proposed.predicted, "{proposed:?}");
        }
    }
}

#[test]
fn numbers_of_which_no_plan_can_be_made_are_refused() {
    let scene = Scene::of_fields(10).unwrap();
    let refused = |customers, branches, budget| asked(&scene, customers, branches, budget).unwrap_err().to_string();
    let run = Budget::Run(1.0);
    for (found, said) in [
        (refused(5_000, 7, run), "too few"),
        (refused(5_000, 257, run), "too many"),
        (refused(9, 10, run), "each branch needs one"),
        (refused(20_000_000, 50, run), "below 5e-8"),
        (refused(5_000, 20, Budget::Year { epsilon: 1e-4, runs: Some(100) }), "does not pay for 100 runs"),
        (refused(5_000, 20, Budget::Run(1e-12)), "no plan can be made"),
    ] {
        assert!(found.contains(said), "{said}: {found}");
    }
    assert!(Scene::of_fields(0).is_none() && Scene::of_fields(FIELDS_MAX + 1).is_none());
    assert!(Scene::of_fields(1).unwrap().alike(2).is_none());
}
