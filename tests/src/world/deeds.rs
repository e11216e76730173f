//! What people do: rosters and signatures that the coordinator's operator installs, orders, grants, and the word that data are ready.

use tributary_protocol::ids::RunId;
use tributary_protocol::plan::{Attestation, GrantSubject, Run};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::round::{Input, ParticipantInput, order_digest};

use super::branch::HeardThere;
use super::centre::Heard;
use super::{Event, Trouble, World};
use crate::cast::{CURED, Keyed, REVOKED, granted, withdrawal};
use crate::deeds::Deed;
use crate::faults::Strike;
use crate::judge::client_of;

/// Milliseconds until people look again whether something stands that they have let go on.
const LOOK_MS: u64 = 3_000;

impl<S: Keyed> World<'_, S> {
    /// People do something.
    pub(super) fn deed(&mut self, deed: Deed) {
        match deed {
            Deed::Install { roster } => self.install(roster),
            Deed::Withdraw { plan } => self.withdraw(plan),
            Deed::Grant { plan } => self.grant(plan),
            Deed::Order { by, action, plan } => self.stop_by(by, action, plan),
            Deed::Lift => self.lift(),
        }
    }

    /// The operator installs a roster, if it is newer. People who have come into their roles by it have signed the plans.
    pub(super) fn install(&mut self, roster: usize) {
        if roster <= self.centre.roster || roster >= self.cast.rosters.len() {
            return;
        }
        self.centre.roster = roster;
        if self.centre.process.up {
            self.centre.inbox.push_back(Heard::Roster);
        }
        if roster == CURED {
            let staff = self.cast.rosters[roster].1;
            for (plan, served) in self.cast.plans.iter().enumerate() {
                let approvals = staff.approvals::<S>(served.plan.digest());
                if self.centre.approvals[plan] == approvals {
                    continue;
                }
                self.centre.approvals[plan] = approvals.clone();
                let runs = self.centre.runs.iter().filter(|(_, own)| own.plan == plan && own.machine.is_some());
                for run in runs.map(|(run, _)| *run) {
                    let approved = Input::Approved(Box::new(approvals.clone()));
                    self.centre.inbox.push_back(Heard::Run(run, approved));
                }
            }
        }
        self.run_centre();
    }

    /// Everything that people have to cure is cured.
    pub(super) fn settle(&mut self) {
        if self.centre.roster == REVOKED {
            self.install(CURED);
        }
        self.lift();
    }

    fn stop_by(&mut self, by: Role, action: Action, plan: usize) {
        let staff = self.cast.rosters[self.centre.roster].1;
        if !staff.has(by) {
            return;
        }
        let approvals = &self.cast.plans[plan].approvals;
        let subject = if action == Action::Freeze { approvals.proposal.federation } else { approvals.proposal.subject };
        self.order(staff.order::<S>((by, action), subject));
        self.run_centre();
    }

    /// Two people of two roles let everything go on that stands; they look again until it does. Of a plan that has ended nothing does.
    fn lift(&mut self) {
        let staff = self.cast.rosters[self.centre.roster].1;
        let mut stops: Vec<Attestation> = Vec::new();
        for own in self.centre.runs.values() {
            let Some(record) = own.machine.as_ref().map(|machine| machine.record()) else { continue };
            if record.finished.is_some() || record.is_aborted() {
                continue;
            }
            let fresh = record.orders.standing().map(|stop| &stop.order).filter(|order| !stops.contains(order));
            stops.extend(fresh.cloned().collect::<Vec<_>>());
        }
        for stop in &stops {
            let (action, other) = match stop.action {
                Action::Freeze => (Action::Thaw, Role::PlatformOperator),
                _ => (Action::ResumePlan, Role::PlanOwner),
            };
            for by in [Role::PrivacyOfficer, other].into_iter().filter(|by| staff.has(*by)) {
                self.order(staff.order::<S>((by, action), order_digest(stop)));
            }
        }
        self.run_centre();
        let ordered = !self.centre.orders.is_empty() && !self.is_over();
        if self.healed && ordered {
            self.queue.push(self.now + LOOK_MS, Event::Strike(self.strikes.len()));
            self.strikes.push(Strike::Deed(Deed::Lift));
        }
    }

    /// Somebody has signed an order. It lies in the coordinator's folder, and every run hears of it.
    fn order(&mut self, order: Attestation) {
        let open = self.centre.runs.iter().filter(|(_, own)| own.machine.is_some());
        for run in open.map(|(run, _)| *run) {
            self.centre.inbox.push_back(Heard::Run(run, Input::Ordered(Box::new(order.clone()))));
        }
        if !self.centre.orders.contains(&order) {
            self.centre.orders.push(order);
        }
    }

    /// Orders come again with every start.
    pub(super) fn order_again(&mut self, run: RunId) {
        for order in &self.centre.orders {
            self.centre.inbox.push_back(Heard::Run(run, Input::Ordered(Box::new(order.clone()))));
        }
    }

    fn withdraw(&mut self, plan: usize) {
        let Some((client, _)) = self.cast.odd else { return };
        let (index, subject) = (client.0 as usize - 1, GrantSubject::Plan(self.cast.plans[plan].plan.digest()));
        let files = &mut self.branches[index].files;
        let newest = files.granted.iter().rev().find(|granted| granted.grant.subject == subject);
        let Some(taken) = newest.map(|granted| withdrawal::<S>(&granted.grant)) else { return };
        if !files.withdrawals.contains(&taken) {
            files.withdrawals.push(taken);
        }
        self.files_changed(index);
    }

    fn grant(&mut self, plan: usize) {
        let Some((client, _)) = self.cast.odd else { return };
        let index = client.0 as usize - 1;
        let files = &mut self.branches[index].files;
        let number = u8::try_from(files.granted.len()).expect("a few grants");
        files.granted.push(granted::<S>(&self.cast.plans[plan].plan, number));
        self.files_changed(index);
    }

    fn files_changed(&mut self, index: usize) {
        if self.branches[index].process.up {
            self.branches[index].inbox.push_back(HeardThere::Granted);
            self.run_branch(index);
        }
    }

    /// A client's process reads what the owner has granted and taken back, and whoever was refused asks again.
    pub(super) fn take_grants(&mut self, index: usize) {
        let branch = &mut self.branches[index];
        let Some(machine) = branch.machine.as_mut() else { return };
        machine.set_grants(branch.files.granted.clone());
        self.judge.granted(index, branch.files.granted.clone());
        let mut news = false;
        for withdrawal in &branch.files.withdrawals {
            self.judge.withdrawn(index, withdrawal.grant);
            news |= self.trouble != Some(Trouble::UnheardWithdrawals)
                && machine.withdraw(withdrawal.clone(), &mut branch.outbox);
        }
        for run in branch.runs.keys().rev().filter(|_| news) {
            branch.inbox.push_front(HeardThere::Run(*run, ParticipantInput::Withdrawn));
        }
        self.look_after(index, 1);
    }

    /// The worker judges a run: whether the operator has said that the data are ready, and nothing else.
    pub(super) fn judge_run(&mut self, index: usize, judged: &Run) {
        let (now, run) = (self.now, judged.id());
        let plan = self.centre.runs.get(&run).map(|own| &self.cast.plans[own.plan]);
        let ready = plan.and_then(|served| served.ready.get(&client_of(index))).copied().unwrap_or(0);
        if ready <= now || self.trouble == Some(Trouble::ReadyAtOnce) {
            if let Some(own) = self.branches[index].runs.get_mut(&run) {
                own.again = None;
            }
            return self.work(index, 5, None, ParticipantInput::RunJudged { run, verdict: Ok(()) });
        }
        // The shell answers at once, as the daemon's does: an answer that came later would be one to the next question.
        let branch = &mut self.branches[index];
        branch.inbox.push_front(HeardThere::Run(run, ParticipantInput::NotReady));
        if let Some(own) = branch.runs.get_mut(&run).filter(|_| ready < u64::MAX) {
            own.again = Some(ready);
            self.queue.push(ready, Event::Again(index, branch.process.life, run));
        }
    }
}
