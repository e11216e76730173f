//! A few entries of a log, followed for what they say of an incident.

use std::collections::BTreeMap;

use tributary_certs::suite::RealSuite;
use tributary_protocol::budget::FirstUse;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::log::LedgerId;
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::{Attestation, Over, RunRef, Wanted};
use tributary_protocol::registry::{RegistryEvent, RegistryRecord, SignedStatement};
use tributary_protocol::role::Action;
use tributary_protocol::roster::{Roster, SignedRoster};
use tributary_protocol::round::{Claim, CoordinatorEvent, refusal_message};
use tributary_protocol::secagg::suite::{Signature, Suite as _};

use crate::entries::Entry;
use crate::report::IncidentLine;
use crate::report::deviates::{Deviates, run_name};
use crate::report::incidents::{IncidentsPart, deviation_line};

/// Who says what a line of a timeline says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// People or a branch have signed it, with keys that a roster gives them.
    Signed,
    /// The coordinator alone.
    Coordinator,
    /// Whoever has the key that the entry names; that this is the key of the data's owner the coordinator alone says.
    UnknownOwner,
}

impl Word {
    /// What is not verified of such a line; nothing where all of it is.
    pub(super) const fn not_verified(self) -> Option<&'static str> {
        match self {
            Self::Signed => None,
            Self::Coordinator => Some("nobody but the coordinator has signed it"),
            Self::UnknownOwner => Some(
                "the key that it names has signed it; that this is the key of the data's owner, nobody but the coordinator says",
            ),
        }
    }
}

/// What an entry is to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It gives a line of a timeline, if it falls into the incident's time: what happened, and who says so.
    Line(&'static str, Word),
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
    reference: Option<RunRef>,
    group: String,
    roster: Option<Roster>,
}

impl Run {
    /// Whether an order stops this run or its federation, by somebody who may. Whose own the plan is does not follow from these entries: who may order it
    /// of a plan of their own or of another's, may.
    fn is_ordered(&self, order: &Attestation, federation: &Digest) -> bool {
        let (Some(RunRef { plan, .. }), Some(roster)) = (&self.reference, &self.roster) else { return false };
        let (subject, over) = match order.action {
            Action::Freeze => (federation, Over::Federation),
            _ => (plan, Over::Group(&self.group)),
        };
        let by = |owner| {
            let wanted = Wanted { action: order.action, subject, federation, owner, over, now: None };
            order.judge::<RealSuite>(roster, wanted).is_ok()
        };
        by(None) || by(Some(&order.staff))
    }

    /// Whether a branch of the roster has signed that it refuses this run, or had refused before it knew of one.
    fn is_refused(&self, client: ClientId, code: RefusalCode, signature: &Signature) -> bool {
        let entry = self.roster.as_ref().and_then(|roster| roster.entry(client));
        let runs = [Some(RunId::NONE), self.reference.map(|run| run.id())];
        let signed = |key, run| RealSuite::verify(key, &refusal_message::<RealSuite>(run, code), signature);
        entry.is_some_and(|entry| runs.into_iter().flatten().any(|run| signed(&entry.signing_key, run)))
    }

    /// Whether a budget was begun for a member of the roster, by the key that is named as its owner's.
    fn is_begun(&self, client: ClientId, first: &FirstUse) -> bool {
        let own = |roster: &Roster| roster.entry(client).is_some() && first.may_be_of(client, roster);
        self.roster.as_ref().is_some_and(own) && first.is_signed::<RealSuite>()
    }

    /// Who says what an entry says that did not go as planned.
    ///
    /// # Errors
    /// In words, where it is signed by somebody else than it must be.
    fn word(&self, event: &CoordinatorEvent, federation: &Digest) -> Result<Word, &'static str> {
        let holds = |holds: bool, word, fault| if holds { Ok(word) } else { Err(fault) };
        match event {
            CoordinatorEvent::OrderTaken { order } => {
                let fault = "nobody of the roster of its run who may has signed that order";
                holds(self.is_ordered(order, federation), Word::Signed, fault)
            }
            CoordinatorEvent::ClientRefused { client, code, signature: Some(signature) } => {
                let fault = "the branch that it names has not signed that refusal";
                holds(self.is_refused(*client, *code, signature), Word::Signed, fault)
            }
            CoordinatorEvent::BudgetBegun { client, first } => {
                let fault = "the key that it names as the owner's has not begun that branch's budget";
                holds(self.is_begun(*client, first), Word::UnknownOwner, fault)
            }
            _ => Ok(Word::Coordinator),
        }
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
                Ok(Kind::Line(told.word.step.name(), Word::Signed))
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
                let what = deviates.what;
                self.part.deviated(at, deviation_line(at, None, deviates));
                Ok(Kind::Line(what, Word::Signed))
            }
            RegistryEvent::Noticed { notice } => {
                self.part.deviated(at, deviation_line(at, None, Deviates::of_notice(notice)));
                Ok(Kind::Line(notice.name(), Word::Coordinator))
            }
            _ => Ok(Kind::Other),
        }
    }

    /// An entry of a run. Signatures of people and branches are verified by the run's roster.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub(super) fn of_run(&mut self, ledger: LedgerId, entry: &Entry<CoordinatorEvent>) -> Result<Kind, String> {
        let run = self.runs.entry(ledger).or_default();
        match &entry.event {
            CoordinatorEvent::RunOpened { plan, number, .. } => {
                let reference = RunRef { plan: plan.digest(), number: *number };
                if LedgerId::from(reference.id()) != ledger {
                    return Err("its ledger is that of another run".into());
                }
                run.name = Some(run_name(plan, *number));
                (run.reference, run.group) = (Some(reference), plan.group.clone());
                return Ok(Kind::Ground);
            }
            CoordinatorEvent::RosterAdopted { roster, .. } => {
                run.roster = Some(roster.roster.clone());
                return Ok(Kind::Ground);
            }
            _ if run.reference.is_none() => return Err("the opening of its run is not among the entries".into()),
            _ => {}
        }
        let word = run.word(&entry.event, &self.federation)?;
        let Some(deviates) = Deviates::of_run(&entry.event, |client| Roster::named(run.roster.as_ref(), client)) else {
            return Ok(Kind::Other);
        };
        let (at, what) = ((entry.position, entry.at), deviates.what);
        self.part.deviated(at, deviation_line(at, run.name.clone(), deviates));
        Ok(Kind::Line(what, word))
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
