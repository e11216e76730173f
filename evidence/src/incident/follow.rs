//! A few entries of a log, followed for what they say of an incident.

use std::collections::BTreeMap;

use tributary_certs::suite::RealSuite;
use tributary_protocol::ids::ClientId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::Attestation;
use tributary_protocol::registry::{RegistryEvent, RegistryRecord};
use tributary_protocol::roster::{Roster, SignedRoster};
use tributary_protocol::round::{Claim, CoordinatorEvent};
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::signed::SignedBody as _;

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
#[derive(Default)]
pub(super) struct Followed {
    record: RegistryRecord,
    part: IncidentsPart,
    runs: BTreeMap<LedgerId, Run>,
}

#[derive(Default)]
struct Run {
    name: Option<String>,
    roster: Option<Roster>,
}

impl Run {
    fn client(&self, client: ClientId) -> String {
        let name = self.roster.as_ref().and_then(|roster| roster.name_of(client));
        name.map_or_else(|| format!("client {client}"), ToString::to_string)
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
                run.name = Some(run_name(plan, *number));
                return Ok(Kind::Ground);
            }
            CoordinatorEvent::RosterAdopted { roster, .. } => {
                run.roster = Some(roster.roster.clone());
                return Ok(Kind::Ground);
            }
            CoordinatorEvent::OrderTaken { order } if !signed_by(order, run.roster.as_ref()) => {
                return Err("an order's signature does not verify by the roster of its run".into());
            }
            _ => {}
        }
        let Some(deviates) = Deviates::of_run(&entry.event, |client| run.client(client)) else {
            return Ok(Kind::Other);
        };
        let at = (entry.position, entry.at);
        self.part.deviated(at, deviation_line(at, run.name.clone(), deviates));
        Ok(Kind::Line)
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

fn signed_by(order: &Attestation, roster: Option<&Roster>) -> bool {
    let person = roster.and_then(|roster| roster.person(&order.staff));
    person.is_some_and(|person| RealSuite::verify(&person.signing_key, &order.to_sign::<RealSuite>(), &order.signature))
}
