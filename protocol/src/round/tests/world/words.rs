//! What each machine asks of its shell, in words. A transcript has them beside the messages and the events, which are noted as they are.

use alloc::format;
use alloc::string::String;

use crate::round::{CoordinatorEffect, ParticipantEffect};

pub(super) fn of_coordinator(effect: &CoordinatorEffect) -> String {
    use CoordinatorEffect as Effect;
    match effect {
        Effect::Append(_) | Effect::Keep(_) => String::new(),
        Effect::Sync => "sync".into(),
        Effect::Send(to, message) => format!("send {to}: {message:?}"),
        Effect::Broadcast(to, message) => format!("send {to:?}: {message:?}"),
        Effect::StoreSession(material) => format!("store {:?}", material.session()),
        Effect::ForgetSession(session) => format!("forget {session:?}"),
        Effect::SendStart(to, start) => format!("start {to:?}: {start:?}"),
        Effect::OpenSum { round, ring, dimension } => format!("open {round:?}: {ring:?}, {dimension}"),
        Effect::Admit(ticket) => format!("admit {:?} of {}", ticket.round(), ticket.client()),
        Effect::Fold { round, client } => format!("fold {client} into {round:?}"),
        Effect::Discard(client) => format!("discard {client}"),
        Effect::DropSum(round) => format!("drop {round:?}"),
        Effect::Unmask(permit) => format!("unmask {:?}: {:?}", permit.round(), permit.survivors()),
        Effect::Conclude(stage) => format!("conclude {stage}"),
        Effect::Enrol(roster) => format!("enrol {:?}", roster.roster.head()),
        Effect::OrderRefused { order, fault } => format!("refuse {order:?}: {fault:?}"),
        Effect::Close(client) => format!("close {client}"),
        Effect::Finished { complete } => format!("finished: {complete}"),
    }
}

pub(super) fn of_participant(effect: &ParticipantEffect) -> String {
    use ParticipantEffect as Effect;
    match effect {
        Effect::Append(_) => String::new(),
        Effect::Sync => "sync".into(),
        Effect::Send(message) => format!("send {message:?}"),
        Effect::JudgeRun(run) => format!("judge {:?}", run.id()),
        Effect::Contribute(contribution) => format!("contribute {:?}", contribution.descriptor),
        Effect::Upload(header) => format!("upload {header:?}"),
        Effect::ForgetVector(round) => format!("forget {round:?}"),
        Effect::NoiseAlone(round) => format!("noise alone {round:?}"),
        Effect::Keyed { honest_min } => format!("keyed: {honest_min}"),
        Effect::HeadAdopted { own, shown } => format!("adopted {shown} for {own}"),
        Effect::BudgetAnnounced { counter } => format!("announced {counter}"),
        Effect::RosterAccepted { epoch, missing, changes } => format!("roster {epoch}: {missing}, {changes:?}"),
        Effect::Muster(muster) => format!("{muster:?}"),
        Effect::RoundClosed { round, committed } => format!("closed {round:?}: {committed}"),
        Effect::Finished { rounds } => format!("finished after {rounds}"),
        Effect::Distrust { what } => format!("distrust: {what}"),
        Effect::Stop { explanation, retry } => format!("stop: {explanation}, {retry}"),
    }
}
