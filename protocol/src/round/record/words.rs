//! A ledger in plain words, one line for each event and one for what it has come to: for whoever reads along.

use alloc::format;
use alloc::string::{String, ToString as _};

use super::budget::BudgetRecord;
use super::run::{Next, RunRecord};
use crate::digest::Digest;
use crate::ids::{ClientId, SessionId};
use crate::message::Charged;
use crate::plan::{Attestation, Caps, RunRef};
use crate::printable::counted;
use crate::roster::Roster;
use crate::round::event::{CoordinatorEvent, ParticipantEvent, RunEnd};

/// Members that one line names, at most.
const NAMED_MAX: usize = 3;

fn short(session: &SessionId) -> impl core::fmt::Display {
    Digest(session.0).short()
}

fn of_run(run: &RunRef) -> String {
    format!("run {} of plan {}", run.number, run.plan.short())
}

fn in_words(caps: &Caps) -> String {
    let [life, year, delta] = [caps.life_bits, caps.year_bits, caps.delta_bits].map(f64::from_bits);
    format!("epsilon {life} for life and {year} in a year, at delta {delta:e}")
}

fn rounds(charged: &Charged) -> usize {
    charged.rounds.iter().fold(0, |sum, rounds| sum.saturating_add(usize::try_from(*rounds).unwrap_or(usize::MAX)))
}

fn first_of(roster: Option<&Roster>, clients: impl ExactSizeIterator<Item = ClientId>) -> String {
    let (all, mut text) = (clients.len(), String::new());
    for (place, client) in clients.take(NAMED_MAX).enumerate() {
        let before = if place == 0 { "" } else { ", " };
        text.push_str(before);
        text.push_str(&Roster::named(roster, client));
    }
    match all.saturating_sub(NAMED_MAX) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

impl RunRecord {
    /// What an event says that comes next, in one line.
    #[must_use]
    pub fn describe(&self, event: &CoordinatorEvent) -> String {
        let roster = self.roster.as_ref();
        match event {
            CoordinatorEvent::RunOpened { plan, number, model, begun, .. } => format!(
                "run {number} of plan \"{}\" ({}) opened: {} in mode {}, from model {}{}",
                plan.name,
                plan.digest().short(),
                counted(plan.stages.len(), "stage"),
                plan.privacy.name(),
                model.short(),
                plan.readiness
                    .as_of
                    .of_run(begun.0 / 1000)
                    .map_or_else(String::new, |date| format!(", with data of {date}"))
            ),
            CoordinatorEvent::OrdersCarried { orders } => {
                format!("carried over from the run before: {}", counted(orders.standing().count(), "standing order"))
            }
            CoordinatorEvent::ApprovalsShown { approvals } => format!(
                "the plan is put forward by {} and approved by {} from here on",
                approvals.proposal.staff, approvals.approval.staff
            ),
            CoordinatorEvent::RosterAdopted { roster, group_size } => {
                let members = usize::try_from(*group_size).unwrap_or(usize::MAX);
                format!("roster {} adopted: {} in the plan's group", roster.roster.epoch(), counted(members, "member"))
            }
            CoordinatorEvent::SessionOpened { session, candidates } => format!(
                "key set-up {} began with {}: {}",
                short(session),
                counted(candidates.len(), "member"),
                first_of(roster, candidates.iter().copied())
            ),
            CoordinatorEvent::SessionKeyed { session, cohort, thresholds, .. } => format!(
                "session {} has its keys: {}, of whom {} must survive and {} must sign",
                short(session),
                counted(cohort.len(), "member"),
                thresholds.survivors_min,
                thresholds.quorum
            ),
            CoordinatorEvent::SessionClosed { session, reason } => {
                format!("session {} closed: {reason}", short(session))
            }
            CoordinatorEvent::RoundStarted { descriptor } => format!(
                "round {} started: {}, model {}, {}",
                descriptor.round,
                self.stage_in_words(descriptor.stage),
                descriptor.model.short(),
                counted(self.current().map_or(0, |session| session.cohort.len()), "member")
            ),
            CoordinatorEvent::UpdateAdmitted { round, client, vector, .. } => {
                format!(
                    "round {round}: the vector {} of {} entered the sum",
                    vector.short(),
                    Roster::named(roster, *client)
                )
            }
            CoordinatorEvent::SurvivorsFrozen { round, survivors, digest } => {
                format!("round {round}: {} fixed as {}", counted(survivors.len(), "survivor"), digest.short())
            }
            CoordinatorEvent::QuorumReached { round, signatures } => {
                format!("round {round}: {} signed the survivor set", counted(signatures.len(), "member"))
            }
            CoordinatorEvent::RoundCommitted { round, sum, model } => {
                format!("round {round} committed: sum {}, model {}", sum.short(), model.short())
            }
            CoordinatorEvent::RoundAborted { round, reason } => format!("round {round} aborted: {reason}"),
            CoordinatorEvent::ClientRefused { client, code, .. } => {
                format!("{} refused: {code}", Roster::named(roster, *client))
            }
            CoordinatorEvent::BudgetBegun { client, first } => {
                let how = if first.adopts { "takes the place of a lost one" } else { "was begun by its owner" };
                format!("the budget of {} {how}", Roster::named(roster, *client))
            }
            CoordinatorEvent::BudgetShown { head } => format!(
                "{} showed its budget: counter {}, {} of this run charged",
                Roster::named(roster, head.client),
                head.counter,
                counted(rounds(&head.charged), "round")
            ),
            CoordinatorEvent::ClientChargedMore { client, charged } => format!(
                "{} was charged for {} of this run, more than this ledger started",
                Roster::named(roster, *client),
                counted(rounds(charged), "round")
            ),
            CoordinatorEvent::StageConcluded { stage, model } => {
                format!("{} concluded: it hands on model {}", self.stage_in_words(*stage), model.short())
            }
            CoordinatorEvent::ClientEvicted { client, reason } => {
                format!("{} is out of the run: {reason}", Roster::named(roster, *client))
            }
            CoordinatorEvent::OrderTaken { order } => {
                format!("{} of {} ({}): {}", order.action, order.staff, order.role, order.subject.short())
            }
            CoordinatorEvent::RunFinished { model, rounds, complete } => {
                let how = if *complete { "complete" } else { "ended early" };
                match self.orders.aborted() {
                    Some(Attestation { staff, role, .. }) => format!(
                        "the run is over after {rounds} rounds, because {staff} ({role}) aborted the plan: it releases nothing"
                    ),
                    None => {
                        format!("the run is over, {how}, after {rounds} rounds: it releases model {}", model.short())
                    }
                }
            }
        }
    }

    /// What the events so far have come to, in one line.
    #[must_use]
    pub fn state(&self) -> String {
        let Some(plan) = self.plan() else { return "nothing has begun".to_string() };
        let next = match (self.finished, self.round.as_ref(), self.next()) {
            (Some(_), ..) => "over".to_string(),
            (None, Some(open), _) => {
                let phase = match (self.survivors, self.certified) {
                    (None, _) => "collects",
                    (Some(_), false) => "awaits its quorum",
                    (Some(_), true) => "awaits its sum",
                };
                format!("round {} {phase}, {} so far", open.round, counted(self.admitted.len(), "vector"))
            }
            (None, None, _) if self.is_aborted() => "next the end of the run, because the plan was aborted".to_string(),
            (None, None, Some(Next::Round(stage))) => format!("next a round of {}", self.stage_in_words(stage)),
            (None, None, Some(Next::Conclude(stage))) => format!("next the end of {}", self.stage_in_words(stage)),
            (None, None, Some(Next::Finish) | None) => "next the end of the run".to_string(),
        };
        let charged = self.charged.iter().copied().fold(0, u32::saturating_add);
        format!(
            "{} of {} rounds committed, {charged} charged, {}; {next}",
            self.committed_all(),
            plan.rounds(),
            counted(self.sessions.len(), "session")
        )
    }

    /// What a member who took part hears of a run that is over: the released model and the rounds that were committed, or why there is no model.
    ///
    /// # Errors
    /// [`RunRecord::without_a_model`].
    pub fn outcome(&self) -> Result<(Digest, u32), String> {
        self.released().map(|model| (model, self.committed_all())).ok_or_else(|| self.without_a_model())
    }

    /// What a member hears who has no part in a released model, once the run is over.
    #[must_use]
    pub fn without_a_model(&self) -> String {
        match self.orders.aborted() {
            Some(Attestation { staff, role, .. }) => format!(
                "the plan was aborted by {staff} ({role}): nothing is released, nothing more is asked under it, and what it had reserved is free; \
                 going on takes another plan"
            ),
            None => "the run is over; there is nothing to do in it any more".to_string(),
        }
    }

    fn stage_in_words(&self, number: u16) -> String {
        let plan = self.plan();
        let (all, kind) = plan.map_or((0, None), |plan| (plan.stages.len(), plan.stage(number)));
        let kind = kind.map_or("unknown", |stage| stage.kind.as_str());
        format!("stage {} of {all} ({kind})", number.saturating_add(1))
    }
}

impl BudgetRecord {
    /// What an event says that comes next, in one line. Members are named where a roster is at hand.
    #[must_use]
    pub fn describe(&self, event: &ParticipantEvent, roster: Option<&Roster>) -> String {
        match event {
            ParticipantEvent::RosterAccepted { head, missing: 0 } => format!("roster {} accepted", head.epoch),
            ParticipantEvent::RosterAccepted { head, missing } => {
                format!("roster {} accepted, {missing} between were not shown", head.epoch)
            }
            ParticipantEvent::BudgetBegun { population, first, .. } => {
                let how = if first.adopts { "in the place of a lost file" } else { "as a first use" };
                // The words are the owner's, and escaped as everybody else's.
                format!("the budget of \"{}\" begins {how}", crate::printable::Printable::new(population))
            }
            ParticipantEvent::OwnerChanged { .. } => "the budget passes to another owner".to_string(),
            ParticipantEvent::HeadSigned { head } => {
                format!("a head was signed: counter {}, {}", head.counter, of_run(&head.run))
            }
            ParticipantEvent::HeadAdopted { head, .. } => {
                format!("a head was adopted: counter {}, where the file had {}", head.counter, self.counter)
            }
            ParticipantEvent::CountersSeen { counters } => {
                let clients = counters.iter().map(|(client, _)| *client);
                format!("higher counters were seen of {}", first_of(roster, clients))
            }
            ParticipantEvent::RunAccepted { run, name, stages, .. } => {
                format!("{} (\"{name}\") was accepted: {}", of_run(run), counted(stages.len(), "stage"))
            }
            ParticipantEvent::CapsNoted { caps } => format!("the policy's caps are {}", in_words(caps)),
            ParticipantEvent::CapRaised { raise, officer, .. } => format!(
                "DEVIATION: the caps were raised to {} by the owner and {}, ticket {}: {}",
                in_words(&raise.to),
                officer.staff,
                raise.ticket,
                raise.reason
            ),
            ParticipantEvent::RunEnded { run, how, .. } => {
                let why = match how {
                    RunEnd::Finished => "the coordinator signed that it is over",
                    RunEnd::Dismissed => "the coordinator signed that nothing more of it is asked of this branch",
                    RunEnd::Refused => "this branch refused to go on",
                    RunEnd::Released(_) => "the owner let go of it",
                };
                format!("{} ended, and what it had reserved is free: {why}", of_run(run))
            }
            ParticipantEvent::GrantWithdrawn { withdrawal } => {
                format!("the owner withdrew the grant {}", withdrawal.grant.short())
            }
            ParticipantEvent::BudgetCharged { run, round, stage, .. } => {
                let kind = self.accepted.get(run).and_then(|run| run.stages.get(usize::from(*stage)));
                let kind = kind.map_or("unknown", |stage| stage.kind.as_str());
                format!("round {round} of {} was charged: stage {} ({kind})", of_run(run), stage.saturating_add(1))
            }
            ParticipantEvent::Uploaded { run, round, vector, .. } => {
                format!("round {round} of {}: the vector {} left", of_run(run), vector.short())
            }
            ParticipantEvent::SurvivorsAcknowledged { run, round, survivors } => {
                format!("round {round} of {}: the survivor set {} was acknowledged", of_run(run), survivors.short())
            }
            ParticipantEvent::SharesRevealed { run, round, survivors } => {
                format!("round {round} of {}: shares were revealed for the set {}", of_run(run), survivors.short())
            }
            ParticipantEvent::RoundClosed { run, round, model: Some(model) } => {
                format!("round {round} of {} committed: model {}", of_run(run), model.short())
            }
            ParticipantEvent::RoundClosed { run, round, model: None } => {
                format!("round {round} of {} ended without a sum", of_run(run))
            }
            ParticipantEvent::Refused { code } => format!("the branch refused: {code}"),
        }
    }

    /// What the events so far have come to, in one line.
    #[must_use]
    pub fn state(&self) -> String {
        if self.begun.is_none() {
            return "nothing has begun".to_string();
        }
        let charged = self.runs.values().map(|spend| rounds(&spend.charged)).fold(0, usize::saturating_add);
        let awaits = if self.awaits_head { ", awaits a head" } else { "" };
        format!(
            "counter {}, {} of {} charged{awaits}",
            self.counter,
            counted(charged, "round"),
            counted(self.runs.len(), "run")
        )
    }
}
