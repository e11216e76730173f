//! A coordinator's ledger against the rule book, the signatures in it, and every number that follows from its plan.

use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_model::planned;
use tributary_model::privacy::epsilon_of;
use tributary_model::stage::noise_multiplier;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Plan, RunRef};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{CoordinatorEvent, RunRecord};
use tributary_protocol::secagg::kept::KeptFault;

use crate::entries::{Bad, Entry};
use crate::sums::{KeptRounds, recompute};

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

/// Follows a ledger from its first entry.
///
/// # Errors
/// The first entry that breaks a rule.
pub(crate) fn audit(
    entries: &[Entry<CoordinatorEvent>],
    ledger: LedgerId,
    kept: &dyn KeptRounds,
) -> Result<RunReport, Bad> {
    let mut audit = Audit { ledger, kept, record: RunRecord::default(), delta: 0.0, signatures: 0, sums: 0 };
    for entry in entries {
        audit.follow(&entry.event).map_err(|reason| entry.bad(reason))?;
    }
    let record = &audit.record;
    let run = record.run.as_ref().expect("the first event opens a run, because every other one needs an open run");
    let plan = run.plan();
    let unit = plan.privacy.unit();
    let customer = unit.filter(|unit| *unit == Unit::Branch).map(|_| Unit::Customer);
    let epsilon = |unit, spent: &Accounts| epsilon_of(spent.of(unit), audit.delta).0;
    let (spent, allowed) = (plan.charge_of(&record.charged), plan.charge_of_run());
    Ok(RunReport {
        entries: entries.len(),
        plan_name: plan.name.to_string(),
        plan: plan.digest().to_string(),
        run: run.reference().number,
        privacy: plan.privacy.name(),
        stages: stages(plan, record),
        rounds: plan.rounds(),
        rounds_committed: record.committed_all(),
        rounds_charged: record.charged_all(),
        rounds_charged_max: plan.rounds_charged_max(),
        signatures: audit.signatures,
        sums_verified: audit.sums,
        sums_not_verified: record.committed_all().saturating_sub(audit.sums),
        epsilon: unit.map(|unit| epsilon(unit, &spent)),
        epsilon_plan: unit.map(|unit| epsilon(unit, &allowed)),
        epsilon_customer: customer.map(|unit| epsilon(unit, &spent)),
        epsilon_customer_plan: customer.map(|unit| epsilon(unit, &allowed)),
        delta: unit.map(|_| audit.delta),
        model: record.model.map(|model| model.to_string()),
        finished: record.finished.is_some(),
        complete: record.finished == Some(true),
        aborted_by: record.orders.aborted().map(|order| order.staff.to_string()),
    })
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

/// What the entries so far amount to.
struct Audit<'a> {
    ledger: LedgerId,
    kept: &'a dyn KeptRounds,
    record: RunRecord,
    delta: f64,
    signatures: usize,
    /// Sums that were recomputed.
    sums: u32,
}

/// Why an entry cannot be what it is.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// The rule book.
    #[error(transparent)]
    Rule(#[from] tributary_protocol::round::OutOfOrder),
    /// A number of the plan.
    #[error(transparent)]
    Planned(#[from] planned::PlannedFault),
    /// A sum.
    #[error("its sum is not that of the uploads which the branches signed: {0}")]
    Sum(#[from] KeptFault),
    /// It stands among another run's entries.
    #[error("it opens another run than the ledger is of")]
    OtherLedger,
}

impl Audit<'_> {
    fn follow(&mut self, event: &CoordinatorEvent) -> Result<(), Broken> {
        let signatures = self.record.verify::<RealSuite>(event)?;
        self.signatures = self.signatures.saturating_add(signatures);
        if let CoordinatorEvent::RunOpened { plan, number, .. } = event {
            let run = RunRef { plan: plan.digest(), number: *number };
            if LedgerId::from(run.id()) != self.ledger {
                return Err(Broken::OtherLedger);
            }
            // Without the schema the cells of counts of fields cannot be recomputed; the branches did.
            planned::check(plan, None)?;
            self.delta = plan.delta();
        }
        if let CoordinatorEvent::RoundCommitted { sum, .. } = event {
            self.sums = self.sums.saturating_add(recompute(&self.record, *sum, self.kept)?.into());
        }
        self.record.apply(event);
        Ok(())
    }
}

impl fmt::Display for RunReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "  plan     {} ({}), run {}", self.plan, self.plan_name, self.run)?;
        writeln!(formatter, "  ledger   {} entries, {} signatures verified", self.entries, self.signatures)?;
        let state = match (&self.aborted_by, self.finished, self.complete) {
            (Some(staff), ..) => format!("aborted by {staff}"),
            (None, true, true) => "complete".to_owned(),
            (None, true, false) => "ended early".to_owned(),
            (None, false, _) => "open".to_owned(),
        };
        for (number, stage) in (1..).zip(&self.stages) {
            let StageReport { kind, rounds, committed, charged, noise_multiplier } = stage;
            write!(formatter, "  stage {number}  {kind}: {committed} of {rounds} rounds committed, {charged} charged")?;
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
