//! Orders of people that stop a plan or the federation, and what it takes to go on: two people of two roles.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::digest::Digest;
use crate::message::SignedBody as _;
use crate::plan::Attestation;
use crate::role::{Action, Role};
use crate::roster::StaffNumber;

/// What people have ordered of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// What stands, by the digest of the order, and who has agreed to lift it.
    pub(super) standing: BTreeMap<Digest, Standing>,
    /// What was lifted: an old order stops nothing again.
    pub(super) lifted: BTreeSet<Digest>,
}

/// An order that stops something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// As it was signed.
    pub order: Attestation,
    /// Who agrees that it is lifted, and in which role.
    pub(super) agreed: Vec<(StaffNumber, Role)>,
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

    pub(super) fn apply(&mut self, order: &Attestation) {
        let digest = order_digest(order);
        match order.action {
            Action::PausePlan | Action::Freeze => {
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
