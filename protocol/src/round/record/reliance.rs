//! What a machine's words rest on: the events that must be on the disk, for certain, before an effect is executed.
//!
//! For whoever watches a machine from outside: the tests' worlds and the simulator ask it at every effect. It is written against the effects
//! alone, so that a machine that forgets to sync is seen by the first word that it says too early.

use crate::budget::Kept;
use crate::message::{Downstream, Upstream};
use crate::round::effect::{CoordinatorEffect, ParticipantEffect};
use crate::round::event::{CoordinatorEvent, ParticipantEvent};

/// Whether anybody outside hears or sees this effect of a client's machine.
#[must_use]
pub fn is_heard_of_participant(effect: &ParticipantEffect) -> bool {
    use ParticipantEffect as Effect;
    match effect {
        Effect::Append(_)
        | Effect::Sync
        | Effect::JudgeRun(_)
        | Effect::ForgetVector(_)
        | Effect::NoiseAlone(_)
        | Effect::Keyed { .. }
        | Effect::RosterAccepted { .. }
        | Effect::RoundClosed { .. } => false,
        Effect::Send(_)
        | Effect::Contribute(_)
        | Effect::Upload(_)
        | Effect::HeadAdopted { .. }
        | Effect::Muster(_)
        | Effect::BudgetAnnounced { .. }
        | Effect::Finished { .. }
        | Effect::Distrust { .. }
        | Effect::Stop { .. } => true,
    }
}

/// The first of a client's events, appended and not synced, that this effect must not come before.
#[must_use]
pub fn early_at_participant<'a>(
    effect: &ParticipantEffect,
    unsynced: &'a [ParticipantEvent],
) -> Option<&'a ParticipantEvent> {
    use ParticipantEffect as Effect;
    if !is_heard_of_participant(effect) {
        return None;
    }
    let rests_on = |event: &&ParticipantEvent| match event {
        // What is spent, promised or shown once stays so, whatever is said next.
        ParticipantEvent::BudgetBegun { .. }
        | ParticipantEvent::OwnerChanged { .. }
        | ParticipantEvent::HeadSigned { .. }
        | ParticipantEvent::RunAccepted { .. }
        | ParticipantEvent::CapRaised { .. }
        | ParticipantEvent::RunEnded { .. }
        | ParticipantEvent::GrantWithdrawn { .. }
        | ParticipantEvent::BudgetCharged { .. }
        | ParticipantEvent::HeadAdopted { .. }
        | ParticipantEvent::SurvivorsAcknowledged { .. }
        | ParticipantEvent::SharesRevealed { .. } => true,
        // What is accepted under them comes after them.
        ParticipantEvent::RosterAccepted { .. } | ParticipantEvent::CapsNoted { .. } => {
            matches!(effect, Effect::Send(Upstream::Accept { .. } | Upstream::Refuse { .. }))
        }
        // Whoever takes part in a session's rounds knows its members' counters from then on. A vector of the session before may leave meanwhile.
        ParticipantEvent::CountersSeen { .. } => matches!(effect, Effect::Contribute(_)),
        // A set-up that is given up binds to nothing; a refusal of the plan is signed.
        ParticipantEvent::Refused { .. } => matches!(effect, Effect::Send(Upstream::Refuse { .. })),
        // News: the charge before them is what counts.
        ParticipantEvent::Uploaded { .. } | ParticipantEvent::RoundClosed { .. } => false,
    };
    unsynced.iter().find(rests_on)
}

/// Whether anybody outside hears or sees this effect of the coordinator's machine.
#[must_use]
pub fn is_heard_of_coordinator(effect: &CoordinatorEffect) -> bool {
    use CoordinatorEffect as Effect;
    match effect {
        Effect::Append(_)
        | Effect::Sync
        | Effect::Keep(_)
        | Effect::StoreSession(_)
        | Effect::ForgetSession(_)
        | Effect::OpenSum { .. }
        | Effect::Admit(_)
        | Effect::Fold { .. }
        | Effect::Discard(_)
        | Effect::DropSum(_)
        | Effect::OrderRefused { .. }
        | Effect::Conclude(_) => false,
        Effect::Send(..)
        | Effect::Broadcast(..)
        | Effect::SendStart(..)
        | Effect::Unmask(_)
        | Effect::Enrol(_)
        | Effect::Close(_)
        | Effect::Finished { .. } => true,
    }
}

/// The first of the coordinator's events, appended and not synced, that this effect must not come before.
#[must_use]
pub fn early_at_coordinator<'a>(
    effect: &CoordinatorEffect,
    unsynced: &'a [CoordinatorEvent],
) -> Option<&'a CoordinatorEvent> {
    use CoordinatorEffect as Effect;
    if !is_heard_of_coordinator(effect) {
        return None;
    }
    let starts = matches!(effect, Effect::SendStart(..));
    let rests_on = |event: &&CoordinatorEvent| match event {
        CoordinatorEvent::RunOpened { .. }
        | CoordinatorEvent::OrdersCarried { .. }
        | CoordinatorEvent::ApprovalsShown { .. }
        | CoordinatorEvent::RosterAdopted { .. }
        | CoordinatorEvent::SessionKeyed { .. }
        | CoordinatorEvent::RoundStarted { .. }
        | CoordinatorEvent::SurvivorsFrozen { .. }
        | CoordinatorEvent::RoundCommitted { .. }
        | CoordinatorEvent::RoundAborted { .. }
        | CoordinatorEvent::StageConcluded { .. }
        | CoordinatorEvent::ClientEvicted { .. }
        | CoordinatorEvent::OrderTaken { .. }
        | CoordinatorEvent::RunFinished { .. } => true,
        // Who is in the survivor set was admitted before.
        CoordinatorEvent::UpdateAdmitted { .. } => {
            starts || matches!(effect, Effect::Broadcast(_, Downstream::Survivors(_)))
        }
        // Whoever is told of a member's counter can count on the ledger's knowing its head.
        CoordinatorEvent::BudgetBegun { .. } | CoordinatorEvent::BudgetShown { .. } => {
            starts || matches!(effect, Effect::Broadcast(_, Downstream::Freeze(_)))
        }
        // A restart closes what these opened, and asks again for what they noted. The set that a quorum signed is durable before it signs.
        CoordinatorEvent::SessionOpened { .. }
        | CoordinatorEvent::SessionClosed { .. }
        | CoordinatorEvent::QuorumReached { .. }
        | CoordinatorEvent::ClientRefused { .. }
        | CoordinatorEvent::ClientChargedMore { .. } => starts,
    };
    unsynced.iter().find(rests_on)
}

/// The first of the budget heads, kept and not synced, that this effect must not come before: whoever hears of a member's counter remembers it.
#[must_use]
pub fn early_of_heads<'a>(effect: &CoordinatorEffect, unsynced: &'a [Kept]) -> Option<&'a Kept> {
    match effect {
        CoordinatorEffect::Broadcast(_, Downstream::Freeze(_)) => unsynced.first(),
        _ => None,
    }
}
