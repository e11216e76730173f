//! A few entries of a log, followed for what they say of an incident.

use std::collections::BTreeMap;

use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Attestation, Over, RunRef, Wanted};
use tributary_protocol::registry::{RegistryEvent, RegistryRecord, SignedStatement};
use tributary_protocol::role::Action;
use tributary_protocol::roster::{Roster, SignedRoster};
use tributary_protocol::round::{Claim, CoordinatorEvent};

use crate::entries::Entry;
use crate::report::IncidentLine;
use crate::report::deviates::{Deviates, run_name};
use crate::report::incidents::{IncidentsPart, deviation_line};

/// What an entry is to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It gives a line of a timeline, if it falls into the incident's time.
    Line,
    /// It says by whom signatures are, or of which run others are.
    Ground,
    /// Neither.
    Other,
}

/// What the entries so far have come to.
pub(super) struct Followed {
    /// Whose log it is: words that were signed for another federation do not count.
    federation: Digest,
    record: RegistryRecord,
    part: IncidentsPart,
    runs: BTreeMap<LedgerId, Run>,
}

#[derive(Default)]
struct Run {
    name: Option<String>,
    /// The plan's digest and its group.
    plan: Option<(Digest, String)>,
    roster: Option<Roster>,
}

impl Run {
    /// Whether an order stops this run or its federation, by somebody who may. Whose own the plan is does not follow from these entries: who may order it
    /// of a plan of their own or of another's, may.
    fn is_ordered(&self, order: &Attestation, federation: &Digest) -> bool {
        let (Some((plan, group)), Some(roster)) = (&self.plan, &self.roster) else { return false };
        let (subject, over) = match order.action {
            Action::Freeze => (federation, Over::Federation),
            _ => (plan, Over::Group(group)),
        };
        let by = |owner| {
            let wanted = Wanted { action: order.action, subject, federation, owner, over, now: None };
            order.judge::<RealSuite>(roster, wanted).is_ok()
        };
        by(None) || by(Some(&order.staff))
    }
}

/// The roster of an event, if it has one.
pub(super) fn roster_of_run(event: &CoordinatorEvent) -> Option<&SignedRoster> {
    match event {
        CoordinatorEvent::RosterAdopted { roster, .. } => Some(roster),
        _ => None,
    }
}

/// The same of the federation's own ledger.
pub(super) fn roster_of_registry(event: &RegistryEvent) -> Option<&SignedRoster> {
    match event {
        RegistryEvent::RosterAdopted { roster } => Some(roster),
        _ => None,
    }
}

impl Followed {
    /// Nothing yet, of this federation.
    pub(super) fn new(federation: Digest) -> Self {
        Self { federation, record: RegistryRecord::default(), part: IncidentsPart::default(), runs: BTreeMap::new() }
    }

    /// An entry of the federation's own ledger, whose signatures are verified by the roster so far.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub(super) fn of_registry(&mut self, entry: &Entry<RegistryEvent>) -> Result<Kind, String> {
        let at = (entry.position, entry.at);
        match &entry.event {
            RegistryEvent::RosterAdopted { .. } => {
                self.record.check(&entry.event).map_err(|fault| fault.to_string())?;
                self.record.apply(&entry.event);
                Ok(Kind::Ground)
            }
            RegistryEvent::IncidentTold { told } => {
                if told.word.federation != self.federation || told.signed.federation != self.federation {
                    return Err("it was signed for another federation".into());
                }
                self.record.verify::<RealSuite>(&entry.event).map_err(|fault| fault.to_string())?;
                self.record.apply(&entry.event);
                self.part.told(at, told);
                Ok(Kind::Line)
            }
            RegistryEvent::StatementTaken { statement } => {
                let Some(deviates) = Deviates::of_statement(statement) else { return Ok(Kind::Other) };
                // The model itself stands elsewhere in the log; who signed is verified here.
                let claims = self.record.claims::<RealSuite>(&entry.event).map_err(|fault| fault.to_string())?;
                if !claims.iter().all(Claim::holds::<RealSuite>) {
                    return Err("a signature on the statement does not verify".into());
                }
                if !self.is_stated(statement) {
                    return Err("its signatures are not those of two people in two roles for this statement".into());
                }
                self.part.deviated(at, deviation_line(at, None, deviates));
                Ok(Kind::Line)
            }
            RegistryEvent::Noticed { notice } => {
                self.part.deviated(at, deviation_line(at, None, Deviates::of_notice(notice)));
                Ok(Kind::Line)
            }
            _ => Ok(Kind::Other),
        }
    }

    /// An entry of a run. An order's signature is verified by the run's roster.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub(super) fn of_run(&mut self, ledger: LedgerId, entry: &Entry<CoordinatorEvent>) -> Result<Kind, String> {
        let run = self.runs.entry(ledger).or_default();
        match &entry.event {
            CoordinatorEvent::RunOpened { plan, number, .. } => {
                let digest = plan.digest();
                if LedgerId::from(RunRef { plan: digest, number: *number }.id()) != ledger {
                    return Err("its ledger is that of another run".into());
                }
                run.name = Some(run_name(plan, *number));
                run.plan = Some((digest, plan.group.clone()));
                return Ok(Kind::Ground);
            }
            CoordinatorEvent::RosterAdopted { roster, .. } => {
                run.roster = Some(roster.roster.clone());
                return Ok(Kind::Ground);
            }
            _ if run.plan.is_none() => return Err("the opening of its run is not among the entries".into()),
            CoordinatorEvent::OrderTaken { order } if !run.is_ordered(order, &self.federation) => {
                return Err("nobody of the roster of its run who may has signed that order".into());
            }
            _ => {}
        }
        let Some(deviates) = Deviates::of_run(&entry.event, |client| Roster::named(run.roster.as_ref(), client)) else {
            return Ok(Kind::Other);
        };
        let at = (entry.position, entry.at);
        self.part.deviated(at, deviation_line(at, run.name.clone(), deviates));
        Ok(Kind::Line)
    }

    /// Whether two people in two roles signed a statement, as far as it can be judged without the model: its group and its owner are not here.
    fn is_stated(&self, signed: &SignedStatement) -> bool {
        let SignedStatement { statement, first, second, .. } = signed;
        let (subject, action, federation) = (statement.digest(), statement.step.action(), &self.federation);
        let wanted = Wanted { action, subject: &subject, federation, owner: None, over: Over::Federation, now: None };
        let has_role = |one: &Attestation| {
            let person = self.record.roster.as_ref().and_then(|roster| roster.person(&one.staff));
            person.is_some_and(|person| person.holdings_of(one.role).next().is_some())
        };
        statement.federation == self.federation
            && first.staff != second.staff
            && first.role != second.role
            && signed.signatures().all(|one| one.judge_words(wanted).is_ok() && has_role(one))
    }

    /// The newest roster of the federation's own ledger.
    pub(super) fn roster(&self) -> Option<&Roster> {
        self.record.roster.as_ref()
    }

    /// The incidents that these entries tell of.
    pub(super) fn lines(self) -> Vec<IncidentLine> {
        self.part.lines(&self.record.incidents).into_iter().map(|(_, line)| line).collect()
    }
}
