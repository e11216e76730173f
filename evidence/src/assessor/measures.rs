//! What protects the data, as words: each is said as far as the report shows it.

use crate::report::ComplianceReport;

/// Every measure, in the order of the page.
pub(super) fn measures(report: &ComplianceReport) -> Vec<String> {
    let bounded = report.runs.iter().all(|run| run.mode != "none");
    let all = [
        Some("measure-local"),
        bounded.then_some("measure-clip"),
        Some(noise(report)),
        Some("measure-masks"),
        Some("measure-threshold"),
        Some(budget(report)),
        Some("measure-four-eyes"),
        Some("measure-grants"),
        Some(log(report)),
        Some("measure-channel"),
    ];
    all.into_iter().flatten().map(str::to_owned).collect()
}

/// Whether noise is in every sum, in some, or in none.
pub(super) fn noise(report: &ComplianceReport) -> &'static str {
    let noised = report.sent.iter().filter(|line| line.noised).count();
    match (noised, report.sent.len()) {
        (0, 1..) => "measure-noise-none",
        (noised, all) if noised < all => "measure-noise-some",
        _ => "measure-noise",
    }
}

/// Whether every branch has shown caps of a year and for life.
pub(super) fn budget(report: &ComplianceReport) -> &'static str {
    let branches = &report.spending.branches;
    let capped = branches.iter().all(|branch| branch.cap_year.is_some() && branch.cap_life.is_some());
    if capped && !branches.is_empty() { "measure-budget" } else { "measure-budget-some" }
}

/// Whether more than half of the branches have cosigned the log, as far as the report covers it.
pub(super) fn log(report: &ComplianceReport) -> &'static str {
    let (log, branches) = (&report.integrity, report.parties.branches.len());
    let most = |entries: u64| 2 * log.witnesses.iter().filter(|line| line.entries >= entries).count() > branches;
    match (most(log.covered), most(0)) {
        (true, _) => "measure-log",
        (false, true) => "measure-log-some",
        (false, false) => "measure-log-alone",
    }
}
