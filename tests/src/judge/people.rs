//! Who stands by a plan, and who stops it: by the rosters themselves, and without the machines' own rules.

use tributary_protocol::ids::RunId;
use tributary_protocol::message::SignedBody;
use tributary_protocol::plan::{Approvals, Attestation, RunRef};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::Roster;
use tributary_protocol::round::{CoordinatorEffect, CoordinatorEvent};
use tributary_protocol::secagg::suite::Suite;

use super::stops::{holds, is_stop};
use super::{Judge, client_of};

impl Judge {
    /// The machine of a run has answered to an order: one that stops it counts at once, if whoever signed has the role.
    pub(crate) fn ordered<'a>(
        &mut self,
        run: RunId,
        order: &Attestation,
        mut effects: impl Iterator<Item = &'a CoordinatorEffect>,
    ) {
        let taken = effects.any(|effect| {
            matches!(effect, CoordinatorEffect::Append(CoordinatorEvent::OrderTaken { order: taken }) if taken == order)
        });
        let ledger = self.ledger(run);
        let plan = ledger.written.plan().map(tributary_protocol::plan::Plan::digest);
        let own = order.action == Action::Freeze || Some(order.subject) == plan;
        let open = ledger.written.finished.is_none() && ledger.stops.is_news(order);
        let role = ledger.written.roster.as_ref().is_some_and(|roster| holds(roster, &order.staff, order.role));
        // A plan is a plan owner's who has put it forward as it stands now.
        let proposer = ledger.written.approvals.as_ref().map(|approvals| &approvals.proposal.staff);
        let mine = order.role != Role::PlanOwner || proposer == Some(&order.staff);
        if is_stop(order) && own && open && role && mine && !taken {
            self.object("an order of somebody who may give it stops the run", format!("{run}: {}", order.action));
        }
    }

    /// A session or a round begins at the coordinator: two people stand by the plan by the roster in force, and nothing stops it.
    pub(super) fn begins<S: Suite>(&mut self, run: RunId, event: &CoordinatorEvent) {
        let ledger = self.ledger(run);
        let record = &ledger.written;
        let signed = match (&record.roster, &record.approvals, record.reference()) {
            (Some(roster), Some(approvals), Some(run)) => two_stand_by::<S>(roster, approvals, run),
            _ => false,
        };
        let stopped = ledger.stops.stand();
        if !signed {
            self.object("no run without two people's signatures", format!("{event:?}"));
        }
        if stopped {
            self.object("nothing begins while an order stops it", format!("{event:?}"));
        }
    }

    /// A client is charged for a round: two people stand by the plan by the newest roster that it has accepted in whatever run.
    pub(super) fn charged_by<S: Suite>(&mut self, index: usize, run: RunRef) {
        let seen = &self.branches[index];
        let newest = self.rosters.iter().find(|roster| roster.epoch() == seen.newest);
        let approvals = seen.welcomes.get(&run.id()).map(|welcome| &welcome.approvals);
        let stand = newest.zip(approvals).is_some_and(|(roster, approvals)| two_stand_by::<S>(roster, approvals, run));
        if !stand {
            let text = format!("client {}: {run:?} by roster {}", client_of(index), seen.newest);
            self.object("nothing is charged without two people of the newest roster", text);
        }
    }
}

/// Whether two people of a roster have signed this plan, each in the role for it.
fn two_stand_by<S: Suite>(roster: &Roster, approvals: &Approvals, run: RunRef) -> bool {
    let Approvals { proposal, approval } = approvals;
    let stands_by = |signed: &Attestation, role, action| {
        let person = roster.people().iter().find(|person| person.staff == signed.staff);
        (signed.role, signed.action, signed.subject) == (role, action, run.plan)
            && holds(roster, &signed.staff, role)
            && person.is_some_and(|person| S::verify(&person.signing_key, &signed.to_sign::<S>(), &signed.signature))
    };
    proposal.staff != approval.staff
        && stands_by(proposal, Role::PlanOwner, Action::ProposePlan)
        && stands_by(approval, Role::PrivacyOfficer, Action::ApprovePlan)
}
