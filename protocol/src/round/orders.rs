//! Orders of people that stop a plan or the federation, and what it takes to go on: two people of two roles. Nothing lifts the order that ends a plan.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::plan::{Approvals, Attestation, Over, Wanted};
use crate::role::{Action, Role};
use crate::roster::{Roster, StaffNumber};
use crate::signed::SignedBody as _;

/// What people have ordered of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// What stands, by the digest of the order, and who has agreed to lift it.
    pub(super) standing: BTreeMap<Digest, Standing>,
    /// What was lifted: an old order stops nothing again.
    pub(super) lifted: BTreeSet<Digest>,
}

/// An order that stops something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// As it was signed.
    pub order: Attestation,
    /// Who agrees that it is lifted, and in which role.
    pub(super) agreed: Vec<(StaffNumber, Role)>,
}

/// On what an order is judged.
#[derive(Clone, Copy)]
pub struct OrderGrounds<'a> {
    /// The plan.
    pub plan: &'a Digest,
    /// Who stands by it.
    pub approvals: &'a Approvals,
    /// The group whose branches it reaches.
    pub group: &'a str,
    /// Seconds of the Unix clock now; without them nothing is judged by a clock.
    pub now: Option<u64>,
}

/// What names an order, for whoever lifts it.
#[must_use]
pub fn order_digest(order: &Attestation) -> Digest {
    order.canonical().finish()
}

impl Orders {
    /// The orders that stand.
    pub fn standing(&self) -> impl Iterator<Item = &Standing> {
        self.standing.values()
    }

    /// Whether anything stops the run.
    #[must_use]
    pub fn stop(&self) -> bool {
        !self.standing.is_empty()
    }

    /// The order that ended the plan for good, once there is one.
    #[must_use]
    pub fn aborted(&self) -> Option<&Attestation> {
        self.standing.values().map(|stop| &stop.order).find(|order| order.action == Action::AbortPlan)
    }

    /// Whether an order was taken before. Orders come again with every start of a process.
    #[must_use]
    pub fn knows(&self, order: &Attestation) -> bool {
        let digest = order_digest(order);
        let agreed = |standing: &Standing| standing.agreed.contains(&(order.staff.clone(), order.role));
        self.standing.contains_key(&digest)
            || [digest, order.subject].iter().any(|one| self.lifted.contains(one))
            || self.standing.get(&order.subject).is_some_and(agreed)
    }

    /// Whether an order would change something. Nobody stops one thing twice, and whoever agrees that it goes on does so once for a role.
    #[must_use]
    pub fn would_change(&self, order: &Attestation) -> bool {
        let lifted = self.lifted.contains(&order_digest(order));
        let agreed = |standing: &Standing| {
            standing.agreed.iter().any(|(staff, role)| *staff == order.staff || *role == order.role)
        };
        let stopped = |standing: &Standing| {
            let Attestation { action, subject, staff, .. } = &standing.order;
            (action, subject, staff) == (&order.action, &order.subject, &order.staff)
        };
        !lifted && !self.standing.get(&order.subject).is_some_and(agreed) && !self.standing.values().any(stopped)
    }

    /// What an order needs so that it counts: it stops this plan or the federation, or lifts what stands. Without a value it is about something else.
    #[must_use]
    pub fn wanted<'a>(&self, order: &'a Attestation, grounds: OrderGrounds<'a>) -> Option<Wanted<'a>> {
        let OrderGrounds { plan, approvals: Approvals { proposal, .. }, group, now } = grounds;
        // What lifts an order names it, so that no old word lifts a new one.
        let stopped = |action| self.standing.get(&order.subject).is_some_and(|stop| stop.order.action == action);
        let over = match order.action {
            Action::PausePlan | Action::AbortPlan if order.subject == *plan => Over::Group(group),
            Action::Freeze if order.subject == proposal.federation => Over::Federation,
            Action::ResumePlan if stopped(Action::PausePlan) => Over::Group(group),
            Action::Thaw if stopped(Action::Freeze) => Over::Federation,
            _ => return None,
        };
        let Attestation { action, subject, .. } = order;
        let (federation, owner) = (&proposal.federation, Some(&proposal.staff));
        Some(Wanted { action: *action, subject, federation, owner, over, now })
    }

    /// What of this goes over to a run of a plan that begins: every freeze, and what stops its own plan.
    #[must_use]
    pub fn carried_to(&self, plan: &Digest) -> Self {
        let stays = |stop: &Standing| stop.order.action == Action::Freeze || stop.order.subject == *plan;
        let standing = self.standing.iter().filter(|(_, stop)| stays(stop));
        Self { standing: standing.map(|(digest, stop)| (*digest, stop.clone())).collect(), lifted: self.lifted.clone() }
    }

    /// A roster comes into force: whoever has lost the role or the key with which it was agreed that an order is lifted agrees no more.
    pub(super) fn adopt(&mut self, before: Option<&Roster>, roster: &Roster) {
        let key = |roster: &'_ Roster, staff: &StaffNumber, role: Role| {
            let person = roster.person(staff)?;
            person.holdings_of(role).next().map(|_| person.signing_key.clone())
        };
        for stop in self.standing.values_mut() {
            stop.agreed.retain(|(staff, role)| {
                let now = key(roster, staff, *role);
                now.is_some() && before.is_none_or(|before| key(before, staff, *role) == now)
            });
        }
    }

    /// Takes an order that counts.
    pub fn apply(&mut self, order: &Attestation) {
        let digest = order_digest(order);
        match order.action {
            Action::PausePlan | Action::Freeze | Action::AbortPlan => {
                self.standing.insert(digest, Standing { order: order.clone(), agreed: Vec::new() });
            }
            _ => {
                let Some(standing) = self.standing.get_mut(&order.subject) else { return };
                standing.agreed.push((order.staff.clone(), order.role));
                let roles: BTreeSet<Role> = standing.agreed.iter().map(|(_, role)| *role).collect();
                if roles.len() >= 2 {
                    self.standing.remove(&order.subject);
                    self.lifted.insert(order.subject);
                }
            }
        }
    }
}
