//! What stops a run, as its ledger has it.

use std::collections::{BTreeMap, BTreeSet};

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Attestation;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{Roster, StaffNumber};
use tributary_protocol::round::{CoordinatorEvent, order_digest};

/// What stops a run, as its ledger has it.
#[derive(Clone, Default)]
pub(super) struct Stops {
    /// By digest: the order, and who has agreed to lift it.
    standing: BTreeMap<Digest, (Attestation, Vec<(StaffNumber, Role)>)>,
    lifted: BTreeSet<Digest>,
    /// What stood when the run before this one was followed by it.
    before: Option<Box<Stops>>,
}

impl Stops {
    /// Of a run of a plan that follows another one.
    pub(super) fn after(before: &Self, plan: Digest) -> Self {
        let mut before = Self { before: None, ..before.clone() };
        before.standing.retain(|_, (order, _)| order.action == Action::Freeze || order.subject == plan);
        Self { before: Some(Box::new(before)), ..Self::default() }
    }

    /// The ledger is what it holds now.
    pub(super) fn replay(&mut self, events: &[CoordinatorEvent]) {
        *self = Self { before: self.before.take(), ..Self::default() };
        events.iter().for_each(|event| self.note(event));
    }

    /// The ledger has one more entry.
    pub(super) fn note(&mut self, event: &CoordinatorEvent) {
        match event {
            CoordinatorEvent::OrdersCarried { .. } => {
                let before = self.before.as_deref().cloned().unwrap_or_default();
                (self.standing, self.lifted) = (before.standing, before.lifted);
            }
            CoordinatorEvent::OrderTaken { order } if is_stop(order) => {
                self.standing.insert(order_digest(order), (order.clone(), Vec::new()));
            }
            CoordinatorEvent::OrderTaken { order } => {
                let Some((_, agreed)) = self.standing.get_mut(&order.subject) else { return };
                agreed.push((order.staff.clone(), order.role));
                let roles: BTreeSet<Role> = agreed.iter().map(|(_, role)| *role).collect();
                let people: BTreeSet<&StaffNumber> = agreed.iter().map(|(staff, _)| staff).collect();
                if roles.len() >= 2 && people.len() >= 2 {
                    self.standing.remove(&order.subject);
                    self.lifted.insert(order.subject);
                }
            }
            CoordinatorEvent::RosterAdopted { roster, .. } => {
                for (_, agreed) in self.standing.values_mut() {
                    agreed.retain(|(staff, role)| holds(&roster.roster, staff, *role));
                }
            }
            _ => {}
        }
    }

    /// Whether something stops the run.
    pub(super) fn stand(&self) -> bool {
        !self.standing.is_empty()
    }

    /// Whether an order would be one more that stops the run.
    pub(super) fn is_news(&self, order: &Attestation) -> bool {
        let same = |(other, _): &(Attestation, _)| {
            (other.action, &other.staff) == (order.action, &order.staff) || other.action == Action::AbortPlan
        };
        !self.standing.values().any(same) && !self.lifted.contains(&order_digest(order))
    }
}

/// Whether an order stops something.
pub(super) fn is_stop(order: &Attestation) -> bool {
    matches!(order.action, Action::PausePlan | Action::Freeze | Action::AbortPlan)
}

/// Whether a roster gives somebody a role: in person, or in the place of somebody who has it in person.
pub(super) fn holds(roster: &Roster, staff: &StaffNumber, role: Role) -> bool {
    let own = |staff: &StaffNumber| {
        let person = roster.people().iter().find(|person| person.staff == *staff);
        person.into_iter().flat_map(|person| &person.holdings).filter(|holding| holding.role == role)
    };
    own(staff).any(|holding| match &holding.deputy_of {
        None => true,
        Some(principal) => own(principal).any(|holding| holding.deputy_of.is_none()),
    })
}
