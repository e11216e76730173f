//! How far a model falls where branches turn their labels, and how far runs lie apart that differ in their noise alone.

use serde::Serialize;
use tributary_model::features::FeatureMatrix;
use tributary_model::planned::Planned;

use super::draws::Source;
use crate::fault::RehearsalFault;
use crate::judged::judge;
use crate::run::{Branch, Noise, Rehearsal, initial};
use crate::scatter::score_noise;
use crate::side_by_side;
use crate::summary::Summary;

/// What runs with some lying branches came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Poisoned {
    /// Branches that turn every label.
    pub branches: usize,
    /// Of each label: the figures on rows that were held out, over runs with fresh noise.
    pub heads: Vec<Summary>,
    /// Standard deviation of a customer's score over these runs, in logits.
    pub score_noise: Option<f64>,
}

/// Runs the plan so often for each of these numbers of lying branches. The first ones lie.
///
/// # Errors
/// If rows and plan do not fit.
pub fn poisoning(
    (planned, noise): (&Planned, Option<Noise>),
    (branches, held_out): (&[Branch], &FeatureMatrix),
    (liars, runs): (&[usize], usize),
    source: Source<'_>,
) -> Result<Vec<Poisoned>, RehearsalFault> {
    let of = |lying: usize| {
        let turned = branches.iter().enumerate().map(|(number, branch)| {
            let of =
                |rows: &FeatureMatrix| if number < lying { rows.mislabelled() } else { rows.of_customers(|_| true) };
            Branch::of_public(of(branch.training.data()), branch.held_out.as_ref().map(|table| of(table.data())))
        });
        let turned: Vec<Branch> = turned.collect();
        let rehearsal = Rehearsal::new(planned, &turned)?;
        let models = side_by_side(runs, |number| {
            rehearsal.run(initial(planned), noise, source(number as u64).as_mut()).map(|run| run.model)
        })?;
        let judged = models.iter().map(|model| judge(model, held_out)).collect::<Result<Vec<_>, _>>()?;
        let heads = Summary::of(planned.architecture().heads(), &judged);
        Ok(Poisoned { branches: lying, heads, score_noise: score_noise(&models, held_out)? })
    };
    liars.iter().map(|lying| of(*lying)).collect()
}
