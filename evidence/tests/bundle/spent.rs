//! What a run has released is at most what it was charged, and all of it where nothing was aborted.

use tributary_evidence::report::{Asked, Period, Scope, compliance};
use tributary_model::privacy::epsilon_of;

use super::code;
use super::incidents::material;
use super::world::{DAY, SMALL, Shape, World};

#[test]
fn what_was_released_is_what_was_charged_but_for_aborted_rounds() {
    for aborted in [0, 1] {
        let world = World::new(Shape { aborted, ..SMALL });
        let (found, words) = code(&world.bundle(), true);
        assert_eq!(found, 0, "{words}");
        let (journal, _) = world.journal();
        let asked = Asked { preset: None, period: Period::new(DAY, DAY).unwrap(), scope: Scope::All };
        let report = compliance(&material(&journal, Vec::new()), &asked).unwrap();
        let (sum, run) = (&report.summary, &report.runs[0]);
        assert_eq!((sum.rounds_committed, sum.rounds_aborted, sum.rounds_charged), (3, aborted, 3 + aborted));
        let plan = world.run.plan();
        let of = |rounds| Some(format!("{:.6}", epsilon_of(&plan.charge_of(&[rounds]).customer, plan.delta()).0));
        let figures = [&run.epsilon_released, &run.epsilon_charged, &run.epsilon_run].map(Option::clone);
        // The plan allows one more round than it has.
        assert_eq!(figures, [of(3), of(3 + aborted), of(4)]);
        let number = |figure: &Option<String>| figure.as_ref().unwrap().parse::<f64>().unwrap();
        let [released, charged, allowed] = [0, 1, 2].map(|place| number(&figures[place]));
        assert!(released <= charged && charged <= allowed && (released < charged) == (aborted > 0), "{figures:?}");
    }
}
