//! What the operator asks a running coordinator, and has it record; what the federation says of itself.

use tributary_certs::clock::unix_seconds;
use tributary_protocol::limits::RUNS_AT_ONCE_MAX;

use super::Federation;
use crate::control::{IncidentStatus, Request, Said, Status, WaitingStatus};
use crate::error::CoordinatorError;
use crate::federation::{sinking, witnessing};
use crate::registry::Recordable;
use crate::report::Event;

impl Federation<'_> {
    /// Answers an operator's question.
    ///
    /// # Errors
    /// If the journal cannot be written, which ends the process.
    pub(crate) fn answer(&mut self, request: Request) -> Result<Said, CoordinatorError> {
        Ok(match request {
            Request::Status => Said::Status(Box::new(self.status())),
            Request::Sites => Said::Sites(self.hands.sites(&self.roster.roster)),
            Request::Readiness(plan) => {
                let meant = self.runs.values().filter(|run| run.name().is_meant_by(&plan));
                Said::Readiness(meant.map(|run| run.readiness(&self.hands)).collect())
            }
            Request::Told(name) => self.told(&name)?,
        })
    }

    /// Records what a command brings: durable when it is answered.
    fn told(&mut self, name: &str) -> Result<Said, CoordinatorError> {
        let told = match Recordable::read(&self.state_dir, name) {
            None => return Ok(Said::NotRecorded("this is no name of a file that the journal takes".into())),
            Some(Err(fault)) => return Ok(Said::NotRecorded(fault.to_string())),
            Some(Ok(told)) => told,
        };
        let event = match told {
            Recordable::Look(_) => |words| Event::Looked { words },
            Recordable::Incident(_) => |words| Event::IncidentTold { words },
            Recordable::Export(_) | Recordable::Points(_) => |words| Event::Noted { words },
        };
        match self.hands.registry.hear(&mut self.hands.journal, &self.roster, told)? {
            Ok(words) => {
                self.hands.tell(None, event(words.clone()));
                Ok(Said::Recorded(words))
            }
            Err(refused) => Ok(Said::NotRecorded(refused.to_string())),
        }
    }

    fn status(&self) -> Status {
        let open = self.hands.registry.record().incidents.open().filter_map(|(number, incident)| {
            let (opening, last) = (incident.opening()?, incident.words.last()?);
            Some(IncidentStatus {
                number,
                severity: incident.severity().name().into(),
                since: opening.word.happened,
                opened_by: opening.signed.staff.to_string(),
                text: last.word.text.to_string(),
            })
        });
        Status {
            now_unix_ms: self.hands.clock.now().0,
            roster_epoch: self.roster.roster.epoch(),
            enrolled: self.roster.roster.entries().len(),
            here: self.hands.here().len(),
            runs: self.runs.values().map(|run| run.status(&self.hands)).collect(),
            waiting: self.waiting(),
            ended: self.past.runs().len(),
            log: witnessing::status(&self.hands, &self.roster),
            sink: sinking::status(&self.hands),
            incidents: open.collect(),
        }
    }

    fn waiting(&self) -> Vec<WaitingStatus> {
        let full = format!("{RUNS_AT_ONCE_MAX} runs are open; it begins when one of them is over");
        self.agenda.waiting(&self.open_plans(), unix_seconds(), &full)
    }
}
