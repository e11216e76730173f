//! From recorded events to what supervisors see: durations, losses, the budget spent so far.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tributary_daemon::usage::{process_cpu, rss_bytes_max};
use tributary_model::nominal::{CustomerEstimate, NoisedCustomers};
use tributary_model::privacy::epsilon_of;
use tributary_model::server_optimizer::RoundMetrics;
use tributary_protocol::digest::Digest;
use tributary_protocol::message::ClosedReason;
use tributary_protocol::plan::Plan;
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{CoordinatorEvent, RunRecord};

use crate::connections::Members;
use crate::report::{Event, Finished, RefusedFor};
use crate::run::job::Job;
use tributary_planning::Guarantee;

/// What this process and the ledger have seen of a run.
pub(crate) struct Progress {
    plan: Plan,
    /// As of the last event that was told.
    record: RunRecord,
    /// By whose roster clients have names.
    members: Arc<Members>,
    delta: f64,
    guarantee: Option<Guarantee>,
    parameters: usize,
    survivors: usize,
    open_since: Option<Instant>,
    first_start: Option<Instant>,
    /// CPU seconds when the first round began.
    cpu_before: Option<f64>,
    last_commit: Option<Instant>,
    durations: Vec<Duration>,
    customers: CustomerEstimate,
    /// Whether it was said that the nominal number is far from the counted one.
    far_said: bool,
    none_said: bool,
}

/// How a plan ended.
pub(crate) struct Outcome {
    pub(crate) complete: bool,
    pub(crate) model: Digest,
    pub(crate) registered: Digest,
    pub(crate) model_file: String,
    pub(crate) ledger: String,
    pub(crate) folder: String,
    pub(crate) rounds: u32,
    pub(crate) charged: u32,
    pub(crate) bytes: (u64, u64),
}

impl Progress {
    /// After the ledger's events.
    pub(crate) fn resume(job: &Job, members: Arc<Members>, events: &[CoordinatorEvent]) -> Self {
        let mut progress = Self {
            plan: job.plan().plan().clone(),
            record: RunRecord::default(),
            members,
            delta: job.plan().delta(),
            guarantee: job.guarantee,
            parameters: job.planned.architecture().parameter_count(),
            survivors: 0,
            open_since: None,
            first_start: None,
            cpu_before: None,
            last_commit: None,
            durations: Vec::new(),
            customers: CustomerEstimate::default(),
            far_said: false,
            none_said: false,
        };
        events.iter().for_each(|event| progress.record.apply(event));
        progress
    }

    /// Takes an event that is being recorded; what to tell of it once it is durable.
    pub(crate) fn observe(&mut self, event: &CoordinatorEvent, metrics: Option<RoundMetrics>) -> Option<Event> {
        let stage = self.record.round.as_ref().map(|open| open.stage);
        self.record.apply(event);
        match event {
            CoordinatorEvent::RoundStarted { .. } => {
                let now = Instant::now();
                if self.first_start.is_none() {
                    self.first_start = Some(now);
                    self.cpu_before = process_cpu().map(|cpu| cpu.as_secs_f64());
                }
                self.open_since = Some(now);
                None
            }
            CoordinatorEvent::SurvivorsFrozen { survivors, .. } => {
                self.survivors = survivors.len();
                None
            }
            CoordinatorEvent::RoundCommitted { round, .. } => Some(self.committed(round.0, stage?, metrics)),
            CoordinatorEvent::RoundAborted { round, reason } => {
                self.open_since = None;
                Some(Event::Aborted { round: Some(round.0), reason: reason.to_string() })
            }
            CoordinatorEvent::SessionKeyed { session, cohort, thresholds, .. } => Some(Event::Session {
                session: session.to_string().chars().take(8).collect(),
                cohort: cohort.len(),
                survivors_min: thresholds.survivors_min,
                quorum: thresholds.quorum,
                honest_min: thresholds.honest_min,
            }),
            CoordinatorEvent::SessionClosed { reason, .. } if *reason != ClosedReason::Exhausted => {
                Some(Event::Aborted { round: None, reason: reason.to_string() })
            }
            CoordinatorEvent::ClientChargedMore { client, charged } => Some(Event::ChargedMore {
                client: self.members.whom(*client),
                rounds: charged.rounds.iter().copied().fold(0, u32::saturating_add),
                last_round: charged.last_round,
            }),
            CoordinatorEvent::BudgetBegun { client, first } => {
                let owner = first.owner.to_string();
                Some(Event::BudgetBegun { client: self.members.whom(*client), owner, after_loss: first.adopts })
            }
            CoordinatorEvent::ClientRefused { client, code, .. } => Some(Event::Refused {
                client: self.members.whom(*client),
                reason: code.to_string(),
                cause: RefusedFor::of(code),
            }),
            CoordinatorEvent::ClientEvicted { client, reason } => {
                let reason = format!("it is out of the plan: {reason}");
                Some(Event::Refused { client: self.members.whom(*client), reason, cause: RefusedFor::Other })
            }
            CoordinatorEvent::OrderTaken { order } => Some(Event::ordered(order)),
            CoordinatorEvent::RunOpened { .. }
            | CoordinatorEvent::RosterAdopted { .. }
            | CoordinatorEvent::OrdersCarried { .. }
            | CoordinatorEvent::ApprovalsShown { .. }
            | CoordinatorEvent::BudgetShown { .. }
            | CoordinatorEvent::SessionOpened { .. }
            | CoordinatorEvent::SessionClosed { .. }
            | CoordinatorEvent::UpdateAdmitted { .. }
            | CoordinatorEvent::QuorumReached { .. }
            | CoordinatorEvent::StageConcluded { .. }
            | CoordinatorEvent::RunFinished { .. } => None,
        }
    }

    /// Takes what a committed round counted; the warning that the round's count is what noise alone gives, or that the plan's number of customers is far from
    /// all counts, each once for each process.
    pub(crate) fn counted(&mut self, customers: NoisedCustomers) -> Option<Event> {
        self.customers.add(customers);
        if let Some(none) = customers.is_noise_alone(self.plan.customers_nominal).filter(|_| !self.none_said) {
            // That the plan's number is far from it follows.
            (self.none_said, self.far_said) = (true, true);
            let event = Event::NoiseAlone { nominal: none.nominal, counted: none.customers, noise_stddev: none.stddev };
            tracing::warn!("{event}");
            return Some(event);
        }
        let far = self.customers.far_from(self.plan.customers_nominal).filter(|_| !self.far_said)?;
        self.far_said = true;
        let event = Event::CustomersFar {
            nominal: far.nominal,
            counted: far.customers,
            noise_stddev: far.stddev,
            factor: far.factor(),
        };
        tracing::warn!("{event}");
        Some(event)
    }

    /// The last event.
    pub(crate) fn finished(&self, outcome: Outcome) -> Event {
        let Outcome { complete, model, registered, model_file, ledger, folder, rounds, charged, .. } = outcome;
        let (bytes_up, bytes_down) = outcome.bytes;
        let span = self.first_start.zip(self.last_commit).map(|(first, last)| last.saturating_duration_since(first));
        Event::Finished(Box::new(Finished {
            folder,
            complete,
            model_file,
            model: model.to_string(),
            registered: registered.to_string(),
            ledger,
            rounds,
            charged,
            epsilon: self.epsilon(),
            epsilon_customer: self.epsilon_customer(),
            delta: self.guarantee.map(|guarantee| guarantee.delta),
            noise_multiplier: self.guarantee.map(|guarantee| guarantee.noise_multiplier),
            parameters: self.parameters,
            seconds_rounds: span.unwrap_or_default().as_secs_f64(),
            round_milliseconds: self.durations.iter().copied().map(milliseconds).collect(),
            bytes_up,
            bytes_down,
            cpu_seconds: process_cpu().map(|cpu| cpu.as_secs_f64()),
            cpu_seconds_before: self.cpu_before,
            rss_bytes_max: rss_bytes_max(),
        }))
    }

    /// A round of a stage that trains has losses, or moves a model; every other one has counted.
    fn committed(&mut self, round: u64, stage: u16, metrics: Option<RoundMetrics>) -> Event {
        let terms = self.plan.stage(stage).filter(|terms| !terms.may_retry() && metrics.is_none());
        if let Some(terms) = terms {
            let (kind, survivors) = (terms.kind.clone(), self.survivors);
            let stage = stage.saturating_add(1);
            return Event::Counted { round, stage, kind, survivors, epsilon: self.epsilon() };
        }
        let now = Instant::now();
        let duration = self.open_since.take().map_or(Duration::ZERO, |start| now.saturating_duration_since(start));
        self.last_commit = Some(now);
        self.durations.push(duration);
        Event::Round {
            round,
            committed: self.record.committed(stage),
            survivors: self.survivors,
            loss: metrics.map(|metrics| metrics.loss_mean),
            epsilon: self.epsilon(),
            milliseconds: milliseconds(duration),
        }
    }

    /// Spent so far by the unit of the mode, as it is enforced; nothing without noise.
    pub(crate) fn epsilon(&self) -> Option<f64> {
        self.plan.privacy.unit().map(|unit| epsilon_of(self.spent().of(unit), self.delta).0)
    }

    /// In mode branch: spent so far by one customer of a branch.
    fn epsilon_customer(&self) -> Option<f64> {
        let by_branch = self.plan.privacy.unit() == Some(Unit::Branch);
        by_branch.then(|| epsilon_of(&self.spent().customer, self.delta).0)
    }

    fn spent(&self) -> Accounts {
        self.plan.charge_of(&self.record.charged)
    }
}

/// Milliseconds with a thousandth.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
