//! Updating: the shell unmasks the sum and advances the public state by it.

use super::{Coordinator, Phase, Wait};
use crate::digest::Digest;
use crate::ids::RoundId;
use crate::message::{Downstream, RoundOutcome};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::suite::Suite;

pub(super) struct Updating {
    pub(super) round: RoundId,
}

impl Updating {
    pub(super) fn wait(&self) -> Wait {
        Wait {
            reason: alloc::format!("round {}: this machine's own arithmetic", self.round),
            deadline: None,
            next: "commit the round",
        }
    }
}

impl<S: Suite> Coordinator<S> {
    /// R7: the next public state is durable; the round is committed, and the next one starts in the same breath.
    pub(super) fn on_updated(
        &mut self,
        round: RoundId,
        sum: Digest,
        model: Digest,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        if !matches!(&self.phase, Phase::Updating(updating) if updating.round == round) {
            return;
        }
        let survivors = u32::try_from(self.record.admitted.len()).expect("a cohort is at most 10,000");
        self.commit(CoordinatorEvent::RoundCommitted { round, sum, model }, outbox);
        self.sync(outbox);
        let outcome = Downstream::Outcome(RoundOutcome::Committed { round, survivors, model });
        outbox.push(CoordinatorEffect::Broadcast(self.ready_clients(), outcome));
        self.phase = Phase::Gathering;
    }

    /// A stage is over: the shell chooses what it hands on.
    pub(super) fn conclude(&mut self, stage: u16, outbox: &mut Outbox<CoordinatorEffect>) {
        outbox.push(CoordinatorEffect::Conclude(stage));
        self.phase = Phase::Concluding(stage);
    }

    pub(super) fn on_concluded(&mut self, stage: u16, model: Digest, outbox: &mut Outbox<CoordinatorEffect>) {
        if matches!(self.phase, Phase::Concluding(open) if open == stage) {
            self.commit(CoordinatorEvent::StageConcluded { stage, model }, outbox);
            self.sync(outbox);
            self.phase = Phase::Gathering;
        }
    }
}
