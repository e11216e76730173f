//! What follows from a plan: numbers that its author computes once, and every reader again.

use tributary_protocol::plan::{Plan, Stage};

use crate::architecture::Architecture;
use crate::schema::Schema;
use crate::stage::{Chosen, Frame, PlannedStage, StageFault, StageSettings, round_charge};

/// A number in a plan that does not follow from the rest of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plan's {0}: its author computed it wrongly, or changed it afterwards; do not join")]
pub struct PlannedFault(pub String);

/// A plan of which every number follows, read.
#[derive(Clone)]
pub struct Planned {
    plan: Plan,
    architecture: Architecture,
    schema: Option<Schema>,
    stages: Vec<StageSettings>,
}

impl Planned {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The network.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The schema, where it was given.
    #[must_use]
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// The settings of every stage, in order.
    #[must_use]
    pub fn stages(&self) -> &[StageSettings] {
        &self.stages
    }

    /// The stage of a number, from 0.
    #[must_use]
    pub fn stage(&self, number: u16) -> Option<PlannedStage<'_>> {
        let (settings, terms) = (self.stages.get(usize::from(number))?, self.plan.stage(number)?);
        Some(PlannedStage::new(settings, Frame::of(&self.plan, &self.architecture, self.schema()), terms))
    }
}

/// Recomputes every number of a valid plan that can be recomputed. Without the schema, of stages that count by its fields the settings alone
/// are read.
///
/// # Errors
/// The first number that does not follow.
pub fn check(plan: &Plan, schema: Option<&Schema>) -> Result<Planned, PlannedFault> {
    let fault = |text: &dyn std::fmt::Display| PlannedFault(text.to_string());
    let architecture = Architecture::decode(&plan.architecture).map_err(|error| fault(&error))?;
    let frame = Frame::of(plan, &architecture, schema);
    let stages = (1..).zip(&plan.stages).map(|(number, stage)| {
        let settings = StageSettings::decode(&stage.kind, &stage.settings)
            .map_err(|error| PlannedFault(format!("stage {number}: {error}")))?;
        check_stage(number, stage, &settings, &frame)?;
        Ok(settings)
    });
    let stages: Vec<StageSettings> = stages.collect::<Result<_, PlannedFault>>()?;
    if let Some(first) = stages.first() {
        first.opens().map_err(|error| PlannedFault(format!("stage 1: {error}")))?;
    }
    for (number, own) in stages.iter().enumerate() {
        let next = stages.get(number + 1);
        own.precedes(next).map_err(|error| PlannedFault(format!("stage {}: {error}", number + 1)))?;
    }
    Ok(Planned { plan: plan.clone(), schema: schema.cloned(), stages, architecture })
}

/// Whether every number of a stage follows from its settings and the plan. People count stages from 1.
fn check_stage(number: usize, stage: &Stage, settings: &StageSettings, frame: &Frame<'_>) -> Result<(), PlannedFault> {
    let Stage { ring, noise_variance, sampling_threshold, rounds, .. } = *stage;
    let follows = match settings.terms(frame, Chosen { ring, noise_variance, sampling_threshold, rounds }) {
        Ok(follows) => follows,
        // Whoever has no schema cannot judge what is counted by it.
        Err(StageFault::Schema) => return Ok(()),
        Err(error) => return Err(PlannedFault(format!("stage {number}: {error}"))),
    };
    let numbers = |stage: &Stage| {
        [
            ("dimension", u128::from(stage.dimension)),
            ("reach", stage.reach.into()),
            ("squared sensitivity", stage.sensitivity_squared),
            ("squared sensitivity to a customer", stage.customer_sensitivity_squared),
            ("number of releases", stage.releases.into()),
            ("number of model bytes", stage.model_bytes.into()),
        ]
    };
    for ((name, stated), (_, follows)) in numbers(stage).into_iter().zip(numbers(&follows)) {
        if stated != follows {
            let text = format!("stage {number}: {name} is stated as {stated} where {follows} follows");
            return Err(PlannedFault(text));
        }
    }
    if (stage.summed, stage.noise) != (follows.summed, follows.noise) {
        let text = format!(
            "stage {number}: whose vectors are summed, or who adds the noise, is stated otherwise than follows"
        );
        return Err(PlannedFault(text));
    }
    if !round_charge(stage, frame.privacy).at_most(&stage.charge) {
        let text = format!("stage {number}: charge of a round is stated below what its noise and sampling give");
        return Err(PlannedFault(text));
    }
    Ok(())
}

#[cfg(test)]
#[path = "planned_tests.rs"]
mod tests;
