//! The learning job: what follows from the plan that two people signed.

use std::sync::Arc;

use tributary_model::parameters::Parameters;
use tributary_model::planned::{self, Planned};
use tributary_model::schema::Schema;
use tributary_model::weak_modes::{Build, ModeNotBuilt};
use tributary_planning::build::read_schema;
use tributary_planning::{Guarantee, PlanFile};
use tributary_protocol::plan::{Approvals, ModelRef, Rejection, Run, ValidPlan};
use tributary_settings::Fault;

use crate::report::RunName;
use crate::settings::PlanFiles;

/// A run with everything at the coordinator that belongs to it.
pub struct Job {
    /// What the branches are told.
    pub run: Run,
    /// Its stages, read.
    pub planned: Arc<Planned>,
    /// The model from which the run begins.
    pub initial: Parameters,
    /// The guarantee of one run; none without noise.
    pub guarantee: Option<Guarantee>,
    /// Who put the plan forward, and who approved it.
    pub approvals: Approvals,
}

impl Job {
    /// Reads a plan's file and its schema, for the plan's first run. Whether the signatures count, the machine judges by the roster in force.
    ///
    /// # Errors
    /// The first fault, under the key that cures it.
    pub fn open(files: &PlanFiles) -> Result<Self, Fault> {
        let allowed = "a plan's file, as `tributary plan build` writes it";
        let file = PlanFile::read(&files.file).map_err(|error| fault("plan.file", &error, allowed))?;
        if let Some(rejection) = &file.rejection {
            return Err(rejected(rejection));
        }
        let allowed = "a plan that two people signed: its author (`tributary plan propose`), then a privacy officer (`tributary plan approve`)";
        let approvals = file.approvals().ok_or_else(|| Fault {
            key: "plan.file".into(),
            found: "a plan that lacks a signature".into(),
            allowed: allowed.into(),
        })?;
        let allowed = "a plan within the protocol's limits";
        let plan = file.plan.validate().map_err(|error| fault("plan.file", &error, allowed))?;
        Self::of(plan, &read_schema(&files.schema)?, approvals)
    }

    /// The first run of a plan.
    ///
    /// # Errors
    /// As [`Job::open`].
    pub fn of(plan: ValidPlan, schema: &Schema, approvals: Approvals) -> Result<Self, Fault> {
        Self::served_by(Build::THIS, plan, schema, approvals)
    }

    fn served_by(build: Build, plan: ValidPlan, schema: &Schema, approvals: Approvals) -> Result<Self, Fault> {
        build.admits(plan.privacy).map_err(|refused| Fault {
            key: "plan.file".into(),
            found: refused.found(),
            allowed: format!("a plan in mode {}", ModeNotBuilt::ALLOWED),
        })?;
        if schema.digest() != plan.schema {
            return Err(Fault {
                key: "plan.schema".into(),
                found: format!("a schema with the digest {}", schema.digest()),
                allowed: format!("the schema that the plan names, with the digest {}", plan.schema),
            });
        }
        let allowed = "a plan that handles its data as their level asks";
        schema.handled_by(&plan).map_err(|error| fault("plan.file", &error, allowed))?;
        let allowed = "a plan of which every number follows";
        let planned = planned::check(&plan, Some(schema)).map_err(|error| fault("plan.file", &error, allowed))?;
        let architecture = planned.architecture();
        let initial = match plan.initial_model {
            ModelRef::Seed(seed) => Parameters::initial(architecture, seed),
            // Where the plan names a model of the registry, that is looked up when the run begins.
            ModelRef::Zero | ModelRef::PreviousRun | ModelRef::Digest(_) | ModelRef::Champion => {
                Parameters::zero(architecture)
            }
        };
        let guarantee = Guarantee::of(&planned);
        let run = Run::new(plan, 1).expect("a valid plan has a first run");
        Ok(Self { run, planned: Arc::new(planned), initial, guarantee, approvals })
    }

    /// A run of the same plan, which begins from this model where the plan refers to the run before or to the registry.
    #[must_use]
    pub fn later(&self, number: u32, begins_from: Option<Parameters>) -> Option<Self> {
        let run = Run::new(self.run.plan().clone(), number)?;
        let refers = !matches!(run.plan().initial_model, ModelRef::Zero | ModelRef::Seed(_));
        let initial = begins_from.filter(|_| refers).unwrap_or_else(|| self.initial.clone());
        let (planned, approvals) = (Arc::clone(&self.planned), self.approvals.clone());
        Some(Self { run, planned, initial, guarantee: self.guarantee, approvals })
    }

    /// A run of the plan, as people know it.
    pub(crate) fn name_of(&self, number: u32) -> RunName {
        RunName::new(self.plan(), number)
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &ValidPlan {
        self.run.plan()
    }
}

fn rejected(Rejection { reason, signed }: &Rejection) -> Fault {
    Fault {
        key: "plan.file".into(),
        found: format!("a plan that {} ({}) has rejected: {reason}", signed.staff, signed.role),
        allowed:
            "a plan that nobody has rejected: its owner cures what the reason names and puts it forward in a fresh file"
                .into(),
    }
}

fn fault(key: &str, found: &dyn std::error::Error, allowed: &str) -> Fault {
    Fault { key: key.into(), found: found.to_string(), allowed: allowed.into() }
}

#[cfg(test)]
pub(crate) mod tests;
