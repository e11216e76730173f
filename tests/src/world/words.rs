//! What is recorded, in a few words, for traces.

use tributary_protocol::round::CoordinatorEvent;

/// An event in a few words.
pub(super) fn describe(event: &CoordinatorEvent) -> String {
    match event {
        CoordinatorEvent::RunOpened { number, .. } => format!("RunOpened {number}"),
        CoordinatorEvent::OrdersCarried { orders } => format!("OrdersCarried {}", orders.standing().count()),
        CoordinatorEvent::ApprovalsShown { approvals } => format!("ApprovalsShown of {}", approvals.approval.staff),
        CoordinatorEvent::OrderTaken { order } => format!("OrderTaken {}", order.action),
        CoordinatorEvent::SessionOpened { candidates, .. } => format!("SessionOpened with {}", candidates.len()),
        CoordinatorEvent::SessionKeyed { cohort, .. } => format!("SessionKeyed with {}", cohort.len()),
        CoordinatorEvent::SessionClosed { reason, .. } => format!("SessionClosed: {reason}"),
        CoordinatorEvent::RoundStarted { descriptor } => {
            format!("RoundStarted {} of stage {}", descriptor.round, descriptor.stage)
        }
        CoordinatorEvent::UpdateAdmitted { round, client, .. } => format!("UpdateAdmitted {round} of client {client}"),
        CoordinatorEvent::SurvivorsFrozen { round, survivors, .. } => {
            format!("SurvivorsFrozen {round} with {}", survivors.len())
        }
        CoordinatorEvent::QuorumReached { round, signatures } => {
            format!("QuorumReached {round} by {}", signatures.len())
        }
        CoordinatorEvent::RoundCommitted { round, .. } => format!("RoundCommitted {round}"),
        CoordinatorEvent::RoundAborted { round, reason } => format!("RoundAborted {round}: {reason}"),
        CoordinatorEvent::ClientRefused { client, code, .. } => format!("ClientRefused {client}: {code}"),
        CoordinatorEvent::BudgetBegun { client, .. } => format!("BudgetBegun of client {client}"),
        CoordinatorEvent::BudgetShown { head } => format!("BudgetShown of client {}: {}", head.client, head.counter),
        CoordinatorEvent::ClientChargedMore { client, .. } => format!("ClientChargedMore {client}"),
        CoordinatorEvent::StageConcluded { stage, .. } => format!("StageConcluded {stage}"),
        CoordinatorEvent::RosterAdopted { roster, .. } => format!("RosterAdopted {}", roster.roster.epoch()),
        CoordinatorEvent::ClientEvicted { client, reason } => format!("ClientEvicted {client}: {reason}"),
        CoordinatorEvent::RunFinished { rounds, complete, .. } => {
            format!("RunFinished after {rounds}, complete: {complete}")
        }
    }
}
