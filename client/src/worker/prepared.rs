//! A plan that was admitted, with everything that its rounds need from the branch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tributary_certs::entropy::OsEntropy;
use tributary_model::parameters::Parameters;
use tributary_model::planned::Planned;
use tributary_model::privacy::NoiseError;
use tributary_model::stage::{ContributeFault, PlannedStage, PublicState, Rows, StateFault};
use tributary_model::train::{TrainError, Trainer};
use tributary_model::update::{ClippedSum, NoisedUpdate};
use tributary_protocol::digest::Digest;
use tributary_protocol::message::{Floor, RefusalCode};
use tributary_protocol::plan::{NoiseShare, PrivacyMode, ValidPlan};
use tributary_protocol::round::Timing;

use super::laid_out::{LaidOut, emptied, stages};
use super::snapshot::Snapshot;
use crate::noise::NoiseSource;

/// By so much a plan's deadline must pass this branch's own time.
const DEADLINE_TIMES_OWN: u32 = 4;

/// By so much a plan's offset must pass this branch's own time, where the policy is strict.
const OFFSET_TIMES_OWN: u32 = 2;

/// Everything that a plan needs from the branch.
pub(super) struct Prepared {
    /// Digest of the plan.
    pub(super) plan: Digest,
    pub(super) planned: Arc<Planned>,
    laid_out: LaidOut,
    /// A public number of the branch's customers, where the plan trains locally.
    customers_nominal: u32,
}

/// What a plan is laid out with.
pub(super) struct Means<'a> {
    /// Public number of customers, for local steps.
    pub(super) customers_nominal: Option<u32>,
    /// This branch's noise.
    pub(super) noise: &'a mut NoiseSource,
    /// Of the policy.
    pub(super) timing: Timing,
    /// Most time that one round's training may take, as the settings say.
    pub(super) round_max: Option<Duration>,
}

/// Why a branch cannot take part. No row decides it.
pub(super) struct Unprepared {
    /// For the coordinator.
    pub(super) code: RefusalCode,
    /// For the operator.
    pub(super) explanation: String,
}

/// Why a round's work came to nothing. No row decides it.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkFault {
    #[error(transparent)]
    State(#[from] StateFault),
    #[error(transparent)]
    Contribute(#[from] ContributeFault),
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Noise(#[from] NoiseError),
    #[error("the branch's rows are not laid out for this stage, which is a fault of the program: report it")]
    NotLaidOut,
}

impl Prepared {
    /// Lays the snapshot out for a plan that was admitted.
    pub(super) fn new(
        plan: &ValidPlan,
        planned: Planned,
        snapshot: &Snapshot,
        means: Means<'_>,
    ) -> Result<Self, Unprepared> {
        let Means { customers_nominal, noise, timing, round_max } = means;
        noise.admits(plan).map_err(|fault| unprepared(&fault))?;
        let customers_nominal = match (plan.privacy, customers_nominal) {
            (PrivacyMode::Local, None) => {
                return Err(unprepared(
                    &"the plan trains locally, and data.customers_nominal is not set: give a public number of this branch's customers, by \
                      which local steps divide instead of the actual one",
                ));
            }
            (_, nominal) => nominal.unwrap_or(1),
        };
        let laid_out = LaidOut::new(&planned, snapshot).map_err(|fault| unprepared(&fault))?;
        let prepared = Self { plan: plan.digest(), planned: Arc::new(planned), laid_out, customers_nominal };
        prepared.timed(snapshot, noise, (timing, round_max))
    }

    /// Refuses a plan that leaves this branch too little time: a round that ends before the vector is ready would silence the branch, and a
    /// strict policy asks to be ready at the offset. What is timed is the dearest stage over a table without rows, which takes as long as any
    /// other within the public maxima.
    fn timed(
        self,
        snapshot: &Snapshot,
        noise: &mut NoiseSource,
        (timing, round_max): (Timing, Option<Duration>),
    ) -> Result<Self, Unprepared> {
        let own = self.rehearse(snapshot, noise).map_err(|fault| unprepared(&fault))?;
        let plan = self.planned.plan();
        leaves_time(own, (plan.round_deadline_ms, plan.upload_offset_ms), (timing, round_max))?;
        Ok(self)
    }

    /// The time of the dearest stage over a table without rows.
    fn rehearse(&self, snapshot: &Snapshot, noise: &mut NoiseSource) -> Result<Duration, WorkFault> {
        let mut dearest = Duration::ZERO;
        for stage in stages(&self.planned) {
            let empty = emptied(&stage, &self.planned, snapshot)?;
            let state = stage.begin(Parameters::initial(self.planned.architecture(), 0));
            let started = Instant::now();
            if has_noise_inside(&stage) {
                self.noised(&stage, &empty, &state, noise)?;
            } else {
                self.sum(&stage, &empty, &state)?;
            }
            dearest = dearest.max(started.elapsed());
        }
        Ok(dearest)
    }

    /// The branch's rows, as a stage takes them.
    pub(super) fn rows(&self, stage: &PlannedStage<'_>) -> Result<&Trainer, WorkFault> {
        self.laid_out.rows(stage, &self.planned).ok_or(WorkFault::NotLaidOut)
    }

    /// A table without rows, as a stage takes it.
    pub(super) fn empty(&self, stage: &PlannedStage<'_>, snapshot: &Snapshot) -> Result<Trainer, WorkFault> {
        Ok(emptied(stage, &self.planned, snapshot)?)
    }

    /// What these rows put into a round, before its noise.
    pub(super) fn sum(
        &self,
        stage: &PlannedStage<'_>,
        rows: &Trainer,
        state: &PublicState,
    ) -> Result<ClippedSum, WorkFault> {
        Ok(stage.contribute(&self.of(rows), state, &mut OsEntropy)?)
    }

    /// What these rows put into a round, this branch's own noise inside of it.
    pub(super) fn noised(
        &self,
        stage: &PlannedStage<'_>,
        rows: &Trainer,
        state: &PublicState,
        noise: &mut NoiseSource,
    ) -> Result<NoisedUpdate, WorkFault> {
        let sampler = noise.sampler(stage.terms().noise_variance)?;
        Ok(stage.contribute_noised(&self.of(rows), state, sampler, &mut OsEntropy)?)
    }

    fn of<'a>(&self, trainer: &'a Trainer) -> Rows<'a> {
        Rows { trainer, customers_nominal: self.customers_nominal }
    }
}

/// Whether rounds with this deadline and offset, in milliseconds, leave enough time to a branch that needs `own` for each.
fn leaves_time(
    own: Duration,
    (round_deadline_ms, upload_offset_ms): (u64, u64),
    (timing, round_max): (Timing, Option<Duration>),
) -> Result<(), Unprepared> {
    if let Some(most) = round_max.filter(|most| own > *most) {
        return Err(unprepared(&format!(
            "a round of this plan takes {} ms of a core for a table of this branch's public maxima, and worker.round_ms_max allows {}. Raise it, \
             or lower the maxima in [data]",
            own.as_millis(),
            most.as_millis()
        )));
    }
    let deadline = Duration::from_millis(round_deadline_ms);
    if deadline < own * DEADLINE_TIMES_OWN {
        return Err(unprepared(&format!(
            "the plan's rounds end {} ms after their start, and this branch needs {} ms for a table of its public maxima; it asks for four \
             times that, because a round that is over too early would silence it: ask the plan owner for a round_deadline_ms of {} or more, \
             or lower the maxima in [data]",
            deadline.as_millis(),
            own.as_millis(),
            (own * DEADLINE_TIMES_OWN).as_millis() + 1
        )));
    }
    let offset = Duration::from_millis(upload_offset_ms);
    if timing == Timing::Strict && offset < own * OFFSET_TIMES_OWN {
        let explanation = format!(
            "the policy's timing is strict, and the plan's uploads leave {} ms after a round's start; this branch needs {} ms for a table of \
             its public maxima, and twice that is asked for: ask the plan owner for an upload_offset_ms of {} or more",
            offset.as_millis(),
            own.as_millis(),
            (own * OFFSET_TIMES_OWN).as_millis() + 1
        );
        return Err(Unprepared { code: RefusalCode::PolicyFloor(Floor::UploadOffset), explanation });
    }
    Ok(())
}

/// Whether a stage's noise is in what its vectors are made of already.
pub(super) fn has_noise_inside(stage: &PlannedStage<'_>) -> bool {
    stage.terms().noise == NoiseShare::Inside
}

fn unprepared(explanation: &impl ToString) -> Unprepared {
    Unprepared { code: RefusalCode::BranchUnprepared, explanation: explanation.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A branch that needs 10 ms asks for four times that until the end of a round, and for twice that before uploads leave, where its policy is strict.
    #[test]
    fn a_round_has_four_times_and_an_upload_twice_what_the_branch_needs() {
        let own = Duration::from_millis(10);
        let judged = |deadline, offset, timing, most: Option<u64>| {
            let most = most.map(Duration::from_millis);
            leaves_time(own, (deadline, offset), (timing, most)).map_err(|refused| refused.code)
        };
        let unprepared = Err(RefusalCode::BranchUnprepared);
        assert_eq!(judged(40, 0, Timing::Plain, None), Ok(()));
        assert_eq!(judged(39, 0, Timing::Plain, None), unprepared);
        assert_eq!(judged(40, 20, Timing::Strict, Some(10)), Ok(()));
        assert_eq!(judged(40, 19, Timing::Strict, None), Err(RefusalCode::PolicyFloor(Floor::UploadOffset)));
        assert_eq!(judged(40, 20, Timing::Strict, Some(9)), unprepared);
    }

    /// Whoever gives the plan what its explanation asks for is admitted.
    #[test]
    fn what_a_refusal_asks_for_is_enough() {
        let own = Duration::from_micros(10_900);
        let asked = |deadline, offset| {
            let refused = leaves_time(own, (deadline, offset), (Timing::Strict, None)).unwrap_err().explanation;
            let words: Vec<&str> = refused.split_once(" or more").unwrap().0.rsplit(' ').collect();
            words[0].parse::<u64>().unwrap()
        };
        let deadline = asked(1, 1);
        let offset = asked(deadline, 1);
        assert_eq!((deadline, offset), (44, 22));
        assert!(leaves_time(own, (deadline, offset), (Timing::Strict, None)).is_ok());
    }
}
