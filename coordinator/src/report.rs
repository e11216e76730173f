//! What happens, for supervisors (one JSON object a line) and for people (one line each). Everything here is public or noised.

mod finished;
mod names;

use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;
use tributary_certs::inspect::date;
use tributary_daemon::lines;
use tributary_protocol::plan::Attestation;
use tributary_protocol::printable::counted;
use tributary_protocol::role::Action;

pub use self::finished::Finished;
pub use self::names::{Missing, RefusedFor, RunName, Whom};

/// An event, and the run that it is of, where it is of one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// In which run.
    #[serde(flatten)]
    pub run: Option<RunName>,
}

impl Told {
    /// The event as one line of JSON, without a line end.
    #[must_use]
    pub fn to_json(&self) -> String {
        lines::json(self)
    }
}

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        Self { event, run: None }
    }
}

impl Event {
    pub(crate) fn ordered(order: &Attestation) -> Self {
        Self::Ordered {
            action: order.action.to_string(),
            staff: order.staff.to_string(),
            role: order.role.to_string(),
            stops: !matches!(order.action, Action::Thaw | Action::ResumePlan),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.run {
            Some(run) => write!(formatter, "{run}: {}", self.event),
            None => self.event.fmt(formatter),
        }
    }
}

/// An event of a running coordinator.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Clients can connect.
    Listening {
        /// Where.
        address: SocketAddr,
        /// Clients of the roster.
        enrolled: usize,
    },
    /// A run of a plan is open: its members are invited.
    RunOpened {
        /// Of which day its data must be, where its plan says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        as_of: Option<String>,
    },
    /// Another roster is in force; everybody joins again, and keys are agreed on anew.
    Roster {
        /// Its epoch.
        epoch: u64,
        /// Clients of the roster.
        enrolled: usize,
    },
    /// Too few clients are here for a round, and nobody else is hoped for: only the operator can help.
    Waiting {
        /// What is missing, and how many must be present.
        reason: String,
    },
    /// A client is connected and speaks this protocol.
    Joined {
        /// Which one.
        #[serde(flatten)]
        client: Whom,
    },
    /// A client's connection is gone.
    Left {
        /// Which one.
        #[serde(flatten)]
        client: Whom,
        /// Why, unless its work was over, and what to do.
        reason: Option<String>,
    },
    /// A client of whose budget this coordinator knew nothing says that it was begun.
    BudgetBegun {
        /// Which one.
        #[serde(flatten)]
        client: Whom,
        /// The public key of the data's owner, who signed it.
        owner: String,
        /// It takes the place of a file that was lost.
        after_loss: bool,
    },
    /// A client refused the plan or gave up a session.
    Refused {
        /// Which one.
        #[serde(flatten)]
        client: Whom,
        /// Why.
        reason: String,
        /// Of which kind the reason is.
        cause: RefusedFor,
    },
    /// Somebody's order counts from now on.
    Ordered {
        /// What was ordered.
        action: String,
        /// By whom.
        staff: String,
        /// In which role.
        role: String,
        /// Whether it stops something, or lets it go on.
        stops: bool,
    },
    /// This coordinator does not serve a client as it is.
    TurnedAway {
        /// Which one.
        #[serde(flatten)]
        client: Whom,
        /// The reason's name.
        code: String,
        /// What the client is told.
        reason: String,
    },
    /// Too few members are here for a round or a key set-up.
    Muster {
        /// Members that are here.
        here: u32,
        /// Members that are needed.
        needed: u32,
        /// The first of those that are missing.
        missing: Vec<Missing>,
        /// Others that are missing.
        more: u32,
    },
    /// A cohort's keys stand.
    Session {
        /// First digits of the session's id.
        session: String,
        /// Participants.
        cohort: usize,
        /// Survivors that a sum needs.
        survivors_min: u16,
        /// Signatures that certify a survivor set.
        quorum: u16,
        /// Honest participants that each sum has at least.
        honest_min: u16,
    },
    /// A round is in the model and in the ledger.
    Round {
        /// The round.
        round: u64,
        /// Rounds of its stage committed so far.
        committed: u32,
        /// Updates in the sum.
        survivors: usize,
        /// Mean loss over the nominal number of customers, with noise; nothing in the first moments of a restarted coordinator.
        loss: Option<f64>,
        /// Epsilon spent so far by every round that was started, as it is enforced; nothing without noise.
        epsilon: Option<f64>,
        /// From the round's start to its commit.
        milliseconds: f64,
    },
    /// The plan's number of customers is far from the noised one that its rounds count, beyond what the noise explains.
    CustomersFar {
        /// `plan.customers_nominal`.
        nominal: u64,
        /// Counted on the average of the rounds so far, with noise.
        counted: f64,
        /// Standard deviation of that noise, at most.
        noise_stddev: f64,
        /// Counted over nominal: by so much loss and steps are wrong; nothing where hardly anybody was counted.
        factor: Option<f64>,
    },
    /// A round counted no more customers than its noise alone gives: its branches seem to have sent noise alone.
    NoiseAlone {
        /// `plan.customers_nominal`.
        nominal: u64,
        /// Counted in the round, with noise.
        counted: f64,
        /// Standard deviation of that noise, at most.
        noise_stddev: f64,
    },
    /// A counting round is in the ledger, and its counts beside the models.
    Counted {
        /// The round.
        round: u64,
        /// Number of the stage, from 1.
        stage: u16,
        /// Its kind.
        kind: String,
        /// Updates in the sum.
        survivors: usize,
        /// Epsilon spent so far; nothing without noise.
        epsilon: Option<f64>,
    },
    /// Two people state what becomes of a model.
    ModelStated {
        /// The model.
        model: String,
        /// `challenge`, `promote`, `rollback`, `retire` or `withdraw`.
        step: &'static str,
        /// The same in a sentence.
        words: String,
    },
    /// Somebody tells of an incident, and the journal has it.
    IncidentTold {
        /// Number, step, severity, author and text.
        words: String,
    },
    /// An inspector is shown something, and the journal says so.
    Looked {
        /// Who, what, of which days and which scope.
        words: String,
    },
    /// A model leaves as a file, or people set points, and the journal says so.
    Noted {
        /// Number, model and digest.
        words: String,
    },
    /// A model validator reports attacks on a model.
    ModelAttacked {
        /// The model.
        model: String,
        /// Whether they show a larger epsilon than was claimed.
        alarm: bool,
    },
    /// A client says what it has of a model.
    ModelCopy {
        /// Which one.
        #[serde(flatten)]
        client: Whom,
        /// The model.
        model: String,
        /// `kept`, `deleted`, or `refused`: it acknowledges a withdrawal.
        state: &'static str,
    },
    /// A client has a checkpoint that this coordinator has signed, and its journal does not go on from it.
    LogDisputed {
        /// Which one.
        #[serde(flatten)]
        client: Whom,
        /// Entries of that checkpoint.
        entries: u64,
    },
    /// The second copy of the journal is not taken.
    SinkFailed {
        /// Where it goes.
        target: String,
        /// Why.
        reason: String,
        /// Entries that wait.
        lag_entries: u64,
    },
    /// It is taken again.
    SinkRestored {
        /// Where it goes.
        target: String,
        /// Entries that are there.
        entries: u64,
    },
    /// A client's budget file holds more of this plan than this ledger: an older copy of the ledger was put back, or the client errs. For that
    /// client the larger figure counts.
    ChargedMore {
        /// Which one.
        #[serde(flatten)]
        client: Whom,
        /// Rounds in its budget file.
        rounds: u32,
        /// The last of them.
        last_round: u64,
    },
    /// A round or a key set-up ended without a sum; what was charged stays charged.
    Aborted {
        /// The round; nothing for a key set-up.
        round: Option<u64>,
        /// Why.
        reason: String,
    },
    /// The coordinator's own certificate was renewed; the next handshake proves the new key.
    CertificateRenewed {
        /// Its last second, Unix.
        not_after: u64,
    },
    /// The coordinator's own certificate was not renewed; another attempt follows.
    RenewalFailed {
        /// Why, and what to do.
        reason: String,
        /// Time until the next attempt.
        retry_seconds: u64,
    },
    /// The operator stopped the coordinator; it continues at its next start.
    Stopped {
        /// Rounds committed.
        rounds: u32,
    },
    /// The run is over.
    Finished(Box<Finished>),
    /// The run is over, because somebody's order has ended its plan for good. Nothing is released.
    PlanAborted {
        /// Staff number of whoever signed.
        by: String,
        /// In which role.
        role: &'static str,
        /// Rounds committed.
        rounds: u32,
        /// Rounds started, each of which every participant may have charged.
        charged: u32,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { address, enrolled } => {
                write!(formatter, "listening on {address} for {enrolled} enrolled clients")
            }
            Self::ModelStated { words, .. } => write!(formatter, "two people state: {words}"),
            Self::IncidentTold { words } | Self::Looked { words } | Self::Noted { words } => formatter.write_str(words),
            Self::ModelAttacked { model, alarm: false } => {
                write!(formatter, "attacks on model {} show no larger epsilon than was claimed", &model[..8])
            }
            Self::ModelAttacked { model, alarm: true } => write!(
                formatter,
                "ALARM: attacks on model {} show a larger epsilon than was claimed; nobody may use it, have it withdrawn",
                &model[..8]
            ),
            Self::ModelCopy { client, model, state: "refused" } => {
                write!(formatter, "{client}: has no copy of model {}, and refuses it from now on", &model[..8])
            }
            Self::ModelCopy { client, model, state } => {
                write!(formatter, "{client}: model {} {state}", &model[..8])
            }
            Self::RunOpened { as_of: None } => formatter.write_str("open; its members are invited"),
            Self::RunOpened { as_of: Some(day) } => {
                write!(formatter, "open, with data of {day}; its members are invited")
            }
            Self::Counted { round, stage, kind, survivors, epsilon } => {
                write!(
                    formatter,
                    "round {round} committed: counts of {survivors} branches are in counts/{stage}-{kind}.json"
                )?;
                epsilon.map_or(Ok(()), |epsilon| write!(formatter, ", epsilon {epsilon:.4} spent"))
            }
            Self::CustomersFar { nominal, counted, noise_stddev, factor } => {
                write!(
                    formatter,
                    "plan.customers_nominal is {nominal}, and the rounds count about {counted:.0} customers (noise {noise_stddev:.0}): "
                )?;
                match factor {
                    Some(factor) => write!(
                        formatter,
                        "the loss, and steps that are divided by it, are {factor:.2} times as large as they should be"
                    )?,
                    None => formatter.write_str("hardly anybody was counted")?,
                }
                formatter.write_str("; look whether branches are missing, and give the next plan a nearer number")
            }
            Self::NoiseAlone { nominal, counted, noise_stddev } => write!(
                formatter,
                "the round counts about {counted:.0} customers (noise {noise_stddev:.0}), and plan.customers_nominal is {nominal}: its branches seem \
                 to send noise alone, so that nothing is learnt. Ask them whether their data are read and whether training fails there"
            ),
            Self::BudgetBegun { client, owner, after_loss } => write!(
                formatter,
                "{client} begins a budget that this coordinator does not know, signed by its owner {}{}; if it took part before, ask both",
                first_digits(owner),
                if *after_loss { ", in the place of a lost file" } else { "" }
            ),
            Self::ChargedMore { client, rounds, last_round } => write!(
                formatter,
                "{client} was charged {} of this plan, the last is {last_round}, and this ledger knows fewer: an older copy \
                 of the ledger was put back; stop, and put the newest one in its place",
                counted(rounds, "round")
            ),
            Self::LogDisputed { client, entries } => write!(
                formatter,
                "{client} has a checkpoint of {entries} entries, signed by this coordinator, that audit.log does not go on from: an older copy was put \
                 back, or the file was changed. Stop, keep both as evidence, and put the newest good copy in its place"
            ),
            Self::SinkFailed { target, reason, lag_entries } => write!(
                formatter,
                "the second copy of audit.log is not taken by {target}, and {lag_entries} entries wait: {reason}. Nothing is lost; no round begins when it \
                 lags too far"
            ),
            Self::SinkRestored { target, entries } => {
                write!(
                    formatter,
                    "the second copy of audit.log is taken again by {target}, which has {entries} entries"
                )
            }
            Self::Roster { epoch, enrolled } => {
                write!(formatter, "roster {epoch} is in force, {enrolled} enrolled clients; everybody joins again")
            }
            Self::Waiting { reason } => write!(formatter, "waiting for {reason}"),
            Self::Joined { client } => write!(formatter, "{client} joined"),
            Self::Left { client, reason } => {
                write!(formatter, "{client} left")?;
                reason.iter().try_for_each(|reason| write!(formatter, ": {reason}"))
            }
            Self::Refused { client, reason, .. } => write!(formatter, "{client} refused: {reason}"),
            Self::Ordered { action, staff, role, .. } => {
                write!(formatter, "{staff} ({role}) has ordered {action}; the order counts from now on")
            }
            Self::Muster { here, needed, missing, more } => {
                if missing.is_empty() {
                    return write!(
                        formatter,
                        "{here} of {needed} members are here, and nobody else is in the plan's group"
                    );
                }
                write!(formatter, "{here} of {needed} members are here; missing: ")?;
                for (place, missing) in missing.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "; " };
                    write!(formatter, "{comma}{missing}")?;
                }
                if *more > 0 { write!(formatter, "; and {more} more") } else { Ok(()) }
            }
            Self::TurnedAway { client, reason, .. } => write!(formatter, "{client} was turned away: {reason}"),
            Self::Session { session, cohort, survivors_min, honest_min, .. } => write!(
                formatter,
                "session {session}: {cohort} clients are keyed; a sum needs {survivors_min}, of whom {honest_min} are assumed honest"
            ),
            Self::Round { round, committed, survivors, loss, epsilon, milliseconds } => {
                write!(
                    formatter,
                    "round {round} committed ({committed} so far) with {survivors} updates in {milliseconds:.0} ms"
                )?;
                if let Some(loss) = loss {
                    write!(formatter, ", loss about {loss:.4}")?;
                }
                epsilon.map_or(Ok(()), |epsilon| write!(formatter, ", epsilon {epsilon:.4} spent"))
            }
            Self::Aborted { round: Some(round), reason } => write!(formatter, "round {round} aborted: {reason}"),
            Self::Aborted { round: None, reason } => write!(formatter, "key set-up ended: {reason}"),
            Self::CertificateRenewed { not_after } => write!(
                formatter,
                "this coordinator's certificate was renewed and ends at {}; connections stay, and the next ones prove the new key",
                date(*not_after)
            ),
            Self::RenewalFailed { reason, retry_seconds } => write!(
                formatter,
                "this coordinator's certificate was not renewed; another attempt follows in {retry_seconds} seconds: {reason}"
            ),
            Self::Stopped { rounds } => {
                write!(formatter, "stopped; open runs have {}, and go on at the next start", counted(rounds, "round"))
            }
            Self::Finished(finished) => finished.fmt(formatter),
            Self::PlanAborted { by, role, rounds, charged } => write!(
                formatter,
                "the plan was aborted by {by} ({role}): {}, {charged} charged; nothing is released, and no run of it follows",
                counted(rounds, "round")
            ),
        }
    }
}

/// Of a key in words, after the name of its kind.
fn first_digits(key: &str) -> &str {
    let digits = key.split_once(':').map_or(key, |(_, digits)| digits);
    digits.get(..8).unwrap_or(digits)
}

#[cfg(test)]
pub(crate) mod tests;
