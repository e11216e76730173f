//! The models of a run, computed again from its opened sums by the code with which the coordinator made them.
//!
//! `tributary_model::stage` moves a state by a sum, bit for bit the same on every machine. What is not there (a sum, the schema, the model from which
//! the run begins) breaks the chain: from there on models are not verified, until a stage begins from a state that is kept. A model that was computed
//! from the run's beginning on follows from its sums, and no other one does.

use std::collections::BTreeMap;

use tributary_model::learnt::LearntField;
use tributary_model::parameters::Parameters;
use tributary_model::planned::Planned;
use tributary_model::stage::{AdvanceFault, PlannedStage, PublicState, STATE_FORMAT, StageSettings, StageState};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::ModelRef;
use tributary_protocol::round::RoundDescriptor;

/// What is missing where models are not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// No opened sum, and no uploads that give it.
    Sum,
    /// Not the model from which the run begins.
    Start,
    /// Not the schema of the plan.
    Schema,
}

impl Why {
    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Sum => {
                "neither the opened sum nor the uploads of their round, or of one before it in its stage, are here"
            }
            Self::Start => "the model from which their run begins is not here",
            Self::Schema => "the schema of their plan is not here",
        }
    }
}

/// A model that does not follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Follows {
    /// Another model.
    #[error(
        "the model that follows has the digest {found}, and the ledger names {named}: the coordinator does not tell the truth"
    )]
    Other {
        /// In the ledger.
        named: Digest,
        /// As it was computed.
        found: Digest,
    },
    /// The coordinator uses no such sum.
    #[error("its sum leads to no model, and the ledger names one: {0}")]
    Unusable(AdvanceFault),
}

/// What is known of the state of a run.
enum At {
    /// Within a stage.
    Stage(Box<StageState>),
    /// After the last one.
    Over(Parameters),
    /// Not computed.
    Lost(Why),
}

/// The models of one run.
pub(crate) struct Replay {
    planned: Planned,
    at: At,
    /// Whether every step since the beginning was computed.
    unbroken: bool,
    learnt: Vec<LearntField>,
    /// Models that were computed and are those of the ledger: one for each committed round and each end of a stage.
    pub(crate) verified: u32,
    /// How many were not, and why.
    pub(crate) unverified: BTreeMap<Why, u32>,
}

/// The model that the ledger names is the one that was computed.
fn same(named: &Digest, found: Digest) -> Result<(), Follows> {
    if *named == found { Ok(()) } else { Err(Follows::Other { named: *named, found }) }
}

/// What a stage hands on, where that is the ledger's model.
fn handed_on(
    (stage, state): (&PlannedStage<'_>, &StageState),
    next: Option<&PlannedStage<'_>>,
    model: &Digest,
) -> Result<At, Follows> {
    let handed = stage.conclude(state).map_err(Follows::Unusable)?;
    match next {
        Some(next) => {
            let state = next.start_after(handed);
            same(model, digest(next, &state))?;
            Ok(At::Stage(Box::new(state)))
        }
        None => {
            same(model, handed.parameters.digest())?;
            Ok(At::Over(handed.parameters))
        }
    }
}

fn digest(stage: &PlannedStage<'_>, state: &StageState) -> Digest {
    stage.state_digest(&state.public().to_bytes())
}

/// The parameters of this digest, from what is kept of a public state.
pub(crate) fn parameters(planned: &Planned, digest: &Digest, stored: &[u8]) -> Option<Parameters> {
    let bytes = STATE_FORMAT.read(stored).ok()?;
    Parameters::from_le_bytes(planned.architecture(), bytes).ok().filter(|found| found.digest() == *digest)
}

impl Replay {
    /// The beginning of a run from the model of this digest; `start` gives it, where the plan names no other way to it.
    ///
    /// # Errors
    /// If the plan begins from another model.
    pub(crate) fn begin(
        planned: Planned,
        model: &Digest,
        start: impl FnOnce(&Planned) -> Option<Parameters>,
    ) -> Result<Self, Follows> {
        let architecture = planned.architecture();
        let initial = match planned.plan().initial_model {
            ModelRef::Zero => Some(Parameters::zero(architecture)),
            ModelRef::Seed(seed) => Some(Parameters::initial(architecture, seed)),
            ModelRef::PreviousRun | ModelRef::Digest(_) | ModelRef::Champion => {
                let zero = Parameters::zero(architecture);
                if zero.digest() == *model { Some(zero) } else { start(&planned) }
            }
        };
        let (mut at, learnt, unverified) = (At::Lost(Why::Start), Vec::new(), BTreeMap::new());
        if let Some(initial) = initial {
            same(model, initial.digest())?;
            at = match planned.stage(0) {
                Some(stage) => At::Stage(Box::new(stage.start(initial))),
                None => At::Over(initial),
            };
        }
        let unbroken = !matches!(at, At::Lost(_));
        Ok(Self { planned, at, unbroken, learnt, verified: 0, unverified })
    }

    /// The plan, read.
    pub(crate) fn planned(&self) -> &Planned {
        &self.planned
    }

    /// The state within a stage, where it was computed or is kept.
    pub(crate) fn public(&self) -> Option<&PublicState> {
        match &self.at {
            At::Stage(state) => Some(state.public()),
            At::Over(_) | At::Lost(_) => None,
        }
    }

    /// A round was committed, with this opened sum where it is here. Whether its model was verified.
    ///
    /// # Errors
    /// If another model follows.
    pub(crate) fn committed(
        &mut self,
        descriptor: &RoundDescriptor,
        survivors: usize,
        (sum, model): (Option<&[i64]>, &Digest),
    ) -> Result<(), Follows> {
        let Some(stage) = self.planned.stage(descriptor.stage) else { return Ok(()) };
        let why = match (&mut self.at, sum) {
            (At::Stage(state), Some(sum)) => {
                let moved = stage.advance(state, sum, survivors).map_err(Follows::Unusable);
                match moved.and_then(|_| same(model, digest(&stage, state))) {
                    Ok(()) => {
                        self.verified = self.verified.saturating_add(1);
                        return Ok(());
                    }
                    Err(_) if stage.lacks_schema() => Why::Schema,
                    Err(fault) => return Err(fault),
                }
            }
            // A count that moves nothing leaves the state that is known.
            (At::Stage(_), None) if *model == descriptor.model && stage.layout().is_none() => {
                self.pass(Why::Sum);
                return Ok(());
            }
            (At::Lost(why), _) => *why,
            (At::Stage(_) | At::Over(_), _) => Why::Sum,
        };
        self.lose(why);
        self.pass(why);
        Ok(())
    }

    /// A stage is over, and this is what it hands on; `kept` gives the state of this digest.
    ///
    /// # Errors
    /// If it hands on something else.
    pub(crate) fn concluded(
        &mut self,
        stage: u16,
        model: &Digest,
        kept: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Result<(), Follows> {
        let Some(concluded) = self.planned.stage(stage) else { return Ok(()) };
        let next = self.planned.stage(stage.saturating_add(1));
        let why = match &self.at {
            At::Stage(state) => match handed_on((&concluded, state), next.as_ref(), model) {
                Ok(at) => {
                    self.at = at;
                    self.verified = self.verified.saturating_add(1);
                    self.learn(stage);
                    return Ok(());
                }
                // Without the schema another state comes out, and that proves nothing.
                Err(_) if concluded.lacks_schema() || next.as_ref().is_some_and(PlannedStage::lacks_schema) => {
                    (self.at, self.unbroken) = (At::Lost(Why::Schema), false);
                    Why::Schema
                }
                Err(fault) => return Err(fault),
            },
            At::Lost(why) => *why,
            At::Over(_) => Why::Sum,
        };
        // A stage begins with a state that may be kept; how it came to be is not known any more.
        let restored = next.zip(kept()).and_then(|(next, stored)| {
            let bytes = next.restored(STATE_FORMAT.read(&stored).ok()?.to_vec());
            let own = next.state_digest(&bytes) == *model;
            let state = next.read_state(&bytes).ok().filter(|_| own)?;
            Some(next.started(state))
        });
        if let Some(state) = restored {
            self.at = At::Stage(Box::new(state));
        }
        self.pass(why);
        Ok(())
    }

    /// What the run released, where every step to it was computed.
    pub(crate) fn released(&self) -> Option<&Parameters> {
        match &self.at {
            At::Over(parameters) if self.unbroken => Some(parameters),
            _ => None,
        }
    }

    /// Whether every step since the beginning was computed.
    pub(crate) fn is_unbroken(&self) -> bool {
        self.unbroken
    }

    /// What its stages have learnt about features, where every step was computed.
    pub(crate) fn learnt(&self) -> Option<&[LearntField]> {
        self.unbroken.then_some(self.learnt.as_slice())
    }

    /// As `features.json` has it: the groups with which the stage after a `quantile` stage begins.
    fn learn(&mut self, stage: u16) {
        let learns = matches!(self.planned.stages().get(usize::from(stage)), Some(StageSettings::Quantile(_)));
        let next = self.planned.stage(stage.saturating_add(1)).filter(|_| learns);
        if let (Some(next), At::Stage(state)) = (next, &self.at) {
            self.learnt = next.learnt_fields(state.public());
        }
    }

    fn lose(&mut self, why: Why) {
        self.at = At::Lost(why);
        self.unbroken = false;
    }

    fn pass(&mut self, why: Why) {
        let count = self.unverified.entry(why).or_default();
        *count = count.saturating_add(1);
    }
}
