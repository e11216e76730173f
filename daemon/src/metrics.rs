//! Metrics of a daemon's identity in a file, in Prometheus' text format (version 0.0.4), for the textfile collector of node_exporter and its
//! like: a branch opens no port for anybody, and none is needed here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tributary_storage::files::{Existing, FileError, write_public};

/// The file's name in a daemon's state folder.
const FILE: &str = "metrics.prom";

/// Everybody must be able to tell a daemon that stopped: the file is written again after so many seconds, whatever it says.
const REFRESH_SECONDS: u64 = 30;

/// The same where a count has changed.
const COUNT_SECONDS: u64 = 5;

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Without the prefix `tributary_`; a total's ends in `_total`.
    pub name: &'static str,
    /// What it is, in one line.
    pub help: &'static str,
    /// Now.
    pub value: u64,
}

/// The metrics of a daemon, which several of its loops publish, and their file. Shared.
pub struct Metrics {
    path: PathBuf,
    board: Mutex<Board>,
}

#[derive(Default)]
struct Board {
    parts: BTreeMap<&'static str, Vec<Metric>>,
    written: Option<(u64, Vec<Metric>)>,
}

impl Metrics {
    /// `metrics.prom` in this folder.
    #[must_use]
    pub fn in_folder(folder: &std::path::Path) -> Self {
        Self { path: folder.join(FILE), board: Mutex::default() }
    }

    /// Replaces a part, and the file: at once if a value has changed that is no count, and within some seconds otherwise. A file that cannot be
    /// written is logged once in a while and stops nothing.
    pub fn publish(&self, part: &'static str, now: u64, metrics: Vec<Metric>) {
        self.put(&mut self.board.lock().unwrap_or_else(PoisonError::into_inner), part, now, metrics);
    }

    /// As [`Metrics::publish`], but not where somebody else is writing: for whoever must not wait.
    pub fn try_publish(&self, part: &'static str, now: u64, metrics: Vec<Metric>) {
        if let Ok(mut board) = self.board.try_lock() {
            self.put(&mut board, part, now, metrics);
        }
    }

    fn put(&self, board: &mut Board, part: &'static str, now: u64, metrics: Vec<Metric>) {
        board.parts.insert(part, metrics);
        let metrics: Vec<Metric> = board.parts.values().flatten().copied().collect();
        let stands = |(at, last): &(u64, Vec<Metric>)| {
            let patience = if *last == metrics { REFRESH_SECONDS } else { COUNT_SECONDS };
            last.len() == metrics.len()
                && without_counts(last).eq(without_counts(&metrics))
                && (*at..at + patience).contains(&now)
        };
        if board.written.as_ref().is_some_and(stands) {
            return;
        }
        if let Err(fault) = self.replace(now, &metrics) {
            tracing::warn!(%fault, "the metrics could not be written");
        }
        board.written = Some((now, metrics));
    }

    fn replace(&self, now: u64, metrics: &[Metric]) -> Result<(), FileError> {
        write_public(&self.path, render(now, metrics).as_bytes(), Existing::Replace)
    }
}

/// A count changes as often as somebody outside wants, and a file is not written as often.
fn without_counts(metrics: &[Metric]) -> impl Iterator<Item = &Metric> {
    metrics.iter().filter(|metric| !is_count(metric.name))
}

fn is_count(name: &str) -> bool {
    name.ends_with("_total")
}

fn render(now: u64, metrics: &[Metric]) -> String {
    let written =
        Metric { name: "metrics_written_seconds", help: "Unix time at which this file was written.", value: now };
    let mut text = String::new();
    for Metric { name, help, value } in metrics.iter().chain([&written]) {
        let kind = if is_count(name) { "counter" } else { "gauge" };
        let lines =
            writeln!(text, "# HELP tributary_{name} {help}\n# TYPE tributary_{name} {kind}\ntributary_{name} {value}");
        lines.expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Metric = Metric { name: "certificate_not_after_seconds", help: "When it ends.", value: 7 };

    #[test]
    fn the_text_is_prometheus() {
        let failed = Metric { name: "renewal_failures_total", help: "Attempts.", value: 2 };
        let expected = "# HELP tributary_certificate_not_after_seconds When it ends.\n\
                        # TYPE tributary_certificate_not_after_seconds gauge\n\
                        tributary_certificate_not_after_seconds 7\n\
                        # HELP tributary_renewal_failures_total Attempts.\n\
                        # TYPE tributary_renewal_failures_total counter\n\
                        tributary_renewal_failures_total 2\n\
                        # HELP tributary_metrics_written_seconds Unix time at which this file was written.\n\
                        # TYPE tributary_metrics_written_seconds gauge\n\
                        tributary_metrics_written_seconds 100\n";
        assert_eq!(render(100, &[ENDS, failed]), expected);
    }

    #[test]
    fn the_file_changes_with_its_values_and_now_and_then() {
        let folder = tempfile::tempdir().unwrap();
        let file = Metrics::in_folder(folder.path());
        let stamp = |line: &str| line.rsplit(' ').next().unwrap().trim().parse::<u64>().unwrap();
        let read = || stamp(&std::fs::read_to_string(folder.path().join(FILE)).unwrap());
        file.publish("identity", 100, vec![ENDS]);
        assert_eq!(read(), 100);
        file.publish("identity", 101, vec![ENDS]);
        assert_eq!(read(), 100, "nothing is new");
        file.publish("identity", 102, vec![Metric { value: 8, ..ENDS }]);
        assert_eq!(read(), 102);
        file.publish("identity", 132, vec![Metric { value: 8, ..ENDS }]);
        assert_eq!(read(), 132, "a reader sees that the daemon lives");
        // A clock that was set back does not keep the file from being written.
        file.publish("identity", 90, vec![Metric { value: 8, ..ENDS }]);
        assert_eq!(read(), 90);
        // A folder that is gone stops nothing.
        drop(folder);
        file.publish("identity", 200, vec![ENDS]);
    }

    #[test]
    fn parts_stand_side_by_side_and_counts_write_no_file_by_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let file = Metrics::in_folder(folder.path());
        let read = || std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        let refused = |value| vec![Metric { name: "door_refused_total", help: "Refused.", value }];
        file.publish("identity", 100, vec![ENDS]);
        file.publish("door", 100, refused(1));
        assert!(read().contains("_seconds 7\n") && read().ends_with("written_seconds 100\n"));
        assert!(read().contains("\ntributary_door_refused_total 1\n"), "a new metric is written: {}", read());
        file.publish("door", 103, refused(2));
        assert!(read().contains("\ntributary_door_refused_total 1\n"), "{}", read());
        file.publish("door", 105, refused(3));
        assert!(read().contains("\ntributary_door_refused_total 3\n"), "{}", read());
    }
}
