//! What the events of a run's ledger come to.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::budget::BudgetHead;
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::message::{Charged, ClosedReason, RefusalCode};
use crate::plan::{Approvals, Grounds, Plan, Run, RunRef};
use crate::privacy::Accounts;
use crate::roster::{Group, Roster, RosterHead};
use crate::round::descriptor::{RoundDescriptor, SessionView};
use crate::round::event::{CoordinatorEvent, EvictionReason};
use crate::round::orders::Orders;
use crate::time::Millis;

/// State after a list of events; `replay(ledger) == state`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunRecord {
    /// The run, once opened.
    pub run: Option<Run>,
    /// When it began.
    pub opened_at: Option<Millis>,
    /// Who put its plan forward, and who approved it.
    pub approvals: Option<Approvals>,
    /// The roster in force.
    pub roster: Option<Roster>,
    /// Digest of the current public state.
    pub model: Option<Digest>,
    /// The last round that was started; the next one is larger.
    pub last_round: u64,
    /// Stages that are over.
    pub concluded: u16,
    /// Rounds committed, by stage.
    pub committed: Vec<u32>,
    /// Rounds started, each of which every participant charged or may have charged, by stage.
    pub charged: Vec<u32>,
    /// The set-up under way, and who was asked.
    pub keying: Option<(SessionId, Vec<ClientId>)>,
    /// Keyed sessions in the order of their rounds: rounds are started in the first.
    pub sessions: Vec<KeyedSession>,
    /// The open round.
    pub round: Option<RoundDescriptor>,
    /// Digest of its descriptor.
    pub descriptor: Option<Digest>,
    /// Uploads in the open round's sum.
    pub admitted: BTreeMap<ClientId, Digest>,
    /// The open round's survivor set as acknowledged.
    pub survivors: Option<Digest>,
    /// A quorum has acknowledged it.
    pub certified: bool,
    /// Updates of each client that arrived, by stage.
    pub updates: BTreeMap<ClientId, Vec<u32>>,
    /// The last budget head that each client showed when it accepted the run.
    pub heads: BTreeMap<ClientId, BudgetHead>,
    /// What the updates of each client cost that a quorum certified since it showed that head. The head that came with such an update is on the
    /// disk, so that a client with an older copy of its file is shown it; with one that no quorum certified yet, a crash may have taken it.
    pub unshown: BTreeMap<ClientId, Accounts>,
    /// Whose update is in the open round's sum, and who has shown no head since: a quorum makes it count.
    pub uncertified: BTreeSet<ClientId>,
    /// Clients whose budget was begun in this ledger.
    pub begun: BTreeSet<ClientId>,
    /// Clients that are out of the run.
    pub evicted: BTreeMap<ClientId, EvictionReason>,
    /// What each client has refused and signed last, since it accepted the run.
    pub refused: BTreeMap<ClientId, RefusalCode>,
    /// What people have ordered.
    pub orders: Orders,
    /// Whether the run is over, and with every round committed.
    pub finished: Option<bool>,
}

/// A session whose keys stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedSession {
    /// What both ends know of it.
    pub view: SessionView,
    /// Its cohort, ascending.
    pub cohort: Vec<ClientId>,
    /// The organisation of each of them.
    pub organisations: Vec<OrganisationId>,
}

/// What comes next in a run, between rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A round of this stage.
    Round(u16),
    /// The end of this stage.
    Conclude(u16),
    /// The end of the run.
    Finish,
}

/// The place of a stage in a list by stage, which grows to it.
fn place(list: &mut Vec<u32>, stage: u16) -> Option<&mut u32> {
    let stage = usize::from(stage);
    if list.len() <= stage {
        list.resize(stage.saturating_add(1), 0);
    }
    list.get_mut(stage)
}

fn of(list: &[u32], stage: u16) -> u32 {
    list.get(usize::from(stage)).copied().unwrap_or_default()
}

impl RunRecord {
    /// The plan, once the run is open.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        self.run.as_ref().map(|run| run.plan().plan())
    }

    /// Which run of which plan.
    #[must_use]
    pub fn reference(&self) -> Option<RunRef> {
        self.run.as_ref().map(Run::reference)
    }

    /// Epoch and digest of the roster in force.
    #[must_use]
    pub fn roster_head(&self) -> Option<RosterHead> {
        self.roster.as_ref().map(Roster::head)
    }

    /// Members of the plan's group in the roster in force.
    #[must_use]
    pub fn group_size(&self) -> usize {
        self.group().map_or(0, Group::size)
    }

    /// The members of the plan's group in the roster in force, ascending.
    #[must_use]
    pub fn group_members(&self) -> Vec<ClientId> {
        self.group().into_iter().flat_map(|group| group.members()).collect()
    }

    /// Rounds of a stage that were committed.
    #[must_use]
    pub fn committed(&self, stage: u16) -> u32 {
        of(&self.committed, stage)
    }

    /// Rounds of a stage that were started.
    #[must_use]
    pub fn charged(&self, stage: u16) -> u32 {
        of(&self.charged, stage)
    }

    /// Rounds of all stages that were committed.
    #[must_use]
    pub fn committed_all(&self) -> u32 {
        self.committed.iter().copied().fold(0, u32::saturating_add)
    }

    /// Rounds of all stages that were started.
    #[must_use]
    pub fn charged_all(&self) -> u32 {
        self.charged.iter().copied().fold(0, u32::saturating_add)
    }

    /// Whether an update of a client arrived in this run.
    #[must_use]
    pub fn took_part(&self, client: ClientId) -> bool {
        self.updates.contains_key(&client)
    }

    /// What comes next, in the order of the plan's stages; nothing before the run is open.
    #[must_use]
    pub fn next(&self) -> Option<Next> {
        let plan = self.plan()?;
        let stage = self.concluded;
        let Some(terms) = plan.stage(stage) else { return Some(Next::Finish) };
        let goes_on = self.committed(stage) < terms.rounds && plan.may_charge(&self.charged, stage);
        Some(if goes_on { Next::Round(stage) } else { Next::Conclude(stage) })
    }

    /// Rounds that the run still means to commit.
    #[must_use]
    pub fn rounds_left(&self) -> u32 {
        let stages = self.plan().map(|plan| plan.stages.as_slice()).unwrap_or_default();
        let open = stages.iter().zip(0_u16..).skip(usize::from(self.concluded));
        open.fold(0, |left, (stage, number)| left.saturating_add(stage.rounds.saturating_sub(self.committed(number))))
    }

    /// The public state with which the run may end now: after its last stage, or at once where an order has ended its plan.
    #[must_use]
    pub fn end(&self) -> Option<Digest> {
        self.model.filter(|_| self.is_aborted() || self.next() == Some(Next::Finish))
    }

    /// The released model, once every stage is over. A plan that an order has ended releases none.
    #[must_use]
    pub fn released(&self) -> Option<Digest> {
        self.end().filter(|_| !self.is_aborted())
    }

    /// Whether somebody's order has ended the plan for good.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.orders.aborted().is_some()
    }

    /// Whether every round of the plan was committed, and no order has ended it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let stages = self.plan().map(|plan| plan.stages.as_slice()).unwrap_or_default();
        !self.is_aborted() && stages.iter().zip(0_u16..).all(|(stage, number)| self.committed(number) == stage.rounds)
    }

    /// Whether both signers of the plan hold their roles in the roster in force, whatever a clock says. The signatures are [`RunRecord::claims`].
    #[must_use]
    pub fn is_approved(&self) -> bool {
        !stands(Defence::FourEyes) || self.approvals.as_ref().is_some_and(|approvals| self.is_approved_by(approvals))
    }

    pub(super) fn is_approved_by(&self, approvals: &Approvals) -> bool {
        let (Some(run), Some(roster)) = (&self.run, &self.roster) else { return false };
        let federation = &approvals.proposal.federation;
        let grounds = Grounds { roster, federation, group: &run.group, now: None };
        approvals.judge_roles(&run.plan().digest(), grounds).is_ok()
    }

    fn group(&self) -> Option<Group<'_>> {
        self.roster.as_ref()?.group(&self.plan()?.group)
    }

    pub(super) fn is_outside(&self) -> bool {
        self.round.is_none() && self.keying.is_none() && self.sessions.is_empty()
    }

    pub(super) fn is_member(&self, client: &ClientId) -> bool {
        self.group().is_some_and(|group| group.has(*client))
    }

    pub(super) fn is_in_round(&self, round: &RoundId) -> bool {
        self.round.as_ref().is_some_and(|open| open.round == *round)
    }

    /// The session of the open round, which is the first.
    pub(super) fn current(&self) -> Option<&KeyedSession> {
        self.sessions.first()
    }

    /// Whether a client was charged for more rounds than this ledger has started.
    #[must_use]
    pub fn is_more(&self, charged: &Charged) -> bool {
        let started = Charged { rounds: self.charged.clone(), last_round: self.last_round };
        !charged.at_most(&started)
    }

    /// Whether a client's head lacks what its updates cost that arrived since the last one it showed, and something beside them.
    #[must_use]
    pub fn lacks(&self, head: &BudgetHead, beside: &Accounts) -> bool {
        let last = self.heads.get(&head.client).map(|last| last.spent.clone()).unwrap_or_default();
        let unshown = self.unshown.get(&head.client);
        let arrived = unshown.map_or(last.clone(), |unshown| last.plus(unshown));
        !arrived.plus(beside).at_most(&head.spent)
    }

    pub(super) fn has_session(&self, session: &SessionId) -> bool {
        let keying = self.keying.as_ref().is_some_and(|(open, _)| open == session);
        keying || self.sessions.iter().any(|open| open.view.session == *session)
    }

    /// Applies an event. Total and deterministic.
    pub fn apply(&mut self, event: &CoordinatorEvent) {
        match event {
            CoordinatorEvent::RunOpened { plan, approvals, number, model, begun } => {
                self.opened_at = Some(*begun);
                self.approvals = Some(Approvals::clone(approvals));
                self.run = plan.as_ref().clone().validate().ok().and_then(|plan| Run::new(plan, *number));
                self.model = Some(*model);
            }
            CoordinatorEvent::OrdersCarried { orders } => self.orders = orders.clone(),
            CoordinatorEvent::ApprovalsShown { approvals } => self.approvals = Some(Approvals::clone(approvals)),
            CoordinatorEvent::RosterAdopted { roster, .. } => {
                self.orders.adopt(self.roster.as_ref(), &roster.roster);
                self.roster = Some(roster.roster.clone());
            }
            CoordinatorEvent::SessionOpened { session, candidates } => {
                self.keying = Some((*session, candidates.clone()));
            }
            CoordinatorEvent::SessionKeyed { session, view, cohort, organisations, thresholds } => {
                self.keying = None;
                let view = SessionView { session: *session, view: *view, thresholds: *thresholds };
                let (cohort, organisations) = (cohort.clone(), organisations.clone());
                self.sessions.push(KeyedSession { view, cohort, organisations });
            }
            CoordinatorEvent::SessionClosed { session, .. } => {
                self.keying = self.keying.take().filter(|(open, _)| open != session);
                self.sessions.retain(|open| open.view.session != *session);
            }
            CoordinatorEvent::ClientEvicted { client, reason } => {
                self.evicted.insert(*client, *reason);
            }
            CoordinatorEvent::RoundStarted { descriptor } => {
                self.last_round = descriptor.round.0;
                if let Some(charged) = place(&mut self.charged, descriptor.stage) {
                    *charged = charged.saturating_add(1);
                }
                self.descriptor = Some(descriptor.digest());
                self.round = Some(descriptor.clone());
            }
            CoordinatorEvent::BudgetBegun { client, .. } => {
                self.begun.insert(*client);
            }
            CoordinatorEvent::BudgetShown { head } => {
                self.refused.remove(&head.client);
                self.unshown.remove(&head.client);
                self.uncertified.remove(&head.client);
                self.heads.insert(head.client, BudgetHead::clone(head));
            }
            CoordinatorEvent::UpdateAdmitted { client, vector, .. } => {
                self.admitted.insert(*client, *vector);
                self.uncertified.insert(*client);
                let Some(stage) = self.round.as_ref().map(|open| open.stage) else { return };
                if let Some(updates) = place(self.updates.entry(*client).or_default(), stage) {
                    *updates = updates.saturating_add(1);
                }
            }
            CoordinatorEvent::SurvivorsFrozen { digest, .. } => self.survivors = Some(*digest),
            CoordinatorEvent::QuorumReached { .. } => {
                self.certified = true;
                let stage = self.round.as_ref().map(|open| open.stage);
                let terms = stage.and_then(|stage| self.plan()?.stage(stage));
                let Some(charge) = terms.map(|terms| terms.charge.clone()) else { return };
                for client in core::mem::take(&mut self.uncertified) {
                    let unshown = self.unshown.entry(client).or_default();
                    *unshown = unshown.plus(&charge);
                }
            }
            CoordinatorEvent::RoundCommitted { model, .. } => {
                let stage = self.round.as_ref().map(|open| open.stage);
                if let Some(committed) = stage.and_then(|stage| place(&mut self.committed, stage)) {
                    *committed = committed.saturating_add(1);
                }
                self.model = Some(*model);
                self.close_round();
            }
            CoordinatorEvent::StageConcluded { stage, model } => {
                self.concluded = stage.saturating_add(1);
                self.model = Some(*model);
            }
            CoordinatorEvent::RoundAborted { .. } => self.close_round(),
            CoordinatorEvent::OrderTaken { order } => self.orders.apply(order),
            CoordinatorEvent::RunFinished { complete, .. } => self.finished = Some(*complete),
            CoordinatorEvent::ClientRefused { client, code, signature: Some(_) } => {
                self.refused.insert(*client, *code);
            }
            CoordinatorEvent::ClientRefused { signature: None, .. } | CoordinatorEvent::ClientChargedMore { .. } => {}
        }
    }

    fn close_round(&mut self) {
        self.round = None;
        self.descriptor = None;
        self.admitted.clear();
        self.uncertified.clear();
        self.survivors = None;
        self.certified = false;
    }

    /// The events that close what a stopped process left open: its round and its set-up. Keyed sessions go on.
    #[must_use]
    pub fn interrupted(&self, reason: ClosedReason) -> Vec<CoordinatorEvent> {
        let round = self.round.as_ref().map(|open| CoordinatorEvent::RoundAborted { round: open.round, reason });
        let keying = self.keying.as_ref();
        let keying = keying.map(|(session, _)| CoordinatorEvent::SessionClosed { session: *session, reason });
        round.into_iter().chain(keying).collect()
    }
}
