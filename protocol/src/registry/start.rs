//! From which models runs begin: the rule by which a coordinator opens a run, and by which an auditor judges that it did.

use super::record::{ModelRecord, RegistryRecord};
use crate::digest::Digest;
use crate::plan::{ModelRef, Plan};

/// Why no run of a plan begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedStart {
    /// No champion.
    #[error("the plan begins from the champion of its purpose, and the registry had none")]
    NoChampion,
    /// No such model, or a withdrawn one.
    #[error(
        "the plan begins from the model with parameters {parameters}, and the registry had none that was not withdrawn"
    )]
    NoModel {
        /// Digest of the parameters.
        parameters: Digest,
    },
    /// What the run before released was withdrawn.
    #[error("the run before released model {model}, which was withdrawn, and no run goes on from it")]
    Withdrawn {
        /// The model.
        model: Digest,
    },
    /// An attack showed more than was claimed.
    #[error(
        "a report of attacks shows a larger epsilon of model {model} than its privacy statement claims, and no run begins from it after that report"
    )]
    Alarm {
        /// The model.
        model: Digest,
    },
}

impl RegistryRecord {
    /// The registered model from which a run of this plan begins now; nothing where the plan names none. `released` is the digest of the parameters that the
    /// run before has released, where there was one.
    ///
    /// # Errors
    /// [`RefusedStart`]: there is no such model, it was withdrawn, or an attack on it raised the alarm.
    pub fn start(&self, plan: &Plan, released: Option<&Digest>) -> Result<Option<&ModelRecord>, RefusedStart> {
        let model = match plan.initial_model {
            ModelRef::Champion => Some(self.champion(&plan.purpose).ok_or(RefusedStart::NoChampion)?),
            ModelRef::Digest(parameters) => {
                Some(self.of_parameters(&parameters).ok_or(RefusedStart::NoModel { parameters })?)
            }
            ModelRef::Zero | ModelRef::Seed(_) | ModelRef::PreviousRun => None,
        };
        // A model that was withdrawn because of the alarm is alarmed as well.
        let goes_on = released.filter(|_| plan.initial_model == ModelRef::PreviousRun);
        let of_run = |model: &&ModelRecord| Some(&model.manifest.parameters) == goes_on;
        let mut begins = model.into_iter().chain(self.models.values().filter(of_run));
        if let Some(alarmed) = begins.find(|model| model.is_alarmed()) {
            return Err(RefusedStart::Alarm { model: alarmed.manifest.digest() });
        }
        // Two models may have the same parameters: one that was not withdrawn is enough.
        let withdrawn = goes_on.filter(|parameters| self.of_parameters(parameters).is_none());
        match withdrawn.and_then(|_| self.models.values().find(of_run)) {
            Some(withdrawn) => Err(RefusedStart::Withdrawn { model: withdrawn.manifest.digest() }),
            None => Ok(model),
        }
    }
}
