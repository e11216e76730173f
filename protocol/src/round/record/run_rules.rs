//! Which event may follow which in a run's ledger.

use alloc::vec::Vec;

use super::rule::{OutOfOrder, ascending, rule};
use super::run::{Next, RunRecord};
use crate::budget::BudgetHead;
use crate::defence::{Defence, stands};
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::plan::Run;
use crate::privacy::Accounts;
use crate::roster::{Group, Roster};
use crate::round::agreement::group_size;
use crate::round::descriptor::RoundDescriptor;
use crate::round::event::CoordinatorEvent;
use crate::secagg::parameters::Thresholds;

const APPROVED: &str = "sessions and rounds begin while two people of the roster in force stand by the plan";

const ORDERED: &str = "nothing begins while somebody's order stops the plan or the federation";

impl RunRecord {
    /// The state after all events.
    ///
    /// # Errors
    /// If an event cannot follow the ones before it, which no coordinator writes.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a CoordinatorEvent>) -> Result<Self, OutOfOrder> {
        let mut record = Self::default();
        for event in events {
            record.check(event)?;
            record.apply(event);
        }
        Ok(record)
    }

    /// Whether an event may come next.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn check(&self, event: &CoordinatorEvent) -> Result<(), OutOfOrder> {
        if let CoordinatorEvent::RunOpened { plan, number, model, .. } = event {
            rule(self.run.is_none(), "a ledger opens one run")?;
            let valid = plan.as_ref().clone().validate().ok().and_then(|plan| Run::new(plan, *number));
            rule(valid.is_some(), "the plan is valid, and allows a run of this number")?;
            return rule(plan.initial_model.admits(model), "a run begins from the state that its plan names");
        }
        rule(self.run.is_some(), "the first event opens a run")?;
        rule(self.finished.is_none(), "nothing follows the end of a run")?;
        match event {
            CoordinatorEvent::RunOpened { .. } => Ok(()),
            CoordinatorEvent::OrdersCarried { orders } => self.check_carried(orders),
            CoordinatorEvent::ApprovalsShown { approvals } => {
                let others = self.approvals.as_ref().filter(|known| *known != approvals.as_ref());
                let federation = others.is_some_and(|known| known.proposal.federation == approvals.proposal.federation);
                rule(
                    federation && self.is_approved_by(approvals),
                    "other people of the roster in force stand by the plan",
                )
            }
            CoordinatorEvent::RosterAdopted { roster, group_size } => self.check_roster(&roster.roster, *group_size),
            CoordinatorEvent::SessionOpened { session, candidates } => self.check_offer(session, candidates),
            CoordinatorEvent::SessionKeyed { session, cohort, organisations, thresholds, .. } => {
                self.check_keyed(session, cohort, (organisations, thresholds))
            }
            CoordinatorEvent::SessionClosed { session, .. } => {
                let in_use = self.round.as_ref().is_some_and(|open| open.session == *session);
                rule(self.has_session(session) && !in_use, "a session closes once, and after its round")
            }
            CoordinatorEvent::OrderTaken { order } => self.check_order(order),
            CoordinatorEvent::RoundStarted { descriptor } => self.check_start(descriptor),
            CoordinatorEvent::UpdateAdmitted { round, client, .. } => {
                rule(
                    self.is_in_round(round) && self.survivors.is_none(),
                    "an update is admitted while the round collects",
                )?;
                let cohort = self.current().is_some_and(|session| session.cohort.binary_search(client).is_ok());
                rule(cohort, "an update comes from a member of the round's cohort")?;
                rule(!self.evicted.contains_key(client), "nobody takes part who is out of the run")?;
                rule(!self.admitted.contains_key(client), "one update for each client and round")
            }
            CoordinatorEvent::SurvivorsFrozen { round, survivors, .. } => self.check_survivors(round, survivors),
            CoordinatorEvent::QuorumReached { round, signatures } => {
                let open = self.is_in_round(round) && self.survivors.is_some() && !self.certified;
                rule(open, "one quorum follows a survivor set")?;
                let signers: Vec<ClientId> = signatures.iter().map(|(signer, _)| *signer).collect();
                rule(
                    ascending(signers.iter().copied())
                        && signers.iter().all(|signer| self.admitted.contains_key(signer)),
                    "a quorum signs as survivors, each once",
                )?;
                rule(self.is_quorum(&signers), "as many of the committee sign as the session's quorum")
            }
            CoordinatorEvent::RoundCommitted { round, .. } => {
                rule(self.is_in_round(round) && self.certified, "a sum is used after a quorum for its survivors")
            }
            CoordinatorEvent::RoundAborted { round, .. } => {
                rule(self.is_in_round(round), "the round that is aborted is the open one")
            }
            CoordinatorEvent::ClientRefused { client, .. } => {
                rule(self.is_enrolled(client), "a refusal comes from an entry of the roster")
            }
            CoordinatorEvent::ClientChargedMore { charged, .. } => {
                rule(self.is_more(charged), "a client that was charged more says so of more rounds than were started")
            }
            CoordinatorEvent::BudgetBegun { client, first } => {
                let once = !self.begun.contains(client) && !self.heads.contains_key(client);
                rule(once, "a budget begins once, and before it shows a head")?;
                let own = self.roster.as_ref().is_some_and(|roster| first.may_be_of(*client, roster));
                rule(own || !stands(Defence::FirstUse), "a first use is its own client's")
            }
            CoordinatorEvent::BudgetShown { head } => self.check_head(head),
            CoordinatorEvent::StageConcluded { stage, .. } => {
                let due = self.round.is_none() && self.next() == Some(Next::Conclude(*stage));
                rule(due, "a stage is concluded once, in the plan's order, when it has no round left")
            }
            CoordinatorEvent::ClientEvicted { client, .. } => {
                rule(!self.evicted.contains_key(client), "a client is evicted once")
            }
            CoordinatorEvent::RunFinished { model, rounds, complete } => {
                rule(self.is_outside(), "a run finishes outside sessions")?;
                rule(
                    self.end() == Some(*model),
                    "a run finishes after its stages or by an order, with the model that it has come to",
                )?;
                let counted = *rounds == self.committed_all() && *complete == self.is_complete();
                rule(counted, "a run's end says how many rounds were committed")
            }
        }
    }

    fn check_head(&self, head: &BudgetHead) -> Result<(), OutOfOrder> {
        rule(Some(head.run) == self.reference(), "a budget head is signed under this run")?;
        let now = self.roster.as_ref().is_some_and(|roster| roster.epoch() == head.epoch);
        rule(now && self.is_enrolled(&head.client), "a budget head is signed under the roster in force")?;
        rule(head.is_short(), "a budget head names no more runs and stages than a branch charges")?;
        let last = self.heads.get(&head.client);
        rule(last.is_none_or(|last| head.follows(last)), "a client's budget heads go forward")?;
        rule(
            !self.lacks(head, &Accounts::zero()) || !stands(Defence::RecordRollback),
            "a budget head says what the client's own updates cost",
        )
    }

    fn is_enrolled(&self, client: &ClientId) -> bool {
        self.roster.as_ref().is_some_and(|roster| roster.entry(*client).is_some())
    }

    fn check_roster(&self, roster: &Roster, group_size: u32) -> Result<(), OutOfOrder> {
        rule(self.is_outside(), "a roster is adopted outside sessions")?;
        let forward = self.roster.as_ref().is_none_or(|last| roster.epoch() > last.epoch());
        rule(roster.epoch() > 0 && forward, "rosters go forward")?;
        let group = self.plan().and_then(|plan| roster.group(&plan.group)).map_or(0, Group::size);
        rule(usize::try_from(group_size) == Ok(group), "the group is as large as the roster says")
    }

    fn check_offer(&self, session: &SessionId, candidates: &[ClientId]) -> Result<(), OutOfOrder> {
        rule(self.keying.is_none() && !self.has_session(session), "one set-up at a time, and each for a new session")?;
        rule(self.is_approved(), APPROVED)?;
        rule(!self.orders.stop(), ORDERED)?;
        rule(ascending(candidates.iter().copied()), "candidates are named once, in ascending order")?;
        let members = candidates.iter().all(|client| self.is_member(client) && !self.evicted.contains_key(client));
        rule(members, "candidates are members of the plan's group, and not out of the run")
    }

    fn check_keyed(
        &self,
        session: &SessionId,
        cohort: &[ClientId],
        (organisations, thresholds): (&[OrganisationId], &Thresholds),
    ) -> Result<(), OutOfOrder> {
        let asked = self.keying.as_ref().filter(|(open, _)| open == session).map(|(_, candidates)| candidates);
        let asked = asked.ok_or(OutOfOrder("the session that is keyed is the one that was opened"))?;
        rule(cohort == asked.as_slice(), "everybody who was asked is in the cohort")?;
        let own = self.roster.as_ref().and_then(|roster| roster.organisations(cohort));
        rule(own.as_deref() == Some(organisations), "a cohort's organisations are the roster's")?;
        let group = self.plan().zip(self.roster.as_ref());
        let own =
            group.map(|(plan, roster)| plan.cohort.thresholds(organisations, group_size(plan, roster, cohort.len())));
        rule(own == Some(Ok(*thresholds)), "a session's thresholds follow from the plan and its cohort")
    }

    fn check_start(&self, descriptor: &RoundDescriptor) -> Result<(), OutOfOrder> {
        rule(self.is_approved(), APPROVED)?;
        rule(!self.orders.stop(), ORDERED)?;
        let current = self.current().filter(|current| current.view.session == descriptor.session);
        let free = self.round.is_none();
        let current = current.filter(|_| free);
        let current =
            current.ok_or(OutOfOrder("a round starts in the first keyed session, after the one before it ended"))?;
        rule(descriptor.round.0 > self.last_round, "rounds increase strictly")?;
        rule(
            self.next() == Some(Next::Round(descriptor.stage)),
            "a round is of the stage that is due, within what the plan may charge",
        )?;
        rule(Some(descriptor.model) == self.model, "a round starts from the current public state")?;
        let derived = self.run.as_ref().and_then(|run| RoundDescriptor::derive(run, &current.view, descriptor.head()));
        rule(derived.as_ref() == Some(descriptor), "a round's descriptor follows from run and session")
    }

    fn check_survivors(&self, round: &RoundId, survivors: &[ClientId]) -> Result<(), OutOfOrder> {
        rule(self.is_in_round(round) && self.survivors.is_none(), "one survivor set for each round")?;
        rule(survivors.iter().eq(self.admitted.keys()), "the survivors are those whose updates were admitted")?;
        let session = self.current().zip(self.plan());
        let enough = session.is_some_and(|(session, plan)| {
            let places = survivors.iter().filter_map(|survivor| session.cohort.binary_search(survivor).ok());
            let places: Vec<u32> = places.filter_map(|place| u32::try_from(place).ok()).collect();
            let judged = plan.cohort.admits_survivors(&session.organisations, &session.view.thresholds, &places);
            judged.is_ok()
        });
        rule(enough, "the survivors are as many, of as many organisations, as the session needs")
    }

    /// Whether so many of the session's committee sign.
    fn is_quorum(&self, signers: &[ClientId]) -> bool {
        self.current().is_some_and(|session| {
            let committee = session.view.thresholds.committee(&session.organisations);
            let signs = |signer: &&ClientId| {
                session.cohort.binary_search(signer).is_ok_and(|place| committee.rank(place).is_some())
            };
            signers.iter().filter(signs).count() >= usize::from(session.view.thresholds.quorum)
        })
    }
}
