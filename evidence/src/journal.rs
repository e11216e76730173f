//! A coordinator's journal, entry by entry in the order of the file, whatever it is read from: every ledger in it by its own rules, and each by what the
//! others say.

use std::collections::{BTreeMap, BTreeSet};

use tributary_certs::roster::RosterAuthorities;
use tributary_model::parameters::Parameters;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{LedgerId, LogEntry};
use tributary_protocol::plan::{ModelRef, Plan, RunRef};
use tributary_protocol::registry::{RefusedStart, RegistryEvent, RegistryRecord};
use tributary_protocol::round::{CoordinatorEvent, order_digest};
use tributary_protocol::time::Millis;

use crate::budgets_told::BudgetsTold;
use crate::entries::{Bad, Entry, Place, read};
use crate::journal_report::{Extent, JournalReport};
use crate::registry::{RegistryAudit, Runs, count};
use crate::retained::Retained;
use crate::run::{NotVerified, RunAudit, Starts};
use crate::signatures::Signatures;
use crate::trust::Federation;

/// Released models that are kept for runs that begin with them.
const RELEASED_MAX: usize = 4;

/// What runs say that other ledgers contradict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Contradiction {
    #[error("the run begins from another model than the run before it released")]
    PreviousRun,
    #[error("the run begins from another model than the champion of its purpose")]
    Champion,
    #[error("an order is carried over that no run before it took")]
    Order,
    #[error("the run may not begin: {0}")]
    Start(#[from] RefusedStart),
}

/// The entries so far.
pub(crate) struct JournalAudit<'a> {
    kept: &'a dyn Retained,
    federation: Federation,
    signatures: Signatures,
    runs: BTreeMap<LedgerId, RunAudit<'a>>,
    order: Vec<LedgerId>,
    registry: Option<RegistryAudit<'a>>,
    orders: BTreeSet<Digest>,
    released: Released,
    /// Whether entries are left out: then what they would say is not missed.
    partial: bool,
    /// What rests on entries that are left out.
    elsewhere: Vec<NotVerified>,
    /// The latest time of an entry.
    last: Option<Millis>,
    budgets: BudgetsTold,
}

/// Runs by their plan and number.
struct Known<'r, 'a>(&'r BTreeMap<LedgerId, RunAudit<'a>>);

impl Runs for Known<'_, '_> {
    fn run(&self, run: &RunRef) -> Option<&RunAudit<'_>> {
        self.0.get(&LedgerId::from(run.id()))
    }
}

/// The newest models that were computed.
#[derive(Default)]
struct Released(Vec<(Digest, Parameters)>);

impl Starts for Released {
    fn model(&self, digest: &Digest) -> Option<Parameters> {
        self.0.iter().find(|(known, _)| known == digest).map(|(_, parameters)| parameters.clone())
    }
}

impl Released {
    fn keep(&mut self, parameters: &Parameters) {
        if self.0.len() >= RELEASED_MAX {
            self.0.remove(0);
        }
        self.0.push((parameters.digest(), parameters.clone()));
    }
}

impl<'a> JournalAudit<'a> {
    /// Rosters are judged by these authorities, where they are known. A partial journal has its ledgers whole from their first entries, and not all of
    /// them.
    pub(crate) fn new(kept: &'a dyn Retained, authorities: Option<RosterAuthorities>, partial: bool) -> Self {
        Self {
            partial,
            elsewhere: Vec::new(),
            kept,
            federation: Federation::of(authorities),
            signatures: Signatures::default(),
            runs: BTreeMap::new(),
            order: Vec::new(),
            registry: None,
            orders: BTreeSet::new(),
            released: Released::default(),
            last: None,
            budgets: BudgetsTold::default(),
        }
    }

    /// Follows the next entry of the file.
    ///
    /// # Errors
    /// The first entry that breaks a rule: this one, or one whose signature waited.
    pub(crate) fn follow(&mut self, entry: &LogEntry<'_>) -> Result<(), Bad> {
        self.federation.at(entry.position);
        let followed = match entry.ledger {
            LedgerId::ADMINISTRATION => self.of_registry(entry),
            ledger => self.of_run(ledger, entry),
        };
        // A signature of an entry before comes first.
        followed.or_else(|bad| self.signatures.verify().and(Err(bad)))
    }

    fn of_registry(&mut self, entry: &LogEntry<'_>) -> Result<(), Bad> {
        let entry: Entry<RegistryEvent> = read(entry)?;
        self.last = self.last.max(Some(entry.at));
        self.federation.of_registry(&entry.event).map_err(|fault| entry.bad(fault))?;
        let registry = self.registry.get_or_insert_with(|| RegistryAudit::new(self.kept, self.partial));
        let beside = (&Known(&self.runs) as &dyn Runs, &self.federation);
        let claims = registry.follow((entry.at, &entry.event), beside).map_err(|fault| entry.bad(fault))?;
        self.signatures.take(entry.place(), claims)
    }

    fn of_run(&mut self, ledger: LedgerId, entry: &LogEntry<'_>) -> Result<(), Bad> {
        let entry: Entry<CoordinatorEvent> = read(entry)?;
        let place = entry.place();
        self.last = self.last.max(Some(entry.at));
        self.federation.of_run(&entry.event).map_err(|fault| entry.bad(fault))?;
        let known = self.runs.contains_key(&ledger);
        let kept = self.kept;
        let run = self.runs.entry(ledger).or_insert_with(|| RunAudit::new(ledger, kept));
        if !known {
            self.order.push(ledger);
        }
        let claims = run.follow(entry.at, &entry.event, &self.released).map_err(|fault| entry.bad(fault))?;
        self.beside(ledger, &entry.event, place)?;
        self.signatures.take(place, claims)
    }

    /// What other ledgers say of an event of a run.
    fn beside(&mut self, ledger: LedgerId, event: &CoordinatorEvent, place: Place) -> Result<(), Bad> {
        match event {
            CoordinatorEvent::RunOpened { plan, number, model, .. } => {
                if self.partial && self.rests_on_a_run_elsewhere(plan, *number) {
                    count(&mut self.elsewhere, "run that begins from what another run released");
                    return Ok(());
                }
                self.begins(plan, *number, model).map_err(|fault| place.bad(fault))
            }
            CoordinatorEvent::BudgetShown { head } => {
                self.budgets.shown(ledger, place.position, head);
                Ok(())
            }
            CoordinatorEvent::UpdateAdmitted { client, head, .. } => {
                self.budgets.admitted(ledger, place.position, (*client, *head));
                Ok(())
            }
            CoordinatorEvent::OrderTaken { order } => {
                self.orders.insert(order_digest(order));
                Ok(())
            }
            CoordinatorEvent::OrdersCarried { orders } => {
                let taken = orders.standing().all(|standing| self.orders.contains(&order_digest(&standing.order)));
                match (taken, self.partial) {
                    (true, _) => Ok(()),
                    (false, true) => {
                        count(&mut self.elsewhere, "run that carries over orders that another run took");
                        Ok(())
                    }
                    (false, false) => Err(place.bad(Contradiction::Order)),
                }
            }
            CoordinatorEvent::RunFinished { .. } => {
                let run = self.runs.get(&ledger).and_then(RunAudit::replay);
                if let Some(parameters) = run.and_then(|replay| replay.released()) {
                    self.released.keep(parameters);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether a run begins from what a run before it released that is left out.
    fn rests_on_a_run_elsewhere(&self, plan: &Plan, number: u32) -> bool {
        let goes_on = plan.initial_model == ModelRef::PreviousRun;
        let before = number.checked_sub(1).filter(|before| *before > 0 && goes_on);
        let run = |number| RunRef { plan: plan.digest(), number };
        before.is_some_and(|number| !self.runs.contains_key(&LedgerId::from(run(number).id())))
    }

    /// What rests on entries that are left out, after the last entry.
    pub(crate) fn elsewhere(&self) -> Vec<NotVerified> {
        let registry = self.registry.as_ref().map_or(&[][..], RegistryAudit::elsewhere);
        let open = self.runs().filter_map(RunAudit::facts).filter(|facts| facts.record().finished.is_none()).count();
        let open = NotVerified {
            count: u32::try_from(open).unwrap_or(u32::MAX),
            reason: "run that is not over here: what follows of it".into(),
        };
        let open = Some(open).filter(|open| self.partial && open.count > 0);
        // Nothing in a part shows that its last entry of this ledger is the ledger's last one.
        let ends = NotVerified {
            count: 1,
            reason: "end of the federation's own ledger: statements, alarms, withdrawals, incidents and rosters after its last entry here".into(),
        };
        let ends = Some(ends).filter(|_| self.partial && self.registry.is_some());
        self.elsewhere.iter().chain(registry).cloned().chain(open).chain(ends).collect()
    }

    /// Whether a run begins from the model that its plan refers to.
    fn begins(&self, plan: &Plan, number: u32, model: &Digest) -> Result<(), Contradiction> {
        let holds = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        // By the rule of the coordinator, after the entries of the registry that stand before this one.
        let nothing = RegistryRecord::default();
        let registry = self.registry.as_ref().map_or(&nothing, RegistryAudit::record);
        let start = match registry.start(plan, Some(model)) {
            // A journal without one entry of the registry says nothing of the models that there are.
            Err(RefusedStart::NoModel { .. }) if self.registry.is_none() => None,
            start => start?,
        };
        match plan.initial_model {
            // The rule book holds a digest against the model.
            ModelRef::Zero | ModelRef::Seed(_) | ModelRef::Digest(_) => Ok(()),
            ModelRef::PreviousRun => {
                let Some(before) = number.checked_sub(1).filter(|before| *before > 0) else { return Ok(()) };
                let before = LedgerId::from(RunRef { plan: plan.digest(), number: before }.id());
                let released = self.runs.get(&before).and_then(RunAudit::facts).map(|facts| facts.record().released());
                // Where the run before released none, this one begins as the first did.
                released.flatten().map_or(Ok(()), |released| holds(released == *model, Contradiction::PreviousRun))
            }
            ModelRef::Champion => {
                let parameters = start.map(|champion| champion.manifest.parameters);
                holds(parameters == Some(*model), Contradiction::Champion)
            }
        }
    }

    /// The runs in the order in which they began.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &RunAudit<'a>> {
        self.order.iter().filter_map(|ledger| self.runs.get(ledger))
    }

    /// Who signs rosters, as far as it is known.
    pub(crate) fn federation(&mut self) -> &mut Federation {
        &mut self.federation
    }

    /// What the runs say of the branches' budgets.
    pub(crate) fn budgets(&self) -> &BudgetsTold {
        &self.budgets
    }

    /// The latest time of an entry, by the coordinator's clock.
    pub(crate) fn last(&self) -> Option<Millis> {
        self.last
    }

    /// What the journal says, after its last entry. `made` is when the evidence was put together, where somebody says so.
    ///
    /// # Errors
    /// An entry whose signature waited and does not verify.
    pub(crate) fn report(&mut self, extent: &Extent, made: Option<Millis>) -> Result<JournalReport, Bad> {
        self.signatures.verify()?;
        let wide = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(JournalReport {
            entries: wide(extent.entries),
            left_out: wide(extent.left_out),
            head: extent.head.map(|head| head.to_string()),
            root: extent.root.to_string(),
            rosters_verified: self.federation.verified,
            last_at: self.last.map(|last| last.0),
            runs: self.runs().filter_map(|run| run.report(made)).collect(),
            registry: self.registry.as_ref().map(RegistryAudit::report),
        })
    }
}
