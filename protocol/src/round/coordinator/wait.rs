//! What the coordinator waits for, and what it does when that does not come.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Coordinator, Phase};
use crate::ids::ClientId;
use crate::message::ClosedReason;
use crate::printable::counted;
use crate::roster::{Group, Roster};
use crate::round::effect::{CoordinatorEffect, Outbox};
use crate::secagg::parameters::{CoalitionRule, CohortRule};
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
    /// What the machine waits for now: of a round and a set-up beside it, the one whose deadline comes first. Its deadline is sooner where an
    /// entry of the roster ends before.
    #[must_use]
    pub fn wait(&self) -> Wait {
        let wait = self.wait_of_rounds();
        match self.entry_end() {
            Some(end) if wait.deadline.is_none_or(|deadline| end < deadline) => {
                Wait { deadline: Some(end), next: "let go of the clients whose entry in the roster ends then", ..wait }
            }
            _ => wait,
        }
    }

    /// When the next entry of the roster ends, where that is to be acted on: between rounds.
    fn entry_end(&self) -> Option<Millis> {
        self.endings.next.filter(|_| matches!(self.phase, Phase::Gathering))
    }

    fn wait_of_rounds(&self) -> Wait {
        let round = match &self.phase {
            Phase::Gathering => self.keying.is_none().then(|| self.gathering_wait()),
            Phase::Collecting(collecting) => Some(collecting.wait(&self.record.admitted)),
            Phase::Certifying(certifying) => Some(certifying.wait()),
            Phase::Unmasking(unmasking) => Some(unmasking.wait()),
            Phase::Updating(updating) => Some(updating.wait()),
            Phase::Concluding(_) => Some(idle("this machine's own arithmetic: what a stage hands on")),
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
            Phase::Updating(_) | Phase::Concluding(_) | Phase::Stopped | Phase::Finished => None,
        };
        let keying = self.keying.as_ref().map(super::Keying::deadline);
        round.into_iter().chain(keying).chain(self.entry_end()).chain(self.begins()).min()
    }

    /// Until when others are hoped for: then those who are here go on without them, or the operator is told that they are too few.
    fn gathering_deadline(&self) -> Option<Millis> {
        self.gather_until.or(self.rekey_after).filter(|_| self.keying.is_none())
    }

    /// What is missing, where nobody is hoped for any more and those who are here are too few: for the operator, who alone can help.
    #[must_use]
    pub fn lacking(&self) -> Option<String> {
        if self.held.is_some() && matches!(self.phase, Phase::Gathering) {
            // Before the first roster nobody is known, the signers neither.
            let nobody = self.too_few_enrolled().filter(|_| self.settings.roster.roster.entries().is_empty());
            return nobody.or_else(|| self.held.clone());
        }
        let hopeful = self.gather_until.is_some() || self.rekey_after.is_some() || self.keying.is_some();
        // Waiting does not help where not even everybody would do.
        let hopeful = hopeful && self.may_begin(&self.hopefuls());
        if hopeful || !matches!(self.phase, Phase::Gathering) || self.may_begin(&self.ready_clients()) {
            return None;
        }
        match self.current() {
            Some(current) => {
                let (here, least) = (self.present(current).len(), current.view.thresholds.survivors_min);
                let text = || {
                    alloc::format!(
                        "{here} of the {} members of the session are here, and a round needs {least}; for another session, {}",
                        current.cohort().len(),
                        self.needed()
                    )
                };
                (here < usize::from(least)).then(text)
            }
            None => Some(self.gathering_wait().reason),
        }
    }

    /// Everybody of the plan's group who may still take part, in the roster's order.
    #[must_use]
    pub fn hopefuls(&self) -> Vec<ClientId> {
        let group = self.settings.roster.roster.group(&self.settings.run.group);
        let members = group.into_iter().flat_map(Group::members);
        let out = |client: &ClientId| {
            self.record.evicted.contains_key(client) || self.endings.unseated.binary_search(client).is_ok()
        };
        members.filter(|client| !out(client)).collect()
    }

    /// How many members a cohort needs, of how many.
    fn needed(&self) -> String {
        let (plan, group) = (&self.settings.run, self.members_of_group());
        let size = usize::try_from(group).unwrap_or(usize::MAX);
        match (plan.cohort.coalition, plan.cohort.smallest_cohort(size)) {
            (CoalitionRule::Fraction { .. }, Some((needed, own))) => alloc::format!(
                "{needed} of the {group} members of group \"{}\" must be present: up to {} of the group may work together, and they must be \
                 fewer than a third of a cohort",
                plan.group,
                own.coalition_max
            ),
            (CoalitionRule::Fraction { .. }, None) => alloc::format!(
                "not even all {group} members of group \"{}\" would be enough: have the roster signed with a larger group, or change the plan",
                plan.group
            ),
            (CoalitionRule::Organisations { .. }, _) => alloc::format!(
                "at least {} of the {group} members of group \"{}\", of enough organisations",
                plan.cohort.cohort_min,
                plan.group
            ),
        }
    }

    /// What there is to do where the roster's group cannot be a cohort yet, however many of it come.
    fn too_few_enrolled(&self) -> Option<String> {
        let plan = &self.settings.run;
        too_few_enrolled(&self.settings.roster.roster, &plan.group, &plan.cohort)
    }

    /// What the operator must do about entries of the roster that are over.
    fn endings_in_words(&self) -> String {
        match self.endings.ended.as_slice() {
            [] => String::new(),
            [first, ..] => alloc::format!(
                "; the roster's entries of {} have ended, the first is client {first}: enrol them anew and have the next roster \
                 signed",
                counted(self.endings.ended.len(), "client")
            ),
        }
    }

    fn gathering_wait(&self) -> Wait {
        let ready_clients = self.ready_clients();
        let ready = ready_clients.len();
        let (members, evicted) = (self.members_of_group(), &self.record.evicted);
        let deadline = self.gathering_deadline();
        if let Some(reason) = self.held.clone() {
            let deadline = deadline.into_iter().chain(self.begins()).min();
            return Wait { reason, deadline, next: "go on where nothing holds the plan back" };
        }
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
        let ended = self.endings_in_words();
        if let Some(reason) = self.too_few_enrolled() {
            return Wait { reason, deadline, next: "wait for the next roster" };
        }
        let least = self.ready_min();
        if self.may_be_cohort(&ready_clients) && ready < least {
            let late = self.late.len();
            return Wait {
                reason: alloc::format!(
                    "{least} members that have joined, as the plan wants before its first round; {ready} have, {late} are here and not ready{ended}"
                ),
                deadline,
                next: "open a session when enough have joined",
            };
        }
        if self.may_be_cohort(&ready_clients) {
            Wait {
                reason: alloc::format!("the rest of {members} enrolled clients; {ready} are ready{ended}"),
                deadline,
                next: "open a session with those that are ready",
            }
        } else if !evicted.is_empty() && !self.may_be_cohort(&self.hopefuls()) {
            Wait {
                reason: alloc::format!(
                    "a new plan: {} of {members} enrolled clients are out of this one for breaking rounds, and the rest is no cohort by its \
                     rule{ended}",
                    evicted.len()
                ),
                deadline,
                next: "find the cause in the ledger, then stop this plan and start another",
            }
        } else {
            Wait {
                reason: alloc::format!(
                    "a cohort by the plan's rule of clients that admit the plan, {ready} are ready; {}{ended}",
                    self.needed()
                ),
                deadline,
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

/// Why no round can begin under a roster, where it is because too few are in the plan's group; in words for the operator.
#[must_use]
pub fn too_few_enrolled(roster: &Roster, group: &str, rule: &CohortRule) -> Option<String> {
    let least = rule.smallest_group()?;
    let named = roster.group(group);
    let members = named.map_or(0, Group::size);
    if members >= least {
        return None;
    }
    let unnamed = if named.is_none() { " (the roster does not name it)" } else { "" };
    Some(alloc::format!(
        "{members} of {least} members are in the roster's group \"{group}\"{unnamed}; no round before {least}: enrol branches at the office, \
         and have the next roster signed"
    ))
}

fn idle(reason: &str) -> Wait {
    Wait { reason: reason.to_string(), deadline: None, next: "none" }
}
