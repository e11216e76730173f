//! What is said too early is seen: each event, appended and not on the disk, with each kind of word that it must not come after.

use alloc::vec::Vec;

use super::{VICTIM, budget_record, run_record};
use crate::budget::Kept;
use crate::ids::RoundId;
use crate::message::{Downstream, Freeze, RefusalCode, Start, Survivors, Upstream};
use crate::plan::RunRef;
use crate::round::cast::{self, counting_plan};
use crate::round::record::reliance::{
    early_at_coordinator, early_at_participant, early_of_heads, is_heard_of_coordinator, is_heard_of_participant,
};
use crate::round::{CoordinatorEffect, CoordinatorEvent, ParticipantEffect, ParticipantEvent, RoundHead};
use crate::secagg::suite::Signature;

fn participants() -> Vec<(&'static str, ParticipantEffect)> {
    let run = cast::run(counting_plan());
    let head = RoundHead { round: RoundId(1), stage: 0, model: cast::first_model() };
    let accept = Upstream::Accept { run: run.id(), head: cast::head(VICTIM, RunRef::NONE).into(), begun: None };
    let refuse = Upstream::Refuse { code: RefusalCode::Unexpected, signature: Signature::none() };
    [
        ("accept", ParticipantEffect::Send(accept)),
        ("refuse", ParticipantEffect::Send(refuse)),
        ("leave", ParticipantEffect::Send(Upstream::Leave)),
        ("contribute", ParticipantEffect::Contribute(cast::contribution(&run, head))),
        ("sync", ParticipantEffect::Sync),
        ("keyed", ParticipantEffect::Keyed { honest_min: 1 }),
    ]
    .into()
}

#[test]
fn a_client_that_speaks_too_early_is_seen() {
    let mut events = budget_record::file();
    events.push(ParticipantEvent::Refused { code: RefusalCode::Unexpected });
    let effects = participants();
    let heard = effects.iter().filter(|(_, effect)| is_heard_of_participant(effect)).map(|(name, _)| *name);
    assert_eq!(heard.collect::<Vec<_>>(), ["accept", "refuse", "leave", "contribute"]);
    for event in &events {
        let early: Vec<&str> = match event {
            ParticipantEvent::RosterAccepted { .. } | ParticipantEvent::CapsNoted { .. } => ["accept", "refuse"].into(),
            ParticipantEvent::CountersSeen { .. } => ["contribute"].into(),
            ParticipantEvent::Refused { .. } => ["refuse"].into(),
            ParticipantEvent::Uploaded { .. } | ParticipantEvent::RoundClosed { .. } => Vec::new(),
            _ => ["accept", "refuse", "leave", "contribute"].into(),
        };
        let one = core::slice::from_ref(event);
        let seen = effects.iter().filter(|(_, effect)| early_at_participant(effect, one) == Some(event));
        assert_eq!(seen.map(|(name, _)| *name).collect::<Vec<_>>(), early, "{event:?}");
    }
    // The first of them is named.
    let (begun, charge) =
        (&events[0], events.iter().position(|event| matches!(event, ParticipantEvent::BudgetCharged { .. })));
    let two = [events[charge.expect("one")].clone(), begun.clone()];
    assert_eq!(early_at_participant(&effects[0].1, &two), Some(&two[0]));
    assert!(effects.iter().all(|(_, effect)| early_at_participant(effect, &[]).is_none()));
}

#[test]
fn a_coordinator_that_speaks_too_early_is_seen() {
    let events = run_record::ledger();
    let started = events.iter().find_map(|event| match event {
        CoordinatorEvent::RoundStarted { descriptor } => Some(descriptor.clone()),
        _ => None,
    });
    let (session, thresholds) = events
        .iter()
        .find_map(|event| match event {
            CoordinatorEvent::SessionKeyed { session, thresholds, .. } => Some((*session, *thresholds)),
            _ => None,
        })
        .expect("a session is keyed");
    let start = Start { descriptor: started.expect("a round starts"), signature: Signature::none() };
    let survivors = Survivors { round: RoundId(1), uploads: Vec::new().into() };
    let freeze = Freeze { session, members: Vec::new().into(), keys: Vec::new().into(), thresholds };
    let all = || [VICTIM].to_vec();
    let effects = [
        ("start", CoordinatorEffect::SendStart(all(), start)),
        ("survivors", CoordinatorEffect::Broadcast(all(), Downstream::Survivors(survivors))),
        ("freeze", CoordinatorEffect::Broadcast(all(), Downstream::Freeze(freeze))),
        ("invite", CoordinatorEffect::Send(VICTIM, Downstream::Invite)),
        ("sync", CoordinatorEffect::Sync),
        ("conclude", CoordinatorEffect::Conclude(0)),
    ];
    let heard = effects.iter().filter(|(_, effect)| is_heard_of_coordinator(effect)).map(|(name, _)| *name);
    assert_eq!(heard.collect::<Vec<_>>(), ["start", "survivors", "freeze", "invite"]);
    for event in &events {
        let early: Vec<&str> = match event {
            CoordinatorEvent::UpdateAdmitted { .. } => ["start", "survivors"].into(),
            CoordinatorEvent::BudgetBegun { .. } | CoordinatorEvent::BudgetShown { .. } => ["start", "freeze"].into(),
            CoordinatorEvent::SessionOpened { .. }
            | CoordinatorEvent::SessionClosed { .. }
            | CoordinatorEvent::QuorumReached { .. } => ["start"].into(),
            _ => ["start", "survivors", "freeze", "invite"].into(),
        };
        let one = core::slice::from_ref(event);
        let seen = effects.iter().filter(|(_, effect)| early_at_coordinator(effect, one) == Some(event));
        assert_eq!(seen.map(|(name, _)| *name).collect::<Vec<_>>(), early, "{event:?}");
    }
    let kept = [1, 2].map(|client| Kept::Head(cast::head(crate::ids::ClientId(client), RunRef::NONE).into()));
    for (name, effect) in &effects {
        assert_eq!(early_of_heads(effect, &kept), (*name == "freeze").then_some(&kept[0]));
        assert_eq!(early_of_heads(effect, &[]), None);
    }
}
