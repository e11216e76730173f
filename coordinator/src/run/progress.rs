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

#[cfg(test)]
mod tests {
    use tributary_protocol::ids::{ClientId, RoundId, RunId, SessionId};
    use tributary_protocol::message::Charged;
    use tributary_protocol::roster::Roster;
    use tributary_protocol::round::RoundDescriptor;
    use tributary_protocol::secagg::modular::Ring;
    use tributary_protocol::secagg::parameters::Thresholds;

    use super::*;
    use crate::run::job::tests::{job, settings};

    fn fresh() -> Progress {
        let folder = tempfile::tempdir().unwrap();
        let members = Members::open(&Roster::none(), folder.path()).unwrap();
        Progress::resume(&job(&settings()), Arc::new(members), &[])
    }

    fn started(round: u64) -> CoordinatorEvent {
        let descriptor = RoundDescriptor {
            run: RunId([1; 32]),
            session: SessionId([2; 32]),
            round: RoundId(round),
            stage: 0,
            model: Digest([3; 32]),
            view: Digest([4; 32]),
            ring: Ring::Bits64,
            dimension: 5,
            sensitivity_squared: 6,
            share_variance: 7,
            honest_min: 8,
            survivors_min: 9,
            deadline_ms: 10,
        };
        CoordinatorEvent::RoundStarted { descriptor }
    }

    fn frozen(round: u64, survivors: u32) -> CoordinatorEvent {
        let survivors = (0..survivors).map(ClientId).collect();
        CoordinatorEvent::SurvivorsFrozen { round: RoundId(round), survivors, digest: Digest([5; 32]) }
    }

    fn committed(round: u64) -> CoordinatorEvent {
        CoordinatorEvent::RoundCommitted { round: RoundId(round), sum: Digest([6; 32]), model: Digest([7; 32]) }
    }

    fn outcome() -> Outcome {
        Outcome {
            complete: true,
            model: Digest([1; 32]),
            registered: Digest([2; 32]),
            model_file: "a model".into(),
            ledger: "a ledger".into(),
            folder: "a folder".into(),
            rounds: 3,
            charged: 4,
            bytes: (5, 6),
        }
    }

    /// Each figure is in its own field, at the end and round by round.
    #[test]
    fn a_run_is_told_as_the_ledger_has_it() {
        let mut progress = fresh();
        let metrics = RoundMetrics { loss_mean: 0.25, customers: 7.0, within_clip_norm: 0.5 };
        assert!(progress.observe(&started(1), None).is_none() && progress.first_start.is_some());
        let first = progress.first_start;
        assert!(progress.observe(&frozen(1, 11), None).is_none());
        let told = progress.observe(&committed(1), Some(metrics)).unwrap();
        let Event::Round { round, committed: count, survivors, loss, epsilon, .. } = told else { panic!("{told:?}") };
        assert_eq!((round, count, survivors, loss), (1, 1, 11, Some(0.25)));
        assert!(epsilon.is_some_and(|epsilon| epsilon > 0.0) && epsilon == progress.epsilon());
        let after_one = progress.epsilon();
        // A round that ends without a sum is charged, and adds no duration.
        assert!(progress.observe(&started(2), None).is_none() && progress.open_since.is_some());
        let reason = ClosedReason::ParticipantLost(ClientId(4));
        let told = progress.observe(&CoordinatorEvent::RoundAborted { round: RoundId(2), reason }, None);
        assert_eq!(told, Some(Event::Aborted { round: Some(2), reason: "client 4 was lost".into() }));
        assert!(progress.open_since.is_none() && progress.first_start == first);
        assert!(progress.epsilon() > after_one);
        let Event::Finished(told) = progress.finished(outcome()) else { panic!("the last event") };
        let job = job(&settings());
        let guarantee = job.guarantee.unwrap();
        let texts = [&told.folder, &told.model_file, &told.ledger, &told.model, &told.registered];
        let [model, registered] = [[1; 32], [2; 32]].map(|bytes| Digest(bytes).to_string());
        assert_eq!(texts, ["a folder", "a model", "a ledger", &model, &registered]);
        assert_eq!((told.complete, told.rounds, told.charged), (true, 3, 4));
        assert_eq!((told.bytes_up, told.bytes_down), (5, 6));
        assert_eq!((told.delta, told.noise_multiplier), (Some(guarantee.delta), Some(guarantee.noise_multiplier)));
        assert_eq!((told.epsilon, told.epsilon_customer), (progress.epsilon(), None));
        assert_eq!(told.parameters, job.planned.architecture().parameter_count());
        assert_eq!(told.round_milliseconds.len(), 1);
        let (before, all) = (told.cpu_seconds_before.unwrap(), told.cpu_seconds.unwrap());
        assert!(before > 0.0 && before <= all && Some(before) == progress.cpu_before, "{before} {all}");
        assert!(told.rss_bytes_max.unwrap() > 1 << 20);
        // From the first start to the last commit, whatever came after it.
        let (first, last) = (progress.first_start.unwrap(), progress.last_commit.unwrap());
        assert_eq!(told.seconds_rounds, (last - first).as_secs_f64());
        assert_eq!(told.round_milliseconds, [milliseconds(progress.durations[0])]);
        assert!(progress.durations[0] <= last - first);
        assert_eq!([1_500, 2_499].map(|nanos| milliseconds(Duration::from_nanos(nanos))), [0.002, 0.002]);
    }

    #[test]
    fn what_becomes_of_sessions_and_clients_is_told() {
        let mut progress = fresh();
        let thresholds =
            Thresholds { coalition_max: 1, holder_cap: 2, quorum: 3, threshold: 4, survivors_min: 5, honest_min: 6 };
        let keyed = CoordinatorEvent::SessionKeyed {
            session: SessionId([0xab; 32]),
            view: Digest([1; 32]),
            cohort: (0..7).map(ClientId).collect(),
            organisations: Vec::new(),
            thresholds,
        };
        let session = "abababab".to_owned();
        let expected = Event::Session { session, cohort: 7, survivors_min: 5, quorum: 3, honest_min: 6 };
        assert_eq!(progress.observe(&keyed, None), Some(expected));
        let closed = |reason| CoordinatorEvent::SessionClosed { session: SessionId([0xab; 32]), reason };
        assert_eq!(progress.observe(&closed(ClosedReason::Exhausted), None), None);
        let told = progress.observe(&closed(ClosedReason::ParticipantGaveUp(ClientId(3))), None);
        assert_eq!(told, Some(Event::Aborted { round: None, reason: "client 3 gave up".into() }));
        let charged = Charged { rounds: vec![4, 5], last_round: 12 };
        let told = progress.observe(&CoordinatorEvent::ClientChargedMore { client: ClientId(3), charged }, None);
        let client = progress.members.whom(ClientId(3));
        assert_eq!(told, Some(Event::ChargedMore { client, rounds: 9, last_round: 12 }));
    }

    /// Once for each process, and that nobody was counted says the other as well.
    #[test]
    fn a_plan_s_number_that_is_far_from_the_counts_is_said_once() {
        let (near, far, none) = (40_000.0, 90_000.0, 0.0);
        let counted =
            |progress: &mut Progress, customers| progress.counted(NoisedCustomers { customers, variance: 1.0 });
        let mut progress = fresh();
        assert!(counted(&mut progress, near).is_none());
        let mut progress = fresh();
        let told = counted(&mut progress, far);
        let Some(Event::CustomersFar { nominal, counted: found, noise_stddev, factor }) = told else { panic!() };
        assert_eq!((nominal, found, noise_stddev, factor), (40_000, far, 1.0, Some(2.25)));
        assert!(counted(&mut progress, far).is_none());
        let told = counted(&mut progress, none);
        assert_eq!(told, Some(Event::NoiseAlone { nominal: 40_000, counted: none, noise_stddev: 1.0 }));
        assert!(counted(&mut progress, none).is_none() && counted(&mut progress, far).is_none());
        let mut progress = fresh();
        assert!(counted(&mut progress, none).is_some() && counted(&mut progress, far).is_none());
    }
}
