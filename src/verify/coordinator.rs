//! A coordinator's ledger against the machine's rules, and against every number that follows from its plan.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_model::planned;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::budget::BudgetHead;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId, SessionId};
use tributary_protocol::plan::{Plan, PrivacyMode, RoundKind, ValidPlan};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{CoordinatorEvent, CoordinatorRecord, RoundDescriptor, SessionView};
use tributary_protocol::secagg::parameters::Thresholds;

use super::{Bad, Entry};

/// What a verified ledger says.
#[derive(Debug, Serialize)]
pub(crate) struct CoordinatorReport {
    /// Entries of the file.
    pub(crate) entries: usize,
    /// Digest over all of them: compare it with a copy that was kept elsewhere.
    pub(crate) head: String,
    /// The plan's name.
    pub(crate) plan_name: String,
    /// Digest of the plan.
    pub(crate) plan: String,
    /// `customer`, `local`, `branch` or `none`.
    pub(crate) privacy: &'static str,
    /// Rounds to commit.
    pub(crate) rounds: u32,
    /// Rounds that became a model.
    pub(crate) rounds_committed: u32,
    /// Rounds that were started, each of which costs.
    pub(crate) rounds_charged: u32,
    /// Rounds that may be started.
    pub(crate) rounds_charged_max: u32,
    /// Committed rounds of statistics and of evaluation.
    pub(crate) counting_rounds: [u32; 2],
    /// Epsilon of the rounds that were started, recomputed, for the unit of the mode; nothing without noise.
    pub(crate) epsilon: Option<f64>,
    /// Epsilon of all rounds that may be started: what the plan promised.
    pub(crate) epsilon_plan: Option<f64>,
    /// In mode branch: epsilon of the rounds that were started for one customer of a branch.
    pub(crate) epsilon_customer: Option<f64>,
    /// In mode branch: epsilon of all rounds that may be started for one customer of a branch.
    pub(crate) epsilon_customer_plan: Option<f64>,
    /// Delta of both.
    pub(crate) delta: Option<f64>,
    /// Standard deviation of the noise that every sum holds at least, over the sensitivity.
    pub(crate) noise_multiplier: Option<f64>,
    /// Digest of the released model, or of the last round's where none is released yet.
    pub(crate) model: Option<String>,
    /// Whether the plan is over.
    pub(crate) finished: bool,
    /// Whether every round of it was committed.
    pub(crate) complete: bool,
}

/// Follows a ledger from its first entry.
///
/// # Errors
/// The first entry that breaks a rule.
pub(super) fn audit(entries: &[Entry<CoordinatorEvent>], head: String) -> Result<CoordinatorReport, Bad> {
    let mut audit = Audit::default();
    for entry in entries {
        audit.follow(&entry.event).map_err(|reason| entry.bad(reason))?;
    }
    let nothing = "the first event opens a plan, because every other one needs an open plan";
    let plan = audit.plan.as_ref().expect(nothing);
    let unit = plan.privacy.unit();
    let noised = unit.is_some();
    let customer = unit.filter(|unit| *unit == Unit::Branch).map(|_| Unit::Customer);
    let epsilon = |unit, spent: &Accounts| epsilon_of(spent.of(unit), audit.delta).0;
    Ok(CoordinatorReport {
        entries: entries.len(),
        head,
        plan_name: plan.name.to_string(),
        plan: plan.digest().to_string(),
        privacy: plan.privacy.name(),
        rounds: plan.rounds,
        rounds_committed: audit.record.committed(RoundKind::Train),
        rounds_charged: audit.record.charged(RoundKind::Train),
        counting_rounds: [RoundKind::Statistics, RoundKind::Evaluation].map(|kind| audit.record.committed(kind)),
        rounds_charged_max: plan.rounds_charged_max,
        epsilon: unit.map(|unit| epsilon(unit, &audit.spent)),
        epsilon_plan: unit.map(|unit| epsilon(unit, &audit.allowed)),
        epsilon_customer: customer.map(|unit| epsilon(unit, &audit.spent)),
        epsilon_customer_plan: customer.map(|unit| epsilon(unit, &audit.allowed)),
        delta: noised.then_some(audit.delta),
        noise_multiplier: noised.then(|| planned::release(plan).noise_multiplier),
        model: audit.record.released.or(audit.record.model).map(|model| model.to_string()),
        finished: audit.record.finished.is_some(),
        complete: audit.record.finished == Some(true),
    })
}

/// What the entries so far amount to.
struct Audit {
    record: CoordinatorRecord,
    plan: Option<ValidPlan>,
    delta: f64,
    /// In the order of their rounds: the first is in use.
    keyed: Vec<Keyed>,
    survivors: Vec<ClientId>,
    quorum: bool,
    spent: Accounts,
    allowed: Accounts,
    /// What the updates of each client cost since it showed a budget head.
    admitted: BTreeMap<ClientId, Accounts>,
}

/// A session whose keys stand.
struct Keyed {
    view: SessionView,
    cohort: Vec<ClientId>,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            record: CoordinatorRecord::default(),
            plan: None,
            delta: 0.0,
            keyed: Vec::new(),
            survivors: Vec::new(),
            quorum: false,
            spent: Accounts::zero(),
            allowed: Accounts::zero(),
            admitted: BTreeMap::new(),
        }
    }
}

impl Audit {
    fn follow(&mut self, event: &CoordinatorEvent) -> Result<(), String> {
        self.record.check(event).map_err(|fault| fault.to_string())?;
        match event {
            CoordinatorEvent::PlanOpened { plan, delta_bits, .. } => self.open(plan, *delta_bits)?,
            CoordinatorEvent::SessionKeyed { session, view, cohort, organisations, thresholds } => {
                let view = SessionView { session: *session, view: *view, thresholds: *thresholds };
                self.key(view, cohort, organisations)?;
            }
            CoordinatorEvent::SessionClosed { session, .. } => self.close(session),
            CoordinatorEvent::RoundStarted { descriptor } => self.start(descriptor)?,
            CoordinatorEvent::UpdateAdmitted { client, .. } => self.admit(*client)?,
            CoordinatorEvent::BudgetBegun { first, .. } => {
                if !first.is_signed::<RealSuite>() {
                    return Err("a budget begins without its owner's signature".into());
                }
            }
            CoordinatorEvent::BudgetShown { head } => self.show(head)?,
            CoordinatorEvent::SurvivorsFrozen { survivors, .. } => self.freeze(survivors)?,
            CoordinatorEvent::QuorumReached { signatures, .. } => {
                self.certify(&signatures.iter().map(|(signer, _)| *signer).collect::<Vec<_>>())?;
            }
            CoordinatorEvent::RoundCommitted { round, .. } => self.commit(*round)?,
            CoordinatorEvent::PlanFinished { rounds, complete, .. } => self.finish(*rounds, *complete)?,
            CoordinatorEvent::SessionOpened { .. }
            | CoordinatorEvent::RoundAborted { .. }
            | CoordinatorEvent::ClientRefused { .. }
            | CoordinatorEvent::RosterAdopted { .. }
            | CoordinatorEvent::ClientChargedMore { .. }
            | CoordinatorEvent::ModelReleased { .. }
            | CoordinatorEvent::ClientEvicted { .. } => {}
        }
        self.record.apply(event);
        Ok(())
    }

    fn open(&mut self, plan: &Plan, delta_bits: u64) -> Result<(), String> {
        let plan = plan.clone().validate().map_err(|fault| fault.to_string())?;
        // Without the schema the cells of statistics cannot be recomputed; the branches did.
        planned::check(&plan, None).map_err(|fault| fault.to_string())?;
        let delta = f64::from_bits(delta_bits);
        if plan.privacy != PrivacyMode::None {
            if !(delta > 0.0 && delta < 1.0) {
                return Err("the delta is no probability".into());
            }
            self.allowed = plan.charge_max();
        }
        (self.plan, self.delta) = (Some(plan), delta);
        Ok(())
    }

    fn key(&mut self, view: SessionView, cohort: &[ClientId], organisations: &[OrganisationId]) -> Result<(), String> {
        let plan = self.opened();
        let group = usize::try_from(self.record.group_size).unwrap_or(usize::MAX);
        if !ascending(cohort) {
            return Err("the cohort is not in ascending order, or names a client twice".into());
        }
        // Whether they are the roster's organisations and their group's size is true, the branches have checked: of the roster a ledger has
        // the digest alone.
        let own = plan.cohort.thresholds(organisations, group);
        if organisations.len() != cohort.len() || own.as_ref() != Ok(&view.thresholds) {
            return Err("the session's thresholds are not those of the plan for its cohort".into());
        }
        self.keyed.push(Keyed { view, cohort: cohort.to_vec() });
        Ok(())
    }

    fn close(&mut self, session: &SessionId) {
        self.keyed.retain(|keyed| keyed.view.session != *session);
    }

    fn start(&mut self, descriptor: &RoundDescriptor) -> Result<(), String> {
        let plan = self.opened();
        let Keyed { view, .. } = self.keyed()?;
        let kind = descriptor.kind;
        let follows = *descriptor == RoundDescriptor::derive(plan, view, descriptor.head());
        if !follows || !descriptor.has_valid_bound(plan) {
            return Err("the round's descriptor does not follow from plan and session".into());
        }
        let most = plan.charged_max(kind);
        if self.record.charged(kind) >= most {
            return Err(format!("a round of {} beyond the {most} that the plan may charge", kind.name()));
        }
        if plan.privacy != PrivacyMode::None {
            self.spent = self.spent.plus(&plan.charge(kind));
            if !self.spent.at_most(&self.allowed) {
                return Err("the rounds so far cost more than the plan promised for all of them".into());
            }
        }
        (self.survivors, self.quorum) = (Vec::new(), false);
        Ok(())
    }

    fn admit(&mut self, client: ClientId) -> Result<(), String> {
        let cohort = &self.keyed()?.cohort;
        if !cohort.contains(&client) {
            return Err(format!("client {client} is not of the session's cohort"));
        }
        let open = self.record.round.as_ref().map(|open| open.kind);
        if let Some(kind) = open {
            let charge = self.opened().charge(kind);
            let admitted = self.admitted.entry(client).or_default();
            *admitted = admitted.plus(&charge);
        }
        Ok(())
    }

    /// A client's head says at least what its last one said, and every update of it that arrived since: the record has compared the two heads.
    fn show(&mut self, head: &BudgetHead) -> Result<(), String> {
        if self.plan.as_ref().is_none_or(|plan| plan.digest() != head.plan) {
            return Err(format!("client {} shows a budget head of another plan", head.client));
        }
        let since = self.admitted.remove(&head.client).unwrap_or_default();
        let last = self.record.heads.get(&head.client).map_or_else(Accounts::zero, |last| last.spent.clone());
        if last.plus(&since).at_most(&head.spent) {
            return Ok(());
        }
        Err(format!("client {} shows a budget head that lacks what its own updates cost", head.client))
    }

    fn freeze(&mut self, survivors: &[ClientId]) -> Result<(), String> {
        let needed = usize::from(self.thresholds()?.survivors_min);
        if survivors.len() < needed {
            return Err(format!("{} survivors where {needed} are needed", survivors.len()));
        }
        self.survivors = survivors.to_vec();
        Ok(())
    }

    fn certify(&mut self, signers: &[ClientId]) -> Result<(), String> {
        let needed = usize::from(self.thresholds()?.quorum);
        if !ascending(signers) || signers.iter().any(|signer| !self.survivors.contains(signer)) {
            return Err("the quorum names a client twice, or one that is no survivor".into());
        }
        if signers.len() < needed {
            return Err(format!("{} signatures where {needed} are needed", signers.len()));
        }
        self.quorum = true;
        Ok(())
    }

    fn commit(&self, round: RoundId) -> Result<(), String> {
        if self.quorum { Ok(()) } else { Err(format!("round {round} is committed without a quorum")) }
    }

    fn finish(&self, rounds: u32, complete: bool) -> Result<(), String> {
        let committed = self.record.committed(RoundKind::Train);
        if rounds != committed || complete != (committed == self.opened().rounds) {
            return Err(format!(
                "the plan ends after {rounds} rounds by its own words, and {committed} were committed"
            ));
        }
        Ok(())
    }

    fn opened(&self) -> &ValidPlan {
        self.plan.as_ref().expect("the record admits this event in an open plan only")
    }

    fn keyed(&self) -> Result<&Keyed, String> {
        self.keyed.first().ok_or_else(|| "the session has no keys yet".into())
    }

    fn thresholds(&self) -> Result<&Thresholds, String> {
        self.keyed().map(|keyed| &keyed.view.thresholds)
    }
}

fn ascending(clients: &[ClientId]) -> bool {
    clients.windows(2).all(|pair| pair[0] < pair[1])
}

impl fmt::Display for CoordinatorReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "  coordinator's ledger, {} entries", self.entries)?;
        writeln!(formatter, "  head     {}", self.head)?;
        writeln!(formatter, "  plan     {} ({})", self.plan, self.plan_name)?;
        let state = match (self.finished, self.complete) {
            (true, true) => "complete",
            (true, false) => "ended early",
            (false, _) => "open",
        };
        writeln!(
            formatter,
            "  rounds   {} of {} committed, {} of at most {} charged, {state}",
            self.rounds_committed, self.rounds, self.rounds_charged, self.rounds_charged_max
        )?;
        let mode = self.privacy;
        match (self.epsilon, self.epsilon_plan, self.delta, self.noise_multiplier) {
            (Some(epsilon), Some(plan), Some(delta), Some(noise)) => writeln!(
                formatter,
                "  privacy  epsilon {epsilon:.6} spent of {plan:.6} at delta {delta:e} in mode {mode}, noise multiplier {noise:.4}"
            )?,
            _ => writeln!(formatter, "  privacy  none: secure aggregation alone")?,
        }
        if let (Some(epsilon), Some(plan)) = (self.epsilon_customer, self.epsilon_customer_plan) {
            writeln!(formatter, "           epsilon {epsilon:.6} spent of {plan:.6} for each customer of a branch")?;
        }
        write!(formatter, "  model    {}", self.model.as_deref().unwrap_or("none"))
    }
}
