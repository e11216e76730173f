//! Metrics of a daemon's identity in a file, in Prometheus' text format (version 0.0.4), for the textfile collector of node_exporter and its
//! like: a branch opens no port for anybody, and none is needed here.

use std::fmt::Write as _;
use std::path::PathBuf;

use tributary_certs::files::{Existing, FileError, write_public};

/// The file's name in a daemon's state folder.
const FILE: &str = "metrics.prom";

/// Everybody must be able to tell a daemon that stopped: the file is written again after so many seconds, whatever it says.
const REFRESH_SECONDS: u64 = 30;

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

/// The file.
pub struct MetricsFile {
    path: PathBuf,
    written: Option<(u64, Vec<Metric>)>,
}

impl MetricsFile {
    /// `metrics.prom` in this folder.
    #[must_use]
    pub fn in_folder(folder: &std::path::Path) -> Self {
        Self { path: folder.join(FILE), written: None }
    }

    /// Replaces the file at once, if a value has changed or some time has passed. A file that cannot be written is logged once in a while and
    /// stops nothing.
    pub fn write(&mut self, now: u64, metrics: Vec<Metric>) {
        let fresh = |(at, last): &(u64, Vec<Metric>)| *last == metrics && now < at + REFRESH_SECONDS;
        if self.written.as_ref().is_some_and(fresh) {
            return;
        }
        if let Err(fault) = self.replace(now, &metrics) {
            tracing::warn!(%fault, "the metrics could not be written");
        }
        self.written = Some((now, metrics));
    }

    fn replace(&self, now: u64, metrics: &[Metric]) -> Result<(), FileError> {
        write_public(&self.path, render(now, metrics).as_bytes(), Existing::Replace)
    }
}

fn render(now: u64, metrics: &[Metric]) -> String {
    let written =
        Metric { name: "metrics_written_seconds", help: "Unix time at which this file was written.", value: now };
    let mut text = String::new();
    for Metric { name, help, value } in metrics.iter().chain([&written]) {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
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
        let mut file = MetricsFile::in_folder(folder.path());
        let stamp = |line: &str| line.rsplit(' ').next().unwrap().trim().parse::<u64>().unwrap();
        let read = || stamp(&std::fs::read_to_string(folder.path().join(FILE)).unwrap());
        file.write(100, vec![ENDS]);
        assert_eq!(read(), 100);
        file.write(101, vec![ENDS]);
        assert_eq!(read(), 100, "nothing is new");
        file.write(102, vec![Metric { value: 8, ..ENDS }]);
        assert_eq!(read(), 102);
        file.write(132, vec![Metric { value: 8, ..ENDS }]);
        assert_eq!(read(), 132, "a reader sees that the daemon lives");
        // A folder that is gone stops nothing.
        drop(folder);
        file.write(200, vec![ENDS]);
    }
}
