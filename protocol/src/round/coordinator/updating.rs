//! Updating: the shell unmasks the sum and applies it to the model.

use super::{Coordinator, Phase, Wait};
use crate::digest::Digest;
use crate::ids::RoundId;
use crate::message::{Downstream, RoundOutcome};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::round::event::CoordinatorEvent;
use crate::secagg::suite::Suite;
use crate::time::Millis;

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
    /// R7: the new model is durable; the round is committed, and the next one starts in the same breath.
    pub(super) fn on_updated(
        &mut self,
        now: Millis,
        round: RoundId,
        sum: Digest,
        model: Digest,
        outbox: &mut Outbox<CoordinatorEffect>,
    ) {
        let fits = matches!(&self.phase, Phase::Updating(_, updating) if updating.round == round);
        if !fits {
            return;
        }
        let Phase::Updating(session, _) = core::mem::replace(&mut self.phase, Phase::Finished) else { return };
        let survivors = u32::try_from(self.record.admitted.len()).expect("a cohort is at most 256");
        self.commit(CoordinatorEvent::RoundCommitted { round, sum, model }, outbox);
        outbox.push(CoordinatorEffect::Sync);
        for client in session.cohort() {
            let outcome = RoundOutcome::Committed { round, survivors, model };
            outbox.push(CoordinatorEffect::Send(client, Downstream::Outcome(outcome)));
        }
        self.start_round(now, session, outbox);
    }
}
