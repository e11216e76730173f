//! A coordinator's ledger against the rule book, the signatures in it, and every number that follows from its plan: entry by entry.

use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_model::metrics::Importance;
use tributary_model::parameters::Parameters;
use tributary_model::planned;
use tributary_model::privacy::epsilon_of;
use tributary_model::schema::Schema;
use tributary_model::stage::noise_multiplier;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Plan, RunRef};
use tributary_protocol::printable::counted;
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{Claim, CoordinatorEvent, RunRecord};
use tributary_protocol::secagg::kept::KeptFault;
use tributary_protocol::time::Millis;

use crate::fields::FieldCounts;
use crate::gates::{Evaluated, Measured};
use crate::part_taken::PartsTaken;
use crate::replay::{Follows, Replay, Why, parameters};
use crate::retained::{Item, Retained};
use crate::statement::{Facts, Statement};
use crate::sums::opened;

/// What a run's verified ledger says.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// Entries of the run.
    pub entries: usize,
    /// The plan's name.
    pub plan_name: String,
    /// Digest of the plan.
    pub plan: String,
    /// Which of the plan's runs this is, from 1.
    pub run: u32,
    /// `customer`, `local`, `branch` or `none`.
    pub privacy: &'static str,
    /// What it sums, in order.
    pub stages: Vec<StageReport>,
    /// Rounds to commit, of all stages.
    pub rounds: u32,
    /// Rounds that were committed.
    pub rounds_committed: u32,
    /// Rounds that were started, each of which costs.
    pub rounds_charged: u32,
    /// Rounds that may be started.
    pub rounds_charged_max: u32,
    /// Signatures that were verified.
    pub signatures: usize,
    /// Sums that were recomputed from the uploads that the branches signed.
    pub sums_verified: u32,
    /// Sums that were not, because nothing is kept of their rounds, or nothing is here.
    pub sums_not_verified: u32,
    /// Models that were computed again from opened sums and are those of the ledger: one for each committed round and each end of a stage.
    pub models_verified: u32,
    /// Models that were not, and why.
    pub models_not_verified: Vec<NotVerified>,
    /// Whether every model from the one with which the run begins was computed again, so that what it came to follows from its sums.
    pub model_follows: bool,
    /// Whether nothing is missing that the plan wants kept at the time of the bundle; always so where nobody says what that time is.
    pub retained: bool,
    /// Epsilon of the rounds that were started, recomputed, for the unit of the mode; nothing without noise.
    pub epsilon: Option<f64>,
    /// Epsilon of all rounds that may be started: what the plan promised for one run.
    pub epsilon_plan: Option<f64>,
    /// In mode branch: epsilon of the rounds that were started for one customer of a branch.
    pub epsilon_customer: Option<f64>,
    /// In mode branch: epsilon of all rounds that may be started for one customer of a branch.
    pub epsilon_customer_plan: Option<f64>,
    /// Delta of all of them.
    pub delta: Option<f64>,
    /// Digest of the current public state: the released model, once the run is over and nobody has aborted its plan.
    pub model: Option<String>,
    /// Whether the run is over.
    pub finished: bool,
    /// Whether every round of it was committed.
    pub complete: bool,
    /// Who ended its plan for good, by an order; nothing where nobody did.
    pub aborted_by: Option<String>,
}

/// Something that was not verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotVerified {
    /// How many.
    pub count: u32,
    /// Why.
    pub reason: String,
}

impl NotVerified {
    /// Joins a list, in which each reason stands once.
    pub(crate) fn join(self, list: &mut Vec<Self>) {
        match list.iter_mut().find(|known| known.reason == self.reason) {
            Some(known) => known.count = known.count.saturating_add(self.count),
            None => list.push(self),
        }
    }
}

/// What one stage of the run came to.
#[derive(Debug, Serialize)]
pub struct StageReport {
    /// Its kind.
    pub kind: String,
    /// Rounds to commit.
    pub rounds: u32,
    /// Rounds committed.
    pub committed: u32,
    /// Rounds started.
    pub charged: u32,
    /// Standard deviation of the noise that a release carries at least, over the sensitivity; nothing without noise.
    pub noise_multiplier: Option<f64>,
}

fn stages(plan: &Plan, record: &RunRecord) -> Vec<StageReport> {
    let private = plan.privacy.unit().is_some();
    let stages = (0..).zip(&plan.stages).map(|(number, stage)| StageReport {
        kind: stage.kind.clone(),
        rounds: stage.rounds,
        committed: record.committed(number),
        charged: record.charged(number),
        noise_multiplier: private.then(|| noise_multiplier(stage.noise_variance, stage.sensitivity_squared)),
    });
    stages.collect()
}

/// Why an entry cannot be what it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The rule book.
    #[error(transparent)]
    Rule(#[from] tributary_protocol::round::OutOfOrder),
    /// A number of the plan.
    #[error(transparent)]
    Planned(#[from] planned::PlannedFault),
    /// A sum.
    #[error("its sum is not that of the uploads which the branches signed: {0}")]
    Sum(#[from] KeptFault),
    /// A model.
    #[error(transparent)]
    Model(#[from] Follows),
    /// It stands among another run's entries.
    #[error("it opens another run than the ledger is of")]
    OtherLedger,
    /// The state beside is another one.
    #[error("the model beside the journal from which the run begins does not have the digest that the ledger names")]
    OtherState,
    /// What lies beside is not of this plan.
    #[error("the schema beside the journal is not the one that the plan names, or cannot be read")]
    OtherSchema,
}

/// Where a run's models begin, for whoever knows the runs before it.
pub(crate) trait Starts {
    /// The released model of this digest, where it was computed or is kept.
    fn model(&self, digest: &Digest) -> Option<Parameters>;
}

/// What the entries of one run so far amount to.
pub(crate) struct RunAudit<'a> {
    ledger: LedgerId,
    kept: &'a dyn Retained,
    facts: Option<Facts>,
    replay: Option<Replay>,
    initial: Digest,
    entries: usize,
    signatures: usize,
    /// Sums that were recomputed.
    sums: u32,
    /// What was counted of a model, by the digest of its parameters.
    measured: Vec<(Digest, Option<Measured>)>,
    /// What was counted by field.
    fields: FieldCounts,
    /// How much each field moves the scores of a model, by the digest of its parameters.
    importance: Vec<(Digest, Option<Importance>)>,
    /// When it was over.
    finished_at: Option<Millis>,
    /// Whether rounds or sums are missing that the plan wants kept for a while.
    lacking: bool,
    /// The first and the last entry's time.
    span: Option<(Millis, Millis)>,
    parts: PartsTaken,
}

impl<'a> RunAudit<'a> {
    pub(crate) fn new(ledger: LedgerId, kept: &'a dyn Retained) -> Self {
        Self {
            ledger,
            kept,
            facts: None,
            replay: None,
            initial: Digest::ZERO,
            entries: 0,
            signatures: 0,
            sums: 0,
            measured: Vec::new(),
            fields: FieldCounts::default(),
            importance: Vec::new(),
            finished_at: None,
            lacking: false,
            span: None,
            parts: PartsTaken::default(),
        }
    }

    /// Digest of the model from which it began.
    pub(crate) fn began_from(&self) -> Digest {
        self.initial
    }

    /// The events so far.
    pub(crate) fn facts(&self) -> Option<&Facts> {
        self.facts.as_ref()
    }

    /// The models so far.
    pub(crate) fn replay(&self) -> Option<&Replay> {
        self.replay.as_ref()
    }

    /// What was counted of the model with these parameters: nothing where no evaluation of it was committed, and no figures where its sum is not here.
    pub(crate) fn measured(&self, parameters: &Digest) -> Option<Option<&Measured>> {
        let of_model = self.measured.iter().rfind(|(model, _)| model == parameters);
        of_model.map(|(_, measured)| measured.as_ref())
    }

    /// How much each field moves the scores of the model with these parameters; nothing where no evaluation of it was committed. There is no answer where
    /// a sum, a state or the schema is not here.
    pub(crate) fn importance(&self, parameters: &Digest) -> Option<Option<&Importance>> {
        let of_model = self.importance.iter().rfind(|(model, _)| model == parameters);
        of_model.map(|(_, importance)| importance.as_ref())
    }

    /// The statement that follows from the events so far.
    pub(crate) fn statement(&self) -> Option<Statement> {
        self.facts.as_ref().map(Statement::of)
    }

    /// When it was over.
    pub(crate) fn finished_at(&self) -> Option<Millis> {
        self.finished_at
    }

    /// How branches took part.
    pub(crate) fn parts(&self) -> &PartsTaken {
        &self.parts
    }

    /// When its entries were written.
    pub(crate) fn span(&self) -> Option<(Millis, Millis)> {
        self.span
    }

    /// Follows the next entry; the signatures on which it rests, to be verified.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn follow(
        &mut self,
        at: Millis,
        event: &CoordinatorEvent,
        starts: &dyn Starts,
    ) -> Result<Vec<Claim>, Broken> {
        let nothing = RunRecord::default();
        let record = self.facts.as_ref().map_or(&nothing, Facts::record);
        record.check(event)?;
        let claims = record.claims::<RealSuite>(event)?;
        match event {
            CoordinatorEvent::RunOpened { .. } => {
                self.open(event, starts)?;
                self.signatures = claims.len();
                self.note(at);
                return Ok(claims);
            }
            CoordinatorEvent::RoundCommitted { sum, model, .. } => self.commit(*sum, model)?,
            CoordinatorEvent::StageConcluded { stage, model } => {
                let kept = self.kept;
                if let Some(replay) = &mut self.replay {
                    self.fields.concluded(replay.planned(), *stage, replay.public());
                    replay.concluded(*stage, model, || kept.get(&Item::State(*model)))?;
                }
            }
            CoordinatorEvent::RunFinished { .. } => self.finished_at = Some(at),
            _ => {}
        }
        self.signatures = self.signatures.saturating_add(claims.len());
        if let Some(facts) = &mut self.facts {
            self.parts.follow(at, event, facts.record().roster.as_ref());
            facts.take(event);
        }
        self.note(at);
        Ok(claims)
    }

    fn note(&mut self, at: Millis) {
        self.entries = self.entries.saturating_add(1);
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }

    fn open(&mut self, event: &CoordinatorEvent, starts: &dyn Starts) -> Result<(), Broken> {
        let CoordinatorEvent::RunOpened { plan, number, model, .. } = event else { return Ok(()) };
        let run = RunRef { plan: plan.digest(), number: *number };
        if LedgerId::from(run.id()) != self.ledger {
            return Err(Broken::OtherLedger);
        }
        // Without the schema the cells of counts of fields cannot be recomputed; the branches did.
        let schema = self.kept.get(&Item::Schema(run.plan));
        let schema = schema.map(|text| String::from_utf8(text).ok().and_then(|text| Schema::parse(&text).ok()));
        let schema = match schema {
            Some(found) => Some(found.filter(|schema| schema.digest() == plan.schema).ok_or(Broken::OtherSchema)?),
            None => None,
        };
        let planned = planned::check(plan, schema.as_ref())?;
        let beside = self.kept.get(&Item::State(*model)).map(|stored| parameters(&planned, model, &stored));
        if matches!(beside, Some(None)) {
            return Err(Broken::OtherState);
        }
        let start = |planned: &planned::Planned| {
            beside
                .flatten()
                .or_else(|| starts.model(model))
                .filter(|known| known.architecture() == planned.architecture())
        };
        self.replay = Some(Replay::begin(planned, model, start)?);
        self.facts = Facts::begin(event).ok();
        self.initial = *model;
        Ok(())
    }

    fn commit(&mut self, sum: Digest, model: &Digest) -> Result<(), Broken> {
        let (Some(facts), Some(replay)) = (&self.facts, &mut self.replay) else { return Ok(()) };
        let record = facts.record();
        let Some(descriptor) = &record.round else { return Ok(()) };
        let found = opened(record, sum, self.kept)?;
        let survivors = record.admitted.len();
        let recomputed = found.as_ref().is_some_and(|found| found.recomputed);
        self.sums = self.sums.saturating_add(recomputed.into());
        let retention = &facts.plan().retention;
        let wanted = retention.keeps_uploads(descriptor.dimension) && !recomputed;
        self.lacking |= wanted || (retention.sums && found.is_none());
        let values = found.as_ref().map(|found| found.values.as_slice());
        let evaluated = Evaluated { planned: replay.planned(), descriptor, survivors };
        if evaluated.counts() {
            let has_schema = evaluated.planned.schema().is_some();
            let measured = values.filter(|_| has_schema).and_then(|values| Measured::read(evaluated, values));
            self.measured.push((descriptor.model, measured));
            let model = replay.public().map(|state| &state.parameters);
            let importance = self.fields.importance(replay.planned(), descriptor.stage, model);
            self.importance.push((descriptor.model, importance));
        }
        self.fields.committed(replay.planned(), (descriptor, survivors), values);
        Ok(replay.committed(descriptor, survivors, (values, model))?)
    }

    /// Whether everything is here that the plan wants kept at a moment.
    fn retained(&self, made: Option<Millis>) -> bool {
        let days = self.facts.as_ref().map_or(0, |facts| facts.plan().retention.days);
        let over = self.finished_at.map(|at| at.plus(u64::from(days).saturating_mul(86_400_000)));
        !self.lacking || made.is_none_or(|made| over.is_some_and(|over| over <= made))
    }

    /// What the ledger says; nothing where it opens no run. `made` is when the evidence was put together, where somebody says so.
    pub(crate) fn report(&self, made: Option<Millis>) -> Option<RunReport> {
        let (facts, replay) = (self.facts.as_ref()?, self.replay.as_ref()?);
        let (record, plan) = (facts.record(), facts.plan());
        let delta = plan.delta();
        let unit = plan.privacy.unit();
        let customer = unit.filter(|unit| *unit == Unit::Branch).map(|_| Unit::Customer);
        let epsilon = |unit, spent: &Accounts| epsilon_of(spent.of(unit), delta).0;
        let (spent, allowed) = (plan.charge_of(&record.charged), plan.charge_of_run());
        let reason = |(why, count): (&Why, &u32)| NotVerified { count: *count, reason: why.words().into() };
        Some(RunReport {
            entries: self.entries,
            plan_name: plan.name.to_string(),
            plan: plan.digest().to_string(),
            run: record.reference()?.number,
            privacy: plan.privacy.name(),
            stages: stages(plan, record),
            rounds: plan.rounds(),
            rounds_committed: record.committed_all(),
            rounds_charged: record.charged_all(),
            rounds_charged_max: plan.rounds_charged_max(),
            signatures: self.signatures,
            sums_verified: self.sums,
            sums_not_verified: record.committed_all().saturating_sub(self.sums),
            models_verified: replay.verified,
            models_not_verified: replay.unverified.iter().map(reason).collect(),
            model_follows: replay.is_unbroken(),
            retained: self.retained(made),
            epsilon: unit.map(|unit| epsilon(unit, &spent)),
            epsilon_plan: unit.map(|unit| epsilon(unit, &allowed)),
            epsilon_customer: customer.map(|unit| epsilon(unit, &spent)),
            epsilon_customer_plan: customer.map(|unit| epsilon(unit, &allowed)),
            delta: unit.map(|_| delta),
            model: record.model.map(|model| model.to_string()),
            finished: record.finished.is_some(),
            complete: record.finished == Some(true),
            aborted_by: record.orders.aborted().map(|order| order.staff.to_string()),
        })
    }
}

impl fmt::Display for RunReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "  plan     {} ({}), run {}", self.plan, self.plan_name, self.run)?;
        writeln!(
            formatter,
            "  ledger   {}, {} verified",
            counted(self.entries, "entry"),
            counted(self.signatures, "signature")
        )?;
        let state = match (&self.aborted_by, self.finished, self.complete) {
            (Some(staff), ..) => format!("aborted by {staff}"),
            (None, true, true) => "complete".to_owned(),
            (None, true, false) => "ended early".to_owned(),
            (None, false, _) => "open".to_owned(),
        };
        for (number, stage) in (1..).zip(&self.stages) {
            let StageReport { kind, rounds, committed, charged, noise_multiplier } = stage;
            let rounds = counted(rounds, "round");
            write!(formatter, "  stage {number}  {kind}: {committed} of {rounds} committed, {charged} charged")?;
            match noise_multiplier {
                Some(noise) => writeln!(formatter, ", noise multiplier {noise:.4}")?,
                None => writeln!(formatter)?,
            }
        }
        writeln!(
            formatter,
            "  rounds   {} of {} committed, {} of at most {} charged, {state}",
            self.rounds_committed, self.rounds, self.rounds_charged, self.rounds_charged_max
        )?;
        let all = self.sums_verified.saturating_add(self.sums_not_verified);
        write!(formatter, "  sums     {} of {all} recomputed from the branches' signed uploads", self.sums_verified)?;
        match self.sums_not_verified {
            0 => writeln!(formatter)?,
            left => writeln!(formatter, "; {left} not verified, because nothing is kept of their rounds here")?,
        }
        write!(formatter, "  models   {} computed again from opened sums", self.models_verified)?;
        for NotVerified { count, reason } in &self.models_not_verified {
            write!(formatter, "; {count} not verified, because {reason}")?;
        }
        writeln!(formatter)?;
        let mode = self.privacy;
        match (self.epsilon, self.epsilon_plan, self.delta) {
            (Some(epsilon), Some(plan), Some(delta)) => writeln!(
                formatter,
                "  privacy  epsilon {epsilon:.6} spent of {plan:.6} at delta {delta:e} in mode {mode}"
            )?,
            _ => writeln!(formatter, "  privacy  none: secure aggregation alone")?,
        }
        if let (Some(epsilon), Some(plan)) = (self.epsilon_customer, self.epsilon_customer_plan) {
            writeln!(formatter, "           epsilon {epsilon:.6} spent of {plan:.6} for each customer of a branch")?;
        }
        write!(formatter, "  model    {}", self.model.as_deref().unwrap_or("none"))
    }
}
