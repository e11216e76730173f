//! What the coordinator waits for, and what it does when that does not come.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Coordinator, Phase};
use crate::ids::ClientId;
use crate::message::ClosedReason;
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// What a machine waits for: reason, deadline, next action. `status` prints all three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What has to come.
    pub reason: String,
    /// When it is too late, if ever.
    pub deadline: Option<Millis>,
    /// What happens then.
    pub next: &'static str,
}

impl<S: Suite> Coordinator<S> {
    /// What the machine waits for now: of a round and a set-up beside it, the one whose deadline comes first.
    #[must_use]
    pub fn wait(&self) -> Wait {
        let round = match &self.phase {
            Phase::Gathering => self.keying.is_none().then(|| self.gathering_wait()),
            Phase::Collecting(collecting) => Some(collecting.wait(&self.record.admitted)),
            Phase::Certifying(certifying) => Some(certifying.wait()),
            Phase::Unmasking(unmasking) => Some(unmasking.wait()),
            Phase::Updating(updating) => Some(updating.wait()),
            Phase::Releasing => Some(idle("this machine's own arithmetic: the model to release")),
            Phase::Stopped => Some(idle("nothing: the coordinator stops")),
            Phase::Finished => Some(idle("nothing: the plan is over")),
        };
        let keying = self.keying.as_ref().map(super::Keying::wait);
        let sooner = |wait: &Wait| wait.deadline.unwrap_or(Millis(u64::MAX));
        let waits = round.into_iter().chain(keying);
        waits.min_by_key(sooner).unwrap_or_else(|| idle("nothing"))
    }

    /// When the machine must be asked again, if ever: the deadline of [`Coordinator::wait`], without its words. For shells, which ask after
    /// every input.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let round = match &self.phase {
            Phase::Gathering => self.gathering_deadline(),
            Phase::Collecting(collecting) => Some(collecting.deadline()),
            Phase::Certifying(certifying) => Some(certifying.certified_by),
            Phase::Unmasking(unmasking) => Some(unmasking.deadline),
            Phase::Updating(_) | Phase::Releasing | Phase::Stopped | Phase::Finished => None,
        };
        let keying = self.keying.as_ref().map(super::Keying::deadline);
        round.into_iter().chain(keying).min()
    }

    /// Until when others may come, where those who are here could go on without them.
    fn gathering_deadline(&self) -> Option<Millis> {
        let hopeful = self.gather_until.or(self.rekey_after).filter(|_| self.keying.is_none())?;
        let alone = self.current().is_some() || self.may_be_cohort(&self.ready_clients());
        alone.then_some(hopeful)
    }

    /// Everybody who may still take part, in the roster's order.
    fn unevicted(&self) -> Vec<ClientId> {
        let enrolled = self.settings.roster.roster.entries().iter().map(|entry| entry.client);
        enrolled.filter(|client| !self.record.evicted.contains_key(client)).collect()
    }

    fn gathering_wait(&self) -> Wait {
        let ready_clients = self.ready_clients();
        let ready = ready_clients.len();
        let enrolled = self.settings.roster.roster.entries().len();
        let (least, evicted) = (self.settings.plan.cohort.cohort_min, &self.record.evicted);
        let deadline = self.gathering_deadline();
        if let Some(current) = self.current() {
            let present = self.present(current).len();
            return Wait {
                reason: alloc::format!(
                    "members of the session with their keys; {present} of {} are here",
                    current.cohort().len()
                ),
                deadline,
                next: "go on with those that are here if they are enough, or key another session",
            };
        }
        if self.may_be_cohort(&ready_clients) {
            Wait {
                reason: alloc::format!("the rest of {enrolled} enrolled clients; {ready} are ready"),
                deadline,
                next: "open a session with those that are ready",
            }
        } else if !evicted.is_empty() && !self.may_be_cohort(&self.unevicted()) {
            Wait {
                reason: alloc::format!(
                    "a new plan: {} of {enrolled} enrolled clients are out of this one for breaking rounds, and the rest is no cohort by its rule",
                    evicted.len()
                ),
                deadline: None,
                next: "find the cause in the ledger, then stop this plan and start another",
            }
        } else {
            Wait {
                reason: alloc::format!(
                    "a cohort by the plan's rule, at least {least} clients that admit the plan; {ready} of {enrolled} are ready"
                ),
                deadline: None,
                next: "open a session when enough are ready",
            }
        }
    }

    pub(super) fn on_timer(&mut self, now: Millis, outbox: &mut Outbox<CoordinatorEffect>) {
        if self.keying.as_ref().is_some_and(|keying| keying.deadline() <= now) {
            let silent = self.keying.as_ref().map(super::Keying::missing).unwrap_or_default();
            self.drop_keying(now, ClosedReason::Deadline, outbox);
            silent.into_iter().for_each(|client| self.cut(now, client, outbox));
        }
        match &self.phase {
            Phase::Collecting(collecting) if collecting.deadline() <= now => self.collecting_expired(now, outbox),
            Phase::Certifying(certifying) if certifying.certified_by <= now => {
                let silent = certifying.missing();
                self.abort(ClosedReason::Deadline, outbox);
                silent.into_iter().for_each(|client| self.cut(now, client, outbox));
            }
            Phase::Unmasking(unmasking) if unmasking.deadline <= now => {
                let silent = unmasking.missing();
                self.abort(ClosedReason::Deadline, outbox);
                silent.into_iter().for_each(|client| self.cut(now, client, outbox));
            }
            _ => {}
        }
    }
}

fn idle(reason: &str) -> Wait {
    Wait { reason: reason.to_string(), deadline: None, next: "none" }
}
