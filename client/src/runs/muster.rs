//! Who is missing at the coordinator, as it says: on this branch's screen and in its metrics. Nothing is decided by it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tributary_certs::clock::unix_seconds;
use tributary_daemon::{Metric, Metrics};
use tributary_protocol::ids::RunId;
use tributary_protocol::message::Muster;

/// How often an operator is told, at most: the coordinator may say it as often as it likes.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// What was told last, of each run.
pub(super) struct Board {
    metrics: Arc<Metrics>,
    told: BTreeMap<RunId, Told>,
}

struct Told {
    at: Instant,
    lacking: u32,
}

impl Board {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, told: BTreeMap::new() }
    }

    /// Too few members are there for a run. Whether the operator is to be told of it.
    pub(super) fn lacking(&mut self, run: RunId, muster: &Muster, now: Instant) -> bool {
        // A metric is a file: it is not written as often as somebody outside wants either.
        if self.told.get(&run).is_some_and(|last| now.saturating_duration_since(last.at) < TOLD_EVERY) {
            return false;
        }
        let lacking = muster.needed.saturating_sub(muster.here);
        self.told.insert(run, Told { at: now, lacking });
        self.publish();
        true
    }

    /// Enough are there for a run, or it is over.
    pub(super) fn filled(&mut self, run: RunId) {
        if self.told.remove(&run).is_some() {
            self.publish();
        }
    }

    /// The run that lacks most.
    fn publish(&self) {
        let help = "Members that a round or a key set-up needs and that are not at the coordinator, as it said last. Of the run that lacks most.";
        let value = self.told.values().map(|told| told.lacking).max().unwrap_or(0).into();
        self.metrics.publish("members", unix_seconds(), vec![Metric { name: "members_lacking", help, value }]);
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
        let (start, one, other) = (Instant::now(), RunId([1; 32]), RunId([2; 32]));
        let after = |seconds| start + Duration::from_secs(seconds);
        let told = (0..12)
            .filter(|second| board.lacking(one, &muster(u32::try_from(second % 2).unwrap() + 6), after(*second)));
        assert_eq!(told.count(), 3);
        let metrics = || std::fs::read_to_string(folder.path().join("metrics.prom")).unwrap();
        assert!(metrics().contains("\ntributary_members_lacking 2\n"), "{}", metrics());
        assert!(board.lacking(other, &muster(3), after(12)), "another run has its own turn");
        assert!(metrics().contains("\ntributary_members_lacking 5\n"), "{}", metrics());
        board.filled(other);
        assert!(metrics().contains("\ntributary_members_lacking 2\n"), "{}", metrics());
        board.filled(one);
        assert!(metrics().contains("\ntributary_members_lacking 0\n"), "{}", metrics());
    }
}
