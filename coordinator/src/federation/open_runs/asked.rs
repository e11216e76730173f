//! What the operator asks, and what the federation says of itself.

use tributary_certs::clock::unix_seconds;
use tributary_protocol::limits::RUNS_AT_ONCE_MAX;

use super::super::{sinking, witnessing};
use super::Federation;
use crate::control::{Request, Said, Status, WaitingStatus};

impl Federation<'_> {
    /// Answers an operator's question.
    pub(crate) fn answer(&self, request: Request) -> Said {
        match request {
            Request::Status => Said::Status(Box::new(self.status())),
            Request::Sites => Said::Sites(self.hands.sites(&self.roster.roster)),
            Request::Readiness(plan) => {
                let meant = self.runs.values().filter(|run| run.name().is_meant_by(&plan));
                Said::Readiness(meant.map(|run| run.readiness(&self.hands)).collect())
            }
        }
    }

    fn status(&self) -> Status {
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
        }
    }

    fn waiting(&self) -> Vec<WaitingStatus> {
        let full = format!("{RUNS_AT_ONCE_MAX} runs are open; it begins when one of them is over");
        self.agenda.waiting(&self.open_plans(), unix_seconds(), &full)
    }
}
