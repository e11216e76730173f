//! Who is missing at the coordinator, as it says: on this branch's screen and in its metrics. Nothing is decided by it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tributary_certs::clock::unix_seconds;
use tributary_protocol::message::Muster;
use tributary_protocol::roster::Roster;
use tributary_transport::{Metric, Metrics};

use crate::telemetry::Report;

/// How often an operator is told, at most: the coordinator may say it as often as it likes.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// What was told last.
pub(crate) struct Board {
    metrics: Arc<Metrics>,
    told: Option<Instant>,
}

impl Board {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, told: None }
    }

    /// Too few members are there; what to tell of it, if anything.
    pub(crate) fn lacking(&mut self, muster: &Muster, roster: Option<&Roster>, now: Instant) -> Option<Report> {
        // A metric is a file: it is not written as often as somebody outside wants either.
        if self.told.is_some_and(|last| now.saturating_duration_since(last) < TOLD_EVERY) {
            return None;
        }
        self.told = Some(now);
        self.publish(muster.needed.saturating_sub(muster.here));
        Some(Report::muster(muster, roster))
    }

    /// Enough are there.
    pub(crate) fn filled(&mut self) {
        if self.told.take().is_some() {
            self.publish(0);
        }
    }

    fn publish(&self, members: u32) {
        let help = "Members that a round or a key set-up needs and that are not at the coordinator, as it said last.";
        let metric = Metric { name: "members_lacking", help, value: members.into() };
        self.metrics.publish("members", unix_seconds(), vec![metric]);
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::ids::ClientId;

    use super::*;

    #[test]
    fn an_operator_is_told_once_in_a_while_and_a_file_written_as_seldom() {
        let folder = tempfile::tempdir().unwrap();
        let mut board = Board::new(Arc::new(Metrics::in_folder(folder.path())));
        let muster = |here| Muster { here, needed: 8, missing: vec![ClientId(5)], more: 0 };
        let start = Instant::now();
        let mut told = 0;
        for second in 0..12 {
            let report = board.lacking(&muster(second % 2 + 6), None, start + Duration::from_secs(second.into()));
            told += u32::from(report.is_some());
        }
        assert_eq!(told, 3);
        let metrics = || std::fs::read_to_string(folder.path().join("metrics.prom")).unwrap();
        assert!(metrics().contains("\ntributary_members_lacking 2\n"), "{}", metrics());
        board.filled();
        assert!(metrics().contains("\ntributary_members_lacking 0\n"), "{}", metrics());
    }
}
